"""People of institutions: invited, listed, given other roles, removed. Each act is written down.

invited = invite(Manager.machine(), "example-lab", ["lead"], "Ada", now=now, random=random)
show(invited.code)  # once: only its digest is kept
"""

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Prefetch

from touchstone.framework import may_name
from touchstone.handin import moment_of, unseen, utc_text
from touchstone.keys import RandomSource
from touchstone.ledger.devices import digest_of_code_key, key_of_code
from touchstone.records.database import translated
from touchstone.server.accounts.errors import (
    BadAccountError,
    LastAdministratorError,
    NoSuchPersonError,
)
from touchstone.server.accounts.managing import Manager, changing, note_once_it_stands
from touchstone.server.accounts.models import (
    ACCOUNTS,
    AccessToken,
    Account,
    AccountAct,
    AccountInvitation,
    DeviceKey,
    NoticeChannel,
)
from touchstone.server.accounts.roles import ADMINISTRATOR, PARTY_ROLES
from touchstone.server.accounts.secret_codes import (
    is_person_id,
    new_code,
    new_person_id,
)
from touchstone.server.accounts.sessions import end_sessions_of
from touchstone.server.principal import Principal

INVITED_DAYS = 7
"""How long a code lets somebody in."""
MOST_PEOPLE = 200
"""People, or acts, of a page."""
MOST_NAME = 200
MOST_EMAIL = 254
_KEY = re.compile(r"[0-9a-f]{64}")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


@dataclass(frozen=True, slots=True)
class InvitedPerson:
    """Who was invited, and the code that lets the person's device in: it is shown here alone."""

    person: str
    code: str
    expires: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ShownDevice:
    """A device of a person."""

    key: str
    """Its public key, hex."""
    label: str
    added: str
    revoked: str


