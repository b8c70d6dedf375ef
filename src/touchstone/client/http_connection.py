"""The way to an installation over HTTP: an address that is safe, and a token with each request."""

import ipaddress
import ssl
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx

from touchstone.client.errors import ServerAddressError, UnheardError
from touchstone.client.http_answers import (
    NOT_ALLOWED,
    UNKNOWN,
    check_success,
    check_unpacked,
    read_whole,
)

CONNECT_SECONDS, READ_SECONDS = 10.0, 60.0
"""How long a connection, and the next bytes of an answer, may take."""
_JSON = "application/json"


class BearerTokens(Protocol):
    """Where tokens come from; `client.entering.TokenSource` is one."""

    def current(self) -> str:
        """A token that holds."""

    def forget(self, token: str) -> None:
        """The server does not take it any more."""

    def widened(self, token: str) -> bool:
        """Whether another token, which is asked for, allows more than this one."""


class HttpConnection:
    """Carries a party's requests to one address, with its token."""

    def __init__(
        self,
        url: str,
        tokens: BearerTokens | None = None,
        *,
        certificates: Path | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """A server at an address.

        Args:
            url: Scheme, host and port; a path where a proxy has it.
            tokens: Who speaks; None: nobody, who may greet and enter.
            certificates: A PEM file of certificates to trust in place of the machine's own.
            transport: What carries the requests; None: the network.

        Raises:
            ServerAddressError: it is no such address, or no https beyond this machine.
        """
        self._tokens = tokens
        # In place of the machine's own and not beside them: who names some wants no others.
        trusted = ssl.create_default_context(cafile=certificates) if certificates else True
        self._http = httpx.Client(
            base_url=f"{checked_url(url)}/v1/",
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            # A token would go along to wherever the server leads.
            follow_redirects=False,
            # What the environment says of proxies and passwords is not the party's choice.
            trust_env=False,
            verify=trusted,
            transport=transport,
            # What is packed all the same is refused: see `check_unpacked`.
            headers={"Accept-Encoding": "identity", "User-Agent": "touchstone"},
        )

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def fetch(
        self,
        method: str,
        path: str,
        *,
        params: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        with_token: bool = True,
    ) -> bytes:
        """A short answer whole. Raises UnheardError, UnpromisedError."""
        with self.stream(
            method, path, params=params, body=body, headers=headers, with_token=with_token
        ) as response:
            return read_whole(response)

    @contextmanager
    def stream(
        self,
        method: str,
        path: str,
        *,
        params: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        with_token: bool = True,
    ) -> Iterator[httpx.Response]:
        """An answer that is a success, still to be read. Raises as `fetch`."""
        sent = dict(headers or {})
        if body is not None:
            sent.setdefault("Content-Type", _JSON)
        try:
            with ExitStack() as stack:
                tokens = self._tokens if with_token else None
                asked: dict[str, Any] = {"params": params, "content": body}
                token = tokens.current() if tokens else ""
                if tokens:
                    sent["Authorization"] = f"Bearer {token}"
                response = stack.enter_context(
                    self._http.stream(method, path, headers=sent, **asked)
                )
                if tokens and _comes_anew(tokens, token, response.status_code):
                    sent["Authorization"] = f"Bearer {tokens.current()}"
                    response = stack.enter_context(
                        self._http.stream(method, path, headers=sent, **asked)
                    )
                check_unpacked(response)
                check_success(response)
                yield response
        except httpx.HTTPError as error:
            # Its text may name the address, and nothing else of the request.
            raise UnheardError(
                f"the server does not answer at {self._http.base_url.netloc.decode()}:"
                f" {type(error).__name__}; fix: check its address and port, and that it runs"
            ) from error


def _comes_anew(tokens: BearerTokens, token: str, status: int) -> bool:
    """Whether a request that was answered so is to be sent once more, with another token."""
    if status == UNKNOWN:
        # It was revoked, say, or the clocks differ: another may be given.
        tokens.forget(token)
        return True
    # The person may have been given other roles since the token was.
    return status == NOT_ALLOWED and tokens.widened(token)


def checked_url(url: str) -> str:
    """A server's address without a slash at its end. Raises ServerAddressError."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise ServerAddressError(url, "is no address") from error
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    if parts.scheme not in {"http", "https"} or not host or not plain:
        raise ServerAddressError(url, "write https://, a host and where needed :PORT, and no more")
    if parts.scheme == "http" and not _on_this_machine(host):
        raise ServerAddressError(
            url,
            "over a network it must be https, since anybody between could read the token; plain"
            " http is taken for this machine alone (localhost, 127.0.0.1)",
        )
    return url.rstrip("/")


def _on_this_machine(host: str) -> bool:
    # Not by asking a name server, whose answer may be another at the next question.
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
