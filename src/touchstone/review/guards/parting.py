"""Guards on who leaves a case, and on who ends another's part in it."""

from touchstone.framework import Framework
from touchstone.review.events import joining, parting
from touchstone.review.grounds import Ground
from touchstone.review.guards.joining import ONE_OF
from touchstone.review.state import State


def invited_did_not_leave(
    _f: Framework, state: State, event: joining.PartyInvited
) -> Ground | None:
    """Who took part and has left does not come back under its name: its key stays known."""
    party = event.key_act.party
    return Ground("invited-has-left", party=party) if party in state.left else None


def invitation_is_ones_own(
    _f: Framework, state: State, event: parting.PartyUninvited
) -> Ground | None:
    """An invitation stands, and is taken back by who made it."""
    if event.party not in state.invitations:
        return Ground("invitation-unknown", party=event.party)
    by = state.invited_by[event.party]
    return None if by == event.actor else Ground("invitation-of-another", party=event.party, by=by)


def removed_is_ones_own_guest(
    _f: Framework, state: State, event: parting.PartyRemoved
) -> Ground | None:
    """Who is removed takes part by the invitation of who removes it, and holds up no case."""
    known = state.parties.get(event.party)
    if known is None:
        return Ground("not-in-case", party=event.party)
    if known.role in ONE_OF:
        return Ground("role-not-removed", party=event.party, role=known.role)
    by = state.invited_by[event.party]
    return None if by == event.actor else Ground("guest-of-another", party=event.party, by=by)


def removed_is_no_agency_of_the_framework(
    f: Framework, _s: State, event: parting.PartyRemoved
) -> Ground | None:
    """No official whom the framework names is sent away by those on whom it is to speak."""
    named = {party.id for party in f.parties_with("agency")}
    if event.party not in named:
        return None
    return Ground("agency-of-framework", party=event.party, framework=f.id)
