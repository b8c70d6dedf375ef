"""What several tests of this room look at, made once for each worker."""

from collections.abc import Mapping

import pytest

from support.every_deed import Before, every_deed


class Deeds(dict[str, Before]):
    """By type; told in a word where a test fails."""

    def __repr__(self) -> str:
        return "the deeds"


@pytest.fixture(scope="session")
def deeds(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Before]:
    """A deed of every type, by type, each with the store just before it."""
    return Deeds(every_deed(tmp_path_factory.mktemp("deeds")))
