"""Keys that seal: one master key an installation, one data key a case.

A sealed value is `nonce12 || AES-256-GCM(data)`, bound to where it belongs by associated data, so
that it opens in no other place. A sealed stream is a chain of such chunks of 1 MiB, under a key of
its own, whose nonces count and whose last nonce says that it is the last: a chunk that is cut,
doubled or moved does not open.
"""

import hmac
from collections.abc import Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from touchstone.keys.errors import SealError
from touchstone.keys.sources import RandomSource, SystemRandom

KEY_SIZE = 32
NONCE_SIZE = 12
TAG_SIZE = 16
STREAM_SALT_SIZE = 32
CHUNK = 1 << 20
_KEY_CONTEXT = b"touchstone/case-key/1\x00"
_STREAM_CONTEXT = b"touchstone/stream/1\x00"
_NAME_CONTEXT = b"touchstone/name/1\x00"


class _SealingKey:
    """32 secret bytes that seal and open. Its repr shows nothing of them."""

    def __init__(self, secret: bytes, random: RandomSource | None = None) -> None:
        if len(secret) != KEY_SIZE:
            raise SealError(f"a sealing key has {KEY_SIZE} bytes, not {len(secret)}")
        self._secret = secret
        self._random = random or SystemRandom()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"

    # Pickled, the secret would go wherever a job or a cache is written.
    def __reduce__(self) -> str:
        raise SealError("a sealing key is not pickled")

    def _seal(self, data: bytes, about: bytes) -> bytes:
        # At random, which AES-GCM bears for 2^32 values a key (NIST SP 800-38D section 8.3).
        nonce = self._random.draw(NONCE_SIZE)
        return nonce + AESGCM(self._secret).encrypt(nonce, data, about)

    def _open(self, sealed: bytes, about: bytes) -> bytes:
        try:
            return AESGCM(self._secret).decrypt(sealed[:NONCE_SIZE], sealed[NONCE_SIZE:], about)
        except (InvalidTag, ValueError) as error:
            raise SealError("sealed bytes do not open under this key in this place") from error


class DataKey(_SealingKey):
    """The key of one case: seals its content and its evidence."""

    def seal(self, data: bytes, about: bytes) -> bytes:
        """Seal a value; `about` names the place it belongs to and must be given to open it."""
        return self._seal(data, about)

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """Open a sealed value. Raises SealError."""
        return self._open(sealed, about)

    def seal_stream(self, pieces: Iterable[bytes], about: bytes) -> Iterator[bytes]:
        """Seal bytes of any length in bounded memory; yields the sealed form piece by piece."""
        salt = self._random.draw(STREAM_SALT_SIZE)
        # In clear: it is no secret, and whoever opens the stream needs it first.
        yield salt
        # A key for each stream: nonces that count from 0 would otherwise come twice.
        cipher = AESGCM(self._derive(_STREAM_CONTEXT + about, salt))
        for number, (chunk, last) in enumerate(_marked(_chunks(pieces, CHUNK))):
            yield cipher.encrypt(_stream_nonce(number, last=last), chunk, None)

    def open_stream(self, pieces: Iterable[bytes], about: bytes) -> Iterator[bytes]:
        """Open a sealed stream; what was yielded is good, also when a later chunk is not.

        Raises SealError at the first chunk that does not open or where the stream was cut.
        """
        salt, chunks = _after_salt(pieces)
        cipher = AESGCM(self._derive(_STREAM_CONTEXT + about, salt))
        for number, (chunk, last) in enumerate(_marked(chunks)):
            try:
                yield cipher.decrypt(_stream_nonce(number, last=last), chunk, None)
            except (InvalidTag, ValueError) as error:
                raise SealError(f"chunk {number} of a sealed stream does not open") from error

    def name(self, text: str) -> str:
        """A name (64 hex digits) that tells nothing about `text` without this key."""
        return hmac.digest(self._derive(_NAME_CONTEXT, b""), text.encode(), "sha256").hex()

    def _derive(self, context: bytes, salt: bytes) -> bytes:
        return HKDF(SHA256(), KEY_SIZE, salt or None, context).derive(self._secret)


class MasterKey(_SealingKey):
    """The installation's key: it seals nothing but the keys of cases."""

    def new_case_key(self, case: str) -> tuple[DataKey, bytes]:
        """A fresh data key for a case, and its wrapped form, which is what gets stored."""
        secret = self._random.draw(KEY_SIZE)
        # Bound to its case: a wrapped key that is copied to another case opens nothing there.
        return DataKey(secret, self._random), self._seal(secret, _KEY_CONTEXT + case.encode())

    def case_key(self, case: str, wrapped: bytes) -> DataKey:
        """Unwrap a case's data key. Raises SealError under another master or for another case."""
        return DataKey(self._open(wrapped, _KEY_CONTEXT + case.encode()), self._random)


def _chunks(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in chunks of exactly `size`, the last one shorter; one empty if none."""
    held = bytearray()
    empty = True
    for piece in pieces:
        held += piece
        while len(held) >= size:
            empty = False
            yield bytes(held[:size])
            del held[:size]
    # A stream of nothing has a chunk too, or its end could not be told from a cut.
    if held or empty:
        yield bytes(held)


def _marked(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each chunk with whether it is the last."""
    ahead: bytes | None = None
    for chunk in chunks:
        if ahead is not None:
            yield ahead, False
        ahead = chunk
    if ahead is not None:
        yield ahead, True


def _after_salt(pieces: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    source = iter(pieces)
    head = b""
    while len(head) < STREAM_SALT_SIZE:
        piece = next(source, None)
        if piece is None:
            raise SealError("a sealed stream ends within its salt")
        head += piece

    def rest() -> Iterator[bytes]:
        yield head[STREAM_SALT_SIZE:]
        yield from source

    return head[:STREAM_SALT_SIZE], _chunks(rest(), CHUNK + TAG_SIZE)


def _stream_nonce(number: int, *, last: bool) -> bytes:
    # The last byte marks the last chunk, so that a stream cut between two chunks does not open.
    return number.to_bytes(NONCE_SIZE - 1, "big") + bytes([last])
