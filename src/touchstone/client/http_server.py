"""An installation over HTTP, for one party; nothing that comes back is trusted.

    with HttpServer("https://review.example", TokenSource(folder, ask, machine)) as server:
        client = Client.open(folder, server, party="example-lab", pinned=fingerprint)

How much is read and how long it is waited for is bounded; a redirect is no answer, since it would
hand the token to somebody else. Over a network the address must be https.
"""

import ipaddress
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import file_digest
from os import SEEK_END
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, cast
from urllib.parse import quote, urlsplit

import httpx

from touchstone.client.errors import NotLetInError, ServerAddressError, UnheardError
from touchstone.client.server import Greeting
from touchstone.deeds.signing import Outgoing
from touchstone.evaluation.digests import digest_bytes
from touchstone.ledger import MalformedError, dumps, loads
from touchstone.ledger.canonical import MAX_LINE
from touchstone.ledger.errors import UnpromisedError

CONNECT_SECONDS, READ_SECONDS = 10.0, 60.0
"""How long a connection, and the next bytes of an answer, may take."""
MOST_OF_PAGE = 32 * 1024 * 1024
"""Bytes of a page."""
WHOLE_SECONDS = 120.0
"""How long a short answer, or a line of a long one, may take in all."""
PIECE = 4 << 20
"""Bytes of evidence that are sent at once."""
_PAGE = 500
"""Cases that are asked for at once."""
MOST_TRIES = 64
"""How often sending one piece of evidence may begin anew, without coming further."""
MOST_SPOKEN = 300
"""Characters of a server's own words that are shown."""
_JSON = "application/json"
_FAULT, _REFUSED, _REDIRECT = 500, 400, 300
_PARTIAL = 206
_UNKNOWN, _NOT_ALLOWED, _TOO_OFTEN = 401, 403, 429


class BearerTokens(Protocol):
    """Where tokens come from; `client.entering.TokenSource` is one."""

    def current(self) -> str:
        """A token that holds."""

    def forget(self, token: str) -> None:
        """The server does not take it any more."""


