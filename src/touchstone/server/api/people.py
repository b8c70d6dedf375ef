"""Who may come in: an administrator says so for all, a lead for its own institution."""

from dataclasses import asdict
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Router
from ninja.params.functions import Query
from pydantic import Field

from touchstone.ledger.canonical import MAX_INTEGER
from touchstone.server.accounts.managing import Manager
from touchstone.server.accounts.people import (
    MOST_EMAIL,
    MOST_NAME,
    MOST_PEOPLE,
    change_roles,
    invite,
    invite_again,
    list_acts,
    list_people,
    remove_person,
    revoke_device,
    shown_person,
)
from touchstone.server.accounts.roles import SCOPES_OF
from touchstone.server.api.answers import answer_json, answer_once
from touchstone.server.api.parsing import Strict
from touchstone.server.serving import serving_of, speaker_of

router = Router()
# Told here, and checked by the accounts, which say what is amiss.
Roles = Annotated[
    list[str],
    Field(json_schema_extra={"items": {"enum": sorted(SCOPES_OF)}, "minItems": 1}),
]


class NewPerson(Strict):
    """Who is to be invited; of no institution is an administrator."""

    institution: str
    roles: Roles
    name: Annotated[str, Field(json_schema_extra={"maxLength": MOST_NAME})]
    email: Annotated[str, Field(json_schema_extra={"maxLength": MOST_EMAIL})] = ""


class NewRoles(Strict):
    """What a person is to be from now on."""

    roles: Roles


def _manager(request: HttpRequest) -> Manager:
    return Manager.of(speaker_of(request))


@router.get("people")
def people(
    request: HttpRequest, after: str = "", most: int = Query(MOST_PEOPLE, ge=1, le=MOST_PEOPLE)
) -> HttpResponse:
    """The people whose accounts are its to say, also those removed, page by page."""
    page = list_people(_manager(request), after=after, most=most)
    return answer_json({"people": [each.as_dict() for each in page.people], "after": page.after})


@router.post("people")
def invite_person(request: HttpRequest, sent: NewPerson) -> HttpResponse:
    """Invite a person: its id, and a code that is shown here alone."""
    here, by = serving_of(request).here, _manager(request)
    return answer_once(
        request,
        speaker_of(request),
        lambda: invite(
            by,
            sent.institution,
            sent.roles,
            sent.name,
            sent.email,
            now=here.now(),
            random=here.random,
        ).as_dict(),
    )


@router.get("people/{person}")
def person_by_id(request: HttpRequest, person: str) -> HttpResponse:
    """One person."""
    return answer_json(shown_person(_manager(request), person).as_dict())


@router.delete("people/{person}")
def end_person(request: HttpRequest, person: str) -> HttpResponse:
    """End a person's account, with its devices and tokens, at once."""
    remove_person(_manager(request), person, now=serving_of(request).here.now())
    return HttpResponse(status=204)


@router.put("people/{person}/roles")
def put_roles(request: HttpRequest, person: str, sent: NewRoles) -> HttpResponse:
    """Give a person other roles: they count at once."""
    now = serving_of(request).here.now()
    return answer_json(change_roles(_manager(request), person, sent.roles, now=now).as_dict())


@router.post("people/{person}/invitations")
def invite_person_again(request: HttpRequest, person: str) -> HttpResponse:
    """A code for a further device of a person; codes that nobody used end with it."""
    here, by = serving_of(request).here, _manager(request)
    return answer_once(
        request,
        speaker_of(request),
        lambda: invite_again(by, person, now=here.now(), random=here.random).as_dict(),
    )


@router.delete("people/{person}/devices/{key}")
def end_device(request: HttpRequest, person: str, key: str) -> HttpResponse:
    """End one device of a person, with its tokens, and the person's channels, at once."""
    revoke_device(_manager(request), person, key, now=serving_of(request).here.now())
    return HttpResponse(status=204)


@router.get("account-acts")
def account_acts(
    request: HttpRequest,
    after: int = Query(0, ge=0, le=MAX_INTEGER),
    most: int = Query(MOST_PEOPLE, ge=1, le=MOST_PEOPLE),
) -> HttpResponse:
    """Who did what to these accounts, oldest first."""
    acts = list_acts(_manager(request), after=after, most=most)
    return answer_json({"acts": [asdict(each) for each in acts]})
