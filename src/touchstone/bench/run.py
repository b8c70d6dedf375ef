"""Which benches there are, and running them by name."""

from collections.abc import Sequence
from importlib import import_module

from touchstone.bench.table import Table
from touchstone.errors import BadInputError

NAMES = ("ledger", "engine", "sandbox")


def run_benches(name: str | None = None) -> Sequence[Table]:
    """The table of one bench, or of all.

    Raises:
        BadInputError: no bench has that name.
    """
    if name is not None and name not in NAMES:
        raise BadInputError(f"no bench is called {name!r}; there are {', '.join(NAMES)}")
    wanted = NAMES if name is None else (name,)
    return [import_module(f"touchstone.bench.{each}").run() for each in wanted]
