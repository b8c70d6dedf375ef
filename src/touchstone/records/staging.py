"""Bytes that a party sends before the deed that they are evidence of.

They come in pieces, each durable before it is acknowledged, and go on from where they were broken
off. Once all are here and of the digest that was said, a deed *of this party* in this case may use
them; they leave with that deed's transaction. What nobody uses expires by the database's clock::

    offset = records.staging.begin(case, party, digest, len(data)).received
    while offset < len(data):
        piece = data[offset : offset + PIECE]
        offset = records.staging.write(case, party, digest, offset, piece).received
"""

import re
import secrets
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from django.db import connections
from django.db.models import Count, QuerySet, Sum

from touchstone.keys import DataKey
from touchstone.ledger import dumps, loads
from touchstone.ledger.contract2 import unknown_case
from touchstone.records.database import clock_seconds, raw, translated
from touchstone.records.errors import BusyError, DamagedError, DestroyedError, StagingError
from touchstone.records.inserting import case_head
from touchstone.records.models import CaseRow, StagedPieceRow, StagedRow
from touchstone.records.settings import is_postgresql
from touchstone.records.stagedfiles import StagedFiles
from touchstone.records.values import is_storable

KEPT_SECONDS = 7 * 24 * 3600
"""How long bytes wait for more of them, or for their deed: as long as a deed may."""
PIECE = 16 << 20
"""The most bytes of one piece."""
SHORTEST = 64 << 10
"""The fewest bytes of a piece that is not the last: a file is kept of each."""
LARGEST = 1 << 30
"""The most bytes of one digest."""
MOST = 64
"""How many digests of one party wait, in all cases together."""
MOST_BYTES = 4 << 30
"""How many bytes they may be together, also those that are still to come."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# Any number that no other program on the server uses as an advisory lock.
_LOCK = 0x746F7564


@dataclass(frozen=True, slots=True)
class Staged:
    """What is here of some bytes: `received` of `size`; `until` seconds since the epoch.

    `whole` says that all are here and have that digest: a deed may use them.
    """

    case: str
    digest: str
    size: int
    received: int
    until: int
    whole: bool


@dataclass(frozen=True, slots=True)
class StagingAccess:
    """What `Records` lends: a transaction, a case's key, and whether a party takes part."""

    alias: str
    files: StagedFiles
    atomic: Callable[[], AbstractContextManager[None]]
    case_key: Callable[[CaseRow], DataKey | None]
    takes_part: Callable[[str, str], bool]


