import numpy as np
import pytest

from support.batteries import people
from touchstone.statistics import UnusableNumbersError, check_integrity

TABLE = people(8, 200, seed=6)
MODELS = tuple(f"model-{number}" for number in range(8))
ITEMS = tuple(f"item-{number}" for number in range(200))


def test_a_sound_result_set_raises_no_doubt():
    totals = dict(zip(MODELS, TABLE.mean(1), strict=True))
    means = dict(zip(ITEMS, TABLE.mean(0), strict=True))
    assert check_integrity(TABLE, MODELS, ITEMS, totals, means) == ()


def test_the_model_whose_total_differs_is_named():
    totals = dict(zip(MODELS, TABLE.mean(1), strict=True)) | {"model-3": 0.99, "stranger": 0.5}
    doubts = check_integrity(TABLE, MODELS, ITEMS, totals)
    assert [(each.kind, each.models) for each in doubts] == [
        ("total-differs", ("model-3",)),
        ("total-differs", ("stranger",)),
    ]
    assert "0.9900 was published" in doubts[0].text


def test_the_model_that_alone_explains_the_items_is_named():
    published = dict(zip(ITEMS, TABLE.mean(0), strict=True))
    wrong = TABLE.copy()
    wrong[5, :40] = 1 - wrong[5, :40]
    doubts = check_integrity(wrong, MODELS, ITEMS, item_means=published)
    assert [(each.kind, each.models) for each in doubts] == [("item-total-differs", ("model-5",))]
    assert "40 of 200 items" in doubts[0].text


def test_items_published_but_not_run_are_named():
    doubts = check_integrity(TABLE, MODELS, ITEMS, item_means={"item-x": 0.5})
    assert "item-x" in doubts[0].text


def test_impossible_values_name_their_model_and_item():
    wrong = TABLE.copy()
    wrong[2, 7], wrong[4, 1] = np.nan, 1.5
    doubts = [
        each for each in check_integrity(wrong, MODELS, ITEMS) if each.kind == "impossible-value"
    ]
    assert [each.models for each in doubts] == [("model-2",), ("model-4",)]
    assert "item-7" in doubts[0].text


def test_duplicates_are_named():
    items = ("item-1", *ITEMS[1:])
    models = ("model-1", *MODELS[1:])
    doubts = check_integrity(TABLE, models, items)
    assert [each.kind for each in doubts] == ["duplicate-item", "duplicate-model"]


@pytest.mark.parametrize("changed", [0, 2])
def test_a_copy_of_another_model_is_a_pseudo_replicate(changed: int):
    wrong = TABLE.copy()
    wrong[6] = wrong[1]
    wrong[6, :changed] = 1 - wrong[6, :changed]
    doubts = check_integrity(wrong, MODELS, ITEMS)
    assert [(each.kind, each.models) for each in doubts] == [
        ("pseudo-replicate", ("model-1", "model-6"))
    ]


def test_models_that_solve_all_are_no_copies():
    table = TABLE.copy()
    table[:2] = 1.0
    assert check_integrity(table, MODELS, ITEMS) == ()


@pytest.mark.parametrize("table", [np.ones(3), np.ones((0, 3)), np.ones((2, 2)), [[1], [1, 0]]])
def test_what_is_no_table_is_refused(table: np.ndarray):
    with pytest.raises(UnusableNumbersError):
        check_integrity(table, MODELS, ITEMS)
