"""A mail server and an HTTP server on loopback that take what is sent to them, and say what."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class MailServer(socketserver.ThreadingTCPServer):
    """As much of SMTP (RFC 5321) as a client needs that sends a mail."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Mail)
        self.mails: list[str] = []
        self.refuses = ""
        """What each recipient is answered with; empty: it is taken."""
        self.hangs_up = False
        """Whether it takes a mail and says nothing."""
        self.goes_on: threading.Event | None = None
        """What it waits for before it says anything."""
        self.came = threading.Event()
        """Set once a mail has come."""


class _Mail(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        if self.server.goes_on is not None:
            self.server.goes_on.wait()
        self._say("220 here")
        while line := self.rfile.readline().decode().strip():
            word = line.upper().split(" ")[0]
            if word == "DATA":
                self._say("354 go on")
                data = iter(lambda: self.rfile.readline().decode(), ".\r\n")
                self.server.mails.append("".join(data))
                self.server.came.set()
                if self.server.hangs_up:
                    return
            if word == "RCPT" and self.server.refuses:
                self._say(self.server.refuses)
                continue
            self._say("221 bye" if word == "QUIT" else "250 yes")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


class HookServer(ThreadingHTTPServer):
    """Takes what is posted."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hook)
        self.taken: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 204


class _Hook(BaseHTTPRequestHandler):
    server: HookServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        # Whoever followed this would ask another address.
        self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    """The server answers while it lasts."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
