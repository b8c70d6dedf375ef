"""Everybody in turn, and nobody all threads at once."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest

from touchstone.server.errors import ProblemError
from touchstone.server.turns import Turns

pytestmark = pytest.mark.enable_socket  # a loop makes a pair for itself


class Work:
    """Calls that hold their threads until they are let go, and tell that they were begun."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.begun: list[str] = []
        self.gates: dict[str, threading.Event] = {}
        self.changed = asyncio.Event()
        self.loop = asyncio.get_running_loop()

    def asks(self, name: str, *, bounded: bool = False) -> asyncio.Task[str]:
        """Have `name` (its first letter says whose it is) call."""
        gate = self.gates[name] = threading.Event()

        def call() -> str:
            self.loop.call_soon_threadsafe(self.note, name)
            gate.wait()
            return name

        return asyncio.create_task(self.turns.run(name[0], call, bounded=bounded))

    def note(self, name: str) -> None:
        self.begun.append(name)
        self.changed.set()

    async def until(self, *names: str) -> None:
        """Until these, and no others, were begun."""
        while set(self.begun) != set(names):
            self.changed.clear()
            await self.changed.wait()


@contextmanager
def worked(turns: Turns) -> Iterator[Work]:
    work = Work(turns)
    try:
        yield work
    finally:
        for gate in work.gates.values():
            gate.set()
        turns.close()


def ran(test: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(60):
            await test()

    asyncio.run(whole())


def test_one_holds_a_part_and_others_find_threads_free():
    async def test() -> None:
        with worked(Turns(4, 2)) as work:
            flood = [work.asks(f"a{number}") for number in range(9)]
            await work.until("a0", "a1")
            others = [work.asks("b0"), work.asks("c0")]
            await work.until("a0", "a1", "b0", "c0")
            for gate in work.gates.values():
                gate.set()
            assert await asyncio.gather(*flood, *others) == [
                *(f"a{n}" for n in range(9)),
                "b0",
                "c0",
            ]

    ran(test)


def test_twin_without_a_part_of_ones_own_nobody_else_is_answered():
    async def test() -> None:
        with worked(Turns(4, 1)) as work:
            flood = [work.asks(f"a{number}") for number in range(9)]
            await work.until("a0", "a1", "a2", "a3")
            other = work.asks("b0")
            await asyncio.sleep(0)
            work.begun.append("one was let go")
            for gate in work.gates.values():
                gate.set()
            await asyncio.gather(*flood, other)
            # In turn even so, but not before somebody ends.
            assert work.begun.index("b0") > work.begun.index("one was let go")

    ran(test)


def test_whoever_waits_has_its_turn_before_anothers_second():
    async def test() -> None:
        with worked(Turns(1, 1)) as work:
            tasks = {name: work.asks(name) for name in ("a0", "a1", "a2", "b0", "c0", "b1")}
            await work.until("a0")
            order = ["a0", "a1", "b0", "c0", "a2", "b1"]
            for at, name in enumerate(order):
                await work.until(*order[: at + 1])
                work.gates[name].set()
                assert await tasks[name] == name
            assert work.begun == order

    ran(test)


def test_so_many_of_one_wait_and_no_more():
    async def test() -> None:
        with worked(Turns(1, 1, waiting=2)) as work:
            tasks = [work.asks(f"a{number}", bounded=True) for number in range(3)]
            await work.until("a0")
            with pytest.raises(ProblemError) as refused:
                await work.asks("a3", bounded=True)
            assert refused.value.status == 429
            # Others wait all the same, and what was begun for it goes on.
            tasks += [work.asks("b0", bounded=True), work.asks("a4")]
            for gate in work.gates.values():
                gate.set()
            assert await asyncio.gather(*tasks) == ["a0", "a1", "a2", "b0", "a4"]

    ran(test)


def test_who_goes_away_while_it_waits_takes_no_turn():
    async def test() -> None:
        with worked(Turns(1, 1)) as work:
            first, gone, last = (work.asks(name) for name in ("a0", "b0", "c0"))
            await work.until("a0")
            gone.cancel()
            work.gates["a0"].set()
            assert await first == "a0"
            await work.until("a0", "c0")
            work.gates["c0"].set()
            assert await last == "c0"
            assert work.begun == ["a0", "c0"]
            # All is free again.
            free = work.asks("d0")
            await work.until("a0", "c0", "d0")
            work.gates["d0"].set()
            assert await free == "d0"

    ran(test)


def test_a_thread_is_free_once_it_ends_and_not_once_nobody_waits_for_it():
    async def test() -> None:
        with worked(Turns(1, 1)) as work:
            first = work.asks("a0")
            await work.until("a0")
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            second = work.asks("b0")
            await asyncio.sleep(0)
            assert work.begun == ["a0"]
            work.gates["a0"].set()
            await work.until("a0", "b0")
            work.gates["b0"].set()
            assert await second == "b0"

    ran(test)


def test_what_a_call_raises_is_raised_and_its_thread_is_free():
    async def test() -> None:
        with worked(Turns(1, 1)) as work:

            def fails() -> None:
                raise ZeroDivisionError

            with pytest.raises(ZeroDivisionError):
                await work.turns.run("a", fails)
            task = work.asks("a0")
            await work.until("a0")
            work.gates["a0"].set()
            assert await task == "a0"

    ran(test)
