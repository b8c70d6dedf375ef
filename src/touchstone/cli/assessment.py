"""`touchstone assessment`: what the record says of loss of control, for who may read it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cyclopts import App

from touchstone.cli.hands import ANYWHERE, AtServer, CaseId
from touchstone.cli.output import tell
from touchstone.errors import AnswerIsNoError

if TYPE_CHECKING:
    from touchstone.client.party_case import PartyCase
    from touchstone.editions.page.control_facts import ConductRow, ControlFacts

DONE = 0
assessment = App(name="assessment", help="Show what the record says of loss of control.")


@dataclass(frozen=True)
class _Assessed:
    """Means, motive, opportunity, and what was not looked at."""

    case: str
    facts: "ControlFacts"

    def lines(self) -> Iterator[str]:
        """For people."""
        from touchstone.editions.sentences import sentence

        facts = self.facts
        if facts.brief:
            yield f"{sentence('control.looked')}: {facts.brief.looked}"
            yield from (f"{sentence('control.found')}: {line}" for line in facts.brief.found)
            covered = facts.brief.covered
            yield from (f"{sentence('control.covered')}: {covered}",) if covered else ()
        yield sentence("control.means")
        for row in facts.means:
            told = row.said if row.said.lower() == f"{row.pill}." else f"{row.pill}. {row.said}"
            yield f"  {row.title}{f' ({row.mode})' if row.mode else ''}: {told}"
        yield from () if facts.means else (f"  {sentence('control.no-means')}",)
        yield sentence("control.motive")
        for each in facts.conduct:
            yield f"  {_conduct_line(each)}"
        if not facts.conduct:
            none = sentence("control.no-motive")
            yield f"  {sentence('control.no-motive-hidden') if facts.hidden else none}"
        yield sentence("control.opportunity")
        yield from (f"  {title}: {said}" for title, said in facts.declared)
        for line in facts.answers:
            yield f"  {line.question}"
            said = sentence("control.statement-of", party=line.by)
            yield from (f"    {one}" for one in f"{line.text} ({said})".splitlines())
        if facts.outside:
            yield sentence("control.outside-heading")
        for log in facts.outside:
            yield f"  {' '.join(filter(None, (log.source, log.said, log.checked, log.log)))}"
        yield sentence("control.unlooked")
        yield from (f"  {line}" for line in facts.unlooked)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {"case": self.case, **asdict(self.facts)}


@assessment.command
def show(case: CaseId, *, where: AtServer = ANYWHERE) -> int:
    """Show loss of control as means, motive and opportunity, computed from what may be read.

    Means are the verdicts of criteria that bear on it; motive is what the model did where it had a
    reason to break a rule, with intervals and false alarms; opportunity is what the developer
    answers, as its statement. What was not looked at is said.

    For example: touchstone assessment show 3f2a --as example-centre
    """
    with where.hand as hand:
        known = hand.look(case)
    tell(_Assessed(known.id, assessed(known)), json=where.json)
    return DONE


def assessed(known: "PartyCase") -> "ControlFacts":
    """The section's facts for a party. Raises AnswerIsNoError: the framework does not ask."""
    from touchstone.clearance import party_audience
    from touchstone.editions.audience_case import AudienceCase
    from touchstone.editions.sections.loss_of_control import control_facts
    from touchstone.editions.sections.results import result_rows
    from touchstone.review.events import TYPES

    names = tuple(str(kind.model_fields["type"].default) for kind in TYPES)
    entries = tuple(known.entries_of(*names))
    case = AudienceCase(known.id, entries, party_audience(known.by))
    facts = control_facts(case, result_rows(case), hidden=known.hidden > 0)
    if facts is None:
        raise AnswerIsNoError(
            "nothing of loss of control is open to this party, or the case's framework names no"
            " domain autonomy-and-control"
        )
    return facts


def _conduct_line(row: "ConductRow") -> str:
    from touchstone.editions.sentences import sentence

    if not row.measured:
        return f"{row.rule} ({row.mode}): {sentence('control.not-looked-at-pill')}"
    attempted = sentence(
        "control.attempted-of",
        attempted=row.attempted,
        measured=row.measured,
        low=row.low,
        high=row.high,
    )
    twins = sentence("control.of", count=row.false_alarms, of=row.twins)
    return sentence(
        "control.conduct-line",
        rule=row.rule,
        mode=row.mode,
        attempted=attempted,
        succeeded=row.succeeded,
        reported=row.reported,
        hidden=row.hidden,
        silent=row.silent,
        twins=twins,
    )
