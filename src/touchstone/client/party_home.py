"""A party's own machine: its keys, and what it knows of each server. No record is here.

::

    <home>/parties/<party>/<n>.pem       the party's key, or that of one of its signers; the newest
    <home>/parties/<party>/next-<n>.pem  the key that is to follow: best kept elsewhere
    <home>/parties/<party>/servers/<id>/ of one server: server.json, client/, device.pem

    home = PartyHome.open(folder, "example-lab")
    place = home.server("https://touchstone.example", pinned="SHA256:...")
"""

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from touchstone.client.errors import NotInitialisedError, UnknownServerError, WrongInstallationError
from touchstone.keys import (
    FileSigner,
    KeyExistsError,
    KeyFileError,
    KeyMissingError,
    Keyring,
    Passphrase,
    read_secret,
)
from touchstone.keys.files import secret_folder, write_secret
from touchstone.keys.signer import is_encrypted
from touchstone.ledger import MalformedError, dumps, loads

FILE = "server.json"
_PARTY = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_FINGERPRINT = re.compile(r"SHA256:[0-9a-f]{64}")
_LONGEST = 200
"""Characters of a server's address."""


@dataclass(frozen=True)
class ServerPlace:
    """What a party's machine keeps of one server."""

    folder: Path
    url: str
    pinned: str
    """The fingerprint of the installation's first key."""

    @property
    def client_folder(self) -> Path:
        """Where the `Client` remembers what it saw and signed."""
        return self.folder / "client"

    @property
    def device_key(self) -> Path:
        """The file of the key by which this machine, and no party, asks for tokens."""
        return self.folder / "device.pem"


