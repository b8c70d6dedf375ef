"""The packages of the family `planted-packages` for tests: pulled once, into their environment."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from touchstone.evaluation.assets.fetching import pull
from touchstone.evaluation.assets.listing import parse_assets
from touchstone.evaluation.assets.store import AssetStore
from touchstone.evaluation.families.base import Item
from touchstone.evaluation.families.planted_packages import FAMILY
from touchstone.evaluation.families.registry import assets_of_family

SUFFIXES = {"python": "unit.py", "javascript": "unit.js", "c": "unit.c"}


def pulled_packages() -> Iterator[Path]:
    """Where the packages are, and where the family looks for them meanwhile."""
    folder = Path(sys.prefix, "touchstone-assets")
    for state in pull(parse_assets(assets_of_family(FAMILY.name) or b""), AssetStore(folder)):
        if state.state != "here":
            pytest.skip(f"{state.title} cannot be had: {state.why}")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TOUCHSTONE_ASSETS", str(folder))
        yield folder


def item_in(language: str, difficulty: int = 1, *, flawed: bool = True, after: int = 0) -> Item:
    """The first item in a language, from a seed on, that has a flaw, or has none."""
    for seed in range(after, after + 500):
        item = FAMILY.generate(seed, difficulty)
        if SUFFIXES[language] in item.files and flawed != item.flaw.endswith("/none"):
            return item
    raise AssertionError(f"no such item in {language}")
