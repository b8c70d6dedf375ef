"""The ends of next deeds as a calendar (RFC 5545), for any calendar program.

A file holds what the party itself may read. A feed that is fetched by whoever knows its address is
made with `dates_only`: of what is due it says nothing but that something is.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from icalendar import Calendar, Event, vText

from touchstone import __version__
from touchstone.editions.next_text import next_text
from touchstone.editions.sentences import sentence
from touchstone.handin import moment_of
from touchstone.handin.shown_ids import short_case
from touchstone.ledger import digest_value
from touchstone.review.next_deeds import NextDeed


@dataclass(frozen=True)
class CalendarEntry:
    """A deed that is next, and in which case for whom."""

    case: str
    party: str
    deed: NextDeed
    hidden: int = 0
    """How many entries of the case are not open to the party."""


def calendar_text(
    entries: Iterable[CalendarEntry], name: str, now: str, *, dates_only: bool = False
) -> bytes:
    """A calendar of the deeds that have an end, each at the moment at which it ends.

    Args:
        entries: The deeds; those without an end are left out.
        name: What the calendar is called.
        now: The present moment (UTC).
        dates_only: Whether nothing is said of a deed but whom it waits for and when it ends.
    """
    made = Calendar()
    made.add("prodid", f"-//Touchstone//{__version__}//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    # Both names are texts, which the library does not know of them.
    for called in ("name", "x-wr-calname"):
        made.add(called, vText(name))
    # What one party does, others wait for: it is one event, and first told of is first kept.
    due = {_uid(each): each for each in reversed(list(entries)) if each.deed.due is not None}
    for uid, each in reversed(due.items()):
        made.add_component(_event(each, uid, now, dates_only=dates_only))
    text: bytes = made.to_ical()
    return text


def _uid(entry: CalendarEntry) -> str:
    """The same for the same deed each time, so that a program moves its date and makes no other."""
    about = {**entry.deed.about, "case": entry.case, "by": entry.deed.by}
    digest = digest_value(about | {"reason": entry.deed.reason})
    return f"{digest.removeprefix('sha256:')[:32]}@touchstone"


def _event(entry: CalendarEntry, uid: str, now: str, *, dates_only: bool) -> Event:
    deed, made = entry.deed, Event()
    made.add("uid", uid)
    made.add("dtstamp", moment_of(now))
    if deed.due is not None:
        made.add("dtstart", moment_of(deed.due.at))
    # A day with a deed in it is no busy day.
    made.add("transp", "TRANSPARENT")
    made.add("class", "PRIVATE")
    if dates_only:
        made.add("summary", sentence("next.something-due", party=deed.by))
        return made
    told = next_text(deed, now, reader=entry.party if entry.hidden else "")
    made.add("summary", sentence("next.entry", party=deed.by, what=told.what))
    said = sentence("next.told", why=told.why, due=told.due, case=short_case(entry.case))
    made.add("description", said)
    return made
