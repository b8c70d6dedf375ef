"""One endpoint and one PostgreSQL for the fleets of this folder."""

from collections.abc import Iterator

import pytest

from support.gateway import stub_upstream
from support.gateway_loop import Stub
from support.postgresql import Postgresql, running_postgresql


@pytest.fixture(scope="session")
def stub() -> Iterator[Stub]:
    with stub_upstream(Stub(parts=2000, pause=0.01)) as running:
        yield running


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Postgresql]:
    with running_postgresql() as running:
        yield running
