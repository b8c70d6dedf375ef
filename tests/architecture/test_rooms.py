"""Who may import what beyond the layers, and how large a room may grow."""

import ast
import re
import subprocess
import sys
from functools import cache
from itertools import accumulate
from pathlib import Path

import pytest

from support import parsed

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "touchstone"
FEATURES = ("access", "cases", "designation", "measurement", "reporting")
# Only these rooms may import these packages.
OWNERS = {
    "inspect_ai": {"evaluation"},
    "cedarpy": {"terms"},
    "z3": {"terms"},
    # Of the benches one, which counts what is asked of the databases.
    "django": {"records", "service", "server", "portal", "bench"},
    "ninja": {"server"},
    "granian": {"server"},
    "rich": {"cli", "demo", "bench"},
    "cyclopts": {"cli"},
    "vl_convert": {"editions"},
}
# One worker reads the modules, once for all of these tests.
VERIFIER_LINES = 1200
MODULE_LINES = 500
FUNCTION_LINES = 60


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    """What a module says, read once."""
    return parsed.tree(path.read_text())


def nodes(path: Path) -> tuple[ast.AST, ...]:
    return parsed.nodes(path.read_text())


@cache
def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return names


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def test_layers_hold():
    run = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("package", sorted(OWNERS))
def test_only_the_owner_imports(package: str):
    strangers = [
        str(path.relative_to(SOURCE))
        for path in modules()
        if room_of(path) not in OWNERS[package]
        and any(name.split(".")[0] == package for name in imported(path))
    ]
    assert strangers == []


def at_start(path: Path) -> set[str]:
    """What a module imports when it is imported itself, and not only where it is called."""
    return {
        name
        for node in tree(path).body
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        )
    }


def reached(module: str) -> set[str]:
    """All that importing a module of ours imports, as far as modules say at their start."""
    found, waiting = set[str](), [module]
    while waiting:
        name = waiting.pop()
        # A module's packages are imported before it.
        for whole in accumulate(name.split("."), "{}.{}".format):
            place = SOURCE.parent.joinpath(*whole.split("."))
            path = next(
                (p for p in (place / "__init__.py", place.with_suffix(".py")) if p.is_file()), None
            )
            if whole not in found and (path or whole == name):
                found.add(whole)
                waiting += at_start(path) if path else []
    return found


@pytest.mark.parametrize(
    "module",
    [
        "service.cases.case_admin",
        "service.cases.opening",
        "service.cases.agreement",
        "service.reporting.edition_files",
        "planning.forecasting",
        "deeds.seen_case",
        "deeds.measurement",
        "server.examining",
    ],
)
def test_who_measures_nothing_waits_for_no_inspect(module: str):
    """It takes longer to load than all else that a command on a case needs."""
    loaded = reached(f"touchstone.{module}")
    assert loaded & {"inspect_ai", "openai", "scipy.optimize", "scipy.stats"} == set()
    assert len(loaded) > 50, "a module that has moved reaches nothing"


def test_who_asks_what_is_next_waits_for_nothing_that_calculates():
    """`touchstone next` answers within a second from a cold start."""
    loaded = reached("touchstone.service.reporting.next_here") | reached("touchstone.cli.app")
    assert loaded & {"numpy", "scipy", "inspect_ai", "icalendar", "jinja2"} == set()
    # Nor for what decides by terms, answers, or asks others.
    engines = {"cedarpy", "z3", "httpx", "ninja", "granian", "django.http", "django.urls"}
    assert loaded & engines == set()
    rooms = {"bench", "client", "demo", "evaluation", "gateway", "planning", "server", "witness"}
    named = {"terms.bundle.policy_bundle", "terms.document", "terms.policy", *rooms}
    assert loaded & {f"touchstone.{each}" for each in named} == set()
    assert len(loaded) > 50, "a module that has moved reaches nothing"


@pytest.mark.parametrize("module", ["seen_case", *FEATURES])
def test_who_drafts_and_signs_needs_no_database(module: str):
    """A party's own machine has no installation: see the contract in pyproject.toml, too."""
    loaded = reached(f"touchstone.deeds.{module}")
    assert loaded & {"django", "django.db", "touchstone.records", "touchstone.service"} == set()
    assert len(loaded) > 50, "a module that has moved reaches nothing"


def test_twin_who_records_reaches_the_database():
    assert {"django.db", "touchstone.records"} <= reached("touchstone.service.commit")


def test_twin_who_measures_reaches_inspect():
    assert "inspect_ai" in reached("touchstone.service.reviews.reviewing")


def test_verifier_stands_alone():
    """The standard library and `cryptography`, no other room, and short enough to read."""
    paths = [path for path in modules() if room_of(path) == "verifier"]
    foreign = {
        name
        for path in paths
        for name in imported(path)
        if name.split(".")[0] not in sys.stdlib_module_names | {"cryptography"}
        and not name.startswith("touchstone.verifier")
    }
    assert foreign == set()
    assert sum(len(code_lines(path.read_text())) for path in paths) <= VERIFIER_LINES


