"""What parties tell of a model that nobody measured in the case: answers, and others' evidence."""

from typing import Literal, Self

from pydantic import model_validator

from touchstone.review.events.base import Digest, Event, Name


class QuestionsAnswered(Event):
    """The developer answers questions of a questionnaire; later answers replace earlier ones.

    Each deed has one marking: what is for fewer readers is answered by a deed of its own.
    """

    type: Literal["questions-answered"] = "questions-answered"
    questionnaire: Name
    """The questionnaire, as `loss-of-control`."""
    asked: Digest
    """The digest of the questionnaire as it was asked."""
    questions: tuple[Name, ...]
    """The questions that are answered, by id; at least one, and each once."""
    answers: Digest
    """The digest of the answers, a part of its own."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if not self.questions or len(set(self.questions)) < len(self.questions):
            raise ValueError("questions is empty or names one twice: answer each once")
        return self


class OutsideEvidenceImported(Event):
    """A party brings a log that others made: their statement, never a measurement of this case."""

    type: Literal["outside-evidence-imported"] = "outside-evidence-imported"
    log: Digest
    """The digest of the log's bytes."""
    statement: Digest
    """The digest of what it says, whose it is and what was checked, a part of its own."""
    criterion: Name | None = None
    """The criterion that it bears on, if one."""


TOLD = (QuestionsAnswered, OutsideEvidenceImported)
