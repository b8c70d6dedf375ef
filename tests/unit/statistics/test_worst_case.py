"""What measured nothing counts against every word: laws, and adversaries that choose the losses."""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from touchstone.statistics import (
    FixedVerdict,
    Progress,
    RateRule,
    Reason,
    SequentialDesign,
    UnusableNumbersError,
    VerdictWord,
    advance_attempts,
    advance_panel,
    advance_worst_case,
    at_least_once,
    attainable_verdicts,
    confidence_sequence,
    difficulty_design,
    evidence_path,
    family_verdict,
    impute,
    inference_at_stop,
    population_interval,
    rate_above_reference,
    rate_against_threshold,
    sequential_panel,
    sequential_verdict,
    worst_case_test,
)
from touchstone.statistics.e_process import initial_wealth, parallel_tests, update_wealth
from touchstone.statistics.item_model import Numbers

ABOVE, BELOW = VerdictWord.ABOVE, VerdictWord.BELOW
LEVELS = (1, 2, 3, 4, 5)
OUTCOMES = st.lists(st.sampled_from([0.0, 1.0, None]), min_size=2, max_size=16)
RULES = st.builds(
    RateRule,
    st.sampled_from([0.3, 0.5, 0.8]),
    st.sampled_from([0.0, 0.1]),
    st.sampled_from([0.1, 0.05]),
    st.sampled_from([0.02, 0.2]),
)
MOST_FILLED = 5


def sequential_design(rule: RateRule, size: int) -> SequentialDesign:
    return difficulty_design(rule, [LEVELS[place % 5] for place in range(size)])


def between(each: SequentialDesign, outcomes: Sequence[float | None]) -> Progress:
    state = worst_case_test(each)
    for outcome in outcomes:
        state = advance_worst_case(state, outcome)
    return state.progress


def alone(each: SequentialDesign, outcomes: Sequence[float]) -> Progress:
    state = sequential_panel([each])
    for outcome in outcomes:
        state = advance_panel(state, [float(outcome)])
    return state.progress[0]


def at_the_stop(each: SequentialDesign, outcomes: Sequence[float]) -> VerdictWord:
    """What the evidence of these outcomes says after the last of them."""
    way = evidence_path(each, np.array(outcomes))
    above, below = float(way.above[-1]), float(way.below[-1])
    return sequential_verdict(each.rule, each.size, len(outcomes), sum(outcomes), above, below)[0]


def truths(outcomes: Sequence[float | None]) -> list[list[float]]:
    """All that the samples which measured nothing may have been; corners only where too many."""
    places = [place for place, each in enumerate(outcomes) if each is None]
    if len(places) > MOST_FILLED:
        return [list(impute(outcomes, value)) for value in (0.0, 1.0)]
    found = []
    for values in product((0.0, 1.0), repeat=len(places)):
        filled = list(impute(outcomes, 0.0))
        for place, value in zip(places, values, strict=True):
            filled[place] = value
        found.append(filled)
    return found


# ------------------------------------------------------------------ one at a time


@settings(deadline=None, max_examples=25)
@given(RULES, st.lists(st.booleans(), min_size=2, max_size=20))
def test_without_losses_all_is_as_it_was(rule: RateRule, outcomes: list[bool]):
    each, values = sequential_design(rule, len(outcomes)), [float(o) for o in outcomes]
    assert between(each, values) == alone(each, values)


@settings(deadline=None, max_examples=40)
@given(RULES, OUTCOMES)
def test_above_and_below_stand_whatever_the_unmeasured_were(
    rule: RateRule, outcomes: list[float | None]
):
    each = sequential_design(rule, len(outcomes))
    found = between(each, outcomes)
    used = outcomes[: found.used]
    assert found.unmeasured == used.count(None)
    assert found.word is not VerdictWord.NOT_MEASURED or found.unmeasured
    if found.word in {ABOVE, BELOW}:
        assert {at_the_stop(each, truth) for truth in truths(used)} == {found.word}


def test_what_is_settled_both_ways_ends_a_run_without_a_word():
    found = between(sequential_design(RateRule(0.5, 0, 0.05, 0.05), 20), [None] * 20)
    assert (found.word, found.reason) == (VerdictWord.NOT_MEASURED, Reason.SETTLED)
    assert (found.used, found.overshoot, found.unmeasured) == (11, 9, 11)


def test_losses_below_what_decides_leave_the_word():
    lost_some = between(
        sequential_design(RateRule(0.5, 0, 0.05, 0.05), 48), [None, None] + [1.0] * 46
    )
    assert (lost_some.word, lost_some.unmeasured) == (ABOVE, 2)
    none_lost = between(sequential_design(RateRule(0.5, 0, 0.05, 0.05), 48), [1.0] * 48)
    assert none_lost.used < lost_some.used < 48


