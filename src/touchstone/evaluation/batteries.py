"""The tasks chosen for a review: drawn from families by one seed, sealed before they run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, model_validator

from touchstone.evaluation.digests import Frozen
from touchstone.evaluation.errors import PlanError, RevealError
from touchstone.evaluation.families.base import MAX_DIFFICULTY, MIN_DIFFICULTY, Family, Item
from touchstone.evaluation.seals import (
    SealedBattery,
    SealedSet,
    commitments,
    item_digest,
    item_seed,
    order_commitment,
    permutation,
    seed_commitment,
)

MAX_ITEMS = 10_000


class ItemSetPlan(Frozen):
    """How many items of each difficulty speak to one criterion."""

    id: str
    """A plain name, unique in the battery; conventionally the criterion's id."""
    criterion: str
    """The criterion that the set's outcomes decide."""
    family: str
    """The family's name."""
    counts: Mapping[int, Annotated[int, Field(ge=1)]]
    """How many items of each difficulty."""

    @model_validator(mode="after")
    def _possible(self) -> "ItemSetPlan":
        if not self.counts or not all(MIN_DIFFICULTY <= d <= MAX_DIFFICULTY for d in self.counts):
            raise ValueError(f"counts: difficulties run from {MIN_DIFFICULTY} to {MAX_DIFFICULTY}")
        if sum(self.counts.values()) > MAX_ITEMS:
            raise ValueError(f"counts: at most {MAX_ITEMS} items in a set")
        return self


class BatteryPlan(Frozen):
    """What is to be drawn; no secret is in it."""

    id: str
    sets: Annotated[tuple[ItemSetPlan, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _distinct(self) -> "BatteryPlan":
        if len({plan.id for plan in self.sets}) != len(self.sets):
            raise ValueError("sets: two sets share an id")
        return self


@dataclass(frozen=True)
class Battery:
    """A drawn battery, secret parts and all. It never leaves the centre."""

    plan: BatteryPlan
    seed: bytes
    items: Mapping[str, tuple[Item, ...]]
    """For each set, its items in the order of running."""
    sealed: SealedBattery
    """The public part."""


def draw_battery(plan: BatteryPlan, families: Mapping[str, Family], seed: bytes) -> Battery:
    """Draw a battery. The same plan, families and seed give the same battery.

    Args:
        plan: What to draw.
        families: The generators, by name.
        seed: 32 secret bytes.

    Raises:
        PlanError: a family is not known, or drew the same item twice.
        ValueError: the seed has another length.
    """
    items: dict[str, tuple[Item, ...]] = {}
    sets: list[SealedSet] = []
    for part in plan.sets:
        family = families.get(part.family)
        if family is None:
            known = ", ".join(sorted(families)) or "none"
            raise PlanError(f"set {part.id}: no family {part.family!r}; known: {known}")
        drawn = _draw_set(part, family, seed)
        order = permutation(seed, part.id, len(drawn))
        running = tuple(drawn[place] for place in order)
        items[part.id] = running
        sets.append(
            SealedSet(
                id=part.id,
                criterion=part.criterion,
                family=family.name,
                version=family.version,
                least_grade=family.least_grade,
                difficulties=tuple(sorted(part.counts.items())),
                commitments=commitments(
                    seed,
                    part.id,
                    [item_digest(item) for item in running],
                    [item.flaw for item in running],
                ),
                order=order_commitment(seed, part.id, order),
            )
        )
    sealed = SealedBattery(id=plan.id, seed=seed_commitment(seed), sets=tuple(sets))
    return Battery(plan, seed, items, sealed)


def check_seed(
    sealed: SealedBattery, plan: BatteryPlan, families: Mapping[str, Family], seed: bytes
) -> Battery:
    """Draw again from a revealed seed and compare with the battery as sealed in the record.

    Raises:
        RevealError: the seed, an item, an order or the plan differ.
    """
    if seed_commitment(seed) != sealed.seed:
        raise RevealError("the revealed seed is not the one that was committed")
    battery = draw_battery(plan, families, seed)
    if battery.sealed != sealed:
        raise RevealError("the battery drawn again from the revealed seed differs from the sealed")
    return battery


def _draw_set(plan: ItemSetPlan, family: Family, seed: bytes) -> list[Item]:
    wanted = [level for level, count in sorted(plan.counts.items()) for _ in range(count)]
    drawn = [
        family.generate(item_seed(seed, plan.id, number), level)
        for number, level in enumerate(wanted)
    ]
    if len({item.id for item in drawn}) != len(drawn):
        raise PlanError(f"set {plan.id}: family {family.name} drew the same item twice")
    return drawn
