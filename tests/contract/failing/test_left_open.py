"""What a failed test leaves open fails no other test."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[2]
SETTINGS = str(TESTS.with_name("pyproject.toml"))
TWO = """\
import gc
import socket


def test_one_that_fails():
    left = [socket.socket()]
    left.append(left)
    assert not left


def test_another():
    gc.collect()
"""


def test_only_the_one_that_left_it_fails(tmp_path: Path):
    shutil.copy(TESTS / "conftest.py", tmp_path)
    (tmp_path / "test_two.py").write_text(TWO)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-n0", "-p", "no:cacheprovider", "-c", SETTINGS, "."],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed, 1 passed" in ran.stdout, ran.stdout
