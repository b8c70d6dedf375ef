"""Who may ask what: each route once, and what is not here is not answered.

What a person may read *within* its party's cases is `clearance`'s, and who is of a case the
record's: here is only what a token must be for, before any case is looked at. Whose roles show
nothing of cases (`clearance.SIGHTS`) is told so here, whichever case it asks for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.http import HttpRequest

from touchstone.clearance import SIGHTS
from touchstone.handin import moment_of, utc_text
from touchstone.server.accounts.limits import (
    BY_ADDRESS,
    BY_PERSON,
    ENTERING,
    Rate,
    address_group,
)
from touchstone.server.accounts.roles import ADMINISTRATOR, LEAD, PARTY_ROLES
from touchstone.server.bodies import BODY_SECONDS
from touchstone.server.chosen import MOST_BODY
from touchstone.server.errors import NotAuthenticatedError, ProblemError
from touchstone.server.principal import NOBODY, Principal
from touchstone.server.serving import CREDENTIAL, Serving, make_known, serving_of

Scope = Literal["read", "deeds", "evidence", "secrets", "people", "any"]
"""What a token may be used for; `any`: whatever it is for."""
ANY: Literal["any"] = "any"
ENTERING_BODY = 8 << 10
"""Bytes of the longest body by which somebody is let in: a statement that a device signed."""
ENTERING_SECONDS = 10.0
"""How long it may take: whoever is not known yet holds room of others who are not meanwhile."""
COUNTED = "touchstone.counted"
"""Under this name a request says that it was counted before its body was read."""
MANAGERS = frozenset({ADMINISTRATOR, LEAD})
EVERYBODY = PARTY_ROLES | {ADMINISTRATOR}


@dataclass(frozen=True, slots=True)
class Need:
    """What a route asks of whoever uses it. None: anybody may ask, without a token."""

    scope: Scope | None = None
    roles: frozenset[str] = PARTY_ROLES
    """One of them suffices; an administrator, who sees no contents, is of no party."""
    query: tuple[str, ...] = ()
    """The names that may stand in the query."""
    many: tuple[str, ...] = ()
    """Those of them that may stand there more than once."""
    entering: bool = False
    """Whether somebody is let in by it: then it is asked for seldom."""
    fresh: bool = False
    """Whether the token is to be one that a device signed for lately: who holds one of an hour ago
    changes nobody's account by it."""

    @property
    def most_body(self) -> int:
        """Bytes of the longest body, where the route has a bound of its own."""
        if self.scope is not None:
            return MOST_BODY
        return ENTERING_BODY if self.entering else 0

    @property
    def body_seconds(self) -> float:
        """How long all of a body may take."""
        return ENTERING_SECONDS if self.entering else BODY_SECONDS

    def lets(self, principal: Principal) -> bool:
        """Whether a person's token and roles are for it."""
        return self.scope in {ANY, *principal.scopes} and bool(self.roles & principal.roles)


FRESH = timedelta(minutes=10)
"""So old a token may be where it is to be fresh."""
READING = frozenset(role for role in PARTY_ROLES if SIGHTS[role] != "nothing")
"""Who is told anything of its party's cases."""
ACTING = READING - {"auditor"}
"""Who may do deeds; which of them the party's key signs for, the record says."""
KEY_HOLDERS = frozenset({"submitter", LEAD})
"""Who may hand in an endpoint's key; in which cases, the record says."""

