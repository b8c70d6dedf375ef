"""Browsers that are signed in: begun by a passkey or a recovery code, listed, ended.

What a browser holds is a cookie of 256 bits, of which only the digest stands here. A session ends
when it is not used for an hour, and after twelve in any case.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import QuerySet

from touchstone.handin import moment_of, utc_text
from touchstone.keys import RandomSource
from touchstone.records.database import translated
from touchstone.server.accounts.authenticating import principal_of
from touchstone.server.accounts.errors import NotUsableError
from touchstone.server.accounts.managing import changing, note_once_it_stands
from touchstone.server.accounts.models import (
    ACCOUNTS,
    MINUTE_LENGTH,
    Account,
    BrowserSession,
)
from touchstone.server.accounts.roles import scopes_of
from touchstone.server.accounts.secret_codes import new_token, token_digest
from touchstone.server.errors import NotAuthenticatedError
from touchstone.server.principal import Principal

IDLE = timedelta(hours=1)
LONGEST = timedelta(hours=12)
MOST_SESSIONS = 8
"""Of one person at a time; an older one ends with the next."""
SHOWN_OF_SESSION = 16
"""Hex digits of a session's digest by which it is named: no secret."""
RECOVERY = "recovery"
PASSKEY = "passkey"
SHOWN = "demonstration"
BY_BROWSER = "\x00session "
"""Stands before what a cookie held, where else an Authorization header stands: no header holds a
NUL, so none passes for a cookie, and the API knows nobody by one."""


@dataclass(frozen=True, slots=True)
class ShownSession:
    """A browser that is signed in, as its person sees it."""

    name: str
    """By which it is ended; no secret."""
    way: str
    label: str
    made: str
    used: str
    own: bool
    """Whether it is the one that asks."""


def speaker(credential: str | None, now: str) -> Principal:
    """Who speaks, by a cookie's session or an Authorization header, `now` (UTC).

    Raises NotAuthenticatedError.
    """
    if credential is None or not credential.startswith(BY_BROWSER):
        return principal_of(credential, now)
    return principal_of_session(credential.removeprefix(BY_BROWSER), now)


def principal_of_session(cookie: str, now: str) -> Principal:
    """Who is signed in by a cookie. By a recovery code one may do nothing but add a passkey.

    Raises NotAuthenticatedError.
    """
    digest = token_digest(cookie)
    with translated(ACCOUNTS):
        found = _open(now).filter(digest=digest).select_related("account").first()
        if found is None or not found.account.is_active:
            raise NotAuthenticatedError("no session of this server that holds")
        minute = now[:MINUTE_LENGTH]
        if found.used_at != minute:
            BrowserSession.objects.using(ACCOUNTS).filter(pk=found.pk).update(used_at=minute)
    account = found.account
    roles = frozenset(account.roles)
    scopes = frozenset[str]() if found.way == RECOVERY else scopes_of(roles)
    return Principal(
        account.person, account.institution, roles, scopes, found.digest, found.made_at
    )


def begin_session(account: Account, way: str, label: str, *, now: str, random: RandomSource) -> str:
    """Sign a browser in: what its cookie is to hold, a secret. Call it within `changing`."""
    cookie = new_token(random)
    BrowserSession.objects.using(ACCOUNTS).filter(expires_at__lt=now).delete()
    BrowserSession.objects.using(ACCOUNTS).create(
        account=account,
        digest=token_digest(cookie),
        way=way,
        label=label,
        made_at=now,
        used_at=now[:MINUTE_LENGTH],
        expires_at=utc_text(moment_of(now) + LONGEST),
    )
    held = _open(now).filter(account=account).order_by("-pk").values_list("pk", flat=True)
    older = list(held[MOST_SESSIONS:])
    BrowserSession.objects.using(ACCOUNTS).filter(pk__in=older).update(revoked_at=now)
    note_once_it_stands("session-begun", person=account.person, party=account.institution, way=way)
    return cookie


def begin_shown_session(person: str, *, now: str, random: RandomSource) -> str:
    """Sign a browser in as a person who need prove nothing, as everybody is invented.

    Raises NotUsableError: there is no such person.
    """
    with changing():
        held = Account.objects.using(ACCOUNTS).filter(is_active=True)
        account = held.filter(person=person).first()
        if account is None:
            raise NotUsableError
        return begin_session(account, SHOWN, SHOWN, now=now, random=random)


def sessions_of(principal: Principal, now: str) -> tuple[ShownSession, ...]:
    """The person's browsers that are signed in, newest first."""
    with translated(ACCOUNTS):
        rows = _open(now).filter(account__person=principal.person).order_by("-pk")
        return tuple(
            ShownSession(
                row.digest[:SHOWN_OF_SESSION],
                row.way,
                row.label,
                row.made_at,
                row.used_at,
                row.digest == principal.token,
            )
            for row in rows
        )


def end_session(principal: Principal, name: str, now: str) -> None:
    """End one of the person's own sessions by its name; of none of that name nothing changes."""
    with changing():
        own = BrowserSession.objects.using(ACCOUNTS).filter(
            account__person=principal.person, revoked_at="", digest__startswith=name
        )
        if len(name) == SHOWN_OF_SESSION and own.update(revoked_at=now):
            note_once_it_stands("session-ended", person=principal.person, session=name)


def end_sessions_of(account: Account, now: str, but: str = "") -> None:
    """End all sessions of a person but that of a digest. Call it within `changing`."""
    rows = BrowserSession.objects.using(ACCOUNTS).filter(account=account, revoked_at="")
    rows.exclude(digest=but).update(revoked_at=now)


def _open(now: str) -> "QuerySet[BrowserSession]":
    """Those that hold: not ended, not too old, and used within the last hour."""
    still = utc_text(moment_of(now) - IDLE)[:MINUTE_LENGTH]
    return BrowserSession.objects.using(ACCOUNTS).filter(
        revoked_at="", expires_at__gt=now, used_at__gte=still
    )
