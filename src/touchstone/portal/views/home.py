"""The first page: whoever is signed in sees what is next, whoever is not where to begin."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from touchstone.editions.next_text import next_rows, reservations
from touchstone.portal.admission import admitted_page, page_view
from touchstone.portal.rendering import error_page, page_of, static
from touchstone.portal.views.entering import after
from touchstone.portal.words import COOKIE, LANGUAGES
from touchstone.server.api.declared import READING
from touchstone.server.api.problems import problem
from touchstone.server.errors import NotAuthenticatedError
from touchstone.server.principal import Principal
from touchstone.server.serving import CREDENTIAL, make_known, serving_of
from touchstone.service.reporting.feed import cases_of
from touchstone.service.reporting.looking import glance_at, models_seen

SHOWN_CASES = 5
FIRST_ROWS = 8
"""Deeds that are shown before one asks for all."""
EVERY = "all"
_YEAR = 365 * 24 * 3600


@page_view
def home(request: HttpRequest, _who: Principal) -> HttpResponse:
    """What is next; of nobody known, what this is and where one signs in."""
    serving = serving_of(request)
    try:
        who = serving.authenticate(request.META[CREDENTIAL], serving.now())
    except NotAuthenticatedError:
        return page_of(request, "welcome.html", installation=serving.fingerprint)
    make_known(request, who)
    if not who.scopes:
        return after("/account")
    if not who.roles & READING:
        return page_of(request, "home.html", rows=(), more=0, unseen=0, beside=(), cases=())
    here = serving.here
    every = EVERY in request.GET
    glance = glance_at(here, who.party)
    if glance.unseen:
        serving.looking.begin(who.party)
    rows = next_rows(glance.found, here.now())
    shown = rows if every else rows[:FIRST_ROWS]
    there = {row.case for row in shown}
    told = [each for each in glance.found if each.case in there or not each.deeds]
    newest = cases_of(here, who.party, most=SHOWN_CASES).cases
    return page_of(
        request,
        "home.html",
        rows=shown,
        more=len(rows) - len(shown),
        unseen=glance.unseen,
        beside=tuple(reservations(told)),
        cases=newest,
        models=models_seen(here, who.party, [each.case for each in newest]),
    )


def static_file(request: HttpRequest, digest: str, name: str) -> HttpResponseBase:
    """A style or a script of ours; kept for a year, since another would have another address."""
    admitted_page(request)
    return static(digest, name) or error_page(request, problem(404))


@page_view
def choose_language(request: HttpRequest, _who: Principal) -> HttpResponse:
    """Keep the language that a reader chose."""
    response, chosen = after("/"), request.POST.get("language", "")
    if chosen in LANGUAGES:
        response.set_cookie(
            COOKIE,
            chosen,
            max_age=_YEAR,
            secure=request.is_secure(),
            httponly=True,
            samesite="Lax",
        )
    return response
