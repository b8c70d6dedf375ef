from pathlib import Path

import pytest

from touchstone.service.errors import UnknownFrameworkError, UnreadableTextError
from touchstone.service.frameworks import load_framework, shipped_ids


def test_every_shipped_framework_loads():
    assert {"us-2026-06", "us-2026-05-draft", "approval-gate", "example"} <= set(shipped_ids())
    assert {load_framework(name).id for name in shipped_ids()} == set(shipped_ids())


def test_unknown_id_names_the_known():
    with pytest.raises(UnknownFrameworkError, match="shipped are approval-gate"):
        load_framework("us-2026-07")


def test_missing_file_is_one_line(tmp_path: Path):
    with pytest.raises(UnreadableTextError, match="cannot be read"):
        load_framework(str(tmp_path / "no.toml"))


def test_file_that_is_no_utf8(tmp_path: Path):
    path = tmp_path / "latin.toml"
    path.write_bytes(b'title = "\xe9"')
    with pytest.raises(UnreadableTextError, match="is not UTF-8"):
        load_framework(str(path))


def test_huge_file_is_not_read(tmp_path: Path):
    path = tmp_path / "huge.toml"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(UnreadableTextError, match="larger than"):
        load_framework(str(path))