class StagingArea:
    """Takes bytes before their deeds. `Records.staging` is one; safe from several processes."""

    def __init__(self, access: StagingAccess) -> None:
        self._access = access
        self._alias = access.alias
        self._files = access.files

    def begin(self, case: str, party: str, digest: str, size: int) -> Staged:
        """Say what will come, or ask how much of it is here: the same call goes on.

        Args:
            case: The case's id.
            party: Who sends, and whose deed is to use it: a party that takes part in the case.
            digest: `sha256:` and hex, of all bytes.
            size: How many bytes they are.

        Raises:
            UnpromisedError: there is no such case, or not for this party: which, is not said.
            StagingError: it is too large, or the party has too much that waits.
            DestroyedError: the case takes no more content.
            BusyError, FullError, UnreachableError: no answer; ask again.
        """
        self._require_known(case, party, digest)
        # True and 1.5 compare with numbers, and no piece of them would ever be the last.
        if type(size) is not int or not 0 <= size <= LARGEST:
            why = f"{size} bytes are to come: a piece of evidence has at most {LARGEST}"
            raise StagingError("too-large", why)
        with self._locked(case, digest) as (key, name, now):
            expired = self._drop(self._rows(case, party).filter(until__lte=now))
            row = self._rows(case, party).filter(name=name).first()
            if row and row.file and not self._files.path(case, row.file).exists():
                # A backup brought the row back, and not its file.
                self._drop(self._rows(case, party).filter(id=row.id))
                row = None
            if row is None:
                self._require_room(party, size, now)
                facts = key.seal(dumps({"digest": digest}), _place(case, name))
                row = StagedRow(
                    case_id=case, party=party, name=name, facts=facts, size=size, received=0
                )
            elif row.size != size:
                why = f"{digest[:24]}...: {row.size} bytes were said to come before, not {size}"
                raise StagingError("other-size", why)
            row.until = now + KEPT_SECONDS
            row.save(using=self._alias)
        self._files.remove(case, expired)
        return self._completed(row, key, digest)

    def write(self, case: str, party: str, digest: str, offset: int, data: bytes) -> Staged:
        """Keep the bytes from `offset` on; durable when this returns. With the last, all are read.

        Raises:
            StagingError: they are not the next (its `offset` says from where on those are), too
                many or too few, or all together have another digest: then nothing of them is left.
                Else as `begin`.
        """
        self._require_known(case, party, digest)
        with translated(self._alias):
            head = case_head(self._alias, case)
            key = self._open(case, head)
            now = clock_seconds(self._alias)
            row = self._row(case, party, key.name(digest), now)
        # Asked before anything is written, and again in the lock.
        _check_piece(row, offset, data)
        file = secrets.token_hex(16)
        # The file first, outside the lock: a disk that is slow keeps nobody's deed waiting.
        self._files.put(case, file, data, key)
        try:
            with self._locked(case, digest) as (key, name, now):
                row = self._row(case, party, name, now)
                _check_piece(row, offset, data)
                self._add_piece(row, file, len(data), now)
        except BaseException:
            self._files.remove(case, [file])
            raise
        return self._completed(row, key, digest)

    def look(self, case: str, party: str, digest: str) -> Staged | None:
        """What is here of some bytes; None where nothing of them was begun. Raises as `begin`."""
        self._require_known(case, party, digest)
        with translated(self._alias):
            key = self._open(case, case_head(self._alias, case))
            rows = self._rows(case, party).filter(name=key.name(digest))
            row = rows.filter(until__gt=clock_seconds(self._alias)).first()
        return None if row is None else _shown(row, digest)

    def of(self, party: str) -> list[Staged]:
        """What waits of a party, in all cases, the oldest first."""
        if not is_storable(party):
            return []
        with translated(self._alias):
            rows = StagedRow.objects.using(self._alias).filter(
                party=party, until__gt=clock_seconds(self._alias)
            )
            found = list(rows.select_related("case").order_by("id"))
        return [
            _shown(row, _digest(row, key))
            for row in found
            if (key := self._access.case_key(row.case)) is not None
        ]

    def forget(self, case: str, party: str, digest: str) -> bool:
        """Let go of bytes that no deed is to use; false where there were none. As `begin`."""
        self._require_known(case, party, digest)
        # Files go once the rows are gone: the other way a crash would leave rows of nothing.
        with self._locked(case, digest) as (_, name, _):
            rows = self._rows(case, party).filter(name=name)
            there = rows.exists()
            files = self._drop(rows)
        self._files.remove(case, files)
        return there

    def sweep(self, case: str) -> int:
        """Let go of what expired in a case, and of files that a crash left; gives how many."""
        with self._access.atomic():
            case_head(self._alias, case, lock=True)
            rows = StagedRow.objects.using(self._alias).filter(case=case)
            expired = rows.filter(until__lte=clock_seconds(self._alias))
            swept = expired.count()
            self._drop(expired)
            # In the lock: whoever puts a piece there looks in it whether the file still is.
            left = self._files.sweep(case, _files_of(self._alias, rows))
        return max(swept, left)

    def _require_known(self, case: str, party: str, digest: str) -> None:
        # Who has left may send no deed that would use them: all of it would only fill the disk.
        if not self._access.takes_part(case, party):
            raise unknown_case()
        if not _DIGEST.fullmatch(digest):
            raise StagingError("digest-form", "a digest is `sha256:` and 64 lowercase hex digits")

    @contextmanager
    def _locked(self, case: str, digest: str) -> Iterator[tuple[DataKey, str, int]]:
        """A case's lock in a transaction; gives its key, the digest's name and the time."""
        with self._access.atomic():
            key = self._open(case, case_head(self._alias, case, lock=True))
            yield key, key.name(digest), clock_seconds(self._alias)

    def _open(self, case: str, head: CaseRow | None) -> DataKey:
        key = None if head is None else self._access.case_key(head)
        if key is None:
            raise DestroyedError(f"{case}: was destroyed; it takes no more content")
        return key

    def _rows(self, case: str, party: str) -> QuerySet[StagedRow]:
        return StagedRow.objects.using(self._alias).filter(case=case, party=party)

    def _row(self, case: str, party: str, name: str, now: int) -> StagedRow:
        row = self._rows(case, party).filter(name=name, until__gt=now).first()
        # Expired is the same as never begun: a sweep may take its files at any moment.
        if row is None:
            raise StagingError("not-begun", "nothing of that digest was begun, or it expired")
        return row

    def _same_row(self, joined: StagedRow, now: int) -> StagedRow:
        """The row as it stands, if it is the one of which bytes were joined outside the lock."""
        row = self._row(joined.case_id, joined.party, joined.name, now)
        # Its party may have let go of it and begun anew, also of another size.
        if (row.id, row.size) != (joined.id, joined.size):
            raise StagingError("not-begun", "what was begun was let go of meanwhile: begin again")
        return row

    def _require_room(self, party: str, size: int, now: int) -> None:
        """Of what waits of a party, in all cases, there is so much and no more."""
        if is_postgresql(self._alias):
            # Cases are locked one by one: two of a party are not to count at once.
            with connections[self._alias].cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, party])
        waiting = StagedRow.objects.using(self._alias).filter(party=party, until__gt=now)
        there = waiting.aggregate(count=Count("id"), size=Sum("size"))
        if there["count"] >= MOST:
            why = f"{there['count']} pieces of evidence of {party} wait for their deeds: no more"
            raise StagingError(
                "too-many", f"{why} are taken; fix: send the deeds, or let go of some"
            )
        if (there["size"] or 0) + size > MOST_BYTES:
            why = f"with these {size} bytes more than {MOST_BYTES} of {party} would wait"
            raise StagingError("too-large", f"{why}; fix: send the deeds, or let go of some")

    def _add_piece(self, row: StagedRow, file: str, length: int, now: int) -> None:
        if not self._files.path(row.case_id, file).exists():
            raise BusyError("what was sent was swept away meanwhile; fix: send it again")
        StagedPieceRow.objects.using(self._alias).create(
            staged_id=row.id, start=row.received, file=file
        )
        row.received += length
        row.until = now + KEPT_SECONDS
        row.save(using=self._alias, update_fields=["received", "until"])

    def _completed(self, row: StagedRow, key: DataKey, digest: str) -> Staged:
        """Once all bytes are here: make one file of them, if they are what was said."""
        if row.file or row.received < row.size:
            return _shown(row, digest)
        case, file = row.case_id, secrets.token_hex(16)
        with translated(self._alias):
            pieces = StagedPieceRow.objects.using(self._alias).filter(staged=row.id)
            names = list(pieces.order_by("start").values_list("file", flat=True))
        try:
            try:
                same = self._files.join(case, names, file, row.name, key) == digest
            except DamagedError:
                # Unless another process made one file of them meanwhile.
                same = False
            with self._locked(case, digest) as (_, _, now):
                row = self._same_row(row, now)
                left = [file] if row.file else self._settle(row, file, same=same)
        except BaseException:
            self._files.remove(case, [file])
            raise
        self._files.remove(case, left)
        if not row.file:
            why = f"the bytes are not of {digest[:24]}...: nothing of them is left; send them anew"
            raise StagingError("digest", why)
        return _shown(row, digest)

    def _settle(self, row: StagedRow, file: str, *, same: bool) -> list[str]:
        """Have the row name the one file, or nothing at all; gives the files to be removed."""
        rows = StagedRow.objects.using(self._alias).filter(id=row.id)
        if not same:
            return [file, *self._drop(rows)]
        left = _files_of(self._alias, rows)
        StagedPieceRow.objects.using(self._alias).filter(staged=row.id).delete()
        row.file = file
        row.save(using=self._alias, update_fields=["file"])
        return sorted(left)

    def _drop(self, rows: QuerySet[StagedRow]) -> list[str]:
        """Delete rows with their pieces; gives the files, for once that stands."""
        return drop_staged(self._alias, rows)


