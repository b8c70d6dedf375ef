"""A forecast as the table and the page that people see."""

from collections.abc import Callable, Hashable, Iterable
from decimal import Decimal
from typing import TypeVar

from touchstone.editions.page.plan_page import PlanPage, SamplesCurve, WordsCurve
from touchstone.editions.sentences import sentence
from touchstone.planning.forecast import (
    Cost,
    Forecast,
    RunForecast,
    tabulated_distances,
)
from touchstone.planning.verdict_probabilities import (
    FamilyProbabilities,
    ProbabilitiesAtRate,
    WordProbabilities,
)
from touchstone.service.measurement.forecasting.words import cannot, notes

COLUMNS = ("criterion", "items", "samples", "distance", "tokens", "money", "days")
SAID_COLUMNS = (
    "criterion",
    "rate",
    "above",
    "below",
    "neither",
    "drawn-above",
    "drawn-below",
    "drawn-neither",
)


def columns() -> tuple[str, ...]:
    """The heads of the table of what a review takes."""
    return tuple(sentence("plan.column", column=each) for each in COLUMNS)


def said_columns() -> tuple[str, ...]:
    """The heads of the table of what will be said."""
    return tuple(sentence("plan.said-column", column=each) for each in SAID_COLUMNS)


_THOUSAND, _MILLION = 1e3, 1e6
_LEAST_DAYS, _MANY_DAYS = 0.001, 10
_T = TypeVar("_T", bound=Hashable)


def table_rows(forecast: Forecast) -> list[tuple[str, ...]]:
    """A row for each run and one for all, in the order of `columns`."""
    rows = [
        (
            sentence("plan.criterion-mode", criterion=run.criterion, mode=run.mode),
            f"{run.size:,}",
            _range(run.expected.samples, run.worst.samples, "{:,.0f}"),
            _distances(run),
            *_cost(run.expected, run.worst, forecast.currency),
        )
        for run in forecast.runs
    ]
    expected, worst = forecast.expected, forecast.worst
    samples = _range(expected.samples, worst.samples, "{:,.0f}")
    items = f"{worst.samples:,.0f}"
    return [
        *rows,
        (sentence("plan.all"), items, samples, "", *_cost(expected, worst, forecast.currency)),
    ]


def _distances(run: RunForecast) -> str:
    """`22 at 10 points, ...`: expected samples by distance from the threshold."""
    if run.curve is None:
        return ""
    told = [
        sentence("plan.distance", samples=f"{mean:.0f}", points=f"{d * 100:.0f}")
        for d, mean in tabulated_distances(run.curve)
    ]
    return sentence("plan.distances", distances=told) if told else ""


def said_rows(forecast: Forecast) -> list[tuple[str, ...]]:
    """A row for each rate of each kind of run, in the order of `said_columns`."""
    rows: list[tuple[str, ...]] = []
    for names, run in _alike(forecast.runs, lambda run: run.shown):
        for point in run.shown:
            battery = _chances(point.battery) if point.battery else ("", "", "")
            rows.append((names, f"{point.rate:.3g}", *battery, *_chances(point.drawn)))
    for names, each in _alike_together(forecast.together):
        rates = {point.rate for run in forecast.runs for point in run.shown}
        for rate, chances in each.points:
            if rate in rates:
                rows.append((names, f"{rate:.3g}", *_chances(chances), "", "", ""))
    return rows


def _chances(chances: WordProbabilities) -> tuple[str, str, str]:
    return f"{chances.above:.0%}", f"{chances.below:.0%}", f"{chances.neither:.0%}"


def _alike_together(found: Iterable[FamilyProbabilities]) -> list[tuple[str, FamilyProbabilities]]:
    groups: dict[tuple[object, ...], list[FamilyProbabilities]] = {}
    for each in found:
        groups.setdefault((each.modes, each.points), []).append(each)
    named = []
    for group in groups.values():
        criteria = sentence("plan.criteria", criterion=group[0].criterion, more=len(group) - 1)
        modes = group[0].modes
        named.append((sentence("plan.modes-together", criteria=criteria, modes=modes), group[0]))
    return named


def _cost(expected: Cost, worst: Cost, currency: str) -> tuple[str, str, str]:
    money = ""
    if expected.money is not None and worst.money is not None:
        money = f"{_span(_money(expected.money), _money(worst.money))} {currency}"
    tokens = _span(_short(expected.tokens), _short(worst.tokens))
    return tokens, money, _span(_days(expected.days), _days(worst.days))


def _range(low: float, high: float, shape: str) -> str:
    return _span(shape.format(low), shape.format(high))


def _span(low: str, high: str) -> str:
    """`4 to 6`; where both are written alike, that once."""
    return low if low == high else sentence("plan.span", low=low, high=high)


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
    lacking = tuple(cannot(forecast))
    return PlanPage(
        title=sentence("plan.title", model=forecast.model),
        byline=sentence(
            "plan.byline",
            framework=forecast.framework,
            made_at=made_at,
            review_by=forecast.review_by,
            days_left=sentence(
                "plan.days-left", business=forecast.business_days, days=forecast.days_left
            ),
        ),
        headline=sentence("plan.cannot" if lacking else "plan.can"),
        cannot=lacking,
        columns=columns(),
        meaning=sentence("plan.columns-meaning"),
        rows=tuple(table_rows(forecast)),
        notes=tuple(notes(forecast)),
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
        said_columns=said_columns(),
        said_meaning=sentence("plan.said-meaning"),
        said=tuple(said_rows(forecast)),
        words=tuple(
            WordsCurve(
                names,
                rule_at(run),
                tuple((p.rate, c.above, c.below, c.neither) for p, c in _pictured(run)),
            )
            for names, run in _alike(forecast.runs, lambda run: run.said)
            if run.said
        ),
    )


def rule_at(run: RunForecast) -> float | None:
    """The threshold of a run, to be drawn; None where it runs whole."""
    return run.curve.at if run.curve else None


def _pictured(run: RunForecast) -> list[tuple[ProbabilitiesAtRate, WordProbabilities]]:
    """What a picture shows: of the battery where there is one, else of what is drawn."""
    return [(point, point.battery or point.drawn) for point in run.said]


def _alike(
    runs: Iterable[RunForecast], by: Callable[[RunForecast], _T]
) -> list[tuple[str, RunForecast]]:
    """One run of each kind, with what to call them all."""
    found: dict[_T, list[RunForecast]] = {}
    for run in runs:
        # Runs with the same curve share a row: with ten modes the table would else be read by
        # nobody.
        found.setdefault(by(run), []).append(run)
    return [(_together(group), group[0]) for group in found.values()]


def _together(group: list[RunForecast]) -> str:
    names = list(dict.fromkeys(run.criterion for run in group))
    modes = list(dict.fromkeys(run.mode for run in group))
    criteria = sentence("plan.criteria", criterion=names[0], more=len(names) - 1)
    each = modes[0]
    if len(modes) > 1:
        each = sentence("plan.each-of-modes", modes=len(modes))
    return sentence("plan.criterion-mode", criterion=criteria, mode=each)
