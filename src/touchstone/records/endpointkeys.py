"""Keys of a lab's endpoints, sealed under the key of the case that they were handed in for.

Each lies in a file of its own, whose name says nothing; a new one replaces it whole. Whoever
destroys the case takes them away with its key, and `end` those of one that is over::

    records.endpoint_keys.hand_in(HandedInKey("EXAMPLE_KEY", "case-1", value, by=person, at=now))
    found = records.endpoint_keys.get("case-1", "EXAMPLE_KEY")
"""

import contextlib
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from touchstone.keys import DataKey, SealError
from touchstone.keys.files import write_file
from touchstone.ledger import dumps, loads
from touchstone.records.database import translated
from touchstone.records.errors import (
    CaseMissingError,
    DamagedError,
    DestroyedError,
    EndpointKeyError,
)
from touchstone.records.inserting import case_head
from touchstone.records.models import CaseRow
from touchstone.records.sealedfiles import delete_file, file_fault, make_folder

MOST_KEYS = 32
"""How many names one case has a key for, revoked ones included."""
LONGEST_KEY = 8192
"""Characters of a key."""
_NAME = re.compile(r"[A-Z][A-Z0-9_]{1,63}", re.ASCII)
# What may stand in a header and in a variable, and ends neither.
_VALUE = re.compile(rf"[\x21-\x7e]{{1,{LONGEST_KEY}}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class HandedInKey:
    """An endpoint's key as it was handed in, or that it was revoked. Its repr shows no value."""

    name: str
    """The environment variable by which the submission names it."""
    case: str
    value: str = field(repr=False)
    """Empty where it was revoked."""
    by: str
    """The person who handed it in or revoked it."""
    at: str
    """When (UTC)."""

    @property
    def revoked(self) -> bool:
        """Whether it was taken back, and none came in its place."""
        return not self.value


class EndpointKeyFiles:
    """A folder of sealed files, `<case>/<name>`. `Records.endpoint_keys` is one."""

    def __init__(
        self,
        folder: Path,
        alias: str,
        atomic: Callable[[], AbstractContextManager[None]],
        case_key: Callable[[CaseRow], DataKey | None],
    ) -> None:
        self._root = folder
        self._alias = alias
        self._atomic = atomic
        self._case_key = case_key

    def folder(self, case: str) -> Path:
        """Where the keys of a case lie."""
        return self._root / case

    def hand_in(self, handed: HandedInKey) -> None:
        """Keep a key in place of the one of that name; durable when this returns.

        Raises:
            EndpointKeyError: the name or the value is none, or the case has too many.
            DestroyedError: the case takes no more content.
            CaseMissingError: there is no such case.
            BusyError, FullError, UnreachableError: the one before stands.
        """
        _check_name(handed.name)
        if not _VALUE.fullmatch(handed.value):
            why = f"a key is 1 to {LONGEST_KEY} visible ASCII characters, without spaces or breaks"
            raise EndpointKeyError("key-value", why)
        # Within the case's lock: whoever destroys the case comes before it or after it.
        with self._atomic():
            key = self._locked(handed.case)
            self._write(handed, key)

    def revoke(self, revoked: HandedInKey) -> None:
        """Keep in place of a key that it was revoked. Raises as `hand_in`; `value` is empty.

        Also EndpointKeyError where none of that name was handed in.
        """
        _check_name(revoked.name)
        with self._atomic():
            key = self._locked(revoked.case)
            if self._read(revoked.case, key, _file(key, revoked.name)) is None:
                raise EndpointKeyError("key-unknown", "no key of that name was handed in")
            self._write(revoked, key)

    def end(self, case: str) -> None:
        """Destroy the keys of a case that has ended; that one was revoked stays told.

        Of a destroyed case nothing is left to do: they went with its other folders. Raises
        CaseMissingError, BusyError, UnreachableError: some may be left, and it may be asked again.
        """
        with self._atomic(), contextlib.suppress(DestroyedError):
            key = self._locked(case)
            for path in self._paths(case):
                # A draft that a crash left is a key, too.
                if path.name.startswith(".") or self._holds_a_key(case, key, path.name):
                    delete_file(path)

    def _holds_a_key(self, case: str, key: DataKey, file: str) -> bool:
        try:
            handed = self._read(case, key, file)
        except DamagedError:
            return True
        return handed is not None and not handed.revoked

    def get(self, case: str, name: str) -> HandedInKey | None:
        """What was handed in last under a name; None: nothing, or it went with the case's content.

        Raises DamagedError, UnreachableError.
        """
        key = self._opened(case)
        return None if key is None else self._read(case, key, _file(key, name))

    def of(self, case: str) -> list[HandedInKey]:
        """All of a case, by name. Raises as `get`."""
        key = self._opened(case)
        if key is None:
            return []
        found = (self._read(case, key, file) for file in self._files(case))
        return sorted((each for each in found if each is not None), key=lambda each: each.name)

    def _locked(self, case: str) -> DataKey:
        head = case_head(self._alias, case, lock=True)
        if head is None:
            raise CaseMissingError(f"{case}: there is no such case")
        key = self._case_key(head)
        if key is None:
            raise DestroyedError(f"{case}: was destroyed; it takes no more content")
        return key

    def _opened(self, case: str) -> DataKey | None:
        with translated(self._alias):
            head = case_head(self._alias, case)
        return None if head is None else self._case_key(head)

    def _files(self, case: str) -> list[str]:
        # A draft beside one is no key: its name begins with a dot.
        return [path.name for path in self._paths(case) if not path.name.startswith(".")]

    def _paths(self, case: str) -> list[Path]:
        folder = self.folder(case)
        try:
            return list(folder.iterdir()) if folder.is_dir() else []
        except OSError as error:
            raise file_fault(folder, error) from error

    def _write(self, handed: HandedInKey, key: DataKey) -> None:
        file = _file(key, handed.name)
        path, others = self.folder(handed.case) / file, {*self._files(handed.case)} - {file}
        if len(others) >= MOST_KEYS:
            why = f"a case has keys under at most {MOST_KEYS} names; replace one of them"
            raise EndpointKeyError("too-many-keys", why)
        said = {each: getattr(handed, each) for each in ("name", "value", "by", "at")}
        try:
            make_folder(path.parent)
            write_file(path, [key.seal(dumps(said), _place(handed.case, file))])
        except OSError as error:
            raise file_fault(path, error) from error

    def _read(self, case: str, key: DataKey, file: str) -> HandedInKey | None:
        path = self.folder(case) / file
        try:
            said = loads(key.open(path.read_bytes(), _place(case, file)))
        except FileNotFoundError:
            return None
        except SealError as error:
            raise DamagedError(
                f"{path}: an endpoint's key was altered; fix: delete the file, and have it handed"
                " in anew"
            ) from error
        except OSError as error:
            raise file_fault(path, error) from error
        return HandedInKey(case=case, **said)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        why = "a key has the name of an environment variable, such as EXAMPLE_API_KEY"
        raise EndpointKeyError("key-name", why)


def _file(key: DataKey, name: str) -> str:
    return key.name(f"endpoint-key {name}")


def _place(case: str, file: str) -> bytes:
    return f"touchstone/endpoint-key/1\x00{case}\x00{file}".encode()
