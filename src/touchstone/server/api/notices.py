"""What is next for a party, and where its people want to be told of it."""

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from touchstone.editions.next_text import next_rows
from touchstone.server.api.answers import answer_json
from touchstone.server.api.parsing import Strict
from touchstone.server.errors import ProblemError
from touchstone.server.notices.channels import (
    MOST_ADDRESS,
    add_calendar,
    add_webhook,
    channels_of,
    end_channel,
    institution_of_calendar,
)
from touchstone.server.serving import serving_of, speaker_of
from touchstone.service.reporting.next_here import next_for

router = Router()
CALENDAR = "text/calendar; charset=utf-8"


class NewWebhook(Strict):
    """Where notices are to go."""

    address: Annotated[str, Field(json_schema_extra={"maxLength": MOST_ADDRESS})]


@router.get("next")
def next_of_party(request: HttpRequest) -> HttpResponse:
    """The party's next deeds, the most urgent first, with who holds the ball and until when."""
    here = serving_of(request).here
    found = list(next_for(here, speaker_of(request).party))
    hidden = {each.case: each.hidden for each in found if each.hidden}
    rows = [row.as_dict() for row in next_rows(found, here.now())]
    return answer_json({"next": rows, "hidden": hidden})


@router.get("notices/channels")
def channels(request: HttpRequest) -> HttpResponse:
    """The person's webhooks and calendars."""
    found = [each.as_dict() for each in channels_of(speaker_of(request))]
    return answer_json({"channels": found})


@router.post("notices/webhooks")
def new_webhook(request: HttpRequest, sent: NewWebhook) -> HttpResponse:
    """Have notices sent to an address, signed by the installation's key."""
    here = serving_of(request).here
    made = add_webhook(speaker_of(request), sent.address, now=here.now(), random=here.random)
    return answer_json(made.as_dict(), 201)


@router.post("notices/calendars")
def new_calendar(request: HttpRequest) -> HttpResponse:
    """A calendar of when something is due: its path is shown here alone."""
    here = serving_of(request).here
    made, token = add_calendar(speaker_of(request), now=here.now(), random=here.random)
    return answer_json(made.as_dict() | {"path": f"/v1/calendars/{token}"}, 201)


@router.delete("notices/channels/{name}")
def ended_channel(request: HttpRequest, name: str) -> HttpResponse:
    """End a webhook or a calendar at once."""
    end_channel(speaker_of(request), name, now=serving_of(request).here.now())
    return HttpResponse(status=204)


@router.get("calendars/{token}")
def calendar_by_token(request: HttpRequest, token: str) -> HttpResponse:
    """A calendar for who knows its address: when something is due, and nothing else."""
    # Loaded here: few ask for one, and every server would wait for it.
    from touchstone.editions.calendar_feed import CalendarEntry, calendar_text  # noqa: PLC0415
    from touchstone.editions.sentences import sentence  # noqa: PLC0415

    here, party = serving_of(request).here, institution_of_calendar(token)
    if party is None:
        raise ProblemError(404)
    entries = [
        CalendarEntry(each.case, each.party, deed)
        for each in next_for(here, party)
        for deed in each.deeds
        if deed.stance != "awaited"
    ]
    name = sentence("next.calendar", party=party)
    response = HttpResponse(
        calendar_text(entries, name, here.now(), dates_only=True), content_type=CALENDAR
    )
    response["Cache-Control"] = "no-store"
    return response
