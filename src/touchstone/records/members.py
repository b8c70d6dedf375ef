"""The cases of a party, listed and counted without a look into any of them.

page = records.members.visible_to("example-lab")
more = records.members.visible_to("example-lab", after=page.after)
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import connections

from touchstone.records.database import translated
from touchstone.records.errors import PageError
from touchstone.records.inserting import insert
from touchstone.records.membership import Membership, follow_members
from touchstone.records.models import MemberRow
from touchstone.records.values import CASE_ID, RecordedFacts, is_storable

MOST_LISTED = 500
_AFTER = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)/([a-z0-9][a-z0-9-]{0,63})")
_COLUMNS = "m.case_id, m.role, m.n, i.framework, i.updated"
_FROM = (
    "FROM records_memberrow m JOIN records_indexrow i ON i.case_id = m.case_id"
    " WHERE m.party = %s AND m.joined"
)


@dataclass(frozen=True, slots=True)
class OwnCase:
    """A case of a party: what it is in it and from which entry on, and what every member may know.

    `framework` is the id of the one that the case is under, and `updated` when its newest entry was
    recorded (UTC): all see that there is one more. What else the party may read, its entries say.
    """

    case: str
    role: str
    n: int
    framework: str
    updated: str


@dataclass(frozen=True, slots=True)
class InvitationPage:
    """By case, to what a party is invited, and after which case the next ones come, if any do."""

    invitations: Mapping[str, Membership]
    after: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some cases of a party, and after what the next ones come; None: there are no more."""

    cases: tuple[OwnCase, ...]
    after: str | None


class Members:
    """Who is of which case. `Records.members` is one."""

    def __init__(self, alias: str) -> None:
        self._alias = alias

    def visible_to(
        self,
        party: str,
        *,
        after: str | None = None,
        most: int = 50,
        framework: str | None = None,
    ) -> Page:
        """The cases that a party has joined, last updated first.

        Nothing is shown, counted or ordered by what some member may not read.

        Args:
            party: The party.
            after: Where a page before ended, as it says; None: from the beginning.
            most: How many at once, 1 to 500.
            framework: The framework's id; None: all of them.

        Raises:
            PageError: `after` or `most` is none.
        """
        _check_most(most)
        where, values = _matching(party, framework)
        if after is not None:
            found = _AFTER.fullmatch(after)
            if found is None:
                raise PageError("the place to go on from is none that a list gave")
            where += " AND (i.updated < %s OR (i.updated = %s AND m.case_id > %s))"
            values += [found[1], found[1], found[2]]
        if not _can_match(values):
            return Page((), None)
        statement = f"SELECT {_COLUMNS} {_FROM}{where} ORDER BY i.updated DESC, m.case_id LIMIT %s"
        with translated(self._alias), connections[self._alias].cursor() as cursor:
            # One more: whether there is another page.
            cursor.execute(statement, [*values, most + 1])
            rows = cursor.fetchall()
        cases = tuple(OwnCase(*row) for row in rows[:most])
        last = cases[-1] if len(rows) > most else None
        return Page(cases, f"{last.updated}/{last.case}" if last else None)

    def moved(self, party: str, since: str) -> dict[str, int]:
        """By case how many entries it has, of the party's cases that moved since a moment (UTC).

        Also of those that moved in that very second.
        """
        statement = (
            "SELECT m.case_id, c.size FROM records_memberrow m"
            " JOIN records_indexrow i ON i.case_id = m.case_id"
            ' JOIN records_caserow c ON c."case" = m.case_id'
            " WHERE m.party = %s AND m.joined AND i.updated >= %s ORDER BY m.case_id"
        )
        if not _can_match([party, since]):
            return {}
        with translated(self._alias), connections[self._alias].cursor() as cursor:
            cursor.execute(statement, [party, since])
            return {str(case): int(size) for case, size in cursor.fetchall()}

    def newest_sizes(self, party: str) -> dict[str, int]:
        """By case that a party has joined how many entries it has, last updated first."""
        statement = (
            "SELECT m.case_id, c.size FROM records_memberrow m"
            " JOIN records_indexrow i ON i.case_id = m.case_id"
            ' JOIN records_caserow c ON c."case" = m.case_id'
            " WHERE m.party = %s AND m.joined ORDER BY i.updated DESC, m.case_id"
        )
        if not _can_match([party]):
            return {}
        with translated(self._alias), connections[self._alias].cursor() as cursor:
            cursor.execute(statement, [party])
            return {str(case): int(size) for case, size in cursor.fetchall()}

    def has_moved(self, party: str, since: str) -> bool:
        """Whether a case moved since a moment (UTC) of which a party is, or to which it is invited.

        Also one that moved in that very second.
        """
        statement = (
            "SELECT 1 FROM records_memberrow m JOIN records_indexrow i ON i.case_id = m.case_id"
            " WHERE m.party = %s AND i.updated >= %s LIMIT 1"
        )
        if not _can_match([party, since]):
            return False
        with translated(self._alias), connections[self._alias].cursor() as cursor:
            cursor.execute(statement, [party, since])
            return cursor.fetchone() is not None

    def count(self, party: str, *, framework: str | None = None) -> int:
        """How many those are."""
        where, values = _matching(party, framework)
        if not _can_match(values):
            return 0
        with translated(self._alias), connections[self._alias].cursor() as cursor:
            cursor.execute(f"SELECT count(*) {_FROM}{where}", values)
            return int(cursor.fetchone()[0])

    def invitations(
        self, party: str, *, after: str | None = None, most: int = 50
    ) -> InvitationPage:
        """To what a party is invited that it has not joined, by case id: nothing else is shown.

        Anybody who opens cases may invite anybody, so there may be any number: `after` and `most`
        are as for `visible_to`. Raises PageError.
        """
        _check_most(most)
        if after is not None and not CASE_ID.fullmatch(after):
            raise PageError("the place to go on from is none that a list gave")
        if not _can_match([party]):
            return InvitationPage({}, None)
        with translated(self._alias):
            invited = MemberRow.objects.using(self._alias).filter(party=party, joined=False)
            rows = list(invited.filter(case_id__gt=after or "").order_by("case_id")[: most + 1])
        shown = {row.case_id: _membership(row) for row in rows[:most]}
        return InvitationPage(shown, rows[most - 1].case_id if len(rows) > most else None)

    def of(self, case: str) -> dict[str, Membership]:
        """The members of a case by party, as the table has them."""
        with translated(self._alias):
            return read_members(self._alias, case)


