"""All keys of one installation, in one folder.

::

    master.key             wraps the keys of cases
    installation-<seq>.pem signs checkpoints and bundles; only the newest is kept
    history.jsonl          the key history: each key line signed by the key before it
    checkpoint.txt         the newest checkpoint that was signed: no later one may fall behind it
    record.txt             which record these keys are used with, once it holds a case
    parties/<party>/<n>.pem  keys of parties whose deeds are signed on this machine
    parties/<party>/next-<n>.pem  the key that is to follow, announced in every case: best kept
                           elsewhere, since whoever has only the current key cannot replace it
    automation/<party>/<n>.pem  a signer of a party whose own key is elsewhere: it signs what the
                           party admitted it for in a case, and nothing else
"""

import os
import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Self

from touchstone.errors import TouchstoneError
from touchstone.keys.errors import KeyExistsError, KeyFileError, KeyMissingError, KeyUnsafeError
from touchstone.keys.files import locked, move_secret, read_secret, secret_folder, write_secret
from touchstone.keys.sealing import KEY_SIZE, MasterKey
from touchstone.keys.signer import FileSigner, Passphrase
from touchstone.keys.sources import RandomSource, SystemRandom
from touchstone.ledger import REVOKED, KeyHistory

_MASTER = re.compile(rb"touchstone-master-key/1 ([0-9a-f]{64})\n")
_NUMBERED = re.compile(r"[0-9]+\.pem")
PARTIES, AUTOMATION = "parties", "automation"
_PARTY = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


