"""What is next while a case begins: who joins, what is asked, agreed and handed in, the clock."""

from collections.abc import Iterator
from typing import Any

from touchstone.handin import moment_of, utc_text
from touchstone.ledger.contract2 import RECOVERY_VOUCHERS, RECOVERY_WAIT
from touchstone.review.events import joining, measuring, opening
from touchstone.review.guards.joining import ONE_OF
from touchstone.review.next_deeds.standpoint import NextDeed, Standpoint, at_moment


def of_joining(at: Standpoint) -> Iterator[NextDeed]:
    """Who was invited joins."""
    invited = at.state.invitations.get(at.party)
    if invited and not (invited.role in ONE_OF and at.state.having(invited.role)):
        yield from at.must("invited", joining.PartyJoined)


def of_recovery(at: Standpoint) -> Iterator[NextDeed]:
    """A party that is said to have lost its keys objects, or joins anew; others confirm it."""
    if told := at.state.reinvitations.get(at.party):
        newest = max(each.recorded for each in told.values())
        until = at_moment(utc_text(moment_of(newest) + RECOVERY_WAIT))
        yield from at.may("keys-said-lost", joining.RecoveryObjected, due=until)
        if any(_ripe(at, key) for key in {each.expects for each in told.values()}):
            yield from at.may("recovery-due", joining.PartyRejoined)


def of_others_recovery(at: Standpoint) -> Iterator[NextDeed]:
    """A party of another role says, too, that one goes on with a new key."""
    named = {party.id for party in at.framework.parties_with("agency")}
    if at.party not in at.state.parties or (at.role == "agency" and at.party not in named):
        return
    for party, told in at.state.reinvitations.items():
        for key in {each.expects: None for each in told.values()}:
            roles = {at.state.parties[name].role for name in at.state.vouchers(party, key)}
            heard = at.party == party or at.party in told or at.role in roles
            if not heard and len(roles) < RECOVERY_VOUCHERS:
                yield from at.may(
                    "recovery-unconfirmed", joining.PartyReinvited, party=party, expects=key
                )


def _ripe(at: Standpoint, key: str) -> bool:
    """Whether two of different roles said so of a key, long enough ago."""
    told, now = at.state.reinvitations[at.party], moment_of(at.now)
    by = at.state.vouchers(at.party, key)
    ripe = [name for name in by if now - moment_of(told[name].recorded) >= RECOVERY_WAIT]
    return len({at.state.parties[name].role for name in ripe}) >= RECOVERY_VOUCHERS


def of_inquiries(at: Standpoint) -> Iterator[NextDeed]:
    """Inquiries are answered: by the centre, which is asked, and by agencies if they like."""
    answered = {inquiry for inquiry, _ in at.state.inquiry_answers}
    for inquiry in at.state.inquiries:
        if (inquiry, at.party) not in at.state.inquiry_answers:
            waits = at.role == "centre" and inquiry not in answered
            yield from at.asked(
                waits, "inquiry-unanswered", opening.InquiryAnswered, inquiry=inquiry
            )


def of_agreeing(at: Standpoint) -> Iterator[NextDeed]:
    """Developer and centre sign the same agreement."""
    state = at.state
    if at.role not in ONE_OF or state.opened is None:
        return
    own = {by[at.party].signs for by in state.agreements.values() if at.party in by}
    # What is replaced by a later signature of the same party is offered no more.
    newest = next((each for name, each in state.signed_last.items() if name != at.party), None)
    if newest is not None and newest.signs not in own:
        names = ("agreement", "access", "reasoning", "retention_days", "publication")
        facts: dict[str, Any] = dict(zip(names, newest.signs, strict=True))
        waits = state.agreement is None
        yield from at.asked(waits, "agreement-unsigned", opening.AgreementSigned, **facts)
    elif not state.agreements and not at.is_inquiry:
        first = state.opened.agreement
        yield from at.must("agreement-missing", opening.AgreementSigned, agreement=first)


def of_handing_in(at: Standpoint) -> Iterator[NextDeed]:
    """A model is handed in, looked at, and its window laid."""
    state = at.state
    if at.is_inquiry or state.opened is None:
        return
    handed_in = state.submission
    if handed_in is None:
        yield from at.must("nothing-handed-in", opening.SubmissionReceived)
        return
    named = handed_in.submission
    if state.assessment is None:
        due = at.window_end
        yield from at.must(
            "submission-unassessed", opening.SubmissionAssessed, due=due, submission=named
        )
    elif not state.assessment.complete:
        yield from at.must("submission-incomplete", opening.SubmissionReceived, due=at.window_end)
    if state.clock is None or state.clock.submission != named:
        yield from at.must("window-unlaid", measuring.ClockAnchored)


def of_the_clock(at: Standpoint) -> Iterator[NextDeed]:
    """A clock that stands is resumed; one that has run out is ended."""
    clock, end = at.state.clock, at.window_end
    if clock is None or end is None:
        return
    if clock.paused:
        yield from at.may("clock-paused", measuring.ClockResumed)
    elif end.at < at.now:
        yield from at.may("window-over", measuring.ClockEnded, due=end)
