"""A secret in n shares of which any k give it back, by Shamir over the field of AES, GF(2^8).

Each byte of the secret is the value at 0 of a polynomial of degree k - 1 with random coefficients;
share x (1 to n) holds the polynomials' values at x. Any k - 1 shares tell nothing. A wrong share
would give a wrong secret without a word, so each is committed to beside what the secret opens::

    commitment = SHA-256("touchstone/share/1" 0x00 salt32 || x as 1 byte || share)
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from touchstone.keys.errors import SealError
from touchstone.keys.sources import RandomSource

SALT = 32
MOST_SHARES = 32
_POLYNOMIAL = 0x11B
"""x^8 + x^4 + x^3 + x + 1, as in FIPS 197; its generator is 3."""


@dataclass(frozen=True)
class Share:
    """One share of a secret; whoever has k of them has it."""

    number: int
    """x, from 1."""
    data: bytes
    """As long as the secret."""
    salt: bytes
    """Without it the commitment tells nobody who guesses the share."""

    def __repr__(self) -> str:
        return f"Share({self.number}, ...)"

    @property
    def commitment(self) -> str:
        """Hex: what is kept beside what the secret opens."""
        told = b"touchstone/share/1\0" + self.salt + bytes([self.number]) + self.data
        return hashlib.sha256(told).hexdigest()


def split_secret(secret: bytes, needed: int, of: int, random: RandomSource) -> tuple[Share, ...]:
    """A secret in `of` shares, of which any `needed` give it back.

    Raises:
        SealError: the numbers do not fit.
    """
    if not 1 <= needed <= of <= MOST_SHARES:
        raise SealError(f"{needed}/{of}: write k/n, with k from 1 to n and n up to {MOST_SHARES}")
    drawn = [random.draw(len(secret)) for _ in range(needed - 1)]
    coefficients = [secret, *drawn]
    return tuple(
        Share(
            x,
            bytes(_at(x, column) for column in zip(*coefficients, strict=True)),
            random.draw(SALT),
        )
        for x in range(1, of + 1)
    )


def join_shares(shares: Iterable[Share], needed: int, commitments: Sequence[str]) -> bytes:
    """The secret, from at least `needed` shares, each held against its commitment.

    Args:
        shares: What its keepers gave.
        needed: k.
        commitments: Hex, of share 1, 2, and so on.

    Raises:
        SealError: a share is not the one that was made, is there twice, or there are too few; the
            line names it.
    """
    held: dict[int, bytes] = {}
    for each in shares:
        known = commitments[each.number - 1] if 1 <= each.number <= len(commitments) else ""
        if not hmac.compare_digest(known, each.commitment):
            raise SealError(
                f"share {each.number}: a wrong share, not the one that was made here: ask its"
                " keeper for the other"
            )
        if each.number in held:
            raise SealError(f"share {each.number}: is there twice: ask another keeper for theirs")
        held[each.number] = each.data
    if len(held) < needed:
        raise SealError(
            f"{len(held)} of the {needed} shares that it takes: bring {needed} together"
        )
    return _at_zero({x: held[x] for x in sorted(held)[:needed]})


def _at_zero(points: Mapping[int, bytes]) -> bytes:
    """The polynomials' values at 0, by Lagrange."""
    weights = {x: _weight(x, points) for x in points}
    columns = zip(*points.values(), strict=True)
    return bytes(
        _sum(_product(weights[x], value) for x, value in zip(points, column, strict=True))
        for column in columns
    )


def _weight(x: int, points: Iterable[int]) -> int:
    weight = 1
    for other in points:
        if other != x:
            weight = _product(weight, _product(other, _inverse(other ^ x)))
    return weight


def _at(x: int, coefficients: Sequence[int]) -> int:
    value = 0
    for each in reversed(coefficients):
        value = _product(value, x) ^ each
    return value


def _sum(values: Iterable[int]) -> int:
    return [*accumulate(values, int.__xor__)][-1]


def _product(one: int, other: int) -> int:
    product = 0
    # Over all eight bits, whatever they are: no table whose look-ups would follow the secret.
    for bit in range(8):
        product ^= -(other >> bit & 1) & one
        one = one << 1 ^ (-(one >> 7) & _POLYNOMIAL)
    return product


def _inverse(value: int) -> int:
    """x^254, which is 1/x in a field of 256 elements."""
    power = 1
    for _ in range(254):
        power = _product(power, value)
    return power
