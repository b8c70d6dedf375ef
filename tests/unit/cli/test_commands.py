"""Commands on a new installation, on a damaged one, and with streams that are gone."""

import os
from pathlib import Path

import pytest

from touchstone.cli import app
from touchstone.cli.app import run

from .conftest import Command


def test_new_installation_has_no_case(command: Command):
    assert "No case so far" in command("review", "list").out
    assert command("review", "list", "--json").out == "[]\n"
    assert "0 cases" in command("rebuild").out
    assert "no case begins with 'abc'" in command("review", "show", "abc").refused()
    assert (
        "no case begins with 'abc'" in command("review", "halt", "abc", "--reason", "x").refused()
    )
    assert "no case begins with 'abc'" in command("review", "destroy", "abc", "--yes").refused()


def test_home_is_for_its_owner_alone(command: Command, home: Path):
    command("review", "list")
    assert home.stat().st_mode & 0o077 == 0


def test_home_that_is_a_file(command: Command, home: Path):
    home.write_text("", "ascii")
    assert "cannot be a key folder" in command("review", "list").refused()


def test_keys_that_others_can_read(command: Command, home: Path):
    command("review", "list")
    key = home / "keys" / "master.key"
    key.chmod(0o644)
    assert f"fix: chmod 600 {key}" in command("review", "list").refused()


def test_master_key_of_another_installation(
    command: Command, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    command("review", "list")
    monkeypatch.setenv("TOUCHSTONE_HOME", str(tmp_path / "other"))
    command("review", "list")
    other = tmp_path / "other" / "keys" / "master.key"
    (home / "keys" / "master.key").write_bytes(other.read_bytes())
    monkeypatch.setenv("TOUCHSTONE_HOME", str(home))
    said = command("review", "list")
    assert said.code == 0
    assert "belongs to another installation" in said.err


def test_record_that_is_no_database(command: Command, home: Path):
    command("review", "list")
    for path in home.glob("record.sqlite3*"):
        path.write_bytes(b"x" * 4096)
    assert "the record's file" in command("review", "list").refused(1)


@pytest.mark.parametrize("address", ["mysql://x@y/z", "postgresql://", "postgresql://u@h:x/n"])
def test_database_setting(command: Command, monkeypatch: pytest.MonkeyPatch, address: str):
    monkeypatch.setenv("TOUCHSTONE_DATABASE", address)
    assert "TOUCHSTONE_DATABASE" in command("review", "list").refused()
    assert "TOUCHSTONE_DATABASE" in command("doctor", "--prepare").refused()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("verify", "none.jsonl"), "none.jsonl: No such file or directory"),
        (("verify", "."), ".: Is a directory"),
        (("bench", "none"), "no bench is called 'none'; there are ledger, engine, "),
        (("none",), 'Unknown command "none". Available commands: review, accounts, '),
        (("review", "show"), "CASE: is missing; see touchstone review show --help"),
        (("verify",), "BUNDLE: is missing; see touchstone verify --help"),
        (("party", "show", "--as"), "--as: needs a value; see touchstone party show --help"),
        (("clock", "end", "a"), "--reason: needs a value; see touchstone clock end --help"),
        (
            ("server", "join", "https://x.example", "--fingerprint", "x"),
            "--fingerprint: write a key's fingerprint, SHA256: and 64 lowercase hex digits",
        ),
    ],
    ids=str,
)
def test_wrong_words_are_told_what_is_wrong(command: Command, words: tuple[str, ...], told: str):
    assert command(*words).refused().startswith(f"touchstone: {told}")


WITNESS_FORM = (
    "x is not of the form NAME=<64 hex digits> or a witness's vkey: "
    "has no vkey: <name>+<8 hex digits>+<base64>"
)


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (("--trust", "x"), "x is not of the form SHA256:<64 hex digits>"),
        (("--witness", "x"), WITNESS_FORM),
        (("--head", "0:x"), "0:x is not of the form SIZE:<64 hex digits>"),
    ],
    ids=str,
)
def test_a_wrong_pin_is_told_its_form(
    command: Command, tmp_path: Path, option: tuple[str, str], told: str
):
    bundle = tmp_path / "bundle.jsonl"
    bundle.write_text("{}\n", "ascii")
    assert command("verify", bundle, *option).refused() == f"touchstone: {told}"


def test_altered_bundle_is_a_no_with_its_place(command: Command, tmp_path: Path):
    bundle = tmp_path / "bundle.jsonl"
    bundle.write_text('{"format":"touchstone/bundle/1","line":"bundle"}\n', "ascii")
    said = command("verify", bundle)
    assert said.code == 1
    assert said.out.startswith("altered")
    assert "line 1" in said.out


def test_what_is_no_bundle_is_bad_input(command: Command, tmp_path: Path):
    bundle = tmp_path / "bundle.jsonl"
    bundle.write_text("{}\n", "ascii")
    assert "is no bundle" in command("verify", bundle).refused()


def _raises(error: BaseException) -> object:
    def call(*_: object, **__: object) -> None:
        raise error

    return call


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (KeyboardInterrupt(), 130, "the same command goes on"),
        (OSError(28, "No space left on device", "/home/x"), 2, "/home/x: No space left"),
        (BrokenPipeError(), 0, ""),
        (KeyError("x"), 70, "a defect in Touchstone itself, please report it: KeyError 'x'"),
    ],
)
def test_what_no_room_foresaw(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    told: str,
):
    monkeypatch.setattr(app, "app", _raises(error))
    monkeypatch.setattr(os, "dup2", lambda *_: None)
    assert run(["review", "list"]) == code
    assert told in capfd.readouterr().err
