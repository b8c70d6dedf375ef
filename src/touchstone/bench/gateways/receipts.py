"""A gateway's receipts, waited for and checked."""

import asyncio
import time
from pathlib import Path

from touchstone.bench.errors import BenchError
from touchstone.gateway.receipts import Receipt, SignedReceipt

_LOOK_SECONDS = 0.001
_PATIENCE_SECONDS = 20.0


async def come(path: Path) -> None:
    """Return once the receipt lies there; BenchError where it does not come."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while not path.exists():  # noqa: ASYNC240 - one system call
        if time.monotonic() > end:
            raise BenchError(f"no receipt came: {path.name}")
        await asyncio.sleep(_LOOK_SECONDS)


def read_receipt(path: Path, key: bytes) -> Receipt:
    """A receipt that the gateway's key signed; TouchstoneError otherwise."""
    signed = SignedReceipt.parse(path.read_bytes().removesuffix(b"\n"))
    signed.verify(key)
    return signed.receipt
