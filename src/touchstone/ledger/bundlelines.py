"""The lines of a bundle that are not key lines or entries: their fields, both ways."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from touchstone.ledger import forms
from touchstone.ledger.canonical import dumps
from touchstone.ledger.entries import Entry
from touchstone.ledger.errors import MalformedError
from touchstone.ledger.heads import CaseHead, parse_head
from touchstone.ledger.keylines import KeyHistory, KeyLine
from touchstone.ledger.notes import Checkpoint
from touchstone.ledger.signing import Signer, fingerprint

FORMAT = "touchstone/bundle/1"


@dataclass(frozen=True, slots=True)
class BundleHeader:
    """The first line: for whom and when the bundle was made, of which log and how many entries."""

    audience: str
    at: str
    log: str
    size: int
    format: str = FORMAT

    @property
    def line(self) -> bytes:
        """The canonical line."""
        return dumps(
            {
                "line": "bundle",
                "format": self.format,
                "audience": self.audience,
                "at": self.at,
                "log": self.log,
                "size": self.size,
            }
        )


@dataclass(frozen=True, slots=True)
class Opened:
    """Part i of entry n, shown: its salt (32 bytes) and its bytes."""

    n: int
    i: int
    salt: bytes
    data: bytes

    @property
    def line(self) -> bytes:
        """The canonical line."""
        try:
            text = self.data.decode()
        except UnicodeDecodeError as error:
            raise MalformedError(f"part {self.i} of entry {self.n} is not UTF-8") from error
        return dumps(
            {"line": "part", "n": self.n, "i": self.i, "salt": self.salt.hex(), "text": text}
        )


@dataclass(frozen=True, slots=True)
class Withheld:
    """Part i of entry n, not for this audience; `label` says why, in words or as a marking."""

    n: int
    i: int
    label: str

    @property
    def line(self) -> bytes:
        """The canonical line."""
        return dumps({"line": "withheld", "n": self.n, "i": self.i, "label": self.label})


@dataclass(frozen=True, slots=True)
class Erased:
    """Part i of entry n, destroyed for everyone; only its commitment is left. Never part 0."""

    n: int
    i: int
    label: str

    @property
    def line(self) -> bytes:
        """The canonical line."""
        return dumps({"line": "erased", "n": self.n, "i": self.i, "label": self.label})


Part: TypeAlias = Opened | Withheld | Erased


@dataclass(frozen=True, slots=True)
class PublishedHead:
    """A case head and the proof that the installation log holds it, blinded.

    `blind` is 32 bytes; `index` and `inclusion` (32 bytes each) place it in the tree of
    `checkpoint`, a signed note.
    """

    head: CaseHead
    blind: bytes
    index: int
    inclusion: tuple[bytes, ...]
    checkpoint: str

    @property
    def line(self) -> bytes:
        """The canonical line."""
        return dumps(
            {
                "line": "head",
                "head": self.head.value,
                "blind": self.blind.hex(),
                "index": self.index,
                "inclusion": [node.hex() for node in self.inclusion],
                "checkpoint": self.checkpoint,
            }
        )


@dataclass(frozen=True, slots=True)
class OlderCheckpoint:
    """An older checkpoint (a signed note), and the proof (hashes) that the head's extends it."""

    checkpoint: str
    consistency: tuple[bytes, ...]

    @property
    def line(self) -> bytes:
        """The canonical line."""
        return dumps(
            {
                "line": "older",
                "checkpoint": self.checkpoint,
                "consistency": [node.hex() for node in self.consistency],
            }
        )


@dataclass(frozen=True, slots=True)
class Seal:
    """The last line: the digest (hex) of all bytes before it, signed by the newest key (hex)."""

    digest: str
    key: str
    signature: str

    @property
    def line(self) -> bytes:
        """The canonical line."""
        return dumps(
            {"line": "seal", "digest": self.digest, "key": self.key, "signature": self.signature}
        )


@dataclass(frozen=True, slots=True)
class BundleSummary:
    """What a whole bundle said, once all of it was checked.

    `checkpoint` is the opened one of `published`; `deeds` counts the opened deeds, and
    `unchecked_deeds` those whose signer's key is in a part that is not opened.
    """

    header: BundleHeader
    keys: KeyHistory
    published: PublishedHead
    checkpoint: Checkpoint
    deeds: int
    unchecked_deeds: int


