"""Does a result set hold what it claims? Checks before any of its numbers is believed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from touchstone.statistics.errors import UnusableNumbersError
from touchstone.statistics.item_model import Numbers, outcome_matrix

# As many equal outcomes beyond chance as this, in standard deviations, make two models suspect.
_ALIKE = 6.0
# Siblings agree often, and honestly: only what agrees on as many items as this is called a copy.
_COPIED = 0.98
_ROUNDING = 5e-4


@dataclass(frozen=True)
class IntegrityIssue:
    """One thing that is wrong or suspect."""

    kind: str
    """impossible-value, total-differs, item-total-differs, duplicate-item, duplicate-model,
    pseudo-replicate."""
    models: tuple[str, ...]
    """The models that disagree, as named in the result set; empty if it is all of them."""
    text: str
    """One line for a person."""


def check_integrity(
    outcomes: Numbers,
    models: Sequence[str],
    items: Sequence[str],
    totals: Mapping[str, float] | None = None,
    item_means: Mapping[str, float] | None = None,
    rounding: float = _ROUNDING,
) -> tuple[IntegrityIssue, ...]:
    """Every doubt about a table of outcomes (models, items).

    `totals` are published mean scores by model, `item_means` published per-item means over all
    models; both are compared within `rounding`. Raises only if the table has no shape to check.

    Raises:
        UnusableNumbersError: an empty or ragged table, or names that do not fit it.
    """
    table = outcome_matrix(outcomes)
    if not table.size:
        raise UnusableNumbersError("a result set without outcomes cannot be checked")
    if table.shape != (len(models), len(items)):
        raise UnusableNumbersError(
            f"{len(models)} models and {len(items)} items do not name a table of "
            f"{table.shape[0]} by {table.shape[1]}"
        )
    return (
        *_values(table, models, items),
        *_totals(table, models, totals or {}, rounding),
        *_item_totals(table, models, items, item_means or {}, rounding),
        *_duplicates(models, items),
        *_replicates(table, models),
    )


def _values(table: Numbers, models: Sequence[str], items: Sequence[str]) -> list[IntegrityIssue]:
    doubts = []
    for model, row in zip(models, table, strict=True):
        # Said in the positive, so that what is no number is bad as well.
        bad = np.flatnonzero(~((row >= 0) & (row <= 1)))
        if bad.size:
            text = (
                f"{model} has {bad.size} values outside [0, 1], "
                f"the first at {items[bad[0]]}: {row[bad[0]]}"
            )
            doubts.append(IntegrityIssue("impossible-value", (model,), text))
    return doubts


def _totals(
    table: Numbers, models: Sequence[str], totals: Mapping[str, float], rounding: float
) -> list[IntegrityIssue]:
    doubts = []
    for name, published in totals.items():
        if name not in models:
            text = f"a total of {published:g} was published for {name}, which has no outcomes"
            doubts.append(IntegrityIssue("total-differs", (name,), text))
            continue
        mean = float(table[list(models).index(name)].mean())
        # Said in the positive, so that a published value that is no number differs as well.
        if not abs(mean - published) <= rounding:
            text = (
                f"{name} has a mean of {mean:.4f} over its items, but {published:.4f} was published"
            )
            doubts.append(IntegrityIssue("total-differs", (name,), text))
    return doubts


def _item_totals(
    table: Numbers,
    models: Sequence[str],
    items: Sequence[str],
    published: Mapping[str, float],
    rounding: float,
) -> list[IntegrityIssue]:
    places = {name: place for place, name in enumerate(items)}
    unknown = [name for name in published if name not in places]
    doubts = [
        IntegrityIssue(
            "item-total-differs", (), f"a mean was published for {name}, which was not run"
        )
        for name in unknown
    ]
    known = [name for name in published if name in places]
    if not known:
        return doubts
    columns = table[:, [places[name] for name in known]]
    gaps = np.array([published[name] for name in known]) - columns.mean(0)
    off = ~(np.abs(gaps) <= rounding)
    if not off.any():
        return doubts
    # Outcomes of the model at fault lie on the side that would close the gaps, item for item.
    wanted = columns[:, off] + gaps[off] * len(models)
    mended = ((wanted >= -rounding * len(models)) & (wanted <= 1 + rounding * len(models))).mean(1)
    best = np.flatnonzero(mended == mended.max())
    named = (models[int(best[0])],) if best.size == 1 and mended[best[0]] == 1 else ()
    blame = f"; {named[0]} alone could account for all of them" if named else ""
    text = (
        f"{int(off.sum())} of {len(known)} items differ from their published means, "
        f"the first is {known[int(np.flatnonzero(off)[0])]}{blame}"
    )
    return [*doubts, IntegrityIssue("item-total-differs", named, text)]


def _duplicates(models: Sequence[str], items: Sequence[str]) -> list[IntegrityIssue]:
    doubts = []
    for what, names in (("item", items), ("model", models)):
        for name, times in sorted(Counter(names).items()):
            if times == 1:
                continue
            text = f"the {what} {name} is there {times} times"
            doubts.append(
                IntegrityIssue(f"duplicate-{what}", (name,) if what == "model" else (), text)
            )
    return doubts


def _replicates(table: Numbers, models: Sequence[str]) -> list[IntegrityIssue]:
    """Models whose outcomes agree as only copies of one another do."""
    if table.shape[0] < 2 or np.isnan(table).any():  # noqa: PLR2004 - a pair
        return []
    doubts = []
    for one in range(len(models)):
        for other in range(one + 1, len(models)):
            a, b = table[one], table[other]
            # Two models that solve all, or nothing, agree of necessity.
            if a.std() == 0 or b.std() == 0:
                continue
            same = a == b
            # Items on which the others disagree are where independent runs would differ.
            rest = np.delete(table, (one, other), axis=0)
            mean = rest.mean(0) if rest.size else np.full(a.size, (a.mean() + b.mean()) / 2)
            # An item that all others solve may still be failed: by a chance of 0 one disagreement
            # would be impossible, and the spread 0.
            mean = np.clip(mean, 0.02, 0.98)
            differ = 2 * mean * (1 - mean)
            spread = float(np.sqrt((differ * (1 - differ)).sum()))
            excess = float((same.sum() - (1 - differ).sum()) / spread)
            if same.all() and excess > _ALIKE / 2:
                text = (
                    f"{models[one]} and {models[other]} have the same outcome on all {a.size} items"
                )
            elif excess > _ALIKE and same.mean() >= _COPIED:
                text = (
                    f"{models[one]} and {models[other]} agree on {same.mean():.1%} of items, "
                    f"{excess:.0f} standard deviations more than chance"
                )
            else:
                continue
            doubts.append(IntegrityIssue("pseudo-replicate", (models[one], models[other]), text))
    return doubts
