"""Who reads a case is written down before anything of it is sent."""

from django.http import HttpRequest

from touchstone.server.accounts.reads import note_read
from touchstone.server.principal import Principal
from touchstone.server.serving import serving_of
from touchstone.service.reporting.feed import size_for, tells_of_reads_alone


def note_case_read(request: HttpRequest, principal: Principal, case: str, first: int = 0) -> None:
    """Write down who reads a case from an entry on. Raises UnpromisedError."""
    serving = serving_of(request)
    size = size_for(serving.here, case, principal.party, sight=principal.sight)
    # Whoever follows a case asks again and again, and mostly there is nothing new.
    news = first < size and not tells_of_reads_alone(
        serving.here, case, principal.party, first, sight=principal.sight
    )
    if news and request.resolver_match is not None:
        route = request.resolver_match.route
        note_read(principal, case, route, first, size - 1, now=serving.now())