class Keyring:
    """The keys in a folder. Use `open`, or `open_or_create` on an installation's first day.

    Each key is read when it is asked for, so that one that is missing keeps nobody from the rest.
    """

    def __init__(self, folder: Path, passphrase: Passphrase | None = None) -> None:
        """`passphrase` opens keys of parties that are encrypted."""
        self._folder = folder
        self._passphrase = passphrase

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The keyring in `folder`, whole. Raises KeyFileError with the fix."""
        ring = cls(folder)
        _ = ring.master, ring.installation
        return ring

    @classmethod
    def open_or_create(cls, folder: Path, at: str, random: RandomSource | None = None) -> Self:
        """The keyring in `folder`, made where there is none; what a crash left half is completed.

        `at` is the UTC text of the first key line. Whether a record says that there were keys is
        for the caller to know. Raises KeyFileError.
        """
        # The last file of the first day: where it is, nothing is made any more.
        if not (folder / "history.jsonl").exists():
            with locked(folder):
                _create(folder, at, random or SystemRandom())
        return cls.open(folder)

    @property
    def begun(self) -> bool:
        """Whether there is a key history, or anything that comes after it in an installation."""
        first = {"master.key", "installation-0.pem"}
        try:
            # Without the lock and drafts, which a crash before the first key may leave.
            names = {path.name for path in self._folder.iterdir() if path.name[0] != "."}
        except NotADirectoryError as error:
            raise KeyUnsafeError(f"{self._folder}: cannot be a key folder: a file") from error
        except FileNotFoundError:
            return False
        except PermissionError as error:
            raise KeyUnsafeError(f"{self._folder}: cannot be read: {error.strerror}") from error
        return bool(names - first)

    def faults(self) -> tuple[str, ...]:
        """What is missing or damaged among the installation's own keys, each with its fix.

        Raises KeyUnsafeError where others may read or write them: these are not read at all.
        """
        if not self._folder.is_dir():
            return (f"{self._folder}: is gone; fix: restore it from the backup of this record",)
        found = []
        for name in ("master.key", "history.jsonl"):
            try:
                _ = self.master if name == "master.key" else self.installation
            except KeyUnsafeError:
                raise
            except KeyMissingError as error:
                path = str(error).partition(":")[0]
                found.append(f"{path}: is gone; fix: restore it from the backup of this record")
            except KeyFileError as error:
                found.append(str(error))
        return tuple(found)

    @cached_property
    def master(self) -> MasterKey:
        """What wraps the keys of cases. Raises KeyFileError."""
        return _read_master(self._folder / "master.key")

    @property
    def history(self) -> KeyHistory:
        """The key history as it is now, also where another process rotated since."""
        path = self._folder / "history.jsonl"
        try:
            return _parsed_history(read_secret(path))
        except KeyFileError:
            raise
        except TouchstoneError as error:
            raise KeyFileError(f"{path}: {error}; fix: restore it from a backup") from error

    @property
    def installation(self) -> FileSigner:
        """The newest installation key: it signs checkpoints and bundles."""
        history = self.history
        path = self._folder / f"installation-{len(history.lines) - 1}.pem"
        signer = FileSigner.load(path)
        # A key from another backup would sign what no history vouches for.
        if signer.public_key != history.current:
            raise KeyFileError(f"{path}: is not the key of the newest key line; fix: restore both")
        return signer

    def rotate(self, at: str, reason: str) -> KeyHistory:
        """Make a new installation key, signed in by the current one, which is then deleted.

        A crash leaves either the old state or the new one. Raises KeyFileError.
        """
        with locked(self._folder):
            return self._rotated(self.history, at, reason)

    def _rotated(self, history: KeyHistory, at: str, reason: str) -> KeyHistory:
        """The history with one more key, written; the caller holds the folder since it was read."""
        # Made before, where a rotation died half way: that one is gone on with.
        successor = _load_or_create(self._folder / f"installation-{len(history.lines)}.pem")
        rotated = history.rotate(self.installation, successor.public_key, at, reason)
        # Before the old key goes: from here on the new one counts, whatever becomes of this
        # process.
        _write_history(self._folder, rotated)
        # Whoever finds a retired key could sign a second history with it.
        for seq in range(len(history.lines)):
            (self._folder / f"installation-{seq}.pem").unlink(missing_ok=True)
        return rotated

    def revoke(self, fingerprint: str, at: str, reason: str) -> KeyHistory:
        """Name a key of the history as revoked, in the line of a new key that takes over.

        Only key lines speak of keys, so revoking makes a new key, whichever key it names. Raises
        KeyMissingError where the history has no such key, KeyFileError.
        """
        with locked(self._folder):
            # Read in the lock that it is changed in: two that revoke one key at once would both
            # find it trusted, and each make a further key.
            history = self.history
            if fingerprint not in {line.fingerprint for line in history.lines}:
                raise KeyMissingError(f"{fingerprint[:80]!a}: is no key of this installation")
            # Once is for good; a second line would only make a further key.
            if fingerprint in history.revoked:
                raise KeyExistsError(f"{fingerprint}: is revoked already")
            return self._rotated(history, at, f"{REVOKED}{fingerprint}: {reason}")

    @property
    def checkpoint(self) -> str | None:
        """The note of the newest checkpoint that was signed here; None before the first."""
        try:
            return read_secret(self._folder / "checkpoint.txt").decode()
        except KeyMissingError:
            return None
        except UnicodeDecodeError as error:
            raise KeyFileError(f"{self._folder}/checkpoint.txt: is no checkpoint") from error

    def keep_checkpoint(self, note: str) -> None:
        """Remember a checkpoint, durably, as the newest. Raises KeyFileError."""
        write_secret(self._folder / "checkpoint.txt", note.encode(), replace=True)

    @property
    def record_mark(self) -> str | None:
        """What was kept of the record that these keys are used with; None before its first case."""
        try:
            return read_secret(self._folder / "record.txt").decode("ascii", "replace").strip()
        except KeyMissingError:
            return None

    def keep_record_mark(self, mark: str) -> None:
        """Remember, durably, which record these keys are used with. Raises KeyFileError."""
        write_secret(self._folder / "record.txt", f"{mark}\n".encode(), replace=True)

    def party(self, party: str, public_key: bytes | None = None) -> FileSigner:
        """A party's key: the newest, or the one with that public key. Raises KeyMissingError."""
        for path in reversed(self._party_files(party)):
            signer = FileSigner.load(path, self._passphrase)
            if public_key in {None, signer.public_key}:
                return signer
        which = "" if public_key is None else f" with public key {public_key.hex()[:16]}..."
        raise KeyMissingError(f"{self._party_folder(party)}: there is no key of {party}{which}")

    def has_party_key(self, party: str) -> bool:
        """Whether there is a key of a party, be it one that can be read or not."""
        # Asked before anything is made: a look must leave no folder behind.
        return (self._folder / "parties").is_dir() and bool(self._party_files(party))

    def party_keys(self, party: str) -> Iterator[FileSigner]:
        """A party's keys, the newest first; one that is to follow is none yet."""
        return (
            FileSigner.load(path, self._passphrase) for path in reversed(self._party_files(party))
        )

    def new_party_key(self, party: str, passphrase: bytes | None = None) -> FileSigner:
        """Make a further key for a party; older ones stay until the record admits the new one.

        Its file is encrypted where there is a passphrase.
        """
        with locked(self._party_folder(party)):
            number = self._following_number(party)
            return FileSigner.create(self._party_folder(party) / f"{number}.pem", passphrase)

    def next_party_key(self, party: str, passphrase: bytes | None = None) -> FileSigner:
        """The key that is to follow a party's newest one, made where there is none.

        A case announces it when the party joins; nothing is signed with it before it takes over.
        Raises KeyMissingError where the party has no key.
        """
        with locked(self._party_folder(party)):
            self.newest_party_file(party)
            path = self._announced(party)
            if path.exists():
                return FileSigner.load(path, self._passphrase)
            return FileSigner.create(path, passphrase)

    def announced_party_key(self, party: str) -> FileSigner:
        """The key that is to follow a party's newest one. Raises KeyMissingError: not here."""
        return FileSigner.load(self._announced(party), self._passphrase)

    def newest_party_file(self, party: str) -> Path:
        """The file of a party's newest key. Raises KeyMissingError where the party has none."""
        files = self._party_files(party)
        if not files:
            raise KeyMissingError(f"{self._party_folder(party)}: there is no key of {party}")
        return files[-1]

    def promote_next_key(self, party: str) -> FileSigner:
        """Make the key that was announced the party's newest one; the older stays beside it.

        Do it before the deed that replaces one by the other: a case signs with the key that its
        record has, whichever is the newest here. Raises KeyMissingError where none was announced.
        """
        with locked(self._party_folder(party)):
            announced = self._announced(party)
            # Read before it is moved: a key that cannot be used must not become the newest.
            signer = FileSigner.load(announced, self._passphrase)
            move_secret(announced, announced.with_name(announced.name.removeprefix("next-")))
        return signer

    def automation(self, party: str) -> FileSigner:
        """The newest key that signs here for a party whose own key is elsewhere.

        What it may sign stands in each case, where the party admitted it. Raises KeyMissingError.
        """
        files = self._files(AUTOMATION, party)
        if not files:
            raise KeyMissingError(
                f"{self._folder / AUTOMATION}: there is no automation key of {party}"
            )
        return FileSigner.load(files[-1])

    def new_automation_key(self, party: str) -> FileSigner:
        """Make a further key of that kind; the one before it signs no more here."""
        with locked(self._folder_of(AUTOMATION, party)):
            number = _following(self._files(AUTOMATION, party))
            return FileSigner.create(self._folder_of(AUTOMATION, party) / f"{number}.pem")

    def parties(self) -> tuple[str, ...]:
        """The parties that have a key here, in order."""
        folder = self._folder / PARTIES
        if not folder.is_dir():
            return ()
        return tuple(sorted(path.name for path in folder.iterdir() if any(path.glob("*.pem"))))

    def _party_folder(self, party: str) -> Path:
        return self._folder_of(PARTIES, party)

    def _party_files(self, party: str) -> list[Path]:
        return self._files(PARTIES, party)

    def _folder_of(self, kind: str, party: str) -> Path:
        # It becomes a folder's name: nothing in it may lead elsewhere.
        if not _PARTY.fullmatch(party):
            raise KeyFileError(f"{party!r} is not a party's id: lowercase letters, digits, hyphens")
        secret_folder(self._folder / kind)
        return self._folder / kind / party

    def _following_number(self, party: str) -> int:
        return _following(self._party_files(party))

    def _announced(self, party: str) -> Path:
        return self._party_folder(party) / f"next-{self._following_number(party)}.pem"

    def _files(self, kind: str, party: str) -> list[Path]:
        folder = self._folder_of(kind, party)
        try:
            # Names alone, before every deed: a path for each takes many times as long.
            found = list(filter(_NUMBERED.fullmatch, os.listdir(folder)))  # noqa: PTH208
        except OSError:
            return []
        return [folder / name for name in sorted(found, key=lambda name: int(name[:-4]))]

    def __repr__(self) -> str:
        return f"Keyring({self._folder})"


