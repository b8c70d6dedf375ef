"""Who gains and who loses, in words that are right."""

import json
from itertools import product

import pytest
from hypothesis import given, settings

from support.terms_files import NOW, PEOPLE, POPULATION, REGISTRY, drawn_rules, terms
from touchstone.terms import (
    DocumentTooLargeError,
    Person,
    Population,
    Request,
    Ruleset,
    in_force,
    parse_directive,
)
from touchstone.terms.analysis import grid
from touchstone.terms.analysis.axes import Axis, _unregistered
from touchstone.terms.analysis.difference import difference
from touchstone.terms.directives.coverage import exceeds

OPEN = {"id": "open", "effect": "permit", "variants": ["final"]}
FOREIGN = {"id": "foreign", "effect": "forbid", "nationality": ["foreign"], "dual": "any"}


def reach(ruleset: Ruleset, person: Person, at: int) -> set[tuple[object, ...]]:
    """What a person can do, by the plain reading, for all that a drawn rule can tell apart."""
    facts = REGISTRY.facts(
        person.id, person.nationalities, person.residence, verified=person.verified
    )
    found: set[tuple[object, ...]] = set()
    for variant in ruleset.variants:
        for mode in ruleset.modes:
            for purpose in (None, *ruleset.purposes):
                for tokens in product((None, 0, 100, 1000), repeat=2):
                    asked = Request(variant, mode, at, purpose, *tokens)
                    rule = ruleset.decisive(facts, asked)
                    if rule is not None and rule.effect == "permit":
                        found.add((variant, mode, purpose, tokens))
    return found


@given(drawn_rules(), drawn_rules())
@settings(max_examples=25)
def test_the_counts_are_those_of_the_plain_reading(
    old: list[dict[str, object]], new: list[dict[str, object]]
):
    before, after = in_force(terms(*old)), in_force(terms(*new))
    found = difference(before, after, POPULATION, at=NOW)
    pairs = [(reach(before, each, NOW), reach(after, each, NOW)) for each in PEOPLE]
    assert found.gaining == sum(bool(now - was) for was, now in pairs)
    assert found.losing == sum(bool(was - now) for was, now in pairs)
    assert found.barred == sum(bool(was - now) and not now for was, now in pairs)
    for change in found.changes:
        facts, request = change.example.facts, change.example.request
        was, now = before.decisive(facts, request), after.decisive(facts, request)
        assert (was.id if was else "default") == change.example.before
        assert (now.id if now else "default") == change.example.after
        assert (now is not None and now.effect == "permit") is change.gains
        assert (was is not None and was.effect == "permit") is not change.gains
    json.dumps(found.as_dict())


def test_nothing_changes_for_anyone():
    same = in_force(terms(OPEN))
    found = difference(same, same, POPULATION)
    assert not found
    assert found.lines()[0].startswith("Nothing changes for anyone")


def test_a_loss_says_who_what_why_and_gives_a_real_example():
    found = difference(in_force(terms(OPEN)), in_force(terms(OPEN, FOREIGN)), POPULATION)
    (change,) = found.changes
    assert not change.gains
    assert change.because == (
        "foreign forbids nationality any country but XA, XH (one of several is enough)"
    )
    assert change.what == "variant final"
    assert change.example.person in {each.id for each in PEOPLE}
    assert (found.people, found.losing, found.barred, found.gaining) == (8, 5, 5, 0)
    assert any(line.startswith("LOSE  5 people: foreign forbids") for line in found.lines())


def test_a_gain_comes_after_the_losses():
    other = {"id": "other", "effect": "permit", "variants": ["restricted"]}
    found = difference(in_force(terms(OPEN)), in_force(terms(other)), POPULATION)
    assert [change.gains for change in found.changes] == [False, True]
    assert found.changes[0].because.startswith("no longer permitted; open did: permits")
    assert found.changes[1].because == "other permits variant restricted"
    assert (found.gaining, found.losing, found.barred) == (8, 8, 0)


def test_a_variant_that_only_one_document_knows_is_denied_by_the_other():
    new = terms(OPEN, {"id": "all", "effect": "permit"}, variants=["final", "public"])
    found = difference(in_force(terms(OPEN)), in_force(new), POPULATION)
    (change,) = found.changes
    assert change.gains
    assert change.what == "variant public"


def test_the_preview_of_a_directive_is_a_difference_at_one_time():
    base = terms(OPEN)
    text = """
format = "touchstone/directive/1"
id = "d-1"
title = "Foreign nationals"
reason = "An invented reason"
expires = 2026-12-31T00:00:00Z
[[rules]]
id = "foreign"
effect = "forbid"
nationality = ["foreign"]
dual = "home"
[[rules.except]]
lists = ["restored"]
"""
    directive = parse_directive(text, "d.toml", base)
    old, new = in_force(base), in_force(base, [directive])
    now = difference(old, new, POPULATION, at=NOW)
    assert (now.losing, now.barred) == (2, 2)
    assert {change.rule for change in now.changes} == {"d-1/foreign"}
    assert not difference(old, new, POPULATION, at=directive.expires)


