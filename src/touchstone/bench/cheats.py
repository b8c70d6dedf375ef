"""The cheapest cheats at the generated families, and how alike their items are, at every level."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from touchstone.bench.cheating import claims, regions, tariffs
from touchstone.bench.cheating.judging import scores
from touchstone.bench.cheating.likeness import highest_likeness
from touchstone.bench.cheating.searches import Parts, Search, learned_rules
from touchstone.bench.table import BenchRow, BenchTable
from touchstone.errors import BadInputError
from touchstone.evaluation.families.base import MAX_DIFFICULTY, MIN_DIFFICULTY, Item
from touchstone.evaluation.families.registry import family_names, get_family

MOST_CHEATED = 0.15
MOST_ALIKE = 0.6
_FLAWLESS = "tariff-flaws/none"
_RULES = (1, 3, 10, 30, 100)
_PROGRAMS = {
    "tariff-flaws": "tariff.py",
}


@dataclass(frozen=True)
class Cheated:
    """How many fresh items one cheat solved."""

    cheat: str
    solved: int
    items: int

    @property
    def rate(self) -> float:
        """Share of the items, 0 to 1."""
        return self.solved / self.items


def run(
    *,
    family: str | None = None,
    level: int | None = None,
    training: int = 500,
    fresh: int = 200,
    say: Callable[[str], None] | None = None,
) -> BenchTable:
    """Each family's cheapest cheat and highest likeness, level by level.

    Args:
        family: One shipped family; None: all.
        level: One difficulty; None: all.
        training: Items that a cheat learns from, answers included.
        fresh: Items that it is then held to.
        say: Told every cheat's figure as it is had.

    Raises:
        BadInputError: no such family or level, or too few items.
        BenchError: a judge failed.
    """
    if family is not None and family not in family_names():
        raise BadInputError(f"no family is named {family!r}; there are {', '.join(family_names())}")
    known_to_cheat = [name for name in family_names() if _program(name)]
    if family is not None and family not in known_to_cheat:
        raise BadInputError(f"{family} asks for easy work and records conduct: it has no cheats")
    if level is not None and not MIN_DIFFICULTY <= level <= MAX_DIFFICULTY:
        raise BadInputError(f"--level is {level}: write {MIN_DIFFICULTY} to {MAX_DIFFICULTY}")
    if training < 1 or fresh < 1:
        raise BadInputError("--training and --fresh: write at least 1")
    rows: list[BenchRow] = []
    for name in [family] if family else known_to_cheat:
        for difficulty in [level] if level else range(MIN_DIFFICULTY, MAX_DIFFICULTY + 1):
            known, new = (
                items_of(name, difficulty, training, "training"),
                items_of(name, difficulty, fresh, "fresh"),
            )
            found = list(cheated(name, known, new))
            for each in found:
                if say:
                    say(f"{name} {difficulty}: {each.cheat}: {each.solved} of {each.items}")
            rows += _rows(name, difficulty, found, [*known, *new])
    return BenchTable(
        f"Cheats at generated items ({training} training items, {fresh} fresh ones)", tuple(rows)
    )


def items_of(name: str, difficulty: int, count: int, purpose: str) -> list[Item]:
    """Items of seeds that hang on the purpose alone, so that a figure can be had again."""
    family, made = get_family(name), []
    for number in range(count):
        text = f"touchstone/cheats/1 {purpose} {number}".encode()
        seed = int.from_bytes(hashlib.sha256(text).digest()[:8], "big")
        made.append(family.generate(seed, difficulty))
    return made


def likeness_of(name: str, items: Sequence[Item]) -> tuple[float, float]:
    """(highest, mean) likeness of two items' programs."""
    return highest_likeness([item.files[_program(name)].decode() for item in items])


def _program(name: str) -> str:
    """Where a family's program stands; empty: it has none that is read for its flaws."""
    return claims.program_of(name) or _PROGRAMS.get(name, "")


