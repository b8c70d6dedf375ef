"""Whose call a thread takes next: everybody in turn, and nobody all threads at once.

One person may ask for two thousand answers at once, each of which takes a thread for a while. In
one queue for all, everybody else would wait until they are made.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

from touchstone.server.errors import ProblemError

OF_ONE = 2
"""One of whom may hold at most this part of the threads: others find some free."""
MOST_WAITING = 64
"""Calls of one that wait. So many of each still leave others room among what a process holds."""

FOR_NEWCOMERS = 8
"""One part in so many of the open requests is for those of whom no other is open."""


class OpenRequests:
    """Requests that are answered or wait for it, by the party that asks, or by its address."""

    def __init__(self) -> None:
        self._of = Counter[str]()

    def begin(self, who: str) -> None:
        """Count one more."""
        self._of[who] += 1

    def end(self, who: str) -> None:
        """Count one less."""
        self._of[who] -= 1
        if not self._of[who]:
            del self._of[who]

    @contextmanager
    def without(self, who: str) -> Iterator[None]:
        """Do not count one meanwhile: what is slow about it is not ours."""
        self.end(who)
        try:
            yield
        finally:
            self.begin(who)

    def require_room(self, who: str, most: int, part: int) -> None:
        """Raise ProblemError: 503 where there are too many, 429 where too many are of these.

        Whoever asks is counted already.

        `most` are open at once, and one part in `part` of them may be of the same.
        """
        # With none but its own bound two could fill it all.
        room = most if self._of[who] <= 1 else most - most // FOR_NEWCOMERS
        if self._of.total() > room:
            raise ProblemError(503)
        if self._of[who] > max(1, most // part):
            raise ProblemError(429)


class Turns:
    """Threads that take calls of many in turn. For one event loop."""

    def __init__(self, threads: int, of_one: int = OF_ONE, waiting: int = MOST_WAITING) -> None:
        self._pool = ThreadPoolExecutor(threads, "answers")
        self._free, self._of_one, self._most = threads, max(1, threads // of_one), waiting
        self._running = Counter[str]()
        # In the order in which they are next; whoever had a turn goes to the end.
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    async def run(self, who: str, call: Callable[[], Any], *, bounded: bool = False) -> Any:
        """What a call gives that a thread makes for somebody once it is its turn.

        `bounded`: where too many of the same wait it is refused. Raises ProblemError 429, and
        whatever the call raises.
        """
        if bounded and len(self._waiting.get(who, ())) >= self._most:
            raise ProblemError(429)
        await self._turn(who)
        loop = asyncio.get_running_loop()
        called = self._pool.submit(call)

        def ended(_: object) -> None:
            # Nobody is next once the loop has ended.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._done, who)

        # By the thread's own end: whoever waited for it may have gone, and it works all the same.
        called.add_done_callback(ended)
        return await asyncio.wrap_future(called)

    def close(self) -> None:
        """Begin nothing more, and wait for what runs."""
        self._pool.shutdown(cancel_futures=True)

    async def _turn(self, who: str) -> None:
        if self._free and self._running[who] < self._of_one and who not in self._waiting:
            self._begin(who)
            return
        mine = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(who, deque()).append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                # It was its turn at that moment.
                self._done(who)
            raise

    def _begin(self, who: str) -> None:
        self._free -= 1
        self._running[who] += 1

    def _done(self, who: str) -> None:
        self._free += 1
        self._running[who] -= 1
        if not self._running[who]:
            del self._running[who]
        while self._free and self._begin_next():
            pass

    def _begin_next(self) -> bool:
        """Begin the one who has waited longest since its last turn and may have one, if any."""
        for who in [*self._waiting]:
            own = self._waiting[who]
            while own and own[0].done():
                # It is gone.
                del own[0]
            if own and self._running[who] >= self._of_one:
                continue
            del self._waiting[who]
            if not own:
                continue
            found = own.popleft()
            if own:
                self._waiting[who] = own
            self._begin(who)
            found.set_result(None)
            return True
        return False
