"""Editions: for each audience a report and the bundle that belongs to it, as files."""

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
from touchstone.records import HeadProof
from touchstone.report import VerificationFacts, render_html
from touchstone.review import State
from touchstone.review.events import settling
from touchstone.review.events.opening import AgreementSigned
from touchstone.service.case import Case, Cast
from touchstone.service.editions.gathering import Shown, gather
from touchstone.service.editions.related import other_cases
from touchstone.service.files import write_file
from touchstone.service.reading import Entry, read_entries
from touchstone.service.recording import Deed


@dataclass(frozen=True)
class Edition:
    """What one audience is given."""

    audience: str
    report: Path
    bundle: Path


def audiences(cast: Cast, agreement: AgreementSigned | None = None) -> tuple[Audience, ...]:
    """Every party of the case, and the public unless the agreement publishes nothing.

    The parties are of the community that GREEN is for.
    """
    parties = tuple(party_audience(party, "GREEN") for party, _ in cast.roles)
    nothing = agreement is not None and agreement.publication == "nothing"
    return parties if nothing else (*parties, PUBLIC)


def issue_editions(case: Case, out: Path, wanted: Iterable[Audience]) -> tuple[Edition, ...]:
    """Record and write report and bundle for each audience into `out`.

    Every new edition is of the same head, and in the record before its files are written: so
    nothing that an audience holds is missing there, and a refusal leaves no file. An edition that
    lies in `out` as it was issued, and would say the same today, stays as it is: running a finished
    review again adds nothing to the record.

    Raises:
        RefusedDeed: the case takes no more reports (it is withdrawn or destroyed).
    """
    out.mkdir(parents=True, exist_ok=True)
    at, proof = case.now(), case.installation.records.installation.prove(case.id)
    editions = []
    fresh = []
    for audience in wanted:
        edition = Edition(
            audience.name,
            out / f"report-{audience.name}.html",
            out / f"bundle-{audience.name}.jsonl",
        )
        editions.append(edition)
        if not _stands(case, audience, edition):
            page = render_edition(case, audience, proof.head.size, at)
            fresh.append((audience, edition, page))
    if fresh:
        _record_issue(case, [(audience, digest_bytes(page)) for audience, _, page in fresh], at)
    for audience, edition, page in fresh:
        write_file(edition.bundle, bundle_lines(case, audience, proof, at))
        write_file(edition.report, [page])
    return tuple(editions)


def render_edition(case: Case, audience: Audience, size: int, at: str) -> bytes:
    """The page for one audience, of the first `size` entries, as made at a UTC instant."""
    installation = case.installation
    reader = installation.records.case(case.id, size)
    verification = VerificationFacts(
        log=reader.log,
        size=reader.size,
        root=reader.root,
        fingerprint=installation.keyring.history.lines[0].fingerprint,
        bundle=f"bundle-{audience.name}.jsonl",
    )
    entries = tuple(read_entries(reader, audience))
    shown = Shown(case.id, entries, audience, case.framework.example)
    others = other_cases(installation, case.id, audience)
    return render_html(gather(shown, at, verification, others)).encode()


def bundle_lines(case: Case, audience: Audience, proof: HeadProof, at: str) -> Iterator[bytes]:
    """The bundle for one audience, of the head that is proven, line by line."""
    installation = case.installation
    reader = installation.records.case(case.id, proof.head.size)
    return write_bundle(
        installation.keyring.installation,
        audience=audience.name,
        at=at,
        keys=installation.keyring.history,
        entries=map(parse_entry, reader.lines()),
        parts=_parts(read_entries(reader, audience)),
        published=PublishedHead(
            proof.head, proof.blind, proof.index, proof.inclusion, proof.checkpoint
        ),
        older=[OlderCheckpoint(o.note, o.consistency) for o in proof.older],
    )


def _stands(case: Case, audience: Audience, edition: Edition) -> bool:
    """Whether what was last issued lies there untouched and would still be the same page."""
    issued = case.state.reports.get(audience.name)
    if issued is None or not edition.bundle.is_file() or not edition.report.is_file():
        return False
    if digest_bytes(edition.report.read_bytes()) != issued.report:
        return False
    facts = case.installation.records.case(case.id).events()
    size = len(facts)
    while size and facts[size - 1]["type"] == issued.type:
        size -= 1
    # Of the editions issued since anything else happened, those of one moment share a head.
    while size < len(facts) and facts[size]["at"] != issued.at:
        size += 1
    if not 0 < size < len(facts):
        return False
    # Erasing a part leaves no entry, so the page itself is held against what was issued.
    return digest_bytes(render_edition(case, audience, size, issued.at)) == issued.report


def _record_issue(case: Case, issued: list[tuple[Audience, str]], at: str) -> None:
    def deeds(state: State) -> list[Deed]:
        return [
            Deed(
                settling.ReportIssued(
                    actor=case.cast.centre,
                    at=at,
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
