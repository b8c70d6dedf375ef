"""What a server says of itself on stderr: JSON lines, with who asked for what and how it ended.

    tell_event("token-made", person=person, scopes="read")    # a line at once
    count_event("denied", route=route, person=person)         # and how often again, in a minute

No contents and no secrets: of people and parties their ids, of a request its route and not its
path, of a fault its kind and where, and not its words. Whatever was sent stands in JSON as ASCII,
so that no line passes for another.
"""

import json
import logging
import sys
import time
import traceback
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from threading import Lock
from types import MappingProxyType

EVENTS: Mapping[str, str] = MappingProxyType(
    {
        "allowed": "a request was let through and answered",
        "not-known": "who asks showed no token, statement or code that holds",
        "denied": "who asks is known, and may not, or names what is not there for it",
        "refused": "what was sent is not taken: its form, its size, its host, its method",
        "broken-off": "who sent a body went away before its end",
        "limited": "too much was asked for, by one or by all",
        "fault": "a fault of this server, or of what it needs",
        "invited": "a person was invited",
        "invited-again": "a person was given another code",
        "device-added": "a device was let in by a code",
        "device-revoked": "a device of a person was ended",
        "roles-changed": "a person was given other roles",
        "removed": "a person was removed",
        "token-made": "a device was given a token",
        "token-revoked": "a token was ended by who has it, or older ones of a device by a new one",
        "browsers-ended": "a manager ended all passkeys, recovery codes and browsers of a person",
        "passkey-added": "a browser was let in by a code, or given a further passkey",
        "passkey-ended": "a person ended a passkey, and its other browsers are signed out",
        "recovery-codes-drawn": "a person drew recovery codes anew",
        "recovered": "a person came in by a recovery code",
        "session-begun": "a browser was signed in",
        "session-ended": "a person signed a browser out",
        "channel-made": "a person named a webhook, or made a calendar",
        "channel-ended": "a person ended one",
        "server-begun": "a process answers from now on, with these settings",
        "server-ended": "it answers no more",
    }
)
"""What is told, and what it means; an event that is not here is not told."""
MOST_OF_ADDRESS = 60
"""Different lines a minute of one IPv4 address or IPv6 /64 of which nobody is known."""
MOST_OF_NETWORK = 240
"""The same of all in one IPv4 /24 or IPv6 /48: whoever has one has 65,536 of /64."""
MOST_OF_UNKNOWN = 2_000
"""The same of everybody who is not known."""
MOST_OF_PERSON = 600
"""The same of one person."""
MOST_OF_ALL = 10_000
"""The same of all together: what one process writes at most, and remembers."""
MOST_LEFT_OUT = 500
"""Different lines that say how many were left out, and of what."""
EVERYBODY, NOBODY_KNOWN = "everybody", "nobody known"
MOST_TEXT = 500
"""Characters of one text in a line."""
_PLACES = 8
"""Calls of a fault, the innermost ones."""
_MINUTE = 60
Facts = Mapping[str, str | int]
SECURITY = logging.getLogger("touchstone.security")


class JsonLines(logging.Formatter):
    """A line for each record, in UTC. What an exception says of itself stands in none."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        facts: Facts | None = getattr(record, "facts", None)
        said: dict[str, object] = {
            "at": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": record.getMessage() if facts is not None else "said",
        }
        if facts is None:
            said |= {"by": record.name, "text": record.getMessage()[:MOST_TEXT]}
        else:
            said |= {name: _bounded(value) for name, value in facts.items()}
        if record.exc_info and record.exc_info[1] is not None:
            # Its message may hold what was sent, or what stands in a case.
            said |= {"fault": type(record.exc_info[1]).__name__, "places": _places(record)}
        # JSON escapes every control character but this one.
        return json.dumps(said, ensure_ascii=True).replace("\x7f", "\\u007f")


def write_as_lines() -> None:
    """Have this process write what it says as JSON lines on stderr, from the level INFO on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def tell_event(event: str, **facts: str | int) -> None:
    """Write an event down."""
    _write(event, facts)


