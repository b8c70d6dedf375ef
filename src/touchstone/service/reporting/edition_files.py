"""Editions: for each audience a report and the bundle that belongs to it, as files."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path

from touchstone.clearance import PUBLIC, Audience, party_audience
from touchstone.deeds.deed import Deed
from touchstone.deeds.known_case import Participants
from touchstone.deeds.reporting import report_issued
from touchstone.editions.audience_case import Example
from touchstone.editions.gathering import AudienceCase, gather
from touchstone.editions.page import VerificationFacts, render_html, render_since
from touchstone.evaluation.digests import digest_bytes
from touchstone.keys.files import write_file
from touchstone.ledger import (
    Erased,
    OlderCheckpoint,
    Opened,
    PublishedHead,
    Withheld,
    parse_entry,
    write_bundle,
)
from touchstone.ledger.contract2 import (
    PARTS,
    HiddenPart,
    parse_padded_entry,
    write_deed_bundle,
)
from touchstone.records import CaseReader, HeadProof, SentCase
from touchstone.review import State
from touchstone.review.audience_view import Entry, read_entries
from touchstone.review.events.opening import AgreementSigned
from touchstone.service.case_context import Case
from touchstone.service.installation import Installation
from touchstone.service.reporting.other_cases import other_cases


@dataclass(frozen=True)
class Edition:
    """What one audience is given."""

    audience: str
    report: Path
    bundle: Path


def audiences(
    participants: Participants, agreement: AgreementSigned | None = None
) -> tuple[Audience, ...]:
    """Every party of the case, and the public unless the agreement publishes nothing.

    The parties are of the community that GREEN is for.
    """
    parties = tuple(party_audience(party, "GREEN") for party, _ in participants.roles)
    nothing = agreement is not None and agreement.publication == "nothing"
    return parties if nothing else (*parties, PUBLIC)


def issue_editions(case: Case, out: Path, wanted: Iterable[Audience]) -> tuple[Edition, ...]:
    """Record and write report and bundle for each audience into `out`.

    Every new edition is of the same head, and in the record before its files are written: so
    nothing that an audience holds is missing there, and a refusal leaves no file. An edition that
    lies in `out` as it was issued, and would say the same today, stays as it is: running a finished
    review again adds nothing to the record. Where only other cases of the model have changed, its
    page gets or changes a section beside the edition, and the record, which others read, nothing.
    A case of record contract 1, or one that was withdrawn, is written out and no more recorded:
    its record takes no reports. Nor where no key here may sign for the centre that it issued them.

    Raises:
        RefusedDeed: the case takes no more reports (it is destroyed).
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
        if (today := _standing(case, audience, edition)) is None:
            page = render_edition(case, audience, proof.head.size, at)
            fresh.append((audience, edition, page))
        else:
            _renew(edition.report, today, at)
    takes = case.grows and case.state.status != "withdrawn"
    if fresh and takes and case.signs_here(case.participants.centre, "report-issued"):
        _record_issue(case, [(audience, digest_bytes(page)) for audience, _, page in fresh], at)
    for audience, edition, page in fresh:
        write_file(edition.bundle, bundle_lines(case, audience, proof, at))
        write_file(edition.report, [page])
    return tuple(editions)


def render_edition(case: Case, audience: Audience, size: int, at: str) -> bytes:
    """The page for one audience, of the first `size` entries, as made at a UTC instant."""
    reader = case.installation.records.case(case.id, size)
    return page_for(case.installation, reader, audience, at, case.example)


def page_for(
    installation: Installation,
    reader: CaseReader | SentCase,
    audience: Audience,
    at: str,
    example: Example,
) -> bytes:
    """The same of a case at the size at which it is read; `example` says what is invented."""
    verification = VerificationFacts(
        log=reader.log,
        size=reader.size,
        root=reader.root,
        # The first key: readers know that one from elsewhere, whatever has followed it.
        fingerprint=installation.keyring.history.lines[0].fingerprint,
        bundle=f"bundle-{audience.name}.jsonl",
    )
    entries = tuple(read_entries(reader, audience))
    shown = AudienceCase(reader.case, entries, audience, example)
    others = other_cases(installation, reader.case, audience)
    return render_html(gather(shown, at, verification, others)).encode()


