"""Receipts: what they say comes back, and no byte of them changes unseen."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.ledger_signer import Signer
from touchstone.gateway import receipts
from touchstone.gateway.errors import ReceiptError
from touchstone.gateway.receipts import Receipt, SignedReceipt, WorkerReport, verify_chain
from touchstone.handin import utc
from touchstone.ledger import MalformedError, dumps, loads
from touchstone.service.access import gateways
from touchstone.service.receipt_folder import read_gateway

GATEWAY, STRANGER = Signer("gateway-1"), Signer("stranger")
DONE = WorkerReport(0, killed=False, ms=4, live=3, cut=2, kept=1, late_bytes=0, audit=None)
KILLED = WorkerReport(
    1, killed=True, ms=203, live=None, cut=None, kept=None, late_bytes=None, audit=None
)


def receipt(number: int = 1, before: SignedReceipt | None = None) -> Receipt:
    return Receipt(
        gateway="gateway-1",
        stream="example-model/production",
        number=number,
        digest="sha256:" + "ab" * 32,
        after=before.receipt.number if before else 0,
        previous=before.digest if before else None,
        received_at=1_795_000_000_000,
        applied_at=1_795_000_000_031,
        workers=(DONE, KILLED),
    )


FIRST = receipt().sign(GATEWAY)
SECOND = receipt(4, FIRST).sign(GATEWAY)
THIRD = receipt(5, SECOND).sign(GATEWAY)


def test_a_receipt_comes_back_as_it_went():
    found = SignedReceipt.parse(FIRST.data)
    found.verify(GATEWAY.public_key)
    assert found == FIRST
    assert found.receipt.milliseconds == 31


@pytest.mark.parametrize("name", ["received_at", "applied_at"])
@pytest.mark.parametrize("beyond", [receipts.LAST_MS + 1, 2**53 - 1])
def test_a_time_beyond_the_calendar_is_no_receipts(tmp_path: Path, name: str, beyond: int):
    """Nobody could write it down: where it is noted, the record takes a time of the calendar."""
    times: dict[str, Any] = {name: beyond}
    signed = replace(receipt(), **times).sign(GATEWAY)
    with pytest.raises(MalformedError, match=f"{name} is beyond the calendar"):
        SignedReceipt.parse(signed.data)
    (tmp_path / "000001.json").write_bytes(signed.data)
    heard = gateways.hear(read_gateway("gateway-1", GATEWAY.public_key, tmp_path))
    assert (heard.receipts, "beyond the calendar" in str(heard.fault)) == ((), True)


def test_twin_without_the_bound_it_is_believed_and_cannot_be_noted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(receipts, "LAST_MS", 2**60)
    signed = replace(receipt(), applied_at=2**53 - 1).sign(GATEWAY)
    found = SignedReceipt.parse(signed.data).receipt
    with pytest.raises(ValueError, match="out of range"):
        utc(found.applied_at // 1000)


def test_the_last_time_of_the_calendar_can_be_written_down():
    signed = replace(receipt(), applied_at=receipts.LAST_MS).sign(GATEWAY)
    found = SignedReceipt.parse(signed.data).receipt
    assert utc(found.applied_at // 1000) == "9999-12-31T23:59:59Z"


def test_a_chain_holds():
    verify_chain([], GATEWAY.public_key)
    verify_chain([FIRST, SECOND, THIRD], GATEWAY.public_key)


def forged() -> SignedReceipt:
    return replace(FIRST, receipt=replace(FIRST.receipt, workers=(DONE,)))


def test_a_forged_receipt_is_found():
    with pytest.raises(ReceiptError, match="does not hold"):
        forged().verify(GATEWAY.public_key)
    with pytest.raises(ReceiptError, match="is signed by"):
        receipt().sign(STRANGER).verify(GATEWAY.public_key)


def test_twin_without_the_signature_a_forged_receipt_passes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(receipts, "check_signature", lambda *_: None)
    forged().verify(GATEWAY.public_key)


@pytest.mark.parametrize(
    "chain",
    [
        [SECOND, THIRD],
        [FIRST, THIRD],
        [FIRST, FIRST],
        [FIRST, replace(receipt(4, FIRST), after=2).sign(GATEWAY)],
        [FIRST, replace(receipt(4, FIRST), gateway="gateway-2").sign(GATEWAY)],
        [FIRST, receipt(1, FIRST).sign(GATEWAY)],
    ],
    ids=["no-first", "left-out", "twice", "about-others", "other-gateway", "goes-back"],
)
def test_a_broken_chain_is_found(chain: list[SignedReceipt]):
    with pytest.raises(ReceiptError):
        verify_chain(chain, GATEWAY.public_key)


@given(st.integers(0, len(FIRST.data) - 1), st.integers(1, 255))
def test_no_byte_changes_unseen(place: int, flip: int):
    data = bytearray(FIRST.data)
    data[place] ^= flip
    with pytest.raises((MalformedError, ReceiptError)):
        SignedReceipt.parse(bytes(data)).verify(GATEWAY.public_key)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("number", -1),
        ("number", True),
        ("digest", ""),
        ("previous", 3),
        ("workers", {}),
        ("workers", [{}]),
        ("format", "touchstone/receipt/2"),
        ("extra", 1),
    ],
)
def test_what_is_no_receipt_is_refused(name: str, value: object):
    whole = loads(FIRST.data)
    whole["receipt"][name] = value
    with pytest.raises(MalformedError):
        SignedReceipt.parse(dumps(whole))


@pytest.mark.parametrize("change", [{"killed": 1}, {"live": None}, {"audit": 2}, {"ms": -1}])
def test_a_worker_that_was_not_killed_tells_its_counts(change: dict[str, object]):
    whole = loads(FIRST.data)
    whole["receipt"]["workers"][0] |= change
    with pytest.raises(MalformedError):
        SignedReceipt.parse(dumps(whole))


@pytest.mark.parametrize("signature", ["zz", "AB", FIRST.signature.hex().upper()])
def test_a_signature_has_one_spelling(signature: str):
    whole = loads(FIRST.data) | {"signature": signature}
    with pytest.raises(MalformedError):
        SignedReceipt.parse(dumps(whole))
