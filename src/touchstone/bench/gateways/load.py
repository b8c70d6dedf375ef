"""Load on a port: by wrk where it is installed, else by a bounded client of our own.

Both keep a fixed number of connections busy with one request each, and take the requests in turn.
"""

import asyncio
import itertools
import json
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop

from touchstone.bench.errors import BenchError
from touchstone.bench.gateways.client import CallerConnection
from touchstone.bench.gateways.processes import found

OK = 200
_SCRIPT = """\
local requests, at = {}, 0
function init(args)
  local file = io.open(args[1], "rb")
  for line in file:lines() do
    local size = tonumber(line)
    requests[#requests + 1] = file:read(size)
    file:read(1)
  end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary, latency)
  local errors = summary.errors
  local bad = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '\\nBENCH {"requests": %d, "microseconds": %d, "bad": %d}\\n',
    summary.requests, summary.duration, bad))
end
"""


@dataclass(frozen=True)
class LoadResult:
    """What a time under load came to."""

    requests: int
    seconds: float
    bad: int
    """Answers that were not 200, and connections that broke."""

    @property
    def rate(self) -> float:
        """Requests a second; BenchError where more than one in a thousand went wrong."""
        # A server that refuses is fast: a rate of refusals must not stand in a table of requests
        # served.
        if not self.requests or self.bad * 1000 > self.requests:
            raise BenchError(f"{self.bad} of {self.requests} requests under load were not served")
        return self.requests / self.seconds


def wrk() -> str | None:
    """Where wrk is; None: it is not installed."""
    return found("wrk", "/usr/bin", "/usr/local/bin")


def press(
    port: int, requests: Sequence[bytes], *, connections: int, seconds: float, folder: Path
) -> LoadResult:
    """Keep so many connections busy for so long."""
    program = wrk()
    if program is None:
        return uvloop.run(_press(port, requests, connections, seconds))
    data = b"".join(b"%d\n%s\n" % (len(each), each) for each in requests)
    (folder / "requests").write_bytes(data)
    (folder / "load.lua").write_text(_SCRIPT)
    said = subprocess.run(
        [
            program,
            "-t1",
            f"-c{connections}",
            f"-d{max(1, round(seconds))}s",
            "--timeout",
            "20s",
            "-s",
            str(folder / "load.lua"),
            f"http://127.0.0.1:{port}/",
            "--",
            str(folder / "requests"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    result = next((line for line in said.stdout.splitlines() if line.startswith("BENCH ")), None)
    if result is None:
        raise BenchError(f"wrk failed: {' '.join((said.stderr or said.stdout).split())[-200:]}")
    told = json.loads(result.removeprefix("BENCH "))
    return LoadResult(told["requests"], told["microseconds"] / 1e6, told["bad"])


async def _press(
    port: int, requests: Sequence[bytes], connections: int, seconds: float
) -> LoadResult:
    mark = time.perf_counter()
    endless = itertools.cycle(requests)
    work = [_keep_busy(port, endless, mark + seconds) for _ in range(connections)]
    counts = await asyncio.gather(*work)
    spent = time.perf_counter() - mark
    return LoadResult(sum(map(sum, counts)), spent, sum(bad for _, bad in counts))


async def _keep_busy(port: int, requests: Iterator[bytes], end: float) -> tuple[int, int]:
    """How many requests were served, and how many were not."""
    connection, good, bad = await CallerConnection.open(port), 0, 0
    for request in requests:
        if time.perf_counter() >= end:
            break
        if connection.lost:
            connection = await CallerConnection.open(port)
        answer = connection.begin(request)
        whole = await answer.ended
        good, bad = (good + 1, bad) if whole and answer.status == OK else (good, bad + 1)
    connection.close()
    return good, bad


async def once(
    port: int, requests: Sequence[bytes], connections: int
) -> tuple[float, Counter[int]]:
    """Send each request once over so many connections; the seconds, and the statuses."""
    statuses: Counter[int] = Counter()
    rest = iter(requests)

    async def work(connection: CallerConnection) -> None:
        for request in rest:
            statuses[(await connection.ask(request)).status] += 1
        connection.close()

    opened = [await CallerConnection.open(port) for _ in range(connections)]
    mark = time.perf_counter()
    await asyncio.gather(*map(work, opened))
    return time.perf_counter() - mark, statuses
