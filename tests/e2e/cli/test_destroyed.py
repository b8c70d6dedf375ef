"""A destroyed case: commands say what is left, no certificate is lost, and the key goes."""

import io
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from support.every_command import WITH_CASE, file_for, words_for
from support.june import June, Said
from touchstone.cli import destroying
from touchstone.evaluation.digests import digest_value
from touchstone.keys import Keyring
from touchstone.ledger import dumps
from touchstone.records import Records, destructions
from touchstone.records.destructions import Destructions
from touchstone.review.rule import ALWAYS
from touchstone.review.rules import FOR_GOOD, RULES
from touchstone.service.cases import destroying as deed


def destroy(june: June, out: Path) -> Said:
    return june.call("review", "destroy", june.case, "--yes", "--out", out)


def certificate(june: June, out: Path) -> dict[str, Any]:
    """The certificate, once its signature and its digest in the record were checked."""
    value: dict[str, Any] = json.loads((out / f"destruction-{june.case[:12]}.json").read_bytes())
    ring = Keyring.open(june.home / "keys")
    signed = {name: each for name, each in value.items() if name != "signature"}
    key = Ed25519PublicKey.from_public_bytes(ring.history.current)
    key.verify(bytes.fromhex(value["signature"]), b"touchstone/destruction/1\x00" + dumps(signed))
    records = Records.open(june.home, ring, "")
    event = records.case(june.case).events()[-1]
    records.close()
    assert event["type"] == "case-destroyed"
    assert event["certificate"] == digest_value(value)
    return value


def secrets_of(june: June) -> list[bytes]:
    """The wrapped key, and what is sealed under it."""
    connection = sqlite3.connect(june.home / "record.sqlite3")
    (key,) = connection.execute("SELECT wrapped_key FROM records_caserow").fetchone()
    bodies = connection.execute("SELECT body FROM records_partrow WHERE NOT clear").fetchall()
    connection.close()
    return [bytes(key), *(bytes(body)[40:72] for (body,) in bodies)]


WORK = b"what the model answered, in the clear"


def in_progress(june: June) -> Path:
    """A folder of work as a review leaves it; gives the folder of the case."""
    chunk: Path = june.home / "chunks" / june.case / "a"
    chunk.mkdir(parents=True)
    (chunk / "journal.jsonl").write_bytes(WORK)
    return chunk.parent


def on_disk(june: June) -> bytes:
    return b"".join(path.read_bytes() for path in june.home.rglob("*") if path.is_file())


CHANGING = {"invite", "join", "leave", "remove"}
"""What changes who takes part, which is over with the case."""
STILL = {
    ("review", "show"),
    ("agreement", "show"),
    ("clock", "show"),
    ("seed", "show"),
    ("finding", "show"),
    ("designation", "show"),
    ("next",),
    ("reads", "show"),
    ("document", "list"),
    ("transcripts", "list"),
    ("questionnaire", "answers"),
    ("assessment", "show"),
    ("questionnaire", "answer"),
    ("oversight", "list"),
    ("oversight", "show"),
    ("participation", "set"),
    *(words for words in WITH_CASE if words[0] == "party" and words[1] not in CHANGING),
    ("finding", "respond"),
    ("finding", "dispute"),
    ("postponement", "answer"),
    ("review", "destroy"),
    ("review", "withdraw"),
    ("release", "announce"),
    ("terms", "decline"),
    ("directive", "status"),
    ("directive", "lift"),
    ("directive", "answer"),
}
"""What can be done of a destroyed case with something plausible in each place."""


def test_every_other_command_says_what_is_left_of_a_destroyed_case(june: June, tmp_path: Path):
    assert len(WITH_CASE) >= 15
    assert destroy(june, tmp_path / "first").code == 0
    for words, command in WITH_CASE.items():
        if words in STILL:
            continue
        line = june.call(*words_for(words, command, june, tmp_path / "out")).refused(1)
        assert "was destroyed on 20" in line, words
        assert "Still possible: touchstone review show" in line
        assert f"touchstone review destroy {june.case} --out FOLDER" in line
    listed = june.call("review", "list", "--json").json
    assert [row["status"] for row in listed] == ["destroyed"]
    assert june.call("check").code == 0
    assert june.call("rebuild").code == 0


