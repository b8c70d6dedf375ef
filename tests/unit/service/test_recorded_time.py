"""Through the store: what time decides is decided by when a deed was recorded, not by its own date.

Everything here is signed by its party and dated back by 23 hours.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest

from support.small_case import Minutes, small_case
from touchstone import review
from touchstone.deeds.access import (
    directive_answered,
    directive_issued,
    directive_lifted,
    standing_classes_authorised,
)
from touchstone.deeds.cases import (
    case_closed,
    clock_anchored,
    clock_ended,
    clock_paused,
    clock_resumed,
    submission_received,
)
from touchstone.deeds.deed import Deed
from touchstone.editions.case_summary import summarise_events
from touchstone.framework import Framework
from touchstone.handin import utc_text
from touchstone.review import Event, State
from touchstone.service import taking
from touchstone.service.case_context import Case
from touchstone.service.cases.case_admin import show_case
from touchstone.service.errors import RefusedDeed
from touchstone.terms import parse_directive, parse_terms
from touchstone.terms.directives.pre_authorisation import parse_standing

LAB, CENTRE, AGENCY = "example-lab", "example-centre", "example-agency"
LATER = timedelta(hours=23)
JUNE = resources.files("touchstone.demo.june")


@pytest.fixture
def clock() -> Minutes:
    # So that 23 hours before is another day in every zone of the framework.
    return Minutes(datetime(2026, 11, 21, 16, tzinfo=UTC))


@pytest.fixture
def case(tmp_path: Path, clock: Minutes) -> Iterator[Case]:
    with small_case(tmp_path, clock) as opened:
        yield opened


@pytest.fixture
def by_its_own_date(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The twin: the law goes by what each deed says of itself."""

    def decide(framework: Framework, state: State, event: Event, _recorded: str) -> Event:
        return review.decide(framework, state, event, event.at)

    def evolve(state: State, event: Event, _recorded: str) -> State:
        return review.evolve(state, event, event.at)

    def patch() -> None:
        monkeypatch.setattr(taking, "decide", decide)
        monkeypatch.setattr(taking, "evolve", evolve)

    return patch


def back(case: Case, deed: Deed) -> State:
    """Record a deed that is dated back."""
    at = utc_text(case.installation.clock.now() - LATER)
    return case.record([replace(deed, event=deed.event.model_copy(update={"at": at}))])


def folded(case: Case) -> State:
    """The state, which what this process remembers and what the store holds both give."""
    state = case.installation.folded_state(case.id)
    assert state == case.state
    return state


def texts(name: str) -> tuple[str, str]:
    terms, text = (JUNE.joinpath(f"{each}.toml").read_text("utf-8") for each in ("terms", name))
    return terms, text


def order(case: Case) -> Deed:
    terms, text = texts("june-12")
    read = parse_directive(text, "june-12.toml", parse_terms(terms, "terms.toml"))
    return directive_issued(case, AGENCY, read, text, 1)


def classes(case: Case, until: str) -> str:
    terms, text = texts("standing")
    read = parse_standing(text, "standing.toml", parse_terms(terms, "terms.toml"))
    case.record([standing_classes_authorised(case, LAB, until, (read.digest, text))])
    return read.digest


def handed_in_anew(case: Case) -> str:
    """The day of sharing that the window says of a hand-in that is dated back."""
    anew = case.submission.model_copy(
        update={"model": case.submission.model.model_copy(update={"name": "Example Model 4"})}
    )
    state = back(case, submission_received(case, LAB, anew))
    assert state.submission is not None
    state = case.record(
        [clock_anchored(case, CENTRE, case.framework.window, state.submission, state.submitted_at)]
    )
    assert state.clock is not None
    return state.clock.anchored.shared_day


def test_a_submission_dated_back_is_shared_on_the_day_on_which_it_was_recorded(case: Case):
    assert handed_in_anew(case) == "2026-11-21"
    assert folded(case).submitted_at == "2026-11-21T16:00:00Z"


def test_twin_by_its_own_date_it_was_shared_the_day_before(
    case: Case, by_its_own_date: Callable[[], None]
):
    by_its_own_date()
    assert handed_in_anew(case) == "2026-11-20"


def pauses(case: Case, clock: Minutes) -> list[str | None]:
    back(case, clock_paused(case, CENTRE, "we wait"))
    clock.pass_by(60)
    back(case, clock_resumed(case, CENTRE))
    clock.pass_by(60)
    state = back(case, clock_ended(case, CENTRE, "done"))
    assert state.clock is not None
    return [*state.clock.pauses[0], state.clock.ended_at]


def test_pauses_and_ends_are_of_the_time_of_recording(case: Case, clock: Minutes):
    times = [f"2026-11-21T{hour}:00:00Z" for hour in (16, 17, 18)]
    assert pauses(case, clock) == times
    held = folded(case).clock
    assert held is not None
    assert [*held.pauses[0], held.ended_at] == times


def test_twin_by_their_own_dates_they_were_the_day_before(
    case: Case, clock: Minutes, by_its_own_date: Callable[[], None]
):
    by_its_own_date()
    assert pauses(case, clock)[0] == "2026-11-20T17:00:00Z"


def test_an_order_that_has_ended_is_not_issued_by_an_earlier_date(
    case: Case, clock: Minutes, by_its_own_date: Callable[[], None]
):
    deed = order(case)
    clock.moment = datetime.fromisoformat(deed.event.facts()["expires"]) + timedelta(hours=1)
    with pytest.raises(RefusedDeed, match="is in the past"):
        back(case, deed)
    assert not folded(case).directives
    by_its_own_date()
    assert back(case, deed).directives


def test_standing_classes_that_ended_answer_nothing(
    case: Case, clock: Minutes, by_its_own_date: Callable[[], None]
):
    case.record([order(case)])
    ends = clock.moment + timedelta(hours=1)
    digest = classes(case, utc_text(ends))
    clock.moment = ends
    answer = directive_answered(case, LAB, "june-12", "by-standing-class", standing=digest)
    with pytest.raises(RefusedDeed, match="the standing classes ended"):
        back(case, answer)
    assert folded(case).directives["june-12"].answer is None
    by_its_own_date()
    assert back(case, answer).directives["june-12"].answer is not None


def test_content_is_kept_from_the_day_on_which_the_close_was_recorded(case: Case):
    before = show_case(case.installation, case.id).agreement["keep_until"]
    back(case, case_closed(case, CENTRE, "done"))
    kept = show_case(case.installation, case.id).agreement
    due = datetime(2026, 11, 21, tzinfo=UTC) + timedelta(days=kept["retention_days"])
    assert (before, kept["keep_until"][:10]) == (None, utc_text(due)[:10])
    assert folded(case).closed_at == "2026-11-21T16:00:00Z"


def test_the_list_says_when_the_newest_deed_was_recorded(case: Case):
    case.record([order(case)])
    back(case, directive_lifted(case, AGENCY, "june-12"))
    (listed,) = case.installation.records.cases()
    assert listed.summary.updated == "2026-11-21T16:00:00Z"
    assert case.installation.records.rebuild(summarise_events) == []
