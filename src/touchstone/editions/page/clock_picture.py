"""The review window as a small picture: a bar of days, with every date that bears on it."""

import html
from dataclasses import dataclass
from datetime import date

from touchstone.editions.page.data import ClockFacts
from touchstone.editions.sentences import paragraph, sentence
from touchstone.editions.sentences.catalogue import capital
from touchstone.handin import day_written

WIDE, NARROW = 720, 340
TOP, BAR, ROW = 12, 16, 24
LETTER = 7.4
"""Width of a letter in pixels, on the wide side: so no label leaves the picture."""
EDGE = 10


@dataclass(frozen=True)
class Mark:
    """One date and what it is."""

    on: date
    text: str
    strong: bool = False


def marks(clock: ClockFacts) -> list[Mark]:
    """The dates of the clock in order; those on one day share a mark."""
    named: dict[str, list[str]] = {}
    for on, what in (
        (clock.share_by, "share-by"),
        (clock.submitted, "submitted"),
        (clock.today, "today"),
        (clock.ends, "ends"),
        (clock.planned_release, "planned-release"),
    ):
        if on:
            # One mark a day: labels of two marks on one day would lie upon one another.
            named.setdefault(on, []).append(what)
    return [
        Mark(day_written(on), _mark(on, found), strong="submitted" in found)
        for on, found in sorted(named.items())
    ]


def _mark(on: str, found: list[str]) -> str:
    """Everything that one day is, and the day."""
    what = sentence(
        "list-of.commas", items=[sentence("chart.clock.what", what=each) for each in found]
    )
    return sentence("chart.clock.mark", what=capital(what), day=on)


def describe(clock: ClockFacts) -> str:
    """The picture in words."""
    return paragraph(
        *(sentence("chart.clock.is", mark=mark.text) for mark in marks(clock)),
        sentence("chart.clock.zone", timezone=clock.timezone),
        *(sentence("chart.clock.paused", first=first, last=last) for first, last in clock.pauses),
    )


def draw(clock: ClockFacts, *, narrow: bool = False) -> str:
    """The picture as inline SVG, with its name and description in words."""
    width = NARROW if narrow else WIDE
    dates = marks(clock)
    window = _window(clock)
    days = [mark.on for mark in dates] + list(window)
    low, high = min(days), max(days)
    # All dates on one day would divide by nothing.
    span = max(1, (high - low).days)

    def x(on: date) -> float:
        return EDGE + (width - 2 * EDGE) * min(1.0, max(0.0, (on - low).days / span))

    begin, end = map(x, window)
    middle = TOP + BAR / 2
    pieces = [
        f'<line class="axis" x1="{EDGE}" x2="{width - EDGE}" y1="{middle}" y2="{middle}"/>',
        _bar("window", begin, end),
        *(_bar("pause", *(x(day_written(on)) for on in pause)) for pause in clock.pauses),
        *(_stem(mark, x(mark.on), row) for row, mark in enumerate(dates)),
        *(_label(mark, x(mark.on), row, width) for row, mark in enumerate(dates)),
    ]
    id_ = "clock-picture-narrow" if narrow else "clock-picture"
    height = TOP + BAR + ROW * len(dates) + 10
    return (
        f'<svg role="img" aria-labelledby="{id_}-t {id_}-d" xmlns="http://www.w3.org/2000/svg" '
        f'class="clock" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f'<title id="{id_}-t">{html.escape(sentence("chart.clock.title"))}</title>'
        f'<desc id="{id_}-d">{html.escape(describe(clock))}</desc>{"".join(pieces)}</svg>'
    )


def _window(clock: ClockFacts) -> tuple[date, date]:
    """First and last day of the window; where nothing ends, the day of the submission."""
    begin = day_written(clock.share_by or clock.submitted)
    end = day_written(clock.ends or clock.submitted)
    # A model that came after its window ended leaves the two the other way round.
    return min(begin, end), max(begin, end)


def _bar(kind: str, begin: float, end: float) -> str:
    width = max(2, end - begin)
    return f'<rect class="{kind}" x="{begin:.1f}" y="{TOP}" width="{width:.1f}" height="{BAR}"/>'


def _baseline(row: int) -> int:
    return TOP + BAR + ROW * (row + 1)


def _stem(mark: Mark, x: float, row: int) -> str:
    kind = "stem strong" if mark.strong else "stem"
    return f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 4}" y2="{_baseline(row)}"/>'


def _label(mark: Mark, x: float, row: int, width: int) -> str:
    """A text beside its stem, on the side that has room."""
    length = len(mark.text) * LETTER
    place, anchor = (x + 6, "start") if x + 6 + length <= width else (x - 6, "end")
    if anchor == "end" and x - 6 < length:
        place, anchor = 0, "start"
    return (
        f'<text x="{place:.1f}" y="{_baseline(row)}" text-anchor="{anchor}">'
        f"{html.escape(mark.text)}</text>"
    )
