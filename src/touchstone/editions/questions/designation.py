"""How a designation stands: what is proposed, who has spoken, who is silent, what is missing."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from touchstone.editions.questions.asked_case import AskedCase, Entries
from touchstone.framework import Framework
from touchstone.review import State
from touchstone.review.designation import CriterionReason, reasons_of
from touchstone.review.events import judging
from touchstone.review.events.judging import Designation

Word = Literal[
    "concurred",
    "dissented",
    "of-another-question",
    "decided",
    "silent",
    "nothing-proposed",
    "takes-no-part",
    "left",
    "not-to-be-read",
]
"""What an agency says to what is in question. `of-another-question`: it spoke, and what is in
question has changed since, so that its word is for something else. `decided`: it made the decision
on what is proposed, and needs no other word. `left`: it took part, and does no more.
`not-to-be-read`: none that this reader may read, who cannot tell it from silence."""
Lack = Literal[
    "no-rule-for-designation",
    "developer-has-left",
    "case-is-over",
    "nothing-proposed",
    "designator-takes-no-part",
    "concurrence",
    "decision",
]


@dataclass(frozen=True)
class ProposalShown:
    """The newest proposal: what the rule gave, and why."""

    number: int
    by: str
    recorded: str
    """UTC."""
    designation: Designation
    summary: str
    criteria: tuple[CriterionReason, ...]


@dataclass(frozen=True)
class AgencyWord:
    """What one agency says to what is in question."""

    agency: str
    word: Word
    asked: bool
    """Whether the framework asks for its concurrence."""
    designation: Designation | None = None
    """What it spoke of; None: it did not."""
    reason: str = ""
    """Of a dissent."""
    recorded: str = ""
    """When (UTC)."""


@dataclass(frozen=True)
class DecisionShown:
    """A decision of the designating agency."""

    by: str
    recorded: str
    proposal: int
    """The number of the proposal that it rests on."""
    designation: Designation
    reasons: str


@dataclass(frozen=True)
class Missing:
    """What is missing on the way to a decision, and who would have to do it."""

    lack: Lack
    by: tuple[str, ...]
    """Party ids; none: nobody can, or the framework does not say who."""
    stops: bool
    """Whether no decision can be recorded without it. A missing concurrence stops none."""


@dataclass(frozen=True)
class DesignationShown:
    """The designation of a case as its reader may know it."""

    proposal: ProposalShown | None
    in_question: Designation | None
    agencies: tuple[AgencyWord, ...]
    decisions: tuple[DecisionShown, ...]
    made: Designation | None
    designator: str | None
    """Whom the framework names to decide; None: any agency."""
    missing: tuple[Missing, ...]
    """In the order in which it is to be done."""
    hidden: int
    """How many entries the reader may not read: any of them may have changed what is told here."""

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


TYPES = (
    "designation-proposed",
    "designation-concurred",
    "designation-dissented",
    "designation-made",
    "designation-revised",
)


def designation_shown(case: AskedCase) -> DesignationShown:
    """How the designation of a case stands."""
    designating, framework = case.state.designating, case.framework
    entries = Entries(case, *TYPES)
    agencies = tuple(_word(case, entries, agency) for agency in _heard(case.state, framework))
    return DesignationShown(
        proposal=_proposal(entries, designating.proposals),
        in_question=designating.in_question,
        agencies=agencies,
        decisions=tuple(
            DecisionShown(
                each.actor,
                entries.recorded(each),
                each.proposal,
                each.designation,
                entries.words(each, "reasons"),
            )
            for each in designating.decisions
        ),
        made=designating.made,
        designator=framework.designation.made_by if framework and framework.designation else None,
        missing=tuple(_missing(case.state, framework, agencies)),
        hidden=case.hidden,
    )


def _proposal(
    entries: Entries, proposals: Sequence[judging.DesignationProposed]
) -> ProposalShown | None:
    if not proposals:
        return None
    newest = proposals[-1]
    entry = entries.of(newest)
    words = entry.content("words") if entry else None
    return ProposalShown(
        len(proposals),
        newest.actor,
        entries.recorded(newest),
        newest.designation,
        (words or {}).get("summary", ""),
        reasons_of(newest, words),
    )


def _heard(state: State, framework: Framework | None) -> tuple[str, ...]:
    """Whose word is asked for, and who else may give one or has given it, in that order."""
    asked = framework.designation.must_concur if framework and framework.designation else ()
    may = [
        agency
        for agency in state.having("agency")
        if framework and (named := framework.party(agency)) and "concurs" in named.may
    ]
    return tuple(dict.fromkeys((*asked, *may, *state.designating.answers)))


def _word(case: AskedCase, entries: Entries, agency: str) -> AgencyWord:
    designating, framework = case.state.designating, case.framework
    designation = framework.designation if framework else None
    asked = designation is not None and agency in designation.must_concur
    answer = designating.answers.get(agency)
    if answer is None:
        newest = len(designating.proposals)
        own = [each for each in designating.decisions if each.actor == agency]
        # Who decided on what is in question has spoken, whatever else is hidden here.
        if own and own[-1] == designating.decisions[-1] and own[-1].proposal == newest:
            told = entries.recorded(own[-1])
            return AgencyWord(agency, "decided", asked, own[-1].designation, recorded=told)
        return AgencyWord(agency, _silence(case, agency), asked)
    agrees = isinstance(answer, judging.DesignationConcurred)
    word: Word = "concurred" if agrees else "dissented"
    # What an agency agreed to is a designation: where another is in question now, it has not got
    # the agency's word.
    if answer.designation != designating.in_question:
        word = "of-another-question"
    reason = "" if agrees else entries.words(answer, "reason")
    return AgencyWord(agency, word, asked, answer.designation, reason, entries.recorded(answer))


def _silence(case: AskedCase, agency: str) -> Word:
    # A missing answer and a withheld one look alike to who may not read all of the case.
    if agency in case.state.left:
        return "left"
    if case.hidden:
        return "not-to-be-read"
    if agency not in case.state.parties:
        return "takes-no-part"
    # Who was asked nothing so far keeps no silence.
    return "silent" if case.state.designating.proposals else "nothing-proposed"


def _missing(
    state: State, framework: Framework | None, agencies: tuple[AgencyWord, ...]
) -> Iterator[Missing]:
    if framework is None:
        return
    rule, designating = framework.designation, state.designating
    if rule is None:
        yield Missing("no-rule-for-designation", (), stops=True)
        return
    newest = len(designating.proposals)
    if designating.decisions and designating.decisions[-1].proposal == newest:
        return
    if state.withdrawal:
        yield Missing("developer-has-left", (), stops=True)
        return
    if state.status not in {"open", "closed"}:
        yield Missing("case-is-over", (), stops=True)
        return
    if not newest:
        proposer = (rule.proposed_by,) if rule.proposed_by else state.having("centre")
        yield Missing("nothing-proposed", proposer, stops=True)
    # Of who has left nothing is waited for.
    heard = ("concurred", "left")
    silent = tuple(each.agency for each in agencies if each.asked and each.word not in heard)
    if silent:
        yield Missing("concurrence", silent, stops=False)
    if rule.made_by and rule.made_by not in state.parties:
        yield Missing("designator-takes-no-part", (rule.made_by,), stops=True)
    deciding = (rule.made_by,) if rule.made_by else state.having("agency")
    yield Missing("decision", deciding, stops=True)
