"""`touchstone plan`: cost, duration and statistical power of a review, before anything runs."""

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from touchstone.cli.output import Json, show, show_json
from touchstone.cli.review_running import BatteryPath, Chosen, chosen_battery
from touchstone.errors import BadInputError

if TYPE_CHECKING:
    from touchstone.planning.forecast import Forecast

DONE, NO = 0, 1
Flag = Parameter(negative="")
Options = dict[str, Any]


def _alone(text: str) -> Parameter:
    return Parameter(help=f"Without a submission: {text}.")


Tasks = Annotated[int | None, _alone("how many tasks")]
Threshold = Annotated[float | None, _alone("the threshold, or the reference's rate; default 0.5")]
Alpha = Annotated[float | None, _alone("one-sided error; default 0.025")]
PairedCorrelation = Annotated[
    float | None, _alone("correlation of two models' outcomes on the same tasks; default 0.57")
]
Tries = Annotated[int | None, _alone("attempts at one task")]
Rate = Annotated[float | None, _alone("with attempts, the success rate that must not be missed")]
Relative = Annotated[
    bool,
    Parameter(negative="", help="Without a submission: a difference from a reference model."),
]


def plan(
    submission: Path | None = None,
    *,
    framework: str | None = None,
    items: int | None = None,
    whole_battery: Annotated[bool, Flag] = False,
    elicitation: Chosen = None,
    battery: BatteryPath = None,
    price_in: Decimal | None = None,
    price_out: Decimal | None = None,
    seconds_per_sample: float | None = None,
    concurrency: int | None = None,
    clusters: int | None = None,
    icc: float | None = None,
    points: float | None = None,
    out: Path | None = None,
    tasks: Tasks = None,
    threshold: Threshold = None,
    alpha: Alpha = None,
    relative: Relative = False,
    paired_correlation: PairedCorrelation = None,
    attempts: Tries = None,
    rate: Rate = None,
    json: Json = False,
) -> int:
    """Estimate cost, duration and statistical power of a review, before anything runs.

    With a SUBMISSION.toml: samples, tokens, money and days of each criterion and mode, and the
    probability of each verdict, simulated as a review judges. Without one: the power of so many
    tasks to detect a difference (--tasks, --points), or of so many attempts to see a rare success
    (--attempts, --rate). Nothing is asked or written but --out. Exit 1: it cannot be answered.

    Args:
        submission: The SUBMISSION.toml.
        framework: A shipped id or a .toml file; default: the one that the submission names.
        items: Items per criterion; default 30.
        whole_battery: Let no verdict stop before every item has run.
        price_in: USD per million tokens in; default: the submission's price.
        price_out: USD per million tokens out.
        seconds_per_sample: Duration of a sample; default: as earlier ones, or their limit.
        concurrency: Samples at the same time; default 8.
        clusters: Independent groups among the items or tasks; default: each stands for itself.
        icc: Intra-cluster correlation of outcomes; default 0.3.
        points: Difference to detect with 80% power, in percentage points, beyond these items.
        out: Write the plan as a page, with charts.
    """
    # By the kind of question that each goes with: one of the other kind is refused.
    question: Options = {"tasks": tasks, "threshold": threshold, "relative": relative or None}
    question |= {"paired_correlation": paired_correlation, "attempts": attempts}
    question |= {"rate": rate, "alpha": alpha}
    review: Options = {"framework": framework, "items": items, "elicitation": elicitation}
    review |= {"whole_battery": whole_battery or None, "price_in": price_in, "price_out": price_out}
    review |= {"battery": chosen_battery(battery)}
    review |= {"seconds_per_sample": seconds_per_sample, "concurrency": concurrency}
    both: Options = {"clusters": clusters, "icc": icc, "points": points}
    if submission is not None:
        # Refused, not ignored: who typed it believes that it changed the answer.
        _refuse(question, "is for a question without a submission: take it out")
        return _review(submission, out, _given(review | both), json=json)
    _refuse(review | {"out": out}, "goes with a SUBMISSION.toml: name one")
    return _question(question, both, json=json)


def _given(options: Options) -> Options:
    # Only what was typed, so that each default stands in one place, which is not here.
    return {name: value for name, value in options.items() if value is not None}


def _refuse(options: Options, why: str) -> None:
    for name in _given(options):
        raise BadInputError(f"--{name.replace('_', '-')} {why}")


def _review(submission: Path, out: Path | None, options: Options, *, json: bool) -> int:
    from touchstone.cli import tables
    from touchstone.evaluation import load_submission
    from touchstone.evaluation.profiles import load_elicitation
    from touchstone.handin import utc_text
    from touchstone.keys import SystemClock
    from touchstone.planning.options import PlanOptions
    from touchstone.service.measurement.forecasting.page import (
        columns,
        said_columns,
        said_rows,
        table_rows,
    )
    from touchstone.service.measurement.forecasting.plan_review import forecast_here
    from touchstone.service.measurement.forecasting.words import forecast_dict, forecast_lines

    if "elicitation" in options:
        options = {**options, "elicitation": load_elicitation(options["elicitation"])}
    chosen = PlanOptions(**options)
    now = utc_text(SystemClock().now())
    forecast = forecast_here(load_submission(submission), chosen, now)
    if out is not None:
        _write_page(out, forecast, now)
    if json:
        show_json(forecast_dict(forecast))
    else:
        title = f"{forecast.model} under {forecast.framework}: expected to worst"
        tables.grid(columns(), table_rows(forecast), title)
        if rows := said_rows(forecast):
            tables.grid(said_columns(), rows, "Probability of each verdict, by true rate")
        for line in ("", *forecast_lines(forecast)):
            show(line)
        if out is not None:
            show(f"Written: {out}")
    return DONE if forecast.answerable else NO


def _write_page(out: Path, forecast: "Forecast", now: str) -> None:
    from touchstone.editions.page.plan_page import render_plan
    from touchstone.keys.files import write_file
    from touchstone.service.measurement.forecasting.page import plan_page

    if out.is_dir():
        raise BadInputError(f"--out {out}: is a folder; name a file, such as plan.html")
    if not out.parent.is_dir():
        raise BadInputError(f"--out {out}: the folder {out.parent} does not exist; make it first")
    write_file(out, [render_plan(plan_page(forecast, now)).encode()])


def _question(question: Options, both: Options, *, json: bool) -> int:
    from touchstone.planning.power_query import query_power
    from touchstone.service.measurement.forecasting.words import power_dict, power_lines

    attempts, rate, alpha = (question[name] for name in ("attempts", "rate", "alpha"))
    if attempts is None and rate is None:
        found = query_power(_given(question | both))
        return _tell(found.can, power_lines(found), power_dict(found), json=json)
    rest = {k: v for k, v in question.items() if k not in {"attempts", "rate", "alpha"}}
    _refuse(rest | both, "does not go with --attempts")
    return _attempts(attempts, rate, alpha, json=json)


def _attempts(attempts: int | None, rate: float | None, alpha: float | None, *, json: bool) -> int:
    from touchstone.planning.power_query import attempts_result
    from touchstone.service.measurement.forecasting.words import attempts_dict, attempts_lines

    if attempts is None or rate is None:
        raise BadInputError("--attempts and --rate go together: write both")
    found = attempts_result(attempts, rate, 0.05 if alpha is None else alpha)
    return _tell(found.can, attempts_lines(found), attempts_dict(found), json=json)


def _tell(can: bool, lines: list[str], told: dict[str, Any], *, json: bool) -> int:
    if json:
        show_json(told)
    else:
        for line in lines:
            show(line)
    return DONE if can else NO
