"""A real proxy as a child that ends with the tests; `nginx` and `envoy` say how each is started."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

START_SECONDS = 30


@contextlib.contextmanager
def running_proxy(command: Sequence[str], port: int, folder: Path) -> Iterator[None]:
    """Run it until the block ends; it must listen on the port of the loopback."""
    log = folder / "log"
    with log.open("wb") as out:
        child = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command], cwd=folder, stdout=out, stderr=out
        )
    try:
        _wait(child, port, log)
        yield
    finally:
        child.kill()  # nothing that it holds outlives the test
        child.wait(START_SECONDS)


def _wait(child: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if child.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{child.args!r} did not start: {log.read_text()[-2000:]}")
        time.sleep(0.02)
