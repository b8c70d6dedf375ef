"""A started sandbox, and a way to start one with a guard taken away."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
import pytest_asyncio

from touchstone.evaluation.sandbox import SandboxConfig, preflight, provider
from touchstone.evaluation.sandbox.provider import TouchstoneSandbox

Start = Callable[..., Awaitable[TouchstoneSandbox]]

SMALL = SandboxConfig(memory_mib=128, disk_mib=16, inodes=256, processes=32)


@pytest_asyncio.fixture
async def start(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Start]:
    """`await start()` is a small sandbox; `await start(filtered=False)` one without that guard."""
    made: list[TouchstoneSandbox] = []

    async def begin(config: SandboxConfig = SMALL, **guards: object) -> TouchstoneSandbox:
        able = preflight()
        standing = replace(able.standing, **guards)  # type: ignore[arg-type]
        monkeypatch.setattr(provider, "preflight", lambda: replace(able, standing=standing))
        sandbox = TouchstoneSandbox(config, uuid.uuid4().hex, "default")
        made.append(sandbox)
        await sandbox.start()
        return sandbox

    yield begin
    for sandbox in made:
        sandbox.close()
