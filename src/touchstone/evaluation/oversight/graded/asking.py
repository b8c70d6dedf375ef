"""Asking a grader about conversations, within bounds; whatever it does, each question has a look.

What comes back is a stranger's: it passes the same door as any model's answer. An answer that is
none, a refusal, a time-out: the transcript was not looked at, and is not asked about again.
"""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio
from inspect_ai.model import ChatMessage, ChatMessageSystem, ChatMessageUser, GenerateConfig, Model

from touchstone.evaluation.endpoint_watch import EndpointWatch
from touchstone.evaluation.endpoints import open_endpoint
from touchstone.evaluation.limits import EndpointLimits
from touchstone.evaluation.outcomes import Usage
from touchstone.evaluation.oversight.graded.answers import (
    GraderAnswer,
    UnusableAnswerError,
    taken_answer,
)
from touchstone.evaluation.oversight.graded.conversation import SaidMessage
from touchstone.evaluation.oversight.graded.pieces import MOST_PIECE, Piece, pieces_of
from touchstone.evaluation.oversight.graded.questions import GraderQuestion, questions
from touchstone.evaluation.oversight.sightings import (
    MOST_SIGHTINGS,
    QUOTE_LENGTH,
    WHY_LENGTH,
    Look,
    Sighting,
)
from touchstone.evaluation.oversight.snapshots import why_of
from touchstone.evaluation.submission import Mode
from touchstone.handin import printable_line

ASKING = EndpointLimits(retries=1, attempt_seconds=120)
"""How a grader is asked, unless the caller says otherwise: a second attempt, and no more."""
MOST_TOKENS = 8_000
"""Of one answer, reasoning included, where its file sets no bound."""
GIVES_UP = 8
"""Calls in a row without an answer, after which nothing more is asked."""
TOO_LONG = "too long, not looked at"
_FAILING = "the grader's endpoint keeps failing; nothing more was asked of it"


@dataclass(frozen=True)
class Grader:
    """The model that is asked, with its key."""

    mode: Mode
    key: str = field(repr=False)
    asking: EndpointLimits = ASKING
    piece: int = MOST_PIECE
    """Characters of a record that it is shown at once."""


@dataclass(frozen=True)
class ToGrade:
    """One conversation, and what is asked of it."""

    said: tuple[SaidMessage, ...]
    detectors: tuple[str, ...]
    """Names of questions."""


@dataclass
class GradedAll:
    """What a grader made of conversations."""

    looks: list[tuple[Look, ...]]
    """For each conversation one look for each question, in order."""
    pieces: list[int]
    """In how many pieces each was shown."""
    usage: Usage = field(default_factory=Usage)
    calls: int = 0
    """Answers that came; each is paid for, whatever it was worth."""


class _Counted(EndpointWatch):
    def __init__(self) -> None:
        self.usage, self.calls = Usage(), 0

    def called(self, usage: Usage, model: str, fingerprint: str, notes: tuple[str, ...]) -> None:
        del model, fingerprint, notes
        self.usage, self.calls = self.usage + usage, self.calls + 1


def grade(grader: Grader, work: Sequence[ToGrade]) -> GradedAll:
    """Ask a grader all questions of all conversations; ends with a look for each."""
    counted = _Counted()
    # Inspect announces its hooks on stdout, where a command's own result belongs.
    with contextlib.redirect_stdout(io.StringIO()):
        model = open_endpoint(grader.mode, grader.key, grader.asking, counted)
    asking = _Asking(grader, model)
    cut = [pieces_of(each.said, grader.piece) for each in work]

    async def all_of_it() -> list[tuple[Look, ...]]:
        found: dict[tuple[int, str], Look] = {}
        async with model, anyio.create_task_group() as tasks:
            for place, each in enumerate(work):
                for name in each.detectors:
                    tasks.start_soon(asking.look, found, (place, name), cut[place])
        return [
            tuple(found[place, name] for name in each.detectors) for place, each in enumerate(work)
        ]

    looks = anyio.run(all_of_it)
    return GradedAll(looks, [len(each) for each in cut], counted.usage, counted.calls)


class _Asking:
    def __init__(self, grader: Grader, model: Model) -> None:
        self._model = model
        self._room = anyio.Semaphore(grader.asking.max_connections)
        settings = grader.mode.settings
        self._config = GenerateConfig(
            # So that it answers alike at all.
            temperature=0.0 if settings.temperature is None else None,
            max_tokens=settings.max_tokens or MOST_TOKENS,
        )
        self._failed = 0

    async def look(
        self, found: dict[tuple[int, str], Look], key: tuple[int, str], pieces: Sequence[Piece]
    ) -> None:
        """Ask one question of every piece of one conversation."""
        name = key[1]
        seen: list[Sighting] = []
        fault = "" if pieces else TOO_LONG
        for piece in pieces:
            question = questions()[name]
            try:
                answer = await self._asked(piece, question)
            except UnusableAnswerError as error:
                # Not "no", and not what other pieces showed either: it has not looked at the rest.
                fault = fault or f"part {piece.part} of {piece.parts}: {error}"
                continue
            # A message that two pieces show is one place.
            known = {each.message for each in seen}
            seen += [
                each
                for each in _sightings(name, question, piece, answer)
                if each.message not in known
            ]
        if fault and seen:
            fault = f"{fault}; another part was flagged"
        found[key] = (
            Look(detector=name, fault=printable_line(fault, WHY_LENGTH))
            if fault
            else Look(detector=name, flagged=len(seen), sightings=tuple(seen[:MOST_SIGHTINGS]))
        )

    async def _asked(self, piece: Piece, question: GraderQuestion) -> GraderAnswer:
        async with self._room:
            if self._failed >= GIVES_UP:
                raise UnusableAnswerError(_FAILING)
            system, user = piece.request(question)
            said: list[ChatMessage] = [
                ChatMessageSystem(content=system),
                ChatMessageUser(content=user),
            ]
            try:
                output = await self._model.generate(said, config=self._config)
            except Exception as error:  # noqa: BLE001 - any fault of the endpoint: it gave no answer
                self._failed += 1
                raise UnusableAnswerError(f"no answer: {why_of(error)}") from None
            self._failed = 0
        if output.stop_reason == "content_filter":
            raise UnusableAnswerError("it declined to answer")
        if output.stop_reason != "stop":
            raise UnusableAnswerError("an answer that is not whole")
        return taken_answer(output.completion, piece.messages)


def _sightings(
    name: str, question: GraderQuestion, piece: Piece, answer: GraderAnswer
) -> list[Sighting]:
    known = piece.messages
    return [
        Sighting(
            detector=name,
            message=known[each][:WHY_LENGTH],
            why=question.title,
            # The grader's words, which may repeat the transcript's: they are sealed as logs are.
            quote=answer.reason[:QUOTE_LENGTH],
        )
        for each in (answer.messages if answer.yes else ())
    ]
