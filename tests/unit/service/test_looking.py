"""What is next in all cases of a party, at a glance: as `next_for` has it, and looked up once."""

import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from support.small_case import Minutes, copied_case, small_case
from touchstone.deeds.cases import participation_noted, party_invited, review_halted
from touchstone.editions.next_text import NextInCase
from touchstone.handin import moment_of
from touchstone.service.case_context import Case
from touchstone.service.cases.case_admin import open_found
from touchstone.service.installation import Installation
from touchstone.service.reporting import looking
from touchstone.service.reporting.looking import LOOKED_AT, LookingOn, glance_at, models_seen
from touchstone.service.reporting.next_here import next_for, next_in_case

LAB, CENTRE, AGENCY = "example-lab", "example-centre", "example-agency"
PARTIES = (LAB, CENTRE, AGENCY, "example-treasury", "example-later", "example-stranger")


@pytest.fixture(name="clock")
def _clock() -> Minutes:
    return Minutes()


@pytest.fixture(name="case")
def _case(settled_home: Path, clock: Minutes, tmp_path: Path) -> Iterator[Case]:
    with copied_case(settled_home, tmp_path, clock) as copied:
        copied.record([party_invited(copied, CENTRE, "example-later", "auditor")])
        yield copied


@pytest.fixture(name="looks")
def _looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each look into a case that is taken from then on."""
    taken = list[str]()

    def counting(here: Installation, case: str, parties: Sequence[str]) -> Iterator[NextInCase]:
        taken.append(case)
        return next_in_case(here, case, parties)

    monkeypatch.setattr(looking, "next_in_case", counting)
    return taken


def by_case(found: list[NextInCase]) -> dict[str, NextInCase]:
    return {each.case: each for each in found}


def test_it_is_what_is_next_for_each_party(case: Case):
    for party in PARTIES:
        glance = glance_at(case.installation, party)
        assert by_case(list(glance.found)) == by_case(list(next_for(case.installation, party)))
        assert glance.unseen == 0


def test_a_case_is_looked_into_again_once_it_has_moved(case: Case, looks: list[str]):
    here = case.installation
    for _ in range(3):
        glance_at(here, LAB)
    assert looks == [case.id]
    case.record([review_halted(case, CENTRE, "a look")])
    glance = glance_at(here, LAB)
    assert looks == [case.id] * 2
    assert by_case(list(glance.found)) == by_case(list(next_for(here, LAB)))


def test_each_party_has_its_own_look(case: Case, looks: list[str]):
    for party in (LAB, CENTRE):
        glance_at(case.installation, party)
        glance_at(case.installation, party)
    assert looks == [case.id] * 2


def test_once_the_time_of_a_deed_ends_it_is_looked_again(
    tmp_path: Path, clock: Minutes, looks: list[str]
):
    with small_case(tmp_path, clock) as opened:
        here = opened.installation
        (found,) = glance_at(here, CENTRE).found
        ends = min(deed.due.at for deed in found.deeds if deed.due)
        # Looked at a moment before, so that its age alone would not have it looked at again.
        clock.moment = moment_of(ends) - timedelta(seconds=1)
        glance_at(here, CENTRE)
        clock.moment += timedelta(seconds=2)
        glance = glance_at(here, CENTRE, 1)
        assert looks == [opened.id] * 3
        assert by_case(list(glance.found)) == by_case(list(next_for(here, CENTRE)))
        assert glance_at(here, CENTRE) == glance
        assert len(looks) == 3


def test_an_old_look_is_taken_again_as_far_as_there_is_room(
    case: Case, clock: Minutes, looks: list[str]
):
    here = case.installation
    told = glance_at(here, LAB)
    clock.moment += LOOKED_AT + timedelta(seconds=1)
    # No room: what was seen is told, since nothing moved.
    assert glance_at(here, LAB, 0) == told
    assert len(looks) == 1
    glance_at(here, LAB, 1)
    assert len(looks) == 2


def test_cases_beyond_the_limit_are_said_to_be_unseen(case: Case, looks: list[str]):
    here = case.installation
    glance = glance_at(here, LAB, 0)
    assert (list(glance.found), glance.unseen, looks) == ([], 1, [])
    glance = glance_at(here, LAB, None)
    assert (len(glance.found), glance.unseen) == (1, 0)
    case.record([participation_noted(case, LAB, "participating", "Still there.")])
    glance = glance_at(here, LAB, 0)
    assert (list(glance.found), glance.unseen) == ([], 1)


def test_models_are_told_from_the_same_looks(case: Case, looks: list[str]):
    here = case.installation
    named = {case.id: open_found(here, case.id).state.submission.model}  # type: ignore[union-attr]
    assert models_seen(here, LAB, [case.id]) == named
    glance_at(here, LAB)
    assert models_seen(here, LAB, [case.id]) == named
    assert looks == [case.id]
    assert models_seen(here, LAB, []) == {}


def done() -> None:
    for each in threading.enumerate():
        if each.name == "looking":
            each.join(60)


def test_what_a_page_had_no_time_for_is_looked_at_in_a_thread(case: Case, looks: list[str]):
    here = case.installation
    on = LookingOn(here)
    assert glance_at(here, LAB, 0).unseen == 1
    on.begin(LAB)
    done()
    assert (glance_at(here, LAB, 0).unseen, looks) == (0, [case.id])


def test_a_fault_there_is_logged_and_it_may_begin_again(
    case: Case, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    on, tries = LookingOn(case.installation), list[str]()

    def broken(_here: object, party: str, _most: object) -> None:
        tries.append(party)
        raise ValueError("no such thing")

    monkeypatch.setattr(looking, "glance_at", broken)
    for _ in range(2):
        on.begin(LAB)
        done()
    assert tries == [LAB, LAB]
    assert "a fault while looking" in caplog.text
