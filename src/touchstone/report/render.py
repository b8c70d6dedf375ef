"""From facts to one HTML page that needs no other file and runs no script."""

from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from touchstone.report import charts
from touchstone.report.data import ReportData

VERDICT_WORDS = {
    "above": "Above",
    "below": "Below",
    "within-zone": "Within zone",
    "at-ceiling": "At ceiling",
    "undetermined": "Undetermined",
    "no-threshold": "No threshold",
}


def percent(rate: float) -> str:
    """A rate as a whole percentage; never 0% or 100% unless it is exactly that."""
    if 0 < rate < 0.005:  # noqa: PLR2004  half of one percent: the rounding step
        return "<1%"
    if 0.995 <= rate < 1:  # noqa: PLR2004  the same at the other end
        return ">99%"
    return f"{rate:.0%}"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("touchstone.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = percent
    environment.filters["verdict"] = lambda word: VERDICT_WORDS.get(word, word)
    return environment


def render_html(data: ReportData) -> str:
    """The edition as one HTML page.

    Everything in `data` is escaped; styles and pictures are inline; the page forbids itself
    scripts and the network.
    """
    style = resources.files("touchstone.report").joinpath("templates/report.css").read_text()
    pictured = tuple(row for row in data.results if row.counted)
    template = _environment().get_template("report.html")
    return template.render(
        r=data,
        style=Markup(style),  # noqa: S704  our own stylesheet, shipped with the package
        rates=Markup(charts.rates(pictured)) if pictured else "",  # noqa: S704  drawn by us
        difficulty=Markup(charts.by_difficulty(pictured)) if pictured else "",  # noqa: S704  drawn by us
    )
