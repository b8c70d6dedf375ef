"""An HTTP transport that stops reading where an answer grows too large."""

import os
import ssl
from collections.abc import AsyncIterator
from functools import cache

import httpx2

MOST_HEADER = 256
"""Characters of one header. What reads a wait out of a longer one would be at it for minutes."""


def trusted_certificates() -> ssl.SSLContext:
    """The certificates that HTTPX trusts, read once: reading takes longer than most answers.

    A worker inherits them from its fork server, unless its environment names others.
    """
    return _certificates(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _certificates(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    # HTTPX reads both names itself; here they only tell one environment from another.
    return httpx2.create_ssl_context()


class AnswerTooLargeError(httpx2.ReadError):
    """The answer is larger than the bound, or packed so that its size cannot be known."""


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, bound: int) -> None:
        self._inner = inner
        self._bound = bound

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for block in self._inner:
            # Counted as it comes: a length in a header is only the endpoint's word.
            read += len(block)
            if read > self._bound:
                raise AnswerTooLargeError(f"the answer is larger than {self._bound} bytes")
            yield block

    async def aclose(self) -> None:
        await self._inner.aclose()


class BoundedTransport(httpx2.AsyncBaseTransport):
    """Wraps a transport: answers are unpacked, at most `bound` bytes long, and of short headers."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, bound: int) -> None:
        self._inner = inner
        self._bound = bound

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send, and give the answer a bounded body."""
        # A few packed kilobytes can stand for gigabytes, and the bound counts bytes as sent.
        request.headers["Accept-Encoding"] = "identity"
        response = await self._inner.handle_async_request(request)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            await response.aclose()
            raise AnswerTooLargeError("the answer is compressed although that was declined")
        inner = response.stream
        if not isinstance(inner, httpx2.AsyncByteStream):
            raise AnswerTooLargeError("the answer cannot be read piece by piece")
        response.stream = _BoundedStream(inner, self._bound)
        known = response.headers.multi_items()
        response.headers = httpx2.Headers([each for each in known if len(each[1]) <= MOST_HEADER])
        return response

    async def aclose(self) -> None:
        """Close the wrapped transport."""
        await self._inner.aclose()
