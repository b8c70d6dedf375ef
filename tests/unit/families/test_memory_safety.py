"""The memory tasks: the C program touches the cells of its records, and records are plain."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.claiming import claims_of, with_flaws
from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.memory_safety import FAMILY, model
from touchstone.evaluation.families.memory_safety.plan import LEVELS
from touchstone.evaluation.families.memory_safety.source import SHAPES

NAME = "memory-safety"


def touched(folder: Path, source: str, wanted: list[list[dict[str, Any]]]) -> list[list[int]]:
    """What a program touches, for each list of records."""
    (folder / "program.c").write_text(source)
    (folder / "main.c").write_bytes(FAMILY.more_files()["main.c"])
    build = ["gcc", "-O0", "-w", "-fsanitize=undefined", "program.c", "main.c", "-o", "program"]
    subprocess.run(build, cwd=folder, check=True)
    lines = [
        line
        for steps in wanted
        for line in [*(f"{each['record']} {each['a']} {each['b']}" for each in steps), "-"]
    ]
    ran = subprocess.run(
        [folder / "program"],
        input="\n".join([*lines, ""]),
        capture_output=True,
        text=True,
        check=True,
    )
    # Whatever the program is to have wrong, C itself is used as it should be.
    assert ran.stderr == ""
    return [sorted(map(int, line.split())) for line in ran.stdout.splitlines()]


@pytest.mark.needs_compiler
@pytest.mark.parametrize("difficulty", LEVELS)
def test_the_program_touches_what_its_records_say_and_a_slip_changes_just_that(
    difficulty: int, tmp_path: Path
):
    """In every form: each seed has others. One build a slip, so seeds and slips take turns."""
    draw = Draws("records of the test")
    for seed in range(5):
        plan = FAMILY.plan_of(seed, difficulty)
        slips = model.open_slips(plan.parts)
        chosen = [slips[at] for at in range(seed, len(slips), 8)]
        # Slips of several records at once: of one alone is asked with a focus.
        chosen = list({place: (place, what) for place, what in chosen}.values())
        parts = model.slips_made(plan.parts, chosen)
        wanted = [
            model.some_steps(draw, plan.facts, plan.parts, focus)
            for focus in [*range(len(parts)), *(place for place, _ in chosen), None]
            for _ in range(6)
        ]
        assert not any(model.steps_fault(plan.facts, plan.parts, steps) for steps in wanted)
        for which in (plan.parts, parts):
            source = FAMILY.program(plan, which, f"{seed}/{difficulty}")
            right = [model.comes_to(plan.facts, which, steps) for steps in wanted]
            assert touched(tmp_path, source, wanted) == right, seed


def test_programs_come_in_all_shapes():
    sources = [FAMILY.generate(seed, 3).files["program.c"].decode() for seed in range(40)]
    marks = {
        "chain": '") == 0) {',
        "functions": "    else if (!strcmp(",
        "table": "static const struct {",
        "numbered": "case 0:\n        ",
        "structures": "static void (*",
    }
    assert set(marks) == set(SHAPES)
    assert all(any(mark in source for source in sources) for mark in marks.values())


def test_regions_lie_side_by_side_and_hold_just_what_their_records_may_touch():
    for difficulty in LEVELS:
        plan = FAMILY.plan_of(7, difficulty)
        owned = sorted((p["first"], p["last"]) for p in plan.parts if p["kind"] != "gate")
        assert [first for first, _ in owned[1:]] == [last + 1 for _, last in owned[:-1]]
        for part in plan.parts:
            steps = [
                {"record": part["record"], "a": a, "b": b} for a in range(30) for b in (0, 1, 5)
            ]
            cells = set[int]()
            free = [{**part, "gate": ""}]
            for step in steps if part["kind"] != "gate" else ():
                cells |= set(model.comes_to(plan.facts, free, [step]))
            assert all(part["first"] <= cell <= part["last"] for cell in cells)
            assert not cells or {part["last"]} <= cells


@pytest.mark.parametrize(
    ("what", "reaches"),
    [({"closed": True}, True), ({"from_one": False}, True), ({"closed": False}, False)],
)
def test_a_bound_too_wide_reaches_into_a_neighbours_region(what: dict[str, bool], reaches: bool):
    part: dict[str, Any] = {"record": "r", "kind": "put", "gate": "", "limit": 5, "width": 2}
    part |= {"from_one": True, "upward": True, "closed": False, "first": 20, "last": 27}
    assert model.room(part) == 8
    wrong = [{**part, **what}]
    cells = {
        cell
        for a in range(9)
        for cell in model.comes_to({}, wrong, [{"record": "r", "a": a, "b": 0}])
    }
    assert any(cell > part["last"] for cell in cells) == reaches


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("a", -1),
        ("a", 256),
        ("b", True),
        ("b", 2.0),
        ("a", "7"),
        ("a", None),
        ("record", "nothing"),
        ("record", ["x"]),
        ("extra", 1),
    ],
)
def test_a_record_has_a_known_name_and_two_small_numbers(field: str, value: object):
    item = with_flaws(NAME, 1, 2)
    plan = FAMILY.plan_of(item.seed, 2)
    steps = claims_of(item)[0]["steps"]
    assert model.steps_fault(plan.facts, plan.parts, steps) == ""
    assert model.steps_fault(plan.facts, plan.parts, [{**steps[0], field: value}]) != ""
    assert "1 to 6" in model.steps_fault(plan.facts, plan.parts, [steps[0]] * 7)
