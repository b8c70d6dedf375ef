"""Transcripts of a case, looked at by pages, and their logs; who looks is written down first."""

from dataclasses import asdict

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Router
from ninja.params.functions import Query

from touchstone.evaluation.transcript_log import MOST_MESSAGES, MOST_TEXT, PageAsked
from touchstone.ledger import dumps
from touchstone.ledger.canonical import MAX_INTEGER
from touchstone.server.accounts.transcript_reads import LISTED, note_flags, note_look
from touchstone.server.api.parsing import JSON
from touchstone.server.serving import serving_of, speaker_of
from touchstone.service.access.flagged import (
    list_flagged,
    list_with_flags,
    look_with_marks,
    show_flagged,
)
from touchstone.service.access.transcripts import fetch_log

router = Router(tags=["Cases"])


@router.get("cases/{case}/transcripts")
def transcripts(request: HttpRequest, case: str) -> HttpResponse:
    """The transcripts that the party may look at: of which item and chunk each is, and whether."""
    serving, who = serving_of(request), speaker_of(request)
    found = list_with_flags(serving.here, case, who.party, sight=who.sight)
    if found:
        note_look(who, case, LISTED, found[0].n, found[-1].n, now=serving.now())
    value = {"transcripts": [asdict(each) for each in found]}
    return HttpResponse(dumps(value), content_type=JSON)


@router.get("cases/{case}/transcripts/{transcript}")
def transcript_page(
    request: HttpRequest,
    case: str,
    transcript: str,
    start: int = Query(0, ge=0, le=MAX_INTEGER),
    most: int = Query(50, ge=1, le=MOST_MESSAGES),
    text: int = Query(4_000, ge=1, le=MOST_TEXT),
) -> HttpResponse:
    """Some messages of a transcript, from `start` on, each text cut after so many characters."""
    serving, who = serving_of(request), speaker_of(request)
    asked = PageAsked(start, most, text)
    shown, size, page = look_with_marks(
        serving.here, case, who.party, transcript, asked, sight=who.sight
    )
    note_look(who, case, shown.name, shown.n, shown.n, now=serving.now())
    value = {"transcript": asdict(shown), "bytes": size, "page": asdict(page)}
    return HttpResponse(dumps(value), content_type=JSON)


@router.get("cases/{case}/oversight")
def oversight(request: HttpRequest, case: str) -> HttpResponse:
    """What detectors flagged in the transcripts that the party may look at, without quotes."""
    serving, who = serving_of(request), speaker_of(request)
    found = list_flagged(serving.here, case, who.party, sight=who.sight)
    if found:
        note_flags(who, case, LISTED, found[0].n, found[-1].n, now=serving.now())
    return HttpResponse(dumps({"scans": [asdict(each) for each in found]}), content_type=JSON)


@router.get("cases/{case}/oversight/{transcript}")
def flagged_transcript(request: HttpRequest, case: str, transcript: str) -> HttpResponse:
    """What detectors flagged in one transcript, by its name or uuid, as it stands there."""
    serving, who = serving_of(request), speaker_of(request)
    found = show_flagged(serving.here, case, who.party, transcript, sight=who.sight)
    note_flags(who, case, found.name, found.n, found.n, now=serving.now())
    return HttpResponse(dumps(asdict(found)), content_type=JSON)


@router.get("cases/{case}/transcripts/{transcript}/log")
def transcript_log(request: HttpRequest, case: str, transcript: str) -> StreamingHttpResponse:
    """The log of the transcript's chunk, as Inspect wrote it, for who is handed copies of it."""
    serving, who = serving_of(request), speaker_of(request)
    found = fetch_log(serving.here, case, who.party, transcript, sight=who.sight)
    shown = found.shown
    note_look(who, case, f"{shown.name}/log", shown.n, shown.n, now=serving.now())
    response = StreamingHttpResponse(found.pieces, content_type="application/octet-stream")
    response["Content-Disposition"] = "attachment"
    response["Content-Length"] = str(shown.log_size)
    return response
