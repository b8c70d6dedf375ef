"""The marks by which items are known wherever they turn up, and the texts that items give."""

import json
import re
from collections.abc import Iterable, Iterator

from touchstone.evaluation.families.base import Family, Item
from touchstone.evaluation.packs.family import PackFamily

_MARK = re.compile(
    rb"canary.{0,40}?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})",
    re.IGNORECASE | re.DOTALL,
)
"""A UUID that is called a canary just before, as authors of benchmarks write it."""


def canary_marks(items: Iterable[Item], families: Iterable[Family] = ()) -> tuple[str, ...]:
    """Every mark in these items, in whichever of their texts; sorted.

    A pack by people among `families` declares its own, which need not look like one.
    """
    found = {
        mark.group(1).decode().lower()
        for item in items
        for text in _texts(item)
        for mark in _MARK.finditer(text)
    }
    declared = {each.canary for each in families if isinstance(each, PackFamily)}
    return tuple(sorted((found | declared) - {""}))


def texts_given(item: Item) -> Iterator[str]:
    """What an item gives to a subject: what it is told and its files; of a pack's, its input."""
    yield item.prompt
    if not item.answer and set(item.files) == {"item.json"}:
        # A pack's: the whole of what was frozen is its one file, its target among the rest.
        for data in item.files.values():
            frozen = json.loads(data)
            yield from _strings([frozen.get("input"), frozen.get("choices")])
        return
    for data in item.files.values():
        yield data.decode("utf-8", "replace")


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each)


def _texts(item: Item) -> Iterator[bytes]:
    yield item.prompt.encode("utf-8", "replace")
    yield from item.files.values()
    yield from item.judge_files.values()
    yield item.reference
