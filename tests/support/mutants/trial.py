"""A copy of the tree with one mutant in it, and tests run on it in a process of their own."""

import compileall
import gc
import importlib
import io
import multiprocessing
import os
import py_compile
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.mutants.operators import Mutant
from support.mutants.touch import Recorder

PLAIN = (
    "-x",
    "-q",
    "--no-header",
    "--tb=line",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:xdist",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
)
WALL = 20.0
"""A mutant may take so many times its limit of processor time by the clock: machines are shared."""
MEMORY = 12 << 30
_fork = multiprocessing.get_context("fork")


class CampaignError(Exception):
    """The campaign cannot begin, or its instrument does not work."""


@dataclass(frozen=True)
class Tree:
    """A copy of a checkout's sources and tests, which a mutant may spoil."""

    folder: Path

    @classmethod
    def copy(cls, root: Path, folder: Path) -> "Tree":
        """Copy what the tests read."""
        folder.mkdir(parents=True)
        for name in ("src", "tests", "docs", "scripts"):
            if (root / name).is_dir():
                skip = shutil.ignore_patterns("__pycache__", "*.egg-info")
                shutil.copytree(root / name, folder / name, ignore=skip)
        for name in ("pyproject.toml", "README.md"):
            if (root / name).exists():
                shutil.copy(root / name, folder / name)
        # Compiled files are told apart by content: two mutants of one second and size are not one.
        compileall.compile_dir(
            folder / "src", quiet=2, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH
        )
        return cls(folder)

    def spoil(self, mutant: Mutant) -> None:
        """Put the mutant in; the source as it was lies beside it."""
        file = self.folder / "src" / mutant.place.split("::")[0]
        source = file.read_bytes()
        if source[mutant.start : mutant.end].decode() != mutant.was:
            raise CampaignError(f"{file.name} was changed while the campaign began")
        file.with_suffix(".kept").write_bytes(source)
        file.write_bytes(mutant.apply(source))

    def restore(self, mutant: Mutant) -> None:
        """Take the mutant out."""
        file = self.folder / "src" / mutant.place.split("::")[0]
        file.with_suffix(".kept").replace(file)

    def measure(
        self, sources: Sequence[str], keep: Mapping[str, Path], slow: Sequence[str]
    ) -> "Run":
        """Run files of tests on the sources as they are, and keep what each reaches."""
        return Run(self, lambda: Recorder(self.folder, sources, slow).run(PLAIN, keep), 3600.0)

    def run(self, chosen: Sequence[str], limit: float) -> "Run":
        """Run chosen tests, by their ids and in their order; `limit` is in processor seconds."""
        files = list(dict.fromkeys(each.split("::")[0] for each in chosen))
        return Run(self, lambda: int(pytest.main([*PLAIN, *files], [_Only(chosen)])), limit)


class _Only:
    """A pytest plugin that runs chosen tests in a given order."""

    def __init__(self, chosen: Sequence[str]) -> None:
        self.places = {test: place for place, test in enumerate(chosen)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        kept = [each for each in items if each.nodeid in self.places]
        items[:] = sorted(kept, key=lambda each: self.places[each.nodeid])


class Run:
    """Tests that are running, or have run, in a process of their own."""

    def __init__(self, tree: Tree, what: Callable[[], int], limit: float) -> None:
        self.log = tree.folder / "log.txt"
        self.ends = time.monotonic() + limit * WALL
        self.process = _fork.Process(target=_inside, args=(tree.folder, self.log, what, limit))
        self.process.start()

    def over(self) -> bool:
        """Whether it has ended, by itself or because its time is over."""
        if self.process.exitcode is None and time.monotonic() > self.ends:
            self.kill()
        return self.process.exitcode is not None

    def kill(self) -> None:
        """End it and all that it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid or 0, signal.SIGKILL)
        self.process.kill()
        self.process.join()

    @property
    def code(self) -> int:
        """pytest's exit code; negative where a signal ended it."""
        return self.process.exitcode if self.process.exitcode is not None else -signal.SIGKILL

    @property
    def killer(self) -> str:
        """The test that failed, as pytest names it, or the last line of what it said."""
        lines = self.log.read_text("utf-8", "replace").splitlines()
        failed = [each for each in lines if each.startswith(("FAILED", "ERROR"))]
        return (failed or lines or [""])[-1].split(" - ")[0]


def warm(modules: Iterable[str]) -> None:
    """Import what every trial would, so that its process begins with it."""
    for name in modules:
        # What does not load alone is left to the tests that need it.
        with suppress(Exception):
            importlib.import_module(name)
    # Nothing of it is garbage, so no trial need look through it.
    gc.freeze()


def _inside(folder: Path, log: Path, what: Callable[[], int], limit: float) -> None:
    os.setsid()
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(out, 1)
    os.dup2(out, 2)
    sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", 0, closefd=False), write_through=True)
    sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", 0, closefd=False), write_through=True)
    seconds = int(limit) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    home = folder / "home"
    home.mkdir(exist_ok=True)
    os.environ.pop("TOUCHSTONE_DATABASE", None)
    os.environ.update(
        PYTHONPATH=f"{folder / 'src'}:{folder / 'tests'}",
        HOME=str(home),
        TMPDIR=str(home),
        HYPOTHESIS_PROFILE="mutants",
    )
    os.chdir(folder)
    # The campaign's own `support` package is the working tree's; the tests want the copy's.
    outer = [each for each in sys.modules if each.split(".")[0] in {"support", "touchstone"}]
    for name in outer:
        del sys.modules[name]
    sys.path[:] = [
        each for each in sys.path if not each.endswith(("/src", "/tests", "src", "tests"))
    ]
    try:
        code = what()
    except BaseException:  # noqa: BLE001 - whatever it is, the log must say it
        traceback.print_exc()
        code = 70
    os._exit(code)
