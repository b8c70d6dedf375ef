"""Deeds: what a party signs with its own key, as DSSE version 1 envelopes.

The payload names the entry's exact place, the exact past (the root of all entries before it) and
every other part's commitment: a deed holds in one place of one log, and nowhere else.
"""

from dataclasses import dataclass
from typing import Any

from touchstone.ledger import forms
from touchstone.ledger.canonical import b64decode, b64encode, dumps, loads
from touchstone.ledger.errors import AlteredError, MalformedError
from touchstone.ledger.signing import Signer, check_signature, fingerprint

PAYLOAD_TYPE = "application/vnd.touchstone.deed+json"
_FIELDS = ("v", "log", "n", "previous", "deed", "actor", "parts")


@dataclass(frozen=True, slots=True)
class Deed:
    """What a party signs.

    `log` (hex, None for entry 0) and `n` are the entry's; `previous` is the root (hex) of the log
    at size n; `deed` is part 0's type and `actor` part 0's actor; `parts` are the commitments (hex)
    of all parts before the deed's own.
    """

    log: str | None
    n: int
    previous: str
    deed: str
    actor: str
    parts: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.log is not None:
            forms.hex32(self.log, "a deed's log")
        forms.integer(self.n, "a deed's n")
        forms.hex32(self.previous, "a deed's previous")
        forms.kebab(self.deed, "a deed's deed")
        forms.text(self.actor, "a deed's actor")
        for part in self.parts:
            forms.hex32(part, "a deed's part")

    @property
    def payload(self) -> bytes:
        """The canonical bytes that the envelope carries."""
        return dumps(
            {
                "v": 1,
                "log": self.log,
                "n": self.n,
                "previous": self.previous,
                "deed": self.deed,
                "actor": self.actor,
                "parts": self.parts,
            }
        )


@dataclass(frozen=True, slots=True)
class SignedDeed:
    """A deed with its one signature: `keyid` is a fingerprint, `signature` 64 bytes, unchecked."""

    deed: Deed
    keyid: str
    signature: bytes

    @property
    def envelope(self) -> dict[str, Any]:
        """The DSSE envelope as a JSON value."""
        return {
            "payload": b64encode(self.deed.payload),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"keyid": self.keyid, "sig": b64encode(self.signature)}],
        }

    def verify(self, public_key: bytes) -> None:
        """Raise AlteredError unless `public_key` (32 bytes) signed the deed."""
        if self.keyid != fingerprint(public_key):
            raise AlteredError(f"the deed is signed by {self.keyid}, not by its actor's key")
        message = pre_authentication_encoding(self.deed.payload)
        check_signature(public_key, message, self.signature, "the deed")


def pre_authentication_encoding(payload: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """DSSE version 1: what is signed in place of the payload."""
    kind = payload_type.encode()
    # Lengths come first, so that no two pairs of type and payload are encoded alike.
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign_deed(deed: Deed, signer: Signer) -> SignedDeed:
    """The deed under the party's own key."""
    signature = signer.sign(pre_authentication_encoding(deed.payload))
    return SignedDeed(deed, fingerprint(signer.public_key), signature)


def parse_envelope(value: object) -> SignedDeed:
    """The signed deed that a DSSE envelope holds, unchecked; MalformedError if it is none."""
    envelope = forms.fields(value, ("payload", "payloadType", "signatures"), "a deed's envelope")
    if envelope["payloadType"] != PAYLOAD_TYPE:
        raise MalformedError(f"a deed's payload type is not {PAYLOAD_TYPE}")
    signatures = forms.array(envelope["signatures"], "a deed's signatures")
    # DSSE allows several; a second one would be checked by nobody.
    if len(signatures) != 1:
        raise MalformedError(f"a deed with {len(signatures)} signatures; it has exactly one")
    signature = forms.fields(signatures[0], ("keyid", "sig"), "a deed's signature")
    payload = b64decode(forms.text(envelope["payload"], "a deed's payload"))
    return SignedDeed(
        _parse_payload(payload),
        forms.text(signature["keyid"], "a deed's keyid"),
        b64decode(forms.text(signature["sig"], "a deed's sig")),
    )


def _parse_payload(payload: bytes) -> Deed:
    value = forms.fields(loads(payload), _FIELDS, "a deed")
    # True equals 1, and `true` is no version.
    if type(value["v"]) is not int or value["v"] != 1:
        raise MalformedError("a deed says v 1")
    parts = forms.array(value["parts"], "a deed's parts")
    return Deed(
        value["log"], value["n"], value["previous"], value["deed"], value["actor"], tuple(parts)
    )
