"""Files sealed by age: for whom they are, altered, and keys that are none."""

import pickle
from pathlib import Path

import pytest

from touchstone.keys.age_files import (
    AgeIdentity,
    checked_recipient,
    read_identity,
    seal_for,
    write_identity,
)
from touchstone.keys.errors import KeyExistsError, KeyUnsafeError, SealError

ONE, OTHER = AgeIdentity.generate(), AgeIdentity.generate()
DATA = b"what is sealed" * 10_000


def test_each_of_those_named_opens_it_and_no_other():
    sealed = seal_for(DATA, [ONE.recipient, OTHER.recipient])
    assert DATA[:14] not in sealed
    assert ONE.open(sealed) == OTHER.open(sealed) == DATA
    with pytest.raises(SealError, match=f"was not sealed for {OTHER.recipient}"):
        OTHER.open(seal_for(DATA, [ONE.recipient]))


@pytest.mark.parametrize("place", [30, 300, 80_000, -1])
def test_a_flipped_bit_and_a_cut_are_seen(place: int):
    sealed = bytearray(seal_for(DATA, [ONE.recipient]))
    sealed[place] ^= 1
    with pytest.raises(SealError, match=r"altered|not sealed for"):
        ONE.open(bytes(sealed))
    with pytest.raises(SealError, match="altered"):
        ONE.open(seal_for(DATA, [ONE.recipient])[:-20])


def test_a_key_file_is_for_its_owner_alone(tmp_path: Path):
    path = tmp_path / "keys" / "one.key"
    made = write_identity(path)
    assert read_identity(path).recipient == made.recipient
    assert path.read_text().startswith(f"# public key: {made.recipient}\n")
    with pytest.raises(KeyExistsError):
        write_identity(path)
    path.chmod(0o644)
    with pytest.raises(KeyUnsafeError):
        read_identity(path)


@pytest.mark.parametrize("text", ["", "AGE-SECRET-KEY-1" + "A" * 58, "nothing of the kind"])
def test_what_is_no_key_is_refused(text: str, tmp_path: Path):
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)
    tmp_path.chmod(0o700)
    with pytest.raises(SealError, match="secret key"):
        read_identity(path)
    with pytest.raises(SealError, match="no public key of age"):
        checked_recipient(text)


def test_a_key_is_shown_and_pickled_nowhere():
    assert repr(ONE) == f"AgeIdentity({ONE.recipient})"
    with pytest.raises(SealError, match="not pickled"):
        pickle.dumps(ONE)
