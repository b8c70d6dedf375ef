"""Charts as inline SVG with text alternatives, drawn without a browser or the network.

Each is drawn twice, for a desktop and for a phone: a picture that is scaled down cannot be read.
Written in plain Vega-Lite: Altair copied and checked every layer many times, which took seconds.
"""

import html
import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import vl_convert

from touchstone.editions.page.data import ResultRow
from touchstone.editions.page.phrases import losses, verdict_phrase
from touchstone.editions.sentences import catalogue, paragraph, sentence
from touchstone.editions.sentences.catalogue import Catalogue

Spec = dict[str, Any]
"""A piece of Vega-Lite."""
INK = "#1b2733"
SOFT = "#9fb6c6"
MODE_COLOURS = ["#0b5c8a", "#b4530a", "#4a6b2f", "#7a3e8e"]
# One more than colours, so that the pairs of both repeat only after twenty modes.
MODE_SHAPES = ["circle", "square", "triangle-up", "diamond", "cross"]
# Measured in Vega by the metrics of this font, and drawn in the reader's own: leave it room.
FONT = "system-ui, DejaVu Sans, sans-serif"
LETTER = 8.2
"""Width of a letter at the size of titles, in pixels, on the wide side."""
WIDE, NARROW = 820, 330
MODE_HEIGHT = 26
LONGEST_LABEL = 110
"""Room for a mode's name before it is cut short, in pixels."""
_LETTERING = {
    "labelFont": FONT,
    "titleFont": FONT,
    "labelColor": INK,
    "titleColor": INK,
    "labelFontSize": 13,
    "titleFontSize": 13,
    "titleFontWeight": "normal",
}
"""Of axes and legends alike."""
THEME = {
    "view": {"stroke": None},
    "axis": {
        **_LETTERING,
        "gridColor": "#e3e9ee",
        "domainColor": SOFT,
        "tickColor": SOFT,
        "labelLimit": LONGEST_LABEL,
    },
    "title": {
        "font": FONT,
        "color": INK,
        "fontSize": 14,
        "anchor": "start",
        "frame": "group",
        "fontWeight": "bold",
        "lineHeight": 18,
        "offset": 6,
    },
    "text": {"font": FONT, "color": INK, "fontSize": 13},
    "legend": {
        **_LETTERING,
        "orient": "top",
        "symbolStrokeWidth": 2,
    },
}


def render_spec(spec: Mapping[str, Any], title: str, text: str, id_: str) -> str:
    """Draw in our theme, and make accessible: the picture has a name and a description in words."""
    padding = {"left": 4, "right": 16, "top": 5, "bottom": 5}
    drawn = _svg(json.dumps({**spec, "padding": padding, "config": THEME}))
    head = f'<svg role="img" aria-labelledby="{id_}-t {id_}-d" preserveAspectRatio="xMinYMin meet" '
    names = (
        f'<title id="{id_}-t">{html.escape(title)}</title>'
        f'<desc id="{id_}-d">{html.escape(text)}</desc>'
    )
    # Vega names every mark too; one name for the whole picture reads better aloud.
    drawn = re.sub(r' (?:aria-[a-z]+|role)="[^"]*"', "", drawn)
    return re.sub(r"<svg ([^>]*)>", lambda m: head + m.group(1) + ">" + names, drawn, count=1)


@lru_cache(maxsize=64)
def _svg(spec: str) -> str:
    # A second of work, and several audiences are shown the same picture.
    drawn: str = vl_convert.vegalite_to_svg(spec)
    return drawn


def wrapped(title: str, width: float) -> list[str]:
    """A title in at most three lines that fit into `width` pixels."""
    return textwrap.wrap(title, max(12, int(width / LETTER)), max_lines=3, placeholder=" …")


def _by_criterion(rows: Sequence[ResultRow]) -> dict[str, list[ResultRow]]:
    found: dict[str, list[ResultRow]] = {}
    for row in rows:
        found.setdefault(row.criterion, []).append(row)
    return found


