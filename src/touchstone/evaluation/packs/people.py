"""What people put into a pack of their own: who wrote and tried it, its flaws, its canary."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from statistics import median
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from touchstone.evaluation.digests import Frozen
from touchstone.evaluation.packs.items import FrozenItem, item_text

_CANARY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{15,199}")
_MINUTES = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})?")
Said = Annotated[str, Field(min_length=1, max_length=200)]


def _canary(value: str) -> str:
    if not _CANARY.fullmatch(value):
        raise ValueError(
            "write 16 to 200 of A-Z, a-z, 0-9, '.', '_' and '-', that stand nowhere else"
        )
    return value


def _minutes(value: str) -> str:
    if not _MINUTES.fullmatch(value):
        raise ValueError("write minutes as a text, such as '35' or '2.5'")
    return value


class PackTrial(Frozen):
    """One person's try at one item."""

    person: Said
    """Who: a name, or a code that the authors keep."""
    item: Said
    """The item's own id in the pack."""
    minutes: Annotated[str, AfterValidator(_minutes)]
    """Decimal: how long it took, solved or not."""
    solved: bool


class PackPeople(Frozen):
    """The table `[people]` of a pack."""

    authors: Annotated[tuple[Said, ...], Field(min_length=1, max_length=50)]
    marking: Literal["CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"] = "RED"
    """TLP 2.0: who may read its items; it stands in the sealed file's header."""
    canary: Annotated[str, AfterValidator(_canary)]
    """A text that stands in every item: where it is met elsewhere, an item leaked."""
    flaws: Mapping[Said, Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+){0,9}$")]] = {}
    """By an item's own id, the kind of flaw that it plants; items of one kind are near-copies."""
    trials: Annotated[tuple[PackTrial, ...], Field(max_length=2000)] = ()
    variants: Said | None = None
    """The file that says what differs from recipient to recipient; only the authors keep it."""

    def flaw(self, item: FrozenItem) -> str:
        """The kind of flaw of an item; empty where none is said."""
        return self.flaws.get(item.id or "", "")

    def lines(self) -> list[str]:
        """For people; no item is told."""
        found = [f"by {', '.join(self.authors)}; marked TLP:{self.marking}"]
        if self.flaws:
            found.append(f"kinds of flaw: {len(set(self.flaws.values()))}")
        if self.trials:
            took = median(Decimal(each.minutes) for each in self.trials)
            people = len({each.person for each in self.trials})
            solved = sum(each.solved for each in self.trials)
            found.append(
                f"tried {len(self.trials)} times by {people} people: {solved} solved, median {took}"
                " minutes"
            )
        return found


def people_faults(people: PackPeople, items: Iterable[FrozenItem]) -> list[str]:
    """What the table says that its items do not bear out, a line each."""
    found, ids = [], set()
    for each in items:
        ids.add(each.id)
        if people.canary not in item_text(each):
            found.append(f"item {each.id!a}: does not hold the canary of people.canary: put it in")
    named = [("flaws", name) for name in people.flaws]
    named += [("trials", each.item) for each in people.trials]
    found += [
        f"pack.toml: people.{where}: there is no item with the id {name!a}"
        for where, name in dict.fromkeys(named)
        if name not in ids
    ]
    return found
