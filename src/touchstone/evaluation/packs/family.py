"""Registered packs as families: what is drawn, sealed and run of them beside families of ours.

An item's seed is the beginning of its frozen digest, so its id says which item it is.
"""

import json
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from touchstone.evaluation.errors import FamilyError
from touchstone.evaluation.families.base import MIN_DIFFICULTY, Item
from touchstone.evaluation.families.code import FamilyCode
from touchstone.evaluation.families.naming import item_id
from touchstone.evaluation.packs.errors import PackError
from touchstone.evaluation.packs.items import FrozenItem
from touchstone.evaluation.packs.manifest import PackLimits, PackScore
from touchstone.evaluation.packs.mark import PackMark
from touchstone.evaluation.packs.people import PackPeople
from touchstone.evaluation.packs.registering import RegisteredPack, registered

_SEED = 16
"""Hex digits of an item's digest that are its seed."""


class PackFamily:
    """A registered pack, as what draws a battery knows families."""

    least_grade = "none"
    """Its process asks for its own sandbox, and nothing of the subject's runs outside it."""
    needs: tuple[str, ...] = ()
    cheat = ""

    def __init__(self, pack: RegisteredPack) -> None:
        self.pack = pack
        self.name, self.version = pack.pack.id, pack.pack.version

    @property
    def mark(self) -> PackMark:
        """Whose items and scores they are."""
        return self.pack.pack

    @property
    def roles(self) -> tuple[str, ...]:
        """The models that it asks beside the subject, by role."""
        return self.pack.source().manifest.roles

    @property
    def score(self) -> PackScore:
        """How its scores are read."""
        return self.pack.source().manifest.score

    @property
    def limits(self) -> PackLimits:
        """Of one sample, as it was registered."""
        return self.pack.limits

    @property
    def card(self) -> str:
        """What may be said of it: its owner wrote the rest."""
        return self.pack.source().manifest.description

    @property
    def code(self) -> FamilyCode:
        """What is sealed: code, items and limits as registered."""
        # A colon is in no distribution's name.
        where = f"pack:{self.name}"
        return FamilyCode(distribution=where, version=self.version, digest=self.pack.digest)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of each item the seed by which `generate` gives it; sorted."""
        return tuple(sorted(self._items))

    @cached_property
    def _people(self) -> PackPeople | None:
        return self.pack.source().manifest.people

    @property
    def canary(self) -> str:
        """The text that stands in every item of a pack by people; empty where none is said."""
        return self._people.canary if self._people else ""

    @cached_property
    def _items(self) -> dict[int, FrozenItem]:
        return {
            int(each.digest.removeprefix("sha256:")[:_SEED], 16): each for each in self.pack.items
        }

    def frozen(self, seed: int) -> FrozenItem:
        """The item as it runs.

        Raises:
            ValueError: there is none of that seed.
        """
        if seed not in self._items:
            raise ValueError(f"pack {self.name} has no item of the seed {seed:016x}")
        return self._items[seed]

    def generate(self, seed: int, difficulty: int) -> Item:
        """The item as it is sealed: the whole of what was frozen is its one file.

        Raises:
            ValueError: there is none of that seed, or the difficulty is not the least one.
        """
        found = self.frozen(seed)
        if difficulty != MIN_DIFFICULTY:
            raise ValueError(f"a pack's items are all of level {MIN_DIFFICULTY}")
        text = json.dumps(found.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        kind = self._people.flaw(found) if self._people else ""
        return Item(
            id=item_id(self.name, seed, difficulty),
            family=self.name,
            version=self.version,
            seed=seed,
            difficulty=difficulty,
            prompt="",
            files={"item.json": text.encode()},
            answer="",
            answer_limit=0,
            judge_files={},
            judge=(),
            judge_seconds=0,
            reference=b"",
            flaw=f"{self.name}/{kind}" if kind else "",
        )


def load_packs(home: Path, names: Iterable[str]) -> dict[str, tuple[PackFamily, FamilyCode]]:
    """The registered packs of those names, each with its digest, to be sealed.

    Raises:
        FamilyError: one is not registered, or is none that a review can run; one line.
    """
    found: dict[str, tuple[PackFamily, FamilyCode]] = {}
    for name in names:
        try:
            family = PackFamily(registered(home, name))
        except PackError as error:
            raise FamilyError(f"packs: {error}") from error
        if fault := _fault(family):
            raise FamilyError(f"pack {name!r}: {fault}")
        found[name] = family, family.code
    return found


def _fault(family: PackFamily) -> str:
    if family.pack.variants:
        return "its items hold slots: seal it for a recipient, and register what was sealed"
    if len(family.seeds) != len(family.pack.items):
        return "two of its items have digests that begin alike: take one out"
    return ""
