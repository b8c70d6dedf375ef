"""The memory tasks: the C program touches the cells of its records, and records are plain."""

import itertools
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.claiming import claims_of, with_flaws
from touchstone.bench.cheating.regions import reached_cells
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


@pytest.mark.parametrize("difficulty", LEVELS)
def test_regions_lie_side_by_side_and_no_record_leaves_its_own_whatever_it_has_wrong(
    difficulty: int,
):
    """Else trying all numbers would find flaws, and nobody had to read what a record may touch."""
    plan = FAMILY.plan_of(7, difficulty)
    owned = sorted((p["first"], p["last"]) for p in plan.parts if p["kind"] != "gate")
    assert [first for first, _ in owned[1:]] == [last + 1 for _, last in owned[:-1]]
    assert owned[-1][1] < plan.facts["cells"]
    for part in plan.parts:
        if part["kind"] == "gate":
            continue
        names = model.SLIPS[part["kind"]]
        reached = frozenset[int]()
        for values in itertools.product((False, True), repeat=len(names)):
            cells = reached_cells({**part, **dict(zip(names, values, strict=True))})
            assert cells <= {*range(part["first"], part["last"] + 1)}
            reached |= cells
        # And the region is no wider than what some way of it touches.
        assert {part["first"], part["last"]} <= reached


@pytest.mark.parametrize("kind", [kind for kind in model.SLIPS if kind != "gate"])
def test_a_region_is_as_large_whatever_its_record_is_to_do(kind: str):
    names, told = model.SLIPS[kind], {"kind": kind, "limit": 7, "width": 3}
    ways = itertools.product((False, True), repeat=len(names))
    rooms = {model.room({**told, **dict(zip(names, way, strict=True))}) for way in ways}
    assert rooms == {{"put": 24, "span": 24, "fill": 22, "pour": 7}[kind]}


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
