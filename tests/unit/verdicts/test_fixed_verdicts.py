"""Recorded outcomes to verdicts: complete runs alone, alpha shared, modes apart."""

import pytest

from support.review_case import Case, example_framework
from touchstone.review.shares import ways_of_crossing
from touchstone.statistics import RateRule, rate_against_threshold
from touchstone.verdicts.fixed_verdicts import Judged, judge


def case(size: int = 20) -> Case:
    opened = Case(example_framework()).open().agree().submit().lay_window()
    return opened.seal(size=size)


def judged(of: Case) -> dict[str, Judged]:
    return {each.key.mode: each for each in judge(of.framework, of.state, "battery-1")}


def test_a_run_that_is_not_complete_has_no_verdict():
    assert judged(case().measure("instant", solved=19, of=19)) == {}


def test_each_complete_run_has_its_own_verdict():
    both = case().measure("instant", solved=2).measure("thinking", solved=19)
    assert {mode: each.verdict.word for mode, each in judged(both).items()} == {
        "instant": "below",
        "thinking": "above",
    }


def test_alpha_is_shared_among_the_modes_that_were_submitted_not_those_that_ran():
    one = case().measure("thinking", solved=19)
    criterion = example_framework().criterion("memory-safety")
    ways = ways_of_crossing(criterion, one.state)  # type: ignore[arg-type]
    assert ways > 1
    assert judged(one)["thinking"].rule.alpha == pytest.approx(0.05 / ways, abs=1e-6)
    assert judged(one)["thinking"].rule.alpha <= 0.05 / ways
    assert judged(one)["thinking"].rule.beta == 0.05


def test_the_shared_alpha_is_what_decides():
    """10 of 13 is above the threshold at 0.05, and not at the share of two modes."""
    one = case(size=13).measure("thinking", solved=10, of=13)
    found = judged(one)["thinking"]
    assert found.verdict.word != "above"
    assert found.verdict.lower <= 0.5
    assert rate_against_threshold(10, 13, RateRule(0.5, 0.1, 0.05, 0.02)).word == "above"
