"""How fast a directive takes effect on live streams, and what passes afterwards: nothing.

Each round puts a bundle with a directive into the feed, waits for the signed receipt, looks, and
puts a bundle that lifts it.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import uvloop
from rich.console import Console

from touchstone.bench.gateways import peers, processes, receipts
from touchstone.bench.gateways.crowd import DENIED, StreamingCrowd
from touchstone.bench.gateways.scene import PreparedBundle, Scene
from touchstone.bench.table import BenchRow, BenchTable
from touchstone.errors import BadInputError
from touchstone.gateway.receipts import Receipt
from touchstone.keys import FileSigner

ROUNDS = 20
WORKERS = 8
STREAMS = 500
MEDIAN_MS = 50.0
WORST_MS = 250.0
_ASKERS = 8
_INTERVAL = 0.1
_SETTLE = 0.25


@dataclass(frozen=True, slots=True)
class _Round:
    """What one directive did."""

    seconds: float
    """From the rename in the feed to the receipt."""
    lift: float
    """The same for the lift."""
    receipt: Receipt
    requests: int
    """Of barred callers, that reached the stub after the receipt."""
    bytes: int
    """That reached barred callers over their streams' connections after the receipt."""
    open: int
    """Barred streams that were not ended."""


def run(rounds: int = ROUNDS, workers: int = WORKERS, streams: int = STREAMS) -> BenchTable:
    """Measure so many directives, each with its lift.

    Raises BenchError where something did not start or did not serve.
    """
    if rounds < 1:
        raise BadInputError(f"--rounds is {rounds}: write at least 1")
    with ExitStack() as stack:
        stack.enter_context(processes.ended_by_signals())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="touchstone-bench-")))
        console = Console(stderr=True, highlight=False)
        status = stack.enter_context(console.status("starting a gateway"))
        scene = Scene(folder)
        stub = stack.enter_context(processes.stub(folder, _INTERVAL))
        scene.prepare(barring=False).put()
        port = stack.enter_context(peers.gateway(scene, stub, workers)).listen
        done, crowd, differing = uvloop.run(
            _measure(scene, port, stub, (rounds, streams), status.update)
        )
    title = (
        f"directive: {workers} workers, {streams} live streams, an event each"
        f" {_INTERVAL * 1e3:g} ms, {rounds} rounds"
    )
    return BenchTable(title, tuple(_rows(done, crowd, differing)))


async def _measure(
    scene: Scene, port: int, stub: int, size: tuple[int, int], tell: Callable[[str], None]
) -> tuple[list[_Round], StreamingCrowd, int]:
    rounds, streams = size
    tokens = [scene.token(number) for number in range(streams + _ASKERS)]
    crowd = StreamingCrowd(port, stub, tokens, _ASKERS)
    key = FileSigner.load(scene.folder / "state" / "keys" / "gateway.pem").public_key
    done = []
    try:
        tell(f"opening {streams} streams")
        await crowd.open()
        crowd.begin_asking()
        for number in range(rounds):
            tell(f"directive {number + 1} of {rounds}")
            done.append(await _round(scene, crowd, key))
        return done, crowd, await crowd.differing()
    finally:
        await crowd.end()


async def _round(scene: Scene, crowd: StreamingCrowd, key: bytes) -> _Round:
    order = scene.prepare(barring=True)
    # So that streams are under way again, and an order meets them in mid-word.
    await asyncio.sleep(_SETTLE)
    seconds = await _put(order)
    reached = {number: each.reached for number, each in crowd.barred.items()}
    # Counted from the receipt on: what reached the stub before it is no leak.
    requests = await crowd.upstream()
    await crowd.try_again()
    await asyncio.sleep(_SETTLE)
    # Only now: what was on its way when the receipt came has had its time to arrive.
    late = sum(each.reached - reached[number] for number, each in crowd.barred.items())
    still = sum(not each.connection.lost for each in crowd.barred.values())
    requests = await crowd.upstream() - requests
    lift = await _put(scene.prepare(barring=False))
    receipt = receipts.read_receipt(order.receipt, key)
    await crowd.open()
    return _Round(seconds, lift, receipt, requests, late, still)


async def _put(prepared: PreparedBundle) -> float:
    """Seconds until the receipt lies there. The streams go on meanwhile."""
    mark = time.perf_counter()
    prepared.put()
    await receipts.come(prepared.receipt)
    return time.perf_counter() - mark


def _rows(done: Sequence[_Round], crowd: StreamingCrowd, differing: int) -> Iterator[BenchRow]:
    times = [each.seconds * 1e3 for each in done]
    yield _at_most(
        "directive, from feed to signed receipt, median", statistics.median(times), MEDIAN_MS
    )
    yield _at_most("directive, from feed to signed receipt, worst", max(times), WORST_MS)
    lifts = [each.lift * 1e3 for each in done]
    yield BenchRow(
        "lift, from feed to signed receipt, median",
        statistics.median(lifts),
        "ms",
        None,
        "",
        "",
        None,
    )
    reports = [report for each in done for report in each.receipt.workers]
    for name in ("live", "cut", "kept"):
        count = sum(getattr(each, name) or 0 for each in reports) / len(done)
        yield BenchRow(f"exchanges {name}, mean of a directive", count, "", None, "", "", None)
    yield BenchRow("workers killed", sum(each.killed for each in reports), "", None, "", "", None)
    yield BenchRow(
        "barred callers who tried again: refused", crowd.refused[DENIED], "", None, "", "", None
    )
    others = crowd.refused.total() - crowd.refused[DENIED]
    yield _none("barred callers who tried again: anything else", others)
    yield _none("barred streams not ended", sum(each.open for each in done))
    yield _none("barred callers' requests upstream afterwards", sum(each.requests for each in done))
    yield _none(
        "bytes to barred streams afterwards, at the caller", sum(each.bytes for each in done)
    )
    late = sum(each.late_bytes or 0 for each in reports)
    yield _none("bytes to barred streams afterwards, in the receipts", late)
    yield _none(f"of {len(crowd.allowed)} allowed streams, not byte for byte", differing)


def _at_most(name: str, value: float, limit: float) -> BenchRow:
    return BenchRow(name, value, "ms", None, "", f"at most {limit:g} ms", value <= limit)


def _none(name: str, count: int) -> BenchRow:
    return BenchRow(name, count, "", None, "", "none", count == 0)
