"""Editions: for each audience a report and the bundle that belongs to it, as files."""

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from touchstone.clearance import PUBLIC, Audience, party_audience
from touchstone.evaluation.digests import digest_bytes
from touchstone.ledger import (
    Erased,
    OlderCheckpoint,
    Opened,
    PublishedHead,
    Withheld,
    parse_entry,
    write_bundle,
)
from touchstone.report import VerificationFacts, render_html
from touchstone.review import State
from touchstone.review.events import settling
from touchstone.service.case import Case, Cast
from touchstone.service.gathering import Shown, gather
from touchstone.service.reading import Entry, read_entries
from touchstone.service.recording import Deed


@dataclass(frozen=True)
class Edition:
    """What one audience is given."""

    audience: str
    report: Path
    bundle: Path


def audiences(cast: Cast) -> tuple[Audience, ...]:
    """Every party of the case, and the public."""
    return (*(party_audience(party) for party, _ in cast.roles), PUBLIC)


def issue_editions(case: Case, out: Path, wanted: Iterable[Audience]) -> tuple[Edition, ...]:
    """Write report and bundle for each audience into `out`, and record the issue.

    Every edition is of the same head. Files appear whole or not at all. The record then gets a
    `report-issued` for each, after the head that the editions show.
    """
    out.mkdir(parents=True, exist_ok=True)
    installation = case.installation
    proof = installation.records.installation.prove(case.id)
    at = case.now()
    editions = []
    issued = []
    for audience in wanted:
        reader = installation.records.case(case.id)
        entries = tuple(read_entries(reader, audience))
        names = Edition(
            audience.name,
            out / f"report-{audience.name}.html",
            out / f"bundle-{audience.name}.jsonl",
        )
        published = PublishedHead(
            proof.head, proof.blind, proof.index, proof.inclusion, proof.checkpoint
        )
        lines = write_bundle(
            installation.keyring.installation,
            audience=audience.name,
            at=at,
            keys=installation.keyring.history,
            entries=map(parse_entry, reader.lines()),
            parts=_parts(entries),
            published=published,
            older=[OlderCheckpoint(o.note, o.consistency) for o in proof.older],
        )
        verification = VerificationFacts(
            log=proof.head.log,
            size=proof.head.size,
            root=proof.head.root,
            fingerprint=installation.keyring.history.lines[0].fingerprint,
            bundle=names.bundle.name,
        )
        page = render_html(gather(Shown(case.id, entries, audience), at, verification)).encode()
        write_file(names.bundle, lines)
        write_file(names.report, [page])
        editions.append(names)
        issued.append((audience, digest_bytes(page)))
    _record_issue(case, issued)
    return tuple(editions)


def _record_issue(case: Case, issued: list[tuple[Audience, str]]) -> None:
    def deeds(state: State) -> list[Deed]:
        return [
            Deed(
                settling.ReportIssued(
                    actor=case.cast.centre,
                    at=case.now(),
                    marking=case.marks.case,
                    audience=audience.name,
                    edition=state.reports[audience.name].edition + 1
                    if audience.name in state.reports
                    else 1,
                    report=digest,
                )
            )
            for audience, digest in issued
        ]

    case.record(deeds)


def _parts(entries: Iterable[Entry]) -> Iterator[Opened | Withheld | Erased]:
    for entry in entries:
        for reading in entry.parts:
            part = reading.part
            if part.data is None or part.salt is None:
                yield Erased(part.n, part.i, reading.label)
            elif reading.allowed:
                yield Opened(part.n, part.i, part.salt, part.data)
            else:
                yield Withheld(part.n, part.i, reading.label)


def write_file(path: Path, pieces: Iterable[bytes]) -> None:
    """Whole or not at all, durable, and readable by its owner alone."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(handle)
        Path(draft).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(draft).unlink()
        raise