def describe_rates(rows: Sequence[ResultRow]) -> str:
    """The rates chart in words."""
    return paragraph(
        *(
            sentence("chart.rates.row", title=row.title, mode=row.mode, facts=_rate_facts(row))
            for row in rows
        )
    )


def _rate_facts(row: ResultRow) -> list[str]:
    facts = [sentence("chart.rates.solved", solved=row.solved, counted=row.counted)]
    if row.evidence and row.rate is not None:
        facts.append(sentence("chart.rates.estimated", rate=row.rate))
    if row.lost:
        facts.append(sentence("chart.rates.lost", losses=losses(row)))
    low, high = row.interval
    facts.append(sentence("chart.rates.interval", low=low, high=high))
    if row.threshold is not None:
        held = {"rate": row.threshold, "concluded": _concluded(row)}
        facts.append(sentence("chart.rates.held-to", **held))
    return facts


def _concluded(row: ResultRow) -> str:
    """The verdict with the rate that it claims, which a zone sets apart from the threshold."""
    if row.claimed is None:
        return verdict_phrase(row)
    return sentence("verdict.shown-claimed", verdict=row.verdict, rate=row.claimed)


def encoded(field: str, kind: str, **more: Any) -> Spec:
    """What is read from `field`: "quantitative", "nominal" or "ordinal"."""
    return {"field": field, "type": kind, **more}


def shares(field: str, title: str, *, ticks: int, room: int) -> Spec:
    """The upright axis of a panel from 0 to 100%; `room` in pixels for its labels."""
    return encoded(
        field,
        "quantitative",
        title=title,
        scale={"domain": [0, 1]},
        axis={"format": "%", "tickCount": ticks, "minExtent": room},
    )


def fixed(**values: Any) -> Spec:
    """Data of one row."""
    return {"values": [values]}


def _marks(rows: Sequence[ResultRow], legend: Spec | None) -> Spec:
    """A colour and a shape for each mode, so that neither alone has to tell them apart."""
    modes = list(dict.fromkeys(row.mode for row in rows))
    ranges = {"color": MODE_COLOURS, "shape": MODE_SHAPES}
    return {
        channel: encoded(
            "mode",
            "nominal",
            sort=modes,
            legend=legend,
            scale={"domain": modes, "range": [each[n % len(each)] for n in range(len(modes))]},
        )
        for channel, each in ranges.items()
    }


def rates(rows: tuple[ResultRow, ...], *, narrow: bool = False) -> str:
    """Success rate with its interval per criterion and mode, against threshold and zone."""
    return _rates(rows, narrow, catalogue())


@cache
def _rates(rows: tuple[ResultRow, ...], narrow: bool, _: Catalogue) -> str:
    """Kept for each catalogue, whose words stand in it."""
    marks = _marks(rows, None)
    groups = list(_by_criterion(rows).values())
    # Measured by us: Vega would give each panel as much as its own longest label, and the axes
    # would not line up.
    labels = min(LONGEST_LABEL, max(int(LETTER * len(row.mode)) for row in rows) + 14)
    width = (NARROW if narrow else WIDE) - labels - 30
    panels = [_rate_panel(group, marks, (width, labels), group is groups[-1]) for group in groups]
    spec = {"vconcat": panels, "spacing": 14}
    id_ = "rates-narrow" if narrow else "rates"
    return render_spec(spec, sentence("chart.rates.title"), describe_rates(rows), id_)


