"""What detectors flagged in the transcripts of a case, for who may look at transcripts.

What was flagged is quoted, so it is opened for nobody else: here, in memory, where `clearance`
gives the part that holds it, as it gives logs.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from touchstone.clearance import Sight, party_audience
from touchstone.evaluation.transcript_log import PageAsked, TranscriptPage
from touchstone.ledger.errors import UnpromisedError
from touchstone.review.audience_view import Entry, read_entries_of
from touchstone.review.events.detecting import TranscriptsScanned
from touchstone.review.shapes import ScanShape, TranscriptShape
from touchstone.service.access.transcripts import ShownTranscript, list_transcripts, look_at
from touchstone.service.installation import Installation
from touchstone.service.reporting.feed import size_for

TYPE = "transcripts-scanned"


@dataclass(frozen=True)
class FlaggedPlace:
    """One place that a detector flags."""

    detector: str
    message: str
    """The id of its message; empty where there is none."""
    why: str
    quote: str
    """What is flagged, as it stands there."""


@dataclass(frozen=True)
class FlaggedTranscript:
    """What detectors made of one transcript."""

    name: str
    """`<entry>-<position>-<attempt>`, as transcripts are called."""
    n: int
    """The entry of the scan."""
    uuid: str
    flags: dict[str, int]
    """By detector that flagged something, in how many places."""
    not_looked_at: dict[str, str]
    """By detector that did not look, why; under an empty name of all."""
    places: tuple[FlaggedPlace, ...] = ()
    """The first of those places; none in a list."""


@dataclass(frozen=True)
class ScanShown:
    """A scan of a battery's transcripts."""

    n: int
    battery: str
    at: str
    """When it was said to be done (UTC)."""
    counted: int
    """Transcripts that there are to be."""
    looked_at: int
    """Those that every detector looked through."""
    canaries: int
    """Marks of the items that were looked for."""
    counts: tuple[dict[str, Any], ...]
    """By detector: `detector`, `flagged`, `unflagged`, `not_looked_at`."""
    power: dict[str, Any]
    """What is known of the detectors' power, as recorded; empty where it is not to be read."""
    transcripts: tuple[FlaggedTranscript, ...]
    """Those that were flagged, or not looked at by every detector."""


def list_flagged(
    installation: Installation, case: str, party: str, *, sight: Sight
) -> tuple[ScanShown, ...]:
    """The newest scan of each battery, with what it flagged; quotes are left out.

    Raises:
        UnpromisedError: there is no such case for this party.
    """
    return tuple(
        ScanShown(
            entry.n,
            event.battery,
            event.at,
            event.transcripts,
            event.looked_at,
            event.canaries,
            tuple(each.model_dump() for each in event.counts),
            entry.content("power") or {},
            tuple(
                _flagged(entry, row, places=False)
                for row in rows.transcripts
                if row.looks or row.fault
            ),
        )
        for entry, event, rows in _scans(installation, case, party, sight)
    )


def show_flagged(
    installation: Installation, case: str, party: str, name: str, *, sight: Sight
) -> FlaggedTranscript:
    """What detectors made of one transcript, by its name or uuid, with what they quote of it.

    Raises:
        UnpromisedError: there is no such case for this party, or no scan that it may look at has
            such a transcript.
    """
    for entry, _, rows in _scans(installation, case, party, sight):
        for row in rows.transcripts:
            if name in (row.transcript, row.uuid):
                return _flagged(entry, row, places=True)
    raise UnpromisedError("unknown-transcript", "there is no such transcript for this party")


def list_with_flags(
    installation: Installation, case: str, party: str, *, sight: Sight
) -> tuple[ShownTranscript, ...]:
    """The transcripts that a party may look at, each with the detectors that flagged something.

    Raises as `list_transcripts`.
    """
    shown = list_transcripts(installation, case, party, sight=sight)
    flags = {
        row.transcript: tuple(look.detector for look in row.looks if look.flagged)
        for _, _, rows in (_scans(installation, case, party, sight) if shown else ())
        for row in rows.transcripts
    }
    return tuple(replace(each, flagged=flags.get(each.name, ())) for each in shown)


def look_with_marks(
    installation: Installation, case: str, party: str, name: str, asked: PageAsked, *, sight: Sight
) -> tuple[ShownTranscript, int, TranscriptPage]:
    """Some messages of a transcript, with a mark where a detector flagged something.

    Raises as `look_at`.
    """
    places = [
        (look.detector, seen.message, seen.why)
        for _, _, rows in _scans(installation, case, party, sight)
        for row in rows.transcripts
        if row.transcript == name
        for look in row.looks
        for seen in look.sightings
    ]
    return look_at(installation, case, party, name, asked, places, sight=sight)


def _scans(
    installation: Installation, case: str, party: str, sight: Sight
) -> Iterator[tuple[Entry, TranscriptsScanned, ScanShape]]:
    """The newest scan of each battery that a party may look at, opened."""
    size = size_for(installation, case, party, sight=sight)
    reader = installation.records.sent_to(party, case, size)
    audience = party_audience(party, "GREEN", sight)
    newest: dict[str, tuple[Entry, TranscriptsScanned]] = {}
    for entry in read_entries_of(reader, audience, (TYPE,), use="look"):
        event = entry.event
        if isinstance(event, TranscriptsScanned) and entry.visible and entry.evidence("sightings"):
            newest[event.battery] = entry, event
    kept = installation.records.case(case)
    for entry, event in newest.values():
        data = b"".join(kept.evidence_pieces(entry.evidence("sightings")))
        yield entry, event, ScanShape.model_validate_json(data)


def _flagged(entry: Entry, row: TranscriptShape, *, places: bool) -> FlaggedTranscript:
    missed = {look.detector: look.fault for look in row.looks if look.fault}
    return FlaggedTranscript(
        row.transcript,
        entry.n,
        row.uuid,
        {look.detector: look.flagged for look in row.looks if look.flagged},
        {"": row.fault} if row.fault else missed,
        tuple(
            FlaggedPlace(look.detector, seen.message, seen.why, seen.quote)
            for look in row.looks
            for seen in look.sightings
        )
        if places
        else (),
    )
