"""payment-logic: one flawed rule an item, a judge that counts for itself, and a mended twin."""

import importlib.util
import json
import os
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from support.subject_loop import judge
from touchstone.evaluation.families.base import Item
from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.payment_logic import judge as script
from touchstone.evaluation.families.payment_logic.family import FAMILY
from touchstone.evaluation.families.payment_logic.operations import FIELDS, FLAWED, RIGHT, TEXTS
from touchstone.evaluation.families.payment_logic.plan import (
    FLAWED_OPERATION,
    FLAWS,
    OPERATION_NAMES,
    Flaw,
    make_plan,
)

DIFFICULTIES = (1, 2, 3, 4, 5)
SEEDS = (11, 2**63 + 5)
# Few here, more by this variable.
LAW_SEEDS = range(2 * int(os.environ.get("TOUCHSTONE_QUALITY_SEEDS", "1")))


def ledger_of(item: Item, folder: Path) -> Any:
    """The item's program as a module, with a fresh `ledger` on the judge's accounts."""
    (folder / "ledger.py").write_bytes(item.files["ledger.py"])
    spec = importlib.util.spec_from_file_location("ledger", folder / "ledger.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.__dict__["ledger"] = module.Ledger(json.loads(item.judge_files["accounts.json"]))
    return module


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
@pytest.mark.parametrize("seed", SEEDS)
def test_reference_solves_the_item_and_not_its_mended_twin(
    seed: int, difficulty: int, tmp_path: Path
):
    item = FAMILY.generate(seed, difficulty)
    twin = FAMILY.make_item(seed, difficulty, mended=True)
    assert twin.reference == item.reference
    assert judge(item, item.reference, tmp_path / "item")["score"] == 1
    assert judge(twin, item.reference, tmp_path / "twin")["score"] == 0


@cache
def first_seeds() -> dict[Flaw, tuple[int, int]]:
    """For every flaw, one (seed, difficulty) that has it."""
    found: dict[Flaw, tuple[int, int]] = {}
    for difficulty, flaws in FLAWS.items():
        for seed in range(40):
            identity = FAMILY.generate(seed, difficulty).id
            flaw = make_plan(Draws(f"{identity}/{FAMILY.version}"), difficulty).flaw
            assert flaw in flaws
            found.setdefault(flaw, (seed, difficulty))
    return found


@pytest.mark.parametrize("flaw", Flaw)
def test_every_flaw_occurs_and_its_twin_differs_in_one_rule_only(flaw: Flaw):
    seed, difficulty = first_seeds()[flaw]
    item = FAMILY.generate(seed, difficulty)
    twin = FAMILY.make_item(seed, difficulty, mended=True)
    mended, broken = (i.files["ledger.py"].decode().split("    def ") for i in (twin, item))
    changed = [a.split("(")[0] for a, b in zip(broken, mended, strict=True) if a != b]
    assert len(changed) == 1
    assert changed[0] in OPERATION_NAMES[FLAWED_OPERATION[flaw]]


def test_parts_fit_together():
    assert set(FIELDS) == set(TEXTS) == set(OPERATION_NAMES)
    assert set(FLAWED) == set(Flaw) == set(FLAWED_OPERATION)
    assert {kind for kind, text in TEXTS.items() if "@RULE@" in text} == set(RIGHT)
    assert {flaw: kind for flaw, (kind, _) in FLAWED.items()} == FLAWED_OPERATION
    assert all(rule not in RIGHT[kind] for kind, rule in FLAWED.values())


def random_operation(module: Any, draw: Random) -> dict[str, Any]:
    ledger = module.ledger
    names = sorted(ledger.accounts)
    numbers = [*ledger.holds, *ledger.payments, *ledger.batches, 1]
    kinds = {
        "account": lambda: draw.choice(names),
        "amount": lambda: draw.choice((-5, 1, 100, 500, 1234, 5000)),
        "number": lambda: draw.choice(numbers[-12:]),
        "count": lambda: draw.choice((0, 1, 7, 100)),
        "key": lambda: draw.choice("ab"),
        "lines": lambda: [
            {"target": draw.choice(names), "amount": draw.choice((1, 500))} for _ in range(2)
        ],
    }
    name = draw.choice(sorted(module.OPERATIONS))
    fields = {field: kinds[kind]() for field, kind in module.OPERATIONS[name].items()}
    return {"op": name, **fields}


def highest_rise(item: Item, folder: Path, steps: int) -> int:
    """How far above its opening all money came, in thousandths, under random play."""
    module = ledger_of(item, folder)
    draw, start, rise = Random(item.seed), module.worth(module.ledger), 0
    for _ in range(steps):
        try:
            module.ledger.apply(random_operation(module, draw))
        except module.Refused:
            continue
        rise = max(rise, module.worth(module.ledger) - start)
    return rise


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_random_play_never_makes_money_on_a_mended_ledger(difficulty: int, tmp_path: Path):
    for seed in LAW_SEEDS:
        twin = FAMILY.make_item(seed, difficulty, mended=True)
        assert highest_rise(twin, tmp_path, 1000) == 0


def test_random_play_makes_money_on_a_flawed_ledger(tmp_path: Path):
    """The twin of the law above: the probe does see a flaw."""
    assert highest_rise(FAMILY.generate(11, 1), tmp_path, 1500) > 0


def test_worth_in_the_program_and_in_the_judge_agree(tmp_path: Path):
    module = ledger_of(FAMILY.generate(11, 3), tmp_path)
    draw = Random(4)
    for _ in range(400):
        try:
            module.ledger.apply(random_operation(module, draw))
        except module.Refused:
            continue
        own, everyone = module.worth(module.ledger, "you"), module.worth(module.ledger)
        assert script.all_money(module.ledger, module.RATES) == (own, everyone)


NOTHING = json.dumps([{"op": "nothing"}] * 201).encode()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "there is no operations.json"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 60_000, "not JSON"),
        (b"[1" + b"0" * 5000 + b"]", "not JSON"),
        (b"{}", "no list of operations"),
        (b"[]", "0 operations"),
        (NOTHING, "201 operations"),
        (b"[7]", "operation 0 is no plain object"),
        (b'[{"op": [[[[[[1]]]]]]}]', "operation 0 is no plain object"),
        (b'[{"op": ' + b"[" * 900 + b"]" * 900 + b"}]", "operation 0 is no plain object"),
        (b'[{"op": "fees"}, {"op": {"a": 1}}, {"op": null}]', "0 of 3 operations done"),
        (b'[{"op": "@99999999999999999999"}, {"op": "@\xc2\xb2"}]', "0 of 2 operations done"),
    ],
)
def test_a_wrong_answer_scores_nothing_and_is_told_why(
    answer: bytes | None, reason: str, tmp_path: Path
):
    verdict = judge(FAMILY.generate(5, 2), answer, tmp_path / "judge")
    assert verdict["score"] == 0
    assert reason in verdict["reason"]
    assert "\n" not in verdict["reason"]


