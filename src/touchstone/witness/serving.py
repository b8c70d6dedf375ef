"""A witness over HTTP: tlog-witness's add-checkpoint, our add-keys, and the newest checkpoint."""

import asyncio
import ipaddress
import logging
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from touchstone.witness.config import WitnessConfig
from touchstone.witness.cosigning import Cosigner
from touchstone.witness.errors import SubmissionRefusedError, WitnessConfigError
from touchstone.witness.protocol import ADD_CHECKPOINT, ADD_KEYS, MAX_BODY, MAX_KEYS
from touchstone.witness.state import WitnessState

BODY_SECONDS = 10.0
MOST_AT_ONCE, MOST_OF_ONE = 64, 16
"""Requests in all, and of one address. Who has not sent its whole body makes room for who comes."""
_GRACE_SECONDS = 2.0
_IPV4 = 4
Deciding = Callable[[bytes, int], str]
log = logging.getLogger(__name__)


def make_app(cosigner: Cosigner, clock: Callable[[], float] = time.time) -> web.Application:
    """The witness's application. `clock` gives Unix seconds."""
    service = _Service(cosigner, clock)
    app = web.Application()
    app.add_routes(
        [
            web.post(f"/{ADD_CHECKPOINT}", service.add_checkpoint),
            web.post(f"/{ADD_KEYS}", service.add_keys),
            web.get("/{digest:[0-9a-f]{64}}/checkpoint", service.newest),
        ]
    )
    return app


class _Service:
    """Bodies read within bounds, decided in a thread: the loop waits for no disk."""

    def __init__(self, cosigner: Cosigner, clock: Callable[[], float]) -> None:
        self._cosigner, self._clock, self._places = cosigner, clock, _Places()

    async def add_checkpoint(self, request: web.Request) -> web.Response:
        return await self._answer(request, self._cosigner.add_checkpoint, MAX_BODY)

    async def add_keys(self, request: web.Request) -> web.Response:
        return await self._answer(request, self._cosigner.add_keys, MAX_KEYS)

    async def newest(self, request: web.Request) -> web.Response:
        def looked(_body: bytes, _now: int) -> str:
            return self._cosigner.newest(request.match_info["digest"])

        return await self._answer(request, looked, 0)

    async def _answer(self, request: web.Request, decide: Deciding, most: int) -> web.Response:
        place = self._places.take(_network(request.remote))
        if place is None:
            return _said(503, "busy: come again")
        try:
            body = await _body(request, most, place)
            text = await asyncio.to_thread(decide, body, int(self._clock()))
        except SubmissionRefusedError as error:
            return _said(error.status, str(error), error.media_type)
        finally:
            self._places.leave(place)
        return _said(200, text)


@dataclass(eq=False)
class _Place:
    """One request's; `reading` is there while its body is awaited."""

    address: str
    reading: asyncio.Timeout | None = None


class _Places:
    """So many requests at once, and so many of one address; the slowest give way to the next."""

    def __init__(self) -> None:
        self._taken = dict[str, list[_Place]]()

    def take(self, address: str) -> _Place | None:
        """A place; None where all are taken by requests that are being decided."""
        # One's own first: who has filled its share makes room among its own, and takes nobody's.
        own = self._taken.get(address, [])
        if len(own) >= MOST_OF_ONE and not self._free(own):
            return None
        # From whoever has most: many slow ones of few addresses do not drive out the rest.
        everyone = sorted(self._taken.values(), key=len, reverse=True)
        if sum(map(len, everyone)) >= MOST_AT_ONCE and not any(map(self._free, everyone)):
            return None
        place = _Place(address)
        self._taken.setdefault(address, []).append(place)
        return place

    def leave(self, place: _Place) -> None:
        """It may have been left already."""
        own = self._taken.get(place.address, [])
        if place in own:
            own.remove(place)
            if not own:
                del self._taken[place.address]

    def _free(self, places: list[_Place]) -> bool:
        """End the oldest that is still to send its body, if there is one."""
        for place in places:
            if place.reading is not None:
                # To now: its own wait ends with the refusal that a slow body gets anyway.
                place.reading.reschedule(asyncio.get_running_loop().time())
                self.leave(place)
                return True
        return False


def _network(address: str | None) -> str:
    """An address, or of IPv6 its network of 64 bits: that much anyone is given."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return ""
    return str(found if found.version == _IPV4 else ipaddress.ip_network((found, 64), strict=False))


def _said(status: int, text: str, media_type: str = "text/plain") -> web.Response:
    response = web.Response(
        status=status, text=text if text.endswith("\n") else f"{text}\n", content_type=media_type
    )
    if media_type != "text/plain":
        # Exactly as tlog-witness names it, without a charset.
        response.charset = None
    if status >= 400:  # noqa: PLR2004 - as HTTP has it
        # What was not read of a body would be taken for the next request.
        response.force_close()
    return response


async def _body(request: web.Request, most: int, place: _Place) -> bytes:
    """The body, of at most so many bytes. Raises SubmissionRefusedError."""
    found = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS) as place.reading:
            while chunk := await request.content.readany():
                found += chunk
                if len(found) > most:
                    raise SubmissionRefusedError(413, f"at most {most} bytes are read")
    except TimeoutError as error:
        raise SubmissionRefusedError(408, "the body did not come in time") from error
    finally:
        place.reading = None
    return bytes(found)


async def serve_cosigner(
    config: WitnessConfig, cosigner: Cosigner, ready: Callable[[str], None]
) -> None:
    """Answer until SIGTERM or Ctrl-C; `ready` is told the address once it is listened at.

    Raises WitnessConfigError where it cannot be.
    """
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    runner = web.AppRunner(make_app(cosigner), access_log=None, shutdown_timeout=_GRACE_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, config.listen.host, config.listen.port)
        try:
            await site.start()
        except OSError as error:
            place = f"{config.listen.host}:{config.listen.port}"
            raise WitnessConfigError(f"{place}: cannot be listened at: {error.strerror}") from error
        host, port = runner.addresses[0][:2]
        ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")
        await stopping.wait()
    finally:
        await runner.cleanup()


def open_cosigner(config: WitnessConfig) -> tuple[WitnessState, Cosigner, bytes]:
    """State, cosigner and public key of a configured witness; made on its first day.

    Raises WitnessStateError, KeyFileError.
    """
    state, signer = WitnessState.prepare(config.state)
    cosigner = Cosigner(state, signer, config.name, config.log_keys, log.warning)
    return state, cosigner, signer.public_key
