import numpy as np
import pytest

from support.batteries import people
from touchstone.bench.learning import learn
from touchstone.statistics import (
    RateRule,
    SequentialDesign,
    UnusableNumbersError,
    confidence_sequence,
    difficulty_design,
    evidence_path,
    homogeneous_model,
    lower_bound,
    population_interval,
    replay_outcomes,
    sequential_design,
    upper_bound,
)
from touchstone.statistics.confidence_sequences import battery_and_population

RULE = RateRule(0.5, 0.0, 0.05, 0.02)
ITEMS = 60
TABLE = people(14, ITEMS, seed=5)
VIEWS, MISLED = learn(TABLE[1:]), learn(1 - TABLE[1:])
TRUTH = float(TABLE[0].mean())


def drawn(seed: int, *, misled: bool = False) -> tuple[SequentialDesign, np.ndarray]:
    views = MISLED if misled else VIEWS
    each = sequential_design(RULE, views, np.random.default_rng(seed).uniform(size=ITEMS))
    return each, TABLE[0][each.order]


def covered_at_the_stop(level: float, *, misled: bool) -> int:
    """In how many of 12 orders the truth is within the interval at the stop."""
    held = 0
    for seed in range(12):
        each, outcomes = drawn(seed, misled=misled)
        stop = replay_outcomes(each, dict(enumerate(TABLE[0]))).used
        ends = confidence_sequence(each, outcomes[:stop], level)
        held += ends.low <= TRUTH <= ends.high
    return held


@pytest.mark.parametrize("misled", [False, True])
def test_the_truth_is_covered_at_the_stopping_time(misled: bool):
    assert covered_at_the_stop(0.95, misled=misled) >= 11


def test_twin_with_bounds_too_low_the_truth_is_missed():
    """So few orders of so few items still tell."""
    assert covered_at_the_stop(0.5, misled=True) < 11


def test_the_sequence_narrows_and_ends_at_the_truth():
    each, outcomes = drawn(1)
    widths = [
        (ends := confidence_sequence(each, outcomes[:count])).high - ends.low
        for count in (5, 20, 40, ITEMS)
    ]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 0.4
    assert widths[-1] == pytest.approx(0.0)
    assert confidence_sequence(each, outcomes).low == pytest.approx(TRUTH)


def test_more_confidence_is_wider():
    each, outcomes = drawn(2)
    narrow, wide = (confidence_sequence(each, outcomes[:40], level) for level in (0.8, 0.99))
    assert wide.low <= narrow.low <= narrow.high <= wide.high


@pytest.mark.parametrize("count", [1, 20])
def test_the_estimate_is_unbiased_at_a_fixed_number_of_samples(count: int):
    """Averaged over many orders; with views that mislead, and uneven weights, to make it hard."""
    found = []
    for seed in range(200):
        each, outcomes = drawn(seed, misled=True)
        found.append(_unclipped(each, outcomes[:count]))
    spread = np.std(found) / len(found) ** 0.5
    assert abs(np.mean(found) - TRUTH) < 3.5 * spread


def _unclipped(each: SequentialDesign, outcomes: np.ndarray) -> float:
    """Only where no estimate was clipped can the mean be exact, so widen what is possible."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np, "clip", lambda value, *_: value)
        return float(evidence_path(each, outcomes).estimate[-1])


def test_the_path_ends_where_the_verdict_stood_and_at_the_truth():
    each, outcomes = drawn(3)
    now = replay_outcomes(each, dict(enumerate(TABLE[0])))
    way = evidence_path(each, outcomes)
    assert way.above[now.used - 1] == pytest.approx(now.log_above)
    assert way.below[now.used - 1] == pytest.approx(now.log_below)
    assert way.estimate[-1] == pytest.approx(TRUTH)


def test_the_first_estimates_by_hand():
    """Without views a draw's estimate is its outcome, and then (1 + 9 * 0) / 10 after a 1."""
    each = sequential_design(RULE, homogeneous_model(10), np.random.default_rng(0).uniform(size=10))
    for outcome in (0.0, 1.0):
        assert evidence_path(each, np.array([outcome])).estimate[0] == pytest.approx(outcome)
    weight = (10 / 9) ** 2
    second = evidence_path(each, np.array([1.0, 0.0])).estimate[1]
    assert second == pytest.approx((1 + weight * 0.1) / (1 + weight))


