"""`touchstone serve`: whether it is safe, and then to begin."""

import asyncio
import ipaddress
import logging
import os
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from touchstone.errors import TouchstoneError
from touchstone.records.settings import (
    DATABASE,
    DATABASE_READER,
    from_environment,
    may_be_read_along,
)
from touchstone.server.accounts.preparing import open_accounts
from touchstone.server.chosen import LOOPBACK, choose
from touchstone.server.errors import UnsafeServerError
from touchstone.server.running import (
    ServerCertificate,
    Ways,
    answer_until_told,
    listen,
    run_processes,
)
from touchstone.server.settings import set_up_server
from touchstone.server.worker import words_of
from touchstone.service.homes import check_home, home_folder
from touchstone.service.installation import open_installation

MOST_PROCESSES = 64
MOST_PORT = 65_535
_OTHERS = 0o077


@dataclass(frozen=True)
class ServeOptions:
    """Where and how a server is to answer, as its operator said it."""

    host: str = "127.0.0.1"
    port: int = 8443
    processes: int = 1
    origin: str = ""
    """The address by which others ask it: `https://review.example`."""
    certificate: Path | None = None
    key: Path | None = None
    proxy: bool = False
    """Whether a proxy that speaks TLS stands before it."""

    @property
    def ways(self) -> Ways:
        """How its processes answer, once it was found to be safe."""
        named = urlsplit(self.origin).hostname
        hosts = (*LOOPBACK, named) if named else LOOPBACK
        pair = None
        if self.certificate is not None and self.key is not None:
            pair = ServerCertificate(self.certificate, self.key)
        return Ways(hosts, self.proxy, pair)


@dataclass(frozen=True)
class ServedInstallation:
    """Whose server it is, and whether anybody may come in so far."""

    fingerprint: str
    """That of its first key, by which others know it."""
    has_people: bool


@dataclass(frozen=True)
class ServerBegun:
    """A server that listens, as its operator is told of it."""

    place: str
    """Its address: `http://127.0.0.1:8443`."""
    served: ServedInstallation
    alone: bool = False
    """Whether strangers reach it without a proxy before it."""

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"listening at {self.place}"
        yield f"its fingerprint, for those who are to come in: {self.served.fingerprint}"
        if self.alone:
            yield (
                "one address may hold all of its connections: have a proxy count them by address"
                " (docs/how-to/serve.md)"
            )
        if not self.served.has_people:
            yield (
                "nobody may come in so far; next, in another terminal:"
                " touchstone accounts first-administrator NAME"
            )


def begin_serving(options: ServeOptions, ready: Callable[[ServerBegun], None]) -> int:
    """Answer until SIGTERM or Ctrl-C; `ready` is told where, once it is listened there.

    Raises:
        UnsafeServerError: what was asked for is not safe; the line says what to do.
        TouchstoneError: the installation cannot be opened, and why.
    """
    for fault in unsafe(options):
        raise UnsafeServerError(fault)
    served = require_sound()
    try:
        listener = listen(options.host, options.port)
    except OSError as error:
        place = f"{options.host}:{options.port}"
        raise UnsafeServerError(
            f"{place}: cannot be listened at: {error.strerror}; fix: name another --port"
        ) from error
    with listener:
        host, port = listener.getsockname()[:2]
        scheme = "https" if options.ways.certificate else "http"
        place = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
        ready(ServerBegun(place, served, alone=not (options.proxy or _is_local(options.host))))
        if options.processes == 1:
            logging.getLogger("django.request").setLevel(logging.ERROR)
            answer_until_told(listener, options.ways)
            return 0
        command = [sys.executable, "-m", "touchstone.server.worker"]
        command.append(words_of(listener, options.ways))
        return asyncio.run(run_processes(command, options.processes, listener))


