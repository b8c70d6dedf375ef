import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.statistics import (
    Progress,
    Reason,
    UnusableNumbersError,
    VerdictWord,
    attempts_needed,
    family_verdict,
    holm,
    miss_probability,
)


def at(
    above: float = 0.0,
    below: float = 0.0,
    word: VerdictWord = VerdictWord.UNDETERMINED,
    reason: Reason = Reason.OPEN,
    used: int = 10,
) -> Progress:
    return Progress(word, reason, used, 0, 5.0, above, below, above, below)


def test_holm_known_answer():
    """p-values 0.01, 0.02, 0.024 and 0.6 at 0.05: 0.02 is above 0.05 / 3, and there it stops."""
    peaks = [-np.log(p) for p in (0.02, 0.6, 0.01, 0.024)]
    assert holm(peaks, 0.05) == (False, False, True, False)
    assert holm(peaks[:1] + peaks[2:3], 0.05) == (True, True)


def test_two_claims_that_only_the_stop_protects_both_stand():
    assert holm([-np.log(0.03), -np.log(0.03)], 0.05) == (False, False)


@given(st.lists(st.floats(-3, 12), min_size=1, max_size=8), st.sampled_from([0.01, 0.05, 0.3]))
def test_holm_refutes_what_the_running_maximum_of_adjusted_p_values_does(
    peaks: list[float], error: float
):
    """The other way to write Holm's step-down: p-values times their rank, none below an earlier."""
    order = sorted(range(len(peaks)), key=lambda each: -peaks[each])
    adjusted = np.maximum.accumulate(
        [(len(peaks) - rank) * np.exp(-peaks[each]) for rank, each in enumerate(order)]
    )
    found = holm(peaks, error)
    for value, each in zip(adjusted, order, strict=True):
        if abs(value - error) > 1e-9:
            assert found[each] == (value < error)


@given(st.lists(st.floats(-3, 12), min_size=1, max_size=8))
def test_holm_refutes_at_least_what_bonferroni_does(peaks: list[float]):
    found = holm(peaks, 0.05)
    for peak, refuted in zip(peaks, found, strict=True):
        if peak >= np.log(len(peaks) / 0.05):
            assert refuted
        if peak < np.log(1 / 0.05):
            assert not refuted


def test_holm_keeps_the_family_error_of_independent_claims():
    """Each of five true claims falls with chance 1/20 of its own."""
    rng = np.random.default_rng(0)
    wealth = -np.log(rng.uniform(size=(4000, 5)))
    wrong = np.mean([any(holm(list(row), 0.05)) for row in wealth])
    plain = np.mean((wealth >= np.log(20)).any(1))
    assert wrong <= 0.05 + 3 * (0.05 * 0.95 / 4000) ** 0.5
    assert plain > 0.2


def test_holm_keeps_the_family_error_where_claims_depend_in_the_worst_way():
    """Two true claims, each p-value uniform on the grid, jointly as unlucky as can be.

    One or the other is at most 1/40, never both, and in a further 1/40 both lie between 1/40 and
    1/20: some claim falls with chance 0.05 exactly, and without the stop with 0.075.
    """
    steps = np.arange(400)
    one = np.full(400, -1)
    other = np.full(400, -1)
    one[:10], other[10:20] = steps[:10], steps[:10]
    one[20:30] = other[20:30] = steps[10:20]
    one[one < 0] = steps[20:]
    other[other < 0] = steps[20:]
    assert sorted(one) == sorted(other) == list(steps)
    p_values = (np.stack([one, other], 1) + 1) / 400
    wrong = np.mean([any(holm(list(-np.log(row)), 0.05)) for row in p_values])
    assert wrong == pytest.approx(0.05)


def test_one_mode_is_enough_to_cross():
    got = family_verdict([at(above=6.0), at(), at(below=4.0)], 0.05, 0.02)
    assert (got.word, got.above, got.open) == (VerdictWord.ABOVE, (0,), ())


