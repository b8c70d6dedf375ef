"""What an installation asks witnesses with: add-checkpoint, and key lines where a key is new."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import aiohttp

from touchstone.handin import printable_line
from touchstone.ledger import (
    AlteredError,
    MalformedError,
    VerifierKey,
    parse_checkpoint,
    parse_note,
    verify_cosignature,
)
from touchstone.ledger.notes import key_id
from touchstone.witness.protocol import (
    ADD_CHECKPOINT,
    ADD_KEYS,
    MAX_BODY,
    TIMES_END,
    parse_size,
    request_body,
)

Word = Literal[
    "cosigned", "unreachable", "refused", "unknown-log", "unknown-key", "ahead", "fork", "forgot"
]
_OK, _FORBIDDEN, _NOT_FOUND, _CONFLICT, _NO_EXTENSION = 200, 403, 404, 409, 422
MOST_TURNS = 6
"""Requests to one witness: another size, the key lines, and another size again."""
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class AskedWitness:
    """A witness as it is configured; `known` is the size that it cosigned last, as far as known."""

    label: str
    url: str
    key: VerifierKey
    known: int


@dataclass(frozen=True, slots=True)
class Offer:
    """What witnesses are asked to cosign.

    `note` is the checkpoint, signed by the log; `prove(old)` gives the hashes that it extends the
    tree of an older size; `keys` are all key lines, each with its line feed; `vkey` is the log's.
    """

    note: str
    prove: Callable[[int], Sequence[bytes]]
    keys: bytes
    vkey: str


@dataclass(frozen=True, slots=True)
class WitnessAnswer:
    """How it went with one witness; of a cosigned checkpoint with its lines and their time."""

    label: str
    word: Word
    says: str
    lines: str = ""
    """The cosignature lines by its key, each with its line feed."""
    time: int | None = None
    """Unix seconds, by the witness's clock."""


class _EndedError(Exception):
    """There is nothing more to ask: the word and the sentence."""

    def __init__(self, word: Word, says: str) -> None:
        super().__init__(says)
        self.word: Word = word


async def ask_witnesses(
    witnesses: Sequence[AskedWitness], offer: Offer, seconds: float
) -> list[WitnessAnswer]:
    """Ask all of them at once; each has so many seconds. What fails is an answer too."""
    timeout = aiohttp.ClientTimeout(total=seconds)
    # As it comes: a few bytes that are said to be compressed could become any number of them.
    async with aiohttp.ClientSession(
        timeout=timeout, trust_env=False, auto_decompress=False
    ) as session:
        return list(
            await asyncio.gather(
                *(_Asking(session, each, offer, seconds).answer() for each in witnesses)
            )
        )


