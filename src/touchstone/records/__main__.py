"""Prepare the database that the environment names: `python -m touchstone.records`."""

import os
import sys
from pathlib import Path

from touchstone.errors import TouchstoneError
from touchstone.records import DATABASE, DATABASE_OWNER, prepare


def main() -> int:
    """Make the tables; gives the exit code."""
    if not os.environ.get(DATABASE):
        sys.stderr.write(f"{DATABASE} is not set; SQLite needs no preparing\n")
        return 2
    try:
        separate = prepare(Path())
    except TouchstoneError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if separate:
        sys.stdout.write("prepared; the application's role owns nothing\n")
    else:
        sys.stdout.write("prepared, but the application's own role owns the tables;")
        sys.stdout.write(f" fix: set {DATABASE_OWNER}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
