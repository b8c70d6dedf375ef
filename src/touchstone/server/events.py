"""What has moved, told as it moves: one look at the record a second for all who listen.

A stream is a wake-up and no proof: what is told is which case of the listener's party has how many
entries now. Each message names a moment up to which everything was told, so that whoever was cut
off goes on from there; the last may be told twice, and nothing is left out.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from django.http import HttpResponse

from touchstone.errors import TouchstoneError
from touchstone.handin import moment_of, utc_text
from touchstone.ledger import dumps
from touchstone.server.api.problems import guarded, problem
from touchstone.server.principal import Principal
from touchstone.server.security_log import count_event
from touchstone.server.serving import Serving
from touchstone.service.reporting.feed import moved_of

TICK_SECONDS = 1.0
AGAIN_SECONDS = 30.0
"""After so long each listener is asked again who it is: its token may have expired."""
SILENT_SECONDS = 15.0
"""After so long without a word a listener is told that it still listens."""
MOST_STREAMS = 2000
"""That one process keeps."""
MOST_OF_ONE = 20
"""Of one person, whatever its tokens."""
LOOK_BACK = timedelta(seconds=60)
"""What is recorded may be seen so much later than it says: a deed's time is taken before it waits
for its case, and the clocks of several processes differ."""
SEND_SECONDS = 30.0
"""How long a listener may take for one message."""
MOST_WAITING = 64
"""Messages that wait for one listener; whoever has more is cut off, and comes again."""
log = logging.getLogger(__name__)
InThread = Callable[[Callable[[], Any]], Awaitable[Any]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


class EventStream(HttpResponse):
    """Django's answer to who may listen: what it is sent comes from `Events`."""

    def __init__(self, principal: Principal, authorization: str | None, since: str | None) -> None:
        """`since` (UTC) is the moment up to which the listener was told; None: from now on."""
        super().__init__(content_type="text/event-stream")
        self.principal, self.authorization, self.since = principal, authorization, since


class _Listener:
    """One open stream."""

    __slots__ = ("asked", "authorization", "party", "person", "spoken", "waiting")

    def __init__(self, stream: EventStream, now: float) -> None:
        self.party, self.person = stream.principal.party, stream.principal.person
        self.authorization = stream.authorization
        self.asked = self.spoken = now
        self.waiting: asyncio.Queue[bytes | None] = asyncio.Queue(MOST_WAITING)

    def tell(self, message: bytes | None) -> None:
        """Have it be told; None: that this is the end."""
        try:
            self.waiting.put_nowait(message)
        except asyncio.QueueFull:
            # It reads too slowly: the end is all that it is told.
            while not self.waiting.empty():
                self.waiting.get_nowait()
            self.waiting.put_nowait(None)


