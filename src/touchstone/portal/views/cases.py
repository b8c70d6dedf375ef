"""A party's cases, one of them, and its edition. Each reading is told to the developer."""

from django.http import HttpRequest, HttpResponse

from touchstone.editions.next_text import next_rows, reservations
from touchstone.editions.page import TimelineEvent
from touchstone.editions.page.phrases import verdict_pill
from touchstone.editions.sections.designation import designation_facts, finding_facts
from touchstone.editions.sections.results import result_rows
from touchstone.editions.sections.scope import clock_facts, party_facts
from touchstone.editions.stage_text import stage
from touchstone.portal.admission import page_view
from touchstone.portal.rendering import edition_answer, page_of
from touchstone.portal.sent import start_of
from touchstone.server.api.case_reads import note_case_read
from touchstone.server.principal import Principal
from touchstone.server.serving import serving_of
from touchstone.service.reporting.feed import cases_of, own_case, own_page
from touchstone.service.reporting.looking import models_seen
from touchstone.service.reporting.next_here import next_in_case

OF_A_PAGE = 25
NEWEST, OF_HISTORY = 20, 100
"""Of what happened, so much on a case's own page, and on a page of its history."""
MOST_SOUGHT = 100
"""Characters that are looked for."""


@page_view
def cases_page(request: HttpRequest, who: Principal) -> HttpResponse:
    """The cases that the party has joined, last updated first."""
    here = serving_of(request).here
    found = cases_of(here, who.party, after=request.GET.get("after"), most=OF_A_PAGE)
    models = models_seen(here, who.party, [each.case for each in found.cases])
    return page_of(request, "cases.html", cases=found.cases, models=models, after=found.after)


@page_view
def case_page(request: HttpRequest, who: Principal, case: str) -> HttpResponse:
    """Where a case stands, what is next in it, and what happened, as far as the person reads."""
    here = serving_of(request).here
    found_case = own_case(here, case, who.party, sight=who.sight)
    note_case_read(request, who, case)
    told, happened = found_case.case, found_case.timeline[::-1]
    now, found = here.now(), list(next_in_case(here, told.id, [who.party]))
    received = told.state.submission
    return page_of(
        request,
        "case.html",
        case=told.id,
        model=received.model if received else "",
        stage=stage(told.state),
        clock=clock_facts(told, now),
        parties=party_facts(told),
        results=[(row, verdict_pill(row)) for row in result_rows(told)],
        findings=finding_facts(told),
        designation=designation_facts(told),
        develops=who.party in told.state.having("developer"),
        happened=happened[:NEWEST],
        older=len(happened) - NEWEST,
        rows=next_rows(found, now),
        beside=tuple(reservations(found)),
    )


@page_view
def history_page(request: HttpRequest, who: Principal, case: str) -> HttpResponse:
    """All that happened, as far as the person reads: by party, by words, and page by page."""
    told = own_case(serving_of(request).here, case, who.party, sight=who.sight)
    note_case_read(request, who, case)
    every = told.timeline[::-1]
    by, sought = request.GET.get("by", ""), request.GET.get("words", "")[:MOST_SOUGHT]
    words = sought.casefold().split()
    kept = [
        each
        for each in every
        if by in ("", each.actor) and all(word in _text_of(each) for word in words)
    ]
    start = start_of(request.GET.get("from", ""))
    following = start + OF_HISTORY
    return page_of(
        request,
        "history.html",
        case=case,
        every=len(every),
        count=len(kept),
        happened=kept[start:following],
        actors=sorted({each.actor for each in every}),
        by=by,
        words=sought,
        start=start,
        following=following if len(kept) > following else None,
        step=OF_HISTORY,
    )


def _text_of(each: TimelineEvent) -> str:
    return " ".join([each.text, *each.folded]).casefold()


@page_view
def edition(request: HttpRequest, who: Principal, case: str) -> HttpResponse:
    """The case as the party may read it now, as one page."""
    html = own_page(serving_of(request).here, case, who.party, sight=who.sight)
    note_case_read(request, who, case)
    return edition_answer(html)
