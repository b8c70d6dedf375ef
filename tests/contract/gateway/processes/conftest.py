"""One endpoint for all gateways of this folder."""

from collections.abc import Iterator

import pytest

from support.gateway import stub_upstream
from support.gateway_loop import Stub


@pytest.fixture(scope="session")
def stub() -> Iterator[Stub]:
    with stub_upstream(Stub(parts=200, pause=0.01)) as running:
        yield running
