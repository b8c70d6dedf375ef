"""What a machine holds a deed against before its key signs it, and when a signed one is vain.

A signature uses up a place in the order of its key's deeds: one that no server can take would keep
back each later one.
"""

from typing import Protocol

from touchstone.clearance import may_read, party_audience
from touchstone.client.errors import KeyMayNotSignError, UnreadableDeedError
from touchstone.deeds.deed import Deed
from touchstone.ledger import fingerprint
from touchstone.ledger.contract2 import DeedStatement
from touchstone.ledger.contract2.keyacts import CaseKeys
from touchstone.review import Event, State


class HasPublicKey(Protocol):
    """A key that signs, as far as is asked here."""

    @property
    def public_key(self) -> bytes:
        """32 bytes."""


def keys_that_sign(state: State, event: Event) -> dict[str, str]:
    """The fingerprints of the keys that may sign an event, each with what it is called."""
    # Who brings a key signs with it, so that whoever joins shows that it has it.
    act = event.facts().get("key_act") or {}
    if act.get("act") in {"joined", "rotated", "rejoined"}:
        return {fingerprint(bytes.fromhex(act["key"])): "the key that it brings"}
    party = state.parties.get(event.actor)
    if party is None:
        return {}
    own = {fingerprint(bytes.fromhex(party.key)): f"the key of {event.actor}"}
    able = {key: act.label for key, act in party.signers.items() if event.type in act.kinds}
    return own | able


def require_able(state: State, event: Event, signer: HasPublicKey) -> None:
    """Refuse a key that the case does not let sign an event. Raises KeyMayNotSignError."""
    # Of a party that is not in the case the server says what is the matter: it signs nothing here.
    able = keys_that_sign(state, event)
    own = fingerprint(signer.public_key)
    if able and own not in able:
        named = ", ".join(f"{key} ({called})" for key, called in able.items())
        raise KeyMayNotSignError(own, event.type, event.actor, named)


def require_shown(deed: Deed) -> None:
    """Raises UnreadableDeedError: a server that keeps to the marking would seem to hide it."""
    marking, by = deed.event.marking, deed.event.actor
    if not may_read(party_audience(by), marking, by, content=False).allowed:
        raise UnreadableDeedError(marking.scheme, marking.label)


def is_vain(statement: DeedStatement, keys: CaseKeys) -> bool:
    """Whether a signed deed can never be recorded in a case with these keys.

    So by what the case itself says of the key: it has ended, is another party's, or signs no deed
    of that type. A key of which it says nothing may be let in yet.
    """
    known = keys.known.get(statement.key)
    if known is None:
        return False
    other = known.party != statement.actor or known.ended
    # What a signer may sign is said when it is let in, and never changed (ADR 227).
    return other or (known.kinds is not None and statement.deed not in known.kinds)
