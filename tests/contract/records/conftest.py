"""Each test of the contract runs on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections

from support import deeds
from support.postgresql import Postgresql, running_postgresql
from support.record_place import Place
from touchstone.records import DATABASE, DATABASE_OWNER, DATABASE_READER, Records, prepare

OWNER, APP, READER = "record_owner", "record_app", "record_reader"
NAME = "record"
APPEND_ONLY = (
    "records_entryrow",
    "records_leafrow",
    "records_checkpointrow",
    "records_deedrow",
    "records_topicrow",
    "records_answerrow",
)
TABLES = (
    *APPEND_ONLY,
    "records_caserow",
    "records_partrow",
    "records_evidencerow",
    "records_installationrow",
    "records_indexrow",
    "records_jobrow",
    "records_executionrow",
    "records_outcomerow",
    "records_stagedrow",
    "records_stagedpiecerow",
    "records_memberrow",
    "records_refusalrow",
    "records_refusedsignerrow",
    "records_certificaterow",
)


@pytest.fixture(autouse=True)
def _no_setting_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DATABASE, raising=False)
    monkeypatch.delenv(DATABASE_OWNER, raising=False)
    monkeypatch.delenv(DATABASE_READER, raising=False)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgresql]:
    with running_postgresql() as running:
        running.admin(
            f"CREATE ROLE {OWNER} LOGIN",
            f"CREATE ROLE {APP} LOGIN",
            f"CREATE ROLE {READER} LOGIN",
            f"CREATE DATABASE {NAME} OWNER {OWNER}",
        )
        home = tmp_path_factory.mktemp("prepared")
        addresses = (running.address(role, NAME) for role in (APP, OWNER, READER))
        prepare(home, *addresses)
        yield running


def empty(server: Postgresql) -> None:
    """Make the prepared database as new: making another one takes twenty times as long.

    Rows are deleted: of tables as small as these, the files that TRUNCATE makes anew cost more.
    """
    statements = (
        "SET session_replication_role = replica",
        *(f"DELETE FROM {table}" for table in TABLES),  # noqa: S608  our own names
        "SELECT setval(oid, 1, false) FROM pg_class WHERE relkind = 'S' AND relname ~ '^records_'",
        "INSERT INTO records_installationrow VALUES (1, 0, decode(repeat('00', 8), 'hex'), NULL)",
        *(f"ALTER TABLE {table} ENABLE TRIGGER ALL" for table in TABLES),
        *(f"REVOKE UPDATE, DELETE ON {table} FROM {APP}" for table in APPEND_ONLY),
        f"ALTER ROLE {APP} IN DATABASE {NAME} RESET ALL",
    )
    # All in one message and one transaction.
    server.admin("; ".join(statements), database=NAME)


@pytest.fixture(scope="module")
def emptied(server: Postgresql) -> Postgresql:
    """The prepared database as new, for what a whole file looks at."""
    empty(server)
    return server


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def sqlite_place(home: Path) -> Iterator[Place]:
    yield Place(home, None, "record.sqlite3", None)
    _close_all()


@pytest.fixture
def postgresql_place(home: Path, server: Postgresql) -> Iterator[Place]:
    empty(server)
    app, reader = (server.address(role, NAME) for role in (APP, READER))
    yield Place(home, app, NAME, server, reader)
    _close_all()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs_postgresql)])
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.getfixturevalue(f"{request.param}_place")
    return found


@pytest.fixture
def records(place: Place) -> Records:
    """An open record with one case of one entry."""
    opened = place.open()
    deeds.open_case(opened)
    return opened


def _close_all() -> None:
    connections.close_all()