class Events:
    """All event streams of a process."""

    def __init__(self, serving: Serving, in_thread: InThread) -> None:
        self._serving, self._in_thread = serving, in_thread
        self._listeners = set[_Listener]()
        self._looking: asyncio.Task[None] | None = None
        self._told = dict[str, dict[str, int]]()

    async def send(self, stream: EventStream, receive: Receive, send: Send) -> None:
        """Send one listener what moves, until it goes, may listen no more, or the server ends."""
        listener = _Listener(stream, asyncio.get_running_loop().time())
        own = sum(1 for each in self._listeners if each.person == listener.person)
        if len(self._listeners) >= MOST_STREAMS or own >= MOST_OF_ONE:
            count_event("limited", status=429, code="streams", person=listener.person)
            await _refuse(send)
            return
        self._listeners.add(listener)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        headers = [
            (name.lower().encode(), value.encode("latin-1"))
            for name, value in stream.items()
            if name.lower() != "content-length"
        ]
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await self._begin(listener, stream.since)
            await self._pass_on(listener, receive, send)
        finally:
            self._listeners.discard(listener)

    def let_go(self) -> None:
        """Have all streams end."""
        for each in self._listeners:
            each.tell(None)

    async def close(self) -> None:
        """End all streams, and look no more."""
        self.let_go()
        if self._looking is not None:
            self._looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._looking

    async def _begin(self, listener: _Listener, since: str | None) -> None:
        """Tell a new listener the moment, and what it missed since another."""
        now = self._serving.now()
        moved = await self._moved(listener.party, since or now)
        # Before it is told that it listens: from then on nothing that moves may be left out.
        self._told.setdefault(listener.party, moved)
        listener.tell(_message("ready", {}, now))
        if since:
            # At once: one by one they would be more than may wait, and none would ever be told.
            listener.tell(b"".join(_moved_message(*each, now) for each in moved.items()))

    async def _pass_on(self, listener: _Listener, receive: Receive, send: Send) -> None:
        gone = asyncio.create_task(_until_gone(receive))
        try:
            while not gone.done():
                getting = asyncio.create_task(listener.waiting.get())
                await asyncio.wait({gone, getting}, return_when=asyncio.FIRST_COMPLETED)
                if not getting.done():
                    getting.cancel()
                    return
                message = getting.result()
                if message is None:
                    break
                body = {"type": "http.response.body", "body": message, "more_body": True}
                await asyncio.wait_for(send(body), SEND_SECONDS)
        finally:
            gone.cancel()
        with contextlib.suppress(Exception):
            await send({"type": "http.response.body", "body": b""})

    async def _look(self) -> None:
        """Once a second: what has moved, for each party of which somebody listens."""
        since = self._serving.now()
        while self._listeners:
            await asyncio.sleep(TICK_SECONDS)
            try:
                since = await self._tell_all(since)
                await self._ask_again()
            except TouchstoneError as error:
                # The record cannot be read now: what is missed now is told at the next look.
                log.warning("events: %s", error)
        self._told.clear()

    async def _tell_all(self, since: str) -> str:
        now, listening = self._serving.now(), defaultdict[str, list[_Listener]](list)
        for each in self._listeners:
            listening[each.party].append(each)
        for party, listeners in listening.items():
            moved, told = await self._moved(party, since), self._told.get(party, {})
            news = [each for each in moved.items() if told.get(each[0]) != each[1]]
            if news:
                message = b"".join(_moved_message(*each, since) for each in news)
                # Whoever was removed meanwhile is told nothing more.
                for each in await self._still(listeners, now):
                    each.tell(message)
            self._told[party] = moved
        for party in self._told.keys() - listening.keys():
            del self._told[party]
        clock = asyncio.get_running_loop().time()
        for each in self._listeners:
            if clock - each.spoken >= SILENT_SECONDS:
                each.spoken = clock
                each.tell(b":\n\n")
        return now

    async def _moved(self, party: str, since: str) -> dict[str, int]:
        after = utc_text(moment_of(since) - LOOK_BACK)
        here = self._serving.here
        return dict(await self._in_thread(lambda: moved_of(here, party, after)))

    async def _ask_again(self) -> None:
        clock, now = asyncio.get_running_loop().time(), self._serving.now()
        due = [each for each in self._listeners if clock - each.asked >= AGAIN_SECONDS]
        for each in due:
            each.asked = clock
        await self._still(due, now)

    async def _still(self, listeners: list[_Listener], now: str) -> list[_Listener]:
        """Those who may still listen; the others are told that this is the end."""
        may = await self._in_thread(lambda: [self._may_listen(each, now) for each in listeners])
        for each, listens in zip(listeners, may, strict=True):
            if not listens:
                each.tell(None)
        return [each for each, listens in zip(listeners, may, strict=True) if listens]

    def _may_listen(self, listener: _Listener, now: str) -> bool:
        try:
            found = self._serving.authenticate(listener.authorization, now)
        except TouchstoneError:
            return False
        sees = "read" in found.scopes and found.sight != "nothing"
        return found.party == listener.party and sees


def _message(event: str, value: dict[str, Any], moment: str) -> bytes:
    return f"id: {moment}\nevent: {event}\ndata: {dumps(value).decode()}\n\n".encode()


def _moved_message(case: str, size: int, since: str) -> bytes:
    return _message("moved", {"case": case, "size": size}, since)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse(send: Send) -> None:
    response = problem(429)
    said = guarded(response).items()
    headers = [(name.lower().encode(), value.encode()) for name, value in said]
    await send({"type": "http.response.start", "status": 429, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})
