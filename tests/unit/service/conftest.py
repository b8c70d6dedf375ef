"""What several tests of this room look at, made once in a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support import shared
from support.small_case import measure, settle, small_case

if TYPE_CHECKING:
    from support.every_deed import Before


class Deeds(dict[str, "Before"]):
    """By type; told in a word where a test fails."""

    def __repr__(self) -> str:
        return "the deeds"


@pytest.fixture(scope="session")
def deeds(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Before]:
    """A deed of every type, by type, each with the store just before it."""
    # Loads the engine, which tests of this room that are quick do not.
    from support.every_deed import kept_deeds, make_deeds  # noqa: PLC0415

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
    from support.finished import run_again  # noqa: PLC0415  loads the engine

    with small_case(folder) as case:
        measure(case)
        settle(case)
        run_again(case)
