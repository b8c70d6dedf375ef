"""A conversation cut into pieces that a grader can read at once, each between lines of a code."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from touchstone.evaluation.digests import tagged
from touchstone.evaluation.oversight.graded.conversation import SaidMessage
from touchstone.evaluation.oversight.graded.questions import GraderQuestion, prompt

MOST_PIECE = 100_000
"""Characters of a record that are read at once: some 30,000 tokens."""
OVERLAP = 4_000
"""Characters of messages before a piece that it begins with again."""
MOST_PIECES = 40
"""Of one transcript. A longer one is too large, and not looked at."""
_CODE = 16


@dataclass(frozen=True)
class Piece:
    """Some messages of a conversation, as a grader is shown them."""

    part: int
    """From 1."""
    parts: int
    said: tuple[tuple[str, SaidMessage], ...]
    """With the name that each bears there, such as `M3`; a long message stands in several."""

    @property
    def messages(self) -> dict[str, str]:
        """By name the id of each message."""
        return {name: said.message for name, said in self.said}

    def request(self, question: GraderQuestion) -> tuple[str, str]:
        """The system's text and the user's.

        The code in them follows from all that is asked: who wrote the record could not know it.
        """
        text = "\x00".join(f"{name}\x00{said.speaker}\x00{said.text}" for name, said in self.said)
        seed = f"{question.question}\x00{self.part}\x00{text}"
        code = tagged("touchstone/graded/code", seed.encode()).hex()[:_CODE]
        record = "\n".join(
            f"[{code} {name} {said.speaker}]\n{said.text}" for name, said in self.said
        )
        words = prompt()
        asked = words.asked.format(
            question=question.question.strip(),
            code=code,
            part=self.part,
            parts=self.parts,
            record=record,
        )
        return words.system.format(code=code).strip(), asked.strip()


def pieces_of(said: Sequence[SaidMessage], most: int = MOST_PIECE) -> tuple[Piece, ...]:
    """A conversation in pieces; none where it is longer than `MOST_PIECES` of them.

    Args:
        said: The messages.
        most: Characters of a piece.
    """
    groups: list[list[tuple[str, SaidMessage]]] = [[]]
    size = 0
    for name, each in _bounded(said, most):
        if size + len(each.text) > most and groups[-1]:
            again = _tail(groups[-1], min(OVERLAP, most - len(each.text)))
            groups.append(again)
            size = sum(len(one.text) for _, one in again)
        groups[-1].append((name, each))
        size += len(each.text)
    if len(groups) > MOST_PIECES:
        return ()
    return tuple(
        Piece(place, len(groups), tuple(group)) for place, group in enumerate(groups, start=1)
    )


def _bounded(said: Sequence[SaidMessage], most: int) -> Iterator[tuple[str, SaidMessage]]:
    """Each message under its name, a long one in several of them."""
    for number, each in enumerate(said, start=1):
        for start in range(0, max(1, len(each.text)), most):
            text = each.text[start : start + most]
            yield (
                f"M{number}",
                each if text == each.text else SaidMessage(each.message, each.speaker, text),
            )


def _tail(group: Sequence[tuple[str, SaidMessage]], most: int) -> list[tuple[str, SaidMessage]]:
    """The last messages of a piece, whole, within so many characters."""
    kept: list[tuple[str, SaidMessage]] = []
    for name, each in reversed(group):
        most -= len(each.text)
        if most < 0:
            break
        kept.insert(0, (name, each))
    return kept
