"""Write docs/reference/events.md from the events, rules and guards of the review room.

python scripts/make_events_reference.py           writes the page
python scripts/make_events_reference.py --check   says whether the page is current
"""

import ast
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from types import ModuleType

from touchstone.ledger import MAX_PART
from touchstone.review import LAYOUTS, shapes
from touchstone.review.events import (
    base,
    detecting,
    joining,
    judging,
    measuring,
    opening,
    parting,
    seeding,
    settling,
    telling,
)
from touchstone.review.events.base import Event
from touchstone.review.events.opening import CaseOpened
from touchstone.review.parts import Part
from touchstone.review.rule import Guard
from touchstone.review.rules import OPENING, RULES
from touchstone.review.topics import PEOPLE, Topics
from touchstone.review.wording import CLAUSES, FAULTS, WHOLE

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "events.md"
THEMES = {
    "How a case begins": opening,
    "Keys": joining,
    "Leaving": parting,
    "Seeds": seeding,
    "Measuring": measuring,
    "What detectors flag": detecting,
    "Judging": judging,
    "Telling": telling,
    "Settling": settling,
}
HIDDEN = (shapes.Shape, shapes.EvidenceShape)
SHAPES = """\
What readers rely on in a content part: a JSON object with these keys. A key in brackets may be left
out; except in Document and Receipt, keys that this version does not know are kept. A Framework is
[its file](framework-file.md) as JSON, without what equals its default."""
REFUSALS = """\
A refusal has a code, which names what is wrong, and data: what stands in braces below, with the
deed's `deed`, `actor`, `roles` and `statuses`. The answer that the server signs has the code with
`law-` before it, as `law-clock-ended`; the codes stay, and each event says which are its own. A
clause without `{deed}` follows whose the deed is and when, as `clock-paused is for the developer or
centre, while the case is open; the clock has ended`
([ADR 274](../adr/0274-the-laws-refusals-have-codes.md))."""
ILL_FORMED = """\
What cannot be read, or fits no case whoever signs it, has a code and data as well. The signed
answer has `event-`, `layout-` or `law-` before it, by the step that saw it, as
`layout-part-missing`
([ADR 305](../adr/0305-ill-formed-deeds-have-codes.md))."""
BOUNDS = {"ge": "at least {}", "le": "at most {}", "lt": "below {}"}
TOP = """# Events

Written by `scripts/make_events_reference.py` from the code; a test says when it is not current.

Part 0 of every entry of a case's record is one of these events. A case is what its events fold to,
and nothing else. [What may happen to a case](../explanation/review.md) explains why the rules are
as they are; [the record format](record-format.md) says how events are kept.

Fields that this version does not know are kept as they came. `?` marks a field that may be left
out. What goes with an event beside part 0 stands in a table of parts, in their order; after them
comes the deed part, the signature. A deed is recorded only if all of that agrees
([ADR 221](../adr/0221-layouts-say-what-goes-with-a-deed.md)). What a deed touches and must name are
its topics in [record format 2](record-format-2.md)
([ADR 238](../adr/0238-topics-are-a-column-of-the-rules.md)).

Besides its own fields every event has these:
"""


def fields(node: ast.ClassDef) -> Iterator[tuple[str, ast.AnnAssign, str]]:
    """(name, field, docstring) of each field of a class but `type`."""
    for field, after in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(field, ast.AnnAssign) and ast.unparse(field.target) != "type":
            if not (isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)):
                raise SystemExit(f"{node.name}.{ast.unparse(field.target)}: write its docstring")
            yield ast.unparse(field.target), field, " ".join(str(after.value.value).split())


def kind(annotation: ast.expr, module: ModuleType) -> str:
    """A type as a reader of the record sees it."""
    if isinstance(annotation, ast.BinOp):
        return f"{kind(annotation.left, module)} or {kind(annotation.right, module)}"
    if isinstance(annotation, ast.Constant):
        return "null" if annotation.value is None else "`" + ast.literal_eval(annotation) + "`"
    if isinstance(annotation, ast.Subscript):
        inner = annotation.slice
        parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        outer = ast.unparse(annotation.value)
        if outer == "Literal":
            return ", ".join(kind(part, module) for part in parts)
        if outer == "tuple":
            many = ast.unparse(parts[-1]) == "..."
            first = kind(parts[0], module)
            return f"list of {first}" if many else f"list of {len(parts)}: {first}"
        return ", ".join([kind(parts[0], module), *bounds(parts[1:], module)])
    return named(ast.unparse(annotation), module)


