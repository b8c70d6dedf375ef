"""A whole gateway, in its own processes: what it serves, how it applies, and how it dies."""

import array
import asyncio
import contextlib
import fcntl
import io
import json
import os
import signal
import socket
import struct
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from support.gateway import (
    CHAT,
    ONLY_XA,
    PERMIT_ALL,
    SECONDS,
    Chain,
    RunningGateway,
    key_of,
    put,
    running_gateway,
    start_gateway,
    stop_gateway,
    wait_for,
    write_config,
)
from support.gateway_loop import Stub
from support.ledger_signer import Signer
from touchstone.cli.app import run
from touchstone.gateway.commands import export_audit, public_key
from touchstone.gateway.config import load_config
from touchstone.gateway.control import Channel
from touchstone.gateway.receipts import verify_chain
from touchstone.keys import FileSigner


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, stub: Stub) -> Iterator[RunningGateway]:
    """Two workers, and a first bundle that permits all."""
    with running_gateway(tmp_path_factory.mktemp("gateway"), stub.url) as running:
        assert running.post() == (503, running.post()[1])
        assert running.admin("/readyz")[0] == 503
        running.applied(PERMIT_ALL)
        yield running


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except FileNotFoundError:
        return False


def test_nothing_is_served_without_a_bundle_and_then_what_it_grants(gateway: RunningGateway):
    gateway.applied(PERMIT_ALL)
    assert gateway.post("ann")[0] == gateway.post("bea")[0] == 200
    gateway.applied(ONLY_XA)
    assert gateway.post("ann")[0] == 200
    status, said = gateway.post("bea")
    assert (status, json.loads(said)["error"]["code"]) == (403, "denied_by_terms")
    assert gateway.admin("/readyz")[0] == gateway.admin("/healthz")[0] == 200


def test_receipts_are_a_chain_under_the_gateways_key(gateway: RunningGateway):
    gateway.applied(PERMIT_ALL)
    newest = gateway.applied(ONLY_XA).receipt
    receipts = [gateway.receipt(number) for number in range(1, newest.number + 1)]
    key = FileSigner.load(load_config(gateway.config).key_file).public_key
    verify_chain(receipts, key)
    assert public_key(gateway.config)["public_key"] == key.hex()
    assert [(each.worker, each.killed) for each in newest.workers] == [(0, False), (1, False)]
    assert newest.milliseconds < 1000


def test_a_directive_in_mid_stream_cuts_exactly_whom_it_bars(gateway: RunningGateway):
    gateway.applied(PERMIT_ALL)
    streams = {person: gateway.connect(person, stream=True) for person in ("ann", "bea")}
    answers = {person: stream.getresponse() for person, stream in streams.items()}
    begun = {person: answer.read(200) for person, answer in answers.items()}
    receipt = gateway.applied(ONLY_XA).receipt
    with pytest.raises(ConnectionResetError):
        answers["bea"].read()
    assert begun["ann"] + answers["ann"].read() == sent_whole()
    assert sum(each.live or 0 for each in receipt.workers) == 2
    assert sum(each.cut or 0 for each in receipt.workers) == 1
    assert sum(each.kept or 0 for each in receipt.workers) == 1
    assert sum(each.late_bytes or 0 for each in receipt.workers) == 0
    for stream in streams.values():
        stream.close()


def sent_whole() -> bytes:
    """What the endpoint sent, byte for byte."""
    stub = Stub()
    return b"".join(stub.event(number, "") for number in range(200)) + b"data: [DONE]\n\n"


