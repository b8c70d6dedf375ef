"""Looking at cases, halting one, destroying one's content, and making the index again."""

import shutil
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from touchstone.clearance import party_audience
from touchstone.evaluation import Submission
from touchstone.evaluation.digests import digest_value
from touchstone.framework import Framework
from touchstone.ledger import dumps, fingerprint, loads
from touchstone.records import CaseReader, Listing
from touchstone.review import State, concurrences, read_clock
from touchstone.review.events import measuring, settling
from touchstone.service.case import Case, cast_of
from touchstone.service.editions.summaries import stage, summarise_events
from touchstone.service.editions.words import named, sentence
from touchstone.service.errors import UnknownCaseError
from touchstone.service.files import write_file
from touchstone.service.installation import Installation
from touchstone.service.opening import framework_of
from touchstone.service.reading import read_entries
from touchstone.service.recording import Deed, record_destruction


@dataclass(frozen=True)
class CaseRow:
    """A case in a list."""

    case: str
    model: str
    developer: str
    framework: str
    status: str
    updated: str

    def as_dict(self) -> dict[str, str]:
        """For `--json`."""
        return asdict(self)


@dataclass(frozen=True)
class CaseShown:
    """One case, for people and for `--json`."""

    case: str
    model: str
    framework: str
    status: str
    agreement: dict[str, Any]
    """Empty until developer and centre have signed the same."""
    clock: dict[str, Any]
    verdicts: tuple[dict[str, Any], ...]
    designation: dict[str, Any]
    timeline: tuple[dict[str, Any], ...]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def list_cases(installation: Installation) -> list[CaseRow]:
    """Every case of the installation, last updated first."""
    return [_row(listing) for listing in installation.records.cases()]


def _row(listing: Listing) -> CaseRow:
    summary = listing.summary
    return CaseRow(
        listing.case,
        summary.model_name,
        summary.developer,
        summary.framework,
        summary.status,
        summary.updated,
    )


def find(installation: Installation, beginning: str) -> str:
    """The id of the one case that begins like this.

    Raises:
        UnknownCaseError: none does, or several do.
    """
    found = [row.case for row in installation.records.cases() if row.case.startswith(beginning)]
    if not beginning:
        raise UnknownCaseError("name a case by its id's beginning; see: touchstone review list")
    if len(found) != 1:
        many = f"{len(found)} cases begin" if found else "no case begins"
        raise UnknownCaseError(f"{many} with {beginning[:64]!r}; see: touchstone review list")
    return found[0]


def open_found(installation: Installation, beginning: str) -> Case:
    """The case that begins like this, with framework and submission from its own record."""
    case = find(installation, beginning)
    state = installation.state(case)
    reader = installation.records.case(case)
    return Case(installation, case, _framework(reader), _submission(reader), cast_of(state))


def show_case(installation: Installation, beginning: str) -> CaseShown:
    """Status, clock, verdicts, designation and timeline of a case, as its centre reads it."""
    case = find(installation, beginning)
    state = installation.state(case)
    reader = installation.records.case(case)
    audience = party_audience(cast_of(state).centre)
    opened, submission = state.opened, state.submission
    return CaseShown(
        case=case,
        model=submission.model if submission else "",
        framework=opened.framework.id if opened else "",
        status=stage(state),
        agreement=_agreement(state),
        clock=_clock(state, installation.now()),
        verdicts=tuple(
            {
                "criterion": key.criterion,
                "mode": key.mode,
                "verdict": reached.verdict,
                "solved": reached.solved,
                "counted": reached.counted,
                "interval": list(reached.interval),
                "stop": reached.stop.model_dump(mode="json") if reached.stop else None,
            }
            for key, reached in state.verdicts.items()
        ),
        designation=_designation(state, None if reader.destroyed else _framework(reader)),
        timeline=tuple(
            {
                "n": entry.n,
                "at": entry.event.at,
                "actor": entry.event.actor,
                "text": sentence(entry.event),
            }
            for entry in read_entries(reader, audience)
        ),
    )


def halt_case(installation: Installation, beginning: str, reason: str) -> str:
    """Halt the measuring of a case: jobs stop at once, and the record says so.

    Raises:
        Refused: the centre's halt stands already, or the case is over.
    """
    case = open_found(installation, beginning)
    halted = measuring.ReviewHalted(
        actor=case.cast.centre, at=case.now(), marking=case.marks.case, reason=reason
    )
    case.record([Deed(halted)])
    stopped = installation.records.jobs.halt(case.id)
    return f"Halted case {case.id[:12]}; {stopped} chunks will not run. What ran is recorded."


