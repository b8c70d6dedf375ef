"""How a person's machine comes in at a server: by a code once, then by tokens for an hour.

    <folder>/device.pem    the key by which this machine, and no party, asks for tokens
    <folder>/device-1.pem  the one before, where this machine came in anew
    <folder>/account.json  whose machine it is there, once the server has let it in
    <folder>/token.json    the token that it holds

    take_invitation(folder, "SHA256:...", "example-lab", code, "Ann's laptop", ask, machine)
    tokens = TokenSource(folder, ask, machine)
    header = f"Bearer {tokens.current()}"

A token's file adds nothing to what the device key beside it can ask for. What a server says is
taken as a stranger's: nothing but ids, scopes and tokens in their own form.
"""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any, Protocol, Self

from touchstone.client.errors import NotJoinedError, NotLetInError, UnheardError
from touchstone.client.followed import Machine
from touchstone.handin import seconds_of, utc, utc_text
from touchstone.keys import FileSigner, KeyMissingError, read_secret, write_secret
from touchstone.keys.files import locked
from touchstone.ledger import MalformedError, dumps, loads
from touchstone.ledger.devices import (
    SCOPES,
    JoiningStatement,
    TokenStatement,
    key_of_code,
    signed_by_code,
    signed_by_device,
)
from touchstone.ledger.forms import fingerprint_text

