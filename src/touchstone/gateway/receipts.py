"""Receipts: a gateway's signed word on when it applied a bundle, and what that cut.

A receipt is one canonical JSON line, signed by the gateway's own key. Each names the digest of the
one before, so that none can be dropped or slipped in unseen. One for bundle N speaks for every
bundle after the one before it: those between were superseded before they could be applied.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from typing import Any

from touchstone.gateway.errors import ReceiptError
from touchstone.ledger import AlteredError, Signer, check_signature, dumps, fingerprint, loads
from touchstone.ledger.errors import MalformedError

FORMAT = "touchstone/receipt/1"
_SIGNED = b"touchstone/receipt/1\x00"
LAST_MS = 253_402_300_799_999
"""The last moment that a calendar of four digits a year can name."""


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """What one worker did. A killed one told nothing: its counts are None, its sockets reset."""

    worker: int
    killed: bool
    ms: int
    """From the push to the answer, or to the end of the killed process; rounded up."""
    live: int | None
    """Exchanges in flight when it took the bundle up."""
    cut: int | None
    kept: int | None
    late_bytes: int | None
    """Bytes that left a barred socket afterwards, counted."""
    audit: str | None
    """The digest of its newest audit line then; None: it had written none, or was killed."""
    waited_for: str | None = None
    """Why it was waited for longer than `apply_seconds`; None: it was not."""

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it. Where it was not waited for, nothing is said of it."""
        found = asdict(self)
        # Receipts from before there was this field keep their digests (ADR 130).
        if self.waited_for is None:
            del found["waited_for"]
        return found


@dataclass(frozen=True, slots=True)
class Receipt:
    """A bundle was applied. Times are milliseconds since 1970 by the gateway's own clock."""

    gateway: str
    stream: str
    number: int
    """Of the bundle."""
    digest: str
    """Of the bundle, `sha256:...`."""
    after: int
    """The number of the bundle that was applied before; 0: none."""
    previous: str | None
    """The digest of the receipt before; None: this is the gateway's first."""
    received_at: int
    applied_at: int
    workers: tuple[WorkerReport, ...]

    @property
    def milliseconds(self) -> int:
        """From the bundle's arrival to the last worker's answer."""
        return self.applied_at - self.received_at

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"format": FORMAT, **asdict(self), "workers": [w.as_dict() for w in self.workers]}

    def sign(self, signer: Signer) -> "SignedReceipt":
        """This receipt under the gateway's key."""
        signature = signer.sign(_message(self))
        return SignedReceipt(self, fingerprint(signer.public_key), signature)


@dataclass(frozen=True, slots=True)
class SignedReceipt:
    """A receipt with its signature, which only `verify` has checked."""

    receipt: Receipt
    key: str
    """The fingerprint of the gateway's key."""
    signature: bytes

    @property
    def data(self) -> bytes:
        """The line, without a line feed."""
        return dumps(
            {
                "receipt": self.receipt.as_dict(),
                "key": self.key,
                "signature": self.signature.hex(),
            }
        )

    @property
    def digest(self) -> str:
        """What the next receipt names."""
        return f"sha256:{sha256(self.data).hexdigest()}"

    def verify(self, public_key: bytes) -> None:
        """Raise ReceiptError unless `public_key` (32 bytes) signed it."""
        if self.key != fingerprint(public_key):
            raise ReceiptError(f"receipt {self.receipt.number} is signed by {self.key}, not by it")
        try:
            check_signature(
                public_key,
                _message(self.receipt),
                self.signature,
                f"receipt {self.receipt.number}",
            )
        except AlteredError as error:
            raise ReceiptError(str(error)) from error

    @classmethod
    def parse(cls, data: bytes) -> "SignedReceipt":
        """The receipt that a line holds, unchecked; MalformedError if it holds none."""
        value = _exactly(loads(data), {"receipt", "key", "signature"}, "a signed receipt")
        written = _text(value["signature"], "a receipt's signature")
        try:
            signature = bytes.fromhex(written)
        except ValueError as error:
            raise MalformedError("a receipt's signature is not hex") from error
        # Two spellings would be two digests of one receipt, and the next one names but one.
        if signature.hex() != written:
            raise MalformedError("a receipt's signature is not lowercase hex")
        return cls(_receipt(value["receipt"]), _text(value["key"], "a receipt's key"), signature)


