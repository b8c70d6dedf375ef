"""A disk without room: nothing is acknowledged, nothing is lost, and it goes on with room."""

import asyncio
import errno
import os
from pathlib import Path

import pytest

from touchstone.gateway.audit import AuditLog, Pseudonyms, check_audit, read_audit
from touchstone.gateway.audit.export import worker_folder
from touchstone.gateway.errors import GatewayError

pytestmark = pytest.mark.enable_socket


class Disk:
    """Room for so many bytes; and what a full disk does to a write."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.room: int | None = None
        self._write = os.write
        patch.setattr(os, "write", self.write)

    def write(self, descriptor: int, data: bytes) -> int:
        if self.room is None:
            return self._write(descriptor, data)
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        some = self._write(descriptor, bytes(data)[: self.room])
        self.room -= some
        return some


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def log(folder: Path, rotate_bytes: int = 1 << 20) -> AuditLog:
    names = Pseudonyms(b"k" * 32)
    return AuditLog(worker_folder(folder, 0), names, lambda: 1.0, rotate_bytes, {"worker": 0})


async def refused(found: AuditLog) -> None:
    with pytest.raises(GatewayError, match="No space"):
        await found.commit({"kind": "refused"})


@pytest.mark.parametrize("room", [0, 1, 40, 100])
def test_it_goes_on_where_it_was_whole(tmp_path: Path, disk: Disk, room: int):
    async def work() -> None:
        found = log(tmp_path)
        await found.commit({"kind": "first"})
        head = found.head
        disk.room = room
        await refused(found)
        assert found.full
        assert found.head == head  # a receipt names nothing that may not be there
        await refused(found)
        assert not await found.reopen()
        disk.room = None
        assert await found.reopen()
        assert found.failed is None
        await found.commit({"kind": "second"})
        await found.close()

    asyncio.run(work())
    kinds = [each.line.event["kind"] for each in read_audit(tmp_path)]
    assert [kind for kind in kinds if kind != "opened"] == ["first", "second"]
    assert check_audit(tmp_path).lines == len(kinds)


def test_another_fault_is_no_want_of_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async def work() -> None:
        found = log(tmp_path)

        def broken(_: int) -> None:
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(os, "fdatasync", broken)
        with pytest.raises(GatewayError):
            await found.commit({"kind": "lost"})
        assert not found.full

    asyncio.run(work())


def test_twin_without_the_healing_what_was_torn_stays(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
):
    async def work() -> None:
        found = log(tmp_path)
        await found.commit({"kind": "first"})
        disk.room = 40
        await refused(found)
        disk.room = None
        monkeypatch.setattr(os, "truncate", lambda *_: None)
        assert await found.reopen()
        await found.close()

    asyncio.run(work())
    with pytest.raises(GatewayError, match="no end"):
        check_audit(tmp_path)


def test_no_room_for_the_next_file_closes_nobody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The old file is closed by then: its number may be a client's connection."""
    real = os.open

    def full(path: Path, flags: int, *more: int) -> int:
        if flags & os.O_EXCL:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, flags, *more)

    async def work() -> None:
        found = log(tmp_path, 1)
        with monkeypatch.context() as patch:
            patch.setattr(os, "open", full)
            await refused(found)
            # It takes the lowest number that is free.
            connection = real(tmp_path, os.O_RDONLY)
            for _ in range(2):
                assert not await found.reopen()
                os.fstat(connection)
        assert await found.reopen()
        await found.commit({"kind": "second"})
        await found.close()
        os.fstat(connection)
        os.close(connection)

    asyncio.run(work())
    assert check_audit(tmp_path).kinds["second"] == 1
