"""What a process makes once, also where two threads ask for it at the same moment."""

import threading
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

T = TypeVar("T")


def made_once(function: Callable[[], T]) -> Callable[[], T]:
    """Call the function once; who comes meanwhile waits for what it gives.

    `functools.cache` calls it for each thread that comes before the first has its answer. Of two
    watchers one would then hold what the other was told to let go of.
    """
    lock, found = threading.RLock(), list[T]()

    @wraps(function)
    def asked() -> T:
        with lock:
            if not found:
                found.append(function())
            return found[0]

    return asked
