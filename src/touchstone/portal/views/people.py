"""Who may come in: an administrator says so for all, a lead for its own party."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from touchstone.portal.admission import page_view
from touchstone.portal.rendering import page_of
from touchstone.portal.views.entering import after
from touchstone.server.accounts import people
from touchstone.server.accounts.errors import BadAccountError
from touchstone.server.accounts.managing import Manager
from touchstone.server.accounts.passkeys import end_browsers
from touchstone.server.accounts.people import InvitedPerson
from touchstone.server.accounts.roles import ADMINISTRATOR, SCOPES_OF
from touchstone.server.principal import Principal
from touchstone.server.serving import serving_of

MOST = 50
"""People of a page."""


def people_by_method(request: HttpRequest) -> HttpResponseBase:
    """The people, or one more."""
    return (person_invite if request.method == "POST" else people_page)(request)


@page_view
def people_page(request: HttpRequest, who: Principal) -> HttpResponse:
    """The people whose accounts are this person's to say."""
    return _people(request, who)


@page_view
def person_invite(request: HttpRequest, who: Principal) -> HttpResponse:
    """Invite a person; its code is shown in this answer alone."""
    here, by = serving_of(request).here, Manager.of(who)
    party = who.party or request.POST.get("party", "").strip()
    roles = request.POST.getlist("roles")
    name, email = request.POST.get("name", "").strip(), request.POST.get("email", "").strip()
    try:
        made = people.invite(by, party, roles, name, email, now=here.now(), random=here.random)
    except BadAccountError as error:
        # What was typed stands as it was, with what is amiss.
        return _people(request, who, fault=str(error), status=422)
    return _person(request, who, made.person, made)


@page_view
def person_page(request: HttpRequest, who: Principal, person: str) -> HttpResponse:
    """One of them."""
    return _person(request, who, person)


@page_view
def code_again(request: HttpRequest, who: Principal, person: str) -> HttpResponse:
    """A code for a further device or browser; it is shown in this answer alone."""
    here = serving_of(request).here
    made = people.invite_again(Manager.of(who), person, now=here.now(), random=here.random)
    return _person(request, who, person, made)


@page_view
def roles_change(request: HttpRequest, who: Principal, person: str) -> HttpResponse:
    """Give a person other roles: they count at once."""
    now, roles = serving_of(request).here.now(), request.POST.getlist("roles")
    try:
        people.change_roles(Manager.of(who), person, roles, now=now)
    except BadAccountError as error:
        return _person(request, who, person, fault=str(error), status=422)
    return after(f"/people/{person}")


@page_view
def browsers_end(request: HttpRequest, who: Principal, person: str) -> HttpResponse:
    """Sign a person out everywhere, and end its passkeys and recovery codes."""
    end_browsers(Manager.of(who), person, serving_of(request).here.now())
    return after(f"/people/{person}")


@page_view
def device_end(request: HttpRequest, who: Principal, person: str, key: str) -> HttpResponse:
    """End one device of a person, with its tokens."""
    people.revoke_device(Manager.of(who), person, key, now=serving_of(request).here.now())
    return after(f"/people/{person}")


@page_view
def person_remove(request: HttpRequest, who: Principal, person: str) -> HttpResponse:
    """End a person's account, at once and for good."""
    try:
        people.remove_person(Manager.of(who), person, now=serving_of(request).here.now())
    except BadAccountError as error:
        return _person(request, who, person, fault=str(error), status=409)
    return after("/people")


def _people(
    request: HttpRequest, who: Principal, *, fault: str = "", status: int = 200
) -> HttpResponse:
    by = Manager.of(who)
    page = people.list_people(by, after=request.GET.get("after", ""), most=MOST)
    return page_of(
        request,
        "people.html",
        status=status,
        people=sorted(page.people, key=lambda each: (each.institution, each.name)),
        after=page.after,
        own=who.party,
        possible=_roles_for(who),
        typed={name: request.POST.get(name, "") for name in ("party", "name", "email")},
        chosen=request.POST.getlist("roles"),
        fault=fault,
    )


def _person(
    request: HttpRequest,
    who: Principal,
    person: str,
    invited: InvitedPerson | None = None,
    *,
    fault: str = "",
    status: int = 200,
) -> HttpResponse:
    by, now = Manager.of(who), serving_of(request).here.now()
    found = people.shown_person(by, person)
    return page_of(
        request,
        "person.html",
        status=status,
        told=found,
        invited=invited,
        waiting=found.invited_until > now,
        possible=_roles_for(who) if found.institution else (ADMINISTRATOR,),
        itself=person == who.person,
        fault=fault,
    )


def _roles_for(who: Principal) -> tuple[str, ...]:
    """The roles that it may give: a lead makes no administrators."""
    every = sorted(SCOPES_OF)
    return tuple(each for each in every if not who.party or each != ADMINISTRATOR)
