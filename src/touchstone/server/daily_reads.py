"""The reads of each day that is over, digested into the record: by a server, or by cron.

What was done is read off the record itself. So it goes on after a crash where it stopped, and of
several processes one does each day of a case.
"""

import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import connections

from touchstone.editions.sentences import sentence
from touchstone.errors import TouchstoneError
from touchstone.handin import utc_text
from touchstone.records import CaseMissingError, EarlierContractError
from touchstone.server.accounts.models import ACCOUNTS
from touchstone.server.accounts.reads import days_read, digest_of_day
from touchstone.service.cases.read_digests import record_day_of_reads
from touchstone.service.installation import Installation

FIRST_DAY = "1970-01-01"
AFTER_MIDNIGHT = timedelta(minutes=10)
"""How long after a day's end its reads may still be written down: a request that waits, and clocks
of several processes that differ."""
AGAIN = timedelta(minutes=10)
"""After so long what could not be recorded is tried again."""
_DAY = len(FIRST_DAY)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReadsRecorded:
    """What became of the days that are over."""

    recorded: int = 0
    """Days of cases whose digests were recorded now."""
    waiting: tuple[str, ...] = ()
    """Of each that could not be, a line that says why; it is tried again."""

    def lines(self) -> Iterator[str]:
        """For people."""
        yield sentence("reads.recorded", recorded=self.recorded)
        yield from self.waiting

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def record_reads(here: Installation, since: str = FIRST_DAY) -> ReadsRecorded:
    """Record the digest of each day of each case that is over and has none, from a day on (UTC).

    A case of record contract 1 takes none, nor does one that was destroyed, or is not here.
    """
    recorded, waiting = 0, list[str]()
    for day, case in days_read(since, _today(here.clock.now())):
        try:
            digesting = partial(digest_of_day, day, case)
            recorded += record_day_of_reads(here, case, day, digesting)
        except (EarlierContractError, CaseMissingError):
            continue
        except TouchstoneError as error:
            # One case that takes none now keeps no other from its own.
            waiting.append(f"{case} {day}: {error}")
    return ReadsRecorded(recorded, tuple(waiting))


class DailyReads:
    """Does it once a day in a process that serves; `keep` is called now and then, in a thread."""

    def __init__(self, here: Installation) -> None:
        self._here = here
        self._since = FIRST_DAY
        self._next = ""

    def keep(self) -> None:
        """Record what is due; nothing is asked of any database before a day is over."""
        now = self._here.clock.now()
        today = _today(now)
        if utc_text(now) < self._next or self._since == today:
            return
        try:
            done = record_reads(self._here, self._since)
        finally:
            # The next time is tomorrow: no connection waits for that.
            connections[ACCOUNTS].close()
            self._next = utc_text(now + AGAIN)
        for line in done.waiting:
            log.warning("reads: %s", line)
        if not done.waiting:
            self._since = today


def _today(now: datetime) -> str:
    """The first day (UTC) that is not over, as far as reads are concerned."""
    return utc_text(now - AFTER_MIDNIGHT)[:_DAY]
