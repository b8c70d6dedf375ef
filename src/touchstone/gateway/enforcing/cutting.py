"""How a connection ends at once: nothing that is queued, here or in the kernel, leaves any more."""

import asyncio
import ctypes
import socket
import struct

_UNSPECIFIED = struct.pack("H14x", socket.AF_UNSPEC)
_NO_LINGER, _LINGER = struct.pack("ii", 1, 0), struct.pack("ii", 0, 0)
_connect = ctypes.CDLL(None, use_errno=True).connect


def reset(transport: asyncio.Transport) -> None:
    """Send a reset, discard what is queued, and close.

    An event loop closes a transport one turn later, and until then writes what it had gathered.
    Linux disconnects a TCP socket on the spot when it is connected to the unspecified address;
    where that fails, SO_LINGER of 0 still resets the connection when the transport closes.
    """
    linger(transport, reset=True)
    found = transport.get_extra_info("socket")
    if found is not None and found.fileno() >= 0 and found.family != socket.AF_UNIX:
        _connect(found.fileno(), _UNSPECIFIED, len(_UNSPECIFIED))
    transport.abort()


def linger(transport: asyncio.Transport, *, reset: bool = False) -> None:
    """Choose what closing does, by whatever hand: send what is queued, or reset."""
    found = transport.get_extra_info("socket")
    if found is not None and found.fileno() >= 0 and found.family != socket.AF_UNIX:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER if reset else _LINGER)
