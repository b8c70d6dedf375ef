"""What several attempts at each item say, of every run in which items are tried more than once."""

from collections.abc import Callable, Iterable
from typing import Any

from touchstone.review import State
from touchstone.review.audience_view import Entry
from touchstone.verdicts.repeated_attempts import TYPES, attempt_rates


def attempts_standing(
    state: State, entries_of: Callable[..., Iterable[Entry]]
) -> tuple[dict[str, Any], ...]:
    """Of each run, for `--json`: attempt by attempt, and pass@1 and pass@k with their intervals.

    Empty where each item is tried once, and nothing is read then. `entries_of` gives the
    entries of some types as the reader may read them.
    """
    several = [
        name
        for name, sealed in state.batteries.items()
        if any(part.attempts > 1 for part in sealed.item_sets)
    ]
    if not several:
        return ()
    entries = tuple(entries_of(*TYPES))
    return tuple(
        {"battery": name, "criterion": key.criterion, "mode": key.mode, **said.as_dict()}
        for name in several
        for key, said in attempt_rates(entries, name).items()
    )
