"""The audit: durable before it answers, healed after a crash, and no line changes unseen."""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.ledger_signer import Signer
from touchstone.gateway.audit import (
    START,
    AuditLine,
    AuditLog,
    Pseudonyms,
    check_audit,
    export,
    read_audit,
)
from touchstone.gateway.audit.export import worker_folder
from touchstone.gateway.audit.lines import digest, parse_line
from touchstone.gateway.errors import AuditError, GatewayError, StateError
from touchstone.gateway.receipts import Receipt, SignedReceipt, WorkerReport
from touchstone.ledger import MalformedError

# An event loop needs a pair of sockets of its own.
pytestmark = pytest.mark.enable_socket
NAMES = Pseudonyms(b"k" * 32)


class Ticks:
    """A clock that goes on by a millisecond at each look."""

    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


CLOCK = Ticks()


def log(folder: Path, worker: int = 0, rotate_bytes: int = 1 << 20) -> AuditLog:
    about = {"gateway": "gateway-1", "worker": worker}
    return AuditLog(worker_folder(folder, worker), NAMES, CLOCK, rotate_bytes, about)


def written(folder: Path, *kinds: str, worker: int = 0, rotate_bytes: int = 1 << 20) -> str:
    """One run of a worker; the digest of its last line."""

    async def work() -> str:
        found = log(folder, worker, rotate_bytes)
        for each in kinds:
            await found.commit({"kind": each, "caller": "ann@example"})
        await found.close()
        return found.head or ""

    return asyncio.run(work())


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def newest(folder: Path, worker: int = 0) -> Path:
    return max(worker_folder(folder, worker).glob("*.jsonl"))


def kinds(folder: Path) -> list[str]:
    return [each.line.event["kind"] for each in read_audit(folder)]


def test_lines_come_back_merged_by_time(tmp_path: Path):
    written(tmp_path, "decided", worker=0)
    written(tmp_path, "cut", "decided", worker=1)
    written(tmp_path, "decided", worker=0)
    assert kinds(tmp_path) == ["opened", "decided", "opened", "cut", "decided", "opened", "decided"]
    found = check_audit(tmp_path)
    assert (found.workers, found.lines, found.anchored) == (2, 7, 0)
    assert found.kinds == {"cut": 1, "decided": 3, "opened": 3}


def test_a_caller_is_written_as_a_pseudonym_that_only_the_key_makes(tmp_path: Path):
    written(tmp_path, "decided")
    text = newest(tmp_path).read_text()
    assert "ann" not in text
    assert NAMES.name("ann@example") in text
    assert Pseudonyms(b"l" * 32).name("ann@example") not in text


def test_twin_without_pseudonyms_the_caller_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Pseudonyms, "name", lambda _self, subject: subject)
    written(tmp_path, "decided")
    assert "ann@example" in newest(tmp_path).read_text()


def test_the_key_of_pseudonyms_is_made_once_and_never_guessed(tmp_path: Path):
    path = tmp_path / "keys" / "audit.key"
    first = Pseudonyms.load_or_create(path)
    assert Pseudonyms.load_or_create(path).name("ann") == first.name("ann")
    assert "ann" not in repr(first)
    path.write_text("nonsense")
    with pytest.raises(StateError, match="is no audit key"):
        Pseudonyms.load_or_create(path)


