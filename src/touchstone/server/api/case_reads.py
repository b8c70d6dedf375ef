"""Who reads a case is written down before anything of it is sent."""

from django.http import HttpRequest

from touchstone.server.accounts.reads import note_read
from touchstone.server.principal import Principal
from touchstone.server.serving import serving_of
from touchstone.service.reporting.feed import news_for


def note_case_read(request: HttpRequest, principal: Principal, case: str, first: int = 0) -> None:
    """Write down who reads a case from an entry on. Raises UnpromisedError."""
    serving = serving_of(request)
    # Whoever follows a case asks again and again, and mostly there is nothing new.
    size = news_for(serving.here, case, principal.party, first, sight=principal.sight)
    if size is not None and request.resolver_match is not None:
        route = request.resolver_match.route
        note_read(principal, case, route, first, size - 1, now=serving.now())
