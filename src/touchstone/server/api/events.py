"""What has moved, as it moves."""

from django.http import HttpRequest
from ninja import Router

from touchstone.errors import BadInputError
from touchstone.handin import moment_of
from touchstone.server.errors import ProblemError
from touchstone.server.events import LOOK_BACK, EventStream
from touchstone.server.serving import speaker_of

router = Router(tags=["Events"])


@router.get("events")
def events(request: HttpRequest) -> EventStream:
    """Server-sent events: `moved` with {case, size} for each case of the party, as it moves.

    A wake-up, no proof. `Last-Event-ID` goes on where a stream was cut off.
    """
    since = request.headers.get("Last-Event-ID")
    if since is not None:
        try:
            # As it is looked back from: of the first year there is nothing before.
            moment_of(since) - LOOK_BACK
        except (BadInputError, ValueError, OverflowError) as error:
            raise ProblemError(
                422, "event-id", "Last-Event-ID is none that a stream gave"
            ) from error
    return EventStream(speaker_of(request), request.headers.get("Authorization"), since)
