"""One process that answers: granian around the application, from a socket that listens, to a stop.

Granian's own way to start several processes loses a SIGTERM that comes while one of them starts. So
it is used without its processes: what listens and who answers is ours, and a signal is heard from
the first moment on.
"""

import asyncio
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from granian import net
from granian.constants import Interfaces, SSLProtocols
from granian.server.embed import Server

from touchstone.server.app import Application

BACKLOG = 512
"""Connections that wait to be taken up."""
MOST_CONNECTIONS = 4096
"""Of one process, open event streams among them."""
GRACE_SECONDS = 10.0
"""How long answers that are under way may take once a stop is asked for."""


@dataclass(frozen=True)
class ServerCertificate:
    """The server's certificate (with its chain) and its key, as PEM files."""

    certificate: Path
    key: Path


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0: whichever is free. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        # A server that is started again takes its place at once.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
        listener.setblocking(False)  # noqa: FBT003
    except OSError:
        listener.close()
        raise
    return listener


class _OnSocket(Server):
    """Granian on a socket that was opened before, which several processes may share."""

    listener: socket.socket

    def _init_shared_socket(self) -> None:
        # Its types know neither the socket's third argument nor that one may be handed in.
        mine: Any = self
        known: Any = net
        mine._ssp = None  # noqa: SLF001
        mine._shd = known.SocketHolder(os.dup(self.listener.fileno()), False, BACKLOG)  # noqa: FBT003, SLF001


async def answer_on(
    application: Application,
    listener: socket.socket,
    stop: asyncio.Event,
    tls: ServerCertificate | None = None,
) -> None:
    """Answer what comes to a socket until `stop`; what is under way may then end."""
    host, port = listener.getsockname()[:2]
    server: Any = _OnSocket(
        application,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        websockets=False,
        backlog=BACKLOG,
        backpressure=MOST_CONNECTIONS,
        log_enabled=False,
        ssl_cert=tls.certificate if tls else None,
        ssl_key=tls.key if tls else None,
        ssl_protocol_min=SSLProtocols.tls12,
    )
    server.listener = listener
    serving, stopping = asyncio.create_task(server.serve()), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not serving.done():
            application.let_go()
            server.stop()
        await asyncio.wait_for(serving, GRACE_SECONDS)
    except TimeoutError:
        # Whoever still waits for an answer asks again: the same bytes get the same.
        pass
    finally:
        stopping.cancel()
