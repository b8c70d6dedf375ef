"""Whose account it is to say, and what is written down of each act."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from django.db import transaction

from touchstone.records.database import translated
from touchstone.server.accounts.errors import NoSuchPersonError, NotManagedError
from touchstone.server.accounts.models import ACCOUNTS, Account, AccountAct
from touchstone.server.accounts.roles import ADMINISTRATOR, may_manage
from touchstone.server.accounts.secret_codes import is_person_id
from touchstone.server.principal import Principal
from touchstone.server.security_log import tell_event

MACHINE = "machine"
"""Who acts by a command where the server stands."""


@dataclass(frozen=True, slots=True)
class Manager:
    """Who says who may come in."""

    person: str
    party: str
    roles: frozenset[str]

    @classmethod
    def of(cls, principal: Principal) -> Self:
        """Whoever speaks in a request."""
        return cls(principal.person, principal.party, principal.roles)

    @classmethod
    def machine(cls) -> Self:
        """Whoever may run commands on the server's machine: it has the database anyway."""
        return cls(MACHINE, "", frozenset({ADMINISTRATOR}))

    def check(self, institution: str, wanted: Collection[str]) -> None:
        """Raise NotManagedError unless it says who is of these roles there."""
        if not may_manage(self.party, self.roles, institution, wanted):
            raise NotManagedError

    def managed(self, person: str) -> Account:
        """A person whose account is this manager's to say; held until the transaction ends.

        Raises:
            NoSuchPersonError: there is none, or it is another institution's.
        """
        # By form first: not every text can be asked of a database.
        if not is_person_id(person):
            raise NoSuchPersonError
        found = Account.objects.using(ACCOUNTS).select_for_update().filter(person=person).first()
        if found is None or not may_manage(self.party, self.roles, found.institution, found.roles):
            raise NoSuchPersonError
        return found

    def note(self, act: str, account: Account, now: str, **facts: Any) -> None:
        """Write down what it did."""
        note_once_it_stands(act, by=self.person, person=account.person, party=account.institution)
        AccountAct.objects.using(ACCOUNTS).create(
            at=now,
            by=self.person,
            act=act,
            person=account.person,
            institution=account.institution,
            facts=facts,
        )


def note_once_it_stands(event: str, **facts: str | int) -> None:
    """Write a security event down once the transaction that it is part of stands."""
    transaction.on_commit(partial(tell_event, event, **facts), using=ACCOUNTS)


@contextmanager
def changing() -> Iterator[None]:
    """A transaction of the accounts' database; its faults are told in one line each."""
    with translated(ACCOUNTS), transaction.atomic(using=ACCOUNTS):
        yield
