#!/usr/bin/env python3
"""Write tests/slow.txt from what runs took: the tests and files that `make quick` leaves out.

make test PYTEST="--junitxml /tmp/suite.xml"; scripts/list_slow_tests.py /tmp/suite.xml

Of several reports the longest time of a test counts. Whole files that were left out stay so: a run
shows what a fixture takes at one test alone, and leaving that one out moves it to the next.
"""

import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree as ET

ONE, ALL, FILE = 0.4, 2.0, 6.0
"""Seconds of one case of a test, of all its cases, and of what is left of a file, that are slow."""
TESTS = Path(__file__).parents[1] / "tests"


def slow(durations: dict[str, list[float]], whole: set[str]) -> list[str]:
    """The tests and files that are slow, in order; `whole` are files that stay left out."""
    names = {name for name, took in durations.items() if max(took) > ONE or sum(took) > ALL}
    left: dict[str, float] = defaultdict(float)
    for name in durations.keys() - names:
        left[name.partition("::")[0]] += sum(durations[name])
    whole |= {file for file, seconds in left.items() if seconds > FILE}
    return sorted(whole | {name for name in names if name.partition("::")[0] not in whole})


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
        # What has moved or gone since is not to be listed.
        # (A state machine's class has a `runTest` that its file does not spell.)
        if (TESTS / file).is_file() and name.split("::")[1] in (TESTS / file).read_text():
            found[name].append(float(case.get("time", "0")))
    return found


def main(reports: list[str]) -> None:
    """Read the reports and write the list."""
    longest: dict[str, list[float]] = {}
    for report in reports:
        for name, took in durations_of(Path(report)).items():
            longest[name] = max(took, longest.get(name, []), key=sum)
    listed = (TESTS / "slow.txt").read_text().split()
    whole = {name for name in listed if "::" not in name and (TESTS / name).is_file()}
    names = slow(longest, whole)
    (TESTS / "slow.txt").write_text("".join(f"{name}\n" for name in names))
    print(f"{len(names)} slow tests and files")


if __name__ == "__main__":
    main(sys.argv[1:])
