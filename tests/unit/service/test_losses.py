"""What measured nothing, through the store: from recorded outcomes to the report and the rule."""

from collections.abc import Iterator

import pytest

from support.small_case import facts_for, probed, record_chunk, small_case
from touchstone.clearance import party_audience
from touchstone.editions.run_text import landed
from touchstone.review.audience_view import newest_entry
from touchstone.review.events.measuring import Result
from touchstone.service.case_context import Case
from touchstone.service.measurement.chunk_queue import plan_chunks
from touchstone.service.measurement.record_verdicts import conclude
from touchstone.service.measurement.sealing import reopen, seal
from touchstone.service.measurement.tracking import tracker_of

ITEMS = 8


def _cut(_index: int) -> Result:
    return "cut"


def _unsolved(_index: int) -> bool:
    return False


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """Every answer of the instant mode was cut; thinking fails and never shows its reasoning."""
    with small_case(tmp_path_factory.mktemp("cut")) as case:
        seal(case, ITEMS, "confined", accepted=True, whole=True)
        probed(case)
        prepared = reopen(case)
        for run in prepared.runs:
            met = _cut if run.mode.id == "instant" else _unsolved
            record_chunk(case, prepared, run, range(ITEMS), met, reasoning=False)
        conclude(case, "battery-1")
        yield case


def test_no_below_comes_of_what_was_cut_or_never_shown_to_be_on(cut: Case):
    for key, verdict in cut.state.verdicts.items():
        assert verdict.verdict == "not-measured"
        assert verdict.unmeasured.by_kind == ({"cut": ITEMS} if key.mode == "instant" else {})
        assert verdict.reasoning == ("not-asked" if key.mode == "instant" else "not-seen")
    proposal = cut.state.designating.proposals[-1]
    assert proposal.designation == "undetermined"
    reader = cut.installation.records.case(cut.id)
    summary = newest_entry(reader, proposal.type).content("words")["summary"]
    assert summary.startswith("undetermined, because not measured: ")


def test_the_terminal_and_every_row_of_the_report_name_the_loss(cut: Case):
    prepared = reopen(cut)
    rows = tracker_of(cut, plan_chunks(cut, prepared), prepared.verdicts).rows()
    instant = [landed(row) for row in rows if row.mode == "instant"]
    assert instant
    assert all("8 cut short (100%): not measured: " in line for line in instant)
    thinking = [landed(row) for row in rows if row.mode == "thinking"]
    assert all(line.endswith("it is not shown to be on") for line in thinking)
    for row in facts_for(cut, party_audience("example-agency")).results:
        assert row.lost == ((("cut", ITEMS),) if row.mode == "instant" else ())
        assert row.rate is None
