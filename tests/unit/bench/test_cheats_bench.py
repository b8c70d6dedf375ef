"""Cheats at generated items are found where there are some, and families of claims hold out.

The short form of `touchstone bench cheats`; the long one has 500 training items and 200 fresh ones.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest

from support.claiming import NAMES, family_of, with_flaws
from touchstone.bench import cheats
from touchstone.bench.cheating import claims, regions, tariffs
from touchstone.bench.cheating.judging import scores
from touchstone.bench.cheating.likeness import highest_likeness, renamed_tokens
from touchstone.bench.cheating.middling import solved_by_control
from touchstone.bench.cheating.searches import (
    Search,
    SearchedPart,
    learned_rules,
    runs_of,
    sentence_words,
)
from touchstone.bench.errors import BenchError
from touchstone.errors import BadInputError
from touchstone.evaluation.families.base import Item
from touchstone.evaluation.families.claims.family import made_item
from touchstone.evaluation.families.claims.planting import ClaimPlan, Part
from touchstone.evaluation.families.memory_safety import model

LEVEL = 2
FRESH = 40


@pytest.fixture(scope="module")
def training() -> list[Item]:
    return cheats.items_of("tariff-flaws", LEVEL, 80, "training")


@pytest.fixture(scope="module")
def fresh() -> list[Item]:
    return cheats.items_of("tariff-flaws", LEVEL, FRESH, "fresh")


def test_no_known_cheat_solves_many_tariffs_and_no_two_are_alike(
    training: list[Item], fresh: list[Item]
):
    found = {each.cheat: each.rate for each in cheats.cheated("tariff-flaws", training, fresh)}
    assert found["the commonest training answer"] > 0  # that nothing is wrong, which it is at times
    # Of 40 items the long form's .15 is 6; two more are chance.
    assert max(found.values()) <= 8 / FRESH
    programs = [item.files["tariff.py"].decode() for item in [*training, *fresh]]
    assert highest_likeness(programs)[0] <= cheats.MOST_ALIKE


@pytest.mark.parametrize("name", NAMES)
def test_no_known_cheat_solves_many_claims_and_no_two_programs_are_alike(name: str):
    known = cheats.items_of(name, LEVEL, 80, "training")
    new = cheats.items_of(name, LEVEL, FRESH, "fresh")
    found = {each.cheat: each.rate for each in cheats.cheated(name, known, new)}
    assert {way for way in claims.WAYS for cheat in found if way in cheat} == set(claims.WAYS)
    assert max(found.values()) <= 8 / FRESH
    assert cheats.likeness_of(name, [*known, *new])[0] <= cheats.MOST_ALIKE


def test_who_tries_all_numbers_finds_records_that_leave_or_do_not_fill_a_region(
    monkeypatch: pytest.MonkeyPatch,
):
    """With regions of just what their records may touch, as they were in version 2."""

    def tight(part: Part) -> int:
        if part["kind"] == "gate":
            return 0
        # Upwards from 0, or downwards.
        return max(map(abs, regions.reached_cells({**part, "first": 0, "last": 0}))) + 1

    def solved() -> int:
        # Else they would be those that were made before.
        made_item.cache_clear()
        new = cheats.items_of("memory-safety", 1, FRESH, "fresh")
        return sum(regions.out_of_bounds(item) == claims.flawed(item) for item in new)

    assert solved() <= 4
    with monkeypatch.context() as patch:
        patch.setattr(model, "room", tight)
        assert solved() > 8
    made_item.cache_clear()


@pytest.mark.parametrize("name", NAMES)
def test_what_a_card_says_was_measured_of_this_version_and_within_the_bounds(name: str):
    family = family_of(name)
    measured = family.measured
    assert measured.version == family.version, f"make cheats FAMILY={name}"
    assert (measured.training, measured.fresh) >= (500, 200)
    assert [each.level for each in measured.levels] == [1, 2, 3, 4, 5]
    for each in measured.levels:
        assert each.cheated <= cheats.MOST_CHEATED * measured.fresh
        assert each.likeness <= cheats.MOST_ALIKE
        assert f"| {each.level} | {each.cheated} | {each.cheat} |" in family.card
    assert str(max(each.cheated for each in measured.levels)) in family.cheat


@pytest.mark.parametrize("name", NAMES)
def test_neighbouring_levels_differ_for_a_middling_control(name: str):
    """The 95% interval of the difference of two rates holds no 0."""
    measured = family_of(name).measured
    count = measured.controlled
    for one, other in pairwise(measured.levels):
        rates = one.control / count, other.control / count
        error = sum(rate * (1 - rate) / count for rate in rates) ** 0.5
        assert rates[0] - rates[1] > 1.96 * error, (one, other)


def test_the_control_is_asked_as_it_would_be_in_a_review():
    easy = cheats.items_of("payment-logic", 1, 3, "control")
    assert 0 < solved_by_control("payment-logic", easy) <= 3


def test_an_answer_is_put_into_a_fresh_items_words():
    old, new = with_flaws("payment-logic", 2, 2), family_of("payment-logic").generate(9, 2)
    answered = json.loads(claims.reworded_answer(old, new))["claims"]
    told = json.loads(new.judge_files["item.json"])
    accounts = {step["from"] for claim in answered for step in claim["steps"]}
    assert accounts <= set(told["facts"]["accounts"])
    # Its own answer is right of itself; and it is a candidate, which a judge would look at.
    assert claims.fitting_answers([old], old) == [old.reference.strip()]


def test_a_number_that_is_said_is_marked_wherever_a_program_has_it():
    part = claims.marked_runs("if a >= 30 and b > 7:\n    c = 12", "at least 30 bags, over 8")
    assert {"> = SAID and", "b > NEXT :"} & part == {"> = SAID and"}
    assert "N > NEXT :" in part
    assert "N = 0" in part


def test_the_tool_finds_flaws_that_a_text_gives_away(monkeypatch: pytest.MonkeyPatch):
    """Else low figures say nothing: here a flawed part holds what no right one does."""
    known = cheats.items_of("payment-logic", 2, 30, "training")
    new = cheats.items_of("payment-logic", 2, 10, "fresh")
    family = family_of("payment-logic")
    honest = family.texts

    def telling(plan: ClaimPlan, parts: Sequence[Part], label: str) -> list[tuple[str, str]]:
        wrong = {place for place, _ in plan.slips}
        texts = honest(plan, parts, label)
        return [(own + " ???" * (at in wrong), more) for at, (own, more) in enumerate(texts)]

    monkeypatch.setattr(family, "texts", telling)
    found = {each.cheat: each.rate for each in cheats.cheated("payment-logic", known, new)}
    assert found["text search by 1 learned rules, proofs given (its own statements)"] == 1


def test_a_table_tells_which_bounds_are_met():
    cheat, alike = cheats.run(family="payment-logic", level=2, training=12, fresh=4).rows
    assert cheat.name.startswith("payment-logic 2: ")
    assert (cheat.met, alike.met) == (cheat.value <= 0.15, True)


def test_a_renamed_answer_is_in_the_fresh_items_words(training: list[Item], fresh: list[Item]):
    told = json.loads(fresh[0].judge_files["item.json"])
    old = next(item for item in training if item.flaw != "tariff-flaws/none")
    claims = json.loads(tariffs.renamed_answer(old, fresh[0]))["claims"]
    for claim in claims:
        for order in claim["orders"]:
            assert set(order) == {"kind", *told["fields"]}
            assert order["kind"] in told["kinds"]
    assert len(claims) == len(tariffs.flawed_clauses(old))


def test_the_right_answer_would_be_among_the_candidates(fresh: list[Item]):
    flawed = next(item for item in fresh if item.flaw != "tariff-flaws/none")
    answers = tariffs.candidates([flawed, *fresh], flawed)
    assert max(scores([(flawed, answer) for answer in answers])) == 1


def test_a_clause_is_read_with_its_own_lines(fresh: list[Item]):
    for item in fresh[:5]:
        parts = tariffs.parts(item)
        assert len(parts) == 10
        assert {n for n, part in enumerate(parts, start=1) if part.flawed} == set(
            tariffs.flawed_clauses(item)
        )
        assert all(part.runs and part.said for part in parts)


def test_renaming_takes_names_numbers_and_texts_away():
    one = renamed_tokens("if total >= 30:\n    name['x'] += 1")
    other = renamed_tokens("if left >= 7:\n    sums['yy'] += 250")
    assert one == other == ["if", "N", ">", "=", "0", ":", "N", "[", "S", "]", "+", "=", "0"]
    assert renamed_tokens("int a_1 = 3;") == ["int", "N", "=", "0", ";"]
    assert renamed_tokens("a // 7 + b") == ["N", "/", "/", "0", "+", "N"]


def test_likeness_is_of_the_most_alike_pair():
    same, other = "if a > 1:\n    b = 2", "for x in y: return [x, x, x]"
    assert highest_likeness([same, "if c > 9:\n    d = 8", other])[0] == 1
    assert highest_likeness([same, other])[0] < 0.1
    assert highest_likeness([same]) == (0.0, 0.0)


def test_a_search_learns_what_gives_a_flaw_away():
    def item(flawed: int) -> list[SearchedPart]:
        texts = ["a = b < 1" if n == flawed else "a = b >= 1" for n in range(3)]
        said = sentence_words("at least 4 bags")
        return [SearchedPart(said, runs_of(t), n == flawed) for n, t in enumerate(texts)]

    known = [item(n % 3) for n in range(30)]
    assert all(Search(learned_rules(known)[:3], known, most=3).finds(item(n)) for n in range(3))
    # With nothing to go by it names nothing, and misses.
    assert not Search([], known, most=3).finds(item(1))


def test_a_judge_that_fails_is_no_score(fresh: list[Item]):
    broken = {**fresh[0].judge_files, "item.json": b"no"}
    with pytest.raises(BenchError, match=f"the judge of {fresh[0].id} failed"):
        scores([(replace(fresh[0], judge_files=broken), b"{}")])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"family": "none"}, "no family is named 'none'; there are memory-safety"),
        ({"level": 6}, "--level is 6: write 1 to 5"),
        ({"level": 0}, "--level is 0: write 1 to 5"),
        ({"training": 0}, "write at least 1"),
        ({"fresh": 0}, "write at least 1"),
    ],
)
def test_what_cannot_be_measured_is_refused(options: dict[str, object], says: str):
    with pytest.raises(BadInputError, match=says):
        cheats.run(**options)  # type: ignore[arg-type]
