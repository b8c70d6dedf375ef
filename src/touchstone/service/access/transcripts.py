"""Transcripts of a case for who may look at them: listed, shown by pages, their logs handed out.

A log is sealed in its case and is opened here, in memory, once `clearance` was asked as for every
entry. To look needs a reader of the log's part; to take the log needs one that is handed copies.
Whoever may not read a transcript is told what is told of one that is not there.

    with open_log(installation, case, party, "17-3-1", sight="contents") as (shown, log):
        sample = log.sample(shown.position, shown.epoch)
"""

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from touchstone.clearance import Sight, party_audience
from touchstone.evaluation.errors import TooLargeError, TranscriptError
from touchstone.evaluation.transcript_log import (
    MOST_OF_LOG,
    PageAsked,
    TranscriptLog,
    TranscriptPage,
    read_page,
)
from touchstone.ledger.errors import UnpromisedError
from touchstone.review.audience_view import VIEW_ONLY, Entry, read_entries_of
from touchstone.review.events.measuring import OutcomesRecorded
from touchstone.service.installation import Installation
from touchstone.service.reporting.feed import size_for

TYPE = "outcomes-recorded"
_NAME = re.compile(r"\d{1,9}-\d{1,9}-\d{1,9}", re.ASCII)


def is_transcript_name(text: str) -> bool:
    """Whether a transcript could be called so: entry, position and attempt."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True)
class ShownTranscript:
    """A transcript as somebody may look at it."""

    name: str
    """`<entry>-<position>-<attempt>`."""
    n: int
    """The entry of its outcome."""
    criterion: str
    """Whose item set it is of."""
    variant: str
    mode: str
    position: int
    attempt: int
    chunk: str
    result: str
    log_size: int
    """Bytes of its chunk's log; 0 where none is there."""
    readable: str
    """`yes`, or why it cannot be looked at."""
    log: str = ""
    """The digest of its chunk's log."""
    epoch: int = 1
    """Its number within its chunk's log: a chunk is one attempt, whichever it is."""
    flagged: tuple[str, ...] = ()
    """The detectors that flagged something in it; that there are none clears nothing."""


@dataclass(frozen=True)
class FetchedLog:
    """A chunk's log, as Inspect wrote it, each piece opened as it is asked for."""

    shown: ShownTranscript
    pieces: Iterator[bytes]


def shown_transcripts(entries: Iterable[Entry]) -> tuple[ShownTranscript, ...]:
    """The transcripts among entries of outcomes, as who may look at them has them, in order."""
    rows, logs = list[tuple[Entry, OutcomesRecorded]](), dict[tuple[str, int], tuple[str, int]]()
    for entry in entries:
        event = entry.event
        if not isinstance(event, OutcomesRecorded) or not entry.visible or entry.lacking("details"):
            continue
        rows.append((entry, event))
        part = entry.part("log")
        if part is not None and part.value is not None and not entry.lacking("log"):
            logs[event.chunk, entry.n] = str(part.value["digest"]), int(part.value["size"])
    return tuple(
        ShownTranscript(
            f"{entry.n}-{each.index}-{each.attempt}",
            entry.n,
            event.criterion,
            event.variant,
            event.mode,
            each.index,
            each.attempt,
            event.chunk,
            each.result,
            size,
            _readable(digest, size),
            digest,
        )
        for entry, event in rows
        for digest, size in [_log_of(event.chunk, entry.n, logs)]
        for each in event.outcomes
    )


def _log_of(chunk: str, n: int, logs: Mapping[tuple[str, int], tuple[str, int]]) -> tuple[str, int]:
    """The log that came with an outcome, or with the next of its chunk: digest and size.

    What an execution left is with its own outcomes; those that were told before it ended come
    without, and the log with the rest of them.
    """
    later = (at for name, at in logs if name == chunk and at >= n)
    return logs.get((chunk, min(later, default=-1)), ("", 0))


def list_transcripts(
    installation: Installation, case: str, party: str, *, sight: Sight
) -> tuple[ShownTranscript, ...]:
    """The transcripts of a case that a party may look at; none of those that it may not.

    Raises:
        UnpromisedError: there is no such case for this party.
    """
    return shown_transcripts(_entries(installation, case, party, sight))


@contextmanager
def open_log(
    installation: Installation, case: str, party: str, name: str, *, sight: Sight
) -> Iterator[tuple[ShownTranscript, TranscriptLog]]:
    """A transcript's log, open in memory for a party that may look at it, and gone afterwards.

    Raises:
        UnpromisedError: there is no such case, or no such transcript, for this party.
        TranscriptError: there is no log, or none that can be looked at.
    """
    shown = _named(list_transcripts(installation, case, party, sight=sight), name)
    if shown.readable != "yes":
        raise (TooLargeError if shown.log else TranscriptError)(shown.readable)
    kept = installation.records.case(case)
    with io.BytesIO() as file:
        for piece in kept.evidence_pieces(shown.log):
            file.write(piece)
        yield shown, TranscriptLog(file)


def look_at(
    installation: Installation,
    case: str,
    party: str,
    name: str,
    asked: PageAsked,
    flagged: Sequence[tuple[str, str, str]] = (),
    *,
    sight: Sight,
) -> tuple[ShownTranscript, int, TranscriptPage]:
    """Some messages of a transcript, with how many bytes all of it has. Raises as `open_log`.

    `flagged` is detector, message's id and why of each place that is to be marked.
    """
    with open_log(installation, case, party, name, sight=sight) as (shown, log):
        size = log.size(shown.position, shown.epoch) or 0
        return shown, size, read_page(log.sample(shown.position, shown.epoch), asked, flagged)


def fetch_log(
    installation: Installation, case: str, party: str, name: str, *, sight: Sight
) -> FetchedLog:
    """The log of a transcript's chunk, whole, for a party that is handed copies of it.

    Raises:
        UnpromisedError: there is no such case or transcript for this party, it has no log, or the
            agreement makes it view only.
    """
    shown = _named(list_transcripts(installation, case, party, sight=sight), name)
    if not shown.log:
        raise UnpromisedError("no-log", "no log of this transcript's chunk was kept")
    size = size_for(installation, case, party, sight=sight)
    reader = installation.records.sent_to(party, case, size)
    for entry in read_entries_of(reader, party_audience(party, "GREEN", sight), (TYPE,)):
        part = entry.part("log")
        if part is not None and entry.evidence("log") == shown.log:
            return FetchedLog(shown, installation.records.case(case).evidence_pieces(shown.log))
        if part is not None and part.label == VIEW_ONLY:
            break
    raise UnpromisedError(
        "view-only", "the agreement lets this party look at transcripts and take none: show it"
    )


def _entries(installation: Installation, case: str, party: str, sight: Sight) -> Iterator[Entry]:
    size = size_for(installation, case, party, sight=sight)
    reader = installation.records.sent_to(party, case, size)
    return read_entries_of(reader, party_audience(party, "GREEN", sight), (TYPE,), use="look")


def _named(found: tuple[ShownTranscript, ...], name: str) -> ShownTranscript:
    shown = next((each for each in found if each.name == name), None)
    if shown is None:
        raise UnpromisedError("unknown-transcript", "there is no such transcript for this party")
    return shown


def _readable(log: str, size: int) -> str:
    if not log:
        return "no log of its chunk was kept"
    if size > MOST_OF_LOG:
        return f"too large, not looked at: its log has {size} bytes, of at most {MOST_OF_LOG}"
    return "yes"
