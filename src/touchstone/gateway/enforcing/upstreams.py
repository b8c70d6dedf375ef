"""What models mean, and the way to their upstreams."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from touchstone.gateway.adapters import Admits, Ask, with_fields
from touchstone.gateway.config import Limits
from touchstone.gateway.endpoints import Upstream
from touchstone.gateway.errors import RefusedError

_log = logging.getLogger(__name__)
_KEEP_SECONDS = 4.0
"""Less than common servers keep an idle connection: a request is not to meet a closing one."""
_ALL_AT_ONCE = 1 << 20
_BUFFER = 32 << 10
_SAYS_USAGE = frozenset({"/v1/chat/completions", "/v1/completions"})
"""Paths whose streams say what was used only when they are asked to."""


@dataclass(frozen=True)
class ModelRoute:
    """A model that callers may name."""

    upstream: Upstream
    headers: Mapping[str, str]
    """With the upstream's key."""

    @property
    def modes(self) -> frozenset[str]:
        """Every mode that can be asked for."""
        fixed = self.upstream.mode
        return frozenset({fixed} if fixed else self.upstream.modes.values())

    def mode(self, ask: Ask) -> str:
        """The mode that a request asks for; RefusedError where its setting is none of the known."""
        if self.upstream.mode is not None:
            return self.upstream.mode
        # Exactly as configured, or refused: a setting that is only like one could be another mode.
        mode = self.upstream.modes.get(ask.setting)
        if mode is None:
            known = ", ".join(sorted(self.upstream.modes))
            raise RefusedError(
                400,
                "mode_unknown",
                f"the reasoning setting {ask.setting[:80]!a} is not known for this model: {known}",
            )
        return mode

    @property
    def admits(self) -> Admits:
        """What its administrator lets through beside the known."""
        return Admits(frozenset(self.upstream.fields), frozenset(self.upstream.tools))

    def body(self, body: bytes, ask: Ask, path: str, *, usage: bool) -> bytes:
        """What is forwarded: the bytes that were judged, but for a few outermost values.

        The model's name where the upstream knows another; `store`, which is false where what is
        stored would lie under the key that all callers share; with `usage`, a stream's last word.
        `path` is the known one whose answers are wanted, whatever an administrator calls it.
        """
        upstream, fields = self.upstream, dict[str, Any]()
        if upstream.upstream_model not in {None, upstream.model}:
            fields["model"] = upstream.upstream_model
        # All callers share one key upstream, and could read what lies under it.
        if would_store(ask, path) and not upstream.stores_per_caller:
            fields["store"] = False
        if usage:
            options = ask.content.get("stream_options")
            # With the caller's own options, which ask for other things too.
            fields["stream_options"] = {**(options or {}), "include_usage": True}
        return with_fields(body, fields) if fields else body

    def usage_in(self, ask: Ask, path: str) -> tuple[bool, bool]:
        """Whether to ask for usage in a stream, and whether the caller did so too."""
        options = ask.content.get("stream_options")
        asked = isinstance(options, dict) and options.get("include_usage") is True
        can = self.upstream.stream_usage and path in _SAYS_USAGE and ask.stream
        return can and not asked, asked


def would_store(ask: Ask, path: str) -> bool:
    """Whether an endpoint would keep the answer: chats where it is asked to, responses always."""
    store = ask.content.get("store")
    if store is None:
        # The default of this API alone is to store.
        return path == "/v1/responses"
    return store is not False


def offers(upstreams: tuple[Upstream, ...]) -> dict[tuple[str, str], ModelRoute]:
    """By protocol and model. Raises GatewayConfigError where a key cannot be had."""
    found: dict[tuple[str, str], ModelRoute] = {}
    for each in upstreams:
        # In plain, so that what was used can be read as it passes.
        headers = {"Accept-Encoding": "identity", "Content-Type": "application/json"}
        key = each.api_key()
        if key is not None and each.protocol == "anthropic":
            headers["x-api-key"] = key
        elif key is not None:
            headers["Authorization"] = f"Bearer {key}"
        found[each.protocol, each.model] = ModelRoute(each, headers)
    return found


class UpstreamClient:
    """Connections to upstreams, kept and used again."""

    def __init__(self, limits: Limits) -> None:
        """To be made inside the event loop."""
        self._session = aiohttp.ClientSession(
            # Connections and requests a caller are bounded where they come in.
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_SECONDS),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=limits.connect_seconds, sock_read=limits.answer_seconds
            ),
            # Callers share these connections: a cookie of one must not go with another's request.
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept"),
            read_bufsize=_BUFFER,
            trace_configs=[_telling()],
        )
        self._urls: dict[tuple[str, str], URL] = {}

    async def post(
        self,
        offer: ModelRoute,
        path: str,
        body: bytes,
        extra: Mapping[str, str],
        sent: Callable[[], None],
    ) -> aiohttp.ClientResponse:
        """Send a request; the answer's headers are there, its body comes.

        `sent` is called before its first byte leaves. RefusedError says that there was no answer,
        and not where.
        """
        base = offer.upstream.base_url
        url = self._urls.get((base, path))
        if url is None:
            # As it was judged: yarl would spell it anew.
            url = self._urls[base, path] = URL(base + path, encoded=True)
        headers = CIMultiDict(offer.headers)
        headers.update(extra)
        # Above that, one write could hold up the loop.
        data = body if len(body) < _ALL_AT_ONCE else BytesIO(body)
        try:
            return await self._session.request(
                "POST",
                url,
                data=data,
                headers=headers,
                # The key goes nowhere that the configuration does not name.
                allow_redirects=False,
                trace_request_ctx=sent,
            )
        except TimeoutError as error:
            sentence = "the model's endpoint did not answer in time"
            raise RefusedError(504, "upstream_slow", sentence) from error
        except (aiohttp.ClientError, OSError) as error:
            _log.warning("upstream not reached: %s", type(error).__name__)
            sentence = "the model's endpoint could not be reached"
            raise RefusedError(502, "upstream_failed", sentence) from error

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()


def _telling() -> aiohttp.TraceConfig:
    """Calls what a request was given, once a connection stands and before anything is written."""

    async def tell(_: object, context: SimpleNamespace, __: object) -> None:
        # Of a connection that never stood nothing was sent, and the hold is given back.
        context.trace_request_ctx()

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(tell)
    return trace
