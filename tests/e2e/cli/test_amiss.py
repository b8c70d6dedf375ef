"""Lost keys, older copies, unsafe and read-only homes: read always, told, and never fixed."""

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from support.june import June
from support.old_cases import old_home
from support.older_homes import MIGRATIONS, make_older
from touchstone.deeds.deed import Deed
from touchstone.keys import Keyring
from touchstone.records import ReadOnlyError
from touchstone.review.events import settling
from touchstone.service.case_context import Case
from touchstone.service.cases.case_admin import list_cases, open_found
from touchstone.service.errors import UnsafeHomeError
from touchstone.service.installation import open_installation
from touchstone.service.reporting.edition_files import audiences, issue_editions

SOMEBODY = 65534
"""An ordinary user's id."""


def released(case: Case) -> Deed:
    return Deed(
        settling.ReleaseAnnounced(
            actor="example-lab",
            at=case.now(),
            marking=case.marks.public,
            scope="public",
            variants=("final",),
            same_model="same",
        )
    )


def gone(*names: str) -> Callable[[June], None]:
    def lose(june: June) -> None:
        for name in names:
            (june.home / "keys" / name).unlink()

    return lose


def all_gone(june: June) -> None:
    shutil.rmtree(june.home / "keys")


def emptied(june: June) -> None:
    all_gone(june)
    (june.home / "keys").mkdir(mode=0o700)


def only_first_day_left(june: June) -> None:
    """As a crash on the first day leaves it; but there is a record."""
    for path in (june.home / "keys").iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != "master.key":
            path.unlink()


def anothers(june: June) -> None:
    all_gone(june)
    Keyring.open_or_create(june.home / "keys", "2026-11-21T10:00:00Z")


def from_before_a_rotation(june: June) -> None:
    aside = june.home / "aside"
    shutil.copytree(june.home / "keys", aside)
    with open_installation(june.home, apart=True) as here:
        here.keyring.rotate(here.now(), "yearly")
        case = open_found(here, june.case)
        case.record([released(case)])
    all_gone(june)
    aside.rename(june.home / "keys")


def damaged(june: June) -> None:
    path = june.home / "keys" / "history.jsonl"
    path.write_bytes(path.read_bytes().replace(b"first key", b"other key"))


def damaged_checkpoint(june: June) -> None:
    """One bit of it is another, and it is no UTF-8 any more."""
    with open_installation(june.home, apart=True) as here:
        here.records.installation.checkpoint()
    path = june.home / "keys" / "checkpoint.txt"
    path.write_bytes(path.read_bytes().replace(b"\xe2", b"\x62", 1))


def older_database(june: June) -> None:
    connection = sqlite3.connect(june.home / "record.sqlite3")
    aside = sqlite3.connect(june.home / "aside")
    connection.backup(aside)
    connection.close()
    aside.close()
    with open_installation(june.home, apart=True) as here:
        case = open_found(here, june.case)
        case.record([released(case)])
        here.records.installation.checkpoint()
    for path in june.home.glob("record.sqlite3*"):
        path.unlink()
    (june.home / "aside").rename(june.home / "record.sqlite3")
    (june.home / "record.sqlite3").chmod(0o600)


LOSSES: dict[str, tuple[Callable[[June], None], str]] = {
    "history": (gone("history.jsonl"), "history.jsonl: is gone"),
    "history and key": (gone("history.jsonl", "installation-0.pem"), "history.jsonl: is gone"),
    "history, key and mark": (
        gone("history.jsonl", "installation-0.pem", "record.txt"),
        "history.jsonl: is gone",
    ),
    "key": (gone("installation-0.pem"), "installation-0.pem: is gone"),
    "master": (gone("master.key"), "master.key: is gone"),
    "the folder": (all_gone, "keys: is gone"),
    "all in the folder": (emptied, "history.jsonl: is gone"),
    "all but the master key": (only_first_day_left, "history.jsonl: is gone"),
    "another's keys": (anothers, "belongs to another installation"),
    "keys from before a rotation": (from_before_a_rotation, "is older than the record"),
    "damaged history": (damaged, "history.jsonl: "),
    "damaged checkpoint": (damaged_checkpoint, "checkpoint.txt: is no checkpoint"),
    "older database": (older_database, "put back to an older state"),
}


def keys_now(june: June) -> set[str]:
    found = (path.relative_to(june.home) for path in (june.home / "keys").rglob("*"))
    return {str(path) for path in found if path.name != ".lock"}


@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_lost_is_told_and_read_and_never_replaced(june: June, tmp_path: Path, loss: str):
    lose, told = LOSSES[loss]
    lose(june)
    before, out = keys_now(june), tmp_path / "out"
    listed = june.call("review", "list")
    assert (listed.code, june.case[:12] in listed.out) == (0, True), listed.err
    assert told in listed.err
    assert "amiss" in listed.err
    shown = june.call("review", "show", june.case)
    assert (shown.code, "Case opened as a review" in shown.out) == (0, True), shown.err
    checked = june.call("check")
    assert (checked.code, told in checked.out) == (1, True), checked.out
    # Where the case can be opened it refuses the deed, and where not it says which key is gone.
    assert june.terms("decline", "--as", "example-lab").code in {1, 2}
    assert june.call("keys", "rotate", "--reason", "x").refused(1)
    with open_installation(june.home, apart=True) as here:
        refused = pytest.raises(ReadOnlyError, match="nothing is written, only read")
        with refused, here.records.transaction(june.case):
            pass
        with pytest.raises(ReadOnlyError):
            here.records.installation.prove(june.case)
    assert not out.exists()
    assert keys_now(june) == before