def _following(files: list[Path]) -> int:
    """The number of the key that comes after these."""
    return int(files[-1].stem) + 1 if files else 0


def _create(folder: Path, at: str, random: RandomSource) -> None:
    """Make what is missing on the first day; the caller holds the folder.

    Raises KeyFileError where anything there says that the first day is over.
    """
    history = folder / "history.jsonl"
    if history.exists():
        return
    # A new history would have the old record's heads signed by a key that it does not know.
    if Keyring(folder).begun:
        raise KeyFileError(f"{history}: is gone; fix: restore it from a backup")
    master = folder / "master.key"
    if not master.exists():
        secret = random.draw(KEY_SIZE)
        write_secret(master, b"touchstone-master-key/1 %s\n" % secret.hex().encode())
    signer = _load_or_create(folder / "installation-0.pem")
    _write_history(folder, KeyHistory.start(signer, at, "first key"))


@lru_cache(maxsize=8)
# A fault is not kept: `lru_cache` remembers no exception.
def _parsed_history(data: bytes) -> KeyHistory:
    """The history in these bytes: they are read each time, and their signatures checked once."""
    return KeyHistory.parse(data.splitlines())


def _read_master(path: Path) -> MasterKey:
    match = _MASTER.fullmatch(read_secret(path))
    if not match:
        raise KeyFileError(f"{path}: is not a master key; fix: restore it from a backup")
    return MasterKey(bytes.fromhex(match[1].decode()))


def _load_or_create(path: Path) -> FileSigner:
    return FileSigner.load(path) if path.exists() else FileSigner.create(path)


def _write_history(folder: Path, history: KeyHistory) -> None:
    text = b"".join(line.line + b"\n" for line in history.lines)
    write_secret(folder / "history.jsonl", text, replace=True)
