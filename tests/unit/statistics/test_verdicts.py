import itertools
from collections.abc import Callable
from math import nextafter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from touchstone.statistics import (
    FixedVerdict,
    RateRule,
    UnusableNumbersError,
    VerdictWord,
    any_mode,
    at_least_once,
    clopper_pearson,
    lower_bound,
    rate_above_reference,
    rate_against_threshold,
    upper_bound,
)

RULE = RateRule(threshold=0.5, zone=0.1, alpha=0.05, beta=0.02)
STRICT = RateRule(threshold=0.5, zone=0.0, alpha=0.05, beta=0.02)


@pytest.mark.parametrize(
    ("solved", "counted", "rule", "word"),
    [
        (18, 20, STRICT, VerdictWord.ABOVE),
        (2, 20, STRICT, VerdictWord.BELOW),
        (10, 20, STRICT, VerdictWord.UNDETERMINED),
        (200, 400, RULE, VerdictWord.WITHIN_ZONE),
        (200, 400, STRICT, VerdictWord.UNDETERMINED),
        (4, 4, STRICT, VerdictWord.AT_CEILING),
        (0, 4, STRICT, VerdictWord.AT_CEILING),
        (20, 20, STRICT, VerdictWord.ABOVE),
    ],
)
def test_verdict_of_known_counts(solved: int, counted: int, rule: RateRule, word: VerdictWord):
    assert rate_against_threshold(solved, counted, rule).word is word


@pytest.mark.parametrize(
    ("counted", "threshold", "gap"),
    list(itertools.product((8, 20, 60), (0.3, 0.5, 0.8), (0.0, 0.05, 0.15))),
)
def test_error_rates_hold_by_full_enumeration(counted: int, threshold: float, gap: float):
    """Every count of the design, weighed by its chance: no simulation noise."""
    rule = RateRule(threshold, 0.0, 0.05, 0.02)
    words = [rate_against_threshold(k, counted, rule).word for k in range(counted + 1)]
    at_or_below = [binom.pmf(k, counted, threshold - gap) for k in range(counted + 1)]
    at_or_above = [binom.pmf(k, counted, threshold + gap) for k in range(counted + 1)]
    false_above = sum(p for p, w in zip(at_or_below, words, strict=True) if w == "above")
    false_below = sum(p for p, w in zip(at_or_above, words, strict=True) if w == "below")
    assert false_above <= 0.05
    assert false_below <= 0.02


@given(st.integers(1, 100).flatmap(lambda n: st.tuples(st.integers(0, n - 1), st.just(n))))
def test_one_more_success_never_moves_the_verdict_down(count: tuple[int, int]):
    rank = {"below": 0, "undetermined": 1, "within-zone": 1, "at-ceiling": 1, "above": 2}
    solved, counted = count
    before = rate_against_threshold(solved, counted, STRICT).word
    after = rate_against_threshold(solved + 1, counted, STRICT).word
    assert rank[after] >= rank[before]


MEASURES = [
    lambda rule: rate_against_threshold(160, 400, rule),
    lambda rule: rate_above_reference(320, 400, 120, 400, rule),
]


@pytest.mark.parametrize("measure", MEASURES, ids=["rate", "difference"])
def test_a_bound_at_what_a_word_claims_does_not_say_it(
    measure: Callable[[RateRule], FixedVerdict],
):
    """The bounds do not depend on the threshold, so one may be put just there, or a hair off."""
    found = measure(STRICT)
    low, high = found.lower, found.upper

    def said(threshold: float, zone: float = 0.0) -> VerdictWord:
        return measure(RateRule(threshold, zone, 0.05, 0.02)).word

    assert said(low) is said(high) is VerdictWord.UNDETERMINED
    assert said(nextafter(low, 0)) is VerdictWord.ABOVE
    assert said(nextafter(high, 1)) is VerdictWord.BELOW
    # Nearer to one end, so that a zone which reaches the other is all that is asked.
    for threshold, zone in (
        ((low + 2 * high) / 3, (low + 2 * high) / 3 - low),
        ((2 * low + high) / 3, high - (2 * low + high) / 3),
    ):
        assert said(threshold, zone) is VerdictWord.UNDETERMINED
        assert said(threshold, zone + 1e-9) is VerdictWord.WITHIN_ZONE


@pytest.mark.parametrize("solved", [0, 7, 20])
def test_the_interval_beside_a_verdict_is_the_exact_one_of_its_counts(solved: int):
    shown, bounds = clopper_pearson(solved, 20), []
    for found in (
        rate_against_threshold(solved, 20, RULE),
        at_least_once(solved, 20, RULE),
        rate_above_reference(solved, 20, 9, 21, RULE),
    ):
        assert (found.interval, found.solved, found.counted) == (shown, solved, 20)
        bounds.append((found.lower, found.upper))
    wanted = lower_bound(solved, 20, RULE.alpha), upper_bound(solved, 20, RULE.beta)
    assert bounds[:2] == [wanted, wanted]


def test_at_least_once_needs_enough_attempts_for_below():
    rule = RateRule(threshold=0.1, zone=0.0, alpha=0.02, beta=0.05)
    assert at_least_once(1, 10, rule).word is VerdictWord.ABOVE
    assert at_least_once(0, 10, rule).word is VerdictWord.UNDETERMINED  # missed with chance 0.35
    assert at_least_once(0, 29, rule).word is VerdictWord.BELOW  # 0.9 ** 29 = 0.047


def test_relative_verdicts():
    rule = RateRule(threshold=0.1, zone=0.0, alpha=0.05, beta=0.02)
    assert rate_above_reference(90, 100, 40, 100, rule).word is VerdictWord.ABOVE
    assert rate_above_reference(40, 100, 60, 100, rule).word is VerdictWord.BELOW
    assert rate_above_reference(55, 100, 40, 100, rule).word is VerdictWord.UNDETERMINED
    assert rate_above_reference(4, 4, 4, 4, rule).word is VerdictWord.AT_CEILING


@pytest.mark.parametrize(
    ("words", "all_of_them"),
    [
        (["above", "below"], "above"),
        (["below", "below"], "below"),
        (["below", "undetermined"], "undetermined"),
        (["below", "at-ceiling"], "at-ceiling"),
        (["within-zone", "below"], "within-zone"),
    ],
)
def test_any_mode(words: list[str], all_of_them: str):
    assert any_mode([VerdictWord(w) for w in words]) == all_of_them


def test_no_mode_measured_says_nothing():
    with pytest.raises(UnusableNumbersError):
        any_mode([])


@pytest.mark.parametrize(
    ("threshold", "zone", "alpha", "beta"),
    [
        (0.0, 0, 0.05, 0.05),
        (1.0, 0, 0.05, 0.05),
        (0.5, 0.5, 0.05, 0.05),
        (0.5, -0.1, 0.05, 0.05),
        (0.5, 0, 0.0, 0.05),
        (0.5, 0, 0.05, 1.0),
        (float("nan"), 0, 0.05, 0.05),
    ],
)
def test_rules_that_mean_nothing_are_refused(
    threshold: float, zone: float, alpha: float, beta: float
):
    with pytest.raises(UnusableNumbersError):
        RateRule(threshold, zone, alpha, beta)
