"""The blast radius on real people, against the plain reading person by person."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.terms_files import NOW, PEOPLE, POPULATION, REGISTRY, drawn_rules, terms
from touchstone.editions.impact_text import example, impact_lines
from touchstone.terms import (
    AccessRule,
    CallerAttributes,
    Directive,
    DocumentTooLargeError,
    Person,
    Population,
    Request,
    Ruleset,
    Terms,
    TermsFileError,
    compile_policy,
    in_force,
    parse_directive,
    parse_people,
)
from touchstone.terms.analysis.grid import Grid
from touchstone.terms.directives.impact import FATES, AffectedGroup, impact, kind, summed
from touchstone.terms.policy.conditions import MOST_RULES

OPEN = {"id": "open", "effect": "permit"}
FINAL = {"id": "final", "effect": "permit", "variants": ["final"], "tiers": ["verified"]}
HEAD = """format = "touchstone/directive/1"
id = "june-12"
title = "Suspend"
reason = "an invented worry"
expires = "2026-12-01T00:00:00Z"
"""
FOREIGN = '[[rules]]\nid = "foreign"\neffect = "forbid"\nnationality = ["foreign"]\ndual = "home"\n'
RESTORED = '[[restores]]\ndirective = "june-12"\nlists = ["restored"]\n'


def directive(agreed: Terms, body: str = FOREIGN, name: str = "june-12") -> Directive:
    return parse_directive(HEAD.replace("june-12", name) + body, "d.toml", agreed)


def requests(agreed: Terms) -> list[Request]:
    words = agreed.text
    return [
        Request(variant, mode, NOW, purpose, 0, 0)
        for variant in words.variants
        for mode in words.modes
        for purpose in (None, *words.purposes)
    ]


def permits(ruleset: Ruleset, facts: CallerAttributes, request: Request) -> bool:
    rule = ruleset.decisive(facts, request)
    return rule is not None and rule.effect == "permit"


def surely(rules: tuple[AccessRule, ...], facts: CallerAttributes, request: Request) -> bool:
    """Whether some prohibition applies for what is known: doubts read the other way."""
    return any(
        AccessRule(each.id, "permit", each.conditions, each.exceptions).applies(facts, request)
        for each in rules
    )


def fate(agreed: Terms, order: Directive, facts: CallerAttributes) -> str:
    before, after = in_force(agreed), in_force(agreed, [order])
    asked = requests(agreed)
    lost = [r for r in asked if permits(before, facts, r) and not permits(after, facts, r)]
    if lost:
        return "blocked" if any(surely(order.rules, facts, r) for r in lost) else "unknown"
    return "kept" if any(permits(before, facts, r) for r in asked) else "outside"


@given(rules=drawn_rules(), prohibitions=drawn_rules())
def test_everyone_has_the_fate_of_the_plain_reading(
    rules: list[dict[str, object]], prohibitions: list[dict[str, object]]
):
    from support.terms_files import terms_text  # noqa: PLC0415 - the body's rules only

    agreed = terms(*rules)
    written = [
        {k: v for k, v in each.items() if k != "budget"} | {"effect": "forbid"}
        for each in prohibitions
    ]
    body = "[[rules]]" + terms_text(*written).partition("[[rules]]")[2]
    order = directive(agreed, body)
    found = impact(agreed, [], [order], POPULATION, NOW)
    expected = Counter(
        dict.fromkeys(FATES, 0)
        | Counter(fate(agreed, order, facts) for facts in POPULATION.groups.elements())
    )
    assert {each: getattr(found, each) for each in FATES} == expected
    assert found.people == len(PEOPLE)
    for groups in (found.by_kind, found.by_tier, found.by_country):
        for name in ("people", *FATES):
            assert sum(getattr(group, name) for group in groups) == getattr(found, name)
    assert found.losing <= found.everyone <= found.people - found.outside
    assert {each.fate for each in found.samples} == {
        each for each in FATES if getattr(found, each) and each != "outside"
    }


def test_blast_radius_against_blocking_everyone():
    agreed = terms(OPEN, dual="home")
    found = impact(agreed, [], [directive(agreed)], POPULATION, NOW)
    assert found.counts() == {
        "people": 8,
        "blocked": 2,
        "unknown": 1,
        "kept": 5,
        "outside": 0,
        "nothing": 3,
        "gaining": 0,
        "everyone": 8,
    }
    assert found.share == 3 / 8
    by_kind = {group.name: group for group in found.by_kind}
    assert by_kind["own-staff-foreign"].blocked == 1
    assert by_kind["dual"].kept == 2
    assert by_kind["unknown"].unknown == 1
    said = "\n".join(impact_lines(found))
    assert "Blocking everyone would take from 8: this spares 5 of them." in said
    assert "denied because the nationality is unknown" in said
    assert found.as_dict()["losing"] == 3


def test_those_who_could_do_nothing_are_not_counted_as_lost():
    agreed = terms(FINAL, dual="home")
    found = impact(agreed, [], [directive(agreed)], POPULATION, NOW)
    assert (found.outside, found.kept, found.losing, found.everyone) == (6, 2, 0, 2)


def test_a_restoration_counts_as_gain():
    agreed = terms(OPEN, dual="home")
    order, later = directive(agreed), directive(agreed, RESTORED, "june-26")
    found = impact(agreed, [order], [order, later], POPULATION, NOW)
    assert (found.gaining, found.losing, found.everyone) == (1, 0, 0)
    lifted = impact(agreed, [order], [], POPULATION, NOW)
    assert lifted.gaining == 3


SMALL = '[[rules]]\nid = "small"\neffect = "forbid"\nvariants = ["final"]\nnationality = ["XC"]\n'


def test_who_loses_by_another_order_s_end_is_not_counted_as_spared():
    """The end of a restoration takes from people whom the new order, for everyone, would not."""
    agreed = terms(
        FINAL, {"id": "rest", "effect": "permit", "variants": ["restricted"]}, dual="home"
    )
    order, later = directive(agreed), directive(agreed, RESTORED, "june-26")
    small = directive(agreed, SMALL, "june-30")
    found = impact(agreed, [order, later], [order, small], POPULATION, NOW)
    blocking = impact(agreed, [order], [order, small], POPULATION, NOW).everyone
    assert found.losing > 0
    # Who loses by the end alone is of those who lose, whatever the new order names.
    assert found.everyone == blocking + found.losing
    assert found.spared == blocking
    said = "\n".join(impact_lines(found))
    assert f"Blocking everyone would take from {found.everyone}: this spares {blocking}" in said


def test_nobody_is_affected_where_there_is_nobody():
    agreed = terms(OPEN, dual="home")
    found = impact(agreed, [], [directive(agreed)], Population(REGISTRY), NOW)
    assert found.counts() == dict.fromkeys(found.counts(), 0)
    assert found.share == 0
    assert impact_lines(found)


def test_more_rules_than_are_told_apart_are_refused_in_a_line():
    agreed = terms(OPEN)
    ruleset = in_force(agreed)
    (rule,) = ruleset.rules
    full = replace(ruleset, rules=tuple(replace(rule, id=f"r{n}") for n in range(MOST_RULES)))
    assert compile_policy(full).rules[-1].id == f"r{MOST_RULES - 1}"
    grid = Grid((full,), POPULATION, NOW, thorough=False)
    assert grid.decisive(full).max() == 0
    with pytest.raises(DocumentTooLargeError, match="come to 40,000 rules, and at most 32,768"):
        replace(ruleset, rules=ruleset.rules * 40_000)


def test_kinds():
    home = frozenset({"XA", "XH"})
    kinds = {
        kind(CallerAttributes(frozenset(held)), home)
        for held in (["XA"], ["XA", "XH"], ["XA", "XB"], ["XB"], ["stateless"], [])
    }
    assert kinds == {"national", "dual", "foreign", "stateless", "unknown"}
    assert kind(CallerAttributes(frozenset({"XB"}), staff=True), home) == "own-staff-foreign"


@given(st.lists(st.integers(1, 9), min_size=1, max_size=40))
def test_a_long_table_is_summed_and_loses_nobody(sizes: list[int]):
    groups = [AffectedGroup(str(n), size, size, 0, 0, 0) for n, size in enumerate(sizes)]
    shown = summed(groups)
    assert len(shown) <= 12
    assert sum(group.people for group in shown) == sum(sizes)


CSV = "id,nationalities,residence,verified\nann,XA XB,XA,true\n\nbo,,,\n"


def test_people_come_from_a_table():
    assert list(parse_people("\ufeff" + CSV, "people.csv")) == [
        Person("ann", frozenset({"XA", "XB"}), "XA", verified=True),
        Person("bo"),
    ]
    assert list(parse_people("id\r\nann\r\n", "p.csv")) == [Person("ann")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "p.csv: line 1: name the columns"),
        ("name\nx\n", "line 1: name the columns"),
        ("id,nationality\nx,XA\n", "unknown column 'nationality' (did you mean"),
        ("id,residence\nx\n", "line 2 has 1 cells, and the header 2"),
        ("id,nationalities\nx,Britain\n", "line 2, column nationalities: 'Britain' is no two"),
        ("id,residence\nx,stateless\n", "line 2, column residence: 'stateless' is no two-letter"),
        ("id,verified\nx,yes\n", 'line 2, column verified: write "true" or "false"'),
        ("id,verified\n,true\n", "line 2, column id: is empty: write who it is"),
        ("id\np\x1b[31m\n", "line 2, column id: holds the unseen character U+001B: leave it out"),
        ("id\np\u3164\n", "line 2, column id: holds the unseen character U+3164: leave it out"),
        ("id\nx\nx\n", 'line 3: the id "x" twice: take one out'),
        ('id\n"x\n', "is not CSV"),
        ('id\n"a\nb"\n', "column id: holds the unseen character U+000A: leave it out"),
        (f"id\n{'x' * 501}\n", "line 2, column id: is longer than 500 characters"),
    ],
)
def test_a_table_of_people_is_refused_with_line_and_column(text: str, told: str):
    with pytest.raises(TermsFileError) as refused:
        list(parse_people(text, "p.csv"))
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("rule", "end"), [({}, ""), ({"purposes": ["evaluation"]}, " for evaluation")]
)
def test_a_sample_says_for_which_purpose(rule: dict[str, Any], end: str):
    agreed = terms({**OPEN, **rule}, dual="home")
    found = impact(agreed, [], [directive(agreed)], POPULATION, NOW)
    asks = {example(each).partition(" asking for ")[2].partition(":")[0] for each in found.samples}
    assert asks
    assert asks <= {f"variant final in mode {mode}{end}" for mode in ("instant", "thinking")}
