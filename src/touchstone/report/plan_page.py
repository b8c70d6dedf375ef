"""A plan as one page: what is expected, what cannot be told, and two charts."""

from dataclasses import dataclass
from importlib import resources

import altair as alt
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from touchstone.report.charts import INK, MODE_COLOURS, NARROW, WIDE, accessible

_HEIGHT = 170
_COLUMNS = 2


@dataclass(frozen=True)
class SamplesCurve:
    """Samples until the verdict over the true rate, for runs that are alike."""

    title: str
    size: int
    at: float
    """The threshold."""
    points: tuple[tuple[float, float, float], ...]
    """(rate, mean, what nine of ten orders stay within)."""


@dataclass(frozen=True)
class WordsCurve:
    """How often each word is said over the true rate, for runs that are alike."""

    title: str
    at: float | None
    """The threshold; None: none is drawn."""
    points: tuple[tuple[float, float, float, float], ...]
    """(rate, chance of "above", of "below", of neither)."""


@dataclass(frozen=True)
class PlanPage:
    """A plan, in words and numbers that are ready to show."""

    title: str
    byline: str
    headline: str
    cannot: tuple[str, ...]
    columns: tuple[str, ...]
    meaning: str
    """What the columns say."""
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    samples: tuple[SamplesCurve, ...]
    said_columns: tuple[str, ...]
    said_meaning: str
    """What the columns of what is said mean."""
    said: tuple[tuple[str, ...], ...]
    words: tuple[WordsCurve, ...]


def render_plan(page: PlanPage) -> str:
    """The plan as one self-contained HTML page without scripts; all text is escaped."""
    environment = Environment(
        loader=PackageLoader("touchstone.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = resources.files("touchstone.report").joinpath("templates/report.css").read_text()
    samples = [_samples(page.samples, narrow=each) for each in (False, True) if page.samples]
    words = [_words(page.words, narrow=each) for each in (False, True) if page.words]
    return environment.get_template("plan.html").render(
        p=page,
        style=Markup(style),  # noqa: S704  our own stylesheet, shipped with the package
        samples=[Markup(svg) for svg in samples],  # noqa: S704  drawn and escaped by us
        words=[Markup(svg) for svg in words],  # noqa: S704  drawn and escaped by us
    )


def _sizes(curves: int, *, narrow: bool) -> tuple[int, int]:
    """Columns, and the width of one panel."""
    columns = 1 if narrow else min(_COLUMNS, curves)
    return columns, (NARROW if narrow else WIDE) // columns - 70


def _samples(curves: tuple[SamplesCurve, ...], *, narrow: bool) -> str:
    columns, width = _sizes(len(curves), narrow=narrow)
    panels = [_samples_panel(curve).properties(width=width, height=_HEIGHT) for curve in curves]
    said = " ".join(_described(curve) for curve in curves)
    id_ = "samples-narrow" if narrow else "samples"
    chart = alt.concat(*panels, columns=columns, spacing=22)
    return accessible(chart, "Samples until the verdict, by true rate", said, id_)


def _described(curve: SamplesCurve) -> str:
    dearest = max(curve.points, key=lambda point: point[1])
    ends = (curve.points[0], curve.points[-1])
    told = ", ".join(f"{mean:.0f} at {rate:.0%}" for rate, mean, _ in (ends[0], dearest, ends[1]))
    return f"{curve.title}: of {curve.size} items, {told}."


def _samples_panel(curve: SamplesCurve) -> alt.LayerChart | alt.FacetChart:
    """The mean, what nine of ten stay within, the whole battery, and the threshold."""
    values = [{"rate": rate, "mean": mean, "most": most} for rate, mean, most in curve.points]
    base = alt.Chart(alt.InlineData(values=values)).encode(
        x=alt.X(
            "rate:Q",
            title="True rate",
            axis=alt.Axis(format="%", tickCount=5),
            scale=alt.Scale(domain=[curve.points[0][0], curve.points[-1][0]]),
        ),
    )
    y = alt.Y(
        "mean:Q",
        title="Samples",
        axis=alt.Axis(tickCount=5, minExtent=36),
        scale=alt.Scale(domain=[0, curve.size * 1.08], nice=False),
    )
    band = base.mark_area(opacity=0.18, color=MODE_COLOURS[0]).encode(y=y, y2="most:Q")
    line = base.mark_line(strokeWidth=2, color=MODE_COLOURS[0]).encode(y=y)
    fixed = alt.Chart(alt.InlineData(values=[{"size": curve.size, "at": curve.at}]))
    whole = fixed.mark_rule(strokeWidth=2, strokeDash=[6, 4], color=MODE_COLOURS[1]).encode(
        y=alt.Y("size:Q")
    )
    at = fixed.mark_rule(strokeWidth=1.5, color=INK).encode(x=alt.X("at:Q"))
    return alt.layer(band, line, whole, at).properties(title=alt.TitleParams(curve.title))


WORDS = {"above": "#a5321f", "below": "#2f6b3a", "neither": "#5b6b78"}
"""Colours, as in the pills of the verdicts; each line is dashed in its own way too."""
_DASHES = ([1, 0], [7, 4], [2, 3])


def _words(curves: tuple[WordsCurve, ...], *, narrow: bool) -> str:
    columns, width = _sizes(len(curves), narrow=narrow)
    panels = [_words_panel(curve).properties(width=width, height=_HEIGHT) for curve in curves]
    said = " ".join(
        f"{curve.title}: "
        + ", ".join(
            f"at {rate:.3g} above {above:.0%}, below {below:.0%}, neither {neither:.0%}"
            for rate, above, below, neither in curve.points[::4]
        )
        + "."
        for curve in curves
    )
    id_ = "words-narrow" if narrow else "words"
    chart = alt.concat(*panels, columns=columns, spacing=22)
    return accessible(chart, "How often each word is said, by true rate", said, id_)


def _words_panel(curve: WordsCurve) -> alt.LayerChart | alt.FacetChart:
    values = [
        {"rate": rate, "word": word, "chance": chance}
        for rate, *chances in curve.points
        for word, chance in zip(WORDS, chances, strict=True)
    ]
    ends = [curve.points[0][0], curve.points[-1][0]]
    names, colours = list(WORDS), list(WORDS.values())
    lines = (
        alt.Chart(alt.InlineData(values=values))
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X(
                "rate:Q",
                title="True rate",
                axis=alt.Axis(format="%", tickCount=5),
                scale=alt.Scale(domain=ends),
            ),
            y=alt.Y(
                "chance:Q",
                title="Chance to be said",
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format="%", tickCount=5, minExtent=36),
            ),
            color=alt.Color(
                "word:N",
                sort=names,
                legend=alt.Legend(title="Word"),
                scale=alt.Scale(domain=names, range=colours),
            ),
            strokeDash=alt.StrokeDash(
                "word:N",
                sort=names,
                legend=alt.Legend(title="Word"),
                scale=alt.Scale(domain=names, range=list(_DASHES)),
            ),
        )
    )
    layers = [lines]
    if curve.at is not None:
        fixed = alt.Chart(alt.InlineData(values=[{"at": curve.at}]))
        layers.append(fixed.mark_rule(strokeWidth=1.5, color=INK).encode(x=alt.X("at:Q")))
    return alt.layer(*layers).properties(title=alt.TitleParams(curve.title))
