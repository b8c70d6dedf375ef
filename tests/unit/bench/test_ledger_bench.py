"""The bench measures what it says, on a size that takes no time."""

import json
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from touchstone.bench import ledger, long_case
from touchstone.errors import TouchstoneError
from touchstone.ledger import Tree, verify_inclusion, verify_lines
from touchstone.service.case_context import Case
from touchstone.service.cases.checking import check
from touchstone.service.installation import open_installation


class WorkClock:
    """A clock that only the work itself moves: what is measured must have been done."""

    def __init__(self) -> None:
        self.now = 0.0

    def read(self) -> float:
        """Seconds of work so far."""
        return self.now

    def taking(self, seconds: float, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same work, which now takes so long."""

        def slower(*args: Any) -> Any:
            self.now += seconds
            return work(*args)

        return slower


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> WorkClock:
    clock = WorkClock()
    monkeypatch.setattr(ledger, "process_time", clock.read)
    monkeypatch.setattr(ledger, "sha256", clock.taking(2e-6, sha256))
    monkeypatch.setattr(ledger, "_hash_rate", lambda _: 500_000.0)
    monkeypatch.setattr(ledger, "PROOFS", 20)
    monkeypatch.setitem(sys.modules, "pymerkle", None)
    return clock


def test_a_rate_is_that_of_the_work_itself(monkeypatch: pytest.MonkeyPatch, clock: WorkClock):
    class Slow(Tree):
        append = clock.taking(1 / 1000, Tree.append)
        inclusion = clock.taking(1 / 200, Tree.inclusion)
        consistency = clock.taking(1 / 100, Tree.consistency)

    monkeypatch.setattr(ledger, "Tree", Slow)
    monkeypatch.setattr(ledger, "verify_inclusion", clock.taking(1 / 400, verify_inclusion))
    rows = {row.name: row for row in ledger._tree_rows(100)}
    assert {name: row.value for name, row in rows.items()} == {
        "appends at 100": pytest.approx(1000),
        "verifies at 100": pytest.approx(400),
        "inclusion proofs at 100": pytest.approx(200),
        "consistency proofs at 100": pytest.approx(100),
    }
    # Against the hashes that an append, and an inclusion proof of so many nodes, cannot do without.
    assert rows["appends at 100"].ratio == pytest.approx(1000 / 500_000)
    assert rows["verifies at 100"].ratio == pytest.approx(400 / 500_000 * 6.7, rel=0.1)


def test_hashing_alone_is_measured_by_its_hashes(monkeypatch: pytest.MonkeyPatch):
    clock = WorkClock()
    monkeypatch.setattr(ledger, "process_time", clock.read)
    monkeypatch.setattr(ledger, "sha256", clock.taking(2e-6, sha256))
    assert ledger._hash_rate(65, 1000) == pytest.approx(500_000)


def test_full_verification_is_timed_where_it_runs_and_verifies(
    monkeypatch: pytest.MonkeyPatch,
    clock: WorkClock,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    path = tmp_path / "entries"
    ledger._write_log(path, 10)
    monkeypatch.setattr(ledger, "verify_lines", clock.taking(2.5, verify_lines))
    ledger.main(str(path))
    told = json.loads(capsys.readouterr().out)
    assert told["seconds"] == pytest.approx(2.5)
    # A Python process with nothing loaded holds some; gibibytes would be another unit.
    assert 5 < told["megabytes"] < 5000
    path.write_bytes(path.read_bytes().replace(b'"n":5', b'"n":6'))
    with pytest.raises(TouchstoneError):
        ledger.main(str(path))


@pytest.mark.parametrize(("seconds", "megabytes"), [(9.9, 299.0), (10.1, 299.0), (9.9, 301.0)])
def test_a_goal_is_met_or_missed_by_what_the_process_says(
    monkeypatch: pytest.MonkeyPatch, clock: WorkClock, seconds: float, megabytes: float
):
    del clock
    told = json.dumps({"seconds": seconds, "megabytes": megabytes}).encode()
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: CompletedProcess([], 0, stdout=told))
    monkeypatch.setattr(ledger, "GOAL_SIZE", 10)
    rows = list(ledger._full_rows(10))
    assert [(row.value, row.met) for row in rows] == [
        (seconds, seconds <= 10),
        (megabytes, megabytes <= 300),
    ]
    assert rows[0].ratio == pytest.approx(seconds / (2 * 10 / 500_000))


def test_the_process_whose_peak_is_measured_loads_no_store():
    code = "import sys, touchstone.bench.ledger; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_measure_is_there_and_a_real_process_verifies(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ledger, "PROOFS", 20)
    monkeypatch.setattr(ledger, "GOAL_SIZE", 100)
    monkeypatch.setitem(sys.modules, "pymerkle", None)
    table = ledger.run(sizes=(100,), entries=20)
    assert table.title == "ledger (CPU time of one core)"
    assert [row.name for row in table.rows] == [
        "appends at 100",
        "verifies at 100",
        "inclusion proofs at 100",
        "consistency proofs at 100",
        "full verification at 100",
        "its peak memory at 100",
        "opening a case of 20 entries",
        "the same, folded anew",
        "a deed by the local way",
    ]
    # What a deed costs is this machine's to say.
    assert [row.met for row in table.rows][:-1] == [*[None] * 4, True, True, True, None]


def test_the_long_case_is_a_sound_one(tmp_path: Path):
    case = long_case.make_long_case(tmp_path / "home", tmp_path / "SUBMISSION.toml", 40)
    with open_installation(tmp_path / "home", apart=True) as here:
        state = here.state(case)
        assert (state.size, state.halted) == (40, bool(state.halted_by))
        assert [fault.what for fault in check(here, lambda _: None).faults] == []


@pytest.mark.parametrize(("seconds", "met"), [(0.0024, True), (0.0026, False)])
def test_a_deed_is_what_its_own_way_takes(
    monkeypatch: pytest.MonkeyPatch, seconds: float, met: bool
):
    clock = WorkClock()
    monkeypatch.setattr(long_case, "process_time", clock.read)
    monkeypatch.setattr(Case, "record", clock.taking(seconds, Case.record))
    (row,) = long_case.deed_rows(6)
    assert row.value == pytest.approx(seconds * 1000)
    assert row.met is met
    assert row.ratio == pytest.approx(seconds * 400)


@pytest.mark.parametrize(("seconds", "met"), [(0.29, True), (0.31, False)])
def test_opening_is_measured_where_the_fold_was_kept(
    monkeypatch: pytest.MonkeyPatch, seconds: float, met: bool
):
    took = iter([9.0, seconds])
    monkeypatch.setattr(
        subprocess,
        "run",
        lambda *_, **__: CompletedProcess([], 0, stdout=json.dumps({"seconds": next(took)})),
    )
    opened, folded = long_case.opening_rows(20)
    assert (opened.value, opened.met) == (seconds, met)
    assert opened.ratio == pytest.approx(seconds / 0.3)
    assert (folded.value, folded.met) == (9.0, None)
