"""Parties that join by their own keys, their signers, and what the ledger makes of the same."""

import pytest

from support.review_case import (
    AGENCY,
    CENTRE,
    LAB,
    TREASURY,
    Case,
    hex32,
    invitation,
    joins,
    make,
    print_of,
)
from support.review_probes import CLOSED, LEFT, by_key, joined, rotated, signer, unsigned
from support.timed import decide, evolve
from touchstone import review
from touchstone.editions.event_text import event_sentence
from touchstone.framework import Framework
from touchstone.ledger import dumps, loads
from touchstone.ledger.contract2 import CaseKeys, parse_key_act
from touchstone.review import (
    BadEventError,
    Event,
    Refused,
    State,
    UnknownEvent,
    parse_event,
    topics_of,
)
from touchstone.review.events import joining, opening, settling


def ledgers(case: Case) -> CaseKeys:
    """The keys as the ledger reads them off the same part 0s."""
    keys = CaseKeys()
    for n, event in enumerate(case.events):
        act = parse_key_act(loads(dumps(event.facts())))
        by = keys.current.get(event.actor, "")
        keys = keys.after(event.actor, act, by, first=n == 0)
    return keys


def same_keys(case: Case) -> None:
    keys, state = ledgers(case), case.state
    assert set(keys.current) == set(state.parties)
    for name, party in state.parties.items():
        assert keys.known[keys.current[name]].public_key.hex() == party.key
        assert keys.next[name] == party.next
        standing = {
            each: found.kinds
            for each, found in keys.known.items()
            if found.party == name and found.kinds is not None and not found.ended
        }
        assert standing == {each: frozenset(act.kinds) for each, act in party.signers.items()}
    assert {found.public_key.hex() for found in keys.known.values()} == state.seen_keys


def test_a_party_counts_from_its_own_deed_on(case: Case):
    by_key(case)
    assert TREASURY not in case.state.parties
    with pytest.raises(Refused, match=r"example-treasury is not in this case: .* invites parties"):
        case.do(make(opening.ParticipationNoted, TREASURY, status="participating", source="x"))
    case.do(joined())
    assert case.state.parties[TREASURY].role == "agency"
    assert TREASURY not in case.state.invitations
    case.do(make(opening.ParticipationNoted, TREASURY, status="participating", source="x"))
    same_keys(case)


def test_state_and_ledger_hold_the_same_keys_through_every_act(case: Case):
    by_key(case)
    for deed in (signer(), signer("other"), joined(), unsigned(), rotated()):
        case.do(deed)
        same_keys(case)
    assert case.state.parties[LAB].key == hex32(f"{LAB} next")
    assert list(case.state.parties[LAB].signers) == [print_of("other")]


@pytest.mark.parametrize("gone", [unsigned(), rotated()], ids=lambda event: event.type)
def test_a_key_that_ended_never_comes_back(case: Case, gone: Event):
    by_key(case)
    for deed in (signer(), gone):
        case.do(deed)
    for old in ("device", LAB):
        with pytest.raises(Refused, match="has seen this key before"):
            case.do(signer(old))


def test_a_later_invitation_replaces_an_earlier_one(case: Case):
    by_key(case).do(invitation(TREASURY, role="auditor"))
    with pytest.raises(Refused, match="is invited as auditor"):
        case.do(joined())
    case.do(joined(role="auditor"))


@pytest.mark.parametrize("end", [(LEFT,), (LEFT, CLOSED)], ids=["withdrawn", "destroyed"])
def test_leaving_and_destroying_keep_what_stands_and_let_nobody_new_in(
    case: Case, end: tuple[Event, ...]
):
    by_key(case).do(signer())
    for deed in end:
        case.do(deed)
    if len(end) > 1:
        facts = {"certificate": "sha256:" + hex32("certificate")}
        case.do(make(settling.CaseDestroyed, CENTRE, **facts))
    for deed in (invitation("newcomer"), joined()):
        with pytest.raises(Refused, match="the case is "):
            case.do(deed)
    for deed in (unsigned(), rotated(), signer("other")):
        case.do(deed)
    assert AGENCY in case.state.parties
    same_keys(case)


