"""What a person's device signs to be let in: not deeds, and nothing of it is ever recorded.

A *device key* (Ed25519) is made on a person's machine and never leaves it. It signs two things:
that it takes an invitation, which proves that whoever has the code has the key as well; and that it
asks for a short token. Both name the installation that they are for and hold for it alone. Each
kind has its own DSSE payload type and domain, so that neither is ever read as the other or a deed.

A one-time code never travels: it makes a key (Ed25519), which signs what the device signed. So
whoever stands between sees who joins, and can put no other device in its place.
"""

from dataclasses import dataclass, fields
from hashlib import sha256
from typing import Any, ClassVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from touchstone.ledger import forms
from touchstone.ledger.canonical import b64decode, b64encode, dumps, loads
from touchstone.ledger.deeds import pre_authentication_encoding
from touchstone.ledger.errors import AlteredError, MalformedError
from touchstone.ledger.signing import SIGNATURE_SIZE, Signer, check_signature, fingerprint

VERSION = 1
MAX_DEVICE_STATEMENT = 4_096
"""Bytes of a statement, at most."""
MAX_SCOPES = 16
SCOPES = ("read", "deeds", "evidence", "secrets", "people")
"""What a token may be used for: to read, to send deeds and what is evidence of them, to hand in an
endpoint's key, and to say who else may come in."""
_CODE_DOMAIN = b"touchstone/invitation-code/1\x00"
_TAKEN_TYPE = "application/vnd.touchstone.invitation-taken+json"
_PASSKEY_TYPE = "application/vnd.touchstone.passkey-taken+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceStatement:
    """What both say: for whom (`aud`, an installation's fingerprint), when (UTC), a nonce (hex).

    `key` is the device's public key (32 bytes, hex).
    """

    PAYLOAD_TYPE: ClassVar[str]
    DOMAIN: ClassVar[str]

    aud: str
    key: str
    at: str
    nonce: str

    def __post_init__(self) -> None:
        forms.fingerprint_text(self.aud, "a device's aud")
        forms.hex32(self.key, "a device's key")
        forms.time(self.at, "a device's at")
        forms.hex32(self.nonce, "a device's nonce")

    @property
    def payload(self) -> bytes:
        """The canonical bytes that are signed."""
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        return dumps(said | {"v": VERSION, "domain": self.DOMAIN})

    @property
    def fingerprint(self) -> str:
        """That of the device's key."""
        return fingerprint(bytes.fromhex(self.key))

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of what was said, whatever the signature: it may be used once."""
        return sha256(self.payload).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class JoiningStatement(DeviceStatement):
    """A device takes the invitation whose code makes this public key (32 bytes, hex).

    `party` says whose person it is, and is empty for an administrator; `label` is what the device
    is shown as. The code itself is not in it: whoever sees the statement cannot take the
    invitation.
    """

    PAYLOAD_TYPE: ClassVar[str] = "application/vnd.touchstone.device-joining+json"
    DOMAIN: ClassVar[str] = "touchstone/device-joining/1"

    code: str
    party: str
    label: str

    def __post_init__(self) -> None:
        # Not super(): slots make the class anew, and the old one is what super() would know.
        DeviceStatement.__post_init__(self)
        forms.hex32(self.code, "an invitation's code")
        forms.text(self.label, "a device's label")
        if self.party:
            forms.text(self.party, "a device's party")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenStatement(DeviceStatement):
    """A device asks for a token of its person (a public id) with these scopes, sorted."""

    PAYLOAD_TYPE: ClassVar[str] = "application/vnd.touchstone.token-request+json"
    DOMAIN: ClassVar[str] = "touchstone/token-request/1"

    person: str
    scopes: tuple[str, ...]

    def __post_init__(self) -> None:
        DeviceStatement.__post_init__(self)
        forms.kebab(self.person, "a person")
        for scope in self.scopes:
            forms.kebab(scope, "a scope")
        if len(self.scopes) > MAX_SCOPES or tuple(sorted(set(self.scopes))) != self.scopes:
            raise MalformedError(f"scopes are at most {MAX_SCOPES}, sorted, each once")


def key_of_code(code: str) -> str:
    """The public key (32 bytes, hex) that an invitation's code makes, however it was typed."""
    return _signer_of(code).public_key().public_bytes_raw().hex()


def digest_of_code_key(key: str) -> str:
    """SHA-256 (hex) of the public key that a code makes: all that a server keeps of it."""
    return sha256(bytes.fromhex(key)).hexdigest()


def signed_by_code(payload: bytes, code: str) -> str:
    """The signature (64 bytes, hex) of a joining statement's payload by the key of a code."""
    return _signer_of(code).sign(pre_authentication_encoding(payload, _TAKEN_TYPE)).hex()


