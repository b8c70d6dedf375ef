"""How long a signed deed may wait: one bound, by the time of recording, and none for who leaves."""

from datetime import timedelta
from pathlib import Path

import pytest

from support.small_case import Minutes, small_case
from touchstone.deeds import signing
from touchstone.deeds.access import release_announced
from touchstone.deeds.cases import clock_paused, review_halted, review_withdrawn
from touchstone.deeds.deed import Deed
from touchstone.deeds.drafting import worded
from touchstone.deeds.signing import prepare_deed
from touchstone.handin import utc_text
from touchstone.ledger.contract2 import (
    MAX_AHEAD,
    MAX_VALIDITY,
    RecordedAnswer,
    SubmittedDeed,
    admission,
)
from touchstone.review.events import measuring
from touchstone.service.case_context import Case
from touchstone.service.errors import RefusedDeed
from touchstone.service.taking import take_deed

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
LAB, CENTRE = "example-lab", "example-centre"


def paused(case: Case, clock: Minutes, off: timedelta) -> Deed:
    """The window paused, as of so long before or after now."""
    at = utc_text(clock.now() + off)
    return worded(case, measuring.ClockPaused, CENTRE, texts={"reason": "x"}, at=at)


def signed(case: Case, deed: Deed) -> SubmittedDeed:
    """A deed under its party's key, sent to nobody yet."""
    here = case.installation
    log, signer = here.records.deeds.log(case.id), here.keyring.party(deed.event.actor)
    return prepare_deed(deed, log, signer, here.random, here.now()).submitted


def answered(case: Case, deed: SubmittedDeed, asker: str) -> str:
    """`recorded`, or the code of the refusal."""
    here = case.installation
    answer = take_deed(here, case.id, deed, asker=asker, now=here.now()).answer
    return "recorded" if isinstance(answer, RecordedAnswer) else answer.code


TOO_FAR = [MAX_AHEAD + SECOND, DAY, -MAX_VALIDITY, -400 * DAY, 9000 * DAY]
"""Seven days back is too far: a deed is valid for an hour after it is signed."""


@pytest.mark.parametrize("off", TOO_FAR)
def test_a_deed_dated_ahead_or_long_ago_is_refused_and_leaves_nothing(
    tmp_path: Path, off: timedelta
):
    clock = Minutes()
    with small_case(tmp_path, clock) as case:
        before = case.state.size
        with pytest.raises(RefusedDeed, match=r"is dated|too long"):
            case.record([paused(case, clock, off)])
        assert case.state.size == before


@pytest.mark.parametrize("off", [MAX_AHEAD, -DAY, -6 * DAY])
def test_some_minutes_ahead_or_days_ago_is_taken(tmp_path: Path, off: timedelta):
    clock = Minutes()
    with small_case(tmp_path, clock) as case:
        assert case.record([paused(case, clock, off)]).clock


def test_twin_without_the_check_any_date_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(admission, "check_dates", lambda *_: None)
    clock = Minutes()
    with small_case(tmp_path, clock) as case:
        assert case.record([paused(case, clock, -400 * DAY)]).clock


def test_a_clock_that_was_set_back_refuses_no_honest_deed(tmp_path: Path):
    clock = Minutes()
    with small_case(tmp_path, clock) as case:
        case.record([clock_paused(case, CENTRE, "x")])
        halt = signed(case, review_halted(case, LAB, "why"))
        pause = clock.moment
        clock.moment -= 3 * DAY
        # Dated by its signer's clock, which is right: ahead of the server's by days.
        assert answered(case, halt, LAB) == "recorded"
        assert case.state.recorded_at == utc_text(pause)


@pytest.mark.parametrize("leave", ["withdraw", "release", "halt"])
def test_who_leaves_or_stops_is_never_too_late(tmp_path: Path, leave: str):
    clock = Minutes()
    with small_case(tmp_path, clock) as case:
        made = {
            "withdraw": lambda: review_withdrawn(case, LAB),
            "release": lambda: release_announced(case, LAB, "public", ["final"]),
            "halt": lambda: review_halted(case, LAB, "why"),
        }[leave]
        deed = signed(case, made())
        clock.moment += 400 * DAY
        assert answered(case, deed, LAB) == "recorded"


def test_what_may_not_wait_for_ever_says_until_when_it_holds(tmp_path: Path):
    clock = Minutes()
    with small_case(tmp_path, clock) as case, pytest.MonkeyPatch.context() as patch:
        patch.setattr(signing, "_until", lambda *_: None)
        deed = signed(case, clock_paused(case, CENTRE, "x"))
        assert answered(case, deed, CENTRE) == "time"


def test_one_that_waited_past_its_until_is_refused(tmp_path: Path):
    clock = Minutes()
    with small_case(tmp_path, clock) as case:
        deed = signed(case, clock_paused(case, CENTRE, "x"))
        clock.moment += DAY
        assert answered(case, deed, CENTRE) == "time"
