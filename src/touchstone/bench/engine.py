"""What the engine adds to Inspect: CPU a sample, trivial samples, the same log settings."""

from pathlib import Path
from tempfile import TemporaryDirectory

from touchstone.bench.sealing import ITEMS, sealing_row
from touchstone.bench.table import BenchRow, BenchTable
from touchstone.evaluation.engine_overhead import engine_cpu, plain_cpu

SAMPLES = 2000
GOAL = 1.15
_WARM = 16
_ROUNDS = 2


def run(samples: int = SAMPLES, items: int = ITEMS) -> BenchTable:
    """Measure both in turns, so that they meet one load; the better of two rounds counts.

    Beside it, how long a pack of so many items takes to be registered and sealed.
    """
    with TemporaryDirectory(prefix="touchstone-bench-") as name:
        folder = Path(name)
        # First imports, caches and the first event loop would all be counted to whichever comes
        # first.
        _both(_WARM, folder / "warm")
        rounds = [_both(samples, folder / str(number)) for number in range(_ROUNDS)]
    # The better round of each: what a busy machine adds is never negative.
    plain = min(pair[0] for pair in rounds) / samples * 1000
    engine = min(pair[1] for pair in rounds) / samples * 1000
    ratio = engine / plain
    return BenchTable(
        f"engine: {samples} trivial samples in chunks of 32",
        (
            BenchRow("Inspect alone", plain, "ms CPU a sample", None, "", "", None),
            BenchRow(
                "a review's chunks",
                engine,
                "ms CPU a sample",
                ratio,
                "Inspect alone",
                f"at most {GOAL}x",
                ratio <= GOAL,
            ),
            sealing_row(items),
        ),
    )


def _both(samples: int, folder: Path) -> tuple[float, float]:
    return (
        plain_cpu(samples, folder / "plain"),
        engine_cpu(samples, folder / "engine", folder / "home"),
    )
