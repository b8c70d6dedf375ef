"""A chunk's journal: what was begun, what it used, and each first outcome, safely on disk.

One JSON line each. An outcome is on disk before anyone hears of it. A last line that was torn by
a killed process is cut off; anything else that is not as written is an alteration.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import ValidationError

from touchstone.evaluation.errors import JournalError
from touchstone.evaluation.outcomes import Outcome, Usage

FORMAT = "touchstone/outcomes/1"
NAME = "outcomes.jsonl"


class Journal:
    """The journal in a chunk's folder, held by one process at a time.

    Args:
        folder: The chunk's own folder; made where missing.
        chunk: The chunk's id. A journal of another chunk is refused.

    Raises:
        JournalError: in use, of another chunk, altered, or the disk refuses.
    """

    def __init__(self, folder: Path, chunk: str) -> None:
        self.path = folder / NAME
        self.chunk = chunk
        self.outcomes: dict[int, Outcome] = {}
        self.begun: dict[int, int] = {}
        """Attempts begun, by index."""
        self._open_usage: dict[int, Usage] = {}
        with self._faults():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            self._handle = os.open(self.path, flags, 0o600)
        try:
            self._claim()
            self._read()
        except BaseException:
            os.close(self._handle)
            raise

    def begin(self, index: int) -> int:
        """Note that a sample begins; gives the number of the attempt, from 1."""
        self.begun[index] = self.begun.get(index, 0) + 1
        self._open_usage.setdefault(index, Usage())
        self._append({"line": "begin", "index": index}, sync=False)
        return self.begun[index]

    def use(self, index: int, usage: Usage) -> None:
        """Note what one call of a running sample used, so that a kill does not lose it."""
        self._open_usage[index] = self._open_usage.get(index, Usage()) + usage
        self._append({"line": "use", "index": index, "usage": usage.model_dump()}, sync=False)

    def record(self, outcome: Outcome) -> bool:
        """Write an outcome to disk; false, and nothing written, where one is recorded already."""
        if outcome.index in self.outcomes:
            return False
        self._append({"line": "outcome", "outcome": outcome.model_dump(mode="json")}, sync=True)
        self.outcomes[outcome.index] = outcome
        return True

    def used(self) -> Usage:
        """Tokens of every call that the journal knows of, those of dead attempts included."""
        return sum(self._open_usage.values(), Usage())

    def interrupted(self) -> tuple[int, ...]:
        """Samples that were begun and have no outcome."""
        return tuple(sorted(set(self.begun) - set(self.outcomes)))

    def close(self) -> None:
        """Let go of the journal."""
        os.close(self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _claim(self) -> None:
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise JournalError(f"chunk {self.chunk} is being run by another worker") from None

    def _read(self) -> None:
        with self._faults():
            data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            with self._faults():
                os.ftruncate(self._handle, whole)
                os.fsync(self._handle)
        lines = data[:whole].splitlines()
        if not lines:
            self._append({"line": "chunk", "chunk": self.chunk, "format": FORMAT}, sync=True)
            self._sync_folder()
            return
        for number, line in enumerate(lines, start=1):
            try:
                self._take(number, json.loads(line))
            except (ValueError, KeyError, TypeError, ValidationError) as error:
                raise JournalError(
                    f"{self.path.name}, line {number}: not as the engine wrote it; "
                    "set the folder aside and run the chunk anew"
                ) from error

    def _take(self, number: int, line: dict[str, Any]) -> None:
        kind = line["line"]
        if (number == 1) != (kind == "chunk"):
            raise ValueError("the chunk's line comes first and once")
        if kind == "chunk":
            if line["format"] != FORMAT or line["chunk"] != self.chunk:
                raise JournalError(f"{self.path.name} belongs to chunk {line['chunk']}")
        elif kind == "begin":
            self.begun[line["index"]] = self.begun.get(line["index"], 0) + 1
        elif kind == "use":
            index, usage = line["index"], Usage.model_validate(line["usage"])
            self._open_usage[index] = self._open_usage.get(index, Usage()) + usage
        elif kind == "outcome":
            outcome = Outcome.model_validate(line["outcome"])
            if outcome.index in self.outcomes:
                raise ValueError("a second outcome of one sample")
            self.outcomes[outcome.index] = outcome
        else:
            raise ValueError("an unknown line")

    def _append(self, line: dict[str, Any], *, sync: bool) -> None:
        data = json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        with self._faults():
            written = os.write(self._handle, data)
            if written != len(data):
                # A half-written line would swallow the next one.
                os.ftruncate(self._handle, os.fstat(self._handle).st_size - written)
                raise OSError(None, "the disk is full")
            if sync:
                os.fsync(self._handle)

    def _sync_folder(self) -> None:
        with self._faults():
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise JournalError(
                f"the journal of chunk {self.chunk} cannot be written: {error.strerror}"
            ) from error
