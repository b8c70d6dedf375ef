"""`python -m support.busy`: timed tests, time after time, beside a load of our own. ADR 0171."""

import argparse
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

_FLEET = "tests/contract/gateway/fleet/test_fleet.py"
_CROWDS = "tests/contract/gateway/processes/test_crowds.py"
_FAULTS = "tests/contract/evaluation/test_endpoint_faults.py"
_STEPS = "tests/unit/statistics/test_sequential.py"
TIMED = (
    f"{_FLEET}::test_what_one_takes_all_apply_and_tell_in_the_log",
    f"{_CROWDS}::test_a_crowd_does_not_take_the_gateway_from_those_inside",
    f"{_FLEET}::test_a_paused_gateway_counts_as_silent_and_acts_on_nothing_old_when_it_wakes",
    f"{_FLEET}::test_workers_whose_supervisor_is_paused_stop_by_themselves",
    f"{_FLEET}::test_without_the_log_nothing_is_served_after_a_lease",
    f"{_FAULTS}::test_an_answer_that_does_not_end_in_time_is_cut",
    f"{_STEPS}::test_a_step_for_fifty_criteria_costs_hardly_more_for_a_hundred_times_the_items",
)
"""Tests whose outcome depends on the clock of a busy machine."""
LONGEST = 4 * 3600.0
"""Seconds after which the load ends by itself, whatever became of the command."""
LONGEST_RUN = 900.0


def main(arguments: Sequence[str] | None = None) -> int:
    """0: everything passed every time; 1: something did not; 130: interrupted."""
    parser = argparse.ArgumentParser(prog="busy", description=__doc__)
    parser.add_argument("tests", nargs="*", default=list(TIMED))
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--load", type=int, default=14)
    asked = parser.parse_args(arguments)
    failed = 0
    try:
        with load(asked.load):
            for test in asked.tests:
                passed = repeat(test, asked.times)
                failed += passed < asked.times
                say(f"{passed:>4} of {asked.times} passed: {test}")
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    return 1 if failed else 0


def say(line: str) -> None:
    """Tell whoever started it."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@contextmanager
def load(count: int) -> Iterator[list[int]]:
    """So many processes that only compute; their ids. They end with the block, or their parent."""
    parent = os.getpid()
    workers = [
        multiprocessing.get_context("spawn").Process(target=_compute, args=(parent,), daemon=True)
        for _ in range(count)
    ]
    for each in workers:
        each.start()
    try:
        yield [each.pid or 0 for each in workers]
    finally:
        for each in workers:
            each.kill()
        for each in workers:
            each.join()


def _compute(parent: int) -> None:
    # Ctrl-C is the parent's to handle: it ends these.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ends = time.monotonic() + LONGEST
    while time.monotonic() < ends and os.getppid() == parent:
        sum(range(200_000))


def repeat(test: str, times: int) -> int:
    """How many times the test passed, in one process: loading takes longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-v",
            "-n0",
            "-p",
            "no:cacheprovider",
            "-p",
            "support.repeated",
            f"--times={times}",
            f"--junitxml={report}",
            "--timeout",
            f"{LONGEST_RUN:g}",
            "--tb=short",
            test,
        ]
        # A plugin is looked for before pytest knows where the tests lie.
        found = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        subprocess.run(command, cwd=Path(__file__).parents[2], env=found, check=False)
        if not report.exists():
            return 0
        cases = ET.parse(report).iter("testcase")  # noqa: S314  written just now, by pytest
        return sum(len(case) == 0 for case in cases)


if __name__ == "__main__":
    sys.exit(main())
