"""The accounts of one installation, made once for the tests of a file."""

from collections.abc import Iterator

import pytest
from django.db import connections

from touchstone.server.accounts.preparing import open_accounts


@pytest.fixture(scope="module", autouse=True)
def _accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    home = tmp_path_factory.mktemp("accounts") / "home"
    home.mkdir(mode=0o700)
    open_accounts(home, None)
    yield
    connections["default"].close()
