"""A table of trials: one row a person's trial of an item, alone or with a model's help."""

from dataclasses import dataclass

from touchstone.errors import BadInputError
from touchstone.service.errors import UnusableRunsError
from touchstone.service.measurement.estimating.results import Cells, RunTable, cells_at

NEEDED = ("item", "person", "solved", "minutes")
OPTIONAL = ("model", "limit")


@dataclass(frozen=True)
class TrialRow:
    """One person's trial of one item."""

    item: str
    person: str
    solved: bool
    minutes: float
    """Until it was solved, given up or cut off."""
    model: str | None
    """Whose help the person had; None: nobody's."""
    limit: float | None
    """Minutes allowed; None where no column says."""


def trials_in(table: RunTable) -> tuple[TrialRow, ...]:
    """The trials of a table, in its order.

    Raises:
        UnusableRunsError: a column is missing.
        BadInputError: no trial, or a cell that means nothing, with its row.
    """
    header = list(table.header)
    if missing := [name for name in NEEDED if name not in header]:
        raise UnusableRunsError("trial-column-missing", source=table.source, name=missing[0])
    if not table.rows:
        raise BadInputError(f"{table.source} holds no trial")
    places = {name: header.index(name) for name in (*NEEDED, *OPTIONAL) if name in header}
    return tuple(_trial(cells_at(table, "trial", n, places)) for n in range(len(table.rows)))


def _trial(cells: Cells) -> TrialRow:
    solved, limit = cells.number("solved"), cells.positive_if_there("limit")
    if solved not in (0.0, 1.0):
        said = cells.text["solved"][:80]
        raise BadInputError(f"{cells.where} has {said} for solved: write 1 or 0, true or false")
    minutes = cells.positive("minutes")
    if solved and limit is not None and minutes > limit:
        raise BadInputError(f"{cells.where} is solved after its limit: write it as not solved")
    return TrialRow(
        cells.named("item"),
        cells.named("person"),
        solved == 1,
        minutes,
        cells.text.get("model") or None,
        limit,
    )
