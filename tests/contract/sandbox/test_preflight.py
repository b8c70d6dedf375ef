"""What a machine that lacks something is told, and what it still gets."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from touchstone.evaluation.sandbox import (
    SandboxConfig,
    SandboxGradeError,
    cgroups,
    launch,
    preflight,
    provider,
    seccomp,
    tools,
)
from touchstone.evaluation.sandbox.preflight import look
from touchstone.evaluation.sandbox.provider import TouchstoneSandbox

pytestmark = [pytest.mark.needs_sandbox, pytest.mark.asyncio]


async def test_this_machine_holds_what_it_says():
    able = preflight()
    assert able.grade in {"confined", "limited"}
    assert {guard.name for guard in able.guards} >= {"own namespaces", "system-call filter"}
    assert (able.grade == "confined") is all(guard.held for guard in able.guards)
    assert able.python


async def test_without_bubblewrap_there_is_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tools, "SYSTEM_PATH", "/nonexistent")
    found = tools.find_tools.__wrapped__()
    monkeypatch.setattr(tools, "find_tools", lambda: found)
    able = await look()
    assert able.grade == "none"
    assert dict(able.missing)["bwrap"].startswith("install bubblewrap")
    with pytest.raises(SandboxGradeError, match="apt install bubblewrap"):
        able.require("limited")


async def test_where_namespaces_are_blocked_there_is_none_and_why(monkeypatch: pytest.MonkeyPatch):
    found = tools.find_tools()
    blocked = replace(found, paths=found.paths | {"bwrap": "/bin/false"})
    monkeypatch.setattr(tools, "find_tools", lambda: blocked)
    able = await look()
    assert able.grade == "none"
    assert "did not start" in able.guards[0].why
    assert "sysctl" in dict(able.missing)["user namespaces"]


async def test_without_libseccomp_it_is_limited(monkeypatch: pytest.MonkeyPatch):
    def missing() -> seccomp.Filter:
        raise RuntimeError("Unable to find libseccomp")

    monkeypatch.setattr(seccomp, "build_filter", missing)
    able = await look()
    assert able.grade == "limited"
    assert "system-call filter" in {guard.name for guard in able.guards if not guard.held}
    assert "apt install libseccomp2" in dict(able.missing)["libseccomp"]


async def test_without_control_groups_it_is_limited(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cgroups, "find_bases", lambda: None)
    able = await look()
    assert able.grade == "limited"
    assert "control groups" in dict(able.missing)


async def test_where_groups_cannot_be_joined_it_is_limited(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cgroups.ControlGroup, "entrances", (Path("/nonexistent/cgroup.procs"),))
    able = await look()
    assert able.grade == "limited"
    # An ordinary user has none to join in the first place.
    assert able.standing.grouped == (cgroups.find_bases() is None)
    assert "control groups" in dict(able.missing)


async def test_a_plain_process_only_where_it_is_allowed(monkeypatch: pytest.MonkeyPatch):
    plain = replace(preflight(), grade="none", standing=launch.Guards(confined=False))
    monkeypatch.setattr(provider, "preflight", lambda: plain)
    with pytest.raises(SandboxGradeError, match="'none', and 'limited' is asked for"):
        await TouchstoneSandbox.sample_init("task", None, {})
    boxes = await TouchstoneSandbox.sample_init("task", SandboxConfig(grade="none"), {})
    box = boxes["default"].as_type(TouchstoneSandbox)
    await box.write_file("a/b", "text")
    assert (await box.exec(["cat", "a/b"])).stdout == "text"
    assert await box.copy_out("a/b", 10) == b"text"
    folder = (await box.exec(["pwd"])).stdout.strip()
    with pytest.raises(TimeoutError):
        await box.exec(["sh", "-c", "setsid sleep 87654 & sleep 87654"], timeout=1)
    assert not (await box.exec(["pgrep", "-f", "sleep [8]7654"])).success
    await TouchstoneSandbox.sample_cleanup("task", None, boxes, interrupted=False)
    assert (folder.startswith("/"), os.path.exists(folder)) == (True, False)  # noqa: PTH110, ASYNC240 - one look
