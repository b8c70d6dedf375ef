"""A witness as a process: statuses over HTTP, bounds, races, a kill, and what it holds."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.forked import Command
from support.witnesses import NAME, LyingLog, ServedWitness, served_witness, write_witness
from touchstone.ledger import parse_vkey, verify_cosignature
from touchstone.ledger.notes import COSIGNATURE_V1
from touchstone.witness.protocol import MAX_BODY, MAX_KEYS, request_body
from touchstone.witness.serving import BODY_SECONDS, MOST_AT_ONCE
from touchstone.witness.state import WitnessState


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    return os.environ | {"TOUCHSTONE_HOME": str(tmp_path_factory.mktemp("home") / "home")}


def log_of(name: str, size: int = 7) -> LyingLog:
    log = LyingLog(name)
    log.grow(size)
    return log


@pytest.fixture(scope="module")
def logs() -> dict[str, LyingLog]:
    return {name: log_of(name) for name in ("plain", "raced", "forked", "rotated", "new")}


@pytest.fixture(scope="module")
def witness(
    logs: dict[str, LyingLog], environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedWitness]:
    vkeys = [log.vkey for log in logs.values()]
    with served_witness(tmp_path_factory.mktemp("witness"), vkeys, environment) as served:
        yield served


def test_the_protocol_over_http(witness: ServedWitness, logs: dict[str, LyingLog]):
    log, key = logs["plain"], parse_vkey(witness.vkey, COSIGNATURE_V1)
    status, line = witness.submit(log.body(0, 3))
    assert status == 200
    assert verify_cosignature(log.note(3) + line, key.name, key.public_key) > 1_700_000_000
    assert witness.ask("POST", "/add-checkpoint", log.body(0)) == (409, "text/x.tlog.size", "3\n")
    assert witness.submit(request_body(3, [], log.note()))[0] == 422
    assert witness.submit(log_of("unknown").body(0))[0] == 404
    assert witness.submit(b"nothing of the kind")[0] == 400
    status, line = witness.submit(log.body(3))
    assert status == 200
    digest = sha256(log.history.origin.encode()).hexdigest()
    newest = witness.ask("GET", f"/{digest}/checkpoint")
    assert newest == (200, "text/plain; charset=utf-8", log.note() + line)
    assert witness.ask("GET", f"/{'0' * 64}/checkpoint")[0] == 404
    assert witness.ask("GET", "/add-checkpoint")[0] == 405
    assert witness.ask("GET", "/")[0] == 404


def test_bodies_are_bounded(witness: ServedWitness, logs: dict[str, LyingLog]):
    note = logs["new"].note()
    assert witness.submit(request_body(0, [], note + "— x AAAAAAA=\n" * 5000))[0] == 413
    assert witness.submit(b"x" * (MAX_BODY + 1))[0] == 413
    assert witness.submit(b"x" * (MAX_KEYS + 1), "add-keys")[0] == 413


@pytest.mark.parametrize("addresses", [1, 9])
def test_whoever_is_slow_keeps_nobody_waiting(
    addresses: int, witness: ServedWitness, logs: dict[str, LyingLog]
):
    """Many more bodies that never end than there are places, beside one that does."""
    address = urlsplit(witness.url)
    server, slow = (str(address.hostname), address.port or 0), list[socket.socket]()
    try:
        for number in range(2 * MOST_AT_ONCE):
            own = (f"127.0.0.{number % addresses + 1}", 0)
            one = socket.create_connection(server, 10, source_address=own)
            slow.append(one)
            one.sendall(
                b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nold"
            )
        # The oldest is ended for the next, long before its time: by then all are awaited.
        slow[0].settimeout(BODY_SECONDS / 2)
        assert b" 408 " in slow[0].recv(100)
        assert witness.submit(logs["new"].body(0))[0] in {200, 409}
        status = witness.ask("GET", f"/{'0' * 64}/checkpoint")[0]
        assert status == 404
    finally:
        for one in slow:
            one.close()


def test_of_two_requests_at_once_one_is_cosigned(witness: ServedWitness, logs: dict[str, LyingLog]):
    """Two branches from one size, many times over: never both."""
    log = logs["raced"]
    log.grow(30)
    for size in range(1, 20):
        fork = log.fork(size - 1, f"other {size}")
        fork.grow(1)
        bodies = [each.body(size - 1, size) for each in (log, fork)]
        answers = [0, 0]

        def ask(number: int, bodies: list[bytes] = bodies, answers: list[int] = answers) -> None:
            answers[number] = witness.submit(bodies[number])[0]

        threads = [threading.Thread(target=ask, args=[number]) for number in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [200, 409]
        if answers[0] != 200:
            # It cosigned the fork: that is the log that it goes on with.
            log = fork
            log.grow(30)


def test_a_fork_is_refused_and_kept(
    witness: ServedWitness, logs: dict[str, LyingLog], environment: dict[str, str]
):
    log = logs["forked"]
    assert witness.submit(log.body(0))[0] == 200
    fork = log.fork(4, "other")
    fork.grow(3)
    assert witness.submit(fork.body(7))[0] == 422
    fork.grow(3)
    assert witness.submit(fork.body(7))[0] == 422
    assert witness.submit(log.body(0, 5)) == (409, "7\n")
    shown = Command(["witness", "status", str(witness.config), "--json"], environment)
    out, _ = shown.communicate(60)
    assert shown.returncode == 1
    said = json.loads(out)
    (head,) = [each for each in said["logs"] if each["origin"] == log.history.origin]
    assert (head["size"], head["root"]) == (7, log.tree.root(7).hex())
    own = [each for each in said["evidence"] if each["origin"] == log.history.origin]
    assert [each["kind"] for each in own] == ["fork", "unproven"]
    assert own[0]["offered"] == fork.note(7)
    assert own[0]["held"].startswith(log.note(7))


def test_a_rotation_is_followed(witness: ServedWitness, logs: dict[str, LyingLog]):
    log = logs["rotated"]
    assert witness.submit(log.body(0, 4))[0] == 200
    log.rotate("successor")
    assert witness.submit(log.body(4))[0] == 403
    assert witness.submit(log.keys, "add-keys") == (200, f"{log.history.lines[-1].fingerprint}\n")
    assert witness.submit(log.body(4))[0] == 200
    assert witness.submit(log_of("unknown").keys, "add-keys")[0] == 404


def test_it_remembers_after_a_restart(environment: dict[str, str], tmp_path: Path):
    log = log_of("restarted")
    with served_witness(tmp_path / "w", [log.vkey], environment) as witness:
        assert witness.submit(log.body(0))[0] == 200
        witness.process.kill()
        witness.process.wait(30)
        first = witness.vkey
    with served_witness(tmp_path / "w", [log.vkey], environment) as witness:
        assert witness.vkey == first
        fork = log.fork(3, "other")
        fork.grow(4)
        assert witness.submit(fork.body(7))[0] == 422
        assert witness.submit(log.body(0)) == (409, "7\n")
    assert witness.process.returncode == 0


ENDS = """
import os, sys
from pathlib import Path
from support.witnesses import NAME, LyingLog
from touchstone.witness.cosigning import Cosigner
from touchstone.witness.state import WitnessState

