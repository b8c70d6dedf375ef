"""What is invented stays apart: no home and no database of the user's is touched."""

import ast
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import touchstone.demo as demo_room
from support.reviews import touchstone
from touchstone.demo import story
from touchstone.service.installation import open_installation

CANARY = "a home that somebody works in\n"


class Database:
    """Listens as a database would, and counts who comes."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"postgresql://canary@127.0.0.1:{self._socket.getsockname()[1]}/canary"
        self.callers = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            self.callers += 1
            caller.close()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def database() -> Iterator[Database]:
    listening = Database()
    yield listening
    listening.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir(mode=0o700)
    (folder / "canary").write_text(CANARY, "ascii")
    return folder


def untouched(home: Path, database: Database) -> bool:
    there = [path.name for path in home.iterdir()]
    return there == ["canary"] and (home / "canary").read_text() == CANARY and not database.callers


def test_an_example_touches_nothing_of_ones_own(tmp_path: Path, home: Path, database: Database):
    out = tmp_path / "june"
    ran = touchstone(
        "directive",
        "example",
        "--out",
        out,
        "--people",
        "100",
        home=home,
        TOUCHSTONE_DATABASE=database.address,
    )
    assert ran.code == 0, ran.err
    assert (out / "home" / "record.sqlite3").exists()
    assert "unset TOUCHSTONE_DATABASE" in ran.out
    assert untouched(home, database)


class StoppedError(Exception):
    """The demo got as far as its own installation."""


def test_the_demo_opens_an_installation_of_its_own(
    tmp_path: Path, home: Path, database: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TOUCHSTONE_HOME", str(home))
    monkeypatch.setenv("TOUCHSTONE_DATABASE", database.address)

    def opened(here: object, *_: object) -> None:
        assert here.home == (tmp_path / "out" / "home").resolve()  # type: ignore[attr-defined]
        raise StoppedError

    class Told:
        def step(self, text: str) -> None:
            del text

    monkeypatch.setattr(story, "run_review", opened)
    with pytest.raises(StoppedError):
        story.run_demo(tmp_path / "out", 1, Told())  # type: ignore[arg-type]
    assert (tmp_path / "out" / "home" / "record.sqlite3").exists()
    assert untouched(home, database)


def test_twin_an_installation_that_is_not_apart_calls_the_database(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TOUCHSTONE_DATABASE", database.address)
    with pytest.raises(Exception, match="database"), open_installation(tmp_path / "home"):
        pass
    assert database.callers


def test_whatever_the_demo_opens_is_apart():
    folder = Path(demo_room.__file__).parent
    opens = [
        call
        for path in folder.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "open_installation"
    ]
    assert len(opens) >= 2
    assert all("apart" in {word.arg for word in call.keywords} for call in opens)