def verify_chain(receipts: Iterable[SignedReceipt], public_key: bytes) -> None:
    """Raise ReceiptError unless all are one gateway's, in order, with none left out."""
    before: SignedReceipt | None = None
    for each in receipts:
        each.verify(public_key)
        receipt = each.receipt
        if receipt.previous != (before and before.digest):
            raise ReceiptError(
                f"receipt {receipt.number} does not follow"
                f" {f'receipt {before.receipt.number}' if before else 'the beginning'}:"
                " one is missing, or was slipped in"
            )
        # The digest alone would let a signer leave bundles out of what it speaks for.
        if receipt.after != (before.receipt.number if before else 0):
            raise ReceiptError(f"receipt {receipt.number} is not about the bundles that came next")
        same = before is None or (
            (before.receipt.gateway, before.receipt.stream) == (receipt.gateway, receipt.stream)
        )
        if not same or receipt.number <= receipt.after:
            raise ReceiptError(f"receipt {receipt.number} is another gateway's, or goes back")
        before = each


def _message(receipt: Receipt) -> bytes:
    # Its own domain: no signature of the same key under anything else can pass for a receipt.
    return _SIGNED + sha256(dumps(receipt.as_dict())).digest()


def _receipt(value: object) -> Receipt:
    names = {"format", *(field.name for field in fields(Receipt))}
    found = _exactly(value, names, "a receipt")
    if found.pop("format") != FORMAT:
        raise MalformedError(f"a receipt's format is not {FORMAT}")
    workers = found.pop("workers")
    if not isinstance(workers, list):
        raise MalformedError("a receipt's workers are not a list")
    for name in ("gateway", "stream", "digest"):
        _text(found[name], f"a receipt's {name}")
    for name in ("number", "after"):
        _count(found[name], f"a receipt's {name}")
    for name in ("received_at", "applied_at"):
        # It would be believed, and could not be noted: a record's times have four digits a year.
        if _count(found[name], f"a receipt's {name}") > LAST_MS:
            raise MalformedError(f"a receipt's {name} is beyond the calendar")
    if found["previous"] is not None:
        _text(found["previous"], "a receipt's previous")
    return Receipt(**found, workers=tuple(map(_report, workers)))


def _report(value: object) -> WorkerReport:
    names = {field.name for field in fields(WorkerReport)}
    if isinstance(value, dict) and "waited_for" not in value:
        names.remove("waited_for")
    found = _exactly(value, names, "a worker's report")
    if "waited_for" in found:
        _text(found["waited_for"], "a worker's waited_for")
    # Exact types: in Python True is also the number 1.
    if type(found["killed"]) is not bool:
        raise MalformedError("a worker's report says neither killed nor not")
    for name in ("worker", "ms"):
        _count(found[name], f"a worker's {name}")
    for name in ("live", "cut", "kept", "late_bytes"):
        # Zero would claim that somebody looked; of a killed worker nobody knows (ADR 109).
        if (found[name] is None) != found["killed"]:
            raise MalformedError("a worker was killed, or tells its counts")
        if found[name] is not None:
            _count(found[name], f"a worker's {name}")
    if found["audit"] is not None:
        _text(found["audit"], "a worker's audit")
    return WorkerReport(**found)


def _exactly(value: object, names: set[str], what: str) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != names:
        raise MalformedError(f"{what} has exactly {', '.join(sorted(names))}")
    return dict(value)


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise MalformedError(f"{what} is not a text")
    return value


def _count(value: object, what: str) -> int:
    if type(value) is not int or value < 0:
        raise MalformedError(f"{what} is not a whole number")
    return value
