"""Who is a party once an event admits some, and what is taken of a newer version's word for it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, get_args

from touchstone.review.events import opening
from touchstone.review.events.base import Role
from touchstone.review.state import Party, State


def parties_admitted(state: State, admits: tuple[opening.Admission, ...]) -> dict[str, Party]:
    """The parties once these are among them."""
    return {**state.parties, **{a.party: Party(a.role, a.key) for a in admits}}


def admitted_by_newer(state: State, told: Any) -> Iterator[tuple[str, Party]]:
    """Parties that facts of a newer version admit, as far as this one knows their roles."""
    for each in told if isinstance(told, list) else ():
        known = state.parties.get(each["party"])
        if each["role"] in get_args(Role):
            yield each["party"], Party(each["role"], each["key"])
        # A role that only newer versions have: the key of a known party is followed all the same.
        elif known is not None:
            yield each["party"], replace(known, key=each["key"])
