"""The Merkle tree of RFC 6962 section 2.1 (RFC 9162 section 2.1): roots and proofs from hashes.

`Tree` keeps every node and proves; `Frontier` keeps only the perfect subtrees that the next leaf
needs, so that a log can grow in constant space. Both take leaf *hashes*.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

from touchstone.ledger.errors import AlteredError, MalformedError

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 || data)."""
    # The two prefixes keep an inner node from being passed off as a leaf (RFC 6962 section 2.1).
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """A growing tree that answers for every size that it ever had.

    Level k holds, side by side, the hashes of the perfect subtrees of 2^k leaves: two hashes
    (64 bytes) a leaf in all, and nothing is ever rewritten.
    """

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self._levels = [bytearray()]
        self._size = 0
        for leaf in leaves:
            self.append(leaf)

    def __len__(self) -> int:
        return self._size

    def append(self, leaf: bytes) -> int:
        """Add one leaf hash (32 bytes) and return its index."""
        if len(leaf) != HASH_SIZE:
            raise MalformedError(f"a leaf hash of {len(leaf)} bytes; it has {HASH_SIZE}")
        index = self._size
        levels = self._levels
        levels[0] += leaf
        self._size = index + 1
        height = 0
        # Each trailing 1 bit of the index is a left sibling that waited for this leaf.
        while index >> height & 1:
            node = sha256(b"\x01" + levels[height][-2 * HASH_SIZE :]).digest()
            height += 1
            if height == len(levels):
                levels.append(bytearray())
            levels[height] += node
        return index

    def leaf(self, index: int) -> bytes:
        """The leaf hash at `index`."""
        self._check_index(index, self._size)
        return self._node(0, index)

    def root(self, size: int | None = None) -> bytes:
        """The root of the first `size` leaves (of all, if not given)."""
        size = self._size if size is None else size
        self._check_size(size)
        return self._right_edge(0, size)

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """The path from leaf `index` to the root of the first `size` leaves, leaf side first."""
        size = self._size if size is None else size
        self._check_size(size)
        self._check_index(index, size)
        return self._path(0, index, size)

    def consistency(self, old: int, new: int | None = None) -> list[bytes]:
        """The proof that the tree of `new` leaves extends the tree of `old` leaves."""
        new = self._size if new is None else new
        self._check_size(new)
        if not 0 <= old <= new:
            raise MalformedError(f"a tree of {new} leaves does not extend one of {old}")
        if old in {0, new}:
            return []
        # The last perfect subtree of the old tree stands in both; its path leads to the new root.
        height = (old & -old).bit_length() - 1
        index = (old >> height) - 1
        first = [] if old & (old - 1) == 0 else [self._node(height, index)]
        return first + self._path(height, index, new)

    def _path(self, height: int, index: int, size: int) -> list[bytes]:
        """The siblings on the way from a perfect subtree to the root of the first `size` leaves."""
        path = []
        levels = self._levels
        while index or 1 << height < size:
            sibling = index ^ 1
            if sibling + 1 << height <= size:
                at = sibling * HASH_SIZE
                path.append(bytes(levels[height][at : at + HASH_SIZE]))
            elif sibling << height < size:
                path.append(self._right_edge(sibling << height, size))
            height += 1
            index >>= 1
        return path

    def _node(self, height: int, index: int) -> bytes:
        return bytes(self._levels[height][index * HASH_SIZE : (index + 1) * HASH_SIZE])

    def _right_edge(self, start: int, size: int) -> bytes:
        """The root of leaves [start, size), `start` being the end of perfect larger subtrees."""
        peaks = []
        while start < size:
            height = (size - start).bit_length() - 1
            peaks.append(self._node(height, start >> height))
            start += 1 << height
        return _fold(peaks)

    def _check_size(self, size: int) -> None:
        if not 0 <= size <= self._size:
            raise MalformedError(f"size {size} is not among the sizes 0 to {self._size} of the log")

    def _check_index(self, index: int, size: int) -> None:
        if not 0 <= index < size:
            raise MalformedError(f"leaf {index} is not in a tree of {size} leaves")


