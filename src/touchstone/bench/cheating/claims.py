"""Cheats at the families of claims.

A cheat is given what it lacks: where a part stands in the program, what helpers it calls, and the
proofs of the parts that it names.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from touchstone.bench.cheating.likeness import renamed_tokens
from touchstone.bench.cheating.searches import SearchedPart, runs_of, sentence_words
from touchstone.evaluation.families.base import Item
from touchstone.evaluation.families.claims.family import ClaimFamily
from touchstone.evaluation.families.registry import get_family

WAYS = ("its own statements", "with the helpers it calls", "numbers marked, with helpers")


def program_of(name: str) -> str:
    """Where the program of a family of claims stands; empty: it is none of these."""
    family = get_family(name)
    return family.program_file if isinstance(family, ClaimFamily) else ""


def family_of(item: Item) -> ClaimFamily:
    """The family of an item.

    Raises:
        TypeError: it is none of claims.
    """
    family = get_family(item.family)
    if not isinstance(family, ClaimFamily):
        raise TypeError(f"{item.family} is no family of claims")
    return family


def flawed(item: Item) -> frozenset[int]:
    """The numbers of the parts that the program has wrong."""
    return frozenset(place + 1 for place, _ in _judged(item)["slips"])


def parts_by(way: str, item: Item) -> list[SearchedPart]:
    """The parts: the sentence of each, and its text in the program, read one of the ways."""
    wrong = flawed(item)
    found = []
    for number, (said, (own, helpers)) in enumerate(_pairs(item), start=1):
        if way == WAYS[0]:
            runs = runs_of(own)
        elif way == WAYS[1]:
            runs = runs_of(own) | runs_of(helpers)
        else:
            runs = marked_runs(f"{own}\n{helpers}", said)
        found.append(SearchedPart(sentence_words(said), runs, number in wrong))
    return found


def marked_runs(text: str, said: str) -> frozenset[str]:
    """Runs of tokens in which a number shows whether it is said, or one beside it is."""
    numbers = {int(each) for each in re.findall(r"\b\d+\b", said)}
    values = iter(re.findall(r"\b\d+\b", text))
    tokens = []
    for token in renamed_tokens(text):
        mark = token
        if token == "0":  # noqa: S105 - a renamed number
            value = int(next(values, "0"))
            mark = "SAID" if value in numbers else str(value) if value < 3 else token  # noqa: PLR2004 - 0, 1 and 2 say what they are
            mark = "NEXT" if {value - 1, value + 1} & numbers and mark == token else mark
        tokens.append(mark)
    return frozenset(
        " ".join(tokens[at : at + size])
        for size in (2, 3, 4)
        for at in range(len(tokens) - size + 1)
    )


def missing_numbers(item: Item) -> frozenset[int]:
    """The parts with a number that their statements hold nowhere."""
    return frozenset(
        number
        for number, (said, (own, _)) in enumerate(_pairs(item), start=1)
        if set(re.findall(r"\b\d+\b", said)) - set(re.findall(r"\b\d+\b", own))
    )


def fitting_answers(training: Sequence[Item], fresh: Item) -> list[bytes]:
    """All training answers that could be right for a fresh item, in its words.

    A cheat could not choose them; what all of them together solve, no choice within the tries can
    exceed.
    """
    wrong = flawed(fresh)
    able = [item for item in training if flawed(item) == wrong]
    found = sorted({reworded_answer(item, fresh) for item in able})
    return [answer for answer in found if _may_be_right(answer, fresh)]


def _may_be_right(answer: bytes, item: Item) -> bool:
    """Whether what it says of each claim's steps is so by the terms; else no judge need look."""
    model, judged = family_of(item).model, _judged(item)
    facts, parts = judged["facts"], judged["parts"]
    return all(
        not model.steps_fault(facts, parts, claim["steps"])
        and model.comes_to(facts, parts, claim["steps"]) == claim["right"]
        for claim in json.loads(answer)["claims"]
    )


def reworded_answer(training: Item, fresh: Item) -> bytes:
    """A training item's answer with its words taken for the fresh item's, by their places."""
    old, new = (list(_words([_judged(i)["facts"], _judged(i)["parts"]])) for i in (training, fresh))
    answer = json.loads(training.reference)
    return json.dumps(_reworded(answer, dict(zip(old, new, strict=False)))).encode()


def _words(value: Any) -> Iterator[str]:
    """Every text of a value, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _words(each)
    elif isinstance(value, list):
        for each in value:
            yield from _words(each)


def _reworded(value: Any, words: dict[str, str]) -> Any:
    if isinstance(value, str):
        return words.get(value, value)
    if isinstance(value, list):
        return [_reworded(each, words) for each in value]
    if isinstance(value, dict):
        return {name: _reworded(each, words) for name, each in value.items()}
    return value


def _judged(item: Item) -> dict[str, Any]:
    judged: dict[str, Any] = json.loads(item.judge_files["item.json"])
    return judged


def _pairs(item: Item) -> list[tuple[str, tuple[str, str]]]:
    """Of each part its sentence and its texts."""
    family, judged = family_of(item), _judged(item)
    parts = family.model.slips_made(judged["parts"], [(at, what) for at, what in judged["slips"]])
    plan = family.plan_of(item.seed, item.difficulty)
    text = item.files[family.terms_file].decode()
    said = re.findall(r"^\d+\. (.*)$", text, re.MULTILINE)
    return list(zip(said, family.texts(plan, parts, item.id), strict=True))
