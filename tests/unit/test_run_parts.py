"""What one run of the tests makes once, and the order in which it hands out files."""

import multiprocessing
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from support import order, shared
from touchstone.editions.page import charts

FORKING = multiprocessing.get_context("fork")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "shared"
    place.mkdir()
    monkeypatch.setenv(shared.FOLDER, str(place))
    return place


@pytest.fixture
def drawn(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], Callable[[], None]]:
    """What was drawn so far, and a call after which another process would draw."""
    assert folder.is_dir()
    made: list[str] = []

    def draw(spec: str) -> str:
        made.append(spec)
        return f"<svg>{spec}</svg>"

    def begin() -> None:
        monkeypatch.setattr(charts, "_svg", draw)
        shared.keep_pictures()

    return made, begin


def picture(spec: str) -> str:
    found: str = vars(sys.modules["touchstone.editions.page.charts"])["_svg"](spec)
    return found


def test_a_picture_is_drawn_once_for_all_processes_and_another_for_itself(
    drawn: tuple[list[str], Callable[[], None]],
):
    made, begin = drawn
    for _ in range(2):
        begin()
        assert picture("one") == "<svg>one</svg>"
        assert picture("another") == "<svg>another</svg>"
    assert made == ["one", "another"]


def test_a_picture_that_cannot_be_kept_is_drawn_again(
    drawn: tuple[list[str], Callable[[], None]], folder: Path
):
    made, begin = drawn
    for _ in range(2):
        begin()
        (folder / "pictures").rmdir()
        assert picture("one") == "<svg>one</svg>"
    assert made == ["one", "one"]


def make(folder: Path) -> None:
    (folder / "made").write_text("as it was", "utf-8")
    with (folder.parent / "makers").open("a", encoding="utf-8") as told:
        told.write("made\n")


def ask(own: Path) -> None:
    (shared.made_once("thing", make, own) / "made").write_text("altered", "utf-8")


def test_of_many_processes_one_makes_and_each_has_its_own(folder: Path, tmp_path: Path):
    asking = [FORKING.Process(target=ask, args=(tmp_path / str(n),)) for n in range(4)]
    for process in asking:
        process.start()
    for process in asking:
        process.join()
    assert [process.exitcode for process in asking] == [0] * 4
    assert (folder / "makers").read_text("utf-8") == "made\n"
    assert (shared.made_once("thing", make, tmp_path / "last") / "made").read_text() == "as it was"


@dataclass(frozen=True)
class Item:
    path: Path
    n: int


def test_files_that_wait_stand_evenly_among_those_that_compute():
    waiting = [f"tests/e2e/test_{n}.py" for n in range(3)]
    computing = [f"tests/unit/test_{n}.py" for n in range(6)]
    items = [Item(Path(path), n) for path in [*waiting, *computing] for n in range(2)]
    mixed = order.mixed(items)
    assert sorted(mixed, key=items.index) == items
    # Whole files, each in its order.
    assert [item.n for item in mixed] == [0, 1] * 9
    kinds = "".join(item.path.parts[1][0] for item in mixed[::2])
    assert kinds == "ueuueuueu"
    assert [item.path.name for item in mixed[::2] if "e2e" in item.path.parts] == [
        "test_2.py",
        "test_1.py",
        "test_0.py",
    ]
