import numpy as np
import pytest
from scipy.special import expit

from touchstone.statistics import Runs, UnusableNumbersError, horizon


def runs(seed: int, families: int = 20, slope: float = -0.7, shared: float = 0.0) -> Runs:
    """Four tasks a family, three runs a task, half solved at 32 minutes."""
    rng = np.random.default_rng(seed)
    length = np.repeat(rng.uniform(0, 10, families * 4), 3)
    family = np.repeat(np.arange(families), 12)
    lean = rng.normal(0, shared, families)[family]
    outcomes = (rng.random(length.size) < expit(slope * (length - 5) + lean)).astype(float)
    tasks = [f"task-{number // 3}" for number in range(length.size)]
    names = [f"family-{number}" for number in family]
    return Runs(outcomes, 2**length, np.full(length.size, 1 / 3), names, tasks)


def test_the_horizon_is_found():
    got = horizon(runs(0, families=120), np.random.default_rng(0), draws=100)
    assert got.minutes == pytest.approx(32, rel=0.15)
    assert got.slope == pytest.approx(-0.7, abs=0.1)
    assert got.interval.low < got.minutes < got.interval.high
    assert got.anytime_valid is False


def test_a_higher_rate_has_a_shorter_horizon():
    one, other = (
        horizon(runs(1), np.random.default_rng(0), rate=rate, draws=20).minutes
        for rate in (0.5, 0.8)
    )
    assert other < one


def test_intervals_cover_the_truth_where_families_differ():
    held = 0
    for seed in range(40):
        got = horizon(runs(seed, shared=1.0), np.random.default_rng(seed), draws=100)
        held += got.interval.low <= 32 <= got.interval.high
    assert held >= 34


def test_the_same_generator_gives_the_same_interval():
    one, other = (horizon(runs(2), np.random.default_rng(5), draws=30) for _ in range(2))
    assert one == other


def test_weights_count():
    data = runs(3)
    long = data.minutes > 32
    heavy = Runs(data.outcomes, data.minutes, np.where(long & (data.outcomes > 0), 5.0, 1.0),
                 data.families, data.tasks)  # fmt: skip
    plain, moved = (horizon(each, np.random.default_rng(0), draws=5) for each in (data, heavy))
    assert moved.minutes > plain.minutes


def test_no_horizon_where_success_does_not_fall():
    with pytest.raises(UnusableNumbersError, match="no time horizon"):
        horizon(runs(0, slope=0.5), np.random.default_rng(0), draws=5)


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
        Runs(**columns, families=["a", "b"], tasks=["c", "d"])


def test_ragged_runs_are_refused():
    with pytest.raises(UnusableNumbersError, match="equally long"):
        Runs(np.ones(2), np.ones(2), np.ones(2), ["a"], ["b"])
