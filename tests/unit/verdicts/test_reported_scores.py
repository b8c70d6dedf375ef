"""What scores that decide nothing say: from the record, as far as a reader may read it."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from support.review_case import hex32, outcome, recorded, sealed
from touchstone.evaluation.set_choices import DeclaredScore
from touchstone.review import RunKey
from touchstone.review.audience_view import Entry
from touchstone.review.events import Event
from touchstone.review.events.measuring import Outcome
from touchstone.statistics import mean_score
from touchstone.verdicts.content_parsers import registered_of
from touchstone.verdicts.reported_scores import ReportedScores, reported_scores

KEY = RunKey("battery-1", "memory-safety", "final", "instant")
DECLARED = DeclaredScore(scorer="marks", values="number", range=("-1", "5"))


class Seen:
    """An entry as a reader has it: the event, and what of its content is open."""

    visible = True

    def __init__(self, event: Event, **contents: dict[str, Any]) -> None:
        self.event, self.contents = event, contents

    def content(self, name: str) -> dict[str, Any] | None:
        return self.contents.get(name)

    def parsed(self, name: str, parse: Callable[[Any], Any]) -> Any:
        found = self.content(name)
        return None if found is None else parse(found)


def registered(score: DeclaredScore) -> dict[str, Any]:
    part = {
        "id": "memory-safety",
        "criterion": "memory-safety",
        "family": "essays",
        "version": "1",
        "least_grade": "none",
        "difficulties": [[1, 20]],
        "commitments": [hex32(f"item {n}") for n in range(20)],
        "order": hex32("order"),
        "score": score.model_dump(mode="json"),
    }
    battery = {"id": "battery-1", "seed": hex32("seed"), "sets": [part]}
    content = {"battery": battery, "elicitation": {"id": "usual"}, "rule": {}, "grade": "none"}
    registered_of(content)
    return content


def scored(index: int, score: str | None, result: str = "reported", attempt: int = 1) -> Outcome:
    plain = outcome(index, "cut" if score is None else result, attempt)
    return plain.model_copy(update={"score": score})


def told(
    *outcomes: Outcome, score: DeclaredScore | None = DECLARED, flaws: tuple[str, ...] = ()
) -> dict[RunKey, ReportedScores]:
    content = {} if score is None else {"registered": registered(score)}
    opened = [{"index": n, "flaw": flaw} for n, flaw in enumerate(flaws)]
    entries = [
        Seen(sealed(), **content),
        *(Seen(recorded((each,), chunk=f"chunk-{n}")) for n, each in enumerate(outcomes)),
        Seen(recorded(()), opened={"opened": opened}),
    ]
    return dict(reported_scores(cast("list[Entry]", entries), "battery-1"))


def test_scores_are_told_as_the_pack_counts_them_and_as_shares_to_whom_that_is_closed():
    outcomes = [scored(n, share) for n, share in enumerate(("0", "0.5", "1", "0.75"))]
    found = told(*outcomes)[KEY]
    assert [found.mean, found.low, found.high] == pytest.approx([2.375, -1.0, 5.0])
    assert -1 <= found.interval.low < 2.375 < found.interval.high <= 5
    closed = told(*outcomes, score=None)[KEY]
    assert [closed.mean, closed.low, closed.high] == pytest.approx([0.5625, 0.0, 1.0])
    assert found.as_dict()["decides"] == closed.as_dict()["decides"] == "nothing"


def test_what_has_no_score_is_told_by_kind_and_beyond_a_gap_nothing_counts():
    found = told(scored(0, "0.5"), scored(1, None), scored(2, "1"), scored(4, "1"))[KEY]
    assert (found.ran, found.found.scored, found.found.size) == (3, 2, 20)
    assert found.unmeasured == {"cut": 1}
    assert found.mean == pytest.approx(3.5)


def test_the_first_attempt_and_its_first_outcome_count():
    again = [scored(0, "0"), scored(0, "1"), scored(1, "1", attempt=2)]
    assert told(*again)[KEY].mean == -1.0


def test_a_set_of_which_nothing_was_scored_is_still_one_that_only_reports():
    found = told(scored(0, None), scored(1, None))[KEY]
    assert (found.mean, found.unmeasured) == (None, {"cut": 2})
    assert (found.interval.low, found.interval.high) == (-1.0, 5.0)
    decides = DECLARED.model_copy(update={"solved_from": "2"})
    assert told(scored(0, None), score=decides) == {}


def test_near_copies_count_once():
    outcomes = [scored(n, f"0.{4 + n % 2 * 2}") for n in range(20)]
    alike, apart = told(*outcomes, flaws=("one", "other") * 10)[KEY], told(*outcomes)[KEY]
    width = [each.interval.high - each.interval.low for each in (alike, apart)]
    assert width[0] > width[1]
    assert (
        alike.interval
        == ReportedScores(
            mean_score([0.4, 0.6] * 10, 20, ["one", "other"] * 10), {}, -1.0, 5.0
        ).interval
    )
