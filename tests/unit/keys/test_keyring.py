"""The keys of an installation: made once, rotated by their own signature, never lost half way."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from touchstone.keys import (
    FileSigner,
    KeyExistsError,
    KeyFileError,
    KeyMissingError,
    Keyring,
    keyring,
)
from touchstone.keys.files import locked
from touchstone.ledger import KeyHistory

AT = "2026-11-21T10:00:00Z"
LATER = "2026-11-22T10:00:00Z"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def ring(folder: Path) -> Keyring:
    return Keyring.open_or_create(folder, AT)


def test_an_installation_is_made_once(folder: Path, ring: Keyring):
    again = Keyring.open_or_create(folder, LATER)
    assert again.history == ring.history
    assert again.installation.public_key == ring.history.current
    _, wrapped = ring.master.new_case_key("case")
    again.master.case_key("case", wrapped)


def test_opening_makes_nothing(folder: Path):
    with pytest.raises(KeyMissingError):
        Keyring.open(folder)
    assert not folder.exists()


def test_a_rotation_is_signed_by_the_key_before_it(folder: Path, ring: Keyring):
    first = ring.installation
    rotated = ring.rotate(LATER, "yearly")
    assert rotated.public_keys[0] == first.public_key
    assert rotated.current != first.public_key
    assert Keyring.open(folder).history == rotated == KeyHistory(rotated.lines)
    assert ring.installation.public_key == rotated.current


def test_a_retired_key_is_deleted(folder: Path, ring: Keyring):
    ring.rotate(LATER, "yearly")
    assert [path.name for path in folder.glob("*.pem")] == ["installation-1.pem"]


@pytest.mark.parametrize("lost", ["history.jsonl", "installation-0.pem"])
def test_a_crash_on_the_first_day_is_completed(folder: Path, lost: str):
    Keyring.open_or_create(folder, AT)
    (folder / "history.jsonl").unlink()
    (folder / lost).unlink(missing_ok=True)
    assert Keyring.open_or_create(folder, AT).installation.public_key


def test_a_crash_in_a_rotation_leaves_the_old_key_in_force(
    folder: Path, ring: Keyring, monkeypatch: pytest.MonkeyPatch
):
    before = ring.history

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(keyring, "_write_history", crash)
        with pytest.raises(KeyboardInterrupt):
            ring.rotate(LATER, "yearly")
    assert Keyring.open(folder).history == before
    assert len(ring.rotate(LATER, "yearly").lines) == 2


def test_a_lost_history_is_not_replaced(folder: Path, ring: Keyring):
    ring.rotate(LATER, "yearly")
    (folder / "history.jsonl").unlink()
    with pytest.raises(KeyFileError, match="restore it from a backup"):
        Keyring.open_or_create(folder, AT)


def test_an_altered_history_is_refused(folder: Path, ring: Keyring):
    path = folder / "history.jsonl"
    path.write_bytes(path.read_bytes().replace(b"first key", b"other key"))
    with pytest.raises(KeyFileError, match=r"history.jsonl: .*restore it from a backup"):
        _ = ring.history


@pytest.mark.usefixtures("ring")
def test_another_key_in_the_place_of_the_newest_is_refused(folder: Path):
    (folder / "installation-0.pem").unlink()
    FileSigner.create(folder / "installation-0.pem")
    with pytest.raises(KeyFileError, match="not the key of the newest key line"):
        Keyring.open(folder)


@pytest.mark.usefixtures("ring")
def test_a_damaged_master_key_is_refused(folder: Path):
    (folder / "master.key").write_bytes(b"touchstone-master-key/1 00\n")
    with pytest.raises(KeyFileError, match="is not a master key"):
        Keyring.open(folder)


def test_two_that_revoke_one_key_at_once_revoke_it_once(
    ring: Keyring, monkeypatch: pytest.MonkeyPatch
):
    """The other one revokes while this one waits for the folder."""
    lost = ring.installation.fingerprint

    @contextlib.contextmanager
    def waiting(folder: Path) -> Iterator[None]:
        monkeypatch.setattr(keyring, "locked", locked)
        Keyring(folder).revoke(lost, AT, "stolen")
        with locked(folder):
            yield

    monkeypatch.setattr(keyring, "locked", waiting)
    with pytest.raises(KeyExistsError, match="is revoked already"):
        ring.revoke(lost, LATER, "stolen")
    assert len(ring.history.lines) == 2


def test_parties_have_keys_of_their_own(ring: Keyring):
    assert ring.parties() == ()
    first = ring.new_party_key("example-lab")
    second = ring.new_party_key("example-lab")
    other = ring.new_party_key("example-centre")
    assert ring.parties() == ("example-centre", "example-lab")
    assert ring.party("example-lab").public_key == second.public_key
    assert ring.party("example-lab", first.public_key).public_key == first.public_key
    with pytest.raises(KeyMissingError, match="no key of example-lab with public key"):
        ring.party("example-lab", other.public_key)
    with pytest.raises(KeyMissingError, match="no key of nobody"):
        ring.party("nobody")


@pytest.mark.parametrize("party", ["../x", "", "A", "a/b", "-a", "a" * 65, "a\n"])
def test_a_partys_id_is_no_path(ring: Keyring, party: str):
    with pytest.raises(KeyFileError, match="not a party's id"):
        ring.new_party_key(party)


def test_many_keys_of_a_party_stay_in_order(ring: Keyring):
    keys = [ring.new_party_key("p").public_key for _ in range(11)]
    assert ring.party("p").public_key == keys[-1]


def test_another_file_beside_a_partys_keys_is_none_of_them(folder: Path, ring: Keyring):
    first = ring.new_party_key("example-lab")
    (folder / "parties" / "example-lab" / "0 (copy).pem").write_bytes(b"")
    assert ring.party("example-lab").public_key == first.public_key
    ring.new_party_key("example-lab")
    assert ring.party("example-lab", first.public_key).public_key == first.public_key