def test_wrong_values_in_every_field_are_refused_and_break_nothing(tmp_path: Path):
    item = FAMILY.generate(5, 4)
    operations = ledger_of(item, tmp_path).OPERATIONS
    wrong: tuple[Any, ...] = (None, True, 1.5, -1, 10**12, "", "fees", "@0", [], [{}], {"a": 1})
    tries = [
        {"op": name, **dict.fromkeys(fields, value)}
        for name, fields in operations.items()
        if fields
        for value in wrong
    ]
    verdict = judge(item, json.dumps(tries[:200]).encode(), tmp_path / "judge")
    assert verdict["score"] == 0
    assert "0 of" in verdict["reason"]


def test_only_minting_counts_and_not_the_neighbours_money(tmp_path: Path):
    """A transfer that pays the customer out of another's account conserves all money."""
    item = FAMILY.make_item(11, 1, mended=True)
    source = item.judge_files["ledger.py"].replace(b"if not self.is_own(name) or", b"if")
    theft = Item(**{**vars(item), "judge_files": {**item.judge_files, "ledger.py": source}})
    module = ledger_of(item, tmp_path)
    moves = [n for n in OPERATION_NAMES["transfer"] if n in module.OPERATIONS]
    neighbour = next(n for n, a in module.ledger.accounts.items() if a["owner"] == "neighbour")
    own = json.loads(item.reference)[0]["account"]
    answer = [{"op": moves[0], "source": neighbour, "target": own, "amount": 4000}]
    verdict = judge(theft, json.dumps(answer).encode(), tmp_path / "judge")
    assert verdict == {
        "score": 0,
        "reason": "1 of 1 operations done: your worth rose by 4000, all by 0, not both by 2000",
    }


def test_broken_ledger_is_a_fault_and_no_score(tmp_path: Path):
    item = FAMILY.generate(11, 1)
    files = {**item.judge_files, "ledger.py": b"raise RuntimeError\n"}
    broken = Item(**{**vars(item), "judge_files": files})
    assert "fault" in judge(broken, item.reference, tmp_path / "judge")


def test_subject_sees_neither_the_judges_balances_nor_the_seed():
    item = FAMILY.generate(77, 3)
    theirs, judges = (json.loads(f["accounts.json"]) for f in (item.files, item.judge_files))
    own = json.loads(item.reference)[0]["account"]
    assert theirs["accounts"].keys() == judges["accounts"].keys()
    assert theirs["accounts"][own]["balance"] != judges["accounts"][own]["balance"]
    assert theirs["first_number"] != judges["first_number"]
    assert f"{77:016x}" not in item.prompt
    assert "judge.py" not in item.files
