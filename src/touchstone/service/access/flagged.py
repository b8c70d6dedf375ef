"""What detectors flagged in the transcripts of a case, for who may look at transcripts.

What was flagged is quoted, so it is opened for nobody else: here, in memory, where `clearance`
gives the part that holds it, as it gives logs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from touchstone.clearance import Sight, party_audience
from touchstone.evaluation.oversight.graded.accuracy import GraderAccuracy, told_counts
from touchstone.evaluation.transcript_log import PageAsked, TranscriptPage
from touchstone.ledger.errors import UnpromisedError
from touchstone.review.audience_view import Entry, read_entries_of
from touchstone.review.events.detecting import TranscriptsGraded, TranscriptsScanned
from touchstone.review.shapes import ScanShape, TranscriptShape
from touchstone.service.access.transcripts import ShownTranscript, list_transcripts, look_at
from touchstone.service.installation import Installation
from touchstone.service.reporting.feed import size_for

TYPES = ("transcripts-scanned", "transcripts-graded")
Looked = TranscriptsScanned | TranscriptsGraded


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
    """By detector: `detector`, `flagged`, `unflagged`, `not_looked_at`. Of a model that was asked
    also `alone`, `corrected` (`share`, `low`, `high` as decimals) and `why` there is none; where
    its error is not known, `flagged` and `unflagged` are null."""
    power: dict[str, Any]
    """What is known of the detectors' power, as recorded; empty where it is not to be read."""
    transcripts: tuple[FlaggedTranscript, ...]
    """Those that were flagged, or not looked at by every detector."""
    scanner: dict[str, Any] = field(default_factory=dict)
    """Of a model that was asked: `model`, `endpoint`, `questions`, `whose`, `calls`, `input`,
    `output`; its power is what was measured of its error. Empty: detectors looked."""


def list_flagged(
    installation: Installation, case: str, party: str, *, sight: Sight
) -> tuple[ScanShown, ...]:
    """The newest scan of each battery, and of each model that was asked; quotes are left out.

    Raises:
        UnpromisedError: there is no such case for this party.
    """
    return tuple(
        _shown(entry, event, rows)
        for entry, event, rows in _scans(installation, case, party, sight)
    )


def _shown(entry: Entry, event: Looked, rows: ScanShape) -> ScanShown:
    """One scan with what it flagged."""
    transcripts = tuple(
        _flagged(entry, row, places=False) for row in rows.transcripts if row.looks or row.fault
    )
    common = (entry.n, event.battery, event.at, event.transcripts, event.looked_at)
    if isinstance(event, TranscriptsGraded):
        counts, known = _graded_counts(entry, event), entry.content("accuracy") or {}
        return ScanShown(*common, 0, counts, known, transcripts, _scanner(entry, event))
    plain = tuple(each.model_dump() for each in event.counts)
    return ScanShown(*common, event.canaries, plain, entry.content("power") or {}, transcripts)


def _scanner(entry: Entry, event: TranscriptsGraded) -> dict[str, Any]:
    """Which model was asked, whose it is, and what that took."""
    told = ("endpoint", "questions", "whose", "calls", "input", "output")
    model = (entry.content("accuracy") or {}).get("model", "")
    return {"model": model, **event.model_dump(include=set(told))}


def _graded_counts(entry: Entry, event: TranscriptsGraded) -> tuple[dict[str, Any], ...]:
    """Counts beside their error: raw and corrected, or why they are not."""
    known = entry.parsed("accuracy", GraderAccuracy.model_validate)
    return tuple(
        {
            "detector": each.detector,
            "flagged": each.flagged,
            "unflagged": each.unflagged,
            "not_looked_at": each.not_looked_at,
            "alone": each.alone,
            "corrected": each.corrected
            and {name: f"{value:.6f}" for name, value in each.corrected._asdict().items()},
            "why": each.why,
        }
        for each in told_counts(event.counts, known)
    )


def show_flagged(
    installation: Installation, case: str, party: str, name: str, *, sight: Sight
) -> FlaggedTranscript:
    """What detectors made of one transcript, by its name or uuid, with what they quote of it.

    Raises:
        UnpromisedError: there is no such case for this party, or no scan that it may look at has
            such a transcript.
    """
    found = [
        _flagged(entry, row, places=True)
        for entry, _, rows in _scans(installation, case, party, sight)
        for row in rows.transcripts
        if name in {row.transcript, row.uuid}
    ]
    if not found:
        raise UnpromisedError("unknown-transcript", "there is no such transcript for this party")
    return _together([each for each in found if each.name == found[0].name])


def _together(found: Sequence[FlaggedTranscript]) -> FlaggedTranscript:
    """What detectors, and models that were asked, made of one transcript."""
    flags, missed = dict[str, int](), dict[str, str]()
    for each in found:
        for detector, count in each.flags.items():
            flags[detector] = flags.get(detector, 0) + count
        # Of all by one of several: under an empty name it would be of every one.
        missed |= {
            detector or f"entry {each.n}" if len(found) > 1 else detector: why
            for detector, why in each.not_looked_at.items()
        }
    uuid = next((each.uuid for each in found if each.uuid), "")
    places = tuple(place for each in found for place in each.places)
    return replace(found[0], uuid=uuid, flags=flags, not_looked_at=missed, places=places)


def list_with_flags(
    installation: Installation, case: str, party: str, *, sight: Sight
) -> tuple[ShownTranscript, ...]:
    """The transcripts that a party may look at, each with the detectors that flagged something.

    Raises as `list_transcripts`.
    """
    shown = list_transcripts(installation, case, party, sight=sight)
    flags: dict[str, dict[str, None]] = {}
    for _, _, rows in _scans(installation, case, party, sight) if shown else ():
        for row in rows.transcripts:
            names = flags.setdefault(row.transcript, {})
            names |= dict.fromkeys(look.detector for look in row.looks if look.flagged)
    return tuple(replace(each, flagged=tuple(flags.get(each.name, ()))) for each in shown)


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
) -> Iterator[tuple[Entry, Looked, ScanShape]]:
    """The newest scan of each battery, and of each scanner, that a party may look at, opened."""
    size = size_for(installation, case, party, sight=sight)
    reader = installation.records.sent_to(party, case, size)
    audience = party_audience(party, "GREEN", sight)
    newest: dict[tuple[str, ...], tuple[Entry, Looked]] = {}
    for entry in read_entries_of(reader, audience, TYPES, use="look"):
        event = entry.event
        if not entry.visible or not entry.evidence("sightings"):
            continue
        if isinstance(event, TranscriptsScanned):
            newest[event.battery,] = entry, event
        elif isinstance(event, TranscriptsGraded):
            newest[event.battery, event.questions, event.endpoint] = entry, event
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
