"""Cosigned checkpoints: kept as rows more, proved with, and nothing taken that was never signed."""

import pytest

from support import deeds
from support.ledger_signer import Signer
from support.record_place import Place
from touchstone.ledger import (
    Checkpoint,
    VerifierKey,
    cosign,
    open_checkpoint,
    parse_checkpoint,
    parse_note,
    sign_checkpoint,
    verify_consistency,
    verify_cosignature,
)
from touchstone.ledger.notes import COSIGNATURE_V1
from touchstone.records import DamagedError, Records

CASE = "case-1"
FIRST, SECOND = Signer("first witness"), Signer("second witness")


def lines(note: str, name: str, signer: Signer, at: int = 1_796_000_000) -> str:
    plain = str(note)
    return cosign(plain, name, signer, at)[len(plain) :]


def cosigned_size(records: Records, name: str, signer: Signer) -> int:
    key = VerifierKey(name, COSIGNATURE_V1, signer.public_key)
    return records.installation.cosigned_size(key)


def plain(note: str) -> str:
    """The note with the log's own line alone."""
    text, _, signatures = note.rpartition("\n\n")
    return f"{text}\n\n{signatures.splitlines(keepends=True)[0]}"


def test_cosignatures_add_up_and_a_newer_one_replaces(records: Records):
    log = records.installation
    note = log.checkpoint()
    log.keep_cosigned(note, lines(note, "w.example/1", FIRST))
    both = log.keep_cosigned(note, lines(note, "w.example/2", SECOND))
    assert log.checkpoint() == both
    assert parse_note(both).text == parse_note(note).text
    renewed = log.keep_cosigned(note, lines(note, "w.example/1", FIRST, 1_796_000_060))
    assert verify_cosignature(renewed, "w.example/1", FIRST.public_key) == 1_796_000_060
    assert verify_cosignature(renewed, "w.example/2", SECOND.public_key) == 1_796_000_000
    count = len(log.checkpoints())
    assert log.keep_cosigned(note, lines(note, "w.example/2", SECOND)) == renewed
    assert len(log.checkpoints()) == count
    assert list(records.check()) == []


def test_what_was_never_signed_here_is_not_kept(records: Records, place: Place):
    note, signer = records.installation.checkpoint(), place.keyring.installation
    own = parse_checkpoint(parse_note(note).text)
    other = sign_checkpoint(Checkpoint(own.origin, own.size, bytes(32)), signer)
    with pytest.raises(DamagedError, match="never signed here"):
        records.installation.keep_cosigned(other, lines(other, "w.example", FIRST))


def test_each_witnesss_newest_comes_with_a_proof(records: Records, place: Place):
    """The newest head is cosigned by none, one older checkpoint by each of two."""
    log, sizes = records.installation, list[int]()
    for number, (name, signer) in enumerate((("w.example/1", FIRST), ("w.example/2", SECOND))):
        note = log.checkpoint()
        log.keep_cosigned(note, lines(plain(note), name, signer))
        sizes.append(parse_checkpoint(parse_note(note).text).size)
        for more in range(2):
            deeds.open_case(records, f"other-{number}-{more}")
            log.checkpoint()
    assert cosigned_size(records, "w.example/1", FIRST) == sizes[0]
    assert cosigned_size(records, "w.example/2", SECOND) == sizes[1]
    for name, signer in (("w.example", FIRST), ("w.example/1", SECOND), ("nobody", FIRST)):
        assert cosigned_size(records, name, signer) == 0
    proof = log.prove(CASE, older=1)
    newest = open_checkpoint(
        proof.checkpoint, place.keyring.history.origin, [place.keyring.history.current]
    )
    found = {}
    for older in proof.older:
        old = parse_checkpoint(parse_note(older.note).text)
        verify_consistency(old.size, newest.size, older.consistency, old.root, newest.root)
        found[old.size] = older.note
    assert len(found) == len(proof.older) == 3
    assert {*sizes} < {*found}
    assert verify_cosignature(found[sizes[0]], "w.example/1", FIRST.public_key)
    assert verify_cosignature(found[sizes[1]], "w.example/2", SECOND.public_key)


def test_a_cosigned_checkpoint_of_an_older_key_is_still_brought(records: Records, place: Place):
    log = records.installation
    log.prove(CASE)
    note = log.checkpoint()
    log.keep_cosigned(note, lines(note, "w.example", FIRST))
    place.keyring.rotate(deeds.AT, "yearly")
    proof = log.prove(CASE)
    assert any("w.example" in older.note for older in proof.older)
    assert "w.example" not in proof.checkpoint
    assert list(records.check()) == []


def test_a_proof_of_extension_asks_no_database(records: Records, monkeypatch: pytest.MonkeyPatch):
    """It is asked for in an event loop, where Django refuses to be called."""
    log = records.installation
    for number in range(5):
        deeds.open_case(records, f"other-{number}")
    newest = parse_checkpoint(parse_note(log.checkpoint()).text)
    prove = log.consistency_of(newest.size)
    monkeypatch.setattr(type(log), "_grown", None)
    assert prove(newest.size) == []
    assert prove(3)
