"""Signing keys in files, and the sources of time and chance."""

import hashlib
import pickle
import subprocess
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from touchstone.handin import utc_text
from touchstone.keys import (
    FileSigner,
    KeyExistsError,
    KeyFileError,
    SealError,
    SystemClock,
    SystemRandom,
    write_secret,
)


def test_a_key_signs_the_same_after_it_was_loaded(tmp_path: Path):
    path = tmp_path / "keys" / "one.pem"
    made = FileSigner.create(path)
    loaded = FileSigner.load(path)
    Ed25519PublicKey.from_public_bytes(made.public_key).verify(loaded.sign(b"text"), b"text")
    assert loaded.fingerprint == "SHA256:" + hashlib.sha256(made.public_key).hexdigest()


def test_a_signer_shows_its_public_half_only(tmp_path: Path):
    path = tmp_path / "keys" / "one.pem"
    signer = FileSigner.create(path)
    assert repr(signer) == f"FileSigner({signer.fingerprint})"
    with pytest.raises(SealError):
        pickle.dumps(signer)


def test_openssl_reads_the_key_file(tmp_path: Path):
    path = tmp_path / "keys" / "one.pem"
    signer = FileSigner.create(path)
    der = subprocess.run(
        ["openssl", "pkey", "-in", str(path), "-pubout", "-outform", "DER"],
        capture_output=True,
        check=True,
    ).stdout
    assert der.endswith(signer.public_key)


def test_a_key_is_not_made_twice(tmp_path: Path):
    path = tmp_path / "keys" / "one.pem"
    FileSigner.create(path)
    with pytest.raises(KeyExistsError):
        FileSigner.create(path)


@pytest.mark.parametrize("text", [b"", b"garbage", b"\xff\x00", b"-----BEGIN PRIVATE KEY-----\n"])
def test_garbage_is_refused_in_one_line(tmp_path: Path, text: bytes):
    path = tmp_path / "keys" / "one.pem"
    write_secret(path, text)
    with pytest.raises(KeyFileError, match="not an unencrypted PEM private key"):
        FileSigner.load(path)


def test_another_kind_of_key_is_refused(tmp_path: Path):
    path = tmp_path / "keys" / "one.pem"
    other = generate_private_key(SECP256R1())
    write_secret(path, other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(KeyFileError, match="not an Ed25519 key"):
        FileSigner.load(path)


def test_the_clock_tells_utc_to_the_second():
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert now.microsecond == 0
    assert abs(datetime.now(UTC) - now) < timedelta(seconds=5)


def test_a_moment_is_written_in_utc():
    moment = datetime(2026, 11, 21, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert utc_text(moment) == "2026-11-20T23:30:00Z"
    with pytest.raises(ValueError, match="without a zone"):
        utc_text(moment.replace(tzinfo=None))


def test_the_random_source_repeats_nothing():
    assert len({SystemRandom().draw(16) for _ in range(100)}) == 100