def recorded_members(recorded: Sequence[RecordedFacts]) -> dict[str, Membership]:
    """The members of a case by party, as its entries say from the first on."""
    return follow_members(enumerate(facts for facts, _ in recorded))


def is_member(alias: str, case: str, party: str) -> bool:
    """Whether a party is of a case, or at least invited to it.

    Asked first, before anything of the case is read: of a case of others it is found out as quickly
    as of none that it is not the party's.
    """
    if not _can_match([case, party]):
        return False
    return MemberRow.objects.using(alias).filter(party=party, case_id=case).exists()


def last_read(alias: str, case: str, party: str) -> int | None:
    """The entry by which a party left a case, the last that it reads; None while it takes part."""
    rows = MemberRow.objects.using(alias).filter(party=party, case_id=case)
    with translated(alias):
        return rows.values_list("last", flat=True).first()


def read_members(alias: str, case: str) -> dict[str, Membership]:
    """The members of a case by party."""
    rows = MemberRow.objects.using(alias).filter(case=case)
    return {row.party: _membership(row) for row in rows}


def write_members(alias: str, case: str, members: Mapping[str, Membership | None]) -> None:
    """Set what these parties are in a case, None for nothing; others stay as they are."""
    MemberRow.objects.using(alias).filter(case=case, party__in=list(members)).delete()
    rows = [
        (party, case, each.role, each.n, each.joined, each.last)
        for party, each in members.items()
        if each
    ]
    insert(alias, (MemberRow, rows))


def rewrite_members(alias: str, case: str, members: Mapping[str, Membership]) -> bool:
    """Set all members of a case; false where they were so already."""
    if read_members(alias, case) == members:
        return False
    MemberRow.objects.using(alias).filter(case=case).delete()
    write_members(alias, case, members)
    return True


def _matching(party: str, framework: str | None) -> tuple[str, list[str | int]]:
    """What is asked beside the party, and the values for all of it."""
    if framework is None:
        return "", [party]
    return " AND i.framework = %s", [party, framework]


def _check_most(most: int) -> None:
    if not 1 <= most <= MOST_LISTED:
        raise PageError(f"{most} cases at once: ask for 1 to {MOST_LISTED}")


def _can_match(values: Sequence[str | int]) -> bool:
    """Whether these may stand in the table at all: no database is asked for what it cannot hold."""
    return all(is_storable(str(each)) for each in values)


def _membership(row: MemberRow) -> Membership:
    return Membership(row.role, row.n, row.joined, row.last)
