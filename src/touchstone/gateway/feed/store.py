"""What a gateway keeps of its feed, so that a restart never goes back behind what it obeyed."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path

from touchstone.errors import TouchstoneError
from touchstone.gateway.errors import GatewayConfigError, StateError
from touchstone.gateway.feed.grace import Contact
from touchstone.gateway.feed.sources import bundle_name
from touchstone.gateway.receipts import SignedReceipt
from touchstone.keys.files import write_file
from touchstone.ledger import MalformedError, dumps, loads
from touchstone.terms import Pin, PolicyBundle, accept_bundle

FORMAT = "touchstone/gateway-position/1"
_KEYS = {"format", "number", "digest", "contact"}
_RECEIPT = re.compile(r"(\d{6,})\.json")


@dataclass(frozen=True)
class KeptBundle:
    """What an earlier run left: the bundle that it obeyed last, and when its feed last spoke."""

    bundle: PolicyBundle
    contact: Contact | None
    """None: the feed had not said that this is the newest."""


class Store:
    """The state folder: `position.json`, `bundles/`, `receipts/`. Writes are atomic and durable."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._contact: Contact | None = None
        try:
            for each in (folder, folder / "bundles", folder / "receipts"):
                each.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise GatewayConfigError(f"{folder}: cannot be made: {error.strerror}") from error

    def load(self, pin: Pin) -> KeptBundle | None:
        """What was kept, checked against the pin anew; None where this gateway never obeyed one.

        Raises StateError where the kept position is behind a receipt, or is damaged: to go on
        would be to obey an older bundle than the gateway itself acknowledged.
        """
        path = self.folder / "position.json"
        numbers = self.receipt_numbers()
        newest = numbers[-1] if numbers else 0
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            # A receipt without a position: the file was taken away, to begin again with an older
            # bundle.
            if newest:
                self._behind(newest, "nothing")
            return None
        try:
            number, digest, contact = _position(data)
            # Checked like one from the feed: who can write into this folder could have put it
            # there.
            bundle = accept_bundle(self.bundle_path(number).read_bytes(), pin, None)
        except MalformedError as error:
            raise StateError(f"{path}: is damaged ({error}); fix: restore it") from error
        except OSError as error:
            raise StateError(f"{error.filename}: {error.strerror}; fix: restore it") from error
        except TouchstoneError as error:
            raise StateError(f"{self.folder}: the kept bundle is {error}") from error
        if (bundle.number, bundle.digest) != (number, digest):
            raise StateError(f"{path}: is not about the bundle that was kept; fix: restore it")
        # Receipts are what the world was told: the position may never be behind them.
        if bundle.number < newest:
            self._behind(newest, f"bundle {bundle.number}")
        self._contact = contact
        return KeptBundle(bundle, contact)

    def position_number(self) -> int:
        """The number of the bundle that was taken last; 0: none. Raises StateError."""
        path = self.folder / "position.json"
        try:
            return _position(path.read_bytes())[0]
        except FileNotFoundError:
            return 0
        except (MalformedError, OSError) as error:
            raise StateError(f"{path}: is damaged ({error}); fix: restore it") from error

    def keep(self, data: bytes, bundle: PolicyBundle) -> None:
        """Make a bundle durable, and then the position on it."""
        # In this order: a position must never name a bundle that is not there.
        write_durably(self.bundle_path(bundle.number), data)
        self._write_position(bundle)

    def keep_contact(self, bundle: PolicyBundle, contact: Contact) -> None:
        """Remember when the feed last spoke, for the grace after a restart."""
        self._contact = contact
        self._write_position(bundle)

    def bundle_path(self, number: int) -> Path:
        """Where a kept bundle lies."""
        return self.folder / "bundles" / bundle_name(number)

    def bundle(self, number: int, pin: Pin) -> tuple[PolicyBundle, bytes]:
        """A bundle that was kept, checked against the pin anew, and its bytes.

        Raises StateError where it is not there, damaged, or another.
        """
        path = self.bundle_path(number)
        try:
            data = path.read_bytes()
            bundle = accept_bundle(data, pin, None)
        except OSError as error:
            raise StateError(f"{path}: {error.strerror}; fix: restore it") from error
        except TouchstoneError as error:
            raise StateError(f"{path}: is damaged ({error}); fix: restore it") from error
        if bundle.number != number:
            raise StateError(f"{path}: is bundle {bundle.number}; fix: restore it")
        return bundle, data

    def keep_receipt(self, signed: SignedReceipt) -> None:
        """Make a receipt durable, under its bundle's number."""
        path = self.folder / "receipts" / f"{signed.receipt.number:06d}.json"
        write_durably(path, signed.data)

    def receipt_numbers(self) -> list[int]:
        """The numbers of the bundles that there are receipts for, ascending."""
        found = (_RECEIPT.fullmatch(path.name) for path in (self.folder / "receipts").iterdir())
        return sorted(int(match[1]) for match in found if match)

    def receipts(self) -> list[SignedReceipt]:
        """All receipts in order, unchecked. Raises StateError where a file holds none."""
        return [self.receipt(number) for number in self.receipt_numbers()]

    def receipt(self, number: int) -> SignedReceipt:
        """One receipt, unchecked."""
        path = self.folder / "receipts" / f"{number:06d}.json"
        try:
            return SignedReceipt.parse(path.read_bytes())
        except MalformedError as error:
            raise StateError(f"{path}: {error}") from error

    def _write_position(self, bundle: PolicyBundle) -> None:
        value = {
            "format": FORMAT,
            "number": bundle.number,
            "digest": bundle.digest,
            # Kept over a new bundle too: that it was taken is no later word of the feed.
            "contact": self._contact and asdict(self._contact),
        }
        write_durably(self.folder / "position.json", dumps(value))

    def _behind(self, newest: int, position: str) -> None:
        raise StateError(
            f"{self.folder}: holds a receipt for bundle {newest}, and its position is {position}:"
            " it was rolled back; fix: restore the whole folder, or begin with an empty one"
        )


def _position(data: bytes) -> tuple[int, str, Contact | None]:
    value = loads(data)
    if not isinstance(value, dict) or value.keys() != _KEYS or value["format"] != FORMAT:
        raise MalformedError(f"a position has exactly {', '.join(sorted(_KEYS))}")
    number, contact = value["number"], value["contact"]
    if type(number) is not int:
        raise MalformedError("a position's number is not a whole number")
    return number, str(value["digest"]), None if contact is None else _contact(contact)


def _contact(value: object) -> Contact:
    if not isinstance(value, dict) or value.keys() != {"wall", "steady", "boot"}:
        raise MalformedError("a position's contact has exactly boot, steady, wall")
    if type(value["wall"]) is not int or type(value["steady"]) is not int:
        raise MalformedError("a contact's times are not whole numbers")
    return Contact(value["wall"], value["steady"], str(value["boot"]))


def write_durably(path: Path, data: bytes) -> None:
    """Put a file of the state folder there whole or not at all. Raises StateError."""
    try:
        write_file(path, [data])
    except OSError as error:
        raise StateError(f"{path}: cannot be written: {error.strerror}") from error
