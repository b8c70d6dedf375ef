"""A proxy of ours on loopback, between a party and its server: honest until told how to lie.

It knows what went to the server, and does on the way what whoever operates a server or a network
could do.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

Alters = Callable[[str, str, bytes], bytes | None]
"""By method, path and what the server answered: what is passed on; None: the connection is cut."""
Meets = Callable[[str, str], None]
"""What happens before a request is passed on, by method and path."""
ENTERING = ("/v1/tokens", "/v1/invitations")
"""Who comes in is known to one server alone, whoever lies in front of it."""


@dataclass
class Liar:
    """Where it answers, and what it does."""

    url: str
    honest: str
    elsewhere: str | None = None
    """Another server, which answers in the place of the honest one."""
    alters: Alters | None = None
    meets: Meets | None = None
    heard: list[tuple[str, str, bytes]] = field(default_factory=list)
    """Method, path and body of all that came in."""

    def tell_the_truth(self) -> None:
        """Pass on what the honest server says, and forget what was heard."""
        self.elsewhere = self.alters = self.meets = None
        self.heard.clear()

    def deeds(self) -> list[bytes]:
        """The bodies of the deeds that were sent."""
        return [
            body for method, path, body in self.heard if (method, path[-6:]) == ("POST", "/deeds")
        ]

    def answer(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> httpx.Response:
        """What the server answers that is asked."""
        entering = path.startswith(ENTERING)
        if self.meets is not None and not entering:
            self.meets(method, path)
        server = self.honest if entering or self.elsewhere is None else self.elsewhere
        with httpx.Client(base_url=server, trust_env=False, timeout=60) as asked:
            return asked.request(method, path, content=body, headers=headers)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    liar: Liar

    def _pass_on(self) -> None:
        liar = self.liar
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        liar.heard.append((self.command, self.path.partition("?")[0], body))
        kept = ("Authorization", "Content-Type", "Content-Range", "Idempotency-Key")
        headers = {name: self.headers[name] for name in kept if name in self.headers}
        try:
            answer = liar.answer(self.command, self.path, body, headers)
        except httpx.TransportError:
            self.close_connection = True
            return
        said: bytes | None = answer.content
        if liar.alters is not None and said is not None:
            said = liar.alters(self.command, self.path.partition("?")[0], said)
        if said is None:
            self.close_connection = True
            return
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer.headers.get("Content-Type", ""))
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_POST = do_PUT = do_DELETE = _pass_on  # noqa: N815  the base class names them

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def lying(honest: str) -> Iterator[Liar]:
    """A proxy in front of a server, until the block ends."""
    handler = type("Handler", (_Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        liar = Liar(f"http://127.0.0.1:{server.server_port}", honest)
        handler.liar = liar  # type: ignore[attr-defined]  # a class of its own for each proxy
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="liar")
        thread.start()
        try:
            yield liar
        finally:
            server.shutdown()
            thread.join()
