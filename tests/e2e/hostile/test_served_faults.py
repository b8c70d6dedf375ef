"""Whole reviews of an endpoint that breaks by a plan; at length: `make faults` with --http."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.faults.reviewed import Ran, Reviewed, review, wrongs
from support.faults.served import KINDS, Plan, Served, Spoil, plan_of
from touchstone.review import RunKey, State
from touchstone.review.events import measuring
from touchstone.review.events.measuring import Stop, VerdictReached
from touchstone.verdicts.preregistration import RunRule

SPOIL = Spoil("cut", "anywhere", 1.0, 0, once=False, skill=1.0)
KEY = RunKey("battery-1", "asked", "final", "a")
ITEMS = 12


@pytest.mark.needs_sandbox
@pytest.mark.timeout(280)
def test_a_review_of_an_endpoint_that_breaks_says_nothing_that_was_not_measured(tmp_path: Path):
    """Cut answers of a model that solves all, half an emoji, and a reset of what would fail."""
    spoils = {
        "a": SPOIL,
        "b": Spoil("surrogate-call", "anywhere", 0.6, 0, once=False, skill=0.9),
        "c": Spoil("reset", "failures", 0.6, 1, once=False, skill=0.0),
    }
    found = list(review(tmp_path, Plan(7, "rate", 6, spoils)))
    assert [wrongs(each) for each in found] == [[]] * len(found)
    results = {result for result, _ in found[-1].results.values()}
    assert {"cut", "no-attempt"} <= results
    # By the command: exit 1, and --json says what went unmeasured, by kind and rate.
    assert found[0].ran.code == 1
    assert not found[0].said["measured"]
    rows = {row["mode"]: row for row in found[0].said["runs"]}
    assert rows["a"]["verdict"] == "not-measured"
    assert rows["a"]["unmeasured"] == {"cut": {"samples": rows["a"]["used"], "rate": 1.0}}


def test_the_plans_of_many_seeds_hold_every_kind_of_fault():
    plans = [plan_of(seed) for seed in range(100)]
    kinds = {spoil.kind for plan in plans for spoil in plan.spoils.values()}
    assert kinds == set(KINDS)
    assert plan_of(3) == plan_of(3)
    assert {plan.measure for plan in plans} == {"rate", "whole", "once", "relative"}


def rule(**changed: Any) -> RunRule:
    given: dict[str, Any] = {
        "item_set": "asked",
        "criterion": "asked",
        "variant": "final",
        "mode": "a",
        "measure": "success-rate",
        "design": "sequential",
        "threshold": "0.5",
        "zone": "0.1",
        "alpha": "0.05",
        "beta": "0.05",
    }
    return RunRule(**(given | changed))


def said(word: str) -> VerdictReached:
    stop = Stop(
        reason="evidence",
        used=ITEMS,
        overshoot=0,
        size=ITEMS,
        claimed="0.6" if word == "below" else "0.4",
    )
    facts: dict[str, Any] = {
        "battery": "battery-1",
        "criterion": "asked",
        "variant": "final",
        "mode": "a",
        "verdict": word,
        "counted": ITEMS,
        "solved": 0,
        "stop": stop,
        "unmeasured": measuring.Unmeasured(),
    }
    return VerdictReached.model_construct(**facts)


def looked(spoil: Spoil, results: list[str], word: str) -> Reviewed:
    """What the checker is given; every sample was answered, and spoilt where the plan says so."""
    served = Served(Plan(1, "rate", ITEMS, {"a": spoil}), levels=(1,) * ITEMS)
    samples = [("asked", "a", place) for place in range(ITEMS)]
    for sample in samples:
        served.answered[sample] = 1
        served.spoilt[sample] = int(served.meets(sample))
    verdicts = {KEY: said(word)} if word else {}
    ran = Ran(0, '{"measured": true, "runs": []}', "")
    found = Reviewed(served, ran, replace(State(), verdicts=verdicts), rules={"a": rule()})
    found.results = {sample: (result, 1) for sample, result in zip(samples, results, strict=True)}
    found.verified = (0,)
    return found


def faults() -> Iterator[tuple[str, Reviewed]]:
    able, unable = SPOIL, replace(SPOIL, skill=0.0)
    clean = replace(able, kind="none", fraction=0.0)
    weak = replace(clean, skill=0.0)
    yield "is unsolved, and it met cut", looked(able, ["unsolved"] * ITEMS, "")
    yield "is unsolved, and it met cut", looked(unable, ["unsolved"] * ITEMS, "")
    yield "below is not borne", looked(able, ["cut"] * ITEMS, "below")
    yield "above is not borne", looked(able, ["cut"] * ITEMS, "above")
    yield "is solved, and the model cannot", looked(weak, ["solved"] * ITEMS, "above")
    reasoned = replace(weak, kind="ignored-effort")
    yield "never shown to reason", looked(reasoned, ["unsolved"] * ITEMS, "below")
    found = looked(clean, ["solved"] * ITEMS, "above")
    del found.results["asked", "a", 3]
    found.results["asked", "a", 4] = ("solved", 4)
    found.twice.add(("asked", "a", 5))
    found.served.again.add(("asked", "a", 6))
    for text in ("without an outcome", "begun 4 times", "two outcomes", "begun again after"):
        yield text, replace(found, state=State())
    bare = looked(clean, ["solved"] * ITEMS, "")
    yield "verify said (1,)", replace(bare, verified=(1,))
    yield "exit 1, with [] not measured", replace(bare, ran=replace(bare.ran, code=1))
    yield "measured is False", replace(bare, ran=Ran(0, '{"measured": false, "runs": []}', ""))
    row = '{"criterion": "asked", "mode": "a", "used": 0, "verdict": "", "unmeasured": {}}'
    lost = looked(able, ["cut"] * ITEMS, "")
    yield "12 recorded", replace(lost, ran=Ran(0, f'{{"measured": true, "runs": [{row}]}}', ""))


@pytest.mark.parametrize(("why", "found"), list(faults()), ids=[why for why, _ in faults()])
def test_twin_the_check_finds_what_may_not_be(why: str, found: Reviewed):
    assert any(why in line for line in wrongs(found)), wrongs(found)


@pytest.mark.parametrize("word", ["above", "below"])
def test_twin_the_check_lets_pass_what_was_measured(word: str):
    clean = replace(SPOIL, kind="none", fraction=0.0, skill=1.0 if word == "above" else 0.0)
    result = "solved" if word == "above" else "unsolved"
    assert wrongs(looked(clean, [result] * ITEMS, word)) == []


def test_a_look_counts_what_was_answered_before_it_and_nothing_of_a_second_run():
    found = looked(SPOIL, ["cut"] * ITEMS, "")
    lost, never_begun = ("asked", "a", 3), ("asked", "a", 4)
    del found.results[lost], found.results[never_begun], found.served.answered[never_begun]
    look = replace(found)
    found.served.answered[never_begun] += 1
    assert wrongs(look) == [f"seed 1: answered and without an outcome: {[lost]}, 0 told as begun"]


def test_twin_what_ends_well_in_a_second_run_excuses_nothing_of_the_first():
    found = looked(replace(SPOIL, kind="reset", skill=0.0), ["unsolved"] * ITEMS, "")
    look = replace(found)
    found.served.ended_well |= dict.fromkeys(found.results, True)
    assert len(wrongs(look)) == ITEMS


def test_twin_what_ran_again_when_the_endpoint_was_mended_may_fail():
    reset = replace(SPOIL, kind="reset", skill=0.0)
    found = looked(reset, ["unsolved"] * ITEMS, "")
    assert len(wrongs(found)) == ITEMS
    found.served.ended_well |= dict.fromkeys(found.results, True)
    assert wrongs(found) == []
