"""A claim shows that its machine holds the key, and for which party: every change is found."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from support.claims import SomeKey, some_claim
from touchstone.ledger import AlteredError, MalformedError
from touchstone.ledger.claims import claim_of, opened_claim

LAB = "example-lab"


def test_who_holds_a_key_may_claim_it_for_a_party():
    key = SomeKey(Ed25519PrivateKey.generate())
    assert opened_claim(claim_of(LAB, key), LAB) == key.public_key.hex()


@given(place=st.integers(0, 192), other=st.sampled_from("0123456789abcdef."))
def test_a_mistyped_digit_is_found(place: int, other: str):
    claim = some_claim(LAB)
    typed = claim[:place] + other + claim[place + 1 :]
    if typed == claim:
        assert opened_claim(typed, LAB)
        return
    with pytest.raises((AlteredError, MalformedError)):
        opened_claim(typed, LAB)


def test_a_claim_for_another_party_is_none():
    with pytest.raises(AlteredError):
        opened_claim(some_claim("example-centre"), LAB)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "ab" * 32,
        "ab" * 32 + "." + "ab" * 63,
        "AB" * 32 + "." + "ab" * 64,
        "ab" * 32 + "." + "ab" * 63 + " a",
        "ab" * 32 + "." + "ab" * 64 + "\n",
    ],
)
def test_what_is_no_claim_is_said_to_be_none(text: str):
    with pytest.raises(MalformedError, match="a claim is 64 hex digits, a dot and 128"):
        opened_claim(text, LAB)


def test_a_key_with_which_anyone_can_sign_is_refused():
    # The neutral point, and the signature that holds of it for every message.
    point = bytes([1]) + bytes(31)
    with pytest.raises(AlteredError):
        opened_claim(f"{point.hex()}.{(point + bytes(32)).hex()}", LAB)
