"""From a submission and a framework to a forecast, with nothing asked of any endpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from touchstone.evaluation import Submission, load_submission
from touchstone.evaluation.batteries import ItemSetPlan
from touchstone.framework import Framework, NumericCriterion
from touchstone.handin import utc_text
from touchstone.keys import SystemClock
from touchstone.keys.files import write_file
from touchstone.report.plan_page import render_plan
from touchstone.service.forecasting.answerability import (
    NO_NUMBER,
    REFERENCE,
    Answerability,
    answerability,
    cluster_assumption,
)
from touchstone.service.forecasting.costing import (
    Costing,
    check_limits,
    cost_assumptions,
    review_window,
)
from touchstone.service.forecasting.forecast import Forecast, RunForecast
from touchstone.service.forecasting.observed_costs import ObservedCosts, observed_costs_here
from touchstone.service.forecasting.options import WORKERS, PlanOptions
from touchstone.service.forecasting.page import plan_page
from touchstone.service.forecasting.sample_sizes import sample_size_curve
from touchstone.service.forecasting.verdict_probabilities import (
    FamilyProbabilities,
    ProbabilitiesAtRate,
    family_probabilities,
    tabulated_points,
    verdict_probabilities,
)
from touchstone.service.frameworks import load_framework
from touchstone.service.measuring.sealing import families
from touchstone.service.opening import check_parties
from touchstone.verdicts.errors import CannotRunError
from touchstone.verdicts.preregistration import RunRule, verdict_plan
from touchstone.verdicts.runs import (
    DEFAULT_ITEMS,
    Run,
    battery_plan,
    left_out,
    modes_lacking,
    numeric,
    runs,
    without_reference,
)


def forecast_submission(path: Path, options: Mapping[str, Any], out: Path | None) -> Forecast:
    """The forecast for a SUBMISSION.toml, on this installation's experience, written as a page.

    Args:
        path: The SUBMISSION.toml.
        options: Fields of `PlanOptions`.
        out: Where the page goes; None: nowhere.
    """
    chosen = PlanOptions(**options)
    submission = load_submission(path)
    now = utc_text(SystemClock().now())
    found = plan_review(path, chosen, now, observed_costs_here(submission.developer.id))
    if out is not None:
        _writable(out)
        write_file(out, [render_plan(plan_page(found, now)).encode()])
    return found


def _writable(out: Path) -> None:
    if out.is_dir():
        raise CannotRunError(f"--out {out}: is a folder; name a file, such as plan.html")
    if not out.parent.is_dir():
        raise CannotRunError(f"--out {out}: the folder {out.parent} does not exist; make it first")


def plan_review(path: Path, options: PlanOptions, now: str, seen: ObservedCosts) -> Forecast:
    """What reviewing a submission would take and could tell. Nothing is asked, nothing written.

    Args:
        path: The SUBMISSION.toml.
        options: What was chosen.
        now: The instant from which the window's days are counted, as the record writes it.
        seen: What earlier samples took.

    Raises:
        SubmissionError: the submission cannot be used.
        CannotRunError: no review could be opened so.
    """
    submission = load_submission(path)
    framework = load_framework(
        submission.framework if options.framework is None else options.framework
    )
    check_parties(framework, submission)
    return forecast(submission, framework, options, now, seen)


def forecast(
    submission: Submission,
    framework: Framework,
    options: PlanOptions,
    now: str,
    seen: ObservedCosts,
) -> Forecast:
    """The forecast of a review under a framework; see `plan_review`."""
    items = DEFAULT_ITEMS if options.items is None else options.items
    plan = battery_plan(framework, families(), items, "battery-1", submission.kind)
    sets = {part.id: part for part in plan.sets}
    chosen = runs(framework, plan, submission)
    rules = verdict_plan(framework, plan, chosen, WORKERS, whole=options.whole_battery).runs
    costing = Costing(submission, options, seen)
    found = tuple(
        _run(run, sets[run.item_set], _rule_of(run, rules), framework, costing) for run in chosen
    )
    review_by, days_left = review_window(framework, submission, now)
    whole = Forecast(
        submission.model.name,
        framework.id,
        costing.currency,
        found,
        review_by,
        days_left,
        (),
        left_out(framework, families(), submission.kind),
        _together(framework, rules, sets),
    )
    lacking = [each for c in numeric(framework) if (each := modes_lacking(c, submission))]
    said = check_limits(cost_assumptions(whole, costing), framework, costing)
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
    key = (run.item_set, run.mode.variant, run.mode.id)
    return next((rule for rule in rules if (rule.item_set, rule.variant, rule.mode) == key), None)


def _run(
    run: Run, part: ItemSetPlan, rule: RunRule | None, framework: Framework, costing: Costing
) -> RunForecast:
    levels = levels_of(part)
    size, usual = len(levels), costing.mean_cost(part.family, run.mode.id)
    criterion, said = framework.criterion(run.criterion), tuple[ProbabilitiesAtRate, ...]()
    if rule is None or not isinstance(criterion, NumericCriterion):
        curve, title = None, run.criterion
        told = Answerability((REFERENCE if run.reference else NO_NUMBER,), ())
    else:
        curve, title = sample_size_curve(rule, levels), criterion.title
        said = (
            verdict_probabilities(rule, levels, cluster_assumption(size, costing.options))
            if size > 1
            else ()
        )
        told = answerability(criterion, rule, size, costing.options, said)
        if lacking := without_reference(criterion, costing.submission):
            told = replace(told, cannot=(*told.cannot, lacking))
    return RunForecast(
        criterion=run.criterion,
        title=title,
        variant=run.mode.variant,
        mode=run.mode.id,
        size=size,
        curve=curve,
        said=said,
        shown=tuple(tabulated_points(rule.rule, said)) if rule else (),
        expected=costing.expected(curve.begun if curve else float(size), usual),
        worst=costing.worst(size),
        measured=usual is not None,
        notes=told.notes,
        cannot=told.cannot,
    )