def count_event(event: str, **facts: str | int) -> None:
    """Write an event down; the same within a minute is counted, and told with the next minute.

    So is what goes past the lines of a minute that its person, or its address, has.
    """
    if SECURITY.isEnabledFor(logging.INFO):
        _counted.add(event, facts)


def tell_counted() -> None:
    """Write down what was counted in minutes that are over."""
    _counted.turn(int(time.time()) // _MINUTE)


def tell_all() -> None:
    """Write down whatever was counted: the process ends."""
    _counted.turn(-1)


class _Counted:
    """What was told in a minute, and how often since. Safe for several threads."""

    def __init__(self) -> None:
        self._minute = 0
        self._more: dict[tuple[object, ...], tuple[str, Facts, int]] = {}
        self._lines = Counter[str]()
        self._left_out = Counter[tuple[str, str]]()
        self._lock = Lock()

    def add(self, event: str, facts: Facts) -> None:
        minute = int(time.time()) // _MINUTE
        self.turn(minute)
        key = (event, *sorted(facts.items()))
        with self._lock:
            if known := self._more.get(key):
                self._more[key] = event, facts, known[2] + 1
                return
            if not self._has_room(event, facts):
                return
            self._more[key] = event, facts, 0
        _write(event, facts)

    def _has_room(self, event: str, facts: Facts) -> bool:
        """Whether another line is written of where it comes from; else it is counted."""
        bounds = _bounds(facts)
        for where, most in bounds.items():
            if self._lines[where] >= most:
                # Of all that is full the widest that is named: lines of these are bounded too.
                named = where if len(self._left_out) < MOST_LEFT_OUT else "elsewhere"
                self._left_out[event, named] += 1
                return False
        self._lines.update(bounds.keys())
        return True

    def turn(self, minute: int) -> None:
        """Begin another minute, where it is another."""
        with self._lock:
            if minute == self._minute:
                return
            ended, more = self._minute, list(self._more.values())
            left_out = list(self._left_out.items())
            self._minute = minute
            for each in (self._more, self._lines, self._left_out):
                each.clear()
        begun = datetime.fromtimestamp(ended * _MINUTE, UTC).strftime("%Y-%m-%dT%H:%MZ")
        for event, facts, times in more:
            if times:
                _write(event, {**facts, "again": times, "minute": begun})
        for (event, where), times in left_out:
            _write(event, {"of": where, "left_out": times, "minute": begun})


def _bounds(facts: Facts) -> dict[str, int]:
    """Of what an event is one more line within its minute, the widest first, and how many at most.

    Of a person that is known its own, so that it is told whatever others do from where it is.
    """
    if person := facts.get("person"):
        return {EVERYBODY: MOST_OF_ALL, f"person {person}": MOST_OF_PERSON}
    address = str(facts.get("address", "unknown"))
    return {
        EVERYBODY: MOST_OF_ALL,
        NOBODY_KNOWN: MOST_OF_UNKNOWN,
        f"network {network_of(address)}": MOST_OF_NETWORK,
        f"address {address}": MOST_OF_ADDRESS,
    }


def network_of(address: str) -> str:
    """Of an IPv4 address its /24, of an IPv6 /64 its /48; each as `address_group` writes them."""
    return address.rpartition(":" if ":" in address else ".")[0] or address


_counted = _Counted()


def _write(event: str, facts: Facts) -> None:
    if event not in EVENTS:
        raise ValueError(f"{event}: say in EVENTS what it means")
    SECURITY.info(event, extra={"facts": facts})


def _bounded(value: str | int) -> str | int:
    return value[:MOST_TEXT] if isinstance(value, str) else value


def _places(record: logging.LogRecord) -> list[str]:
    trace = record.exc_info[2] if record.exc_info else None
    frames = traceback.extract_tb(trace)[-_PLACES:]
    return [f"{each.filename.rpartition('/')[2]}:{each.lineno} {each.name}" for each in frames]