def test_of_very_many_cases_all_real_people_are_compared(monkeypatch: pytest.MonkeyPatch):
    listed = {
        "id": "listed",
        "effect": "permit",
        "lists": ["trial"],
        "organisations": ["example-bank"],
        "programmes": ["late"],
    }
    old, new = in_force(terms(OPEN)), in_force(terms(OPEN, FOREIGN, listed))
    whole = difference(old, new, POPULATION)
    cells = grid.Grid((old, new), POPULATION)
    monkeypatch.setattr(grid, "MAX_BITS", cells.who.classes.size * len(cells.who.truth) - 1)
    fewer = difference(old, new, POPULATION)
    assert (whole.thorough, fewer.thorough) == (True, False)
    assert fewer.cells < whole.cells
    assert (fewer.gaining, fewer.losing, fewer.barred) == (
        whole.gaining,
        whole.losing,
        whole.barred,
    )
    assert any("All real people were compared" in line for line in fewer.lines())


def test_a_residence_that_nobody_has_yet_is_compared_too():
    assert all(each.residence != "ZW" for each in PEOPLE)
    welcome = {"id": "welcome", "effect": "permit", "residence": ["ZW"], "variants": ["final"]}
    closed = {**OPEN, "residence": ["XA"]}
    found = difference(in_force(terms(closed)), in_force(terms(closed, welcome)), POPULATION)
    assert {change.example.facts.residence for change in found.changes} == {"ZW"}
    assert (found.gaining, found.losing) == (0, 0)


def test_too_many_cases_are_refused_in_one_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(grid, "MAX_CELLS", 1)
    with pytest.raises(DocumentTooLargeError, match="compare fewer rules"):
        difference(in_force(terms(OPEN)), in_force(terms(OPEN, FOREIGN)), POPULATION)


def test_a_misspelt_country_in_the_user_base_counts_as_unknown():
    people = Population(REGISTRY, [Person("x", frozenset({"Exland"}), "nowhere")])
    (facts,) = people.groups
    assert not facts.nationalities
    assert facts.residence is None


def test_a_change_at_some_times_alone_says_at_which():
    early = {"id": "early", "effect": "forbid", "until": "2026-12-01T00:00:00Z"}
    (change,) = difference(in_force(terms(OPEN)), in_force(terms(OPEN, early)), POPULATION).changes
    assert change.what.startswith("variant final, at times such as 20")


def test_an_organisation_that_rules_name_and_nobody_registered_is_compared():
    known = ["example-lab", "example-bank", "example-new"]
    new = {"id": "new", "effect": "permit", "organisations": ["example-new"], "modes": ["instant"]}
    before, after = (terms(*rules, organisations=known) for rules in ((OPEN,), (OPEN, new)))
    (change,) = difference(in_force(before), in_force(after), POPULATION).changes
    assert change.gains
    assert "example-new" in str(change.who)
    conditions = [each for rule in in_force(after).rules for each in rule.conditions]
    for thorough in (True, False):
        found = {each.id for each in _unregistered(conditions, POPULATION, thorough=thorough)}
        assert found == {"example-new", "(another organisation)"}


def test_a_grid_too_large_for_64_bits_is_refused_like_any_other():
    """Four axes of 2^16 points are 2^64 cells, which wrapped to none at all."""
    axis = Axis(tuple(map(str, range(1 << 16))), {})
    with pytest.raises(DocumentTooLargeError, match="too many cases"):
        grid.Side(
            dict.fromkeys(("variant", "mode", "purpose", "now"), axis),
            [grid.Column((), doubt=True)],
        )


def test_what_three_nationalities_alone_would_change_is_compared():
    """Whoever holds XB, XC and XD gains by the exception; no one of them and no two do."""
    permit = {"id": "a", "effect": "permit", "nationality": ["XB"], "dual": "any"}
    forbid = {"id": "f", "effect": "forbid", "nationality": ["XC"], "dual": "any"}
    spare: list[dict[str, object]] = [{"nationality": ["XD"], "dual": "any"}]
    old, new = in_force(terms(permit, forbid)), in_force(terms(permit, {**forbid, "except": spare}))
    found = difference(old, new, Population(REGISTRY))
    (change,) = found.changes
    assert change.gains
    assert change.example.facts.nationalities == {"XB", "XC", "XD"}
    assert found.nationalities_at_once is None


def test_more_nationalities_than_can_be_combined_are_said_not_to_be_compared():
    """Ten conditions tell eleven kinds apart, which have two thousand combinations."""
    rules: list[dict[str, object]] = [
        {"id": f"r{number}", "effect": "permit", "nationality": [f"X{letter}"], "dual": "any"}
        for number, letter in enumerate("ABCDEFGHIJ")
    ]
    some = in_force(terms(*rules))
    found = difference(some, some, Population(REGISTRY))
    assert found.nationalities_at_once == 2
    assert (
        found.lines()[-1] == "Of more than 2 nationalities at once, only real ones were compared."
    )
    assert found.as_dict()["nationalities_at_once"] == 2
    one = in_force(terms({**rules[0], "effect": "forbid"})).rules
    assert exceeds(one, one, terms(*rules), Population(REGISTRY)).thorough
    several = in_force(terms(*({**rule, "effect": "forbid"} for rule in rules))).rules
    assert not exceeds(several, several, terms(*rules), Population(REGISTRY)).thorough
