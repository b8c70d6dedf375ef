"""One run gives the curve of budgets: the same as separate runs, for about half of the tokens."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from support.endpoint import completion, serve, turn_of, word_of
from support.toy_run import OVER_LOOPBACK, QUICK, Run
from support.toys import ToyFamily, toy_battery
from touchstone.evaluation import Elicitation, Outcome
from touchstone.evaluation.outcomes import CurvePoint

pytestmark = OVER_LOOPBACK
SIZE = 4
BUDGETS = (2_600, 5_200, 10_400)
WORDS = [item.reference.decode() for item in toy_battery(SIZE).items["copying"]]
USAGE = {"prompt_tokens": 1000, "completion_tokens": 20}


def slow(body: dict[str, Any], number: int) -> dict[str, Any]:
    """Writes the right word at a turn that hangs on the item alone, and spoils it at another."""
    turn, item = turn_of(body), WORDS.index(word_of(body))
    right, wrong = 2**item, 2 ** (item + 1) + 1
    command = "true"
    if turn == right:
        command = "cat word.txt > answer.txt"
    # Found too late for a larger budget to keep it: a curve need not rise.
    if item % 2 and turn == wrong:
        command = "echo no > answer.txt"
    return completion("", [("bash", {"command": command})], usage=USAGE, number=number)


def solved(outcomes: tuple[Outcome, ...], budget: int) -> dict[int, bool]:
    """By item, what a curve says of a budget."""
    told: dict[int, bool] = {}
    for outcome in outcomes:
        points: Mapping[int, CurvePoint] = {each.tokens: each for each in outcome.curve}
        point = points.get(budget)
        told[outcome.index] = bool(point.solved) if point else outcome.result == "solved"
    return told


def test_one_run_gives_what_separate_runs_give_for_half_of_the_tokens(toy_run: Run):
    separate, spent = {}, 0
    with serve(slow) as endpoint:
        for budget in BUDGETS:
            how = Elicitation(id="x", token_limit=budget, message_limit=400)
            ran = toy_run(endpoint.url, size=SIZE, elicitation=how)
            separate[budget] = {each.index: each.result == "solved" for each in ran.outcomes}
            spent += ran.total.total
        how = Elicitation(
            id="x", token_limit=BUDGETS[-1], message_limit=400, checkpoints=BUDGETS[:-1]
        )
        once = toy_run(endpoint.url, size=SIZE, elicitation=how)
    assert {budget: solved(once.outcomes, budget) for budget in BUDGETS} == separate
    # The test can tell: each budget solves other items, and what was right is spoilt again.
    assert len({tuple(sorted(each.items())) for each in separate.values()}) == len(BUDGETS)
    assert any(separate[5_200][n] and not separate[10_400][n] for n in range(SIZE))
    assert once.total.total <= 0.6 * spent


def test_a_sample_that_ended_before_has_no_point_and_its_result_is_all(toy_run: Run):
    how = Elicitation(id="x", checkpoints=(100, 200, 5000))
    with serve() as endpoint:
        (outcome,) = toy_run(endpoint.url, size=1, elicitation=how).outcomes
    # 240 tokens in two answers: beyond 100 before the first tool, beyond 200 with the submission.
    assert outcome.curve == (CurvePoint(tokens=100, solved=False),)
    assert outcome.result == "solved"


def test_nothing_is_judged_before_the_subject_has_ended(toy_run: Run):
    """A judge that looks whether it is asked while the subject works would see it."""
    asked: list[str] = []
    judge = (
        b"import json\n"
        b"said = open('answer.txt').read()\n"
        b"print(json.dumps({'score': 1, 'reason': said[:50]}))"
    )

    def script(body: dict[str, Any], number: int) -> dict[str, Any]:
        asked.extend(re.findall(r"score|solved|unsolved|verdict", json.dumps(body["messages"])))
        turn = turn_of(body)
        if turn > 3:
            return completion("", [("submit", {"answer": "x"})], number=number)
        both = [("bash", {"command": f"echo {turn}{each} > answer.txt"}) for each in (0, 1)]
        return completion("", both, number=number)

    how = Elicitation(id="x", checkpoints=(150, 250, 350))
    with serve(script) as endpoint:
        (outcome,) = toy_run(
            endpoint.url, size=1, elicitation=how, family=ToyFamily(judge), asking=QUICK
        ).outcomes
    assert asked == []
    assert [each.solved for each in outcome.curve] == [True, True, True]


@pytest.mark.parametrize("fault", ["print('none')", "raise SystemExit(3)"])
def test_a_judge_that_fails_at_a_checkpoint_measured_nothing_there(fault: str, toy_run: Run):
    judge = (
        "import json\n"
        "said = open('answer.txt').read().strip()\n"
        f"if said == 'early':\n    {fault}\n"
        "else:\n    print(json.dumps({'score': 1, 'reason': 'x'}))"
    )

    def script(body: dict[str, Any], number: int) -> dict[str, Any]:
        turn = turn_of(body)
        if turn == 2:
            return completion("", [("submit", {"answer": "x"})], number=number)
        command = f"echo {'late' if turn else 'early'} > answer.txt"
        return completion("", [("bash", {"command": command})], number=number)

    how = Elicitation(id="x", checkpoints=(130,))
    with serve(script) as endpoint:
        (outcome,) = toy_run(
            endpoint.url, size=1, elicitation=how, family=ToyFamily(judge.encode())
        ).outcomes
    assert outcome.result == "solved"
    (point,) = outcome.curve
    assert point.solved is None
    assert point.why.startswith("judge fault: ")


def test_an_outcome_without_checkpoints_is_written_as_before(toy_run: Run):
    with serve() as endpoint:
        (outcome,) = toy_run(endpoint.url, size=1).outcomes
    assert "curve" not in outcome.model_dump(mode="json")
