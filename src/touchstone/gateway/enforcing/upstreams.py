"""What models mean, and the way to their upstreams."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from touchstone.gateway.adapters import Ask, renamed
from touchstone.gateway.config import Limits, Upstream
from touchstone.gateway.errors import RefusedError

_log = logging.getLogger(__name__)
_KEEP_SECONDS = 4.0
"""Less than common servers keep an idle connection: a request is not to meet a closing one."""
_ALL_AT_ONCE = 1 << 20
_BUFFER = 32 << 10


@dataclass(frozen=True)
class Offer:
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
        mode = self.upstream.modes.get(ask.setting)
        if mode is None:
            known = ", ".join(sorted(self.upstream.modes))
            raise RefusedError(
                400,
                "mode_unknown",
                f"the reasoning setting {ask.setting[:80]!a} is not known for this model: {known}",
            )
        return mode

    def body(self, body: bytes) -> bytes:
        """What is forwarded: the bytes that were judged; at most with the upstream's model name."""
        name = self.upstream.upstream_model
        return body if name in {None, self.upstream.model} else renamed(body, name or "")


def offers(upstreams: tuple[Upstream, ...]) -> dict[tuple[str, str], Offer]:
    """By protocol and model. Raises GatewayConfigError where a key cannot be had."""
    found: dict[tuple[str, str], Offer] = {}
    for each in upstreams:
        headers = {"Accept-Encoding": "identity", "Content-Type": "application/json"}
        key = each.api_key()
        if key is not None and each.protocol == "anthropic":
            headers["x-api-key"] = key
        elif key is not None:
            headers["Authorization"] = f"Bearer {key}"
        found[each.protocol, each.model] = Offer(each, headers)
    return found


class Way:
    """Connections to upstreams, kept and used again."""

    def __init__(self, limits: Limits) -> None:
        """To be made inside the event loop."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_SECONDS),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=limits.connect_seconds, sock_read=limits.answer_seconds
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept"),
            read_bufsize=_BUFFER,
        )
        self._urls: dict[tuple[str, str], URL] = {}

    async def post(
        self, offer: Offer, path: str, body: bytes, extra: Mapping[str, str]
    ) -> aiohttp.ClientResponse:
        """Send a request; the answer's headers are there, its body comes.

        RefusedError says that there was no answer, and not where.
        """
        base = offer.upstream.base_url
        url = self._urls.get((base, path))
        if url is None:
            url = self._urls[base, path] = URL(base + path, encoded=True)
        headers = CIMultiDict(offer.headers)
        headers.update(extra)
        data = body if len(body) < _ALL_AT_ONCE else BytesIO(body)
        try:
            return await self._session.request(
                "POST", url, data=data, headers=headers, allow_redirects=False
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