log = LyingLog("ended")
log.grow(7)
state, signer = WitnessState.prepare(Path(sys.argv[1]))
if sys.argv[2] == "before":
    WitnessState.put_head = lambda *_: os._exit(9)
cosigner = Cosigner(state, signer, NAME, {log.history.origin: log.history.current})
line = cosigner.add_checkpoint(log.body(0), 1_796_000_000)
os._exit(9)
"""


@pytest.mark.parametrize(("when", "size"), [("before", None), ("after", 7)])
def test_what_ends_between_state_and_answer_is_remembered(
    when: str, size: int | None, tmp_path: Path
):
    """Ended before it is durable nothing was cosigned; after it the same is cosigned again."""
    words = [sys.executable, "-c", ENDS, str(tmp_path / "state"), when]
    paths = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run(words, env=paths, check=False).returncode == 9
    log = log_of("ended")
    state, _signer = WitnessState.prepare(tmp_path / "state")
    head = state.head(log.history.origin)
    state.close()
    assert (head.size if head else None) == size


def test_the_key_is_printed_and_made_once(environment: dict[str, str], tmp_path: Path):
    config = write_witness(tmp_path / "w", [])
    said = []
    for _ in range(2):
        process = Command(["witness", "key", str(config)], environment)
        out, err = process.communicate(60)
        assert (process.returncode, err) == (0, "")
        said.append(out)
    assert said[0] == said[1]
    assert parse_vkey(said[0].strip(), COSIGNATURE_V1).name == NAME
    assert (tmp_path / "w/witness-state/witness.pem").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("touchstone/witness/1", "touchstone/witness/2"), "format"),
        ((NAME, "two words"), "name"),
        ((NAME, "a+b"), "name"),
        (("port = 0", "port = 70000"), "port"),
        (("port = 0", 'port = 0\nhots = "x"'), "hots"),
        (("+", " "), "vkey"),
        (("[listen]", 'state = "\\u202e"\n[listen]'), "unseen"),
    ],
    ids=str,
)
def test_a_configuration_that_cannot_be_used_is_one_line(
    change: tuple[str, str], told: str, environment: dict[str, str], tmp_path: Path
):
    config = write_witness(tmp_path / "w", [log_of("a").vkey])
    config.write_text(config.read_text("utf-8").replace(*change), "utf-8")
    process = Command(["witness", "serve", str(config)], environment)
    out, err = process.communicate(60)
    assert (process.returncode, out, err.count("\n")) == (2, "", 1), err
    assert told in err
    assert not (tmp_path / "w/witness-state").exists()


def test_a_taken_port_is_one_line(
    witness: ServedWitness, environment: dict[str, str], tmp_path: Path
):
    config = write_witness(tmp_path / "w", [])
    port = urlsplit(witness.url).port
    config.write_text(config.read_text("utf-8").replace("port = 0", f"port = {port}"), "utf-8")
    process = Command(["witness", "serve", str(config)], environment)
    _, err = process.communicate(60)
    assert process.returncode == 2
    assert "cannot be listened at" in err