class PartyHome:
    """One party's folder on this machine. Its keys are read when they are asked for."""

    def __init__(self, folder: Path, party: str, passphrase: Passphrase | None) -> None:
        """Of a party that needs have no key here; `open` asks for one.

        Raises KeyFileError: it can be no party's id.
        """
        if not _PARTY.fullmatch(party):
            raise KeyFileError(
                f"{party[:80]!a}: is no party's id: lowercase letters, digits, hyphens"
            )
        self.party = party
        self._passphrase = passphrase
        self._keyring = Keyring(folder, passphrase)
        self._folder = folder / "parties" / party

    @classmethod
    def create(
        cls, folder: Path, party: str, secret: bytes | None = None, *, signer: bool = False
    ) -> Self:
        """Make a party's key and the one that is to follow it, encrypted where there is a secret.

        `signer`: only the key of a further signer, which nothing follows.

        Raises:
            KeyExistsError: there is a key of that party.
            KeyFileError: it can be no party's id, or the folder is not this user's alone.
        """
        cls.require_new(folder, party)
        home = cls(folder, party, None if secret is None else lambda _: secret)
        _make_home(folder)
        home._keyring.new_party_key(party, secret)
        if not signer:
            home.following()
        return home

    @classmethod
    def require_new(cls, folder: Path, party: str) -> Self:
        """The home of a party that has no key here. Raises KeyExistsError; KeyFileError: its id."""
        home = cls(folder, party, None)
        if home._keyring.has_party_key(party):
            raise KeyExistsError(
                f"{home._folder}: this machine has a key of {party} already; keys are never"
                " overwritten"
            )
        return home

    @classmethod
    def open(cls, folder: Path, party: str, passphrase: Passphrase | None = None) -> Self:
        """What this machine has of a party. Raises NotInitialisedError where it has no key of it.

        `passphrase` asks for what opens its keys, where they are encrypted.
        """
        if party not in Keyring(folder).parties():
            raise NotInitialisedError(party, parties_of(folder))
        return cls(folder, party, passphrase)

    def signer(self, public_key: str | None = None) -> FileSigner:
        """The key that signs: the one of that public key (hex), else the newest on this machine.

        The newest may be the key of one of its signers: its party's own is then elsewhere.
        """
        if public_key is not None:
            try:
                return self._keyring.party(self.party, bytes.fromhex(public_key))
            except KeyMissingError:
                pass
        return self._keyring.party(self.party)

    def signer_among(self, able: Collection[str]) -> FileSigner:
        """The newest key of this machine that is one of those (fingerprints).

        Raises KeyMissingError: none of them is here.
        """
        for signer in self._keyring.party_keys(self.party):
            if signer.fingerprint in able:
                return signer
        named = ", ".join(able) or "none"
        raise KeyMissingError(
            f"{self._folder}: has no key that may sign this for {self.party}; these may: {named}"
        )

    def following(self) -> FileSigner:
        """The key that is to follow the newest one; made where there is none.

        Where the newest is encrypted it is, too, by the same passphrase.
        """
        newest = self._keyring.newest_party_file(self.party)
        secret = self._passphrase(newest) if is_encrypted(newest) and self._passphrase else None
        return self._keyring.next_party_key(self.party, secret)

    def announced(self) -> FileSigner:
        """The key that is to follow the newest one. Raises KeyMissingError: it is not here."""
        return self._keyring.announced_party_key(self.party)

    def announced_here(self) -> str | None:
        """The fingerprint of the key that is to follow, where it was not put away yet."""
        try:
            return self.announced().fingerprint
        except KeyMissingError:
            return None

    def promote(self) -> FileSigner:
        """Make the key that was to follow the newest one. Raises KeyMissingError: there is none."""
        return self._keyring.promote_next_key(self.party)

    @property
    def servers(self) -> tuple[ServerPlace, ...]:
        """The servers that are known here, by address."""
        return tuple(sorted(self._places(), key=lambda place: place.url))

    def server(self, url: str, pinned: str | None = None) -> ServerPlace:
        """What is kept of the server at an address; of one that is not known, with `pinned`.

        Nothing is written: see `keep`.

        Raises:
            UnknownServerError: it is not known here, and no fingerprint was given.
            WrongInstallationError: another fingerprint is kept of it.
        """
        address = _address(url)
        if pinned is not None and not _FINGERPRINT.fullmatch(pinned):
            raise UnknownServerError(
                f"{pinned[:80]!a}: is no fingerprint: SHA256: and 64 lowercase hex digits"
            )
        folder = self._folder / "servers" / _name_of(address)
        known = _read(folder)
        if known is None:
            if pinned is None:
                raise UnknownServerError(
                    f"{address}: is not known here to {self.party}; name another party of this"
                    " machine by --as, or ask its operator for a code and, by another way, for its"
                    f" fingerprint, and come in: touchstone server join {address} --fingerprint"
                    " SHA256:... --as PARTY"
                )
            return ServerPlace(folder, address, pinned)
        if pinned not in {None, known.pinned}:
            raise WrongInstallationError(
                f"{address}: {known.pinned} is pinned, and {pinned} is given: ask its operator"
            )
        return known

    def keep(self, place: ServerPlace) -> None:
        """Know a server from now on. Before it showed to be who it must be, nothing is to stay."""
        if _read(place.folder) is not None:
            return
        _make_home(self._folder.parent.parent)
        for each in (self._folder.parent, self._folder, place.folder.parent, place.folder):
            secret_folder(each)
        told = {"url": place.url, "pinned": place.pinned}
        write_secret(place.folder / FILE, dumps(told) + b"\n")

    def _places(self) -> Iterator[ServerPlace]:
        folder = self._folder / "servers"
        if folder.is_dir():
            yield from filter(None, map(_read, folder.iterdir()))


def _make_home(folder: Path) -> None:
    """Make the home for its owner alone, as a server does; one that is there stays as it is."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise KeyFileError(f"{folder}: cannot be made: {error.strerror}") from error


def parties_of(folder: Path) -> tuple[str, ...]:
    """The parties that have keys in a home, in order."""
    return Keyring(folder).parties()


def _address(url: str) -> str:
    """The address without what does not tell one server from another. Raises UnknownServerError."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    wrong = parts.username or parts.query or parts.fragment or not url.isascii()
    if parts.scheme not in {"http", "https"} or not host or wrong or len(url) > _LONGEST:
        raise UnknownServerError(f"{url[:80]!a}: is no server's address, as https://host:port")
    where = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{where}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def _name_of(address: str) -> str:
    """A folder's name that nobody has to quote, and that no two addresses share."""
    readable = re.sub(r"[^a-z0-9]+", "-", address.partition("://")[2]).strip("-")[:40]
    return f"{readable}-{sha256(address.encode()).hexdigest()[:12]}"


def _read(folder: Path) -> ServerPlace | None:
    if not os.path.lexists(folder / FILE):
        return None
    try:
        said = loads(read_secret(folder / FILE).strip())
    except MalformedError:
        said = None
    if not isinstance(said, dict) or not {"url", "pinned"} <= said.keys():
        raise UnknownServerError(f"{folder / FILE}: is damaged: restore it, or remove the folder")
    return ServerPlace(folder, str(said["url"]), str(said["pinned"]))
