"""What an upstream says was used, read off the answer as it passes."""

import json
from dataclasses import dataclass
from typing import Any

from touchstone.gateway.enforcing.usage import Hold

_MOST_KEPT = 4 << 20
_PARTS = (
    "prompt_tokens", "completion_tokens", "input_tokens", "output_tokens",
    "cache_creation_input_tokens", "cache_read_input_tokens",
)  # fmt: skip


class Meter:
    """Reads one answer, whole or as an event stream. It never holds more than 4 MiB."""

    def __init__(self, *, stream: bool) -> None:
        self._stream = stream
        self._rest = b""
        self._most: dict[str, int] = {}
        self._lost = False

    def take(self, part: bytes) -> None:
        """The next bytes of the answer."""
        if self._lost:
            return
        self._rest += part
        if self._stream:
            *lines, self._rest = self._rest.split(b"\n")
            for line in lines:
                if line.startswith(b"data:") and b'"usage"' in line:
                    self._read(line[5:])
        if len(self._rest) > _MOST_KEPT:
            self._lost, self._rest = True, b""

    def tokens(self) -> int | None:
        """How many the whole answer used; None where it did not say."""
        if not self._stream and not self._lost:
            self._read(self._rest)
        if not self._most or self._lost:
            return None
        parts = sum(self._most.get(name, 0) for name in _PARTS)
        return max(parts, self._most.get("total_tokens", 0))

    def _read(self, data: bytes) -> None:
        try:
            found = json.loads(data)
        except (ValueError, RecursionError):
            return
        if isinstance(found, dict):
            for holder in (found, found.get("message"), found.get("response")):
                self._note(holder.get("usage") if isinstance(holder, dict) else None)

    def _note(self, usage: Any) -> None:
        """Streams say it several times, each part growing: the greatest of each counts."""
        if not isinstance(usage, dict):
            return
        for name in (*_PARTS, "total_tokens"):
            value = usage.get(name)
            if type(value) is int and value >= 0:
                self._most[name] = max(self._most.get(name, 0), value)


@dataclass(slots=True)
class Charge:
    """What an exchange costs a budget; free where no rule counts tokens."""

    hold: Hold | None = None
    meter: Meter | None = None
    tokens: int | None = 0
    """None: forwarded, and not known yet; the hold stands."""
