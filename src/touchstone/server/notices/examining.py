"""Whether notices are stuck, for `touchstone doctor --server`: asked of the accounts' database."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from touchstone.errors import TouchstoneError
from touchstone.handin import moment_of, utc_text
from touchstone.records.database import translated
from touchstone.server.accounts.models import ACCOUNTS, NoticeRow, NoticeSender
from touchstone.server.notices.mailing import mail_way
from touchstone.server.notices.telling import SENDER, database_time
from touchstone.service.checks import Check
from touchstone.service.configuration import CONFIGURATION, NoticesText, read_configuration

NAME = "Notices"
STUCK_AFTER = timedelta(minutes=20)
"""So long after its time a notice was sent by nobody: later than any round, or a lost claim."""
MANY_ATTEMPTS = 4
"""From so many on a notice is told of that does not arrive."""
GIVEN_UP = timedelta(days=7)
"""How long a notice that was given up is told of."""


def examine_notices(home: Path) -> list[Check]:
    """What keeps people from being told; the accounts are open. Raises TouchstoneError."""
    try:
        chosen = read_configuration(home).notices
    except TouchstoneError as error:
        return [Check(NAME, ok=False, found="cannot be configured", fix=str(error))]
    if chosen is None:
        found = f"off: {CONFIGURATION} says nothing of them"
        return [Check(NAME, ok=True, found=found, fix="")]
    faults = [Check(NAME, ok=False, found=found, fix=fix) for found, fix in _faults(chosen)]
    by = "the server" if chosen.by_server else "`touchstone notices send`"
    return faults or [Check(NAME, ok=True, found=f"none is stuck; {by} sends them", fix="")]


def _faults(chosen: NoticesText) -> Iterator[tuple[str, str]]:
    """What is amiss, each with its fix."""
    if chosen.sender:
        try:
            mail_way(chosen)
        except TouchstoneError as error:
            yield "no mail can be sent", str(error)
    now = moment_of(database_time())
    with translated(ACCOUNTS):
        sender = NoticeSender.objects.using(ACCOUNTS).filter(pk=SENDER).first()
        rows = NoticeRow.objects.using(ACCOUNTS)
        late = rows.filter(
            state__in=("due", "sending"), next_at__lt=utc_text(now - STUCK_AFTER)
        ).order_by("next_at")
        first, count = late.first(), late.count()
        refused = rows.filter(state="due", attempts__gte=MANY_ATTEMPTS) | rows.filter(
            state="failed", made_at__gte=utc_text(now - GIVEN_UP)
        )
        why = Counter(refused.values_list("kind", "fault"))
    if sender is not None and sender.fault:
        yield f"the server's last round failed ({sender.ended_at})", sender.fault
    if first is not None:
        yield f"{count} wait since {first.next_at} and nobody sends them", _who_sends(chosen)
    for (kind, fault), times in sorted(why.items()):
        yield f"{times} by {kind} do not arrive: {fault or 'no answer'}", _where_to_look(kind)


def _who_sends(chosen: NoticesText) -> str:
    if chosen.by_server:
        return "keep `touchstone serve` running, or call `touchstone notices send` by cron"
    return "call `touchstone notices send` every few minutes by cron, or take by_server = false out"


def _where_to_look(kind: str) -> str:
    if kind == "email":
        return f"look at smtp_host, smtp_port and smtp_security in {CONFIGURATION}"
    return "tell the webhook's person: whoever answers there has to take notices"
