"""The shipped framework texts, and the example with one thing changed."""

from pathlib import Path

import touchstone.framework

SHIPPED = Path(str(touchstone.framework.__file__)).with_name("shipped")


def text_of(name: str) -> str:
    """The text of one shipped framework."""
    return (SHIPPED / f"{name}.toml").read_text("utf-8")


def example_with(old: str, new: str, count: int = 1) -> str:
    """The example's text with `old` replaced `count` times; there must be that many."""
    text = text_of("example")
    assert text.count(old) >= count, old
    return text.replace(old, new, count)