BY_COMMAND = {
    "release-announced": (
        "release",
        "announce",
        "CASE",
        "--scope",
        "public",
        "--variant",
        "final",
        "--yes",
    ),
    "review-withdrawn": ("review", "withdraw", "CASE", "--yes"),
    "terms-declined": ("terms", "decline", "CASE", "--as", "example-lab", "--reason", "WORDS"),
    "participation-noted": (
        *("participation", "set", "CASE", "declined", "--source", "WORDS"),
        *("--as", "example-lab", "--yes"),
    ),
    "questions-answered": ("questionnaire", "answer", "CASE", "SAID", "--yes"),
    "directive-issued": (
        *("directive", "issue", "CASE", "ORDER", "--as", "example-agency", "--terms", "TERMS"),
    ),
    "directive-answered": ("directive", "answer", "CASE", "1", "--contested", "WORDS"),
    "directive-answer-revised": (
        *("directive", "answer", "CASE", "1", "--contested", "WORDS", "--revise"),
    ),
    "directive-lifted": ("directive", "lift", "CASE", "1"),
    "standing-classes-authorised": ("directive", "standing", "CASE", "--withdraw"),
}
"""What a destroyed case takes, in this order, by the command of its deed."""
WORDS = "said afterwards"
ON_KEYS = {
    "party-admitted",
    "signer-admitted",
    "signer-removed",
    "party-key-rotated",
    "party-reinvited",
    "party-rejoined",
    "recovery-objected",
}
"""Acts on keys, each tested where its command is: a destroyed case takes them as any other does."""
ANSWERS = {"finding-responded", "finding-disputed", "postponement-answered"}
"""Answers to what is not in this case: `tests/e2e/cli/test_nouns.py` has them."""
RESTS_ON_TEXTS = {"bundle-published", "receipt-noted"}
"""A bundle is made from texts, and its receipt is for one."""


def test_each_deed_that_a_destroyed_case_takes_has_its_command_here():
    always = {
        kind.model_fields["type"].default for kind, row in RULES.items() if row.when == ALWAYS
    }
    assert always == {*BY_COMMAND, *ON_KEYS, *ANSWERS, *RESTS_ON_TEXTS}


def test_what_a_destroyed_case_takes_is_done_by_its_command(june: June, tmp_path: Path):
    assert destroy(june, tmp_path / "first").code == 0
    places = {
        "CASE": june.case,
        "WORDS": WORDS,
        "ORDER": str(june.file("june-12.toml")),
        "TERMS": str(june.file("terms.toml")),
        "SAID": file_for("questionnaire", june),
    }
    said_in = Path(places["SAID"])
    said_in.write_text(said_in.read_text("utf-8").replace("None.", WORDS), "utf-8")
    for words in BY_COMMAND.values():
        said = june.call(*(places.get(word, word) for word in words))
        assert said.code == 0, (words, said.err)
        # The words go to whoever said them, and not into a record that keeps none.
        assert (WORDS in said.err) == bool({"WORDS", "SAID"} & {*words})
    records = Records.open(june.home, Keyring.open(june.home / "keys"), "")
    reader = records.case(june.case)
    done = [each["type"] for each in reader.events()[-len(BY_COMMAND) :]]
    records.close()
    assert done == [*BY_COMMAND]
    assert WORDS.encode() not in on_disk(june)
    assert june.call("directive", "status", june.case, "--json").json["directives"][0]["lifted"]
    assert june.call("check").code == 0
    assert "destroyed" in june.call("review", "show", june.case).out


def test_what_rests_on_a_text_that_went_is_refused_and_nothing_is_written(
    june: June, tmp_path: Path
):
    assert destroy(june, tmp_path / "first").code == 0
    order, before = june.file("june-12.toml"), on_disk(june)

    def issue(*more: object) -> Said:
        return june.call("directive", "issue", june.case, order, "--as", "example-agency", *more)

    assert "was destroyed on" in issue().refused(1)
    other = june.text("terms.toml", "grace_hours = 72", "grace_hours = 71")
    line = issue("--terms", other).refused(2)
    assert "changed.toml: are the terms sha256:" in line
    assert on_disk(june) == before


def test_the_key_is_gone_from_every_file_once_it_says_so(june: June, tmp_path: Path):
    secrets = secrets_of(june)
    assert all(secret in on_disk(june) for secret in secrets)
    said = destroy(june, tmp_path)
    assert (said.code, said.err) == (0, "")
    assert "is destroyed" in said.out
    assert not any(secret in on_disk(june) for secret in secrets)
    certificate(june, tmp_path)


