"""A reader of the memory-safety files, written from the format's description."""

from typing import Literal

from touchstone.evaluation.families.memory_safety.layout import Layout


def records_of(layout: Layout, data: bytes) -> list[tuple[int, bytes]]:
    """A reader of the format, written from its description."""
    found = []
    order: Literal["big", "little"] = "big" if layout.big_endian else "little"
    while data:
        head = 1 + layout.length_width
        tag_at = 0 if layout.tag_first else layout.length_width
        size_at = 1 if layout.tag_first else 0
        size = int.from_bytes(data[size_at : size_at + layout.length_width], order)
        found.append((data[tag_at], data[head : head + size]))
        data = data[head + size :]
    return found
