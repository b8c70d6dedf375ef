"""Each guard refuses its probe, and the same probe passes once the guard is taken away."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from support.review_case import (
    AUDITOR,
    CENTRE,
    LAB,
    ROLES,
    TREASURY,
    Case,
    admission,
    digest,
    example_framework,
    hex32,
    make,
    outcome,
    recorded,
    sealed,
    shipped_framework,
    submission,
    verdict,
)
from support.review_deeds import one_of_each
from support.review_probes import (
    ENDED,
    LEFT,
    NEW_AGENCY,
    PAUSED,
    PROBES,
    RESUMED,
    Setup,
    admits,
    agreed,
    assessed,
    bundle,
    clock,
    concurs,
    directive,
    extended,
    laid,
    lifted,
    made,
    measured,
    new_party,
    opened,
    proposing,
    ready,
    receipt,
    running,
    sealed_for,
    seen,
    terms,
    then,
)
from support.scripted import script
from support.timed import decide
from touchstone import review
from touchstone.framework import Framework, NumericCriterion
from touchstone.ledger.parts import PartyKeys
from touchstone.review import BadEventError, Refused, State, Status, parse_event
from touchstone.review.events import Event, measuring, opening, settling
from touchstone.review.rule import ALWAYS
from touchstone.review.rules import RULES

events_page = script("make_events_reference")
ROWS = [
    pytest.param(event, guard.__name__, id=f"{event.model_fields['type'].default} {guard.__name__}")
    for event, rule in RULES.items()
    for guard in rule.guards
]


@pytest.mark.parametrize(("event", "guard"), ROWS)
def test_the_guard_refuses_its_probe(case: Case, event: type[Event], guard: str):
    deed = PROBES[event.model_fields["type"].default, guard](case)
    with pytest.raises(Refused, match=f"^{deed.type} is for .+, .+; .+") as refusal:
        decide(case.framework, case.state, deed)
    assert "\n" not in refusal.value.reason
    rule, data = RULES[event], refusal.value.data
    assert (data["deed"], data["actor"]) == (deed.type, deed.actor)
    assert (data["roles"], data["statuses"]) == (rule.roles, rule.when)
    assert json.loads(json.dumps(dict(data)))
    assert spoken(data) == []


OURS = {"why", "rule"}
"""What is said in sentences of this code's own, of names and of rules."""


def spoken(data: Mapping[str, Any]) -> list[str]:
    """What of a refusal's data is no id, number, time, digest or word of a list.

    A refusal is kept when the case is destroyed: what people or the rule wrote may not be in it.
    """
    flat = {name: value for name, value in data.items() if name not in OURS}
    return [
        name
        for name, value in flat.items()
        if re.search(r"[^\w.,:'()\[\]{} -]", str(value))
        or any(" " in each for each in words_of(value))
    ]


def words_of(value: Any) -> list[str]:
    """Every text in a value that may be several."""
    if isinstance(value, Mapping):
        return [text for each in (*value, *value.values()) for text in words_of(each)]
    if isinstance(value, tuple | list):
        return [text for each in value for text in words_of(each)]
    return [value] if isinstance(value, str) else []


def test_twin_a_sentence_among_the_data_is_seen():
    assert spoken({"summary": "met: memory-safety", "why": "as told", "modes": ("a", "b")}) == [
        "summary"
    ]
    assert spoken({"references": ({"mode": "not for us"},)}) == ["references"]


@pytest.mark.parametrize(("event", "guard"), ROWS)
def test_the_guard_gives_a_code_of_its_own(case: Case, event: type[Event], guard: str):
    deed = PROBES[event.model_fields["type"].default, guard](case)
    (its,) = (each for each in RULES[event].guards if each.__name__ == guard)
    with pytest.raises(Refused) as refusal:
        decide(case.framework, case.state, deed)
    assert refusal.value.code in events_page.codes_of(its)


