"""What a decision says, and that nothing unknown, unheard of or faulty ever grants."""

import subprocess
import sys
import tracemalloc
from dataclasses import replace

import cedarpy
import pytest

from support.terms_files import NOW, REGISTRY, terms
from touchstone.ledger import MalformedError
from touchstone.terms import (
    CallerAttributes,
    Decider,
    Request,
    TermsFileError,
    compile_policy,
    in_force,
    parse_policy,
)
from touchstone.terms.policy import decider as room

INSTANT = Request("final", "instant", NOW)
THINKING = Request("final", "thinking", NOW)
OPEN: dict[str, object] = {
    "id": "open",
    "effect": "permit",
    "variants": ["final"],
    "title": "Open to all",
}
GUARDED: dict[str, object] = {
    "id": "guarded",
    "effect": "forbid",
    "nationality": ["of-concern"],
    "dual": "any",
    "modes": ["thinking"],
}


def decider(*rules: dict[str, object]) -> Decider:
    return Decider(compile_policy(in_force(terms(*rules))))


def test_a_decision_names_its_rule_and_says_why():
    decision = decider(OPEN, GUARDED).decide(CallerAttributes(frozenset({"XA"})), THINKING)
    assert decision.allowed
    assert decision.rule == "open"
    assert decision.sentence == "Open to all: it permits variant final"


def test_an_unknown_fact_denies_and_is_named():
    decision = decider(OPEN, GUARDED).decide(CallerAttributes(), THINKING)
    assert not decision.allowed
    assert decision.rule == "guarded"
    assert decision.unknown == ("nationalities",)
    assert decision.sentence.endswith("denied because the nationality is unknown")
    assert decider(OPEN, GUARDED).decide(CallerAttributes(), INSTANT).allowed


def test_without_has_an_unknown_fact_would_be_granted(monkeypatch: pytest.MonkeyPatch):
    """The twin: Cedar skips a prohibition that fails on a missing fact, unless it is made safe."""
    made = compile_policy(in_force(terms(OPEN, GUARDED)))
    naked = made.cedar.replace(
        'if context has nationalities then context.nationalities.containsAny(["XB"]) else true',
        'context.nationalities.containsAny(["XB"])',
    )
    assert naked != made.cedar
    context = {
        "now": NOW,
        "mode": "thinking",
        "tier": "public",
        "organisation": "",
        "staff": False,
        "programmes": [],
        "lists": [],
    }
    request = {
        "principal": 'Person::"x"',
        "action": 'Action::"use"',
        "resource": 'Variant::"final"',
        "context": context,
    }
    answer = cedarpy.is_authorized(request, naked, "[]")
    assert answer.allowed
    assert answer.diagnostics.errors
    # Two more guards stand behind: the check against the schema, and the empty list of errors.
    assert not cedarpy.validate_policies(naked, made.schema).validation_passed
    monkeypatch.setattr(room, "is_authorized", lambda *_: answer)
    assert Decider(made).decide(CallerAttributes(), THINKING).rule == "fault"


def test_a_policy_that_does_not_fit_its_schema_is_refused():
    made = compile_policy(in_force(terms(OPEN))).as_dict()
    made["rules"][0]["cedar"] = "permit (principal, action, resource) when { context.rank > 3 };"
    with pytest.raises(TermsFileError, match="does not fit its schema"):
        Decider(parse_policy(made))


def test_a_policy_that_is_not_cedar_is_refused():
    made = compile_policy(in_force(terms(OPEN))).as_dict()
    made["rules"][0]["cedar"] = "permit everything"
    with pytest.raises(TermsFileError, match="parse error"):
        Decider(parse_policy(made))


@pytest.mark.parametrize(
    ("request_", "fact"),
    [
        (Request("finale", "instant", NOW), "variant"),
        (Request("final", "instantly", NOW), "mode"),
        (Request("final", "instant", NOW, "fun"), "purpose"),
    ],
)
def test_words_that_the_terms_do_not_know_deny_and_are_named(request_: Request, fact: str):
    decision = decider({"id": "all", "effect": "permit"}).decide(CallerAttributes(), request_)
    assert not decision.allowed
    assert decision.unknown == (fact,)


COUNTRY: dict[str, object] = {
    "id": "not-xb",
    "effect": "forbid",
    "nationality": ["XB"],
    "dual": "any",
}


@pytest.mark.parametrize("code", ["XBB", "Xb", "Exland", ""])
def test_a_country_that_no_code_names_is_unknown(code: str):
    found = decider(OPEN, COUNTRY).decide(CallerAttributes(frozenset({code})), INSTANT)
    assert not found.allowed
    assert found.unknown == ("nationalities",)


def test_without_the_guard_a_misspelt_country_is_granted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room, "sound", lambda facts: facts)
    assert decider(OPEN, COUNTRY).decide(CallerAttributes(frozenset({"XBB"})), INSTANT).allowed


