"""The gateway against what else may stand before an endpoint: one stub, one run, in turns.

Whatever is installed is measured; what is not is left out. Every request of the gateway's is
durable in its audit before it is forwarded.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import uvloop
from rich.console import Console

from touchstone.bench.errors import BenchError
from touchstone.bench.gateways import load, peers, processes, receipts
from touchstone.bench.gateways.client import chat_request
from touchstone.bench.gateways.pacing import first_tokens, one_at_a_time
from touchstone.bench.gateways.scene import Scene
from touchstone.bench.table import BenchRow, BenchTable
from touchstone.errors import BadInputError

CONNECTIONS = 16
STREAMS = 32
USERS = 10_000
ROUNDS = 3
SECONDS = 4.0
LITELLM_GOAL = 30.0
NGINX_GOAL = 0.08
ASKING_GOAL = 0.25
LATENCY_MS = 1.0
FIRST_TOKEN_MS = 1.0
WARM_SECONDS = 3.0
_CALLERS = 100
_ALONE = 300
_EVENTS = 25
_INTERVAL = 0.02
STUB, GATEWAY, NGINX = "the stub alone", "gateway, durable audit", "nginx, plain proxy"
ASKING, LITELLM = "nginx, auth_request to us", "LiteLLM proxy"
_DENIED = 403


def run(
    seconds: float = SECONDS, rounds: int = ROUNDS, users: int = USERS, streams: int = STREAMS
) -> BenchTable:
    """Measure: so many seconds of load a round for each; then latency, streams and new decisions.

    Raises BenchError where something did not start or did not serve.
    """
    if rounds < 1:
        raise BadInputError(f"--rounds is {rounds}: write at least 1")
    if seconds <= 0:
        raise BadInputError(f"--seconds is {seconds:g}: write more than 0")
    with ExitStack() as stack:
        stack.enter_context(processes.ended_by_signals())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="touchstone-bench-")))
        console = Console(stderr=True, highlight=False)
        status = stack.enter_context(console.status(f"signing tokens for {users:,} callers"))
        scene = Scene(folder)
        tokens = [scene.token(number) for number in range(users)]
        status.update("starting all that is measured")
        bench = _Bench(scene, tokens, _start(stack, scene), status.update)
        rows = [
            *bench.throughput(seconds, rounds),
            *bench.latency(rounds),
            *bench.first_tokens(rounds, streams),
            *bench.new_decisions(),
        ]
    client = "wrk" if load.wrk() else "a client of our own"
    title = f"gateway: one worker, {CONNECTIONS} connections, load by {client}"
    return BenchTable(title, tuple(rows))


def _start(stack: ExitStack, scene: Scene) -> Mapping[str, int]:
    """The stub, and all that stands before it: each one's port, by name."""
    folder = scene.folder
    upstream = stack.enter_context(processes.stub(folder, _INTERVAL))
    scene.prepare(barring=False).put()
    ours = stack.enter_context(peers.gateway(scene, upstream, workers=1))
    found = {STUB: upstream, GATEWAY: ours.listen}
    if program := peers.nginx_program():
        found[NGINX] = stack.enter_context(peers.nginx(program, folder, upstream))
        asking = peers.nginx(program, folder, upstream, ours.decisions)
        found[ASKING] = stack.enter_context(asking)
    if program := peers.litellm_program():
        found[LITELLM] = stack.enter_context(peers.litellm(program, folder, upstream))
    return found


