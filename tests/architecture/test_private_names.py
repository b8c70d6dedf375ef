"""Private names of Inspect and aiohttp stand behind one module each: upgrades are met there."""

import ast
import importlib
import re
from pathlib import Path

import pytest

from support import parsed

SOURCE = Path(__file__).parents[2] / "src" / "touchstone"
SEAMS = {
    "inspect_ai": SOURCE / "evaluation" / "inspect_seam.py",
    "aiohttp": SOURCE / "gateway" / "aiohttp_seam.py",
}
TESTS = Path(__file__).parents[1]
MOST_REACHED = 86
"""Private names of others that tests read or call. It only falls: what a name does is tested
through what is public. (Twins that take a guard away name it in a text, and are not counted.)"""
REACHED = re.compile(r"_[A-Za-z]\w*")
DOCUMENTED = {"_exit", "_asdict", "_replace"}
PRIVATE = re.compile(r"_[a-z]\w*")


def private_imports(source: str, library: str) -> list[str]:
    """Private modules and names of a library that a module imports, or names in a text."""
    found = []
    for node in parsed.nodes(source):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{each.name}" for each in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names = [node.value] if re.fullmatch(r"[\w.]+", node.value) else []
        found += [
            name
            for name in names
            if name.split(".")[0] == library and any(map(PRIVATE.fullmatch, name.split(".")))
        ]
    return found


def private_attributes(source: str, module: object, library: str) -> list[str]:
    """Private names of the library's classes that subclasses in a module reach for or define."""
    found = []
    for node in parsed.nodes(source):
        kind = getattr(module, node.name, None) if isinstance(node, ast.ClassDef) else None
        if not isinstance(kind, type):
            continue
        theirs = {
            name
            for base in kind.__mro__
            if base.__module__.split(".")[0] == library
            for name in {*dir(base), *_given(base)}
            if PRIVATE.fullmatch(name)
        }
        found += [
            f"{kind.__name__}.{name}"
            for inner in ast.walk(node)
            if (name := getattr(inner, "attr", None) or getattr(inner, "name", None)) in theirs
        ]
    return found


def _given(base: type) -> set[str]:
    """What a class gives its instances without a slot: `self._x = ...` in its own code."""
    path = getattr(importlib.import_module(base.__module__), "__file__", None)
    text = Path(path).read_text("utf-8") if path and path.endswith(".py") else ""
    return set(re.findall(r"self\.(_[a-z]\w*)(?:: [^=\n]+)? = ", text))


def users(library: str) -> list[Path]:
    """The modules of the room that uses a library: its subclasses stand there."""
    room = SEAMS[library].parent
    return [path for path in sorted(room.rglob("*.py")) if path != SEAMS[library]]


@pytest.mark.parametrize("library", SEAMS)
def test_only_the_seam_imports_private_names(library: str):
    found = {
        str(path.relative_to(SOURCE)): names
        for path in sorted(SOURCE.rglob("*.py"))
        if path != SEAMS[library] and (names := private_imports(path.read_text("utf-8"), library))
    }
    assert found == {}
    assert private_imports(SEAMS[library].read_text("utf-8"), library) or library == "aiohttp"


@pytest.mark.parametrize("library", SEAMS)
def test_no_subclass_reaches_behind_the_seam(library: str):
    found = []
    for path in users(library):
        text = path.read_text("utf-8")
        if re.search(r"^class \w+\((?!str|Exception)", text, re.MULTILINE) and (
            library in text or SEAMS[library].stem in text or "enforcing.server" in text
        ):
            name = ".".join(("touchstone", *path.relative_to(SOURCE).with_suffix("").parts))
            if path.stem.startswith("__"):
                continue
            found += private_attributes(text, importlib.import_module(name), library)
    assert found == []


def test_the_walk_sees_each_kind():
    assert private_imports("from inspect_ai._util.x import y", "inspect_ai")
    assert private_imports("from inspect_ai.util import _x", "inspect_ai")
    assert private_imports("import inspect_ai.model._model as m", "inspect_ai")
    assert private_imports("NAMES = ('inspect_ai.agent._acp',)", "inspect_ai")
    assert not private_imports("from inspect_ai.model import x", "inspect_ai")
    seam = importlib.import_module("touchstone.gateway.aiohttp_seam")
    told = private_attributes(SEAMS["aiohttp"].read_text("utf-8"), seam, "aiohttp")
    assert {"OpenHandler._loop", "OpenHandler._request_count", "OpenServer._loop"} <= {*told}


def reached(source: str) -> list[str]:
    """Private names of others that a test reads, calls or imports."""
    found = []
    for node in parsed.nodes(source):
        if isinstance(node, ast.ImportFrom):
            found += [each.name for each in node.names if REACHED.fullmatch(each.name)]
        elif isinstance(node, ast.Attribute) and REACHED.fullmatch(node.attr):
            own = isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}
            found += [] if own or node.attr in DOCUMENTED else [node.attr]
    return found


def test_tests_reach_for_ever_fewer_private_names():
    found = {
        str(path.relative_to(TESTS)): names
        for path in sorted(TESTS.rglob("*.py"))
        if (names := reached(path.read_text("utf-8")))
    }
    assert sum(map(len, found.values())) <= MOST_REACHED, found


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("from x import _y", 1),
        ("thing._inner._more", 2),
        ("self._own + cls._own + os._exit(1) + pair._asdict()", 0),
        ("patch.setattr(module, '_guard', lambda: None)", 0),
        ("self.thing._inner()", 1),
    ],
)
def test_the_count_sees_each_kind(source: str, count: int):
    assert len(reached(source)) == count
