"""Who signs in a record of contract 2: invitations, parties that join by their own key, signers.

Each holds one act on keys, `key_act`, of exactly the form that docs/reference/record-format-2.md
says; the ledger reads who may sign off these alone.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, ConfigDict, StringConstraints

from touchstone.ledger import MalformedError, has_small_order
from touchstone.ledger.contract2 import parse_key_act
from touchstone.review.events.base import Count, Event, Facts, Hex32, Name, Role

A = TypeVar("A", bound=Facts)

Fingerprint = Annotated[str, StringConstraints(pattern=r"^SHA256:[0-9a-f]{64}$")]
"""`SHA256:` and 64 lowercase hex digits, of a public key."""
DeedType = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
"""A type of event, as `finding-responded`."""


def _in_form(act: A) -> A:
    """As the ledger reads it, which knows no types and takes no other field."""
    facts = act.model_dump(mode="json")
    try:
        parse_key_act({"key_act": facts})
    except MalformedError as error:
        raise ValueError(str(error)) from None
    key = facts.get("key", "")
    # By its length: other acts bear a fingerprint under this name.
    if len(key) == len("00" * 32) and has_small_order(bytes.fromhex(key)):
        raise ValueError("key is of small order, with which anyone can sign: take another")
    return act


class InvitedAct(Facts):
    """A party may join in a role."""

    model_config = ConfigDict(extra="forbid")

    act: Literal["invited"] = "invited"
    """What is done."""
    party: Name
    """The party's id."""
    role: Role
    """What it is to be in this case."""
    expects: Fingerprint | None
    """The fingerprint of the key that it is to join with; null: any."""


class JoinedAct(Facts):
    """A party brings its own key."""

    model_config = ConfigDict(extra="forbid")

    act: Literal["joined"] = "joined"
    """What is done."""
    party: Name
    """The acting party."""
    role: Role
    """What it is in this case."""
    key: Hex32
    """Its Ed25519 public key, in hex, which signs this deed."""
    next: Fingerprint
    """The fingerprint of the key that can replace this one."""


class AdmittedAct(Facts):
    """A further key signs for the acting party."""

    model_config = ConfigDict(extra="forbid")

    act: Literal["admitted"] = "admitted"
    """What is done."""
    alg: Literal["ed25519"] = "ed25519"
    """How it signs."""
    key: Hex32
    """Its public key, in hex."""
    kinds: tuple[DeedType, ...]
    """The types of deed that it may sign: 1 to 64, sorted, each once."""
    label: Name
    """What the party calls it."""


class RemovedAct(Facts):
    """A further key signs no more."""

    model_config = ConfigDict(extra="forbid")

    act: Literal["removed"] = "removed"
    """What is done."""
    key: Fingerprint
    """Its fingerprint."""
    last: Count | None
    """The last `seq` of it that the party stands by; null: none."""


class RotatedAct(Facts):
    """The acting party's own key is replaced."""

    model_config = ConfigDict(extra="forbid")

    act: Literal["rotated"] = "rotated"
    """What is done."""
    key: Hex32
    """The new public key, in hex, which signs this deed."""
    next: Fingerprint
    """The fingerprint of the key that can replace it."""
    last: Count | None
    """The last `seq` of the old key that the party stands by; null: none."""


class ReinvitedAct(Facts):
    """Another party, which lost its keys, is to go on with a new one."""

    model_config = ConfigDict(extra="forbid")

    act: Literal["reinvited"] = "reinvited"
    """What is done."""
    party: Name
    """The party that lost its keys."""
    expects: Fingerprint
    """The fingerprint of its new key, as the acting party had it from it."""


class ObjectedAct(Facts):
    """The acting party lost no key."""

    model_config = ConfigDict(extra="forbid")

    act: Literal["objected"] = "objected"
    """What is done."""


class RejoinedAct(Facts):
    """The acting party goes on with a new key; its old one and all its signers end."""

    model_config = ConfigDict(extra="forbid")

    act: Literal["rejoined"] = "rejoined"
    """What is done."""
    key: Hex32
    """The new public key, in hex, which signs this deed."""
    next: Fingerprint
    """The fingerprint of the key that can replace it."""
    lasts: Mapping[Fingerprint, Count | None]
    """By a key that ends with this, the last `seq` of it that the party stands by; null: none. Of a
    key that is not named it stands by all."""


JoinedInForm = Annotated[JoinedAct, AfterValidator(_in_form)]
"""How a party joins, as the ledger reads it."""


class PartyInvited(Event):
    """The developer or the centre lets a party join."""

    type: Literal["party-invited"] = "party-invited"
    key_act: Annotated[InvitedAct, AfterValidator(_in_form)]
    """The invitation; a later one for the same party replaces it."""


class PartyJoined(Event):
    """A party joins by its own signature. It is a party from here on, and not before."""

    type: Literal["party-joined"] = "party-joined"
    key_act: JoinedInForm
    """Its key."""


class PartySignerAdmitted(Event):
    """A party lets another key, of a device or a person, sign some types of deed for it."""

    type: Literal["signer-admitted"] = "signer-admitted"
    key_act: Annotated[AdmittedAct, AfterValidator(_in_form)]
    """The key."""


class PartySignerRemoved(Event):
    """A party ends one of its signers."""

    type: Literal["signer-removed"] = "signer-removed"
    key_act: Annotated[RemovedAct, AfterValidator(_in_form)]
    """The key."""


class PartyKeyRotated(Event):
    """A party replaces its own key by the one that it announced before."""

    type: Literal["party-key-rotated"] = "party-key-rotated"
    key_act: Annotated[RotatedAct, AfterValidator(_in_form)]
    """The keys."""


class PartyReinvited(Event):
    """A party says with which new key another one, which lost its keys, is to go on.

    Two must say so, of different roles; then the other one may join anew, once it had 72 hours to
    object.
    """

    type: Literal["party-reinvited"] = "party-reinvited"
    key_act: Annotated[ReinvitedAct, AfterValidator(_in_form)]
    """The party and its new key; a later one by the same actor replaces it."""


class RecoveryObjected(Event):
    """A party lost no key: what others said of a new one for it ends."""

    type: Literal["recovery-objected"] = "recovery-objected"
    key_act: Annotated[ObjectedAct, AfterValidator(_in_form)]
    """The objection."""


class PartyRejoined(Event):
    """A party that lost its keys goes on with a new one, by two others' word."""

    type: Literal["party-rejoined"] = "party-rejoined"
    key_act: Annotated[RejoinedAct, AfterValidator(_in_form)]
    """The keys."""


ACTS: tuple[type[Event], ...] = (
    PartyInvited,
    PartyJoined,
    PartySignerAdmitted,
    PartySignerRemoved,
    PartyKeyRotated,
    PartyReinvited,
    RecoveryObjected,
    PartyRejoined,
)
"""The types that are acts on keys and nothing else."""
