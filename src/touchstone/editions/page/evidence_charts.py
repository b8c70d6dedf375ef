"""The evidence of verdicts that may stop early: a panel a run, its path between two bounds.

Up is evidence for "above", down for "below". A bettor who has lost more than was won is drawn at
the middle: how deep the loser sank tells a reader nothing.
"""

import json
from collections.abc import Sequence
from functools import cache

from touchstone.editions.page.charts import NARROW, SOFT, WIDE, Spec, render_spec, wrapped
from touchstone.editions.page.data import EvidenceCurve, ResultRow
from touchstone.editions.page.phrases import stopped, times, verdict_pill
from touchstone.editions.sentences import catalogue, paragraph, sentence
from touchstone.editions.sentences.catalogue import Catalogue
from touchstone.statistics import VerdictWord

COLOURS: dict[str, str] = {VerdictWord.ABOVE: "#a5321f", VerdictWord.BELOW: "#2f6b3a"}
"""As in the pills of the verdicts; the side of the middle says the same without them."""
RUNNING, UNRUN = "#c9d4dc", "#eef2f5"
HEIGHT = 130
AXIS = 58
"""Room for the names of the bounds, in pixels."""
HEADROOM, HIGHEST = 1.6, 1.2
"""Height of the picture, and of the highest mark in it, as multiples of a bound."""
MOST_POINTS = 240
"""More points than pixels are not seen and make the page heavy."""
ROOM, LETTERS = 96, 40
"""Pixels that a region's name needs, and the number of the last sample beside its mark."""


def describe(rows: Sequence[ResultRow]) -> str:
    """The pictures in words."""
    return " ".join(_described(row, row.evidence) for row in rows if row.evidence)


def _described(row: ResultRow, evidence: EvidenceCurve) -> str:
    said = sentence(
        "chart.evidence.row",
        title=row.title,
        mode=row.mode,
        verdict=verdict_pill(row).lower(),
        used=evidence.used,
        size=evidence.size,
        stopped=stopped(row, evidence),
    )
    rest = {"overshoot": evidence.overshoot, "unrun": evidence.unrun}
    return paragraph(said, _paths(evidence), sentence("chart.evidence.rest", **rest))


