"""`touchstone plan`: what a review will take and can tell, before anything runs."""

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from touchstone.cli.output import Json, show, show_json
from touchstone.errors import BadInputError

if TYPE_CHECKING:
    from touchstone.service.forecasting.questions import Answer, Attempts

DONE, NO = 0, 1
Flag = Parameter(negative="")
Options = dict[str, Any]


def _alone(text: str) -> Parameter:
    return Parameter(help=f"Without a submission: {text}.")


Tasks = Annotated[int | None, _alone("how many tasks")]
Threshold = Annotated[float | None, _alone("the threshold, or the reference's rate; default 0.5")]
Alpha = Annotated[float | None, _alone("one-sided error; default 0.025")]
Agreement = Annotated[
    float | None, _alone("correlation of two models on the same tasks; default 0.57")
]
Tries = Annotated[int | None, _alone("attempts at one task")]
Rate = Annotated[float | None, _alone("with attempts, the success rate that must not be missed")]
Relative = Annotated[
    bool,
    Parameter(negative="", help="Without a submission: points of difference from a reference."),
]


def plan(
    submission: Path | None = None,
    *,
    framework: str | None = None,
    items: int | None = None,
    whole_battery: Annotated[bool, Flag] = False,
    price_in: Decimal | None = None,
    price_out: Decimal | None = None,
    seconds_per_sample: float | None = None,
    concurrency: int | None = None,
    clusters: int | None = None,
    alikeness: float | None = None,
    points: float | None = None,
    out: Path | None = None,
    tasks: Tasks = None,
    threshold: Threshold = None,
    alpha: Alpha = None,
    relative: Relative = False,
    agreement: Agreement = None,
    attempts: Tries = None,
    rate: Rate = None,
    json: Json = False,
) -> int:
    """Say what a review will take and can tell, before anything runs; exit 1: it cannot tell.

    With a SUBMISSION.toml: samples, tokens, money and days of each criterion and mode, and how
    often each word will be said, rehearsed as a review judges. Without one: whether so many tasks
    tell so many points (--tasks, --points), or so many attempts a rare success (--attempts,
    --rate). Nothing is asked of an endpoint and nothing is written but --out.

    Args:
        submission: The SUBMISSION.toml.
        framework: A shipped id or a .toml file; default: the one that the submission names.
        items: Items per criterion; default 30.
        whole_battery: Let no verdict stop before every item has run.
        price_in: USD per million tokens in; default: the submission's price.
        price_out: USD per million tokens out.
        seconds_per_sample: How long a sample takes; default: as earlier ones, or their limit.
        concurrency: Samples at the same time; default 8.
        clusters: Independent groups among the items or tasks; default: each stands for itself.
        alikeness: Correlation of outcomes within a cluster; default 0.3.
        points: Points from the threshold at which a model must get the right word in 80%.
        out: Write the plan as a page, with charts.
    """
    question: Options = {
        "tasks": tasks,
        "threshold": threshold,
        "relative": relative or None,
        "agreement": agreement,
        "attempts": attempts,
        "rate": rate,
        "alpha": alpha,
    }
    review: Options = {
        "framework": framework,
        "items": items,
        "whole_battery": whole_battery or None,
        "price_in": price_in,
        "price_out": price_out,
        "seconds_per_sample": seconds_per_sample,
        "concurrency": concurrency,
    }
    both: Options = {"clusters": clusters, "alikeness": alikeness, "points": points}
    if submission is not None:
        _refuse(question, "is for a question without a submission: take it out")
        return _review(submission, out, _given(review | both), json=json)
    _refuse(review | {"out": out}, "goes with a SUBMISSION.toml: name one")
    return _question(question, both, json=json)


def _given(options: Options) -> Options:
    return {name: value for name, value in options.items() if value is not None}


def _refuse(options: Options, why: str) -> None:
    for name in _given(options):
        raise BadInputError(f"--{name.replace('_', '-')} {why}")


def _review(submission: Path, out: Path | None, options: Options, *, json: bool) -> int:
    from touchstone.cli import tables
    from touchstone.service.forecasting.looking_ahead import look_ahead
    from touchstone.service.forecasting.page import COLUMNS, SAID_COLUMNS, said_rows, table_rows

    forecast = look_ahead(submission, options, out)
    if json:
        show_json(forecast.as_dict())
    else:
        title = f"{forecast.model} under {forecast.framework}: expected to worst"
        tables.grid(COLUMNS, table_rows(forecast), title)
        if rows := said_rows(forecast):
            tables.grid(SAID_COLUMNS, rows, "What will be said, by true rate")
        for line in ("", *forecast.lines()):
            show(line)
        if out is not None:
            show(f"Written: {out}")
    return DONE if forecast.answerable else NO


def _question(question: Options, both: Options, *, json: bool) -> int:
    from touchstone.service.forecasting.questions import ask

    attempts, rate, alpha = (question[name] for name in ("attempts", "rate", "alpha"))
    if attempts is None and rate is None:
        return _tell(ask(_given(question | both)), json=json)
    rest = {k: v for k, v in question.items() if k not in {"attempts", "rate", "alpha"}}
    _refuse(rest | both, "does not go with --attempts")
    return _attempts(attempts, rate, alpha, json=json)


def _attempts(attempts: int | None, rate: float | None, alpha: float | None, *, json: bool) -> int:
    from touchstone.service.forecasting.questions import attempts_answer

    if attempts is None or rate is None:
        raise BadInputError("--attempts and --rate go together: write both")
    return _tell(attempts_answer(attempts, rate, 0.05 if alpha is None else alpha), json=json)


def _tell(found: "Answer | Attempts", *, json: bool) -> int:
    if json:
        show_json(found.as_dict())
    else:
        for line in found.lines():
            show(line)
    return DONE if found.can else NO
