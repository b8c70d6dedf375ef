"""The passphrase of a key file: typed on a terminal, or read from an open file descriptor.

Never from an argument or a variable of the environment, which others on the machine may read.
"""

import os
import sys
from collections.abc import Callable
from getpass import getpass
from pathlib import Path

from touchstone.cli.output import ask
from touchstone.errors import BadInputError

DESCRIPTOR = "TOUCHSTONE_PASSPHRASE_FD"
"""Names, for an agent without a terminal, the open descriptor from which a passphrase is read."""
LONGEST = 1024
SHORTEST = 12


def asked_once() -> Callable[[Path], bytes]:
    """Asks for a passphrase when a file needs one, and remembers it for the files after it."""
    known: list[bytes] = []

    def passphrase(path: Path) -> bytes:
        if not known:
            known.append(_asked(f"Passphrase of {path.name} of {path.parent.name}: "))
        return known[0]

    return passphrase


def new_passphrase() -> bytes:
    """A passphrase for keys that are about to be made, typed twice. Raises BadInputError."""
    first = _asked("New passphrase: ")
    if len(first) < SHORTEST:
        raise BadInputError(f"--passphrase: write at least {SHORTEST} characters")
    if DESCRIPTOR not in os.environ and _asked("The same again: ") != first:
        raise BadInputError("--passphrase: the two are not the same; nothing was made")
    return first


def _asked(question: str) -> bytes:
    number = os.environ.get(DESCRIPTOR)
    if number is not None:
        return _from_descriptor(number)
    if not sys.stdin.isatty():
        raise BadInputError(
            "the key is encrypted and there is no terminal to type its passphrase on; open it on a"
            f" descriptor and name that: {DESCRIPTOR}=3 touchstone ... 3<FILE"
        )
    ask(question)
    return _in_bounds(getpass("").encode())


def _from_descriptor(number: str) -> bytes:
    try:
        # A duplicate, so that the next question finds it open; from the start where it can seek.
        with os.fdopen(os.dup(int(number)), "rb") as file:
            if file.seekable():
                file.seek(0)
            return _in_bounds(file.read(LONGEST + 1).rstrip(b"\r\n"))
    except (OSError, ValueError) as error:
        raise BadInputError(f"{DESCRIPTOR}: {number[:20]!a} is no open descriptor") from error


def _in_bounds(secret: bytes) -> bytes:
    if not 0 < len(secret) <= LONGEST:
        raise BadInputError(f"the passphrase is empty, or longer than {LONGEST} bytes")
    return secret
