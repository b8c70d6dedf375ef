"""Transcripts in Inspect's log of a chunk, read for people, without Inspect and within bounds.

A log may have been written by a pack's own process: nothing in it is believed, and what is larger
than its bound is not looked at. Nothing of it is written to a disk.

    log = TranscriptLog(file)
    page = read_page(log.sample(3, 1), PageAsked())
"""

import io
import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO
from zipfile import BadZipFile, ZipFile

import zstandard

from touchstone.evaluation.errors import TooLargeError, TranscriptError

MOST_OF_LOG = 64 * 1024 * 1024
"""Bytes of a log that is opened, in memory: as much as is kept of one."""
MOST_OF_SAMPLE = 16 * 1024 * 1024
"""Bytes of one transcript's JSON."""
MOST_VALUES = 1_000_000
"""Lists and objects that are begun in it: nothing else makes so much memory of so few bytes."""
MOST_MESSAGES = 200
MOST_TEXT = 100_000
MOST_OF_PAGE = 2_000_000
"""Characters of a page, after which no message is begun."""
_MOST_OF_DIRECTORY = 4 * 1024 * 1024
_ZSTANDARD = 93
_LOCAL = struct.Struct("<4s22xHH")
_END = struct.Struct("<4sHHHHLLH")
_END_64 = b"PK\x06\x07"
_ATTACHED = "attachment://"
_ROLES = frozenset({"system", "user", "assistant", "tool"})


@dataclass(frozen=True, slots=True)
class PageAsked:
    """Which messages of a transcript are wanted, and how much of each text."""

    start: int = 0
    """The first message, from 0."""
    most: int = 50
    text: int = 4_000
    """Characters of one text, after which it is cut."""


@dataclass(frozen=True, slots=True)
class Said:
    """A text of a transcript: what was said, thought, called or answered."""

    message: int
    """Which message it is of, from 0."""
    role: str
    kind: str
    """`text`, `reasoning`, `call`, `result`, or what else stands there, as `image`."""
    text: str
    left_out: int = 0
    """Characters after it that are not here."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One scorer's word on the sample, each text cut as a message's is."""

    scorer: str
    value: str
    explanation: str


@dataclass(frozen=True, slots=True)
class FlagMark:
    """That a detector flagged a message."""

    message: int
    """Which one, from 0; -1: none that the transcript ends with, as one that was compacted."""
    detector: str
    why: str


@dataclass(frozen=True, slots=True)
class TranscriptPage:
    """Some messages of a transcript, with what it came to."""

    messages: int
    """How many there are in all."""
    said: tuple[Said, ...]
    next: int | None
    """The first message that is not here; None where none follows."""
    scores: tuple[Scored, ...]
    limit: str
    """The limit that ended it, if one did."""
    error: str
    marks: tuple[FlagMark, ...] = ()
    """Where detectors flagged something in these messages; with the first of them, also of such as
    are no longer there."""


