"""The installation log: what an outsider checks with the ledger alone."""

import pytest

from support import deeds
from support.contract1 import append, opening
from support.record_deeds import destroy_case
from support.record_place import Place
from touchstone.ledger import (
    AlteredError,
    Checkpoint,
    blind_head,
    leaf_hash,
    open_checkpoint,
    verify_consistency,
    verify_inclusion,
)
from touchstone.records import CaseMissingError, DamagedError, HeadProof, Records

CASE = "case-1"


def verify(proof: HeadProof, place: Place) -> Checkpoint:
    """What an outsider does with a proof."""
    history = place.keyring.history
    checkpoint = open_checkpoint(proof.checkpoint, history.origin, [history.current])
    leaf = leaf_hash(blind_head(proof.blind, proof.head))
    verify_inclusion(leaf, proof.index, checkpoint.size, proof.inclusion, checkpoint.root)
    assert proof.head.keyset == history.keyset
    for older in proof.older:
        before = open_checkpoint(older.note, history.origin, history.public_keys)
        verify_consistency(
            before.size, checkpoint.size, older.consistency, before.root, checkpoint.root
        )
    return checkpoint


def test_the_newest_head_is_proved_under_a_signed_checkpoint(records: Records, place: Place):
    for number in range(5):
        deeds.open_case(records, f"other-{number}")
        deeds.append_batch(records, CASE, b"evidence")
        proof = records.installation.prove(CASE, older=3)
        verify(proof, place)
        case = records.case(CASE)
        assert proof.head == records.head(CASE)
        assert (proof.head.log, proof.head.size, proof.head.root) == (
            case.log,
            case.size,
            case.root,
        )
        assert len(proof.older) == min(3, number)


def test_a_twin_proof_with_another_head_does_not_hold(records: Records, place: Place):
    proof = records.installation.prove(CASE)
    deeds.append_batch(records, CASE, b"evidence")
    verify(proof, place)
    other = records.installation.prove(CASE)
    with pytest.raises(AlteredError):
        verify(
            HeadProof(other.head, proof.blind, proof.index, proof.inclusion, proof.checkpoint, ()),
            place,
        )


def test_a_head_gets_a_leaf_when_it_is_published_and_no_other_does(records: Records, place: Place):
    assert verify(records.installation.prove(CASE), place).size == 1
    for _ in range(2):
        with records.transaction(CASE) as writer:
            append(writer, [deeds.fact()])
    with opening(records, "other") as writer:
        append(writer, [deeds.fact("case-opened")])
        writer.summarise(deeds.summary())
    before = records.installation.checkpoints()
    assert records.installation.publish() == len(["the newest head of this case", "the other's"])
    assert records.installation.publish() == 0
    assert records.installation.checkpoints() == before
    proof = records.installation.prove(CASE)
    assert verify(proof, place).size == 3
    assert proof.head.size == records.case(CASE).size
    assert list(records.check()) == []


def test_a_checkpoint_is_signed_once_while_nothing_moves(records: Records):
    first = records.installation.checkpoint()
    assert records.installation.checkpoint() == first
    deeds.append_batch(records, CASE, b"evidence")
    second = records.installation.checkpoint()
    assert second != first
    assert records.installation.checkpoints() == [first, second]


def test_an_empty_log_has_a_checkpoint(place: Place):
    history = place.keyring.history
    note = place.open().installation.checkpoint()
    assert open_checkpoint(note, history.origin, [history.current]).size == 0


def test_after_a_rotation_heads_are_recorded_anew(records: Records, place: Place):
    before = records.installation.prove(CASE)
    verify(before, place)
    place.keyring.rotate("2026-11-22T10:00:00Z", "yearly")
    after = records.installation.prove(CASE)
    assert verify(after, place).size == 2
    assert after.head.root == before.head.root
    assert after.head.keyset != before.head.keyset
    assert after.older[0].note == before.checkpoint
    assert records.installation.prove(CASE) == after


def test_the_proofs_of_a_destroyed_case_hold(records: Records, place: Place):
    deeds.append_batch(records, CASE, b"evidence")
    before = records.installation.prove(CASE)
    destroy_case(records, CASE)
    verify(before, place)
    after = records.installation.prove(CASE)
    verify(after, place)
    assert after.head == before.head


def test_leaves_tell_nothing_of_their_case(records: Records):
    deeds.append_batch(records, CASE, b"evidence")
    first, second = (records.installation.prove(CASE) for _ in range(2))
    assert first == second
    deeds.append_batch(records, CASE, b"evidence")
    assert records.installation.prove(CASE).blind != first.blind


def test_another_process_sees_the_log_grow(records: Records, place: Place):
    other = place.open()
    assert verify(other.installation.prove(CASE), place).size == 1
    deeds.append_batch(records, CASE, b"evidence")
    assert verify(other.installation.prove(CASE), place).size == 2


def test_an_unknown_case_has_no_proof(records: Records):
    with pytest.raises(CaseMissingError):
        records.installation.prove("nobody")


def test_altered_leaves_are_noticed(records: Records, place: Place):
    if place.server:
        place.owner("ALTER TABLE records_leafrow DISABLE TRIGGER USER")
        place.owner("UPDATE records_leafrow SET commitment = decode(repeat('00', 32), 'hex')")
    else:
        place.owner("DROP TRIGGER records_leafrow_no_update")
        place.owner("UPDATE records_leafrow SET commitment = zeroblob(32)")
    with pytest.raises(DamagedError, match="do not make its root"):
        records.installation.prove(CASE)
