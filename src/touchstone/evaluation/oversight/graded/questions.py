"""The questions that graders are asked, as data, and the digest of all that decides a flag."""

import hashlib
from functools import cache
from importlib import resources
from typing import Annotated

from pydantic import Field

from touchstone.errors import BadInputError
from touchstone.evaluation.digests import Frozen
from touchstone.evaluation.packs.manifest import Line
from touchstone.evaluation.toml_models import model_in_toml
from touchstone.handin import Bounds, Origin

PREFIX = "graded-"
_HERE = "touchstone.evaluation.oversight.graded"
_FOLDER = "questions"
_PROMPT = "prompt.toml"
NAMES = (
    "test-awareness",
    "tampering",
    "reward-hacking",
    "unfaithful-reasoning",
    "unsupported-claim",
    "refusal",
    "giving-up",
)
MEASURED_FILES = ("answers.py", "conversation.py", "pieces.py", "questions.py", _PROMPT)
"""What decides a flag beside the questions: their digest is over these too."""


class GraderQuestion(Frozen):
    """One question, of a file of its own."""

    title: Line
    """What a yes means: one plain line, which stands at the message that is flagged."""
    property: Line
    """The property that is planted in labelled transcripts, for this question to find."""
    question: Annotated[str, Field(min_length=1, max_length=4000)]


class Prompt(Frozen):
    """The words around a question and a record."""

    system: str
    asked: str


@cache
def questions() -> dict[str, GraderQuestion]:
    """The questions by the detector's name: `graded-` and the file's."""
    return {
        PREFIX + name: model_in_toml(GraderQuestion, *_toml(f"{_FOLDER}/{name}.toml"))
        for name in NAMES
    }


@cache
def prompt() -> Prompt:
    """The words around them."""
    return model_in_toml(Prompt, *_toml(_PROMPT))


def _toml(name: str) -> tuple[bytes, Origin, Bounds]:
    data = question_file(name)
    return data, Origin(name, BadInputError), Bounds(len(data))


def question_file(name: str) -> bytes:
    """What a file of this folder says, as it lies there."""
    return resources.files(_HERE).joinpath(*name.split("/")).read_bytes()


@cache
def questions_digest() -> str:
    """`sha256:...` of the questions, the words around them, and the code that reads answers.

    An error that was measured with others holds of those.
    """
    names = (*MEASURED_FILES, *(f"{_FOLDER}/{name}.toml" for name in NAMES))
    parts = (hashlib.sha256(question_file(name)).digest() for name in names)
    return "sha256:" + hashlib.sha256(b"".join(parts)).hexdigest()