def _rate_panel(rows: Sequence[ResultRow], marks: Spec, size: tuple[int, int], last: bool) -> Spec:
    """One criterion: a line a mode, the threshold across all of them."""
    width, labels = size
    values = [
        {"mode": row.mode, "rate": row.rate, "low": row.interval[0], "high": row.interval[1]}
        for row in rows
    ]
    across = {
        "axis": {
            "format": "%",
            "tickCount": 5,
            "labels": last,
            "title": sentence("chart.rates.axis") if last else None,
        },
        "scale": {"domain": [0, 1], "nice": False},
    }
    axis = {
        "ticks": False,
        "domain": False,
        "minExtent": labels,
        "maxExtent": labels,
        "labelLimit": labels,
        "labelPadding": 9,
    }
    y = encoded("mode", "nominal", sort=[row.mode for row in rows], title=None, axis=axis)
    # The same axis in every panel, from 0 to 1: scaled to its data, a difference of a point would
    # fill the picture.
    low, rate = (encoded(name, "quantitative", **across) for name in ("low", "rate"))
    interval = {
        "data": {"values": values},
        "mark": {"type": "rule", "strokeWidth": 2},
        "encoding": {"x": low, "x2": {"field": "high"}, "y": y, "color": marks["color"]},
    }
    point = {
        "data": {"values": values},
        # All alike, the outcomes show no point: the line stands alone.
        "transform": [{"filter": "isValid(datum.rate)"}],
        "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
        "encoding": {"x": rate, "y": y, **marks},
    }
    return {
        "title": {"text": wrapped(rows[0].title, width)},
        "width": width,
        "height": len(rows) * MODE_HEIGHT,
        "layer": [*_threshold(rows[0], across), interval, point],
    }


def _threshold(row: ResultRow, across: Spec) -> list[Spec]:
    """The zone and the threshold, as wide and as tall as they are; nothing where there is none."""
    if row.threshold is None:
        return []
    data = fixed(at=row.threshold, low=row.above_claims, high=row.below_claims)
    low, line = (encoded(name, "quantitative", **across) for name in ("low", "at"))
    return [
        {
            "data": data,
            "mark": {"type": "rect", "color": "#f0dfc0", "opacity": 0.6},
            "encoding": {"x": low, "x2": {"field": "high"}},
        },
        {
            "data": data,
            "mark": {"type": "rule", "color": INK, "strokeWidth": 2},
            "encoding": {"x": line},
        },
    ]


def describe_difficulty(rows: Sequence[ResultRow]) -> str:
    """The difficulty chart in words."""
    return paragraph(
        *(
            sentence("chart.difficulty.row", title=row.title, mode=row.mode, levels=_levels(row))
            for row in rows
            if row.by_difficulty
        )
    )


def _levels(row: ResultRow) -> list[str]:
    return [
        sentence("chart.difficulty.level", level=c.difficulty, solved=c.solved, counted=c.counted)
        for c in row.by_difficulty
    ]


def by_difficulty(rows: tuple[ResultRow, ...], *, narrow: bool = False) -> str:
    """Share solved at each difficulty, a line per mode, a panel per criterion."""
    return _by_difficulty(rows, narrow, catalogue())


@cache
def _by_difficulty(rows: tuple[ResultRow, ...], narrow: bool, _: Catalogue) -> str:
    """Kept for each catalogue, whose words stand in it."""
    marks = _marks(rows, {"title": sentence("chart.difficulty.mode")})
    groups = _by_criterion([row for row in rows if row.by_difficulty])
    columns = 1 if narrow else min(3, len(groups))
    width = (NARROW if narrow else WIDE) // columns - 64
    panels = [_difficulty_panel(group, marks, width) for group in groups.values()]
    spec = {"concat": panels, "columns": columns, "spacing": 18}
    id_ = "difficulty-narrow" if narrow else "difficulty"
    return render_spec(spec, sentence("chart.difficulty.title"), describe_difficulty(rows), id_)


def _difficulty_panel(rows: Sequence[ResultRow], marks: Spec, width: int) -> Spec:
    values = [
        {"mode": row.mode, "difficulty": c.difficulty, "share": c.solved / c.counted}
        for row in rows
        for c in row.by_difficulty
    ]
    across = sentence("chart.difficulty.axis")
    return {
        "title": {"text": wrapped(rows[0].title, width)},
        "width": width,
        "height": 120,
        "data": {"values": values},
        "encoding": {
            "x": encoded("difficulty", "ordinal", title=across, axis={"labelAngle": 0}),
            "y": shares("share", sentence("chart.difficulty.share"), ticks=3, room=40),
            **marks,
        },
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 2}},
            {"mark": {"type": "point", "filled": True, "size": 80, "opacity": 1}},
        ],
    }