class TranscriptLog:
    """Inspect's log of a chunk, open in memory."""

    def __init__(self, file: BinaryIO) -> None:
        """Raises TranscriptError where it is no log that can be read."""
        self._file = file
        try:
            _check_directory(file)
            self._zip = ZipFile(file)
        except (BadZipFile, OSError, ValueError, NotImplementedError, UnicodeError) as error:
            raise TranscriptError("the log is not one that Inspect wrote") from error

    def size(self, position: int, attempt: int) -> int | None:
        """Bytes that a transcript says it has; None where the log holds none of it."""
        name = _member(position, attempt)
        return self._zip.getinfo(name).file_size if name in self._zip.NameToInfo else None

    def sample(self, position: int, attempt: int) -> dict[str, Any]:
        """One sample as Inspect's JSON has it.

        Raises:
            TooLargeError: it is larger than `MOST_OF_SAMPLE`, whatever it says of itself, or would
                be once it is parsed.
            TranscriptError: it is not there, or is none.
        """
        size = self.size(position, attempt)
        if size is None:
            raise TranscriptError("the log holds no transcript of this sample")
        try:
            # What it says of its size may be less than it is, and more only to its own loss.
            data = b"" if size > MOST_OF_SAMPLE else self._read(_member(position, attempt))
            size, many = max(size, len(data)), data.count(b"[") + data.count(b"{")
            large = size > MOST_OF_SAMPLE or many > MOST_VALUES
            found = None if large else json.loads(data)
        except Exception as error:
            # RecursionError among them: what a stranger wrote may break a parser in any way.
            raise TranscriptError("the transcript cannot be read") from error
        if large:
            raise TooLargeError(
                f"too large, not looked at: over {MOST_OF_SAMPLE} bytes, or {MOST_VALUES} values"
            )
        if not isinstance(found, dict):
            raise TranscriptError("the transcript is not a sample's record")
        return found

    def _read(self, name: str) -> bytes:
        """A file of the log, of which no more than one byte beyond the bound."""
        info = self._zip.getinfo(name)
        if info.compress_type != _ZSTANDARD:
            with self._zip.open(info) as member:
                return member.read(MOST_OF_SAMPLE + 1)
        # The standard library knows no Zstandard before 3.14.
        self._file.seek(info.header_offset)
        _, named, extra = _LOCAL.unpack(self._file.read(_LOCAL.size))
        self._file.seek(named + extra, io.SEEK_CUR)
        packed = io.BytesIO(self._file.read(info.compress_size))
        # No window as large as a bomb would want it: Inspect's are of 8 MiB at most.
        opening = zstandard.ZstdDecompressor(max_window_size=MOST_OF_SAMPLE)
        with opening.stream_reader(packed, read_across_frames=True) as member:
            return member.read(MOST_OF_SAMPLE + 1)


def check_asked(asked: PageAsked) -> PageAsked:
    """What was asked for, where it is within its bounds. Raises TranscriptError."""
    if asked.start < 0:
        raise TranscriptError("--start: messages are counted from 0")
    if not (0 < asked.most <= MOST_MESSAGES and 0 < asked.text <= MOST_TEXT):
        raise TranscriptError(
            f"at once 1 to {MOST_MESSAGES} messages are shown (--most), and of each text 1 to"
            f" {MOST_TEXT} characters (--text)"
        )
    return asked


def read_page(
    sample: Mapping[str, Any], asked: PageAsked, flagged: Sequence[tuple[str, str, str]] = ()
) -> TranscriptPage:
    """Some messages of a sample, and what it came to. What has not its form is passed over.

    `flagged` is detector, message's id and why of each place to be marked. Raises as `check_asked`.
    """
    check_asked(asked)
    found = sample.get("messages")
    messages = found if isinstance(found, list) else []
    attached = sample.get("attachments")
    texts = _Texts(attached if isinstance(attached, dict) else {}, asked.text)
    said, taken, last = list[Said](), 0, min(asked.start + asked.most, len(messages))
    for n in range(asked.start, last):
        if taken > MOST_OF_PAGE:
            last = n
            break
        for each in _said(n, messages[n], texts):
            said.append(each)
            taken += len(each.text)
    scores = sample.get("scores")
    limit, error = sample.get("limit"), sample.get("error")
    return TranscriptPage(
        len(messages),
        tuple(said),
        last if last < len(messages) else None,
        tuple(_scored(scores, texts)) if isinstance(scores, dict) else (),
        texts.cut(limit.get("type", ""))[0] if isinstance(limit, dict) else "",
        texts.cut(error.get("message", ""))[0] if isinstance(error, dict) else "",
        tuple(_marks(messages, flagged, range(asked.start, last))),
    )


def _marks(
    messages: Sequence[Any], flagged: Sequence[tuple[str, str, str]], shown: range
) -> Iterator[FlagMark]:
    places: dict[object, int] = {}
    for place, message in enumerate(messages) if flagged else ():
        name = message.get("id") if isinstance(message, dict) else None
        if isinstance(name, str):
            places.setdefault(name, place)
    for detector, name, why in flagged:
        at = places.get(name, -1)
        if at in shown or (at < 0 and shown.start == 0):
            yield FlagMark(at, detector, why)


