"""Which tests reach which line of a room: measured once for each state of room and tests."""

import hashlib
import json
import sys
import time
from collections.abc import Generator, Mapping, Sequence
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


def states(
    tree: Path, sources: Sequence[str], tests: Sequence[str], slow: Sequence[str]
) -> dict[str, str]:
    """Each file of tests, by its path below `tree`, and a digest of what it says of the sources."""
    files = [each for test in tests for each in _python(tree / test)]
    shared = [each for source in sources for each in _python(tree / "src" / source)]
    shared += [each for each in files if each.name == "conftest.py"]
    said = "".join(f"{each.relative_to(tree)} {_digest(each)}" for each in shared) + str(slow)
    return {
        str(each.relative_to(tree)): hashlib.sha256(f"{said} {_digest(each)}".encode()).hexdigest()
        for each in files
        if each.name.startswith("test_")
    }


def _python(path: Path) -> list[Path]:
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load(path: Path) -> Touch:
    """What was kept."""
    found = json.loads(path.read_text("utf-8"))
    return Touch(found["seconds"], found["lines"], tuple(found["modules"]))


def merge(several: Sequence[Touch]) -> Touch:
    """What several files of tests showed, together."""
    seconds: dict[str, float] = {}
    lines: dict[str, dict[str, list[str]]] = {}
    for each in several:
        seconds |= each.seconds
        for path, found in each.lines.items():
            for line, tests in found.items():
                lines.setdefault(path, {}).setdefault(line, []).extend(tests)
    modules = dict.fromkeys(name for each in several for name in each.modules)
    return Touch(seconds, lines, tuple(modules))


class Recorder:
    """A pytest plugin that notes, while the tests run, which of them is running."""

    def __init__(self, tree: Path, sources: Sequence[str], slow: Sequence[str]) -> None:
        self.tree, self.slow = tree, slow
        self.seconds: dict[str, float] = {}
        self.running = ""
        paths = [tree / "src" / each for each in sources]
        include = [str(each / "*" if each.is_dir() else each) for each in paths]
        self.coverage = coverage.Coverage(data_file=None, config_file=False, include=include)

    def run(self, arguments: Sequence[str], keep: Mapping[str, Path]) -> int:
        """Run files of tests; keep what each showed if all pass. The exit code is pytest's."""
        self.coverage.start()
        code = int(pytest.main([*arguments, *keep], plugins=[self]))
        self.coverage.stop()
        if code == 0:
            whole = self._touch()
            for file, path in keep.items():
                path.write_text(json.dumps(asdict(_of(whole, file))), "utf-8")
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

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [each for each in items if not self._is_slow(each)]

    def _is_slow(self, item: pytest.Item) -> bool:
        names = {part.split("[")[0] for part in item.nodeid.split("::")[1:]}
        return not names.isdisjoint(self.slow)

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


def _of(whole: Touch, file: str) -> Touch:
    """What one file of tests showed, and what import alone did."""
    seconds = {each: took for each, took in whole.seconds.items() if each.startswith(f"{file}::")}
    lines = {
        path: {
            line: kept
            for line, tests in found.items()
            if (kept := [each for each in tests if not each or each in seconds])
        }
        for path, found in whole.lines.items()
    }
    return Touch(seconds, lines, whole.modules)


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
