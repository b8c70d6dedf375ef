"""What a sandbox costs: from nothing to its first program's end, beside a plain process."""

import statistics
import subprocess
import time

import anyio

from touchstone.bench.table import BenchRow, BenchTable
from touchstone.evaluation.sandbox import SandboxConfig, preflight
from touchstone.evaluation.sandbox.provider import TouchstoneSandbox

STARTS = 50
GOAL_MS = 30.0
_PROGRAM = "/bin/true"


def run(starts: int = STARTS) -> BenchTable:
    """Measure `starts` rounds; in each a plain process and a sandbox, so that both meet one load.

    A start ends when a first program in the sandbox has ended: its interpreter is counted.
    """
    able = preflight()
    if able.grade == "none":
        return BenchTable("sandbox: not measured, this machine has none", ())
    return BenchTable(f"sandbox: grade {able.grade}, {starts} starts", anyio.run(_measure, starts))


async def _measure(starts: int) -> tuple[BenchRow, ...]:
    plain, first, again, end = [], [], [], []
    for _ in range(starts):
        mark = time.perf_counter()
        subprocess.run([_PROGRAM], check=True)  # noqa: ASYNC221 - nothing else is to run beside it
        plain.append(time.perf_counter() - mark)
        sandbox = TouchstoneSandbox(SandboxConfig(), "bench", "default")
        mark = time.perf_counter()
        await sandbox.exec([_PROGRAM])
        first.append(time.perf_counter() - mark)
        mark = time.perf_counter()
        await sandbox.exec([_PROGRAM])
        again.append(time.perf_counter() - mark)
        mark = time.perf_counter()
        sandbox.close()
        end.append(time.perf_counter() - mark)
    base = statistics.median(plain) * 1000
    above = statistics.median(first) * 1000 - base
    goal = f"median at most {GOAL_MS:.0f} ms above a plain process"
    return (
        BenchRow("plain process", base, "ms", None, "", "", None),
        _row("start and first program, above it", above, base, goal, above <= GOAL_MS),
        _row("fastest start, above it", min(first) * 1000 - base, base),
        _row("one more program", statistics.median(again) * 1000, base),
        _row("end", statistics.median(end) * 1000, base),
    )


def _row(name: str, value: float, base: float, goal: str = "", met: bool | None = None) -> BenchRow:
    return BenchRow(name, value, "ms", value / base, "plain process", goal, met)
