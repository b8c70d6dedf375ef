"""`touchstone transcripts`: what models did, looked at by who may; each look is written down."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from touchstone.cli.hands import ANYWHERE, AtServer, CaseId, check_options, refusals
from touchstone.cli.output import tell
from touchstone.cli.transcript_hands import record_here, told_as
from touchstone.cli.transcript_table import ALL, ListedTranscripts, Narrowed
from touchstone.errors import BadInputError
from touchstone.handin import printable
from touchstone.handin.shown_ids import short_case

if TYPE_CHECKING:
    from touchstone.evaluation.transcript_log import PageAsked, Said, TranscriptPage
    from touchstone.service.access.transcripts import ShownTranscript

DONE = 0
transcripts = App(
    name="transcripts",
    help="List, show, view and export what models did; who looks at what is told to the developer.",
)


@dataclass(frozen=True)
class _Looked:
    """Some messages of a transcript."""

    case: str
    shown: "ShownTranscript"
    size: int
    start: int
    page: "TranscriptPage"

    def lines(self) -> Iterator[str]:
        """For people: what the model wrote cannot look like a line of ours."""
        shown, page = self.shown, self.page
        yield (
            f"Transcript {shown.name} of case {short_case(self.case)}: {shown.criterion}, item"
            f" {shown.position}, {shown.variant} in {shown.mode}: {shown.result}"
            f" ({self.size} bytes, {page.messages} messages)"
        )
        marks: dict[int, list[str]] = {}
        for mark in page.marks:
            line = f"FLAGGED by {printable(mark.detector)}: {printable(mark.why)}"
            marks.setdefault(mark.message, []).append(line)
        # Of messages that the transcript no longer has.
        yield from marks.pop(-1, ())
        for each in page.said:
            # Once, before the first text of its message.
            yield from marks.pop(each.message, ())
            yield from _said(each)
        for others in marks.values():
            yield from others
        if page.next is not None:
            yield (
                f"CUT: messages {self.start} to {page.next - 1} of {page.messages} are shown; go on"
                f" with --start {page.next}"
            )
        for score in page.scores:
            yield f"Score by {printable(score.scorer)}: {printable(score.value)}"
            yield from _quoted(score.explanation)
        if page.limit:
            yield f"It met a limit: {printable(page.limit)}"
        if page.error:
            yield "It ended in an error:"
            yield from _quoted(page.error)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        transcript = asdict(self.shown)
        told = {"case": self.case, "transcript": transcript, "bytes": self.size}
        return {**told, "page": asdict(self.page)}


@dataclass(frozen=True)
class _Taken:
    """Where a log lies."""

    transcript: str
    chunk: str
    file: str
    digest: str

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"{self.file}: the log of chunk {self.chunk}, {self.digest} as in the record"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


@dataclass(frozen=True)
class _Viewed:
    """Where a browser of this machine sees a log."""

    transcript: str
    address: str

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"{self.transcript}: {self.address}"
        yield "Open this address in a browser of this machine; Ctrl-C ends it."

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


@transcripts.command(name="list")
def list_(case: CaseId, *, narrowed: Narrowed = ALL, where: AtServer = ANYWHERE) -> int:
    """List the transcripts that a party may look at: of which item and attempt each is.

    For example: touchstone transcripts list case-1 --server https://review.example
    --as example-centre
    """
    check_options(where)
    if where.server is not None:
        with refusals():
            from touchstone.cli.hands_there import greeted_server
            from touchstone.service.access.transcripts import ShownTranscript

            server, client, name = greeted_server(where, case)
            rows = server.transcripts(name)
            found = tuple(told_as(ShownTranscript, row) for row in rows)
            destroyed = not found and client.look(name).state.status == "destroyed"
    else:
        with record_here(case, where) as (installation, who, name):
            from touchstone.server.accounts.transcript_reads import LISTED, note_look
            from touchstone.service.access.flagged import list_with_flags

            with refusals():
                found = list_with_flags(installation, name, who.party, sight="contents")
            destroyed = installation.state(name).status == "destroyed"
            if found:
                first, last, now = found[0].n, found[-1].n, installation.now()
                note_look(who, name, LISTED, first, last, now=now)
    ListedTranscripts(name, found, destroyed, narrowed).tell(json=where.json)
    return DONE


@transcripts.command
def show(
    case: CaseId,
    transcript: str,
    *,
    start: int = 0,
    most: int = 50,
    text: int = 4_000,
    where: AtServer = ANYWHERE,
) -> int:
    """Show a transcript: messages, reasoning, calls and answers of tools, and scores.

    What would move the cursor, or turn the text round, stands as its code. For example: touchstone
    transcripts show case-1 17-3-1 --server https://review.example --as example-centre

    Args:
        transcript: Its name, as `transcripts list` says.
        start: The first message, from 0.
        most: How many messages, at most 200.
        text: How many characters of one text, at most 100000; where it is cut, that is said.
    """
    from touchstone.evaluation.transcript_log import PageAsked, TranscriptPage, check_asked

    check_options(where)
    _require_name(transcript)
    asked = check_asked(PageAsked(start, most, text))
    if where.server is not None:
        with refusals():
            from touchstone.cli.hands_there import greeted_server
            from touchstone.service.access.transcripts import ShownTranscript

            server, _, name = greeted_server(where, case)
            told = server.transcript(name, transcript, asdict(asked))
            shown, page = told_as(ShownTranscript, told.get("transcript")), told.get("page")
            looked = _Looked(
                name, shown, told_as(int, told.get("bytes")), start, told_as(TranscriptPage, page)
            )
    else:
        looked = _looked_here(case, transcript, asked, where)
    tell(looked, json=where.json)
    return DONE


@transcripts.command
def export(
    case: CaseId,
    transcript: str,
    *,
    out: Annotated[Path, Parameter(help="The file, which must not be there.")],
    where: AtServer = ANYWHERE,
) -> int:
    """Take the log of a transcript's chunk, as Inspect wrote it, for Inspect's own tools.

    It holds all samples of the chunk. For whom the agreement makes answers view only it is refused.
    For example: touchstone transcripts export case-1 17-3-1 --out chunk.eval --as example-centre

    Args:
        transcript: Its name, as `transcripts list` says.
    """
    check_options(where)
    _require_name(transcript)
    if out.exists():
        raise BadInputError(f"--out: {out}: is there already; name another")
    with _log_of(case, transcript, where) as (shown, pieces):
        digest = _written(pieces, out, shown.log)
    tell(_Taken(transcript, shown.chunk, str(out), digest), json=where.json)
    return DONE


@transcripts.command
def view(case: CaseId, transcript: str, *, where: AtServer = ANYWHERE) -> int:
    """Show the log of a transcript's chunk in Inspect's own viewer, until Ctrl-C.

    It is served to a browser of this machine alone, under an address that is a secret, and is on no
    disk. For whom the agreement makes answers view only it is refused: `show` shows them.
    For example: touchstone transcripts view case-1 17-3-1 --server https://review.example

    Args:
        transcript: Its name, as `transcripts list` says.
    """
    from touchstone.client.log_viewer import viewing

    check_options(where)
    _require_name(transcript)
    with _log_of(case, transcript, where) as (shown, pieces):
        log = b"".join(_checked(pieces, shown.log))
    name = f"{shown.n}.eval"
    with viewing(log, name) as address:
        place = f"#/logs/{name}/samples/sample/{shown.position}/{shown.epoch}"
        tell(_Viewed(transcript, f"{address}{place}"), json=where.json)
        sys.stdout.flush()
        until_interrupted()
    return DONE


def until_interrupted() -> None:
    """Wait for Ctrl-C."""
    with suppress(KeyboardInterrupt):
        Event().wait()


@contextmanager
def _log_of(
    case: str, transcript: str, where: AtServer
) -> "Iterator[tuple[ShownTranscript, Iterable[bytes]]]":
    """A log that is handed out, once that it is taken is written down."""
    if where.server is not None:
        with refusals():
            from touchstone.cli.hands_there import greeted_server
            from touchstone.service.access.transcripts import ShownTranscript

            server, _, name = greeted_server(where, case)
            found = (told_as(ShownTranscript, row) for row in server.transcripts(name))
            shown = next((each for each in found if each.name == transcript), None)
            if shown is None:
                raise _unknown(transcript)
            yield shown, server.transcript_log(name, transcript)
        return
    with record_here(case, where) as (installation, who, name):
        from touchstone.server.accounts.transcript_reads import note_look
        from touchstone.service.access.transcripts import fetch_log

        with refusals():
            taken = fetch_log(installation, name, who.party, transcript, sight="contents")
        shown, now = taken.shown, installation.now()
        note_look(who, name, f"{shown.name}/log", shown.n, shown.n, now=now)
        yield shown, taken.pieces


def _looked_here(case: str, transcript: str, asked: "PageAsked", where: AtServer) -> _Looked:
    with record_here(case, where) as (installation, who, name):
        from touchstone.server.accounts.transcript_reads import note_look
        from touchstone.service.access.flagged import look_with_marks

        with refusals():
            shown, size, page = look_with_marks(
                installation, name, who.party, transcript, asked, sight="contents"
            )
        note_look(who, name, shown.name, shown.n, shown.n, now=installation.now())
    return _Looked(name, shown, size, asked.start, page)


def _said(each: "Said") -> Iterator[str]:
    yield f"[{each.message}] {printable(each.role)}, {printable(each.kind)}:"
    yield from _quoted(each.text)
    if each.left_out:
        yield f"CUT: {each.left_out} more characters; more of each text with --text"


def _quoted(text: str) -> Iterator[str]:
    # Behind a bar, since a model could write a line that looks like one of ours.
    for line in printable(text).split("\n") if text else ():
        yield f"  | {line}"


def _checked(pieces: Iterable[bytes], digest: str) -> Iterator[bytes]:
    """The pieces of a log, held against its digest at their end. Raises BadInputError."""
    from hashlib import sha256

    summed = sha256()
    for piece in pieces:
        summed.update(piece)
        yield piece
    if f"sha256:{summed.hexdigest()}" != digest:
        raise BadInputError("what came is not the log that the record names; try again")


def _written(pieces: Iterable[bytes], out: Path, digest: str) -> str:
    """Write a log that is the one that the record names. Raises BadInputError."""
    from touchstone.keys.files import write_file

    try:
        # Checked within the writing: what fails there leaves no file.
        write_file(out, _checked(pieces, digest), replace=False)
    except OSError as error:
        raise BadInputError(f"{out}: cannot be written: {error.strerror}") from error
    return digest


def _require_name(transcript: str) -> None:
    """Refuse what names no transcript, before the accounts are opened to write down a look."""
    from touchstone.server.chosen import choose

    # What comes next brings the record, which would set Django up for itself alone.
    choose()
    from touchstone.service.access.transcripts import is_transcript_name

    if not is_transcript_name(transcript):
        raise _unknown(transcript)


def _unknown(transcript: str) -> BadInputError:
    return BadInputError(
        f"TRANSCRIPT: no transcript {transcript[:64]!a} is open to this party; see: touchstone"
        " transcripts list"
    )