class Frontier:
    """A tree's right edge: enough to append and to know the root, in O(log n) space.

    Bytes: the size (8, big-endian), then the perfect subtrees' hashes from the largest (32 each,
    one for every 1 bit of the size).
    """

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self._size = 0
        self._peaks: list[bytes] = []
        for leaf in leaves:
            self.append(leaf)

    def __len__(self) -> int:
        return self._size

    def append(self, leaf: bytes) -> int:
        """Add one leaf hash (32 bytes) and return its index."""
        if len(leaf) != HASH_SIZE:
            raise MalformedError(f"a leaf hash of {len(leaf)} bytes; it has {HASH_SIZE}")
        index = waiting = self._size
        peaks = self._peaks
        while waiting & 1:
            leaf = sha256(b"\x01" + peaks.pop() + leaf).digest()
            waiting >>= 1
        peaks.append(leaf)
        self._size = index + 1
        return index

    @property
    def root(self) -> bytes:
        """The root of all leaves so far."""
        return _fold(self._peaks)

    def to_bytes(self) -> bytes:
        """The serialised frontier: 8 + 32 * popcount(size) bytes."""
        return self._size.to_bytes(8, "big") + b"".join(self._peaks)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Frontier":
        """The frontier that `to_bytes` wrote; MalformedError if the length is wrong."""
        size = int.from_bytes(data[:8], "big")
        if len(data) != 8 + HASH_SIZE * size.bit_count():
            raise MalformedError(f"a frontier of {len(data)} bytes does not hold size {size}")
        frontier = cls()
        frontier._size = size
        frontier._peaks = [data[at : at + HASH_SIZE] for at in range(8, len(data), HASH_SIZE)]
        return frontier


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that `leaf` (a hash) stands at `index` of the tree with `size` leaves and `root`.

    RFC 9162 section 2.1.3.2. Raises AlteredError if it does not.
    """
    if not 0 <= index < size:
        raise AlteredError(f"leaf {index} cannot be in a tree of {size} leaves")
    last = size - 1
    node = leaf
    for sibling in proof:
        if last == 0:
            raise AlteredError("the inclusion proof is too long")
        if index & 1 or index == last:
            node = sha256(b"\x01" + sibling + node).digest()
            # A node without a right sibling moves up unhashed until it is a right child.
            while not index & 1:
                index >>= 1
                last >>= 1
        else:
            node = sha256(b"\x01" + node + sibling).digest()
        index >>= 1
        last >>= 1
    if last != 0:
        raise AlteredError("the inclusion proof is too short")
    if node != root:
        raise AlteredError("the inclusion proof does not lead to the root")


def verify_consistency(
    old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Check that the tree of `new` leaves with `new_root` extends the one of `old` leaves.

    RFC 9162 section 2.1.4.2, and for `old` = 0 the empty root and an empty proof. Raises
    AlteredError if it does not.
    """
    if not 0 <= old <= new:
        raise AlteredError(f"a tree of {new} leaves does not extend one of {old}")
    if old in {0, new}:
        if proof:
            raise AlteredError("the consistency proof is too long")
        if old_root != (new_root if old else EMPTY_ROOT):
            raise AlteredError(f"the older root of size {old} does not hold")
        return
    # A tree of 2^k leaves is itself a node of the newer one, so the proof leaves its root out.
    nodes = iter(proof if old & (old - 1) else [old_root, *proof])
    if _climb_both(old - 1, new - 1, nodes) != (old_root, new_root):
        raise AlteredError("the consistency proof does not lead to both roots")


def _climb_both(index: int, last: int, nodes: Iterator[bytes]) -> tuple[bytes, bytes]:
    while index & 1:
        index >>= 1
        last >>= 1
    try:
        old = new = next(nodes)
    except StopIteration:
        raise AlteredError("the consistency proof is too short") from None
    for node in nodes:
        if last == 0:
            raise AlteredError("the consistency proof is too long")
        if index & 1 or index == last:
            old = node_hash(node, old)
            new = node_hash(node, new)
            while not index & 1:
                index >>= 1
                last >>= 1
        else:
            new = node_hash(new, node)
        index >>= 1
        last >>= 1
    if last != 0:
        raise AlteredError("the consistency proof is too short")
    return old, new


def _fold(peaks: list[bytes]) -> bytes:
    """The root over perfect subtrees, largest first."""
    if not peaks:
        return EMPTY_ROOT
    node = peaks[-1]
    for peak in reversed(peaks[:-1]):
        node = node_hash(peak, node)
    return node
