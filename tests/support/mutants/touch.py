"""Which tests reach which line of a room: measured once for each state of room and tests."""

import hashlib
import json
import sys
import time
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import coverage
import pytest

SHARED = "\0shared"
"""Marks lines that a fixture reached which serves other tests of its file too."""


@dataclass(frozen=True)
class Touch:
    """What one run of a room's tests showed."""

    seconds: dict[str, float]
    """Processor seconds of each test, by its id."""
    lines: dict[str, dict[str, list[str]]]
    """Path below `src`, then line number: the tests that reach it."""
    modules: tuple[str, ...]
    """What was imported from outside the tree; importing it once beforehand saves most of a run."""

    def tests(self, path: str, span: tuple[int, int]) -> tuple[set[str], set[str]]:
        """Tests that reach one of the lines, and others that may show what is wrong there.

        Those are all of the room where a line is reached at import, or none of the lines by a test:
        what was made there a test can use without coming by.
        """
        found = self.lines.get(path, {})
        reached = [found[str(line)] for line in range(span[0], span[1] + 1) if str(line) in found]
        direct = {test for tests in reached for test in tests if test}
        if direct and not any("" in tests for tests in reached):
            return direct, set()
        return direct, set(self.seconds) - direct


def state(paths: Sequence[Path]) -> str:
    """A digest of every Python file in these files and folders."""
    digest = hashlib.sha256()
    for path in paths:
        for each in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(str(each.relative_to(path.parent)).encode())
            digest.update(each.read_bytes())
    return digest.hexdigest()[:16]


def load(path: Path) -> Touch | None:
    """What was kept, if anything."""
    if not path.exists():
        return None
    found = json.loads(path.read_text("utf-8"))
    return Touch(found["seconds"], found["lines"], tuple(found["modules"]))


class Recorder:
    """A pytest plugin that notes, while the tests run, which of them is running."""

    def __init__(self, tree: Path, sources: Sequence[str]) -> None:
        self.tree = tree
        self.seconds: dict[str, float] = {}
        self.running = ""
        paths = [tree / "src" / each for each in sources]
        include = [str(each / "*" if each.is_dir() else each) for each in paths]
        self.coverage = coverage.Coverage(data_file=None, config_file=False, include=include)

    def run(self, arguments: Sequence[str], keep: Path) -> int:
        """Run the tests; keep what they showed if they pass. The exit code is pytest's."""
        self.coverage.start()
        code = int(pytest.main([*arguments], plugins=[self]))
        self.coverage.stop()
        if code == 0:
            keep.write_text(json.dumps(asdict(self._touch())), "utf-8")
        return code

    def _touch(self) -> Touch:
        data = self.coverage.get_data()
        files: dict[str, set[str]] = {}
        for test in self.seconds:
            files.setdefault(test.split("::")[0], set()).add(test)
        lines: dict[str, dict[str, list[str]]] = {}
        for file in data.measured_files():
            path = str(Path(file).relative_to(self.tree / "src"))
            for line, contexts in data.contexts_by_lineno(file).items():
                tests: set[str] = set()
                for context in contexts:
                    if context.endswith(SHARED):
                        tests |= files[context.removesuffix(SHARED).split("::")[0]]
                    else:
                        tests.add(context)
                lines.setdefault(path, {})[str(line)] = sorted(tests)
        return Touch(self.seconds, lines, _outside(self.tree))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        # What one test has put into a cache, the next would reach too.
        _forget(self.tree / "src")
        began, self.running = time.process_time(), item.nodeid
        self.coverage.switch_context(item.nodeid)
        result = yield
        self.coverage.switch_context("")
        self.seconds[item.nodeid] = round(time.process_time() - began, 4)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
        if fixturedef.scope == "function":
            return (yield)
        self.coverage.switch_context(self.running + SHARED)
        result = yield
        self.coverage.switch_context(self.running)
        return result


def _forget(sources: Path) -> None:
    for name, module in list(sys.modules.items()):
        if Path(getattr(module, "__file__", None) or "").is_relative_to(sources):
            for each in list(vars(module).values()):
                clear = getattr(each, "cache_clear", None)
                if clear is not None and getattr(each, "__module__", None) == name:
                    clear()


def _outside(tree: Path) -> tuple[str, ...]:
    left = ("coverage", "support", "touchstone")
    files = {name: getattr(module, "__file__", "") for name, module in list(sys.modules.items())}
    return tuple(
        name
        for name, file in files.items()
        if file and "site-packages" in file and not name.startswith(left)
        if not Path(file).is_relative_to(tree)
    )