DEVICE_FILE = "device.pem"
NEW_DEVICE_FILE = "device-new.pem"
"""A key that is to take the place of one, until the server has let it in."""
ACCOUNT_FILE = "account.json"
TOKENS_FILE = "token.json"
RENEWED_BEFORE = 300
"""Seconds before a token ends, from when on another is asked for."""
_NONCE_SIZE = 32
_KNOWN_BEFORE = "device-key"
"""The server's code where a device key was let in before."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,200}")
_WORD = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_MOST_WORDS = 16


class Entrance(Protocol):
    """The two questions that a server is asked without a token; the answer is a JSON value."""

    def __call__(self, path: str, sent: dict[str, Any]) -> Any:
        """Send a value to `/v1/<path>`.

        Raises NotLetInError where the server says no, UnheardError where nothing was heard.
        """


@dataclass(frozen=True, slots=True)
class ServerAccount:
    """Whose machine this is at one server."""

    installation: str
    """The fingerprint of the installation's first key: of another server nothing is asked."""
    person: str
    party: str
    """Empty for an administrator."""
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    """What its newest token is for."""

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The one that is kept in a folder. Raises NotJoinedError, KeyFileError."""
        try:
            found = loads(read_secret(folder / ACCOUNT_FILE).strip())
            return cls(
                installation=fingerprint_text(found["installation"], "an installation"),
                person=_word(found["person"]),
                party=found["party"] and _word(found["party"]),
                roles=_words(found["roles"]),
                scopes=_words(found["scopes"]),
            )
        except (KeyMissingError, MalformedError, UnheardError, KeyError, TypeError) as error:
            raise NotJoinedError(folder) from error

    def keep(self, folder: Path) -> None:
        """Write it down (0600)."""
        write_secret(folder / ACCOUNT_FILE, dumps(asdict(self)) + b"\n", replace=True)


def take_invitation(
    folder: Path,
    installation: str,
    party: str,
    code: str,
    label: str,
    ask: Entrance,
    machine: Machine,
) -> ServerAccount:
    """Take an invitation for a party's person, and remember what the person is.

    The device key is made first: where the answer is lost, the same code works again from here. One
    that the server has known before, ended perhaps, lets nobody in again: another is made, and the
    old one kept beside it.

    Args:
        folder: What this machine keeps of the server.
        installation: The fingerprint that is pinned, and that the server was held against.
        party: Whose person it is; empty for an administrator.
        code: The one-time code.
        label: What the device is shown as to those who may end it.
        ask: How the server is asked.
        machine: This machine's clock and chance.

    Raises:
        NotLetInError: the server says no.
        UnheardError: nothing that is an answer was heard.
        KeyFileError: the folder or a file in it is not this user's alone.
    """

    def asked(signer: FileSigner) -> Any:
        said = JoiningStatement(
            aud=installation,
            key=signer.public_key.hex(),
            at=utc_text(machine.clock.now()),
            nonce=machine.random.draw(_NONCE_SIZE).hex(),
            code=key_of_code(code),
            party=party,
            label=label,
        )
        # Not the code: whoever passes this on could take the invitation with it first.
        proof, envelope = signed_by_code(said.payload, code), signed_by_device(said, signer)
        return ask("invitations/redeem", {"proof": proof, "envelope": envelope})

    with locked(folder):
        joined = _let_in(folder, asked)
        if _field(joined, "institution") != party:
            raise UnheardError("the server lets in a person of another party than was asked")
        account = ServerAccount(
            installation=installation,
            person=_word(_field(joined, "person")),
            party=party,
            roles=_words(_field(joined, "roles")),
            scopes=_words(_field(joined, "scopes")),
        )
        _take_new_device(folder)
        account.keep(folder)
        (folder / TOKENS_FILE).unlink(missing_ok=True)
        return account


class TokenSource:
    """The tokens of one machine at one server: renewed before they end. Safe for threads."""

    def __init__(self, folder: Path, ask: Entrance, machine: Machine) -> None:
        """Raises NotJoinedError: the server has not let this machine in."""
        self._folder = folder
        self._ask = ask
        self._machine = machine
        self._account = ServerAccount.read(folder)
        self._held: tuple[str, int] | None = None
        self._lock = Lock()

    @property
    def account(self) -> ServerAccount:
        """Whose they are."""
        return self._account

    def current(self) -> str:
        """A token that holds for minutes to come; another is asked for where none does.

        Raises NotLetInError, UnheardError, KeyFileError.
        """
        with self._lock:
            now = int(self._machine.clock.now().timestamp())
            held = self._held or self._kept()
            if held is None or now >= held[1] - RENEWED_BEFORE:
                held = self._renewed(now)
            self._held = held
            return held[0]

    def forget(self, token: str) -> None:
        """The server does not take this token any more: ask for another the next time."""
        with self._lock:
            if self._held is not None and self._held[0] == token:
                self._held = None
            # Another command may have a newer one by now.
            kept = self._kept()
            if kept is not None and kept[0] == token:
                (self._folder / TOKENS_FILE).unlink(missing_ok=True)

    def widened(self, token: str) -> bool:
        """Ask for another token where this one was not enough; whether the new one allows more."""
        with self._lock:
            now = int(self._machine.clock.now().timestamp())
            before = self._account.scopes
            self._held = self._renewed(now)
            return self._held[0] != token and not set(before).issuperset(self._account.scopes)

    def _kept(self) -> tuple[str, int] | None:
        try:
            found = loads(read_secret(self._folder / TOKENS_FILE).strip())
            return _token(found["token"]), seconds_of(found["until"])
        except (KeyMissingError, MalformedError, UnheardError, KeyError, TypeError, ValueError):
            return None

    def _renewed(self, now: int) -> tuple[str, int]:
        # All each time, and never what was allowed before: the person's roles may be more by now.
        scopes = tuple(sorted(SCOPES))
        try:
            issued = self._asked(scopes)
        except NotLetInError as refused:
            fewer = _fewer(refused, scopes)
            if not fewer:
                raise
            scopes, issued = fewer, self._asked(fewer)
        if scopes != self._account.scopes:
            self._account = replace(self._account, scopes=scopes)
            self._account.keep(self._folder)
        token = _token(_field(issued, "token"))
        try:
            until = seconds_of(_field(issued, "expires"))
        except (TypeError, ValueError) as error:
            raise UnheardError("the server does not say until when its token holds") from error
        # By this machine's clock, which may be minutes from the server's.
        until = min(until, now + 3_600)
        kept = {"token": token, "until": utc(until)}
        write_secret(self._folder / TOKENS_FILE, dumps(kept) + b"\n", replace=True)
        return token, until

    def _asked(self, scopes: tuple[str, ...]) -> Any:
        signer = FileSigner.load(self._folder / DEVICE_FILE)
        said = TokenStatement(
            aud=self._account.installation,
            key=signer.public_key.hex(),
            at=utc_text(self._machine.clock.now()),
            nonce=self._machine.random.draw(_NONCE_SIZE).hex(),
            person=self._account.person,
            scopes=scopes,
        )
        return self._ask("tokens", {"envelope": signed_by_device(said, signer)})


def _device(folder: Path) -> FileSigner:
    """The key by which this machine asks to be let in; made where there is none."""
    new, path = folder / NEW_DEVICE_FILE, folder / DEVICE_FILE
    # It may have been let in already, and the answer lost.
    path = new if new.exists() else path
    return FileSigner.load(path) if path.exists() else FileSigner.create(path)


def _let_in(folder: Path, asked: Callable[[FileSigner], Any]) -> Any:
    """The server's answer to this machine's key; to a new one, where it knew that before."""
    try:
        return asked(_device(folder))
    except NotLetInError as refused:
        if refused.code != _KNOWN_BEFORE:
            raise
    # It takes the old one's place once the server has let it in.
    path = folder / NEW_DEVICE_FILE
    path.unlink(missing_ok=True)
    return asked(FileSigner.create(path))


def _take_new_device(folder: Path) -> None:
    """Put the key that was let in into its place, where it is a new one."""
    new, path = folder / NEW_DEVICE_FILE, folder / DEVICE_FILE
    if not new.exists():
        return
    if path.exists():
        number = 1 + len([*folder.glob("device-[0-9]*.pem")])
        write_secret(folder / f"device-{number}.pem", read_secret(path))
    # At no time is there no key.
    write_secret(path, read_secret(new), replace=True)
    new.unlink()


def _field(said: Any, name: str) -> Any:
    if not isinstance(said, dict) or name not in said:
        raise UnheardError(f"the server's answer has no {name}")
    return said[name]


def _word(said: object) -> str:
    if not isinstance(said, str) or not _WORD.fullmatch(said):
        raise UnheardError("the server's answer holds no id where one should stand")
    return said


def _words(said: object) -> tuple[str, ...]:
    if not isinstance(said, list) or len(said) > _MOST_WORDS:
        raise UnheardError("the server's answer holds no list where one should stand")
    return tuple(sorted({_word(each) for each in said}))


def _token(said: object) -> str:
    # It goes into a header: nothing else may.
    if not isinstance(said, str) or not _TOKEN.fullmatch(said):
        raise UnheardError("the server's answer holds no token")
    return said


def _fewer(refused: NotLetInError, scopes: tuple[str, ...]) -> tuple[str, ...]:
    """What the server says that a person may still ask for, where it is less than was asked."""
    if refused.code != "scope" or "scopes" not in refused.said:
        return ()
    allowed = _words(refused.said["scopes"])
    return () if set(allowed) == set(scopes) else allowed
