"""`touchstone questionnaire`: what only the developer knows, asked by a list and answered by it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from touchstone.cli.hands import ANYWHERE, HERE, AtServer, CaseId, Where, hand_of
from touchstone.cli.output import show, tell
from touchstone.cli.typed import bytes_of
from touchstone.errors import BadInputError
from touchstone.handin import printable_line

if TYPE_CHECKING:
    from touchstone.clearance import Marking
    from touchstone.client.party_case import PartyCase
    from touchstone.deeds.deed import Deed
    from touchstone.editions.questionnaires import AnswerGroup, Questionnaire
    from touchstone.editions.questions.answers import AnswersShown

DONE = 0
questionnaire = App(
    name="questionnaire", help="Ask the developer what only it knows, and show what it answers."
)
Json = Annotated[bool, Parameter(negative="", help="Print JSON instead of text.")]


@dataclass(frozen=True)
class _Asked:
    """A questionnaire."""

    asked: "Questionnaire"

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"{self.asked.title} ({self.asked.id}, version {self.asked.version})"
        for each in self.asked.questions:
            yield f"{each.id} [{each.part}]: {each.text}"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {**self.asked.model_dump(mode="json"), "digest": self.asked.digest}


@dataclass(frozen=True)
class _Answered:
    """What the developer answered, as far as it may be read."""

    shown: "AnswersShown"

    def lines(self) -> Iterator[str]:
        """For people."""
        for each in self.shown.answers:
            yield f"{each.question}: {each.asked}"
            said = each.text if each.by else f"[{each.text}]"
            yield from (f"    {printable_line(line, 4_000)}" for line in said.splitlines())
            if each.by:
                yield f"    (statement of {each.by}, {each.recorded}, entry {each.n})"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self.shown)


@questionnaire.command(name="show")
def show_(name: str = "loss-of-control", *, blank: bool = False, json: Json = False) -> int:
    """Show a questionnaire that is shipped, or a file of answers to fill in.

    For example: touchstone questionnaire show loss-of-control --blank > answers.toml

    Args:
        name: Its id.
        blank: Print a TOML file in which every answer is a comment.
    """
    from touchstone.editions.questionnaires import shipped_questionnaire

    asked = shipped_questionnaire(name)
    if blank:
        show(blank_answers(asked).rstrip("\n"))
    else:
        tell(_Asked(asked), json=json)
    return DONE


@questionnaire.command
def answer(case: CaseId, file: Path, *, where: Where = HERE) -> int:
    """Answer questions by the developer's key; a later answer to a question replaces it.

    Answers that fewer parties may read (`readers` in the file) go in a deed of their own. What is
    not answered is shown as not answered, and answers as the developer's statement.

    For example: touchstone questionnaire answer 3f2a answers.toml --as example-lab

    Args:
        file: The answers, in TOML: see touchstone questionnaire show --blank.
    """
    from touchstone.editions.questionnaires import read_answers

    asked, groups = read_answers(bytes_of(file), file.name)
    if where.to_file is not None and len(groups) > 1:
        raise BadInputError(
            f"--to-file: {file.name} has answers for {len(groups)} circles of readers, each a deed"
            " of its own: put each circle in a file of its own"
        )
    with hand_of(where) as hand:
        for group in groups:
            done = hand.act(case, partial(_drafted, asked, group), "developer")
            tell(done, json=where.json)
    return DONE


@questionnaire.command
def answers(case: CaseId, name: str = "loss-of-control", *, where: AtServer = ANYWHERE) -> int:
    """Show each question with the developer's newest answer, as far as a party may read it.

    For example: touchstone questionnaire answers 3f2a --as example-agency

    Args:
        name: The questionnaire's id.
    """
    from touchstone.editions.questions.answers import answers_shown

    with where.hand as hand:
        shown = answers_shown(hand.look(case), name)
    tell(_Answered(shown), json=where.json)
    return DONE


def blank_answers(asked: "Questionnaire") -> str:
    """A file of answers to be filled in, in TOML: what is left as a comment is not answered."""
    lines = [
        f"# {asked.title}. Take the # away from what you answer; the rest is not answered.",
        f'questionnaire = "{asked.id}"',
        f'version = "{asked.version}"',
        '# readers = ["example-agency"]   # who reads, beside you and the centre; default: all',
    ]
    for each in asked.questions:
        lines += ["", f"# {each.text}", f"# [answers.{each.id}]", '# text = """', '# """']
    return "\n".join(lines) + "\n"


def _drafted(asked: "Questionnaire", group: "AnswerGroup", known: "PartyCase") -> "Deed":
    from touchstone.deeds.telling import questions_answered

    return questions_answered(
        known,
        known.by,
        asked.id,
        asked.version,
        asked.digest,
        group.answers,
        _marking(known, group.readers),
    )


def _marking(known: "PartyCase", readers: tuple[str, ...] | None) -> "Marking | None":
    """For developer and centre, and for those who are named; None: for every party."""
    if readers is None:
        return None
    from touchstone.clearance import tlp

    return tlp("AMBER+STRICT", *dict.fromkeys((*known.marks.pair.parties, *readers)))
