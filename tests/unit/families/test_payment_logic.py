"""The ledger tasks: the program keeps its rules in every form, and operations are plain."""

from typing import Any

import pytest

from support.claiming import claims_of, with_flaws
from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.payment_logic import FAMILY, model
from touchstone.evaluation.families.payment_logic.plan import LEVELS
from touchstone.evaluation.families.payment_logic.source import SHAPES

NAME = "payment-logic"


def asked(source: str, operations: Any) -> Any:
    names: dict[str, Any] = {}
    exec(compile(source, "ledger.py", "exec"), names)  # noqa: S102 - a generated toy
    return names["after"](operations)


@pytest.mark.parametrize("difficulty", LEVELS)
def test_the_program_keeps_its_rules_and_each_slip_changes_just_what_it_says(difficulty: int):
    """In every form: the same label gives the same forms, with or without the slip."""
    draw = Draws("operations of the test")
    for seed in range(8):
        plan = FAMILY.plan_of(seed, difficulty)
        for slip in [None, *model.open_slips(plan.parts)]:
            parts = model.slips_made(plan.parts, [slip] if slip else [])
            source = FAMILY.program(plan, parts, f"{seed}/{difficulty}")
            for focus in (slip[0] if slip else None, None):
                steps = model.some_steps(draw, plan.facts, plan.parts, focus)
                assert not model.steps_fault(plan.facts, plan.parts, steps)
                right = model.comes_to(plan.facts, parts, steps)
                assert asked(source, steps) == right, (seed, slip, steps)


def test_programs_come_in_all_shapes():
    sources = [FAMILY.generate(seed, 3).files["ledger.py"].decode() for seed in range(60)]
    met = {shape for source in sources for shape in SHAPES if _has(source, shape)}
    assert met == set(SHAPES)


def _has(source: str, shape: str) -> bool:
    return {
        "module": "rules = {" in source,
        "methods": "def stand(self)" in source,
        "closures": "known = {}" in source,
        "state": "RULES = {}" in source,
        "chain": "elif step" in source,
    }[shape]


def test_all_money_together_stays_the_same_whatever_is_wrong():
    draw = Draws("money of the test")
    for seed in range(30):
        plan = FAMILY.plan_of(seed, 5)
        parts = model.slips_made(plan.parts, plan.slips)
        steps = model.some_steps(draw, plan.facts, plan.parts, seed % len(parts))
        accounts = len(plan.facts["start"])
        after = model.comes_to(plan.facts, parts, steps)
        assert sum(after[:accounts]) == sum(plan.facts["start"].values())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", -1),
        ("amount", 5001),
        ("amount", True),
        ("amount", 2.0),
        ("amount", "7"),
        ("amount", None),
        ("amount", 10**30),
        ("ref", 1),
        ("ref", -1),
        ("ref", True),
        ("op", "nothing"),
        ("op", ["x"]),
        ("from", "nobody"),
        ("to", {}),
        ("extra", 1),
    ],
)
def test_an_operation_has_known_words_and_plain_small_numbers(field: str, value: object):
    item = with_flaws(NAME, 1, 2)
    plan = FAMILY.plan_of(item.seed, 2)
    steps = claims_of(item)[0]["steps"]
    assert model.steps_fault(plan.facts, plan.parts, steps) == ""
    bad = [{**steps[0], field: value}]
    assert model.steps_fault(plan.facts, plan.parts, bad) != ""
    assert "1 to 10" in model.steps_fault(plan.facts, plan.parts, [steps[0]] * 11)


def test_the_house_is_no_account_to_move_money_with():
    plan = FAMILY.plan_of(1, 1)
    step = {"op": plan.parts[0]["op"], "from": plan.facts["accounts"][0], "amount": 1, "ref": 0}
    assert not model.steps_fault(
        plan.facts, plan.parts, [{**step, "to": plan.facts["accounts"][1]}]
    )
    fault = model.steps_fault(plan.facts, plan.parts, [{**step, "to": plan.facts["house"]}])
    assert "names an account that is none" in fault
