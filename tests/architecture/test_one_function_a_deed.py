"""One function a deed: each type of event is drafted in one place, by values and ids."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from support import parsed
from touchstone.review.events.base import Event
from touchstone.review.events.opening import CaseOpened
from touchstone.review.rules import RULES

SOURCE = Path(__file__).parents[2] / "src" / "touchstone"
FEATURES = ("access", "cases", "designation", "measurement", "reporting", "seeding", "telling")
DEEDS = tuple(SOURCE / "deeds" / f"{each}.py" for each in FEATURES)
LEFT = {
    "party-admitted": "parties join by their own keys: only records of contract 1 have it",
}
"""Types without a function of their own, each with its reason. It only shrinks."""
MOST_LEFT = 1
KINDS: tuple[type[Event], ...] = (CaseOpened, *RULES)
"""Every row of the rules, and what begins a case, which has no row."""
TYPES = {kind.model_fields["type"].default: kind for kind in KINDS}
CLASSES = {kind.__name__: name for name, kind in TYPES.items()}
DRAFT = ("event_of", "worded")
"""What makes an event from plain facts; the class is its second argument."""


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    for node in parsed.tree(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            yield node


def named(node: ast.expr, aliases: dict[str, str]) -> str | None:
    """The type of event whose class an expression names."""
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return CLASSES.get(aliases.get(name, name))


def made(code: Iterable[ast.AST]) -> list[str]:
    """The types of events that code makes: by calling their class, or through `event_of`."""
    aliases = {
        each.targets[0].id: each.value.attr
        for each in code
        if isinstance(each, ast.Assign)
        and isinstance(each.targets[0], ast.Name)
        and isinstance(each.value, ast.Attribute)
    }
    found = []
    for call in code:
        if isinstance(call, ast.Call):
            drafts = getattr(call.func, "id", "") in DRAFT and len(call.args) > 1
            kind = named(call.args[1] if drafts else call.func, aliases)
            found += [kind] if kind else []
    return found


def drafted() -> dict[str, list[str]]:
    """By type, the functions that draft it, as `feature.function`."""
    found = defaultdict(list)
    for path in DEEDS:
        for function in functions(path):
            for kind in made(tuple(ast.walk(function))):
                found[kind].append(f"{path.stem}.{function.name}")
    return found


def test_every_type_has_one_function_that_bears_its_name():
    found = drafted()
    names = {kind: [each.partition(".")[2] for each in found.get(kind, [])] for kind in TYPES}
    due = {kind: [] if kind in LEFT else [kind.replace("-", "_")] for kind in TYPES}
    wrong = {kind: found.get(kind, []) for kind in TYPES if names[kind] != due[kind]}
    assert wrong == {}


def test_what_is_left_only_shrinks():
    assert set(LEFT) <= set(TYPES)
    assert len(LEFT) <= MOST_LEFT
    assert [reason for reason in LEFT.values() if not reason] == []


def test_events_are_made_nowhere_else():
    """Another place that made one would need the same care, and not get it."""
    strangers = [
        str(path.relative_to(SOURCE))
        for path in sorted(SOURCE.rglob("*.py"))
        if path not in DEEDS and made(parsed.nodes(path.read_text("utf-8")))
    ]
    assert strangers == []


@pytest.mark.parametrize("path", DEEDS, ids=lambda path: path.stem)
def test_deeds_take_values_and_give_facts(path: Path):
    """Options, files and lines for people belong to commands and pages."""
    assert faults(path.read_text("utf-8")) == []


def faults(source: str) -> list[str]:
    """What a module of deeds must not have: options, paths, lines, and functions that give less."""
    tree, found = parsed.tree(source), []
    for node in parsed.nodes(source):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "--" in node.value:
            found += [f"{node.lineno}: an option"] if " " not in _option(node.value) else []
        if isinstance(node, ast.Import | ast.ImportFrom) and "pathlib" in ast.unparse(node):
            found.append(f"{node.lineno}: a path")
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print":
            found.append(f"{node.lineno}: a line")
    for function in tree.body:
        if isinstance(function, ast.FunctionDef) and made(tuple(ast.walk(function))):
            gives = function.returns and ast.unparse(function.returns)
            found += [] if gives == "Deed" else [f"{function.name} gives {gives}, and no deed"]
    return found


def _option(text: str) -> str:
    """What follows the first two dashes, up to a space; a space where it is no option."""
    word = text.partition("--")[2].partition(" ")[0]
    return word if word[:1].isalpha() else " "


@pytest.mark.parametrize(
    "source",
    [
        'raise Error("--as: name the agency")',
        'f"--marking {label}: write one"',
        "from pathlib import Path",
        "import pathlib",
        'print("halted")',
        "def halted(case) -> str:\n    return str(settling.CaseClosed(actor=case))",
        "def halted(case):\n    return Deed(event_of(case, settling.CaseClosed, by))",
    ],
)
def test_the_walk_sees_each_fault(source: str):
    assert faults(source)


@pytest.mark.parametrize(
    ("source", "kinds"),
    [
        ("settling.CaseClosed(actor=a)", ["case-closed"]),
        ("event_of(case, settling.CaseClosed, by)", ["case-closed"]),
        ("worded(case, settling.CaseClosed, by, texts={})", ["case-closed"]),
        ("kind = settling.CaseClosed\nevent_of(case, kind, by)", ["case-closed"]),
        ("x: settling.CaseClosed\nisinstance(x, settling.CaseClosed)", []),
        ("record(case, opening.CaseOpened)", []),
        ("opening.CaseOpened(actor=a)", ["case-opened"]),
    ],
)
def test_the_walk_sees_what_is_made(source: str, kinds: list[str]):
    assert made(parsed.nodes(source)) == kinds


def test_types_and_classes_are_each_one():
    assert len(CLASSES) == len(TYPES) == len(RULES) + 1
    assert all(issubclass(kind, Event) for kind in RULES)
