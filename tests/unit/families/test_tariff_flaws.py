"""The tariff tasks: program and terms agree but for the planted flaws, and claims are judged."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.solving import solved, turns
from support.subject_loop import judge
from touchstone.evaluation.families.base import Item
from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.scripted_solver import CommandResult, Say, Transcript
from touchstone.evaluation.families.tariff_flaws import FAMILY
from touchstone.evaluation.families.tariff_flaws import judge as judging
from touchstone.evaluation.families.tariff_flaws.plan import (
    LEVELS,
    Plan,
    edges_of,
    make_plan,
    some_order,
)
from touchstone.evaluation.families.tariff_flaws.rules import Order, due_each, slipped, slips_of
from touchstone.evaluation.families.tariff_flaws.solvers.strategies import SOLVERS
from touchstone.evaluation.families.tariff_flaws.source import SHAPES, program


def plan_of(seed: int, difficulty: int) -> Plan:
    item = FAMILY.generate(seed, difficulty)
    return make_plan(Draws(f"{item.id}/{item.version}"), difficulty)


def asked(source: str, orders: Any) -> Any:
    names: dict[str, Any] = {}
    exec(compile(source, "tariff.py", "exec"), names)  # noqa: S102 - a generated toy
    return names["dues"](orders)


def with_flaws(count: int, difficulty: int, start: int = 0) -> Item:
    seeds = range(start, start + 200)
    return next(
        item
        for item in (FAMILY.generate(seed, difficulty) for seed in seeds)
        if len(claims_of(item)) == count
    )


def claims_of(item: Item) -> list[dict[str, Any]]:
    claims: list[dict[str, Any]] = json.loads(item.reference)["claims"]
    return claims


def answer(claims: object) -> bytes:
    return json.dumps({"claims": claims}).encode()


@pytest.mark.parametrize("difficulty", LEVELS)
def test_the_program_charges_by_its_clauses_and_each_slip_changes_just_what_it_says(
    difficulty: int,
):
    """In every form: the same label gives the same forms, with or without the slip."""
    draw = Draws("orders of the test")
    for seed in range(12):
        plan = plan_of(seed, difficulty)
        for slip in [None, *slips_of(plan.clauses)]:
            clauses = slipped(plan.clauses, slip) if slip else plan.clauses
            source = program(plan, clauses, f"{seed}/{difficulty}")
            edges = edges_of(plan.clauses, slip.clause) if slip else {}
            orders = [some_order(draw, plan.fields, plan.kinds, edges) for _ in range(6)]
            assert asked(source, orders) == due_each(clauses, orders), (seed, slip)


def test_programs_come_in_all_shapes():
    sources = [FAMILY.generate(seed, 3).files["tariff.py"].decode() for seed in range(40)]
    met = {shape for source in sources for shape in SHAPES if _has(source, shape)}
    assert met == set(SHAPES)


def _has(source: str, shape: str) -> bool:
    return {
        "straight": source.count("def ") == 1,
        "functions": "for step in" in source,
        "methods": "class Customer" in source,
        "registered": "STEPS" in source,
        "closures": "nonlocal" in source,
    }[shape]


def test_items_have_none_to_three_flaws_and_few_have_none():
    counts = [len(claims_of(FAMILY.generate(seed, 2))) for seed in range(120)]
    assert set(counts) == {0, 1, 2, 3}
    assert counts.count(0) <= 18  # "none" must stay below .15


def test_a_twin_has_the_same_terms_and_prompt_and_no_flaw(tmp_path: Path):
    item = with_flaws(2, 3)
    twin = FAMILY.make_item(item.seed, 3, mended=True)
    assert twin.prompt == item.prompt
    assert twin.files["TERMS.txt"] == item.files["TERMS.txt"]
    assert twin.files["tariff.py"] == item.judge_files["right.py"] != item.files["tariff.py"]
    assert judge(twin, twin.reference, tmp_path / "none")["score"] == 1
    assert judge(twin, item.reference, tmp_path / "claims")["score"] == 0
    assert judge(item, twin.reference, tmp_path / "missed")["score"] == 0
    assert twin.flaw == "tariff-flaws/none"


def test_no_boolean_of_the_program_tells_without_the_terms_that_it_is_wrong():
    """Whatever can be wrong is as often the one as the other in programs, flawed or right."""
    seen: dict[tuple[str, bool], list[bool]] = {}
    for seed in range(120):
        plan = make_plan(Draws(f"balance of the test {seed}"), 4)
        wrong = {(slip.clause, slip.condition, slip.attribute) for slip in plan.slips}
        for slip in slips_of(plan.program):
            clause = plan.program[slip.clause]
            part: Any = clause.conditions[slip.condition] if slip.condition >= 0 else clause.effect
            value = clause.either if slip.attribute == "either" else getattr(part, slip.attribute)
            flawed = (slip.clause, slip.condition, slip.attribute) in wrong
            seen.setdefault((slip.attribute, flawed), []).append(value)
    flaws = {name: values for (name, flawed), values in seen.items() if flawed}
    assert {"strict", "including", "either"} <= set(flaws)
    for name, values in flaws.items():
        right = seen[name, False]
        # Four standard errors of the share among so few.
        allowed = 4 * 0.5 / len(values) ** 0.5
        assert abs(sum(values) / len(values) - sum(right) / len(right)) < allowed, name


@pytest.fixture(scope="module")
def item() -> Item:
    return with_flaws(2, 2)


def test_a_claim_left_out_or_one_too_many_costs_all(item: Item, tmp_path: Path):
    first, second = claims_of(item)
    sound = next(n for n in range(1, 9) if n not in {first["clause"], second["clause"]})
    told = {
        "left out": [first],
        "too many": [first, second, {**first, "clause": sound}],
        "twice": [first, first, second],
        "wrong due": [first, {**second, "due": second["due"] + 1}],
        "none": [],
    }
    got = {name: judge(item, answer(claims), tmp_path / name) for name, claims in told.items()}
    assert {name: verdict["score"] for name, verdict in got.items()} == dict.fromkeys(told, 0)
    assert "1 of 2 flaws" in got["left out"]["reason"]
    assert f"clause {sound} has no flaw" in got["too many"]["reason"]
    assert "by the terms" in got["wrong due"]["reason"]
    assert judge(item, answer([second, first]), tmp_path / "whole")["score"] == 1


def test_orders_that_do_not_show_the_flaw_are_no_proof(item: Item, tmp_path: Path):
    first, second = claims_of(item)
    plan = plan_of(item.seed, 2)
    idle: Order = {"kind": plan.kinds[0], **dict.fromkeys(plan.fields, 0)}
    due = due_each(plan.clauses, [idle])[0]
    # Nothing was ordered, so no clause of this item comes to anything else.
    assert due_each(plan.program, [idle])[0] == due
    verdict = judge(item, answer([{**first, "orders": [idle], "due": due}, second]), tmp_path / "j")
    assert verdict["score"] == 0
    assert "is not shown" in verdict["reason"]


@pytest.mark.parametrize(
    "bad",
    [
        b"[]",
        b"{}",
        b'{"claims": {}}',
        b'{"claims": [1]}',
        b'{"claims": [{}]}',
        b"[" * 30000,
        b"\xff",
        b'{"claims": [{"clause": true, "orders": [], "due": 1}]}',
        b'{"claims": [{"clause": 1, "orders": [], "due": 1}]}',
        b'{"claims": [{"clause": 1, "orders": [{"kind": "x"}], "due": 1}]}',
        b'{"claims": [{"clause": 1e400, "orders": [{}], "due": 1}]}',
        b'{"claims": [{"clause": [1], "orders": [{}], "due": {}}]}',
    ],
)
def test_a_malformed_answer_is_rejected_and_no_fault(item: Item, bad: bytes):
    with pytest.raises(judging.RejectedError):
        judging.read_claims(bad, json.loads(item.judge_files["item.json"]))


@pytest.mark.parametrize("value", [-1, 1001, True, 2.0, "7", None, 10**30])
def test_an_order_has_plain_small_numbers(item: Item, value: object):
    told = json.loads(item.judge_files["item.json"])
    first = claims_of(item)[0]
    assert judging.read_claims(answer([first]), told) == [first]
    orders = [{**first["orders"][0], told["fields"][0]: value}]
    with pytest.raises(judging.RejectedError, match="no order"):
        judging.read_claims(answer([{**first, "orders": orders}]), told)


@pytest.mark.parametrize("difficulty", LEVELS)
def test_the_thorough_solver_solves_what_the_quick_one_leaves(difficulty: int, tmp_path: Path):
    item = with_flaws(3, difficulty, 500)
    assert solved(SOLVERS.thorough, item, tmp_path / "thorough")
    # Of the orders at random of the quick one, none meets what is wrong at one value only.
    assert solved(SOLVERS.quick, item, tmp_path / "quick") is (difficulty == 1)


def test_the_solver_says_none_of_a_twin(tmp_path: Path):
    twin = FAMILY.make_item(with_flaws(3, 4).seed, 4, mended=True)
    steps = turns(SOLVERS.thorough, twin, tmp_path / "work")
    assert "clauses claimed: none" in steps[-1].output
    assert all(len(step.command) < 100_000 and step.thought for step in steps)


def test_what_is_not_understood_ends_in_words():
    for strategy in (SOLVERS.quick, SOLVERS.thorough):
        done = tuple(CommandResult("x", "no few slips") for _ in range(2))
        step = strategy.step(Transcript("tariff-flaws", done))
        assert isinstance(step, Say)
        assert "could not" in step.text


def test_a_flaw_is_shown_also_where_it_hides_behind_another(item: Item, tmp_path: Path):
    """Alone it must change what is due, or among the others: one of the two is enough."""
    first = claims_of(item)[0]
    broken = dict(item.judge_files)
    broken[f"only_{first['clause']}.py"] = item.judge_files["right.py"]
    among = judge(replace(item, judge_files=broken), item.reference, tmp_path / "among")
    broken[f"without_{first['clause']}.py"] = item.judge_files["tariff.py"]
    neither = judge(replace(item, judge_files=broken), item.reference, tmp_path / "neither")
    assert (among["score"], neither["score"]) == (1, 0)
