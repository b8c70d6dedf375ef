"""Cheats at the tariff tasks."""

import json
import re
from collections.abc import Sequence
from typing import Any

from touchstone.bench.cheating.searches import SearchedPart, runs_of, sentence_words
from touchstone.evaluation.families.base import Item

_AROUND = 1
"""Lines beside one that holds a clause's number which count as the clause's."""


def flawed_clauses(item: Item) -> frozenset[int]:
    """The numbers of the clauses that the program has wrong."""
    return frozenset(json.loads(item.judge_files["item.json"])["flawed"])


def parts(item: Item) -> list[SearchedPart]:
    """The clauses: the sentence of each, and the lines of the program that hold its numbers."""
    lines = item.files["tariff.py"].decode().splitlines()
    flawed = flawed_clauses(item)
    found = []
    for number, sentence in _sentences(item):
        # A bound stands in the program as it is said, or one beside it.
        said = {int(each) for each in re.findall(r"\d+", sentence)}
        near = {each + by for each in said for by in (-1, 0, 1) if each > 1}
        held = [
            at
            for at, line in enumerate(lines)
            if near & {int(each) for each in re.findall(r"\b\d+\b", line)}
        ]
        own = {at + by for at in held for by in range(-_AROUND, 1) if at + by >= 0}
        text = "\n".join(lines[at] for at in sorted(own))
        found.append(SearchedPart(sentence_words(sentence), runs_of(text), number in flawed))
    return found


def numbers_missing(item: Item) -> frozenset[int]:
    """The clauses with a number that the program holds nowhere."""
    held = set(re.findall(r"\b\d+\b", item.files["tariff.py"].decode()))
    return frozenset(
        number
        for number, sentence in _sentences(item)
        if set(re.findall(r"\b\d+\b", sentence)) - held - {"1"}
    )


def renamed_answer(training: Item, fresh: Item) -> bytes:
    """A training item's claims in the words of a fresh one: its fields and kinds, by position."""
    old, new = (json.loads(each.judge_files["item.json"]) for each in (training, fresh))
    claims = json.loads(training.reference)["claims"]
    for claim in claims:
        claim["orders"] = [_reworded(order, old, new) for order in claim["orders"]]
    return json.dumps({"claims": claims}).encode()


def _reworded(order: dict[str, Any], old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    kinds = new["kinds"]
    kind = kinds[min(old["kinds"].index(order["kind"]), len(kinds) - 1)]
    numbers = [order[field] for field in old["fields"]]
    return {"kind": kind, **dict(zip(new["fields"], numbers, strict=True))}


def candidates(training: Sequence[Item], fresh: Item) -> list[bytes]:
    """All training answers that could be right for a fresh item: they name just its flaws.

    A cheat could not choose them; what all of them together solve, no choice within the tries can
    exceed.
    """
    flawed = flawed_clauses(fresh)
    able = [item for item in training if flawed_clauses(item) == flawed]
    return sorted({renamed_answer(item, fresh) for item in able})


def _sentences(item: Item) -> list[tuple[int, str]]:
    text = item.files["TERMS.txt"].decode()
    return [(int(n), said) for n, said in re.findall(r"^(\d+)\. (.*)$", text, re.MULTILINE)]
