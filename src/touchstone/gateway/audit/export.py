"""All workers' audits as one, and whether anything in them was changed, dropped or slipped in."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from heapq import merge
from itertools import pairwise
from pathlib import Path
from typing import Any

from touchstone.gateway.audit.lines import START, AuditLine, digest, parse_line
from touchstone.gateway.audit.writer import file_numbers, file_path
from touchstone.gateway.errors import AuditError
from touchstone.gateway.receipts import SignedReceipt
from touchstone.keys.named_files import open_named
from touchstone.ledger import MAX_LINE, MalformedError, dumps

_PREFIX = "worker-"


def worker_folder(folder: Path, worker: int) -> Path:
    """Where a worker's audit lies."""
    return folder / f"{_PREFIX}{worker}"


@dataclass(frozen=True, slots=True)
class ExportedLine:
    """A line with its worker, as the export has it."""

    worker: int
    line: AuditLine

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "worker": self.worker,
            "n": self.line.n,
            "at": self.line.at,
            "event": dict(self.line.event),
        }

    def text(self) -> str:
        """One line of JSON."""
        return dumps(self.as_dict()).decode()


@dataclass(frozen=True, slots=True)
class AuditSummary:
    """A whole audit that holds."""

    workers: int
    lines: int
    kinds: dict[str, int]
    """How many lines of each kind of event there are."""
    anchored: int
    """How many lines receipts vouch for: the rest could be cut off at the end unseen."""
    newest_bundle: int = 0
    """The highest number of a bundle under which something was decided."""

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"{self.lines} lines of {self.workers} workers, none altered; receipts vouch for"
            f" {self.anchored} of them"
        )


def read_audit(folder: Path) -> Iterator[ExportedLine]:
    """All lines of all workers by time, each chain checked as it is read.

    Raises AuditError at the first line that was altered: file, line, and what is wrong.
    """
    # Merged as they are read: an audit may be larger than memory.
    streams = (_lines(path, worker) for worker, path in _workers(folder))
    yield from merge(*streams, key=lambda each: (each.line.at, each.worker, each.line.n))


def check_audit(folder: Path, receipts: Iterable[SignedReceipt] = ()) -> AuditSummary:
    """Check every line, and that every line which a receipt names is there.

    Raises AuditError.
    """
    vouched: dict[tuple[int, str], int] = {}
    for signed in receipts:
        for report in signed.receipt.workers:
            if report.audit is not None:
                # A chain cannot show that its end was cut off: receipts say how far it went (ADR
                # 106).
                vouched[report.worker, report.audit] = signed.receipt.number
    kinds: Counter[str] = Counter()
    lines = anchored = newest = 0
    workers = _workers(folder)
    for worker, path in workers:
        highest = 0
        for each in _lines(path, worker):
            kinds[str(each.line.event.get("kind", "none"))] += 1
            lines += 1
            bundle = each.line.event.get("bundle")
            newest = max(newest, bundle) if type(bundle) is int else newest
            if vouched.pop((worker, digest(each.line.data)), None) is not None:
                highest = each.line.n + 1
        anchored += highest
    if vouched:
        (worker, _), number = next(iter(vouched.items()))
        raise AuditError(
            f"{worker_folder(folder, worker)}: ends before receipt {number}, or was written anew:"
            " the line that the receipt names is not there"
        )
    return AuditSummary(len(workers), lines, dict(sorted(kinds.items())), anchored, newest)


def _workers(folder: Path) -> list[tuple[int, Path]]:
    names = [path.name.removeprefix(_PREFIX) for path in folder.glob(f"{_PREFIX}*")]
    numbers = sorted(int(name) for name in names if name.isdigit())
    return [(number, worker_folder(folder, number)) for number in numbers]


def _lines(folder: Path, worker: int) -> Iterator[ExportedLine]:
    numbers = file_numbers(folder)
    # A whole file taken out leaves a gap here; taken from the end, a receipt misses it.
    for before, after in pairwise([0, *numbers]):
        if after != before + 1:
            raise AuditError(f"{file_path(folder, before + 1)}: is missing")
    previous, n = START, 0
    for number in numbers:
        path = file_path(folder, number)
        for place, data in enumerate(_whole_lines(path, torn=number == numbers[-1]), start=1):
            try:
                line = parse_line(data)
            except MalformedError as error:
                raise AuditError(f"{path}:{place}: {error}") from error
            if line.previous != previous or line.n != n:
                raise AuditError(f"{path}:{place}: does not follow the line before: altered")
            # A file that goes on without saying which process wrote it was put together by hand.
            if place == 1 and line.event.get("kind") != "opened":
                raise AuditError(f"{path}:1: is not the line that opens a file: altered")
            previous, n = digest(data), n + 1
            yield ExportedLine(worker, line)


def _whole_lines(path: Path, *, torn: bool) -> Iterator[bytes]:
    """The lines of a file. The end of the newest may be torn: it was acknowledged to nobody."""
    with open_named(path) as file:
        while data := file.readline(MAX_LINE + 1):
            if not data.endswith(b"\n"):
                if torn and not file.read(1):
                    return
                raise AuditError(f"{path}: a line has no end")
            yield data[:-1]
