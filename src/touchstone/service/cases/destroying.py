"""Destroying a case: what it still carries keeps it, and no certificate is lost.

destroyed = destroy_case(installation, case, "the agreed retention has ended")
left = finish_destruction(installation, case)
"""

from dataclasses import dataclass
from pathlib import Path

from touchstone.deeds.cases import case_closed, case_destroyed, review_resumed
from touchstone.deeds.deed import Deed
from touchstone.ledger import dumps
from touchstone.records import Destruction
from touchstone.service.case_context import Case
from touchstone.service.cases.case_admin import open_to_add
from touchstone.service.certificates import draft_certificate
from touchstone.service.commit import record_destruction, require_lawful
from touchstone.service.errors import RefusedDeed
from touchstone.service.installation import Installation

UNSAID = "to be destroyed"
"""The reason where nobody gives one."""


@dataclass(frozen=True)
class DestroyedCase:
    """A case that was destroyed, now or before."""

    case: str
    certificate: str
    """Canonical JSON; empty where it was destroyed by a version that kept none."""
    gone: Destruction | None
    """What was destroyed; None: it was before."""


@dataclass(frozen=True)
class LeftOver:
    """What still lies on the disk of a case that was destroyed."""

    folders: tuple[Path, ...] = ()
    """Work or evidence that could not be deleted."""
    held: bool = False
    """Whether a reader keeps key and content in the record's files."""

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return self.held or bool(self.folders)


def require_destroyable(installation: Installation, case: str, reason: str = UNSAID) -> None:
    """Ask the law whether a case could be destroyed now; nothing is written.

    Args:
        installation: Where.
        case: The case's id.
        reason: Why, as one line; for the record, and for good in the certificate.

    Raises:
        Refused: the case carries something still, which the line names; or the centre may not.
        BadEventError: the reason is no line for the record.
        EarlierContractError: the case is of record contract 1.
    """
    installation.records.check_writable()
    if not installation.records.case(case).destroyed:
        _require_lawful(open_to_add(installation, case), reason)


def destroy_case(installation: Installation, case: str, reason: str = UNSAID) -> DestroyedCase:
    """Destroy a case's key, content and evidence; proofs stay; a certificate is signed and kept.

    A case that is still open is closed first, and the centre's own halt is lifted, for the same
    reason. The certificate is kept in the record, in the transaction that destroys. Of a case that
    was destroyed before, it is given again. `finish_destruction` is due afterwards.

    Arguments and errors are as of `require_destroyable`.
    """
    try:
        require_destroyable(installation, case, reason)
    except RefusedDeed as refusal:
        # Asked beforehand, and yet it is the deed that is refused.
        installation.note_refusal(case, refusal)
        raise
    before = installation.records.case(case).destroyed
    gone = None if before else _destroy(open_to_add(installation, case), reason)
    return DestroyedCase(case, installation.records.destructions.certificate(case), gone)


def finish_destruction(installation: Installation, case: str) -> LeftOver:
    """Let nothing of a destroyed case lie on the disk; what does is told."""
    records = installation.records
    # Both: a crash may have left the folders, and a reader the row.
    if case not in records.destructions.unfinished() and not records.destructions.left_of(case):
        return LeftOver()
    if records.destructions.finish(case):
        return LeftOver()
    folders = tuple(records.destructions.left_of(case))
    return LeftOver(folders, held=not folders)


def _destroy(case: Case, reason: str) -> Destruction:
    if first := _before_destruction(case, reason):
        case.record(first)
    # Before the certificate is drafted, which is of one head: a chunk would still add to the log.
    case.installation.records.jobs.halt(case.id)
    certificate = draft_certificate(case.installation, case.id, reason)
    deed = case_destroyed(case, case.participants.centre, certificate)
    text = dumps(certificate).decode()
    return record_destruction(case.installation, case.id, case.framework, deed, text)


def _require_lawful(case: Case, reason: str) -> None:
    # The certificate is of the log as it will be then, and the law asks nothing of it.
    last = case_destroyed(case, case.participants.centre, {})
    deeds = [*_before_destruction(case, reason), last]
    require_lawful(case.installation, case.id, case.framework, deeds)


def _before_destruction(case: Case, reason: str) -> list[Deed]:
    """What the centre does first: it ends the review, and lifts the halt that it made itself."""
    centre, state = case.participants.centre, case.state
    closing = [case_closed(case, centre, reason)] if state.status == "open" else []
    lifting = [review_resumed(case, centre, reason)] if centre in state.halted_by else []
    return [*closing, *lifting]
