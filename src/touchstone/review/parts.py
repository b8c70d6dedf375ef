"""How a layout is said: a type's parts by name, and which fact is whose digest.

The table of them is `layouts.LAYOUTS`; `checking.check_deed` holds a deed against it.
"""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel

from touchstone.ledger import MAX_PART, dumps
from touchstone.review.events.base import Event
from touchstone.review.grounds import Ground
from touchstone.review.shapes import EvidenceShape, Shape
from touchstone.review.state import State

Kind = Literal["content", "evidence"]
MOST_TEXT = 500_000
"""Bytes of a document as content, in canonical JSON: a part holds little more."""
MOST_EVIDENCE = 1 << 30
"""Bytes of a piece of evidence."""


@dataclass(frozen=True)
class Attached:
    """One part beside part 0, as it is to be signed.

    `value` is the part as JSON: `kind`, `marking`, and `content`, or `digest` (of the bytes),
    `size`, `media_type` and `name`. `data` is the bytes of evidence, where they are at hand.
    `length` is that of the part as it came, in bytes; None: it was not written so far. `kept` is
    how many bytes of that digest the store holds for its signer, where they are not at hand.
    """

    value: Mapping[str, Any]
    data: bytes | None = None
    length: int | None = field(default=None, compare=False)
    kept: int | None = field(default=None, compare=False)

    @cached_property
    def content(self) -> bytes:
        """Its content as canonical JSON, written once. Raises MalformedError, KeyError."""
        return dumps(self.value["content"])


Needed = Callable[[Any], bool | None]
"""Of an event: whether a part must be there (True), must not (False), or may (None)."""
Digesting = Callable[[Attached], str | None]
"""The digest of a part or of something in it, as a fact writes it; None: that is not there."""
Agreeing = Callable[[Any, Mapping[str, Attached]], Ground | None]
"""Of an event and its parts by name: what does not agree; None where all does."""


def always(_event: Event) -> bool | None:
    """Always."""
    return True


def perhaps(_event: Event) -> bool | None:
    """If there is one."""
    return None


@dataclass(frozen=True)
class Part:
    """One part beside part 0; `content` and `evidence` make it."""

    name: str
    kind: Kind
    shape: type[BaseModel]
    """Of the content; of evidence, of what is told of it."""
    digests: Mapping[str, Digesting]
    """By fact (a dot leads into a group): what that fact is the digest of, in this part."""
    needed: Needed
    most: int
    """Bytes, of the content as canonical JSON or of the evidence."""
    recorded: Callable[[State, Any], bool] | None = None
    """Where the part may be left out: whether the record holds by now what it would bring."""
    needs_bytes: bool = False
    """Whether its digests can be told from the bytes of evidence alone."""

    def fits(self, content: object) -> bool:
        """Whether content is of its shape, as far as readers rely on it."""
        # A whole framework is read by its own room, with errors of its own; here it is enough that
        # it is an object.
        if not issubclass(self.shape, Shape):
            return isinstance(content, dict)
        try:
            self.shape.model_validate(content)
        except ValueError:
            return False
        return True


def content(
    name: str,
    shape: type[BaseModel],
    digests: Mapping[str, Digesting] = MappingProxyType({}),
    *,
    needed: Needed = always,
    most: int = MAX_PART,
    recorded: Callable[[State, Any], bool] | None = None,
) -> Part:
    """A part that holds JSON of a shape."""
    return Part(name, "content", shape, digests, needed, most, recorded)


def evidence(
    name: str,
    digests: Mapping[str, Digesting] = MappingProxyType({}),
    *,
    needed: Needed = always,
    most: int = MOST_EVIDENCE,
    needs_bytes: bool = False,
) -> Part:
    """A part that names bytes kept beside the record."""
    return Part(name, "evidence", EvidenceShape, digests, needed, most, None, needs_bytes)


@dataclass(frozen=True)
class DeedLayout:
    """What goes with an event of one type, in order, between part 0 and the deed part.

    `with_parts` makes it.

    What an event's own facts leave open comes last, so that a place always tells the name.
    """

    parts: tuple[Part, ...]
    agrees: Agreeing | None
    """What else must agree with the facts, or one part with another."""
    elsewhere: Mapping[str, str]
    """Facts that are digests of no part here, each with what it is the digest of."""

    def names(
        self, event: Event, count: int, without: Container[str] = frozenset()
    ) -> tuple[str, ...]:
        """The names of so many parts of an event; those that its type does not know have none.

        `without`: the parts that a deed of an older schema lacks, as its facts hold the words.
        """
        known = [
            part.name
            for part in self.parts
            if part.needed(event) is not False and part.name not in without
        ]
        return tuple(known[:count]) + ("",) * (count - len(known))

    def part(self, name: str) -> Part:
        """The part of that name. Raises KeyError if the type has none."""
        try:
            return next(part for part in self.parts if part.name == name)
        except StopIteration:
            raise KeyError(name) from None


def with_parts(
    *parts: Part,
    agrees: Agreeing | None = None,
    elsewhere: Mapping[str, str] = MappingProxyType({}),
) -> DeedLayout:
    """The layout of these parts, in this order."""
    return DeedLayout(parts, agrees, elsewhere)
