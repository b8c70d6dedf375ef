"""Which benches there are, and running them by name."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from touchstone.bench.table import Table
from touchstone.errors import BadInputError

NAMES = ("ledger", "engine", "sandbox", "verdicts", "terms")


def run_benches(
    name: str | None = None, verdicts: Mapping[str, Any] | None = None
) -> Sequence[Table]:
    """The table of one bench, or of all.

    Args:
        name: The bench; None: all of them.
        verdicts: What `verdicts.run` is asked otherwise than by default.

    Raises:
        BadInputError: no bench has that name, or options are given for another one.
    """
    if name is not None and name not in NAMES:
        raise BadInputError(f"no bench is called {name!r}; there are {', '.join(NAMES)}")
    if verdicts and name != "verdicts":
        raise BadInputError(f"--{next(iter(verdicts)).replace('_', '-')} goes with bench verdicts")
    wanted = NAMES if name is None else (name,)
    asked = {"verdicts": verdicts or {}}
    return [import_module(f"touchstone.bench.{each}").run(**asked.get(each, {})) for each in wanted]
