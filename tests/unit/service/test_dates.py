"""A deed's own date lies within a day of its recording, whatever the deed."""

from datetime import timedelta
from pathlib import Path

import pytest

from support.small_case import Minutes, small_case
from touchstone.handin import utc_text
from touchstone.ledger.contract2 import MAX_AHEAD
from touchstone.review import BadEventError, Refused
from touchstone.review.events import measuring, settling
from touchstone.service import taking
from touchstone.service.case_context import Case
from touchstone.service.commit import Deed
from touchstone.service.drafting import worded

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def paused(case: Case, clock: Minutes, off: timedelta) -> Deed:
    """The window paused, as of so long before or after now."""
    at = utc_text(clock.now() + off)
    return worded(case, measuring.ClockPaused, "example-centre", texts={"reason": "x"}, at=at)


@pytest.mark.parametrize(
    "off", [DAY + SECOND, DAY, MAX_AHEAD + SECOND, -DAY - SECOND, -400 * DAY, 9000 * DAY]
)
def test_a_deed_of_another_day_is_refused_and_leaves_nothing(tmp_path: Path, off: timedelta):
    clock = Minutes()
    with small_case(tmp_path, clock) as case:
        before = case.state.size
        with pytest.raises(BadEventError, match="a deed is dated within a day of its recording"):
            case.record([paused(case, clock, off)])
        released = settling.ReleaseAnnounced(
            actor="example-lab",
            at=utc_text(clock.now() + off),
            marking=case.marks.public,
            scope="public",
            variants=("final",),
            same_model="same",
        )
        with pytest.raises(BadEventError, match="release-announced: at:"):
            case.record([Deed(released)])
        assert case.state.size == before


@pytest.mark.parametrize("off", [MAX_AHEAD, -DAY])
def test_a_day_before_or_some_minutes_after_is_taken(tmp_path: Path, off: timedelta):
    clock = Minutes()
    with small_case(tmp_path, clock) as case:
        assert case.record([paused(case, clock, off)]).clock


def test_twin_without_the_check_a_deed_of_another_day_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(taking, "MOST_APART", 100_000 * DAY)
    clock = Minutes()
    with small_case(tmp_path, clock) as case:
        state = case.record([paused(case, clock, -6 * DAY)])
        # Further back the deed would have been valid for too long: that the ledger sees itself.
        with pytest.raises(Refused, match="too long"):
            case.record([paused(case, clock, -20_000 * DAY)])
    assert state.clock
    # It is paused since it was recorded, whatever its date.
    assert state.clock.pauses[0][0].startswith("2026-11-21")
