"""Deeds by forms: what a party may do, one deed's form, what would be signed, and its taking.

Nothing is recorded before a signature comes back, and pages sign nothing themselves: a key in the
browser does, or the party's own on another machine.
"""

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from touchstone.client.party_case import PartyCase
from touchstone.deeds.deed import Deed
from touchstone.errors import BadInputError
from touchstone.ledger import fingerprint
from touchstone.ledger.signing import KEY_SIZE
from touchstone.portal.admission import browser_place_of, page_view, script_view
from touchstone.portal.deeds import drafting
from touchstone.portal.deeds.fields import Filled, filled
from touchstone.portal.deeds.forms import FORMS, SIGNED_IN_BROWSERS, DeedForm, offered
from touchstone.portal.deeds.reading import drafting_case
from touchstone.portal.rendering import page_of
from touchstone.review import BadEventError
from touchstone.review.errors import MissingPartError
from touchstone.server.api.case_reads import note_case_read
from touchstone.server.api.deeds import DeedSent
from touchstone.server.api.parsing import JSON, StrictParser
from touchstone.server.errors import ProblemError
from touchstone.server.principal import Principal
from touchstone.server.serving import serving_of
from touchstone.service.taking import take_deed

KEY, KNOWN, HAND = "browser-key", "browser-knows", "hand"
"""What a form has beside its fields: the browser's public key (hex), the sizes of the log that it
knows, and where it is to be signed."""
_BESIDE = (KEY, KNOWN, HAND)


@page_view
def deeds_page(request: HttpRequest, who: Principal, case: str) -> HttpResponse:
    """What the party may do in a case, by its role and by what there is."""
    known = drafting_case(serving_of(request).here, case, who)
    note_case_read(request, who, case)
    return page_of(request, "deeds.html", case=case, forms=list(offered(known)))


def deed_by_method(request: HttpRequest, case: str, kind: str) -> HttpResponseBase:
    """A deed's form, or what is to be made of one that was filled in."""
    return (deed_draft if request.method == "POST" else deed_page)(request, case=case, kind=kind)


@page_view
def deed_page(request: HttpRequest, who: Principal, case: str, kind: str) -> HttpResponse:
    """One deed's form; what an address says of a field stands in it."""
    form = _form(kind)
    known = drafting_case(serving_of(request).here, case, who)
    note_case_read(request, who, case)
    typed = {each.name: request.GET.getlist(each.name)[:1] for each in form.fields}
    return _form_page(request, known, form, Filled(typed, {}, {}))


@page_view
def deed_draft(request: HttpRequest, who: Principal, case: str, kind: str) -> HttpResponse:
    """What would be signed, for a browser's key or into a file; nothing is recorded."""
    form, here = _form(kind), serving_of(request).here
    if not set(request.POST) <= {*_BESIDE, *(each.name for each in form.fields)}:
        raise ProblemError(422)
    known = drafting_case(here, case, who)
    note_case_read(request, who, case)
    typed = {each.name: request.POST.getlist(each.name) for each in form.fields}
    read = filled(form.fields, typed, known)
    if read.complaints:
        # Each field's own, beside it; all that was typed stands as it was.
        return _form_page(request, known, form, read, status=422)
    try:
        deed = form.draft(known, read.values)
        found = drafting.draft_of(known, deed)
    except (BadEventError, LookupError, MissingPartError) as error:
        # What the case has no place for, as it stands now.
        return _form_page(request, known, form, read, status=409, fault=str(error))
    if found.refused:
        return _form_page(request, known, form, read, status=409, fault=found.refused)
    hand = request.POST.get(HAND, "")
    if hand == "edit":
        return _form_page(request, known, form, read)
    if hand == "file":
        response = HttpResponse(
            drafting.as_file(known, found), content_type="application/octet-stream"
        )
        name = f"{kind}-{case[:16]}.deed"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response
    return page_of(
        request,
        "deed_check.html",
        case=case,
        form=form,
        typed=typed,
        lines=found.lines,
        keys=found.keys,
        able=_able(request, found.keys),
        signing=_to_sign(request, known, form, deed),
        address=browser_place_of(request).origin,
    )


@script_view
def deed_take(request: HttpRequest, who: Principal, case: str) -> HttpResponse:
    """Take a deed that a browser's key signed: the installation's signed answer, as the API's."""
    serving = serving_of(request)
    try:
        sent = DeedSent.model_validate(StrictParser().parse_body(request))
    except ValueError as error:
        raise ProblemError(422) from error
    answer = take_deed(serving.here, case, sent.submitted, asker=who.party, now=serving.now())
    return HttpResponse(answer.line, content_type=JSON)


@page_view
def browser_key_page(request: HttpRequest, who: Principal) -> HttpResponse:
    """The browser's own key, which a script makes, and how a party lets it sign."""
    return page_of(request, "browser_key.html", kinds=SIGNED_IN_BROWSERS, named=who.party)


def _form(kind: str) -> DeedForm:
    if kind not in FORMS:
        raise ProblemError(404)
    return FORMS[kind]


def _form_page(
    request: HttpRequest,
    known: PartyCase,
    form: DeedForm,
    read: Filled,
    *,
    status: int = 200,
    fault: str = "",
) -> HttpResponse:
    choices = {each.name: each.choices(known) for each in form.fields if each.options}
    return page_of(
        request,
        "deed.html",
        status=status,
        case=known.id,
        form=form,
        typed=read.typed,
        complaints=read.complaints,
        choices=choices,
        fault=fault,
        question=_asked(known, form),
    )


def _asked(known: PartyCase, form: DeedForm) -> str:
    """What the deed speaks to where nothing is chosen: a designation, or terms by their digest."""
    if form.kind.startswith("designation-"):
        return known.state.designating.in_question or ""
    return (known.state.terms.on_table or "") if form.kind.startswith("terms-") else ""


def _able(request: HttpRequest, keys: Mapping[str, str]) -> bool:
    key = _key(request)
    return key is not None and fingerprint(key) in keys


def _key(request: HttpRequest) -> bytes | None:
    text = request.POST.get(KEY, "")
    if not text:
        return None
    try:
        key = bytes.fromhex(text)
    except ValueError as error:
        raise ProblemError(422) from error
    if len(key) != KEY_SIZE:
        raise ProblemError(422)
    return key


def _to_sign(request: HttpRequest, known: PartyCase, form: DeedForm, deed: Deed) -> str:
    """What the browser's key is to sign; empty where it has none, or may not."""
    key = _key(request)
    if key is None or form.hand != "browser":
        return ""
    try:
        sizes = drafting.sizes_of(request.POST.get(KNOWN, ""))
    except BadInputError as error:
        raise ProblemError(422) from error
    return drafting.to_sign(serving_of(request).here, known, deed, key, sizes)
