"""`touchstone designation`: the rule proposes, agencies say their word, officials decide."""

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from touchstone.cli.hands import ANYWHERE, HERE, AtServer, CaseId, Where, act
from touchstone.cli.output import show_json
from touchstone.cli.typed import statement_of
from touchstone.errors import BadInputError

if TYPE_CHECKING:
    from touchstone.client.party_case import PartyCase
    from touchstone.deeds.deed import Deed
    from touchstone.review.events.judging import Designation

DONE = 0
designation = App(name="designation", help="Show, propose, answer, make or revise a designation.")
Word = Literal["covered", "not-covered", "undetermined"]
Proposal = Annotated[
    int | None, Parameter(help="The proposal's number, from 1; default: the newest.")
]
Of = Annotated[
    Word | None,
    Parameter(name="--of", help="Of which designation; default: the one that is in question."),
]


@designation.command
def show(case: CaseId, *, where: AtServer = ANYWHERE) -> int:
    """Show what is proposed, who concurs, who dissents, who is silent, and what is missing.

    For example: touchstone designation show 3f2a
    """
    from touchstone.cli import question_tables
    from touchstone.editions.questions.designation import designation_shown

    with where.hand as hand:
        known = hand.look(case)
        shown = designation_shown(known)
    if where.json:
        show_json({"case": known.id, **shown.as_dict()})
    else:
        question_tables.designation(shown)
    return DONE


@designation.command
def propose(case: CaseId, *, where: Where = HERE) -> int:
    """Propose what the framework's rule gives, by the key of the party that it names.

    Nothing else can be proposed, and a proposal binds nobody. A new one takes back what agencies
    said to the one before.

    For example: touchstone designation propose 3f2a --as example-centre
    """
    return act(where, case, _proposed, role="centre")


def _proposed(known: "PartyCase") -> "Deed":
    from touchstone.deeds.designation import designation_proposed
    from touchstone.review import propose_designation

    rule = propose_designation(known.open_framework, known.state)
    newest = known.state.designating.proposals[-1:]
    # A proposal says the same words for the same state: recorded again, it would take back every
    # agency's answer and tell nobody anything.
    if any((p.designation, p.says, p.words) == rule.proposed for p in newest):
        raise BadInputError("CASE: exactly this is proposed already; nothing has changed since")
    return designation_proposed(known, known.by, rule)


@designation.command
def concur(case: CaseId, *, proposal: Proposal = None, of: Of = None, where: Where = HERE) -> int:
    """Say that an agency concurs with what is in question. Nothing else counts as concurrence.

    For example: touchstone designation concur 3f2a --as example-agency --of covered
    """
    from touchstone.deeds.designation import designation_concurred

    return act(
        where,
        case,
        lambda known: designation_concurred(known, known.by, *_question(known, proposal, of)),
    )


@designation.command
def dissent(
    case: CaseId, *, reason: str, proposal: Proposal = None, of: Of = None, where: Where = HERE
) -> int:
    """Say that an agency does not concur with what is in question, and why.

    For example: touchstone designation dissent 3f2a --as example-treasury --reason "The items are
    too few for payments."

    Args:
        reason: Why, for the record.
    """
    from touchstone.deeds.designation import designation_dissented

    why = statement_of("--reason", reason)
    return act(
        where,
        case,
        lambda known: designation_dissented(known, known.by, *_question(known, proposal, of), why),
    )


@designation.command
def make(
    case: CaseId, word: Word, *, reasons: str, proposal: Proposal = None, where: Where = HERE
) -> int:
    """Decide, by the key of the agency that the framework names; not as proposed, perhaps.

    For example: touchstone designation make 3f2a covered --as example-agency --reasons "As is."

    Args:
        word: What is decided.
        reasons: Why, for the record.
    """
    from touchstone.deeds.designation import designation_made

    why = statement_of("--reasons", reasons)
    return act(
        where,
        case,
        lambda known: designation_made(known, known.by, _number(known, proposal), word, why),
    )


@designation.command
def revise(
    case: CaseId, word: Word, *, reasons: str, proposal: Proposal = None, where: Where = HERE
) -> int:
    """Change a decision, by the key of the agency that the framework names.

    For example: touchstone designation revise 3f2a undetermined --as example-agency --reasons "The
    finding that it rests on was withdrawn."

    Args:
        word: What is decided now.
        reasons: Why, for the record.
    """
    from touchstone.deeds.designation import designation_revised

    why = statement_of("--reasons", reasons)
    return act(
        where,
        case,
        lambda known: designation_revised(known, known.by, _number(known, proposal), word, why),
    )


def _number(known: "PartyCase", proposal: int | None) -> int:
    """The number of the proposal that is meant; where there is none, the law says so."""
    if proposal is not None and proposal < 1:
        raise BadInputError("--proposal: proposals are numbered from 1")
    return proposal or max(1, len(known.state.designating.proposals))


def _question(
    known: "PartyCase", proposal: int | None, of: "Designation | None"
) -> "tuple[int, Designation]":
    """What an agency speaks to: it is shown before it is signed, and the law holds it to that."""
    question = of or known.state.designating.in_question
    if question is None and known.hidden:
        raise BadInputError(
            f"--of: what is in question is not open to {known.by}: name it, and its --proposal"
        )
    return _number(known, proposal), question or "undetermined"