def test_twin_without_the_look_at_the_record_keys_are_made_anew(
    june: June, monkeypatch: pytest.MonkeyPatch
):
    all_gone(june)
    monkeypatch.setattr("touchstone.service.installation.is_begun", lambda *_: False)
    with open_installation(june.home, apart=True):
        assert (june.home / "keys" / "history.jsonl").exists()


def test_twin_without_the_gate_a_deed_is_recorded_under_older_keys(
    june: June, monkeypatch: pytest.MonkeyPatch
):
    from_before_a_rotation(june)
    monkeypatch.setattr("touchstone.records.store.amiss", lambda *_: ())
    with open_installation(june.home, apart=True) as here:
        case = open_found(here, june.case)
        assert case.record([released(case)]).releases


def test_a_lost_database_is_not_made_anew(june: June):
    for path in june.home.glob("record.sqlite3*"):
        path.unlink()
    line = june.call("review", "list").refused(1)
    assert "record.sqlite3: is gone" in line
    assert not list(june.home.glob("record.sqlite3*"))


def test_an_older_mark_beside_the_keys_is_no_reason_to_refuse(june: June, tmp_path: Path):
    """Keys are copied before the record: their checkpoint is then the older one."""
    mark = june.home / "keys" / "checkpoint.txt"
    with open_installation(june.home, apart=True) as here:
        here.records.installation.checkpoint()
        old = mark.read_bytes()
        case = open_found(here, june.case)
        case.record([released(case)])
        here.records.installation.checkpoint()
        assert mark.read_bytes() != old
    mark.write_bytes(old)
    with open_installation(june.home, apart=True) as here:
        assert here.amiss == ()
        case = open_found(here, june.case)
        issue_editions(case, tmp_path, audiences(case.participants))
    assert june.call("check").code == 0


