"""`touchstone document`: files that go with a case, handed in, listed and fetched again."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from touchstone.cli.hands import (
    ANYWHERE,
    HERE,
    AtServer,
    CaseId,
    NotDoneError,
    Where,
    act,
    refusals,
)
from touchstone.cli.opened import opened
from touchstone.cli.output import tell
from touchstone.cli.typed import digest_of_file, line_of, name_of
from touchstone.errors import AnswerIsNoError, BadInputError
from touchstone.handin.shown_ids import short_case

if TYPE_CHECKING:
    from touchstone.clearance import Marking
    from touchstone.client.http_server import HttpServer
    from touchstone.client.party_case import PartyCase
    from touchstone.deeds.deed import Deed
    from touchstone.review.events.opening import DocumentHandedIn
    from touchstone.service.access.documents_handed_in import ShownDocument
    from touchstone.service.installation import Installation

DONE = 0
document = App(name="document", help="Hand in, list and fetch the documents of a case.")


class ThereError(AnswerIsNoError):
    """A document is to be handed in that this party handed in before."""


@dataclass(frozen=True)
class _Listed:
    """The documents of a case, as a party may have them."""

    case: str
    found: "tuple[ShownDocument, ...]"
    destroyed: bool

    def lines(self) -> Iterator[str]:
        """For people."""
        if self.destroyed:
            yield f"Case {short_case(self.case)} was destroyed, with the bytes of its documents."
        elif not self.found:
            yield f"No document of case {short_case(self.case)} is open to this party."
        for each in self.found:
            yield (
                f"{each.document}: {each.name} ({each.kind}, {each.media_type}, {each.size} bytes)"
                f" by {each.by}, entry {each.n}, {each.digest}"
            )

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        documents = [asdict(each) for each in self.found]
        return {"case": self.case, "destroyed": self.destroyed, "documents": documents}


@dataclass(frozen=True)
class _Fetched:
    """Where a document lies, of which its digest was checked."""

    document: str
    file: str
    digest: str

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"{self.document}: {self.file}, {self.digest} as its deed says"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


@document.command
def add(
    case: CaseId,
    file: Path,
    *,
    kind: str,
    called: Annotated[str | None, Parameter(name="--id")] = None,
    media_type: str = "application/octet-stream",
    name: str | None = None,
    reader: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    where: Where = HERE,
) -> int:
    """Hand a file in: sent in pieces, sealed in the case, and named by a deed with its digest.

    For example: touchstone document add case-1 safety-plan.pdf --kind safety-plan --as example-lab
    --server https://review.example

    Args:
        file: The file, of at most 1 GiB.
        kind: What it is, as `safety-plan`. A set of weights goes by `touchstone weights add`.
        called: Its id in the case; default: a drawn one. One that you choose tells others whether
            it is taken, also where they may not read the document.
        media_type: What kind of file it is.
        name: What readers are told that it is called; default: the file's name.
        reader: Who may read it beside its party; may be given again. Default: every party.
    """
    from touchstone.deeds.cases import document_handed_in
    from touchstone.deeds.deed import SentEvidence

    if where.to_file is not None:
        raise BadInputError("--to-file: a document is sent before its deed, to a server")
    # By a server it is the only party of this machine, as with any deed.
    if where.party is None and where.server is None:
        raise BadInputError("--as: name the party that hands it in")
    digest = digest_of_file(file)
    about, what = name_of("--kind", kind), line_of("--media-type", media_type)
    told = line_of("--name", name or file.name)
    id_ = None if called is None else name_of("--id", called)
    readers = tuple(name_of("--reader", each) for each in reader)
    with refusals():
        whole = bring(where, case, file, digest)

    def draft(known: "PartyCase") -> "Deed":
        marking = marking_for(known, readers)
        # By the deed that waited for these bytes, say: what was sent before is answered by now.
        there = [e for e in own_documents(known, digest) if id_ is None or e.document == id_]
        if there:
            alike = [each for each in there if same_readers(each.marking, marking)]
            raise ThereError(
                f"document {(alike or there)[0].document} is there already, with these bytes"
                f"{'' if alike else ' and for other readers'}; to hand it in once more, take a"
                " new id (--id)"
            )
        part = SentEvidence(digest, file.stat().st_size, what, told, marking)
        return document_handed_in(known, known.by, id_ or drawn_id(known), about, part)

    return act(where, whole, draft)


@document.command(name="list")
def list_(case: CaseId, *, where: AtServer = ANYWHERE) -> int:
    """List the documents that a party may have: what each is, whose, how large, and its digest.

    For example: touchstone document list case-1 --as example-agency
    """
    from touchstone.service.access.documents_handed_in import TYPE, shown_documents

    with where.hand as hand:
        known = hand.look(case)
        found = tuple(shown_documents(known.entries_of(TYPE)))
    tell(_Listed(known.id, found, known.state.status == "destroyed"), json=where.json)
    return DONE


@document.command
def get(case: CaseId, document_id: str, *, out: Path, where: AtServer = ANYWHERE) -> int:
    """Fetch a document into a file, and hold it against the digest that its deed names.

    What was broken off goes on where it stopped. For example: touchstone document get case-1
    safety-plan --out plan.pdf --server https://review.example --as example-agency

    Args:
        document_id: Its id, as `document list` says.
        out: The file, which must not be there.
    """
    from touchstone.keys.files import take_place
    from touchstone.service.access.documents_handed_in import TYPE, shown_documents

    if out.exists():
        raise BadInputError(f"--out: {out}: is there already; name another")
    with where.hand as hand:
        known = hand.look(case)
        found = shown_documents(known.entries_of(TYPE))
        wanted = next((each for each in found if each.document == document_id), None)
        if wanted is None:
            raise BadInputError(
                f"DOCUMENT-ID: no document {document_id[:64]!a} is open to {known.by}; see:"
                " touchstone document list"
            )
        whole, by = known.id, known.by
    # Beside it: what was broken off is found again, and nobody takes half a document for a whole.
    part = out.with_name(f".{out.name}.part")
    try:
        if fetch_into(where, whole, by, wanted, part) != wanted.digest:
            part.unlink()
            raise BadInputError(
                f"{out}: what came is not what the deed names, and was thrown away: fetch it again"
            )
        # Renamed and not copied: of a large document there is no room for two.
        take_place(part, out)
    except FileExistsError as error:
        raise BadInputError(
            f"--out: {out}: came there while the document was fetched, and was left; the document"
            f" is whole in {part}; fix: name another --out, or move that file"
        ) from error
    except OSError as error:
        raise BadInputError(f"{out}: cannot be written: {error.strerror}") from error
    tell(_Fetched(document_id, str(out), wanted.digest), json=where.json)
    return DONE


def own_documents(known: "PartyCase", digest: str) -> "list[DocumentHandedIn]":
    """What the party that acts has handed in of these bytes, oldest first.

    A drawn id cannot be made again from the bytes: by these it is found after a crash.
    """
    found = known.state.documents.values()
    return [each for each in found if (each.actor, each.digest) == (known.by, digest)]


def drawn_id(known: "PartyCase") -> str:
    """A new id, of which nothing follows: ids are one namespace, also for who reads nothing.

    One made of the bytes would tell whoever has them that they were handed in, and could be taken
    beforehand.
    """
    return f"document-{known.random.draw(8).hex()}"


def same_readers(one: "Marking", other: "Marking") -> bool:
    """Whether two markings are the same, in whatever order they name parties."""
    return (one.scheme, one.label, {*one.parties}) == (other.scheme, other.label, {*other.parties})


def marking_for(known: "PartyCase", readers: tuple[str, ...]) -> "Marking":
    """Who may read a file: those who are named and its party, else every party of the case."""
    from touchstone.clearance import tlp

    return (
        tlp("AMBER+STRICT", *dict.fromkeys((known.by, *readers))) if readers else known.marks.case
    )


def bring(where: Where, case: str, file: Path, digest: str) -> str:
    """Send the file before its deed; the case's whole id."""
    if where.server is not None:
        from touchstone.cli.hands_there import greeted_server

        server, _, whole = greeted_server(
            AtServer(party=where.party, server=where.server, trust=where.trust), case
        )
        server.bring_file(whole, file)
        return whole
    with opened() as installation:
        from touchstone.records.staging import PIECE
        from touchstone.service.access.documents_handed_in import stage_document

        whole = _taking(installation, case)
        with file.open("rb") as source:

            def read(offset: int) -> bytes:
                source.seek(offset)
                return source.read(PIECE)

            size = file.stat().st_size
            stage_document(installation, whole, where.party or "", digest, size, read)
    return whole


