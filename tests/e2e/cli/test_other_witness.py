"""Our side with a C2SP witness that is not ours, and our witness with a client that is not ours."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.june import June
from support.witnesses import LyingLog, served_witness
from touchstone.service.cases.case_admin import open_found
from touchstone.service.installation import open_installation
from touchstone.service.reporting.edition_files import audiences, issue_editions

pytestmark = pytest.mark.needs_other_witness
NAME = "witness.example/other"
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "PYTHONPATH": str(Path(sys.prefix) / "other-witness"),
}


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@dataclass
class OtherWitness:
    """It, as its own commands run it."""

    folder: Path
    url: str
    vkey: str
    process: "subprocess.Popen[bytes]"

    def command(self, *words: str) -> str:
        return told(self.folder, *words)

    def trust(self, vkey: str) -> None:
        """Tell it a key of a log, and wait until it has read it."""
        self.command("add-log", "--origin", vkey.partition("+")[0], "--vkey", vkey)
        self.process.send_signal(signal.SIGHUP)


def told(folder: Path, *words: str) -> str:
    command = [sys.executable, "-m", "aics_witness", words[0], "--config", str(folder / "w.json")]
    done = subprocess.run(
        [*command, *words[1:]], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def other_witness(folder: Path, vkey: str) -> Iterator[OtherWitness]:
    folder.mkdir()
    url = f"http://127.0.0.1:{(port := unused_port())}"
    own = told(folder, "init", "--name", NAME, "--listen", f"127.0.0.1:{port}").strip()
    told(folder, "add-log", "--origin", vkey.partition("+")[0], "--vkey", vkey)
    words = ["-m", "aics_witness", "serve", "--config", str(folder / "w.json")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *words], env=ENVIRONMENT, stdout=log, stderr=log
        )
    try:
        until = time.monotonic() + 60
        while not healthy(url):
            assert process.poll() is None, (folder / "log").read_text("utf-8")
            assert time.monotonic() < until
            time.sleep(0.05)
        yield OtherWitness(folder, url, own, process)
    finally:
        process.terminate()
        process.wait(30)


def healthy(url: str) -> bool:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def test_another_witness_cosigns_and_catches(june: June, tmp_path: Path):
    shown = june.call("keys", "show", "--json").json
    with other_witness(tmp_path / "other", shown["vkey"]) as witness:
        (june.home / "touchstone.toml").write_text(
            f'[[witnesses]]\nname = "other"\nurl = "{witness.url}"\nvkey = "{witness.vkey}"\n'
        )
        for _ in range(2):
            asked = june.call("witness", "ask", "--json")
            assert (asked.code, asked.json["answers"][0]["word"]) == (0, "cosigned"), asked
        policy = tmp_path / "policy"
        policy.write_text(f"log {shown['vkey']}\nwitness w {witness.vkey}\nquorum w\n", "utf-8")
        said = june.call("verify", bundle(june, tmp_path / "out"), "--policy", policy, "--json")
        assert (said.code, said.json["policy"], said.json["word"]) == (0, "met", "authentic")
        # It cannot follow key lines: we say what to give it, and then it goes on.
        june.call("keys", "rotate", "--reason", "yearly")
        refused = june.call("witness", "ask", "--json")
        vkey = june.call("keys", "show", "--json").json["vkey"]
        assert (refused.code, refused.json["answers"][0]["word"]) == (1, "unknown-key")
        assert vkey in refused.json["answers"][0]["says"]
        witness.trust(vkey)
        until = time.monotonic() + 30
        while june.call("witness", "ask").code:
            assert time.monotonic() < until
        shutil.copytree(june.home, tmp_path / "kept")
        release(june)
        shutil.rmtree(june.home)
        shutil.copytree(tmp_path / "kept", june.home)
        assert june.call("witness", "ask", "--json").json["answers"][0]["word"] == "ahead"
        release(june, "partners")
        assert june.call("witness", "ask", "--json").json["answers"][0]["word"] == "fork"
        evidence = json.loads(witness.command("evidence"))
        assert evidence, "it keeps what we refuse to hide"


def release(june: June, scope: str = "internal") -> None:
    done = june.call(
        "release", "announce", june.case, "--scope", scope, "--variant", "final", "--yes"
    )
    assert done.code == 0


def bundle(june: June, out: Path) -> Path:
    with open_installation(june.home) as here:
        case = open_found(here, june.case)
        issued = issue_editions(case, out, audiences(case.participants))
    return next(each.bundle for each in issued if each.audience == case.participants.centre)


FEED = """
import json, sys
from aics_witness.feeder import FeederError, WitnessClient

asked = json.load(sys.stdin)
said = []
for notes in asked["clients"]:
    client = WitnessClient(asked["url"], asked["vkey"], max_attempts=1)
    for note, proofs in notes:
        proof = lambda old, new: [bytes.fromhex(each) for each in proofs[str(old)]]
        try:
            said.append(client.submit(note, proof))
        except FeederError as error:
            said.append(type(error).__name__ + " " + str(getattr(error, "status", "")))
json.dump(said, sys.stdout)
"""


def fed(url: str, vkey: str, *clients: list[tuple[LyingLog, int]]) -> list[str]:
    """What clients of another make say of our witness's answers: each begins anew."""
    asked = [[offered(log, size) for log, size in logs] for logs in clients]
    done = subprocess.run(
        [sys.executable, "-c", FEED],
        input=json.dumps({"url": url, "vkey": vkey, "clients": asked}),
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def offered(log: LyingLog, size: int) -> tuple[str, dict[int, list[str]]]:
    proofs = {old: log.tree.consistency(old, size) for old in range(size + 1)}
    return log.note(size), {old: [one.hex() for one in each] for old, each in proofs.items()}


def test_another_client_is_answered_by_our_witness(tmp_path: Path):
    log, stranger = LyingLog("fed"), LyingLog("a stranger")
    log.grow(9)
    stranger.grow(1)
    fork = log.fork(4, "other")
    fork.grow(5)
    environment = os.environ | {"TOUCHSTONE_HOME": str(tmp_path / "no-home")}
    with served_witness(tmp_path / "w", [log.vkey], environment) as witness:
        *cosigned, same, larger, smaller, unknown = fed(
            witness.url,
            witness.vkey,
            [(log, 0), (log, 3), (log, 3), (log, 7)],
            # It is told the size, and goes on from there.
            [(log, 8)],
            [(fork, 8)],
            [(fork, 9)],
            [(log, 5)],
            [(stranger, 1)],
        )
    assert len(cosigned) == 5
    assert all(line.startswith("— witness.example/w1 ") for line in cosigned), cosigned
    assert [same, larger] == ["WitnessRejected 422", "WitnessRejected 422"]
    assert (smaller, unknown) == ("WitnessAhead ", "WitnessRejected 404")
