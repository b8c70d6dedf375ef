"""The tree against RFC 6962's definition, written here a second time as it stands in the text."""

from hashlib import sha256

import pytest

from touchstone.ledger import (
    EMPTY_ROOT,
    AlteredError,
    Frontier,
    MalformedError,
    Tree,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)

# The inputs, roots and proofs that Certificate Transparency's own tests use.
CT_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CT_INCLUSION = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CT_CONSISTENCY = {
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
LEAVES = [leaf_hash(b"leaf %d" % number) for number in range(65)]
STRANGER = sha256(b"in no tree").digest()


def split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def naive_root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node(naive_root(leaves[:k]), naive_root(leaves[k:]))


def naive_path(m: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_subproof(m: int, leaves: list[bytes], *, complete: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if complete else [naive_root(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*naive_subproof(m, leaves[:k], complete=complete), naive_root(leaves[k:])]
    return [*naive_subproof(m - k, leaves[k:], complete=False), naive_root(leaves[:k])]


def test_certificate_transparency_roots():
    tree = Tree()
    frontier = Frontier()
    for size, root in enumerate(CT_ROOTS):
        assert tree.root().hex() == frontier.root.hex() == root
        if size < len(CT_LEAVES):
            assert tree.append(leaf_hash(CT_LEAVES[size])) == size
            assert frontier.append(leaf_hash(CT_LEAVES[size])) == size


@pytest.mark.parametrize(("index", "size"), CT_INCLUSION)
def test_certificate_transparency_inclusion(index: int, size: int):
    tree = Tree(map(leaf_hash, CT_LEAVES))
    proof = [bytes.fromhex(text) for text in CT_INCLUSION[index, size]]
    assert tree.inclusion(index, size) == proof
    root = bytes.fromhex(CT_ROOTS[size])
    verify_inclusion(leaf_hash(CT_LEAVES[index]), index, size, proof, root)


@pytest.mark.parametrize(("old", "new"), CT_CONSISTENCY)
def test_certificate_transparency_consistency(old: int, new: int):
    tree = Tree(map(leaf_hash, CT_LEAVES))
    proof = [bytes.fromhex(text) for text in CT_CONSISTENCY[old, new]]
    assert tree.consistency(old, new) == proof
    verify_consistency(old, new, proof, bytes.fromhex(CT_ROOTS[old]), bytes.fromhex(CT_ROOTS[new]))


def test_every_root_and_inclusion_proof_up_to_65():
    tree = Tree(LEAVES)
    for size in range(66):
        root = naive_root(LEAVES[:size])
        assert tree.root(size) == root
        for index in range(size):
            proof = naive_path(index, LEAVES[:size])
            assert tree.inclusion(index, size) == proof
            verify_inclusion(LEAVES[index], index, size, proof, root)


def test_every_consistency_proof_up_to_65():
    tree = Tree(LEAVES)
    roots = [naive_root(LEAVES[:size]) for size in range(66)]
    for new in range(66):
        for old in range(new + 1):
            proof = naive_subproof(old, LEAVES[:new], complete=True) if old else []
            assert tree.consistency(old, new) == proof
            verify_consistency(old, new, proof, roots[old], roots[new])


def test_no_inclusion_proof_holds_elsewhere():
    tree = Tree(LEAVES[:21])
    for size in range(1, 22):
        for index in range(size):
            proof = tree.inclusion(index, size)
            wrong = [
                (LEAVES[index], index + 1, size, proof, tree.root(size)),
                (LEAVES[index], index - 1, size, proof, tree.root(size)),
                (LEAVES[index + 1], index, size, proof, tree.root(size)),
                (LEAVES[index], index, size, [*proof, LEAVES[0]], tree.root(size)),
                (LEAVES[index], index, size, proof, tree.root(size - 1)),
            ]
            wrong += [(LEAVES[index], index, size, proof[:-1], tree.root(size))] if proof else []
            wrong += [
                (
                    LEAVES[index],
                    index,
                    size,
                    [*proof[:at], EMPTY_ROOT, *proof[at + 1 :]],
                    tree.root(size),
                )
                for at in range(len(proof))
            ]
            for case in wrong:
                with pytest.raises(AlteredError):
                    verify_inclusion(*case)


def test_no_consistency_proof_holds_elsewhere():
    tree = Tree(LEAVES[:21])
    for new in range(1, 22):
        for old in range(new + 1):
            proof = tree.consistency(old, new)
            roots = tree.root(old), tree.root(new)
            wrong = [
                (old, new, [*proof, LEAVES[0]], *roots),
                (old, new, proof, STRANGER, roots[1]),
                (new + 1, new, proof, *roots),
                (-1, new, proof, *roots),
            ]
            if old not in {0, new}:
                wrong += [
                    (old, new, proof[:-1], *roots),
                    (old, new, [], *roots),
                    (old, new, proof, roots[0], STRANGER),
                ]
            for case in wrong:
                with pytest.raises(AlteredError):
                    verify_consistency(*case)


def test_a_frontier_survives_its_bytes_at_every_size():
    frontier = Frontier()
    for size, leaf in enumerate(LEAVES):
        data = frontier.to_bytes()
        assert len(data) == 8 + 32 * size.bit_count()
        frontier = Frontier.from_bytes(data)
        assert (len(frontier), frontier.root) == (size, naive_root(LEAVES[:size]))
        frontier.append(leaf)


@pytest.mark.parametrize("change", [b"", b"\x00" * 7, b"\x00" * 40, b"\x00" * 7 + b"\x01"])
def test_a_frontier_of_the_wrong_length_is_refused(change: bytes):
    with pytest.raises(MalformedError, match="frontier"):
        Frontier.from_bytes(change)


def test_questions_outside_the_tree_are_refused():
    tree = Tree(LEAVES[:3])
    assert (len(tree), tree.leaf(2)) == (3, LEAVES[2])
    for question in (
        lambda: tree.leaf(3),
        lambda: tree.root(4),
        lambda: tree.root(-1),
        lambda: tree.inclusion(3),
        lambda: tree.inclusion(0, 4),
        lambda: tree.inclusion(-1),
        lambda: tree.consistency(3, 2),
        lambda: tree.consistency(0, 4),
        lambda: tree.append(b"short"),
        lambda: Frontier().append(b"short"),
    ):
        with pytest.raises(MalformedError):
            question()