def cheated(name: str, training: Sequence[Item], fresh: Sequence[Item]) -> Iterator[Cheated]:
    """What each known cheat solves of the fresh items."""
    # A judge looks at one answer of a subject, so a cheat has one, too.
    usual = Counter(item.reference for item in training).most_common(1)[0][0]
    yield _judged("the commonest training answer", fresh, lambda _: [usual])
    if name == "tariff-flaws":
        yield from _tariffs(training, fresh)
    if claims.program_of(name):
        yield from _claims(training, fresh)
    if name == "memory-safety":
        outside = sum(regions.out_of_bounds(item) == claims.flawed(item) for item in fresh)
        yield Cheated("records that leave or do not fill their region", outside, len(fresh))


def _tariffs(training: Sequence[Item], fresh: Sequence[Item]) -> Iterator[Cheated]:
    every = f"any of {len(training)} training answers, renamed"
    yield _judged(every, fresh, lambda item: tariffs.candidates(training, item))
    named = [tariffs.flawed_clauses(item) for item in fresh]
    usual = Counter(tariffs.flawed_clauses(item) for item in training if item.flaw != _FLAWLESS)
    constant = named.count(usual.most_common(1)[0][0]) if usual else 0
    yield Cheated("the commonest set of flawed clauses, proofs given", constant, len(fresh))
    missing = sum(tariffs.numbers_missing(i) == e for i, e in zip(fresh, named, strict=True))
    yield Cheated("clauses whose numbers the program lacks, proofs given", missing, len(fresh))
    yield from _searched(tariffs.parts, 0, 3, training, fresh)


def _claims(training: Sequence[Item], fresh: Sequence[Item]) -> Iterator[Cheated]:
    every = f"any of {len(training)} training answers, renamed"
    yield _judged(every, fresh, lambda item: claims.fitting_answers(training, item))
    named = [claims.flawed(item) for item in fresh]
    usual = Counter(claims.flawed(item) for item in training if claims.flawed(item))
    constant = named.count(usual.most_common(1)[0][0]) if usual else 0
    yield Cheated("the commonest set of flawed parts, proofs given", constant, len(fresh))
    missing = sum(claims.missing_numbers(i) == e for i, e in zip(fresh, named, strict=True))
    yield Cheated("parts whose numbers the program lacks, proofs given", missing, len(fresh))
    for way in claims.WAYS:
        for each in _searched(partial(claims.parts_by, way), 0, 3, training, fresh):
            yield replace(each, cheat=f"{each.cheat} ({way})")


def _judged(
    cheat: str, fresh: Sequence[Item], answers: Callable[[Item], Sequence[bytes]]
) -> Cheated:
    asked = [(item, answer) for item in fresh for answer in answers(item)]
    right = scores(asked)
    solved = {item.id for (item, _), score in zip(asked, right, strict=True) if score}
    return Cheated(cheat, len(solved), len(fresh))


def _searched(
    parts: Parts, least: int, most: int, training: Sequence[Item], fresh: Sequence[Item]
) -> Iterator[Cheated]:
    known, new = [parts(item) for item in training], [parts(item) for item in fresh]
    rules = learned_rules(known)
    for count in _RULES:
        search = Search(rules[:count], known, most, least)
        solved = sum(search.finds(item) for item in new)
        yield Cheated(f"text search by {count} learned rules, proofs given", solved, len(fresh))


def _rows(
    name: str, difficulty: int, found: Sequence[Cheated], items: Sequence[Item]
) -> list[BenchRow]:
    best = max(found, key=lambda each: each.rate)
    highest, mean = likeness_of(name, items)
    return [
        BenchRow(
            f"{name} {difficulty}: {best.cheat}",
            best.rate,
            "of the items",
            None,
            "",
            f"at most {MOST_CHEATED:g}",
            best.rate <= MOST_CHEATED,
        ),
        BenchRow(
            f"{name} {difficulty}: highest likeness of two items (mean {mean:.2f})",
            highest,
            "Jaccard",
            None,
            "",
            f"at most {MOST_ALIKE:g}",
            highest <= MOST_ALIKE,
        ),
    ]
