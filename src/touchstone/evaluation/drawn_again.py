"""A battery drawn again from its revealed seed, set by set, by whoever has the families."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from touchstone.evaluation.batteries import OF_NOBODY, BatteryPlan, check_seed
from touchstone.evaluation.errors import RevealError
from touchstone.evaluation.families.base import Family
from touchstone.evaluation.families.code import FamilyCode
from touchstone.evaluation.seals import (
    SealedBattery,
    SealedSet,
    order_commitment,
    permutation,
)
from touchstone.review.seeds import seed_commitment


@dataclass(frozen=True)
class SetDrawnAgain:
    """One item set, held against what was sealed."""

    item_set: str
    items: int
    lacking: str
    """Why its items were not made again, though seed and order were held; empty: all were."""

    def __str__(self) -> str:
        """One line for people."""
        held = "seed and order are as sealed"
        if self.lacking:
            return f"{self.item_set}: {held}; its {self.items} items are not: {self.lacking}"
        return f"{self.item_set}: {held}, and so is each of its {self.items} items"


def draw_again(
    sealed: SealedBattery,
    plan: BatteryPlan,
    families: Mapping[str, Family],
    seed: bytes,
    code: Mapping[str, FamilyCode] = OF_NOBODY,
) -> tuple[SetDrawnAgain, ...]:
    """Draw every set of a battery again, as far as its family is here.

    A set stands for itself: one whose family, or private pack, is elsewhere is held by its order
    alone, which says what ran when and not what it was.

    Args:
        sealed: The public part, from the record.
        plan: What was to be drawn.
        families: The generators that are here, by name.
        seed: What was revealed.
        code: Whose code each family is.

    Raises:
        RevealError: the seed, an item, an order or the plan differ from what was sealed.
        PlanError: a family failed.
    """
    if seed_commitment(seed) != sealed.seed:
        raise RevealError("another seed: the revealed one is not the one that was sealed")
    if [part.id for part in plan.sets] != [part.id for part in sealed.sets]:
        raise RevealError("the revealed plan has other item sets than were sealed")
    return tuple(
        _again(part, sealed, BatteryPlan(id=plan.id, sets=(planned,)), families, seed, code)
        for part, planned in zip(sealed.sets, plan.sets, strict=True)
    )


def _again(
    part: SealedSet,
    sealed: SealedBattery,
    plan: BatteryPlan,
    families: Mapping[str, Family],
    seed: bytes,
    code: Mapping[str, FamilyCode],
) -> SetDrawnAgain:
    size = len(part.commitments)
    if order_commitment(seed, part.id, permutation(seed, part.id, size)) != part.order:
        raise RevealError(f"{part.id}: ran in another order than the one that was sealed")
    if part.family not in families:
        of = f"pack {part.family}" if part.pack else f"family {part.family}"
        return SetDrawnAgain(part.id, size, f"{of} is not on this machine")
    check_seed(sealed.model_copy(update={"sets": (part,)}), plan, families, seed, code)
    return SetDrawnAgain(part.id, size, "")


def check_ran(sealed: SealedBattery, criterion: str, ran: Iterable[tuple[int, str]]) -> int:
    """Hold what ran of a criterion's items against their places in the seal; how many places.

    Args:
        sealed: The public part, from the record.
        criterion: The one that the outcomes are of.
        ran: Of each outcome, its place and the commitment (hex) to its item.

    Raises:
        RevealError: another item ran in a place, or there is no such place.
    """
    sets = [part for part in sealed.sets if part.criterion == criterion]
    places = set()
    for place, commitment in ran:
        if not any(
            place < len(part.commitments) and part.commitments[place] == commitment for part in sets
        ):
            raise RevealError(
                f"{criterion}: what ran at place {place} is not the item that was sealed there"
            )
        places.add(place)
    return len(places)
