"""What granian calls: an ASGI application, in which Django answers in threads.

Django's own ASGI handler answers a third as many requests, since it hops between the loop and a
thread for every step. Here one hop makes one answer. What is long is sent piece by piece, and no
thread is held by whoever reads slowly.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from hashlib import sha256
from http import HTTPStatus
from importlib import import_module
from io import BytesIO
from typing import Any, cast

from django.core import signals
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve, set_script_prefix

from touchstone.ledger.canonical import MAX_LINE
from touchstone.server.accounts.limits import BY_ADDRESS, ENTERING, Rate, address_group
from touchstone.server.api.declared import COUNTED, Need, count_address
from touchstone.server.api.problems import answer_for, guarded, problem, tell_of
from touchstone.server.bodies import FREE, Bodies, Receive, Sender
from touchstone.server.chosen import MOST_BODY
from touchstone.server.errors import NotAuthenticatedError, ProblemError
from touchstone.server.events import Events, EventStream
from touchstone.server.principal import Principal
from touchstone.server.security_log import count_event
from touchstone.server.serving import CREDENTIAL, SERVING, Serving, known_in
from touchstone.server.site import API_ALONE, Site
from touchstone.server.turns import OpenRequests, Turns

Scope = Mapping[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Environ = dict[str, Any]
THREADS = 8
"""That answer at the same time: as many may wait for the record, or for its disk."""
MOST_AT_ONCE = 256
"""Requests that are being answered or wait for it, without event streams."""
OF_ONE_PARTY = 2
"""One part in so many of them may be one party's: it says itself how many persons it has."""
OF_ONE_ADDRESS = 4
"""The same of one address of which nobody is known: with a party's there is still room left."""
SEND_SECONDS = 30.0
"""How long a reader may take for a piece of what it asked for."""
MOST_SENT = 1024
"""Long answers that are being sent: they hold no thread while they are read."""
MOST_SENT_TO_ONE = 16
"""Of them to one person, who may read each as slowly as it likes."""
MOST_KNOWN = 10_000
"""Tokens of which a process remembers whose they are, to give each person its turn."""
READER = "touchstone_reader"
"""Under this name an answer says to whom it goes; empty: to nobody known."""
PARTY = "touchstone_party"
"""The same for the party of that person."""
NO_BODY = Need()
_PIECE = 64 << 10
_OF_PARTY = "party "
_ONLY_TLS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
"""A browser that was here once asks this name over TLS alone, for a year."""
log = logging.getLogger(__name__)


