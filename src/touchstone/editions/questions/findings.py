"""What was found and what was said of it: by whom, what is withheld, and whether it stands."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from touchstone.editions.questions.asked_case import AskedCase, Entries
from touchstone.review import Event, Finding
from touchstone.review.events import judging
from touchstone.review.events.base import Role

Stands = Literal["signed", "disputed", "upheld", "revised", "withdrawn"]
Answered = Literal["answered", "no-answer", "not-to-be-read"]


@dataclass(frozen=True)
class SaidOfFinding:
    """What somebody said of a finding."""

    by: str
    recorded: str
    """UTC."""
    word: str
    """The developer's stance; `disputed`; what came of looking again."""
    text: str
    """Their words, or in brackets why they are not there."""
    rerun_wanted: bool = False
    """Of a dispute: whether a re-run is asked for."""
    battery: str | None = None
    """Of a re-run: the battery whose tasks ran again; None: none did."""


@dataclass(frozen=True)
class FindingShown:
    """A finding as its reader may know it."""

    finding: str
    domain: str
    criterion: str | None
    by: str
    role: Role | None
    """The signer's; None where its joining may not be read."""
    recorded: str
    title: str
    text: str
    stands: Stands
    withheld_evidence: str | None
    """The digest of what an evaluator from outside keeps back; None: nothing is said to be."""
    withheld_reason: str
    answered: Answered
    """Whether the developer answered or disputed it, as far as the reader can tell."""
    response: SaidOfFinding | None
    dispute: SaidOfFinding | None
    rerun: SaidOfFinding | None

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


TYPES = (
    "finding-signed",
    "outside-finding-signed",
    "finding-responded",
    "finding-disputed",
    "finding-rerun",
)


def findings_shown(case: AskedCase) -> tuple[FindingShown, ...]:
    """Every finding of a case that may be read, in the order in which they were signed."""
    entries = Entries(case, *TYPES)
    return tuple(_shown(case, entries, finding) for finding in case.state.findings)


def _shown(case: AskedCase, entries: Entries, finding: str) -> FindingShown:
    known = case.state.findings[finding]
    signed, party = known.signed, case.state.parties.get(known.signed.actor)
    entry = entries.of(signed)
    content: dict[str, str] = (entry.content("text") if entry else None) or {}
    outside = signed if isinstance(signed, judging.OutsideFindingSigned) else None
    return FindingShown(
        finding=finding,
        domain=signed.domain,
        criterion=signed.criterion,
        by=signed.actor,
        role=party.role if party else None,
        recorded=entry.recorded if entry else signed.at,
        title=content.get("title", ""),
        text=entry.said("text") if entry else "",
        stands=known.stands,
        withheld_evidence=outside.withheld_evidence if outside else None,
        withheld_reason=entry.said("withheld_reason") if outside and entry else "",
        answered=_answered(case, known),
        response=_said(entries, known.response, "text"),
        dispute=_said(entries, known.dispute, "grounds"),
        rerun=_said(entries, known.rerun, "text"),
    )


def _answered(case: AskedCase, known: Finding) -> Answered:
    if known.response or known.dispute:
        return "answered"
    # Silence is told only to those from whom no answer can be hidden.
    return "not-to-be-read" if case.hidden else "no-answer"


def _said(entries: Entries, event: Event | None, name: str) -> SaidOfFinding | None:
    if event is None:
        return None
    text, recorded = entries.words(event, name), entries.recorded(event)
    if isinstance(event, judging.FindingDisputed):
        return SaidOfFinding(event.actor, recorded, "disputed", text, event.rerun_wanted)
    if isinstance(event, judging.FindingRerun):
        return SaidOfFinding(event.actor, recorded, event.outcome, text, battery=event.battery)
    stance = event.stance if isinstance(event, judging.FindingResponded) else ""
    return SaidOfFinding(event.actor, recorded, stance, text)
