"""How a browser comes in: by an invitation's code and a new passkey, or by a passkey again."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme

from touchstone.portal.admission import SIGN_IN, browser_place_of, page_view, script_view
from touchstone.portal.rendering import page_of
from touchstone.portal.sent import sent
from touchstone.portal.site import COOKIE, OVER_TLS
from touchstone.server.accounts import passkeys
from touchstone.server.accounts.errors import NotUsableError
from touchstone.server.accounts.sessions import LONGEST, SHOWN_OF_SESSION, end_session
from touchstone.server.api.answers import answer_json
from touchstone.server.principal import Principal
from touchstone.server.serving import serving_of

HOME = "/"


@page_view
def join(request: HttpRequest, _who: Principal) -> HttpResponse:
    """Where an invited person makes a passkey."""
    return page_of(request, "join.html", installation=serving_of(request).fingerprint)


@script_view
def join_begin(request: HttpRequest, _who: Principal) -> HttpResponse:
    """What the browser asks its authenticator, for the public key that a code makes."""
    code, now = sent(request, "code").texts["code"], serving_of(request).here.now()
    return answer_json(passkeys.begin_joining(code, browser_place_of(request), now))


@script_view
def join_finish(request: HttpRequest, _who: Principal) -> HttpResponse:
    """Let the browser in."""
    serving, said = serving_of(request), sent(request, "state", "proof", "label", answered=True)
    cookie = passkeys.finish_joining(
        passkeys.AuthenticatorAnswer(said.texts["state"], said.answer, browser_place_of(request)),
        proof=said.texts["proof"],
        label=said.texts["label"],
        installation=serving.fingerprint,
        now=serving.here.now(),
        random=serving.here.random,
    )
    return with_session(request, answer_json({"next": "/account"}), cookie)


@page_view
def sign_in(request: HttpRequest, _who: Principal) -> HttpResponse:
    """Where a person signs in."""
    back = _safe(request.GET.get("next", HOME))
    return page_of(
        request,
        "sign_in.html",
        back=back,
        unusable=False,
    )


@script_view
def sign_in_begin(request: HttpRequest, _who: Principal) -> HttpResponse:
    """What the browser asks its authenticator."""
    now = serving_of(request).here.now()
    return answer_json(passkeys.begin_signing_in(browser_place_of(request), now))


@script_view
def sign_in_finish(request: HttpRequest, _who: Principal) -> HttpResponse:
    """Sign the browser in."""
    here, said = serving_of(request).here, sent(request, "state", "next", answered=True)
    place = browser_place_of(request)
    answered = passkeys.AuthenticatorAnswer(said.texts["state"], said.answer, place)
    cookie = passkeys.finish_signing_in(answered, now=here.now(), random=here.random)
    return with_session(request, answer_json({"next": _safe(said.texts["next"])}), cookie)


@page_view
def recover_by_code(request: HttpRequest, _who: Principal) -> HttpResponse:
    """Sign in by a recovery code, which leads to a new passkey and nowhere else."""
    here = serving_of(request).here
    try:
        cookie = passkeys.recover(
            request.POST.get("code", "")[:200], now=here.now(), random=here.random
        )
    except NotUsableError as error:
        return page_of(
            request,
            "sign_in.html",
            status=error.status,
            back=HOME,
            unusable=True,
        )
    return with_session(request, after("/account"), cookie)


@page_view
def sign_out(request: HttpRequest, who: Principal) -> HttpResponse:
    """End the browser's session."""
    end_session(who, who.token[:SHOWN_OF_SESSION], serving_of(request).here.now())
    response = after(SIGN_IN)
    # What a browser kept of pages goes with it.
    response["Clear-Site-Data"] = '"cache", "storage"'
    response.delete_cookie(_cookie_name(request))
    return response


def after(address: str) -> HttpResponse:
    """Lead on after something was done, so that it is not done again by a reload."""
    response = HttpResponseRedirect(address)
    response.status_code = HTTPStatus.SEE_OTHER
    return response


def with_session(request: HttpRequest, response: HttpResponse, cookie: str) -> HttpResponse:
    """Have a browser keep its session."""
    response.set_cookie(
        _cookie_name(request),
        cookie,
        max_age=int(LONGEST.total_seconds()),
        path="/",
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return response


def _cookie_name(request: HttpRequest) -> str:
    return OVER_TLS if request.is_secure() else COOKIE


def _safe(address: str) -> str:
    """Where to go on, of this server alone."""
    inside = url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    return address if inside and address.startswith("/") else HOME
