"""What every bench hands back: rows of one measurement each."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BenchRow:
    """One measurement.

    `ratio` is `value` over the same measure of `against`, taken in the same run; both are None and
    empty where there is nothing to compare with. `goal` is in words, and `met` is None where it is
    empty.
    """

    name: str
    value: float
    unit: str
    ratio: float | None
    against: str
    goal: str
    met: bool | None


@dataclass(frozen=True, slots=True)
class BenchTable:
    """A title and its rows, in the order of measuring."""

    title: str
    rows: tuple[BenchRow, ...]
    gates: bool = False
    """Whether a missed goal is an answer of no, and not this machine's speed."""
    notes: tuple[str, ...] = ()
    """What is suspect in the numbers that were handed in, a line each."""

    @property
    def missed(self) -> tuple[BenchRow, ...]:
        """The rows whose goal was missed, where that is an answer."""
        return tuple(row for row in self.rows if self.gates and row.met is False)
