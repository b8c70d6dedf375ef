"""Which battery speaks to a framework's criteria, and which modes of a submission it runs in."""

from collections.abc import Mapping
from dataclasses import dataclass

from touchstone.evaluation import BatteryPlan, ItemSetPlan, Submission
from touchstone.evaluation.battery_file import ChosenBattery
from touchstone.evaluation.families.base import (
    MIN_DIFFICULTY,
    Family,
    FrozenFamily,
)
from touchstone.evaluation.submission import Mode
from touchstone.framework import Framework, NumericCriterion
from touchstone.verdicts.battery_plans import (
    counts_of,
    numeric,
    plan_of_file,
    require_decides,
    require_graders,
    require_roles,
    spread,
)
from touchstone.verdicts.errors import CannotRunError

DEFAULT_ITEMS = 30
MAX_ITEMS = 5_000


@dataclass(frozen=True)
class Run:
    """One item set in one mode: what the outcomes are counted under."""

    item_set: str
    criterion: str
    mode: Mode
    reference: bool = False
    """Whether it is there to be compared with; then nothing is judged of it."""


def battery_plan(
    framework: Framework,
    families: Mapping[str, Family],
    items: int,
    plan_id: str = "planned",
    kind: str = "review",
    chosen: ChosenBattery | None = None,
) -> BatteryPlan:
    """What to draw for a framework: an item set for each numeric criterion, or what a file says.

    A framework that states no number still gets a measurement: one item set for each known family
    whose domain it names. Nothing is concluded from those.

    Args:
        framework: The standard.
        families: The generators known here, by name.
        items: How many items a set holds; `at-least-once-in-k` sets hold k.
        plan_id: The battery's id in its case, once it is to be sealed there.
        kind: The case's kind; a screening asks only the criteria that compare with a reference.
        chosen: A battery file; `items` is of those of its sets that name no number.

    Raises:
        CannotRunError: no family speaks to any criterion or domain, or a file's set cannot be had.
    """
    if chosen is not None:
        return plan_of_file(chosen, framework, families, items, plan_id, kind)
    if not 1 <= items <= MAX_ITEMS:
        raise CannotRunError(f"--items {items}: write a number from 1 to {MAX_ITEMS}")
    sets = [
        ItemSetPlan(
            id=c.id,
            criterion=c.id,
            family=c.family,
            counts=counts_of(families[c.family], items, c.k),
        )
        for c in numeric(framework)
        if c.family in families and (kind == "review" or c.reference is not None)
    ]
    if kind == "screening" and not sets:
        raise CannotRunError(
            f'kind = "screening": framework {framework.id} has no criterion that compares with a '
            'reference; write kind = "review"'
        )
    if not numeric(framework):
        sets = [
            ItemSetPlan(id=name, criterion=name, family=name, counts=spread(items))
            for name, family in families.items()
            # A pack is its owner's choice of items and says no domain: a criterion names it.
            if not isinstance(family, FrozenFamily)
            and family.generate(0, MIN_DIFFICULTY).domain in framework.domains
        ]
    if not sets:
        raise CannotRunError(
            f"framework {framework.id}: no family of tasks known here speaks to its criteria; "
            f"known families: {', '.join(sorted(families)) or 'none'}"
        )
    for part in sets:
        family = families[part.family]
        require_roles(part.id, part.roles, family)
        require_decides(part.id, family, framework.criterion(part.criterion))
    return BatteryPlan(id=plan_id, sets=tuple(sets))


def left_out(
    framework: Framework,
    families: Mapping[str, Family],
    kind: str = "review",
    chosen: ChosenBattery | None = None,
) -> tuple[str, ...]:
    """A line for each criterion with a number of which `battery_plan` draws nothing, and why.

    Of a battery file also one for each set whose tasks are others than the framework names.
    """
    known = ", ".join(sorted(families)) or "none"
    lines = []
    sets = {} if chosen is None else {each.criterion: each for each in chosen.text.sets}
    for criterion in numeric(framework):
        if chosen is not None and criterion.id not in sets:
            why = f"the battery file {chosen.text.id!r} has no set for it"
        elif chosen is not None:
            if (source := sets[criterion.id].source) != criterion.family:
                lines.append(
                    f"Criterion {criterion.id}: the framework names {criterion.family!r}, and the "
                    f"battery file takes {source!r}"
                )
            continue
        elif criterion.family not in families:
            why = f"no family of tasks {criterion.family!r} is known here (known: {known})"
        elif kind != "review" and criterion.reference is None:
            why = f"a {kind} asks only the criteria that compare with a reference"
        else:
            continue
        lines.append(f"Criterion {criterion.id} will not be measured: {why}")
    return tuple(lines)


def runs(framework: Framework, plan: BatteryPlan, submission: Submission) -> tuple[Run, ...]:
    """Every item set in every mode in which its criterion is judged, in a fixed order.

    A reference runs, in all of its modes, the items of the criteria that name it. Where the
    framework states no number it runs everything, to be read beside the model under review.

    Raises:
        CannotRunError: the submission lacks every mode that is judged, or a pack would ask the
            subject, or its key, for another role.
    """
    require_graders(plan, submission)
    chosen = []
    for part in plan.sets:
        criterion = framework.criterion(part.criterion)
        numeric = criterion if isinstance(criterion, NumericCriterion) else None
        chosen += [
            Run(part.id, part.criterion, mode, mode.variant in submission.references)
            for mode in submission.modes
            if numeric is None or _wanted(numeric, mode, submission.references)
        ]
    if all(run.reference for run in chosen):
        raise CannotRunError(
            f"framework {framework.id}: its criteria are judged in modes that the submission lacks"
        )
    return tuple(chosen)


def _wanted(criterion: NumericCriterion, mode: Mode, references: frozenset[str]) -> bool:
    if mode.variant in references:
        return mode.variant == criterion.reference
    return criterion.modes == "any" or mode.id in criterion.modes


def without_reference(criterion: NumericCriterion, submission: Submission) -> str | None:
    """What is missing where a criterion compares with a variant that is not there; else None."""
    if criterion.reference is None or criterion.reference in submission.references:
        return None
    return (
        f"criterion {criterion.id} compares with the variant {criterion.reference!r}: hand it in "
        'under [[variants]] with purpose = "reference", and a mode that runs it'
    )


def modes_lacking(criterion: NumericCriterion, submission: Submission) -> str | None:
    """What cannot be said where a criterion names a mode that nobody handed in; else None."""
    if criterion.modes == "any":
        return None
    given = {each.id for each in submission.modes if each.variant not in submission.references}
    lacking = [mode for mode in criterion.modes if mode not in given]
    if not lacking:
        return None
    return (
        f"criterion {criterion.id} is also judged in {', '.join(lacking)} mode, and nothing under "
        "review was handed in with it: the rule can find it met or not measured, but never not met"
    )