def code_lines(source: str) -> set[int]:
    """The lines that hold code: what is left without blank lines, comments and docstrings."""
    described = {
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and ast.get_docstring(node) is not None
        for line in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)
    }
    return {
        number
        for number, line in enumerate(source.splitlines(), start=1)
        if line.strip() and not line.strip().startswith("#")
    } - described


def test_code_lines_leaves_out_what_only_explains():
    source = '"""A\nB"""\n\n# why\nx = 1  # what\n\ndef f():\n    """D"""\n    return x\n'
    assert code_lines(source) == {5, 7, 9}


def test_modules_stay_readable():
    long = [
        f"{path.relative_to(SOURCE)}: {lines}"
        for path in modules()
        if (lines := path.read_text().count("\n")) > MODULE_LINES
    ]
    assert long == []


def test_functions_stay_readable():
    long = [
        f"{path.relative_to(SOURCE)}:{node.lineno} {node.name}"
        for path in modules()
        for node in nodes(path)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (node.end_lineno or node.lineno) - node.lineno > FUNCTION_LINES
    ]
    assert long == []


def test_every_room_says_what_it_is_for():
    silent = [
        room.name
        for room in SOURCE.iterdir()
        if (room / "__init__.py").is_file() and not ast.get_docstring(tree(room / "__init__.py"))
    ]
    assert silent == []


CORE = {
    "handin",
    "ledger",
    "framework",
    "review",
    "clearance",
    "terms",
    "statistics",
    "verdicts",
    "planning",
}
OURS = {"property", "cached_property", "classmethod", "staticmethod", "cache"}


def called_by_nobody_else(made: ast.FunctionDef) -> bool:
    """Whether only our own code can call it: no library does, by a decorator or a known name."""
    # Found by its number, by `upcasters`.
    if re.fullmatch(r"upcast_v\d+_v\d+", made.name):
        return False
    by = {ast.unparse(each).split("(")[0].split(".")[-1] for each in made.decorator_list}
    return by <= OURS and not made.name.startswith("__")


def test_what_the_core_makes_is_used():
    """A rule that nothing follows looks as if it held; the one that acts may say otherwise.

    What a room's `__all__` names, or a contract's of the record, is for other programs too.
    """
    used = {
        name
        for path in modules()
        for node in nodes(path)
        for name in (getattr(node, "id", None), getattr(node, "attr", None))
    }
    named = (*SOURCE.glob("*/__init__.py"), *SOURCE.glob("ledger/contract*/__init__.py"))
    for path in named:
        used |= {node.value for node in nodes(path) if isinstance(node, ast.Constant)}
    for page in SOURCE.rglob("*.html"):
        used |= set(re.findall(r"\w+", page.read_text()))
    idle = [
        f"{room_of(path)}: {node.name}"
        for path in modules()
        if room_of(path) in CORE
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef)
        and called_by_nobody_else(node)
        and node.name not in used
    ]
    assert idle == []


def bound_at_the_top(module: ast.Module) -> set[str]:
    """The functions, classes and names that a module's own body makes."""
    made = {
        node.name
        for node in module.body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        and not node.decorator_list
    }
    for node in module.body:
        targets = (
            node.targets
            if isinstance(node, ast.Assign)
            else [node.target]
            if isinstance(node, ast.AnnAssign)
            else []
        )
        made |= {each.id for each in targets if isinstance(each, ast.Name)}
    return made


def idle_names(read: dict[Path, ast.Module]) -> list[str]:
    """Private names and constants, made at the top of a module, that no module uses."""
    used = {
        name
        for module in read.values()
        for node in ast.walk(module)
        if not isinstance(getattr(node, "ctx", None), ast.Store)
        for name in (
            getattr(node, "id", None),
            getattr(node, "attr", None),
            *(alias.name for alias in getattr(node, "names", []) if isinstance(alias, ast.alias)),
        )
    }
    return sorted(
        f"{path.name}: {name}"
        for path, module in read.items()
        for name in bound_at_the_top(module) - used
        if (name.startswith("_") or name.isupper()) and not name.startswith("__")
    )


def test_private_names_and_constants_are_used():
    """What nobody calls may have been meant to act: a setting that is never applied, say."""
    assert idle_names({path: tree(path) for path in modules()}) == []


def test_an_idle_name_is_seen():
    source = "_A = 1\nB = 2\n_C: int = 3\ndef _less(): return B\nclass _D: ...\ndef f(): return _D"
    assert idle_names({Path("x.py"): ast.parse(source)}) == ["x.py: _A", "x.py: _C", "x.py: _less"]
    used = "from x import _A, _C, _less"
    assert idle_names({Path("x.py"): ast.parse(source), Path("y.py"): ast.parse(used)}) == []
