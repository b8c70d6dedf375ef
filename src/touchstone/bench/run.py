"""Which benches there are, and running them by name."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from touchstone.bench.table import BenchTable
from touchstone.errors import BadInputError

NAMES = (
    "ledger",
    "engine",
    "oversight",
    "sandbox",
    "verdicts",
    "terms",
    "gateway",
    "directive",
    "api",
    "portal",
    "cheats",
)
_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "rounds": ("gateway", "directive"),
    "seconds": ("gateway",),
    "entries": ("ledger", "portal"),
    "cases": ("portal",),
    "family": ("cheats",),
    "level": ("cheats",),
    "training": ("cheats",),
    "fresh": ("cheats",),
}
"""Which benches take an option; all others go with verdicts."""
_TELLING = ("verdicts", "cheats")
"""Which benches say how far they have come."""
_BY_NAME_ALONE = ("portal", "cheats")
"""Those that take many minutes: whoever asks for all means the others."""


def run_benches(
    name: str | None = None,
    options: Mapping[str, Any] | None = None,
    say: Callable[[str], None] | None = None,
) -> Sequence[BenchTable]:
    """The table of one bench, or of all that measure speed or verdicts.

    Args:
        name: The bench; None: all but those of `_BY_NAME_ALONE`.
        options: What the bench's `run` is asked otherwise than by default.
        say: Told how far a long bench has come, a line at a time.

    Raises:
        BadInputError: no bench has that name, or an option is given for another one.
    """
    if name is not None and name not in NAMES:
        raise BadInputError(f"no bench is called {name!r}; there are {', '.join(NAMES)}")
    for option in options or {}:
        takers = _OPTIONS.get(option, ("verdicts",))
        if name not in takers:
            raise BadInputError(
                f"--{option.replace('_', '-')} goes with bench {' or '.join(takers)}"
            )
    if name is not None:
        told = {"say": say} if name in _TELLING else {}
        # By name and only when asked: the benches bring solvers, stores and servers with them.
        return [import_module(f"touchstone.bench.{name}").run(**(options or {}), **told)]
    return [
        import_module(f"touchstone.bench.{each}").run(**({"say": say} if each in _TELLING else {}))
        for each in NAMES
        if each not in _BY_NAME_ALONE
    ]
