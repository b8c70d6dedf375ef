"""Why the law refuses a deed: a code and data for programs, and one whole sentence for people.

A guard gives a ground; `decide` raises it as Refused::

    Ground("clock-ended")
    Ground("bundle-out-of-order", stream="partners", next=4, number=6)

`wording.SENTENCES` has the sentence of each code; no guard words one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from types import MappingProxyType
from typing import Any

from touchstone.review.errors import BadEventError, Refused
from touchstone.review.wording import SENTENCES


@dataclass(frozen=True, init=False)
class Ground:
    """A code of `wording.SENTENCES`, and what its sentence tells: ids, counts, times (UTC), roles.

    A value is a text, a number, or several: a tuple, or counts by kind.
    """

    code: str
    data: Mapping[str, Any]

    def __init__(self, code: str, **data: Any) -> None:
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "data", MappingProxyType(data))

    @property
    def sentence(self) -> str:
        """What people read."""
        return _Sentence().vformat(SENTENCES[self.code], (), self.data)

    def of(self, **more: Any) -> "Ground":
        """The same, with more of what its sentence tells."""
        return Ground(self.code, **more, **self.data)

    @property
    def refusal(self) -> Refused:
        """What is raised of it where the deed may not be done."""
        return Refused(self.sentence, self.code, self.data)

    @property
    def fault(self) -> BadEventError:
        """What is raised of it where the deed cannot be read, or fits no case."""
        return self.fault_beside("")

    def fault_beside(self, aside: str) -> BadEventError:
        """The same, with what only those may read who have the deed's parts before them."""
        return BadEventError(self.sentence, self.code, self.data, aside=aside)


class _Sentence(Formatter):
    """Writes values that are several by the way that a field names, as `{modes:or}`."""

    def format_field(self, value: Any, format_spec: str) -> str:
        """One value: by `_WRITERS`, and several with commas where the field names none."""
        if format_spec in _WRITERS:
            return _WRITERS[format_spec](value)
        if isinstance(value, tuple | list):
            return ", ".join(map(str, value))
        return str(super().format_field(value, format_spec))


def _first_of(values: Sequence[str]) -> str:
    more = len(values) - 1
    return f"{values[0]} and {more} more" if more else values[0]


def _counted(counts: Mapping[str, int]) -> list[str]:
    return [f"{count} {kind}" for kind, count in counts.items()]


def _references(references: Sequence[Mapping[str, Any]]) -> str:
    """As `thinking: 3 of 20 solved, 1 cut; instant: ...`."""
    return "; ".join(", ".join(_reference(each)) for each in references)


def _reference(each: Mapping[str, Any]) -> list[str]:
    solved = f"{each['mode']}: {each['solved']} of {each['counted']} solved"
    return [solved, *_counted(each["unmeasured"])]


_WRITERS: Mapping[str, Callable[[Any], str]] = {
    "or": " or ".join,
    "words": lambda words: " or ".join(words) or "nothing yet",
    "first": _first_of,
    "counts": lambda counts: " and ".join(_counted(counts)) or "none",
    "references": _references,
}
"""How a field writes a value that is several."""
