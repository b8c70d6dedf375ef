"""Deeds, with securesystemslib as the second opinion on DSSE."""

import base64
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]  # not in its __all__

from support.ledger_signer import Signer
from touchstone.ledger import (
    AlteredError,
    Deed,
    MalformedError,
    fingerprint,
    parse_envelope,
    sign_deed,
)
from touchstone.ledger.deeds import PAYLOAD_TYPE, pre_authentication_encoding

DEED = Deed("a" * 64, 3, "b" * 64, "finding-made", "example-centre", ("c" * 64, "d" * 64))


def theirs(signer: Signer) -> SSlibKey:
    value = {"public": signer.public_key.hex()}
    return SSlibKey(fingerprint(signer.public_key), "ed25519", "ed25519", value)


def test_securesystemslib_verifies_our_envelope(alice: Signer, bob: Signer):
    envelope = Envelope.from_dict(sign_deed(DEED, alice).envelope)
    assert envelope.payload == DEED.payload
    assert envelope.verify([theirs(alice)], 1).keys() == {fingerprint(alice.public_key)}
    with pytest.raises(Exception, match="do not match threshold"):
        envelope.verify([theirs(bob)], 1)


@given(st.binary(max_size=60), st.text(max_size=20))
def test_securesystemslib_encodes_as_we_do(payload: bytes, kind: str):
    assert pre_authentication_encoding(payload, kind) == Envelope(payload, kind, {}).pae()


def test_a_deed_reads_back_and_holds_for_its_key_alone(alice: Signer, bob: Signer):
    signed = parse_envelope(sign_deed(DEED, alice).envelope)
    assert signed.deed == DEED
    signed.verify(alice.public_key)
    with pytest.raises(AlteredError, match="not by its actor's key"):
        signed.verify(bob.public_key)
    with pytest.raises(AlteredError, match="signature of the deed"):
        replace(signed, keyid=fingerprint(bob.public_key)).verify(bob.public_key)


@pytest.mark.parametrize(
    "change",
    [
        {"log": None},
        {"n": 4},
        {"previous": "c" * 64},
        {"deed": "finding-withdrawn"},
        {"actor": "example-lab"},
        {"parts": ("c" * 64,)},
    ],
)
def test_a_signature_binds_every_field(alice: Signer, change: dict[str, object]):
    signed = sign_deed(DEED, alice)
    with pytest.raises(AlteredError):
        replace(signed, deed=replace(DEED, **change)).verify(alice.public_key)  # type: ignore[arg-type]


def encoded(payload: bytes) -> dict[str, object]:
    return {"payload": base64.b64encode(payload).decode()}


@pytest.mark.parametrize(
    "change",
    [
        {"payloadType": "application/json"},
        {"signatures": []},
        {"signatures": [{"keyid": "k", "sig": "QQ=="}] * 2},
        {"signatures": [{"keyid": "k", "sig": "QR=="}]},
        {"signatures": [{"keyid": "k"}]},
        {"signatures": [{"keyid": "k", "sig": "QQ==", "cert": ""}]},
        {"signatures": {}},
        {"payload": "e30"},
        {"payload": "_w=="},
        encoded(b"{}"),
        encoded(b"[]"),
        encoded(DEED.payload + b"\n"),
        encoded(DEED.payload.replace(b'"v":1', b'"v":2')),
        encoded(DEED.payload.replace(b'"v":1', b'"v":true')),
        encoded(DEED.payload.replace(b'"n":3', b'"n":-3')),
        encoded(DEED.payload.replace(b'"n":3', b'"n":3.0')),
        encoded(DEED.payload.replace(b"finding-made", b"Finding made")),
        encoded(DEED.payload.replace(b"example-centre", b"")),
        encoded(DEED.payload.replace(b"bbbb", b"BBBB", 1)),
        {"more": 1},
    ],
)
def test_a_misshapen_envelope_is_refused(alice: Signer, change: dict[str, object]):
    envelope = sign_deed(DEED, alice).envelope
    assert envelope["payloadType"] == PAYLOAD_TYPE
    with pytest.raises(MalformedError):
        parse_envelope(envelope | change)


@pytest.mark.parametrize(
    "change",
    [
        {"log": ""},
        {"n": True},
        {"previous": "B" * 64},
        {"deed": "Finding Made"},
        {"actor": ""},
        {"parts": ("c" * 63,)},
        {"parts": (None,)},
    ],
)
def test_a_misshapen_deed_cannot_be_made(change: dict[str, Any]):
    with pytest.raises(MalformedError):
        replace(DEED, **change)
