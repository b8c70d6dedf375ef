"""`touchstone serve` as a process of its own, and parties' machines that were let in there."""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from types import MappingProxyType

import pytest

from touchstone.cli.app import run
from touchstone.cli.connecting import close_connections
from touchstone.handin import utc_text
from touchstone.keys import SystemClock, SystemRandom
from touchstone.records import DATABASE
from touchstone.server.accounts.managing import Manager
from touchstone.server.accounts.people import invite
from touchstone.server.accounts.preparing import open_accounts
from touchstone.service.homes import HOME

SERVE = "from touchstone.cli import main; main(['serve', '--port', '0'])"
FAULTS = """
import os, signal, sys
from pathlib import Path
from touchstone.server import commands

answers, fault = commands.answer_until_told, Path(sys.argv[1])

def dies(moment):
    if fault.exists() and fault.read_text() == moment:
        os.kill(os.getpid(), signal.SIGKILL)

def around(room, name, before, after):
    does = getattr(room, name)
    def done(*given, **named):
        dies(before)
        came = does(*given, **named)
        dies(after)
        return came
    setattr(room, name, done)

def with_faults(*given, **named):
    from touchstone.server.api import deeds
    from touchstone.service.taking import Taker
    around(Taker, "judge", "before the append", "within the transaction")
    around(deeds, "take_deed", "as it comes", "before the answer")
    answers(*given, **named)

commands.answer_until_told = with_faults
"""
"""A server that dies at the moment which stands in a file, once a deed comes to it."""
MEETING = """
import os
from touchstone.server import commands, running

answers = commands.answer_until_told

def met(*given, **named):
    from touchstone.server import daily_reads
    digests, records, gate = daily_reads.digest_of_day, daily_reads.record_reads, os.environ["GATE"]

    def waits(*asked):
        open(gate + "there", "w").close()
        open(gate + "go").close()
        return digests(*asked)

    def tells(*asked):
        done = records(*asked)
        with open(gate + "done", "w") as told:
            told.write(str(done.recorded))
        return done

    daily_reads.digest_of_day, daily_reads.record_reads = waits, tells
    running.PUBLISH_SECONDS = 0.2
    answers(*given, **named)

commands.answer_until_told = met
"""
"""A server that, between its look at a day of reads and its lock, waits at three pipes of its own:
it is `there`, it may `go` on, and is `done`, with how many days it recorded."""
UNMARKED = """
import os, signal
from touchstone.server import commands

answers = commands.answer_until_told

def dies_unmarked(*given, **named):
    from touchstone.server.notices import sending
    marks = sending._mark

    def dies(row, **changes):
        if changes["state"] == "sent":
            os.kill(os.getpid(), signal.SIGKILL)
        marks(row, **changes)

    sending._mark = dies
    answers(*given, **named)

commands.answer_until_told = dies_unmarked
"""
"""A server that dies once a notice has arrived, before it is marked as sent."""


@dataclass
class Served:
    """A server that runs, and where."""

    process: subprocess.Popen[str]
    url: str

    def kill(self) -> None:
        """End it as a power loss would; nothing of it runs on."""
        self.process.kill()
        self.process.wait()


@contextmanager
def serve_process(
    home: Path,
    fault: Path | None = None,
    settings: Mapping[str, str] = MappingProxyType({}),
    before: str = "",
) -> Iterator[Served]:
    """A server on a home, until the block ends or it is killed.

    `fault` is the file of `FAULTS`; `settings` are those of the environment; `before` is what else
    the process does before it serves.
    """
    environment = {name: value for name, value in os.environ.items() if name != DATABASE}
    environment |= {HOME: str(home), **settings}
    program = before + (FAULTS if fault else "") + SERVE
    command = [sys.executable, "-c", program, str(fault)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            line = next(each for each in process.stderr if "listening at" in each)
            yield Served(process, line.rpartition(" ")[2].strip())
        finally:
            process.kill()


@dataclass(frozen=True)
class Said:
    """What a command said."""

    code: int
    out: str
    err: str

    def line(self, code: int = 1) -> str:
        """The one line of a refusal, which is all that there is."""
        assert (self.code, self.out) == (code, ""), self.err
        (line,) = self.err.splitlines()
        assert line.startswith("touchstone: ")
        assert line.isprintable()
        return line


def command(
    home: Path,
    *words: str | Path,
    typed: str = "",
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Said:
    """A command on a machine, in this process: all that it says.

    `typed` is what it reads; `settings` are those of the environment.
    """
    out, err = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(HOME, str(home))
        patch.delenv(DATABASE, raising=False)
        for name, value in settings.items():
            patch.setenv(name, value)
        for name, stream in (("stdin", StringIO(typed)), ("stdout", out), ("stderr", err)):
            patch.setattr(f"sys.{name}", stream)
        code = run([str(word) for word in words])
    close_connections()
    return Said(code, out.getvalue(), err.getvalue())


def code_for(server_home: Path, party: str, database: str | None = None) -> str:
    """A one-time code for a lead of a party, as the server's operator makes one."""
    open_accounts(server_home, database)
    now, random = utc_text(SystemClock().now()), SystemRandom()
    return invite(Manager.machine(), party, ["lead"], "Somebody", now=now, random=random).code


def backed_up(home: Path, copy: Path) -> Path:
    """A copy of the home of a server that runs, as docs/how-to/back-up.md makes it."""
    copy.mkdir(mode=0o700)
    for path in home.rglob("*"):
        target = copy / path.relative_to(home)
        if path.is_dir():
            target.mkdir(mode=0o700)
        elif re.fullmatch(r".*\.sqlite3", path.name):
            with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as made:
                source.backup(made)
            target.chmod(0o600)
        elif not re.search(r"\.sqlite3-(wal|shm)$", path.name):
            target.write_bytes(path.read_bytes())
            target.chmod(0o600)
    return copy
