"""The one way into the record: decide, check what goes with it, sign and append, all or nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from touchstone.clearance import Marking
from touchstone.editions.case_summary import summarise
from touchstone.evaluation.digests import digest_bytes
from touchstone.framework import Framework
from touchstone.handin import moment_of, utc_text
from touchstone.ledger import Deed as LedgerDeed
from touchstone.ledger import dumps, sign_deed
from touchstone.records import CaseWriter, Destruction, NewPart
from touchstone.review import (
    Attached,
    BadEventError,
    Event,
    Refused,
    State,
    check_deed,
    decide,
    evolve,
)
from touchstone.review.events.opening import CaseOpened
from touchstone.service.errors import RefusedDeed
from touchstone.service.installation import Installation
from touchstone.verdicts.content_parsers import PARSERS

SALT = 32
MOST_APART = timedelta(days=1)
"""Between a deed's own date and its recording: clocks differ, and a signature may take a while."""


@dataclass(frozen=True)
class Content:
    """A JSON value that goes with a deed, readable by those whom its marking names."""

    value: Any
    marking: Marking


@dataclass(frozen=True)
class Evidence:
    """Bytes that go with a deed: kept beside the record, bound into it by their digest."""

    data: bytes
    media_type: str
    name: str
    marking: Marking


Attachment = Content | Evidence


@dataclass(frozen=True)
class Deed:
    """What a party does: the event proposed, and what goes with it."""

    event: Event
    attachments: tuple[Attachment, ...] = ()


Proposing = Callable[[State], Sequence[Deed]]
"""Makes the deeds from the state as it is once the case is locked."""


def record(
    installation: Installation, case: str, framework: Framework, deeds: Sequence[Deed] | Proposing
) -> State:
    """Do deeds in one transaction; all of them stand, or none. Gives the state afterwards.

    Args:
        installation: Where.
        case: The case's id; a new one where the first deed opens it.
        framework: The framework that the case is pinned to.
        deeds: The deeds, or a function that makes them from the state under the lock.

    Raises:
        RefusedDeed: the deed is not for this party now. It is noted in the log of refusals.
        BadEventError: it does not fit the case, or what goes with it is not what its facts say.
        KeyMissingError: the actor's key is not on this machine.
    """
    try:
        with installation.records.transaction(case) as writer:
            state = installation.state_in(writer)
            proposed = deeds(state) if callable(deeds) else deeds
            return _write(installation, writer, framework, state, proposed)
    except RefusedDeed as refusal:
        # Only now: what is noted within the transaction would go with it.
        installation.note_refusal(case, refusal)
        raise


def record_opening(
    installation: Installation, case: str, framework: Framework, deeds: Sequence[Deed]
) -> State:
    """Open a case with these deeds, the first of which is `case-opened`; else like `record`."""
    try:
        with installation.records.open_case(case) as writer:
            return _write(installation, writer, framework, State(), deeds)
    except RefusedDeed as refusal:
        installation.note_refusal(case, refusal)
        raise


def record_destruction(
    installation: Installation, case: str, framework: Framework, deed: Deed, certificate: str
) -> Destruction:
    """Record that a case is destroyed, destroy it and keep the certificate, in one transaction.

    Raises:
        BadEventError: the deed does not name the certificate's digest; else as `record`.
    """
    if deed.event.facts().get("certificate") != digest_bytes(certificate.encode()):
        raise BadEventError(f"{deed.event.type}: certificate: is not the certificate's digest")
    try:
        with installation.records.transaction(case) as writer:
            _write(installation, writer, framework, installation.state_in(writer), [deed])
            return writer.destroy(certificate)
    except RefusedDeed as refusal:
        installation.note_refusal(case, refusal)
        raise


def _write(
    installation: Installation,
    writer: CaseWriter,
    framework: Framework,
    state: State,
    deeds: Sequence[Deed],
) -> State:
    at = ""
    for deed in deeds:
        _check_date(installation, deed.event)
        event = _decided(framework, state, deed)
        parts = [attached(each) for each in deed.attachments]
        check_deed(state, event, parts, PARSERS)
        _append(installation, writer, state, event, parts)
        state, at = evolve(state, event), event.at
    if at:
        writer.summarise(summarise(writer.case, state, at))
    return state


def _check_date(installation: Installation, event: Event) -> None:
    """Windows, pauses and ends are reckoned from a deed's date, so nobody chooses it freely."""
    now = installation.clock.now()
    if abs(moment_of(event.at) - now) > MOST_APART:
        raise BadEventError(
            f"{event.type}: at: is {event.at}, and now is {utc_text(now)}: "
            "a deed is dated within a day of its recording"
        )


def _decided(framework: Framework, state: State, deed: Deed) -> Event:
    try:
        return decide(framework, state, deed.event)
    except Refused as refusal:
        raise RefusedDeed(deed.event, refusal.reason) from refusal


def _append(
    installation: Installation,
    writer: CaseWriter,
    state: State,
    event: Event,
    beside: Sequence[Attached],
) -> None:
    def part(value: Any) -> NewPart:
        return NewPart(installation.random.draw(SALT), dumps(value))

    for each in beside:
        if each.data is not None:
            writer.put_evidence(each.data, each.value["media_type"], each.value["name"])
    parts = [part(event.facts()), *(part(each.value) for each in beside)]
    deed = LedgerDeed(
        log=writer.log,
        n=writer.next_n,
        previous=writer.root,
        deed=event.type,
        actor=event.actor,
        parts=tuple(each.commitment for each in parts),
    )
    signer = installation.keyring.party(event.actor, _key_of(state, event))
    envelope = sign_deed(deed, signer).envelope
    parts.append(part({"kind": "deed", "marking": event.marking.as_dict(), "envelope": envelope}))
    writer.append(parts)


def attached(attachment: Attachment) -> Attached:
    """The part as it is signed."""
    marking = attachment.marking.as_dict()
    if isinstance(attachment, Content):
        return Attached({"kind": "content", "marking": marking, "content": attachment.value})
    return Attached(
        {
            "kind": "evidence",
            "marking": marking,
            "digest": digest_bytes(attachment.data),
            "size": len(attachment.data),
            "media_type": attachment.media_type,
            "name": attachment.name,
        },
        attachment.data,
    )


def _key_of(state: State, event: Event) -> bytes | None:
    """The key that the record expects of the actor: admitted before, or by this very event."""
    if isinstance(event, CaseOpened):
        return next((bytes.fromhex(a.key) for a in event.admits if a.party == event.actor), None)
    party = state.parties.get(event.actor)
    return None if party is None else bytes.fromhex(party.key)
