"""Taking a file out of a sandbox's working folder without trusting anything in it."""

import ctypes
import errno
import os
import re
import stat

from touchstone.evaluation.sandbox.errors import CopyOutRefusedError, SandboxError

_SYS_OPENAT2 = 437  # the same on every architecture
_NO_XDEV, _NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH = 1, 2, 4, 8
_PLAIN = re.compile(r"(?!\.\.?(/|$))[A-Za-z0-9._-]+(/(?!\.\.?(/|$))[A-Za-z0-9._-]+)*")
_PATH_LIMIT = 1024
PLANTED = frozenset(
    {
        errno.ELOOP,
        errno.EXDEV,
        errno.EACCES,
        errno.ENXIO,
        errno.ENOTDIR,
        errno.EAGAIN,
        errno.ETOOMANYREFS,
    }
)
"""Why a file cannot be opened where a program planted something: links, a file of others, a socket,
a file in place of a folder, a lease, all files under way used up. Every other reason is the
machine's."""
_libc = ctypes.CDLL(None, use_errno=True)


class _How(ctypes.Structure):
    """`struct open_how`."""

    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def open_beneath(folder: int, path: str) -> int:
    """Open a file for reading strictly below an open folder, following no link of any kind.

    Raises:
        OSError: as openat2; ELOOP where a link stands in the way.
    """
    # Without blocking: a pipe that was planted under the name would be waited for.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY | os.O_NOFOLLOW
    how = _How(flags, 0, _NO_XDEV | _NO_MAGICLINKS | _NO_SYMLINKS | _BENEATH)
    fd = _libc.syscall(
        ctypes.c_long(_SYS_OPENAT2),
        ctypes.c_int(folder),
        ctypes.c_char_p(path.encode()),
        ctypes.byref(how),
        ctypes.c_size_t(ctypes.sizeof(how)),
    )
    if fd < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), path)
    return int(fd)


def read(folder: int, path: str, limit: int) -> bytes:
    """The bytes of one regular file below an open folder.

    The name is plain (`[A-Za-z0-9._-]` and `/`), the file regular, with one name only, at most
    `limit` bytes long and not growing while it is read.

    Raises:
        FileNotFoundError: there is no such file.
        CopyOutRefusedError: the file is not fit to leave; the text says why.
        SandboxError: the kernel lacks openat2 (before 5.6), or the machine failed: no more open
            files, no memory, a broken disk.
    """
    if not _PLAIN.fullmatch(path) or len(path) > _PATH_LIMIT:
        raise CopyOutRefusedError(f"{path[:80]!a}: not a plain relative path")
    try:
        fd = open_beneath(folder, path)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno == errno.ENOSYS:
            raise SandboxError("copying out needs Linux 5.6 or newer (openat2)") from error
        # The subject must not be blamed for our own disk, nor our disk for what it planted (ADR
        # 208).
        if error.errno not in PLANTED:
            raise SandboxError(f"{path}: {_why(error)}") from error
        raise CopyOutRefusedError(f"{path}: {_why(error)}") from error
    try:
        facts = os.fstat(fd)
        if not stat.S_ISREG(facts.st_mode):
            raise CopyOutRefusedError(f"{path}: not a regular file")
        # A hard link can give a file of somebody else a plain name in the working folder.
        if facts.st_nlink != 1:
            raise CopyOutRefusedError(f"{path}: has more than one name")
        content = read_copied(fd, limit)
        if content is None:
            raise CopyOutRefusedError(f"{path}: larger than {limit} bytes")
        return content
    except OSError as error:
        raise SandboxError(f"{path}: {_why(error)}") from error
    finally:
        os.close(fd)


def read_copied(fd: int, limit: int) -> bytes | None:
    """What is left of an open file; None where it is more than `limit` bytes."""
    # One byte more than allowed tells one that is too long, also where it grows meanwhile.
    chunks, left = [], limit + 1
    while left and (chunk := os.read(fd, min(left, 1 << 20))):
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks) if left else None


def _why(error: OSError) -> str:
    if error.errno in {errno.ELOOP, errno.EXDEV}:
        return "a link stands in its path"
    return (error.strerror or "cannot be opened").lower()
