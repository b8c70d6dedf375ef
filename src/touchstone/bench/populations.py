"""Result matrices: invented ones of known make, and those read from files."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from touchstone.errors import BadInputError
from touchstone.service.file_io import read_parquet

_COST = "cost"


@dataclass(frozen=True)
class ModelPopulation:
    """Models by items."""

    names: tuple[str, ...]
    outcomes: NDArray[np.float64]
    """Outcomes in [0, 1], shape (models, items)."""
    costs: NDArray[np.float64] | None
    """Cost of one sample of each model, shape (models,), if known."""


def invent(
    rng: Generator,
    models: int = 24,
    items: int = 500,
    *,
    easiness: float = 3.0,
    spread: float = 1.0,
    leaning: float = 0.8,
) -> ModelPopulation:
    """Models of one general and two minor abilities, so that they are correlated, but not alike.

    `easiness`, `spread` and `leaning` are the standard deviations of the items' easiness, of the
    general ability and of the minor ones, on the scale of log odds. The defaults give outcomes that
    correlate at about 0.45 between models.
    """
    base = rng.normal(0.0, easiness, items)
    steepness = np.exp(rng.normal(0.0, 0.3, items))
    minor = rng.normal(0.0, leaning, (models, 2)) @ rng.normal(0.0, 1.0, (2, items))
    odds = steepness * (rng.normal(0.3, spread, models)[:, None] + base) + minor
    outcomes = (rng.random((models, items)) < 1 / (1 + np.exp(-odds))).astype(float)
    return ModelPopulation(tuple(f"model-{number:02d}" for number in range(models)), outcomes, None)


def read_population(path: Path) -> ModelPopulation:
    """A matrix from a CSV or Parquet file: one row a model, one column an item.

    In a CSV, a first row that is not all numbers names the items. A first (or last) column that
    is not numbers names the models. A column named "cost" holds the cost of one sample.

    Raises:
        BadInputError: a file that cannot be read, or rows that make no matrix of numbers.
    """
    if not path.is_file():
        raise BadInputError(f"there is no file {path}")
    try:
        header, rows = read_parquet(path) if path.suffix == ".parquet" else _csv(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(f"{path} cannot be read: {error}") from error
    if not rows:
        raise BadInputError(f"{path} holds no models")
    width = len(header)
    for number, row in enumerate(rows, 1):
        if len(row) != width:
            raise BadInputError(
                f"{path}: model {number} has {len(row)} columns where others have {width}"
            )
    place = _names_at(rows)
    names = tuple(
        f"model-{number}" if place is None else row[place] for number, row in enumerate(rows, 1)
    )
    columns = [column for column in range(width) if column != place]
    table = np.array(
        [
            [_cell(path, name, header[column], row[column]) for column in columns]
            for name, row in zip(names, rows, strict=True)
        ]
    )
    return _split(path, names, [header[column] for column in columns], table)


def _names_at(rows: list[list[str]]) -> int | None:
    """Where the models' names stand: first as a rule; last where a table's index was written."""
    if any(_number(row[0]) is None for row in rows):
        return 0
    if all(_number(row[-1]) is None for row in rows):
        return len(rows[0]) - 1
    return None


def _split(
    path: Path, names: tuple[str, ...], header: list[str], table: NDArray[np.float64]
) -> ModelPopulation:
    paid = np.array([name.strip().lower() == _COST for name in header], bool)
    costs = table[:, paid][:, 0] if paid.any() else None
    outcomes = table[:, ~paid]
    if outcomes.shape[1] < 2:  # noqa: PLR2004 - one item
        raise BadInputError(f"{path} holds {outcomes.shape[1]} items: a battery needs at least two")
    if len(names) < 2:  # noqa: PLR2004 - one model
        raise BadInputError(f"{path} holds one model: expectations need another to learn from")
    _require_costs(path, names, costs)
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise BadInputError(
            f"{path}: two models are called {twice!r}, and a model must not foretell itself; "
            "take one out or give each its own name"
        )
    bad = ~((outcomes >= 0) & (outcomes <= 1))
    if bad.any():
        row, column = (int(axis[0]) for axis in np.nonzero(bad))
        item = [name for name, cost in zip(header, paid, strict=True) if not cost][column]
        raise BadInputError(
            f"{path}: {names[row]} has {outcomes[row, column]} at {item}, outside [0, 1]"
        )
    return ModelPopulation(names, outcomes, costs)


def _require_costs(path: Path, names: tuple[str, ...], costs: NDArray[np.float64] | None) -> None:
    if costs is None:
        return
    bad = ~(np.isfinite(costs) & (costs >= 0))
    if bad.any():
        place = int(bad.argmax())
        raise BadInputError(
            f"{path}: {names[place]} has a cost of {costs[place]}; write a number of 0 or more"
        )
    # A share of nothing has no value.
    if not costs.any():
        raise BadInputError(f"{path}: every cost is 0; take the column out, or write what it was")


def _csv(path: Path) -> tuple[list[str], list[list[str]]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file) if row]
    if not rows:
        return [], []
    if not _is_header(rows[0]):
        return [f"column {number}" for number in range(1, len(rows[0]) + 1)], rows
    return rows[0], rows[1:]


def _is_header(row: list[str]) -> bool:
    """Whether a first row names the columns, be it by numbers.

    Numbers are names where no two are alike and some cannot be outcomes. A row of outcomes has many
    that are alike; one with an impossible value among them is refused later, not taken for names.
    """
    numbers = [_number(cell) for cell in row[1:]]
    if None in numbers:
        return True
    apart = len({*numbers}) == len(numbers)
    return apart and not all(0 <= each <= 1 for each in numbers if each is not None)


def _number(cell: str) -> float | None:
    named = {"true": 1.0, "false": 0.0}
    try:
        return named.get(cell.strip().lower()) if cell.strip().lower() in named else float(cell)
    except ValueError:
        return None


def _cell(path: Path, model: str, column: str, cell: str) -> float:
    value = _number(cell)
    if value is None:
        raise BadInputError(f"{path}: {model} has {cell!r} at {column}, which is no number")
    return value
