"""Whole sentences by key: one folder a language, one file a subject, and nothing is joined in code.

A message is a text with fields, or a table of whole texts of which `by` says how one is chosen::

    [results.begun]
    by = ["stopped", "#samples"]       # a closed list, then the plural category of a count
    yes.one = "Measuring stopped: {samples} sample was begun."
    yes.other = "Measuring stopped: {samples} samples were begun."
    no = "Measuring goes on."

A field may say how its value is written, as `{rate:percent}`, or which message says it, as
`{role:name.role}`: that message has one field, and gets the value. Whatever is wrong is an error
when the sentence is said: an unknown key, a value that is missing or too much, a word that no
variant is for.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from string import Formatter
from typing import Any

from markupsafe import Markup, escape

from touchstone.editions.errors import SentenceError
from touchstone.errors import BadInputError
from touchstone.handin import Bounds, Origin, parse_toml
from touchstone.statistics import exact_percent, percent

Node = str | Mapping[str, Any]
"""A message's text, or its variants by the words or categories of what `by` names."""
PLURALS: Mapping[str, Callable[[int], str]] = {
    "en": lambda count: "one" if count == 1 else "other",
    "fr": lambda count: "one" if count in {0, 1} else "other",
}
"""The plural category of a count, by language, as CLDR names them."""
LONGEST = Bounds(characters=100_000)
"""Of a file of sentences."""
JOINS = ("and", "comma", "semicolon", "stop")
"""How a list is written; each is a message of two fields, `list.comma`, and `and` also `list.last`.
"""
WRITERS: Mapping[str, Callable[[Any], str]] = {
    "percent": percent,
    "exact-percent": exact_percent,
    "plain": str,
    "number": "{:g}".format,
    "figures": "{:.3g}".format,
    "signed": "{:+.3g}".format,
    "whole": "{:.0f}".format,
    "rounded": "{:,.0f}".format,
    "rounded-percent": "{:.0%}".format,
    "tenth-percent": "{:.1%}".format,
}
"""How a field writes a number: `{rate:percent}`."""
_DATES = {"day": "date.short", "long-day": "date.long"}


class Catalogue:
    """The messages of one language. `write` says one; `whole` and `value` are seams for tests."""

    def __init__(self, language: str, messages: Mapping[str, Node]) -> None:
        self.language = language
        self.messages = messages
        self._plural = PLURALS[language]

    @classmethod
    def load(cls, language: str) -> "Catalogue":
        """The catalogue that is shipped in a language, by its code: `en`."""
        return cls.read(language, resources.files("touchstone.editions.sentences") / language)

    @classmethod
    def read(cls, language: str, folder: Traversable) -> "Catalogue":
        """The catalogue of a language in a folder of the package: each of its files' messages."""
        messages: dict[str, Node] = {}
        for file in sorted(folder.iterdir(), key=lambda each: each.name):
            table = parse_toml(file.read_bytes(), Origin(file.name, BadInputError), LONGEST)
            for key, node in messages_in(table):
                if key in messages:
                    raise SentenceError(f"{file.name}: the message {key!r} is there already")
                messages[key] = node
        return cls(language, messages)

    def fields(self, key: str) -> frozenset[str]:
        """The names of the values that a message asks for."""
        return _fields(self, key)

    def write(self, key: str, values: Mapping[str, Any], *, page: bool = False) -> str:
        """The sentence of a key; `page`: each piece is escaped, but for values that are markup."""
        if key not in self.messages:
            raise SentenceError(f"no sentence has the key {key!r}")
        # Too many values are an error as well: a translation that forgets one would leave a fact
        # out, and nobody would see it.
        if set(values) != self.fields(key):
            asked = ", ".join(sorted(self.fields(key))) or "nothing"
            raise SentenceError(f"{key!r} asks for {asked}, and got: {', '.join(sorted(values))}")
        pieces = []
        for literal, name, spec, _ in Formatter().parse(self._chosen(key, values)):
            pieces.append(_literal(literal, page=page))
            if name is not None:
                pieces.append(self.value(self._value(key, values[name], spec or "", page=page)))
        return self.whole("".join(pieces))

    def whole(self, text: str) -> str:
        """A sentence as it is given out."""
        return text

    def value(self, text: str) -> str:
        """A value as it stands in a sentence."""
        return text

    def _chosen(self, key: str, values: Mapping[str, Any]) -> str:
        """The text of a message, or of the variant that the values choose."""
        node = self.messages[key]
        for name in selectors(node):
            if isinstance(node, str):
                break
            node = self._variant(key, node, name, values[name.removeprefix("#")])
        if not isinstance(node, str):
            raise SentenceError(f"{key!r} has variants that its `by` does not choose among")
        return node

    def _variant(self, key: str, node: Mapping[str, Any], name: str, value: Any) -> Node:
        words = [_word(value)]
        if name.startswith("#"):
            # An exact number before its category: a language may have a word of its own for none,
            # or for two.
            words = [f"={value}", self._plural(value)]
        for word in words:
            if word in node:
                found: Node = node[word]
                return found
        raise SentenceError(f"{key!r} has no variant for {name}: {words[0]!r}")

    def _value(self, key: str, value: Any, spec: str, *, page: bool) -> str:
        if isinstance(value, tuple | list):
            items = [self._value(key, each, "", page=page) for each in value]
            return self._listed(items, spec, page=page)
        if spec in WRITERS:
            return _escaped(WRITERS[spec](value), page=page)
        if spec in _DATES:
            return self._date(_DATES[spec], value, page=page)
        if spec:
            return self._message(key, value, spec, page=page)
        # A float would be written with as many digits as it happens to have: whoever gives one says
        # how.
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise SentenceError(f"{key!r} cannot write {value!r}: say how, or give a text")
        return _escaped(f"{value:,}" if isinstance(value, int) else value, page=page)

    def _message(self, key: str, value: Any, spec: str, *, page: bool) -> str:
        """A value that another message says; with a capital where the key ends in `^`."""
        other = spec.removesuffix("^")
        fields = self.fields(other) if other in self.messages else frozenset()
        # With more than one, which of them the value is for would be a guess.
        if len(fields) != 1:
            raise SentenceError(f"{key!r} names {other!r}, which is no message of one field")
        text = self.write(other, {next(iter(fields)): value}, page=page)
        return capital(text) if spec.endswith("^") else text

    def _date(self, key: str, day: str, *, page: bool) -> str:
        year, month, number = map(int, day.split("-"))
        return self.write(key, {"year": year, "month": month, "day": number}, page=page)

    def _listed(self, items: Sequence[str], spec: str, *, page: bool) -> str:
        """A list, its items cleaned already."""
        spec = spec or "and"
        if spec not in JOINS:
            raise SentenceError(f"a list is written as {', '.join(JOINS)}, not as {spec!r}")
        text = items[0] if items else ""
        for place, item in enumerate(items[1:], start=2):
            last = spec == "and" and place == len(items)
            joined = f"list.{'last' if last else 'comma' if spec == 'and' else spec}"
            text = self._joined(joined, text, item, page=page)
        return text

    def _joined(self, key: str, first: str, rest: str, *, page: bool) -> str:
        parts = {"first": first, "rest": rest}
        return "".join(
            (self.whole(_literal(literal, page=page)) if literal else "")
            + (parts[name] if name else "")
            for literal, name, _, _ in Formatter().parse(self._chosen(key, parts))
        )


