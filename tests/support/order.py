"""In which order files of tests are handed to the workers."""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Protocol, TypeVar

WAIT = {"contract", "e2e"}
"""Folders whose tests wait for servers, time-outs and programs in boxes."""


class Placed(Protocol):
    """A test, of which only its file is asked."""

    @property
    def path(self) -> Path:
        """Its file."""
        ...


Item = TypeVar("Item", bound=Placed)


def mixed(items: Iterable[Item]) -> list[Item]:
    """Files that wait among those that compute, evenly, so that no core has a rest.

    What a file holds stays together and in its order. Of those that wait the last come first: the
    reviews of `e2e`, which take longest.
    """
    files = [list(file) for _, file in groupby(items, key=lambda item: item.path)]
    wait = [file for file in files if WAIT & {*file[0].path.parts}]
    compute = [file for file in files if not WAIT & {*file[0].path.parts}]
    placed = [
        ((n + 0.5) / len(group), file)
        for group in (wait[::-1], compute)
        for n, file in enumerate(group)
    ]
    placed.sort(key=lambda each: each[0])
    return [item for _, file in placed for item in file]
