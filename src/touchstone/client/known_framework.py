"""The frameworks that this machine knows by itself: those that came with the program."""

from importlib import resources
from typing import Any

from touchstone.framework import Framework, parse_framework
from touchstone.ledger import dumps


def shipped_framework(content: Any) -> Framework | None:
    """The framework of this program that a content is, to the byte; None: it is none of them."""
    # By the content and never by a digest that somebody names: what is not shown must be known.
    said = dumps(content)
    for each in resources.files("touchstone.framework").joinpath("shipped").iterdir():
        found = parse_framework(each.read_text("utf-8"), each.name)
        if dumps(found.model_dump(mode="json", exclude_defaults=True)) == said:
            return found
    return None
