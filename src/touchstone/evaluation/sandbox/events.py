"""What a sandbox noticed: guards that were hit, how often, and attacks on the boundary."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["system-call", "memory", "processes", "copy-out", "protocol", "output", "bound"]
"""Which guard; `bound`: a bound of our own on what is noticed or kept was reached."""

_KEPT_A_SAMPLE = 100
_KEPT_SAMPLES = 10_000


@dataclass(frozen=True)
class GuardHits:
    """One guard, and how often it was hit. What is equal but for `count` is one event."""

    kind: Kind
    """Which guard."""
    detail: str
    """One plain sentence, safe to print."""
    breach: bool
    """The boundary itself failed or was attacked: the review must halt and a person must look.
    A limit that was merely reached is no breach."""
    sandbox: str
    """`default` or `judge`."""
    sample: str
    """The sample's `touchstone_sample` metadata, or an id of our own making."""
    count: int = 1
    """How often, so far; at least 1."""


Listener = Callable[[GuardHits], None]


class EventLog:
    """The events of this process, bounded, and those who want to hear of them. Thread-safe.

    Different events of a sample are kept up to a bound, breaches up to twice as many; each is
    counted without one. What comes beyond the bound is counted in an event `bound`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: OrderedDict[str, dict[GuardHits, int]] = OrderedDict()
        self._forgot = False
        self._listeners: list[Listener] = []

    def record(self, event: GuardHits) -> None:
        """Count the event; the first of equal ones is told to the listeners, in this thread."""
        # Equal but for the number: events are found by what they say.
        times, event = event.count, replace(event, count=1)
        with self._lock:
            known = self._events.setdefault(event.sample, {})
            if event not in known and len(known) >= _KEPT_A_SAMPLE * (2 if event.breach else 1):
                text = f"more than {len(known)} different events; further ones are counted here"
                event = replace(event, kind="bound", detail=text)
                # Its number grows with late breaches; there is one such event of each sort.
                event = next((e for e in known if _same_bound(e, event)), event)
            new = event not in known
            known[event] = known.get(event, 0) + times
            while len(self._events) > _KEPT_SAMPLES:
                self._events.popitem(last=False)
                self._forgot = True
            # Told outside the lock, in which a listener could wait for one that waits for it.
            listeners = tuple(self._listeners) if new else ()
        for listener in listeners:
            listener(event)

    def of(self, sample: str) -> tuple[GuardHits, ...]:
        """The sample's events, oldest first, each with its count.

        Where older samples' events had to be dropped, an unknown sample has one event that says so.
        """
        with self._lock:
            known = self._events.get(sample)
            if known is None and self._forgot:
                text = "events of older samples were dropped; whether this one had any is not known"
                return (GuardHits("bound", text, breach=False, sandbox="default", sample=sample),)
            return tuple(replace(event, count=count) for event, count in (known or {}).items())

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Have `listener` called for each new event; the result takes it off again.

        It is called from the sandbox's watching thread or the event loop: it must be quick, must
        not raise, and must not use the event loop directly.
        """
        with self._lock:
            self._listeners.append(listener)

        def unsubscribe() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return unsubscribe


def _same_bound(one: GuardHits, other: GuardHits) -> bool:
    return (
        one.kind == "bound"
        and one.detail.startswith("more than")
        and (one.breach, one.sandbox) == (other.breach, other.sandbox)
    )


EVENTS = EventLog()
"""This process's events."""


def events_of(sample: str) -> tuple[GuardHits, ...]:
    """The events of the sample with this `touchstone_sample`, oldest first."""
    return EVENTS.of(sample)


def on_event(listener: Listener) -> Callable[[], None]:
    """See `EventLog.subscribe`."""
    return EVENTS.subscribe(listener)


_FAILED: ContextVar[list[str] | None] = ContextVar("touchstone_failed_starts", default=None)


@contextmanager
def failed_starts() -> Iterator[list[str]]:
    """While the block runs, collects why programs that it ran could not be started."""
    found: list[str] = []
    token = _FAILED.set(found)
    try:
        yield found
    finally:
        _FAILED.reset(token)


def start_failed(why: str) -> None:
    """Say that a program could not be started, to whom it concerns in this task."""
    if (found := _FAILED.get()) is not None:
        found.append(why)
