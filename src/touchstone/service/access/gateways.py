"""What gateways signed: receipts, checked against pinned keys."""

from collections.abc import Sequence
from dataclasses import dataclass

from touchstone.deeds.access import receipt_noted
from touchstone.deeds.deed import Deed
from touchstone.deeds.known_case import KnownCase
from touchstone.errors import TouchstoneError
from touchstone.gateway.receipts import SignedReceipt, verify_chain
from touchstone.handin import utc
from touchstone.review import State
from touchstone.service.case_context import Case


@dataclass(frozen=True)
class Gateway:
    """A gateway as the developer knows it: its name, its public key, and what it signed."""

    name: str
    key: bytes
    receipts: tuple[str, ...]
    """The texts of its receipts, oldest first."""
    fault: str | None = None
    """Why they could not be read."""


@dataclass(frozen=True)
class Heard:
    """What a gateway's receipts say."""

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


def hear(gateway: Gateway) -> Heard:
    """Every receipt of a gateway, believed only where the whole chain is its own."""
    if gateway.fault is not None:
        return Heard(gateway, (), gateway.fault)
    try:
        # All or none: one that is missing or altered may hide when a directive took effect.
        found = [SignedReceipt.parse(text.encode()) for text in gateway.receipts]
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
    deeds = unnoted(case, case.state, heard)
    if deeds:
        case.record(deeds)
    return len(deeds)


def unnoted(case: KnownCase, state: State, heard: Sequence[Heard]) -> list[Deed]:
    """A deed for each believed receipt of a published bundle that the record does not have."""
    if state.unknown:
        # Whoever asks where directives stand is told; what gateways say waits for an upgrade.
        return []
    noted = set(state.receipts)
    published = {(each.stream, each.number, each.bundle) for each in state.bundles}
    deeds = []
    for each in heard:
        for signed in each.receipts:
            receipt = signed.receipt
            place = (receipt.stream, receipt.number, receipt.digest)
            # A gateway may obey other streams too: what this case did not publish is not its own.
            if signed.digest not in noted and place in published:
                deeds.append(_noted(case, each.gateway, signed))
    return deeds


def _noted(case: KnownCase, gateway: Gateway, signed: SignedReceipt) -> Deed:
    receipt = signed.receipt
    return receipt_noted(
        case,
        case.participants.developer,
        gateway.name,
        gateway.key.hex(),
        receipt.stream,
        receipt.number,
        receipt.digest,
        utc(receipt.applied_at // 1000),
        (signed.digest, signed.data.decode()),
    )
