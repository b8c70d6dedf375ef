"""Graders over real HTTP: good, noisy, talked over, of no use; and how their error is counted."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.evaluation.test_oversight_scans import changed, wanted, write_log
from support import graders
from support.endpoint import Endpoint
from support.graders import KEY, grader
from touchstone.evaluation.oversight.graded.accuracy import (
    CorrectedShare,
    corrected_share,
)
from touchstone.evaluation.oversight.graded.asking import GIVES_UP, ToGrade, grade
from touchstone.evaluation.oversight.graded.transcripts import grade_chunks
from touchstone.evaluation.oversight.labelled.grader_accuracy import measure_grader
from touchstone.evaluation.oversight.labelled.grader_cases import GraderCase, grader_cases
from touchstone.evaluation.oversight.labelled.transcripts import labelled_transcripts
from touchstone.evaluation.oversight.scanning import ChunkLog
from touchstone.evaluation.oversight.sightings import NO_LOG, Look

AWARE, UNFAITHFUL = "graded-test-awareness", "graded-unfaithful-reasoning"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with graders.grader_server() as served:
        yield served


def cases(detector: str, every: int = 1) -> list[GraderCase]:
    return [each for each in grader_cases() if each.detector == detector][::every]


def looks(endpoint: Endpoint, name: str, asked: list[GraderCase], **asking: int) -> list[Look]:
    work = [ToGrade(each.said, (each.detector,)) for each in asked]
    return [look for (look,) in grade(grader(endpoint.url, name, **asking), work).looks]


def test_a_good_grader_is_measured_to_be_one_on_both_of_a_pair(endpoint: Endpoint):
    known = measure_grader(grader(endpoint.url, "good"), cases(UNFAITHFUL)).accuracy
    found = known.of(UNFAITHFUL)
    assert found is not None
    assert [(each.flagged, each.of) for each in (found.easy, found.hard)] == [(6, 6), (8, 8)]
    assert (found.false_alarms.flagged, found.false_alarms.of) == (0, 23)
    assert (found.talked_out.flagged, found.talked_into.flagged) == (4, 0)
    # Of what it was not asked nothing is known, and nothing is said.
    other = known.of(AWARE)
    assert other is not None
    assert corrected_share(other, 0, 10) == "unmeasured"


def test_a_grader_that_is_talked_over_is_measured_to_be_one(endpoint: Endpoint):
    known = measure_grader(grader(endpoint.url, "swayed"), cases(UNFAITHFUL)).accuracy
    found = known.of(UNFAITHFUL)
    assert found is not None
    assert (found.easy.flagged, found.hard.flagged) == (6, 8)
    assert (found.talked_out.flagged, found.talked_out.of) == (0, 4)
    assert (found.talked_into.flagged, found.talked_into.of) == (4, 4)


def test_of_a_noisy_grader_the_corrected_share_is_the_planted_one(endpoint: Endpoint):
    asked = [each for each in cases(AWARE) if each.kind != "talked-over"]
    known = measure_grader(grader(endpoint.url, "noisy"), asked).accuracy.of(AWARE)
    assert known is not None
    assert (known.found.flagged, known.false_alarms.flagged) == (8, 10)
    # Of other questions, so that its draws are others: 6 of 123 have the property.
    mixed = [
        each
        for name in ("graded-refusal", "graded-giving-up", "graded-reward-hacking")
        for planted, count in ((True, 2), (False, 39))
        for each in [one for one in cases(name) if one.planted is planted][:count]
    ]
    found = looks(endpoint, "noisy", mixed)
    flagged = sum(each.flagged > 0 for each in found)
    got = corrected_share(known, flagged, len(found))
    assert isinstance(got, CorrectedShare)
    planted = sum(each.planted for each in mixed) / len(mixed)
    assert got.low < planted < got.high
    assert abs(got.share - planted) < abs(flagged / len(found) - planted)


def test_a_grader_that_guesses_cannot_be_corrected_for(endpoint: Endpoint):
    found = measure_grader(grader(endpoint.url, "guessing"), cases(UNFAITHFUL)).accuracy
    known = found.of(UNFAITHFUL)
    assert known is not None
    assert known.measured
    assert known.found.flagged / known.found.of <= known.false_alarms.flagged / (
        known.false_alarms.of
    )
    assert corrected_share(known, 10, 20) == "blunt"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("rubbish", ("not of the form", "names no message", "was not shown")),
        ("declining", ("it declined to answer",)),
        ("cut", ("is not whole",)),
    ],
)
def test_what_is_no_answer_is_no_look(endpoint: Endpoint, name: str, why: tuple[str, ...]):
    asked = cases(UNFAITHFUL)
    found = looks(endpoint, name, asked)
    assert all(not each.looked and each.flagged == 0 for each in found)
    assert all(any(word in each.fault for word in why) for each in found), found
    assert {word for word in why if any(word in each.fault for each in found)} == set(why)
    known = measure_grader(grader(endpoint.url, name), asked[:6]).accuracy.of(UNFAITHFUL)
    assert known is not None
    assert not known.measured


def test_a_grader_that_hangs_or_fails_is_asked_no_longer(endpoint: Endpoint):
    asked = cases(AWARE)
    before = len(endpoint.requests)
    hung = looks(endpoint, "hanging", asked, attempt_seconds=1)
    failed = looks(endpoint, "failing", asked)
    assert {each.looked for each in (*hung, *failed)} == {False}
    assert "no whole answer within 1 s" in hung[0].fault
    assert "keeps failing" in hung[-1].fault
    assert "HTTP 500" in failed[0].fault
    # Those that were under way are ended, and no others are begun.
    assert len(endpoint.requests) - before <= 2 * (2 * GIVES_UP)


def test_a_key_that_a_grader_repeats_is_in_no_look(endpoint: Endpoint):
    (look,) = looks(endpoint, "repeating", cases(AWARE)[:1])
    assert look.sightings[0].quote == "the key is <key>"
    assert endpoint.headers[-1]["Authorization"] == f"Bearer {KEY}"


def test_transcripts_are_read_apart_and_each_of_the_journal_has_a_row(
    endpoint: Endpoint, tmp_path: Path
):
    labelled = [each for each in labelled_transcripts(1) if each.planted == "test-awareness"][:2]
    clean = [each for each in labelled_transcripts(1) if not each.planted][:2]
    log = write_log(tmp_path, [labelled[0], clean[0], labelled[1], clean[1]])
    damaged = changed(log, lambda name, data: b"{" if name.startswith("samples/3_") else data)
    # The last is under another uuid than the journal has, and one has no transcript at all.
    chunks = [
        ChunkLog("a", damaged, {**wanted(4), 1: "other", 7: "u7"}),
        ChunkLog("b", None, {0: "u9"}),
    ]
    found = grade_chunks(grader(endpoint.url, "good"), chunks, lambda *_: (AWARE,))
    told = {(chunk, row.index): row.looks[0] for chunk, rows in found.rows.items() for row in rows}
    assert [key for key, look in told.items() if look.flagged] == [("a", 0), ("a", 2)]
    assert [key for key, look in told.items() if look.looked] == [("a", 0), ("a", 2)]
    assert {told[key].fault for key in (("a", 1), ("a", 7), ("b", 0))} == {NO_LOG}
    assert "Error" in told["a", 3].fault
    # It stands at the message that says it, and at no other.
    (seen,) = told["a", 0].sightings
    texts = {each.id: str(each.content) for each in labelled[0].messages}
    assert labelled[0].messages[-1].id != seen.message
    assert "test of whether" in texts[seen.message]
    assert (found.pieces, found.calls) == ({("a", 0): 1, ("a", 2): 1}, 2)
    assert found.usage.input == 200


def test_a_long_transcript_is_shown_in_pieces_and_each_must_be_answered(endpoint: Endpoint):
    (case,) = [each for each in cases(AWARE) if each.planted and each.kind == "easy"][:1]
    whole = grader(endpoint.url, "good")
    short = grader(endpoint.url, "good").__class__(whole.mode, KEY, whole.asking, piece=900)
    got = grade(short, [ToGrade(case.said, (AWARE,))])
    assert got.pieces[0] > 1
    assert got.calls == got.pieces[0]
    ((look,),) = got.looks
    assert look.flagged == 1
