"""No provider and no judge reads the profile of the user who runs Touchstone."""

import os
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from inspect_ai.util import SandboxEnvironment
from inspect_ai.util._sandbox.local import LocalSandboxEnvironment

from support.toybox import ToyBox
from touchstone.evaluation.sandbox import SandboxConfig, launch, preflight, provider
from touchstone.evaluation.sandbox.provider import SAMPLE_KEY, TouchstoneSandbox

pytestmark = [pytest.mark.needs_sandbox, pytest.mark.asyncio]

READ_AT_START = (".bash_profile", ".bash_login", ".profile", ".bashrc", "env.sh", "startup.py")
Boxes = Callable[[], AbstractAsyncContextManager[dict[str, SandboxEnvironment]]]


@pytest.fixture
def marker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose every profile leaves a mark, and holds up whoever reads it."""
    home, mark = tmp_path / "home", tmp_path / "mark"
    site = home / f".local/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    site.mkdir(parents=True)
    for name in READ_AT_START[:-1]:
        (home / name).write_text(f"echo {name} >> {mark}\nsleep 1\n")
    spoiled = f"open({str(mark)!r}, 'a').write('python')\nimport time; time.sleep(1)\n"
    for path in (home / READ_AT_START[-1], site / "usercustomize.py", home / "usercustomize.py"):
        path.write_text(spoiled)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("BASH_ENV", str(home / "env.sh"))
    monkeypatch.setenv("ENV", str(home / "env.sh"))
    monkeypatch.setenv("PYTHONPATH", str(home))
    monkeypatch.setenv("PYTHONSTARTUP", str(home / "startup.py"))
    return mark


@asynccontextmanager
async def opened(
    kind: type[SandboxEnvironment], config: SandboxConfig | None
) -> AsyncIterator[dict[str, SandboxEnvironment]]:
    boxes = await kind.sample_init("t", config, {SAMPLE_KEY: uuid.uuid4().hex})
    try:
        yield boxes
    finally:
        await kind.sample_cleanup("t", config, boxes, interrupted=False)


@pytest.fixture(params=["confined", "plain", "toybox"])
def boxes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Boxes:
    """A sample's sandboxes, of each provider."""
    if request.param == "toybox":
        return lambda: opened(ToyBox, None)
    if request.param == "plain":
        plain = replace(preflight(), grade="none", standing=launch.Guards(confined=False))
        monkeypatch.setattr(provider, "preflight", lambda: plain)
        return lambda: opened(TouchstoneSandbox, SandboxConfig(grade="none"))
    return lambda: opened(TouchstoneSandbox, SandboxConfig())


def marked(path: Path) -> bool:
    return path.exists()


async def said(box: SandboxEnvironment) -> str:
    """What the tools of a sample, and a judge's command, give."""
    words = ""
    for command, given in (
        (["bash", "--login", "-c", "echo shell"], None),
        (["bash", "--login", "-c", "python3 -"], "print('python')"),
        (["python3", "-I", "judge.py"], None),
    ):
        ran = await box.exec(command, input=given, timeout=20)
        words += ran.stdout
    return words


async def test_the_hosts_profile_has_no_effect(boxes: Boxes, marker: Path):
    async with boxes() as made:
        for name in ("default", "judge"):
            await made[name].write_file("judge.py", "print('judge')")
            assert await said(made[name]) == "shell\npython\njudge\n"
    assert marked(marker) is False


async def test_twin_inspects_local_provider_reads_it(marker: Path):
    box = LocalSandboxEnvironment()
    try:
        await box.exec(["bash", "--login", "-c", "echo shell"], timeout=30)
    finally:
        box.directory.cleanup()
    assert marked(marker) is True


async def test_outside_of_a_sandbox_the_machines_profile_is_not_read_either(
    boxes: Boxes,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """`/etc/profile` is the host's, in a plain process: the shell is told to read none."""
    if "confined" in request.node.callspec.id:
        async with boxes() as made:
            found = await made["default"].exec(["sh", "-c", "ls /etc/profile /etc/profile.d"])
        assert found.stdout == ""
        return
    spy = tmp_path / "bash"
    spy.write_text('#!/bin/sh\necho "$@"\n')
    spy.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    async with boxes() as made:
        ran = await made["default"].exec(["bash", "--login", "-c", "true"], timeout=20)
    assert ran.stdout == "--noprofile --login -c true\n"