def check_taking(said: JoiningStatement, proof: str) -> None:
    """Whether who sent a statement has the code whose key it names, and sent exactly this one.

    Raises:
        MalformedError: the proof is no signature.
        AlteredError: the code's key did not sign it.
    """
    _check_proof(said.code, said.payload, _TAKEN_TYPE, proof)


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyTaking:
    """A passkey takes the invitation whose code makes this public key (32 bytes, hex).

    The code's key signs it in the browser, so that the code does not travel here either. `aud` is
    an installation's fingerprint, `challenge` what the server drew for this one passkey (32 bytes,
    hex), `credential` the SHA-256 (hex) of the passkey's credential id.
    """

    aud: str
    challenge: str
    code: str
    credential: str

    def __post_init__(self) -> None:
        forms.fingerprint_text(self.aud, "a taking's aud")
        for name in ("challenge", "code", "credential"):
            forms.hex32(getattr(self, name), f"a taking's {name}")

    @property
    def payload(self) -> bytes:
        """The canonical bytes that the code's key signs."""
        return dumps({each.name: getattr(self, each.name) for each in fields(self)})

    def signed_by(self, code: str) -> str:
        """The signature (64 bytes, hex) by the key of a code, as a browser makes it."""
        message = pre_authentication_encoding(self.payload, _PASSKEY_TYPE)
        return _signer_of(code).sign(message).hex()

    def check(self, proof: str) -> None:
        """Raise MalformedError or AlteredError unless the code's key signed exactly this."""
        _check_proof(self.code, self.payload, _PASSKEY_TYPE, proof)


def _check_proof(code: str, payload: bytes, kind: str, proof: str) -> None:
    try:
        signature = bytes.fromhex(proof)
    except ValueError as error:
        raise MalformedError("a proof is 64 bytes in hex") from error
    if len(signature) != SIGNATURE_SIZE:
        raise MalformedError("a proof is 64 bytes in hex")
    message = pre_authentication_encoding(payload, kind)
    check_signature(bytes.fromhex(code), message, signature, "the taking")


def _signer_of(code: str) -> Ed25519PrivateKey:
    plain = "".join(each for each in code if not each.isspace() and each != "-")
    # Letters that are taken for digits are none of a code's.
    plain = plain.lower().translate(str.maketrans("ilo", "110"))
    # No slow derivation: a code has 150 bits, and nobody chose it.
    seed = sha256(_CODE_DOMAIN + plain.encode("utf-8", "replace")).digest()
    return Ed25519PrivateKey.from_private_bytes(seed)


def signed_by_device(statement: DeviceStatement, signer: Signer) -> dict[str, Any]:
    """The DSSE envelope of a statement; MalformedError if the signer has another key."""
    if signer.public_key.hex() != statement.key:
        raise MalformedError("a device's statement is signed by the key that it names")
    message = pre_authentication_encoding(statement.payload, statement.PAYLOAD_TYPE)
    signature = {"keyid": statement.fingerprint, "sig": b64encode(signer.sign(message))}
    return {
        "payload": b64encode(statement.payload),
        "payloadType": statement.PAYLOAD_TYPE,
        "signatures": [signature],
    }


def opened_joining(envelope: object) -> JoiningStatement:
    """What a device says that joins, once its signature holds.

    Raises:
        MalformedError: it is no such statement.
        AlteredError: the key that it names did not sign it.
    """
    said = _opened(envelope, JoiningStatement)
    return JoiningStatement(**said)


def opened_token_request(envelope: object) -> TokenStatement:
    """What a device says that asks for a token, once its signature holds. Raises as joining."""
    said = _opened(envelope, TokenStatement)
    return TokenStatement(**said | {"scopes": tuple(forms.array(said["scopes"], "scopes"))})


def _opened(envelope: object, kind: type[DeviceStatement]) -> dict[str, Any]:
    """The fields of a statement whose signature holds, unchecked but for the key."""
    found = forms.fields(envelope, ("payload", "payloadType", "signatures"), "an envelope")
    if found["payloadType"] != kind.PAYLOAD_TYPE:
        raise MalformedError(f"the payload type is not {kind.PAYLOAD_TYPE}")
    signatures = forms.array(found["signatures"], "an envelope's signatures")
    # A second one would be checked by nobody.
    if len(signatures) != 1:
        raise MalformedError(f"an envelope with {len(signatures)} signatures; it has exactly one")
    signed = forms.fields(signatures[0], ("keyid", "sig"), "a signature")
    encoded = forms.text(found["payload"], "a payload")
    # Four characters hold three bytes.
    if len(encoded) > MAX_DEVICE_STATEMENT // 3 * 4 + 4:
        raise MalformedError(f"a payload of over {MAX_DEVICE_STATEMENT} bytes")
    payload = b64decode(encoded)
    names = [each.name for each in fields(kind)]
    said = forms.fields(loads(payload), [*names, "v", "domain"], "a device's statement")
    # `true` equals 1, and is no version.
    if type(said["v"]) is not int or said["v"] != VERSION or said["domain"] != kind.DOMAIN:
        raise MalformedError(f"a device's statement says v {VERSION} and {kind.DOMAIN}")
    key = bytes.fromhex(forms.hex32(said["key"], "a device's key"))
    # DSSE does not sign the keyid: it could be changed on the way.
    if signed["keyid"] != fingerprint(key):
        raise AlteredError("the keyid is not the key that the statement names")
    signature = b64decode(forms.text(signed["sig"], "a sig"))
    if len(signature) != SIGNATURE_SIZE:
        raise MalformedError(f"a signature of {len(signature)} bytes; it has {SIGNATURE_SIZE}")
    message = pre_authentication_encoding(payload, kind.PAYLOAD_TYPE)
    check_signature(key, message, signature, "the statement")
    return {name: said[name] for name in names}