def test_while_a_reader_holds_the_key_it_is_not_called_destroyed(
    june: June, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(destructions, "FINISH_SECONDS", 0)
    monkeypatch.setattr(Destructions.finish, "__defaults__", (0,))
    secrets = secrets_of(june)
    reader = sqlite3.connect(june.home / "record.sqlite3", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM records_caserow").fetchone()
    line = destroy(june, tmp_path).refused(1)
    assert "still lie in the record's file" in line
    assert "run the same command again" in line
    assert secrets[0] in on_disk(june)
    assert "its key may still lie" in june.call("check").out
    assert "still lie" in destroy(june, tmp_path).refused(1)
    reader.execute("COMMIT")
    reader.close()
    again = destroy(june, tmp_path)
    assert (again.code, again.err) == (0, "")
    assert not any(secret in on_disk(june) for secret in secrets)
    certificate(june, tmp_path)


def test_a_reason_is_signed_and_stays(june: June, tmp_path: Path):
    why = "the agreed retention has ended"
    words = ("review", "destroy", june.case, "--yes", "--out", tmp_path)
    said = june.call(*words, "--reason", f"  {why}\n")
    assert (said.code, said.err) == (0, "")
    assert certificate(june, tmp_path)["reason"] == why
    records = Records.open(june.home, Keyring.open(june.home / "keys"), "")
    closed, destroyed = records.case(june.case).events()[-2:]
    records.close()
    # The certificate says why, which stays; the words of the deeds are gone with the rest.
    assert closed["type"] == "case-closed"
    assert closed["reason"].startswith("sha256:")
    assert destroyed["type"] == "case-destroyed"
    assert "Closes the case: [the text is erased]" in june.call("review", "show", june.case).out


FOR_GOOD_BY = {
    "release-announced": ("release", "announce"),
    "review-withdrawn": ("review", "withdraw"),
    "case-closed": ("review", "close"),
    "case-destroyed": ("review", "destroy"),
    "clock-ended": ("clock", "end"),
    "seed-revealed": ("seed", "reveal"),
    "party-left": ("party", "leave"),
    "party-removed": ("party", "remove"),
    "party-rejoined": ("party", "rejoin"),
}


def test_what_is_for_good_has_a_command_that_is_tried_here():
    assert set(FOR_GOOD_BY) == {each.model_fields["type"].default for each in FOR_GOOD}


def test_what_cannot_be_undone_takes_the_whole_id(june: June, tmp_path: Path):
    before = on_disk(june)
    for words in FOR_GOOD_BY.values():
        typed = words_for(words, WITH_CASE[words], june, tmp_path)
        typed += ["--reason", "why"] if words == ("party", "remove") else []
        for size in (6, -1):
            named = [june.case[:size] if each == june.case else each for each in typed]
            line = june.call(*named).refused(2)
            assert f"CASE: this cannot be undone: write the whole id, {june.case}" in line, words
    assert on_disk(june) == before


def test_destroying_asks_and_silence_is_no(june: June, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    line = june.call("review", "destroy", june.case).refused(1)
    assert "nothing was destroyed: this asks on a terminal" in line
    assert "--yes" in line
    assert june.call("review", "list", "--json").json[0]["status"] == "submitted"


TYPED = {
    "halt": ("review", "halt", "CASE", "--reason"),
    "destroy": ("review", "destroy", "CASE", "--yes", "--reason"),
    "rotate": ("keys", "rotate", "--reason"),
}


@pytest.mark.parametrize(
    "reason", ["", " \t", "x" * 401, "a\u202eb", "a\x1b[31m", "\u2800", "\u3164\ufe0f"]
)
@pytest.mark.parametrize("command", TYPED)
def test_a_reason_that_cannot_be_read_is_refused(june: June, command: str, reason: str):
    before = on_disk(june)
    words = [june.case if word == "CASE" else word for word in TYPED[command]]
    assert june.call(*words, reason).refused(2).startswith("touchstone: --reason: ")
    assert on_disk(june) == before


@pytest.mark.parametrize("place", ["a file", "another certificate", "a link", "full"])
def test_out_is_checked_before_anything_is_destroyed(
    june: June, tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "out"
    name = f"destruction-{june.case[:12]}.json"
    if place == "a file":
        out.write_text("", "ascii")
    else:
        out.mkdir()
    if place == "another certificate":
        (out / name).write_text("{}\n", "ascii")
    if place == "a link":
        (out / name).symlink_to(tmp_path / "elsewhere")
    if place == "full":
        monkeypatch.setattr("touchstone.cli.destroying.os.fsync", _full)
    line = destroy(june, out).refused(2)
    assert f"--out {out}" in line
    assert "nothing was destroyed" in line
    assert june.call("review", "list", "--json").json[0]["status"] == "submitted"


def _full(_: int) -> None:
    raise OSError(28, "No space left on device")


def _crash(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


STEPS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "before the certificate": lambda patch: patch.setattr(deed, "draft_certificate", _crash),
    "before the transaction": lambda patch: patch.setattr(deed, "record_destruction", _crash),
    "as the transaction stands": lambda patch: patch.setattr(Destructions, "finish", _crash),
    "as the journal is emptied": lambda patch: patch.setattr(destructions, "empty_journal", _crash),
    "before the folder of work": lambda patch: patch.setattr(shutil, "rmtree", _crash),
    "before the file": lambda patch: patch.setattr(destroying, "write_file", _crash),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_at_any_step_loses_no_certificate(june: June, tmp_path: Path, step: str):
    secrets, out = [*secrets_of(june), WORK], tmp_path / "out"
    in_progress(june)
    with pytest.MonkeyPatch.context() as patch:
        STEPS[step](patch)
        assert destroy(june, out).code == 130
    assert not list(out.glob("*.json"))
    said = destroy(june, out)
    assert (said.code, said.err) == (0, "")
    first = certificate(june, out)
    assert not any(secret in on_disk(june) for secret in secrets)
    assert destroy(june, tmp_path / "again").code == 0
    assert certificate(june, tmp_path / "again") == first


def test_a_disk_that_fills_meanwhile_is_told_and_the_certificate_comes_later(
    june: June, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        patch.setattr(destroying, "write_file", lambda *_: _full(0))
        line = destroy(june, tmp_path / "out").refused(1)
    assert "could not be written" in line
    assert "run the same command again" in line
    assert destroy(june, tmp_path / "other").code == 0
    certificate(june, tmp_path / "other")


def test_what_a_crash_left_of_the_work_goes_with_the_next_command(june: June, tmp_path: Path):
    in_progress(june)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Destructions, "finish", _crash)
        assert destroy(june, tmp_path).code == 130
    assert WORK in on_disk(june)
    assert june.call("review", "list").code == 0
    assert WORK not in on_disk(june)
    assert june.call("check").code == 0


@pytest.mark.parametrize("kept", ["a link", "a file", "cannot be deleted"])
def test_while_work_is_left_it_is_not_called_destroyed(
    june: June, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: str
):
    folder, aside = in_progress(june), tmp_path / "aside"
    with monkeypatch.context() as patch:
        if kept == "a link":
            folder.rename(aside)
            folder.symlink_to(aside)
        if kept == "a file":
            shutil.rmtree(folder)
            folder.write_bytes(WORK)
        if kept == "cannot be deleted":
            patch.setattr(shutil, "rmtree", lambda *_, **__: None)
        line = destroy(june, tmp_path / "out").refused(1)
        assert str(folder) in line
        assert "could not be deleted" in line
        assert "run the same command again" in line
        certificate(june, tmp_path / "out")
        # Nor does the next command call it finished, or follow a link.
        checked = june.call("check")
        assert (checked.code, str(folder) in checked.out) == (1, True)
        assert str(folder) in destroy(june, tmp_path / "out").refused(1)
        assert kept != "a link" or (aside / "a" / "journal.jsonl").read_bytes() == WORK
    if kept != "cannot be deleted":
        folder.unlink()
    again = destroy(june, tmp_path / "out")
    assert (again.code, again.err) == (0, "")
    assert WORK not in on_disk(june)
    assert june.call("check").code == 0


def test_work_that_came_after_a_finished_destruction_is_found_and_goes(june: June, tmp_path: Path):
    assert destroy(june, tmp_path).code == 0
    folder = in_progress(june)
    checked = june.call("check")
    assert (checked.code, str(folder) in checked.out) == (1, True)
    assert destroy(june, tmp_path).code == 0
    assert WORK not in on_disk(june)
    assert june.call("check").code == 0
