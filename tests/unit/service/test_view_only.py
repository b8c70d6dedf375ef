"""What the agreement makes view only leaves the record by no way, and is there for its owner."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.small_case import Minutes, copied_case, record_chunk, small_case
from touchstone.clearance import Decision, party_audience
from touchstone.deeds.cases import agreement_signed
from touchstone.deeds.seen_case import see_case
from touchstone.keys import SystemRandom
from touchstone.review import audience_view
from touchstone.review.audience_view import HELD_BACK, VIEW_ONLY, read_entries_of
from touchstone.review.view_only import lookers_in
from touchstone.service.case_context import Case
from touchstone.service.measurement.sealing import reopen, seal
from touchstone.service.reporting.edition_files import audiences, issue_editions
from touchstone.service.reporting.feed import entries_since, own_bundle, own_page

LAB, CENTRE, AGENCY = "example-lab", "example-centre", "example-agency"
CANARY = "canary-of-what-was-answered"
TOLD = {
    "index": 0,
    "result": "solved",
    "said": CANARY,
    "usage": {"input": 1, "output": 1, "reasoning": 0},
    "seconds": "1.0",
}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case in which a model answered."""
    folder = tmp_path_factory.mktemp("measured")
    with small_case(folder) as case:
        seal(case, 6, "confined", accepted=True)
        prepared = reopen(case)
        record_chunk(case, prepared, prepared.runs[0], range(6), lambda _: True, [TOLD])
    return folder


@pytest.fixture
def case(measured: Path, tmp_path: Path) -> Iterator[Case]:
    clock = Minutes()
    clock.pass_by(60)
    with copied_case(measured, tmp_path / "case", clock) as found:
        yield found


def agree(case: Case, by: tuple[str, ...] = (LAB, CENTRE), **changes: Any) -> None:
    """Sign another text than the one that holds."""
    (opened,) = case.entries_of("case-opened")
    text = {**opened.content("agreement"), **changes}
    for each in by:
        case.record([agreement_signed(case, each, text, text_recorded=False)])


def routes(case: Case, party: str, folder: Path) -> dict[str, str]:
    """All that leaves the record for a party, by the way that it leaves."""
    here = case.installation
    wanted = [each for each in audiences(case.participants) if each.name == party]
    (edition,) = issue_editions(case, folder, wanted)
    return {
        "entries": b"\n".join(entries_since(here, case.id, party, 0, sight="contents")).decode(),
        "bundle": b"".join(own_bundle(here, case.id, party, sight="contents")).decode(),
        "page": own_page(here, case.id, party, sight="contents").decode(),
        "edition's bundle": edition.bundle.read_text("utf-8"),
        "edition's page": edition.report.read_text("utf-8"),
    }


def leaks(case: Case, party: str, folder: Path) -> set[str]:
    return {way for way, said in routes(case, party, folder).items() if CANARY in said}


WAYS = {"entries", "bundle", "edition's bundle"}
"""By which what a model answered leaves: a page counts it and shows none of it."""


def test_what_is_view_only_leaves_by_no_way(case: Case, tmp_path: Path):
    assert leaks(case, CENTRE, tmp_path / "before") == WAYS
    agree(case, view_only=[CENTRE])
    assert leaks(case, CENTRE, tmp_path / "after") == set()
    # It is the developer's, and stays with it.
    assert leaks(case, LAB, tmp_path / "lab") == WAYS
    assert leaks(case, AGENCY, tmp_path / "agency") == set()


def test_each_party_reads_on_its_page_who_may_only_look(case: Case):
    def said(party: str) -> bool:
        page = own_page(case.installation, case.id, party, sight="contents").decode()
        return "may look at what models answered" in page

    parties = (LAB, CENTRE, AGENCY)
    assert [said(each) for each in parties] == [False] * 3
    # One that nobody signed with the other says nothing of what holds.
    agree(case, (LAB,), view_only=[CENTRE])
    assert [said(each) for each in parties] == [False] * 3
    agree(case, view_only=[CENTRE])
    assert [said(each) for each in parties] == [True] * 3
    agree(case, view_only=[LAB])
    assert [said(each) for each in parties] == [False] * 3


def test_twin_without_the_decision_it_leaves(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def anything(_audience: object, read: Decision, _lookers: object) -> Decision:
        return read

    agree(case, view_only=[CENTRE])
    monkeypatch.setattr(audience_view, "may_take", anything)
    assert leaks(case, CENTRE, tmp_path / "out") == WAYS


def test_what_works_here_looks_at_it_and_goes_on(case: Case):
    agree(case, view_only=[CENTRE])
    reader = case.installation.records.case(case.id)
    (looked,) = case.entries_of("outcomes-recorded")
    assert CANARY in str(looked.content("details"))
    (taken,) = read_entries_of(reader, party_audience(CENTRE), ["outcomes-recorded"])
    part = taken.part("details")
    assert part is not None
    assert (part.allowed, part.label, taken.lacking("details")) == (False, VIEW_ONLY, HELD_BACK)
    # Nothing else of the entry is kept from it.
    assert taken.content("opened") is not None


@pytest.mark.parametrize(
    ("signs", "named"),
    [
        (lambda case: agree(case, view_only=[CENTRE, AGENCY]), {CENTRE, AGENCY}),
        # One party alone changes nothing, nor does the developer keep its own from itself.
        (lambda case: agree(case, (LAB,), view_only=[CENTRE]), set()),
        (lambda case: agree(case, view_only=[LAB]), set()),
        (lambda case: agree(case, view_only=CENTRE), set()),
        (lambda case: agree(case, view_only=[3, CENTRE]), {CENTRE}),
    ],
    ids=["both", "one-alone", "its-own", "no-list", "no-name"],
)
def test_the_agreement_that_holds_says_who(
    case: Case, signs: Callable[[Case], None], named: set[str]
):
    signs(case)
    assert lookers_in(case.installation.records.case(case.id)) == named


def test_another_agreement_hands_it_out(case: Case, tmp_path: Path):
    agree(case, view_only=[CENTRE])
    agree(case, retention_days=20)
    assert lookers_in(case.installation.records.case(case.id)) == set()
    assert leaks(case, CENTRE, tmp_path / "out") == WAYS


def test_its_own_machine_says_why(case: Case):
    agree(case, view_only=[CENTRE])
    here = case.installation
    pinned = here.keyring.history.lines[0].fingerprint
    for party, why in ((CENTRE, f"it is view only for {CENTRE}, by the agreement"), (LAB, "")):
        chunks = own_bundle(here, case.id, party, sight="contents")
        seen = see_case(chunks, party, pinned=pinned, clock=here.clock, random=SystemRandom())
        assert seen.held_back.partition(":")[0] == why
        assert seen.lookers == {CENTRE}
