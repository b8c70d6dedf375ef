"""Two runs of the same items: where they differ, and what that says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from touchstone.review import RunKey
from touchstone.service.measurement.parity.recorded import RecordedRuns
from touchstone.statistics import PairedOutcomes, compare_paired, percent

Results = Mapping[int, bool | None]


@dataclass(frozen=True)
class ItemsCompared:
    """Two runs on the items that both tried."""

    criterion: str
    one: str
    """Whose run is the first, in words."""
    other: str
    paired: PairedOutcomes | None
    """None: there is no item that both measured."""
    unmeasured: tuple[int, ...]
    """Items that one of them tried and did not measure: they are compared by nothing."""
    differing: tuple[int, ...]
    """Items on which they differ."""

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"{self.criterion}: {self.one} against {self.other}"
        if self.paired is None:
            yield "  no item was measured in both"
            return
        p = self.paired
        yield (
            f"  {p.items} items: both solved {p.both}, only the first {p.one}, only the second"
            f" {p.other}, neither {p.neither}; not compared {len(self.unmeasured)}"
        )
        yield f"  McNemar's exact test, two-sided: p = {p.p_value:.3g}"
        if p.difference is not None:
            low, high = p.difference.interval.low, p.difference.interval.high
            yield (
                f"  difference of the rates {_points(p.difference.value)} points, 95% interval"
                f" {_points(low)} to {_points(high)}"
            )
        if self.differing:
            yield f"  they differ on items {', '.join(map(str, self.differing))}"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        p = self.paired
        told: dict[str, Any] = {
            "criterion": self.criterion,
            "one": self.one,
            "other": self.other,
            "unmeasured": list(self.unmeasured),
            "differing": list(self.differing),
        }
        if p is not None:
            told |= {"items": p.items, "both": p.both, "only_one": p.one, "only_other": p.other}
            told |= {"neither": p.neither, "p_value": p.p_value}
        if p is not None and p.difference is not None:
            ends = p.difference.interval
            told |= {"difference": p.difference.value, "interval": [ends.low, ends.high]}
        return told


def compare_items(
    criterion: str,
    names: tuple[str, str],
    runs: tuple[Results, Results],
    flaws: Mapping[int, str],
) -> ItemsCompared:
    """Hold two runs of one item set against each other.

    Args:
        criterion: Whose items they are.
        names: What each run is called.
        runs: What each measured, by position.
        flaws: What is like each item, by position.
    """
    one, other = runs
    shared = sorted(set(one) & set(other))
    pairs = [(n, one[n], other[n]) for n in shared]
    measured = [(n, a, b) for n, a, b in pairs if a is not None and b is not None]
    labels = [flaws.get(n, f"item {n}") for n, _, _ in measured]
    paired = None
    if measured:
        paired = compare_paired([a for _, a, _ in measured], [b for _, _, b in measured], labels)
    return ItemsCompared(
        criterion=criterion,
        one=names[0],
        other=names[1],
        paired=paired,
        unmeasured=tuple(n for n, a, b in pairs if a is None or b is None),
        differing=tuple(n for n, a, b in measured if a is not b),
    )


def compare_runs(found: RecordedRuns) -> tuple[ItemsCompared, ...]:
    """Every two runs of one item set of one battery: of variants, of siblings, of modes."""
    return tuple(
        compare_items(
            one.criterion,
            (_name(one), _name(other)),
            (found.runs[one].results, found.runs[other].results),
            {**found.runs[other].flaws, **found.runs[one].flaws},
        )
        for one, other in combinations(found.runs, 2)
        if (one.battery, one.criterion) == (other.battery, other.criterion)
    )


def _name(key: RunKey) -> str:
    return f"{key.variant} in {key.mode}"


def _points(share: float) -> str:
    return percent(share).removesuffix("%") if share >= 0 else f"-{_points(-share)}"