class Slow:
    """Counts syncs, and lets the first take as long as the test wants."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.syncs = 0
        self.go = threading.Event()
        real: Callable[[int], None] = os.fdatasync

        def counted(descriptor: int) -> None:
            self.syncs += 1
            assert self.go.wait(10)
            real(descriptor)

        monkeypatch.setattr("os.fdatasync", counted)


def test_those_who_come_while_the_disk_is_busy_share_a_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async def work() -> None:
        found = log(tmp_path)
        slow = Slow(monkeypatch)
        early = [asyncio.create_task(found.commit({"kind": "decided"})) for _ in range(50)]
        while not slow.syncs:  # noqa: ASYNC110 - it is counted in a thread
            await asyncio.sleep(0.001)
        late = [asyncio.create_task(found.commit({"kind": "decided"})) for _ in range(50)]
        await asyncio.sleep(0)
        slow.go.set()
        await asyncio.gather(*early, *late)
        assert slow.syncs == 2
        await found.close()

    run(work())
    assert check_audit(tmp_path).lines == 101


def test_commit_returns_after_the_sync_and_never_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    order: list[str] = []
    real: Callable[[int], None] = os.fdatasync

    def noted(descriptor: int) -> None:
        real(descriptor)
        order.append("durable")

    async def work() -> None:
        found = log(tmp_path)
        monkeypatch.setattr("os.fdatasync", noted)
        await found.commit({"kind": "decided"})
        order.append("answered")
        await found.close()

    run(work())
    assert order == ["durable", "answered"]


def test_one_who_goes_away_does_not_wake_the_others(tmp_path: Path):
    async def work() -> None:
        found = log(tmp_path)
        tasks = [asyncio.create_task(found.commit({"kind": "decided"})) for _ in range(5)]
        await asyncio.sleep(0)
        tasks[2].cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [each is None for each in done] == [True, True, False, True, True]
        await found.close()

    run(work())
    assert check_audit(tmp_path).lines == 6


def test_after_a_failed_write_it_never_says_yes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    async def work() -> None:
        found = log(tmp_path)
        with monkeypatch.context() as patch:
            patch.setattr("os.fdatasync", full)
            tasks = [found.commit({"kind": "decided"}) for _ in range(3)]
            done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(each) for each in done] == [GatewayError] * 3
        with pytest.raises(GatewayError, match="No space left"):
            await found.commit({"kind": "decided"})
        assert found.failed
        await found.close()

    run(work())


def test_what_json_cannot_hold_is_refused_and_leaves_no_trace(tmp_path: Path):
    async def work() -> None:
        found = log(tmp_path)
        with pytest.raises(MalformedError):
            await found.commit({"kind": "decided", "seconds": 0.5})
        await found.commit({"kind": "decided"})
        await found.close()

    run(work())
    assert kinds(tmp_path) == ["opened", "decided"]


def test_a_large_file_is_followed_by_another_in_the_same_chain(tmp_path: Path):
    written(tmp_path, *["decided"] * 50, rotate_bytes=4096)
    files = sorted(worker_folder(tmp_path, 0).glob("*.jsonl"))
    assert len(files) > 2
    assert max(path.stat().st_size for path in files) < 5000
    assert kinds(tmp_path).count("decided") == 50


def test_two_processes_never_write_one_audit(tmp_path: Path):
    async def work() -> None:
        found = log(tmp_path)
        with pytest.raises(GatewayError, match="another process writes this audit"):
            log(tmp_path)
        await found.close()

    run(work())


@pytest.mark.parametrize("torn", [b'{"at":1', b"\x00" * 700, b'{"at"\x00\x00\n\x00', b""])
def test_what_a_crash_tore_is_healed_and_told(tmp_path: Path, torn: bytes):
    written(tmp_path, "decided")
    with newest(tmp_path).open("ab") as file:
        file.write(torn)
    written(tmp_path, "decided")
    assert kinds(tmp_path) == ["opened", "decided", "opened", "decided"]
    healed = [each.line.event.get("healed_bytes", 0) for each in read_audit(tmp_path)]
    assert healed[2] == len(torn)


def test_a_file_without_its_first_line_is_healed(tmp_path: Path):
    written(tmp_path, "decided")
    (worker_folder(tmp_path, 0) / "000002.jsonl").write_bytes(b'{"at"')
    written(tmp_path, "decided")
    assert kinds(tmp_path) == ["opened", "decided", "opened", "decided"]


def test_a_reader_is_not_troubled_by_a_line_that_is_being_written(tmp_path: Path):
    written(tmp_path, "decided")
    with newest(tmp_path).open("ab") as file:
        file.write(b'{"at":1')
    assert kinds(tmp_path) == ["opened", "decided"]


def test_healing_takes_no_kept_line_away(tmp_path: Path):
    written(tmp_path, "decided", "decided", "decided")
    path = newest(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"\x00" * len(lines[1]) + lines[2] + lines[3])
    with pytest.raises(AuditError, match="altered"):
        log(tmp_path)
    path.write_bytes(b"".join(lines) + b"{}\n")
    with pytest.raises(AuditError, match="altered"):
        log(tmp_path)


def altered(folder: Path) -> Path:
    """A whole line taken out of the middle."""
    written(folder, "decided", "cut", "decided")
    path = newest(folder)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1] + lines[3])
    return path


def test_a_line_that_is_gone_is_found(tmp_path: Path):
    path = altered(tmp_path)
    with pytest.raises(AuditError) as caught:
        check_audit(tmp_path)
    assert f"{path}:3: does not follow" in str(caught.value)


def test_twin_without_the_chain_it_is_not_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    altered(tmp_path)
    chain = [AuditLine(-1, START, 0, {})]

    def unchained(data: bytes) -> AuditLine:
        before, line = chain[-1], parse_line(data)
        previous = digest(before.data) if before.n >= 0 else START
        chain.append(AuditLine(before.n + 1, previous, line.at, line.event))
        return chain[-1]

    monkeypatch.setattr(export, "parse_line", unchained)
    monkeypatch.setattr(export, "digest", lambda _data: digest(chain[-1].data))
    assert [each.line.event["kind"] for each in read_audit(tmp_path)].count("cut") == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_byte_changes_unseen(tmp_path: Path, data: st.DataObject):
    if not worker_folder(tmp_path, 0).exists():
        anchor(tmp_path)
    path = worker_folder(tmp_path, 0) / "000001.jsonl"
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(changed)
    try:
        with pytest.raises(AuditError):
            check_audit(tmp_path, [_receipt(_digest(whole))])
    finally:
        path.write_bytes(whole)


def _digest(whole: bytes) -> str:
    return digest(whole.splitlines()[-1])


def _receipt(digest: str) -> SignedReceipt:
    report = WorkerReport(0, killed=False, ms=1, live=0, cut=0, kept=0, late_bytes=0, audit=digest)
    receipt = Receipt("gateway-1", "s", 7, "sha256:00", 0, None, 1, 2, (report,))
    return receipt.sign(Signer("gateway-1"))


def anchor(folder: Path) -> SignedReceipt:
    return _receipt(written(folder, "decided", "decided"))


def test_a_receipt_vouches_for_the_lines_before_it(tmp_path: Path):
    signed = anchor(tmp_path)
    written(tmp_path, "decided")
    found = check_audit(tmp_path, [signed])
    assert (found.lines, found.anchored) == (5, 3)


def cut_off(folder: Path) -> SignedReceipt:
    signed = anchor(folder)
    path = newest(folder)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    return signed


def test_an_end_that_was_cut_off_is_found(tmp_path: Path):
    with pytest.raises(AuditError, match="ends before receipt 7, or was written anew"):
        check_audit(tmp_path, [cut_off(tmp_path)])


def test_twin_without_the_receipt_the_cut_is_not_found(tmp_path: Path):
    cut_off(tmp_path)
    assert check_audit(tmp_path).lines == 2


def test_a_file_that_is_gone_is_found(tmp_path: Path):
    written(tmp_path, "decided")
    written(tmp_path, "decided")
    (worker_folder(tmp_path, 0) / "000001.jsonl").unlink()
    with pytest.raises(AuditError, match=r"000001\.jsonl: is missing"):
        check_audit(tmp_path)


def test_a_line_without_an_end_in_an_older_file_is_found(tmp_path: Path):
    written(tmp_path, "decided")
    path = newest(tmp_path)
    written(tmp_path, "decided")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(AuditError, match="a line has no end"):
        check_audit(tmp_path)
