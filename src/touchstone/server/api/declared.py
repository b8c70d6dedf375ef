"""Who may ask what: each route once, and what is not here is not answered.

What a person may read *within* its party's cases is `clearance`'s, and who is of a case the
record's: here is only what a token must be for, before any case is looked at.
"""

from dataclasses import dataclass
from typing import Literal

from django.http import HttpRequest

from touchstone.handin import utc_text
from touchstone.server.errors import ProblemError
from touchstone.server.principal import NOBODY, Principal
from touchstone.server.serving import serving_of

Scope = Literal["read", "deeds", "evidence", "secrets", "people"]
"""What a token may be used for."""
ROLES = frozenset(
    {
        "submitter",
        "evaluator",
        "lead",
        "official",
        "reviewer",
        "outside-evaluator",
        "partner",
        "counterpart",
        "auditor",
    }
)
"""Of people of a party; an `administrator` is of none."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a route asks of whoever uses it. None: anybody may ask, without a token."""

    scope: Scope | None = None
    roles: frozenset[str] = ROLES
    """One of them suffices."""
    query: tuple[str, ...] = ()
    """The names that may stand in the query."""
    many: tuple[str, ...] = ()
    """Those of them that may stand there more than once."""


DECLARED: dict[tuple[str, str], Need] = {
    ("GET", "v1/installation"): Need(query=("size",)),
}
"""By method and route."""


def admitted(request: HttpRequest) -> Principal:
    """Who speaks, once it may: every route asks this first. Raises as `admit` does."""
    match = request.resolver_match
    need = DECLARED.get((request.method or "", match.route if match else ""))
    if need is None:
        # Also of a route that somebody forgot to declare.
        raise ProblemError(404, "", "")
    names = list(request.GET)
    if any(name not in need.query for name in names) or any(
        len(request.GET.getlist(name)) > 1 for name in names if name not in need.many
    ):
        raise ProblemError(
            422, "query", "the query has a name that is not asked for here, or twice"
        )
    if need.scope is None:
        return NOBODY
    serving = serving_of(request)
    now = utc_text(serving.here.clock.now())
    principal = serving.authenticate(request.headers.get("Authorization"), now)
    if need.scope not in principal.scopes or not need.roles & principal.roles:
        raise ProblemError(403, "", "")
    return principal
