"""What a sandbox noticed: guards that were hit, and whether the boundary itself was attacked."""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["system-call", "memory", "processes", "copy-out", "protocol"]

_KEPT_A_SAMPLE = 100
_KEPT_SAMPLES = 10_000


@dataclass(frozen=True)
class SandboxEvent:
    """One guard hit. Equal events of one sandbox are reported once."""

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


Listener = Callable[[SandboxEvent], None]


class EventLog:
    """The events of this process, bounded, and those who want to hear of them. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: OrderedDict[str, deque[SandboxEvent]] = OrderedDict()
        self._listeners: list[Listener] = []

    def record(self, event: SandboxEvent) -> None:
        """Keep the event and tell the listeners, in the calling thread, unless it is known."""
        with self._lock:
            known = self._events.setdefault(event.sample, deque())
            full = len(known) >= _KEPT_A_SAMPLE and not event.breach
            if event in known or full or len(known) >= 2 * _KEPT_A_SAMPLE:
                return
            known.append(event)
            while len(self._events) > _KEPT_SAMPLES:
                self._events.popitem(last=False)
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener(event)

    def of(self, sample: str) -> tuple[SandboxEvent, ...]:
        """The sample's events, oldest first."""
        with self._lock:
            return tuple(self._events.get(sample, ()))

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


EVENTS = EventLog()
"""This process's events."""


def events_of(sample: str) -> tuple[SandboxEvent, ...]:
    """The events of the sample with this `touchstone_sample`, oldest first."""
    return EVENTS.of(sample)


def on_event(listener: Listener) -> Callable[[], None]:
    """See `EventLog.subscribe`."""
    return EVENTS.subscribe(listener)
