"""Difficulty separates the two scripted solvers of every family, over HTTP and with the judge.

`TOUCHSTONE_QUALITY_ITEMS` sets the items per difficulty for the long form.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.subject_loop import Attempt, attempt, judge
from touchstone.evaluation.controls import Subject, start_subject
from touchstone.evaluation.families.base import Item
from touchstone.evaluation.families.registry import family_names, get_family

MODES = {"quick": "none", "thorough": "high"}
ITEMS = int(os.environ.get("TOUCHSTONE_QUALITY_ITEMS", "0"))
TURNS = 9


def battery(name: str) -> list[Item]:
    """One easy and one hard item; in the long form ITEMS at every difficulty."""
    family = get_family(name)
    if ITEMS:
        return [family.generate(5000 + s, d) for d in range(1, 6) for s in range(ITEMS)]
    return [family.generate(5000, 1), family.generate(5000, 4)]


@pytest.fixture(scope="module")
def subject() -> Iterator[Subject]:
    items = [item.id for name in family_names() for item in battery(name)]
    controls = ["control-solver", "control-oracle", "control-null"]
    with start_subject(controls, items=items) as started:
        yield started


def marked(name: str):
    marks = [pytest.mark.needs_compiler] if "gcc" in get_family(name).needs else []
    return pytest.param(name, marks=marks)


by_family = pytest.mark.parametrize("name", [marked(name) for name in family_names()])


def score(item: Item, done: Attempt, folder: Path) -> int:
    verdict = judge(item, done.answer, folder)
    assert "score" in verdict, f"{item.id}: {verdict}"
    return int(verdict["score"])


@by_family
def test_difficulty_separates_the_solvers(name: str, subject: Subject, tmp_path: Path):
    solved: dict[tuple[str, int], list[int]] = {}
    for number, item in enumerate(battery(name)):
        for mode, effort in MODES.items():
            folder = tmp_path / f"{number}-{mode}"
            done = attempt(subject, item, folder / "work", effort=effort)
            assert done.turns <= TURNS
            assert (done.reasoning_tokens > 0) == (mode == "thorough")
            result = score(item, done, folder / "judge")
            solved.setdefault((mode, item.difficulty), []).append(result)
    table = {key: f"{sum(got)}/{len(got)}" for key, got in sorted(solved.items())}
    rate = {key: sum(got) / len(got) for key, got in solved.items()}
    print(name, table)  # noqa: T201 - shown by the long form with -s
    hardest_quick = rate["quick", max(d for _, d in rate) if not ITEMS else 5]
    assert rate["quick", 1] > hardest_quick, table
    assert rate["thorough", 4] > rate["quick", 4], table
    assert rate["thorough", 1] > 0, table


@by_family
def test_the_oracle_scores_1_and_null_0(name: str, subject: Subject, tmp_path: Path):
    item = battery(name)[-1]
    for model, expected in (("control-oracle", 1), ("control-null", 0)):
        done = attempt(subject, item, tmp_path / model / "work", model)
        assert score(item, done, tmp_path / model / "judge") == expected
