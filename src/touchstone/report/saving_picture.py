"""One bar over all runs that may stop early: samples used, under way at the stop, never run."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

from touchstone.report.data import ResultRow

WIDE, NARROW = 720, 340
HEIGHT = 22
STRIPE = 4
"""From one stroke to the next, in pixels."""


@dataclass(frozen=True)
class Saving:
    """Samples over all runs that may stop early."""

    runs: int
    used: int
    overshoot: int
    unrun: int

    @property
    def sealed(self) -> int:
        """All that were sealed for them."""
        return self.used + self.overshoot + self.unrun

    @property
    def share(self) -> float:
        """Share of the sealed samples that never had to run."""
        return self.unrun / self.sealed


def saving(rows: Sequence[ResultRow]) -> Saving:
    """The sums over the rows that may stop early; there is at least one."""
    each = [row.evidence for row in rows if row.evidence]
    return Saving(
        runs=len(each),
        used=sum(e.used for e in each),
        overshoot=sum(e.overshoot for e in each),
        unrun=sum(e.unrun for e in each),
    )


def describe(sums: Saving) -> str:
    """The bar in words."""
    return (
        f"Of {sums.sealed:,} samples sealed, {sums.used:,} carry the verdicts, "
        f"{sums.overshoot:,} more were under way when a verdict fell, {sums.unrun:,} never ran."
    )


def draw(sums: Saving, *, narrow: bool = False) -> str:
    """The bar as inline SVG: filled, striped and empty, so that colour need not tell."""
    width = NARROW if narrow else WIDE
    scale = (width - 2) / sums.sealed
    first, second = 1 + sums.used * scale, 1 + (sums.used + sums.overshoot) * scale
    pieces = (
        f'<rect class="unrun" x="1" y="1" width="{width - 2}" height="{HEIGHT}"/>',
        f'<rect class="used" x="1" y="1" width="{first - 1:.1f}" height="{HEIGHT}"/>',
        f'<path class="overshoot" d="{_stripes(first, second)}"/>',
    )
    id_ = "saving-narrow" if narrow else "saving"
    return (
        f'<svg role="img" aria-labelledby="{id_}-t {id_}-d" xmlns="http://www.w3.org/2000/svg" '
        f'class="saving" width="{width}" height="{HEIGHT + 2}" '
        f'viewBox="0 0 {width} {HEIGHT + 2}">'
        f'<title id="{id_}-t">Samples used of those sealed</title>'
        f'<desc id="{id_}-d">{html.escape(describe(sums))}</desc>{"".join(pieces)}</svg>'
    )


def _stripes(begin: float, end: float) -> str:
    """Upright strokes from edge to edge of a part of the bar."""
    count = max(0, round((end - begin) / STRIPE))
    return " ".join(f"M{begin + (n + 0.5) * STRIPE:.1f} 1v{HEIGHT}" for n in range(count))