def test_a_misspelt_residence_is_unknown():
    rule: dict[str, object] = {"id": "not-xb", "effect": "forbid", "residence": ["XB"]}
    found = decider(OPEN, rule).decide(CallerAttributes(residence="Exland"), INSTANT)
    assert found.unknown == ("residence",)


def test_no_known_nationality_is_not_all_of_a_set():
    """The empty set lies in every set: it must count as unknown, not as "all"."""
    rule: dict[str, object] = {
        "id": "all-home",
        "effect": "permit",
        "nationality": ["domestic"],
        "dual": "all",
    }
    assert not decider(rule).decide(CallerAttributes(), INSTANT).allowed
    assert decider(rule).decide(CallerAttributes(frozenset({"XA", "XH"})), INSTANT).allowed


def test_nobody_counting_is_no_budget():
    rule: dict[str, object] = {
        "id": "some",
        "effect": "permit",
        "budget": {"tokens": 10, "per": "day"},
    }
    decide = decider(rule).decide
    assert decide(CallerAttributes(), INSTANT).unknown == ("tokens_today",)
    assert decide(CallerAttributes(), Request("final", "instant", NOW, tokens_today=9)).allowed
    assert not decide(CallerAttributes(), Request("final", "instant", NOW, tokens_today=10)).allowed


@pytest.mark.parametrize(
    ("dual", "nationalities", "forbidden"),
    [
        ("any", {"XA", "XC"}, True),
        ("all", {"XA", "XC"}, False),
        ("home", {"XA", "XC"}, False),
        ("home", {"XC", "XD"}, True),
        ("all", {"XC", "XD"}, True),
        ("any", {"stateless"}, True),
        ("home", {"stateless"}, True),
        ("any", {"XA"}, False),
    ],
)
def test_dual_nationals_are_decided_as_drafted(dual: str, nationalities: set[str], forbidden: bool):
    rule: dict[str, object] = {
        "id": "foreign",
        "effect": "forbid",
        "nationality": ["foreign"],
        "dual": dual,
    }
    found = decider(OPEN, rule).decide(CallerAttributes(frozenset(nationalities)), INSTANT)
    assert found.allowed is not forbidden


def test_an_exception_that_is_only_possible_does_not_help():
    rule: dict[str, object] = {
        **GUARDED,
        "nationality": ["foreign"],
        "except": [{"residence": ["domestic"]}],
    }
    decide = decider(OPEN, rule).decide
    foreign = frozenset({"XC"})
    assert decide(CallerAttributes(foreign, "XA"), THINKING).allowed
    found = decide(CallerAttributes(foreign), THINKING)
    assert not found.allowed
    assert found.unknown == ("residence",)


def test_the_registry_settles_who_belongs_where():
    assert REGISTRY.facts("bo").programmes == {"early"}
    assert REGISTRY.facts("bo").lists == {"restored"}
    assert REGISTRY.facts("lee").staff
    assert REGISTRY.facts("ann").tier == "named-list"
    assert REGISTRY.facts("vic", verified=True).tier == "verified"
    assert REGISTRY.facts("nobody") == CallerAttributes()


def test_windows_open_and_close_on_their_edges():
    window = {"from": "2026-11-18T00:00:00Z", "until": "2026-11-19T00:00:00Z"}
    made = compile_policy(in_force(terms({"id": "day", "effect": "permit", **window})))
    start, end = made.edges
    assert end - start == 86400
    assert made.next_edge(start - 1) == start
    assert made.next_edge(start) == end
    assert made.next_edge(end) is None
    decide = Decider(made).decide
    allowed = [
        decide(CallerAttributes(), Request("final", "instant", at)).allowed
        for at in (start - 1, start, end - 1, end)
    ]
    assert allowed == [False, True, True, False]


def test_a_policy_comes_back_as_it_went():
    made = compile_policy(in_force(terms(OPEN, GUARDED)))
    assert parse_policy(made.as_dict()) == made
    for key in made.as_dict():
        broken = made.as_dict()
        del broken[key]
        with pytest.raises(MalformedError):
            parse_policy(broken)


def test_a_gateway_loads_no_solver():
    code = (
        "import sys, touchstone.terms, touchstone.terms.policy.decider; "
        "print([name for name in ('z3', 'numpy', 'inspect_ai', 'django') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_decider_keeps_no_product_of_what_terms_declare():
    """Of 600 variants and 600 modes it held 1.8 million targets before the first question."""
    names = tuple(f"v{number}" for number in range(600))
    policy = replace(compile_policy(in_force(terms(OPEN))), variants=names, modes=names, rules=())
    tracemalloc.start()
    try:
        decided = Decider(policy).decide(CallerAttributes(), Request("v1", "v2", NOW))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert not decided.allowed
    assert most < 20_000_000
