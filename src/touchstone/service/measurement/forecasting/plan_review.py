"""The forecast for a submission, on this installation's experience."""

from collections.abc import Mapping
from dataclasses import dataclass

from touchstone.evaluation import Submission
from touchstone.evaluation.elicitation import ELICITATION
from touchstone.evaluation.families.base import Family
from touchstone.evaluation.families.loading import load_families
from touchstone.framework import Framework
from touchstone.handin import day_written
from touchstone.planning.costing import ObservedCosts
from touchstone.planning.forecast import Forecast
from touchstone.planning.forecasting import WindowLeft, forecast
from touchstone.planning.options import PlanOptions
from touchstone.review.clock import calendar_of, deadline, window_laid
from touchstone.service.cases.opening import check_parties
from touchstone.service.configuration import families_of
from touchstone.service.frameworks import load_framework
from touchstone.service.homes import home_folder
from touchstone.service.measurement.forecasting.observed_costs import observed_costs_here


def forecast_here(submission: Submission, options: PlanOptions, now: str) -> Forecast:
    """The forecast for a submission, on this installation's experience and families.

    Args:
        submission: What would be reviewed.
        options: What was chosen.
        now: The instant from which the window's days are counted, as the record writes it.

    Raises:
        CannotRunError: no review could be opened so.
    """
    seen = observed_costs_here(submission.developer.id)
    return plan_review(submission, options, now, seen, families_of(home_folder()))


def plan_review(
    submission: Submission,
    options: PlanOptions,
    now: str,
    seen: ObservedCosts,
    known: Mapping[str, Family] | None = None,
) -> Forecast:
    """What reviewing a submission would take and could tell. Nothing is asked, nothing written.

    Args:
        submission: What would be reviewed.
        options: What was chosen.
        now: The instant from which the window's days are counted, as the record writes it.
        seen: What earlier samples took.
        known: The families of tasks there are; None: those that come with Touchstone.

    Raises:
        CannotRunError: no review could be opened so.
    """
    framework = load_framework(
        submission.framework if options.framework is None else options.framework
    )
    # As `review run` does, so that no plan is made for a review that could not be opened.
    check_parties(framework, submission)
    window = review_window(framework, submission, now)
    families = load_families() if known is None else known
    # What samples took that were drawn out as usual says nothing of another budget.
    seen = seen if options.elicitation == ELICITATION else {}
    return forecast(submission, framework, families, options, window, seen)


@dataclass(frozen=True)
class _ComingIn:
    """The releases that a submission plans."""

    planned_partner_release: str | None
    planned_public_release: str | None


def review_window(framework: Framework, submission: Submission, now: str) -> WindowLeft:
    """When the window would end if the model came in now, and counted days until then."""
    partner, public = submission.planned_days
    laid = window_laid(framework.window, _ComingIn(partner, public), now)
    shared, ends = (day_written(laid[name]) for name in ("shared_day", "review_by"))
    counted = calendar_of(framework.window).between(shared, ends)
    left = max(0, (ends - shared).days)
    return WindowLeft(deadline(laid["review_by"], laid["timezone"]), counted, left)
