"""A whole gateway as `touchstone gateway serve` runs it, with an invented developer and a stub.

    with stub_upstream() as stub, running_gateway(folder, stub.url) as gateway:
        gateway.publish(PERMIT_ALL)          # a bundle, in its feed folder
        gateway.receipt(1)                   # waits until it is applied
        gateway.post("ann")                  # a chat request under ann's opaque key

Everything is on loopback; the gateway's log is `gateway.log` in the folder.
"""

import asyncio
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from aiohttp import web

from support.forked import Command
from support.gateway_loop import Stub
from support.ledger_signer import Signer
from support.terms_files import REGISTRY, terms
from touchstone.gateway.feed import bundle_name
from touchstone.gateway.receipts import SignedReceipt
from touchstone.terms import (
    Directive,
    Pin,
    PolicyBundle,
    Position,
    Registry,
    Terms,
    accept_bundle,
    build_bundle,
    position,
)

DEVELOPER = Signer("example-lab")
STREAM = "example-model/production"
PIN = Pin(DEVELOPER.public_key, STREAM)
PERMIT_ALL: Mapping[str, Any] = {"id": "all", "effect": "permit", "staff": False}
ONLY_XA: Mapping[str, Any] = {
    "id": "home",
    "effect": "permit",
    "nationality": ["XA"],
    "dual": "all",
}
NATIONALITIES = {"ann": "XA", "bea": "XC"}
"""Two people, each with an opaque key, `key_of(person)`."""
CHAT: Mapping[str, Any] = {
    "model": "example-model",
    "messages": [{"role": "user", "content": "hello"}],
}
SECONDS = 120.0
"""For whatever is sure to happen: a test waits so long only where it does not."""


def key_of(person: str) -> str:
    """The opaque key of a person."""
    return f"key-of-{person}-0123456789"


def free_port() -> int:
    """A port on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def stub_upstream(stub: Stub | None = None) -> Iterator[Stub]:
    """A model's endpoint in a thread of its own; `stub.url` says where."""
    stub = stub or Stub()
    ready, loop = threading.Event(), asyncio.new_event_loop()

    async def begin() -> web.AppRunner:
        app = web.Application(handler_args={"handler_cancellation": True})
        app.router.add_post("/{path:.*}", stub.answer)
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        stub.url = "http://{}:{}".format(*runner.addresses[0])
        return runner

    def serve() -> None:
        runner = loop.run_until_complete(begin())
        ready.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        assert ready.wait(SECONDS)
        yield stub
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(SECONDS)


@dataclass
class Chain:
    """The developer's bundles, each after the one before."""

    signer: Signer = DEVELOPER
    stream: str = STREAM
    at: Position | None = None
    bundles: list[bytes] = field(default_factory=list)

    def next(
        self,
        *rules: Mapping[str, Any],
        text: Terms | None = None,
        registry: Registry = REGISTRY,
        directives: Sequence[Directive] = (),
        **head: Any,
    ) -> bytes:
        """The next bundle, with these rules as its terms."""
        data = build_bundle(
            stream=self.stream,
            issued=int(time.time()),
            terms=text or terms(*(rules or (PERMIT_ALL,)), **head),
            registry=registry,
            signer=self.signer,
            directives=directives,
            after=self.at,
        )
        self.at = position(accept_bundle(data, Pin(self.signer.public_key, self.stream), self.at))
        self.bundles.append(data)
        return data


