"""Where code and templates ask for sentences of the catalogue, as their source says it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from jinja2 import Environment, nodes

import touchstone
from support import parsed
from touchstone.editions.sentences import Catalogue
from touchstone.editions.sentences.catalogue import JOINS, WRITERS, texts

SOURCE = Path(touchstone.__file__).parent
TEMPLATES = SOURCE / "editions" / "page" / "templates"
CALLS = {"sentence", "markup", "say"}
SPECS = {*WRITERS, "day", "long-day", *JOINS}


@dataclass(frozen=True)
class Use:
    """One place that asks for a sentence."""

    where: str
    key: str
    """The key; only its beginning, where the rest is a word of a closed list."""
    values: frozenset[str] | None
    """The names of the values; None where they are not spelt there."""
    family: bool = False
    """Whether `key` is a beginning."""


def keys_of(node: ast.expr) -> Iterator[tuple[str, bool]]:
    """The keys that an argument may be, each whole or as a beginning."""
    match node:
        case ast.Constant(value=str(key)):
            yield key, False
        case ast.IfExp(body=one, orelse=other):
            yield from keys_of(one)
            yield from keys_of(other)
        case ast.JoinedStr(values=[ast.Constant(value=str(head)), *_]) if head.endswith("."):
            yield head, True
        case _:
            yield "", False


def in_python(source: str, where: str) -> Iterator[Use]:
    """The uses in a module; one whose key cannot be read has an empty key."""
    for node in parsed.nodes(source):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        if getattr(node.func, "id", getattr(node.func, "attr", "")) not in CALLS:
            continue
        named = frozenset(each.arg for each in node.keywords if each.arg)
        values = named if len(named) == len(node.keywords) else None
        for key, family in keys_of(node.args[0]):
            yield Use(f"{where}:{node.lineno}", key, None if family else values, family)


def in_template(source: str, where: str) -> Iterator[Use]:
    """The uses in a template: `say("key", name=value)`."""
    for node in Environment(autoescape=True).parse(source).find_all(nodes.Call):
        if not isinstance(node.node, nodes.Name) or node.node.name != "say":
            continue
        first = node.args[0]
        keys = [first.expr1, first.expr2] if isinstance(first, nodes.CondExpr) else [first]
        for key in keys:
            spelt = key.value if isinstance(key, nodes.Const) else ""
            values = frozenset(each.key for each in node.kwargs)
            yield Use(f"{where}:{node.lineno}", spelt, values)


def uses() -> list[Use]:
    """All of them."""
    found: list[Use] = []
    for file in sorted(SOURCE.rglob("*.py")):
        source = file.read_text("utf-8")
        if (
            "from touchstone.editions.sentences import" in source
            and file.parent.name != "sentences"
        ):
            found += in_python(source, str(file.relative_to(SOURCE)))
    for file in sorted(TEMPLATES.glob("*.html")):
        found += in_template(file.read_text("utf-8"), file.name)
    return found


def named_by(catalogue: Catalogue) -> set[str]:
    """The messages that other messages name for a value, and those that lists and days need."""
    found = {"list.comma", "list.last", "list.semicolon", "list.stop", "date.short", "date.long"}
    for node in catalogue.messages.values():
        for text in texts(node):
            specs = {spec for _, _, spec, _ in Formatter().parse(text) if spec}
            found |= {spec.removesuffix("^") for spec in specs - SPECS}
    return found
