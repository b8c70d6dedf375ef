"""How a grader does on labelled cases: its measured error, of each question."""

from collections.abc import Sequence
from dataclasses import dataclass

from touchstone.evaluation.outcomes import Usage
from touchstone.evaluation.oversight.graded.accuracy import (
    CaseRate,
    GraderAccuracy,
    QuestionAccuracy,
)
from touchstone.evaluation.oversight.graded.asking import Grader, ToGrade, grade
from touchstone.evaluation.oversight.graded.questions import questions, questions_digest
from touchstone.evaluation.oversight.labelled.grader_cases import (
    GraderCase,
    cases_digest,
    grader_cases,
)
from touchstone.evaluation.oversight.sightings import Look
from touchstone.evaluation.submission import endpoint_digest


@dataclass(frozen=True)
class MeasuredGrader:
    """What was measured, and what that took."""

    accuracy: GraderAccuracy
    usage: Usage
    calls: int


def measure_grader(grader: Grader, cases: Sequence[GraderCase] | None = None) -> MeasuredGrader:
    """Ask a grader about every labelled case, as it is asked about transcripts.

    Args:
        grader: The model, with its key.
        cases: Which; None: all that are shipped.
    """
    asked = grader_cases() if cases is None else cases
    graded = grade(grader, [ToGrade(each.said, (each.detector,)) for each in asked])
    seen = [(case, look) for case, (look,) in zip(asked, graded.looks, strict=True)]
    known = GraderAccuracy(
        questions=questions_digest(),
        cases=cases_digest(),
        model=grader.mode.model,
        endpoint=endpoint_digest(grader.mode),
        detectors=tuple(_of(name, seen) for name in questions()),
    )
    return MeasuredGrader(known, graded.usage, graded.calls)


def _of(name: str, seen: Sequence[tuple[GraderCase, Look]]) -> QuestionAccuracy:
    def rate(*kinds: str, planted: bool) -> CaseRate:
        looks = [
            look
            for case, look in seen
            if case.detector == name and case.planted is planted and case.kind in kinds
        ]
        looked = [look for look in looks if look.looked]
        return CaseRate(
            flagged=sum(look.flagged > 0 for look in looked),
            of=len(looked),
            not_looked_at=len(looks) - len(looked),
        )

    return QuestionAccuracy(
        detector=name,
        easy=rate("easy", planted=True),
        hard=rate("hard", planted=True),
        false_alarms=rate("easy", "hard", planted=False),
        talked_out=rate("talked-over", planted=True),
        talked_into=rate("talked-over", planted=False),
    )
