"""A real PostgreSQL server for tests: Debian's programs, an unprivileged user, a Unix socket.

Use `running_postgresql()` in a session fixture; mark the tests `needs_postgresql`.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

ADMIN = "admin"
START_SECONDS = 30


@dataclass(frozen=True)
class Postgresql:
    """A running server; `folder` holds its socket."""

    folder: Path

    def address(self, user: str, database: str) -> str:
        """What TOUCHSTONE_DATABASE takes."""
        return f"postgresql://{user}@/{database}?host={quote(str(self.folder), safe='')}"

    def admin(self, *statements: str, database: str = "postgres") -> None:
        """Run statements as the server's superuser, each on its own."""
        with psycopg.connect(
            host=str(self.folder), user=ADMIN, dbname=database, autocommit=True
        ) as connection:
            for statement in statements:
                connection.execute(statement.encode())


def client(name: str, *arguments: str | Path) -> None:
    """Run a program that comes with the server, as `pg_dump`; RuntimeError where it fails."""
    _run([str(_programs() / name), *map(str, arguments)])


@contextlib.contextmanager
def running_postgresql() -> Iterator[Postgresql]:
    """Start a server with an empty cluster; stop it and delete everything afterwards."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="touchstone-pg-"))
    try:
        become = _unprivileged(folder)
        data = folder / "data"
        initdb = ["initdb", "-D", str(data), "-U", ADMIN, "-A", "trust", "-E", "UTF8", "--no-sync"]
        _run([*become, str(programs / initdb[0]), *initdb[1:], "--locale=C"])
        # The tests kill clients, never the server, so its own durability may be traded for speed.
        options = ["listen_addresses=", f"unix_socket_directories={folder}", "fsync=off"]
        options += ["full_page_writes=off", "autovacuum=off"]
        command = [str(programs / "postgres"), "-D", str(data)]
        for option in options:
            command += ["-c", option]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [*become, *command], cwd=folder, stdout=log, stderr=log, env=_environment()
            )
        try:
            running = Postgresql(folder)
            _wait(running, server, folder / "log")
            yield running
        finally:
            server.send_signal(signal.SIGQUIT)  # all of it is deleted anyway
            server.wait(START_SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return found[-1].parent if found else Path(shutil.which("postgres") or "postgres").parent


def _unprivileged(folder: Path) -> list[str]:
    """A prefix that ends the server with its parent, and drops root, as which it refuses to run."""
    die = ["setpriv", "--pdeathsig", "INT"]
    if os.geteuid() != 0:
        return die
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    os.chown(folder, user.pw_uid, user.pw_gid)
    return [*die, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _run(command: list[str]) -> None:
    run = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd="/", env=_environment()
    )
    if run.returncode:
        raise RuntimeError(f"{command}: {run.stderr}")


def _wait(running: Postgresql, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            running.admin("SELECT 1")
            return
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}") from None
            time.sleep(0.05)
