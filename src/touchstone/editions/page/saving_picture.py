"""One bar over all runs that may stop early: samples used, under way at the stop, never run."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

from touchstone.editions.page.data import ResultRow
from touchstone.editions.sentences import sentence

WIDE, NARROW = 720, 340
HEIGHT = 22
STRIPE = 4
"""From one stroke to the next, in pixels."""


@dataclass(frozen=True)
class Saving:
    """Samples over all runs that may stop early."""

    runs: int
    used: int
    """Those that carry a verdict."""
    wordless: int
    """Those that ran in runs without one: not measured, or broken off before it."""
    overshoot: int
    unrun: int
    broken_off: bool = False
    """Whether some never ran because measuring stopped before them, not as they were not needed."""

    @property
    def sealed(self) -> int:
        """All that were sealed for them."""
        return self.used + self.wordless + self.overshoot + self.unrun

    @property
    def share(self) -> float:
        """Share of the sealed samples that never had to run."""
        return self.unrun / self.sealed


def saving(rows: Sequence[ResultRow]) -> Saving:
    """The sums over the rows that may stop early; there is at least one."""
    each = [(row, row.evidence) for row in rows if row.evidence]
    return Saving(
        runs=len(each),
        used=sum(e.used for row, e in each if row.worded),
        # What a run without a word used carries no verdict: shown as used, it would read as
        # evidence.
        wordless=sum(e.used + e.overshoot for row, e in each if not row.worded),
        overshoot=sum(e.overshoot for row, e in each if row.worded),
        unrun=sum(e.unrun for _, e in each),
        # Samples that a stop kept from running were not saved, and the sentence must not say so.
        broken_off=any(e.unrun and row.verdict == "not-reached" for row, e in each),
    )


def describe(sums: Saving) -> str:
    """The bar in words."""
    used = sentence("chart.saving.used", count=sums.used)
    parts = [used if sums.used else sentence("chart.saving.none-used")]
    if sums.wordless:
        parts.append(sentence("chart.saving.wordless", count=sums.wordless))
    if sums.used:
        parts.append(sentence("chart.saving.overshoot", count=sums.overshoot))
    parts.append(sentence("chart.saving.unrun", count=sums.unrun))
    return sentence("chart.saving.row", sealed=sums.sealed, parts=parts)


def draw(sums: Saving, *, narrow: bool = False) -> str:
    """The bar as inline SVG: filled, striped, pale and empty, so that colour need not tell."""
    width = NARROW if narrow else WIDE
    scale = (width - 2) / sums.sealed
    ends = sums.used, sums.used + sums.overshoot, sums.used + sums.overshoot + sums.wordless
    first, second, third = (1 + count * scale for count in ends)
    pale = f'x="{second:.1f}" y="1" width="{third - second:.1f}" height="{HEIGHT}"'
    pieces = (
        f'<rect class="unrun" x="1" y="1" width="{width - 2}" height="{HEIGHT}"/>',
        f'<rect class="used" x="1" y="1" width="{first - 1:.1f}" height="{HEIGHT}"/>',
        f'<path class="overshoot" d="{_stripes(first, second)}"/>',
        f'<rect class="wordless" {pale}/>',
    )
    id_ = "saving-narrow" if narrow else "saving"
    return (
        f'<svg role="img" aria-labelledby="{id_}-t {id_}-d" xmlns="http://www.w3.org/2000/svg" '
        f'class="saving" width="{width}" height="{HEIGHT + 2}" '
        f'viewBox="0 0 {width} {HEIGHT + 2}">'
        f'<title id="{id_}-t">{html.escape(sentence("chart.saving.title"))}</title>'
        f'<desc id="{id_}-d">{html.escape(describe(sums))}</desc>{"".join(pieces)}</svg>'
    )


def _stripes(begin: float, end: float) -> str:
    """Upright strokes from edge to edge of a part of the bar."""
    count = max(0, round((end - begin) / STRIPE))
    return " ".join(f"M{begin + (n + 0.5) * STRIPE:.1f} 1v{HEIGHT}" for n in range(count))
