"""An installation over HTTP, for one party; nothing that comes back is trusted.

    with HttpServer("https://review.example", TokenSource(folder, ask, machine)) as server:
        client = Client.open(folder, server, party="example-lab", pinned=fingerprint)

How much is read and how long it is waited for is bounded; a redirect is no answer, since it would
hand the token to somebody else. Over a network the address must be https.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import file_digest
from os import SEEK_END
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import quote

import httpx

from touchstone.client.errors import NotLetInError, UnheardError
from touchstone.client.http_answers import (
    Pages,
    SaidNoError,
    is_texts,
    json_object,
    json_rows,
    read_lines,
    read_pieces,
    read_whole,
)
from touchstone.client.http_connection import BearerTokens, HttpConnection
from touchstone.client.server import Greeting
from touchstone.deeds.signing import Outgoing
from touchstone.evaluation.digests import digest_bytes
from touchstone.ledger import dumps
from touchstone.ledger.errors import UnpromisedError

MOST_OF_PAGE = 32 * 1024 * 1024
"""Bytes of a page."""
PIECE = 4 << 20
"""Bytes of evidence that are sent at once."""
_PAGE = 500
"""Cases that are asked for at once."""
MOST_TRIES = 64
"""How often sending a piece of evidence may leave it less far than the piece would bring it."""
_PARTIAL = 206


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
        """As `HttpConnection`, which says what each is. Raises ServerAddressError."""
        self._http = HttpConnection(url, tokens, certificates=certificates, transport=transport)

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
        found = json_object(
            self._http.fetch("GET", "installation", params={"size": size}, with_token=False)
        )
        keys, note, proof = found.get("keys"), found.get("checkpoint"), found.get("consistency")
        if not is_texts(keys) or not isinstance(note, str) or not is_texts(proof):
            raise UnheardError("what came is no greeting of an installation")
        try:
            nodes = tuple(bytes.fromhex(node) for node in cast("list[str]", proof))
        except ValueError as error:
            raise UnheardError("what came is no greeting of an installation") from error
        return Greeting(tuple(line.encode() for line in cast("list[str]", keys)), note, nodes)

    def news(self, case: str, start: int) -> Iterable[bytes]:
        """Of each entry of a case from `start` on its line, then one for each of its parts."""
        path = f"{_case(case)}/entries"
        with self._http.stream("GET", path, params={"start": start}) as response:
            yield from read_lines(response)

    def cases(self) -> Iterator[str]:
        """The ids of the cases that the party has joined, all of them (`ListsCases`)."""
        return self._listed("cases")

    def invitations(self) -> Iterator[str]:
        """The ids of the cases to which the party is invited, all of them (`ListsCases`)."""
        return self._listed("invitations")

    def _listed(self, what: str) -> Iterator[str]:
        after, told, pages = None, set[str](), Pages()
        while True:
            params = {"most": _PAGE} | ({} if after is None else {"after": after})
            found = json_object(self._http.fetch("GET", what, params=params))
            rows, after = found.get(what), found.get("after")
            names = [row.get("case") for row in json_rows(rows)]
            if not is_texts(names) or not isinstance(after, str | None):
                raise UnheardError("what came is no list of cases")
            new = {*cast("list[str]", names)} - told
            yield from sorted(new)
            told |= new
            # A page that tells nothing new is the last, whatever it says.
            if after is None or not new:
                return
            pages.go_on_at(after)

    def head(self, case: str) -> bytes:
        """The case's newest published head with its proof: the line that a bundle has."""
        return self._http.fetch("GET", f"{_case(case)}/head")

    def bundle(self, case: str) -> Iterable[bytes]:
        """The party's own bundle of a case as it is now, by lines."""
        with self._http.stream("GET", f"{_case(case)}/bundle") as response:
            yield from read_lines(response)

    def page(self, case: str) -> bytes:
        """The case as the party may read it now, as one page (HTML)."""
        with self._http.stream("GET", f"{_case(case)}/report") as response:
            return read_whole(response, MOST_OF_PAGE)

    def newest(self, case: str, topics: Sequence[str]) -> Sequence[int | None]:
        """For each topic the newest entry that touches it, also one that the party may not read."""
        asked = [("topic", topic) for topic in topics]
        told = json_object(self._http.fetch("GET", f"{_case(case)}/newest", params=asked))
        found = told.get("newest")
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
            return self._http.fetch("POST", path, body=body)
        except UnpromisedError as error:
            if error.code != "evidence" or not deed.evidence:
                raise
        for data in deed.evidence:
            self.bring(case, data)
        return self._http.fetch("POST", path, body=body)

    def cancel(self, case: str, envelope: object) -> bytes:
        """The signed answer line to a deed that is to be taken back, unless it was recorded."""
        return self._http.fetch(
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

    def document(self, case: str, document: str, size: int, start: int = 0) -> Iterator[bytes]:
        """The bytes of a document from one on, unchecked; `size` is of the whole, by its deed.

        Raises TooMuchError where more come, before any of those is given; UnheardError,
        UnpromisedError.
        """
        path = f"{_case(case)}/documents/{quote(document, safe='')}"
        headers = {"Range": f"bytes={start}-"}
        with self._http.stream("GET", path, headers=headers) as response:
            # From the beginning, where it is not heeded from where on they are asked for.
            skip = 0 if response.status_code == _PARTIAL else start
            for piece in read_pieces(response, size - start + skip):
                yield piece[skip:]
                skip = max(0, skip - len(piece))

    def transcripts(self, case: str) -> list[dict[str, Any]]:
        """What is told of the transcripts that the party may look at. Raises as `hand_in_key`."""
        path = f"{_case(case)}/transcripts"
        with self._http.stream("GET", path) as response:
            return json_rows(json_object(read_whole(response, MOST_OF_PAGE)).get("transcripts"))

    def transcript(self, case: str, name: str, asked: Mapping[str, int]) -> dict[str, Any]:
        """A page of a transcript. Raises as `hand_in_key`."""
        path = f"{_case(case)}/transcripts/{quote(name, safe='')}"
        with self._http.stream("GET", path, params=dict(asked)) as response:
            return json_object(read_whole(response, MOST_OF_PAGE))

    def scans(self, case: str) -> list[dict[str, Any]]:
        """What is told of what detectors flagged in a case. Raises as `hand_in_key`."""
        with self._http.stream("GET", f"{_case(case)}/oversight") as response:
            return json_rows(json_object(read_whole(response, MOST_OF_PAGE)).get("scans"))

    def flagged(self, case: str, name: str) -> dict[str, Any]:
        """What detectors flagged in one transcript. Raises as `hand_in_key`."""
        path = f"{_case(case)}/oversight/{quote(name, safe='')}"
        with self._http.stream("GET", path) as response:
            return json_object(read_whole(response, MOST_OF_PAGE))

    def transcript_log(self, case: str, name: str) -> Iterator[bytes]:
        """The log of a transcript's chunk, unchecked. Raises UnheardError, UnpromisedError."""
        path = f"{_case(case)}/transcripts/{quote(name, safe='')}/log"
        with self._http.stream("GET", path) as response:
            yield from response.iter_bytes()

    def _bring(self, case: str, digest: str, size: int, read: Callable[[int], bytes]) -> None:
        """Send bytes of a digest, each piece as it is read from an offset on."""
        offset, setbacks = 0, 0
        path = f"{_case(case)}/evidence/{digest}"
        while True:
            piece = read(offset)
            span = f"{offset}-{offset + len(piece) - 1}" if piece else "*"
            headers = {
                "Content-Type": "application/octet-stream",
                "Content-Range": f"bytes {span}/{size}",
            }
            try:
                found = json_object(self._http.fetch("PUT", path, body=piece, headers=headers))
                received, taken = found.get("received"), True
            except SaidNoError as error:
                # Another process, or this one before it was broken off, has sent more than we know.
                if error.code != "offset":
                    raise
                received, taken = error.said.get("offset"), False
            if type(received) is not int or not 0 <= received <= size:
                raise UnheardError("what came does not say how much evidence is there")
            if received == size:
                return
            reached = offset + len(piece)
            if taken and received != reached:
                raise UnheardError(
                    f"the server is at fault: of {reached} bytes that it was sent it says that it"
                    f" has {received}; fix: tell its operator"
                )
            # Counted for good: set back and let on by turns, we would send without end.
            setbacks += received < reached
            if setbacks > MOST_TRIES:
                raise UnheardError("the evidence that is sent does not get there")
            offset = received

    def hand_in_key(self, case: str, name: str, value: str) -> dict[str, Any]:
        """Hand in the key of an endpoint; what is told of it.

        Raises UnheardError, UnpromisedError.
        """
        return json_object(
            self._http.fetch("PUT", _key_path(case, name), body=dumps({"value": value}))
        )

    def revoke_key(self, case: str, name: str) -> dict[str, Any]:
        """Take the key of an endpoint back; what is told of it. Raises as `hand_in_key`."""
        return json_object(self._http.fetch("DELETE", _key_path(case, name)))

    def endpoint_keys(self, case: str) -> list[dict[str, Any]]:
        """What is told of the keys that were handed in. Raises as `hand_in_key`."""
        told = json_object(self._http.fetch("GET", f"{_case(case)}/endpoint-keys"))
        return json_rows(told.get("keys"))

    def reads(self, case: str, day: str = "") -> Iterator[dict[str, Any]]:
        """Who read what of a case, oldest first (`TellsReads`). Raises as `hand_in_key`."""
        after, pages = 0, Pages()
        while True:
            pages.go_on_at(after)
            params = {"after": after} | ({"day": day} if day else {})
            told = json_object(self._http.fetch("GET", f"{_case(case)}/reads", params=params))
            found = json_rows(told.get("reads"))
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
        found = json_object(
            self._http.fetch("POST", f"{_case(case)}/drafts/destruction", body=asked)
        )
        return json_object(dumps(found.get("certificate")))

    def draft_report(self, case: str, audience: str) -> dict[str, Any]:
        """The facts of an edition (`DraftsForCentre`). Raises as `hand_in_key`."""
        asked = dumps({"audience": audience})
        return json_object(self._http.fetch("POST", f"{_case(case)}/drafts/report", body=asked))

    def enter(self, path: str, sent: dict[str, Any]) -> Any:
        """Ask what is asked without a token (`client.entering.Entrance`); the answer's value.

        Raises NotLetInError where the server says no, UnheardError.
        """
        try:
            return json_object(self._http.fetch("POST", path, body=dumps(sent), with_token=False))
        except SaidNoError as error:
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
        found = self._http.fetch(method, path, body=body, headers=headers)
        return json_object(found) if found else None


def _key_path(case: str, name: str) -> str:
    return f"{_case(case)}/endpoint-keys/{quote(name, safe='')}"


def _case(case: str) -> str:
    return f"cases/{quote(case, safe='')}"