def drop_staged(alias: str, rows: QuerySet[StagedRow]) -> list[str]:
    """Delete rows with their pieces; gives the files, to be removed once that stands."""
    files = sorted(_files_of(alias, rows))
    StagedPieceRow.objects.using(alias).filter(staged__in=rows.values("id")).delete()
    rows.delete()
    return files


def staged_whole(alias: str, case: str, party: str, name: str) -> StagedRow | None:
    """What is here whole of a party's, under the name that the case's key makes of a digest."""
    rows = StagedRow.objects.using(alias).filter(case=case, party=party, name=name)
    return rows.exclude(file="").filter(until__gt=clock_seconds(alias)).first()


def check_staged(alias: str, case: str, key: DataKey | None, files: StagedFiles) -> Iterator[str]:
    """What is amiss with what waits in a case, each in a line."""
    with translated(alias):
        rows = StagedRow.objects.using(alias).filter(case=case)
        known = _files_of(alias, rows)
        expired = rows.filter(until__lte=clock_seconds(alias)).count()
        whole = list(rows.exclude(file=""))
    if key is not None:
        yield from _damaged(whole, key, files)
    if expired:
        yield f"{expired} that nobody used have expired: touchstone rebuild sweeps them"
    if left := files.left_over(case, known):
        yield f"{len(left)} files that no row knows: touchstone rebuild sweeps them"