def unsafe(options: ServeOptions) -> Iterator[str]:
    """What is not safe about starting a server so, each with its fix."""
    choose()
    if settings.DEBUG:
        yield "DEBUG is on, which shows strangers the inside of faults; fix: turn it off"
    yield from _unsafe_numbers(options)
    yield from _unsafe_place(options)
    yield from _unsafe_files(options)
    if options.processes > 1 and from_environment() is None:
        yield (
            "--processes: SQLite is written by one process at a time; fix: leave it at 1, or set"
            f" {DATABASE} (docs/how-to/postgresql.md)"
        )
    yield from _unsafe_databases()
    if from_environment() is not None and not os.environ.get(DATABASE_READER):
        yield (
            f"{DATABASE_READER} is not set, so the database would hide no party's rows from"
            " another's; fix: name its reading role, as docs/how-to/postgresql.md says"
        )


def _unsafe_databases() -> Iterator[str]:
    for name in (DATABASE, DATABASE_READER):
        address = os.environ.get(name)
        try:
            seen = address is not None and may_be_read_along(address)
        except TouchstoneError as error:
            yield str(error)
            continue
        if seen:
            yield (
                f"{name}: others on the way to that machine could read the record; fix: end the"
                " address with ?sslmode=verify-full&sslrootcert=FILE"
            )


def _unsafe_numbers(options: ServeOptions) -> Iterator[str]:
    if not 0 <= options.port <= MOST_PORT:
        yield f"--port: {options.port} is no port; fix: 0 to {MOST_PORT}"
    if not 1 <= options.processes <= MOST_PROCESSES:
        yield f"--processes: {options.processes} is no number of them; fix: 1 to {MOST_PROCESSES}"


def _unsafe_place(options: ServeOptions) -> Iterator[str]:
    """Whoever is asked over a network is asked under a known name, and nobody reads along."""
    try:
        origin = urlsplit(options.origin)
        named = origin.hostname or ""
        beside = origin.path.strip("/") or origin.query or origin.fragment or origin.username
        plain = origin.scheme == "https" and not beside and origin.port != 0
    except ValueError:
        named, plain = "", False
    if options.origin and not (named and plain):
        yield "--origin: write https://, a host and where needed a port, and no more"
    if (options.certificate is None) != (options.key is None):
        yield "--certificate and --key go together; fix: name both, or neither"
    try:
        local = _is_local(options.host)
    except ValueError:
        yield "--host: write an address of this machine, such as 127.0.0.1 or 0.0.0.0"
        return
    if local:
        return
    if not options.origin:
        yield (
            f"--host {options.host}: others would reach it, under any name; fix: say by which"
            " --origin https://... they do, or stay on 127.0.0.1"
        )
    if not options.proxy and options.certificate is None:
        yield (
            f"--host {options.host}: others on the way would read tokens and deeds; fix: name"
            " --certificate and --key, or say --proxy where one that speaks TLS stands before it"
        )


def _is_local(host: str) -> bool:
    """Whether only this machine reaches an address. Raises ValueError where it is none."""
    return host == "localhost" or ipaddress.ip_address(host).is_loopback


def _unsafe_files(options: ServeOptions) -> Iterator[str]:
    try:
        home = check_home(home_folder())
    except TouchstoneError as error:
        yield str(error)
        return
    if home.is_dir() and (mode := stat.S_IMODE(home.stat().st_mode)) & _OTHERS:
        yield (
            f"{home}: others on this machine may look into it (mode {mode:04o}); fix: chmod 700"
            f" {home}"
        )
    for path in (options.certificate, options.key):
        if path is not None and not os.access(path, os.R_OK):
            yield f"{path}: is not there, or cannot be read"
    if options.key is not None and options.key.exists():
        mode = stat.S_IMODE(options.key.stat().st_mode)
        if mode & _OTHERS:
            yield (
                f"{options.key}: others may read the server's key (mode {mode:04o}); fix: chmod 600"
                f" {options.key}"
            )


def require_sound() -> ServedInstallation:
    """Open all that a server needs, once, so that what is amiss is said before it listens."""
    set_up_server()
    # Its rows can be named once Django is set up.
    from touchstone.server.accounts.people import anybody  # noqa: PLC0415

    with open_installation() as here:
        here.records.check_writable()
        open_accounts(here.home, from_environment())
        # Also on PostgreSQL: whether its wall stands.
        with here.records.reading_as("") as reading:
            reading.count()
        return ServedInstallation(here.keyring.history.lines[0].fingerprint, anybody())
