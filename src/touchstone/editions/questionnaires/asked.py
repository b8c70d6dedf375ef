"""A questionnaire as data, and the file of answers that a developer writes."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from touchstone.errors import BadInputError
from touchstone.handin import Bounds, Origin, as_json, parse_toml, refuse_unseen
from touchstone.ledger import digest_value
from touchstone.review.events.base import Line, Name, Statement

QuestionPart = Literal["deployment", "monitoring", "safeguards", "training", "incidents"]
PARTS: tuple[QuestionPart, ...] = get_args(QuestionPart)
BOUNDS = Bounds(400_000, 4)


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class AskedQuestion(_Read):
    """One question."""

    id: Name
    part: QuestionPart
    text: Line


class Questionnaire(_Read):
    """Questions with a version."""

    id: Name
    version: Name
    title: Line
    questions: tuple[AskedQuestion, ...]

    @property
    def digest(self) -> str:
        """Of all of it: what answers are bound to."""
        return digest_value(self.model_dump(mode="json"))

    @property
    def by_id(self) -> Mapping[str, AskedQuestion]:
        """The questions by id, in order."""
        return {each.id: each for each in self.questions}

    @model_validator(mode="after")
    def _each_once(self) -> "Questionnaire":
        if not self.questions or len(self.by_id) < len(self.questions):
            raise ValueError("questions is empty or names one twice")
        return self


class _Answer(_Read):
    text: Statement
    readers: tuple[Name, ...] | None = None


class _Answers(_Read):
    questionnaire: Name
    version: Name
    readers: tuple[Name, ...] | None = None
    answers: dict[Name, _Answer]


class AnswerGroup(_Read):
    """Answers that the same parties may read: one deed."""

    readers: tuple[Name, ...] | None
    """Parties beside developer and centre; None: every party of the case."""
    answers: tuple[tuple[str, str, str], ...]
    """Of each the question's id, its words and the answer, in the questionnaire's order."""


@cache
def shipped_questionnaires() -> tuple[str, ...]:
    """The ids of the questionnaires that come with Touchstone, sorted."""
    files = resources.files("touchstone.editions.questionnaires").iterdir()
    return tuple(sorted(e.name.removesuffix(".toml") for e in files if e.name.endswith(".toml")))


@cache
def shipped_questionnaire(name: str) -> Questionnaire:
    """The questionnaire of that id. Raises BadInputError: none that is shipped has it."""
    if name not in shipped_questionnaires():
        known = ", ".join(shipped_questionnaires())
        raise BadInputError(f"no questionnaire {name[:80]!a} is shipped; there: {known}")
    place = resources.files("touchstone.editions.questionnaires").joinpath(f"{name}.toml")
    found: Questionnaire = _parsed(Questionnaire, place.read_bytes(), f"{name}.toml")
    return found


def read_answers(data: bytes, source: str) -> tuple[Questionnaire, tuple[AnswerGroup, ...]]:
    """Answers of a TOML file, by who may read them, with the questionnaire that they are to.

    Raises:
        BadInputError: one line that names the file, the place and the fix.
    """
    told = _parsed(_Answers, data, source)
    asked = shipped_questionnaire(told.questionnaire)
    if told.version != asked.version:
        raise BadInputError(
            f'{source}: version "{told.version}" is not the one that is asked: begin again from'
            f" touchstone questionnaire show {asked.id} --blank, which is version {asked.version}"
        )
    if not told.answers:
        raise BadInputError(f"{source}: holds no answer: write [answers.ID] with a text")
    for name in told.answers:
        if name not in asked.by_id:
            raise BadInputError(
                f"{source}: answers.{name}: {asked.id} asks no such question; see: touchstone"
                f" questionnaire show {asked.id}"
            )
    groups: dict[tuple[str, ...] | None, list[tuple[str, str, str]]] = {}
    for name, question in asked.by_id.items():
        if (answer := told.answers.get(name)) is not None:
            readers = answer.readers if answer.readers is not None else told.readers
            key = None if readers is None else tuple(sorted(set(readers)))
            groups.setdefault(key, []).append((name, question.text, answer.text))
    return asked, tuple(
        AnswerGroup(readers=readers, answers=tuple(answers)) for readers, answers in groups.items()
    )


def _parsed(kind: type[Any], data: bytes, source: str) -> Any:
    origin = Origin(source, BadInputError)
    content = parse_toml(data, origin, BOUNDS)
    try:
        found = kind.model_validate_json(as_json(content))
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, fault["loc"])) or "TOML"
        # Of a check of our own, its own words; of pydantic's, pydantic's.
        raise origin.error(f"{place}: {fault.get('ctx', {}).get('error', fault['msg'])}") from None
    refuse_unseen(content, origin)
    return found
