"""What ran is looked at however measuring ended; what was not is said, with the command for it."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.scanned_case import HALVES, Scans, logged, record_logged
from support.silent import Silent
from support.small_case import copied_case, small_case
from touchstone.deeds.cases import case_closed, review_withdrawn
from touchstone.evaluation.submission import Mode
from touchstone.records.errors import DamagedError
from touchstone.review.events.detecting import TranscriptsScanned
from touchstone.service.case_context import Case
from touchstone.service.cases.destroying import destroy_case
from touchstone.service.errors import DestroyedCaseError, StoppedError
from touchstone.service.measurement import transcript_scans
from touchstone.service.measurement.record_verdicts import conclude
from touchstone.service.measurement.review_result import ReviewOptions
from touchstone.service.measurement.sealing import reopen
from touchstone.service.measurement.stopping import end_measuring
from touchstone.service.reviews import measuring, what_ran
from touchstone.service.reviews.measuring import measure_review
from touchstone.service.reviews.results import ended_review, stopped_review
from touchstone.service.reviews.reviewing import run_review
from touchstone.service.reviews.what_ran import look_at_what_ran, scan_case, unscanned_line
from touchstone.verdicts.errors import CannotRunError

EVERY = 12
"""Samples: six items in two modes."""
COMMAND = "touchstone oversight scan"
FAULTS = [OSError(28, "No space left on device"), DamagedError("the record is damaged")]


class Told:
    def __init__(self) -> None:
        self.said: list[str] = []

    def step(self, text: str) -> None:
        self.said.append(text)

    def progress(self, rows: Sequence[Any]) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("measured")
    with small_case(folder) as case:
        logged(case)
    return folder


@pytest.fixture
def case(measured: Path, tmp_path: Path) -> Iterator[Case]:
    with copied_case(measured, tmp_path / "case") as found:
        yield found


@pytest.fixture(autouse=True)
def scans(monkeypatch: pytest.MonkeyPatch) -> Scans:
    made = Scans()
    monkeypatch.setattr(transcript_scans, "scan_chunks", made)
    return made


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(transcript_scans, "scan_chunks", fails)


def scan_of(case: Case) -> TranscriptsScanned | None:
    return case.state.scans.get("battery-1")


# ---------------------------------------------------------------- a scan that fails


@pytest.mark.parametrize("error", FAULTS, ids=lambda each: type(each).__name__)
def test_a_scan_that_fails_is_told_and_hides_nothing(
    case: Case, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    failing(monkeypatch, error)
    told = Told()
    look_at_what_ran(case, reopen(case), told)
    assert told.said[-1] == f"What ran could not be looked at: {error}"
    assert scan_of(case) is None


def measured_again(
    case: Case, monkeypatch: pytest.MonkeyPatch, measures: Callable[..., Any], **chosen: Any
) -> list[str]:
    """What is told while a case is measured by `measures`; raises what that raises."""
    for name in ("take_snapshots", "probe_modes", "ask_modes"):
        monkeypatch.setattr(measuring, name, lambda *_, **__: {})
    monkeypatch.setattr(measuring, "measure", measures)
    monkeypatch.setattr(measuring, "preflight", lambda: SimpleNamespace(grade="confined"))
    keys = {each.api_key_env: "key" for each in case.submission.modes}
    told, options = Told(), ReviewOptions(accept_grade=True, **chosen)
    try:
        measure_review(case, reopen(case), keys, options, told, None)
    except StoppedError as error:
        return [*told.said, f"raised: {error}"]
    return told.said


@pytest.mark.parametrize("stopped", [True, False])
@pytest.mark.parametrize("error", FAULTS, ids=lambda each: type(each).__name__)
def test_measuring_ends_as_it_ended_though_the_scan_fails(
    case: Case, monkeypatch: pytest.MonkeyPatch, error: Exception, stopped: bool
):
    def measures(*_: Any) -> None:
        if stopped:
            raise StoppedError("a cap was met", "cap")

    failing(monkeypatch, error)
    said = measured_again(case, monkeypatch, measures)
    assert f"What ran could not be looked at: {error}" in said
    assert ("raised: a cap was met" in said) is stopped


def test_a_scanner_that_a_stop_left_unasked_is_named_with_its_command(
    case: Case, monkeypatch: pytest.MonkeyPatch
):
    def stops(*_: Any) -> None:
        raise StoppedError("halted", "halted")

    said = measured_again(case, monkeypatch, stops, scanner=case.submission.modes[0])
    assert any(f"ask it with: {COMMAND} {case.id} --scanner FILE" in line for line in said)
    assert scan_of(case) is not None
    assert not any("--scanner" in line for line in measured_again(case, monkeypatch, stops))


def test_what_a_failed_scan_left_is_looked_at_when_the_review_is_run_again(
    case: Case, monkeypatch: pytest.MonkeyPatch, scans: Scans
):
    conclude(case, "battery-1")
    folder = case.installation.home.parent
    again = (case.installation, folder / "SUBMISSION.toml", folder / "out", ReviewOptions())
    failing(monkeypatch, FAULTS[0])
    result = run_review(*again, Silent())
    assert f"{EVERY} transcripts. Have them looked at with: {COMMAND} {case.id}" in result.unscanned
    assert result.unscanned in result.lines()
    assert result.as_dict()["unscanned"] == result.unscanned
    monkeypatch.setattr(transcript_scans, "scan_chunks", scans)
    assert run_review(*again, Silent()).unscanned == ""
    assert (found := scan_of(case)) is not None
    assert found.looked_at == EVERY


# ---------------------------------------------------------------- what a result says


def withdraw(case: Case) -> None:
    case.record([review_withdrawn(case, case.participants.developer)])


def close(case: Case) -> None:
    case.record([case_closed(case, case.participants.centre, "over")])


ENDS = {"withdrawn": withdraw, "closed": close}


@pytest.mark.parametrize("ending", ENDS)
def test_of_a_case_that_ended_it_is_said_that_nothing_was_looked_at(
    case: Case, scans: Scans, ending: str
):
    ENDS[ending](case)
    told = Told()
    look_at_what_ran(case, reopen(case), told)
    assert scans.given == []
    # What it would say of the refused deed is said by the result, in words of the case's end.
    assert not any("could not be looked at" in line for line in told.said)
    result = ended_review(case, end_measuring(case), case.installation.home / "out", Silent())
    assert result.unscanned.startswith(f"Not looked at by any detector: {EVERY} transcripts. The")
    assert COMMAND not in result.unscanned
    (page,) = (each.report for each in result.editions if each.audience == "example-centre")
    assert "No detector has looked at the transcripts" in page.read_text("utf-8")
    with pytest.raises(CannotRunError, match=f"; {EVERY} of them stay not looked at"):
        scan_case(case.installation, case.id, Silent())


def test_a_stopped_review_names_the_command_until_it_was_given(case: Case):
    stop, out = StoppedError("a cap was met", "cap"), case.installation.home / "out"
    result = stopped_review(case, stop, out, Silent())
    assert f"{COMMAND} {case.id}" in result.unscanned
    found = scan_case(case.installation, case.id, Silent())
    assert (found.batteries, found.unscanned) == ((("battery-1", EVERY, EVERY),), ())
    assert found.lines() == [
        "battery-1: every detector looked through 12 of 12 transcripts. Nothing is cleared."
    ]
    assert stopped_review(case, stop, out, Silent()).unscanned == ""


# ---------------------------------------------------------------- the command


def test_it_looks_once_and_again_at_what_came_later(tmp_path: Path, scans: Scans):
    with small_case(tmp_path) as case:
        with pytest.raises(CannotRunError, match="nothing ran of this case yet"):
            scan_case(case.installation, case.id, Silent())
        prepared = logged(case, HALVES[:1])
        for _ in range(2):
            scan_case(case.installation, case.id, Silent())
        assert len(scans.given) == 1
        record_logged(case, prepared, "instant", HALVES[1])
        assert unscanned_line(case, "battery-1").startswith("Not looked at by any detector: 3 tr")
        found = scan_case(case.installation, case.id, Silent())
        assert found.as_dict()["batteries"] == [
            {"battery": "battery-1", "looked_at": 9, "transcripts": 9}
        ]


def test_what_no_key_here_may_record_stays_named(case: Case, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Case, "signs_here", lambda *_: False)
    found = scan_case(case.installation, case.id, Silent())
    assert found.batteries == (("battery-1", 0, EVERY),)
    assert found.unscanned == (unscanned_line(case, "battery-1"),) != ("",)


def test_a_scanner_is_asked_after_the_detectors_and_refused_before_them(
    case: Case, monkeypatch: pytest.MonkeyPatch, scans: Scans
):
    (own, *_), asked = case.submission.modes, list[str]()
    other = Mode.model_validate(
        own.model_dump() | {"model": "openai-api/other/a-scanner", "api_key_env": "SCANNER_KEY"}
    )
    monkeypatch.delenv("SCANNER_KEY", raising=False)
    for mode, why in ((own, "--accept-own-scanner"), (other, "set SCANNER_KEY")):
        with pytest.raises(CannotRunError, match=why):
            scan_case(case.installation, case.id, Silent(), mode)
    assert scans.given == []
    monkeypatch.setenv("SCANNER_KEY", "key")
    monkeypatch.setattr(
        what_ran, "grade_transcripts", lambda _c, battery, *_: asked.append(battery)
    )
    scan_case(case.installation, case.id, Silent(), other)
    assert (len(scans.given), asked) == (1, ["battery-1"])


def test_of_a_destroyed_case_nothing_is_looked_at(case: Case):
    destroy_case(case.installation, case.id)
    with pytest.raises(DestroyedCaseError):
        scan_case(case.installation, case.id, Silent())


# ---------------------------------------------------------------- a scan that could not look


def nothing_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def blind(chunks: Any, canaries: tuple[str, ...] = ()) -> Any:
        from support.unscanned import unscanned  # noqa: PLC0415  its fixture is for whole files

        return unscanned(chunks, canaries)

    monkeypatch.setattr(transcript_scans, "scan_chunks", blind)


def test_a_scan_that_could_look_at_nothing_is_tried_again_and_counted_once(
    case: Case, monkeypatch: pytest.MonkeyPatch, scans: Scans
):
    nothing_seen(monkeypatch)
    for _ in range(2):
        scan_case(case.installation, case.id, Silent())
        assert f"{COMMAND} {case.id}" in unscanned_line(case, "battery-1")
    size = case.state.size
    assert len(list(case.entries_of(transcript_scans.SCANNED))) == 1
    monkeypatch.setattr(transcript_scans, "scan_chunks", scans)
    assert scan_case(case.installation, case.id, Silent()).unscanned == ()
    assert case.state.size == size + 1
