"""A table of runs, read from CSV or Parquet: one row a run, columns by name."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from touchstone.errors import BadInputError

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


def read_results(path: Path, names: Mapping[str, str]) -> tuple[RunRow, ...]:
    """The runs of a file, in its order.

    Args:
        path: A .csv with a header, or a .parquet.
        names: What the file calls a column, by our name; a column that is not named has ours.

    Raises:
        BadInputError: no such file, no such column, or a cell that means nothing, with its row.
    """
    unknown = sorted(set(names) - {*NEEDED, *OPTIONAL})
    if unknown:
        known = ", ".join((*NEEDED, *OPTIONAL))
        raise BadInputError(f"--column {unknown[0]}: there are {known}")
    if not path.is_file():
        raise BadInputError(f"there is no file {path}")
    try:
        header, rows = _parquet(path) if path.suffix == ".parquet" else _csv(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(f"{path} cannot be read: {error}") from error
    places = {}
    for ours in (*NEEDED, *OPTIONAL):
        theirs = names.get(ours, ours)
        if theirs in header:
            places[ours] = header.index(theirs)
        elif ours in NEEDED or ours in names:
            raise BadInputError(
                f"{path} has no column {theirs!r}; say what it is called: --column {ours}=NAME"
            )
    if not rows:
        raise BadInputError(f"{path} holds no run")
    return tuple(_row(path, number, row, places) for number, row in enumerate(rows, 1))


def _row(path: Path, number: int, row: Sequence[str], places: Mapping[str, int]) -> RunRow:
    where = f"{path}: run {number}"
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


def _csv(path: Path) -> tuple[list[str], list[list[str]]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        # Blank lines are left out, as spreadsheets end files with some.
        rows = [row for row in csv.reader(file) if row]
    return (rows[0], rows[1:]) if rows else ([], [])


def _parquet(path: Path) -> tuple[list[str], list[list[str]]]:
    # Imported here: a heavy library without types, for this kind of file only.
    try:
        pa: Any = import_module("pyarrow")
        parquet: Any = import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        raise BadInputError(f"{path}: Parquet needs pyarrow; install it, or give CSV") from error
    try:
        table = parquet.read_table(path)
    except pa.ArrowException as error:
        raise BadInputError(f"{path} is no Parquet file that can be read: {error}") from error
    columns = [[str(cell) for cell in column.to_pylist()] for column in table.columns]
    return list(table.column_names), [list(row) for row in zip(*columns, strict=True)]