def test_a_mode_that_crosses_at_its_own_level_only_does_not_yet_count():
    got = family_verdict([at(above=3.2), at(), at()], 0.05, 0.2)
    assert (got.word, got.open) == (VerdictWord.UNDETERMINED, (0, 1, 2))


def test_below_needs_every_mode_below_at_its_own_level():
    assert family_verdict([at(below=3.1), at(below=3.1)], 0.02, 0.05).word is VerdictWord.BELOW
    assert family_verdict([at(below=3.1), at(below=2.0)], 0.2, 0.05).open == (1,)
    assert (
        family_verdict([at(below=3.1), at(below=3.1)], 0.05, 0.01).word is VerdictWord.UNDETERMINED
    )


def test_a_battery_run_to_its_end_counts_as_it_stands():
    whole = at(word=VerdictWord.ABOVE, reason=Reason.SETTLED)
    assert family_verdict([whole, at()], 0.05, 0.02).above == (0,)
    low = at(word=VerdictWord.BELOW, reason=Reason.SETTLED)
    zone = at(word=VerdictWord.WITHIN_ZONE, reason=Reason.SETTLED)
    assert family_verdict([low, low], 0.05, 0.02).word is VerdictWord.BELOW
    assert family_verdict([low, zone], 0.05, 0.02).word is VerdictWord.WITHIN_ZONE


@pytest.mark.parametrize("word", [VerdictWord.BELOW, VerdictWord.UNDETERMINED])
def test_a_mode_that_was_settled_otherwise_is_not_named_for_its_luckiest_moment(word: VerdictWord):
    """Holm asks 1/alpha of the second mode, and it stops at 2/alpha only: it may have run on."""
    lucky = at(above=3.2, word=word, reason=Reason.SETTLED)
    got = family_verdict([at(above=6.0), lucky], 0.05, 0.02)
    assert (got.word, got.above) == (VerdictWord.ABOVE, (0,))
    open_still = at(above=3.2)
    assert family_verdict([at(above=6.0), open_still], 0.05, 0.02).above == (0, 1)


def test_miss_probability_and_the_attempts_that_bound_it():
    assert miss_probability(0.1, 10) == pytest.approx(0.9**10)
    assert miss_probability(1.0, 3) == 0.0
    assert miss_probability(0.0, 3) == 1.0
    assert attempts_needed(0.1, 0.05) == 29
    assert attempts_needed(0.5, 0.25) == 2


@given(st.floats(0.01, 0.99), st.floats(0.001, 0.5))
def test_the_attempts_needed_are_the_fewest(rate: float, miss: float):
    count = attempts_needed(rate, miss)
    assert miss_probability(rate, count) <= miss * (1 + 1e-9)
    if count > 1:
        assert miss_probability(rate, count - 1) > miss * (1 - 1e-9)


def test_bad_families_are_refused():
    with pytest.raises(UnusableNumbersError, match="nothing to refute"):
        holm([], 0.05)
    with pytest.raises(UnusableNumbersError, match="not a number"):
        holm([float("nan")], 0.05)
    with pytest.raises(UnusableNumbersError):
        holm([1.0], 0.0)
    with pytest.raises(UnusableNumbersError):
        miss_probability(1.1, 3)
    with pytest.raises(UnusableNumbersError):
        attempts_needed(0.0, 0.05)


def test_evidence_that_sufficed_elsewhere_names_no_mode_here():
    """A word on evidence counts by the evidence alone; only a settled one counts as it stands."""
    weak = float(-np.log(0.1))
    for word, sides in ((VerdictWord.ABOVE, (weak, 0.0)), (VerdictWord.BELOW, (0.0, weak))):
        found = family_verdict([at(*sides, word, Reason.EVIDENCE)], 0.05, 0.05)
        assert (found.above, found.below, found.open) == ((), (), ())
