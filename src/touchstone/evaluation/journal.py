"""A chunk's journal: what was begun, what it used, and each first outcome, safely on disk.

One JSON line each. An outcome is on disk before anyone hears of it. A last line that was torn by
a killed process is cut off; anything else that is not as written is an alteration. Nobody knows
what stood there, so no sample of the chunk that has no outcome before it may run again: each is
lost (`Journal.settle`), and the file as it was found is kept beside the journal.

A `use` line says that the model answered. From there on the sample is asked nothing anew, whatever
becomes of this process: what was judged is its outcome; else it runs again from the answers that it
had, where every one was kept (`kept_answers`); else it is lost (`Journal.settle`).
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import ValidationError

from touchstone.evaluation.errors import JournalError, JournalHeldError
from touchstone.evaluation.outcomes import REASON_LENGTH, AdjudicationRule, Lost, Outcome, Usage
from touchstone.keys.files import sync_folder, write_file
from touchstone.review.events.measuring import Result

FORMAT = "touchstone/outcomes/1"
NAME = "outcomes.jsonl"
MISSING = "its beginning"
MOST_EXECUTIONS = 3
"""How often a sample may begin while no answer to it was ever recorded."""
MOST_RESUMPTIONS = 20
"""How often one may begin whose every answer was kept."""
_NONE_KEPT: Mapping[int, int] = {}


@dataclass(frozen=True, slots=True)
class JournalGlance:
    """What a journal says of its samples at one moment, by their positions."""

    begun: frozenset[int]
    ended: frozenset[int]
    """Those that have an outcome."""

    @property
    def interrupted(self) -> frozenset[int]:
        """Samples that were begun and have no outcome."""
        return self.begun - self.ended


def glance(folder: Path, chunk: str) -> JournalGlance:
    """Look into the journal in a chunk's folder without holding it: nothing of it is changed.

    Another process may be writing on: whole lines count, and no others.

    Raises:
        JournalError: it cannot be read, is of another chunk, or is not as it was written.
    """
    path = folder / NAME
    begun: set[int] = set()
    ended: set[int] = set()
    try:
        head, *lines = map(json.loads, path.read_bytes().split(b"\n")[:-1])
        whose = head["line"], head["format"], head["chunk"]
        for line in lines:
            if line["line"] == "begin":
                begun.add(int(line["index"]))
            elif line["line"] == "outcome":
                ended.add(int(line["outcome"]["index"]))
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise JournalError(f"the journal of chunk {chunk} cannot be read as it stands") from error
    if whose != ("chunk", FORMAT, chunk):
        raise JournalError(f"{NAME} belongs to another chunk than {chunk}")
    return JournalGlance(frozenset(begun), frozenset(ended))


class Journal:
    """The journal in a chunk's folder, held by one process at a time.

    Args:
        folder: The chunk's own folder; made where missing.
        chunk: The chunk's id. A journal of another chunk is refused.

    Raises:
        JournalError: in use, of another chunk, or the disk refuses.
    """

    def __init__(self, folder: Path, chunk: str) -> None:
        self.path = folder / NAME
        self.chunk = chunk
        self.outcomes: dict[int, Outcome] = {}
        self.begun: dict[int, int] = {}
        """Executions begun, by index."""
        self.answers: dict[int, int] = {}
        """Answers recorded, by index: calls that used something."""
        self.fresh = False
        """Whether this opening made it."""
        self.altered = ""
        """Where the journal was found to be altered, in a few words; else an empty text."""
        self._losses: dict[int, list[str]] = {}
        self._judged: dict[int, Outcome] = {}
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

    def follow(self, executions: int) -> None:
        """Know of executions of the chunk before this one: a journal that is new lacks theirs.

        It counts as altered then, and none of the chunk's samples runs again.
        """
        # Who takes a journal away would have its samples run again until they come out well (ADR
        # 254).
        if executions and self.fresh:
            self._append({"line": "altered", "place": MISSING}, sync=True)
            self.altered = MISSING

    def begin(self, index: int) -> int:
        """Note that a sample begins; gives the number of the execution, from 1."""
        self.begun[index] = self.begun.get(index, 0) + 1
        self._open_usage.setdefault(index, Usage())
        # Not synced: a killed process loses nothing that was written, and each sync costs
        # milliseconds.
        self._append({"line": "begin", "index": index}, sync=False)
        return self.begun[index]

    def use(self, index: int, usage: Usage) -> None:
        """Note that a call of a running sample was answered, so that a kill does not lose it."""
        self._used(index, usage)
        self._append({"line": "use", "index": index, "usage": usage.model_dump()}, sync=False)

    def lose(self, index: int, reason: str) -> None:
        """Note that the endpoint failed a running sample before the model said anything."""
        self._losses.setdefault(index, []).append(reason)
        self._append({"line": "lost", "index": index, "reason": reason}, sync=True)

    def judge(self, outcome: Outcome) -> None:
        """Note what a sample's outcome is by its judge, while Inspect still has to write its log.

        The sandbox may notice more until then; `record` has the last word.
        """
        # Not synced: lost with the power, the sample has no outcome yet and is lost as a whole.
        self._judged[outcome.index] = outcome
        self._append({"line": "judged", "outcome": outcome.model_dump(mode="json")}, sync=False)

    def record(self, outcome: Outcome) -> bool:
        """Write an outcome to disk; false, and nothing written, where one is recorded already."""
        # The first outcome stands: a second one could be chosen (ADR 72).
        if outcome.index in self.outcomes:
            return False
        self._append({"line": "outcome", "outcome": outcome.model_dump(mode="json")}, sync=True)
        self.outcomes[outcome.index] = outcome
        return True

    def used(self) -> Usage:
        """Tokens of every call that the journal knows of, those of dead executions included."""
        # Of samples that have an outcome too: each call was paid for, whatever came of it.
        return sum(self._open_usage.values(), Usage())

    def spent(self, index: int) -> int:
        """Tokens of the calls of a sample that the journal knows of."""
        return self._open_usage.get(index, Usage()).total

    def interrupted(self) -> tuple[int, ...]:
        """Samples that were begun and have no outcome."""
        return tuple(sorted(set(self.begun) - set(self.outcomes)))

    def lost(self) -> tuple[Lost, ...]:
        """Samples without an outcome that the endpoint failed before the model said anything."""
        return tuple(
            Lost(index=index, executions=self.begun[index], reason=self._losses[index][-1])
            for index in self.interrupted()
            if index in self._losses
        )

    def settle(
        self,
        commitments: Mapping[int, str],
        rule: AdjudicationRule,
        why: str,
        *,
        final: bool = False,
        kept: Mapping[int, int] = _NONE_KEPT,
    ) -> tuple[Outcome, ...]:
        """Give an outcome to each interrupted sample that may not run again; gives those outcomes.

        What the judge had said stands. A sample of which an answer was recorded is lost to the
        instrument, and so is one that began `MOST_EXECUTIONS` times without an answer, unless it
        was the endpoint that failed it. All others may run again. Of an altered journal every
        sample of the chunk is lost that neither has an outcome nor was judged.

        Args:
            commitments: By index, of the samples that the chunk holds.
            rule: How results are scored.
            why: What became of the process that ran them, in a few words.
            final: Whether the chunk is given up: then no sample that was begun may run again.
            kept: How many answers are kept, by index. A sample of which every answer is may run
                again: it is given the same ones.
        """
        settled = []
        for index in sorted(set(commitments) - set(self.outcomes)):
            # What never began has told nobody anything, and may run.
            if not (self.altered or index in self.begun):
                continue
            outcome = self._judged.get(index)
            if outcome is None and (found := self._end_of(index, why, final, kept)) is not None:
                result, reason = found
                outcome = Outcome(
                    index=index,
                    commitment=commitments[index],
                    result=result,
                    score=rule.score(result),
                    reason=reason[:REASON_LENGTH],
                    cause="endpoint" if result == "lost-endpoint" else "engine",
                    usage=self._open_usage.get(index, Usage()),
                    seconds="0.000",
                    calls=self.answers.get(index, 0),
                    executions=self.begun.get(index, 1),
                )
            if outcome is not None and self.record(outcome):
                settled.append(outcome)
        return tuple(settled)

    def _end_of(
        self, index: int, why: str, final: bool, kept: Mapping[int, int]
    ) -> tuple[Result, str] | None:
        if self.altered:
            return "lost-instrument", f"the journal was altered at {self.altered}"
        answers, begun = self.answers.get(index, 0), self.begun[index]
        held = kept.get(index, 0)
        if answers and held >= answers and begun < MOST_RESUMPTIONS and not final:
            return None
        # It has heard the model: to run it again would be to give the model a second try.
        if answers:
            return "lost-instrument", f"{why} after {answers} answers, before the judge spoke"
        # A sample that kills its worker each time must come to an end.
        if begun < MOST_EXECUTIONS and not final:
            return None
        if index in self._losses:
            return "lost-endpoint", f"{self._losses[index][-1]} (begun {begun} times)"
        return "lost-instrument", f"{why}; begun {begun} times, and never answered"

    def _used(self, index: int, usage: Usage) -> None:
        self._open_usage[index] = self._open_usage.get(index, Usage()) + usage
        self.answers[index] = self.answers.get(index, 0) + 1

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
            raise JournalHeldError(f"chunk {self.chunk} is being run by another worker") from None

    def _read(self) -> None:
        with self._faults():
            data = self.path.read_bytes()
        # A line without its end was being written when the process died: nobody was told of it.
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            with self._faults():
                # Cut off here and now: the next line would otherwise be glued to it.
                os.ftruncate(self._handle, whole)
                os.fsync(self._handle)
        lines = data[:whole].split(b"\n")[:-1]
        if not lines:
            self._append({"line": "chunk", "chunk": self.chunk, "format": FORMAT}, sync=True)
            self._sync_folder()
            self.fresh = True
            return
        for number, line in enumerate(lines, start=1):
            try:
                self._take(number, json.loads(line))
            except (ValueError, KeyError, TypeError, RecursionError, ValidationError):
                self._go_on_from(lines[: number - 1], data, f"line {number}")
                return

    def _go_on_from(self, sound: list[bytes], data: bytes, place: str) -> None:
        """Keep an altered journal beside, and go on after its last sound line."""
        with self._faults():
            number = sum(1 for _ in self.path.parent.glob(f"{NAME}.altered-*"))
            beside = self.path.with_name(f"{NAME}.altered-{number}")
            write_file(beside, [data], replace=False)
            os.ftruncate(self._handle, sum(len(line) + 1 for line in sound))
        if not sound:
            self._append({"line": "chunk", "chunk": self.chunk, "format": FORMAT}, sync=False)
        self._append({"line": "altered", "place": place}, sync=True)
        self._sync_folder()
        self.altered = place

    def _take(self, number: int, line: dict[str, Any]) -> None:
        kind = line["line"]
        if (number == 1) != (kind == "chunk"):
            raise ValueError("the chunk's line comes first and once")
        if kind == "chunk":
            if line["format"] != FORMAT or line["chunk"] != self.chunk:
                raise JournalError(f"{self.path.name} belongs to chunk {line['chunk']}")
        elif kind == "altered":
            self.altered = str(line["place"])
        elif kind in {"judged", "outcome"}:
            self._take_outcome(kind, Outcome.model_validate(line["outcome"]))
        # Exactly: True would count for the sample of number 1.
        elif type(index := line["index"]) is not int:
            raise ValueError("no position")
        elif kind == "begin":
            self.begun[index] = self.begun.get(index, 0) + 1
        elif kind == "use":
            self._used(index, Usage.model_validate(line["usage"]))
        elif kind == "lost":
            self._losses.setdefault(index, []).append(str(line["reason"]))
        else:
            raise ValueError("an unknown line")

    def _take_outcome(self, kind: str, outcome: Outcome) -> None:
        if kind == "judged":
            self._judged[outcome.index] = outcome
        elif outcome.index in self.outcomes:
            raise ValueError("a second outcome of one sample")
        else:
            self.outcomes[outcome.index] = outcome

    def _append(self, line: dict[str, Any], *, sync: bool) -> None:
        text = json.dumps(line, separators=(",", ":"), ensure_ascii=False)
        # Texts are clean by now; were one not, its outcome must be on disk all the same.
        data = text.encode(errors="replace") + b"\n"
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
            sync_folder(self.path.parent)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise JournalError(
                f"the journal of chunk {self.chunk} cannot be written: {error.strerror}"
            ) from error
