"""What is drawn for a framework, and in which modes it runs."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.reviews import write_submission
from touchstone.evaluation import load_submission
from touchstone.evaluation.families.loading import load_families
from touchstone.service.frameworks import load_framework
from touchstone.verdicts.battery_plans import spread
from touchstone.verdicts.errors import CannotRunError
from touchstone.verdicts.runs import (
    MAX_ITEMS,
    battery_plan,
    left_out,
    runs,
)


@given(st.integers(1, 500))
def test_spread_keeps_the_number_and_is_even(items: int):
    counts = spread(items)
    assert sum(counts.values()) == items
    assert max(counts.values()) - min(counts.values()) <= 1
    assert min(counts.values()) >= 1


def test_every_numeric_criterion_gets_a_set():
    plan = battery_plan(load_framework("example"), load_families(), 5, "battery-1")
    assert [part.criterion for part in plan.sets] == [
        "memory-safety",
        "web-injection",
        "payment-logic",
    ]


def test_a_framework_without_numbers_is_measured_by_the_families_of_its_domains():
    plan = battery_plan(load_framework("us-2026-06"), load_families(), 5, "battery-1")
    assert {part.family for part in plan.sets} <= set(load_families())
    assert plan.sets


@pytest.mark.parametrize("items", [0, -1, MAX_ITEMS + 1])
def test_impossible_numbers_of_items_are_refused(items: int):
    with pytest.raises(CannotRunError, match="--items"):
        battery_plan(load_framework("example"), load_families(), items, "battery-1")


def test_every_mode_is_judged_where_the_framework_says_any(tmp_path: Path):
    submission = load_submission(
        write_submission(tmp_path, "http://127.0.0.1:9", modes={"a": "none", "b": "high"})
    )
    framework = load_framework("example")
    plan = battery_plan(framework, load_families(), 5, "battery-1")
    assert [(run.criterion, run.mode.id) for run in runs(framework, plan, submission)] == [
        (criterion, mode)
        for criterion in ("memory-safety", "web-injection", "payment-logic")
        for mode in ("a", "b")
    ]


def test_each_criterion_of_which_nothing_is_drawn_is_named():
    framework, known = load_framework("example"), load_families()
    assert left_out(framework, known) == ()
    some = {name: family for name, family in known.items() if name != "web-injection"}
    (line,) = left_out(framework, some)
    assert line.startswith("Criterion web-injection will not be measured: no family of tasks")
    assert len(left_out(framework, known, "screening")) == 3
