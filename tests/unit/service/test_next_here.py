"""What is told as next in the record here, before every deed, and to nobody what it may not read.

The law is asked as it stands in the whole record; what is told follows from each party's part.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from support.every_deed import Before
from support.next_drafts import not_taken
from support.sending import recorded, send, taken_back
from support.small_case import copied_case
from touchstone.clearance import Decision
from touchstone.deeds import cases as about
from touchstone.deeds import designation as judged
from touchstone.editions.next_text import NextInCase, next_rows, reservations
from touchstone.review import Event
from touchstone.review.events.opening import CaseOpened
from touchstone.review.next_deeds import NextReason
from touchstone.review.rules import RULES
from touchstone.service.case_context import Case
from touchstone.service.frameworks import framework_in
from touchstone.service.installation import SeenState
from touchstone.service.reporting import next_here
from touchstone.service.reporting.next_here import (
    next_for,
    next_for_all,
    next_in_case,
)

LAB, CENTRE, AGENCY, TREASURY = (
    "example-lab",
    "example-centre",
    "example-agency",
    "example-treasury",
)
EVENTS: tuple[type[Event], ...] = (CaseOpened, *RULES)
KINDS = sorted(
    {str(kind.model_fields["type"].default) for kind in EVENTS} - {"party-admitted", "case-opened"}
)


BY_A_KEY = {"invited", "recovery-due"}
"""What brings a key that is nowhere here: below, the party's own deed is looked at."""


@pytest.mark.parametrize("kind", KINDS)
def test_the_law_takes_what_is_told_before_every_deed(deeds: Mapping[str, Before], kind: str):
    before = deeds[kind]
    with before.store() as kept, taken_back(kept) as here:
        for deed in before.before:
            recorded(send(here, before.case, deed))
        state, now = here.state(before.case), here.now()
        framework = framework_in(here, before.case, state)
        for found in next_in_case(here, before.case):
            for told in found.deeds:
                if told.by == found.party and told.reason not in BY_A_KEY:
                    assert not_taken(framework, state, told, max(now, state.recorded_at)) == []


ANSWERS = {
    "party-joined": "invited",
    "party-rejoined": "recovery-due",
    "recovery-objected": "keys-said-lost",
    "inquiry-answered": "inquiry-unanswered",
    "submission-assessed": "submission-unassessed",
    "clock-anchored": "window-unlaid",
    "clock-resumed": "clock-paused",
    "battery-sealed": "battery-unsealed",
    "outcomes-recorded": "measuring-unfinished",
    "verdict-reached": "measuring-unfinished",
    "finding-responded": "finding-unanswered",
    "finding-rerun": "finding-disputed",
    "evidence-declared": "evidence-undeclared",
    "designation-made": "nothing-decided",
    "designation-concurred": "proposal-unanswered",
    "terms-agreed": "terms-unanswered",
    "postponement-answered": "postponement-unanswered",
    "directive-answered": "directive-unanswered",
    "review-resumed": "halt-stands",
    "case-destroyed": "kept-until",
}
"""Deeds that somebody waited for, and why they were next."""


@pytest.mark.parametrize("kind", sorted(ANSWERS))
def test_what_was_done_had_been_told_as_next(deeds: Mapping[str, Before], kind: str):
    before = deeds[kind]
    with before.store() as kept, taken_back(kept) as here:
        for deed in before.before:
            recorded(send(here, before.case, deed))
        actor = before.deed.event.actor
        (found,) = next_in_case(here, before.case, [actor])
        told = [each for each in found.deeds if each.by == actor and kind in each.deeds]
        assert ANSWERS[kind] in {each.reason for each in told}


def test_reasons_of_this_table_are_reasons():
    assert set(ANSWERS.values()) <= set(get_args(NextReason))


@pytest.fixture
def case(settled_home: Path, tmp_path: Path) -> Iterator[Case]:
    with copied_case(settled_home, tmp_path) as copied:
        yield copied


def reasons(found: list[NextInCase], stance: str) -> set[str]:
    return {deed.reason for each in found for deed in each.deeds if deed.stance == stance}


def told(case: Case, party: str) -> list[NextInCase]:
    return list(next_for(case.installation, party))


def disputed_apart(case: Case) -> None:
    """The developer disputes a finding where the agencies may not read that."""
    signed, marking = next(iter(case.state.findings)), case.marks.pair
    why = "We see it otherwise."
    deed = judged.finding_disputed(case, LAB, signed, why, rerun_wanted=True, marking=marking)
    case.record([deed])


