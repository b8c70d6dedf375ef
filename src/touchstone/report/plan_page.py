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
class PowerCurve:
    """Chance to tell a difference beyond the battery's items, for runs that are alike."""

    title: str
    points: tuple[tuple[float, float], ...]
    """(distance above the threshold, chance)."""


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
    powers: tuple[PowerCurve, ...]


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
    powers = [_powers(page.powers, narrow=each) for each in (False, True) if page.powers]
    return environment.get_template("plan.html").render(
        p=page,
        style=Markup(style),  # noqa: S704  our own stylesheet, shipped with the package
        samples=[Markup(svg) for svg in samples],  # noqa: S704  drawn and escaped by us
        powers=[Markup(svg) for svg in powers],  # noqa: S704  drawn and escaped by us
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
        x=alt.X("rate:Q", title="True rate", axis=alt.Axis(format="%", tickCount=5),
                scale=alt.Scale(domain=[curve.points[0][0], curve.points[-1][0]])),
    )  # fmt: skip
    y = alt.Y("mean:Q", title="Samples", axis=alt.Axis(tickCount=5, minExtent=36),
              scale=alt.Scale(domain=[0, curve.size * 1.08], nice=False))  # fmt: skip
    band = base.mark_area(opacity=0.18, color=MODE_COLOURS[0]).encode(y=y, y2="most:Q")
    line = base.mark_line(strokeWidth=2, color=MODE_COLOURS[0]).encode(y=y)
    fixed = alt.Chart(alt.InlineData(values=[{"size": curve.size, "at": curve.at}]))
    whole = fixed.mark_rule(strokeWidth=2, strokeDash=[6, 4], color=MODE_COLOURS[1]).encode(
        y=alt.Y("size:Q")
    )
    at = fixed.mark_rule(strokeWidth=1.5, color=INK).encode(x=alt.X("at:Q"))
    return alt.layer(band, line, whole, at).properties(title=alt.TitleParams(curve.title))


def _powers(curves: tuple[PowerCurve, ...], *, narrow: bool) -> str:
    columns, width = _sizes(len(curves), narrow=narrow)
    panels = [_powers_panel(curve).properties(width=width, height=_HEIGHT) for curve in curves]
    said = " ".join(
        f"{curve.title}: "
        + ", ".join(f"{distance * 100:.0f} points {chance:.0%}" for distance, chance in some)
        + "."
        for curve in curves
        if (some := curve.points[4::5])
    )
    id_ = "powers-narrow" if narrow else "powers"
    chart = alt.concat(*panels, columns=columns, spacing=22)
    return accessible(chart, "Chance to tell a difference beyond these items", said, id_)


def _powers_panel(curve: PowerCurve) -> alt.LayerChart | alt.FacetChart:
    values = [{"points": distance * 100, "chance": chance} for distance, chance in curve.points]
    line = alt.Chart(alt.InlineData(values=values)).mark_line(
        strokeWidth=2, color=MODE_COLOURS[0]
    ).encode(
        x=alt.X("points:Q", title="Points above the threshold", axis=alt.Axis(tickCount=6)),
        y=alt.Y("chance:Q", title="Chance to tell", scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format="%", tickCount=5, minExtent=36)),
    )  # fmt: skip
    asked = alt.Chart(alt.InlineData(values=[{"asked": 0.8}])).mark_rule(
        strokeWidth=1.5, strokeDash=[6, 4], color=MODE_COLOURS[1]
    ).encode(y=alt.Y("asked:Q"))  # fmt: skip
    return alt.layer(line, asked).properties(title=alt.TitleParams(curve.title))
