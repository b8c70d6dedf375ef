"""What the engine adds to Inspect: CPU a sample, the same samples, the same log settings."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from tempfile import TemporaryDirectory

from touchstone.bench.sealing import ITEMS, sealing_row
from touchstone.bench.table import BenchRow, BenchTable
from touchstone.evaluation.engine_overhead import engine_cpu, plain_cpu

SAMPLES, CALLS = 16, 1_000
"""Such samples take at least a second of CPU each, as samples of an agent do."""
TRIVIAL = 1_000
GOAL = 1.15
_WARM = 16
_ROUNDS = 2


def run(
    samples: int = SAMPLES,
    calls: int = CALLS,
    trivial: int = TRIVIAL,
    items: int = ITEMS,
    *,
    loading: bool = True,
) -> BenchTable:
    """Measure both in turns, so that they meet one load; the better of two rounds counts.

    Beside it what samples of one call take, what `loading` the engine takes, once for each process,
    and how long a pack of so many items takes to be registered and sealed.
    """
    with TemporaryDirectory(prefix="touchstone-bench-") as name:
        folder = Path(name)
        # First imports, caches and the first event loop would all be counted to whichever comes
        # first.
        _both(_WARM, 1, folder / "warm")
        rows = [
            *_rows(f"samples of {calls:,} calls", samples, calls, folder / "long", GOAL),
            *_rows("samples of one call", trivial, 1, folder / "trivial", None),
        ]
    rows += [_loading_row()] if loading else []
    rows.append(sealing_row(items))
    return BenchTable(f"engine: {samples} samples, and {trivial:,} trivial ones", tuple(rows))


def _rows(
    name: str, samples: int, calls: int, folder: Path, goal: float | None
) -> Iterator[BenchRow]:
    rounds = [_both(samples, calls, folder / str(number)) for number in range(_ROUNDS)]
    # The better round of each: what a busy machine adds is never negative.
    plain, engine = (min(pair[arm] for pair in rounds) / samples * 1000 for arm in (0, 1))
    ratio, unit = engine / plain, "ms CPU a sample"
    said, met = ("", None) if goal is None else (f"at most {goal}x", ratio <= goal)
    yield BenchRow(f"{name}: Inspect alone", plain, unit, None, "", "", None)
    yield BenchRow(f"{name}: a review's chunks", engine, unit, ratio, "Inspect alone", said, met)


def _both(samples: int, calls: int, folder: Path) -> tuple[float, float]:
    return (
        plain_cpu(samples, calls, folder / "plain"),
        engine_cpu(samples, calls, folder / "engine", folder / "home"),
    )


def _loading_row() -> BenchRow:
    """What a process takes before its first sample; workers are forked from one that is loaded."""
    code = "from touchstone.evaluation.runner import load_hooks; load_hooks()"
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ})
    after = getrusage(RUSAGE_CHILDREN)
    took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return BenchRow("loading the engine, once a process", took, "s CPU", None, "", "", None)
