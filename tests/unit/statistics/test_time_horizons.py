from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from touchstone.statistics import LIGHT_PENALTY, TimedRuns, UnusableNumbersError, time_horizon


def runs(seed: int, families: int = 20, slope: float = -0.7, shared: float = 0.0) -> TimedRuns:
    """Four tasks a family, three runs a task, half solved at 32 minutes."""
    rng = np.random.default_rng(seed)
    length = np.repeat(rng.uniform(0, 10, families * 4), 3)
    family = np.repeat(np.arange(families), 12)
    lean = rng.normal(0, shared, families)[family]
    outcomes = (rng.random(length.size) < expit(slope * (length - 5) + lean)).astype(float)
    tasks = [f"task-{number // 3}" for number in range(length.size)]
    names = [f"family-{number}" for number in family]
    return TimedRuns(outcomes, 2**length, np.full(length.size, 1 / 3), names, tasks)


def test_the_horizon_is_found():
    got = time_horizon(runs(0, families=120), np.random.default_rng(0), draws=100)
    assert got.minutes == pytest.approx(32, rel=0.15)
    light = time_horizon(
        runs(0, families=120), np.random.default_rng(0), draws=1, ridge=LIGHT_PENALTY
    )
    assert light.slope == pytest.approx(-0.7, abs=0.1)
    assert light.slope < got.slope < 0  # METR's ridge draws slopes towards 0
    assert got.interval.low < got.minutes < got.interval.high
    assert got.anytime_valid is False


def test_the_fit_is_metrs():
    """scikit-learn 1.9: LogisticRegression(C=1/0.1) on log2 minutes, weights that sum to 1."""
    minutes = np.array(
        [
            124.984,
            15.454,
            211.921,
            77.51,
            1.8,
            439.769,
            115.381,
            134.791,
            2.224,
            16.604,
            10.106,
            324.233,
            55.514,
            169.466,
            15.897,
            4.127,
            31.807,
            1.489,
            174.693,
            51.446,
            113.205,
            9.131,
            426.465,
            262.849,
        ]
    )
    outcomes = np.array([float(each) for each in "010110001110101101000000"])
    weights = np.array(
        [
            1.428,
            0.452,
            0.56,
            0.213,
            1.616,
            1.397,
            1.469,
            1.605,
            1.026,
            1.224,
            0.452,
            0.406,
            1.403,
            1.048,
            1.217,
            1.577,
            1.342,
            1.196,
            1.207,
            0.747,
            0.255,
            0.986,
            0.586,
            0.935,
        ]
    )
    names = [str(number) for number in range(24)]
    got = time_horizon(
        TimedRuns(outcomes, minutes, weights, names, names), np.random.default_rng(0), draws=1
    )
    assert got.slope == pytest.approx(-0.8607565525863935, rel=1e-6)
    assert got.minutes == pytest.approx(26.397102322247587, rel=1e-6)
    # The scale of the weights is theirs to choose: only their shares count.
    same = TimedRuns(outcomes, minutes, weights * 7, names, names)
    assert time_horizon(same, np.random.default_rng(0), draws=1).minutes == pytest.approx(
        got.minutes
    )


@pytest.mark.parametrize("solved", [0.0, 1.0])
def test_runs_that_are_all_alike_have_no_horizon(solved: float):
    data = runs(0, families=3)
    alike = TimedRuns(
        np.full_like(data.outcomes, solved), data.minutes, data.weights, data.families, data.tasks
    )
    with pytest.raises(UnusableNumbersError, match="no time horizon"):
        time_horizon(alike, np.random.default_rng(0), draws=5)


def test_a_higher_rate_has_a_shorter_horizon():
    one, other = (
        time_horizon(runs(1), np.random.default_rng(0), rate=rate, draws=20).minutes
        for rate in (0.5, 0.8)
    )
    assert other < one


def test_intervals_cover_the_truth_where_families_differ():
    """And, the twin, too seldom where tasks are drawn as if each were a family of its own."""
    held = apart = 0
    for seed in range(20):
        data = runs(seed, families=12, shared=3.0)
        alone = replace(data, families=list(data.tasks))
        one, other = (
            time_horizon(each, np.random.default_rng(seed), draws=60).interval
            for each in (data, alone)
        )
        held += one.low <= 32 <= one.high
        apart += other.low <= 32 <= other.high
    assert held >= 17 > apart


def test_the_same_generator_gives_the_same_interval():
    one, other = (time_horizon(runs(2), np.random.default_rng(5), draws=30) for _ in range(2))
    assert one == other


def test_the_interval_is_of_percentiles_of_the_resamples():
    """One draw at a time shows each of them."""
    data, rng = runs(2), np.random.default_rng(5)
    drawn = sorted(time_horizon(data, rng, draws=1).interval.low for _ in range(8))
    got = time_horizon(data, np.random.default_rng(5), draws=8, confidence=0.5).interval
    assert (got.low, got.high) == pytest.approx((drawn[1], drawn[5]), rel=1e-6)
    assert got.confidence == 0.5


def test_a_bootstrap_of_no_draw_is_refused():
    with pytest.raises(UnusableNumbersError, match="at least one draw"):
        time_horizon(runs(2), np.random.default_rng(5), draws=0)


def test_weights_count():
    data = runs(3)
    long = data.minutes > 32
    heavy = TimedRuns(
        data.outcomes,
        data.minutes,
        np.where(long & (data.outcomes > 0), 5.0, 1.0),
        data.families,
        data.tasks,
    )
    plain, moved = (time_horizon(each, np.random.default_rng(0), draws=5) for each in (data, heavy))
    assert moved.minutes > plain.minutes


def test_no_horizon_where_success_does_not_fall():
    with pytest.raises(UnusableNumbersError, match="no time horizon"):
        time_horizon(runs(0, slope=0.5), np.random.default_rng(0), draws=5)


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [
        ("outcomes", float("nan"), r"\[0, 1\]"),
        ("minutes", 0.0, "human minutes must be positive"),
        ("weights", float("inf"), "a weight must be positive"),
    ],
)
def test_runs_that_mean_nothing_are_refused(column: str, value: float, what: str):
    columns = {name: np.ones(2) for name in ("outcomes", "minutes", "weights")}
    columns[column] = np.array([1.0, value])
    with pytest.raises(UnusableNumbersError, match=what):
        TimedRuns(**columns, families=["a", "b"], tasks=["c", "d"])


def test_ragged_runs_are_refused():
    with pytest.raises(UnusableNumbersError, match="equally long"):
        TimedRuns(np.ones(2), np.ones(2), np.ones(2), ["a"], ["b"])