class _Asking:
    """One witness, asked."""

    def __init__(
        self, session: aiohttp.ClientSession, witness: AskedWitness, offer: Offer, seconds: float
    ) -> None:
        self._session, self._witness, self._offer = session, witness, offer
        self._seconds = seconds
        self._size = parse_checkpoint(parse_note(offer.note).text).size
        # Once: a witness that knows none of our keys would be told them in every turn.
        self._told = False

    async def answer(self) -> WitnessAnswer:
        label = self._witness.label
        try:
            # Over all turns: each request alone may take as long.
            async with asyncio.timeout(self._seconds):
                return await self._cosigned()
        except _EndedError as ended:
            return WitnessAnswer(label, ended.word, str(ended))
        except TimeoutError:
            says = f"did not answer within {self._seconds:g} s"
            return WitnessAnswer(label, "unreachable", says)
        except (aiohttp.ClientError, OSError) as error:
            says = f"cannot be reached: {printable_line(str(error) or type(error).__name__)}"
            return WitnessAnswer(label, "unreachable", says[:_SHOWN])

    async def _cosigned(self) -> WitnessAnswer:
        # A record that was put back is smaller than what was cosigned, and no proof leads from a
        # larger tree: the witness is asked all the same, and says so.
        old = min(self._witness.known, self._size)
        for _ in range(MOST_TURNS):
            body = request_body(old, self._offer.prove(old), self._offer.note)
            status, text = await self._post(ADD_CHECKPOINT, body)
            if status == _OK:
                return self._read(text)
            if status == _CONFLICT:
                old = self._other_size(old, text)
            elif status == _FORBIDDEN and not self._told:
                await self._tell_keys(text)
            else:
                raise self._refused(status, text)
        raise _EndedError("refused", "went on naming other sizes")

    async def _post(self, call: str, body: bytes) -> tuple[int, str]:
        url = f"{self._witness.url.rstrip('/')}/{call}"
        # Whoever could redirect would be asked in the witness's place.
        async with self._session.post(url, data=body, allow_redirects=False) as response:
            # A length that is announced is a stranger's word: what counts is what came.
            data = bytearray()
            while chunk := await response.content.readany():
                data += chunk
                if len(data) > MAX_BODY:
                    raise _EndedError("refused", f"answers with more than {MAX_BODY} bytes")
            return response.status, data.decode("utf-8", "replace")

    def _read(self, text: str) -> WitnessAnswer:
        """The lines of its own key, of all that it answered with."""
        key = self._witness.key
        try:
            # Held against our own text: lines of another checkpoint would sign nothing of it.
            answered = parse_note(f"{parse_note(self._offer.note).text}\n{text}")
            own = (key.name, key_id(key.name, key.kind, key.public_key))
            lines = "".join(
                each.line for each in answered.signatures if (each.name, each.key_id) == own
            )
            time = verify_cosignature(str(answered), key.name, key.public_key)
        except (MalformedError, AlteredError) as error:
            says = f"answered without a cosignature that holds: {error}"
            raise _EndedError("refused", printable_line(says)[:_SHOWN]) from error
        if time >= TIMES_END:
            # The verifier counts no such cosignature either.
            raise _EndedError("refused", "answered with a cosignature of after the year 9999")
        return WitnessAnswer(self._witness.label, "cosigned", "cosigned", lines, time)

    def _other_size(self, old: int, text: str) -> int:
        try:
            size = parse_size(text.removesuffix("\n"))
        except MalformedError:
            raise _EndedError("refused", f"refused (409): {_quoted(text)}") from None
        if size == old:
            # tlog-witness 1.0 says this of another root for the size that it cosigned.
            raise _EndedError("fork", FORKED)
        # Larger and smaller than both sides know are told apart: one says that this record was put
        # back, the other that the witness was.
        if size > self._size:
            raise _EndedError("ahead", AHEAD.format(size=size, own=self._size))
        if size < self._witness.known:
            raise _EndedError("forgot", FORGOT.format(size=size, known=self._witness.known))
        return size

    async def _tell_keys(self, why: str) -> None:
        """Send the key lines: what refuses our newest key may know an older one."""
        self._told = True
        status, text = await self._post(ADD_KEYS, self._offer.keys)
        # Witnesses of others have no such call: their first refusal says what to do.
        if status == _NOT_FOUND:
            raise self._refused(_FORBIDDEN, why)
        if status == _NO_EXTENSION:
            raise _EndedError("fork", f"has followed another history of keys: {_quoted(text)}")
        if status != _OK:
            says = f"takes none of our keys: {_quoted(text)}; give it {self._offer.vkey}"
            raise _EndedError("unknown-key", says)

    def _refused(self, status: int, text: str) -> _EndedError:
        if status == _NOT_FOUND:
            says = f"does not know this log: give it {self._offer.vkey}"
            return _EndedError("unknown-log", says)
        if status == _FORBIDDEN:
            says = f"does not trust the key in use: give it {self._offer.vkey}"
            return _EndedError("unknown-key", says)
        if status == _NO_EXTENSION:
            return _EndedError("fork", f"{FORKED} It says: {_quoted(text)}")
        return _EndedError("refused", f"refused ({status}): {_quoted(text)}")


FORKED = (
    "has cosigned another history of this log than the one here. Either this record was put back "
    "or altered, or another one signs with its keys."
)
AHEAD = (
    "has cosigned {size} heads of this log, and here are {own}: this record was put back, or "
    "another one signs with its keys"
)
FORGOT = (
    "names {size} heads, and has cosigned {known} before: it lost its state, and its key vouches "
    "for nothing any more"
)


def _quoted(text: str) -> str:
    return printable_line(text.strip())[:_SHOWN] or "(nothing)"