def test_nobody_is_told_what_it_may_not_read(case: Case):
    assert "finding-disputed" not in reasons(told(case, CENTRE), "must")
    disputed_apart(case)
    assert "finding-disputed" in reasons(told(case, CENTRE), "must")
    assert "finding-disputed" in reasons(told(case, LAB), "awaited")
    (agency,) = told(case, AGENCY)
    assert "finding-disputed" not in reasons([agency], "awaited")
    assert agency.hidden == 1
    (remark,) = reservations([agency])
    assert remark.startswith("example-agency may not read 1 entry of case ")
    waits = [row.why for row in next_rows([agency], case.now()) if row.stance == "awaited"]
    assert waits
    assert all(why.startswith("As far as example-agency may read: ") for why in waits)
    lab = next_rows(told(case, LAB), case.now())
    assert not any("As far as" in row.why for row in lab)


def test_twin_without_the_first_wall_it_is_told(case: Case, monkeypatch: pytest.MonkeyPatch):
    disputed_apart(case)
    monkeypatch.setattr(next_here, "may_read", lambda *_: Decision(allowed=True, reason=""))
    assert "finding-disputed" in reasons(told(case, AGENCY), "awaited")


def test_who_is_invited_is_told_that_alone(case: Case):
    case.record([about.party_invited(case, CENTRE, "example-auditor", "auditor")])
    (invited,) = told(case, "example-auditor")
    assert (invited.case, invited.model, invited.hidden) == (case.id, "", 0)
    assert [(deed.by, deed.reason) for deed in invited.deeds] == [("example-auditor", "invited")]
    (by_case,) = next_in_case(case.installation, case.id, ["example-auditor"])
    assert by_case == invited
    assert "invited" in reasons(told(case, LAB), "awaited")


def test_a_stranger_is_told_nothing(case: Case):
    assert told(case, "a-stranger") == []
    assert list(next_in_case(case.installation, case.id, ["a-stranger"])) == []


def test_all_parties_are_told_what_each_is_told(case: Case):
    everyone = list(next_for_all(case.installation))
    assert {each.party for each in everyone} == {LAB, CENTRE, AGENCY, TREASURY}
    assert [each for each in everyone if each.party == LAB] == told(case, LAB)


def test_rows_of_all_cases_are_in_one_order(case: Case):
    rows = next_rows(list(next_for_all(case.installation)), case.now())
    stances = [row.stance == "awaited" for row in rows]
    assert stances == sorted(stances)
    assert rows[0].due_text == "2027-01-05 23:59 Europe/London"
    assert rows[0].as_dict()["deeds"] == ["evidence-declared"]
    past = next_rows(list(next_for_all(case.installation)), "2027-02-01T00:00:00Z")
    assert past[0].due_text.endswith(", which is past")


def test_each_case_is_folded_once_for_those_who_see_the_same(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    disputed_apart(case)
    folded: list[int] = []
    fold = next_here.fold_shown

    def noted(before: SeenState, every: Any, hidden: frozenset[int]) -> SeenState:
        folded.append(len(hidden))
        return fold(before, every, hidden)

    monkeypatch.setattr(next_here, "fold_shown", noted)
    list(next_for_all(case.installation))
    assert sorted(folded) == [0, 1]


def test_what_was_seen_before_is_not_read_again(case: Case, monkeypatch: pytest.MonkeyPatch):
    """And what is told is what a process tells that has seen nothing before."""
    told(case, AGENCY)
    disputed_apart(case)
    read: list[int] = []
    fold = next_here.fold_shown

    def noted(before: SeenState, every: Any, hidden: frozenset[int]) -> SeenState:
        read.append(len(every))
        return fold(before, every, hidden)

    monkeypatch.setattr(next_here, "fold_shown", noted)
    once = [*told(case, AGENCY), *told(case, LAB)]
    case.installation.seen_states.keep(case.id, {})
    assert once == [*told(case, AGENCY), *told(case, LAB)]
    size = case.installation.records.case(case.id).size
    assert read == [1, size, size, size]


def test_a_record_that_was_put_back_is_read_anew(case: Case):
    first, kept = told(case, LAB), case.installation.seen_states
    seen = kept.get(case.id)
    assert seen is not None
    kept.keep(case.id, {LAB: replace(seen[LAB], size=10_000, hidden=7)})
    assert told(case, LAB) == first


def test_of_a_record_that_only_is_read_nothing_is_next(case: Case, monkeypatch: pytest.MonkeyPatch):
    reader = case.installation.records.case

    def earlier(name: str) -> object:
        found = reader(name)
        found.contract = 1
        return found

    monkeypatch.setattr(case.installation.records, "case", earlier)
    assert told(case, LAB) == []