def messages_in(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Node]]:
    """The messages of a file by key: a text, or a table with `by`."""
    for name, node in table.items():
        key = f"{above}{name}"
        if isinstance(node, str) or "by" in node:
            yield key, node
        else:
            yield from messages_in(node, f"{key}.")


def selectors(node: Node) -> tuple[str, ...]:
    """By which values a message chooses, in order; a count has a `#` before its name."""
    by = () if isinstance(node, str) else node["by"]
    return (by,) if isinstance(by, str) else tuple(by)


def texts(node: Node) -> Iterator[str]:
    """Every whole text of a message."""
    if isinstance(node, str):
        yield node
    else:
        for name, each in node.items():
            if name != "by":
                yield from texts(each)


@cache
def _fields(catalogue: Catalogue, key: str) -> frozenset[str]:
    node = catalogue.messages[key]
    named = {name for text in texts(node) for _, name, _, _ in Formatter().parse(text) if name}
    return frozenset(named | {name.removeprefix("#") for name in selectors(node)})


def _escaped(text: str, *, page: bool) -> str:
    return escape(text) if page else text


def _literal(text: str, *, page: bool) -> str:
    """The catalogue's own text; its apostrophes need no escape, as no attribute ends by one."""
    return str(_escaped(text, page=page)).replace("&#39;", "'")


def _word(value: Any) -> str:
    """What a closed value is called in the catalogue."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def capital(text: str) -> str:
    """A text with a capital at its beginning."""
    for place, letter in enumerate(text):
        # Past quotation marks and brackets with which a sentence may begin.
        if letter.isalpha():
            return f"{text[:place]}{letter.upper()}{text[place + 1 :]}"
    return text


_CURRENT: ContextVar[Catalogue] = ContextVar("catalogue")


@cache
def english() -> Catalogue:
    """The catalogue that the reports are written in."""
    return Catalogue.load("en")


def catalogue() -> Catalogue:
    """The catalogue in use."""
    return _CURRENT.get(None) or english()


@contextmanager
def using(other: Catalogue) -> Iterator[None]:
    """Take every sentence from another catalogue meanwhile."""
    # In the context and not in a global: two requests may be answered in two languages at once.
    token = _CURRENT.set(other)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def sentence(key: str, /, **values: Any) -> str:
    """The sentence of a key in the language in use, with its values."""
    return catalogue().write(key, values)


def markup(key: str, /, **values: Any) -> Markup:
    """The same for a page: everything in it is escaped, but for values that are markup."""
    return Markup(catalogue().write(key, values, page=True))  # noqa: S704  each piece is escaped


def paragraph(*sentences: str) -> str:
    """Whole sentences one after another; empty ones are left out."""
    return " ".join(each for each in sentences if each)