def named(name: str, module: ModuleType) -> str:
    """A type that stands under a name, or the members of one that is a closed list."""
    meant = getattr(module, name, None)
    if isinstance(meant, type) and issubclass(meant, StrEnum):
        return ", ".join(f"`{word}`" for word in meant)
    return {"bool": "true or false", "int": "whole number", "str": "text"}.get(name, name)


def bounds(extras: list[ast.expr], module: ModuleType) -> Iterator[str]:
    """The limits of an annotated number, in words."""
    for extra in extras:
        for limit in extra.keywords if isinstance(extra, ast.Call) else []:
            shown = ast.unparse(limit.value)
            yield BOUNDS[limit.arg or ""].format(getattr(module, shown, shown))


def table(node: ast.ClassDef, module: ModuleType) -> list[str]:
    """The fields of a class as a table; nothing if it has none."""
    versions = "1" if module is base else "1 or 2"
    texts = any(ast.unparse(each) == "EventWithTexts" for each in node.bases)
    older = "2; older records have 1, and the words themselves in the place of their digests"
    rows = [f"| `schema` | {older} | The version of its fields. |"] if texts else []
    rows += [
        f"| `{'schema' if name == 'schema_version' else name}`"
        f"{'?' if field.value and name != 'schema_version' else ''} "
        f"| {versions if name == 'schema_version' else kind(field.annotation, module)} | {told} |"
        for name, field, told in fields(node)
    ]
    return ["", "| field | value | meaning |", "|---|---|---|", *rows] if rows else []


def classes(module: ModuleType) -> list[ast.ClassDef]:
    """The classes of a module, in order."""
    tree = ast.parse(inspect.getsource(module))
    return [node for node in tree.body if isinstance(node, ast.ClassDef)]


def kinds_of_value(module: ModuleType) -> list[str]:
    """The named kinds of value of a module with their docstrings, as list items."""
    body = ast.parse(inspect.getsource(module)).body
    found = []
    for node, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.Assign) and isinstance(after, ast.Expr):
            name, value = ast.unparse(node.targets[0]), node.value
            if isinstance(value, ast.Subscript) and isinstance(after.value, ast.Constant):
                words = ast.unparse(value.value) == "Literal"
                listed = f" One of {kind(value, module)}." if words else ""
                told = " ".join(str(after.value.value).split())
                found.append(f"- **{name}**: {told}{listed}")
    return found


def section(node: ast.ClassDef, module: ModuleType) -> list[str]:
    """One event: what it is, who may do it and when, its fields and what else must hold."""
    event: type[Event] = getattr(module, node.name)
    told = " ".join((ast.get_docstring(node) or "").split())
    lines = ["", f"### {event.model_fields['type'].default}", "", told, ""]
    if event is CaseOpened:
        sentence, guards, topics = "for the developer or centre, once", [], OPENING
    else:
        rule = RULES[event]
        sentence, topics = rule.sentence, rule.topics
        guards = [
            f"{' '.join((guard.__doc__ or '').split())} "
            f"{', '.join(f'`{code}`' for code in codes_of(guard))}"
            for guard in rule.guards
        ]
    lines.append(f"*{sentence[0].upper()}{sentence[1:]}.*")
    lines += [*table(node, module), *parts(event), "", touched(topics)]
    return [*lines, "", "Besides:", "", *(f"- {each}" for each in guards)] if guards else lines


def codes_of(guard: Guard) -> list[str]:
    """The codes of the grounds that a guard gives, by itself or by what it calls in its module."""
    module = inspect.getmodule(guard)
    body = ast.parse(inspect.getsource(module)).body if module else []
    named: dict[str, ast.stmt] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef):
            named[node.name] = node
        elif isinstance(node, ast.Assign):
            named[ast.unparse(node.targets[0])] = node
    found: list[str] = []
    waiting = [guard.__name__]
    while waiting:
        node = named.pop(waiting.pop(0), None)
        for each in ast.walk(node) if node else ():
            if isinstance(each, ast.Name):
                waiting.append(each.id)
            elif isinstance(each, ast.Constant) and each.value in CLAUSES:
                found.append(str(each.value))
    return list(dict.fromkeys(found))


