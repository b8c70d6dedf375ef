"""Decisions remembered: no longer than they hold, for nobody else, never where tokens count."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.gateway_loop import ALLIES, DOMESTIC, bundle
from support.terms_files import NOW, drawn_rules
from touchstone.gateway.decision_cache import DecisionCache, TokensUsed
from touchstone.gateway.identity import Caller
from touchstone.terms import Decider, Request

ANN = Caller("ann", b"1" * 32, frozenset({"XA"}))
BUDGET = {**DOMESTIC, "budget": {"tokens": 100, "per": "day"}}
WINDOW = {**DOMESTIC, "from": "2026-11-01T00:00:00Z", "until": "2026-12-01T00:00:00Z"}
DECEMBER = 1_796_083_200


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """Every request that the policy's own decider was asked about."""
    seen: list[Request] = []
    decide = Decider.decide

    def counted(self: Decider, facts: Any, request: Request) -> Any:
        seen.append(request)
        return decide(self, facts, request)

    monkeypatch.setattr(Decider, "decide", counted)
    return seen


def decisions(*rules: Any, remembered: int = 100) -> DecisionCache:
    return DecisionCache(bundle(*rules), 1, remembered)


def test_the_same_question_is_asked_once(asked: list[Request]):
    found = decisions(DOMESTIC)
    first = found.decide(ANN, "final", "instant", None, NOW)
    assert found.decide(ANN, "final", "instant", None, NOW + 9) == first
    assert (first.decision.allowed, first.until, len(asked)) == (True, None, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"caller": dataclasses.replace(ANN, digest=b"2" * 32, residence="XB")},
        {"caller": dataclasses.replace(ANN, digest=b"2" * 32, person="lee")},
        # A file of keys may say something else of the same key.
        {"caller": dataclasses.replace(ANN, person="lee")},
        {"caller": dataclasses.replace(ANN, nationalities=frozenset({"XC"}))},
        {"caller": dataclasses.replace(ANN, residence="XB")},
        {"variant": "restricted"},
        {"mode": "thinking"},
        {"purpose": "evaluation"},
    ],
)
def test_another_question_is_asked_anew(asked: list[Request], change: dict[str, Any]):
    found = decisions(DOMESTIC)
    plain: dict[str, Any] = {
        "caller": ANN,
        "variant": "final",
        "mode": "instant",
        "purpose": None,
        "now": NOW,
    }
    found.decide(**plain)
    found.decide(**{**plain, **change})
    assert len(asked) == 2


def test_no_answer_outlives_a_window(asked: list[Request]):
    found = decisions(WINDOW)
    answer = found.decide(ANN, "final", "instant", None, NOW)
    assert (answer.decision.allowed, answer.until) == (True, DECEMBER)
    assert not found.decide(ANN, "final", "instant", None, DECEMBER).decision.allowed
    # A clock that is set back does not meet the answer of a later time.
    assert found.decide(ANN, "final", "instant", None, NOW).decision.allowed
    assert len(asked) == 3


def test_no_answer_outlives_a_token():
    short = dataclasses.replace(ANN, expires=NOW + 5.5)
    assert decisions(WINDOW).decide(short, "final", "instant", None, NOW).until == NOW + 5.5


def test_no_answer_outlives_an_end_that_was_brought_forward():
    found = decisions(DOMESTIC)
    assert found.decide(ANN, "final", "instant", None, NOW).until is None
    short = dataclasses.replace(ANN, expires=NOW + 5.5)
    assert found.decide(short, "final", "instant", None, NOW).until == NOW + 5.5


def test_where_tokens_count_nothing_is_remembered(asked: list[Request]):
    found = decisions(BUDGET)
    for used, allowed in ((99, True), (100, False), (None, False)):
        answer = found.decide(ANN, "final", "instant", None, NOW, TokensUsed(used, used))
        assert answer.decision.allowed is allowed
    assert (len(asked), len(found), found.counts) == (3, 0, True)


def test_so_many_are_remembered_and_the_oldest_goes(asked: list[Request]):
    found = decisions(DOMESTIC, remembered=2)
    callers = [
        dataclasses.replace(ANN, digest=bytes([number]) * 32, residence=residence)
        for number, residence in enumerate(("XA", "XB", "XC"))
    ]
    for caller in (*callers[:2], callers[0], callers[2], callers[0]):
        found.decide(caller, "final", "instant", None, NOW)
    assert (len(found), len(asked)) == (2, 3)
    # Of whom it is also forgotten what they have in common, the decision is made anew.
    again = [dataclasses.replace(each, digest=b"9" + each.digest[1:]) for each in callers]
    for caller in (again[1], again[2], again[0]):
        found.decide(caller, "final", "instant", None, NOW)
    assert (len(found), len(asked)) == (2, 4)


def test_one_decision_serves_all_of_whom_the_same_is_known(asked: list[Request]):
    found = decisions(WINDOW)
    other = dataclasses.replace(ANN, person="nobody-known", digest=b"2" * 32, expires=NOW + 5.5)
    third = dataclasses.replace(other, digest=b"3" * 32, expires=None)
    answers = [found.decide(each, "final", "instant", None, NOW) for each in (other, third)]
    assert len(asked) == 1
    assert answers[0].decision == answers[1].decision
    # How long it holds is each caller's own.
    assert [each.until for each in answers] == [NOW + 5.5, DECEMBER]
    found.decide(third, "final", "instant", None, DECEMBER)
    assert len(asked) == 2


def test_organisation_and_staff_come_from_the_registry():
    found = decisions(DOMESTIC, ALLIES)
    facts = found.facts(dataclasses.replace(ANN, person="lee"))
    assert (facts.organisation, facts.staff) == ("example-lab", True)
    assert found.facts(ANN).lists == {"restored"}


_times = st.sampled_from((NOW - 40 * 86400, NOW, NOW + 9, DECEMBER - 1, DECEMBER, DECEMBER + 1))


@settings(max_examples=20)
@given(drawn_rules(), st.lists(st.tuples(st.sampled_from(("instant", "thinking")), _times)))
def test_remembering_changes_no_answer(rules: list[dict[str, Any]], asks: list[tuple[str, int]]):
    found, forgetful = decisions(*rules), decisions(*rules, remembered=0)
    for mode, now in asks:
        question = (ANN, "final", mode, None, now)
        assert found.decide(*question).decision == forgetful.decide(*question).decision


def test_without_the_edge_an_answer_outlives_its_window(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("touchstone.terms.Policy.next_edge", lambda *_: None)
    found = decisions(WINDOW)
    found.decide(ANN, "final", "instant", None, NOW)
    assert found.decide(ANN, "final", "instant", None, DECEMBER + 9).decision.allowed


def test_twin_by_the_key_alone_an_answer_outlives_what_was_known(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Caller, "__hash__", lambda self: hash(self.digest))
    monkeypatch.setattr(Caller, "__eq__", lambda self, other: self.digest == other.digest)
    found = decisions(DOMESTIC)
    assert found.decide(ANN, "final", "instant", None, NOW).decision.allowed
    foreign = dataclasses.replace(ANN, person="lee", nationalities=frozenset({"GB"}))
    assert found.decide(foreign, "final", "instant", None, NOW).decision.allowed