DAMAGES = {
    "an entry": ("DELETE FROM records_entryrow WHERE n = 2", "an entry or its facts are missing"),
    "a part": ("UPDATE records_partrow SET body = zeroblob(90) WHERE n = 1 AND i = 1", "altered"),
    "a fact": ("UPDATE records_partrow SET body = zeroblob(90) WHERE n = 1 AND i = 0", "altered"),
    "a leaf": ("UPDATE records_leafrow SET commitment = zeroblob(32)", "do not make the root"),
    "the list": ("UPDATE records_indexrow SET status = 'x'", "touchstone rebuild"),
    "the head": ("UPDATE records_caserow SET size = size - 1", "root"),
    "evidence": ("DELETE FROM records_evidencerow", "files that no entry knows"),
    "nothing but a trigger": ("SELECT 1", "is missing: rows could be changed unseen"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_check_says_what_is_amiss_and_where(june: June, damage: str):
    statement, told = DAMAGES[damage]
    assert june.call("check").code == 0
    connection = sqlite3.connect(june.home / "record.sqlite3", isolation_level=None)
    names = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    triggers = names.fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(statement)
    if damage != "nothing but a trigger":
        for _, sql in triggers:
            connection.execute(sql)
    connection.close()
    said = june.call("check")
    assert (said.code, told in said.out) == (1, True), said.out
    assert "checking case 1 of 1" in said.err
    found = june.call("check", "--json").json
    assert found["sound"] is False
    assert any(told in fault["what"] for fault in found["faults"])


def test_check_finds_altered_evidence_and_sweeps_nothing(june: June):
    (file,) = [path for path in (june.home / "evidence").rglob("*") if path.is_file()]
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    said = june.call("check")
    assert (said.code, "evidence was altered" in said.out) == (1, True), said.out
    assert file.exists()


def test_the_key_is_shown_rotated_and_revoked(june: June, tmp_path: Path):
    first = june.call("keys", "show", "--json").json["keys"]
    assert [each["standing"] for each in first] == ["in use"]
    old = first[0]["fingerprint"]
    assert june.call("keys", "rotate", "--reason", "yearly").code == 0
    assert "is no key" in june.call("keys", "revoke", "SHA256:00", "--reason", "x").refused(2)
    said = june.call("keys", "revoke", old, "--reason", "its backup was stolen", "--json").json
    assert [each["standing"] for each in said["keys"]] == ["revoked", "retired", "in use"]
    assert said["keys"][0]["revoked_because"] == "its backup was stolen"
    assert "revoked already" in june.call("keys", "revoke", old, "--reason", "x").refused(2)
    assert "--reason" in june.call("keys", "rotate", "--reason", " \n").refused(2)
    assert [path.name for path in (june.home / "keys").glob("*.pem")] == ["installation-2.pem"]
    with open_installation(june.home, apart=True) as here:
        case = open_found(here, june.case)
        editions = issue_editions(case, tmp_path, audiences(case.participants))
    disguised = june.call("keys", "rotate", "--reason", f"revoked {old}: once more").refused(2)
    assert "touchstone keys revoke" in disguised
    second, newest = (each["fingerprint"] for each in said["keys"][1:])
    bundle = editions[0].bundle
    for pin in (second, newest):
        assert june.call("verify", bundle, "--trust", pin).code == 0
    # Whoever holds the revoked key could have signed another history in.
    refused = june.call("verify", bundle, "--trust", old)
    assert (refused.code, refused.out.split("\n")[0]) == (1, "consistent, issuer unverified")
    assert f"{old} is revoked" in refused.out
    assert june.call("verify", bundle).code == 0
    assert june.call("verify", bundle, "--revoked", newest).code == 1
    assert june.call("check").code == 0


# --- where an installation lies ---


def test_a_home_that_others_may_write_is_refused(june: June):
    for mode in (0o770, 0o707, 0o1777):
        june.home.chmod(mode)
        line = june.call("review", "list").refused(2)
        assert f"fix: chmod go-w {june.home}" in line
    june.home.chmod(0o700)
    assert june.call("review", "list").code == 0


def test_a_home_below_a_folder_that_others_may_write_is_refused(june: June, tmp_path: Path):
    tmp_path.chmod(0o777)
    assert f"chmod go-w {tmp_path}" in june.call("review", "list").refused(2)
    tmp_path.chmod(0o1777)
    assert june.call("review", "list").code == 0
    link = june.folder / "link"
    link.symlink_to(june.home)
    june.folder.chmod(0o1777)
    june.home = link
    assert june.call("review", "list").code == 0


def test_a_new_home_is_not_made_where_others_may_write(tmp_path: Path):
    tmp_path.chmod(0o777)
    with pytest.raises(UnsafeHomeError), open_installation(tmp_path / "home", apart=True):
        pass
    assert not (tmp_path / "home").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="not run: only root gives a folder away")
def test_a_home_of_somebody_else_is_refused(june: June):
    os.chown(june.home, SOMEBODY, SOMEBODY)
    assert "belongs to user 65534" in june.call("review", "list").refused(2)


@pytest.mark.parametrize("journal", ["none", "left", "left without its index"])
def test_a_home_that_cannot_be_written_is_read(
    june: June, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, journal: str
):
    """By modes for a user, and for root by what `access` says of a read-only file system."""
    holder = sqlite3.connect(june.home / "record.sqlite3", isolation_level=None)
    holder.execute("SELECT 1 FROM records_caserow").fetchall()
    if journal != "none":
        with open_installation(june.home, apart=True) as here:
            case = open_found(here, june.case)
            case.record([released(case)])
        copied = tmp_path / "copied"
        shutil.copytree(june.home, copied)
        june.home = copied
    holder.close()
    if journal == "left without its index":
        (june.home / "record.sqlite3-shm").unlink()
    monkeypatch.setattr("touchstone.records.soundness.os.access", lambda *_: False)
    # The index is memory that readers share; on a file system that is read-only it stays as it is.
    kept = [p for p in june.home.rglob("*") if not p.name.endswith("-shm")]
    before = {p: p.stat().st_mtime_ns for p in kept}
    shown = june.call("review", "show", june.case)
    assert (shown.code, shown.err) == (0, "")
    assert ("Releases the model" in shown.out) is (journal != "none")
    assert june.call("check").code == 0
    assert "cannot be written, only read" in june.terms("decline", "--as", "example-lab").err
    assert {p: p.stat().st_mtime_ns for p in kept} == before
    assert [p for p in june.home.rglob("*") if not p.name.endswith("-shm")] == kept


@pytest.mark.parametrize("undone", range(MIGRATIONS))
def test_a_user_reads_a_home_without_write_permission(june: June, tmp_path: Path, undone: int):
    """The same with real modes, as an ordinary user where the tests are root; older homes too."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        if undone:
            # An older home has cases that an earlier version opened.
            old_home(home, tmp_path)
        else:
            shutil.copytree(june.home, home)
        make_older(home, undone)
        inside = [home, *home.rglob("*")]
        for path in inside:
            path.chmod(0o500 if path.is_dir() else 0o400)
        if os.geteuid() == 0:
            for path in (Path(folder), *inside):
                os.chown(path, SOMEBODY, SOMEBODY)
        child = os.fork()
        if not child:
            os._exit(_looks_around(home))
        found = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        for path in inside:
            if path.is_dir():
                path.chmod(0o700)
    assert found == 0


def _looks_around(home: Path) -> int:
    """As an ordinary user: 0 if the home is read, and refuses to be written."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(SOMEBODY)
        os.setuid(SOMEBODY)
    try:
        with open_installation(home, apart=True) as here:
            (row,) = list_cases(here)
            case = open_found(here, row.case)
            if here.amiss or not here.records.read_only:
                return 2
            with contextlib.suppress(ReadOnlyError):
                case.record([released(case)])
                return 3
    except BaseException:  # noqa: BLE001 - the child must not go on as a test
        return 1
    return 0
