"""Claims: what is understood, what is proved, and what a refutation says."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import z3

from support.terms_files import NOW, POPULATION, REGISTRY, terms
from touchstone.terms import ClaimError, DocumentTooLargeError, Population
from touchstone.terms.analysis.prove import Proof, prove
from touchstone.terms.analysis.symbolic_callers import SymbolicCallers

TERMS = terms(
    {"id": "partners", "effect": "permit", "tiers": ["trusted-partner"], "lists": ["restored"]},
    {"id": "staff", "effect": "permit", "staff": True},
    {
        "id": "home",
        "effect": "permit",
        "nationality": ["domestic"],
        "dual": "all",
        "modes": ["instant"],
        "budget": {"tokens": 10, "per": "day"},
    },
    {"id": "early", "effect": "permit", "tiers": ["government"], "until": "2026-11-01T00:00:00Z"},
    {
        "id": "known",
        "effect": "forbid",
        "nationality": ["of-concern"],
        "dual": "any",
        "modes": ["thinking"],
    },
)


def proof(claim: str, population: Population = POPULATION) -> Proof:
    return prove(claim, TERMS, population, NOW)


@pytest.mark.parametrize(
    "claim",
    [
        "no person without a known nationality reaches mode thinking",
        "no person without a known nationality reaches mode thinking at any time.",
        "no person with nationality of-concern reaches mode thinking at any time",
        "every partner on the list restored keeps access",
        "every partner on the list keeps access",
        "every employee keeps access to",
        "no official reaches variant final mode thinking for evaluation",
        "no person of tier public reaches mode thinking",
        "no person of organisation example-yard not on the list restored reaches mode thinking",
        "no person resident in XC of tier government reaches mode thinking",
        "every person with nationality XA without a known residence reaches variant final",
        "no person of end user military not on the list restored reaches mode thinking",
        "no person of programme late of tier public reaches mode thinking",
    ],
)
def test_claims_that_hold(claim: str):
    found = proof(claim.removesuffix(" to"))
    assert found.holds, found.lines()
    assert found.counterexample is None
    assert found.lines()[0].startswith("PROVED: ")


@pytest.mark.parametrize(
    ("claim", "person", "rule"),
    [
        ("no person with nationality foreign reaches variant final", "lee", "staff"),
        ("every person keeps access", None, None),
        ("every official reaches mode thinking", "of", "default"),
        ("no official reaches mode thinking at any time", "of", "early"),
        ("every partner reaches mode thinking", "yu", "known"),
        ("no person on the list trial reaches access", "", None),
        ("no person on the list with nationality foreign reaches access", "", None),
    ],
)
def test_claims_that_do_not_hold(claim: str, person: str | None, rule: str | None):
    found = proof(claim)
    assert not found.holds
    counter = found.counterexample
    assert counter is not None
    if person == "":
        assert counter.person is None
        assert "nobody in the user base today" in found.lines()[1]
    elif person is not None:
        assert counter.person == person
    if rule is not None:
        assert counter.rule == rule
    assert found.lines()[0] == f"REFUTED: {claim}"
    assert json.dumps(found.as_dict())


def test_a_refutation_is_in_words():
    found = proof("no employee with nationality foreign reaches mode thinking")
    assert found.lines()[1].startswith(
        "For instance, lee (nationality XC, residence XA, tier named-list, organisation "
        "example-lab, end user civil, the developer's own staff) reaches variant "
    )
    assert found.lines()[1].endswith("by rule staff.")


def test_a_claim_about_nobody_says_so():
    found = proof("every person on the list trial keeps access")
    assert found.holds
    assert found.about_nobody
    assert "nobody whom the claim speaks of" in found.lines()[1]
    assert proof("every person keeps access", Population(REGISTRY)).about_nobody
    assert not proof("every employee keeps access").about_nobody


@pytest.mark.parametrize(
    ("claim", "says"),
    [
        ("", 'word 1, "the end": write "no", "every"'),
        ("all people keep access", 'word 1, "all"'),
        ("no persn reaches access", 'did you mean "person"'),
        ("no person", 'word 3, "the end": write "reaches", "keeps"'),
        ("no person reaches", 'write "access", "variant", "mode", "for"'),
        ("no person reaches mode thinkin", 'did you mean "thinking"'),
        ("no person reaches mode thinking mode instant", 'names "mode" twice'),
        ("no person with nationality Germany reaches access", "two-letter country code"),
        ("no person on the list restord reaches access", 'did you mean "restored"'),
        ("no person of tier king reaches access", '"government"'),
        ("no person reaches access at any time now", 'write "the end"'),
        ("no person reaches access at night", 'word 6, "night": write "any"'),
        ("no person\nreaches access", "one line"),
        ("no person " * 100, "one line"),
    ],
)
def test_a_claim_that_is_not_understood_is_refused_in_one_line(claim: str, says: str):
    with pytest.raises(ClaimError) as caught:
        proof(claim)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_undecided_is_no_proof(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(z3.Solver, "check", lambda _: z3.unknown)
    with pytest.raises(DocumentTooLargeError, match="was not decided"):
        proof("every person keeps access")


def test_proofs_in_many_threads_do_not_disturb_one_another():
    claims = [
        "every partner on the list restored keeps access",
        "no person with nationality foreign reaches variant final",
        "every person keeps access",
    ]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda claim: proof(claim).holds, claims * 6))
    assert found == [True, False, False] * 6


def test_as_json_a_refutation_has_its_person_and_a_proof_has_none():
    refuted = proof("no employee with nationality foreign reaches mode thinking").as_dict()
    found = refuted["counterexample"]
    assert isinstance(found, dict)
    assert (refuted["holds"], found["person"], found["rule"]) == (False, "lee", "staff")
    proved = proof("no person of tier public reaches mode thinking").as_dict()
    assert (proved["holds"], proved["counterexample"]) == (True, None)


def test_a_residence_is_one_of_those_that_there_are_or_unknown():
    people = SymbolicCallers([], POPULATION)
    for at, there in ((-2, False), (-1, True), (0, True), (len(people._homes), False)):
        solver = people.solver()
        solver.add(people._residence == at)
        assert (solver.check() == z3.sat) is there
