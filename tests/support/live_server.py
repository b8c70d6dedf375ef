"""A server that answers on loopback from a thread of this process; who speaks is told to it."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from touchstone.server.app import Application
from touchstone.server.errors import NotAuthenticatedError
from touchstone.server.principal import Principal
from touchstone.server.running import ServerCertificate, answer_on, listen
from touchstone.server.serving import Serving
from touchstone.server.site import API_ALONE, Site
from touchstone.service.installation import Installation

EVERYTHING = frozenset({"read", "deeds", "evidence", "secrets"})


@dataclass
class Doorkeeper:
    """Knows whom a test told it of, by the token; a party's lead may do all that its party may."""

    known: dict[str, Principal] = field(default_factory=dict)

    def lets_in(
        self, party: str, roles: frozenset[str] = frozenset({"lead"}), token: str = ""
    ) -> str:
        """The Authorization header of a new person of a party."""
        token = token or f"{party}-{len(self.known)}"
        scopes = EVERYTHING if party else frozenset({"read", "people"})
        self.known[f"Bearer {token}"] = Principal(f"of {party}", party, roles, scopes, token)
        return f"Bearer {token}"

    def __call__(self, authorization: str | None, _now: str) -> Principal:
        if authorization is None or authorization not in self.known:
            raise NotAuthenticatedError("nobody")
        return self.known[authorization]


@dataclass
class Told:
    """A token that was told, and others that come once it is not taken any more."""

    token: str
    others: list[str] = field(default_factory=list)

    def current(self) -> str:
        return self.token.removeprefix("Bearer ")

    def forget(self, token: str) -> None:
        assert token == self.current()
        if self.others:
            self.token = self.others.pop()

    def widened(self, token: str) -> bool:
        assert token == self.current()
        return False


@dataclass
class LiveServer:
    """Where it answers."""

    url: str
    doorkeeper: Doorkeeper
    serving: Serving
    application: Application


@contextmanager
def live(
    here: Installation,
    doorkeeper: Doorkeeper,
    listener: socket.socket | None = None,
    certificate: ServerCertificate | None = None,
    *,
    proxied: bool = False,
    site: Site = API_ALONE,
) -> Iterator[LiveServer]:
    """Answer for an installation until the context is left; then no connection is left, either."""
    own = listener or listen("127.0.0.1", 0)
    serving = Serving(here, doorkeeper)
    application, ready = Application(serving, proxied=proxied, site=site), threading.Event()
    stopping: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def run() -> None:
        stop = asyncio.Event()
        stopping.append((asyncio.get_running_loop(), stop))
        ready.set()
        await answer_on(application, own, stop, certificate)

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="server")
    thread.start()
    ready.wait()
    try:
        yield LiveServer(
            f"http://127.0.0.1:{own.getsockname()[1]}", doorkeeper, serving, application
        )
    finally:
        loop, stop = stopping[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        if listener is None:
            own.close()
