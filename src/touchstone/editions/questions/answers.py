"""What the developer answered to a questionnaire, question by question, as a reader may know it."""

from dataclasses import dataclass

from touchstone.editions.questionnaires import shipped_questionnaire
from touchstone.editions.questions.asked_case import AskedCase
from touchstone.editions.sentences import sentence
from touchstone.review.audience_view import Entry
from touchstone.review.events.telling import QuestionsAnswered

TYPE = "questions-answered"


@dataclass(frozen=True)
class AnswerShown:
    """One question with its newest answer."""

    question: str
    part: str
    """The part of the questionnaire that it stands in; empty: this version does not ask it."""
    asked: str
    text: str
    """The developer's words; else why there are none."""
    by: str = ""
    """Whose statement it is; empty: nobody's that may be read."""
    recorded: str = ""
    """UTC."""
    n: int | None = None
    """The entry."""

    @property
    def answered(self) -> bool:
        """Whether an answer may be read."""
        return bool(self.by)


@dataclass(frozen=True)
class AnswersShown:
    """A questionnaire as far as it was answered."""

    questionnaire: str
    version: str
    answers: tuple[AnswerShown, ...]
    hidden: bool
    """Whether something of the case is withheld from the reader: answers, perhaps."""


def answers_shown(case: AskedCase, name: str) -> AnswersShown:
    """Each question of a shipped questionnaire, and answers to others that it once had.

    Raises BadInputError: no such questionnaire.
    """
    return answers_in(tuple(case.entries_of(TYPE)), name, hidden=case.hidden > 0)


def answers_in(entries: tuple[Entry, ...], name: str, *, hidden: bool) -> AnswersShown:
    """The same of entries that are at hand."""
    asked = shipped_questionnaire(name)
    newest: dict[str, AnswerShown] = {}
    for entry in entries:
        event = entry.event
        if not isinstance(event, QuestionsAnswered) or event.questionnaire != name:
            continue
        content = entry.content("answers")
        told = {each["question"]: each for each in (content or {}).get("answers", ())}
        for question in event.questions:
            known = asked.by_id.get(question)
            words = told.get(question)
            by = event.actor if words else ""
            newest[question] = AnswerShown(
                question,
                known.part if known else "",
                words["asked"] if words else known.text if known else question,
                words["text"] if words else sentence("control.answer-not-here"),
                by,
                entry.recorded if by else "",
                entry.n,
            )
    # From whom something is withheld an answer may be, too: that there is none is not said to it.
    none = sentence("control.not-answered-here" if hidden else "control.not-answered")
    listed = [
        newest.pop(each.id, AnswerShown(each.id, each.part, each.text, none))
        for each in asked.questions
    ]
    return AnswersShown(name, asked.version, (*listed, *newest.values()), hidden)
