"""`touchstone estimate`: what a table of runs from elsewhere says of each model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from touchstone.cli.output import Json, show, show_json, warn
from touchstone.errors import BadInputError
from touchstone.handin import printable_line

if TYPE_CHECKING:
    from touchstone.service.measurement.estimating.estimating import Estimates, ModelSays
    from touchstone.service.measurement.estimating.people import (
        HorizonConditions,
        PeopleSay,
        Uplift,
    )
    from touchstone.statistics import Estimate, HumanItem

DONE = 0
Column = Annotated[list[str] | None, Parameter(negative="", consume_multiple=False)]


def estimate(
    results: Path,
    *,
    column: Column = None,
    reference: str | None = None,
    attempts: int | None = None,
    threshold: float | None = None,
    alpha: float | None = None,
    beta: float | None = None,
    sensitivity: str | None = None,
    specificity: str | None = None,
    humans: Path | None = None,
    json: Json = False,
) -> int:
    """Say what runs made elsewhere tell of each model: rates, differences, pass@k, time horizons.

    RESULTS is CSV or Parquet, a row a run: model, item, outcome (0 to 1); optionally cluster (what
    is like it: a family, a flaw), minutes (that a person takes) and weight. All of it is for runs
    whose number was fixed beforehand, and decides nothing. What is suspect in the table (copies
    among the models, for one) is named on stderr.

    Args:
        results: The file.
        column: What the file calls a column, such as item=task_id; may be repeated.
        reference: A model from which differences are told; paired where the items are the same.
        attempts: k of pass@k, over the runs of each item.
        threshold: Say whether the model lies above or below it on further such clusters.
        alpha: With a threshold, chance allowed for a false "above"; default 0.05.
        beta: With a threshold, chance allowed for a false "below"; default 0.05.
        sensitivity: Of so many real successes how many the grader passed, such as 45/50.
        specificity: Of so many real failures how many the grader failed, such as 48/50.
        humans: People's trials of the same items, CSV or Parquet: item, person, solved, minutes;
            optionally model (that helped; empty: none) and limit (in minutes).
    """
    from touchstone.cli.run_tables import read_runs, read_trials
    from touchstone.service.measurement.estimating.estimating import Wanted
    from touchstone.service.measurement.estimating.estimating import estimate as estimated

    if threshold is None and not (alpha is None and beta is None):
        raise BadInputError("--alpha and --beta go with --threshold: write it")
    given: dict[str, Any] = {
        "reference": reference,
        "attempts": attempts,
        "threshold": threshold,
        "alpha": alpha,
        "beta": beta,
        "sensitivity": sensitivity,
        "specificity": specificity,
    }
    wanted = Wanted(**{name: value for name, value in given.items() if value is not None})
    trials = None if humans is None else read_trials(humans)
    found = estimated(read_runs(results, _names(column or [])), wanted, trials)
    # On stderr and first: a table of copies must not be quoted without its doubt, and stdout stays
    # what a program reads.
    for doubt in found.doubts:
        warn(printable_line(f"{doubt.kind}: {doubt.text}"))
    if json:
        show_json(found.as_dict())
    else:
        _show(found, wanted.attempts)
    return DONE


def _show(found: "Estimates", attempts: int | None) -> None:
    for model in found.models:
        for line in _lines(model, attempts):
            show(line)
    if found.people is not None:
        _show_people(found.people)


def _names(columns: list[str]) -> dict[str, str]:
    names = {}
    for text in columns:
        ours, equals, theirs = text.partition("=")
        if not equals or not theirs:
            raise BadInputError(f"--column {text}: write such as item=task_id")
        names[ours] = theirs
    return names


def _lines(model: "ModelSays", attempts: int | None) -> list[str]:
    from touchstone.statistics import percent

    counted = f"{model.runs:,} runs of {model.items:,} items in {model.rate.clusters:,} clusters"
    lines = [f"{printable_line(model.model)}: {counted}, rate {_said(model.rate)}"]
    if model.word is not None:
        lines.append(f"  on further such clusters: {model.word.value.replace('-', ' ')}")
    if model.pass_at is not None:
        lines.append(f"  pass@{attempts}, solved at least once: {percent(model.pass_at)}")
    if model.corrected is not None:
        lines.append(f"  behind the grader's errors: {_said(model.corrected)}")
    if model.difference is not None:
        how = "paired, on the same items" if model.paired else "on different items"
        lines.append(f"  difference from the reference, {how}: {_points(model.difference)}")
    if model.over_people is not None:
        over = f"over people without help, on the {model.people_items:,} items that they tried"
        lines.append(f"  {over}: {_points(model.over_people)}")
    if model.horizon is not None and model.conditions is not None:
        length = model.horizon
        lines.append(
            f"  time horizon at {length.rate:.0%}: {_minutes(length.minutes)} minutes "
            f"(95% interval {_minutes(length.interval.low)} to {_minutes(length.interval.high)})"
        )
        lines.append(f"    {_conditions(model.conditions)}")
    return [*lines, *(f"  not told: {printable_line(reason)}" for reason in model.without)]


def _conditions(on: "HorizonConditions") -> str:
    """What a horizon must be quoted with."""
    whose = (
        f"{on.timed:,} timed by people who solved them, {on.stated:,} as the table states"
        if on.timed
        else "lengths as the table states"
    )
    beyond = "; the horizon lies outside of these: extrapolated" if on.extrapolated else ""
    return (
        f"of {on.items:,} items in {on.clusters:,} clusters, {_minutes(on.shortest)} to "
        f"{_minutes(on.longest)} human minutes, {whose}{beyond}"
    )


def _show_people(said: "PeopleSay") -> None:
    from touchstone.cli.tables import grid

    show(
        f"people without help: {said.trials:,} trials by {said.people:,} people of "
        f"{len(said.items):,} items; {said.unsolved:,} did not solve theirs, and no length is "
        "taken from these"
    )
    rows = [_item_row(name, item) for name, item in said.items.items()]
    if rows:
        grid(["item", "solved", "95% interval", "minutes", "fastest to slowest"], rows)
    for arm in said.uplift:
        for line in _uplift(arm):
            show(line)


def _item_row(name: str, item: "HumanItem") -> list[str]:
    from touchstone.statistics import percent_interval

    solved, rate = (
        f"{item.solved} of {item.trials}",
        percent_interval(item.rate.low, item.rate.high),
    )
    if item.minutes is None or item.fastest is None or item.slowest is None:
        return [name, solved, rate, "not timed", ""]
    spread = f"{_minutes(item.fastest)} to {_minutes(item.slowest)}"
    return [name, solved, rate, _minutes(item.minutes), spread]


def _uplift(arm: "Uplift") -> list[str]:
    against = f"against {arm.alone_trials:,} by {arm.alone_people:,} without help"
    with_help = f"{arm.trials:,} trials by {arm.people:,} people, {against}"
    lines = [f"people with {printable_line(arm.model)}: {with_help}"]
    how = "paired, by the same people" if arm.paired else "by different people"
    if arm.success is not None:
        lines.append(f"  uplift in success, {how}: {_points(arm.success)}")
    if arm.time is not None:
        lines.append(
            f"  share of the time allowed that is used, with help less without: {_points(arm.time)}"
        )
    return [*lines, *(f"  not told: {printable_line(reason)}" for reason in arm.without)]


_AGES = 1e9
"""Minutes beyond which a length is none: the items do not bound it."""


def _minutes(value: float) -> str:
    # Three digits, and never a power of ten for a length that people live through.
    if value >= _AGES:
        return "no bound"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"  # noqa: PLR2004


def _points(found: "Estimate") -> str:
    """A difference of shares: `20 points (95% interval -3 to 41)`; a percent would be of one."""
    from touchstone.statistics import percent, percent_digits

    low, high = found.interval.low, found.interval.high
    digits = percent_digits(low, high)
    value, *ends = (percent(each, digits).removesuffix("%") for each in (found.value, low, high))
    return f"{value} points (95% interval {ends[0]} to {ends[1]})"


def _said(found: "Estimate") -> str:
    # In the report's own words: a decimal says more than some dozens of runs can.
    from touchstone.statistics import percent, percent_digits, percent_interval

    low, high = found.interval.low, found.interval.high
    value = percent(found.value, percent_digits(low, high))
    return f"{value} (95% interval {percent_interval(low, high)})"
