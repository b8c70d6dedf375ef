"""What every event has, and the kinds of value that events are made of."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from touchstone.clearance import Marking
from touchstone.handin import day_written, moment_of, unseen
from touchstone.ledger import digest_value

LARGEST = 2**53 - 1
"""The largest integer of canonical JSON."""
FIRST_YEAR, LAST_YEAR = 1970, 9000
"""The years that events may name."""


def _readable(text: str) -> str:
    # Text that a reader cannot see could say one thing to whoever signs and another to whoever
    # reads.
    if bad := unseen(text.replace("\n", "")):
        raise ValueError(f"holds the unseen character {bad}: remove it")
    return text


def _one_line(text: str) -> str:
    if "\n" in text:
        raise ValueError("must be one line")
    return text


def _is_time(text: str) -> str:
    _in_range(moment_of(text))
    return text


def _is_day(text: str) -> str:
    day_written(text)
    return text


def _is_near_day(text: str) -> str:
    _in_range(day_written(text))
    return text


def _in_range(day: date) -> None:
    # Far from both ends of the calendar, so that no window or time zone can step over them.
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"the year must lie from {FIRST_YEAR} to {LAST_YEAR}")


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
"""An identifier: letters, digits, `.`, `_` and `-`, at most 128, as `example-lab`."""
LONGEST_LINE = 500
"""Characters of a line for people, at most."""
Line = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_LINE),
    AfterValidator(_readable),
    AfterValidator(_one_line),
]
"""One line for people, at most 500 characters, without unseen characters."""
Statement = Annotated[
    str, StringConstraints(min_length=1, max_length=8000), AfterValidator(_readable)
]
"""A short text for people, at most 8,000 characters; longer content goes in a part of its own."""
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
"""`sha256:` and 64 lowercase hex digits."""
Hex32 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""32 bytes in lowercase hex."""
Time = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"),
    AfterValidator(_is_time),
]
"""UTC, `YYYY-MM-DDTHH:MM:SSZ`, of the years 1970 to 9000."""
_DAY = StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
Day = Annotated[str, _DAY, AfterValidator(_is_near_day)]
"""A calendar day of the years 1970 to 9000, `YYYY-MM-DD`, in the framework's time zone."""
ReckonedDay = Annotated[str, _DAY, AfterValidator(_is_day)]
"""A calendar day that was reckoned from another, `YYYY-MM-DD`, in the framework's time zone."""
UtcDay = Annotated[str, _DAY, AfterValidator(_is_near_day)]
"""A day of 24 hours in UTC, of the years 1970 to 9000, `YYYY-MM-DD`."""
Decimal = Annotated[str, StringConstraints(pattern=r"^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?$")]
"""A decimal number as text, as `0.05`: canonical JSON has no fractions."""
Count = Annotated[int, Field(ge=0, le=LARGEST)]
"""A whole number from 0."""
Positive = Annotated[int, Field(ge=1, le=LARGEST)]
"""A whole number from 1."""

Role = Literal[
    "developer",
    "centre",
    "co-evaluator",
    "independent-evaluator",
    "agency",
    "trusted-partner",
    "auditor",
]
"""What a party is in a case. A counterpart takes part in dialogue only and is never in a case."""


class Facts(BaseModel):
    """A frozen group of facts. Fields that this version does not know are kept as they came."""

    # Each class is compiled where the first of its kind is read: a case has few of all kinds, and
    # to compile them all takes longer than most commands.
    model_config = ConfigDict(frozen=True, extra="allow", strict=True, defer_build=True)


class Event(Facts):
    """What happened in a case: part 0 of one entry of its record.

    `facts()` gives part 0 as plain JSON values; `parse_event` reads it back.

    A class whose fields change gets the next `schema_version`, and a static method `upcast_v1_v2`
    (`upcast_v2_v3`, ...) that makes facts of the version before into facts of the next one.
    """

    type: str
    """The event's name, in kebab case."""
    schema_version: Annotated[int, Field(ge=1, le=1)] = Field(default=1, alias="schema")
    """The version of this type's fields; in the record it is called `schema`."""
    actor: Name
    """The party that did the deed and, if it binds, signed it."""
    at: Time
    """When the actor says that it was done (UTC). The order of events is their number, not this."""
    marking: Marking
    """Who may read these facts."""

    def facts(self) -> dict[str, Any]:
        """These facts as a JSON object of strings, booleans, nulls, integers, lists and objects."""
        return self.model_dump(mode="json", by_alias=True)


class EventWithTexts(Event):
    """An event with words for people, which go with it as parts: its facts are their digests.

    Each part bears the name of its fact. Facts of schema 1 held the words themselves, which outlive
    a destruction of the case; so nothing writes them any more.
    """

    schema_version: Annotated[int, Field(ge=1, le=2)] = Field(default=2, alias="schema")
    """2; records from before the words were parts have 1."""
    TEXTS: ClassVar[tuple[str, ...]] = ()
    """The facts that are digests of words."""

    @classmethod
    def contents_v1(cls, facts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """By the name of the part, what a deed of schema 1 holds in its facts."""
        given = {name: facts[name] for name in cls.TEXTS if facts.get(name) is not None}
        return {name: {"text": text} for name, text in given.items()}

    @classmethod
    def upcast_v1_v2(cls, facts: dict[str, Any]) -> dict[str, Any]:
        """The digests that the words would have as parts."""
        contents = cls.contents_v1(facts)
        return {**facts, **{name: digest_value(each) for name, each in contents.items()}}


class UnknownEvent(Event):
    """An event that a newer version wrote: of a type, or a schema of a type, not known here.

    Nothing is known of it but what every event has. Its other facts are kept as they came.
    """

    type: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
    """The event's name, in kebab case."""
    schema_version: Annotated[int, Field(ge=1, le=LARGEST)] = Field(alias="schema")
    """The version of its fields."""
