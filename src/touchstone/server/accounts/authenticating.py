"""From an Authorization header to who speaks."""

import hmac
import json
import re
from functools import cache

from django.db import connections

from touchstone.records.database import translated
from touchstone.server.accounts.models import ACCOUNTS, MINUTE_LENGTH, AccessToken
from touchstone.server.accounts.roles import scopes_of
from touchstone.server.accounts.secret_codes import token_digest
from touchstone.server.errors import NotAuthenticatedError
from touchstone.server.principal import Principal

_NOBODY = "no token of this server that holds"
# Asked for as they are: a model for each row would cost as much again, at every request.
_COLUMNS = (
    "digest",
    "revoked_at",
    "device__revoked_at",
    "made_at",
    "account__is_active",
    "expires_at",
    "used_at",
    "scopes",
    "account__person",
    "account__institution",
    "account__roles",
)
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
        with connections[ACCOUNTS].cursor() as cursor:
            cursor.execute(_statement(), [digest])
            found = cursor.fetchone()
        # The index found it by a digest, of which nobody can choose a beginning: what the time of
        # a look-up tells is nothing about the token.
        if found is None or not hmac.compare_digest(found[0], digest):
            raise NotAuthenticatedError(_NOBODY)
        _, revoked, ended, made, active, expires, used, held, person, party, given = found
        if revoked or ended or not active or now >= expires:
            raise NotAuthenticatedError(_NOBODY)
        minute = now[:MINUTE_LENGTH]
        if used != minute:
            # Once a minute: a write for each request would cost more than most of them.
            AccessToken.objects.using(ACCOUNTS).filter(digest=digest).update(used_at=minute)
    roles = frozenset(_words_of(given))
    # What its roles allow now, and not when it was made.
    scopes = scopes_of(roles) & frozenset(_words_of(held))
    return Principal(person, party, roles, scopes, digest, made)


@cache
def _statement() -> str:
    """What asks for a token by its digest: to write it anew would cost more than to ask."""
    asked = AccessToken.objects.using(ACCOUNTS).filter(digest="").values_list(*_COLUMNS)
    return str(asked.query.get_compiler(ACCOUNTS).as_sql()[0])


def _words_of(kept: str | list[str]) -> list[str]:
    """A list as it comes from the database: its JSON, or what a driver made of it."""
    found: list[str] = json.loads(kept) if isinstance(kept, str) else kept
    return found


def _borne(authorization: str | None) -> str:
    """The one token of a header; empty where there is none, or anything beside it."""
    found = _BEARER.fullmatch(authorization or "")
    return found[1] if found else ""