def bundle_lines(case: Case, audience: Audience, proof: HeadProof, at: str) -> Iterator[bytes]:
    """The bundle for one audience, of the head that is proven, line by line.

    In the format of the contract that the case's log is of.
    """
    reader = case.installation.records.case(case.id, proof.head.size)
    return lines_for(case.installation, reader, audience, proof, at)


def lines_for(
    installation: Installation,
    reader: CaseReader | SentCase,
    audience: Audience,
    proof: HeadProof,
    at: str,
) -> Iterator[bytes]:
    """The same of a case that is read at the size that is proven."""
    signer, keys = installation.keyring.installation, installation.keyring.history
    published = PublishedHead(
        proof.head, proof.blind, proof.index, proof.inclusion, proof.checkpoint
    )
    older = [OlderCheckpoint(o.note, o.consistency) for o in proof.older]
    entries = read_entries(reader, audience)
    if reader.contract == 1:
        return write_bundle(
            signer,
            audience=audience.name,
            at=at,
            keys=keys,
            entries=map(parse_entry, reader.lines()),
            parts=_parts(entries),
            published=published,
            older=older,
        )
    return write_deed_bundle(
        signer,
        audience=audience.name,
        at=at,
        keys=keys,
        entries=map(parse_padded_entry, reader.lines()),
        parts=shown_parts(entries),
        published=published,
        older=older,
        answers=reader.answers(audience.name),
    )


def _standing(case: Case, audience: Audience, edition: Edition) -> bytes | None:
    """The page as issued today, if the one that lies there differs at most on other cases."""
    issued = case.state.reports.get(audience.name)
    if issued is None or not edition.bundle.is_file() or not edition.report.is_file():
        return None
    page = as_issued(edition.report.read_bytes())
    if digest_bytes(page) != issued.report:
        return None
    reader = case.installation.records.case(case.id)
    reports, size = dict(reader.events_of([issued.type])), reader.size
    # Back over the editions themselves: each is of the case as it was before it was issued.
    while size - 1 in reports:
        size -= 1
    # Of the editions issued since anything else happened, those of one moment share a head.
    while size in reports and reports[size]["at"] != issued.at:
        size += 1
    if not 0 < size < reader.size:
        return None
    # Erasing a part leaves no entry, so the page itself is held against what was issued.
    today = render_edition(case, audience, size, issued.at)
    return today if OTHERS.sub(b"", today) == OTHERS.sub(b"", page) else None


OTHERS = re.compile(rb'<section aria-labelledby="others">.*?</section>\n', re.DOTALL)
SINCE = re.compile(rb'<section aria-labelledby="since">.*?</section>\n', re.DOTALL)


def as_issued(page: bytes) -> bytes:
    """A page without what was told beside it later: the bytes whose digest is in the record."""
    return SINCE.sub(b"", page, count=1)


def _renew(path: Path, today: bytes, at: str) -> None:
    """Let a page that stands say what is now known of other cases, beside what was issued.

    No deed tells of it: entries that only come where there are other cases would give them away.
    """
    old = path.read_bytes()
    page, now = as_issued(old), _sentences(OTHERS, today)
    if now == (_sentences(SINCE, old) or _sentences(OTHERS, page)):
        return
    if now != _sentences(OTHERS, page):
        section = render_since(now, at).encode() + b"\n"
        # By a function: as a text to put there, its backslashes would be read as groups.
        page = OTHERS.sub(lambda found: found[0] + section, page, count=1)
    write_file(path, [page])


def _sentences(section: re.Pattern[bytes], page: bytes) -> list[str]:
    found = section.search(page)
    said = re.findall(rb"<p>(.*?)</p>", found[0]) if found else []
    return [unescape(each.decode()) for each in said]


def _record_issue(case: Case, issued: list[tuple[Audience, str]], at: str) -> None:
    def deeds(state: State) -> list[Deed]:
        return [
            report_issued(
                case,
                case.participants.centre,
                audience.name,
                state.reports[audience.name].edition + 1 if audience.name in state.reports else 1,
                digest,
                at,
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


def shown_parts(entries: Iterable[Entry]) -> Iterator[Opened | HiddenPart]:
    """Of every entry as many parts; what is not shown says nothing of why."""
    for entry in entries:
        shown = {view.part.i: view.part for view in entry.parts if view.allowed}
        for i in range(PARTS):
            part = shown.get(i)
            if part is None or part.salt is None or part.data is None:
                yield HiddenPart(entry.n, i)
            else:
                yield Opened(entry.n, i, part.salt, part.data)
