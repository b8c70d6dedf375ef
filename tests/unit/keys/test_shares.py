"""A secret in shares: the field, the vectors, any k of n, and a wrong share by name."""

from itertools import combinations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.keys.errors import SealError
from touchstone.keys.shares import MOST_SHARES, Share, join_shares, split_secret


class Drawn:
    """Bytes that follow from a number."""

    def __init__(self, seed: int = 1) -> None:
        self._random = Random(seed)

    def draw(self, size: int) -> bytes:
        return self._random.randbytes(size)


class Fixed:
    """The same byte again and again."""

    def __init__(self, byte: int) -> None:
        self._byte = byte

    def draw(self, size: int) -> bytes:
        return bytes([self._byte]) * size


def commitments(shares: tuple[Share, ...]) -> list[str]:
    return [each.commitment for each in shares]


def slow_product(one: int, other: int) -> int:
    """The product in GF(2^8), as a polynomial's remainder: another way than the code's."""
    whole = 0
    for bit in range(8):
        whole ^= (one << bit) if other >> bit & 1 else 0
    for bit in range(14, 7, -1):
        whole ^= (0x11B << (bit - 8)) if whole >> bit & 1 else 0
    return whole


def test_the_field_is_that_of_aes():
    """FIPS 197, section 4.2: {57} . {83} = {c1}, and {57} . {13} = {fe}."""
    assert slow_product(0x57, 0x83) == 0xC1
    assert slow_product(0x57, 0x13) == 0xFE
    for slope in (0x83, 0x13, 0xFF, 0x01):
        shares = split_secret(bytes(range(256)), 2, 32, Fixed(slope))
        for share in shares:
            line = bytes(value ^ slow_product(share.number, slope) for value in range(256))
            assert share.data == line


def test_shares_stay_what_they_were():
    """Vectors: what keepers have lasts for years. f(x) = 0x42 + 0x57 x + 0x57 x^2, by hand."""
    shares = split_secret(b"\x42", 3, 4, Fixed(0x57))
    assert [each.data.hex() for each in shares] == ["42", "ab", "ab", "02"]
    assert shares[0].commitment == VECTOR


VECTOR = "dc3761b2119425a1625814e8653a18070f07396bb6ef3eabea2f75de77287d65"


@settings(max_examples=40)
@given(st.binary(min_size=1, max_size=80), st.integers(1, 5), st.integers(0, 3), st.integers())
def test_any_k_give_the_secret_back(secret: bytes, needed: int, more: int, seed: int):
    shares = split_secret(secret, needed, needed + more, Drawn(seed))
    told = commitments(shares)
    for chosen in combinations(shares, needed):
        assert join_shares(chosen, needed, told) == secret
    assert join_shares(shares[::-1], needed, told) == secret


@given(st.binary(min_size=4, max_size=4), st.binary(min_size=4, max_size=4), st.integers())
def test_fewer_fit_any_secret(one: bytes, other: bytes, seed: int):
    """Two of three: whatever the secret, some line through it also meets a single share."""
    (first, *_) = split_secret(one, 2, 3, Drawn(seed))
    slope = bytes(a ^ b for a, b in zip(first.data, other, strict=True))

    class Slope:
        def draw(self, size: int) -> bytes:
            return slope if size == 4 else bytes(size)

    assert split_secret(other, 2, 3, Slope())[0].data == first.data


def test_a_wrong_share_is_named_and_nothing_comes_of_it():
    shares = split_secret(b"a secret of some length", 2, 3, Drawn())
    told = commitments(shares)
    flipped = bytes([shares[1].data[0] ^ 1, *shares[1].data[1:]])
    wrong = (
        Share(2, flipped, shares[1].salt),
        Share(2, shares[1].data, bytes(32)),
        Share(2, shares[2].data, shares[2].salt),
        Share(9, shares[1].data, shares[1].salt),
        Share(0, shares[1].data, shares[1].salt),
    )
    for each in wrong:
        with pytest.raises(SealError, match=f"share {each.number}: a wrong share"):
            join_shares([shares[0], each], 2, told)
    with pytest.raises(SealError, match="share 1: is there twice"):
        join_shares([shares[0], shares[0]], 2, told)
    with pytest.raises(SealError, match="1 of the 2 shares that it takes"):
        join_shares([shares[0]], 2, told)


@pytest.mark.parametrize(("needed", "of"), [(0, 1), (3, 2), (1, 0), (1, MOST_SHARES + 1)])
def test_numbers_that_do_not_fit(needed: int, of: int):
    with pytest.raises(SealError, match="write k/n"):
        split_secret(b"x", needed, of, Drawn())


def test_a_share_shows_nothing_of_itself():
    (share, *_) = split_secret(b"secret", 1, 1, Drawn())
    assert repr(share) == "Share(1, ...)"
