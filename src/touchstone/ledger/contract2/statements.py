"""What a party signs in contract 2: a deed's statement, and its DSSE envelope.

A statement names what its signer has seen and what the deed speaks to, so that it can be signed
elsewhere while others go on: it holds wherever the topics that it names have not moved.
"""

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from touchstone.ledger import forms
from touchstone.ledger.canonical import b64decode, b64encode, dumps, loads
from touchstone.ledger.contract2.parts import MAX_SIGNED_PARTS
from touchstone.ledger.deeds import PAYLOAD_TYPE, pre_authentication_encoding
from touchstone.ledger.errors import AlteredError, MalformedError
from touchstone.ledger.merkle import EMPTY_ROOT
from touchstone.ledger.signing import SIGNATURE_SIZE, Signer, check_signature, fingerprint

VERSION = 2
MAX_STATEMENT = 16_384
"""Bytes of a statement, at most."""
MAX_TOUCHES = 16
MAX_NAMED = 32
"""How many topics a deed may be on, at most."""
_DOMAIN = b"touchstone/deed/2\x00"
_FIELDS = (
    "v",
    "log",
    "key",
    "actor",
    "deed",
    "parts",
    "seq",
    "before",
    "seen",
    "until",
    "touches",
    "on",
    "exact",
)
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
_ACTOR = re.compile(_NAME)
_TOPIC = re.compile(rf"(?=[a-z0-9-]{{1,64}}(?::|$))[a-z][a-z0-9]*(?:-[a-z0-9]+)*(?::{_NAME})?")


def is_topic(name: str) -> bool:
    """Whether a text is of the form `name` or `name:id`."""
    return _TOPIC.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class SeenHead:
    """A head of the case's log that a signer has seen: its size in entries and root (hex)."""

    size: int
    root: str

    def __post_init__(self) -> None:
        forms.integer(self.size, "the size seen")
        forms.hex32(self.root, "the root seen")
        if self.size == 0 and self.root != EMPTY_ROOT.hex():
            raise MalformedError("of a log of size 0 the empty root is seen")

    @property
    def value(self) -> dict[str, str | int]:
        """The head as a JSON value."""
        return {"size": self.size, "root": self.root}


NOTHING_SEEN = SeenHead(0, EMPTY_ROOT.hex())
"""What the signer of entry 0 has seen."""


# Without slots: `cached_property` needs a `__dict__`.
@dataclass(frozen=True)
class DeedStatement:
    """The payload of a deed.

    `log` is the log's id (hex, None for entry 0); `key` the fingerprint of the signing key; `actor`
    the party's id and `deed` the type, as part 0 has them; `parts` the commitments (hex) of all the
    signer's parts; `seq` counts this key's recorded deeds in this log from 0 and `before` is the
    digest (hex) of the one before, None in the first; `until` (UTC, or None) is the last time at
    which it may be recorded; `touches` the topics that it moves, sorted; `on` for each topic that
    it speaks to the newest entry touching it that the signer has seen, or None; `exact` asks for
    recording at `seen.size` or not at all.
    """

    log: str | None
    key: str
    actor: str
    deed: str
    parts: tuple[str, ...]
    seq: int
    before: str | None
    seen: SeenHead
    until: str | None = None
    touches: tuple[str, ...] = ()
    on: dict[str, int | None] = field(default_factory=dict)
    exact: bool = False

    def __post_init__(self) -> None:
        if self.log is not None:
            forms.hex32(self.log, "a deed's log")
        elif self.seen.size:
            raise MalformedError("a deed that begins a log has seen nothing of it")
        forms.fingerprint_text(self.key, "a deed's key")
        if not _ACTOR.fullmatch(forms.text(self.actor, "a deed's actor")):
            raise MalformedError("a deed's actor is not a party's id")
        forms.kebab(self.deed, "a deed's deed")
        if not 1 <= len(self.parts) <= MAX_SIGNED_PARTS:
            raise MalformedError(f"a deed of {len(self.parts)} parts; 1 to {MAX_SIGNED_PARTS}")
        for part in self.parts:
            forms.hex32(part, "a deed's part")
        forms.integer(self.seq, "a deed's seq")
        if (self.before is None) != (self.seq == 0):
            raise MalformedError("the first deed of a key, and no other, has none before it")
        if self.before is not None:
            forms.hex32(self.before, "a deed's before")
        if self.until is not None:
            forms.time(self.until, "a deed's until")
        if type(self.exact) is not bool:
            raise MalformedError("a deed's exact is neither true nor false")
        self._check_topics()

    def _check_topics(self) -> None:
        if len(self.touches) > MAX_TOUCHES or len(self.on) > MAX_NAMED:
            raise MalformedError(f"a deed of over {MAX_TOUCHES} topics, or on over {MAX_NAMED}")
        for name in (*self.touches, *self.on):
            if not is_topic(forms.text(name, "a deed's topic")):
                raise MalformedError("a deed's topic is not of the form name or name:id")
        if tuple(sorted(set(self.touches))) != self.touches:
            raise MalformedError("a deed's topics are sorted, each once")
        for n in self.on.values():
            if n is not None:
                forms.integer(n, "an entry that a deed is on")

    @cached_property
    def payload(self) -> bytes:
        """The canonical bytes that are signed; MalformedError above MAX_STATEMENT."""
        value = {name: getattr(self, name) for name in _FIELDS if name not in ("v", "seen")}
        line = dumps(value | {"v": VERSION, "seen": self.seen.value})
        if len(line) > MAX_STATEMENT:
            raise MalformedError(f"a deed's payload of {len(line)} bytes; at most {MAX_STATEMENT}")
        return line

    @cached_property
    def digest(self) -> str:
        """H: SHA-256("touchstone/deed/2" 0x00 payload) in hex, whoever signed it and how often."""
        return forms.hex_digest(_DOMAIN + self.payload)


