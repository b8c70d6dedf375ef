"""Notices from the server's own processes: one of them at a time goes round, and the others wait.

Which one it is stands in a row of the accounts' database, which it holds for some minutes. Where it
ends, another takes over once that time is over. Two that go round all the same, as one does beside
`touchstone notices send`, send each notice once: each is claimed by its own row.
"""

import logging
import os
import socket
import threading
from datetime import timedelta

from django.db.models import Q

from touchstone.errors import TouchstoneError
from touchstone.handin import moment_of, utc, utc_text
from touchstone.records.database import clock_seconds
from touchstone.server.accounts.managing import changing
from touchstone.server.accounts.models import ACCOUNTS, NoticeSender
from touchstone.server.notices.running import go_round
from touchstone.server.notices.sending import SendingDone
from touchstone.service.configuration import read_configuration
from touchstone.service.installation import Installation

ROUND_SECONDS = 60.0
"""Between two rounds."""
HELD = timedelta(minutes=5)
"""How long a turn is held: several rounds, so that a slow one does not lose it."""
LATE = timedelta(minutes=1)
"""By how much a deed may be in the record later than it says."""
LOOK_AT_ALL = timedelta(minutes=15)
"""How often also those are looked at of whose cases none moved: time alone may open a deed."""
SENDER = 1
"""The key of the one row."""
MOST_FAULT = 500
log = logging.getLogger(__name__)


class Teller:
    """What one process does to have people told, in a thread of its own."""

    def __init__(self, here: Installation) -> None:
        self._here = here
        # Of one process and no other, also of another machine.
        self.name = f"{socket.gethostname()[:60]}:{os.getpid()}:{here.random.draw(4).hex()}"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.keep, name="notices", daemon=True)
        self._since = ""
        self._all_at = ""
        self._fault = ""

    def start(self) -> None:
        """Go round now, and then every minute."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Begin nothing more, and wait so long for what is under way.

        What does not end by then is sent again by the next server, and says so.
        """
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def go_round(self) -> SendingDone | None:
        """One round; None: nobody is to be told by this process now.

        Raises:
            ConfigurationError: the configuration cannot be used.
            BadInputError: the mail server's password is not set.
        """
        chosen = read_configuration(self._here.home).notices
        if chosen is None or not chosen.by_server or not self._takes_turn():
            # Another may have looked meanwhile: whoever comes next looks at all.
            self._since = ""
            return None
        now = self._here.now()
        whole = not self._since or now >= self._all_at
        done = go_round(self._here, chosen, None if whole else self._since, self._stop.is_set)
        if whole:
            self._all_at = utc_text(moment_of(now) + LOOK_AT_ALL)
        self._since = utc_text(moment_of(now) - LATE)
        return done

    def keep(self) -> None:
        """Go round until `stop`, whatever comes of a round; then another may at once."""
        while not self._stop.is_set():
            fault = ""
            try:
                self._tell(self.go_round())
            except (TouchstoneError, OSError) as error:
                fault = str(error)
            except Exception as error:
                # People are to be told the next time, whatever was wrong with this one.
                log.exception("a fault of the round of notices")
                fault = type(error).__name__
            self._note(fault)
            self._stop.wait(ROUND_SECONDS)
        self._leave()

    def _tell(self, done: SendingDone | None) -> None:
        if done is not None and done != SendingDone():
            log.info("%s", *done.lines())

    def _note(self, fault: str) -> None:
        """Say what a round came to, in the log once and for `touchstone doctor --server`."""
        if fault and fault != self._fault:
            log.warning("notices: %s", fault)
        self._fault = fault
        held = Q(holder=self.name)
        try:
            with changing():
                rows = NoticeSender.objects.using(ACCOUNTS).filter(held, pk=SENDER)
                rows.update(ended_at=database_time(), fault=fault[:MOST_FAULT])
        except TouchstoneError as error:
            log.warning("notices: %s", error)

    def _takes_turn(self) -> bool:
        """Whether it is this process that goes round now, and for some minutes to come."""
        with changing():
            rows = NoticeSender.objects.using(ACCOUNTS)
            rows.get_or_create(pk=SENDER)
            now = database_time()
            free = rows.filter(Q(holder=self.name) | Q(until__lte=now), pk=SENDER)
            until = utc_text(moment_of(now) + HELD)
            return bool(free.update(holder=self.name, until=until))

    def _leave(self) -> None:
        """Let another take over at once."""
        try:
            with changing():
                rows = NoticeSender.objects.using(ACCOUNTS).filter(pk=SENDER, holder=self.name)
                rows.update(until="")
        except TouchstoneError as error:
            log.warning("notices: %s", error)


def database_time() -> str:
    """The present moment (UTC) by the accounts' database, whose clock all processes share."""
    return utc(clock_seconds(ACCOUNTS))
