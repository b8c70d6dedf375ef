"""From an Authorization header to who speaks."""

import hmac
import re

from touchstone.records.database import translated
from touchstone.server.accounts.models import ACCOUNTS, MINUTE_LENGTH, AccessToken
from touchstone.server.accounts.roles import scopes_of
from touchstone.server.accounts.secret_codes import token_digest
from touchstone.server.errors import NotAuthenticatedError
from touchstone.server.principal import Principal

_BEARER = re.compile(r"[Bb]earer ([A-Za-z0-9_-]{1,100})")


def principal_of(authorization: str | None, now: str) -> Principal:
    """Who speaks, `now` (UTC) being the server's time.

    Of two headers that were joined, as HTTP joins them, neither counts. Whatever is amiss, the
    answer is the same and takes as long: a token is looked for also where none was sent.

    Raises:
        NotAuthenticatedError: no token that holds; why is not said.
    """
    digest = token_digest(_borne(authorization))
    with translated(ACCOUNTS):
        asked = AccessToken.objects.using(ACCOUNTS).select_related("account", "device")
        row = asked.filter(digest=digest).first()
        # The index found it by a digest, of which nobody can choose a beginning: what the time of
        # a look-up tells is nothing about the token.
        if (
            row is None
            or not hmac.compare_digest(row.digest, digest)
            or row.revoked_at
            or row.device.revoked_at
            or not row.account.is_active
            or now >= row.expires_at
        ):
            raise NotAuthenticatedError("no token of this server that holds")
        minute = now[:MINUTE_LENGTH]
        if row.used_at != minute:
            # Once a minute: a write for each request would cost more than most of them.
            AccessToken.objects.using(ACCOUNTS).filter(pk=row.pk).update(used_at=minute)
    account = row.account
    roles = frozenset(account.roles)
    # What its roles allow now, and not when it was made.
    scopes = scopes_of(roles) & frozenset(row.scopes)
    return Principal(account.person, account.institution, roles, scopes, row.digest)


def _borne(authorization: str | None) -> str:
    """The one token of a header; empty where there is none, or anything beside it."""
    found = _BEARER.fullmatch(authorization or "")
    return found[1] if found else ""
