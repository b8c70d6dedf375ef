"""What an endpoint answered to the samples of a chunk, kept until the chunk is over.

A sample that a death broke off is run again from its start, and what it asked before is answered
from here (ADR 373). One file beside the journal holds the answers, each sealed by AES-256-GCM under
a key of the chunk's own, and bound to the chunk and to its place in the file: none can be altered,
left out or moved without that being seen. Both files go when the chunk is over, the key first.
"""

import contextlib
import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from touchstone.evaluation.digests import digest_value
from touchstone.evaluation.errors import JournalError
from touchstone.keys.errors import KeyFileError
from touchstone.keys.files import read_secret, sync_folder, write_file

NAME = "answers.sealed"
KEY_NAME = "answers.key"
MOST_BYTES = 1 << 30
"""Of a chunk's answers; a sample whose answers find no room cannot be resumed."""
_NONCE = 12
_LENGTH = 4
_UNSENT = frozenset({"extra_headers", "timeout"})
"""What the client is told beside the request: its headers number each attempt anew."""


class DifferingRequestError(Exception):
    """A sample that runs again asks what it did not ask before."""


@dataclass(frozen=True)
class HeardAnswer:
    """An answer that an endpoint gave."""

    kind: Literal["answer", "declined"]
    said: bytes
    """The answer's body as it came, or why there was none, in words."""
    seconds: float
    """How long it took."""
    stop: str = ""
    """For what was declined: `length` or `content_filter`."""


@dataclass(frozen=True)
class _Place:
    request: str
    number: int
    offset: int
    size: int


def request_digest(request: Mapping[str, Any]) -> str:
    """The digest of what is sent: the request's parts in canonical JSON, by value, keys sorted."""
    sent = {name: value for name, value in request.items() if name not in _UNSENT}
    # By the text that is sent, where each number has one form.
    text = json.dumps(sent, sort_keys=True, separators=(",", ":"), default=repr)
    return digest_value(text)


class KeptAnswers:
    """The answers of one chunk; whoever opens it holds the chunk's journal.

    Args:
        folder: The chunk's own, which is there.
        chunk: The chunk's id.
        most: Bytes that the file may have.

    Raises:
        JournalError: the disk refuses.
    """

    def __init__(self, folder: Path, chunk: str, *, most: int = MOST_BYTES) -> None:
        self.altered = ""
        """What is wrong with what was kept, in a few words: then nothing of it is used."""
        self._path, self._key_path = folder / NAME, folder / KEY_NAME
        self._chunk, self._most = chunk, most
        self._left: dict[int, list[_Place]] = {}
        self._count = 0
        self._handle = -1
        self._cipher: AESGCM | None = None
        self._full = False
        try:
            self._open()
        except (OSError, KeyFileError) as error:
            self.close()
            raise JournalError(f"the answers of chunk {chunk} cannot be kept: {error}") from error

    @property
    def held(self) -> Mapping[int, int]:
        """How many answers are kept, by sample; none of an altered file."""
        return Counter({index: len(places) for index, places in self._left.items()})

    def take(self, index: int, request: str) -> HeardAnswer | None:
        """What was answered to a sample's request before, once; None: it had asked no further.

        Args:
            index: The sample.
            request: The request's digest.

        Raises:
            DifferingRequestError: it had asked further, and something else.
            JournalError: what was kept has been altered since it was opened, or cannot be read.
        """
        left = self._left.get(index)
        if not left:
            return None
        # The first of its digest: what a sample asks at once may come in another order.
        for place in left:
            if place.request == request:
                left.remove(place)
                return self._read(place)[1]
        raise DifferingRequestError

    def keep(self, index: int, request: str, exchange: HeardAnswer) -> None:
        """Put an answer on disk; when this returns, no death of process or machine loses it.

        Raises:
            JournalError: the disk refuses.
        """
        if self.altered or self._full or self._cipher is None:
            return
        head = {
            "sample": index,
            "request": request,
            "kind": exchange.kind,
            "stop": exchange.stop,
            "seconds": exchange.seconds,
        }
        plain = json.dumps(head).encode() + b"\n" + exchange.said
        nonce = os.urandom(_NONCE)
        sealed = nonce + self._cipher.encrypt(nonce, plain, self._about(self._count))
        data = len(sealed).to_bytes(_LENGTH, "big") + sealed
        try:
            end = os.fstat(self._handle).st_size
            if end + len(data) > self._most:
                # Nothing after a gap is of use: a sample is resumed from all that it heard.
                self._full = True
                return
            self._append(data, end)
        except OSError as error:
            text = f"the answers of chunk {self._chunk} cannot be kept: {error.strerror}"
            raise JournalError(text) from error
        self._count += 1

    def drop(self) -> None:
        """Take the answers away: the key first, without which the rest says nothing."""
        for path in (self._key_path, self._path):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
        sync_folder(self._path.parent)

    def close(self) -> None:
        """Let go of the file."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        self._handle = os.open(self._path, flags, 0o600)
        if not self._key_path.exists():
            if os.fstat(self._handle).st_size:
                self.altered = "their key is gone"
                return
            write_file(self._key_path, [AESGCM.generate_key(256)], replace=False)
        try:
            self._cipher = AESGCM(read_secret(self._key_path))
        except ValueError:
            self.altered = "their key is none"
            return
        self._scan()

    def _scan(self) -> None:
        """Read every answer once; a last one that was being written when its writer died is cut."""
        end, offset = os.fstat(self._handle).st_size, 0
        while offset < end:
            size = int.from_bytes(os.pread(self._handle, _LENGTH, offset), "big")
            if offset + _LENGTH + size > end:
                # A lie about the length ends here as well: the journal says how many there were.
                os.ftruncate(self._handle, offset)
                os.fsync(self._handle)
                return
            place = _Place("", self._count, offset + _LENGTH, size)
            try:
                head, _ = self._read(place)
            except JournalError:
                self.altered, self._left = f"answer {self._count + 1} is altered", {}
                return
            found = _Place(head["request"], self._count, place.offset, size)
            self._left.setdefault(head["sample"], []).append(found)
            self._count += 1
            offset += _LENGTH + size

    def _read(self, place: _Place) -> tuple[dict[str, Any], HeardAnswer]:
        sealed = os.pread(self._handle, place.size, place.offset)
        about = self._about(place.number)
        if self._cipher is None:
            raise JournalError(f"the answers of chunk {self._chunk} have no key")
        try:
            plain = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], about)
        except (InvalidTag, ValueError) as error:
            raise JournalError(f"a kept answer of chunk {self._chunk} is altered") from error
        first, _, said = plain.partition(b"\n")
        head = json.loads(first)
        return head, HeardAnswer(head["kind"], said, head["seconds"], head["stop"])

    def _append(self, data: bytes, end: int) -> None:
        if os.write(self._handle, data) != len(data):
            os.ftruncate(self._handle, end)
            raise OSError(None, "the disk is full")
        os.fsync(self._handle)

    def _about(self, number: int) -> bytes:
        return f"touchstone/kept-answer/1 {self._chunk} {number}".encode()
