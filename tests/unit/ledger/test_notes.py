"""Signed notes, checkpoints and cosignatures."""

import base64
from hashlib import sha256

import pytest

from support.ledger_signer import Signer
from touchstone.ledger import (
    AlteredError,
    Checkpoint,
    MalformedError,
    check_signature,
    cosign,
    notes,
    open_checkpoint,
    parse_checkpoint,
    parse_note,
    sign_checkpoint,
    verify_cosignature,
)
from touchstone.ledger.notes import ED25519, key_id

ORIGIN = "touchstone/0123456789abcdef"
CHECKPOINT = Checkpoint(ORIGIN, 3, bytes(range(32)))

# The example in the documentation of Go's golang.org/x/mod/sumdb/note, the format's first home.
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
GO_NOTE = (
    GO_TEXT
    + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqf"
    "qdngotpRZb6KE6RyyBwJnAM=\n"
)
GO_KEY = base64.b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")[1:]


def test_the_note_of_the_go_documentation_holds():
    note = parse_note(GO_NOTE)
    assert key_id("PeterNeumann", ED25519, GO_KEY).hex() == "c74f20a3"
    signature = note.signature("PeterNeumann", ED25519, GO_KEY)
    assert signature is not None
    check_signature(GO_KEY, note.text.encode(), signature, "the note")
    assert (note.text, str(note)) == (GO_TEXT, GO_NOTE)


def test_a_checkpoint_is_the_text_and_the_signature_that_the_format_says(alice: Signer):
    note = sign_checkpoint(CHECKPOINT, alice)
    text = f"{ORIGIN}\n3\n{base64.b64encode(bytes(range(32))).decode()}\n"
    key = sha256(ORIGIN.encode() + b"\n\x01" + alice.public_key).digest()[:4]
    signed = base64.b64encode(key + alice.sign(text.encode())).decode()
    assert note == f"{text}\n— {ORIGIN} {signed}\n"
    assert open_checkpoint(note, ORIGIN, [alice.public_key]) == CHECKPOINT


def test_a_cosignature_is_over_its_time_and_the_text(alice: Signer, bob: Signer):
    note = cosign(sign_checkpoint(CHECKPOINT, alice), "witness.example", bob, 1_700_000_000)
    key = sha256(b"witness.example\n\x04" + bob.public_key).digest()[:4]
    message = b"cosignature/v1\ntime 1700000000\n" + CHECKPOINT.text.encode()
    time = (1_700_000_000).to_bytes(8, "big")
    line = base64.b64encode(key + time + bob.sign(message)).decode()
    assert note.endswith(f"\n— witness.example {line}\n")
    assert verify_cosignature(note, "witness.example", bob.public_key) == 1_700_000_000
    assert open_checkpoint(note, ORIGIN, [alice.public_key]) == CHECKPOINT


def test_a_missing_or_moved_cosignature_is_refused(alice: Signer, bob: Signer):
    plain = sign_checkpoint(CHECKPOINT, alice)
    note = cosign(plain, "witness.example", bob, 1_700_000_000)
    for text, name, key in [
        (plain, "witness.example", bob.public_key),
        (note, "another.example", bob.public_key),
        (note, "witness.example", alice.public_key),
    ]:
        with pytest.raises(AlteredError, match="not cosigned"):
            verify_cosignature(text, name, key)
    moved = sign_checkpoint(Checkpoint(ORIGIN, 4, bytes(32)), alice) + note.splitlines()[-1] + "\n"
    with pytest.raises(AlteredError, match="does not hold"):
        verify_cosignature(moved, "witness.example", bob.public_key)
    for time in (-1, 1 << 64):
        with pytest.raises(MalformedError, match="Unix seconds"):
            cosign(plain, "witness.example", bob, time)
    with pytest.raises(MalformedError, match="twice"):
        cosign(note, "witness.example", bob, 1_700_000_001)


def test_a_checkpoint_of_another_key_or_origin_is_refused(alice: Signer, bob: Signer):
    note = sign_checkpoint(CHECKPOINT, alice)
    with pytest.raises(AlteredError, match="not signed by"):
        open_checkpoint(note, ORIGIN, [bob.public_key])
    with pytest.raises(AlteredError, match="is of"):
        open_checkpoint(note, "touchstone/ffffffffffffffff", [alice.public_key])
    other = sign_checkpoint(Checkpoint(ORIGIN, 4, bytes(32)), alice)
    forged = other.split("\n\n")[0] + "\n\n" + note.split("\n\n")[1]
    with pytest.raises(AlteredError, match="signature of the checkpoint"):
        open_checkpoint(forged, ORIGIN, [bob.public_key, alice.public_key])


def test_keys_that_share_a_key_id_are_tried_in_turn(
    alice: Signer, bob: Signer, monkeypatch: pytest.MonkeyPatch
):
    """Four bytes clash once in four thousand million pairs, or as often as somebody likes."""
    monkeypatch.setattr(notes, "key_id", lambda *_: b"same")
    note = sign_checkpoint(CHECKPOINT, alice)
    keys = [bob.public_key, alice.public_key]
    assert open_checkpoint(note, ORIGIN, keys) == CHECKPOINT
    with pytest.raises(AlteredError, match="signature of the checkpoint"):
        open_checkpoint(note, ORIGIN, keys[:1])


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n",
        "text\n",
        "text\n\n",
        "\n\n— name AAAAAAAA\n",
        "text\n\n— name AAAAAAAA",
        "text\n\n- name AAAAAAAA\n",
        "text\n\n— na+me AAAAAAAA\n",
        "text\n\n— na me AAAAAAAA\n",
        "text\n\n—  AAAAAAAA\n",
        "text\n\n— name\n",
        "text\n\n— name AAAA\n",
        "text\n\n— name AAAAAAB=\n",
        "text\n\n— name AAAAAAAA\n— name AAAAAAAA\n",
        "text\n\n— name AAAAAAAA\n\n",
        "te\rxt\n\n— name AAAAAAAA\n",
        "te\txt\n\n— name AAAAAAAA\n",
    ],
)
def test_what_is_no_note_is_refused(note: str):
    with pytest.raises(MalformedError):
        parse_note(note)


ROOT = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"origin\n3\n{ROOT}",
        f"origin\n03\n{ROOT}\n",
        f"origin\n-3\n{ROOT}\n",
        f"origin\n9007199254740992\n{ROOT}\n",
        f"origin\n\u0663\n{ROOT}\n",
        f"origin\n3\n{ROOT[:-2]}B=\n",
        f"origin\n3\n{ROOT}\nextension\n",
        f"\n3\n{ROOT}\n",
        f"3\n{ROOT}\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str):
    with pytest.raises(MalformedError):
        parse_checkpoint(text)


def test_a_checkpoint_that_nobody_could_read_is_not_signed(alice: Signer):
    for checkpoint in (
        Checkpoint("an origin", 3, bytes(32)),
        Checkpoint(ORIGIN, 3, bytes(31)),
        Checkpoint(ORIGIN, 1 << 53, bytes(32)),
        Checkpoint(ORIGIN, -1, bytes(32)),
    ):
        with pytest.raises(MalformedError):
            sign_checkpoint(checkpoint, alice)
