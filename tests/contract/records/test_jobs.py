"""The job table, the side log, and lists."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from support import deeds
from support.record_place import Place
from touchstone.records import Event, JobLease, Listing, Records, Refusal, RefusalLog, Summary

CASE = "case-1"


def lease(records: Records, worker: str = "w", now: int = 100, seconds: int = 10) -> JobLease:
    taken = records.jobs.lease(CASE, worker, now, seconds)
    assert taken is not None
    return taken


@pytest.fixture
def jobs(records: Records) -> Records:
    for name in ("b", "a"):
        assert records.jobs.put(CASE, name, f"work of {name}")
    return records


def test_the_oldest_job_is_leased_first_and_once(jobs: Records):
    first, second = lease(jobs, "one"), lease(jobs, "two")
    assert (first.job, first.work, first.worker, first.token, first.until) == (
        "b", "work of b", "one", 1, 110,
    )  # fmt: skip
    assert second.job == "a"
    assert jobs.jobs.lease(CASE, "three", 100, 10) is None
    assert jobs.jobs.lease("case-2", "three", 100, 10) is None


def test_a_job_is_put_once(jobs: Records):
    assert not jobs.jobs.put(CASE, "a", "other work")
    assert jobs.jobs.put("case-2", "a", "other case")
    counts = jobs.jobs.counts(CASE)
    assert counts == {"waiting": 2, "leased": 0, "finished": 0, "halted": 0, "dropped": 0}


def test_a_lease_that_ran_out_is_worth_nothing_once_another_has_the_job(jobs: Records):
    old = lease(jobs, "one")
    new = lease(jobs, "two", now=110)
    assert (new.job, new.token) == (old.job, 2)
    assert jobs.jobs.renew(old, 111, 10) is None
    assert not jobs.jobs.finish(old, 111)
    assert not jobs.jobs.release(old)
    assert jobs.jobs.finish(new, 112)
    assert jobs.jobs.counts(CASE)["finished"] == 1


def test_a_job_that_is_named_is_leased_before_older_ones(jobs: Records):
    named = jobs.jobs.lease(CASE, "one", 100, 10, "a")
    assert named is not None
    assert named.job == "a"
    assert jobs.jobs.lease(CASE, "two", 105, 10, "a") is None
    assert jobs.jobs.lease(CASE, "two", 105, 10, "c") is None
    assert lease(jobs, "two").job == "b"


def test_a_dropped_job_is_never_run_again(jobs: Records):
    held = lease(jobs, "one")
    assert jobs.jobs.drop(CASE, ["a", "b"]) == 2
    assert jobs.jobs.drop(CASE, ["a", "b", "c"]) == 0
    assert jobs.jobs.lease(CASE, "two", 1000, 10) is None
    assert jobs.jobs.renew(held, 101, 10) is None
    assert not jobs.jobs.finish(held, 101)
    assert not jobs.jobs.release(held)
    jobs.jobs.halt(CASE)
    jobs.jobs.resume(CASE)
    assert not jobs.jobs.put(CASE, "a", "work of a")
    assert jobs.jobs.counts(CASE)["dropped"] == 2


def test_what_is_finished_is_not_dropped(jobs: Records):
    assert jobs.jobs.finish(lease(jobs), 101)
    assert jobs.jobs.drop(CASE, ["a", "b"]) == 1
    assert jobs.jobs.counts(CASE)["finished"] == 1


def test_a_renewed_lease_is_not_taken(jobs: Records):
    held = jobs.jobs.renew(lease(jobs), 109, 10)
    assert held is not None
    assert held.until == 119
    assert lease(jobs, "two", now=118).job == "a"
    assert jobs.jobs.lease(CASE, "three", 118, 10) is None
    assert lease(jobs, "three", now=119).job == "b"


def test_a_lease_that_ran_out_but_was_not_taken_still_counts(jobs: Records):
    held = lease(jobs)
    assert jobs.jobs.finish(held, 200)
    assert not jobs.jobs.finish(held, 200)


def test_a_released_job_waits_again(jobs: Records):
    held = lease(jobs)
    assert jobs.jobs.release(held)
    assert lease(jobs).token == 2


def test_a_halt_stops_all_and_a_resumption_begins_anew(jobs: Records):
    held = lease(jobs)
    assert jobs.jobs.halt(CASE) == 2
    assert jobs.jobs.halt(CASE) == 0
    assert jobs.jobs.lease(CASE, "w", 500, 10) is None
    assert jobs.jobs.renew(held, 101, 10) is None
    assert not jobs.jobs.finish(held, 101)
    assert jobs.jobs.resume(CASE) == 2
    assert not jobs.jobs.finish(held, 101)
    assert lease(jobs).token == 3


def test_workers_at_once_never_share_a_job(records: Records):
    for number in range(12):
        records.jobs.put(CASE, str(number), "work")

    def work(worker: str) -> list[str]:
        taken = []
        try:
            while held := records.jobs.lease(CASE, worker, 100, 1000):
                taken.append(held.job)
                assert records.jobs.finish(held, 101)
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
        ("heard all the same", 0), ("2", 7), ("1", 0), ("0", 0),
    ]  # fmt: skip
    assert log.note(161, "flood", CASE, "x", "a minute later")


def test_the_side_log_is_capped(records: Records):
    log = RefusalLog(records._alias, per_actor=100, window=60, most=5)
    for i in range(12):
        log.note(i, "a", CASE, "x", str(i))
    assert [r.reason for r in log.newest()] == ["11", "10", "9", "8", "7"]


def test_lists_are_filtered_and_ordered(records: Records):
    late = deeds.summary("closed", developer="other-lab", updated="2026-11-22T10:00:00Z")
    with records.open_case("case-2") as writer:
        writer.append([deeds.fact("case-opened")])
        writer.summarise(late)
    early = Listing(CASE, deeds.summary())
    assert records.cases() == [Listing("case-2", late), early]
    assert records.cases(developer="example-lab") == [early]
    assert records.cases(status="closed", framework="example") == [Listing("case-2", late)]
    assert records.cases(status="closed", developer="example-lab") == []


def summarise(case: str, events: Sequence[Event]) -> Summary:
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