def _taking(installation: "Installation", case: str) -> str:
    """The whole id of a case that takes deeds: no file is sent to one that could not name it."""
    from touchstone.review import require_known
    from touchstone.service.case_context import destroyed_error
    from touchstone.service.cases.case_admin import open_begun

    found = open_begun(installation, case)
    require_known(found.state)
    if found.state.status == "destroyed":
        raise NotDoneError("case-destroyed", str(destroyed_error(found.id, found.state)))
    return found.id


def fetch_into(where: AtServer, case: str, by: str, wanted: "ShownDocument", part: Path) -> str:
    """Bring what is still to come of a document, after what was written before.

    Returns the digest of the whole, which is durable then. Raises OSError; TooMuchError where a
    server sends more than the deed says, with the part as it was.
    """
    from touchstone.client.errors import TooMuchError

    # The document's readers are chosen by its marking, not by this machine's umask; and a link in
    # the place of the part would have it written somewhere else.
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(part, flags, 0o600), "a+b") as file:
        os.fchmod(file.fileno(), 0o600)
        if file.seek(0, os.SEEK_END) > wanted.size:
            file.truncate(0)
        # What was kept is read once, and what comes is digested as it is written.
        file.seek(0)
        digest = file_digest(file, sha256)
        start = file.seek(0, os.SEEK_END)
        # Where all of it was kept, nothing is left to ask for.
        if start < wanted.size:
            try:
                with _pieces(where, case, by, wanted, start) as pieces:
                    for piece in pieces:
                        digest.update(piece)
                        file.write(piece)
            except TooMuchError:
                # Of a server that cannot count nothing is kept; what was there may still be right.
                file.truncate(start)
                raise
        file.flush()
        os.fsync(file.fileno())
    return f"sha256:{digest.hexdigest()}"


@contextmanager
def _pieces(
    where: AtServer, case: str, by: str, wanted: "ShownDocument", start: int
) -> Iterator[Iterable[bytes]]:
    """A document from `start` on, from the server or from the record of this machine."""
    if where.server is not None:
        with refusals():
            yield _server(where, case).document(case, wanted.document, wanted.size, start)
        return
    with opened() as installation:
        from touchstone.service.access.documents_handed_in import fetch_document

        yield fetch_document(
            installation, case, by, wanted.document, start, sight="contents"
        ).pieces


def _server(where: AtServer, case: str) -> "HttpServer":
    from touchstone.cli.hands_there import greeted_server

    return greeted_server(where, case)[0]
