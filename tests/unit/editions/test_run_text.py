"""What is said of runs on the command line."""

import pytest

from touchstone.editions.run_text import landed, remarks, reported_in_words
from touchstone.statistics import mean_score
from touchstone.verdicts.reported_scores import ReportedScores
from touchstone.verdicts.run_progress import RunProgress

OPEN = RunProgress("pay", "thinking", 48, 8, 8, 0, may_stop=True)
ABOVE = RunProgress(
    "pay", "thinking", 48, 16, 7, 0, verdict="above", used=8, claim="0.4", may_stop=True
)
BELOW = RunProgress("pay", "instant", 48, 48, 9, 0, verdict="below", used=48, may_stop=True)
WHOLE = RunProgress("pay", "instant", 12, 12, 4, 0, verdict="undetermined", used=12)
CLAIM = "above 0.4 (the threshold less its zone)"
NOTHING = "(reported only: decides nothing)"
NONE = RunProgress("pay", "instant", 12, 12, 4, 0)


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (OPEN, "pay, thinking: 8 of 8 solved: no verdict, 8 of 48 ran"),
        (ABOVE, f"pay, thinking: 7 of 8 solved, stopped after 8 of 48 (16 ran): {CLAIM}"),
        (BELOW, "pay, instant: 9 of 48 solved: below the threshold, as elicited"),
        (WHOLE, "pay, instant: 4 of 12 solved: undetermined"),
        (NONE, "pay, instant: 4 of 12 solved"),
        (
            RunProgress("essays", "instant", 12, 9, 0, 0, scored=7, lost={"cut": 2}),
            f"essays, instant: 7 of 9 scored, 2 cut short (22%); 9 of 12 ran {NOTHING}",
        ),
    ],
)
def test_a_run_in_one_line(row: RunProgress, text: str):
    assert landed(row) == text


@pytest.mark.parametrize(
    ("scores", "lost", "text"),
    [
        ([0.5, 0.75], {}, "mean 2.75 on a scale of -1 to 5 (further items: -1 to 5), 2 of 2 items"),
        ([0.5, None], {"cut": 1}, "1 of 3 items scored, 1 cut short, 1 not run; reported only"),
        ([None], {"cut": 1}, "no mean, 0 of 3 items scored, 1 cut short, 2 not run; reported only"),
    ],
)
def test_scores_that_decide_nothing_say_so(
    scores: list[float | None], lost: dict[str, int], text: str
):
    size = 2 if not lost else 3
    told = reported_in_words(ReportedScores(mean_score(scores, size), lost, -1.0, 5.0))
    assert text in told
    assert told.endswith("reported only: decides nothing")


def test_what_was_saved_and_what_below_does_not_say():
    saved, held = remarks([ABOVE, BELOW])
    assert saved == (
        "64 of 96 samples sealed were run (67%); the early verdicts rest on 8, the first ones of "
        "the sealed orders"
    )
    assert "a model that holds back is judged on what it shows" in held
    assert remarks([WHOLE, NONE]) == []


def test_a_run_has_ended_when_no_more_is_issued():
    assert [row.ended for row in (OPEN, ABOVE, BELOW, WHOLE, NONE)] == [False, *[True] * 4]