@dataclass
class RunningGateway:
    """A gateway's processes, seen from outside."""

    folder: Path
    port: int
    admin_port: int
    process: Command
    chain: Chain

    @property
    def url(self) -> str:
        """Where clients come in."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def config(self) -> Path:
        """The gateway.toml."""
        return self.folder / "gateway.toml"

    @property
    def log(self) -> str:
        """What it said so far."""
        return (self.folder / "gateway.log").read_text()

    @property
    def feed(self) -> Path:
        """The folder that it takes bundles from."""
        return self.folder / "bundles"

    @property
    def workers(self) -> list[int]:
        """The process ids of its workers."""
        return [each["pid"] for each in self.status()["workers"] if each["serves"]]

    def publish(self, *rules: Mapping[str, Any], **more: Any) -> PolicyBundle:
        """Put the next bundle into the feed, whole."""
        data = self.chain.next(*rules, **more)
        bundle = accept_bundle(data, PIN, None)
        put(self.feed, bundle.number, data)
        return bundle

    def admin(self, path: str) -> tuple[int, str]:
        """A page of the administration."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}{path}") as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def status(self) -> dict[str, Any]:
        """What /status says."""
        found: dict[str, Any] = json.loads(self.admin("/status")[1])
        return found

    def receipt(self, number: int, seconds: float = SECONDS) -> SignedReceipt:
        """The receipt for a bundle, once it is there."""
        path = self.folder / "state" / "receipts" / f"{number:06d}.json"
        wait_for(path.exists, seconds, f"receipt {number}; the log:\n{self.log}")
        return SignedReceipt.parse(path.read_bytes())

    def applied(self, *rules: Mapping[str, Any], **more: Any) -> SignedReceipt:
        """Publish the next bundle and wait for its receipt."""
        return self.receipt(self.publish(*rules, **more).number)

    def serving(self, *, yes: bool = True) -> None:
        """Wait until it serves, or does not."""
        wait_for(lambda: self.status()["serving"] == yes, SECONDS, self.log)

    def connect(self, person: str = "ann", **more: Any) -> http.client.HTTPConnection:
        """A connection with a chat request on its way."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        connection.request(
            "POST",
            "/v1/chat/completions",
            json.dumps({**CHAT, **more}),
            {"Authorization": f"Bearer {key_of(person)}", "Content-Type": "application/json"},
        )
        return connection

    def post(self, person: str = "ann", **more: Any) -> tuple[int, str]:
        """Status and body of a chat request."""
        connection = self.connect(person, **more)
        with contextlib.closing(connection):
            answer = connection.getresponse()
            return answer.status, answer.read().decode()


def wait_for(true: Any, seconds: float, what: str) -> None:
    """Wait until a condition holds; fail saying `what`."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise AssertionError(f"in {seconds} s there was no {what}")
        time.sleep(0.002)


def put(folder: Path, number: int, data: bytes) -> None:
    """Put a bundle into a feed folder under a number, whole."""
    draft = folder / f".{number}"
    draft.write_bytes(data)
    draft.replace(folder / bundle_name(number))


def write_config(
    folder: Path,
    upstream: str,
    *,
    workers: int = 2,
    more: str = "",
    feed: str = 'folder = "bundles"',
    name: str = "gateway-1",
) -> tuple[int, int]:
    """A gateway.toml and all that it names; the ports of clients and of the administration."""
    port, admin_port = free_port(), free_port()
    (folder / "bundles").mkdir(exist_ok=True, parents=True)
    (folder / "keys.toml").write_text(
        "".join(
            f'[[keys]]\nsha256 = "{sha256(key_of(person).encode()).hexdigest()}"\n'
            f'person = "{person}"\nnationalities = ["{country}"]\nresidence = "{country}"\n'
            for person, country in NATIONALITIES.items()
        )
    )
    (folder / "gateway.toml").write_text(
        f"""format = "touchstone/gateway/1"
id = "{name}"
[pin]
key = "{DEVELOPER.public_key.hex()}"
stream = "{STREAM}"
[feed]
{feed}
[identity]
opaque_keys = "keys.toml"
[listen]
port = {port}
workers = {workers}
[admin]
port = {admin_port}
[[upstreams]]
model = "example-model"
variant = "final"
base_url = "{upstream}/v1"
modes = {{ default = "instant", none = "instant", high = "thinking" }}
{more}
"""
    )
    return port, admin_port


def start_gateway(folder: Path, ports: tuple[int, int], chain: Chain) -> RunningGateway:
    """Start what write_config wrote; return when every worker is up."""
    with (folder / "gateway.log").open("ab") as log:
        process = Command(
            ["gateway", "serve", "gateway.toml"], os.environ, folder=folder, log=log.fileno()
        )
    found = RunningGateway(folder, *ports, process, chain)

    def up() -> bool:
        assert process.poll() is None, found.log
        with contextlib.suppress(OSError):
            workers = found.status()["workers"]
            return bool(workers) and all(each["serves"] for each in workers)
        return False

    try:
        wait_for(up, SECONDS, f"gateway; the log:\n{found.log}")
    except BaseException:
        process.kill()
        process.wait()
        raise
    return found


def stop_gateway(gateway: RunningGateway) -> int:
    """End it at once, and its workers with it; its exit code."""
    if gateway.process.poll() is None:
        os.kill(gateway.process.pid, signal.SIGCONT)
        gateway.process.send_signal(signal.SIGTERM)
        try:
            return gateway.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            gateway.process.kill()
    return gateway.process.wait()


@contextlib.contextmanager
def running_gateway(
    folder: Path, upstream: str, *, workers: int = 2, chain: Chain | None = None, **config: Any
) -> Iterator[RunningGateway]:
    """A gateway that has no bundle yet, unless `chain` and the feed folder hold some."""
    config.setdefault("more", "[processes]\ndrain_seconds = 0.5")
    ports = write_config(folder, upstream, workers=workers, **config)
    gateway = start_gateway(folder, ports, chain or Chain())
    try:
        yield gateway
    finally:
        stop_gateway(gateway)
