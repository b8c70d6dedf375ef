"""What a person fills in of a deed: each field, what may stand there, what is wrong with it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from touchstone.client.party_case import PartyCase
from touchstone.errors import BadInputError
from touchstone.handin import day_written, unseen
from touchstone.service.file_io import MOST, MOST_STATEMENT, a_name, one_line

Kind = Literal["line", "words", "name", "names", "day", "count", "choice", "flag"]
Complaint = Literal["missing", "line", "words", "unseen", "name", "day", "count", "choice"]
MOST_COUNT = 10_000


@dataclass(frozen=True)
class Option:
    """One of those that can be chosen, and what it is called."""

    value: str
    called: str = ""
    """Empty: it is called by its value."""
    worded: bool = False
    """Whether a sentence of ours says it."""


Options = Callable[[PartyCase], Sequence[Option]]


@dataclass(frozen=True)
class Field:
    """One field of a form. Its label, and a hint where there is one, are sentences of its name."""

    name: str
    kind: Kind
    options: Options | None = None
    """What can be chosen, of `choice`: nothing else is taken."""
    optional: bool = False
    least: int = 1
    """Of `count`, the least."""

    @property
    def most(self) -> int:
        """Characters, at most."""
        return MOST_STATEMENT if self.kind == "words" else MOST

    def choices(self, known: PartyCase) -> Sequence[Option]:
        """What can be chosen in a case."""
        return self.options(known) if self.options else ()


@dataclass(frozen=True)
class Listed:
    """Options that are the same in every case, each with a sentence of its own."""

    values: tuple[str, ...]

    def __call__(self, known: PartyCase) -> Sequence[Option]:
        """All of them, whatever the case."""
        del known
        return tuple(Option(each, worded=True) for each in self.values)


def listed(*values: str) -> Listed:
    """Options that are the same in every case."""
    return Listed(values)


@dataclass(frozen=True)
class Filled:
    """What was typed into a form, what it means, and by field what is wrong with it."""

    typed: Mapping[str, Sequence[str]]
    values: Mapping[str, Any]
    complaints: Mapping[str, Complaint]


def filled(fields: Sequence[Field], typed: Mapping[str, Sequence[str]], known: PartyCase) -> Filled:
    """Read what was typed. All that is wrong is said at once, and nothing typed is lost."""
    values, complaints = dict[str, Any](), dict[str, Complaint]()
    for field in fields:
        given = [each for each in typed.get(field.name, ()) if each.strip()]
        if not given:
            if field.kind == "flag":
                values[field.name] = False
            elif field.optional:
                values[field.name] = None
            else:
                complaints[field.name] = "missing"
            continue
        try:
            values[field.name] = _value(field, given, known)
        except _ComplaintError as error:
            complaints[field.name] = error.complaint
    return Filled(typed, values, complaints)


class _ComplaintError(Exception):
    def __init__(self, complaint: Complaint) -> None:
        super().__init__(complaint)
        self.complaint: Complaint = complaint


def _value(field: Field, given: Sequence[str], known: PartyCase) -> Any:
    match field.kind:
        case "flag":
            return True
        case "choice":
            if given[0] not in {each.value for each in field.choices(known)}:
                raise _ComplaintError("choice")
            return given[0]
        case _:
            return _written(field, given[0])


def _written(field: Field, text: str) -> Any:
    # A browser sends line ends as two characters, whoever typed them.
    return _READERS[field.kind](field, text.replace("\r\n", "\n").replace("\r", "\n").strip())


def _words(field: Field, text: str) -> str:
    if len(text) > field.most:
        raise _ComplaintError("words")
    if unseen(text.replace("\n", "")):
        raise _ComplaintError("unseen")
    return text


def _count(field: Field, text: str) -> int:
    short = text.isascii() and text.isdigit() and len(text) <= len(str(MOST_COUNT))
    if not short or not field.least <= int(text) <= MOST_COUNT:
        raise _ComplaintError("count")
    return int(text)


def _day(_: Field, text: str) -> str:
    try:
        return day_written(text).isoformat()
    except ValueError:
        raise _ComplaintError("day") from None


def _name(field: Field, text: str) -> str:
    try:
        return a_name(field.name, text)
    except BadInputError:
        raise _ComplaintError("name") from None


def _names(field: Field, text: str) -> tuple[str, ...]:
    return tuple(_name(field, each) for each in text.replace(",", " ").split())


def _line(field: Field, text: str) -> str:
    if unseen(" ".join(text.split())):
        raise _ComplaintError("unseen")
    try:
        return one_line(text, field.name)
    except BadInputError:
        raise _ComplaintError("line") from None


_READERS: Mapping[Kind, Callable[[Field, str], Any]] = {
    "line": _line,
    "words": _words,
    "name": _name,
    "names": _names,
    "day": _day,
    "count": _count,
}
"""How what is typed is read, by kind."""
