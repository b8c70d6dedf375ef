"""Processes of a bench: started in order, watched, and all ended whatever happens."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from touchstone.bench.errors import BenchError
from touchstone.handin import printable_line

_START_SECONDS = 90.0
_STOP_SECONDS = 10.0
_SAID = 400


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGTERM end the bench as Ctrl-C does, so that nothing is left running.

    A shell starts what runs in its background with Ctrl-C ignored; one that is sent still ends it.
    """
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def running_process(
    command: Sequence[str], folder: Path, name: str, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process with its own group; its output goes to `NAME.log` in the folder.

    The group is its own so that Ctrl-C reaches only the bench, which then ends all in order.
    """
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    finally:
        # Whatever it had started, and did not take down with it.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def wait_until(
    process: subprocess.Popen[bytes], port: int, path: str, folder: Path, name: str
) -> None:
    """Return when a GET there is answered, with whatever but 503.

    BenchError when the process ended or takes too long.
    """
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", path)
            if connection.getresponse().status != HTTPStatus.SERVICE_UNAVAILABLE:
                return
        except (OSError, HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    raise BenchError(f"{name} did not start: {last_words(folder, name)}")


def last_words(folder: Path, name: str) -> str:
    """The end of what a process said, in one line."""
    said = (folder / f"{name}.log").read_text(errors="replace")
    return printable_line(said)[-_SAID:] or "it said nothing"


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def stub(folder: Path, interval: float) -> Iterator[int]:
    """The stub as a process; yields its port."""
    command = [sys.executable, "-m", "touchstone.bench.gateways.stub", str(interval)]
    with running_process(command, folder, "stub") as process:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and process.poll() is None:
            said = (folder / "stub.log").read_text()
            if said.endswith("\n"):
                yield int(said)
                return
            time.sleep(0.02)
        raise BenchError(f"the stub did not start: {last_words(folder, 'stub')}")


def found(name: str, *more: str) -> str | None:
    """A program on the PATH, or in one of these folders where Debian puts it."""
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(more))
