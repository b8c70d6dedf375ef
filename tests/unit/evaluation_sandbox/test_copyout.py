"""Which failure to take an answer out is the model's own, and which is the machine's."""

import errno
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from touchstone.evaluation.sandbox import CopyOutRefusedError, copyout
from touchstone.evaluation.sandbox.errors import SandboxError


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "answer").write_bytes(b"42")
    fd = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield fd
    os.close(fd)


def test_no_more_open_files_is_the_machines_fault(folder: int):
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Descriptors below the limit may be open: what counts is that no new one can be had.
    free = os.dup(folder)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, before[1]))
    try:
        with pytest.raises(SandboxError, match="too many open files") as found:
            copyout.read(folder, "answer", 100)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert not isinstance(found.value, CopyOutRefusedError)
    assert copyout.read(folder, "answer", 100) == b"42"


@pytest.mark.parametrize("code", sorted(errno.errorcode))
def test_only_what_can_be_planted_is_refused(
    code: int, folder: int, monkeypatch: pytest.MonkeyPatch
):
    def failing(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(copyout, "open_beneath", failing)
    planted = {"ELOOP", "EXDEV", "EACCES", "ENXIO", "ENOTDIR", "EAGAIN", "ETOOMANYREFS"}
    with pytest.raises((SandboxError, FileNotFoundError)) as found:
        copyout.read(folder, "answer", 100)
    assert isinstance(found.value, CopyOutRefusedError) is (errno.errorcode[code] in planted)
    assert isinstance(found.value, FileNotFoundError) is (code == errno.ENOENT)


def test_a_read_that_fails_is_the_machines_fault(folder: int, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(copyout, "read_copied", broken)
    with pytest.raises(SandboxError, match="input/output error") as found:
        copyout.read(folder, "answer", 100)
    assert not isinstance(found.value, CopyOutRefusedError)


def test_what_a_program_may_put_there_is_refused(folder: int, tmp_path: Path):
    (tmp_path / "link").symlink_to("answer")
    os.mkfifo(tmp_path / "pipe")
    for path in ("link", "pipe", "answer/below"):
        with pytest.raises(CopyOutRefusedError):
            copyout.read(folder, path, 100)
