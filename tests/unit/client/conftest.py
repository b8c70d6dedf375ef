"""A case that three parties began, each by its own hand: made once, and copied for each test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.party_server import Begun, begin, begun
from support.small_case import Minutes
from touchstone.service.installation import open_installation


@pytest.fixture(scope="session")
def begun_homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The homes of the server and of all three parties."""
    homes = tmp_path_factory.mktemp("begun")
    with open_installation(homes / "server", Minutes(), apart=True) as here:
        begin(here, homes)
    return homes


@pytest.fixture
def case(begun_homes: Path, tmp_path: Path) -> Iterator[Begun]:
    shutil.copytree(begun_homes, tmp_path, dirs_exist_ok=True)
    clock = Minutes()
    with open_installation(tmp_path / "server", clock, apart=True) as here:
        yield begun(here, clock, tmp_path)
