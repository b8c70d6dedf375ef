"""What several tests of this room look at, made once in a run."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from support import shared
from support.every_deed import Before, kept_deeds, make_deeds
from support.finished import run_again
from support.small_case import measure, settle, small_case


class Deeds(dict[str, Before]):
    """By type; told in a word where a test fails."""

    def __repr__(self) -> str:
        return "the deeds"


@pytest.fixture(scope="session")
def deeds(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Before]:
    """A deed of every type, by type, each with the store just before it."""
    own = tmp_path_factory.mktemp("deeds")
    return Deeds(kept_deeds(shared.made_once("deeds", make_deeds, own)))


@pytest.fixture(scope="session")
def settled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small case that was measured and settled: to be copied, with `copied_case`."""
    return shared.made_once("settled", _settled, tmp_path_factory.mktemp("settled"))


@pytest.fixture(scope="session")
def issued_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, and its editions were issued."""
    return shared.made_once("issued", _issued, tmp_path_factory.mktemp("issued"))


def _settled(folder: Path) -> None:
    with small_case(folder) as case:
        measure(case)
        settle(case)


def _issued(folder: Path) -> None:
    with small_case(folder) as case:
        measure(case)
        settle(case)
        run_again(case)
