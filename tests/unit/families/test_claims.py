"""The families of claims: what they plant shows, and claims are judged whole."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.claiming import NAMES, Judge, answer, claims_of, family_of, with_flaws
from support.solving import solved, turns
from touchstone.evaluation.families.base import Item
from touchstone.evaluation.families.claims import judge as judging
from touchstone.evaluation.families.claims.planting import slip_kind
from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.registry import solvers_of
from touchstone.evaluation.families.scripted_solver import CommandResult, Say, Transcript

by_name = pytest.mark.parametrize("name", NAMES)
Judged = Callable[[Item, bytes], tuple[int, str]]


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Judge:
    return Judge(tmp_path, monkeypatch)


@by_name
def test_items_have_none_to_three_flaws_and_few_have_none(name: str):
    counts = [len(family_of(name).plan_of(seed, 2).slips) for seed in range(120)]
    assert set(counts) == {0, 1, 2, 3}
    assert counts.count(0) <= 18  # "none" must stay below .15


@by_name
def test_every_level_plants_what_the_one_before_does_not(name: str):
    family, met = family_of(name), []
    for difficulty in range(1, 6):
        plans = [family.plan_of(seed, difficulty) for seed in range(40)]
        met.append({slip_kind(slip) for plan in plans for slip in plan.slips})
        assert all(len({place for place, _ in plan.slips}) == len(plan.slips) for plan in plans)
    assert met[0] - met[4]
    assert met[4] - met[0]
    assert set().union(*met) <= set(family.deepest)


@by_name
def test_a_twin_has_the_same_terms_and_prompt_and_no_flaw(name: str, judged: Judged):
    item, family = with_flaws(name, 2, 3), family_of(name)
    twin = family.make_item(item.seed, 3, mended=True)
    assert twin.prompt == item.prompt
    assert twin.files[family.terms_file] == item.files[family.terms_file]
    assert twin.files[family.program_file] != item.files[family.program_file]
    assert twin.flaw == f"{name}/none"
    assert judged(twin, twin.reference)[0] == 1
    assert judged(twin, item.reference)[0] == 0
    assert judged(item, twin.reference)[0] == 0


@by_name
def test_what_is_otherwise_in_a_program_is_so_as_often_by_the_terms(name: str):
    """Else the program alone would tell: the parts of programs with flaws look like right ones."""
    family = family_of(name)
    seen: dict[tuple[str, bool], list[bool]] = {}
    for seed in range(80):
        plan = family.plan_of(seed, 4)
        program = family.model.slips_made(plan.parts, plan.slips)
        wrong = set(plan.slips)
        for place, what in family.model.open_slips(program):
            value = program[place].get(what)
            if isinstance(value, bool):
                seen.setdefault((what, (place, what) in wrong), []).append(value)
    flaws = {what: values for (what, flawed), values in seen.items() if flawed}
    for what, values in flaws.items():
        right = seen[what, False]
        # Four standard errors of the share among so few.
        allowed = 4 * 0.5 / len(values) ** 0.5
        assert abs(sum(values) / len(values) - sum(right) / len(right)) < allowed, what


@by_name
def test_a_claim_left_out_or_one_too_many_costs_all(name: str, judged: Judged):
    item = with_flaws(name, 2, 2)
    first, second = claims_of(item)
    sound = next(n for n in range(1, 9) if n not in {first["part"], second["part"]})
    told = {
        "left out": [first],
        "too many": [first, second, {**first, "part": sound}],
        "twice": [first, first, second],
        "wrong": [first, {**second, "right": [second["right"]]}],
        "none": [],
    }
    got = {case: judged(item, answer(claims)) for case, claims in told.items()}
    assert {case: score for case, (score, _) in got.items()} == dict.fromkeys(told, 0)
    assert "1 of 2 flaws" in got["left out"][1]
    assert f"part {sound} has no flaw" in got["too many"][1]
    assert "by the terms" in got["wrong"][1]
    assert judged(item, answer([second, first]))[0] == 1


@by_name
def test_steps_that_do_not_show_the_flaw_are_no_proof(name: str, judged: Judged):
    item, family = with_flaws(name, 1, 2), family_of(name)
    plan, draw = family.plan_of(item.seed, 2), Draws("idle steps")
    model, wrong = family.model, family.model.slips_made(plan.parts, plan.slips)
    tried = (model.some_steps(draw, plan.facts, plan.parts, None) for _ in range(200))
    idle, right = next(
        (steps, right)
        for steps in tried
        if (right := model.comes_to(plan.facts, plan.parts, steps))
        == model.comes_to(plan.facts, wrong, steps)
    )
    [claim] = claims_of(item)
    score, reason = judged(item, answer([{**claim, "steps": idle, "right": right}]))
    assert score == 0
    assert "is not shown" in reason


@by_name
def test_a_flaw_counts_that_shows_alone_or_among_the_others(
    name: str, judged: Judged, monkeypatch: pytest.MonkeyPatch
):
    item = with_flaws(name, 2, 2)
    model, first = judging.load_model, claims_of(item)[0]["part"] - 1

    def hiding(*, among: bool) -> Callable[[], Any]:
        """A model in which the first flaw does nothing by itself, or nothing at all."""

        def load() -> Any:
            module = model()
            honest = module.slips_made

            def slips_made(parts: Any, slips: Any) -> Any:
                alone = {place for place, _ in slips} == {first}
                kept = [s for s in slips if s[0] != first] if alone or not among else slips
                return honest(parts, kept)

            module.slips_made = slips_made
            return module

        return load

    scores = []
    for among in (True, False):
        monkeypatch.setattr(judging, "load_model", hiding(among=among))
        scores.append(judged(item, item.reference))
    assert [score for score, _ in scores] == [1, 0]
    assert "is not shown" in scores[1][1]


@by_name
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
        b'{"claims": [{"part": true, "steps": [], "right": 1}]}',
        b'{"claims": [{"part": 1, "steps": [], "right": 1}]}',
        b'{"claims": [{"part": 1, "steps": [{"op": "x"}], "right": 1}]}',
        b'{"claims": [{"part": 1e400, "steps": [{}], "right": 1}]}',
        b'{"claims": [{"part": [1], "steps": [{}], "right": {}}]}',
        b'{"claims": [' + b" " * judging.MAX_ANSWER + b"]}",
    ],
)
def test_a_malformed_answer_scores_0_and_is_no_fault(name: str, judged: Judged, bad: bytes):
    score, reason = judged(with_flaws(name, 1, 2), bad)
    assert (score, "flaws were found" in reason) == (0, False)


@by_name
def test_more_claims_than_there_may_be_flaws_are_refused(name: str, judged: Judged):
    item = with_flaws(name, 3, 2)
    claims = claims_of(item)
    assert judged(item, answer(claims))[0] == 1
    score, reason = judged(item, answer([*claims, claims[0]]))
    assert (score, "at most 3 claims" in reason) == (0, True)


@by_name
def test_right_is_what_json_says_and_nothing_that_equals_it(name: str, judged: Judged):
    item = with_flaws(name, 1, 2)
    [claim] = claims_of(item)
    told = json.dumps(claim["right"])
    assert judging.same(json.loads(told), claim["right"])
    assert not judging.same([True], [1])
    assert not judging.same([1.0], [1])
    assert judged(item, answer([{**claim, "right": None}]))[0] == 0


@by_name
def test_the_thorough_solver_solves_what_the_quick_one_leaves(name: str, tmp_path: Path):
    solvers, item = solvers_of(name), with_flaws(name, 3, 5)
    assert solved(solvers.thorough, item, tmp_path / "thorough")
    # Of the steps at random of the quick one, none meets all that is wrong at few values only.
    assert not solved(solvers.quick, item, tmp_path / "quick")


@by_name
def test_the_solver_says_none_of_a_twin(name: str, tmp_path: Path):
    family, item = family_of(name), with_flaws(name, 2, 4)
    twin = family.make_item(item.seed, 4, mended=True)
    steps = turns(solvers_of(name).thorough, twin, tmp_path / "work")
    assert "parts claimed: none" in steps[-1].output
    assert len(steps) <= 8
    assert all(len(step.command) < 100_000 and step.thought for step in steps)


@by_name
def test_what_is_not_understood_ends_in_words(name: str):
    for strategy in (solvers_of(name).quick, solvers_of(name).thorough):
        done = tuple(CommandResult("x", "no few slips") for _ in range(2))
        step = strategy.step(Transcript(name, done))
        assert isinstance(step, Say)
        assert "could not" in step.text


@by_name
def test_a_judge_without_its_model_is_a_fault(name: str, judged: Judged):
    item = with_flaws(name, 1, 1)
    broken = replace(
        item, judge_files={**item.judge_files, "model.py": b"raise OSError('no model')"}
    )
    with pytest.raises(OSError, match="no model"):
        judged(broken, item.reference)
