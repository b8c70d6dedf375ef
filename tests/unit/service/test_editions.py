"""What is issued, what is issued again, and what an erased part leaves."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.small_case import Minutes, copied_case
from touchstone.clearance import PUBLIC, party_audience
from touchstone.deeds.drafting import worded
from touchstone.evaluation.digests import digest_bytes
from touchstone.ledger import loads
from touchstone.ledger.contract2 import PARTS
from touchstone.review.events.settling import CaseClosed
from touchstone.service.case_context import Case
from touchstone.service.cases.destroying import destroy_case
from touchstone.service.errors import RefusedDeed
from touchstone.service.reporting.edition_files import (
    audiences,
    bundle_lines,
    issue_editions,
    render_edition,
)

CENTRE = party_audience("example-centre")
LAB = party_audience("example-lab")


@pytest.fixture
def clock() -> Minutes:
    return Minutes()


@pytest.fixture
def case(settled_home: Path, tmp_path: Path, clock: Minutes) -> Iterator[Case]:
    with copied_case(settled_home, tmp_path, clock) as opened:
        yield opened


def issued(case: Case) -> int:
    facts = case.installation.records.case(case.id).events()
    return sum(each["type"] == "report-issued" for each in facts)


def test_each_page_is_the_one_in_the_record(case: Case, tmp_path: Path):
    editions = issue_editions(case, tmp_path / "out", audiences(case.participants))
    assert issued(case) == len(editions) == 5
    for edition in editions:
        recorded = case.state.reports[edition.audience].report
        assert digest_bytes(edition.report.read_bytes()) == recorded
        assert edition.bundle.stat().st_size > 0


def test_issuing_again_adds_nothing_while_nothing_changed(
    case: Case, tmp_path: Path, clock: Minutes
):
    first = issue_editions(case, tmp_path / "out", [CENTRE, LAB])
    before = [edition.report.read_bytes() for edition in first]
    clock.pass_by()
    again = issue_editions(case, tmp_path / "out", [CENTRE, LAB])
    assert again == first
    assert issued(case) == 2
    assert [edition.report.read_bytes() for edition in again] == before


def test_what_is_new_in_the_record_is_issued(case: Case, tmp_path: Path, clock: Minutes):
    issue_editions(case, tmp_path / "out", [CENTRE])
    clock.pass_by()
    case.record([worded(case, CaseClosed, "example-centre", texts={"reason": "done"})])
    issue_editions(case, tmp_path / "out", [CENTRE])
    assert issued(case) == 2
    assert case.state.reports["example-centre"].edition == 2


@pytest.mark.parametrize("lost", ["report", "bundle"])
def test_a_lost_file_is_issued_again(case: Case, tmp_path: Path, clock: Minutes, lost: str):
    (first, _) = issue_editions(case, tmp_path / "out", [CENTRE, LAB])
    getattr(first, lost).unlink()
    clock.pass_by()
    issue_editions(case, tmp_path / "out", [CENTRE, LAB])
    assert issued(case) == 3, "the one that was lost, and not the other"
    assert getattr(first, lost).is_file()


def test_a_page_that_was_altered_is_issued_again(case: Case, tmp_path: Path, clock: Minutes):
    (edition,) = issue_editions(case, tmp_path / "out", [CENTRE])
    edition.report.write_text("another page")
    clock.pass_by()
    issue_editions(case, tmp_path / "out", [CENTRE])
    assert issued(case) == 2
    assert "another page" not in edition.report.read_text()


def erase_finding(case: Case) -> int:
    facts = case.installation.records.case(case.id).events()
    place = next(n for n, each in enumerate(facts) if each["type"] == "finding-signed")
    with case.installation.records.transaction(case.id) as writer:
        writer.erase(place, 1, "asked for by a court")
    return place


def test_an_erased_part_shows_as_erased(case: Case, tmp_path: Path):
    place = erase_finding(case)
    editions = issue_editions(case, tmp_path / "out", [CENTRE, PUBLIC])
    own, public = (edition.report.read_text() for edition in editions)
    assert "erased: asked for by a court" in own
    assert "1 is erased for everybody" in own
    assert "The text is erased." in own
    assert "erased:" not in public
    assert "erased for" not in public
    for edition in editions:
        # In a bundle nobody can tell what was erased from what is withheld or never was.
        lines = [loads(line) for line in edition.bundle.read_bytes().splitlines()]
        assert {"i": 1, "line": "withheld", "n": place} in lines
        assert b"asked for by a court" not in edition.bundle.read_bytes()


def test_erasing_leaves_no_entry_and_is_issued_all_the_same(
    case: Case, tmp_path: Path, clock: Minutes
):
    issue_editions(case, tmp_path / "out", [CENTRE])
    erase_finding(case)
    clock.pass_by()
    issue_editions(case, tmp_path / "out", [CENTRE])
    assert issued(case) == 2


def test_a_destroyed_case_shows_its_facts_and_everything_else_as_erased(case: Case):
    destroy_case(case.installation, case.id)
    reader = case.installation.records.case(case.id)
    page = render_edition(case, CENTRE, reader.size, case.now()).decode()
    parts = [part for part in reader.parts() if not part.padding]
    gone = sum(part.data is None for part in parts)
    assert gone
    assert f"opens {len(parts) - gone} and withholds 0; {gone} are erased for everybody" in page
    assert "erased: destroyed with the case" in page
    assert "above the threshold" in page, "verdicts bear on the state and stay"
    assert "We confirm the result." not in page
    proof = case.installation.records.installation.prove(case.id)
    bundle = b"".join(bundle_lines(case, CENTRE, proof, case.now()))
    opened = len(re.findall(rb'"line":"part"', bundle))
    assert opened == len(parts) - gone
    assert len(re.findall(rb'"line":"withheld"', bundle)) == PARTS * reader.size - opened


def test_where_no_report_may_be_issued_no_file_is_written(case: Case, tmp_path: Path):
    destroy_case(case.installation, case.id)
    with pytest.raises(RefusedDeed):
        issue_editions(case, tmp_path / "out", [CENTRE])
    assert list((tmp_path / "out").iterdir()) == []
