"""The count of tokens against a plain one kept beside it, over days, months and restarts."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.gateway.enforcing.usage import UsageStore

BEGIN = datetime(2026, 1, 30, 22, tzinfo=UTC)
PEOPLE = ("ann", "bo")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(PEOPLE),
        st.integers(1, 500),
        # None: the hold stays, as where the gateway died before it knew.
        st.none() | st.integers(0, 500),
        # Over the end of a month now and then, and over the end of a year's shortest.
        st.sampled_from((0, 1, 20, 24 * 27)),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


@given(STEPS)
@settings(max_examples=25)
def test_days_and_months_are_counted_and_held_through_every_restart(
    steps: list[tuple[str, int, int | None, int, bool]],
):
    async def walk(path: Path) -> None:
        usage, now, counted = UsageStore(path), BEGIN, Counter[tuple[str, datetime]]()
        try:
            for person, held, used, hours, restarts in steps:
                now += timedelta(hours=hours)
                hold = await usage.hold(person, held, now.timestamp())
                if used is not None:
                    await asyncio.wrap_future(usage.settle(hold, used))
                day = now.replace(hour=0)
                counted[person, day] += held if used is None else used
                if restarts:
                    usage.close()
                    usage = UsageStore(path)
                for each in PEOPLE:
                    found = await usage.used(each, now.timestamp())
                    days = {at: number for (who, at), number in counted.items() if who == each}
                    month = {
                        at: n
                        for at, n in days.items()
                        if (at.year, at.month) == (now.year, now.month)
                    }
                    assert found.today == days.get(day, 0)
                    assert found.this_month == sum(month.values())
        finally:
            usage.close()

    with TemporaryDirectory() as folder:
        asyncio.run(walk(Path(folder) / "usage"))
