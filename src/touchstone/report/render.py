"""From facts to one HTML page that needs no other file and runs no script."""

from importlib import resources
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from touchstone.report import charts, clock_picture
from touchstone.report.data import ReportData
from touchstone.report.phrases import day, outcome, percent, says_pill, verdict_phrase, verdict_pill

FILTERS = {
    "percent": percent,
    "verdict": verdict_pill,
    "phrase": verdict_phrase,
    "says": says_pill,
    "day": day,
}


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("touchstone.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    environment.globals["outcome"] = outcome
    return environment


def _pictures(data: ReportData) -> dict[str, Markup]:
    """Every picture for a desktop and for a phone; empty where there is nothing to draw."""
    rows = tuple(row for row in data.results if row.counted)
    by_difficulty = tuple(row for row in rows if row.by_difficulty)
    drawn = {
        "rates": _pair(charts.rates(rows), charts.rates(rows, narrow=True)) if rows else "",
        "difficulty": _pair(
            charts.by_difficulty(by_difficulty), charts.by_difficulty(by_difficulty, narrow=True)
        )
        if by_difficulty
        else "",
        "clock": _pair(clock_picture.draw(data.clock), clock_picture.draw(data.clock, narrow=True))
        if data.clock
        else "",
    }
    return {name: Markup(svg) for name, svg in drawn.items()}  # noqa: S704  drawn and escaped by us


def _pair(wide: str, narrow: str) -> str:
    """Both of a picture; the stylesheet shows the one that fits."""
    return f'<div class="wide">{wide}</div><div class="narrow">{narrow}</div>'


def render_html(data: ReportData) -> str:
    """The edition as one HTML page.

    Everything in `data` is escaped; styles and pictures are inline; the page forbids itself
    scripts and the network.
    """
    style = resources.files("touchstone.report").joinpath("templates/report.css").read_text()
    criteria = [list(rows) for _, rows in groupby(data.results, lambda row: row.criterion)]
    return (
        _environment()
        .get_template("report.html")
        .render(
            r=data,
            criteria=criteria,
            style=Markup(style),  # noqa: S704  our own stylesheet, shipped with the package
            pictures=_pictures(data),
        )
    )
