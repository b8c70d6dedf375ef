"""Destroying a case: nothing is done before the certificate can be written, and none is lost."""

import os
import tempfile
from pathlib import Path
from typing import Any

from touchstone.keys.files import write_file
from touchstone.ledger import dumps, fingerprint
from touchstone.records import DATABASE, Records
from touchstone.review import require_known
from touchstone.service.case_context import Case
from touchstone.service.cases.case_admin import find, open_found
from touchstone.service.cases.deeds import case_closed, case_destroyed
from touchstone.service.commit import record_destruction
from touchstone.service.errors import CannotOrderError, UnfinishedError
from touchstone.service.file_io import one_line
from touchstone.service.installation import Installation

ROOM = 4096
"""Bytes that must be free for the certificate, which has some 700 and the reason."""
UNSAID = "to be destroyed"
"""The reason where nobody gives one."""


def destroy_case(
    installation: Installation, beginning: str, out: Path, reason: str = UNSAID
) -> str:
    """Destroy a case's key, content and evidence; proofs stay; a certificate is signed and kept.

    A case that is still open is closed first, for the same reason. The certificate is kept in the
    record, in the transaction that destroys, and written as a JSON file to `out`. Of a case that
    was destroyed before, what was left undone is done, and the certificate is written again.

    Raises:
        BadInputError: the reason is no line for the record.
        CannotOrderError: `out` cannot take the certificate; nothing was destroyed.
        UnfinishedError: the case is destroyed in the record, but a reader holds its key in a file,
            work or evidence could not be deleted, or the certificate not be written; the line says
            how to finish.
        Refused: the centre may not do this now.
    """
    reason, found = one_line(reason, "--reason"), find(installation, beginning)
    records = installation.records
    records.check_writable()
    path = out / f"destruction-{found[:12]}.json"
    before = records.case(found).destroyed
    if not before:
        # Before a folder is made for the certificate.
        require_known(installation.state(found))
    _check_out(path, records.certificate(found))
    said = "was destroyed before. Its proofs stay." if before else ""
    if not before:
        said = _destroy(open_found(installation, found), reason)
    written = _write(path, records.certificate(found), found)
    _finish(records, found, written)
    return f"Case {found[:12]} {said} {written}{_elsewhere()}"


def _finish(records: Records, case: str, written: str) -> None:
    """Let nothing of a destroyed case lie on the disk, or say what does and why."""
    if case not in records.unfinished() and not records.left_of(case):
        return
    if records.finish_destruction(case):
        return
    if left := records.left_of(case):
        raise UnfinishedError(
            f"case {case[:12]} takes nothing more, but not all of it is gone: "
            f"{', '.join(map(str, left))}: could not be deleted, and may hold its work in the "
            "clear; delete it (of a link, what it leads to as well) and run the same command "
            f"again. {written}"
        )
    raise UnfinishedError(
        f"case {case[:12]} takes nothing more, but its key and content still lie in the "
        "record's files, since another program reads the record (on PostgreSQL also: has an "
        f"older transaction open); end it and run the same command again. {written}"
    )


def _destroy(case: Case, reason: str) -> str:
    installation = case.installation
    case.require_growing()
    if case.state.status == "open":
        case.record([case_closed(case, case.cast.centre, reason)])
    installation.records.jobs.halt(case.id)
    certificate = _certificate(case, reason)
    deed = case_destroyed(case, case.cast.centre, certificate)
    text = dumps(certificate).decode()
    gone = record_destruction(installation, case.id, case.framework, deed, text)
    return (
        f"is destroyed: {gone.parts} parts and {gone.evidence} pieces of evidence "
        f"({gone.evidence_bytes:,} bytes). The proofs stay."
    )


def _check_out(path: Path, own: str) -> None:
    """Refuse a place that cannot take the certificate, before anything is destroyed."""
    out = path.parent
    try:
        out.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() or (path.exists() and path.read_bytes() != f"{own}\n".encode()):
            raise CannotOrderError(
                f"--out {out}: holds {path.name}, which is not this case's certificate; name "
                "another folder; nothing was destroyed"
            )
        with tempfile.TemporaryFile(dir=out) as draft:
            draft.write(bytes(ROOM))
            draft.flush()
            os.fsync(draft.fileno())
    except OSError as error:
        raise CannotOrderError(
            f"--out {out}: cannot take the certificate: {error.strerror}; name another folder; "
            "nothing was destroyed"
        ) from error


def _write(path: Path, certificate: str, case: str) -> str:
    if not certificate:
        return "It was destroyed by a version that kept no certificate."
    try:
        write_file(path, [f"{certificate}\n".encode()])
    except OSError as error:
        raise UnfinishedError(
            f"case {case[:12]} takes nothing more, but its certificate could not be written: "
            f"{path}: {error.strerror}; run the same command again, with another --out"
        ) from error
    return f"Certificate: {path}"


def _elsewhere() -> str:
    """What is not in our hands."""
    if not os.environ.get(DATABASE):
        return ""
    return (
        "\nThe key is out of PostgreSQL's tables. The server's write-ahead log (pg_wal), its "
        "archive, standbys and backups hold earlier bytes as long as they are kept: whoever runs "
        "the server has to let them expire."
    )


def _certificate(case: Case, reason: str) -> dict[str, Any]:
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
        "reason": reason,
        "key": fingerprint(signer.public_key),
    }
    signature = signer.sign(b"touchstone/destruction/1\x00" + dumps(stated))
    return {**stated, "signature": signature.hex()}
