"""The one reader of TOML that somebody else wrote: bounded, and each refusal one line with a place.

The standard reader gives what a text says; this one refuses first what would cost too much to read
(length, dots, depth, digits) and afterwards what JSON and a reader's eye cannot hold.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

from touchstone.errors import BadInputError
from touchstone.handin.printable import escaped, unseen

MAX_DOTS = 100
"""In one line. The standard reader's memory grows with the square of the parts of a dotted key."""
MAX_MESSAGE = 600
_TYPOGRAPHIC_QUOTES = re.compile("[\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb]")
_AT_LINE = re.compile(r"at line (\d+)")

Loc = tuple[str | int, ...]
Place = Callable[[Loc, Any], str]
"""Words for where a value stands in what was read."""


def toml_place(loc: Loc, _: Any = None) -> str:
    """Where a value stands, such as `key "rules", item 3, key "id"`."""
    return ", ".join(f'key "{s}"' if isinstance(s, str) else f"item {s + 1}" for s in loc)


@dataclass(frozen=True)
class Origin:
    """Whose text it is, and how it is refused: each room does so with its own kind of error."""

    name: str
    """The file's, as the error says it."""
    kind: type[BadInputError]
    place: Place = toml_place

    def error(self, what: str) -> BadInputError:
        """What is wrong with the text, as one line that is not too long to read."""
        return self.kind(f"{escaped(self.name)}: {escaped(what)[:MAX_MESSAGE]}")


@dataclass(frozen=True)
class Bounds:
    """How much of a text is read."""

    characters: int
    depth: int = 8
    """Levels of tables and lists, the outermost table not counted."""


def parse_toml(
    data: bytes | str,
    origin: Origin,
    bounds: Bounds,
    *,
    days_alone: bool = False,
    decimals: bool = False,
) -> dict[str, Any]:
    """What a TOML text says, with nothing in it that JSON (see `as_json`) could not hold.

    Args:
        data: the whole text, in UTF-8; a byte-order mark at its beginning is passed over.
        origin: whose text it is, for the error.
        bounds: how much is read.
        days_alone: whether a time of day is refused; else a time without a day is.
        decimals: whether numbers with a point come exactly, as Decimal.

    Raises:
        BadInputError: of the origin's kind; one line that names the file, the place (a line or a
            key) and the mend.
    """
    text = _decoded(data, origin)
    # Before it is parsed, which takes memory by the square of some texts.
    if len(text) > bounds.characters:
        raise origin.error(f"has {len(text)} characters, and at most {bounds.characters} are read")
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count(".") > MAX_DOTS:
            raise origin.error(f"line {number} has more than {MAX_DOTS} dots: break it in two")
    # Editors on Windows write a mark that TOML does not know, and no reader sees.
    content = _read(text.removeprefix("\ufeff"), origin, bounds, decimals=decimals)
    for loc, value in _walk(content):
        # Models and JSON recurse: what is deeper than they are made for is refused by name here.
        if len(loc) > bounds.depth:
            where = origin.place(loc, {})
            raise origin.error(f"is nested too deeply at {where}: at most {bounds.depth} levels")
        if odd := _not_json(value, days_alone=days_alone):
            raise origin.error(f"{origin.place(loc, {})} {odd}")
    return content


def refuse_unseen(content: dict[str, Any], origin: Origin) -> None:
    """Refuse keys and values that hold what a reader cannot see; line breaks and tabs may stand.

    After a model's own checks, which name the key that was meant. Raises as `parse_toml` does.
    """
    for loc, value in _walk(content):
        for text in (loc[-1], value):
            bad = unseen(re.sub(r"[\n\t]", "", text)) if isinstance(text, str) else None
            if bad:
                where = origin.place(loc, content)
                mend = "type the text anew without it"
                raise origin.error(f"{where} holds the unseen character {bad}: {mend}")


def as_json(content: dict[str, Any]) -> str:
    """The same as JSON: days and times as ISO text, decimals as their digits."""
    return json.dumps(content, default=_text)


def _text(value: date | Decimal) -> str:
    return str(value) if isinstance(value, Decimal) else value.isoformat()


def _decoded(data: bytes | str, origin: Origin) -> str:
    if isinstance(data, bytes):
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise origin.error(f"is not UTF-8 at byte {error.start}: save it as UTF-8") from None
    # Half of a pair comes by Python alone, and could be written nowhere.
    if any("\ud800" <= character <= "\udfff" for character in data):
        raise origin.error("is not UTF-8 text: save it as UTF-8")
    return data


def _read(text: str, origin: Origin, bounds: Bounds, *, decimals: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(text, parse_float=Decimal if decimals else float)
    except RecursionError:
        raise origin.error(f"is nested too deeply: at most {bounds.depth} levels") from None
    except tomllib.TOMLDecodeError as error:
        raise origin.error(f"is not TOML: {error}{_quotes_hint(text, str(error))}") from None
    except (ValueError, InvalidOperation):
        raise origin.error("holds a number with too many digits: write a shorter one") from None


def _quotes_hint(text: str, error: str) -> str:
    """A word processor's quotes are the commonest slip, and TOML's own error does not name them."""
    found = _AT_LINE.search(error)
    if found and _TYPOGRAPHIC_QUOTES.search(text.split("\n")[int(found[1]) - 1]):
        return ': write straight quotes (") around the value'
    return ""


def _walk(value: Any, loc: Loc = ()) -> Iterator[tuple[Loc, Any]]:
    """Every value below, with its place, the outer ones first: who walks may stop at a depth."""
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for step, each in inner:
        yield (*loc, step), each
        yield from _walk(each, (*loc, step))


def _not_json(value: Any, *, days_alone: bool) -> str:
    """What is wrong with a value, as words that follow its place."""
    endless = isinstance(value, Decimal) and not value.is_finite()
    if endless or (isinstance(value, float) and not isfinite(value)):
        return f"is {str(value).lower()}: write a number that has an end"
    if days_alone and isinstance(value, datetime | time):
        return "holds a time of day: write the date alone"
    if isinstance(value, time):
        return "holds a time without a day: write both"
    return ""