def _paths(evidence: EvidenceCurve) -> str:
    """Where the evidence stood half-way and at the end."""
    if not evidence.above:
        return sentence("chart.evidence.no-path")
    half = max(1, len(evidence.above) // 2)
    return sentence(
        "chart.evidence.paths",
        half=half,
        above_half=times(evidence.above[half - 1]),
        above_end=times(evidence.above[-1]),
        above_bound=times(evidence.bound_above),
        below_half=times(evidence.below[half - 1]),
        below_end=times(evidence.below[-1]),
        below_bound=times(evidence.bound_below),
    )


def draw(rows: tuple[ResultRow, ...], name: str, *, narrow: bool = False) -> str:
    """The rows of one criterion that have a path, a panel each; `name` makes its ids unique."""
    return _drawn(rows, name, narrow, catalogue())


@cache
def _drawn(rows: tuple[ResultRow, ...], name: str, narrow: bool, _: Catalogue) -> str:
    """Kept for each catalogue, whose words stand in it."""
    shown = [row for row in rows if row.evidence and row.evidence.above]
    # A run alone is as wide as one of two: a long flat picture would flatten its evidence.
    columns = 1 if narrow else min(3, max(2, len(shown)))
    width = (NARROW if narrow else WIDE) // columns - AXIS - 24
    panels = [_panel(row, row.evidence, width) for row in shown if row.evidence]
    spec = {"concat": panels, "columns": columns, "spacing": 22}
    title = sentence("chart.evidence.title", title=rows[0].title)
    return render_spec(spec, title, describe(shown), f"{name}-narrow" if narrow else name)


def _panel(row: ResultRow, evidence: EvidenceCurve, width: int) -> Spec:
    said = sentence("chart.evidence.panel", mode=row.mode, verdict=verdict_pill(row).lower())
    return {
        "title": wrapped(said, width + AXIS),
        "width": width,
        "height": HEIGHT,
        "encoding": _scales(evidence),
        "layer": [
            *_regions(evidence, width),
            *_bounds(evidence),
            *(layer for side in COLOURS for layer in _path(side, evidence)),
            *_stop(row.verdict, evidence, width),
        ],
    }


def _scales(evidence: EvidenceCurve) -> Spec:
    """What all layers share. The upright axis names the bounds: a reader needs nothing else."""
    top, bottom = evidence.bound_above, -evidence.bound_below
    above, below, neither = (
        json.dumps(sentence("chart.evidence.label", place=place))
        for place in (VerdictWord.ABOVE, VerdictWord.BELOW, "none")
    )
    # Quoted as JSON: what the catalogue says must end no text of the formula.
    over, under = (json.dumps(times(bound)) for bound in (top, -bottom))
    named = (
        f"datum.value > 0 ? [{above}, {over}] : datum.value < 0 ? [{below}, {under}] : {neither}"
    )
    x_axis = {"values": [0, evidence.size], "grid": False, "titlePadding": 2}
    y_axis = {
        "values": [bottom, 0, top],
        "labelExpr": named,
        "grid": False,
        "ticks": False,
        "domain": False,
        "minExtent": AXIS,
        "maxExtent": AXIS,
        "labelLimit": AXIS,
    }
    return {
        "x": {
            "field": "x",
            "type": "quantitative",
            "axis": x_axis,
            "title": sentence("chart.evidence.axis"),
            "scale": {"domain": [0, evidence.size], "nice": False},
        },
        "y": {
            "field": "y",
            "type": "quantitative",
            "axis": y_axis,
            "title": None,
            "scale": {"domain": [bottom * HEADROOM, top * HEADROOM], "nice": False},
        },
    }


def _layer(mark: Spec, values: list[Spec], **encoding: Spec) -> Spec:
    return {"mark": mark, "data": {"values": values}, "encoding": encoding}


def _regions(evidence: EvidenceCurve, width: int) -> list[Spec]:
    """The samples under way at the stop, and those that never ran, as wide as they are many."""
    first, second = evidence.used, evidence.used + evidence.overshoot
    top, bottom = evidence.bound_above * HEADROOM, -evidence.bound_below * HEADROOM
    regions = [
        _layer(
            {"type": "rect", "color": colour, "opacity": 1},
            [{"x": low, "end": high, "y": bottom, "top": top}],
            x2={"field": "end"},
            y2={"field": "top"},
        )
        for low, high, colour in ((first, second, RUNNING), (second, evidence.size, UNRUN))
        if high > low
    ]
    if width * evidence.unrun / evidence.size >= ROOM:
        # Above the middle, where no line crosses it.
        text = sentence("chart.evidence.not-run", count=evidence.unrun)
        named = {"x": (second + evidence.size) / 2, "y": 0, "text": text}
        regions.append(_layer({"type": "text", "dy": -9}, [named], text={"field": "text"}))
    return regions


def _bounds(evidence: EvidenceCurve) -> list[Spec]:
    """Dashed lines at the bounds; a plain one where nobody has won anything."""
    bounds = {VerdictWord.ABOVE: evidence.bound_above, VerdictWord.BELOW: -evidence.bound_below}
    dashed = {"type": "rule", "strokeDash": [6, 4], "strokeWidth": 1.5}
    ends = {"x": 0, "end": evidence.size}
    return [
        _layer({"type": "rule", "color": SOFT}, [ends | {"y": 0}], x2={"field": "end"}),
        *(
            _layer(dashed | {"color": COLOURS[side]}, [ends | {"y": at}], x2={"field": "end"})
            for side, at in bounds.items()
        ),
    ]


def _height(side: str, value: float, evidence: EvidenceCurve) -> float:
    """Where evidence is drawn: nothing beneath the middle, nothing beyond the picture."""
    bound = evidence.bound_above if side == VerdictWord.ABOVE else evidence.bound_below
    # A bettor who won a million-fold would press the bounds into a line at the bottom.
    inside = min(max(value, 0.0), bound * HIGHEST)
    return inside if side == VerdictWord.ABOVE else -inside


def _path(side: str, evidence: EvidenceCurve) -> list[Spec]:
    """A line from nothing on and the area under it, thinned out but never by its last sample."""
    values = evidence.above if side == VerdictWord.ABOVE else evidence.below
    step = -(-len(values) // MOST_POINTS)
    # Counted back from the end, so that the sample at which the run stopped is always drawn.
    places = sorted(range(len(values) - 1, -1, -step))
    points = [{"x": 0, "y": 0.0, "middle": 0}]
    points += [
        {"x": place + 1, "y": _height(side, values[place], evidence), "middle": 0}
        for place in places
    ]
    colour = COLOURS[side]
    area = {"type": "area", "color": colour, "opacity": 0.18}
    line = {"type": "line", "color": colour, "strokeWidth": 2}
    return [_layer(area, points, y2={"field": "middle"}), _layer(line, points)]


def _stop(word: str, evidence: EvidenceCurve, width: int) -> list[Spec]:
    """A mark at the last sample used, with its number on the side that has room."""
    ahead = VerdictWord.ABOVE if evidence.above[-1] >= evidence.below[-1] else VerdictWord.BELOW
    # A word may be settled although the evidence for it is slight.
    side = word if word in COLOURS else ahead
    last = (evidence.above if side == VerdictWord.ABOVE else evidence.below)[-1]
    point = {"x": evidence.used, "y": _height(side, last, evidence), "text": f"{evidence.used:,}"}
    shape = "circle" if evidence.reached else "diamond"
    late = width * (1 - evidence.used / evidence.size) < LETTERS
    mark = {
        "type": "point",
        "filled": True,
        "size": 80,
        "opacity": 1,
        "color": COLOURS[side],
        "shape": shape,
    }
    text = {
        "type": "text",
        "fontWeight": "bold",
        "align": "right" if late else "left",
        "dx": -9 if late else 9,
        "dy": -9 if side == VerdictWord.ABOVE else 9,
    }
    return [_layer(mark, [point]), _layer(text, [point], text={"field": "text"})]
