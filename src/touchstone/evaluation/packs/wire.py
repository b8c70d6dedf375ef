"""Messages between a pack's process and its parent: a length in four bytes, then JSON.

Both ends use it, and neither believes the other's lengths beyond a bound.
"""

import json
import socket
import struct
from typing import Any

_LENGTH = struct.Struct(">I")
HEAD = _LENGTH.size
MOST_JOB = 256 * 1024 * 1024
"""Bytes of the job that the parent sends."""
MOST_MESSAGE = 8 * 1024 * 1024
"""Bytes of every other message."""
LENT_PART = 512 * 1024
"""Bytes of a file that one message carries into a lent sandbox, or out of it."""


class MalformedMessageError(ValueError):
    """What came is no message."""


def packed(value: Any) -> bytes:
    """A message as it is sent."""
    body = json.dumps(value, separators=(",", ":")).encode()
    return _LENGTH.pack(len(body)) + body


def length_of(head: bytes, most: int) -> int:
    """How long a message's body is.

    Raises:
        MalformedMessageError: it is longer than `most` bytes.
    """
    (size,) = _LENGTH.unpack(head)
    if size > most:
        raise MalformedMessageError(f"a message of {size} bytes")
    return int(size)


def unpacked(body: bytes) -> dict[str, Any]:
    """The object that a message's body holds.

    Raises:
        MalformedMessageError: it holds none.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedMessageError("a message that is no JSON") from error
    if not isinstance(value, dict):
        raise MalformedMessageError("a message that is no object")
    return value


def receive_message(sock: socket.socket, most: int = MOST_MESSAGE) -> dict[str, Any] | None:
    """The next message of a blocking socket; None at its end.

    Raises:
        MalformedMessageError: what came is none.
    """
    head = _exactly(sock, HEAD)
    if head is None:
        return None
    body = _exactly(sock, length_of(head, most))
    return None if body is None else unpacked(body)


def _exactly(sock: socket.socket, size: int) -> bytes | None:
    found = bytearray()
    while len(found) < size:
        block = sock.recv(min(size - len(found), 1 << 20))
        if not block:
            return None
        found += block
    return bytes(found)
