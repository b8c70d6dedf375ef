"""What a process remembers of cases, so that it need not be read again: of some alone."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")


class Remembered(Generic[V]):
    """Values by case, or by a digest: what nobody asked for longest is forgotten first.

    Whatever is forgotten is read anew. Safe from several threads.
    """

    def __init__(self, most: int, weigh: Callable[[V], int] = lambda _: 1) -> None:
        """`most`: how many values, or how much all of them weigh together by `weigh`."""
        self._most = most
        self._weigh = weigh
        self._weight = 0
        self._values: OrderedDict[str, V] = OrderedDict()
        # A lookup moves what it finds, so that two at once could lose a place in the order.
        self._lock = threading.Lock()

    def get(self, case: str) -> V | None:
        """What is remembered of a case; None where nothing is."""
        with self._lock:
            if case in self._values:
                self._values.move_to_end(case)
            return self._values.get(case)

    def keep(self, case: str, value: V) -> None:
        """Remember a value in place of the one before."""
        with self._lock:
            if case in self._values:
                self._weight -= self._weigh(self._values.pop(case))
            self._values[case] = value
            self._weight += self._weigh(value)
            # A server meets all its cases in time: without an end to it, all would stay in memory.
            while self._weight > self._most:
                self._weight -= self._weigh(self._values.popitem(last=False)[1])

    def forget(self, which: Callable[[str], bool]) -> None:
        """Remember no more what is of these names."""
        with self._lock:
            for name in [each for each in self._values if which(each)]:
                self._weight -= self._weigh(self._values.pop(name))

    def __len__(self) -> int:
        return len(self._values)
