"""Which institutions have something new to do, and a row for each of their people to be told.

A row is made in the transaction that says what was told: whatever fails afterwards, nothing is
told twice as new, and nothing is forgotten.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from touchstone.ledger import dumps
from touchstone.records.database import translated
from touchstone.server.accounts.managing import changing
from touchstone.server.accounts.models import ACCOUNTS, Account, NoticeRow, ToldDeeds
from touchstone.server.notices.channels import known_by, may_be_told, webhooks_of
from touchstone.service.installation import Installation
from touchstone.service.reporting.next_here import next_for


@dataclass(frozen=True, slots=True)
class Waiting:
    """What an institution has to do, without a word of what it is."""

    deeds: tuple[str, ...]
    """Each deed's digest, sorted."""
    waiting: int
    possible: int


def what_waits(here: Installation, institution: str) -> Waiting:
    """What an institution has to do in all its cases now."""
    own = [
        (each.case, deed)
        for each in next_for(here, institution)
        for deed in each.deeds
        if deed.stance != "awaited"
    ]
    # Until when it is to be done may change, and is no other deed.
    deeds = {known_by(case, deed.reason, dumps(dict(deed.about)).decode()) for case, deed in own}
    waiting = sum(deed.stance == "must" for _, deed in own)
    return Waiting(tuple(sorted(deeds)), waiting, len(own) - waiting)


def note_what_waits(here: Installation, *, mail: bool, since: str | None = None) -> int:
    """Make the rows of all notices that are due, and give how many.

    `mail`: whether mail can be sent; without it nobody's address is written. `since`: a moment
    (UTC) before which all was noted: who has no case that moved from then on is not looked at.
    """
    made = 0
    for institution, people in _people().items():
        if since is not None and not here.records.members.has_moved(institution, since):
            continue
        found = what_waits(here, institution)
        made += _note(institution, people, found, here, mail=mail)
    return made


def _people() -> dict[str, list[Account]]:
    found: dict[str, list[Account]] = {}
    with translated(ACCOUNTS):
        for account in Account.objects.using(ACCOUNTS).filter(is_active=True).order_by("pk"):
            if may_be_told(account):
                found.setdefault(account.institution, []).append(account)
    return found


def _note(
    institution: str,
    people: Sequence[Account],
    found: Waiting,
    here: Installation,
    *,
    mail: bool,
) -> int:
    with changing():
        told = _told(institution)
        new = set(found.deeds) - set(told.deeds)
        told.deeds = list(found.deeds)
        told.number += bool(new)
        told.save(using=ACCOUNTS)
        if not new:
            return 0
        rows = [
            _row(here, account, kind, target, told.number, found)
            for account in people
            for kind, target in _ways(account, mail=mail)
        ]
        NoticeRow.objects.using(ACCOUNTS).bulk_create(rows)
        # Whoever was not reached so far is told what is so now, and not what was.
        older = NoticeRow.objects.using(ACCOUNTS).filter(account__institution=institution)
        older.filter(state="due", number__lt=told.number).update(state="replaced")
        return len(rows)


def _told(institution: str) -> ToldDeeds:
    ToldDeeds.objects.using(ACCOUNTS).get_or_create(institution=institution)
    return ToldDeeds.objects.using(ACCOUNTS).select_for_update().get(institution=institution)


def _ways(account: Account, *, mail: bool) -> list[tuple[str, str]]:
    by_mail = [("email", account.email)] if mail and account.email else []
    return by_mail + [("webhook", address) for address in webhooks_of(account)]


def _row(
    here: Installation, account: Account, kind: str, target: str, number: int, found: Waiting
) -> NoticeRow:
    now = here.now()
    return NoticeRow(
        account=account,
        kind=kind,
        target=target,
        number=number,
        name=f"n{here.random.draw(12).hex()}",
        waiting=found.waiting,
        possible=found.possible,
        made_at=now,
        next_at=now,
    )
