"""What an answer used: as the upstream says it, or else by what was delivered."""

import json
import re
from typing import Any

_MOST_KEPT = 4 << 20
_MOST_TOKENS = 1 << 40
"""What one answer is believed to have used: sums of it fit in the 64 bits of the count."""
_PARTS = (
    "prompt_tokens",
    "completion_tokens",
    "input_tokens",
    "output_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
)
_INPUT = ("prompt_tokens", "input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
_BEGINS = {"message_start", "response.created", "response.in_progress", "response.queued"}
"""Events whose usage is not yet that of the answer."""
_FRAME = frozenset(
    {
        "created",
        "event",
        "finish_reason",
        "id",
        "index",
        "item_id",
        "model",
        "name",
        "object",
        "obfuscation",
        "role",
        "service_tier",
        "status",
        "stop_reason",
        "stop_sequence",
        "system_fingerprint",
        "tool_use_id",
        "type",
        "usage",
    }
)
"""Fields that say nothing of the answer itself."""
_EVENT_END = re.compile(rb"\n\n|\r\n\r\n")
_LONGEST_END = 4
"""Bytes of the longer one."""
BYTES_A_TOKEN = 3
"""A token of text has about four bytes, of code three: fewer tokens than these are no estimate."""


class Meter:
    """Reads one answer, whole or as an event stream. It never holds more than 4 MiB."""

    def __init__(self, *, stream: bool) -> None:
        self._stream = stream
        # Grown in place: joined anew with each part, a long line would cost its square.
        self._rest = bytearray()
        self._most: dict[str, int] = {}
        self._lost = False
        self._final = False
        self._failed = False
        self._bytes = 0
        self._events = 0

    @property
    def streams(self) -> bool:
        """Whether it reads an event stream."""
        return self._stream

    def take(self, part: bytes) -> None:
        """The next bytes of the answer."""
        if self._lost:
            return
        first, *lines = part.split(b"\n") if self._stream else [part]
        self._rest += first
        # By line and not by event: a line is whole wherever the network cut the stream.
        for line in lines:
            self._line(bytes(self._rest))
            self._rest[:] = line
        if len(self._rest) > _MOST_KEPT:
            self._lost = True
            self._rest.clear()

    def tokens(self, asked: int = 0) -> int | None:
        """How many a whole answer used, as it says; None where it does not say.

        One that ended with an error is counted by what was delivered, if that is more.
        """
        self._end()
        if self._lost:
            return None
        # What it says is too little where it failed: 40 KB that went out cost 11 tokens (ADR 131).
        if self._failed:
            return self.delivered(asked)
        return self._said() if self._most and (self._final or not self._stream) else None

    def delivered(self, asked: int) -> int:
        """How many an answer used of which only a part came: what it said, or what went out.

        `asked` is what the request itself may count, where the answer did not say.
        """
        self._end()
        # Some say at the beginning what the input was: that is better than a bound on it.
        told = sum(self._most.get(name, 0) for name in _INPUT)
        # An event carries at least one token, however short its text is.
        went_out = max(self._events, -(-self._bytes // BYTES_A_TOKEN))
        return max(self._said(), (told or asked) + went_out)

    def _said(self) -> int:
        parts = sum(self._most.get(name, 0) for name in _PARTS)
        # Some leave cached or hidden tokens out of the one, and some out of the other.
        return max(parts, self._most.get("total_tokens", 0))

    def _end(self) -> None:
        """A last line may have no end; an answer that was asked for as a stream may be none."""
        rest = bytes(self._rest.strip())
        self._rest.clear()
        if rest.startswith(b"data:"):
            self._line(rest)
        elif rest and not self._lost:
            self._read(rest)

    def _line(self, line: bytes) -> None:
        if line.startswith(b"data:"):
            self._read(line[5:])

    def _read(self, data: bytes) -> None:
        try:
            found = json.loads(data)
        except (ValueError, RecursionError):
            self._bytes += len(data)
            return
        if not isinstance(found, dict):
            return
        kind = found.get("type")
        holders = [found, found.get("message"), found.get("response")]
        said = [self._note(each.get("usage")) for each in holders if isinstance(each, dict)]
        # What is said at the beginning of an answer counts none of its output yet.
        if any(said) and not (isinstance(kind, str) and kind in _BEGINS):
            self._final = True
        if kind in ("error", "response.failed") or found.get("error") is not None:
            self._failed = self._failed or self._stream
        elif isinstance(kind, str) and (kind.startswith("response.") and "delta" not in kind):
            return  # it says again what its parts said
        length = _text_bytes(found)
        self._bytes += length
        self._events += length > 0

    def _note(self, usage: Any) -> bool:
        """Streams say it several times, each part growing: the greatest of each counts."""
        if not isinstance(usage, dict):
            return False
        for name in (*_PARTS, "total_tokens"):
            value = usage.get(name)
            # A caller gains nothing by an endpoint that says less than nothing, or true.
            if type(value) is int and value >= 0:
                self._most[name] = max(self._most.get(name, 0), min(value, _MOST_TOKENS))
        return True


def _text_bytes(event: object) -> int:
    """The length of all text in an event that is not its frame, however deep it stands there."""
    # A list and no recursion: how deep it goes is chosen by the endpoint.
    total, waiting = 0, [event]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            # JSON can hold half of a pair, which has no UTF-8 of its own.
            total += len(value.encode(errors="surrogatepass"))
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend(inner for name, inner in value.items() if name not in _FRAME)
    return total


class UsageFilter:
    """Takes out of a stream what was asked for by the gateway alone: events of usage."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def take(self, part: bytes) -> bytes:
        """What goes on of the stream with these bytes: whole events, each as it came."""
        # Its end may have begun in what came before; what is further back was looked through.
        begin = max(0, len(self._rest) - _LONGEST_END + 1)
        self._rest += part
        kept, at = bytearray(), 0
        while end := _EVENT_END.search(self._rest, begin):
            kept += _without_usage(bytes(self._rest[at : end.end()]))
            begin = at = end.end()
        # Once for all events of the part: each time the rest is moved.
        del self._rest[:at]
        if len(self._rest) > _MOST_KEPT:
            # An event without an end is not held for ever: it goes on as it is.
            kept += self.end()
        return bytes(kept)

    def end(self) -> bytes:
        """What is left when the stream has ended."""
        rest = bytes(self._rest)
        self._rest.clear()
        return _without_usage(rest)


def _without_usage(event: bytes) -> bytes:
    if b'"usage"' not in event:
        return event
    line = next((each for each in event.splitlines() if each.startswith(b"data:")), b"")
    try:
        found = json.loads(line[5:])
    except (ValueError, RecursionError):
        return event
    if not isinstance(found, dict) or "usage" not in found:
        return event
    if found.get("choices") == []:
        return b""
    if found["usage"] is None:
        # Cut out and not written anew, so that all else goes on byte for byte.
        for mark in (b',"usage":null', b', "usage": null'):
            if event.count(mark) == 1:
                return event.replace(mark, b"")
    return event