def touched(topics: Topics) -> str:
    """What a deed of contract 2 touches, and what it must name."""
    touches = [each.pattern for each in topics.touches] + [PEOPLE] * topics.by_people
    lists = {"Touches": touches, "must name": [each.pattern for each in topics.must_name]}
    told = [
        f"{verb} {' and '.join(f'`{each}`' for each in names)}"
        for verb, names in lists.items()
        if names
    ]
    return f"{'; '.join(told + ['exact'] * topics.exact) or 'Touches nothing'}."


def parts(event: type[Event]) -> list[str]:
    """What goes with an event, in order, and what its other digests are of."""
    layout = LAYOUTS[event]
    lines = [
        "",
        "| part | kind | holds | there | facts that are its digest |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{part.name}` | {part.kind} | {holds(part)} | {there(part)} "
        f"| {'; '.join(f'`{fact}`: {said(by)}' for fact, by in part.digests.items())} |"
        for part in layout.parts
    ]
    lines = lines if layout.parts else []
    if layout.agrees is not None:
        lines += ["", f"*{said(layout.agrees)}.*"]
    if layout.elsewhere:
        lines += ["", *(f"`{fact}`: {of}." for fact, of in layout.elsewhere.items())]
    return lines


def holds(part: Part) -> str:
    """What is in a part, and how much at most."""
    if part.kind == "evidence":
        return f"at most {part.most:,} bytes"
    return f"[{plain(part.shape)}](#shapes-of-content)" + (
        f", at most {part.most:,} bytes" if part.most < MAX_PART else ""
    )


def plain(shape: type) -> str:
    """A shape's name on the page."""
    return shape.__name__.removesuffix("Shape")


def there(part: Part) -> str:
    """When a part is there."""
    when = lower(said(part.needed))
    if part.recorded is None:
        return when
    return f"{when}; left out only where {lower(said(part.recorded))}"


def said(function: Callable[..., object]) -> str:
    """The first sentence of a docstring, without its full stop."""
    return " ".join((function.__doc__ or "").split()).removesuffix(".")


def lower(text: str) -> str:
    """With a small first letter."""
    return text[:1].lower() + text[1:]


def shown_shapes() -> list[str]:
    """Each shape with its keys; a key in brackets may be left out, and unknown ones are kept."""
    lines = []
    for shape in vars(shapes).values():
        if isinstance(shape, type) and issubclass(shape, shapes.Shape) and shape not in HIDDEN:
            told = " ".join((shape.__doc__ or "").split())
            keys = ", ".join(
                f"`{key}`" if field.is_required() else f"(`{key}`)"
                for key, field in shape.model_fields.items()
            )
            lines.append(f"- **{plain(shape)}**: {told} {keys}.")
    return lines


def refusals(sentences: Mapping[str, str]) -> list[str]:
    """Each code of a refusal, with what is said."""
    rows = [f"| `{code}` | `{text}` |" for code, text in sentences.items()]
    return ["| code | what is said |", "|---|---|", *rows]


def page() -> str:
    """The whole page."""
    (top,) = [node for node in classes(base) if node.name == "Event"]
    lines = [TOP.rstrip(), *table(top, base)]
    groups: list[str] = []
    for title, module in THEMES.items():
        lines += ["", f"## {title}"]
        for node in classes(module):
            parent = ast.unparse(node.bases[0])
            if parent in ("Event", "EventWithTexts"):
                lines += section(node, module)
            elif parent == "Facts":
                told = " ".join((ast.get_docstring(node) or "").split())
                groups += ["", f"### {node.name}", "", told, *table(node, module)]
    lines += ["", "## When the law refuses", "", REFUSALS, "", *refusals({**WHOLE, **CLAUSES})]
    lines += ["", "## When a deed is ill-formed", "", ILL_FORMED, "", *refusals(FAULTS)]
    lines += ["", "## Shapes of content", "", SHAPES, "", *shown_shapes()]
    lines += ["", "## Groups of facts", *groups, "", "## Kinds of value", ""]
    for module in (base, *THEMES.values()):
        lines += kinds_of_value(module)
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Write the page, or with `--check` compare it."""
    if arguments == ["--check"]:
        current = PAGE.is_file() and PAGE.read_text("utf-8") == page()
        print("current" if current else "not current: run python scripts/make_events_reference.py")
        return 0 if current else 1
    PAGE.write_text(page(), "utf-8")
    print(f"wrote {PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
