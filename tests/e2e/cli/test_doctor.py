"""What doctor says, from a real look at this machine."""

import json
from pathlib import Path
from typing import Any

import pytest

from touchstone.cli.app import run


def doctor(capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    code = run(["doctor", "--json"])
    return code, {row["name"].strip(): row for row in json.loads(capsys.readouterr().out)}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOUCHSTONE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TOUCHSTONE_DATABASE", raising=False)
    return tmp_path / "home"


def test_looking_makes_nothing_and_preparing_makes_the_record(
    home: Path, capsys: pytest.CaptureFixture[str]
):
    code, rows = doctor(capsys)
    assert code == (not all(row["ok"] for row in rows.values()))
    assert rows["Database"]["found"].startswith("SQLite")
    assert not home.exists()
    run(["doctor", "--prepare"])
    said = capsys.readouterr()
    assert "Prepared: SQLite" in said.err
    assert "Sandbox grade" in said.out
    assert (home / "record.sqlite3").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("below", ["", "home"])
def test_a_home_that_is_no_folder_is_not_ok(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, below: str
):
    home.write_text("a file\n", "utf-8")
    monkeypatch.setenv("TOUCHSTONE_HOME", str(home / below))
    code, rows = doctor(capsys)
    assert code == 1
    assert not rows["Home"]["ok"]
    assert "set TOUCHSTONE_HOME to a folder" in rows["Home"]["fix"]


def test_each_fault_is_a_row_with_its_mend(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    assert run(["review", "list"]) == 0
    (home / "keys" / "master.key").chmod(0o644)
    capsys.readouterr()
    code, rows = doctor(capsys)
    assert code == 1
    assert "chmod 600" in rows["Installation"]["fix"]
    address = "postgresql://user:a-password@127.0.0.1:1/record"
    monkeypatch.setenv("TOUCHSTONE_DATABASE", address)
    code, rows = doctor(capsys)
    assert code == 1
    assert not rows["Database"]["ok"]
    assert "a-password" not in str(rows)
