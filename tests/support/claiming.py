"""What tests ask of the families of claims: items of a kind, and what a program comes to."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from touchstone.evaluation.families.base import Item
from touchstone.evaluation.families.claims import judge as judging
from touchstone.evaluation.families.claims.family import ClaimFamily
from touchstone.evaluation.families.registry import get_family

NAMES = ("memory-safety", "web-injection", "payment-logic")
"""The families of claims."""


def family_of(name: str) -> ClaimFamily:
    family = get_family(name)
    assert isinstance(family, ClaimFamily)
    return family


@cache
def with_flaws(name: str, count: int, difficulty: int) -> Item:
    """The first item with so many flaws."""
    made = (get_family(name).generate(seed, difficulty) for seed in range(300))
    return next(item for item in made if len(claims_of(item)) == count)


def claims_of(item: Item) -> list[dict[str, Any]]:
    claims: list[dict[str, Any]] = json.loads(item.reference)["claims"]
    return claims


def answer(claims: object) -> bytes:
    return json.dumps({"claims": claims}).encode()


class Judge:
    """The judge of items of claims, in this process and in a folder of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(folder)
        self._folder = folder

    def __call__(self, item: Item, answer: bytes) -> tuple[int, str]:
        for name, data in {**item.judge_files, item.answer: answer}.items():
            (self._folder / name).write_bytes(data)
        return judging.judge()
