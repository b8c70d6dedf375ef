"""From a submission and a framework to a forecast, with nothing asked of any endpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from touchstone.evaluation import Submission
from touchstone.evaluation.batteries import ItemSetPlan
from touchstone.evaluation.families.base import Family, FrozenFamily
from touchstone.evaluation.packs.manifest import PackLimits
from touchstone.framework import Framework, NumericCriterion
from touchstone.planning.answerability import (
    Answerability,
    answerability,
    cluster_assumption,
)
from touchstone.planning.costing import (
    Costing,
    MeanCost,
    ObservedCosts,
    check_limits,
    cost_assumptions,
)
from touchstone.planning.forecast import Forecast, RunForecast
from touchstone.planning.notes import PlanNote
from touchstone.planning.options import WORKERS, PlanOptions
from touchstone.planning.sample_sizes import sample_size_curve
from touchstone.planning.verdict_probabilities import (
    FamilyProbabilities,
    ProbabilitiesAtRate,
    family_probabilities,
    nearest_to_its_count,
    tabulated_points,
    verdict_probabilities,
)
from touchstone.verdicts.battery_plans import numeric
from touchstone.verdicts.preregistration import RunRule, verdict_plan
from touchstone.verdicts.runs import (
    DEFAULT_ITEMS,
    Run,
    battery_plan,
    left_out,
    modes_lacking,
    runs,
    without_reference,
)


class WindowLeft(NamedTuple):
    """What is left of a review window."""

    review_by: str
    """The instant at which it ends, as the record writes it."""
    days: int
    """Days until then, counted as the framework counts."""
    calendar_days: int
    """Days until then, each counted: machines work on holidays too."""


def forecast(
    submission: Submission,
    framework: Framework,
    families: Mapping[str, Family],
    options: PlanOptions,
    window: WindowLeft,
    seen: ObservedCosts,
) -> Forecast:
    """What a review of a submission under a framework would take and could tell.

    Args:
        submission: What would be reviewed.
        framework: The standard.
        families: The generators of tasks known here, by name.
        options: What was chosen.
        window: What is left of the review window.
        seen: What earlier samples took.

    Raises:
        CannotRunError: no battery can be planned so.
    """
    items = DEFAULT_ITEMS if options.items is None else options.items
    battery, kind = options.battery, submission.kind
    plan = battery_plan(framework, families, items, kind=kind, chosen=battery)
    sets = {part.id: part for part in plan.sets}
    chosen = runs(framework, plan, submission)
    # As many workers as a review has by default: how far samples run ahead depends on them.
    rules = verdict_plan(framework, plan, chosen, WORKERS, whole=options.whole_battery).runs
    costing = Costing(submission, options, seen)
    found = tuple(
        _run(run, sets[run.item_set], _rule_of(run, rules), framework, costing, families)
        for run in chosen
    )
    whole = Forecast(
        submission.model.name,
        framework.id,
        costing.currency,
        found,
        window.review_by,
        window.days,
        (),
        tuple(PlanNote("told", text=each) for each in left_out(framework, families, kind, battery)),
        _together(framework, rules, sets),
        business_days=framework.window.unit == "business-days",
        calendar_days=window.calendar_days,
    )
    # Said at the end, of the whole: no run stands for a mode that nobody hands in.
    lacking = [
        PlanNote("told", text=each)
        for c in numeric(framework)
        if (each := modes_lacking(c, submission))
    ]
    said = check_limits(cost_assumptions(whole, costing), costing)
    return replace(said, cannot=(*said.cannot, *lacking))


def _together(
    framework: Framework, rules: Sequence[RunRule], sets: Mapping[str, ItemSetPlan]
) -> tuple[FamilyProbabilities, ...]:
    """What the modes of each criterion will say together."""
    found = []
    for item_set in dict.fromkeys(rule.item_set for rule in rules):
        criterion = framework.criterion(sets[item_set].criterion)
        if isinstance(criterion, NumericCriterion):
            alike = [rule for rule in rules if rule.item_set == item_set]
            errors = float(criterion.alpha), float(criterion.beta)
            found.append(
                family_probabilities(criterion.id, alike, levels_of(sets[item_set]), *errors)
            )
    return tuple(each for each in found if each is not None)


def levels_of(part: ItemSetPlan) -> list[int]:
    """The difficulty of each item of a set, from easy to hard."""
    return [level for level, count in part.counts.items() for _ in range(count)]


def _rule_of(run: Run, rules: Sequence[RunRule]) -> RunRule | None:
    """None where the framework states no number."""
    # By all three: a mode's name may recur in another variant.
    key = (run.item_set, run.mode.variant, run.mode.id)
    return next((rule for rule in rules if (rule.item_set, rule.variant, rule.mode) == key), None)


def _run(
    run: Run,
    part: ItemSetPlan,
    rule: RunRule | None,
    framework: Framework,
    costing: Costing,
    families: Mapping[str, Family],
) -> RunForecast:
    levels, limits = levels_of(part), limits_of(part, families)
    size = len(levels)
    # What samples took that were drawn out as usual says nothing of another budget.
    usual = None if part.elicitation else costing.mean_cost(part.family, run.mode.id)
    criterion, said = framework.criterion(run.criterion), tuple[ProbabilitiesAtRate, ...]()
    if rule is None or not isinstance(criterion, NumericCriterion):
        curve, title = None, run.criterion
        told = Answerability((PlanNote("reference" if run.reference else "no-number"),), ())
    else:
        curve, title = sample_size_curve(rule, levels), criterion.title
        said = (
            verdict_probabilities(rule, levels, cluster_assumption(size, costing.options))
            if size > 1
            else ()
        )
        told = answerability(criterion, rule, levels, costing.options, said)
        if lacking := without_reference(criterion, costing.submission):
            told = replace(told, cannot=(*told.cannot, PlanNote("told", text=lacking)))
    return RunForecast(
        criterion=run.criterion,
        title=title,
        variant=run.mode.variant,
        mode=run.mode.id,
        size=size,
        curve=curve,
        said=said,
        shown=nearest_to_its_count(tabulated_points(rule.rule, said), size) if rule else (),
        expected=costing.expected(
            # Further attempts run where the first decided, so each takes as many samples again.
            part.attempts * (curve.begun if curve else float(size)),
            usual or expected_cost(part),
            limits,
        ),
        worst=costing.worst(part.attempts * size, limits),
        measured=usual is not None,
        notes=(*told.notes, *chosen_notes(part, families)),
        cannot=told.cannot,
    )


def limits_of(part: ItemSetPlan, families: Mapping[str, Family]) -> PackLimits:
    """What holds of one sample of a set beside the usual elicitation, what is said last first."""
    family = families[part.family]
    if isinstance(family, FrozenFamily):
        return part.limits.of_sample.over(family.limits)
    how = part.elicitation
    if how is None:
        return part.limits.of_sample
    own = PackLimits(
        messages=how.message_limit, tokens=how.token_limit, working_seconds=how.working_seconds
    )
    return part.limits.of_sample.over(own)


def expected_cost(part: ItemSetPlan) -> MeanCost | None:
    """What the battery file expects of a sample; None where it says nothing."""
    if part.cost is None:
        return None
    return MeanCost(0, 0, part.cost.input, part.cost.output, part.cost.seconds)


def chosen_notes(part: ItemSetPlan, families: Mapping[str, Family]) -> tuple[PlanNote, ...]:
    """What a battery file chose for a set, and what bounds its cost where nothing was chosen."""
    notes = []
    # The elicitation's limits hold for families: of a pack they are no more than a guess.
    frozen = isinstance(families[part.family], FrozenFamily)
    if frozen and limits_of(part, families).tokens is None:
        notes.append(PlanNote("unlimited"))
    if part.attempts > 1:
        notes.append(PlanNote("tried", attempts=part.attempts))
    if part.cost is not None:
        notes.append(
            PlanNote(
                "expected-by-file",
                tokens=part.cost.input + part.cost.output,
                seconds=part.cost.seconds,
            )
        )
    return tuple(notes)
