"""A table of runs: one row a run, columns by name."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from touchstone.errors import BadInputError
from touchstone.service.errors import UnusableRunsError

NEEDED = ("model", "item", "outcome")
OPTIONAL = ("cluster", "minutes", "weight")
_WORDS = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True)
class RunRow:
    """One run of one item by one model."""

    model: str
    item: str
    outcome: float
    """In [0, 1]."""
    cluster: str
    """What is like it: a family, or a flaw; the item itself where no column says."""
    minutes: float | None
    """What the task takes a person; None where no column says."""
    weight: float
    """1 where no column says."""


@dataclass(frozen=True)
class RunTable:
    """A table as it was read: its cells as text."""

    source: str
    """What errors call it."""
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def runs_in(table: RunTable, names: Mapping[str, str]) -> tuple[RunRow, ...]:
    """The runs of a table, in its order.

    Args:
        table: A row a run, columns by name.
        names: What the table calls a column, by our name; a column that is not named has ours.

    Raises:
        UnusableRunsError: no such column.
        BadInputError: no run, or a cell that means nothing, with its row.
    """
    known = (*NEEDED, *OPTIONAL)
    if unknown := sorted(set(names) - {*known}):
        raise UnusableRunsError("column-unknown", name=unknown[0], known=known)
    places = {}
    for ours in known:
        theirs = names.get(ours, ours)
        if theirs in table.header:
            places[ours] = list(table.header).index(theirs)
        elif ours in NEEDED or ours in names:
            raise UnusableRunsError("column-missing", source=table.source, theirs=theirs, ours=ours)
    if not table.rows:
        raise BadInputError(f"{table.source} holds no run")
    return tuple(_row(table.source, n, row, places) for n, row in enumerate(table.rows, 1))


def _row(source: str, number: int, row: Sequence[str], places: Mapping[str, int]) -> RunRow:
    where = f"{source}: run {number}"
    if len(row) <= max(places.values()):
        raise BadInputError(f"{where} has {len(row)} columns only")
    text = {name: row[place].strip() for name, place in places.items()}
    for name in ("model", "item"):
        if not text[name]:
            raise BadInputError(f"{where} has no {name}")
    outcome = _number(where, "outcome", text["outcome"])
    if not 0 <= outcome <= 1:
        raise BadInputError(f"{where} has an outcome of {text['outcome']}, outside [0, 1]")
    minutes = None
    if "minutes" in text:
        minutes = _number(where, "minutes", text["minutes"])
        if not minutes > 0:
            raise BadInputError(f"{where} takes {text['minutes']} minutes: write more than 0")
    weight = _number(where, "weight", text["weight"]) if "weight" in text else 1.0
    if not weight > 0:
        raise BadInputError(f"{where} has a weight of {text['weight']}: write more than 0")
    cluster = text.get("cluster") or text["item"]
    return RunRow(text["model"], text["item"], outcome, cluster, minutes, weight)


def _number(where: str, what: str, text: str) -> float:
    try:
        value = _WORDS[text.lower()] if text.lower() in _WORDS else float(text)
    except ValueError:
        value = math.nan
    # Python reads `nan` and `inf` as numbers; as outcomes they would pass every comparison below.
    if not math.isfinite(value):
        raise BadInputError(f"{where} has {text[:80]!a} for {what}, which is no number")
    return value
