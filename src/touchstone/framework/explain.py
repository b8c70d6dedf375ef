"""What is wrong with a framework's content, in one sentence that names the place and the fix."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from touchstone.framework.framework import Framework
from touchstone.framework.kinds import nearest
from touchstone.framework.models import (
    DeclaredCriterion,
    Designation,
    Fact,
    FrameworkParty,
    HandIn,
    NumericCriterion,
    Participation,
    Stage,
    TermTemplate,
    Window,
)

Loc = tuple[str | int, ...]

_TABLES: Mapping[Loc, type[BaseModel]] = {
    (): Framework,
    ("life",): Stage,
    ("window",): Window,
    ("parties",): FrameworkParty,
    ("participations",): Participation,
    ("criteria", "numeric"): NumericCriterion,
    ("criteria", "declared"): DeclaredCriterion,
    ("designation",): Designation,
    ("hand_in",): HandIn,
    ("terms",): TermTemplate,
    ("facts",): Fact,
}
_KINDS = ("numeric", "declared")
_NAMED_BY = ("id", "party", "stage")
_KIND_WANTED = 'needs kind = "numeric" (counts decide) or kind = "declared" (documents do)'
_MENDS = {
    "string_type": 'is not text: put it in quotes ("...")',
    "int_type": "is not a whole number: write one without quotes",
    "bool_type": "is neither true nor false: write one of them without quotes",
    "tuple_type": "is not a list: put its items in [square brackets]",
    "model_type": "is not a table: write its keys below a heading in [brackets]",
    "model_attributes_type": "is not a table: write its keys below a heading in [brackets]",
    "union_tag_not_found": _KIND_WANTED,
    "union_tag_invalid": _KIND_WANTED,
    "too_short": "is empty: name at least one",
    "date_parsing": "is not a day: write one such as 2026-12-25",
    "date_from_datetime_parsing": "is not a day: write one such as 2026-12-25",
    "date_type": "is not a day: write one such as 2026-12-25",
}


def place(loc: Loc, content: Mapping[str, Any]) -> str:
    """Where a value stands, such as `criteria 1 ("memory-safety"), key "zone"`."""
    loc = _untagged(loc)
    steps = [f'key "{step}"' if isinstance(step, str) else f"item {step + 1}" for step in loc]
    if loc and (loc[:1] in _TABLES or loc[0] == "criteria"):
        steps[0] = str(loc[0])
        if len(loc) > 1 and isinstance(loc[1], int):
            steps[:2] = [f"{loc[0]} {loc[1] + 1}{_name(loc, content)}"]
    return ", ".join(steps)


def explain(detail: ErrorDetails, content: Mapping[str, Any]) -> str:
    """One pydantic error as one sentence. `content` is what was checked."""
    loc, kind = detail["loc"], detail["type"]
    context = detail.get("ctx", {})
    where = place(loc, content)
    if kind in {"missing", "extra_forbidden"}:
        return _about_key(loc, content, missing=kind == "missing")
    if kind == "value_error":
        return _joined(where, loc, str(context["error"]))
    if "modes" in loc and kind in {"literal_error", "tuple_type"}:
        modes = place(loc[: loc.index("modes") + 1], content)
        return f'{modes} is neither "any" nor a list of modes: write one of them'
    if kind == "literal_error":
        return _about_word(where, detail["input"], context["expected"])
    return f"{where} {_mend(kind, detail, context)}"


def _mend(kind: str, detail: ErrorDetails, context: Mapping[str, Any]) -> str:
    if kind in {"greater_than_equal", "less_than_equal"}:
        bound = f"at least {context['ge']}" if "ge" in context else f"at most {context['le']}"
        return f"is {detail['input']}: write {bound}"
    if kind == "string_type" and isinstance(number := detail["input"], float):
        return f'is the bare number {number}: put it in quotes, "{number}", to keep it exactly so'
    return _MENDS.get(kind, detail["msg"])


def _untagged(loc: Loc) -> Loc:
    """The place without the word that tells one kind of criterion from the other."""
    return loc[:2] + loc[3:] if loc[:1] == ("criteria",) and loc[2:3] and loc[2] in _KINDS else loc


def _name(loc: Loc, content: Mapping[str, Any]) -> str:
    items = content.get(str(loc[0]))
    item = items[loc[1]] if isinstance(items, list) and isinstance(loc[1], int) else None
    names = [item[key] for key in _NAMED_BY if isinstance(item, dict) and key in item]
    return f' ("{names[0]}")' if names else ""


def _about_key(loc: Loc, content: Mapping[str, Any], *, missing: bool) -> str:
    *parent, key = loc
    above = place(tuple(parent), content)
    where = f"{above}: " if above else ""
    if missing:
        return f'{where}the key "{key}" is missing: add it'
    table = tuple(step for step in parent if isinstance(step, str))
    known = sorted(_TABLES[table].model_fields)
    return f'{where}unknown key "{key}"{nearest(str(key), known)}: fix it or take it out'


def _about_word(where: str, given: Any, expected: str) -> str:
    # Pydantic tells the words that it expects as one text only.
    known = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    words = ", ".join(f'"{word}"' for word in known)
    hint = nearest(given, known) if isinstance(given, str) else ""
    return (
        f"{where} is {str(given)[:80]!a}{hint}: write {'one of ' if len(known) > 1 else ''}{words}"
    )


def _joined(where: str, loc: Loc, what: str) -> str:
    """A check of one value goes on with a verb; a check of a whole table is a sentence."""
    table = tuple(step for step in loc if isinstance(step, str)) in _TABLES
    if not where:
        return what
    return f"{where}: {what}" if table else f"{where} {what}"
