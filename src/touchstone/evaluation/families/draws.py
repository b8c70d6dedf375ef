"""Seeded choices that stay the same on every Python version, unlike most of `random`."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Draws:
    """A stream of choices from a text: SHA-256 in counter mode, without modulo bias."""

    def __init__(self, label: str) -> None:
        self._label = label.encode()
        self._counter = 0

    def below(self, limit: int) -> int:
        """An integer from 0 to limit - 1; 1 <= limit <= 2**32."""
        while True:
            block = hashlib.sha256(self._label + b"\0" + self._counter.to_bytes(8, "big")).digest()
            self._counter += 1
            value = int.from_bytes(block[:8], "big")
            if value < 2**64 - 2**64 % limit:
                return value % limit

    def between(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        return low + self.below(high - low + 1)

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.below(len(options))]

    def sample(self, options: Sequence[T], count: int) -> list[T]:
        """`count` different positions of the options, in drawn order."""
        rest = list(options)
        return [rest.pop(self.below(len(rest))) for _ in range(count)]

    def data(self, size: int, low: int = 0x21, high: int = 0x7E) -> bytes:
        """`size` bytes, each from low to high."""
        return bytes(self.between(low, high) for _ in range(size))
