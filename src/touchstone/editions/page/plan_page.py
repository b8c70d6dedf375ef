"""A plan as one page: what is expected, what cannot be told, and two charts."""

from collections.abc import Sequence
from dataclasses import dataclass

from touchstone.editions.page.charts import (
    INK,
    MODE_COLOURS,
    NARROW,
    WIDE,
    Spec,
    encoded,
    fixed,
    render_spec,
    shares,
)
from touchstone.editions.page.templating import drawn, page_templates, stylesheet
from touchstone.editions.sentences import paragraph, sentence
from touchstone.statistics import VerdictWord

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
    samples = [_samples(page.samples, narrow=each) for each in (False, True) if page.samples]
    words = [_words(page.words, narrow=each) for each in (False, True) if page.words]
    return (
        page_templates()
        .get_template("plan.html")
        .render(
            p=page,
            style=stylesheet("report.css"),
            samples=drawn(samples),
            words=drawn(words),
        )
    )


def _sizes(curves: int, *, narrow: bool) -> tuple[int, int]:
    """Columns, and the width of one panel."""
    columns = 1 if narrow else min(_COLUMNS, curves)
    return columns, (NARROW if narrow else WIDE) // columns - 70


def _samples(curves: tuple[SamplesCurve, ...], *, narrow: bool) -> str:
    columns, width = _sizes(len(curves), narrow=narrow)
    panels = [{**_samples_panel(curve), "width": width, "height": _HEIGHT} for curve in curves]
    said = paragraph(*map(_described, curves))
    id_ = "samples-narrow" if narrow else "samples"
    spec = {"concat": panels, "columns": columns, "spacing": 22}
    return render_spec(spec, sentence("plan.samples.title"), said, id_)


def _described(curve: SamplesCurve) -> str:
    dearest = max(curve.points, key=lambda point: point[1])
    ends = (curve.points[0], curve.points[-1])
    points = [
        sentence("plan.samples.point", mean=f"{mean:.0f}", rate=f"{rate:.0%}")
        # Both ends and the dearest between them: read aloud, a whole curve is only numbers.
        for rate, mean, _ in (ends[0], dearest, ends[1])
    ]
    return sentence("plan.samples.row", title=curve.title, size=curve.size, points=points)


def _samples_panel(curve: SamplesCurve) -> Spec:
    """The mean, what nine of ten stay within, the whole battery, and the threshold."""
    x = _rate(curve.points)
    y = encoded(
        "mean",
        "quantitative",
        title=sentence("plan.samples.axis"),
        axis={"tickCount": 5, "minExtent": 36},
        scale={"domain": [0, curve.size * 1.08], "nice": False},
    )
    points = {
        "values": [{"rate": rate, "mean": mean, "most": most} for rate, mean, most in curve.points]
    }
    colour, other = MODE_COLOURS[:2]
    whole = {"type": "rule", "strokeWidth": 2, "strokeDash": [6, 4], "color": other}
    return {
        "title": {"text": curve.title},
        "layer": [
            {
                "data": points,
                "mark": {"type": "area", "opacity": 0.18, "color": colour},
                "encoding": {"x": x, "y": y, "y2": {"field": "most"}},
            },
            {
                "data": points,
                "mark": {"type": "line", "strokeWidth": 2, "color": colour},
                "encoding": {"x": x, "y": y},
            },
            {
                "data": fixed(size=curve.size),
                "mark": whole,
                "encoding": {"y": encoded("size", "quantitative")},
            },
            _threshold(curve.at),
        ],
    }


def _rate(points: Sequence[tuple[float, ...]]) -> Spec:
    """The true rate, across the panel."""
    return encoded(
        "rate",
        "quantitative",
        title=sentence("plan.samples.rate"),
        axis={"format": "%", "tickCount": 5},
        scale={"domain": [points[0][0], points[-1][0]]},
    )


def _threshold(at: float) -> Spec:
    return {
        "data": fixed(at=at),
        "mark": {"type": "rule", "strokeWidth": 1.5, "color": INK},
        "encoding": {"x": encoded("at", "quantitative")},
    }


WORDS = {VerdictWord.ABOVE: "#a5321f", VerdictWord.BELOW: "#2f6b3a", "neither": "#5b6b78"}
"""Colours, as in the pills of the verdicts; each line is dashed in its own way too."""
_DASHES = ([1, 0], [7, 4], [2, 3])


def _words(curves: tuple[WordsCurve, ...], *, narrow: bool) -> str:
    columns, width = _sizes(len(curves), narrow=narrow)
    panels = [{**_words_panel(curve), "width": width, "height": _HEIGHT} for curve in curves]
    said = paragraph(*map(_words_said, curves))
    id_ = "words-narrow" if narrow else "words"
    spec = {"concat": panels, "columns": columns, "spacing": 22}
    return render_spec(spec, sentence("plan.words.title"), said, id_)


def _words_said(curve: WordsCurve) -> str:
    """A panel in words: how often each word is said at some of the rates."""
    points = [
        sentence(
            "plan.words.point",
            rate=f"{rate:.3g}",
            above=f"{above:.0%}",
            below=f"{below:.0%}",
            neither=f"{neither:.0%}",
        )
        for rate, above, below, neither in curve.points[::4]
    ]
    return sentence("plan.words.row", title=curve.title, points=points)


def _words_panel(curve: WordsCurve) -> Spec:
    values = [
        {"rate": rate, "word": sentence("plan.word", word=word), "chance": chance}
        for rate, *chances in curve.points
        for word, chance in zip(WORDS, chances, strict=True)
    ]
    y = shares("chance", sentence("plan.words.axis"), ticks=5, room=36)
    names = [sentence("plan.word", word=word) for word in WORDS]
    by_word = {
        channel: encoded(
            "word",
            "nominal",
            sort=names,
            legend={"title": sentence("plan.words.legend")},
            scale={"domain": names, "range": shown},
        )
        for channel, shown in (("color", list(WORDS.values())), ("strokeDash", list(_DASHES)))
    }
    lines = {
        "data": {"values": values},
        "mark": {"type": "line", "strokeWidth": 2},
        "encoding": {"x": _rate(curve.points), "y": y, **by_word},
    }
    layers = [lines] if curve.at is None else [lines, _threshold(curve.at)]
    return {"title": {"text": curve.title}, "layer": layers}
