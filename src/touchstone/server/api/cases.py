"""A party's cases: listed, followed, asked about and taken home. Nothing here changes a case.

Whoever reads entries is written down before they are sent (`accounts.reads`). A person reads at
most what its party may, and by its roles less: see `clearance`.
"""

from dataclasses import asdict

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Router
from ninja.params.functions import Query

from touchstone.ledger import dumps
from touchstone.ledger.canonical import MAX_INTEGER
from touchstone.records.members import MOST_LISTED
from touchstone.server.accounts.reads import MOST_READS, reads_of_case
from touchstone.server.api.case_reads import note_case_read
from touchstone.server.api.parsing import JSON
from touchstone.server.errors import ProblemError
from touchstone.server.serving import serving_of, speaker_of
from touchstone.service.reporting.feed import (
    cases_of,
    develops,
    entries_since,
    invitations_of,
    newest_of,
    own_bundle,
    own_page,
    published_head,
)

router = Router(tags=["Cases"])
LINES = "application/jsonl"
_AFTER = Query(None, max_length=200)
_MOST = Query(50, ge=1, le=MOST_LISTED)


@router.get("cases")
def cases(
    request: HttpRequest,
    after: str | None = _AFTER,
    most: int = _MOST,
    framework: str | None = Query(None, max_length=200),
) -> HttpResponse:
    """The cases that the party has joined, last updated first; `after` leads to the next page."""
    here, party = serving_of(request).here, speaker_of(request).party
    page = cases_of(here, party, after=after, most=most, framework=framework)
    value = {"cases": [asdict(each) for each in page.cases], "after": page.after}
    return HttpResponse(dumps(value), content_type=JSON)


@router.get("invitations")
def invitations(
    request: HttpRequest, after: str | None = _AFTER, most: int = _MOST
) -> HttpResponse:
    """To which cases the party is invited that it has not joined."""
    here, party = serving_of(request).here, speaker_of(request).party
    page = invitations_of(here, party, after=after, most=most)
    found = [
        {"case": case, "role": each.role, "n": each.n} for case, each in page.invitations.items()
    ]
    value = {"invitations": found, "after": page.after}
    return HttpResponse(dumps(value), content_type=JSON)


@router.get("cases/{case}/entries")
def entries(
    request: HttpRequest, case: str, start: int = Query(0, ge=0, le=MAX_INTEGER)
) -> StreamingHttpResponse:
    """Of each entry from `start` on its line, then one for each of its parts (JSON lines)."""
    who = speaker_of(request)
    found = entries_since(serving_of(request).here, case, who.party, start, sight=who.sight)
    note_case_read(request, who, case, start)
    return StreamingHttpResponse((line + b"\n" for line in found), content_type=LINES)


@router.get("cases/{case}/head")
def head(request: HttpRequest, case: str) -> HttpResponse:
    """The case's newest published head with its proof, as a line of a bundle."""
    who = speaker_of(request)
    line = published_head(serving_of(request).here, case, who.party, sight=who.sight)
    return HttpResponse(line, content_type=JSON)


@router.get("cases/{case}/newest")
def newest_on(request: HttpRequest, case: str, topic: list[str] = Query([])) -> HttpResponse:  # noqa: B008 - ninja's way to say it
    """For each topic the newest entry that touches it, also one that the party may not read."""
    who = speaker_of(request)
    found = newest_of(serving_of(request).here, case, who.party, topic, sight=who.sight)
    return HttpResponse(dumps({"newest": list(found)}), content_type=JSON)


@router.get("cases/{case}/bundle")
def bundle(request: HttpRequest, case: str) -> StreamingHttpResponse:
    """The party's own bundle of the case as it is now, for `touchstone verify`."""
    who = speaker_of(request)
    lines = own_bundle(serving_of(request).here, case, who.party, sight=who.sight)
    note_case_read(request, who, case)
    response = StreamingHttpResponse(lines, content_type=LINES)
    response["Content-Disposition"] = 'attachment; filename="bundle.jsonl"'
    return response


@router.get("cases/{case}/report")
def report(request: HttpRequest, case: str) -> HttpResponse:
    """The case as the party may read it now, as one page (HTML)."""
    who = speaker_of(request)
    page = own_page(serving_of(request).here, case, who.party, sight=who.sight)
    note_case_read(request, who, case)
    response = HttpResponse(page, content_type="text/html; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="report.html"'
    return response


@router.get("cases/{case}/reads")
def reads(
    request: HttpRequest,
    case: str,
    after: int = Query(0, ge=0, le=MAX_INTEGER),
    most: int = Query(MOST_READS, ge=1, le=MOST_READS),
    day: str = Query("", pattern=r"^(\d{4}-\d{2}-\d{2})?$"),
) -> HttpResponse:
    """Who read what of a case, when, oldest first: for its developer, who handed most of it in.

    `day` (UTC) asks for one day alone, of which the record holds a digest once it is over.
    """
    who = speaker_of(request)
    if not develops(serving_of(request).here, case, who.party, sight=who.sight):
        why = "who read a case is told to the people of its developer alone"
        raise ProblemError(403, "not-developer", why)
    found = reads_of_case(case, after, most, day)
    return HttpResponse(dumps({"reads": [asdict(each) for each in found]}), content_type=JSON)
