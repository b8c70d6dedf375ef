"""Tables of runs and trials as files: CSV or Parquet."""

import csv
from collections.abc import Mapping
from pathlib import Path

from touchstone.errors import BadInputError
from touchstone.service.file_io import read_parquet
from touchstone.service.measurement.estimating.results import RunRow, RunTable, runs_in
from touchstone.service.measurement.estimating.trials import TrialRow, trials_in


def read_runs(path: Path, names: Mapping[str, str]) -> tuple[RunRow, ...]:
    """The runs of a file; as `read_table` and `runs_in`."""
    return runs_in(read_table(path), names)


def read_trials(path: Path) -> tuple[TrialRow, ...]:
    """The trials of a file; as `read_table` and `trials_in`."""
    return trials_in(read_table(path))


def read_table(path: Path) -> RunTable:
    """A .csv with a header, or a .parquet. Raises BadInputError where it cannot be read."""
    if not path.is_file():
        raise BadInputError(f"there is no file {path}")
    try:
        header, rows = read_parquet(path) if path.suffix == ".parquet" else _csv(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(f"{path} cannot be read: {error}") from error
    return RunTable(str(path), header, rows)


def _csv(path: Path) -> tuple[list[str], list[list[str]]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        # Blank lines are left out, as spreadsheets end files with some.
        rows = [row for row in csv.reader(file) if row]
    return (rows[0], rows[1:]) if rows else ([], [])
