"""Secret files: who may read them, and that they appear whole or not at all."""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from touchstone.errors import BadInputError
from touchstone.keys import KeyExistsError, KeyFileError, KeyMissingError, KeyUnsafeError, files
from touchstone.keys.files import (
    locked,
    move_folder,
    read_secret,
    secret_folder,
    take_place,
    write_file,
    write_secret,
)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "one"
    write_secret(path, b"secret")
    return path


def test_a_secret_comes_back_and_only_its_owner_may_read_it(key: Path):
    assert read_secret(key) == b"secret"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644])
def test_a_key_open_to_others_is_refused_with_the_mend(key: Path, mode: int):
    key.chmod(mode)
    with pytest.raises(KeyFileError, match=rf"mode {mode:04o}\); fix: chmod 600 ") as caught:
        read_secret(key)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert isinstance(caught.value, BadInputError)


def test_a_folder_open_to_others_is_refused(key: Path):
    key.parent.chmod(0o755)
    with pytest.raises(KeyFileError, match="fix: chmod 700 "):
        read_secret(key)
    with pytest.raises(KeyFileError, match="fix: chmod 700 "):
        write_secret(key.with_name("two"), b"x")


def test_a_key_of_another_user_is_refused(key: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "geteuid", lambda: key.stat().st_uid + 1)
    with pytest.raises(KeyFileError, match="fix: chown "):
        read_secret(key)


def test_twin_without_the_check_an_open_key_is_read(key: Path, monkeypatch: pytest.MonkeyPatch):
    key.chmod(0o644)
    monkeypatch.setattr(files, "_check_owner", lambda *_: None)
    assert read_secret(key) == b"secret"


def test_a_link_is_refused(key: Path):
    link = key.with_name("link")
    link.symlink_to(key)
    with pytest.raises(KeyFileError, match="is a link"):
        read_secret(link)


def test_twin_without_nofollow_a_link_is_followed(key: Path, monkeypatch: pytest.MonkeyPatch):
    link = key.with_name("link")
    link.symlink_to(key)
    monkeypatch.setattr(os, "O_NOFOLLOW", 0)
    assert read_secret(link) == b"secret"


def test_a_linked_folder_is_refused(key: Path, tmp_path: Path):
    other = tmp_path / "other"
    other.symlink_to(key.parent)
    with pytest.raises(KeyFileError, match="link or a file"):
        secret_folder(other)


def test_folders_above_that_are_missing_are_made_for_the_owner_alone(tmp_path: Path):
    mask = os.umask(0)
    try:
        secret_folder(tmp_path / "home" / "keys")
    finally:
        os.umask(mask)
    assert [stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "home").rglob("")] == [
        0o700,
        0o700,
    ]


def test_what_is_not_a_file_is_refused(key: Path):
    pipe, inner = key.with_name("pipe"), key.with_name("folder")
    os.mkfifo(pipe, 0o600)
    inner.mkdir(mode=0o700)
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    for path in (pipe, inner):
        with pytest.raises(KeyUnsafeError, match="not a regular file"):
            read_secret(path)
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before


def test_a_disk_that_fails_while_reading_is_told(key: Path, monkeypatch: pytest.MonkeyPatch):
    def failing(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("touchstone.keys.files.os.fdopen", failing)
    with pytest.raises(KeyFileError, match="cannot be read: Input/output error"):
        read_secret(key)


def test_a_lock_that_is_a_folder_is_told(key: Path):
    key.with_name(".lock").mkdir()
    with pytest.raises(KeyFileError, match="cannot be opened"), locked(key.parent):
        pass


def test_a_missing_key_is_named(tmp_path: Path):
    with pytest.raises(KeyMissingError, match="no such key file"):
        read_secret(tmp_path / "none")


def test_a_huge_file_is_refused(key: Path):
    with key.open("ab") as file:
        file.truncate(files.LARGEST + 1)
    with pytest.raises(KeyFileError, match="too many"):
        read_secret(key)


def test_a_key_is_never_overwritten(key: Path):
    with pytest.raises(KeyExistsError, match="never overwritten"):
        write_secret(key, b"other")
    assert read_secret(key) == b"secret"
    assert list(key.parent.iterdir()) == [key]


def test_replacing_is_asked_for(key: Path):
    write_secret(key, b"other", replace=True)
    assert read_secret(key) == b"other"


def test_a_failed_write_leaves_nothing(key: Path, monkeypatch: pytest.MonkeyPatch):
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeyFileError, match="No space left"):
        write_secret(key.with_name("two"), b"x")
    assert list(key.parent.iterdir()) == [key]


def test_a_file_gives_way_whole_or_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    synced: list[Path] = []
    path = tmp_path / "report"
    monkeypatch.setattr(files, "sync_folder", synced.append)
    write_file(path, [b"old"])
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"old", 0o600)
    assert synced == [tmp_path]

    def broken() -> Iterator[bytes]:
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_file(path, broken())
    assert path.read_bytes() == b"old"
    assert [*tmp_path.iterdir()] == [path]
    write_file(path, [b"n", b"ew"])
    assert path.read_bytes() == b"new"
    with pytest.raises(FileExistsError):
        write_file(path, [b"newer"], replace=False)
    assert path.read_bytes() == b"new"
    assert [*tmp_path.iterdir()] == [path]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path):
    path, other = tmp_path / "report", tmp_path / "other"
    other.write_bytes(b"kept")
    path.symlink_to(other)
    write_file(path, [b"new"])
    assert not path.is_symlink()
    assert other.read_bytes() == b"kept"


@pytest.mark.parametrize("step", ["fsync", "open"])
def test_an_error_names_the_file_and_not_its_draft(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", ".draft")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space left") as refused:
        write_file(tmp_path / "report", [b"x"])
    assert refused.value.filename == str(tmp_path / "report")
    monkeypatch.undo()
    assert [*tmp_path.iterdir()] == []


def test_a_lock_is_held_alone(tmp_path: Path):
    with (
        locked(tmp_path / "k"),
        (tmp_path / "k" / ".lock").open("rb") as other,
        pytest.raises(BlockingIOError),
    ):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_folder_takes_the_place_of_no_other(tmp_path: Path):
    whole, there = tmp_path / "whole", tmp_path / "there"
    whole.mkdir()
    (whole / "a").write_bytes(b"a")
    there.mkdir()
    with pytest.raises(FileExistsError):
        move_folder(whole, there)
    assert [*there.iterdir()] == []
    move_folder(whole, tmp_path / "new")
    assert (tmp_path / "new" / "a").read_bytes() == b"a"
    assert not whole.exists()


@pytest.mark.parametrize("links", [True, False])
def test_a_draft_takes_a_free_name_and_no_other(
    links: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    def none(*_: object) -> None:
        raise OSError(errno.EPERM, "this disk knows no links")

    if not links:
        monkeypatch.setattr(os, "link", none)
    draft, path = tmp_path / ".draft", tmp_path / "file"
    draft.write_bytes(b"new")
    path.write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        take_place(draft, path)
    assert (draft.read_bytes(), path.read_bytes()) == (b"new", b"precious")
    path.unlink()
    # A link that leads nowhere has the name too.
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        take_place(draft, path)
    path.unlink()
    inode = draft.stat().st_ino
    take_place(draft, path)
    assert (path.read_bytes(), path.stat().st_ino, draft.exists()) == (b"new", inode, False)