@pytest.mark.parametrize("reason", ["forged", "foreign", "replayed", "out-of-order"])
def test_a_bad_bundle_in_the_feed_is_refused_once_and_the_last_stays(
    gateway: RunningGateway, reason: str
):
    gateway.applied(PERMIT_ALL)
    number = gateway.applied(ONLY_XA).receipt.number
    chain = gateway.chain
    bad = {
        "forged": Chain(signer=Signer("stranger"), at=chain.at).next,
        "foreign": Chain(stream="example-model/other", at=chain.at).next,
        "replayed": lambda: chain.bundles[-2],
        "out-of-order": lambda: _two_ahead(chain),
    }[reason]()
    put(gateway.feed, number + 1, bad)
    wait_for(lambda: gateway.status()["feed"]["refused"].get(reason) == 1, SECONDS, reason)
    time.sleep(0.05)
    status = gateway.status()
    assert status["feed"]["refused"][reason] == 1
    assert (status["bundle"]["number"], status["serving"]) == (number, True)
    assert gateway.post("bea")[0] == 403
    assert gateway.log.count(f"a bundle is refused: {reason}") == 1
    (gateway.feed / f"{number + 1:06d}.bundle").unlink()


def _two_ahead(chain: Chain) -> bytes:
    ahead = Chain(at=chain.at)
    ahead.next(PERMIT_ALL)
    return ahead.next(PERMIT_ALL)


STILL = 10


