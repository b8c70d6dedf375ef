"""The stores that measuring asks for, as every database keeps them: one contract for each."""

import ast
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.record_place import Place
from touchstone.evaluation import ports
from touchstone.evaluation.ports import EvidenceStaging, EvidenceStore, HeldJob, JobStore
from touchstone.records import JobTable, OutcomeTable, Records, StagingArea
from touchstone.records.errors import DamagedError

CASE, JOB = "case-1", "chunk-1"
LONG, OVER = 1000, 0
"""Seconds of a lease: no test waits for its end, or it is over when it is given."""


@pytest.fixture
def jobs(records: Records) -> JobStore:
    assert records.jobs.put(CASE, JOB, "work")
    return records.jobs


@pytest.fixture
def evidence(records: Records) -> EvidenceStore:
    return records.outcomes


def held(jobs: JobStore, worker: str = "one", seconds: int = LONG) -> HeldJob:
    lease = jobs.lease(CASE, worker, seconds)
    assert lease is not None
    jobs.begin(lease)
    return lease


def test_the_first_outcome_stands_and_sent_again_it_stands_still(
    jobs: JobStore, evidence: EvidenceStore
):
    lease = held(jobs)
    assert evidence.keep(lease, 3, b"first")
    assert evidence.keep(lease, 3, b"first")
    assert not evidence.keep(lease, 3, b"second")
    assert evidence.keep(lease, 0, b"")
    assert list(evidence.kept(CASE, JOB).items()) == [(0, b""), (3, b"first")]


def test_a_late_first_outcome_stands_and_a_second_never_does(
    jobs: JobStore, evidence: EvidenceStore
):
    """A begins, its lease passes, B begins, A tells, B tells, both tell again."""
    a = held(jobs, "a", OVER)
    b = held(jobs, "b")
    assert (b.token, jobs.renew(a, LONG)) == (a.token + 1, None)
    told = [(a, b"of a"), (b, b"of b")]
    assert [evidence.keep(lease, 0, said) for lease, said in told * 2] == [True, False, True, False]
    assert evidence.kept(CASE, JOB) == {0: b"of a"}


def test_what_is_recorded_is_let_go_of_and_nothing_else(jobs: JobStore, evidence: EvidenceStore):
    jobs.put(CASE, "chunk-2", "other work")
    first, second = held(jobs), held(jobs, "two")
    for index in range(3):
        evidence.keep(first, index, b"told")
    evidence.keep(second, 0, b"told")
    assert set(evidence.unrecorded(CASE)) == {JOB, "chunk-2"}
    assert set(evidence.unrecorded("case-of-nobody")) == set()
    evidence.forget(CASE, JOB, [0, 1])
    assert evidence.kept(CASE, JOB) == {2: b"told"}
    evidence.forget(CASE, JOB, [2, 7])
    assert set(evidence.unrecorded(CASE)) == {"chunk-2"}


def test_of_many_that_tell_at_once_one_stands(place: Place, jobs: JobStore):
    lease = held(jobs)

    def tell(said: bytes) -> bool:
        opened = place.open()
        try:
            return opened.outcomes.keep(lease, 0, said)
        finally:
            opened.close()

    words = [f"word {number}".encode() for number in range(8)]
    with ThreadPoolExecutor(len(words)) as pool:
        stands = list(pool.map(tell, words))
    assert sum(stands) == 1
    opened = place.open()
    assert opened.outcomes.kept(CASE, JOB) == {0: words[stands.index(True)]}


def test_what_is_kept_is_sealed_for_its_place(
    place: Place, jobs: JobStore, evidence: EvidenceStore
):
    evidence.keep(held(jobs), 0, b"the word apple")
    if place.database is None:
        for file in place.home.glob("record.sqlite3*"):
            assert b"apple" not in file.read_bytes()
    place.owner("UPDATE records_outcomerow SET index = 1" if place.database else _MOVED)
    with pytest.raises(DamagedError, match="was altered before it was recorded"):
        evidence.kept(CASE, JOB)


_MOVED = 'UPDATE records_outcomerow SET "index" = 1'


def test_of_a_destroyed_case_nothing_is_kept(
    place: Place, records: Records, jobs: JobStore, evidence: EvidenceStore
):
    lease = held(jobs)
    evidence.keep(lease, 0, b"told")
    with records.transaction(CASE) as writer:
        writer.destroy("destroyed", "{}")
    assert evidence.kept(CASE, JOB) == {}
    assert set(evidence.unrecorded(CASE)) == set()
    assert not evidence.keep(lease, 1, b"late")
    assert place.open().outcomes.unrecorded(CASE) == set()


@pytest.mark.parametrize(
    ("port", "table"),
    [(JobStore, JobTable), (EvidenceStore, OutcomeTable), (EvidenceStaging, StagingArea)],
)
def test_a_port_names_all_that_is_there_and_no_more(port: type, table: type):
    """What a table could do beyond its port, a coordinator would come to rest on."""

    def public(kind: type) -> set[str]:
        named = vars(kind).items()
        return {name for name, each in named if not name.startswith("_") and callable(each)}

    assert public(port) == public(table)


def test_the_coordinator_rests_on_the_ports_alone():
    source = Path(ports.__file__).parents[1] / "service" / "measurement" / "coordinator.py"
    named = [
        node.module or ""
        for node in ast.walk(ast.parse(source.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom)
    ]
    assert "touchstone.evaluation.ports" in named
    assert [name for name in named if name.startswith("touchstone.records")] == []