def test_who_is_not_invited_does_not_join(case: Case):
    with pytest.raises(Refused, match="newcomer is not in this case"):
        by_key(case).do(joined("newcomer"))
    with pytest.raises(Refused, match="is agency in this case"):
        case.do(invitation("newcomer", AGENCY))
    with pytest.raises(Refused, match="joins by its own deed"):
        case.do(joined().model_copy(update={"key_act": joins("newcomer")}))


def test_no_other_event_changes_keys_in_passing(case: Case, monkeypatch: pytest.MonkeyPatch):
    by_key(case)
    facts = make(opening.ParticipationNoted, LAB, status="declined", source="x").facts()
    rotates = joining.RotatedAct(key=hex32(f"{LAB} next"), next=print_of("x"), last=None)
    deed = parse_event({**facts, "key_act": rotates.model_dump(mode="json")})
    with pytest.raises(BadEventError, match="leave key_act to acts on keys"):
        case.do(deed)
    # The twin: without the refusal state and ledger part.
    monkeypatch.setitem(review.decide.__globals__, "acts_unasked", lambda _: False)
    case.do(deed)
    assert ledgers(case).current[LAB] == print_of(f"{LAB} next")
    assert case.state.parties[LAB].key == hex32(LAB)


@pytest.mark.parametrize(
    "told",
    [["x"], [{"party": LAB}], [{"party": LAB, "role": "centre", "key": hex32("x")}]],
    ids=["no object", "no role", "in form"],
)
def test_what_a_newer_event_calls_admits_brings_no_key(case: Case, told: list[object]):
    by_key(case)
    newer = UnknownEvent.model_validate(
        {"type": "rung-added", "schema": 1, "actor": LAB, "at": case.events[-1].at, "admits": told}
        | {"marking": case.events[-1].marking}
    )
    case.events.append(newer)
    case.state = evolve(case.state, newer)
    assert case.state.parties[LAB].key == hex32(LAB)
    same_keys(case)


def test_a_case_opens_by_the_key_of_its_opener_and_reads_back(framework: Framework):
    case = Case(framework).open_by_key()
    (first,) = case.events
    assert isinstance(first, opening.CaseOpened)
    facts = loads(dumps(first.facts()))
    assert "admits" not in facts
    assert (facts["schema"], facts["key_act"]["act"]) == (2, "joined")
    assert parse_event(facts) == first
    assert topics_of(first).must_name == {f"keys:{CENTRE}"}
    assert case.state.having("centre") == (CENTRE,)
    assert case.state.having("developer") == ()
    for wrong in ({"schema": 1}, {"admits": [{"party": "a", "role": "centre", "key": hex32("a")}]}):
        with pytest.raises(BadEventError, match=r"case-opened"):
            parse_event({**facts, **wrong})
    for role, told in (("agency", "would be agency"), ("auditor", "would be auditor")):
        other = first.model_copy(update={"key_act": joins(CENTRE, role=role)})
        with pytest.raises(Refused, match=told):
            decide(framework, State(), other)


def test_a_case_of_schema_1_is_written_as_it_always_was(case: Case):
    facts = case.open().events[0].facts()
    assert "key_act" not in facts
    assert facts["schema"] == 1
    assert len(facts["admits"]) == len(case.state.parties)
    with pytest.raises(BadEventError, match="take one"):
        parse_event({**facts, "schema": 2})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"key": "01" + 31 * "00"}, "small order"),
        ({"key": "ab"}, "key"),
        ({"kinds": []}, "1 to 64"),
        ({"kinds": ["review-halted", "case-closed"]}, "sorted"),
        ({"kinds": ["Halt"]}, "kinds"),
        ({"alg": "es256"}, "alg"),
        ({"more": 1}, "more"),
    ],
)
def test_an_act_of_another_form_is_no_event(change: dict[str, object], told: str):
    facts = signer().facts()
    with pytest.raises(BadEventError, match=told):
        parse_event({**facts, "key_act": facts["key_act"] | change})


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (invitation(TREASURY), "Invites The Treasury as agency."),
        (joined(), "Joins as agency, by its own key."),
        (signer(), "Lets the key device sign some deeds for it."),
        (unsigned(), "Ends one of its signing keys."),
        (rotated(), "Replaces its key by the one announced before."),
    ],
    ids=lambda each: getattr(each, "type", "told"),
)
def test_the_timeline_says_it(event: Event, told: str):
    assert event_sentence(event, {TREASURY: "The Treasury"}) == told
