"""What a server answered over HTTP, read as a stranger's words: bounded, in time, in its form."""

import time
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import httpx

from touchstone.client.errors import TooMuchError, UnheardError
from touchstone.ledger import MalformedError, loads
from touchstone.ledger.canonical import MAX_LINE
from touchstone.ledger.errors import UnpromisedError

WHOLE_SECONDS = 120.0
"""How long a short answer, or a line of a long one, may take in all."""
SLOWEST = 1 << 16
"""Bytes of a long answer without lines that come in that time at least, while there are as many."""
MOST_OF_LINES = 2 << 30
"""Bytes of all lines of an answer: a log of 200,000 entries, 10 kB of each."""
MOST_PAGES = 2_000
"""Pages of a list: of 200 rows or 500 each where the server is honest."""
MOST_SPOKEN = 300
"""Characters of a server's own words that are shown."""
_MOST_NAMED = 40
_FAULT, _REFUSED, _REDIRECT = 500, 400, 300
UNKNOWN, NOT_ALLOWED, _TOO_OFTEN = 401, 403, 429


class SaidNoError(UnpromisedError):
    """The server's no, with all that it said."""

    def __init__(self, code: str, why: str, said: Mapping[str, Any]) -> None:
        super().__init__(code, why)
        self.said = said


def check_success(response: httpx.Response) -> None:
    """Raise what an answer is that is no success: UnheardError, SaidNoError."""
    status = response.status_code
    if status < _REDIRECT:
        return
    if status < _REFUSED:
        raise UnheardError("the server leads elsewhere, and nobody is followed: ask its operator")
    try:
        said = json_object(read_whole(response))
    except UnheardError:
        said = {}
    # A stranger's words: bounded, and shown as words, whatever the status makes of them.
    code, why = said.get("code"), said.get("detail")
    words = why[:MOST_SPOKEN] if isinstance(why, str) else f"status {status}"
    if status >= _FAULT or status == _TOO_OFTEN:
        raise UnheardError(f"no answer came: {words}")
    if status == UNKNOWN and "fix: " not in words:
        words = f"{words}; fix: have its operator invite this machine anew"
    usual = "not-allowed" if status == NOT_ALLOWED else "refused"
    raise SaidNoError(code[:64] if isinstance(code, str) and code else usual, words, said)


def read_whole(response: httpx.Response, most: int = MAX_LINE) -> bytes:
    """A short answer's bytes. Raises UnheardError where they are too many, or come too slowly."""
    found, end = bytearray(), time.monotonic() + WHOLE_SECONDS
    for chunk in response.iter_raw():
        found += chunk
        _check_bounds(len(found), end, most)
    return bytes(found)


def read_lines(response: httpx.Response) -> Iterator[bytes]:
    """The lines of an answer as they come; one that has no end is none.

    Raises UnheardError.
    """
    # Grown in place: joined anew with each chunk, a long line in tiny ones would cost its square.
    left, end, came = bytearray(), time.monotonic() + WHOLE_SECONDS, 0
    for chunk in response.iter_raw():
        came += len(chunk)
        # Each line may be short and good, and yet another one follow for ever.
        if came > MOST_OF_LINES:
            raise UnheardError(
                f"the server is at fault: it sends more than {MOST_OF_LINES} bytes of one log; fix:"
                " tell its operator"
            )
        first, *rest = chunk.split(b"\n")
        left += first
        for begun in rest:
            yield bytes(left)
            left[:] = begun
            # Anew for each line: a long case takes long, and a line that never ends does not.
            end = time.monotonic() + WHOLE_SECONDS
        _check_bounds(len(left), end)


def read_pieces(response: httpx.Response, size: int) -> Iterator[bytes]:
    """The bytes of an answer as they come, of which there are so many as was told beforehand.

    Raises TooMuchError where there are more, before any beyond them is given; UnheardError where
    they come too slowly.
    """
    came, due, end = 0, SLOWEST, time.monotonic() + WHOLE_SECONDS
    for chunk in response.iter_raw():
        came += len(chunk)
        if came > size:
            raise TooMuchError(
                f"the server is at fault: it sends more than the {size} bytes that are to"
                " come by the deed; nothing of it was kept; fix: tell its operator"
            )
        if time.monotonic() > end:
            raise UnheardError(
                f"the server takes longer than {WHOLE_SECONDS:.0f} s for {SLOWEST} bytes"
            )
        if came >= due:
            due, end = came + SLOWEST, time.monotonic() + WHOLE_SECONDS
        yield chunk


class Pages:
    """The pages of one list as they come: a list that has no end is none."""

    def __init__(self) -> None:
        self._seen = set[Hashable]()

    def go_on_at(self, cursor: Hashable) -> None:
        """Note where the next page begins.

        Raises UnheardError where one began there, or there are more pages than any list has.
        """
        if cursor in self._seen:
            raise UnheardError("the server is at fault: its list leads in a circle")
        self._seen.add(cursor)
        if len(self._seen) > MOST_PAGES:
            raise UnheardError(
                f"the server is at fault: its list goes on after {MOST_PAGES} pages; fix: tell its"
                " operator"
            )


def check_unpacked(response: httpx.Response) -> None:
    """Refuse an answer that is packed: a small one could become any number of bytes.

    Raises UnheardError.
    """
    packed = response.headers.get("Content-Encoding", "identity").strip().lower()
    if packed != "identity":
        raise UnheardError(
            f"the server is at fault: it packs its answer ({packed[:_MOST_NAMED]!a}) though it was"
            " asked not to; fix: tell its operator, or whoever runs a proxy before it"
        )


def _check_bounds(length: int, end: float, most: int = MAX_LINE) -> None:
    if length > most:
        raise UnheardError(f"more than {most} bytes came where no answer has as many")
    if time.monotonic() > end:
        raise UnheardError(f"the server takes longer than {WHOLE_SECONDS:.0f} s for a line")


def json_object(body: bytes) -> dict[str, Any]:
    """A JSON object in canonical form. Raises UnheardError."""
    try:
        found = loads(body)
    except MalformedError as error:
        raise UnheardError("what came is no canonical JSON") from error
    if not isinstance(found, dict):
        raise UnheardError("what came is no JSON object")
    return found


def json_rows(value: object) -> list[dict[str, Any]]:
    """Objects in a list. Raises UnheardError."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise UnheardError("what came is no list of objects")
    return value


def is_texts(value: object) -> bool:
    """Whether it is a list of strings."""
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