@pytest.mark.parametrize("count", [1, 9, 30])
def test_both_at_once_are_each_alone(count: int):
    """A mean that has fallen at one level goes on at the other."""
    each, outcomes = drawn(4)
    ran = outcomes[:count]
    for level in (0.8, 0.95):
        both = battery_and_population(each, ran, level)
        assert both == (
            confidence_sequence(each, ran, level),
            population_interval(each, ran, level),
        )


def test_what_the_battery_would_say_is_rounded_outwards():
    each, outcomes = drawn(3)
    within = confidence_sequence(each, outcomes[:30], 0.975)
    further = population_interval(each, outcomes[:30])
    least = max(c for c in range(ITEMS + 1) if c <= within.low * ITEMS + 1e-9)
    most = min(c for c in range(ITEMS + 1) if c >= within.high * ITEMS - 1e-9)
    assert further.low == pytest.approx(lower_bound(least, ITEMS, 0.0125))
    assert further.high == pytest.approx(upper_bound(most, ITEMS, 0.0125))


@pytest.mark.parametrize("count", [0, ITEMS + 1])
def test_no_outcome_or_too_many_are_refused(count: int):
    each, _ = drawn(0)
    with pytest.raises(UnusableNumbersError, match="between 1 and 60"):
        confidence_sequence(each, np.ones(count))
    with pytest.raises(UnusableNumbersError, match="between 1 and 60"):
        evidence_path(each, np.ones(count))
    with pytest.raises(UnusableNumbersError, match=r"\[0, 1\]"):
        evidence_path(each, np.array([np.nan]))


def test_blind_views_give_a_sequence_too():
    each = sequential_design(RULE, homogeneous_model(50), np.random.default_rng(0).uniform(size=50))
    ends = confidence_sequence(each, np.ones(20))
    assert 0.6 < ends.low < ends.high == 1.0


def test_beyond_these_items_is_wider_and_counts_the_battery_as_a_sample():
    each, outcomes = drawn(4)
    within, further = (
        confidence_sequence(each, outcomes[:40]),
        population_interval(each, outcomes[:40]),
    )
    assert further.low < within.low < within.high < further.high
    whole = population_interval(each, outcomes)
    assert whole.low < TRUTH < whole.high
    assert whole.high - whole.low > 0.1


def test_further_items_are_covered_at_the_stop():
    """A model of rate 0.6 on batteries drawn anew, each stopped by its own verdict."""
    held = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        battery = (rng.random(60) < 0.6).astype(float)
        each = sequential_design(RULE, homogeneous_model(60), rng.uniform(size=60))
        stop = replay_outcomes(each, dict(enumerate(battery))).used
        ends = population_interval(each, battery[each.order][:stop])
        held += ends.low <= 0.6 <= ends.high
    assert held >= 38


def test_near_copies_widen_what_is_said_beyond_them():
    each = difficulty_design(RULE, [1, 2, 3, 4, 5] * 8)
    outcomes = np.tile([1.0, 1.0, 1.0, 0.0], 5)
    apart = population_interval(each, outcomes)
    alone = population_interval(each, outcomes, clusters=[str(place) for place in range(20)])
    copies = population_interval(each, outcomes, clusters=[str(place // 5) for place in range(20)])
    one = population_interval(each, outcomes, clusters=["same"] * 20)
    assert one.low < copies.low < alone.low < apart.low
    assert apart.high < alone.high < copies.high < one.high
    each_flaw = [str(place) for place in range(40)]
    whole = np.tile([1.0, 1.0, 1.0, 0.0], 10)
    assert population_interval(each, whole, clusters=each_flaw) == population_interval(each, whole)
    with pytest.raises(UnusableNumbersError, match="one cluster each"):
        population_interval(each, outcomes, clusters=["a"])


def test_what_never_ran_counts_for_nothing_beyond_it():
    """Five of 48 with five flaws are five trials: no other flaw was looked at."""
    each = difficulty_design(RULE, [1, 2, 3, 4] * 12)
    found = population_interval(each, np.ones(5), clusters=[str(place) for place in range(5)])
    assert found.low <= lower_bound(5.0, 5.0, 0.0125)
