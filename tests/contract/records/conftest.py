"""Each test of the contract runs on both databases."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import deeds
from support.postgresql import Postgresql, running_postgresql
from support.record_place import Place
from touchstone.records import DATABASE, DATABASE_OWNER, Records, prepare

OWNER, APP = "record_owner", "record_app"
TEMPLATE = "record_template"
_numbers = itertools.count()


@pytest.fixture(autouse=True)
def _no_setting_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DATABASE, raising=False)
    monkeypatch.delenv(DATABASE_OWNER, raising=False)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgresql]:
    with running_postgresql() as running:
        running.admin(
            f"CREATE ROLE {OWNER} LOGIN",
            f"CREATE ROLE {APP} LOGIN",
            f"CREATE DATABASE {TEMPLATE} OWNER {OWNER}",
        )
        home = tmp_path_factory.mktemp("template")
        prepare(home, running.address(APP, TEMPLATE), running.address(OWNER, TEMPLATE))
        _close_all()
        yield running


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
    name = f"record_{os.getpid()}_{next(_numbers)}"
    server.admin(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER {OWNER}")
    yield Place(home, server.address(APP, name), name, server)
    _close_all()
    server.admin(f"DROP DATABASE {name} WITH (FORCE)")


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
    from django.db import connections  # noqa: PLC0415 Django is set up by then

    connections.close_all()
