"""A review that stopped early has its editions, and they say so."""

import time
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest

from support.silent import Silent
from support.small_case import Minutes, probed, record_chunk, small_case, solves
from touchstone.clearance import party_audience
from touchstone.editions.gathering import AudienceCase
from touchstone.editions.sections.results import stop_notice
from touchstone.editions.sentences import sentence
from touchstone.evaluation.errors import JournalError
from touchstone.evaluation.journal import Journal
from touchstone.evaluation.oversight import When
from touchstone.review.audience_view import read_entries
from touchstone.review.events import measuring
from touchstone.service.case_context import Case
from touchstone.service.errors import StoppedError
from touchstone.service.measurement import outcomes
from touchstone.service.measurement.sealing import Prepared, reopen, seal
from touchstone.service.measurement.stopping import record_stop
from touchstone.service.reviews.results import stopped_review

DEAD = StoppedError("the endpoint keeps failing; what ran is recorded", "endpoint-failing")


def begun(case: Case) -> Prepared:
    """Sealed, and the first chunk of one run recorded."""
    seal(case, 8, "confined", accepted=True)
    prepared = reopen(case)
    probed(case)
    record_chunk(case, prepared, prepared.runs[0], range(2), solves("instant"))
    return prepared


def notice(case: Case) -> tuple[str, ...]:
    audience = party_audience(case.participants.centre)
    entries = tuple(read_entries(case.installation.records.case(case.id), audience))
    return stop_notice(AudienceCase(case.id, entries, audience))


def test_a_stopped_review_has_its_editions_and_they_say_why(tmp_path: Path):
    with small_case(tmp_path) as case:
        begun(case)
        result = stopped_review(case, DEAD, tmp_path / "out", Silent())
        assert (result.designation, result.stopped) == ("undetermined", str(DEAD))
        assert result.as_dict()["stopped"] == str(DEAD)
        pages = [edition.report.read_text("utf-8") for edition in result.editions]
        said = "Measuring stopped early, at 2026-11-21 10:00 UTC: the endpoint keeps failing."
        assert [said in page for page in pages] == [True] * (len(pages) - 1) + [False]
        assert case.state.verdicts == {}
        again = stopped_review(case, DEAD, tmp_path / "out", Silent())
        assert again.editions == result.editions
        size = case.state.size
        stopped_review(case, DEAD, tmp_path / "out", Silent())
        assert case.state.size == size


def test_what_was_begun_and_not_ended_is_counted_once_its_worker_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with small_case(tmp_path) as case, ExitStack() as worker:
        begun(case)
        folder = case.installation.home / "chunks" / case.id / "abc"
        journal = worker.enter_context(Journal(folder, "abc"))
        journal.begin(4)
        journal.begin(5)
        ends = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: worker.close())
        monkeypatch.setattr(outcomes, "time", ends)
        state = record_stop(case, "battery-1", DEAD)
        assert state.stopped is not None
        assert state.stopped.begun == 2
        assert "Two samples have an outcome; two more were begun and not ended." in notice(case)[0]


def test_a_stop_is_recorded_though_a_worker_never_lets_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(outcomes, "HELD_SECONDS", 0)
    with small_case(tmp_path) as case:
        begun(case)
        with Journal(case.installation.home / "chunks" / case.id / "abc", "abc") as journal:
            journal.begin(4)
            state = record_stop(case, "battery-1", DEAD)
        assert state.stopped is not None
        # What its worker has written till now is read though it is not let go of.
        assert (state.stopped.begun, state.stopped.uncounted) == (1, 0)
        assert "one more was begun and not ended" in notice(case)[0]


@pytest.mark.parametrize(
    "spoilt",
    [b"no journal\n", b"", b'{"line":"chunk","chunk":"other","format":"touchstone/outcomes/1"}\n'],
)
def test_what_no_journal_tells_is_said_to_be_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoilt: bytes
):
    monkeypatch.setattr(outcomes, "HELD_SECONDS", 0)
    with small_case(tmp_path) as case:
        begun(case)
        folder = case.installation.home / "chunks" / case.id / "abc"
        with Journal(folder, "abc") as journal:
            journal.begin(4)
            journal.path.write_bytes(spoilt)
            state = record_stop(case, "battery-1", DEAD)
            size = state.size
            assert record_stop(case, "battery-1", DEAD).size == size
        assert state.stopped is not None
        assert (state.stopped.begun, state.stopped.uncounted) == (0, 1)
        assert "Of one chunk it is not known how many samples were begun" in notice(case)[0]


def test_a_journal_that_is_anothers_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    waited: list[float] = []
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=waited.append)
    monkeypatch.setattr(outcomes, "time", clock)
    with small_case(tmp_path) as case:
        with Journal(case.installation.records.work(case.id) / "def", "abc"):
            pass
        with pytest.raises(JournalError, match="belongs to chunk abc"):
            outcomes.journal_when_free(case, "def")
    assert not waited


@pytest.mark.parametrize("reason", get_args(measuring.StopReason))
def test_a_stop_is_over_when_measuring_goes_on(tmp_path: Path, reason: measuring.StopReason):
    clock = Minutes()
    with small_case(tmp_path, clock) as case:
        prepared = begun(case)
        record_stop(case, "battery-1", StoppedError("why", reason))
        assert sentence("stop.going-on", reason=reason) in notice(case)[0]
        record_chunk(case, prepared, prepared.runs[0], range(2, 4), solves("instant"))
        assert notice(case) == ()
        record_stop(case, "battery-1", StoppedError("why", reason))
        moments: tuple[When, ...] = ("during", "after")
        for moment in moments:
            probed(case, moment=moment)
            assert bool(notice(case)) is (moment == "during")