@dataclass(frozen=True, slots=True)
class DeedEnvelope:
    """A statement with its one signature (64 bytes), unchecked."""

    statement: DeedStatement
    signature: bytes

    @property
    def value(self) -> dict[str, Any]:
        """The DSSE envelope as a JSON value."""
        return {
            "payload": b64encode(self.statement.payload),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"keyid": self.statement.key, "sig": b64encode(self.signature)}],
        }

    def verify(self, public_key: bytes) -> None:
        """Raise AlteredError unless `public_key` (32 bytes) is the key named and it signed."""
        if fingerprint(public_key) != self.statement.key:
            raise AlteredError("the deed names another key than the one that is to check it")
        message = pre_authentication_encoding(self.statement.payload)
        check_signature(public_key, message, self.signature, "the deed")


def sign_statement(statement: DeedStatement, signer: Signer) -> DeedEnvelope:
    """The statement under the key that it names; MalformedError if the signer has another."""
    if fingerprint(signer.public_key) != statement.key:
        raise MalformedError("a deed is signed by the key that it names")
    message = pre_authentication_encoding(statement.payload)
    return DeedEnvelope(statement, signer.sign(message))


def parse_statement_envelope(value: object) -> DeedEnvelope:
    """The deed in a DSSE envelope, its signature unchecked; MalformedError if it is none."""
    envelope = forms.fields(value, ("payload", "payloadType", "signatures"), "a deed's envelope")
    if envelope["payloadType"] != PAYLOAD_TYPE:
        raise MalformedError(f"a deed's payload type is not {PAYLOAD_TYPE}")
    signatures = forms.array(envelope["signatures"], "a deed's signatures")
    # DSSE allows several; a second one would be checked by nobody.
    if len(signatures) != 1:
        raise MalformedError(f"a deed with {len(signatures)} signatures; it has exactly one")
    signed = forms.fields(signatures[0], ("keyid", "sig"), "a deed's signature")
    encoded = forms.text(envelope["payload"], "a deed's payload")
    statement = parse_statement(b64decode(encoded))
    signature = b64decode(forms.text(signed["sig"], "a deed's sig"))
    if len(signature) != SIGNATURE_SIZE:
        raise MalformedError(f"a signature of {len(signature)} bytes; it has {SIGNATURE_SIZE}")
    # DSSE does not sign the keyid: it could be changed on the way.
    if signed["keyid"] != statement.key:
        raise MalformedError("a deed's keyid is not the key that its payload names")
    return DeedEnvelope(statement, signature)


def parse_statement(payload: bytes) -> DeedStatement:
    """The statement that canonical bytes are; MalformedError if they are none."""
    if len(payload) > MAX_STATEMENT:
        raise MalformedError(f"a deed's payload of {len(payload)} bytes; at most {MAX_STATEMENT}")
    value = forms.fields(loads(payload), _FIELDS, "a deed")
    if value["v"] != VERSION:
        raise MalformedError("a deed of contract 2 says v 2")
    seen = forms.fields(value["seen"], ("size", "root"), "a deed's seen")
    if not isinstance(value["on"], dict):
        raise MalformedError("a deed's on is not an object")
    others = {
        name: value[name] for name in _FIELDS if name not in ("v", "seen", "parts", "touches")
    }
    statement = DeedStatement(
        **others,
        seen=SeenHead(seen["size"], seen["root"]),
        parts=tuple(forms.array(value["parts"], "a deed's parts")),
        touches=tuple(forms.array(value["touches"], "a deed's touches")),
    )
    # What was read as canonical, of exactly these fields, is what it would be written as.
    vars(statement)["payload"] = payload
    return statement
