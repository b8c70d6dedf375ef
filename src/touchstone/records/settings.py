"""The one place where Django is set up, and where a database setting becomes a connection.

Django itself knows no database of ours by name: each opened record registers its own, so that one
process may hold several (tests do), and nothing depends on which was opened first.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.apps import apps
from django.conf import settings
from django.db import connections

from touchstone.records.errors import DatabaseSettingError

DATABASE = "TOUCHSTONE_DATABASE"
"""Environment: unset for SQLite under TOUCHSTONE_HOME, or `postgresql://user@host/name`."""
SQLITE = ""
"""A database setting: SQLite under the home, whatever the environment names."""
DATABASE_OWNER = "TOUCHSTONE_DATABASE_OWNER"
"""Environment, for `prepare` alone: the PostgreSQL role that owns the tables."""
DATABASE_READER = "TOUCHSTONE_DATABASE_READER"
"""Environment: the PostgreSQL role that reads for parties, behind row-level security."""
APP = "touchstone.records"
FILE = "record.sqlite3"
ACCOUNTS_FILE = "accounts.sqlite3"
"""Of a server's accounts, which are no part of the record: it is lost and restored by itself."""
WAIT_SECONDS = 30
CONNECTION_SECONDS = 600
"""How long a server keeps a connection over its requests: to open one costs more than a small
deed, and on SQLite whoever closes the last empties the journal."""
_SCHEMES = ("postgresql", "postgres")
# PostgreSQL cuts longer names in silence.
_LONGEST_NAME = 63
_PASSED_ON = frozenset({"host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey"})


def configure() -> None:
    """Set Django up, once. Where a web application did so before, check that it knows this room.

    Raises DatabaseSettingError if Django was set up without `touchstone.records`.
    """
    if not settings.configured:
        settings.configure(
            INSTALLED_APPS=[APP],
            DATABASES={},
            USE_TZ=True,
            TIME_ZONE="UTC",
            DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
            # Django's own would set up logging for the whole process.
            LOGGING_CONFIG=None,
        )
    if not apps.ready:
        # No more than this room needs: Django's own way loads its web half, too.
        apps.populate(settings.INSTALLED_APPS)
    if not apps.is_installed(APP):
        raise DatabaseSettingError(
            f"Django was set up without {APP}; fix: add it to INSTALLED_APPS"
        )


def from_environment(environment: Mapping[str, str] = os.environ) -> str | None:
    """The database setting of this process; None means SQLite under the home folder."""
    return environment.get(DATABASE) or None


def reader_from_environment(environment: Mapping[str, str] = os.environ) -> str | None:
    """The address by which PostgreSQL is read for parties; None where none is set."""
    return environment.get(DATABASE_READER) or None


def connect(home: Path, database: str | None, reading: Path | None = None) -> str:
    """Register the database (once) and give its Django alias. Nothing is opened yet.

    `reading` is a SQLite file that is read and never written. Raises DatabaseSettingError.
    """
    if reading is not None:
        wanted = _sqlite_to_read(reading)
    else:
        wanted = _sqlite(home) if database is None else _postgresql(database)
    keys = ("ENGINE", "NAME", "USER", "HOST", "PORT")
    for alias, known in connections.settings.items():
        if all(known.get(key, "") == wanted.get(key, "") for key in keys):
            return alias
    named = "\x00".join(str(wanted.get(key, "")) for key in keys)
    alias = f"record-{hashlib.sha256(named.encode()).hexdigest()[:16]}"
    complete = connections.configure_settings({"default": {}, alias: wanted})
    connections.settings[alias] = complete[alias]
    return alias


def accounts_database(home: Path, database: str | None) -> dict[str, Any]:
    """Where a server keeps its accounts, as Django's settings have it.

    `database` is the record's setting: its PostgreSQL, or a SQLite file of their own in the home.
    Raises DatabaseSettingError.
    """
    return _postgresql(database) if database else _sqlite(home, ACCOUNTS_FILE)


def is_postgresql(alias: str) -> bool:
    """Whether an alias stands for PostgreSQL."""
    return str(connections[alias].vendor) == "postgresql"


def _sqlite(home: Path, file: str = FILE) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(home.resolve() / file),
        "CONN_MAX_AGE": CONNECTION_SECONDS,
        "OPTIONS": {
            # A reader that turns writer later fails at once where another wrote meanwhile, and
            # cannot wait.
            "transaction_mode": "IMMEDIATE",
            "timeout": WAIT_SECONDS,
            # FULL: with NORMAL a power cut loses what was acknowledged (findings, Ledger).
            # secure_delete: what is erased is overwritten in the file.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
            " PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON",
        },
    }


def _sqlite_to_read(file: Path) -> dict[str, Any]:
    journal = file.with_name(f"{file.name}-wal")
    # Without a journal nothing is to be gathered from beside the file, and nothing can be made
    # there for it; nobody writes, since the folder does not let anybody.
    how = "mode=ro" if journal.exists() and journal.stat().st_size else "immutable=1"
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": f"{file.resolve().as_uri()}?{how}",
        "OPTIONS": {"timeout": WAIT_SECONDS, "init_command": "PRAGMA query_only=ON"},
    }


def may_be_read_along(database: str) -> bool:
    """Whether others on the way to a PostgreSQL could read, or stand in its place.

    Not on this machine, and not where its certificate is held against its name. Raises
    DatabaseSettingError.
    """
    found = _postgresql(database)
    # Several are tried one after the other. Without any, or with a folder, it is a socket here.
    far = [host for host in str(found["HOST"]).split(",") if not host.startswith(("/", "@"))]
    local = {"", "localhost", "127.0.0.1", "::1"}.issuperset(far)
    return not local and found["OPTIONS"].get("sslmode") != "verify-full"


def _postgresql(database: str) -> dict[str, Any]:
    """A libpq address as Django settings. The text is never repeated: it may hold a password."""
    try:
        address = urlsplit(database)
        port = address.port
        query = dict(parse_qsl(address.query, keep_blank_values=True))
    except ValueError as error:
        raise DatabaseSettingError(f"{DATABASE}: is not an address") from error
    name = unquote(address.path.lstrip("/"))
    named = 0 < len(name) <= _LONGEST_NAME
    if address.scheme not in _SCHEMES or not named or not address.username:
        raise DatabaseSettingError(
            f"{DATABASE}: give postgresql://USER@HOST/NAME, or unset it for SQLite"
        )
    if unknown := sorted(query.keys() - _PASSED_ON):
        raise DatabaseSettingError(f"{DATABASE}: unknown option {unknown[0]!r} in the address")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(address.username),
        "PASSWORD": unquote(address.password or ""),
        "HOST": query.pop("host", unquote(address.hostname or "")),
        "PORT": query.pop("port", str(port or "")),
        "CONN_MAX_AGE": CONNECTION_SECONDS,
        # Asked once a request: the server may have gone away meanwhile.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 10,
            # Said here so that no default of the server or the role makes an answer untrue.
            "options": f"-c synchronous_commit=on -c lock_timeout={WAIT_SECONDS}s",
            **query,
        },
    }
