"""Become an invented person, and have a browser's key admitted by an invented party's own."""

from django.http import HttpRequest, HttpResponse

from touchstone.deeds.cases import signer_admitted
from touchstone.ledger.claims import opened_claim
from touchstone.ledger.errors import AlteredError, MalformedError
from touchstone.portal.admission import page_view
from touchstone.portal.deeds.forms import SIGNED_IN_BROWSERS
from touchstone.portal.showing.site import MARK
from touchstone.portal.views.entering import after, with_session
from touchstone.server.accounts.sessions import begin_shown_session
from touchstone.server.errors import ProblemError
from touchstone.server.principal import Principal
from touchstone.server.serving import serving_of
from touchstone.service.cases.case_admin import open_to_add
from touchstone.service.installation import Installation
from touchstone.service.reporting.feed import cases_of

LABEL = "browser"


@page_view
def become_person(request: HttpRequest, _who: Principal, person: str) -> HttpResponse:
    """Sign the browser in as an invented person."""
    here = _invented(request)
    cookie = begin_shown_session(person, now=here.now(), random=here.random)
    return with_session(request, after("/"), cookie)


@page_view
def admit_browser_key(request: HttpRequest, who: Principal) -> HttpResponse:
    """Have the party's own key, which lies on this machine, admit a browser's in all its cases."""
    here = _invented(request)
    try:
        key = opened_claim(request.POST.get("claim", "")[:400], who.party)
    except (MalformedError, AlteredError) as error:
        raise ProblemError(422) from error
    for each in cases_of(here, who.party).cases:
        case = open_to_add(here, each.case)
        labels = {act.label for act in case.state.parties[who.party].signers.values()}
        label = next(name for n in range(1, 10_000) if (name := f"{LABEL}-{n}") not in labels)
        if key not in case.state.seen_keys:
            case.record([signer_admitted(case, who.party, key, SIGNED_IN_BROWSERS, label)])
    return after("/account/browser-key")


def _invented(request: HttpRequest) -> Installation:
    """The installation, where all of it is invented. Raises ProblemError."""
    here = serving_of(request).here
    if not (here.home / MARK).is_file():
        raise ProblemError(404)
    return here
