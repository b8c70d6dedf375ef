"""What scanning adds: CPU a sample, of samples with a shell, with and without their scan."""

from pathlib import Path
from tempfile import TemporaryDirectory

from touchstone.bench.table import BenchRow, BenchTable
from touchstone.evaluation.oversight.scan_overhead import import_cpu, scan_cpu, worked_cpu
from touchstone.evaluation.sandbox import preflight

SAMPLES = 40
GOAL = 1.3
_WARM = 4
_ROUNDS = 2


def run(samples: int = SAMPLES) -> BenchTable:
    """Measure samples and the scan of the same samples; the better of two rounds counts."""
    if preflight().grade == "none":
        return BenchTable("oversight: not measured, this machine has no sandbox", ())
    with TemporaryDirectory(prefix="touchstone-bench-") as name:
        folder = Path(name)
        loaded = import_cpu()
        _both(_WARM, folder / "warm")
        rounds = [_both(samples, folder / str(number)) for number in range(_ROUNDS)]
    plain = min(pair[0] for pair in rounds) / samples * 1000
    scan = min(pair[1] for pair in rounds) / samples * 1000
    ratio = (plain + scan) / plain
    unit, against = "ms CPU a sample", "samples alone"
    return BenchTable(
        f"oversight: {samples} samples of seven calls, every detector",
        (
            BenchRow("samples alone", plain, unit, None, "", "", None),
            BenchRow(
                "samples and their scan",
                plain + scan,
                unit,
                ratio,
                against,
                f"at most {GOAL}x",
                ratio <= GOAL,
            ),
            BenchRow("the scan's import, once", loaded * 1000, "ms CPU", None, "", "", None),
        ),
    )


def _both(samples: int, folder: Path) -> tuple[float, float]:
    plain, log = worked_cpu(samples, folder)
    return plain, scan_cpu(log, samples)
