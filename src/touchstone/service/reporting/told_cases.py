"""Cases as parties read them, remembered: what was read of one is not read again.

    told = tell(installation, reader, party_audience("example-lab", "GREEN", "contents"))
    told.case.state, told.timeline

Contents stay in the memory of this process, of so many bytes in all, and for the party and the
sight alone for which they were read. Whether the party may read the case at all is asked each time,
before this is.
"""

from dataclasses import dataclass
from functools import cached_property

from touchstone.clearance import Audience
from touchstone.editions.audience_case import AudienceCase
from touchstone.editions.page import TimelineEvent
from touchstone.editions.sections.timeline import timeline
from touchstone.records import CaseReader
from touchstone.review import State, evolve_seen
from touchstone.review.audience_view import CaseMembers, Entry, members_for, read_entries

OF_A_PART = 2_000
"""Bytes that a part takes beside its own, twice: as it is kept, and as it was read."""


@dataclass(frozen=True)
class ToldCase:
    """A case as one audience may read it, at one size."""

    case: AudienceCase
    members: CaseMembers
    """By whom it was read that it is theirs."""
    bytes: int
    """About how much memory it takes."""

    @cached_property
    def timeline(self) -> tuple[TimelineEvent, ...]:
        """Every entry in order, as `sections.timeline` tells it."""
        return timeline(self.case)

    @cached_property
    def destroyed(self) -> bool:
        """Whether it holds a destruction: its contents go then, and none of it is remembered."""
        return any(each.event.type == "case-destroyed" for each in self.case.entries)

    @cached_property
    def followed(self) -> tuple[State, tuple[int, ...]]:
        """What the entries come to for the party's own client, and those that are hidden from it.

        As `client` folds what a server sends.
        """
        state, hidden = State(), list[int]()
        for entry in self.case.entries:
            if entry.visible:
                state = evolve_seen(state, entry.event, entry.recorded, hidden=bool(hidden))
            else:
                hidden.append(entry.n)
        return state, tuple(hidden)


def tell(before: ToldCase | None, reader: CaseReader, audience: Audience) -> ToldCase:
    """A case as an audience reads it, from what was told of it before, if that still holds.

    What is open to a party stays open to it, but where the case was destroyed, the party left, or
    who is handed no copy is agreed otherwise: then all is read anew.
    """
    if before and len(before.case.entries) == reader.size:
        return before
    members = members_for(reader)
    if before and _holds(before, reader, audience, members):
        told = _followed(before, reader, members)
        if not told.destroyed:
            return told
    nothing = ToldCase(AudienceCase(reader.case, (), audience), members, 0)
    return _followed(nothing, reader, members)


def _followed(before: ToldCase, reader: CaseReader, members: CaseMembers) -> ToldCase:
    case = before.case
    news = tuple(read_entries(reader, case.audience, len(case.entries), members=members))
    return ToldCase(case.grown(news), members, before.bytes + sum(map(_weight, news)))


def _holds(before: ToldCase, reader: CaseReader, audience: Audience, members: CaseMembers) -> bool:
    was, now = (
        [each.left.get(name) for name in audience.parties] for each in (before.members, members)
    )
    # A record that was put back has fewer entries than were read of it.
    known = len(before.case.entries) <= reader.size
    return known and was == now and before.members.lookers == members.lookers


def _weight(entry: Entry) -> int:
    return sum(OF_A_PART + 2 * len(each.part.data or b"") for each in entry.parts)
