"""Inspect's own conformance checks, on our sandbox and on a plain process."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from inspect_ai.util._sandbox import self_check

from touchstone.evaluation.sandbox import SandboxConfig
from touchstone.evaluation.sandbox.provider import TouchstoneSandbox

pytestmark = [pytest.mark.needs_sandbox, pytest.mark.asyncio]

CANNOT = {
    "test_exec_as_user": "there is one user and no way to become another: that is a guard",
}
# Five seconds each are only waiting; test_guards.py looks for the same at once.
SLOW = {"test_exec_timeout_kills_process", "test_exec_timeout_kills_child_processes"}
SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
CHECKS = sorted(set(self_check.__all__) - (set() if SOAK else SLOW))


@pytest_asyncio.fixture
async def sandbox_env() -> AsyncIterator[TouchstoneSandbox]:
    sandbox = TouchstoneSandbox(SandboxConfig(), "self-check", "default")
    yield sandbox
    sandbox.close()


@pytest.mark.parametrize("name", [name for name in CHECKS if name not in CANNOT])
async def test_conforms(name: str, sandbox_env: TouchstoneSandbox):
    await getattr(self_check, name)(sandbox_env)


@pytest.mark.parametrize("name", sorted(CANNOT))
async def test_what_cannot_conform_fails_as_said(name: str, sandbox_env: TouchstoneSandbox):
    with pytest.raises(Exception, match="one user only"):
        await getattr(self_check, name)(sandbox_env)
