"""The commands of other tests: one that a failed test leaves behind hinders none of them."""

import gc
import os
import select
import sys
from pathlib import Path

import pytest

from support.forked import Command
from support.reviews import started, touchstone


def waiting(folder: Path) -> Command:
    """A command that reads a file which nobody writes."""
    os.mkfifo(folder / "bundle")
    return started("verify", folder / "bundle", home=folder / "home")


def test_a_command_that_is_left_behind_ends_and_warns_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    warned: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", warned.append)
    left = waiting(tmp_path)
    assert left.poll() is None
    ended = os.pidfd_open(left.pid)
    del left
    gc.collect()
    assert select.select([ended], [], [], 60)[0] == [ended]
    os.close(ended)
    assert warned == []


def test_what_a_command_said_is_read_at_its_end(tmp_path: Path):
    ran = touchstone("verify", tmp_path / "nothing", home=tmp_path / "home")
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1
