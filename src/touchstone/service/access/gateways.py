"""What gateways signed: receipts read from their folders, checked against pinned keys."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from touchstone.errors import TouchstoneError
from touchstone.gateway.receipts import SignedReceipt, verify_chain
from touchstone.handin import utc
from touchstone.ledger import has_small_order
from touchstone.service.access.deeds import receipt_noted
from touchstone.service.case_context import Case
from touchstone.service.commit import Deed
from touchstone.service.errors import CannotOrderError
from touchstone.service.file_io import read_text

MAX_RECEIPT = 1 << 20
_KEY = re.compile(r"(?:public_key: )?([0-9a-f]{64})")
"""As it stands by itself, or in what `touchstone gateway key` prints."""
_NAME = re.compile(r"\d{6,}\.json")


@dataclass(frozen=True)
class Gateway:
    """A gateway as the developer knows it: its name, its public key, and its receipts' folder."""

    name: str
    key: bytes
    folder: Path


@dataclass(frozen=True)
class Heard:
    """What a gateway's folder holds."""

    gateway: Gateway
    receipts: tuple[SignedReceipt, ...]
    """In order, all checked; none where `fault` is set."""
    fault: str | None
    """Why its receipts are not believed."""

    def applied(self, stream: str, number: int) -> SignedReceipt | None:
        """The first receipt for this bundle or one after it: those between were superseded."""
        return next(
            (r for r in self.receipts if r.receipt.stream == stream and r.receipt.number >= number),
            None,
        )


def parse_gateway(text: str) -> Gateway:
    """The gateway that `NAME=KEY:FOLDER` names.

    KEY is 64 hex digits, or a file of what `touchstone gateway key` prints.

    Raises:
        CannotOrderError: it has another form, or the key or the folder is none.
        UnreadableTextError: the key's file cannot be read.
    """
    name, _, rest = text.partition("=")
    written, _, folder = rest.partition(":")
    if not name or not written or not folder:
        raise CannotOrderError(f"--gateway {text[:80]!a}: write NAME=KEY:FOLDER")
    found = _KEY.fullmatch(written)
    if found is None:
        lines = read_text(Path(written), 1000).splitlines()
        found = next(filter(None, map(_KEY.fullmatch, lines)), None)
    if found is None or has_small_order(bytes.fromhex(found[1])):
        raise CannotOrderError(
            f"--gateway {name[:40]}: its key is not 64 hex digits of an Ed25519 "
            "public key: ask the gateway's operator for it"
        )
    path = Path(folder)
    if not path.is_dir():
        raise CannotOrderError(
            f"--gateway {name[:40]}: {folder} is no folder: name the gateway's "
            "state folder, or its receipts"
        )
    inner = path / "receipts"
    return Gateway(name, bytes.fromhex(found[1]), inner if inner.is_dir() else path)


def hear(gateway: Gateway) -> Heard:
    """Every receipt of a gateway, believed only where the whole chain is its own."""
    found = []
    try:
        for path in sorted(gateway.folder.iterdir(), key=lambda each: (len(each.name), each.name)):
            if _NAME.fullmatch(path.name):
                text = read_text(path, MAX_RECEIPT).removesuffix("\n")
                found.append(SignedReceipt.parse(text.encode()))
        verify_chain(found, gateway.key)
        for each in found:
            if each.receipt.gateway != gateway.name:
                return Heard(gateway, (), f"they are of gateway {each.receipt.gateway[:40]!a}")
    except TouchstoneError as error:
        return Heard(gateway, (), str(error))
    return Heard(gateway, tuple(found), None)


def note(case: Case, heard: Sequence[Heard]) -> int:
    """Put every believed receipt for a published bundle on the record, once; how many are new.

    Raises:
        KeyMissingError: the developer's key is not on this machine.
    """
    state = case.state
    if state.unknown:
        # Whoever asks where directives stand is told; what gateways say waits for an upgrade.
        return 0
    noted = set(state.receipts)
    published = {(each.stream, each.number, each.bundle) for each in state.bundles}
    deeds = []
    for each in heard:
        for signed in each.receipts:
            receipt = signed.receipt
            place = (receipt.stream, receipt.number, receipt.digest)
            if signed.digest not in noted and place in published:
                deeds.append(_noted(case, each.gateway, signed))
    if deeds:
        case.record(deeds)
    return len(deeds)


def _noted(case: Case, gateway: Gateway, signed: SignedReceipt) -> Deed:
    receipt = signed.receipt
    return receipt_noted(
        case,
        case.cast.developer,
        gateway.name,
        gateway.key.hex(),
        receipt.stream,
        receipt.number,
        receipt.digest,
        utc(receipt.applied_at // 1000),
        (signed.digest, signed.data.decode()),
    )