class HttpServer:
    """Meets `client.server.RecordServer`. Its connection is kept: `close` it at the end."""

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
            # Packed, a small answer could become any number of bytes.
            headers={"Accept-Encoding": "identity", "User-Agent": "touchstone"},
        )

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def greet(self, size: int) -> Greeting:
        """What the installation says of itself, and that its log extends the one of that size."""
        found = _object(self._asked("GET", "installation", params={"size": size}, known=False))
        keys, note, proof = found.get("keys"), found.get("checkpoint"), found.get("consistency")
        if not _texts(keys) or not isinstance(note, str) or not _texts(proof):
            raise UnheardError("what came is no greeting of an installation")
        try:
            nodes = tuple(bytes.fromhex(node) for node in cast("list[str]", proof))
        except ValueError as error:
            raise UnheardError("what came is no greeting of an installation") from error
        return Greeting(tuple(line.encode() for line in cast("list[str]", keys)), note, nodes)

    def news(self, case: str, start: int) -> Iterable[bytes]:
        """Of each entry of a case from `start` on its line, then one for each of its parts."""
        path = f"{_case(case)}/entries"
        with self._answered("GET", path, params={"start": start}) as response:
            yield from _lines(response)

    def cases(self) -> Iterator[str]:
        """The ids of the cases that the party has joined, all of them (`ListsCases`)."""
        return self._listed("cases")

    def invitations(self) -> Iterator[str]:
        """The ids of the cases to which the party is invited, all of them (`ListsCases`)."""
        return self._listed("invitations")

    def _listed(self, what: str) -> Iterator[str]:
        after, told = None, set[str]()
        while True:
            params = {"most": _PAGE} | ({} if after is None else {"after": after})
            found = _object(self._asked("GET", what, params=params))
            rows, after = found.get(what), found.get("after")
            names = [row.get("case") for row in _rows(rows)]
            if not _texts(names) or not isinstance(after, str | None):
                raise UnheardError("what came is no list of cases")
            new = {*cast("list[str]", names)} - told
            yield from sorted(new)
            told |= new
            # A list that leads in a circle has no end.
            if after is None or not new:
                return

    def head(self, case: str) -> bytes:
        """The case's newest published head with its proof: the line that a bundle has."""
        return self._asked("GET", f"{_case(case)}/head")

    def bundle(self, case: str) -> Iterable[bytes]:
        """The party's own bundle of a case as it is now, by lines."""
        with self._answered("GET", f"{_case(case)}/bundle") as response:
            yield from _lines(response)

    def page(self, case: str) -> bytes:
        """The case as the party may read it now, as one page (HTML)."""
        with self._answered("GET", f"{_case(case)}/report") as response:
            return _whole(response, MOST_OF_PAGE)

    def newest(self, case: str, topics: Sequence[str]) -> Sequence[int | None]:
        """For each topic the newest entry that touches it, also one that the party may not read."""
        asked = [("topic", topic) for topic in topics]
        found = _object(self._asked("GET", f"{_case(case)}/newest", params=asked)).get("newest")
        if not isinstance(found, list) or len(found) != len(topics):
            raise UnheardError("what came is not the newest of these topics")
        # By type and not by instance: True is an int, and would be entry 1.
        if not all(each is None or (type(each) is int and each >= 0) for each in found):
            raise UnheardError("what came is not the newest of these topics")
        return found

    def send(self, case: str, deed: Outgoing) -> bytes:
        """The signed answer line to a deed; its evidence goes before it where it is asked for."""
        parts = [
            {"salt": part.salt.hex(), "text": part.data.decode()} for part in deed.submitted.parts
        ]
        body = dumps({"envelope": deed.submitted.envelope, "parts": parts})
        path = f"{_case(case)}/deeds"
        try:
            # First without: of a deed that was answered before, the evidence would lie there.
            return self._asked("POST", path, body=body)
        except UnpromisedError as error:
            if error.code != "evidence" or not deed.evidence:
                raise
        for data in deed.evidence:
            self.bring(case, data)
        return self._asked("POST", path, body=body)

    def cancel(self, case: str, envelope: object) -> bytes:
        """The signed answer line to a deed that is to be taken back, unless it was recorded."""
        return self._asked(
            "POST", f"{_case(case)}/deeds/cancel", body=dumps({"envelope": envelope})
        )

    def bring(self, case: str, data: bytes) -> None:
        """Send evidence before its deed; what is there already is not sent again.

        Raises UnheardError, UnpromisedError.
        """
        self._bring(case, digest_bytes(data), len(data), lambda at: data[at : at + PIECE])

    def bring_file(self, case: str, path: Path) -> None:
        """Send a file before its deed, a piece at a time. Raises as `bring`, OSError."""
        with path.open("rb") as file:
            digest = f"sha256:{file_digest(file, 'sha256').hexdigest()}"
            size = file.seek(0, SEEK_END)

            def piece(at: int) -> bytes:
                file.seek(at)
                return file.read(PIECE)

            self._bring(case, digest, size, piece)

    def document(self, case: str, document: str, start: int = 0) -> Iterator[bytes]:
        """The bytes of a document from one on, unchecked. Raises UnheardError, UnpromisedError."""
        path = f"{_case(case)}/documents/{quote(document, safe='')}"
        headers = {"Range": f"bytes={start}-"}
        with self._answered("GET", path, headers=headers) as response:
            # From the beginning, where it is not heeded from where on they are asked for.
            skip = 0 if response.status_code == _PARTIAL else start
            for piece in response.iter_bytes():
                yield piece[skip:]
                skip = max(0, skip - len(piece))

    def _bring(self, case: str, digest: str, size: int, read: Callable[[int], bytes]) -> None:
        """Send bytes of a digest, each piece as it is read from an offset on."""
        offset, tries = 0, 0
        path = f"{_case(case)}/evidence/{digest}"
        while True:
            piece = read(offset)
            span = f"{offset}-{offset + len(piece) - 1}" if piece else "*"
            headers = {
                "Content-Type": "application/octet-stream",
                "Content-Range": f"bytes {span}/{size}",
            }
            try:
                found = _object(self._asked("PUT", path, body=piece, headers=headers))
            except _SaidNoError as error:
                # Another process, or this one before it was broken off, has sent more than we know.
                if error.code != "offset":
                    raise
                found = {"received": error.said.get("offset")}
            received = found.get("received")
            if type(received) is not int or not 0 <= received <= size:
                raise UnheardError("what came does not say how much evidence is there")
            if received == size:
                return
            # Only what gets on may go on for ever: a server could ask for one piece time and again.
            tries = 0 if received > offset else tries + 1
            if tries > MOST_TRIES:
                raise UnheardError("the evidence that is sent does not get there")
            offset = received

    def hand_in_key(self, case: str, name: str, value: str) -> dict[str, Any]:
        """Hand in the key of an endpoint; what is told of it.

        Raises UnheardError, UnpromisedError.
        """
        return _object(self._asked("PUT", _key_path(case, name), body=dumps({"value": value})))

    def revoke_key(self, case: str, name: str) -> dict[str, Any]:
        """Take the key of an endpoint back; what is told of it. Raises as `hand_in_key`."""
        return _object(self._asked("DELETE", _key_path(case, name)))

    def endpoint_keys(self, case: str) -> list[dict[str, Any]]:
        """What is told of the keys that were handed in. Raises as `hand_in_key`."""
        return _rows(_object(self._asked("GET", f"{_case(case)}/endpoint-keys")).get("keys"))

    def reads(self, case: str, day: str = "") -> Iterator[dict[str, Any]]:
        """Who read what of a case, oldest first (`TellsReads`). Raises as `hand_in_key`."""
        after = 0
        while True:
            params = {"after": after} | ({"day": day} if day else {})
            told = _object(self._asked("GET", f"{_case(case)}/reads", params=params))
            found = _rows(told.get("reads"))
            for each in found:
                number = each.get("n")
                # A list that does not get on has no end.
                if type(number) is not int or number <= after:
                    raise UnheardError("what came does not tell who read what")
                after = number
                yield each
            if not found:
                return

    def draft_destruction(self, case: str, reason: str) -> dict[str, Any]:
        """A certificate of destruction (`DraftsForCentre`). Raises as `hand_in_key`."""
        asked = dumps({"reason": reason})
        found = _object(self._asked("POST", f"{_case(case)}/drafts/destruction", body=asked))
        return _object(dumps(found.get("certificate")))

    def draft_report(self, case: str, audience: str) -> dict[str, Any]:
        """The facts of an edition (`DraftsForCentre`). Raises as `hand_in_key`."""
        asked = dumps({"audience": audience})
        return _object(self._asked("POST", f"{_case(case)}/drafts/report", body=asked))

    def enter(self, path: str, sent: dict[str, Any]) -> Any:
        """Ask what is asked without a token (`client.entering.Entrance`); the answer's value.

        Raises NotLetInError where the server says no, UnheardError.
        """
        try:
            return _object(self._asked("POST", path, body=dumps(sent), known=False))
        except _SaidNoError as error:
            raise NotLetInError(error.code, error.why, error.said) from error

    def ask(
        self,
        method: str,
        path: str,
        sent: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Ask what is answered by a JSON object, or by nothing (None).

        Raises UnpromisedError where the server says no, UnheardError.
        """
        body = None if sent is None else dumps(sent)
        found = self._asked(method, path, body=body, headers=headers)
        return _object(found) if found else None

    def _asked(
        self,
        method: str,
        path: str,
        *,
        params: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        known: bool = True,
    ) -> bytes:
        """A short answer whole. Raises UnheardError, UnpromisedError."""
        with self._answered(
            method, path, params=params, body=body, headers=headers, known=known
        ) as response:
            return _whole(response)

    @contextmanager
    def _answered(
        self,
        method: str,
        path: str,
        *,
        params: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        known: bool = True,
    ) -> Iterator[httpx.Response]:
        """An answer that is a success, still to be read."""
        sent = dict(headers or {})
        if body is not None:
            sent.setdefault("Content-Type", _JSON)
        try:
            with ExitStack() as stack:
                tokens, asked = self._tokens if known else None, {"params": params, "content": body}
                token = tokens.current() if tokens else ""
                if tokens:
                    sent["Authorization"] = f"Bearer {token}"
                response = stack.enter_context(
                    self._http.stream(method, path, headers=sent, **asked)
                )
                if response.status_code == _UNKNOWN and tokens:
                    # It was revoked, say, or the clocks differ: another may be given.
                    tokens.forget(token)
                    sent["Authorization"] = f"Bearer {tokens.current()}"
                    response = stack.enter_context(
                        self._http.stream(method, path, headers=sent, **asked)
                    )
                _check(response)
                yield response
        except httpx.HTTPError as error:
            # Its text may name the address, and nothing else of the request.
            raise UnheardError(
                f"the server does not answer at {self._http.base_url.netloc.decode()}:"
                f" {type(error).__name__}; fix: check its address and port, and that it runs"
            ) from error


class _SaidNoError(UnpromisedError):
    """The server's no, with all that it said."""

    def __init__(self, code: str, why: str, said: Mapping[str, Any]) -> None:
        super().__init__(code, why)
        self.said = said


def checked_url(url: str) -> str:
    """A server's address without a slash at its end. Raises ServerAddressError."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise ServerAddressError(url, "is no address") from error
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    if parts.scheme not in {"http", "https"} or not host or not plain:
        raise ServerAddressError(url, "write https://, a host and where needed a port, no more")
    if parts.scheme == "http" and not _on_this_machine(host):
        raise ServerAddressError(url, "over a network it must be https")
    return url.rstrip("/")


def _on_this_machine(host: str) -> bool:
    # Not by asking a name server, whose answer may be another at the next question.
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check(response: httpx.Response) -> None:
    """Raise what an answer is that is no success."""
    status = response.status_code
    if status < _REDIRECT:
        return
    if status < _REFUSED:
        raise UnheardError("the server leads elsewhere, and nobody is followed: ask its operator")
    try:
        said = _object(_whole(response))
    except UnheardError:
        said = {}
    # A stranger's words: bounded, and shown as words, whatever the status makes of them.
    code, why = said.get("code"), said.get("detail")
    words = why[:MOST_SPOKEN] if isinstance(why, str) else f"status {status}"
    if status >= _FAULT or status == _TOO_OFTEN:
        raise UnheardError(f"no answer came: {words}")
    if status == _UNKNOWN and "fix: " not in words:
        words = f"{words}; fix: have its operator invite this machine anew"
    usual = "not-allowed" if status == _NOT_ALLOWED else "refused"
    raise _SaidNoError(code[:64] if isinstance(code, str) and code else usual, words, said)


def _whole(response: httpx.Response, most: int = MAX_LINE) -> bytes:
    found, end = bytearray(), time.monotonic() + WHOLE_SECONDS
    for chunk in response.iter_raw():
        found += chunk
        _check_bounds(len(found), end, most)
    return bytes(found)


def _lines(response: httpx.Response) -> Iterator[bytes]:
    """The lines of an answer as they come; one that has no end is none."""
    # Grown in place: joined anew with each chunk, a long line in tiny ones would cost its square.
    left, end = bytearray(), time.monotonic() + WHOLE_SECONDS
    for chunk in response.iter_raw():
        first, *rest = chunk.split(b"\n")
        left += first
        for begun in rest:
            yield bytes(left)
            left[:] = begun
            # Anew for each line: a long case takes long, and a line that never ends does not.
            end = time.monotonic() + WHOLE_SECONDS
        _check_bounds(len(left), end)


def _check_bounds(length: int, end: float, most: int = MAX_LINE) -> None:
    if length > most:
        raise UnheardError(f"more than {most} bytes came where no answer has as many")
    if time.monotonic() > end:
        raise UnheardError(f"the server takes longer than {WHOLE_SECONDS:.0f} s for a line")


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = loads(body)
    except MalformedError as error:
        raise UnheardError("what came is no canonical JSON") from error
    if not isinstance(found, dict):
        raise UnheardError("what came is no JSON object")
    return found


def _rows(value: object) -> list[dict[str, Any]]:
    """Objects in a list. Raises UnheardError."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise UnheardError("what came is no list of objects")
    return value


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _key_path(case: str, name: str) -> str:
    return f"{_case(case)}/endpoint-keys/{quote(name, safe='')}"


def _case(case: str) -> str:
    return f"cases/{quote(case, safe='')}"
