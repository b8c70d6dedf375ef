"""Hashes, trees, signatures and signed notes, as the record format names them."""

import re
from contextlib import suppress
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .errors import AlteredError, hold
from .strict import INTEGERS_END, unbase64

EMPTY_ROOT = sha256().digest()
TIMES_END = 253_402_300_800
# The field's prime, and the y coordinate of two of the curve's points of order eight.
_PRIME, _EIGHTH = 2**255 - 19, 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
DEED_TYPE = b"application/vnd.touchstone.deed+json"
SMALL_ORDER = {0, 1, _PRIME - 1, _PRIME, _PRIME + 1, _EIGHTH, _PRIME - _EIGHTH}
_NOTE = re.compile(
    r"(([^\x00-\x1f\x7f]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n)\n"
    r"((?:— [^\s+\x00-\x1f\x7f]+ [A-Za-z0-9+/=]+\n)+)"
)


def leaf_hash(data: bytes) -> bytes:
    """RFC 6962's hash of a leaf."""
    return sha256(b"\0" + data).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def fingerprint(key: bytes) -> str:
    """How a raw public key is named."""
    return f"SHA256:{sha256(key).hexdigest()}"


def is_small_order(key: bytes) -> bool:
    """Whether anyone can sign for this key."""
    return int.from_bytes(key, "little") % 2**255 in SMALL_ORDER


def dsse(payload: bytes) -> bytes:
    """DSSE version 1: what is signed in place of a deed's payload."""
    return b"DSSEv1 %d %s %d %s" % (len(DEED_TYPE), DEED_TYPE, len(payload), payload)


def signed(key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether an Ed25519 signature holds."""
    with suppress(InvalidSignature, ValueError):
        if not is_small_order(key):
            Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
            return True
    return False


def grow(peaks: list[bytes], size: int, leaf: bytes) -> None:
    """Add a leaf to a tree of this size, kept as the roots of its full subtrees, largest first."""
    while size & 1:
        leaf, size = _node(peaks.pop(), leaf), size >> 1
    peaks.append(leaf)


def root_of(peaks: list[bytes]) -> bytes:
    """The root of a tree so kept."""
    root = peaks[-1] if peaks else EMPTY_ROOT
    for peak in reversed(peaks[:-1]):
        root = _node(peak, root)
    return root


def _climb(place: int, last: int, hashes: list[str]) -> list[tuple[bytes, bool]] | None:
    """Each hash of a path and whether it stands left (RFC 9162, 2.1.3.2); None: wrong length."""
    path = []
    for hashed in hashes:
        if last == 0:
            return None
        left = place % 2 == 1 or place == last
        while left and place and place % 2 == 0:
            place, last = place >> 1, last >> 1
        place, last = place >> 1, last >> 1
        path.append((bytes.fromhex(hashed), left))
    return path if last == 0 else None


def included(leaf: bytes, index: int, size: int, hashes: list[str], root: bytes) -> bool:
    """Whether a leaf stands at an index of the tree."""
    path = _climb(index, size - 1, hashes) if index < size else None
    for hashed, left in path or ():
        leaf = _node(hashed, leaf) if left else _node(leaf, hashed)
    return path is not None and leaf == root


class Checkpoint:
    """A C2SP signed note over a head of the installation's log; no signature is checked yet."""

    def __init__(self, note: str) -> None:
        match = _NOTE.fullmatch(note)
        if match is None:
            raise AlteredError("has a checkpoint that is no signed note of origin, size and root")
        self.text, self.origin, lines = match[1].encode(), match[2], match[5]
        self.size, self.root = int(match[3]), unbase64(match[4])
        hold(self.size < INTEGERS_END, "has a checkpoint of a size of 2^53 or beyond")
        self.signatures: dict[tuple[str, bytes], bytes] = {}
        for line in lines.split("\n")[:-1]:
            _dash, name, encoded = line.split(" ")
            data = unbase64(encoded)
            hold(len(data) > len(b"id.."), "has a checkpoint with an ill-formed signature line")
            key = (name, data[:4])
            hold(key not in self.signatures, "has a checkpoint with a signature line twice")
            self.signatures[key] = data[4:]

    def signed_by(self, name: str, key: bytes, *, witness: bool = False) -> bool:
        """Whether the note has a line of this name and key that holds."""
        identity = sha256(name.encode() + (b"\n\x04" if witness else b"\n\x01") + key).digest()
        line = self.signatures.get((name, identity[:4]), b"")
        if not witness:
            return signed(key, line, self.text)
        time = int.from_bytes(line[:8], "big")
        return signed(key, line[8:], b"cosignature/v1\ntime %d\n%s" % (time, self.text))

    def cosigned_at(self, name: str, key: bytes) -> int | None:
        """When a witness cosigned, in Unix seconds; None if it did not, or after the year 9999."""
        identity = sha256(name.encode() + b"\n\x04" + key).digest()
        line = self.signatures.get((name, identity[:4]), b"")
        time = int.from_bytes(line[:8], "big")
        holds = time < TIMES_END and self.signed_by(name, key, witness=True)
        return time if holds else None


def extends(older: Checkpoint, newer: Checkpoint, hashes: list[str]) -> bool:
    """Whether the newer tree begins with the older one."""
    size, root = older.size, older.root
    if size in (0, newer.size):
        return not hashes and root == (newer.root if size else EMPTY_ROOT)
    if size > newer.size or not hashes:
        return False
    place, last = size - 1, newer.size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    seed = root if size & (size - 1) == 0 else bytes.fromhex(hashes.pop(0))
    path, small, large = _climb(place, last, hashes), seed, seed
    for hashed, left in path or ():
        small = _node(hashed, small) if left else small
        large = _node(hashed, large) if left else _node(large, hashed)
    return path is not None and (small, large) == (root, newer.root)
