"""Guards on who joins a record of contract 2, and on each party's keys."""

from touchstone.framework import Framework, may_name, not_a_name
from touchstone.handin import moment_of, utc_text
from touchstone.ledger import fingerprint
from touchstone.ledger.contract2 import RECOVERY_VOUCHERS, RECOVERY_WAIT
from touchstone.review.events import TYPES, joining, opening
from touchstone.review.events.base import Event, Role
from touchstone.review.grounds import Ground
from touchstone.review.state import State

BringsOwn = joining.PartyJoined | joining.PartyKeyRotated | joining.PartyRejoined
"""What a party key is brought by, under its own signature."""
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
    # None: who invited it knew no fingerprint, and takes whichever key it brings.
    if invited.expects not in {None, fingerprint(bytes.fromhex(act.key))}:
        return Ground("key-not-invited", expects=invited.expects)
    return None


def signer_is_new(_f: Framework, state: State, event: joining.PartySignerAdmitted) -> Ground | None:
    """No key that this case has seen is admitted, whoever's it was."""
    return Ground("key-seen-before") if event.key_act.key in state.seen_keys else None


def party_key_is_new(_f: Framework, state: State, event: BringsOwn) -> Ground | None:
    """No party key comes back. A key that was only admitted gives way to who signs with it."""
    return Ground("key-seen-before") if event.key_act.key in state.party_keys else None


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


def reinvited_is_another_party(
    _f: Framework, state: State, event: joining.PartyReinvited
) -> Ground | None:
    """It is of another party, which has joined: who has not is invited."""
    party = event.key_act.party
    if party == event.actor:
        return Ground("reinvites-itself")
    return None if party in state.parties else Ground("reinvited-has-not-joined", party=party)


def agency_is_of_the_framework(
    f: Framework, state: State, event: joining.PartyReinvited
) -> Ground | None:
    """An agency that one party invited under a name of its own choice speaks for no other's key."""
    if state.parties[event.actor].role != "agency":
        return None
    named = [party.id for party in f.parties_with("agency")]
    return None if event.actor in named else Ground("agency-not-of-framework", framework=f.id)


def key_expected_is_new(
    _f: Framework, state: State, event: joining.PartyReinvited
) -> Ground | None:
    """What is expected can be brought, and is not what this party said before."""
    act = event.key_act
    if act.expects in {fingerprint(bytes.fromhex(key)) for key in state.party_keys}:
        return Ground("key-seen-before")
    told = state.reinvitations.get(act.party, {}).get(event.actor)
    same = told is not None and told.expects == act.expects
    return Ground("reinvited-already", party=act.party) if same else None


def recovery_is_under_way(
    _f: Framework, state: State, event: joining.RecoveryObjected
) -> Ground | None:
    """There is something to object to."""
    return None if state.reinvitations.get(event.actor) else Ground("no-recovery")


def recovery_is_due(_f: Framework, state: State, event: joining.PartyRejoined) -> Ground | None:
    """Two others of different roles said so, of this key, long enough ago.

    One of them is then the developer or the centre, of whom a case has one each: two parties that
    one institution brought in do not suffice.
    """
    own = fingerprint(bytes.fromhex(event.key_act.key))
    told, now = state.reinvitations.get(event.actor, {}), moment_of(state.recorded_at)
    by = state.vouchers(event.actor, own)
    ripe = [each for each in by if now - moment_of(told[each].recorded) >= RECOVERY_WAIT]
    if len({state.parties[name].role for name in by}) < RECOVERY_VOUCHERS:
        return Ground("not-reinvited-by-two", key=own, said=by)
    if len({state.parties[name].role for name in ripe}) < RECOVERY_VOUCHERS:
        newest = max(told[name].recorded for name in by)
        return Ground("may-still-object", until=utc_text(moment_of(newest) + RECOVERY_WAIT))
    return None


def disavowed_keys_are_its_own(
    _f: Framework, state: State, event: joining.PartyRejoined
) -> Ground | None:
    """Only keys that end with this: what ended before was disavowed then, or not."""
    known = state.parties[event.actor]
    ends = {fingerprint(bytes.fromhex(known.key)), *known.signers}
    other = next((key for key in event.key_act.lasts if key not in ends), None)
    return Ground("key-not-ending", key=other) if other else None
