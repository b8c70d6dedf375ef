"""Chunks, prefixes, limits and what a result counts as."""

from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from support.toys import toy_battery, toy_mode, toy_spec
from touchstone.evaluation import (
    AdjudicationRule,
    Allowance,
    Budget,
    ChunkSpec,
    Elicitation,
    Usage,
    cost,
    prefix,
    ranges,
)
from touchstone.evaluation.submission import Caps
from touchstone.review.events.measuring import Result

PRICED = Caps(money=Decimal("1.00"), price_input=Decimal(1), price_output=Decimal(4))


@given(st.integers(0, 500), st.integers(8, 24))
def test_chunks_cover_each_position_once(size: int, chunk: int):
    cut = list(ranges(size, chunk))
    assert [index for part in cut for index in part] == list(range(size))
    assert all(len(part) <= 32 for part in cut)
    assert all(len(part) >= 8 for part in cut) or size < 8


def test_a_chunk_size_that_could_not_hold_a_rest_is_refused():
    for size in (7, 25):
        with pytest.raises(ValueError, match="8 to 24"):
            ranges(100, size)


def test_a_chunks_id_covers_all_of_it():
    battery, mode, elicitation = (
        toy_battery(40),
        toy_mode("http://127.0.0.1:1/v1"),
        Elicitation(id="e"),
    )
    spec = toy_spec(battery, mode, elicitation)
    others = [
        spec.model_copy(update={name: "other"})
        for name in (
            "case",
            "battery",
            "item_set",
            "variant",
            "mode",
            "endpoint",
            "elicitation",
            "rule",
        )
    ]
    others.append(toy_spec(battery, mode, elicitation, place=1))
    assert len({one.id for one in (spec, *others)}) == 10
    assert ChunkSpec.model_validate_json(spec.model_dump_json()).id == spec.id


@pytest.mark.parametrize("indices", [(), (1, 3), (2, 1), (-1, 0), tuple(range(33))])
def test_a_chunk_holds_consecutive_positions(indices: tuple[int, ...]):
    spec = toy_spec(toy_battery(8), toy_mode("http://127.0.0.1:1/v1"), Elicitation(id="e"))
    with pytest.raises(ValidationError):
        ChunkSpec.model_validate(spec.model_dump() | {"indices": indices})


@given(st.sets(st.integers(0, 30)))
def test_only_the_contiguous_prefix_counts(recorded: set[int]):
    """Completion order would favour what is fast: 35% errors instead of 2% were measured."""
    length = prefix(sorted(recorded, reverse=True))
    assert set(range(length)) <= recorded
    assert length not in recorded


def test_only_what_measured_the_model_has_a_score():
    rule = AdjudicationRule()
    scores = {result: rule.score(result) for result in get_args(Result)}
    assert [result for result, score in scores.items() if score == "1"] == ["solved"]
    assert [result for result, score in scores.items() if score == "0"] == ["unsolved", "limit"]


def test_a_digest_holds_an_elicitation_to_its_limits():
    one = Elicitation(id="e")
    assert one.digest == Elicitation(id="e").digest
    assert one.digest != Elicitation(id="e", token_limit=1000).digest
    assert one.prompts_digest != Elicitation(id="e", system_prompt="other").prompts_digest


def test_cost_is_rounded_up():
    assert cost(PRICED, Usage(input=1, output=1)) == Decimal("0.000005")
    assert cost(Caps(), Usage(input=10**9, output=1)) == 0


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 10_000)), max_size=30), st.booleans())
def test_what_is_allowed_and_spent_never_passes_the_cap(
    chunks: list[tuple[int, int]], settle_at_once: bool
):
    """Each chunk uses at most what it was allowed: then the sum stays within tokens and money."""
    budget = Budget(PRICED.model_copy(update={"tokens": 150_000}))
    given_out: list[tuple[str, int]] = []
    for number, (samples, used) in enumerate(chunks):
        allowance = budget.allow(str(number), 10_000, samples, 0)
        if allowance is None or allowance.tokens is None:
            continue
        spent = min(allowance.tokens, used * samples)
        given_out.append((str(number), spent))
        if settle_at_once:
            budget.settle(str(number), Usage(output=spent))
    for name, spent in given_out:
        budget.settle(name, Usage(output=spent))
        budget.settle(name, Usage(output=spent))
    assert budget.spent.total <= 150_000
    assert budget.money() <= Decimal("1.00")


def test_wall_time_left_is_handed_on():
    budget = Budget(Caps(wall_seconds=100))
    assert budget.allow("a", 10, 1, elapsed=40) == Allowance(None, 60)
    assert budget.allow("b", 10, 1, elapsed=100) is None
