"""The job table, the side log, and lists."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from support import deeds
from support.contract1 import append, opening
from support.record_place import Place
from touchstone.records import (
    JobLease,
    Listing,
    RecordedFacts,
    Records,
    Refusal,
    RefusalLog,
    Summary,
)
from touchstone.records import jobs as job_table

CASE = "case-1"


LONG = 1000
"""Seconds: no test waits for a lease to end."""
OVER = 0
"""A lease of so many seconds has run out when it is given."""


def lease(records: Records, worker: str = "w", seconds: int = LONG) -> JobLease:
    taken = records.jobs.lease(CASE, worker, seconds)
    assert taken is not None
    return taken


@pytest.fixture
def jobs(records: Records) -> Records:
    for name in ("b", "a"):
        assert records.jobs.put(CASE, name, f"work of {name}")
    return records


def test_the_oldest_job_is_leased_first_and_once(jobs: Records):
    first, second = lease(jobs, "one"), lease(jobs, "two")
    assert (first.job, first.work, first.worker, first.token) == ("b", "work of b", "one", 1)
    assert second.job == "a"
    assert jobs.jobs.lease(CASE, "three", LONG) is None
    assert jobs.jobs.lease("case-2", "three", LONG) is None


def test_a_job_is_put_once(jobs: Records):
    assert not jobs.jobs.put(CASE, "a", "other work")
    assert jobs.jobs.put("case-2", "a", "other case")
    counts = jobs.jobs.counts(CASE)
    assert counts == {"waiting": 2, "leased": 0, "finished": 0, "halted": 0, "dropped": 0}


def test_a_lease_that_ran_out_is_worth_nothing_once_another_has_the_job(jobs: Records):
    old = lease(jobs, "one", OVER)
    new = lease(jobs, "two")
    assert (new.job, new.token) == (old.job, 2)
    assert jobs.jobs.renew(old, LONG) is None
    assert not jobs.jobs.finish(old)
    assert not jobs.jobs.release(old)
    assert jobs.jobs.finish(new)
    assert jobs.jobs.counts(CASE)["finished"] == 1


def test_a_job_that_is_named_is_leased_before_older_ones(jobs: Records):
    named = jobs.jobs.lease(CASE, "one", LONG, "a")
    assert named is not None
    assert named.job == "a"
    assert jobs.jobs.lease(CASE, "two", LONG, "a") is None
    assert jobs.jobs.lease(CASE, "two", LONG, "c") is None
    assert lease(jobs, "two").job == "b"


def test_a_dropped_job_is_never_run_again(jobs: Records):
    held = lease(jobs, "one")
    assert jobs.jobs.drop(CASE, ["a", "b"]) == 2
    assert jobs.jobs.drop(CASE, ["a", "b", "c"]) == 0
    assert jobs.jobs.lease(CASE, "two", LONG) is None
    assert jobs.jobs.renew(held, LONG) is None
    assert not jobs.jobs.finish(held)
    assert not jobs.jobs.release(held)
    jobs.jobs.halt(CASE)
    jobs.jobs.resume(CASE)
    assert not jobs.jobs.put(CASE, "a", "work of a")
    assert jobs.jobs.counts(CASE)["dropped"] == 2


def test_what_is_finished_is_not_dropped(jobs: Records):
    assert jobs.jobs.finish(lease(jobs))
    assert jobs.jobs.drop(CASE, ["a", "b"]) == 1
    assert jobs.jobs.counts(CASE)["finished"] == 1


def test_a_renewed_lease_is_not_taken(jobs: Records):
    held = jobs.jobs.renew(lease(jobs, seconds=OVER), LONG)
    assert held is not None
    assert lease(jobs, "two").job == "a"
    assert jobs.jobs.lease(CASE, "three", LONG) is None
    assert jobs.jobs.renew(held, OVER) is not None
    assert lease(jobs, "three").job == "b"


def test_a_lease_that_ran_out_but_was_not_taken_still_counts(jobs: Records):
    held = lease(jobs, seconds=OVER)
    assert jobs.jobs.finish(held)
    assert not jobs.jobs.finish(held)


def test_a_released_job_waits_again(jobs: Records):
    held = lease(jobs)
    assert jobs.jobs.release(held)
    assert lease(jobs).token == 2


def test_a_halt_stops_all_and_a_resumption_begins_anew(jobs: Records):
    held = lease(jobs)
    assert jobs.jobs.halt(CASE) == 2
    assert jobs.jobs.halt(CASE) == 0
    assert jobs.jobs.lease(CASE, "w", LONG) is None
    assert jobs.jobs.renew(held, LONG) is None
    assert not jobs.jobs.finish(held)
    assert jobs.jobs.resume(CASE) == 2
    assert not jobs.jobs.finish(held)
    assert lease(jobs).token == 3


def test_a_host_whose_clock_is_ahead_steals_no_lease(
    jobs: Records, monkeypatch: pytest.MonkeyPatch
):
    lease(jobs, "one", 15)
    lease(jobs, "two", 15)
    ahead = time.time() + 16
    monkeypatch.setattr(time, "time", lambda: ahead)
    assert jobs.jobs.lease(CASE, "ahead", LONG) is None


def test_twin_by_the_hosts_own_clock_it_would(jobs: Records, monkeypatch: pytest.MonkeyPatch):
    lease(jobs, "one", 15)
    lease(jobs, "two", 15)
    ahead = int(time.time()) + 16
    monkeypatch.setattr(job_table, "clock_seconds", lambda _alias: ahead)
    assert jobs.jobs.lease(CASE, "ahead", LONG) is not None


def test_an_execution_is_noted_once_a_lease_and_later_ones_know_of_it(jobs: Records):
    first = lease(jobs, "one", OVER)
    assert jobs.jobs.begin(first) == 0
    assert jobs.jobs.begin(first) == 0
    second = lease(jobs, "two", OVER)
    assert second.job == first.job
    assert jobs.jobs.begin(second) == 1
    assert jobs.jobs.begin(first) == 0
    assert jobs.jobs.begin(lease(jobs, "three", LONG)) == 2
    other = lease(jobs, "four")
    assert jobs.jobs.begin(other) == 0


def test_a_lease_under_which_nothing_began_leaves_no_execution(jobs: Records):
    assert jobs.jobs.release(lease(jobs))
    assert jobs.jobs.begin(lease(jobs)) == 0


def test_workers_at_once_never_share_a_job(records: Records):
    for number in range(12):
        records.jobs.put(CASE, str(number), "work")

    def work(worker: str) -> list[str]:
        taken = []
        try:
            while held := records.jobs.lease(CASE, worker, LONG):
                taken.append(held.job)
                assert records.jobs.finish(held)
        finally:
            connections.close_all()
        return taken

    with ThreadPoolExecutor(4) as pool:
        taken = [job for jobs in pool.map(work, "abcd") for job in jobs]
    assert sorted(taken, key=int) == [str(number) for number in range(12)]


def test_refusals_are_kept_newest_first_and_cleared(records: Records):
    assert records.refusals.note(100, "a\x1b[31m", CASE, "release", "x" * 900)
    assert records.refusals.note(101, "b", "", "halt", "no right to\nhalt")
    newest, older = records.refusals.newest()
    assert newest == Refusal(101, "b", "", "halt", "no right to halt", 0)
    assert older.actor == "a<U+001B>[31m"
    assert len(older.reason) == 500
    assert len(records.refusals.newest(1)) == 1


def test_an_actor_cannot_flood_the_side_log(records: Records):
    log = RefusalLog(records._alias, per_actor=3, window=60, most=1000)
    kept = [log.note(100 + i, "flood", CASE, "x", str(i)) for i in range(10)]
    assert kept == [True] * 3 + [False] * 7
    assert log.note(105, "other", CASE, "x", "heard all the same")
    assert [(r.reason, r.unlisted) for r in log.newest()] == [
        ("heard all the same", 0),
        ("2", 7),
        ("1", 0),
        ("0", 0),
    ]
    assert log.note(161, "flood", CASE, "x", "a minute later")


def test_the_side_log_is_capped(records: Records):
    log = RefusalLog(records._alias, per_actor=100, window=60, most=5)
    for i in range(12):
        log.note(i, "a", CASE, "x", str(i))
    assert [r.reason for r in log.newest()] == ["11", "10", "9", "8", "7"]


def test_lists_are_filtered_and_ordered(records: Records):
    late = deeds.summary("closed", developer="other-lab", updated="2026-11-22T10:00:00Z")
    with opening(records, "case-2") as writer:
        append(writer, [deeds.fact("case-opened")])
        writer.summarise(late)
    early = Listing(CASE, deeds.summary())
    assert records.cases() == [Listing("case-2", late), early]
    assert records.cases(developer="example-lab") == [early]
    assert records.cases(status="closed", framework="example") == [Listing("case-2", late)]
    assert records.cases(status="closed", developer="example-lab") == []


def summarise(case: str, events: Sequence[RecordedFacts]) -> Summary:
    return deeds.summary(f"{len(events)} events", title=case)


def test_the_index_is_made_again_from_the_entries(records: Records, place: Place):
    deeds.open_case(records, "case-2")
    deeds.append_batch(records, "case-2", b"evidence")
    assert records.rebuild(summarise) == [CASE, "case-2"]
    rebuilt = records.cases()
    assert {listing.summary.status for listing in rebuilt} == {"1 events", "4 events"}
    assert records.rebuild(summarise) == []
    place.owner("DELETE FROM records_indexrow")
    assert records.cases() == []
    assert records.rebuild(summarise) == [CASE, "case-2"]
    assert records.cases() == rebuilt
    place.owner("UPDATE records_indexrow SET status = 'x' WHERE case_id = 'case-2'")
    assert records.rebuild(summarise) == ["case-2"]
    assert records.cases() == rebuilt
