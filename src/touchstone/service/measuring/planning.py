"""Which battery speaks to a framework's criteria, and which modes of a submission it runs in."""

from collections.abc import Mapping
from dataclasses import dataclass

from touchstone.evaluation import BatteryPlan, ItemSetPlan, Submission
from touchstone.evaluation.families.base import MAX_DIFFICULTY, MIN_DIFFICULTY, Family
from touchstone.evaluation.submission import Mode
from touchstone.framework import Framework, NumericCriterion
from touchstone.service.errors import CannotRunError

DEFAULT_ITEMS = 30
MAX_ITEMS = 5_000


@dataclass(frozen=True)
class Run:
    """One item set in one mode: what the outcomes are counted under."""

    item_set: str
    criterion: str
    mode: Mode


def spread(items: int) -> dict[int, int]:
    """`items` spread evenly over the difficulties, the easier ones first with what is left."""
    levels = range(MIN_DIFFICULTY, MAX_DIFFICULTY + 1)
    each, rest = divmod(items, len(levels))
    counts = {level: each + (1 if place < rest else 0) for place, level in enumerate(levels)}
    return {level: count for level, count in counts.items() if count}


def numeric(framework: Framework) -> tuple[NumericCriterion, ...]:
    """The criteria that counts can answer."""
    return tuple(c for c in framework.criteria if isinstance(c, NumericCriterion))


def battery_plan(
    framework: Framework, families: Mapping[str, Family], items: int, plan_id: str
) -> BatteryPlan:
    """What to draw for a framework: an item set for each numeric criterion.

    A framework that states no number still gets a measurement: one item set for each known family
    whose domain it names. Nothing is concluded from those.

    Args:
        framework: The standard.
        families: The generators known here, by name.
        items: How many items a set holds; `at-least-once-in-k` sets hold k.
        plan_id: The battery's id in its case.

    Raises:
        CannotRunError: no family speaks to any criterion or domain.
    """
    if not 1 <= items <= MAX_ITEMS:
        raise CannotRunError(f"--items {items}: write a number from 1 to {MAX_ITEMS}")
    sets = [
        ItemSetPlan(id=c.id, criterion=c.id, family=c.family, counts=spread(c.k or items))
        for c in numeric(framework)
        if c.family in families
    ]
    if not numeric(framework):
        sets = [
            ItemSetPlan(id=name, criterion=name, family=name, counts=spread(items))
            for name, family in families.items()
            if family.generate(0, MIN_DIFFICULTY).domain in framework.domains
        ]
    if not sets:
        raise CannotRunError(
            f"framework {framework.id}: no family of tasks known here speaks to its criteria; "
            f"known families: {', '.join(sorted(families)) or 'none'}"
        )
    return BatteryPlan(id=plan_id, sets=tuple(sets))


def runs(framework: Framework, plan: BatteryPlan, submission: Submission) -> tuple[Run, ...]:
    """Every item set in every mode in which its criterion is judged, in a fixed order."""
    chosen = []
    for part in plan.sets:
        criterion = framework.criterion(part.criterion)
        judged = criterion.modes if isinstance(criterion, NumericCriterion) else "any"
        chosen += [
            Run(part.id, part.criterion, mode)
            for mode in submission.modes
            if judged == "any" or mode.id in judged
        ]
    if not chosen:
        raise CannotRunError(
            f"framework {framework.id}: its criteria are judged in modes that the submission lacks"
        )
    return tuple(chosen)
