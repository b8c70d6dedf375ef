"""A real gateway as a process of its own, on loopback, before the demo's endpoint."""

import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from touchstone.demo.errors import DemoError
from touchstone.gateway.commands import ask_status, public_key
from touchstone.gateway.errors import NotServingError
from touchstone.gateway.receipts import SignedReceipt
from touchstone.service.access.gateways import Gateway
from touchstone.service.receipt_folder import read_gateway

NAME = "example-gateway"
MODEL = "example-model-3"
SECONDS = 180.0
_POLL_SECONDS = 0.02
_CONFIG = """\
# Written by `touchstone demo`: what stands before the endpoint, and whom it obeys.
format = "touchstone/gateway/1"
id = "{name}"

[pin]
key = "{developer}"
stream = "{stream}"

[feed]
folder = "bundles"

[identity]
opaque_keys = "keys.toml"

[listen]
port = {port}
workers = 2

[admin]
port = {admin}

[[upstreams]]
model = "{model}"
variant = "final"
base_url = "{upstream}"
upstream_model = "control-counter"
modes = {{ default = "instant", none = "instant", high = "thinking" }}
api_key_env = "{env}"
"""


@dataclass(frozen=True)
class Place:
    """Where the gateway's files lie, and who may call."""

    folder: Path
    port: int
    keys: dict[str, str]
    """Each caller's key. Only its hash is in a file."""

    @property
    def url(self) -> str:
        """What a client is told as its base URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def bundles(self) -> Path:
        """The folder that the gateway watches."""
        return self.folder / "bundles"

    @property
    def config(self) -> Path:
        """The gateway.toml."""
        return self.folder / "gateway.toml"

    def known(self) -> Gateway:
        """The gateway as its developer pins it."""
        key = bytes.fromhex(public_key(self.config)["public_key"])
        return read_gateway(NAME, key, self.folder / "state" / "receipts")

    def receipt(self, number: int) -> SignedReceipt:
        """What the gateway signed when it had applied a bundle; waits for it.

        Raises DemoError where it does not come.
        """
        path = self.folder / "state" / "receipts" / f"{number:06d}.json"
        _wait(path.exists, f"the gateway gave no receipt for bundle {number}")
        return SignedReceipt.parse(path.read_bytes())


def lay_out_gateway(
    folder: Path, developer: str, stream: str, upstream: str, env: str, callers: dict[str, str]
) -> Place:
    """Write what a gateway needs: `callers` gives each person's nationality."""
    (folder / "bundles").mkdir(parents=True)
    keys = {person: secrets.token_urlsafe(24) for person in callers}
    (folder / "keys.toml").write_text(
        "".join(
            f'[[keys]]\nsha256 = "{sha256(keys[person].encode()).hexdigest()}"\n'
            f'person = "{person}"\nnationalities = ["{country}"]\nresidence = "XA"\n\n'
            for person, country in callers.items()
        ),
        "utf-8",
    )
    port, admin = _free_port(), _free_port()
    text = _CONFIG.format(
        name=NAME,
        developer=developer,
        stream=stream,
        port=port,
        admin=admin,
        model=MODEL,
        upstream=upstream,
        env=env,
    )
    (folder / "gateway.toml").write_text(text, "utf-8")
    return Place(folder, port, keys)


@contextmanager
def demo_gateway(where: Place) -> Iterator[None]:
    """`touchstone gateway serve` while the block runs; begins once it serves.

    Raises DemoError where it does not start.
    """
    command = [
        # Its own process, as in real use: what is shown is the gateway's answer and not that of
        # code in our hands.
        sys.executable,
        "-c",
        "from touchstone.cli import main; main()",
        "gateway",
        "serve",
        str(where.config),
    ]
    log = where.folder / "gateway.log"
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    try:
        _wait(lambda: process.poll() is not None or _serves(where), f"no gateway: see {log}")
        if process.poll() is not None:
            raise DemoError(f"the gateway ended: see {log}")
        yield
    finally:
        # Asked first, so that it ends its streams and closes its audit.
        process.terminate()
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _serves(where: Place) -> bool:
    try:
        return bool(ask_status(where.config)["serving"])
    except NotServingError:
        return False


def _wait(done: Callable[[], bool], otherwise: str) -> None:
    until = time.monotonic() + SECONDS
    while not done():
        if time.monotonic() > until:
            raise DemoError(otherwise)
        time.sleep(_POLL_SECONDS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        # Free when asked; between this and the gateway's start somebody else may take it, and then
        # the demo says that no gateway came.
        return int(probe.getsockname()[1])
