"""The entries of a case as a party's machine has them: opened where they were shown, by name."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from touchstone.ledger import Opened, loads
from touchstone.ledger.contract2 import HiddenPart, parse_recorded_part
from touchstone.review import read_event
from touchstone.review.audience_view import HIDDEN, Entry, PartView

ShownParts = Sequence[Opened | HiddenPart]
"""All parts of one entry in order, as a bundle has them: padding looks like what is withheld."""
Showing = Callable[[], Iterable[ShownParts]]
"""Gives the entries of a case from the first on, each time it is asked."""


@dataclass(frozen=True, slots=True)
class SeenPart:
    """A part as a party's machine keeps it; meets `KeptPart`."""

    n: int
    i: int
    salt: bytes | None
    data: bytes | None
    clear: bool
    label: str = ""
    padding: bool = False


def nothing_shown() -> Iterable[ShownParts]:
    """Of a case of which no entry is at hand."""
    return ()


def seen_entry(parts: ShownParts) -> Entry | None:
    """One entry, checked before, as its party reads it; None: its event is not shown."""
    first = parts[0]
    if not isinstance(first, Opened):
        return None
    values = [loads(part.data) if isinstance(part, Opened) else None for part in parts]
    kinds = [value["kind"] if i and value else "" for i, value in enumerate(values)]
    # The deed part, then the time of recording; what follows them never was a part.
    signed = kinds.index("deed")
    recorded = parts[signed + 1]
    if not isinstance(recorded, Opened):
        return None
    views = [
        _view(part, value, clear=i in {0, signed, signed + 1})
        for i, (part, value) in enumerate(zip(parts[: signed + 2], values, strict=False))
    ]
    at = parse_recorded_part(recorded.data)["at"]
    return Entry(first.n, read_event(values[0]), tuple(views), at)


def _view(part: Opened | HiddenPart, value: dict[str, object] | None, *, clear: bool) -> PartView:
    if isinstance(part, Opened):
        kept = SeenPart(part.n, part.i, part.salt, part.data, clear)
        return PartView(kept, allowed=True, label="", value=value)
    kept = SeenPart(part.n, part.i, None, None, clear)
    # Withheld or erased: nobody tells a party which.
    return PartView(kept, allowed=False, label=HIDDEN, value=None, hidden=True)
