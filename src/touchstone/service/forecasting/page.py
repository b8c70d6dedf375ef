"""A forecast as the table and the page that people see."""

from collections.abc import Callable, Hashable, Iterable
from decimal import Decimal
from typing import TypeVar

from touchstone.report.plan_page import PlanPage, PowerCurve, SamplesCurve
from touchstone.service.forecasting.forecast import (
    Cost,
    Forecast,
    RunForecast,
    told_distances,
)

COLUMNS = (
    "Criterion, mode", "Items", "Samples", "By distance", "Tells beyond", "Tokens", "Money", "Days",
)  # fmt: skip
MEANING = (
    "Samples, tokens, money and days: expected to worst. By distance: expected samples, if the "
    "true rate lies so many points from the threshold. Tells beyond: the smallest difference above "
    "/ below the threshold that the whole battery tells of further tasks like these, with chance "
    "80%."
)
"""What the columns say, for a page that is read without its manual."""
_THOUSAND, _MILLION = 1e3, 1e6
_LEAST_DAYS, _MANY_DAYS = 0.001, 10
_T = TypeVar("_T", bound=Hashable)


def table_rows(forecast: Forecast) -> list[tuple[str, ...]]:
    """A row for each run and one for all, in the order of `COLUMNS`."""
    rows = [
        (
            f"{run.criterion}, {run.mode}",
            f"{run.size:,}",
            _range(run.expected.samples, run.worst.samples, "{:,.0f}"),
            _distances(run),
            _beyond(run),
            *_cost(run.expected, run.worst, forecast.currency),
        )
        for run in forecast.runs
    ]
    expected, worst = forecast.expected, forecast.worst
    samples = _range(expected.samples, worst.samples, "{:,.0f}")
    items = f"{worst.samples:,.0f}"
    return [*rows, ("all", items, samples, "", "", *_cost(expected, worst, forecast.currency))]


def _distances(run: RunForecast) -> str:
    """`22 at 10 points, ...`: expected samples by distance from the threshold."""
    if run.curve is None:
        return ""
    told = [f"{mean:.0f} at {d * 100:.0f}" for d, mean in told_distances(run.curve)]
    return ", ".join(told) + " points" if told else ""


def _beyond(run: RunForecast) -> str:
    if run.beyond is None:
        return ""
    sides = [
        f"{sign}{value * 100:.0f}"
        for sign, value in (("+", run.beyond.above), ("-", run.beyond.below))
        if value is not None
    ]
    return f"{' / '.join(sides)} points" if sides else "nothing"


def _cost(expected: Cost, worst: Cost, currency: str) -> tuple[str, str, str]:
    money = ""
    if expected.money is not None and worst.money is not None:
        money = f"{_money(expected.money)} to {_money(worst.money)} {currency}"
    tokens = f"{_short(expected.tokens)} to {_short(worst.tokens)}"
    return tokens, money, f"{_days(expected.days)} to {_days(worst.days)}"


def _range(low: float, high: float, shape: str) -> str:
    return f"{shape.format(low)} to {shape.format(high)}"


def _days(days: float) -> str:
    """Two figures; never an exponent."""
    if 0 < days < _LEAST_DAYS:
        return f"<{_LEAST_DAYS:g}"
    return f"{days:.2g}" if days < _MANY_DAYS else f"{days:,.0f}"


def _money(value: Decimal) -> str:
    return f"{value:,.2f}"


def _short(tokens: float) -> str:
    if tokens >= _MILLION:
        return f"{tokens / _MILLION:,.3g} M"
    return f"{tokens / _THOUSAND:,.3g} k"


def plan_page(forecast: Forecast, made_at: str) -> PlanPage:
    """The page of a forecast."""
    lines = forecast.lines()
    cannot = tuple(line.removeprefix("CANNOT: ") for line in lines if line.startswith("CANNOT: "))
    notes = tuple(line for line in lines if not line.startswith("CANNOT: "))
    return PlanPage(
        title=f"Plan of a review of {forecast.model}",
        byline=f"Framework {forecast.framework} · made {made_at} · window until "
        f"{forecast.review_by}, {forecast.days_left} days left",
        headline="As planned, it cannot answer all that is asked"
        if cannot
        else "As planned, it can answer what is asked",
        cannot=cannot,
        columns=COLUMNS,
        meaning=MEANING,
        rows=tuple(table_rows(forecast)),
        notes=notes,
        samples=tuple(
            SamplesCurve(
                names,
                run.size,
                run.curve.at,
                tuple((p.rate, p.mean, p.most) for p in run.curve.points),
            )
            for names, run in _alike(forecast.runs, lambda run: run.curve)
            if run.curve
        ),
        powers=tuple(
            PowerCurve(names, run.beyond.chances)
            for names, run in _alike(forecast.runs, lambda run: run.beyond)
            if run.beyond and run.beyond.chances
        ),
    )


def _alike(
    runs: Iterable[RunForecast], by: Callable[[RunForecast], _T]
) -> list[tuple[str, RunForecast]]:
    """One run of each kind, with what to call them all."""
    found: dict[_T, list[RunForecast]] = {}
    for run in runs:
        found.setdefault(by(run), []).append(run)
    return [(_together(group), group[0]) for group in found.values()]


def _together(group: list[RunForecast]) -> str:
    names = list(dict.fromkeys(run.criterion for run in group))
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    modes = list(dict.fromkeys(run.mode for run in group))
    return f"{names[0]}{more}, " + (modes[0] if len(modes) == 1 else f"each of {len(modes)} modes")
