"""What a campaign found of a family: its cheapest cheats, how alike items are, and a control."""

from touchstone.evaluation.digests import Frozen


class MeasuredLevel(Frozen):
    """One level of difficulty."""

    level: int
    cheat: str
    """The cheapest of those that were tried."""
    cheated: int
    """How many fresh items it solved."""
    likeness: float
    """The highest Jaccard similarity of two programs, 0 to 1."""
    control: int
    """How many items a middling control solved: the quick scripted solver."""
    low: float
    """The 95% interval of its rate, 0 to 1 (Wilson)."""
    high: float

    def row(self, controlled: int) -> str:
        """Its row of a card's table; the control tried so many items."""
        reach = f"{100 * self.low:.0f}% to {100 * self.high:.0f}%"
        return (
            f"| {self.level} | {self.cheated} | {self.cheat} | {self.likeness:.2f} | "
            f"{self.control} of {controlled} ({reach}) |"
        )


class Measured(Frozen):
    """What was measured, by `make cheats`."""

    version: str
    """Of the family."""
    training: int
    """Items that cheats learned from, a level."""
    fresh: int
    """Items that they were then held to."""
    controlled: int
    """Items that the control tried, a level."""
    levels: tuple[MeasuredLevel, ...]

    @property
    def clause(self) -> str:
        """The cheapest cheat of all levels, as a clause."""
        best = max(self.levels, key=lambda level: level.cheated)
        return (
            f"{best.cheat}: it solved {best.cheated} of {self.fresh} items of level {best.level}, "
            "and none that was tried did better at any"
        )

    @property
    def table(self) -> str:
        """The table of a card."""
        lines = [
            f"| level | cheapest cheat, of {self.fresh} | which | likeness | control |",
            "|---|---|---|---|---|",
        ]
        lines += [each.row(self.controlled) for each in self.levels]
        return "\n".join(lines)
