"""What can be chosen in a case, and what there is that a deed could be about."""

from collections.abc import Sequence

from touchstone.client.party_case import PartyCase
from touchstone.editions.questions.findings import findings_shown
from touchstone.handin import printable_line
from touchstone.portal.deeds.fields import Option

SHOWN = 20
"""Characters of a finding's id beside its title."""


def findings(known: PartyCase) -> Sequence[Option]:
    """The findings that may be read, by title."""
    return [
        Option(each.finding, f"{printable_line(each.title)} ({each.finding[:SHOWN]})".strip())
        for each in findings_shown(known)
    ]


def disputed_findings(known: PartyCase) -> Sequence[Option]:
    """The party's own findings that are disputed and were not looked at again."""
    own = {
        name
        for name, each in known.state.findings.items()
        if each.signed.actor == known.by and each.dispute and not each.rerun
    }
    return [each for each in findings(known) if each.value in own]


def domains(known: PartyCase) -> Sequence[Option]:
    """The framework's domains."""
    return [Option(each, each) for each in known.framework.domains] if known.framework else ()


def criteria(known: PartyCase) -> Sequence[Option]:
    """The framework's criteria, by title."""
    found = known.framework.criteria if known.framework else ()
    return [Option(each.id, each.title) for each in found]


def inquiries(known: PartyCase) -> Sequence[Option]:
    """What was asked before a review."""
    return [Option(each) for each in known.state.inquiries]


def requests(known: PartyCase) -> Sequence[Option]:
    """Requests to postpone, each with its day."""
    return [
        Option(name, f"{name}: {each.requested.until}")
        for name, each in known.state.postponements.items()
    ]


def batteries(known: PartyCase) -> Sequence[Option]:
    """The batteries that were sealed."""
    return [Option(each) for each in known.state.batteries]


def own_directives(known: PartyCase) -> Sequence[Option]:
    """The party's own directives that stand."""
    return [
        Option(name, f"{name}: {each.issued.number}")
        for name, each in known.state.directives.items()
        if each.issued.actor == known.by and each.lifted_at is None
    ]


def other_members(known: PartyCase) -> Sequence[Option]:
    """The other parties of the case."""
    return [Option(each) for each in known.state.parties if each != known.by]


def invited_parties(known: PartyCase) -> Sequence[Option]:
    """Who is invited and has not joined."""
    return [Option(each) for each in known.state.invitations]


# ------------------------------------------------------------------ what is about something


def is_in_question(known: PartyCase) -> bool:
    """Whether agencies have something to speak to."""
    return known.state.designating.in_question is not None


def is_on_table(known: PartyCase) -> bool:
    """Whether terms are on the table."""
    return known.state.terms.on_table is not None


def awaits_its_window(known: PartyCase) -> bool:
    """Whether a model was handed in for which no window is laid."""
    return known.state.submission is not None and known.state.clock is None


def clock_is_running(known: PartyCase) -> bool:
    """Whether the window runs."""
    clock = known.state.clock
    return clock is not None and clock.ended_at is None and not clock.paused


def clock_is_paused(known: PartyCase) -> bool:
    """Whether the window stands still."""
    return known.state.clock is not None and known.state.clock.paused


def clock_is_open(known: PartyCase) -> bool:
    """Whether the window was laid and has not ended."""
    return known.state.clock is not None and known.state.clock.ended_at is None


def own_halt_stands(known: PartyCase) -> bool:
    """Whether the party has halted the measuring."""
    return known.by in known.state.halted_by


def own_halt_is_free(known: PartyCase) -> bool:
    """Whether it has not."""
    return not own_halt_stands(known)


def can_be_proposed(known: PartyCase) -> bool:
    """Whether the framework's rule can be asked."""
    return known.framework is not None


def can_be_designated(known: PartyCase) -> bool:
    """Whether a proposal is there, and no decision."""
    return bool(known.state.designating.proposals) and not known.state.designating.decisions


def can_be_revised(known: PartyCase) -> bool:
    """Whether a decision is there."""
    return bool(known.state.designating.decisions)
