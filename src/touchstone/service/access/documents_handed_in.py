"""Documents that parties hand in: named by a deed, sealed in their case, fetched by its readers.

A document is evidence like any other: it is sent before its deed in pieces, and is destroyed with
the case. Whoever may not read one is told what is told of one that is not there.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from touchstone.clearance import Sight, party_audience
from touchstone.ledger.errors import UnpromisedError
from touchstone.review.audience_view import Entry, read_entries_of
from touchstone.review.events.opening import DocumentHandedIn
from touchstone.service.installation import Installation
from touchstone.service.reporting.feed import size_for

TYPE = "document-handed-in"


@dataclass(frozen=True)
class ShownDocument:
    """A document as somebody may have it."""

    n: int
    """The entry by which it was handed in."""
    document: str
    kind: str
    by: str
    name: str
    media_type: str
    size: int
    digest: str


@dataclass(frozen=True)
class FetchedDocument:
    """A document's bytes from one on, each piece opened as it is asked for."""

    shown: ShownDocument
    start: int
    pieces: Iterator[bytes]


def shown_documents(entries: Iterator[Entry]) -> list[ShownDocument]:
    """The documents among entries, as who may read them has them, oldest first."""
    found = []
    for entry in entries:
        event, part = entry.event, entry.part("document")
        if isinstance(event, DocumentHandedIn) and part is not None and part.value is not None:
            told: dict[str, Any] = part.value
            found.append(
                ShownDocument(
                    entry.n,
                    event.document,
                    event.kind,
                    event.actor,
                    str(told["name"]),
                    str(told["media_type"]),
                    int(told["size"]),
                    event.digest,
                )
            )
    return found


def fetch_document(
    installation: Installation,
    case: str,
    party: str,
    document: str,
    start: int = 0,
    *,
    sight: Sight,
) -> FetchedDocument:
    """A document of a case, by its id, for a party that may read it, from a byte on.

    Raises:
        UnpromisedError: there is no such case for this party, or no such document in it.
    """
    size = size_for(installation, case, party, sight=sight)
    reader = installation.records.sent_to(party, case, size)
    audience = party_audience(party, "GREEN", sight)
    found = shown_documents(read_entries_of(reader, audience, (TYPE,)))
    shown = next((each for each in found if each.document == document), None)
    if shown is None or start > shown.size:
        raise UnpromisedError("unknown-document", "there is no such document for this party")
    kept = installation.records.case(case)
    return FetchedDocument(shown, start, _from(kept.evidence_pieces(shown.digest), start))


def stage_document(
    installation: Installation,
    case: str,
    party: str,
    digest: str,
    size: int,
    read: Callable[[int], bytes],
) -> None:
    """Take bytes of a digest in, for a deed of a party that is to come.

    `read` gives a piece of at most `PIECE` of them from an offset on. Raises as `StagingArea`:
    StagingError, UnpromisedError, RecordsError.
    """
    staging = installation.records.staging
    staged = staging.begin(case, party, digest, size)
    while not staged.whole:
        staged = staging.write(case, party, digest, staged.received, read(staged.received))


def _from(pieces: Iterator[bytes], start: int) -> Iterator[bytes]:
    """The bytes from one on: what comes before is opened, too, and thrown away."""
    for piece in pieces:
        if start >= len(piece):
            start -= len(piece)
            continue
        yield piece[start:]
        start = 0
        break
    yield from islice(pieces, None)