@given(OUTCOMES)
def test_one_success_is_above_and_below_needs_every_try(outcomes: list[float | None]):
    now = Progress(VerdictWord.UNDETERMINED, Reason.OPEN, 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for outcome in outcomes:
        if not now.decided:
            now = advance_attempts(now, outcome, len(outcomes))
    if 1.0 in outcomes:
        assert (now.word, now.used) == (ABOVE, outcomes.index(1.0) + 1)
    else:
        assert now.word is (VerdictWord.NOT_MEASURED if None in outcomes else BELOW)


@given(
    RULES,
    st.lists(st.sampled_from([0.0, 0.0, 1.0, 1.0, None]), min_size=2, max_size=24),
    st.sampled_from(["as drawn", "solved", "unsolved"]),
)
@settings(max_examples=60, deadline=None)
def test_what_a_run_says_its_counts_may_say(
    rule: RateRule, outcomes: list[float | None], lean: str
):
    """Whoever holds counts alone never contradicts a verdict that was reached on evidence."""
    if lean != "as drawn":
        outcomes = [None if each is None else float(lean == "solved") for each in outcomes]
    state, size = worst_case_test(sequential_design(rule, len(outcomes))), len(outcomes)
    for place, outcome in enumerate(outcomes):
        state = advance_worst_case(state, outcome)
        now, ran = state.progress, outcomes[: place + 1]
        found = attainable_verdicts(rule, size, len(ran), ran.count(1.0), ran.count(None))
        assert (now.word, now.reason) in found
        if now.decided:
            return


@pytest.mark.parametrize(
    ("used", "solved", "lost", "cannot"),
    [(20, 20, 0, BELOW), (20, 0, 0, ABOVE), (8, 8, 0, BELOW), (8, 0, 0, ABOVE), (10, 0, 10, BELOW)],
)
def test_counts_refute_a_word(used: int, solved: int, lost: int, cannot: VerdictWord):
    rule = RateRule(0.5, 0.0, 0.05, 0.05)
    assert cannot not in {word for word, _ in attainable_verdicts(rule, 20, used, solved, lost)}


def test_a_rate_of_missing_that_is_beta_itself_is_below_however_it_is_rounded():
    """1 - 0.99 is a little more than 0.01 to a machine."""
    assert at_least_once(0, 1, RateRule(0.99, 0.0, 0.05, 0.01)).word is BELOW


def test_more_outcomes_than_items_are_refused():
    each = sequential_design(RateRule(0.5, 0, 0.05, 0.05), 2)
    with pytest.raises(UnusableNumbersError, match="the battery has changed"):
        between(each, [1.0, None, None])
    with pytest.raises(UnusableNumbersError, match="the battery has changed"):
        advance_attempts(Progress(ABOVE, Reason.SETTLED, 2, 0, 1.0, 0.0, 0.0, 0.0, 0.0), None, 2)


# ------------------------------------------------------------------ fixed designs


@settings(deadline=None, max_examples=20)
@given(RULES, st.integers(1, 12), st.data())
def test_a_fixed_verdict_stands_whatever_the_unmeasured_were(
    rule: RateRule, counted: int, data: st.DataObject
):
    solved = data.draw(st.integers(0, counted))
    lost = data.draw(st.integers(0, counted - solved))
    for measure in (rate_against_threshold, at_least_once):
        found = measure(solved, counted, rule, lost)
        held(found, [measure(solved + k, counted, rule) for k in range(lost + 1)], lost)


@settings(deadline=None, max_examples=10)
@given(RULES, st.integers(1, 15), st.integers(1, 15), st.data())
def test_a_relative_verdict_stands_whatever_went_unmeasured_of_either(
    rule: RateRule, counted: int, reference: int, data: st.DataObject
):
    solved = data.draw(st.integers(0, counted))
    lost = data.draw(st.integers(0, min(2, counted - solved)))
    beside = data.draw(st.integers(0, reference))
    missed = data.draw(st.integers(0, min(2, reference - beside)))
    found = rate_above_reference(solved, counted, beside, reference, rule, lost, missed)
    truly = [
        rate_above_reference(solved + k, counted, beside + m, reference, rule)
        for k in range(lost + 1)
        for m in range(missed + 1)
    ]
    held(found, truly, lost + missed)


def held(found: FixedVerdict, truly: Sequence[FixedVerdict], lost: int) -> None:
    if not lost:
        assert found == truly[0]
    if found.word in {ABOVE, BELOW}:
        assert {each.word for each in truly} == {found.word}
    assert found.lower <= min(each.lower for each in truly) + 1e-12
    assert found.upper >= max(each.upper for each in truly) - 1e-12


@pytest.mark.parametrize("measure", [rate_against_threshold, at_least_once])
def test_more_unmeasured_than_there_are_is_refused(measure: Callable[..., FixedVerdict]):
    with pytest.raises(UnusableNumbersError, match="cannot be among 10"):
        measure(6, 10, RateRule(0.5, 0, 0.05, 0.05), 5)


# ------------------------------------------------------------------ together, and at the stop


def test_modes_together_are_below_only_if_none_went_unmeasured():
    rule = RateRule(0.5, 0, 0.025, 0.05)
    below = between(sequential_design(rule, 30), [0.0] * 30)
    lost = between(sequential_design(rule, 30), [None] * 30)
    assert family_verdict([below, below], 0.05, 0.05).word is BELOW
    assert family_verdict([below, lost], 0.05, 0.05).word is VerdictWord.NOT_MEASURED


@settings(deadline=None, max_examples=5)
@given(st.lists(st.sampled_from([0.0, 1.0, None]), min_size=3, max_size=12))
def test_at_any_stop_the_intervals_hold_those_of_every_truth(outcomes: list[float | None]):
    each = sequential_design(RateRule(0.5, 0.1, 0.05, 0.05), 20)
    told = inference_at_stop(each, outcomes)
    for truth in truths(outcomes)[:: MOST_FILLED - 1]:
        inner = confidence_sequence(each, np.array(truth))
        assert told.battery_interval.low <= inner.low + 1 / 200
        assert told.battery_interval.high >= inner.high - 1 / 200


def test_at_a_stop_each_end_is_that_of_its_own_worst_case():
    each, outcomes = sequential_design(RateRule(0.5, 0.1, 0.05, 0.05), 20), [1.0, None, 0.0, None]
    told = inference_at_stop(each, outcomes)
    low, high = (impute(outcomes, value) for value in (0.0, 1.0))
    for found, measure in (
        (told.battery_interval, confidence_sequence),
        (told.population_interval, population_interval),
    ):
        assert (found.low, found.high) == (measure(each, low).low, measure(each, high).high)
        assert found.high > measure(each, low).high


def test_a_criterion_begins_with_nothing():
    nothing = Progress(VerdictWord.UNDETERMINED, Reason.OPEN, 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)
    each = sequential_design(RateRule(0.5, 0.1, 0.05, 0.05), 20)
    assert worst_case_test(each).progress == sequential_panel([each]).progress[0] == nothing


# ------------------------------------------------------------------ who chooses the losses

# Sees: log wealth so far, whether the coming outcome and the one after it are wins, and the place.
Bits = NDArray[np.bool_]
Adversary = Callable[[Numbers, Bits, Bits, int], Bits]
SIZE, SOLVED, ORDERS = 20, 10, 1200


def _poor(wealth: Numbers, win: Bits, _next: Bits, _place: int) -> Bits:
    """Loses what the bettor would win with little, so that the loss costs little."""
    return (wealth < 0) & win


def _staking(_wealth: Numbers, win: Bits, then: Bits, _place: int) -> Bits:
    """Loses a win before a win, to change what is staked on the second."""
    return win & then


def _at_first(_wealth: Numbers, win: Bits, _next: Bits, place: int) -> Bits:
    """Loses the beginning, to teach the views another model than this one."""
    return np.full(win.shape, place < SIZE // 5)


def _turning(_wealth: Numbers, win: Bits, then: Bits, _place: int) -> Bits:
    """Loses a win before what costs, so that less is staked on that."""
    return win & ~then


def crossing(adversary: Adversary, side: int, error: float, imputed_as: float) -> float:
    """How often a battery just at what the word denies is said to be beyond it."""
    each = sequential_design(RateRule(0.5, 0, 0.1, 0.02), SIZE)
    rng = np.random.default_rng(7)
    items = rng.permuted(np.tile(np.arange(SIZE), (ORDERS, 1)), axis=1)
    # Easy items solved, hard ones not: what the views expect.
    truth = (np.argsort(np.argsort(each.item_model.classes, kind="stable")) < SOLVED)[items]
    wins = truth if side == 0 else ~truth
    classes = each.item_model.classes[items]
    claim = np.full((ORDERS, 1), 0.5)
    setup = parallel_tests([each.item_model] * ORDERS, claim, claim)
    wealth, crossed = initial_wealth(setup), np.zeros(ORDERS, bool)
    for place in range(SIZE):
        lost = adversary(
            wealth.logs[side, :, 0], wins[:, place], wins[:, min(place + 1, SIZE - 1)], place
        )
        outcome = np.where(lost, imputed_as, truth[:, place].astype(float))
        wealth = update_wealth(setup, wealth, classes[:, place, None], outcome[:, None])
        crossed |= wealth.logs[side, :, 0] >= -np.log(error)
    return float(crossed.mean())


@pytest.mark.parametrize("adversary", [_poor, _staking, _at_first, _turning])
@pytest.mark.parametrize(("side", "error"), [(0, 0.1), (1, 0.02)], ids=["above", "below"])
def test_no_choice_of_losses_raises_a_rate_of_error(adversary: Adversary, side: int, error: float):
    """Imputed against the word: unsolved for "above", solved for "below"."""
    slack = 3 * np.sqrt(error * (1 - error) / ORDERS)
    assert crossing(adversary, side, error, float(side)) <= error + slack


def test_losses_that_count_as_unsolved_make_below_of_a_model_that_is_not():
    """The old imputation, which the adversary turns into a false "below" nearly every time."""

    def successes(_wealth: Numbers, win: Bits, _next: Bits, _place: int) -> Bits:
        return ~win

    assert crossing(successes, 1, 0.02, 0.0) > 0.9
    assert crossing(successes, 1, 0.02, 1.0) <= 0.02
