"""From facts to one HTML page that needs no other file and runs no script."""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import groupby
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from touchstone.editions.page import (
    budget_picture,
    charts,
    clock_picture,
    evidence_charts,
    saving_picture,
)
from touchstone.editions.page.data import ReportData, ResultRow
from touchstone.editions.page.phrases import (
    chances,
    claim,
    claims,
    extreme,
    losses,
    opens,
    outcomes,
    run_titles,
    runs_used,
    says_pill,
    stopped,
    tie,
    verdict_pill,
)
from touchstone.editions.page.templating import page_templates, stylesheet
from touchstone.editions.sentences.catalogue import capital

FILTERS: dict[str, Callable[..., Any]] = {
    "verdict": verdict_pill,
    "claims": claims,
    "tie": tie,
    "losses": losses,
    "says": says_pill,
    "chances": chances,
    "extreme": extreme,
    "opens": opens,
    "outcomes": outcomes,
    "runs": run_titles,
    "runs_used": runs_used,
    "capital": capital,
}


@cache
def _environment() -> Environment:
    names = {"claim": claim, "stopped": stopped, "mono": _mono, "time": _time}
    return page_templates(FILTERS, names)


def _mono(text: str) -> Markup:
    """An id or a file's name, in letters of one width."""
    return Markup('<span class="mono">{}</span>').format(text)


def _time(text: str) -> Markup:
    """An instant, as such."""
    return Markup("<time>{}</time>").format(text)


def _pictures(data: ReportData) -> dict[str, Markup]:
    """Every picture for a desktop and for a phone; empty where there is nothing to draw."""
    # A row without a counted sample has no rate to be drawn, and an axis with nothing on it reads
    # as 0%.
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
        "saving": _saving_bar(data.results),
        "budget": _pair(
            budget_picture.draw(data.curves), budget_picture.draw(data.curves, narrow=True)
        )
        if data.curves
        else "",
    }
    return {name: Markup(svg) for name, svg in drawn.items()}  # noqa: S704  drawn and escaped by us


def _saving_bar(results: Sequence[ResultRow]) -> str:
    if not any(row.evidence for row in results):
        return ""
    sums = saving_picture.saving(results)
    return _pair(saving_picture.draw(sums), saving_picture.draw(sums, narrow=True))


def _early(results: Sequence[ResultRow]) -> list[tuple[list[ResultRow], Markup]]:
    """The rows that may stop early, criterion by criterion, with the picture of their evidence."""
    found = []
    early = [row for row in results if row.evidence]
    for number, (_, group) in enumerate(groupby(early, lambda row: row.criterion)):
        rows, name, drawn = list(group), f"evidence-{number}", ""
        if any(row.evidence and row.evidence.above for row in rows):
            one, other = (evidence_charts.draw(tuple(rows), name, narrow=n) for n in (False, True))
            drawn = _pair(one, other)
        found.append((rows, Markup(drawn)))  # noqa: S704  drawn and escaped by us
    return found


def _pair(wide: str, narrow: str) -> str:
    """Both of a picture; the stylesheet shows the one that fits."""
    return f'<div class="wide">{wide}</div><div class="narrow">{narrow}</div>'


def render_html(data: ReportData) -> str:
    """The edition as one HTML page.

    Everything in `data` is escaped; styles and pictures are inline; the page forbids itself
    scripts and the network.
    """
    early = _early(data.results)
    criteria = [list(rows) for _, rows in groupby(data.results, lambda row: row.criterion)]
    return (
        _environment()
        .get_template("report.html")
        .render(
            r=data,
            criteria=criteria,
            early=early,
            saving=saving_picture.saving(data.results) if early else None,
            style=stylesheet("report.css"),
            pictures=_pictures(data),
        )
    )


def render_since(sentences: Sequence[str], at: str) -> str:
    """A section for an edition's page, of what became known of other cases by a UTC instant.

    It is no part of the edition: the page without it is what was issued.
    """
    template = _environment().get_template("since.html")
    return template.render(sentences=sentences, at=at)
