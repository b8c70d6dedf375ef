"""Calls that cannot be told to stop, waited for so long and no longer.

ask = partial(socket.getaddrinfo, "hooks.example", 443)
found = Bounded(most=64).run("hooks.example", 10.0, ask)
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")


class Bounded:
    """Runs calls in threads of their own, one at a time under each name. Safe for several threads.

    A call that is late is left to itself: it ends when it ends, and until then nothing more is
    begun under its name.
    """

    def __init__(self, most: int) -> None:
        """`most`: how many calls may be under way, those that were left among them."""
        self._most = most
        self._lock = threading.Lock()
        self._under_way: set[str] = set()

    def run(self, name: str, seconds: float, call: Callable[[], Result]) -> Result:
        """What a call gives, or raises.

        Raises TimeoutError: it took longer than these seconds, one of the same name is still under
        way, or too many are.
        """
        with self._lock:
            if name in self._under_way or len(self._under_way) >= self._most:
                raise TimeoutError("an earlier attempt has not come back yet")
            self._under_way.add(name)
        result = Future[Result]()
        # A daemon: whoever ends does not wait for what nobody waits for.
        threading.Thread(
            target=self._work, args=(name, call, result), name=f"bounded {name}", daemon=True
        ).start()
        try:
            return result.result(seconds)
        except TimeoutError as error:
            if result.done():
                raise
            raise TimeoutError(f"took longer than {seconds:.0f} s") from error

    def _work(self, name: str, call: Callable[[], Result], result: Future[Result]) -> None:
        try:
            given, fault = [call()], None
        except BaseException as error:  # noqa: BLE001 - told to whoever waits, whatever it is
            given, fault = [], error
        # Before it is told: who hears of it may begin the next at once.
        with self._lock:
            self._under_way.discard(name)
        if fault is not None:
            result.set_exception(fault)
        else:
            result.set_result(given[0])
