"""`serve --demo`: a house of invented people and cases, answered for on this machine alone."""

import os
import webbrowser
from collections.abc import Callable
from functools import partial
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

from touchstone.demo.house.cases import make_cases
from touchstone.demo.house.people import invite_all
from touchstone.portal.showing.site import MARK, SHOWN
from touchstone.records.settings import DATABASE, DATABASE_READER
from touchstone.server.accounts.preparing import open_accounts
from touchstone.server.commands import ServerBegun, begin_serving
from touchstone.server.errors import UnsafeServerError
from touchstone.server.safety import ServeOptions, is_local
from touchstone.server.settings import set_up_server
from touchstone.service.homes import HOME
from touchstone.service.installation import open_installation


def serve_house(
    options: ServeOptions, ready: Callable[[ServerBegun], None], *, browser: bool
) -> int:
    """Make the house in a folder of its own, answer for it until a stop, and take it away.

    `ready` is told where, once it is listened there; `browser`: one is opened there then. Raises
    UnsafeServerError: others could reach it.
    """
    if not is_local(options.host) or options != ServeOptions(options.host, options.port):
        raise UnsafeServerError(
            "--demo: anybody is anybody there, so it answers on this machine alone: leave out"
            " --host, --origin, --processes, --proxy and the certificate"
        )
    with TemporaryDirectory(prefix="touchstone-demo-") as folder:
        home = Path(folder) / "home"
        make_house(home)
        _use(home)

        def begun(where: ServerBegun) -> None:
            ready(where)
            if browser:
                webbrowser.open(f"{where.place.replace('127.0.0.1', 'localhost')}/")

        return begin_serving(options, begun, SHOWN, last=partial(rmtree, folder))


def make_house(home: Path) -> None:
    """An installation of invented cases and people in a folder that is not there yet."""
    set_up_server()
    # Apart from the person's own: an invented case must never stand in a real record.
    with open_installation(home, apart=True) as here:
        # First: nothing of it may look real, however far this comes.
        (home / MARK).write_text("All people and cases here are invented.\n", "ascii")
        make_cases(here, home)
        open_accounts(home, None)
        invite_all(here.now(), here.random)


def _use(home: Path) -> None:
    """Have this process serve that home and no other record, whatever its environment names."""
    os.environ[HOME] = str(home)
    for name in (DATABASE, DATABASE_READER):
        os.environ.pop(name, None)
