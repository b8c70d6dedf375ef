"""Questions that only the developer can answer, as data, and answers to them from a TOML file.

A questionnaire has a version and a digest; answers are bound to it. It says nothing of what an
answer means. Begin at `shipped_questionnaire("loss-of-control")`.
"""

from touchstone.editions.questionnaires.asked import (
    PARTS,
    AnswerGroup,
    AskedQuestion,
    Questionnaire,
    QuestionPart,
    read_answers,
    shipped_questionnaire,
    shipped_questionnaires,
)

__all__ = [
    "PARTS",
    "AnswerGroup",
    "AskedQuestion",
    "QuestionPart",
    "Questionnaire",
    "read_answers",
    "shipped_questionnaire",
    "shipped_questionnaires",
]