@pytest.mark.parametrize(("event", "guard"), ROWS)
def test_without_the_guard_its_probe_passes(
    case: Case, event: type[Event], guard: str, monkeypatch: pytest.MonkeyPatch
):
    deed = PROBES[event.model_fields["type"].default, guard](case)
    names = [each.__name__ for each in RULES[event].guards]
    # Guards of a row may rely on those before them, so the later ones go too.
    fewer = RULES[event].guards[: names.index(guard)]
    monkeypatch.setitem(RULES, event, replace(RULES[event], guards=fewer))
    assert decide(case.framework, case.state, deed) == deed


def test_there_is_a_probe_for_each_guard_and_no_other():
    rows = {
        (event.model_fields["type"].default, guard.__name__)
        for event, rule in RULES.items()
        for guard in rule.guards
    }
    assert rows == set(PROBES)


DEEDS = one_of_each(example_framework())
TYPES = [pytest.param(event, id=event.model_fields["type"].default) for event in RULES]


def test_there_is_a_deed_of_each_type():
    assert set(DEEDS) == {event.model_fields["type"].default for event in RULES}


@pytest.mark.parametrize("event", TYPES)
def test_only_the_named_roles_may(case: Case, event: type[Event]):
    deed, allowed = DEEDS[event.model_fields["type"].default], RULES[event].roles
    case.open()
    for party, role in ROLES.items():
        if role not in allowed:
            told = f"is {role} in this case" if allowed else "is a party, and signs for itself"
            with pytest.raises(Refused, match=f"{party} {told}"):
                decide(case.framework, case.state, deed.model_copy(update={"actor": party}))


@pytest.mark.parametrize("event", TYPES)
def test_only_while_the_case_stands_so(case: Case, event: type[Event]):
    deed, allowed = DEEDS[event.model_fields["type"].default], RULES[event].when
    case.open()
    for status in ALWAYS:
        if status not in allowed:
            with pytest.raises(Refused, match=f"the case is {status}"):
                decide(case.framework, replace(case.state, status=status), deed)


@pytest.mark.parametrize(
    ("actor", "status", "told"),
    [
        ("a-stranger", "open", "not in this case"),
        (AUDITOR, "open", "is auditor"),
        (CENTRE, "closed", "is closed"),
    ],
)
def test_without_the_check_of_who_and_when_a_wrong_deed_passes(
    case: Case, monkeypatch: pytest.MonkeyPatch, actor: str, status: Status, told: str
):
    state = replace(ready(case).state, status=status)
    deed = sealed().model_copy(update={"actor": actor})
    with pytest.raises(Refused, match=told):
        decide(case.framework, state, deed)
    monkeypatch.setitem(review.decide.__globals__, "_check", lambda *_: None)
    assert decide(case.framework, state, deed) == deed


def test_nothing_happens_before_a_case_opens(case: Case):
    with pytest.raises(Refused, match="needs a case"):
        case.do(submission())


def test_a_case_opens_once(case: Case):
    with pytest.raises(Refused, match="has begun"):
        case.open().do(case.events[0])


def test_a_case_is_held_to_its_framework(case: Case):
    case.open()
    with pytest.raises(BadEventError, match="is held to example"):
        decide(shipped_framework("us-2026-06"), case.state, DEEDS["release-announced"])


def test_a_case_opens_under_the_framework_that_it_names(case: Case):
    opened_event = case.open().events[0]
    with pytest.raises(BadEventError, match="names another version"):
        decide(shipped_framework("us-2026-06"), State(), opened_event)


def test_no_case_opens_under_a_gate():
    with pytest.raises(Refused, match="comparison only"):
        Case(shipped_framework("approval-gate")).open()


def test_only_developer_or_centre_opens(case: Case):
    event = case.open().events[0].model_copy(update={"actor": AUDITOR})
    with pytest.raises(Refused, match="would be auditor"):
        decide(case.framework, State(), event)


