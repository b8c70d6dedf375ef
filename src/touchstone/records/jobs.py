"""The job table: a row, and nothing else, says who works on what.

Each method is one transaction. Times are seconds since the epoch by the database's clock: workers
on machines whose clocks differ agree on when a lease ends.
"""

from collections.abc import Collection

from django.db import transaction
from django.db.models import Count, F, Q

from touchstone.records.database import clock_seconds, translated
from touchstone.records.models import ExecutionRow, JobRow
from touchstone.records.values import JobLease, JobState, Leased

_STATES: tuple[JobState, ...] = ("waiting", "leased", "finished", "halted", "dropped")


class JobTable:
    """Jobs by case; `work` is text that only the caller understands. `Records.jobs` is one."""

    def __init__(self, alias: str) -> None:
        self._alias = alias

    def put(self, case: str, job: str, work: str) -> bool:
        """Add a waiting job; false where the case has one of that id already."""
        with translated(self._alias), transaction.atomic(using=self._alias, durable=True):
            # What is there stays as it stands: a second call must not let a finished job run again.
            _, made = JobRow.objects.using(self._alias).get_or_create(
                case=case, job=job, defaults={"work": work, "state": "waiting"}
            )
        return made

    def lease(
        self, case: str, worker: str, seconds: int, job: str | None = None
    ) -> JobLease | None:
        """Take a job that waits or whose lease ran out; None where there is none.

        The oldest one, or the one that is named.
        """
        with translated(self._alias), transaction.atomic(using=self._alias, durable=True):
            now = clock_seconds(self._alias)
            free = Q(state="waiting") | Q(state="leased", until__lte=now)
            if job is not None:
                free &= Q(job=job)
            # Past those that another worker takes in this moment: waiting for one would only find
            # it gone.
            rows = JobRow.objects.using(self._alias).select_for_update(skip_locked=True)
            row = rows.filter(free, case=case).order_by("id").first()
            if row is None:
                return None
            row.state, row.worker = "leased", worker
            # A worker that was stopped and wakes holds an older token, and changes nothing any
            # more.
            row.token, row.until = row.token + 1, now + seconds
            row.save(using=self._alias)
        return JobLease(case, row.job, row.work, worker, row.token, row.until)

    def begin(self, lease: Leased) -> int:
        """Note, before anything is asked, that an execution of the job begins under this lease.

        Gives how many began before it: what they were answered counts, whatever became of them.
        """
        with translated(self._alias), transaction.atomic(using=self._alias, durable=True):
            rows = ExecutionRow.objects.using(self._alias)
            # By token, so that a call that is repeated under one lease counts no execution twice.
            earlier = rows.filter(case=lease.case, job=lease.job, token__lt=lease.token).count()
            rows.get_or_create(
                case=lease.case,
                job=lease.job,
                token=lease.token,
                defaults={"worker": lease.worker, "begun": clock_seconds(self._alias)},
            )
        return earlier

    def renew(self, lease: Leased, seconds: int) -> JobLease | None:
        """Hold on longer; None where the job was given to another, finished or halted.

        A lease that ran out, and that nobody else took, is still renewed.
        """
        with translated(self._alias):
            until = clock_seconds(self._alias) + seconds
        if not self._set(lease, until=until):
            return None
        return JobLease(lease.case, lease.job, lease.work, lease.worker, lease.token, until)

    def finish(self, lease: Leased) -> bool:
        """Mark a job finished; false where the lease is no longer this worker's."""
        return self._set(lease, state="finished", until=0)

    def release(self, lease: Leased) -> bool:
        """Give a job back, so that it waits; false where the lease is no longer this worker's."""
        return self._set(lease, state="waiting", until=0)

    def halt(self, case: str) -> int:
        """Stop every job that waits or is leased; says how many. None is leased again."""
        with translated(self._alias):
            rows = JobRow.objects.using(self._alias).filter(case=case)
            return rows.filter(state__in=("waiting", "leased")).update(state="halted")

    def drop(self, case: str, jobs: Collection[str]) -> int:
        """Mark jobs as no longer needed, unless they are finished; says how many.

        Leases of them are worthless from then on, and a resumed case does not take them up again.
        """
        with translated(self._alias):
            rows = JobRow.objects.using(self._alias).filter(case=case, job__in=jobs)
            needed = rows.exclude(state__in=("finished", "dropped"))
            return needed.update(state="dropped", token=F("token") + 1)

    def resume(self, case: str) -> int:
        """Let halted jobs wait again; says how many. Leases from before the halt stay worthless."""
        with translated(self._alias):
            rows = JobRow.objects.using(self._alias).filter(case=case, state="halted")
            return rows.update(state="waiting", token=F("token") + 1)

    def counts(self, case: str) -> dict[JobState, int]:
        """How many jobs of the case are in each state."""
        with translated(self._alias):
            rows = JobRow.objects.using(self._alias).filter(case=case)
            found = dict(rows.values_list("state").annotate(Count("id")))
        return {state: found.get(state, 0) for state in _STATES}

    def working(self) -> set[str]:
        """The cases of which somebody works on a job now, by leases that have not run out."""
        with translated(self._alias):
            rows = JobRow.objects.using(self._alias).filter(state="leased")
            living = rows.filter(until__gt=clock_seconds(self._alias))
            return set(living.values_list("case", flat=True))

    def _set(self, lease: Leased, **values: object) -> bool:
        with translated(self._alias):
            # By token: whoever woke after its lease was given to another changes nothing.
            rows = JobRow.objects.using(self._alias).filter(
                case=lease.case, job=lease.job, token=lease.token, state="leased"
            )
            return rows.update(**values) == 1