class _Texts:
    """Texts of a sample, with what is kept beside it put back, encodable and cut."""

    def __init__(self, attached: Mapping[str, Any], most: int) -> None:
        self._attached, self._most = attached, most

    def cut(self, value: object) -> tuple[str, int]:
        """The beginning of a text, and how many characters follow."""
        text = value if isinstance(value, str) else _as_json(value)
        if text.startswith(_ATTACHED):
            kept = self._attached.get(text.removeprefix(_ATTACHED))
            text = kept if isinstance(kept, str) else text
        shown = text[: self._most]
        # A lone surrogate is text that no answer could carry.
        return shown.encode("utf-8", "backslashreplace").decode(), len(text) - len(shown)


def _said(n: int, message: object, texts: _Texts) -> Iterator[Said]:
    if not isinstance(message, dict):
        return
    role = message.get("role")
    role = role if isinstance(role, str) and role in _ROLES else "unknown"
    content = message.get("content")
    parts = content if isinstance(content, list) else [{"type": "text", "text": content or ""}]
    for part in parts:
        yield from _part(n, role, part, texts)
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        if isinstance(call, dict):
            function = str(call.get("function", ""))[:200]
            arguments = call.get("arguments")
            text, left = texts.cut(_laid_out(arguments))
            yield Said(n, role, "call", f"{texts.cut(function)[0]}\n{text}", left)
    error = message.get("error")
    if isinstance(error, dict):
        text, left = texts.cut(error.get("message", ""))
        yield Said(n, role, "error", text, left)


def _part(n: int, role: str, part: object, texts: _Texts) -> Iterator[Said]:
    if not isinstance(part, dict):
        return
    kind = part.get("type")
    if kind == "reasoning":
        # Of redacted reasoning the text is the endpoint's cipher, which says nothing.
        told = part.get("summary") if part.get("redacted") else part.get("reasoning")
        text, left = texts.cut(told or "[redacted]")
        yield Said(n, role, "reasoning", text, left)
    elif kind == "text":
        text, left = texts.cut(part.get("text", ""))
        if text:
            yield Said(n, role, "result" if role == "tool" else "text", text, left)
    elif kind == "tool_use":
        text, left = texts.cut(part.get("result", ""))
        name = texts.cut(str(part.get("name", ""))[:200])[0]
        yield Said(n, role, "served", f"{name}\n{text}", left)
    else:
        # Images and files are in an exported log: a terminal shows that there is one.
        yield Said(n, role, texts.cut(str(kind)[:20])[0], "[not shown in a terminal]")


def _scored(scores: Mapping[str, Any], texts: _Texts) -> Iterator[Scored]:
    for name, score in list(scores.items())[:MOST_MESSAGES]:
        if isinstance(score, dict):
            explanation = texts.cut(score.get("explanation") or "")[0]
            yield Scored(texts.cut(name)[0], texts.cut(score.get("value"))[0], explanation)


def _laid_out(arguments: object) -> str:
    """A call's arguments, as somebody reads them: a program by its lines."""
    if not isinstance(arguments, dict):
        return _as_json(arguments)
    return "\n".join(
        f"{name}: {value if isinstance(value, str) else _as_json(value)}"
        for name, value in arguments.items()
    )


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _member(position: int, attempt: int) -> str:
    return f"samples/{position}_epoch_{attempt}.json"


def _check_directory(file: BinaryIO) -> None:
    """Refuse a directory of more files than a log has. Raises BadZipFile.

    Each takes some hundred bytes of memory once it is read, and in the file 46.
    """
    size = file.seek(0, 2)
    start = max(0, size - _END.size - 65_535)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise BadZipFile("no end of a directory")
    directory = _END.unpack_from(tail, at)[5]
    if directory > _MOST_OF_DIRECTORY or _END_64 in tail[max(0, at - 20) : at]:
        raise BadZipFile("too many files")