class _Bench:
    """Everything is measured in turns, a round at a time, so that all meet one load."""

    def __init__(
        self,
        scene: Scene,
        tokens: Sequence[str],
        ports: Mapping[str, int],
        tell: Callable[[str], None],
    ) -> None:
        self._scene = scene
        self._tokens = tokens
        self._ports = ports
        self._tell = tell

    def throughput(self, seconds: float, rounds: int) -> Iterator[BenchRow]:
        """Requests a second: the median of the rounds; ratios are of the same round."""
        requests = [chat_request(token) for token in self._tokens[:_CALLERS]]
        found: dict[str, list[float]] = {name: [] for name in self._ports}
        # The first round only warms up.
        for number in range(rounds + 1):
            for name, port in self._ports.items():
                self._tell(f"requests a second, round {number} of {rounds}: {name}")
                taken = load.press(
                    port,
                    requests,
                    connections=CONNECTIONS,
                    seconds=seconds if number else min(seconds, 1.0),
                    folder=self._scene.folder,
                )
                if number:
                    found[name].append(taken.rate)
        for name, rates in found.items():
            yield BenchRow(name, statistics.median(rates), "requests/s", None, "", "", None)
        yield from _ratios(found)

    def latency(self, rounds: int) -> Iterator[BenchRow]:
        """One connection: what is added to the stub's own median."""
        request = chat_request(self._tokens[0])
        found: dict[str, list[float]] = {name: [] for name in self._ports}
        for number in range(rounds):
            for name, port in self._ports.items():
                self._tell(f"one connection, round {number + 1} of {rounds}: {name}")
                found[name] += uvloop.run(one_at_a_time(port, request, _ALONE))
        base = statistics.median(found.pop(STUB))
        for name, times in found.items():
            limit = LATENCY_MS if name == GATEWAY else None
            # Medians apart and then their difference: single requests cannot be paired, and a mean
            # would be the worst few.
            added = statistics.median(times) - base
            yield _at_most(f"added latency, median: {name}", added * 1e3, "ms", limit)

    def first_tokens(self, rounds: int, streams: int) -> Iterator[BenchRow]:
        """Streams side by side: how much later the first token comes than from the stub."""
        requests = [
            chat_request(token, stream=True, max_tokens=_EVENTS) for token in self._tokens[:streams]
        ]
        found: dict[str, list[float]] = {STUB: [], GATEWAY: []}
        for number in range(rounds):
            for name, times in found.items():
                self._tell(f"{streams} paced streams, round {number + 1} of {rounds}: {name}")
                times.extend(
                    uvloop.run(first_tokens(self._ports[name], requests, _EVENTS * _INTERVAL))
                )
        what = f"{streams} paced streams: first token later by"
        base, ours = found[STUB], found[GATEWAY]
        median = statistics.median(ours) - statistics.median(base)
        yield _at_most(f"{what}, median", median * 1e3, "ms", FIRST_TOKEN_MS)
        tail = statistics.quantiles(ours, n=20)[-1] - statistics.quantiles(base, n=20)[-1]
        yield _at_most(f"{what}, 95 of 100", tail * 1e3, "ms", None)

    def new_decisions(self) -> Iterator[BenchRow]:
        """Every user asks once under the old policy, then once under a directive."""
        requests = [chat_request(token) for token in self._tokens]
        port, users = self._ports[GATEWAY], len(requests)
        self._tell(f"{users:,} users, first time")
        first, _ = uvloop.run(load.once(port, requests, CONNECTIONS))
        self._tell(f"{users:,} users, again")
        warm, statuses = uvloop.run(load.once(port, requests, CONNECTIONS))
        _check(statuses, {load.OK: users})
        prepared = self._scene.prepare(barring=True)
        self._tell(f"{users:,} users, after a directive")
        mark = time.perf_counter()
        prepared.put()
        uvloop.run(receipts.come(prepared.receipt))
        _, statuses = uvloop.run(load.once(port, requests, CONNECTIONS))
        after = time.perf_counter() - mark
        # Also that the right half was refused: a gateway that serves everybody is the fastest.
        _check(statuses, {load.OK: users - users // 2, _DENIED: users // 2})
        name = f"{users:,} users"
        yield BenchRow(f"{name}, each once, never seen", first, "s", None, "", "", None)
        yield BenchRow(f"{name}, each once, warm", warm, "s", None, "", "", None)
        # The goal is stated for this many users, and is none for fewer.
        limit = WARM_SECONDS if users == USERS else None
        yield _at_most(f"{name}, each once after a directive", after, "s", limit)


def _ratios(found: Mapping[str, Sequence[float]]) -> Iterator[BenchRow]:
    goals = (
        (GATEWAY, LITELLM, LITELLM_GOAL),
        (GATEWAY, NGINX, NGINX_GOAL),
        (ASKING, NGINX, ASKING_GOAL),
    )
    for name, against, goal in goals:
        if name not in found or against not in found:
            continue
        # Within a round both met one load; from round to round the machine may be another (ADR
        # 123).
        ratio = statistics.median(
            ours / theirs for ours, theirs in zip(found[name], found[against], strict=True)
        )
        words = f"at least {goal:g} x {against}"
        rate = statistics.median(found[name])
        yield BenchRow(name, rate, "requests/s", ratio, against, words, ratio >= goal)


def _at_most(name: str, value: float, unit: str, limit: float | None) -> BenchRow:
    if limit is None:
        return BenchRow(name, value, unit, None, "", "", None)
    return BenchRow(name, value, unit, None, "", f"at most {limit:g} {unit}", value <= limit)


def _check(statuses: Mapping[int, int], expected: Mapping[int, int]) -> None:
    if statuses != expected:
        raise BenchError(f"users were answered with {dict(statuses)}, not {dict(expected)}")
