"""People with devices, as accounts know them: each invited, let in, and with a token."""

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from support.ledger_signer import Signer
from touchstone.keys import RandomSource, SystemRandom
from touchstone.ledger.devices import (
    JoiningStatement,
    TokenStatement,
    key_of_code,
    signed_by_code,
    signed_by_device,
)
from touchstone.server.accounts.joining import IssuedToken, issue_token, redeem
from touchstone.server.accounts.managing import Manager
from touchstone.server.accounts.people import InvitedPerson, invite
from touchstone.server.accounts.roles import ADMINISTRATOR, scopes_of

NOW = "2026-12-01T09:00:00Z"
AUD = f"SHA256:{'ab' * 32}"
RANDOM = SystemRandom()


def proof(code: str, envelope: Any) -> str:
    """What the key of a code signs of an envelope, whatever stands in it."""
    try:
        payload = b64decode(envelope["payload"])
    except (TypeError, KeyError, ValueError):
        payload = b""
    return signed_by_code(payload, code)


@dataclass
class Device:
    """A person's machine: its key, and what it signs."""

    name: str
    aud: str = AUD
    random: RandomSource = RANDOM
    person: str = ""
    party: str = "example-lab"
    signer: Signer = field(init=False)

    def __post_init__(self) -> None:
        self.signer = Signer(f"{self.name} {self.random.draw(8).hex()}")

    @property
    def key(self) -> str:
        return self.signer.public_key.hex()

    def joining(self, code: str, **other: Any) -> dict[str, Any]:
        """What it signs to take an invitation."""
        said = {
            "aud": self.aud,
            "key": self.key,
            "at": NOW,
            "nonce": self.random.draw(32).hex(),
            "code": key_of_code(code),
            "party": self.party,
            "label": f"{self.name}'s machine",
        }
        return signed_by_device(JoiningStatement(**said | other), self.signer)

    def asking(self, *scopes: str, **other: Any) -> dict[str, Any]:
        """What it signs to ask for a token."""
        said = {
            "aud": self.aud,
            "key": self.key,
            "at": NOW,
            "nonce": self.random.draw(32).hex(),
            "person": self.person,
            "scopes": tuple(sorted(scopes)),
        }
        return signed_by_device(TokenStatement(**said | other), self.signer)

    def joins(self, invited: InvitedPerson, now: str = NOW) -> "Device":
        """Take an invitation."""
        envelope = self.joining(invited.code, at=now)
        redeem(proof(invited.code, envelope), envelope, installation=self.aud, now=now)
        self.person = invited.person
        return self

    def token(self, *scopes: str, now: str = NOW) -> IssuedToken:
        """A token for these scopes."""
        envelope = self.asking(*scopes, at=now)
        return issue_token(envelope, installation=self.aud, now=now, random=self.random)


def invited(institution: str, *roles: str, name: str = "Somebody", now: str = NOW) -> InvitedPerson:
    """Somebody whom the machine's administrator invites."""
    return invite(Manager.machine(), institution, roles, name, now=now, random=RANDOM)


def let_in(
    institution: str, *roles: str, aud: str = AUD, name: str = "Somebody", now: str = NOW
) -> Device:
    """Somebody whose device was let in."""
    told = invited(institution, *roles, name=name, now=now)
    return Device("-".join(roles), aud, party=institution).joins(told, now)


def bearer(device: Device, roles: Sequence[str]) -> str:
    """An Authorization header with a token for all that roles allow."""
    return f"Bearer {device.token(*scopes_of(roles)).token}"


def administrator(aud: str = AUD) -> Device:
    """An administrator whose device was let in."""
    return let_in("", ADMINISTRATOR, aud=aud)