class Application:
    """One installation, as ASGI has it; `settings` were set up before. `close` it at the end."""

    def __init__(
        self,
        serving: Serving,
        threads: int = THREADS,
        *,
        proxied: bool = False,
        site: Site = API_ALONE,
    ) -> None:
        """`proxied`: a proxy of ours stands before it, which says who asks."""
        self._serving = serving
        self._site = site
        self._proxied = proxied
        self._turns = Turns(threads)
        self._known = dict[bytes, Sender]()
        self._handler = BaseHandler()
        self._handler.load_middleware()
        self._bodies = Bodies()
        self._events = Events(serving, lambda call: self._turns.run("events", call))
        self._open = OpenRequests()
        self._sent = Counter[str]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or the server's start and end."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            secure = self._proxied or scope["scheme"] == "https"
            await self._answer(scope, receive, _over_tls(send) if secure else send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._events.close()
        await asyncio.to_thread(self._turns.close)
        await send({"type": "lifespan.shutdown.complete"})

    def let_go(self) -> None:
        """End what would go on for ever: nobody waits for it, and everybody may come again."""
        self._events.let_go()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        environ = environ_of(scope)
        environ[CREDENTIAL] = self._site.credential(environ)
        if self._proxied:
            environ["wsgi.url_scheme"] = "https"
            # The last is what our own proxy saw; those before are what it was told.
            told = environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
            environ["REMOTE_ADDR"] = told or environ["REMOTE_ADDR"]
        # Whose it is stays so to its end, whoever is found to ask: it is counted off as counted.
        who = self._group(environ)
        self._open.begin(who)
        try:
            response = await self._response(environ, receive, who)
            if isinstance(response, EventStream):
                with self._open.without(who):
                    await self._events.send(response, receive, send)
            else:
                await self._send(response, send, who)
        except (ConnectionResetError, TimeoutError):
            # Whoever asked went away, or takes too long: it is told nothing.
            return
        except Exception:
            log.exception("a fault of the server")
        finally:
            self._open.end(who)

    async def _response(self, environ: Environ, receive: Receive, who: str) -> HttpResponseBase:
        try:
            self._require_room(who)
            length = _length(environ)
            need = self._need(environ, length) if length else NO_BODY
            # Asked before anything is set aside: by its head alone nobody takes room from others.
            sender = await self._sender(environ, need, length)
            with self._bodies.read(length, sender):
                body = await self._body(environ, receive, need, who) if length else b""
                response = await self._turns.run(
                    self._asker(environ), lambda: self._ask(environ, body), bounded=True
                )
            self._remember(environ, getattr(response, READER), getattr(response, PARTY, ""))
            return cast("HttpResponseBase", response)
        except ProblemError as error:
            return self._early(answer_for(error), environ)
        except TimeoutError:
            return self._early(problem(408), environ)

    def _require_room(self, who: str) -> None:
        known = who.startswith(_OF_PARTY)
        self._open.require_room(who, MOST_AT_ONCE, OF_ONE_PARTY if known else OF_ONE_ADDRESS)

    async def _body(self, environ: Environ, receive: Receive, need: Need, who: str) -> bytes:
        """What is sent. Raises ProblemError, TimeoutError, ConnectionResetError."""
        # Whoever sends slowly waits for nothing of ours, and keeps nobody else from an answer.
        with self._open.without(who):
            try:
                body = await self._bodies.body(receive, _length(environ), need.body_seconds)
            except ConnectionResetError:
                # It gets no answer that would be told of; nor does it have a status.
                sender = self._known_sender(environ)
                count_event(
                    "broken-off",
                    route=self._route(environ),
                    person=sender.person,
                    party=sender.party,
                    address=address_group(environ["REMOTE_ADDR"]),
                )
                raise
        self._require_room(who)
        return body

    async def _sender(self, environ: Environ, need: Need, length: int) -> Sender:
        """Who sends so much, and may. Raises ProblemError where nobody is known, or may not."""
        sender = self._known_sender(environ)
        if not length or (sender.person and length <= FREE and not need.entering):
            return sender
        if need.scope is None:
            await self._first(environ, lambda: self._count(environ, ENTERING))
            environ[COUNTED] = True
            return sender
        principal = cast("Principal", await self._first(environ, lambda: self._speaker(environ)))
        if not need.lets(principal):
            raise ProblemError(403)
        return Sender(principal.person, principal.party)

    async def _first(self, environ: Environ, call: Callable[[], Any]) -> Any:
        """What a call gives that is asked before a body is read. Raises ProblemError."""
        try:
            return await self._turns.run(self._asker(environ), call, bounded=True)
        except ProblemError:
            raise
        except Exception as error:
            response = answer_for(error)
            raise ProblemError(response.status_code) from error

    def _speaker(self, environ: Environ) -> Principal:
        """Who shows a token; whoever guesses is slowed down, as where Django is asked."""
        try:
            return self._serving.authenticate(environ[CREDENTIAL], self._serving.now())
        except NotAuthenticatedError:
            self._count(environ, BY_ADDRESS)
            raise

    def _count(self, environ: Environ, rate: Rate) -> None:
        moment = self._serving.here.clock.now()
        count_address(self._serving, rate, environ["REMOTE_ADDR"], moment)

    def _ask(self, environ: Environ, body: bytes) -> HttpResponseBase:
        """Django's answer, all of it but what is streamed; in a thread."""
        set_script_prefix("/")
        signals.request_started.send(sender=type(self), environ=environ)
        request = WSGIRequest({**environ, "wsgi.input": BytesIO(body), SERVING: self._serving})
        # Of this request alone: two applications of one process may answer differently.
        request.urlconf = self._site.urls
        response = self._handler.get_response(request)
        setattr(response, READER, known_in(request).person)
        setattr(response, PARTY, known_in(request).party)
        if isinstance(response, HttpResponse):
            # Nothing is left to be asked of the database.
            response.close()
        return response

    def _asker(self, environ: Environ) -> str:
        """Whose turn a request takes: of a token that was seen to hold its person's.

        It lets nobody in: whoever shows another's token is that person for this anyhow.
        """
        sender = self._known_sender(environ)
        return _turn_of(sender.person) if sender.person else f"address {sender.address}"

    def _group(self, environ: Environ) -> str:
        """With whom a request is counted: the party of such a token, or its address."""
        sender = self._known_sender(environ)
        return f"{_OF_PARTY}{sender.party}" if sender.person else f"address {sender.address}"

    def _known_sender(self, environ: Environ) -> Sender:
        known = self._known.get(_token_of(environ))
        return known or Sender(address=address_group(environ["REMOTE_ADDR"]))

    def _remember(self, environ: Environ, person: str, party: str) -> None:
        token = _token_of(environ)
        if person and token not in self._known:
            # Oldest first, as dicts keep their order: whoever is let go of comes by its address.
            if len(self._known) >= MOST_KNOWN:
                self._known.pop(next(iter(self._known)), None)
            self._known[token] = Sender(person, party)

    def _route(self, environ: Environ) -> str:
        """The route that a path is of. Raises ProblemError: it is of none."""
        try:
            path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
            return str(resolve(path, self._site.urls).route)
        except Resolver404:
            raise ProblemError(404) from None

    def _need(self, environ: Environ, length: int) -> Need:
        """What the route asks that such a body is sent to.

        Raises ProblemError: there is none such, or it takes no body of this length.
        """
        need = self._site.needs.get((environ["REQUEST_METHOD"], self._route(environ)))
        if need is None:
            raise ProblemError(405)
        if length > need.most_body:
            raise ProblemError(413)
        return need

    def _early(self, response: HttpResponse, environ: Environ) -> HttpResponse:
        """An answer that Django was not asked for, as Django's are."""
        request = WSGIRequest({**environ, "wsgi.input": BytesIO(), SERVING: self._serving})
        tell_of(request, response)
        # To whom pages are shown this is told on one.
        tells = getattr(import_module(self._site.urls), "told_early", None)
        response = tells(request, response) if tells else response
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            route = self._route(environ)
            allowed = (method for method, at in self._site.needs if at == route)
            response["Allow"] = ", ".join(sorted(allowed))
        # What else was sent is read by nobody: it must not pass for a request.
        response["Connection"] = "close"
        return cast("HttpResponse", guarded(response))

    async def _send(self, response: HttpResponseBase, send: Send, who: str) -> None:
        headers = [
            (name.lower().encode(), value.encode("latin-1")) for name, value in response.items()
        ]
        # Django keeps these apart: each is a header of its own.
        headers += [
            (b"set-cookie", cookie.OutputString().encode("latin-1"))
            for cookie in response.cookies.values()
        ]
        start = {"type": "http.response.start", "status": response.status_code}
        if isinstance(response, HttpResponse):
            length = (b"content-length", str(len(response.content)).encode())
            await send({**start, "headers": [*headers, length]})
            await send({"type": "http.response.body", "body": response.content})
            return
        person = str(getattr(response, READER, ""))
        if self._sent.total() >= MOST_SENT or self._sent[person] >= MOST_SENT_TO_ONE:
            await self._turns.run(_turn_of(person), response.close)
            count_event("limited", status=429, code="answers-read", person=person)
            await self._send(guarded(problem(429)), send, who)
            return
        # Whoever reads slowly keeps nobody else from an answer.
        self._sent[person] += 1
        try:
            with self._open.without(who):
                await send({**start, "headers": headers})
                await self._stream(cast("StreamingHttpResponse", response), _turn_of(person), send)
        finally:
            self._sent[person] -= 1

    async def _stream(self, response: StreamingHttpResponse, who: str, send: Send) -> None:
        """Send what is made piece by piece, each in a thread of its own turn."""
        pieces = iter(cast("Iterator[bytes]", response.streaming_content))
        try:
            while piece := await self._turns.run(who, lambda: _gathered(pieces)):
                body = {"type": "http.response.body", "body": piece, "more_body": True}
                await asyncio.wait_for(send(body), SEND_SECONDS)
        except Exception:
            log.exception("an answer was broken off")
            # Without the last piece of it the reader knows that it is not whole.
            raise ConnectionResetError from None
        finally:
            await self._turns.run(who, response.close)
        await send({"type": "http.response.body", "body": b""})


def environ_of(scope: Scope) -> Environ:
    """A request's head as Django reads it."""
    server = scope.get("server") or ("", 0)
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": str(server[0]),
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": (scope.get("client") or ("",))[0],
        "wsgi.url_scheme": scope["scheme"],
    }
    for raw, value in scope["headers"]:
        name = raw.decode("latin-1")
        # With an underscore it could pass for another header, which a proxy looks at.
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        key = key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    return environ


def _turn_of(person: str) -> str:
    return f"person {person}"


def _token_of(environ: Environ) -> bytes:
    """What a request is known by, and no secret."""
    return sha256((environ[CREDENTIAL] or "").encode("latin-1")).digest()


def _over_tls(send: Send) -> Send:
    """Have every answer say that it is asked for over TLS alone."""

    async def sending(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], _ONLY_TLS]}
        await send(message)

    return sending


def _length(environ: Environ) -> int:
    """How long the body is. Raises ProblemError where that is not said, or is too much."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        raise ProblemError(411, "length", "say the length of the body (Content-Length)")
    said = environ.get("CONTENT_LENGTH", "0")
    if not (said.isascii() and said.isdigit() and len(said) < 20):  # noqa: PLR2004 - a number at all
        raise ProblemError(400)
    most = MOST_BODY if environ["REQUEST_METHOD"] == "PUT" else MAX_LINE
    if int(said) > most:
        raise ProblemError(413)
    return int(said)


def _gathered(pieces: Iterator[bytes]) -> bytes:
    """The next pieces, until there is something worth sending; empty at the end."""
    found = bytearray()
    for piece in pieces:
        found += piece
        if len(found) >= _PIECE:
            break
    return bytes(found)
