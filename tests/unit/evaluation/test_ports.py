"""The simulators keep the ports' promises; `records` runs the same suite on its databases."""

import pytest

from support.toys import toy_battery, toy_mode, toy_spec
from touchstone.evaluation import Elicitation
from touchstone.evaluation.ports import EvidenceStore, JobStore, MemoryEvidenceStore, MemoryJobStore

BATTERY = toy_battery(64)
SPECS = [
    toy_spec(BATTERY, toy_mode("http://127.0.0.1:1/v1"), Elicitation(id="e"), place=place)
    for place in range(3)
]


@pytest.fixture
def jobs() -> JobStore:
    return MemoryJobStore()


@pytest.fixture
def evidence() -> EvidenceStore:
    return MemoryEvidenceStore()


def test_chunks_are_leased_in_order_and_once(jobs: JobStore):
    assert [jobs.put("case", spec) for spec in (*SPECS, SPECS[0])] == [True, True, True, False]
    leases = [jobs.lease("case", f"w{n}", now=0, seconds=10) for n in range(4)]
    assert [lease.chunk if lease else None for lease in leases] == [*SPECS, None]
    assert jobs.counts("case") == {"waiting": 0, "leased": 3, "finished": 0, "halted": 0}


def test_a_lease_that_ran_out_goes_to_another_and_the_old_one_is_worth_nothing(jobs: JobStore):
    jobs.put("case", SPECS[0])
    old = jobs.lease("case", "w1", now=0, seconds=10)
    new = jobs.lease("case", "w2", now=10, seconds=10)
    assert old
    assert new
    assert new.token > old.token
    assert jobs.renew(old, now=11, seconds=10) is None
    assert jobs.finish(old, now=11) is False
    assert jobs.finish(new, now=11) is True
    assert jobs.finish(new, now=12) is False


def test_a_renewed_lease_holds(jobs: JobStore):
    jobs.put("case", SPECS[0])
    lease = jobs.lease("case", "w1", now=0, seconds=10)
    assert lease
    renewed = jobs.renew(lease, now=9, seconds=10)
    assert renewed
    assert renewed.until == 19
    assert jobs.lease("case", "w2", now=15, seconds=10) is None


def test_a_halt_ends_all_leases_of_the_case_alone(jobs: JobStore):
    for case in ("one", "two"):
        jobs.put(case, SPECS[0])
        jobs.put(case, SPECS[1])
    lease = jobs.lease("one", "w1", now=0, seconds=10)
    assert lease
    assert jobs.halt("one") == 2
    assert jobs.renew(lease, now=1, seconds=10) is None
    assert jobs.lease("one", "w1", now=99, seconds=10) is None
    assert jobs.lease("two", "w1", now=99, seconds=10) is not None


def test_evidence_is_found_by_its_digest(evidence: EvidenceStore):
    digest = evidence.put(b"bytes", "text/plain", "a.txt")
    assert evidence.put(b"bytes", "text/plain", "b.txt") == digest
    assert evidence.get(digest) == b"bytes"
    with pytest.raises(KeyError):
        evidence.get("sha256:" + "0" * 64)
