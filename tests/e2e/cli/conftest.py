"""The invented June case, made once; each test has a copy of its own."""

from pathlib import Path

import pytest

from support.june import June


@pytest.fixture(scope="session")
def agreed(tmp_path_factory: pytest.TempPathFactory) -> June:
    june = June(tmp_path_factory.mktemp("june"), people=300)
    june.agree()
    return june


@pytest.fixture
def june(agreed: June, tmp_path: Path) -> June:
    return agreed.copied(tmp_path)