def held_stream(gateway: RunningGateway, person: str) -> socket.socket:
    """A client that asks for a stream and reads nothing, until everything on the way is full."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", gateway.port))
    client.settimeout(5)
    body = json.dumps({**CHAT, "stream": True}).encode()
    client.sendall(
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s"
        % (key_of(person).encode(), len(body), body)
    )
    seen: list[int] = []
    wait_for(lambda: _stands_still(client, seen), SECONDS, "a stream that stands still")
    return client


def _stands_still(client: socket.socket, seen: list[int]) -> bool:
    """Whether what waits for the client was there and the same at ten looks."""
    waiting = array.array("i", [0])
    fcntl.ioctl(client, termios.FIONREAD, waiting)
    seen.append(waiting[0])
    return len(seen) >= STILL and seen[-1] > 0 and len(set(seen[-STILL:])) == 1


def read_out(client: socket.socket) -> str:
    """Read to the end: `reset` or `closed`."""
    with contextlib.closing(client):
        try:
            while client.recv(1 << 16):
                pass
        except ConnectionResetError:
            return "reset"
    return "closed"


def stopped_and_barred(gateway: RunningGateway) -> tuple[str, list[bool]]:
    """Stop every worker, bar a client whose bytes wait in the kernel: how its stream ends."""
    gateway.applied(PERMIT_ALL)
    client = held_stream(gateway, "bea")
    workers = gateway.workers
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    receipt = gateway.applied(ONLY_XA).receipt
    assert not any(map(alive, workers))
    return read_out(client), [each.killed for each in receipt.workers]


def test_a_stopped_worker_is_killed_before_the_receipt_and_its_connections_are_reset(
    gateway: RunningGateway,
):
    kills = gateway.status()["kills"]
    assert stopped_and_barred(gateway) == ("reset", [True, True])
    assert gateway.status()["kills"] == kills + 2
    gateway.serving()
    wait_for(lambda: len(gateway.workers) == 2, SECONDS, "two workers again")
    assert gateway.post("bea")[0] == 403
    assert gateway.post("ann")[0] == 200


def test_a_worker_that_dies_is_replaced_and_serves_what_is_in_force(gateway: RunningGateway):
    gateway.applied(PERMIT_ALL)
    gateway.applied(ONLY_XA)
    victim = gateway.workers[0]
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: not alive(victim) and len(gateway.workers) == 2, SECONDS, "another worker")
    assert [gateway.post(person)[0] for person in ("bea", "ann") * 4] == [403, 200] * 4


def test_metrics_are_summed_and_outlive_a_worker(gateway: RunningGateway):
    gateway.applied(PERMIT_ALL)

    def granted() -> float:
        lines = gateway.admin("/metrics")[1].splitlines()
        found = [line for line in lines if line.startswith("touchstone_gateway_requests_total")]
        return sum(float(line.split()[-1]) for line in found if 'status="200"' in line)

    before = granted()
    for _ in range(6):
        gateway.post()
    assert granted() == before + 6
    os.kill(gateway.workers[0], signal.SIGKILL)
    wait_for(lambda: len(gateway.workers) == 2, SECONDS, "another worker")
    assert granted() == before + 6


def test_the_audit_of_all_workers_holds_and_names_nobody(gateway: RunningGateway):
    gateway.applied(PERMIT_ALL)
    gateway.post("ann")
    gateway.applied(ONLY_XA)
    summary, lines = export_audit(gateway.config)
    assert summary.anchored > 0
    events = [each.line.event for each in lines]
    assert {each["kind"] for each in events} == {"opened", "decision"}
    assert "ann" not in json.dumps(events)


def test_the_commands_say_how_it_stands(
    gateway: RunningGateway, capsys: pytest.CaptureFixture[str]
):
    number = gateway.applied(ONLY_XA).receipt.number
    config = str(gateway.config)

    def said(*command: str) -> str:
        assert run(["gateway", *command]) == 0
        return capsys.readouterr().out

    assert json.loads(said("status", config, "--json"))["bundle"]["number"] == number
    assert "serving" in said("status", config).splitlines()
    assert "home: permits nationality XA" in said("check", config)
    assert json.loads(said("check", config, "--json"))["bundle"]["number"] == number
    assert json.loads(said("audit", config, "--json"))["summary"]["workers"] == 2
    assert '"kind":"opened"' in said("audit", config)
    assert "public_key: " in said("key", config)


def test_an_audit_that_was_altered_is_exit_1_and_prints_nothing(
    gateway: RunningGateway, capsys: pytest.CaptureFixture[str]
):
    gateway.applied(PERMIT_ALL)
    file = min((gateway.folder / "state" / "audit" / "worker-0").glob("*.jsonl"))
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"gateway-1", b"gateway-2"))
    assert run(["gateway", "audit", str(gateway.config)]) == 1
    file.write_bytes(whole)
    told = capsys.readouterr()
    assert told.out == ""
    assert "altered" in told.err or "is not there" in told.err


@pytest.fixture
def own(tmp_path: Path, stub: Stub) -> Iterator[RunningGateway]:
    """A gateway that a test may ruin: one worker, and no grace."""
    with running_gateway(tmp_path, stub.url, workers=1, more="") as running:
        running.applied(PERMIT_ALL, grace_hours=0)
        yield running


def test_when_the_supervisor_dies_everything_dies(own: RunningGateway):
    client = held_stream(own, "ann")
    workers = own.workers
    own.process.kill()
    own.process.wait()
    wait_for(lambda: not any(map(alive, workers)), SECONDS, "end of the workers")
    assert read_out(client) == "reset"
    with pytest.raises(ConnectionError):
        own.post()


def test_a_life_grace_a_drain_a_restart_and_a_state_that_was_rolled_back(
    own: RunningGateway, capsys: pytest.CaptureFixture[str]
):
    _grace_ends_with_the_feed_where_none_was_agreed(own)
    position = (own.folder / "state" / "position.json").read_bytes()
    own.applied(ONLY_XA)
    _what_is_in_flight_ends_whole(own)
    again = start_gateway(own.folder, (own.port, own.admin_port), own.chain)
    again.serving()
    assert (again.status()["receipt"], again.post("bea")[0]) == (2, 403)
    assert stop_gateway(again) == 0
    (own.folder / "state" / "position.json").write_bytes(position)
    assert run(["gateway", "serve", str(own.config)]) == 2
    assert "it was rolled back" in capsys.readouterr().err


def _grace_ends_with_the_feed_where_none_was_agreed(own: RunningGateway) -> None:
    away = own.folder / "away"
    own.feed.rename(away)
    own.serving(yes=False)
    status, said = own.post()
    assert (status, json.loads(said)["error"]["code"]) == (503, "no_policy")
    away.rename(own.feed)
    own.serving()
    assert own.post()[0] == 200


def _what_is_in_flight_ends_whole(own: RunningGateway) -> None:
    stream = own.connect("ann", stream=True)
    answer = stream.getresponse()
    own.process.send_signal(signal.SIGTERM)
    assert answer.read() == sent_whole()
    stream.close()
    assert own.process.wait(20) == 0


def test_what_cannot_start_says_why_in_one_line(
    tmp_path: Path, stub: Stub, capsys: pytest.CaptureFixture[str]
):
    write_config(tmp_path, stub.url)
    file = tmp_path / "gateway.toml"
    config = file.read_text()
    file.write_text(f'{config}api_key_env = "NO_SUCH_KEY_HERE"\n')
    assert run(["gateway", "serve", str(file)]) == 2
    said = capsys.readouterr().err
    assert said == "touchstone: api_key_env: the variable NO_SUCH_KEY_HERE is not set: set it\n"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        lines = [f"port = {port}" if "port =" in line else line for line in config.splitlines()]
        file.write_text("\n".join(lines))
        assert run(["gateway", "serve", str(file)]) == 2
    assert "Address already in use" in capsys.readouterr().err
    assert run(["gateway", "status", str(file)]) == 1
    assert "no gateway answers" in capsys.readouterr().err
    assert run(["gateway", "check", str(file)]) == 1
    assert "nothing would be served" in capsys.readouterr().out
    issuer = '[[identity.issuers]]\nissuer = "x"\naudience = "y"\njwks_file = "nowhere.json"\n'
    file.write_text(f"{config}{issuer}")
    for command in ("check", "serve"):
        assert run(["gateway", command, str(file)]) == 2
        assert "nowhere.json: cannot be read: No such file" in capsys.readouterr().err


def test_an_audit_that_is_not_there_is_said_and_nothing_is_made(
    tmp_path: Path, stub: Stub, capsys: pytest.CaptureFixture[str]
):
    write_config(tmp_path, stub.url)
    file = tmp_path / "gateway.toml"
    before = sorted(tmp_path.rglob("*"))
    assert run(["gateway", "audit", str(file)]) == 2
    assert "there is no such folder: no gateway ran here" in capsys.readouterr().err
    (tmp_path / "state").mkdir(mode=0o700)
    assert run(["gateway", "audit", str(file)]) == 2
    assert "there is no such key file" in capsys.readouterr().err
    assert sorted({*tmp_path.rglob("*.pem"), *before}) == before


def test_what_is_said_to_a_worker_that_is_gone_harms_nobody():
    async def hang_up_and_go_on() -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)  # noqa: FBT003 - the socket's own word
        channel = await Channel.open(ours)
        theirs.close()
        assert await channel.receive() is None
        channel.close()
        await asyncio.sleep(0.01)
        channel.send("until", until=None)

    # Its transports raise where asyncio's own only log.
    uvloop.run(hang_up_and_go_on())


@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [
        ("abcdefghijklmnopqrst\n", 0, '[[keys]]\nsha256 = "'),
        ("short\n", 2, "has not 16 to 4096 visible"),
        ("abcdefgh.abcdefgh.abcdefgh\n", 2, "has two dots"),
    ],
)
def test_a_key_is_hashed_and_not_kept(
    typed: str,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert run(["gateway", "hash-key"]) == code
    told = capsys.readouterr()
    assert said in told.out + told.err
    assert typed.strip() not in told.out + told.err


def test_twin_without_the_kernels_reset_a_killed_workers_bytes_go_on():
    """The same probe on a connection that lingers as usual: it ends as if all were well."""
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    served, _ = listener.accept()
    served.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))
    child = os.fork()
    if child == 0:
        served.sendall(b"late")
        os.kill(os.getpid(), signal.SIGKILL)
    served.close()
    os.waitpid(child, 0)
    assert read_out(client) == "closed"
    listener.close()
