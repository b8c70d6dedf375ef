"""The same as an ordinary user: weaker, by name, and still holding what it says."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import touchstone
from touchstone.evaluation.sandbox import tools

pytestmark = pytest.mark.needs_sandbox

SOURCE = Path(touchstone.__file__).parents[1]
PACKAGES = Path(pytest.__file__).parents[1]
PROGRAM = """
import anyio, json, os, sys
from touchstone.evaluation.sandbox import *
from touchstone.evaluation.sandbox.provider import SAMPLE_KEY, TouchstoneSandbox
CONFIG = SandboxConfig(grade="limited", memory_mib=128, disk_mib=16, inodes=256, processes=32)
ALLOCATE = (
    "import time\\nx = []\\n"
    "while len(x) < 48: x.append(bytearray(b'x' * (8 << 20))); time.sleep(.02)"
)
async def main():
    able = preflight()
    boxes = await TouchstoneSandbox.sample_init("task", CONFIG, {SAMPLE_KEY: "s"})
    box = boxes["default"]
    await box.write_file("a/b", "text")
    said = await box.exec(["sh", "-c", "id -un; cat a/b; ls -A /root 2>/dev/null"])
    full = await box.exec(["python3", "-I", "-S", "-c", ALLOCATE], timeout=30)
    disk = await box.exec(["sh", "-c", "head -c 32M /dev/zero > big; stat -c %s big"])
    await box.exec(["unshare", "--user", "true"])
    copied = await box.copy_out("a/b", 10)
    await TouchstoneSandbox.sample_cleanup("task", CONFIG, boxes, False)
    refused = ""
    try:
        able.require("confined")
    except SandboxGradeError as error:
        refused = str(error)
    print(json.dumps({
        "uid": os.getuid(), "grade": able.grade, "said": said.stdout, "full": full.returncode,
        "disk": int(disk.stdout), "copied": copied.decode(), "refused": refused,
        "not held": [guard.name for guard in able.guards if not guard.held],
        "events": sorted({event.detail for event in events_of("s")}),
    }))
anyio.run(main)
"""


def as_ordinary_user() -> list[str]:
    """How to run our program as a user without rights; skips where it cannot read the program."""
    if os.geteuid():
        return [sys.executable]
    python = tools.find_tools().python
    version = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    setpriv = shutil.which("setpriv")
    if not setpriv or subprocess.run([python, "-c", version], check=False).returncode:
        pytest.skip(f"not run: needs setpriv and a system Python {sys.version_info[:2]}")
    drop = [setpriv, "--reuid", "54321", "--regid", "54321", "--clear-groups", python]
    folders = [str(SOURCE), str(PACKAGES)]
    seen = f"import os, sys; sys.exit(not all(os.path.isdir(p) for p in {folders}))"
    if subprocess.run([*drop, "-c", seen], check=False).returncode:
        pytest.skip("not run: needs a checkout and packages that other users can read")
    return drop


def test_an_ordinary_user_gets_what_preflight_says():
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{SOURCE}:{PACKAGES}", "HOME": "/nonexistent"}
    run = subprocess.run(
        [*as_ordinary_user(), "-c", PROGRAM],
        capture_output=True,
        text=True,
        env=env,
        cwd="/",
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert told["uid"] != 0
    assert told["said"] == "subject\ntext"
    assert told["full"] == 137
    assert told["disk"] <= 16 << 20
    assert told["copied"] == "text"
    assert {"refused unshare", "the memory limit was reached"} == set(told["events"])
    if told["grade"] == "limited":
        assert told["not held"] == ["bounded memory and processes"]
        assert "control groups: run as root, or in a systemd user session" in told["refused"]
    else:
        assert (told["grade"], told["not held"], told["refused"]) == ("confined", [], "")
