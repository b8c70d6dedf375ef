"""`touchstone serve`: whether it is safe, and then to begin."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from touchstone.records.settings import DATABASE, DATABASE_READER, from_environment
from touchstone.server.accounts.preparing import open_accounts
from touchstone.server.errors import UnsafeServerError
from touchstone.server.running import (
    answer_until_told,
    listen,
    run_processes,
)
from touchstone.server.safety import ServeOptions, is_local, unsafe
from touchstone.server.settings import set_up_server
from touchstone.server.site import API_ALONE, Site
from touchstone.server.worker import words_of
from touchstone.service.homes import HOME, home_folder
from touchstone.service.installation import open_installation


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
    home: Path | None = None
    """The home that this process was told of; None: the user's own, which every command takes."""
    pages: bool = False
    """Whether it answers people's browsers, too."""

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"listening at {self.place}"
        if self.pages:
            # A browser's passkeys are of a name: at an address of numbers there are none.
            yield f"its pages, for people: {self.place.replace('127.0.0.1', 'localhost')}/"
        yield f"its fingerprint, for those who are to come in: {self.served.fingerprint}"
        if self.alone:
            yield (
                "one address may hold all of its connections: have a proxy count them by address"
                " (docs/how-to/serve.md)"
            )
        if not self.served.has_people:
            # In another terminal nothing else would say which installation is meant.
            home = f"{HOME}={quote(str(self.home))} " if self.home else ""
            command = f"{home}touchstone accounts first-administrator NAME"
            yield f"nobody may come in so far; next, in another terminal: {command}"
            if from_environment() is not None:
                yield f"there, too, with {DATABASE} and {DATABASE_READER} as they are here"


def begin_serving(
    options: ServeOptions,
    ready: Callable[[ServerBegun], None],
    site: Site = API_ALONE,
    last: Callable[[], object] = bool,
) -> int:
    """Answer `site` until SIGTERM or Ctrl-C; `ready` is told where, once it is listened there.

    One process alone never returns: `last` is called before it ends.

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
        alone = not (options.proxy or is_local(options.host))
        home = home_folder().absolute() if os.environ.get(HOME) else None
        ready(ServerBegun(place, served, alone, home, site is not API_ALONE))
        if options.processes == 1:
            logging.getLogger("django.request").setLevel(logging.ERROR)
            answer_until_told(listener, options.ways, site=site, last=last)
            return 0
        command = [sys.executable, "-m", site.worker]
        command.append(words_of(listener, options.ways))
        return asyncio.run(run_processes(command, options.processes, listener))


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
