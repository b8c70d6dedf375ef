"""From a TOML text to a checked model, with errors that a lawyer can act on: file, key, fix."""

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from touchstone.framework.kinds import nearest
from touchstone.handin import Bounds, Origin, as_json, parse_toml, refuse_unseen
from touchstone.terms.errors import TermsFileError

MAX_CHARACTERS = 500_000
MAX_DEPTH = 8
_MENDS = {
    "string_type": 'is not text: put it in quotes ("...")',
    "int_type": "is not a whole number: write one without quotes",
    "int_from_float": "is not a whole number: write one without a point",
    "bool_type": "is neither true nor false: write one of them without quotes",
    "tuple_type": "is not a list: put its items in [square brackets]",
    "dict_type": "is not a table: write its keys below a heading in [brackets]",
    "model_type": "is not a table: write its keys below a heading in [brackets]",
    "model_attributes_type": "is not a table: write its keys below a heading in [brackets]",
    "too_short": "is empty: name at least one",
}
M = TypeVar("M", bound="Text")


class Text(BaseModel):
    """A part of a file. Frozen, and nothing is taken that the format does not know."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


def read_toml(
    text: str,
    source: str,
    model: type[M],
    tables: Mapping[str, type[BaseModel]],
    limit: int = MAX_CHARACTERS,
) -> M:
    """The checked content of a TOML text.

    `tables` leads from the name of each inner table to its model, for the error about a misspelt
    key; `limit` is in characters. Raises TermsFileError: one line that names the file, the key and
    the fix.
    """
    origin = Origin(source, TermsFileError, _place)
    content = parse_toml(text, origin, Bounds(limit, MAX_DEPTH))
    try:
        found = model.model_validate_json(as_json(content))
    except ValidationError as error:
        # pydantic also calls a list too short whose items are all wrong.
        details = [
            each
            for each in error.errors(include_url=False)
            if each["type"] != "too_short" or not each["input"]
        ]
        # A misspelt key usually also makes another one missing: name the misspelt one.
        first = min(details, key=lambda detail: detail["type"] != "extra_forbidden")
        more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
        what = _explain(first, content, {"": model, **tables})
        raise origin.error(what + more) from None
    refuse_unseen(content, origin)
    return found


def refuse(source: str, what: str) -> NoReturn:
    """Raise TermsFileError with one honest line: every unseen character is written out."""
    raise Origin(source, TermsFileError).error(what)


def _explain(
    detail: ErrorDetails, content: Mapping[str, Any], tables: Mapping[str, type[BaseModel]]
) -> str:
    loc, kind = detail["loc"], detail["type"]
    context = detail.get("ctx", {})
    if kind in {"missing", "extra_forbidden"}:
        *parent, key = loc
        above = _place(tuple(parent), content)
        where = f"{above}: " if above else ""
        if kind == "missing":
            return f'{where}the key "{key}" is missing: add it'
        table = next((step for step in reversed(parent) if isinstance(step, str)), "")
        hint = nearest(str(key), list(_keys(tables[table])))
        return f'{where}unknown key "{key}"{hint}: fix it or take it out'
    where = _place(loc, content)
    if kind == "value_error":
        # A check of one value goes on with a verb; a check of a whole table is a sentence.
        last = [step for step in loc[-2:] if isinstance(step, str)]
        whole = not loc or last[-1] in tables
        return f"{where}{': ' if whole and where else ' ' if where else ''}{context['error']}"
    if kind == "literal_error":
        return f"{where} {_about_word(detail['input'], context['expected'])}"
    if kind in {"greater_than_equal", "less_than_equal", "too_long"}:
        return f"{where} {_about_bound(detail['input'], context)}"
    return f"{where} {_MENDS.get(kind, detail['msg'])}"


def _about_word(given: Any, expected: str) -> str:
    known = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    words = ", ".join(f'"{word}"' for word in known)
    hint = nearest(given, known) if isinstance(given, str) else ""
    return f"is {str(given)[:80]!a}{hint}: write {'one of ' if len(known) > 1 else ''}{words}"


def _about_bound(given: Any, bounds: Mapping[str, Any]) -> str:
    if "max_length" in bounds:
        most = f"at most {bounds['max_length']} are read: write fewer"
        return f"has {bounds['actual_length']} items, and {most}"
    bound = f"at least {bounds['ge']}" if "ge" in bounds else f"at most {bounds['le']}"
    return f"is {given}: write {bound}"


def _keys(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name


def _place(loc: tuple[str | int, ...], content: Any) -> str:
    """Where a value stands, such as `rules 3 ("no-foreigners"), key "nationality", item 2`."""
    steps: list[str] = []
    for step in loc:
        try:
            content = content[step]
        except (KeyError, IndexError, TypeError):
            content = None
        if isinstance(step, str):
            steps.append(f'key "{step}"')
        elif isinstance(content, dict):
            name = f' ("{content["id"]}")' if "id" in content else ""
            steps[-1] = f"{steps[-1].removeprefix('key ').strip(chr(34))} {step + 1}{name}"
        else:
            steps.append(f"item {step + 1}")
    return ", ".join(steps)
