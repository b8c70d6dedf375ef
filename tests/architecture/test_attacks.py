"""The table of attacks on the gateway is true: its guards and tests exist; no twin is left out."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
PAGE = ROOT / "docs" / "reference" / "gateway-attacks.md"
PLACES = (ROOT / "src" / "touchstone" / "gateway", ROOT / "src" / "touchstone")
"""Where a guard's name begins."""
TWIN = re.compile(r"test_twin|test_without_the_(?!log)|test_\w+_without_the_guard$")
"""How twins are named. Without the fleet's log is no twin: the log is what is lost."""
COLUMNS = 5


@dataclass(frozen=True)
class Row:
    """One attack."""

    attack: str
    guards: tuple[str, ...]
    probes: tuple[str, ...]
    twins: tuple[str, ...]


def rows(page: str) -> Iterator[Row]:
    """Those of every table on the page."""
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| ") or cells[0] == "attack":
            continue
        assert len(cells) == COLUMNS, line
        named = [tuple(re.findall(r"`([^`]+)`", cell)) for cell in cells]
        yield Row(cells[0], *named[2:])


@cache
def functions(path: Path) -> tuple[frozenset[str], frozenset[str]]:
    """The tests in a file, and every text that it holds: parameters are among them."""
    tree = ast.parse(path.read_text("utf-8"))
    nodes = [*ast.walk(tree)]
    names = {
        node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    texts = {
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return frozenset(names), frozenset(texts)


@cache
def files() -> tuple[Path, ...]:
    return tuple(sorted(TESTS.rglob("test_*.py")))


def wrong_test(name: str) -> str | None:
    """Why a test that the page names is none; None where it is one."""
    found = re.fullmatch(r"([\w/]+\.py)::(\w+)(?:\[(.+)\])?", name)
    if found is None:
        return f"{name}: is not written FILE::TEST or FILE::TEST[PARAMETER]"
    end, test, parameter = found.groups()
    paths = [path for path in files() if f"/{path.relative_to(TESTS)}".endswith(f"/{end}")]
    if len(paths) != 1:
        return f"{name}: {len(paths)} files are called so"
    names, texts = functions(paths[0])
    if test not in names or not test.startswith("test_"):
        return f"{name}: there is no such test in {paths[0].relative_to(ROOT)}"
    if parameter is not None and parameter not in texts:
        return f"{name}: the file does not hold this parameter"
    return None


def is_there(name: str) -> bool:
    """Whether a guard's name leads to something in the source: modules, classes, functions."""
    parts = name.split(".")
    for place in PLACES:
        for cut in range(1, len(parts)):
            module = place.joinpath(*parts[:cut]).with_suffix(".py")
            if module.is_file() and defines(module, parts[cut:]):
                return True
    return False


def defines(module: Path, names: list[str]) -> bool:
    """Whether a module has a class or function, and that one its own."""
    body: list[ast.stmt] = ast.parse(module.read_text("utf-8")).body
    for name in names:
        kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        found = [node for node in body if isinstance(node, kinds) and node.name == name]
        if not found:
            return False
        body = found[-1].body
    return True


def left_out(page: str) -> list[str]:
    """Twins of the gateway's tests, and rows of their table, that the page does not name."""
    named = {name.split("::", 1)[1] for name in re.findall(r"`([^`]+::[^`]+)`", page)}
    plain = {name.partition("[")[0] for name in named}
    kinds = [*(TESTS / "unit" / "gateway").rglob("test_*.py")]
    for folder in (TESTS / "contract").glob("gateway*"):
        kinds += folder.rglob("test_*.py")
    twins = {name for path in kinds for name in functions(path)[0] if TWIN.match(name)}
    guards = {f"{kind}[{name}]" for name in guard_names() for kind in ("test_guard", "test_twin")}
    return sorted((twins - plain) | (guards - named))


def guard_names() -> list[str]:
    """The keys of `GUARDS`, by which tests/contract/gateway/enforcing/test_guards.py goes."""
    path = TESTS / "contract" / "gateway" / "enforcing" / "test_guards.py"
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            (target,) = node.targets
            if isinstance(target, ast.Name) and target.id == "GUARDS":
                return [ast.literal_eval(key) for key in node.value.keys if key is not None]
    return []


ROWS = [*rows(PAGE.read_text("utf-8"))]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.attack)
def test_an_attack_has_a_guard_a_probe_and_a_twin(row: Row):
    assert row.guards
    assert row.probes
    assert row.twins
    assert [name for name in row.guards if not is_there(name)] == []
    assert [why for name in (*row.probes, *row.twins) if (why := wrong_test(name))] == []


def test_no_twin_is_left_out():
    assert len(guard_names()) > len(ROWS) // 4
    assert left_out(PAGE.read_text("utf-8")) == []


# ---------------------------------------------------------------- the checks see their defects
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("test_guards.py::test_guard", "files are called so"),
        ("test_attacks.py", "not written"),
        ("enforcing/test_guards.py::test_gone", "no such test"),
        ("enforcing/test_guards.py::gateway", "no such test"),
        ("enforcing/test_guards.py::test_guard[gone]", "parameter"),
        ("enforcing/test_gone.py::test_guard", "0 files"),
    ],
)
def test_a_test_that_is_none_is_seen(name: str, why: str):
    assert why in (wrong_test(name) or "")


def test_a_guard_that_is_gone_is_seen():
    assert is_there("enforcing.requests.check_head")
    assert is_there("terms.bundle.policy_bundle._check_new")
    assert not is_there("enforcing.requests.check_tail")
    assert not is_there("nowhere.at_all")


def test_a_twin_that_is_left_out_is_seen():
    page = PAGE.read_text("utf-8").replace("test_guard[folding]", "test_guard[x]")
    assert left_out(page.replace("::test_twin_without_the_kill_it_is_still_there", "::x")) == [
        "test_guard[folding]",
        "test_twin_without_the_kill_it_is_still_there",
    ]
