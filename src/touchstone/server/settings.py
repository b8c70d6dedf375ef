"""Django as the server needs it: set up before the record would set it up for itself alone.

`default` is the accounts' own database. The record's databases are no part of the settings: each
opened record registers its own (`records.settings.connect`).
"""

import contextlib
import logging
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections

from touchstone.keys import KeyExistsError, KeyMissingError
from touchstone.keys.files import read_secret, write_secret
from touchstone.records.settings import accounts_database
from touchstone.records.settings import configure as set_up
from touchstone.server.chosen import LOOPBACK, choose

SIGNING_FILE = "server.secret"
"""The file in the home that signs what Django signs; made once, and never shown."""


def set_up_server() -> None:
    """Choose the settings, once a process, and set Django up. Call it before anything of records.

    Raises DatabaseSettingError where Django was set up before without this room.
    """
    choose()
    set_up()
    # Django names the path of each fault, and of a calendar the path is the secret.
    logging.getLogger("django.request").addFilter(_without_path)


def serve_from(home: Path, database: str | None) -> None:
    """Have this process serve the installation at a home, under the names of this machine alone.

    Accounts are kept in `accounts.sqlite3` there, or in the PostgreSQL that the record is in.
    Raises DatabaseSettingError, KeyFileError.
    """
    settings.SECRET_KEY = _secret(home)
    known_as(LOOPBACK)
    wanted: dict[str, Any] = accounts_database(home, database)
    complete = connections.configure_settings({"default": wanted})
    # This thread's connection, if it has one, is to where it served from before.
    connections["default"].close()
    del connections["default"]
    connections.settings["default"] = complete["default"]


def known_as(hosts: Sequence[str]) -> None:
    """Have this process be asked under these names of hosts alone."""
    settings.ALLOWED_HOSTS = [*hosts]


def _without_path(record: logging.LogRecord) -> bool:
    """Have Django's line of an answer say its status alone; True: it is to be written."""
    status = getattr(record, "status_code", "")
    record.msg, record.args = "an answer of status %s", (status,)
    return True


def _secret(home: Path) -> str:
    path = home / SIGNING_FILE
    try:
        return read_secret(path).decode("ascii")
    except KeyMissingError:
        # Else another process was first.
        with contextlib.suppress(KeyExistsError):
            write_secret(path, secrets.token_hex(32).encode())
        return read_secret(path).decode("ascii")