@dataclass(frozen=True, slots=True)
class ShownPerson:
    """An account as those see it whose it is to say."""

    person: str
    institution: str
    name: str
    email: str
    roles: tuple[str, ...]
    active: bool
    made: str
    invited_until: str
    """Until when a code that nobody used yet lets a device in; empty: there is none."""
    devices: tuple[ShownDevice, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {
            "roles": list(self.roles),
            "devices": [asdict(each) for each in self.devices],
        }


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """Some people, and after whom the next ones come; empty: there are no more."""

    people: tuple[ShownPerson, ...]
    after: str


@dataclass(frozen=True, slots=True)
class ShownAct:
    """Who did what to whose account, when (UTC)."""

    n: int
    at: str
    by: str
    act: str
    person: str
    institution: str
    facts: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def first_administrator(name: str, *, now: str, random: RandomSource) -> InvitedPerson:
    """Invite the first administrator, where there is none.

    Raises:
        BadAccountError: there is one; the next ones are invited by it, or by `invite`.
    """
    with changing():
        if _administrators().exists():
            raise BadAccountError(
                "there is an administrator; fix: invite the next one with `accounts invite`"
            )
        return invite(Manager.machine(), "", [ADMINISTRATOR], name, now=now, random=random)


def invite(
    by: Manager,
    institution: str,
    roles: Collection[str],
    name: str,
    email: str = "",
    *,
    now: str,
    random: RandomSource,
) -> InvitedPerson:
    """Make an account for a person, and a one-time code for the person's first device.

    Args:
        by: Who invites.
        institution: The party whose person it is; empty for an administrator.
        roles: What the person is to be there.
        name: One line that says who it is, to whoever sees the account.
        email: Where notices go, if anywhere.
        now: The time (UTC).
        random: Where the code comes from.

    Raises:
        NotManagedError: it is not for `by` to say.
        BadAccountError: a field that cannot be taken.
    """
    by.check(institution, roles)
    given = _checked_roles(institution, roles)
    with changing():
        account = Account(
            person=new_person_id(random),
            institution=institution,
            name=_checked_name(name),
            email=_checked_email(email),
            roles=given,
            made_at=now,
        )
        # Django's mark of a password that nobody has.
        account.set_unusable_password()
        account.save(using=ACCOUNTS)
        by.note("invited", account, now, roles=given)
        return _code_for(by, account, now, random)


def invite_again(by: Manager, person: str, *, now: str, random: RandomSource) -> InvitedPerson:
    """A new code for a further device of a person, or for the first where a code ran out.

    Codes that nobody used before end with it. Raises NoSuchPersonError, BadAccountError.
    """
    with changing():
        account = by.managed(person)
        if not account.is_active:
            raise BadAccountError("the person was removed; fix: invite the person anew")
        _open_invitations(account).update(revoked_at=now)
        by.note("invited-again", account, now)
        return _code_for(by, account, now, random)


def change_roles(by: Manager, person: str, roles: Collection[str], *, now: str) -> ShownPerson:
    """Give a person other roles; tokens that are out allow no more than these from now on.

    Raises:
        NoSuchPersonError: there is none that `by` may see.
        NotManagedError: it is not for `by` to give these.
        BadAccountError: no such roles, or an administrator, who has one role alone.
    """
    with changing():
        account = by.managed(person)
        by.check(account.institution, roles)
        before, account.roles = account.roles, _checked_roles(account.institution, roles)
        account.save(using=ACCOUNTS, update_fields=["roles"])
        by.note("roles-changed", account, now, before=before, roles=account.roles)
    return shown_person(by, person)


def remove_person(by: Manager, person: str, *, now: str) -> None:
    """End a person's account: its devices, tokens and codes end with it, at once.

    The row stays, so that what the person did can still be told. To remove twice changes nothing.

    Raises:
        NoSuchPersonError: there is none that `by` may see.
        LastAdministratorError: nobody would be left to invite anybody.
    """
    with changing():
        # All of them are held first: two who remove each other at once would leave none.
        left = [each.person for each in _administrators().select_for_update().order_by("pk")]
        account = by.managed(person)
        if not account.is_active:
            return
        if left == [person]:
            raise LastAdministratorError
        account.is_active, account.removed_at = False, now
        account.save(using=ACCOUNTS, update_fields=["is_active", "removed_at"])
        _open_invitations(account).update(revoked_at=now)
        for kind in (DeviceKey, AccessToken):
            held = kind.objects.using(ACCOUNTS).filter(account=account, revoked_at="")
            held.update(revoked_at=now)
        _end_channels(account, now)
        by.note("removed", account, now)


def revoke_device(by: Manager, person: str, key: str, *, now: str) -> None:
    """End one device of a person (its public key, hex), with its tokens, at once.

    The person's webhooks and calendars end, too: it makes anew those that it wants.

    Raises:
        NoSuchPersonError: there is no such person, or it has no such device.
    """
    with changing():
        _end_device(by, by.managed(person), key, now)


def revoke_own_device(principal: Principal, key: str, *, now: str) -> None:
    """The same of one's own. Raises NoSuchPersonError where one has no such device."""
    with changing():
        _end_device(Manager.of(principal), _own(principal), key, now)


def revoke_other_tokens(principal: Principal, now: str) -> None:
    """End all tokens of a person but the one that it asks with, its browsers, and its channels."""
    with changing():
        account = _own(principal)
        held = AccessToken.objects.using(ACCOUNTS).filter(account=account, revoked_at="")
        others = held.filter(expires_at__gt=now).exclude(digest=principal.token)
        if ended := others.update(revoked_at=now):
            note_once_it_stands("token-revoked", person=account.person, ended=ended)
        end_sessions_of(account, now)
        _end_channels(account, now)


def _own(principal: Principal) -> Account:
    """The account of who speaks, held until the transaction ends."""
    return Account.objects.using(ACCOUNTS).select_for_update().get(person=principal.person)


def _end_device(by: Manager, account: Account, key: str, now: str) -> None:
    devices = DeviceKey.objects.using(ACCOUNTS).filter(account=account, key=key)
    if not _KEY.fullmatch(key) or not devices.exists():
        raise NoSuchPersonError
    if devices.filter(revoked_at="").update(revoked_at=now):
        tokens = AccessToken.objects.using(ACCOUNTS).filter(device__key=key, revoked_at="")
        tokens.update(revoked_at=now)
        by.note("device-revoked", account, now, key=key)
        _end_channels(account, now)


def _end_channels(account: Account, now: str) -> None:
    """End all webhooks and calendars of a person.

    From which device each was made is written down nowhere: whoever had one that is lost, or a
    token of it, may have made any.
    """
    open_ = NoticeChannel.objects.using(ACCOUNTS).filter(account=account, ended_at="")
    for name in open_.values_list("name", flat=True):
        note_once_it_stands(
            "channel-ended", person=account.person, party=account.institution, channel=name
        )
    open_.update(ended_at=now)


def anybody() -> bool:
    """Whether there is an account, also of somebody who was removed."""
    with translated(ACCOUNTS):
        return Account.objects.using(ACCOUNTS).exists()


def list_people(by: Manager, *, after: str = "", most: int = MOST_PEOPLE) -> PeoplePage:
    """The people whose accounts are this manager's to say, by their ids, and those removed."""
    if ADMINISTRATOR not in by.roles:
        by.check(by.party, ())
    if after and not is_person_id(after):
        raise BadAccountError("`after` is where a page before ended")
    with translated(ACCOUNTS):
        asked = Account.objects.using(ACCOUNTS).filter(person__gt=after)
        if ADMINISTRATOR not in by.roles:
            asked = asked.filter(institution=by.party)
        bound = min(max(most, 1), MOST_PEOPLE)
        found = list(_with_all(asked).order_by("person")[: bound + 1])
    page = tuple(map(_shown, found[:bound]))
    return PeoplePage(page, page[-1].person if len(found) > bound else "")


def shown_person(by: Manager, person: str) -> ShownPerson:
    """One of them. Raises NoSuchPersonError."""
    with changing():
        by.managed(person)
        return _shown(_with_all(Account.objects.using(ACCOUNTS).filter(person=person)).get())


def own_account(principal: Principal, now: str) -> dict[str, Any]:
    """What a person is told of itself, of the token that it asks with, and of its devices."""
    with translated(ACCOUNTS):
        account = Account.objects.using(ACCOUNTS).get(person=principal.person)
        tokens = AccessToken.objects.using(ACCOUNTS).filter(account=account, revoked_at="")
        holding = Counter(tokens.filter(expires_at__gt=now).values_list("device__key", flat=True))
        shown = _shown(_with_all(Account.objects.using(ACCOUNTS).filter(pk=account.pk)).get())
    return {
        "person": principal.person,
        "party": principal.party,
        "name": account.name,
        "roles": sorted(principal.roles),
        "scopes": sorted(principal.scopes),
        "devices": [asdict(each) | {"tokens": holding[each.key]} for each in shown.devices],
    }


def list_acts(by: Manager, *, after: int = 0, most: int = MOST_PEOPLE) -> tuple[ShownAct, ...]:
    """Who did what to accounts that are this manager's to say, oldest first, from one on."""
    if ADMINISTRATOR not in by.roles:
        by.check(by.party, ())
    with translated(ACCOUNTS):
        asked = AccountAct.objects.using(ACCOUNTS).filter(pk__gt=after)
        if ADMINISTRATOR not in by.roles:
            asked = asked.filter(institution=by.party)
        return tuple(
            ShownAct(each.pk, each.at, each.by, each.act, each.person, each.institution, each.facts)
            for each in asked.order_by("pk")[: min(max(most, 1), MOST_PEOPLE)]
        )


def _administrators() -> Any:
    return Account.objects.using(ACCOUNTS).filter(institution="", is_active=True)


def _open_invitations(account: Account) -> Any:
    return AccountInvitation.objects.using(ACCOUNTS).filter(
        account=account, used_at="", revoked_at=""
    )


def _code_for(by: Manager, account: Account, now: str, random: RandomSource) -> InvitedPerson:
    code = new_code(random)
    expires = utc_text(moment_of(now) + timedelta(days=INVITED_DAYS))
    AccountInvitation.objects.using(ACCOUNTS).create(
        digest=digest_of_code_key(key_of_code(code)),
        account=account,
        made_by=by.person,
        made_at=now,
        expires_at=expires,
    )
    return InvitedPerson(account.person, code, expires)


def _with_all(asked: Any) -> Any:
    devices = DeviceKey.objects.using(ACCOUNTS).order_by("pk")
    codes = AccountInvitation.objects.using(ACCOUNTS).filter(used_at="", revoked_at="")
    return asked.prefetch_related(Prefetch("devices", devices), Prefetch("invitations", codes))


def _shown(account: Any) -> ShownPerson:
    return ShownPerson(
        account.person,
        account.institution,
        account.name,
        account.email,
        tuple(account.roles),
        account.is_active,
        account.made_at,
        max((each.expires_at for each in account.invitations.all()), default=""),
        tuple(
            ShownDevice(each.key, each.label, each.added_at, each.revoked_at)
            for each in account.devices.all()
        ),
    )


def _checked_roles(institution: str, roles: Collection[str]) -> list[str]:
    given = sorted(set(roles))
    if institution == "":
        if given != [ADMINISTRATOR]:
            raise BadAccountError("whoever is of no institution is an administrator, and no more")
        return given
    # A centre may be called `centre`: that is its id where a framework names none.
    if not may_name(institution, "centre"):
        # Nothing of what was sent is repeated.
        raise BadAccountError(
            "an institution is a party's id: at most 64 lowercase letters, digits and hyphens, and"
            " no word of the system"
        )
    if not given or not PARTY_ROLES.issuperset(given):
        raise BadAccountError(f"roles of an institution's people: {', '.join(sorted(PARTY_ROLES))}")
    return given


def _checked_name(name: str) -> str:
    return checked_line(name, "a name", MOST_NAME)


def checked_line(text: str, what: str, most: int) -> str:
    """A text that is one line which all can see. Raises BadAccountError."""
    if not text.strip() or text != text.strip() or len(text) > most or unseen(text):
        raise BadAccountError(f"{what} is one line of 1 to {most} characters that can be seen")
    return text


def _checked_email(email: str) -> str:
    if email and (len(email) > MOST_EMAIL or not _EMAIL.fullmatch(email)):
        raise BadAccountError("an e-mail address is of the form name@example.org")
    return email
