"""The file of a certificate of destruction, and what is told of a case that was destroyed."""

import os
import tempfile
from pathlib import Path
from typing import Any

from touchstone.cli.hands import Where, hand_of, require_centre, require_whole
from touchstone.cli.output import tell
from touchstone.client.party_case import PartyCase
from touchstone.deeds.cases import case_destroyed
from touchstone.deeds.deed import Deed
from touchstone.errors import BadInputError
from touchstone.handin.shown_ids import short_case
from touchstone.keys.files import write_file
from touchstone.ledger import dumps
from touchstone.records import DATABASE
from touchstone.service.cases.destroying import (
    DestroyedCase,
    destroy_case,
    finish_destruction,
    require_destroyable,
)
from touchstone.service.errors import UnfinishedError
from touchstone.service.installation import Installation

ROOM = 4096
"""Bytes that must be free for the certificate, which has some 700 and the reason."""


def destroy(installation: Installation, case: str, out: Path, reason: str) -> str:
    """Destroy a case and write its certificate to `out`; what is told of it.

    Nothing is done before the certificate can be written. Of a case that was destroyed before, what
    was left undone is done, and the certificate is written again.

    Raises:
        BadInputError: `out` cannot take the certificate; nothing was destroyed.
        UnfinishedError: it is destroyed in the record, and something is left; the line says how to
            finish.
    """
    # Before a folder is made for the certificate.
    require_destroyable(installation, case, reason)
    path = out / f"destruction-{short_case(case)}.json"
    _check_out(path, installation.records.destructions.certificate(case))
    # From here on nothing can be taken back; whatever fails below says how to finish, and is
    # finished by the same command.
    destroyed = destroy_case(installation, case, reason)
    written = _write(path, destroyed)
    _finish(installation, case, written)
    return f"Case {short_case(case)} {_said(destroyed)} {written}{_elsewhere()}"


def destroy_elsewhere(where: Where, case: str, out: Path, reason: str) -> int:
    """Sign, by a server or in a file, for a certificate that the server drafted.

    The server destroys once the deed is recorded. Raises as `destroy`, and as `Hand.act`.
    """
    with hand_of(where) as hand:
        known = hand.look(case, "centre")
        require_whole(case, known.id)
        path = out / f"destruction-{short_case(known.id)}.json"
        _check_out(path, "")
        made: list[dict[str, Any]] = []

        def draft(known: PartyCase) -> Deed:
            require_centre(known)
            made.append(hand.draft_destruction(known.id, reason))
            return case_destroyed(known, known.by, made[-1])

        done = hand.act(known.id, draft, "centre")
        # Only now: a certificate that no deed names is worth nothing, and looks like one.
        name = path if done.n is not None else path.with_suffix(".draft.json")
        write_file(name, [dumps(made[-1]) + b"\n"])
    tell(done, json=where.json)
    return 0


def _said(destroyed: DestroyedCase) -> str:
    gone = destroyed.gone
    if gone is None:
        return "was destroyed before. Its proofs stay."
    return (
        f"is destroyed: {gone.parts} parts and {gone.evidence} pieces of evidence "
        f"({gone.evidence_bytes:,} bytes). The proofs stay."
    )


def _check_out(path: Path, own: str) -> None:
    """Refuse a place that cannot take the certificate, before anything is destroyed."""
    out = path.parent
    try:
        out.mkdir(parents=True, exist_ok=True)
        # A link could lead to another file, which the certificate would replace.
        if path.is_symlink() or (path.exists() and path.read_bytes() != f"{own}\n".encode()):
            raise BadInputError(
                f"--out {out}: holds {path.name}, which is not this case's certificate; name "
                "another folder; nothing was destroyed"
            )
        with tempfile.TemporaryFile(dir=out) as draft:
            # Written and synced, not only asked for: a full disk or a quota shows itself when bytes
            # are to stay.
            draft.write(bytes(ROOM))
            draft.flush()
            os.fsync(draft.fileno())
    except OSError as error:
        raise BadInputError(
            f"--out {out}: cannot take the certificate: {error.strerror}; name another folder; "
            "nothing was destroyed"
        ) from error


def _write(path: Path, destroyed: DestroyedCase) -> str:
    if not destroyed.certificate:
        return "It was destroyed by a version that kept no certificate."
    try:
        write_file(path, [f"{destroyed.certificate}\n".encode()])
    except OSError as error:
        raise UnfinishedError(
            f"case {short_case(destroyed.case)} takes nothing more, but its certificate could not "
            f"be written: {path}: {error.strerror}; run the same command again, with another --out"
        ) from error
    return f"Certificate: {path}"


def _finish(installation: Installation, case: str, written: str) -> None:
    left = finish_destruction(installation, case)
    if left.folders:
        raise UnfinishedError(
            f"case {short_case(case)} takes nothing more, but not all of it is gone: "
            f"{', '.join(map(str, left.folders))}: could not be deleted, and may hold its work in "
            "the clear; delete it (of a link, what it leads to as well) and run the same command "
            f"again. {written}"
        )
    # A reader keeps old pages of the file alive: the bytes are gone only when it has ended.
    if left.held:
        raise UnfinishedError(
            f"case {short_case(case)} takes nothing more, but its key and content still lie in the "
            "record's files, since another program reads the record (on PostgreSQL also: has an "
            f"older transaction open); end it and run the same command again. {written}"
        )


def _elsewhere() -> str:
    """What is not in our hands."""
    if not os.environ.get(DATABASE):
        return ""
    return (
        "\nThe key is out of PostgreSQL's tables. The server's write-ahead log (pg_wal), its "
        "archive, standbys and backups hold earlier bytes as long as they are kept: whoever runs "
        "the server has to let them expire."
    )
