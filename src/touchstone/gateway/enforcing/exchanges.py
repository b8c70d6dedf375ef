"""Exchanges in flight: each can be decided again, and ended at once."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from touchstone.gateway.decision_cache import NOT_COUNTED, DecisionCache, TimedDecision, TokensUsed
from touchstone.gateway.enforcing.server import Connection
from touchstone.gateway.errors import NotCutError
from touchstone.gateway.identity import Caller

CLOSE_SECONDS = 1.0
"""A connection that was reset closes within the next turns of the event loop."""


@dataclass(slots=True, eq=False)
class Exchange:
    """A request that was granted, and its answer."""

    caller: Caller
    token: str
    """Kept as long as the exchange, to ask again when keys change; never written down."""
    variant: str
    mode: str
    purpose: str | None
    connection: Connection
    task: "asyncio.Task[None]"
    answer: TimedDecision | None = None
    """By which it was granted, and for which time; None: not granted yet."""
    used: TokensUsed = NOT_COUNTED
    changes: int = 0
    """How often keys had become others when it was found out who calls."""

    def decide(self, decisions: DecisionCache, now: float) -> TimedDecision:
        """What a policy says about it now; from here on it stands on that."""
        self.answer = decisions.decide(
            self.caller, self.variant, self.mode, self.purpose, now, self.used
        )
        return self.answer

    def event(self, worker: int, decisions: DecisionCache, answer: TimedDecision) -> dict[str, Any]:
        """What is written down of it."""
        return decisions.event(
            worker, self.caller, self.variant, self.mode, self.purpose, answer.decision
        )

    def end(self) -> None:
        """Reset the client's connection and give the upstream's up."""
        # The reset first: nothing that is queued leaves while the task is unwound.
        self.connection.reset()
        self.task.cancel()


class Exchanges:
    """All that are in flight in one worker."""

    def __init__(self) -> None:
        self._live: set[Exchange] = set()
        self._callers: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._live)

    def __iter__(self) -> Iterator[Exchange]:
        # A copy: exchanges end while somebody goes through them and waits.
        return iter([*self._live])

    def of(self, person: str) -> int:
        """How many a person has in flight."""
        return self._callers[person]

    def add(self, exchange: Exchange) -> None:
        """From now on it is decided again whenever a policy is applied."""
        self._live.add(exchange)
        self._callers[exchange.caller.person] += 1

    def remove(self, exchange: Exchange) -> None:
        """It is over, or was never granted."""
        if exchange not in self._live:
            return
        self._live.discard(exchange)
        self._callers[exchange.caller.person] -= 1
        if not self._callers[exchange.caller.person]:
            # A count of each person who ever called would grow with the days.
            del self._callers[exchange.caller.person]

    def barred(self, decisions: DecisionCache | None, now: float) -> list[Exchange]:
        """Those that a policy does not grant; the others go on under it. None grants nothing."""
        if decisions is None:
            return [*self._live]
        return [each for each in self._live if not each.decide(decisions, now).decision.allowed]

    def over(self, now: float) -> list[Exchange]:
        """Those whose grant has come to its end, and must be decided again.

        So must those whose grant is still to begin: the clock was set back.
        """
        return [each for each in self._live if each.answer and not each.answer.holds(now)]


async def end_all(exchanges: Iterable[Exchange]) -> int:
    """Reset them and wait until each is closed; how many bytes were handed to them meanwhile.

    Raises NotCutError where a connection did not close or its request was not given up.
    """
    # Taken before the first reset: every byte that is handed over from here on is late.
    ending = [(each, each.connection.sent) for each in exchanges]
    for exchange, _ in ending:
        exchange.end()
    if not ending:
        return 0
    # Both: a task that went on could still forward, and a socket that stays open could still send.
    over = [each for exchange, _ in ending for each in (exchange.task, exchange.connection.gone)]
    _, open_ = await asyncio.wait(over, timeout=CLOSE_SECONDS)
    # The transport closes its socket right after it has said that the connection is lost.
    await asyncio.sleep(0)
    if open_:
        raise NotCutError(f"{len(open_)} barred connections did not close: end this worker")
    return sum(exchange.connection.sent - before for exchange, before in ending)
