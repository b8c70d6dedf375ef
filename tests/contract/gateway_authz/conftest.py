"""One service for a module's tests. Each test leaves the rules as it found them."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from support.decision_place import Place, decision_place


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def module_place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    folder = tmp_path_factory.mktemp("decisions")
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("EXAMPLE_UPSTREAM_KEY", "sk-upstream")
    async with decision_place(folder) as place:
        yield place
    monkeypatch.undo()


@pytest_asyncio.fixture(loop_scope="module")
async def place(module_place: Place) -> AsyncIterator[Place]:
    module_place.loop.stub.requests.clear()
    module_place.loop.audit.events.clear()
    yield module_place
    if not module_place.untouched:
        await module_place.rule()
