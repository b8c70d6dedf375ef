"""A party's next deeds in a case, the most urgent first."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from touchstone.framework import Framework
from touchstone.review.events.base import Role
from touchstone.review.next_deeds import begun, judged, settled
from touchstone.review.next_deeds.standpoint import NextDeed, Standpoint
from touchstone.review.state import State

Telling = Callable[[Standpoint], Iterator[NextDeed]]

ON_FACTS: Sequence[Telling] = (begun.of_recovery, settled.of_directives)
"""What can be told where the framework's text went with the case's content."""
WITHOUT_FRAMEWORK: Sequence[Telling] = (
    *ON_FACTS,
    begun.of_inquiries,
    judged.of_halts,
    judged.of_findings,
    settled.of_the_table,
)
"""What a party can be told of its own deeds where the framework is not open to it."""
TELLINGS: Sequence[Telling] = (
    *ON_FACTS,
    begun.of_joining,
    begun.of_others_recovery,
    begun.of_inquiries,
    begun.of_agreeing,
    begun.of_handing_in,
    begun.of_the_clock,
    judged.of_halts,
    judged.of_seeds,
    judged.of_measuring,
    judged.of_scanning,
    judged.of_findings,
    judged.of_evidence,
    judged.of_proposing,
    judged.of_concurring,
    judged.of_designating,
    settled.of_the_table,
    settled.of_postponement,
    settled.of_releasing,
    settled.of_standing_classes,
    settled.of_bundles,
    settled.of_closing,
    settled.of_destroying,
)


def next_deeds(framework: Framework, state: State, party: str, now: str) -> tuple[NextDeed, ...]:
    """What is next for a party in a case, the most urgent first; nothing to whom it does not know.

    What the party must or may do now is what `decide` takes from it now. What is awaited from
    others is told as far as the state shows it: what somebody did where this party may not read is
    awaited still. Of a case with events of a newer version nothing is told.

    Args:
        framework: The one that the case is held to.
        state: What the party may read of the case comes to (`evolve_seen`).
        party: The party's id.
        now: The present moment (UTC).
    """
    every = deeds_of_all(framework, state, now)
    own = [each for each in every if each.by == party]
    if not own and party not in state.parties:
        return ()
    others = [
        replace(each, stance="awaited")
        for each in every
        if each.by != party and each.stance == "must"
    ]
    return tuple(sorted([*own, *others], key=urgency))


def own_deeds(state: State, party: str, now: str) -> tuple[NextDeed, ...]:
    """What a party must or may do, as far as that follows without the framework of the case.

    For who joined and may not read the framework, as an evaluator from outside. What is awaited
    from others is not told: most of what they did is hidden from such a party. Arguments as for
    `next_deeds`.
    """
    role = _role_of(state, party)
    if role is None or state.unknown:
        return ()
    moment = max(now, state.recorded_at)
    at = Standpoint(None, replace(state, recorded_at=moment), party, role, moment)
    tellings = ON_FACTS if state.status == "destroyed" else WITHOUT_FRAMEWORK
    return tuple(sorted((each for telling in tellings for each in telling(at)), key=urgency))


def deeds_of_all(framework: Framework, state: State, now: str) -> tuple[NextDeed, ...]:
    """What every party must or may do now, as `next_deeds` tells it to each; party by party.

    Whoever tells who is to act draws it from here, so that no two tell it differently.
    """
    if state.unknown:
        return ()
    moment = max(now, state.recorded_at)
    # Guards reckon by when a deed would be recorded.
    seen = replace(state, recorded_at=moment)
    names = (*state.parties, *state.invitations)
    return tuple(deed for name in names for deed in _own(framework, seen, name, moment))


def next_of_invited(party: str) -> tuple[NextDeed, ...]:
    """What is next for who is invited and has not joined: of the case it is told nothing else."""
    return (NextDeed(party, "must", ("party-joined",), "invited"),)


def _own(framework: Framework, state: State, party: str, now: str) -> Iterator[NextDeed]:
    role = _role_of(state, party)
    if role is None:
        return
    at = Standpoint(framework, state, party, role, now)
    for telling in ON_FACTS if state.status == "destroyed" else TELLINGS:
        yield from telling(at)


def _role_of(state: State, party: str) -> Role | None:
    known = state.parties.get(party) or state.invitations.get(party)
    return known.role if known else None


def urgency(deed: NextDeed) -> tuple[bool, bool, str, bool]:
    """Orders next deeds: a party's own first, and of these the nearest end before what has none."""
    due = deed.due.at if deed.due else ""
    return deed.stance == "awaited", not due, due, deed.stance != "must"
