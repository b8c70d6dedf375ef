"""The verifier's own proofs against the ledger's trees, for every pair of sizes up to 65."""

from typing import Any, cast

import pytest

from touchstone import ledger
from touchstone.verifier import proofs, strict

LEAVES = [ledger.leaf_hash(bytes([number])) for number in range(65)]
TREE = ledger.Tree(LEAVES)
STRANGE = "11" * 32


class Head:
    """As much of a checkpoint as a consistency proof asks for."""

    def __init__(self, size: int) -> None:
        self.size, self.root = size, TREE.root(size)


def extends(older: Head, newer: Head, proof: list[str]) -> bool:
    return proofs.extends(cast("Any", older), cast("Any", newer), list(proof))


def damaged(path: list[str]) -> list[list[str]]:
    """The path longer, shorter, and with each hash another."""
    others = [[*path, STRANGE], [STRANGE, *path]]
    others += [path[:-1], path[1:]] if path else []
    return others + [[*path[:at], STRANGE, *path[at + 1 :]] for at in range(len(path))]


@pytest.mark.parametrize("size", range(1, 66))
def test_inclusion(size: int):
    for index in range(size):
        path = [one.hex() for one in TREE.inclusion(index, size)]
        root = TREE.root(size)
        assert proofs.included(LEAVES[index], index, size, path, root)
        assert not proofs.included(LEAVES[index], index + 1, size, path, root)
        assert not any(proofs.included(LEAVES[index], index, size, p, root) for p in damaged(path))


@pytest.mark.parametrize("size", range(1, 66))
def test_consistency(size: int):
    newer = Head(size)
    for smaller in range(1, size):
        older = Head(smaller)
        proof = [one.hex() for one in TREE.consistency(smaller, size)]
        assert extends(older, newer, proof)
        assert not extends(newer, older, proof)
        assert not any(extends(older, newer, other) for other in damaged(proof))
    assert extends(newer, newer, [])
    assert not extends(newer, newer, [STRANGE])
    assert extends(Head(0), newer, [])
    assert not extends(Head(0), newer, [STRANGE])


def test_a_tree_grows_as_the_ledgers():
    peaks: list[bytes] = []
    for size, leaf in enumerate(LEAVES):
        assert proofs.root_of(peaks) == TREE.root(size)
        proofs.grow(peaks, size, leaf)


def test_no_shape_that_a_line_is_read_by_leaves_a_gap():
    # A plain text of such a shape is taken as canonical, which <any> would not warrant.
    lines = {"bundle", "key", "part", "hidden", "payload", "head", "older", "seal"}
    assert {name for name in lines if "<any>" in strict.SHAPES[name]} == set()
