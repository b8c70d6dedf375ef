"""What people did: times of those who solved, limits, arms by people."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.statistics import (
    Trials,
    UnusableNumbersError,
    arms_apart,
    clopper_pearson,
    clustered_mean,
    human_item,
    paired_difference,
    time_within_limit,
    unpaired_difference,
)


def trials(solved: list[int], minutes: list[float], people: list[str] | None = None) -> Trials:
    names = people or [f"p{n}" for n in range(len(solved))]
    return Trials(np.array(solved, float), np.array(minutes, float), names)


def test_an_items_time_is_the_geometric_mean_of_those_who_solved_it():
    item = human_item(trials([1, 1, 0], [10, 40, 500], ["a", "b", "a"]))
    assert item.minutes == pytest.approx(20)
    assert (item.fastest, item.slowest) == (10, 40)
    assert (item.trials, item.people, item.solved) == (3, 2, 2)
    assert item.rate == clopper_pearson(2, 3)


def test_an_item_that_nobody_solved_has_no_time():
    item = human_item(trials([0, 0], [10, 40]))
    assert item.minutes is item.fastest is item.slowest is None


def test_giving_up_early_counts_as_the_whole_limit():
    shares = time_within_limit(trials([1, 0, 1], [15, 1, 60]), np.array([60.0, 60.0, 60.0]))
    assert shares.tolist() == [0.25, 1.0, 1.0]


@given(
    st.lists(
        st.tuples(st.booleans(), st.floats(0.1, 100), st.floats(100, 1000)), min_size=1, max_size=20
    )
)
def test_shares_of_limits_are_shares(rows: list[tuple[bool, float, float]]):
    found = time_within_limit(
        trials([int(row[0]) for row in rows], [row[1] for row in rows]),
        np.array([row[2] for row in rows]),
    )
    assert np.all((found > 0) & (found <= 1))


def test_arms_of_other_people_are_clustered_by_them():
    # Four trials by two people are two trials, not four.
    own, people = np.array([1.0, 1.0, 0.0, 1.0]), ["a", "a", "b", "b"]
    other, others = np.array([0.0, 0.0, 1.0]), ["c", "d", "d"]
    paired, found = arms_apart(own, people, other, others)
    assert not paired
    assert found == unpaired_difference(clustered_mean(own, people), clustered_mean(other, others))


def test_the_same_people_in_both_arms_are_pairs():
    own, other = np.array([1.0, 0.0, 1.0]), np.array([0.0, 0.0, 0.0, 1.0])
    paired, found = arms_apart(own, ["a", "a", "b"], other, ["b", "a", "a", "b"])
    assert paired
    assert found == paired_difference(np.array([0.5, 1.0]), np.array([0.0, 0.5]), ["a", "b"])


@pytest.mark.parametrize(
    ("solved", "minutes", "people"),
    [
        ([], [], []),
        ([1, 0], [1], ["a", "b"]),
        ([1], [1], []),
        ([0.5], [1], ["a"]),
        ([1], [0], ["a"]),
        ([1], [np.inf], ["a"]),
        ([np.nan], [1], ["a"]),
    ],
)
def test_trials_that_cannot_be_are_refused(
    solved: list[float], minutes: list[float], people: list[str]
):
    with pytest.raises(UnusableNumbersError):
        Trials(np.array(solved, float), np.array(minutes, float), people)


@pytest.mark.parametrize("limits", [[60.0], [60.0, 0.0], [60.0, np.nan], [60.0, 20.0]])
def test_limits_that_cannot_be_are_refused(limits: list[float]):
    # The last: solved after its limit.
    with pytest.raises(UnusableNumbersError):
        time_within_limit(trials([1, 1], [10, 30]), np.array(limits))
