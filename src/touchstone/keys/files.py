"""Files that appear whole or not at all, and secret ones, which only their owner reads."""

import contextlib
import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from touchstone.keys.errors import (
    KeyExistsError,
    KeyFileError,
    KeyMissingError,
    KeyUnsafeError,
)

# A history of 100 rotations is 50 KB; nothing larger belongs here.
LARGEST = 1 << 20
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
_DRAFT = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def secret_folder(folder: Path) -> None:
    """Make `folder`, and those above it, 0700 where missing; refuse one that others may enter.

    Raises KeyFileError.
    """
    try:
        try:
            facts = os.lstat(folder)
        except FileNotFoundError:
            # `parents=True` would make those above by the umask: a home, say, open to others.
            missing = [each for each in (folder, *folder.parents) if not each.exists()]
            for each in reversed(missing):
                each.mkdir(mode=0o700, exist_ok=True)
            facts = os.lstat(folder)
    except OSError as error:
        raise KeyFileError(f"{folder}: cannot be a key folder: {error.strerror}") from error
    if not stat.S_ISDIR(facts.st_mode):
        raise KeyUnsafeError(f"{folder}: is a link or a file; fix: name a real folder")
    # Refused and not set right: whoever could enter until now may have the key (ADR 40).
    _check_owner(folder, facts, 0o700)


def read_secret(path: Path) -> bytes:
    """The bytes of a secret file, after its owner, mode and kind were checked.

    Raises KeyMissingError where there is none, KeyFileError where it cannot be trusted.
    """
    try:
        # O_NONBLOCK: a pipe in the place of a key must not hang us.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise KeyMissingError(f"{path}: there is no such key file") from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise KeyUnsafeError(
                f"{path}: is a link; fix: put the key file itself there"
            ) from error
        raise KeyFileError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        facts = os.fstat(descriptor)
        # Asked first: of a folder no file object can be made.
        if not stat.S_ISREG(facts.st_mode):
            raise KeyUnsafeError(f"{path}: is not a regular file; fix: put a key file there")
        _check_owner(path, facts, 0o600)
        _check_owner(path.parent, path.parent.stat(), 0o700)
        # Before it is read: a file without end in the place of a key must not fill the memory.
        if facts.st_size > LARGEST:
            raise KeyFileError(f"{path}: {facts.st_size} bytes are too many for a key file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(LARGEST)
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be read: {error.strerror}") from error
    finally:
        os.close(descriptor)


def write_secret(path: Path, data: bytes, *, replace: bool = False) -> None:
    """Write a secret file atomically and durably, mode 0600, in a folder of mode 0700.

    Raises KeyExistsError where there is one and `replace` is false, KeyFileError where the file
    cannot be written; a failed write leaves nothing.
    """
    secret_folder(path.parent)
    try:
        write_file(path, [data], replace=replace)
    except FileExistsError as error:
        raise KeyExistsError(f"{path}: exists; keys are never overwritten") from error
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be written: {error.strerror}") from error


def write_file(
    path: Path, pieces: Iterable[bytes], *, replace: bool = True, mode: int = 0o600
) -> None:
    """Put a file there whole or not at all, such that a power loss does not take it back.

    A draft in the same folder is written, made durable and renamed; whatever fails (also in
    `pieces`) leaves the file that was there, and no draft. ::

        write_file(out / "report.html", [page])

    Args:
        path: the file, in a folder that exists. A link there is replaced, not followed.
        pieces: the content.
        replace: whether a file that is there already gives way.
        mode: who may read it; less what the umask takes.

    Raises:
        FileExistsError: there is one, and `replace` is false.
        OSError: it cannot be written; the error names `path`.
    """
    # In the same folder: a rename is atomic within one file system only.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, _DRAFT, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(descriptor)
        if replace:
            # The last step that can be seen: before it the old file is whole, after it the new one.
            draft.replace(path)
        else:
            # A rename would overwrite; a link refuses.
            os.link(draft, path)
        sync_folder(path.parent)
    except OSError as error:
        # Of the draft beside it nobody knows.
        error.filename, error.filename2 = str(path), None
        raise
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()


def move_secret(path: Path, target: Path) -> None:
    """Give a secret file another name in its folder, durably.

    Raises KeyExistsError where there is one of that name, KeyFileError where it cannot be done.
    """
    try:
        # A rename would overwrite; a link refuses.
        os.link(path, target)
        path.unlink()
        sync_folder(path.parent)
    except FileExistsError as error:
        raise KeyExistsError(f"{target}: exists; keys are never overwritten") from error
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be moved: {error.strerror}") from error


def move_folder(path: Path, target: Path) -> None:
    """Give a whole folder its name, which nothing may have. Raises OSError.

    What lies in it is as durable as whoever wrote it made it.
    """
    # By the same system call that would put it in the place of an empty folder.
    if target.exists():
        raise FileExistsError(errno.EEXIST, "is there already", str(target))
    path.rename(target)
    sync_folder(target.parent)


def take_place(draft: Path, path: Path) -> None:
    """Give a draft that was written whole and made durable its name in its folder, durably.

    For what is too large to be written a second time; `write_file` does all of it.

    Raises FileExistsError where something has the name; the draft stays then. OSError.
    """
    try:
        # A rename would overwrite what came there since; a link refuses.
        os.link(draft, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # On a disk that knows no links the name is taken first, and what has it is our own.
        os.close(os.open(path, _DRAFT, 0o600))
        draft.replace(path)
    else:
        draft.unlink()
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder alone among the processes of this machine. Raises KeyFileError."""
    secret_folder(folder)
    # Never removed: whoever waits for it would hold a file that others no longer see.
    lock = folder / ".lock"
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise KeyFileError(f"{lock}: cannot be opened: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _closed(path: Path, mode: int) -> str:
    # Nobody wants the folder closed in which they happen to work.
    alone = path == Path()
    return "name a folder for such files, as keys/NAME" if alone else f"chmod {mode:o} {path}"


def _check_owner(path: Path, facts: os.stat_result, mode: int) -> None:
    if facts.st_uid != os.geteuid():
        raise KeyUnsafeError(
            f"{path}: belongs to user {facts.st_uid}, not to you ({os.geteuid()});"
            f" fix: chown {os.geteuid()} {path}"
        )
    found = stat.S_IMODE(facts.st_mode)
    # Any right of any other: to write is to choose the key, and to read is to have it.
    if found & 0o077:
        raise KeyUnsafeError(
            f"{path}: open to group or others (mode {found:04o}); fix: {_closed(path, mode)}"
        )
