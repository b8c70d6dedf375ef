"""The gateway's benches in their smallest form, with the real processes."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest

from touchstone.bench import directive, gateway
from touchstone.bench.errors import BenchError
from touchstone.bench.gateways import load, peers, processes
from touchstone.bench.gateways.client import CallerConnection, chat_request, told
from touchstone.bench.gateways.crowd import StreamingCrowd
from touchstone.bench.table import BenchTable

SEEN = b"GET /seen HTTP/1.1\r\n\r\n"


def met(table: BenchTable) -> dict[str, bool]:
    return {row.name: row.met for row in table.rows if row.goal == "none" and row.met is not None}


@pytest.fixture(scope="module")
def measured() -> BenchTable:
    return directive.run(rounds=2, workers=2, streams=24)


def test_a_directive_cuts_its_part_and_nothing_else(measured: BenchTable):
    values = {row.name: row.value for row in measured.rows}
    assert met(measured) == dict.fromkeys(met(measured), True)
    assert len(met(measured)) == 6
    # Of 32 users half are abroad; eight of those have no stream, but ask again and again.
    assert 8 <= values["exchanges cut, mean of a directive"] <= 16
    assert values["exchanges kept, mean of a directive"] == 16
    assert values["barred callers who tried again: refused"] == 16


def test_the_gateway_is_measured_with_what_is_installed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(peers, "nginx_program", lambda: None)
    monkeypatch.setattr(peers, "litellm_program", lambda: None)
    monkeypatch.setattr(load, "wrk", lambda: None)
    monkeypatch.setattr(gateway, "_ALONE", 5)
    table = gateway.run(seconds=0.3, rounds=1, users=20, streams=4)
    names = [row.name for row in table.rows]
    assert table.title.endswith("load by a client of our own")
    assert names[:2] == [gateway.STUB, gateway.GATEWAY]
    assert names[-1] == "20 users, each once after a directive"
    assert table.rows[0].value > table.rows[1].value > 0
    assert not any("nginx" in name or "LiteLLM" in name for name in names)


def streamed(port: int, **more: object) -> tuple[str, str]:
    """A stream's name, and the digest of its bytes at the caller."""

    async def read() -> tuple[str, str]:
        connection = await CallerConnection.open(port)
        answer = await connection.ask(chat_request("token", user="u4", stream=True, **more))
        connection.close()
        return answer.name, answer.digest.hexdigest()

    return asyncio.run(read())


def test_the_stub_tells_what_it_sent(tmp_path: Path):
    with processes.stub(tmp_path, 0.001) as port:
        name, digest = streamed(port, max_tokens=5)
        seen = asyncio.run(told(port, SEEN))
    assert seen == {"requests": {"u4": 1}, "streams": {name: digest}}
    assert digest != sha256(b"").hexdigest()


def test_a_stream_that_differs_is_seen(tmp_path: Path):
    async def measure(port: int) -> int:
        crowd = StreamingCrowd(port, port, ["a", "b", "c", "d"], 0)
        await crowd.open()
        crowd.allowed[0].answer.take(b"one byte more")
        crowd.allowed[2].connection.close()
        await asyncio.sleep(0.01)
        await crowd.open()
        differing = await crowd.differing()
        await crowd.end()
        return differing

    with processes.stub(tmp_path, 0.001) as port:
        assert asyncio.run(measure(port)) == 2


def test_requests_that_are_not_served_are_no_rate(tmp_path: Path):
    with processes.stub(tmp_path, 0.001) as port:
        done = load.press(
            port, [b"PUT / HTTP/1.1\r\n\r\n"], connections=1, seconds=1, folder=tmp_path
        )
        with pytest.raises(BenchError, match="were not served"):
            _ = done.rate


def test_what_does_not_start_says_why(tmp_path: Path):
    command = [sys.executable, "-c", "raise SystemExit('no such thing')"]
    with processes.running_process(command, tmp_path, "it") as process:
        process.wait()
        with pytest.raises(BenchError, match="it did not start: no such thing"):
            processes.wait_until(process, 1, "/", tmp_path, "it")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_running(tmp_path: Path, number: int):
    program = (
        "import time, sys; from pathlib import Path\n"
        "from touchstone.bench.gateways import processes\n"
        "with processes.ended_by_signals(), processes.stub(Path(sys.argv[1]), 1) as port:\n"
        "    print(port, flush=True); time.sleep(60)"
    )
    bench = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert bench.stdout is not None
    port = int(bench.stdout.readline())
    os.kill(bench.pid, number)
    bench.wait(20)
    bench.stdout.close()
    # What it left to itself ends by itself, on a busy machine not at once.
    until = time.monotonic() + 20
    while _answers(port):
        assert time.monotonic() < until
        time.sleep(0.05)


def _answers(port: int) -> bool:
    try:
        asyncio.run(told(port, SEEN))
    except ConnectionRefusedError:
        return False
    return True
