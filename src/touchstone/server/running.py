"""One process that answers: granian around the application, from a socket that listens, to a stop.

Granian's own way to start several processes loses a SIGTERM that comes while one of them starts. So
it is used without its processes: what listens and who answers is ours, and a signal is heard from
the first moment on.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from granian import net
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.server.embed import Server

from touchstone.errors import TouchstoneError
from touchstone.records.settings import from_environment
from touchstone.server.accounts.preparing import open_accounts
from touchstone.server.accounts.sessions import speaker
from touchstone.server.app import Application
from touchstone.server.daily_reads import DailyReads
from touchstone.server.notices.telling import Teller
from touchstone.server.security_log import tell_all, tell_counted, tell_event
from touchstone.server.serving import Serving
from touchstone.server.settings import known_as, set_up_server
from touchstone.server.site import API_ALONE, Site
from touchstone.service.installation import Installation, open_installation
from touchstone.service.witnessing import ask_configured

BACKLOG = 512
"""Connections that wait to be taken up."""
MOST_CONNECTIONS = 4096
"""Of one process, open event streams among them. How many of one address, granian cannot say."""
HEAD_SECONDS = 30.0
"""How long a connection may be open before a request's whole head has come, or the next one's."""
GRACE_SECONDS = 10.0
"""How long answers that are under way may take once a stop is asked for."""
LEAST_SECONDS = 10.0
"""A process that ends sooner was not able to start: to start it again would not help."""
PUBLISH_SECONDS = 5.0
"""How soon the heads of cases that moved are in the installation's log without anybody asking."""
HEAD_SIZE = 64 << 10
"""Bytes of a request's head, which is held before anybody is asked who sends it."""
log = logging.getLogger(__name__)


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
        # In HTTP/2 one connection is hundreds of requests, and connections are what is bounded.
        http=HTTPModes.http1,
        websockets=False,
        backlog=BACKLOG,
        backpressure=MOST_CONNECTIONS,
        log_enabled=False,
        http1_settings=HTTP1Settings(
            header_read_timeout=int(HEAD_SECONDS * 1000), max_buffer_size=HEAD_SIZE
        ),
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


@dataclass(frozen=True)
class Ways:
    """How a process answers, beside where it listens."""

    hosts: tuple[str, ...]
    """The names under which it is asked."""
    proxied: bool = False
    """Whether a proxy of ours stands before it, which says who asks."""
    certificate: ServerCertificate | None = None


def answer_until_told(
    listener: socket.socket,
    ways: Ways,
    *,
    site: Site = API_ALONE,
    watched: bool = False,
    last: Callable[[], object] = bool,
) -> None:
    """Open the installation of this process and answer for it until SIGTERM or Ctrl-C.

    `watched`: also until the process that started this one is gone. `last` is called at the end:
    the process ends here. Raises TouchstoneError where the installation cannot be opened.
    """
    set_up_server()
    with open_installation() as here:
        open_accounts(here.home, from_environment())
        known_as(ways.hosts)
        application = Application(Serving(here, speaker), proxied=ways.proxied, site=site)
        tell_event("server-begun", **_settings(listener, ways))
        asyncio.run(_answer_well(application, here, listener, ways, watched=watched))
        tell_all()
        tell_event("server-ended", process=os.getpid())
    last()
    # A thread that still waits for the record would hold the process up, and its answer is nobody's
    # any more.
    sys.stderr.flush()
    os._exit(0)


def _settings(listener: socket.socket, ways: Ways) -> dict[str, str | int]:
    """With what a process answers, for its log."""
    host, port = listener.getsockname()[:2]
    return {
        "process": os.getpid(),
        "host": str(host),
        "port": int(port),
        "names": " ".join(ways.hosts),
        "proxied": int(ways.proxied),
        "tls": int(ways.certificate is not None),
        "database": "postgresql" if from_environment() else "sqlite",
    }


async def _answer_well(
    application: Application,
    here: Installation,
    listener: socket.socket,
    ways: Ways,
    *,
    watched: bool,
) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def ends() -> None:
        stop.set()
        # Whatever a thread may still wait for.
        signal.alarm(int(2 * GRACE_SECONDS))

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ends)
    if watched:
        # Nothing is ever written there: it ends with whoever holds the other end.
        loop.add_reader(sys.stdin.fileno(), _gone, loop, ends)
    keeping, teller = asyncio.create_task(_keep(here)), Teller(here)
    teller.start()
    try:
        await answer_on(application, listener, stop, ways.certificate)
    finally:
        keeping.cancel()
        await asyncio.to_thread(teller.stop, GRACE_SECONDS)
        with contextlib.suppress(asyncio.CancelledError):
            await keeping


def _gone(loop: asyncio.AbstractEventLoop, ends: Callable[[], None]) -> None:
    loop.remove_reader(sys.stdin.fileno())
    ends()


async def _keep(here: Installation) -> None:
    """Publish what moved, digest days that are over, and have witnesses see what they should."""
    reads = DailyReads(here)
    while True:
        await asyncio.sleep(PUBLISH_SECONDS)
        tell_counted()
        try:
            await asyncio.to_thread(here.records.publish)
            await asyncio.to_thread(reads.keep)
            if here.witness_due:
                here.witness_due = False
                asked = await asyncio.to_thread(ask_configured, here)
                for line in asked.faults:
                    log.warning("%s", line)
        except (TouchstoneError, OSError) as error:
            log.warning("%s", error)


async def run_processes(command: Sequence[str], count: int, listener: socket.socket) -> int:
    """Keep so many processes that answer, until SIGTERM or Ctrl-C; how many could not be kept.

    Each is told to stop when one is, and those that do not are killed. One that ends by itself is
    started again, unless it ends as soon as it was started.
    """
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    kept = [asyncio.create_task(_keep_one(command, listener, stop)) for _ in range(count)]
    return sum(await asyncio.gather(*kept))


async def _keep_one(command: Sequence[str], listener: socket.socket, stop: asyncio.Event) -> bool:
    """Keep one process; whether it could not be kept."""
    loop, stopping = asyncio.get_running_loop(), asyncio.create_task(stop.wait())
    while not stop.is_set():
        begun = loop.time()
        # A session of its own: Ctrl-C is for whoever started all of them, and told to each once.
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )
        ended = asyncio.create_task(process.wait())
        await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            process.terminate()
            try:
                await asyncio.wait_for(asyncio.shield(ended), GRACE_SECONDS + 2)
            except TimeoutError:
                process.kill()
                await ended
        elif not stop.is_set():
            log.error("a process that answers ended with %s", process.returncode)
            if loop.time() - begun < LEAST_SECONDS:
                stop.set()
                return True
    return False
