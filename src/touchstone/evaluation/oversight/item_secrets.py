"""What an item gives to its subject that looks like a secret: to be told apart from a leak.

It is drawn from the item as it was sealed, and never from a transcript: there a scaffold or a model
could write what it wants to have excused.
"""

from collections.abc import Iterable

from touchstone.evaluation.families.base import Item
from touchstone.evaluation.oversight.canaries import texts_given
from touchstone.evaluation.oversight.leaks import secrets_in

MOST_OF_ITEM = 200
"""Secrets of one item that are told apart; a text of nothing else has no end of them."""
_LEAST = 8


def item_secrets(item: Item, kept: Iterable[str] = ()) -> tuple[str, ...]:
    """The values that stand in an item as secrets; sorted.

    Args:
        item: As it was sealed.
        kept: What no item excuses, whoever wrote it in: our own keys, and canaries.
    """
    known = [each.casefold() for each in kept if len(each) >= _LEAST]
    found = {
        value
        for text in texts_given(item)
        for value in secrets_in(text)
        if not any(each in value.casefold() or value.casefold() in each for each in known)
    }
    return tuple(sorted(found)[:MOST_OF_ITEM])