def test_an_event_of_no_type_is_told(case: Case):
    strange = make(Event, LAB, type="strange")
    with pytest.raises(BadEventError, match="no rule knows the event strange"):
        case.open().do(strange)


def in_passing(case: Case) -> Event:
    """A deed that every party may do, and in it a new key for the developer."""
    case.open()
    facts = make(
        opening.ParticipationNoted, AUDITOR, status="participating", source="a test"
    ).facts()
    taken = {"party": LAB, "role": "developer", "key": hex32("taken")}
    return parse_event({**facts, "admits": [taken]})


def test_no_other_event_admits_in_passing(case: Case):
    with pytest.raises(BadEventError, match="leave admits to party-admitted"):
        case.do(in_passing(case))


def test_twin_without_the_refusal_the_record_would_take_the_key(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    deed = in_passing(case)
    monkeypatch.setitem(review.decide.__globals__, "admits_unasked", lambda _: False)
    case.do(deed)
    keys = PartyKeys()
    for event in case.events:
        keys.follow(event.facts())
    assert case.state.parties[LAB].key == hex32(LAB)
    assert keys._keys[LAB].hex() == hex32("taken")


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        (admits(CENTRE, admission(TREASURY, "stolen")), "only example-treasury itself"),
        (admits(LAB, opening.Admission(party=LAB, role="centre", key=hex32("x"))), "stays so"),
        (admits(AUDITOR, new_party("agency")), "only the developer or the centre admits"),
        (admits(CENTRE, new_party("developer")), "one developer"),
        (admits(LAB, new_party("centre")), "one centre"),
        (admits(LAB, new_party("agency", key=AUDITOR)), "is example-auditor's"),
    ],
)
def test_nobody_is_admitted_unfairly(case: Case, deed: Event, told: str):
    with pytest.raises(Refused, match=told):
        case.open().do(deed)


def test_nobody_new_joins_after_the_developer_left(case: Case):
    case.open().do(make(settling.ReviewWithdrawn, LAB))
    with pytest.raises(Refused, match="no party can be added"):
        case.do(admits(CENTRE, new_party("agency")))
    case.do(admits(LAB, admission(LAB, "next")))
    assert case.state.parties[LAB].key == hex32("next")


def test_a_party_changes_its_own_key_and_keeps_its_role(case: Case):
    case.open().do(admits(AUDITOR, admission(AUDITOR, "next")))
    assert case.state.parties[AUDITOR].key == hex32("next")
    case.do(NEW_AGENCY)
    assert case.state.parties["newcomer"].role == "agency"


@pytest.mark.parametrize(
    ("prepare", "deed", "told"),
    [
        (then(opened), clock(measuring.ClockEnded, reason="done"), "no window"),
        (then(opened), PAUSED, "no window"),
        (then(opened), RESUMED, "no window"),
        (then(opened), extended(1), "no window"),
        (then(ready, ENDED), PAUSED, "has ended"),
        (opened, assessed("submission"), "submitted nothing"),
        (ready, sealed_for("control-of-own-agents"), "no numeric criterion"),
        (ready, seen("unknown"), "no variant"),
        (ready, recorded((outcome(0),)), "no battery battery-1"),
        (running, recorded((outcome(0),), criterion="payment-logic"), "no items for"),
        (running, recorded((outcome(0, attempt=2),)), "1 attempts"),
        (then(ready, sealed_for("memory-safety")), verdict("instant", "below", 1), "0 solved of 0"),
        (measured, verdict("instant", "below", 2), "3 solved of 20"),
        (measured, verdict("instant", "below", 3, beta="0.1"), "or stricter"),
        (measured, verdict("instant", "below", 3, alpha="0"), "or stricter"),
        (then(opened, directive(), lifted()), lifted(), "lifted already"),
        (then(opened), terms(settling.TermsAgreed, LAB), "on the table: nothing"),
        (then(proposing, made()), concurs(answer="covered"), "in question is undetermined"),
    ],
)
def test_the_refusal_says_which_part_of_a_guard_it_is(
    case: Case, prepare: Setup, deed: Event, told: str
):
    with pytest.raises(Refused, match=told):
        prepare(case).do(deed)


