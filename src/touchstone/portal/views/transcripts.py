"""Transcripts of a case: listed, and looked at message by message, with oversight's marks.

Who looks is written down before anything is sent, and the developer is told. There is no way here
to take a log: whom the agreement lets only look is shown text, and whoever may have a copy uses
the command line.
"""

from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse

from touchstone.evaluation.errors import TranscriptError
from touchstone.evaluation.transcript_log import PageAsked
from touchstone.ledger.errors import UnpromisedError
from touchstone.portal.admission import page_view
from touchstone.portal.rendering import page_of
from touchstone.portal.sent import start_of
from touchstone.server.accounts.transcript_reads import LISTED, note_look
from touchstone.server.errors import ProblemError
from touchstone.server.principal import Principal
from touchstone.server.serving import serving_of
from touchstone.service.access.flagged import list_with_flags, look_with_marks
from touchstone.service.access.transcripts import ShownTranscript

OF_A_PAGE, MESSAGES, CHARACTERS = 50, 40, 8_000
ASKED = ("mode", "result", "flagged", "from")
"""What the query of a list may say."""
ANY = "any"
"""Stands for every detector."""


@page_view
def transcripts_page(request: HttpRequest, who: Principal, case: str) -> HttpResponse:
    """Those that the party may look at: filtered, and page by page."""
    serving = serving_of(request)
    found = list_with_flags(serving.here, case, who.party, sight=who.sight)
    if found:
        note_look(who, case, LISTED, found[0].n, found[-1].n, now=serving.now())
    asked = {name: request.GET.get(name, "") for name in ASKED}
    kept = [each for each in found if _fits(each, asked)]
    start = start_of(asked["from"])
    return page_of(
        request,
        "transcripts.html",
        case=case,
        count=len(kept),
        every=len(found),
        shown=kept[start : start + OF_A_PAGE],
        asked=asked,
        modes=_values(each.mode for each in found),
        results=_values(each.result for each in found),
        detectors=_values(name for each in found for name in each.flagged),
        start=start,
        next=start + OF_A_PAGE if len(kept) > start + OF_A_PAGE else None,
    )


@page_view
def look_page(request: HttpRequest, who: Principal, case: str, transcript: str) -> HttpResponse:
    """Some messages of one, each text cut after so many characters."""
    serving = serving_of(request)
    asked = PageAsked(start_of(request.GET.get("from", "")), MESSAGES, CHARACTERS)
    try:
        shown, size, page = look_with_marks(
            serving.here, case, who.party, transcript, asked, sight=who.sight
        )
    except UnpromisedError as error:
        # On a page, of none and of one that is not theirs: that there is nothing.
        raise ProblemError(404) from error
    except TranscriptError as error:
        return page_of(request, "transcript_none.html", status=409, case=case, why=str(error))
    note_look(who, case, shown.name, shown.n, shown.n, now=serving.now())
    return page_of(
        request,
        "transcript.html",
        case=case,
        told=shown,
        size=size,
        page=page,
        marks={
            number: [each for each in page.marks if each.message == number]
            for number in {each.message for each in page.marks}
        },
        start=asked.start,
        before=max(0, asked.start - MESSAGES) if asked.start else None,
    )


def _fits(each: ShownTranscript, asked: dict[str, str]) -> bool:
    """Whether a transcript is one of those that were asked for; what was left empty fits all."""
    flags = {"", *each.flagged, *([ANY] if each.flagged else [])}
    alike = asked["mode"] in {"", each.mode} and asked["result"] in {"", each.result}
    return alike and asked["flagged"] in flags


def _values(found: Iterable[str]) -> list[str]:
    return sorted(set(found))
