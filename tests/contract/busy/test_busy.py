"""`make busy` counts what passed, and its load ends with it however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.busy import TIMED, load, main

ROOT = Path(__file__).parents[3]
HOLD = """
import signal
import time
from support.busy import load
if __name__ == "__main__":
    # A shell that runs the suite in the background lets its children ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with load(2) as workers:
        print(*workers, flush=True)
        time.sleep(600)
"""


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_for_end(workers: list[int]) -> None:
    until = time.monotonic() + 60
    while any(map(alive, workers)):
        assert time.monotonic() < until, "the load goes on"
        time.sleep(0.02)


def test_it_counts_what_passed_each_time(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    """A test that passes once and then never again."""
    shaky = tmp_path / "test_shaky.py"
    shaky.write_text(f"import os\n\n\ndef test_it():\n    os.mkdir({str(tmp_path / 'once')!r})\n")
    assert main(["--times", "1", "--load", "1", str(shaky)]) == 0
    (tmp_path / "once").rmdir()
    assert main(["--times", "2", "--load", "1", str(shaky)]) == 1
    told = capfd.readouterr().out
    assert f"   1 of 1 passed: {shaky}" in told
    assert f"   1 of 2 passed: {shaky}" in told
    assert "FileExistsError" in told


def test_the_load_ends_with_its_block():
    with load(2) as workers:
        assert all(map(alive, workers))
    assert not any(map(alive, workers))


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_the_load_ends_with_its_parent(tmp_path: Path, end: signal.Signals):
    script = tmp_path / "hold.py"
    script.write_text(HOLD, "utf-8")
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
    with subprocess.Popen(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as parent:
        assert parent.stdout
        workers = [int(each) for each in parent.stdout.readline().split()]
        assert len(workers) == 2
        parent.send_signal(end)
        wait_for_end(workers)


def test_the_tests_on_the_list_are_there():
    for each in TIMED:
        path, _, name = each.partition("::")
        assert f"def {name}(" in (ROOT / path).read_text("utf-8")