@pytest.mark.parametrize(
    "other", [{"bundle": digest("other bytes")}, {"number": 2}, {"stream": "elsewhere"}]
)
def test_a_receipt_is_for_the_very_bytes_that_were_published_there(
    case: Case, other: dict[str, object]
):
    then(agreed, bundle())(case)
    with pytest.raises(Refused, match="was not published, or is another"):
        case.do(receipt().model_copy(update=other))
    case.do(receipt())


@pytest.mark.parametrize("over", ["closed", "withdrawn"])
def test_nobody_new_joins_a_destroyed_case_but_keys_can_be_changed(case: Case, over: str):
    opened(case).do(
        LEFT if over == "withdrawn" else make(settling.CaseClosed, CENTRE, reason="done")
    )
    case.do(make(settling.CaseDestroyed, CENTRE, certificate=digest("certificate")))
    with pytest.raises(Refused, match="the case is destroyed: no party can be added"):
        case.do(NEW_AGENCY)
    case.do(admits(AUDITOR, admission(AUDITOR, "next")))
    assert case.state.parties[AUDITOR].key == hex32("next")


def test_nobody_new_comes_late_beside_a_change_of_key(case: Case):
    opened(case).do(LEFT)
    with pytest.raises(Refused, match="the case is withdrawn: no party can be added"):
        case.do(admits(LAB, admission(LAB, "next"), new_party("agency")))


def test_a_closed_case_may_still_be_joined(case: Case):
    opened(case).do(make(settling.CaseClosed, CENTRE, reason="done"))
    case.do(NEW_AGENCY)
    assert "newcomer" in case.state.parties


def test_stricter_rates_than_the_frameworks_are_taken(case: Case):
    measured(case).do(verdict("instant", "undetermined", 3, beta="0.000001"))
    case.do(verdict("instant", "below", 3))
    assert [each.verdict for each in case.state.verdicts.values()] == ["below"]


def apart(framework: Framework) -> Framework:
    """The framework with an alpha below its beta, so that neither can stand for the other."""
    criteria = tuple(
        each.model_copy(update={"alpha": "0.01", "beta": "0.1"})
        if isinstance(each, NumericCriterion)
        else each
        for each in framework.criteria
    )
    return framework.model_copy(update={"criteria": criteria})


@pytest.mark.parametrize(
    ("alpha", "beta", "taken"),
    [
        ("0.005", "0.1", True),
        ("0.001", "0.1", True),
        ("0.005", "0.01", True),
        ("0.005001", "0.1", False),
        ("0.005", "0.11", False),
        ("0.1", "0.005", False),
    ],
)
def test_each_rate_is_held_to_its_own_bound(
    framework: Framework, alpha: str, beta: str, taken: bool
):
    """Two modes may cross the criterion, so each has half of its alpha."""
    case = Case(apart(framework))
    deed = verdict("instant", "below", 3, alpha=alpha, beta=beta)
    if taken:
        measured(case).do(deed)
        return
    with pytest.raises(Refused, match=r"is judged at alpha 0\.005000 and beta 0\.1, or stricter"):
        measured(case).do(deed)


def test_a_window_is_laid_only_by_the_rule(case: Case):
    case.open().submit()
    wrong = laid(case).model_copy(update={"review_by": "2030-01-01"})
    with pytest.raises(Refused, match="use window_laid"):
        case.do(wrong)
    case.do(laid(case))


def test_a_framework_without_numbers_is_still_measured():
    case = Case(shipped_framework("us-2026-06"))
    ready(case).do(sealed_for("injection-flaws"))
    case.do(recorded((outcome(0),), criterion="injection-flaws"))
    with pytest.raises(Refused, match="no numeric criterion"):
        case.do(verdict("instant", "below", 1, criterion="injection-flaws"))
