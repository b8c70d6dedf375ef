"""Charts as inline SVG with text alternatives, drawn without a browser or the network."""

import html
import re
from collections.abc import Sequence
from functools import cache

import altair as alt
import vl_convert

from touchstone.report.data import ResultRow

INK = "#1b2733"
ACCENT = "#0b5c8a"
SOFT = "#9fb6c6"
MODE_COLOURS = ["#0b5c8a", "#b4530a", "#4a6b2f", "#7a3e8e"]
MODE_SHAPES = ["circle", "square", "triangle-up", "diamond"]
FONT = "system-ui, sans-serif"
WIDTH = 560
ROW_HEIGHT = 34


def _svg(
    chart: alt.LayerChart | alt.FacetChart | alt.Chart, title: str, text: str, id_: str
) -> str:
    """Render and make accessible: the picture has a name and a description in words."""
    themed = (
        chart.properties(padding={"left": 28, "right": 12, "top": 5, "bottom": 5})
        .configure_view(stroke=None)
        .configure_axis(
            labelFont=FONT, titleFont=FONT, labelColor=INK, titleColor=INK, labelFontSize=13,
            titleFontSize=13, gridColor="#e3e9ee", domainColor=SOFT, tickColor=SOFT,
            titleFontWeight="normal", labelLimit=260,
        )
        .configure_legend(
            labelFont=FONT, titleFont=FONT, labelColor=INK, titleColor=INK, labelFontSize=13,
            titleFontSize=13, orient="top", titleFontWeight="normal", symbolStrokeWidth=2,
        )
        .configure_header(labelFont=FONT, titleFont=FONT, labelColor=INK, labelFontSize=13)
    )  # fmt: skip
    drawn: str = vl_convert.vegalite_to_svg(themed.to_json())
    head = f'<svg role="img" aria-labelledby="{id_}-t {id_}-d" preserveAspectRatio="xMinYMin meet" '
    names = (
        f'<title id="{id_}-t">{html.escape(title)}</title>'
        f'<desc id="{id_}-d">{html.escape(text)}</desc>'
    )
    # Vega names every mark too; one name for the whole picture reads better aloud.
    drawn = re.sub(r' (?:aria-[a-z]+|role)="[^"]*"', "", drawn)
    return re.sub(r"<svg ([^>]*)>", lambda m: head + m.group(1) + ">" + names, drawn, count=1)


def describe_rates(rows: Sequence[ResultRow]) -> str:
    """The rates chart in words."""
    return " ".join(
        f"{row.title}, {row.mode}: {row.solved} of {row.counted} solved, "
        f"95% interval {row.low:.0%} to {row.high:.0%}"
        + (
            "."
            if row.threshold is None
            else f", threshold {row.threshold:.0%}: {row.verdict.replace('-', ' ')}."
        )
        for row in rows
    )


@cache
def rates(rows: tuple[ResultRow, ...]) -> str:
    """Success rate with its exact interval per criterion and mode, against threshold and zone."""
    modes = list(dict.fromkeys(row.mode for row in rows))
    titles = list(dict.fromkeys(row.title for row in rows))
    data = alt.InlineData(
        values=[
            {
                "criterion": row.title, "mode": row.mode, "rate": row.solved / row.counted,
                "low": row.low, "high": row.high, "threshold": row.threshold,
                "zone_low": None if row.threshold is None else row.threshold - row.zone,
                "zone_high": None if row.threshold is None else row.threshold + row.zone,
            }
            for row in rows
        ]
    )  # fmt: skip
    y = alt.Y("criterion:N", sort=titles, title=None, axis=alt.Axis(ticks=False, domain=False))
    offset = alt.YOffset("mode:N", sort=modes)
    colour = alt.Color("mode:N", title="Mode", sort=modes,
                       scale=alt.Scale(domain=modes, range=MODE_COLOURS[: len(modes)]))  # fmt: skip
    shape = alt.Shape("mode:N", title="Mode", sort=modes,
                      scale=alt.Scale(domain=modes, range=MODE_SHAPES[: len(modes)]))  # fmt: skip
    scale = alt.Scale(domain=[0, 1])
    base = alt.Chart(data)
    zone = base.mark_bar(color="#f0dfc0", opacity=0.6).encode(
        x=alt.X("zone_low:Q", scale=scale, title="Success rate", axis=alt.Axis(format="%")),
        x2="zone_high:Q", y=y,
    )  # fmt: skip
    threshold = base.mark_tick(color=INK, thickness=2, height=ROW_HEIGHT * 1.6).encode(
        x=alt.X("threshold:Q", scale=scale), y=y
    )
    interval = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", scale=scale), x2="high:Q", y=y, yOffset=offset, color=colour
    )
    point = base.mark_point(filled=True, size=90, opacity=1).encode(
        x=alt.X("rate:Q", scale=scale), y=y, yOffset=offset, color=colour, shape=shape
    )
    chart = alt.layer(zone, threshold, interval, point).properties(
        width=WIDTH, height=len(titles) * ROW_HEIGHT * 2
    )
    return _svg(chart, "Success rate by criterion and mode", describe_rates(rows), "rates")


def describe_difficulty(rows: Sequence[ResultRow]) -> str:
    """The difficulty chart in words."""
    return " ".join(
        f"{row.title}, {row.mode}: "
        + ", ".join(
            f"difficulty {c.difficulty} {c.solved} of {c.counted}" for c in row.by_difficulty
        )
        + "."
        for row in rows
    )


@cache
def by_difficulty(rows: tuple[ResultRow, ...]) -> str:
    """Share solved at each difficulty, a line per mode, a panel per criterion."""
    modes = list(dict.fromkeys(row.mode for row in rows))
    titles = list(dict.fromkeys(row.title for row in rows))
    values = [
        {
            "criterion": row.title, "mode": row.mode,
            "difficulty": count.difficulty, "share": count.solved / count.counted,
        }
        for row in rows
        for count in row.by_difficulty
    ]  # fmt: skip
    base = alt.Chart(alt.InlineData(values=values)).encode(
        x=alt.X("difficulty:O", title="Difficulty", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("share:Q", title="Share solved", scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format="%", tickCount=3)),
        color=alt.Color("mode:N", title="Mode", sort=modes,
                        scale=alt.Scale(domain=modes, range=MODE_COLOURS[: len(modes)])),
        shape=alt.Shape("mode:N", title="Mode", sort=modes,
                        scale=alt.Scale(domain=modes, range=MODE_SHAPES[: len(modes)])),
    )  # fmt: skip
    lines = base.mark_line(strokeWidth=2) + base.mark_point(filled=True, size=80, opacity=1)
    columns = 3
    chart = lines.properties(width=WIDTH // columns - 20, height=120).facet(
        facet=alt.Facet("criterion:N", title=None, sort=titles), columns=columns
    )
    return _svg(chart, "Share solved by difficulty", describe_difficulty(rows), "difficulty")
