"""A person's own account: passkeys, recovery codes, and the browsers that are signed in."""

from django.http import HttpRequest, HttpResponse

from touchstone.portal.admission import browser_place_of, page_view, script_view
from touchstone.portal.rendering import page_of
from touchstone.portal.sent import sent
from touchstone.portal.views.entering import after, with_session
from touchstone.server.accounts import passkeys
from touchstone.server.accounts.people import own_account
from touchstone.server.accounts.sessions import end_session, sessions_of
from touchstone.server.api.answers import answer_json
from touchstone.server.errors import ProblemError
from touchstone.server.principal import Principal
from touchstone.server.serving import serving_of


@page_view
def account_page(request: HttpRequest, who: Principal) -> HttpResponse:
    """What there is of it."""
    return _account(request, who)


@script_view
def passkey_begin(request: HttpRequest, who: Principal) -> HttpResponse:
    """What the browser asks its authenticator for a further passkey."""
    now = serving_of(request).here.now()
    return answer_json(passkeys.begin_adding(who, browser_place_of(request), now))


@script_view
def passkey_finish(request: HttpRequest, who: Principal) -> HttpResponse:
    """Add it, and sign the browser in by it."""
    here, said = serving_of(request).here, sent(request, "state", "label", answered=True)
    place = browser_place_of(request)
    answered = passkeys.AuthenticatorAnswer(said.texts["state"], said.answer, place)
    cookie = passkeys.finish_adding(
        who, answered, said.texts["label"], now=here.now(), random=here.random
    )
    return with_session(request, answer_json({"next": "/account"}), cookie)


@page_view
def passkey_end(request: HttpRequest, who: Principal, name: str) -> HttpResponse:
    """End a passkey, but the last."""
    _require_passkey(who)
    passkeys.end_passkey(who, name, serving_of(request).here.now())
    return after("/account")


@page_view
def session_end(request: HttpRequest, who: Principal, name: str) -> HttpResponse:
    """Sign another browser out."""
    _require_passkey(who)
    end_session(who, name, serving_of(request).here.now())
    return after("/account")


@page_view
def recovery_codes(request: HttpRequest, who: Principal) -> HttpResponse:
    """Draw recovery codes: shown in this answer alone."""
    here = serving_of(request).here
    _require_passkey(who)
    codes = passkeys.new_recovery_codes(who, now=here.now(), random=here.random)
    return _account(request, who, codes)


def _require_passkey(who: Principal) -> None:
    """Raise ProblemError for whoever came in by a recovery code: it is for a new passkey alone."""
    if not who.scopes:
        raise ProblemError(403)


def _account(request: HttpRequest, who: Principal, codes: tuple[str, ...] = ()) -> HttpResponse:
    now = serving_of(request).here.now()
    kept, left = passkeys.passkeys_of(who)
    return page_of(
        request,
        "account.html",
        account=own_account(who, now),
        passkeys=kept,
        codes_left=left,
        codes=codes,
        sessions=sessions_of(who, now),
        recovering=not who.scopes,
    )