def destroy_case(installation: Installation, beginning: str, out: Path) -> str:
    """Destroy a case's key, content and evidence; proofs stay; a certificate is signed and kept.

    A case that is still open is closed first. The certificate is a JSON file in `out`.
    """
    found = find(installation, beginning)
    if installation.records.case(found).destroyed:
        raise UnknownCaseError(f"case {found[:12]} was destroyed before; its proofs stay")
    case = open_found(installation, beginning)
    if case.state.status == "open":
        closing = settling.CaseClosed(
            actor=case.cast.centre, at=case.now(), marking=case.marks.case, reason="to be destroyed"
        )
        case.record([Deed(closing)])
    installation.records.jobs.halt(case.id)
    certificate = _certificate(case)
    event = settling.CaseDestroyed(
        actor=case.cast.centre,
        at=case.now(),
        marking=case.marks.case,
        certificate=digest_value(certificate),
    )
    destruction = record_destruction(installation, case.id, case.framework, Deed(event))
    shutil.rmtree(installation.home / "chunks" / case.id, ignore_errors=True)
    path = out / f"destruction-{case.id[:12]}.json"
    out.mkdir(parents=True, exist_ok=True)
    write_file(path, [dumps(certificate) + b"\n"])
    return (
        f"Destroyed {destruction.parts} parts and {destruction.evidence} pieces of evidence "
        f"({destruction.evidence_bytes:,} bytes). The proofs stay. Certificate: {path}"
    )


def rebuild_index(installation: Installation) -> str:
    """Make the index of cases again from the record."""
    differed = installation.records.rebuild(summarise_events)
    count = len(installation.records.cases())
    if differed:
        return f"Made the index of {count} cases again; it differed for: {', '.join(differed)}"
    return f"Made the index of {count} cases again; it was as it should be."


def _certificate(case: Case) -> dict[str, Any]:
    """What the centre signs before the key goes: which log, at which size and root."""
    head = case.installation.records.head(case.id)
    signer = case.installation.keyring.installation
    stated = {
        "certificate": "touchstone/destruction/1",
        "log": head.log,
        "size": head.size,
        "root": head.root,
        "at": case.now(),
        "destroyed": "the key of the case, and with it all content and evidence",
        "kept": "entries, facts that bear on the state, and proofs",
        "key": fingerprint(signer.public_key),
    }
    signature = signer.sign(b"touchstone/destruction/1\x00" + dumps(stated))
    return {**stated, "signature": signature.hex()}


def _contents(reader: CaseReader, kind: str) -> list[Any]:
    newest = max(n for n, facts in enumerate(reader.events()) if facts["type"] == kind)
    parts = [loads(part.data) for part in reader.entry_parts(newest)[1:] if part.data is not None]
    return [part["content"] for part in parts if part["kind"] == "content"]


def _framework(reader: CaseReader) -> Framework:
    return framework_of(_contents(reader, "case-opened")[0])


def _submission(reader: CaseReader) -> Submission:
    return Submission.model_validate_json(dumps(_contents(reader, "submission-received")[1]))


def _agreement(state: State) -> dict[str, Any]:
    signed, closed = state.agreement, state.closed
    if signed is None:
        return {}
    until = None
    if closed is not None:
        day = datetime.fromisoformat(closed.at) + timedelta(days=signed.retention_days)
        until = day.date().isoformat()
    return {
        "access": signed.access,
        "reasoning": signed.reasoning,
        "retention_days": signed.retention_days,
        "publication": signed.publication,
        "keep_until": until,
    }


def _clock(state: State, now: str) -> dict[str, Any]:
    if state.clock is None:
        return {}
    laid, reading = state.clock.anchored, read_clock(state.clock, now)
    return {
        "anchor": laid.anchor,
        "share_by": laid.share_by,
        "shared": laid.shared_day,
        "review_by": reading.review_by.isoformat(),
        "days_left": reading.days_left,
        "shortfall_days": reading.shortfall_days,
    }


def _designation(state: State, framework: Framework | None) -> dict[str, Any]:
    designating = state.designating
    proposed = designating.proposals[-1] if designating.proposals else None
    made = designating.made
    return {
        "proposed": named(proposed.designation) if proposed else "nothing so far",
        "made": named(made) if made else "nothing so far",
        "concurrence": dict(concurrences(state, framework)) if framework else {},
    }
