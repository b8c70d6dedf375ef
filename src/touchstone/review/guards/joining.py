"""Guards on who joins a record of contract 2, and on each party's keys."""

from touchstone.framework import Framework, may_name, not_a_name
from touchstone.ledger import fingerprint
from touchstone.review.events import TYPES, joining, opening
from touchstone.review.events.base import Event, Role
from touchstone.review.grounds import Ground
from touchstone.review.state import State

Brings = joining.PartyJoined | joining.PartySignerAdmitted | joining.PartyKeyRotated
ONE_OF: tuple[Role, ...] = ("developer", "centre")
"""Roles that one party has in a case."""


def _name(event: type[Event]) -> str:
    return str(event.model_fields["type"].default)


BY_PARTY_KEY = frozenset(
    _name(event)
    for event in TYPES
    if event is opening.CaseOpened or "key_act" in event.model_fields
)
"""Types that no signer but the party's own key signs."""
SIGNABLE = frozenset(map(_name, TYPES)) - BY_PARTY_KEY


def record_takes_admissions(_f: Framework, state: State, _e: object) -> Ground | None:
    """A case whose opener brought its own key takes parties by invitation alone."""
    return Ground("invitation-only") if state.by_invitation else None


def record_takes_key_acts(_f: Framework, state: State, _e: object) -> Ground | None:
    """A case that was opened with a list of parties takes others by `party-admitted` alone."""
    if state.by_invitation:
        return None
    return Ground("not-by-invitation")


def invited_has_not_joined(
    _f: Framework, state: State, event: joining.PartyInvited
) -> Ground | None:
    """Who is in the case stays what it is."""
    party = event.key_act.party
    return Ground("invited-has-joined", party=party) if party in state.parties else None


def role_is_open(
    _f: Framework, state: State, event: joining.PartyInvited | joining.PartyJoined
) -> Ground | None:
    """A case has one developer and one centre."""
    role = event.key_act.role
    others = state.having(role)
    taken = role in ONE_OF and others
    return Ground("role-taken", role=role, holder=others[0]) if taken else None


def invited_is_no_word_of_the_system(
    _f: Framework, _s: State, event: joining.PartyInvited
) -> Ground | None:
    """Nobody is called as an audience, a role or a label is."""
    act = event.key_act
    if may_name(act.party, act.role):
        return None
    return Ground("names-no-party", party=act.party, why=not_a_name(act.party))


def has_not_joined(_f: Framework, state: State, event: joining.PartyJoined) -> Ground | None:
    """A party joins once; its key is then rotated."""
    return Ground("joined-already") if event.actor in state.parties else None


def joins_as_invited(_f: Framework, state: State, event: joining.PartyJoined) -> Ground | None:
    """A party joins for itself, in the role and with the key that its invitation says."""
    act, invited = event.key_act, state.invitations.get(event.actor)
    if act.party != event.actor:
        return Ground("joins-for-another", party=act.party)
    if invited is None:
        return Ground("uninvited")
    if invited.role != act.role:
        return Ground("invited-in-another-role", role=invited.role)
    if invited.expects not in {None, fingerprint(bytes.fromhex(act.key))}:
        return Ground("key-not-invited", expects=invited.expects)
    return None


def key_is_new(_f: Framework, state: State, event: Brings) -> Ground | None:
    """No key that this case has seen comes back, whoever's it was."""
    known = event.key_act.key in state.seen_keys
    return Ground("key-seen-before") if known else None


def kinds_can_be_signed(
    _f: Framework, _s: State, event: joining.PartySignerAdmitted
) -> Ground | None:
    """A signer signs deeds of known types, and never acts on keys."""
    bad = next((kind for kind in event.key_act.kinds if kind not in SIGNABLE), None)
    return Ground("type-not-signable", type=bad) if bad else None


def signer_is_ones_own(
    _f: Framework, state: State, event: joining.PartySignerRemoved
) -> Ground | None:
    """A party removes a signer of its own that stands."""
    signs = event.key_act.key in state.parties[event.actor].signers
    return None if signs else Ground("signer-unknown", key=event.key_act.key)


def key_is_the_one_announced(
    _f: Framework, state: State, event: joining.PartyKeyRotated
) -> Ground | None:
    """A thief of the current key cannot bring one of its own."""
    announced = state.parties[event.actor].next
    if fingerprint(bytes.fromhex(event.key_act.key)) == announced:
        return None
    return Ground("key-not-announced", announced=announced)
