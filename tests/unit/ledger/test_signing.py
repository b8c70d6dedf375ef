"""Fingerprints, signatures, and the keys under which anyone can sign."""

from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from support.ledger_signer import Signer
from touchstone.ledger import (
    AlteredError,
    MalformedError,
    check_signature,
    fingerprint,
    has_small_order,
    signing,
)

# The curve of RFC 8032 section 5.1, in affine coordinates: slow, and enough to count to eight.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]


def add(one: Point, other: Point) -> Point:
    k = D * one[0] * one[1] * other[0] * other[1] % P
    x = (one[0] * other[1] + one[1] * other[0]) * pow(1 + k, -1, P) % P
    return x, (one[1] * other[1] + one[0] * other[0]) * pow(1 - k, -1, P) % P


def times(count: int, point: Point) -> Point:
    total = (0, 1)
    while count:
        total = add(total, point) if count & 1 else total
        point = add(point, point)
        count >>= 1
    return total


def on_curve(y: int) -> Point | None:
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    for root in (x, x * pow(2, (P - 1) // 4, P) % P):
        if root * root % P == square:
            return root, y
    return None


def small_order_keys() -> set[bytes]:
    """Every 32 bytes that decode to a point whose order divides eight."""
    torsion = {(0, 1)}
    y = 2
    while len(torsion) < 8:
        point = on_curve(y)
        if point:
            step = times(L, point)
            torsion |= {times(count, step) for count in range(8)}
        y += 1
    numbers = {encoded for _, y in torsion for encoded in (y, y + P) if encoded < 2**255}
    return {(number | sign << 255).to_bytes(32, "little") for number in numbers for sign in (0, 1)}


def test_every_key_of_small_order_is_known():
    keys = small_order_keys()
    assert {key for key in keys if key[-1] < 0x80} == signing._SMALL_ORDER
    assert all(has_small_order(key) for key in keys)


def test_anyone_could_sign_for_a_key_of_small_order():
    weak = b"\x01" + bytes(31)
    signature = weak + bytes(32)
    for message in (b"one", b"another"):
        Ed25519PublicKey.from_public_bytes(weak).verify(signature, message)
        with pytest.raises(AlteredError, match="anyone can sign"):
            check_signature(weak, message, signature, "it")


def test_a_good_key_signs(alice: Signer, bob: Signer):
    assert not has_small_order(alice.public_key)
    check_signature(alice.public_key, b"message", alice.sign(b"message"), "it")
    for key, message, signature in [
        (bob.public_key, b"message", alice.sign(b"message")),
        (alice.public_key, b"other", alice.sign(b"message")),
        (alice.public_key, b"message", alice.sign(b"message")[:-1]),
        (alice.public_key, b"message", bytes(64)),
    ]:
        with pytest.raises(AlteredError, match="signature of it"):
            check_signature(key, message, signature, "it")


def test_a_fingerprint_is_the_hash_of_the_raw_key(alice: Signer):
    expected = f"SHA256:{sha256(alice.public_key).hexdigest()}"
    assert fingerprint(alice.public_key) == expected
    for call in (
        lambda: fingerprint(b"short"),
        lambda: check_signature(b"short", b"", bytes(64), "it"),
    ):
        with pytest.raises(MalformedError, match="public key"):
            call()
