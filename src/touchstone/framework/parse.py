"""From a framework's text to a checked framework, with errors that a lawyer can act on."""

import json
import re
import tomllib
from datetime import date, datetime, time
from math import isfinite
from typing import Any, NoReturn

from pydantic import ValidationError

from touchstone.framework.errors import FrameworkFileError
from touchstone.framework.explain import explain, place
from touchstone.framework.framework import Framework
from touchstone.framework.kinds import may_name, not_a_name, unseen

MAX_CHARACTERS = 200_000
"""So that the canonical content always fits one line of the record (1 MiB)."""
MAX_DEPTH = 8
MAX_MESSAGE = 600
MAX_DOTS = 100
"""In one line. The standard reader's memory grows with the square of the parts of a dotted key."""
_TYPOGRAPHIC_QUOTES = re.compile("[\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb]")
_AT_LINE = re.compile(r"at line (\d+)")


def parse_framework(text: str, source: str) -> Framework:
    """The framework that a TOML text describes.

    Args:
        text: the whole file; a byte-order mark at its beginning is passed over.
        source: the file's name, for the error.

    Raises:
        FrameworkFileError: one line that names the file, the key and the fix.
    """
    if len(text) > MAX_CHARACTERS:
        _refuse(source, f"has {len(text)} characters, and a framework may have {MAX_CHARACTERS}")
    if any("\ud800" <= character <= "\udfff" for character in text):
        _refuse(source, "is not UTF-8 text: save it as UTF-8")
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count(".") > MAX_DOTS:
            _refuse(source, f"line {number} has more than {MAX_DOTS} dots: break it in two")
    content = _plain(_read(text.removeprefix("\ufeff"), source), source)
    try:
        framework = Framework.model_validate_json(json.dumps(content))
    except ValidationError as error:
        details = error.errors(include_url=False)
        first = min(details, key=lambda detail: detail["type"] != "extra_forbidden")
        more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
        _refuse(source, explain(first, content) + more)
    for number, party in enumerate(framework.parties, start=1):
        if not may_name(party.id, party.role):
            where = place(("parties", number - 1, "id"), content)
            _refuse(source, f"{where}: {not_a_name(party.id)}")
    return framework


def _refuse(source: str, what: str) -> NoReturn:
    raise FrameworkFileError(f"{_echo(source)}: {_echo(what)[:MAX_MESSAGE]}")


def _echo(text: str) -> str:
    """The text with every unseen character written out, so that it stays one honest line."""
    return "".join(
        character if unseen(character) is None else ascii(character)[1:-1] for character in text
    )


def _read(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        _refuse(source, f"is nested too deeply: at most {MAX_DEPTH} levels")
    except tomllib.TOMLDecodeError as error:
        _refuse(source, f"is not TOML: {error}{_quotes_hint(text, str(error))}")
    except ValueError:
        _refuse(source, "holds a number with too many digits: write a shorter one")


def _quotes_hint(text: str, error: str) -> str:
    """A word processor's quotes are the commonest slip, and TOML's own error does not name them."""
    found = _AT_LINE.search(error)
    lines = text.split("\n")
    if found and _TYPOGRAPHIC_QUOTES.search(lines[int(found[1]) - 1]):
        return ': write straight quotes (") around the value'
    return ""


def _plain(value: Any, source: str, path: tuple[str | int, ...] = ()) -> Any:
    """The value with TOML's dates as text, and nothing that JSON could not hold."""
    where = place(path, {})
    if len(path) > MAX_DEPTH:
        _refuse(source, f"is nested too deeply at {where}: at most {MAX_DEPTH} levels")
    if isinstance(value, dict):
        return {key: _plain(each, source, (*path, key)) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each, source, (*path, index)) for index, each in enumerate(value)]
    if isinstance(value, float) and not isfinite(value):
        _refuse(source, f"{where} is {value}: write a number that has an end")
    if isinstance(value, datetime | time):
        _refuse(source, f"{where} holds a time of day: write the date alone")
    return value.isoformat() if isinstance(value, date) else value
