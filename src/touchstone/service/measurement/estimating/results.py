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
    return tuple(_run(cells_at(table, "run", n, places)) for n in range(len(table.rows)))


@dataclass(frozen=True)
class Cells:
    """One row of a table, by column."""

    where: str
    """What errors call it."""
    text: Mapping[str, str]

    def named(self, column: str) -> str:
        """A text that may not be empty."""
        if not self.text[column]:
            raise BadInputError(f"{self.where} has no {column}")
        return self.text[column]

    def share(self, column: str) -> float:
        """A number in [0, 1]."""
        value = self.number(column)
        if not 0 <= value <= 1:
            said = self.text[column]
            raise BadInputError(f"{self.where} has an {column} of {said}, outside [0, 1]")
        return value

    def positive_if_there(self, column: str) -> float | None:
        """As `positive`; None where the table has no such column."""
        return self.positive(column) if column in self.text else None

    def positive(self, column: str) -> float:
        """A finite number of more than 0."""
        value = self.number(column)
        if not value > 0:
            said = self.text[column]
            raise BadInputError(f"{self.where} has {said} for {column}: write more than 0")
        return value

    def number(self, column: str) -> float:
        """A finite number, or true or false."""
        return _number(self.where, column, self.text[column])


def cells_at(table: RunTable, row_is: str, number: int, places: Mapping[str, int]) -> Cells:
    """A row's cells.

    Args:
        table: The table.
        row_is: What one of its rows is: a run, a trial.
        number: Which row, from 0; people count from 1.
        places: Where each column is.

    Raises:
        BadInputError: the row ends before.
    """
    row, where = table.rows[number], f"{table.source}: {row_is} {number + 1}"
    if len(row) <= max(places.values()):
        raise BadInputError(f"{where} has {len(row)} columns only")
    return Cells(where, {name: row[place].strip() for name, place in places.items()})


def _run(cells: Cells) -> RunRow:
    model, item = cells.named("model"), cells.named("item")
    weight = cells.positive_if_there("weight") or 1.0
    cluster = cells.text.get("cluster") or item
    outcome, minutes = cells.share("outcome"), cells.positive_if_there("minutes")
    return RunRow(model, item, outcome, cluster, minutes, weight)


def _number(where: str, what: str, text: str) -> float:
    try:
        value = _WORDS[text.lower()] if text.lower() in _WORDS else float(text)
    except ValueError:
        value = math.nan
    # Python reads `nan` and `inf` as numbers; as outcomes they would pass every comparison below.
    if not math.isfinite(value):
        raise BadInputError(f"{where} has {text[:80]!a} for {what}, which is no number")
    return value
