"""The forecast for a SUBMISSION.toml, on this installation's experience, written as a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from touchstone.editions.page.plan_page import render_plan
from touchstone.evaluation import Submission, load_submission
from touchstone.evaluation.families.base import Family
from touchstone.evaluation.families.loading import load_families
from touchstone.framework import Framework
from touchstone.handin import day_written, utc_text
from touchstone.keys import SystemClock
from touchstone.keys.files import write_file
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
from touchstone.service.measurement.forecasting.page import plan_page
from touchstone.verdicts.errors import CannotRunError


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
    known = families_of(home_folder())
    found = plan_review(path, chosen, now, observed_costs_here(submission.developer.id), known)
    if out is not None:
        _writable(out)
        write_file(out, [render_plan(plan_page(found, now)).encode()])
    return found


def _writable(out: Path) -> None:
    if out.is_dir():
        raise CannotRunError(f"--out {out}: is a folder; name a file, such as plan.html")
    if not out.parent.is_dir():
        raise CannotRunError(f"--out {out}: the folder {out.parent} does not exist; make it first")


def plan_review(
    path: Path,
    options: PlanOptions,
    now: str,
    seen: ObservedCosts,
    known: Mapping[str, Family] | None = None,
) -> Forecast:
    """What reviewing a submission would take and could tell. Nothing is asked, nothing written.

    Args:
        path: The SUBMISSION.toml.
        options: What was chosen.
        now: The instant from which the window's days are counted, as the record writes it.
        seen: What earlier samples took.
        known: The families of tasks there are; None: those that come with Touchstone.

    Raises:
        SubmissionError: the submission cannot be used.
        CannotRunError: no review could be opened so.
    """
    submission = load_submission(path)
    framework = load_framework(
        submission.framework if options.framework is None else options.framework
    )
    # As `review run` does, so that no plan is made for a review that could not be opened.
    check_parties(framework, submission)
    window = review_window(framework, submission, now)
    families = load_families() if known is None else known
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
