"""The curve of budgets in an edition: counted from one run's outcomes, drawn and tabled."""

from pathlib import Path
from typing import Any

from support.small_case import facts_for, probed, record_chunk, small_case
from touchstone.clearance import PUBLIC, party_audience
from touchstone.editions.page import render_html
from touchstone.evaluation import Elicitation, Outcome
from touchstone.review.events.measuring import Result
from touchstone.service.measurement.sealing import reopen, seal

CENTRE = party_audience("example-centre")
HOW = Elicitation(id="x", token_limit=4000, checkpoints=(1000, 2000))
RESULTS: list[Result] = ["solved", "unsolved", "limit", "refused", "solved", "unsolved"]
CURVES: list[list[dict[str, Any]]] = [
    # Solved late: not at 1,000, and at 2,000.
    [{"tokens": 1000, "solved": False}, {"tokens": 2000, "solved": True}],
    # Solved early and spoilt again.
    [{"tokens": 1000, "solved": True}, {"tokens": 2000, "solved": False}],
    # Its judge failed at the first.
    [{"tokens": 1000, "solved": None}, {"tokens": 2000, "solved": False}],
    # Refused beyond the first: what it had left by then counts there.
    [{"tokens": 1000, "solved": True}],
    # Ended before the first.
    [],
    [],
]


def told() -> list[dict[str, Any]]:
    score = {"solved": "1", "refused": "not-measured"}
    return [
        Outcome.model_validate(
            {
                "index": index,
                "commitment": "ab" * 32,
                "result": result,
                "score": score.get(result, "0"),
                "reason": "x",
                "seconds": "1.000",
                "curve": curve,
            }
        ).model_dump(mode="json")
        for index, (result, curve) in enumerate(zip(RESULTS, CURVES, strict=True))
    ]


def test_each_budget_is_counted_from_the_answers_at_it(tmp_path: Path):
    with small_case(tmp_path) as case:
        seal(case, 8, "confined", accepted=False, elicitation=HOW)
        prepared = reopen(case)
        probed(case)
        record_chunk(case, prepared, prepared.runs[0], range(6), lambda n: RESULTS[n], told())
        data, outside = facts_for(case, CENTRE), facts_for(case, PUBLIC)
    (curve,) = data.curves
    assert [(p.tokens, p.solved, p.counted, p.lost) for p in curve.points] == [
        (1000, 3, 5, 1),
        (2000, 2, 5, 1),
        (4000, 2, 5, 1),
    ]
    page = render_html(data)
    for text in ("What smaller budgets would have given", "3 of 5", "1,000", "budget-picture"):
        assert text in page
    assert "polyline" in page
    # Who may not read outcomes is shown no curve of them.
    assert outside.curves == ()
    assert "budget-picture" not in render_html(outside)


def test_without_checkpoints_there_is_none(tmp_path: Path):
    with small_case(tmp_path) as case:
        seal(case, 8, "confined", accepted=False)
        prepared = reopen(case)
        probed(case)
        plain = [{k: v for k, v in row.items() if k != "curve"} for row in told()]
        record_chunk(case, prepared, prepared.runs[0], range(6), lambda n: RESULTS[n], plain)
        data = facts_for(case, CENTRE)
    assert data.curves == ()
    assert "What smaller budgets" not in render_html(data)
