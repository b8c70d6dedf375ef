"""Scores that decide nothing, of every run of a case whose pack reports only."""

from collections.abc import Callable, Iterable
from typing import Any

from touchstone.review import State
from touchstone.review.audience_view import Entry
from touchstone.verdicts.reported_scores import TYPES, reported_scores


def reported_standing(
    state: State, entries_of: Callable[..., Iterable[Entry]]
) -> tuple[dict[str, Any], ...]:
    """Of each such run, for `--json`: the mean with its interval, and what was not measured.

    `entries_of` gives the entries of some types as the reader may read them; it is asked where
    some score is only reported.
    """
    batteries = {key.battery: None for key, tally in state.tallies.items() if tally.reported}
    if not batteries:
        return ()
    entries = tuple(entries_of(*TYPES))
    return tuple(
        {"battery": name, "criterion": key.criterion, "mode": key.mode, **said.as_dict()}
        for name in batteries
        for key, said in reported_scores(entries, name).items()
    )
