#!/usr/bin/env python3
"""Write tests/slow.txt from what a run of the suite took: what `make quick` leaves out.

make test PYTEST="--junitxml /tmp/suite.xml"; scripts/list_slow_tests.py /tmp/suite.xml
"""

import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree as ET

ONE, ALL = 0.4, 2.0
"""Seconds of one case of a test, and of all its cases, from which on it is slow."""
TESTS = Path(__file__).parents[1] / "tests"


def slow(durations: dict[str, list[float]]) -> list[str]:
    """The tests that are slow, in order."""
    return sorted(
        name for name, seconds in durations.items() if max(seconds) > ONE or sum(seconds) > ALL
    )


def durations_of(report: Path) -> dict[str, list[float]]:
    """Seconds of every case, by the name of its test as `unit/x/test_y.py::test_z`."""
    found: dict[str, list[float]] = defaultdict(list)
    for case in ET.parse(report).iter("testcase"):  # noqa: S314  our own suite's
        folder, *rest = case.get("classname", "").split(".")
        if folder != "tests" or rest[0] not in ("unit", "architecture"):
            continue
        # A class, if any, comes after the file's name.
        place = next(n for n, part in enumerate(rest) if part.startswith("test_"))
        file = "/".join(rest[: place + 1]) + ".py"
        name = "::".join([file, *rest[place + 1 :], case.get("name", "").partition("[")[0]])
        found[name].append(float(case.get("time", "0")))
    return found


if __name__ == "__main__":
    names = slow(durations_of(Path(sys.argv[1])))
    (TESTS / "slow.txt").write_text("".join(f"{name}\n" for name in names))
    print(f"{len(names)} slow tests")
