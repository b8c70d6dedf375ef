"""`touchstone serve` answers from its own process, and stops whenever it is told to."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import connections

from support.receivers import MailServer, serving
from touchstone.keys import SystemRandom
from touchstone.records import DATABASE
from touchstone.server import running
from touchstone.server.accounts.managing import Manager
from touchstone.server.accounts.models import ACCOUNTS, Account, NoticeRow
from touchstone.server.accounts.people import invite
from touchstone.server.accounts.preparing import open_accounts
from touchstone.server.running import listen, run_processes
from touchstone.service.configuration import CONFIGURATION
from touchstone.service.homes import HOME
from touchstone.service.installation import open_installation

# It tells of itself when its end is asked for, or ignores it.
CHILD = """\
import pathlib, signal, sys, time
folder, ending = pathlib.Path(sys.argv[1]), sys.argv[2]
def told(*_):
    (folder / f"told-{time.time_ns()}").touch()
    if ending == "ends":
        sys.exit(0)
signal.signal(signal.SIGTERM, told)
(folder / f"begun-{time.time_ns()}").touch()
while True:
    time.sleep(0.05)
"""


def started(home: Path) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if name != DATABASE}
    return subprocess.Popen(
        [sys.executable, "-c", "from touchstone.cli import main; main(['serve', '--port', '0'])"],
        env=environment | {HOME: str(home)},
        stderr=subprocess.PIPE,
        text=True,
    )


def one_is_due(home: Path, port: int) -> None:
    """A home in which a person is to be told something, by a mail server at a port."""
    with open_installation(home, apart=True) as here:
        open_accounts(home, None)
        told: Any = {"now": here.now(), "random": SystemRandom()}
        by = Manager.machine()
        invited = invite(by, "example-lab", ["lead"], "Ada", "ada@example.org", **told)
        account = Account.objects.using(ACCOUNTS).get(person=invited.person)
        facts: Any = {"kind": "email", "target": account.email, "number": 1, "name": "n1"}
        made = NoticeRow(account=account, waiting=2, possible=0, next_at=here.now(), **facts)
        made.save(using=ACCOUNTS)
    connections["default"].close()
    mail = {"sender": "reviews@example.org", "smtp_host": "127.0.0.1", "smtp_security": "none"}
    lines = [f'{name} = "{value}"' for name, value in mail.items()]
    lines += ['link = "https://reviews.example/"', f"smtp_port = {port}"]
    (home / CONFIGURATION).write_text("\n".join(["[notices]", *lines]))


def test_it_answers_tells_people_and_stops_at_once(tmp_path: Path):
    mail = MailServer()
    one_is_due(tmp_path / "home", mail.server_address[1])
    with serving(mail), started(tmp_path / "home") as server:
        assert server.stderr is not None
        line = next(each for each in server.stderr if "listening at" in each)
        url = line.rpartition(" ")[2].strip()
        port = url.rpartition(":")[2]
        assert next(server.stderr) == f"its pages, for people: http://localhost:{port}/\n"
        assert re.search(r": SHA256:[0-9a-f]{64}$", next(server.stderr))
        assert mail.came.wait(60)
        assert "Subject: example-lab: 2 deeds wait for you" in mail.mails[0]
        # The kernel keeps the connection until somebody answers.
        said = httpx.get(f"{url}/v1/installation", timeout=60)
        assert (said.status_code, said.json()["consistency"]) == (200, [])
        assert httpx.get(f"{url}/v1/cases").status_code == 401
        with httpx.stream("GET", f"{url}/v1/installation"):
            server.send_signal(signal.SIGTERM)
            assert server.wait(30) == 0
        # Whatever else it says is JSON, a line each.
        told = [json.loads(each) for each in server.stderr]
        asked = [(each["event"], each["route"]) for each in told if "route" in each]
        assert [*dict.fromkeys(asked)] == [
            ("allowed", "v1/installation"),
            ("not-known", "v1/cases"),
        ]
        begun, ended = (each for each in told if each["event"].startswith("server-"))
        assert (begun["event"], begun["names"].split()[0], begun["tls"]) == (
            "server-begun",
            "127.0.0.1",
            0,
        )
        assert (ended["event"], ended["process"]) == ("server-ended", begun["process"])
        # What was asked once more within the minute is told as a number.
        assert [each.get("again") for each in told if each["event"] == "allowed"] in (
            [None, 1],
            [None, None],
        )


def test_it_stops_also_while_it_starts(tmp_path: Path):
    with started(tmp_path / "home") as server:
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == -signal.SIGTERM


def children(folder: Path, what: str) -> int:
    return len(list(folder.glob(f"{what}-*")))


def kept(folder: Path, ending: str, count: int, then: int) -> int:
    """What comes of so many processes, told to stop once so many were begun."""

    async def run() -> int:
        with listen("127.0.0.1", 0) as listener:
            command = [sys.executable, "-c", CHILD, str(folder), ending]
            running_ = asyncio.create_task(run_processes(command, count, listener))
            while children(folder, "begun") < then:  # noqa: ASYNC110 - another process's files
                await asyncio.sleep(0.02)
            os.kill(os.getpid(), signal.SIGTERM)
            return await running_

    return asyncio.run(run())


def test_several_processes_are_told_to_stop_each(tmp_path: Path):
    assert kept(tmp_path, "ends", 2, 2) == 0
    assert children(tmp_path, "told") == 2


def test_a_process_that_does_not_stop_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(running, "GRACE_SECONDS", -1.8)
    assert kept(tmp_path, "stays", 1, 1) == 0


def test_a_process_that_cannot_start_ends_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    async def run() -> int:
        with listen("127.0.0.1", 0) as listener:
            return await run_processes([sys.executable, "-c", "exit(3)"], 1, listener)

    assert asyncio.run(run()) == 1
    # One that was able to, and ended later, is started again.
    monkeypatch.setattr(running, "LEAST_SECONDS", 0.0)
    ends = "import pathlib, sys, time; pathlib.Path(sys.argv[1], f'begun-{time.time_ns()}').touch()"
    monkeypatch.setattr(sys.modules[__name__], "CHILD", ends)
    assert kept(tmp_path, "", 1, 2) == 0
