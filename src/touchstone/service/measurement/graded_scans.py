"""A model is asked about every transcript of a battery, and that is recorded beside its error.

The logs come out of the record and are read apart; the scanner's key stays in this process. Its
error is measured first, by the same endpoint and questions, each time.
"""

from collections.abc import Mapping

from touchstone.deeds.deed import Deed
from touchstone.deeds.measurement import transcripts_graded
from touchstone.editions.sentences import sentence
from touchstone.evaluation.oversight.graded.accuracy import GradedBattery
from touchstone.evaluation.oversight.graded.asking import Grader
from touchstone.evaluation.oversight.graded.questions import questions, questions_digest
from touchstone.evaluation.oversight.graded.transcripts import grade_chunks
from touchstone.evaluation.oversight.labelled.grader_accuracy import measure_grader
from touchstone.evaluation.oversight.labelled.grader_cases import grader_cases
from touchstone.evaluation.oversight.sightings import (
    Look,
    ScannedTranscript,
    not_looked,
)
from touchstone.evaluation.submission import endpoint_digest
from touchstone.review import State
from touchstone.review.events.detecting import TranscriptsGraded
from touchstone.review.shapes import ScanShape, TranscriptShape
from touchstone.service.case_context import Case
from touchstone.service.measurement.recorded_logs import RecordedLogs, by_name, log_place
from touchstone.verdicts.battery_plans import is_under_review
from touchstone.verdicts.run_progress import Observer

GRADED = "transcripts-graded"


def grade_transcripts(case: Case, battery: str, grader: Grader, observer: Observer) -> None:
    """Have a scanner asked about every transcript of a battery that it has not answered about.

    What it answered before stands. Where this process ends before it is recorded, nothing of it
    is kept.

    Args:
        case: The case.
        battery: The battery.
        grader: The model, with its key.
        observer: Is told of each step.
    """
    centre, own = case.participants.centre, is_under_review(grader.mode, case.submission)
    asked = (battery, questions_digest(), endpoint_digest(grader.mode))
    if not _is_open(case.state, asked):
        observer.step(sentence("step.grading-stands"))
        return
    if not case.signs_here(centre, GRADED):
        observer.step(sentence("step.awaited", deed=GRADED, party=centre))
        return
    observer.step(sentence("step.measuring-grader", count=len(grader_cases())))
    graded = _graded(case, asked, grader, observer, own=own)

    def deeds(state: State) -> list[Deed]:
        # Under the lock: another process may have recorded one, or outcomes that this one lacks.
        if not _is_open(state, asked) or state.outcomes_of(battery) != len(graded.rows):
            return []
        before = state.gradings.get(asked)
        looked = sum(all(look.looked for look in row.looks) for row in graded.rows.values())
        # It answered no more than it had: there is nothing to say that is not said.
        if before is not None and (len(graded.rows), looked) <= (
            before.transcripts,
            before.looked_at,
        ):
            return []
        return [transcripts_graded(case, battery, graded)]

    said = case.record(deeds).gradings.get(asked)
    if said is not None:
        observer.step(sentence("step.graded", looked=said.looked_at, of=said.transcripts))


def _is_open(state: State, asked: tuple[str, str, str]) -> bool:
    """Whether there are outcomes about which this scanner has not answered."""
    recorded, before = state.outcomes_of(asked[0]), state.gradings.get(asked)
    return recorded > 0 if before is None else before.looked_at < recorded


def _graded(
    case: Case, asked: tuple[str, str, str], grader: Grader, observer: Observer, *, own: bool
) -> GradedBattery:
    measured = measure_grader(grader)
    logs = RecordedLogs(case, asked[0])
    rows, parts = _kept(case, asked)
    left = [each for each in logs.shown if each.name not in rows]
    usage, calls = measured.usage, measured.calls
    observer.step(sentence("step.grading", count=len(left)))
    if not any(each.measured for each in measured.accuracy.detectors):
        # Of what it said of them nothing could be counted, and each answer is paid for.
        why = sentence("step.grader-unmeasured")
        names = tuple(questions())
        for each in left:
            rows[each.name] = not_looked(logs.uuid_of(each), each.position, names, why)
        left = []
    for some in logs.batches(left):
        found = grade_chunks(grader, [logs.opened(group) for group in some])
        rows |= by_name(some, found.rows)
        usage, calls = usage + found.usage, calls + found.calls
        for each in (one for group in some for one in group):
            if (count := found.pieces.get(log_place(each), 0)) > 1:
                parts[each.name] = count
        observer.step(sentence("step.graded-so-far", count=len(rows), of=len(logs.shown)))
    in_order = {each.name: rows[each.name] for each in logs.shown}
    return GradedBattery(in_order, parts, measured.accuracy, own, usage, calls)


def _kept(
    case: Case, asked: tuple[str, str, str]
) -> tuple[dict[str, ScannedTranscript], dict[str, int]]:
    """What the same scanner answered before, with the same questions: a first answer stands.

    By the name of each transcript of which it answered every question; and in how many parts.
    """
    rows: dict[str, ScannedTranscript] = {}
    parts: dict[str, int] = {}
    kept = case.installation.records.case(case.id)
    for entry in case.entries_of(GRADED):
        event = entry.event
        if not isinstance(event, TranscriptsGraded) or asked != (
            event.battery,
            event.questions,
            event.endpoint,
        ):
            continue
        told = ScanShape.model_validate_json(kept.evidence(entry.evidence("sightings")))
        for row in told.transcripts:
            if not row.fault and not any(look.fault for look in row.looks):
                rows[row.transcript] = _row(row)
                if row.parts > 1:
                    parts[row.transcript] = row.parts
    return rows, parts


def _row(told: TranscriptShape) -> ScannedTranscript:
    flags: Mapping[str, Look] = {
        look.detector: Look.model_validate(
            {
                "detector": look.detector,
                "flagged": look.flagged,
                "sightings": [
                    {"detector": look.detector, **seen.model_dump(include=_SEEN)}
                    for seen in look.sightings
                ],
            }
        )
        for look in told.looks
    }
    looks = tuple(flags.get(name, Look(detector=name)) for name in questions())
    position = int(told.transcript.split("-")[1])
    return ScannedTranscript(sample=told.uuid, index=position, looks=looks)


_SEEN = {"message", "why", "quote"}
