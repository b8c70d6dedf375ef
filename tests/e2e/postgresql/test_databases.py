"""One whole review, the same on both databases; on PostgreSQL under a role that owns nothing."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from support.postgresql import running_postgresql
from support.reviews import KEY, Ran, write_submission
from support.small_review import arguments, write_framework
from touchstone.cli.app import run
from touchstone.evaluation.controls.launch import start_subject

pytestmark = [pytest.mark.needs_sandbox, pytest.mark.timeout(200)]
Database = Callable[[pytest.MonkeyPatch], AbstractContextManager[str]]
OWNER, APP, NAME = "record_owner", "record_app", "record"


@contextlib.contextmanager
def sqlite(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.delenv("TOUCHSTONE_DATABASE", raising=False)
    yield "Prepared: SQLite"


@contextlib.contextmanager
def postgresql(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with running_postgresql() as server:
        server.admin(
            f"CREATE ROLE {OWNER} LOGIN",
            f"CREATE ROLE {APP} LOGIN",
            f"CREATE DATABASE {NAME} OWNER {OWNER}",
        )
        monkeypatch.setenv("TOUCHSTONE_DATABASE", server.address(APP, NAME))
        monkeypatch.setenv("TOUCHSTONE_DATABASE_OWNER", server.address(OWNER, NAME))
        yield "Prepared: PostgreSQL; the application's role owns no table."


@pytest.mark.parametrize(
    "database", [sqlite, pytest.param(postgresql, marks=pytest.mark.needs_postgresql)]
)
def test_whole_review(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    database: Database,
):
    def here(*args: str | Path) -> Ran:
        code = run([str(word) for word in args])
        return Ran(code, *capsys.readouterr())

    home = tmp_path / "home"
    monkeypatch.setenv("TOUCHSTONE_HOME", str(home))
    with database(monkeypatch) as told, start_subject(("control-null",)) as subject:
        monkeypatch.setenv(KEY, subject.key)
        submission = write_submission(tmp_path, subject.url, model="control-null")
        review = arguments(submission, write_framework(tmp_path))
        if database is postgresql:
            early = here(*review)
            assert early.code == 2
            assert "the database has no tables of this version" in early.refusal
        assert told in here("doctor", "--prepare").err
        monkeypatch.delenv("TOUCHSTONE_DATABASE_OWNER", raising=False)
        ran = here(*review)
        assert ran.code == 0, ran.err
        assert "payment-logic, instant: 0 of 1 solved" in ran.out
        trust = ran.out.split("--trust ")[1].strip()
        bundle = tmp_path / "out" / "bundle-example-centre.jsonl"
        verified = here("verify", bundle, "--trust", trust)
        assert verified.code == 0, verified.out
        assert verified.out.startswith("authentic")
        (row,) = here("review", "list", "--json").json
        assert row["status"] == "proposed: undetermined"
        assert "as it should be" in here("rebuild").out
        destroyed = here("review", "destroy", row["case"], "--yes", "--out", tmp_path)
        assert destroyed.code == 0, destroyed.err
        assert ("pg_wal" in destroyed.out) == (database is postgresql)
        assert here("review", "show", row["case"]).code == 0
    assert (home / "record.sqlite3").exists() == (database is sqlite)
