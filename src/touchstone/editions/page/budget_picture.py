"""The curve of budgets as a small picture: the share solved over tokens, a line a run."""

import html
import math
from collections.abc import Callable, Sequence

from touchstone.editions.page.charts import MODE_COLOURS
from touchstone.editions.page.data import BudgetCurve
from touchstone.editions.sentences import paragraph, sentence
from touchstone.verdicts.budget_curves import BudgetPoint

WIDE, NARROW = 720, 340
HEIGHT, TOP, LEFT, RIGHT, FOOT = 220, 12, 44, 16, 40
_GRID = (0.0, 0.5, 1.0)


def describe(curves: Sequence[BudgetCurve]) -> str:
    """The picture in words."""
    return paragraph(
        *(
            sentence(
                "chart.budget.row",
                title=each.title,
                mode=each.mode,
                points=[
                    sentence(
                        "chart.budget.point",
                        tokens=point.tokens,
                        solved=point.solved,
                        counted=point.counted,
                    )
                    for point in each.points
                ],
            )
            for each in curves
        )
    )


def draw(curves: Sequence[BudgetCurve], *, narrow: bool = False) -> str:
    """The picture as inline SVG; tokens grow by factors, so that each doubling is as wide."""
    width = NARROW if narrow else WIDE
    tokens = sorted({point.tokens for each in curves for point in each.points})
    low, span = math.log(tokens[0]), math.log(tokens[-1] / tokens[0]) or 1.0

    def x(of: int) -> float:
        return LEFT + (width - LEFT - RIGHT) * (math.log(of) - low) / span

    def y(rate: float) -> float:
        return TOP + (HEIGHT - TOP - FOOT) * (1 - rate)

    pieces = [_rule(y(rate), rate, width) for rate in _GRID]
    # The ends alone on a narrow screen: numbers upon one another cannot be read.
    shown = {tokens[0], tokens[-1]} if narrow else set(tokens)
    pieces += [
        f'<text x="{x(each):.1f}" y="{HEIGHT - FOOT + 18}" text-anchor="middle">{each:,}</text>'
        for each in sorted(shown)
    ]
    for place, each in enumerate(curves):
        colour = MODE_COLOURS[place % len(MODE_COLOURS)]
        points = [(point, point.rate) for point in each.points]
        marks = [(x(p.tokens), y(rate), p) for p, rate in points if rate is not None]
        path = " ".join(f"{across:.1f},{up:.1f}" for across, up, _ in marks)
        pieces.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{path}"/>')
        pieces += [_mark(across, up, point, colour, y) for across, up, point in marks]
    id_ = "budget-picture-narrow" if narrow else "budget-picture"
    return (
        f'<svg role="img" aria-labelledby="{id_}-t {id_}-d" xmlns="http://www.w3.org/2000/svg" '
        f'class="clock" width="{width}" height="{HEIGHT}" viewBox="0 0 {width} {HEIGHT}">'
        f'<title id="{id_}-t">{html.escape(sentence("chart.budget.title"))}</title>'
        f'<desc id="{id_}-d">{html.escape(describe(curves))}</desc>{"".join(pieces)}</svg>'
    )


def _rule(at: float, rate: float, width: int) -> str:
    line = f'<line class="stem" x1="{LEFT}" x2="{width - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
    return f'{line}<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{rate:.0%}</text>'


def _mark(
    across: float, up: float, point: BudgetPoint, colour: str, y: Callable[[float], float]
) -> str:
    ends = point.interval
    bar = ""
    if ends is not None:
        bar = (
            f'<line stroke="{colour}" x1="{across:.1f}" x2="{across:.1f}" y1="{y(ends.high):.1f}"'
            f' y2="{y(ends.low):.1f}"/>'
        )
    return f'{bar}<circle cx="{across:.1f}" cy="{up:.1f}" r="4" fill="{colour}"/>'