def _damaged(whole: list[StagedRow], key: DataKey, files: StagedFiles) -> Iterator[str]:
    for row in whole:
        try:
            # All of it, and nothing is kept of it.
            deque(files.whole(row.case_id, row.file, row.name, key), 0)
        except DamagedError as error:
            yield str(error)


def _check_piece(row: StagedRow, offset: int, data: bytes) -> None:
    """Whether these bytes are the next. Raises StagingError."""
    if row.file or type(offset) is not int or offset != row.received:
        why = f"the next bytes are those from {row.received} on, not from {offset}"
        raise StagingError("offset", why, row.received)
    end = offset + len(data)
    shortest = 1 if end == row.size else SHORTEST
    if end > row.size or not shortest <= len(data) <= PIECE:
        why = (
            f"{len(data)} bytes from {offset} on, of {row.size}: send {SHORTEST} to {PIECE} at"
            " once, fewer at the end"
        )
        raise StagingError("piece", why, row.received)


def _files_of(alias: str, rows: QuerySet[StagedRow]) -> set[str]:
    """Every file that these rows know."""
    pieces = StagedPieceRow.objects.using(alias).filter(staged__in=rows.values("id"))
    whole = rows.exclude(file="").values_list("file", flat=True)
    return {*whole, *pieces.values_list("file", flat=True)}


def _digest(row: StagedRow, key: DataKey) -> str:
    return str(loads(key.open(raw(row.facts), _place(row.case_id, row.name)))["digest"])


def _shown(row: StagedRow, digest: str) -> Staged:
    return Staged(row.case_id, digest, row.size, row.received, row.until, bool(row.file))


def _place(case: str, name: str) -> bytes:
    return f"touchstone/staged-facts/1\x00{case}\x00{name}".encode()