BundleItem: TypeAlias = (
    BundleHeader | KeyLine | Entry | Part | PublishedHead | OlderCheckpoint | BundleSummary
)


def parse_header(value: object, expected: str = FORMAT) -> BundleHeader:
    """The first line of a bundle of the `expected` format, from its JSON value."""
    if not isinstance(value, dict) or value.get("line") != "bundle":
        raise MalformedError("not a bundle: the first line is not a bundle line")
    if value.get("format") != expected:
        raise MalformedError(f"the bundle's format is not {expected}")
    names = ("line", "format", "audience", "at", "log", "size")
    found = forms.fields(value, names, "the bundle line")
    return BundleHeader(
        forms.text(found["audience"], "the audience"),
        forms.time(found["at"], "the bundle's time"),
        forms.hex32(found["log"], "the bundle's log"),
        # A log begins with entry 0: one without entries has no id that a bundle could name.
        forms.integer(found["size"], "the bundle's size", least=1),
        expected,
    )


def parse_part(value: object) -> Part:
    """A part line, from its JSON value."""
    kind = value.get("line") if isinstance(value, dict) else None
    if kind not in ("part", "withheld", "erased"):
        raise MalformedError("neither a part line nor a withheld or erased line")
    names = ("salt", "text") if kind == "part" else ("label",)
    found = forms.fields(value, ("line", "n", "i", *names), f"a line {kind}")
    n = forms.integer(found["n"], "a part line's n")
    i = forms.integer(found["i"], "a part line's i")
    if kind == "part":
        salt = bytes.fromhex(forms.hex32(found["salt"], "a part's salt"))
        return Opened(n, i, salt, forms.text(found["text"], "a part's text").encode())
    label = forms.text(found["label"], f"the label of a {kind} part")
    return Withheld(n, i, label) if kind == "withheld" else Erased(n, i, label)


def parse_published(value: object) -> PublishedHead:
    """The head line, from its JSON value."""
    found = _named(value, "head", ("head", "blind", "index", "inclusion", "checkpoint"))
    return PublishedHead(
        parse_head(found["head"]),
        bytes.fromhex(forms.hex32(found["blind"], "a blind")),
        forms.integer(found["index"], "a head's index"),
        _hashes(found["inclusion"], "an inclusion proof"),
        forms.text(found["checkpoint"], "a checkpoint"),
    )


def parse_older(value: object) -> OlderCheckpoint:
    """An older line, from its JSON value."""
    found = _named(value, "older", ("checkpoint", "consistency"))
    return OlderCheckpoint(
        forms.text(found["checkpoint"], "a checkpoint"),
        _hashes(found["consistency"], "a consistency proof"),
    )


def parse_seal(value: object) -> Seal:
    """The seal line, from its JSON value."""
    found = _named(value, "seal", ("digest", "key", "signature"))
    return Seal(
        forms.hex32(found["digest"], "the seal's digest"),
        forms.text(found["key"], "the seal's key"),
        forms.hex64(found["signature"], "the seal's signature"),
    )


def make_seal(digest: bytes, signer: Signer, bundle_format: str = FORMAT) -> Seal:
    """The seal over the digest (32 bytes) of all bytes before it."""
    signature = signer.sign(seal_message(digest, bundle_format)).hex()
    return Seal(digest.hex(), fingerprint(signer.public_key), signature)


def seal_message(digest: bytes, bundle_format: str = FORMAT) -> bytes:
    """What a seal signs: the bundle's format, 0x00 and the 32-byte digest."""
    # The format stands in the message: a seal of one contract's bundle is no seal of the other's.
    return bundle_format.encode() + b"\x00" + digest


def _named(value: object, name: str, names: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict) or value.get("line") != name:
        raise MalformedError(f"expected the {name} line")
    return forms.fields(value, ("line", *names), f"the {name} line")


def _hashes(value: object, what: str) -> tuple[bytes, ...]:
    hashes = forms.array(value, what)
    return tuple(bytes.fromhex(forms.hex32(node, f"a node of {what}")) for node in hashes)
