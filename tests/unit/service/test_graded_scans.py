"""A scanner is asked once about each transcript; its counts stand beside its error, corrected."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from support.scanned_case import HALVES, logged, record_logged
from support.small_case import copied_case, facts_for, small_case
from touchstone.clearance import party_audience
from touchstone.deeds.deed import Content, Deed, Evidence
from touchstone.deeds.measurement import transcripts_graded
from touchstone.editions.page import render_html
from touchstone.evaluation.digests import digest_value
from touchstone.evaluation.outcomes import Usage
from touchstone.evaluation.oversight.graded.accuracy import (
    CaseRate,
    GraderAccuracy,
    QuestionAccuracy,
)
from touchstone.evaluation.oversight.graded.asking import Grader
from touchstone.evaluation.oversight.graded.questions import questions, questions_digest
from touchstone.evaluation.oversight.graded.transcripts import GradedChunks
from touchstone.evaluation.oversight.labelled.grader_accuracy import MeasuredGrader
from touchstone.evaluation.oversight.labelled.grader_cases import cases_digest
from touchstone.evaluation.oversight.scanning import ChunkLog
from touchstone.evaluation.oversight.sightings import Look, ScannedTranscript, Sighting, cover
from touchstone.evaluation.submission import Mode, endpoint_digest
from touchstone.review.errors import BadEventError
from touchstone.service.access.flagged import list_flagged, show_flagged
from touchstone.service.case_context import Case
from touchstone.service.measurement import graded_scans
from touchstone.service.measurement.graded_scans import GRADED, grade_transcripts
from touchstone.service.measurement.sealing import reopen
from touchstone.service.reviews.requirements import scanner_of
from touchstone.verdicts.errors import CannotRunError

EVERY = 12
NAMES = tuple(questions())
FLAGGED = "graded-unfaithful-reasoning"
KEY_NAME, KEY = "EXAMPLE_SCANNER_KEY", "sk-of-the-centre-and-of-nobody-else"
REASON = "it works out seven and writes nine"
MODE = Mode(
    id="scanner",
    variant="scanner",
    model="openai-api/example/scanner",
    base_url="https://scanner.example/v1",
    api_key_env=KEY_NAME,
)


def accuracy(found: CaseRate, alarms: CaseRate, mode: Mode = MODE) -> GraderAccuracy:
    over = CaseRate(flagged=1, of=4)
    return GraderAccuracy(
        questions=questions_digest(),
        cases=cases_digest(),
        model=mode.model,
        endpoint=endpoint_digest(mode),
        detectors=tuple(
            QuestionAccuracy(
                detector=name,
                easy=found,
                hard=CaseRate(),
                false_alarms=alarms,
                talked_out=over,
                talked_into=over,
            )
            for name in NAMES
        ),
    )


SHARP = CaseRate(flagged=18, of=20), CaseRate(flagged=2, of=40)


@dataclass
class Graders:
    """In the place of what asks a model: the first transcript of each log is flagged."""

    known: tuple[CaseRate, CaseRate] = SHARP
    fails: Callable[[int], bool] = lambda _: False
    """Of which positions it gives no answer to the last question."""
    parts: int = 1
    given: list[int] = field(default_factory=list)
    """How many transcripts each call asked about."""
    keys: list[str] = field(default_factory=list)
    measured: int = 0

    def measure(self, grader: Grader) -> MeasuredGrader:
        self.measured += 1
        self.keys.append(grader.key)
        return MeasuredGrader(accuracy(*self.known, grader.mode), Usage(input=900, output=90), 400)

    def grade(self, grader: Grader, chunks: Sequence[ChunkLog]) -> GradedChunks:
        self.keys.append(grader.key)
        self.given.append(sum(len(each.wanted) for each in chunks))
        found = GradedChunks(usage=Usage(input=10, output=1), calls=7)
        for each in chunks:
            rows = [self._row(each, index) for index in each.wanted] if each.log else []
            found.rows[each.chunk] = cover(each.wanted, rows, NAMES)
            found.pieces |= {(each.chunk, index): self.parts for index in each.wanted}
        return found

    def _row(self, chunk: ChunkLog, index: int) -> ScannedTranscript:
        seen = Sighting(detector=FLAGGED, message="m1", why="as asked", quote=REASON)
        looks = {name: Look(detector=name) for name in NAMES}
        if index in {each[0] for each in HALVES}:
            looks[FLAGGED] = Look(detector=FLAGGED, flagged=1, sightings=(seen,))
        if self.fails(index):
            looks[NAMES[-1]] = Look(detector=NAMES[-1], fault="it declined to answer")
        return ScannedTranscript(
            sample=chunk.wanted[index], index=index, looks=tuple(looks.values())
        )


class Told:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def step(self, text: str) -> None:
        self.said.append(text)

    def progress(self, rows: Sequence[Any]) -> None:
        raise AssertionError(rows)


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


@pytest.fixture
def graders(monkeypatch: pytest.MonkeyPatch) -> Graders:
    made = Graders()
    monkeypatch.setenv(KEY_NAME, KEY)
    monkeypatch.setattr(graded_scans, "measure_grader", made.measure)
    monkeypatch.setattr(graded_scans, "grade_chunks", made.grade)
    return made


def ask(case: Case, mode: Mode = MODE, *, own: bool = False) -> list[str]:
    told = Told()
    grader = scanner_of(mode, case.submission, accept_own=own)
    grade_transcripts(case, "battery-1", grader, told)
    return told.said


def count(case: Case, detector: str = FLAGGED) -> tuple[int, int, int, int, int]:
    ((event),) = case.state.gradings.values()
    (one,) = [each for each in event.counts if each.detector == detector]
    return (
        one.flagged,
        one.unflagged,
        one.not_looked_at,
        one.alone_flagged,
        one.alone_unflagged,
    )


def section(case: Case, party: str = "example-centre") -> str:
    page = render_html(facts_for(case, party_audience(party)))
    return page.partition('id="graded"')[2].partition("</section>")[0]


def row_of(said: str, detector: str = FLAGGED) -> str:
    return said.partition(f">{detector}<")[2].partition("</tr>")[0]


def test_each_transcript_is_counted_and_its_use_apart_from_the_caps(case: Case, graders: Graders):
    said = ask(case)
    assert count(case) == (4, 8, 0, 4, 8)
    ((event),) = case.state.gradings.values()
    assert (event.transcripts, event.looked_at, event.whose) == (EVERY, EVERY, "centre")
    assert (event.calls, event.input, event.output) == (407, 910, 91)
    # One batch: all logs are small.
    assert (graders.given, graders.measured, set(graders.keys)) == ([EVERY], 1, {KEY})
    assert "The scanner is asked about 12 transcripts" not in said
    assert said[-1].startswith("Transcripts of which the scanner answered every question: 12 of 12")
    record = case.installation.home.rglob("*")
    assert not any(KEY.encode() in each.read_bytes() for each in record if each.is_file())


@pytest.mark.usefixtures("graders")
def test_a_count_stands_beside_its_error_and_is_corrected_for_it(case: Case):
    ask(case)
    row = row_of(section(case))
    # 4 of 12 flagged, .9 found and .05 falsely: (1/3 - .05) / .85.
    assert all(word in row for word in (">4<", ">8<", "18 of 20", "2 of 40", "33% of 12")), row
    told = "told no: 1 of 4 found; told yes: 1 of 4 flagged"
    assert told in row
    page = section(case)
    assert "It flags, and clears nothing" in page
    assert "The centre chose it" in page
    assert MODE.model in page
    assert REASON not in page
    (shown,) = list_flagged(case.installation, case.id, "example-centre", sight="contents")
    assert shown.scanner["model"] == MODE.model
    (told_count,) = [each for each in shown.counts if each["detector"] == FLAGGED]
    assert told_count["corrected"]["share"] == "0.333333"
    flagged = [each for each in shown.transcripts if each.flags]
    one = show_flagged(
        case.installation, case.id, "example-centre", flagged[0].name, sight="contents"
    )
    assert [each.quote for each in one.places] == [REASON]


@pytest.mark.parametrize(
    ("known", "why", "counted"),
    [
        ((CaseRate(flagged=10, of=20), CaseRate(flagged=20, of=40)), "cannot be corrected", True),
        ((CaseRate(flagged=18, of=20), CaseRate(not_looked_at=40)), "no error was measured", False),
    ],
)
def test_without_an_error_there_is_no_count_and_of_a_blunt_one_no_correction(
    case: Case, graders: Graders, known: tuple[CaseRate, CaseRate], why: str, counted: bool
):
    graders.known = known
    ask(case)
    row = row_of(section(case))
    assert why in row
    assert ("no count" in row, ">4<" in row) == (not counted, counted), row
    (shown,) = list_flagged(case.installation, case.id, "example-centre", sight="contents")
    told = {each["detector"]: each for each in shown.counts}[FLAGGED]
    assert told["flagged"] == (4 if counted else None)
    assert told["corrected"] is None


def test_of_one_that_answers_no_labelled_case_no_transcript_is_asked(case: Case, graders: Graders):
    graders.known = (CaseRate(not_looked_at=20), CaseRate(not_looked_at=40))
    ask(case)
    assert graders.given == []
    assert count(case) == (0, 0, EVERY, 0, 0)
    # It may be asked again, once it answers.
    graders.known = SHARP
    ask(case)
    assert count(case) == (4, 8, 0, 4, 8)


def test_what_it_answered_stands_and_only_the_rest_is_asked_again(case: Case, graders: Graders):
    graders.fails = lambda index: index in {1, 4}
    ask(case)
    assert count(case, NAMES[-1]) == (0, 8, 4, 0, 8)
    graders.fails = lambda index: index == 4
    ask(case)
    assert graders.given == [EVERY, 4]
    assert count(case, NAMES[-1]) == (0, 10, 2, 0, 10)
    # What it flagged before it flags still, though it was not asked of that again.
    assert count(case) == (4, 8, 0, 4, 8)
    size = case.state.size
    # It answers no more than it had: nothing is recorded.
    ask(case)
    assert case.state.size == size
    graders.fails = lambda _: False
    ask(case)
    assert ask(case) == [
        "This scanner has answered about each transcript; nothing is asked of it again"
    ]
    assert graders.given == [EVERY, 4, 2, 2]


@pytest.mark.usefixtures("graders")
def test_another_scanner_stands_beside_it_and_replaces_nothing(case: Case):
    ask(case)
    other = MODE.model_copy(update={"base_url": "https://other.example/v1"})
    ask(case, other)
    assert len(case.state.gradings) == 2
    assert section(case).count("was asked about 12 transcripts") == 2
    shown = list_flagged(case.installation, case.id, "example-centre", sight="contents")
    assert len(shown) == 2
    one = show_flagged(
        case.installation, case.id, "example-centre", shown[0].transcripts[0].name, sight="contents"
    )
    assert one.flags == {FLAGGED: 2}


def test_transcripts_in_several_parts_are_in_no_corrected_share(case: Case, graders: Graders):
    graders.parts = 2
    ask(case)
    assert count(case) == (4, 8, 0, 0, 0)
    assert "none was looked at in one part" in row_of(section(case))


def test_a_model_under_review_is_its_own_scanner_only_where_that_is_said(
    case: Case, graders: Graders
):
    subject = case.submission.modes[0].model_copy(update={"api_key_env": KEY_NAME})
    with pytest.raises(CannotRunError, match="is a model under review"):
        ask(case, subject)
    assert graders.measured == 0
    ask(case, subject, own=True)
    ((event),) = case.state.gradings.values()
    assert event.whose == "under-review"
    assert "It is a model under review, and judged its own transcripts" in section(case)


def test_a_key_of_the_developers_name_or_none_is_refused(
    case: Case, graders: Graders, monkeypatch: pytest.MonkeyPatch
):
    named = MODE.model_copy(update={"api_key_env": case.submission.modes[0].api_key_env})
    with pytest.raises(CannotRunError, match="has the name of one of the submission's"):
        ask(case, named)
    monkeypatch.delenv(KEY_NAME)
    with pytest.raises(CannotRunError, match=f"set {KEY_NAME} in the environment"):
        ask(case)
    assert graders.measured == 0


def test_nothing_is_asked_that_no_key_here_may_record(
    case: Case, graders: Graders, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Case, "signs_here", lambda _self, _actor, deed: deed != GRADED)
    assert "waits for example-centre" in ask(case)[0]
    assert graders.measured == 0


def test_what_was_recorded_while_it_was_asked_is_left_to_the_next(
    tmp_path: Path, graders: Graders, monkeypatch: pytest.MonkeyPatch
):
    with small_case(tmp_path) as half:
        logged(half, HALVES[:1])
        prepared, kept = reopen(half), graders.grade

        def slowly(grader: Grader, chunks: Sequence[ChunkLog]) -> GradedChunks:
            record_logged(half, prepared, "thinking", HALVES[1])
            return kept(grader, chunks)

        monkeypatch.setattr(graded_scans, "grade_chunks", slowly)
        ask(half)
        assert half.state.gradings == {}


# ---------------------------------------------------------------- what the law holds it to

Change = Callable[[dict[str, Any], dict[str, Any], list[dict[str, Any]]], None]


def another_endpoint(_facts: Any, known: dict[str, Any], _rows: Any) -> None:
    known["endpoint"] = "sha256:" + "ab" * 32


def other_questions(facts: dict[str, Any], _known: Any, _rows: Any) -> None:
    facts["questions"] = "sha256:" + "ab" * 32


def without_an_error(_facts: Any, known: dict[str, Any], _rows: Any) -> None:
    known["detectors"] = known["detectors"][1:]


def more_alone(facts: dict[str, Any], _known: Any, _rows: Any) -> None:
    one = next(each for each in facts["counts"] if each["detector"] == FLAGGED)
    one["alone_unflagged"] -= 1


def hides_a_flag(facts: dict[str, Any], _known: Any, _rows: Any) -> None:
    one = next(each for each in facts["counts"] if each["detector"] == FLAGGED)
    one.update(flagged=3, unflagged=9, alone_flagged=3, alone_unflagged=9)


@pytest.mark.usefixtures("graders")
@pytest.mark.parametrize(
    ("change", "why"),
    [
        (another_endpoint, "endpoint is not as the measured error has it"),
        (other_questions, "questions is not as the measured error has it"),
        (without_an_error, "counts is not as the measured error has it"),
        (more_alone, f"counts of {FLAGGED} are not as the sightings have them"),
        (hides_a_flag, f"counts of {FLAGGED} are not as the sightings have them"),
    ],
)
def test_a_count_is_of_the_rows_and_its_error_of_who_counted(
    case: Case, monkeypatch: pytest.MonkeyPatch, change: Change, why: str
):
    def changed(*given: Any) -> Deed:
        deed = transcripts_graded(*given)
        known, seen = deed.attachments
        assert isinstance(known, Content)
        assert isinstance(seen, Evidence)
        facts, told = deed.event.facts(), json.loads(seen.data)
        value = json.loads(json.dumps(known.value))
        change(facts, value, told["transcripts"])
        facts["accuracy"] = digest_value(value)
        event = type(deed.event).model_validate_json(json.dumps(facts))
        data = json.dumps(told).encode()
        return Deed(event, (replace(known, value=value), replace(seen, data=data)))

    monkeypatch.setattr(graded_scans, "transcripts_graded", changed)
    with pytest.raises(BadEventError) as error:
        ask(case)
    assert why in str(error.value)
