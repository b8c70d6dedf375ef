"""Start a control server in a child process, and stop it."""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from touchstone.evaluation.controls.errors import SubjectError

KEY_VARIABLE = "TOUCHSTONE_SUBJECT_KEY"
START_SECONDS = 30.0
STOP_SECONDS = 5.0


@dataclass(frozen=True)
class Subject:
    """A running control server."""

    url: str
    """Base URL for clients, such as `http://127.0.0.1:40001/v1`."""
    key: str = field(repr=False)
    """The bearer key of this start. Never logged, never in arguments."""
    pid: int
    """Process id of the server."""


@contextmanager
def start_subject(
    controls: Iterable[str] = ("control-solver",),
    *,
    items: Iterable[str] = (),
    scripts: bytes = b"",
    fault: str | None = None,
    fault_after: int = 0,
    pace_ms: int = 0,
) -> Iterator[Subject]:
    """Run a control server on loopback while the block runs.

    Args:
        controls: names of the controls that it offers as models.
        items: item ids whose references `control-oracle` knows.
        scripts: what `control-planted` plays, as `planted.write_scripts` writes it.
        fault: a `FaultKind` to show, or None.
        fault_after: chat requests answered well before the fault begins.
        pace_ms: milliseconds between two chunks of a stream; 0: all at once.

    Raises:
        SubjectError: the server did not start within START_SECONDS.
    """
    key = secrets.token_urlsafe(32)
    with tempfile.TemporaryDirectory(prefix="touchstone-subject-") as folder:
        announce = Path(folder, "announce.json")
        known = Path(folder, "items.txt")
        known.write_text("".join(f"{item}\n" for item in items), encoding="ascii")
        plan = Path(folder, "scripts.json")
        plan.write_bytes(scripts or b"[]")
        command = [
            sys.executable,
            "-m",
            "touchstone.evaluation.controls",
            "--port",
            "0",
            "--parent",
            str(os.getpid()),
            "--pace",
            str(pace_ms),
            "--announce",
            str(announce),
            "--items",
            str(known),
            "--scripts",
            str(plan),
        ]
        command += [word for name in controls for word in ("--control", name)]
        if fault:
            command += ["--fault", fault, "--fault-after", str(fault_after)]
        process = begin(command, os.environ | {KEY_VARIABLE: key})
        try:
            yield Subject(_await_url(process, announce), key, process.pid)
        finally:
            _stop(process)


def begin(command: Sequence[str], environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Start the process of a control server."""
    return subprocess.Popen(
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def _await_url(process: subprocess.Popen[bytes], announce: Path) -> str:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if announce.exists():
            return str(json.loads(announce.read_text(encoding="utf-8"))["url"])
        if process.poll() is not None:
            said = process.stderr.read().decode(errors="replace") if process.stderr else ""
            last = said.strip().splitlines()[-1:] or [f"exit status {process.returncode}"]
            raise SubjectError(f"the control server did not start: {last[0]}")
        time.sleep(0.02)
    raise SubjectError(f"the control server did not start within {START_SECONDS:.0f} s")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stderr:
        process.stderr.close()
