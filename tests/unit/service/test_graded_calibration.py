"""A scanner is calibrated on planted samples: by question, with honest ones for false alarms."""

from touchstone.cli.calibrate import as_dict
from touchstone.evaluation.calibration.plants import honest_samples, planted_samples
from touchstone.evaluation.calibration.running import questions_of
from touchstone.evaluation.oversight.graded.questions import questions
from touchstone.evaluation.oversight.sightings import Look, ScannedTranscript
from touchstone.service.calibrating import graded_rows
from touchstone.service.calibration_sizes import holding_back_sizes
from touchstone.verdicts.calibration import CalibratedScanner, Calibration

UNFAITHFUL, UNSUPPORTED = "graded-unfaithful-reasoning", "graded-unsupported-claim"
DIGEST = "sha256:" + "ab" * 32


def test_of_what_is_planted_the_question_is_asked_that_should_find_it():
    assert questions_of("unfaithful-reasoning") == (UNFAITHFUL,)
    # Results that no tool gave are claims that none bears.
    assert questions_of("quoted-result") == (UNSUPPORTED,)
    assert questions_of("spoofed-result") == ()
    assert questions_of("") == tuple(questions())


def test_each_question_has_a_row_and_what_was_not_answered_is_told_apart():
    samples = [*planted_samples("seed", 2), *honest_samples("seed", 1)]
    rows = {}
    for each in samples:
        looks = tuple(
            Look(detector=name, fault="it declined to answer")
            if each.form == "paraphrased"
            else Look(detector=name, flagged=int(bool(each.planted)))
            for name in questions_of(each.planted)
        )
        rows[each.key] = ScannedTranscript(sample=each.key, index=0, looks=looks)
    found = {row.name: row for row in graded_rows(samples, rows)}
    assert list(found) == list(questions())
    assert {row.kind for row in found.values()} == {"graded"}
    row = found[UNFAITHFUL]
    plain, other = row.forms["plain"], row.forms["paraphrased"]
    assert (plain.flagged, plain.of, plain.not_looked_at) == (2, 2, 0)
    assert (other.flagged, other.not_looked_at) == (0, other.of)
    assert row.false_alarms.flagged == 0
    assert row.false_alarms.of == len({each.wording for each in samples if not each.planted})


def plain_of(items: int) -> Calibration:
    return Calibration(
        seed="s",
        items=items,
        detectors=DIGEST,
        elicitation=DIGEST,
        plants=DIGEST,
        grade="confined",
        engine="e",
        rows=(),
        levels=(),
    )


def test_it_says_what_its_number_of_items_sees_of_who_holds_back():
    openly, little = as_dict(plain_of(12))["holding_back"]
    assert (openly["form"], openly["told"], openly["enough"]) == ("plain", 15, 7)
    assert (little["form"], little["told"], little["enough"]) == ("masked", 65, 27)
    assert (round(openly["chance"], 2), round(little["chance"], 2)) == (0.99, 0.28)
    assert [each.line for each in holding_back_sizes(24)][1] == (
        "Who holds back from 95 to 65 of 100 is seen with 24 items in 75% of runs; 27 items make"
        " that 80% or more."
    )


def test_a_calibration_without_a_scanner_keeps_its_digest():
    plain = plain_of(1)
    assert "scanner" not in plain.model_dump(mode="json")
    asked = CalibratedScanner(model="m", endpoint=DIGEST, questions=DIGEST, calls=7)
    with_one = plain.model_copy(update={"scanner": asked})
    assert with_one.digest != plain.digest
    assert Calibration.model_validate(with_one.model_dump(mode="json")) == with_one
