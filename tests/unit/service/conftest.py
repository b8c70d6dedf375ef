"""What several tests of this room look at, made once for each worker."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from support.every_deed import Before, every_deed
from support.finished import run_again
from support.small_case import measure, settle, small_case


class Deeds(dict[str, Before]):
    """By type; told in a word where a test fails."""

    def __repr__(self) -> str:
        return "the deeds"


@pytest.fixture(scope="session")
def deeds(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Before]:
    """A deed of every type, by type, each with the store just before it."""
    return Deeds(every_deed(tmp_path_factory.mktemp("deeds")))


@pytest.fixture(scope="session")
def settled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small case that was measured and settled: to be copied, with `copied_case`."""
    folder = tmp_path_factory.mktemp("settled")
    with small_case(folder) as case:
        measure(case)
        settle(case)
    return folder


@pytest.fixture(scope="session")
def issued_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, and its editions were issued."""
    folder = tmp_path_factory.mktemp("issued")
    with small_case(folder) as case:
        measure(case)
        settle(case)
        run_again(case)
    return folder