_CASE = "v1/cases/<case>"
DECLARED: dict[tuple[str, str], Need] = {
    ("GET", "v1/installation"): Need(query=("size",)),
    ("GET", "v1/openapi.json"): Need(),
    ("GET", "v1/cases"): Need("read", READING, query=("after", "most", "framework")),
    ("GET", "v1/invitations"): Need("read", READING, query=("after", "most")),
    ("GET", "v1/events"): Need("read", READING),
    ("GET", f"{_CASE}/entries"): Need("read", READING, query=("start",)),
    ("GET", f"{_CASE}/head"): Need("read", READING),
    ("GET", f"{_CASE}/newest"): Need("read", READING, query=("topic",), many=("topic",)),
    ("GET", f"{_CASE}/bundle"): Need("read", READING),
    ("GET", f"{_CASE}/report"): Need("read", READING),
    ("GET", f"{_CASE}/reads"): Need("read", READING, query=("after", "most", "day")),
    ("GET", f"{_CASE}/documents/<name>"): Need("read", READING),
    ("GET", f"{_CASE}/transcripts"): Need("read", READING),
    ("GET", f"{_CASE}/transcripts/<transcript>"): Need(
        "read", READING, query=("start", "most", "text")
    ),
    ("GET", f"{_CASE}/transcripts/<transcript>/log"): Need("read", READING),
    ("GET", f"{_CASE}/oversight"): Need("read", READING),
    ("GET", f"{_CASE}/oversight/<transcript>"): Need("read", READING),
    ("POST", f"{_CASE}/deeds"): Need("deeds", ACTING),
    ("POST", f"{_CASE}/deeds/cancel"): Need("deeds", ACTING),
    ("POST", f"{_CASE}/drafts/destruction"): Need("deeds", ACTING),
    ("POST", f"{_CASE}/drafts/report"): Need("deeds", ACTING),
    ("GET", f"{_CASE}/endpoint-keys"): Need("secrets", KEY_HOLDERS),
    ("PUT", f"{_CASE}/endpoint-keys/<name>"): Need("secrets", KEY_HOLDERS),
    ("DELETE", f"{_CASE}/endpoint-keys/<name>"): Need("secrets", KEY_HOLDERS),
    ("HEAD", f"{_CASE}/evidence/<digest>"): Need("evidence", ACTING),
    ("PUT", f"{_CASE}/evidence/<digest>"): Need("evidence", ACTING),
    ("DELETE", f"{_CASE}/evidence/<digest>"): Need("evidence", ACTING),
    ("POST", "v1/invitations/redeem"): Need(entering=True),
    ("POST", "v1/tokens"): Need(entering=True),
    ("DELETE", "v1/tokens/current"): Need(ANY, EVERYBODY),
    ("GET", "v1/me"): Need(ANY, EVERYBODY),
    ("DELETE", "v1/me/devices/<key>"): Need(ANY, EVERYBODY, fresh=True),
    ("DELETE", "v1/me/tokens"): Need(ANY, EVERYBODY, fresh=True),
    ("GET", "v1/people"): Need("people", MANAGERS, ("after", "most")),
    ("POST", "v1/people"): Need("people", MANAGERS, fresh=True),
    ("GET", "v1/people/<person>"): Need("people", MANAGERS),
    ("DELETE", "v1/people/<person>"): Need("people", MANAGERS, fresh=True),
    ("PUT", "v1/people/<person>/roles"): Need("people", MANAGERS, fresh=True),
    ("POST", "v1/people/<person>/invitations"): Need("people", MANAGERS, fresh=True),
    ("DELETE", "v1/people/<person>/devices/<key>"): Need("people", MANAGERS, fresh=True),
    ("GET", "v1/next"): Need("read", READING),
    ("GET", "v1/notices/channels"): Need("read", READING),
    ("POST", "v1/notices/webhooks"): Need("read", READING, fresh=True),
    ("POST", "v1/notices/calendars"): Need("read", READING, fresh=True),
    ("DELETE", "v1/notices/channels/<name>"): Need("read", READING),
    # Its token is in the address, and is asked for as seldom as a code.
    ("GET", "v1/calendars/<token>"): Need(entering=True),
    ("GET", "v1/account-acts"): Need("people", MANAGERS, ("after", "most")),
}
"""By method and route."""


def admitted(request: HttpRequest) -> Principal:
    """Who speaks, once it may: what every route of the API asks first; as `admit_request`."""
    return admit_request(request, DECLARED)


def admit_request(request: HttpRequest, needs: Mapping[tuple[str, str], Need]) -> Principal:
    """Who speaks, once it may what its route needs.

    Raises:
        ProblemError: the route is not declared, its query is not as it is, or it is not for whoever
            asks.
        NotAuthenticatedError: nobody is known, or was known lately enough.
        TooOftenError: too much was asked for.
    """
    match = request.resolver_match
    need = needs.get((request.method or "", match.route if match else ""))
    if need is None:
        # Also of a route that somebody forgot to declare.
        raise ProblemError(404)
    names = list(request.GET)
    if any(name not in need.query for name in names) or any(
        len(request.GET.getlist(name)) > 1 for name in names if name not in need.many
    ):
        raise ProblemError(
            422, "query", "the query has a name that is not asked for here, or twice"
        )
    serving = serving_of(request)
    moment = serving.here.clock.now()
    address = request.META.get("REMOTE_ADDR", "")

    def by_address(rate: Rate) -> None:
        count_address(serving, rate, address, moment)

    if need.scope is None:
        if COUNTED not in request.META:
            by_address(ENTERING if need.entering else BY_ADDRESS)
        return NOBODY
    try:
        shown = request.META.get(CREDENTIAL, request.headers.get("Authorization"))
        principal = serving.authenticate(shown, utc_text(moment))
    except NotAuthenticatedError:
        # Whoever guesses is slowed down, and whoever comes by the same address and is known is not.
        by_address(BY_ADDRESS)
        raise
    make_known(request, principal)
    serving.limiter.take(BY_PERSON, principal.person, _milliseconds(moment))
    if not need.lets(principal):
        raise ProblemError(403)
    if need.fresh and not _is_fresh(principal, moment):
        # As one that is over: a client then asks for another, which its device signs.
        raise NotAuthenticatedError("the token is too old for this")
    return principal


def _is_fresh(principal: Principal, moment: datetime) -> bool:
    return bool(principal.made) and moment - moment_of(principal.made) <= FRESH


def count_address(serving: Serving, rate: Rate, address: str, moment: datetime) -> None:
    """Count a request by the address that it comes from. Raises TooOftenError."""
    serving.limiter.take(rate, address_group(address), _milliseconds(moment))


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000)
