"""Where requests go: to the API, and to pages."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path

from touchstone.portal.admission import told_refusal
from touchstone.portal.views import account, cases, deeds, entering, home, people, transcripts
from touchstone.server.api.problems import problem
from touchstone.server.api.routes import api

urlpatterns = [
    path("v1/", api.urls),
    path("", home.home),
    path("static/<digest>/<name>", home.static_file),
    path("language", home.choose_language),
    path("join", entering.join),
    path("join/begin", entering.join_begin),
    path("join/finish", entering.join_finish),
    path("sign-in", entering.sign_in),
    path("sign-in/begin", entering.sign_in_begin),
    path("sign-in/finish", entering.sign_in_finish),
    path("sign-in/recover", entering.recover_by_code),
    path("sign-out", entering.sign_out),
    path("cases", cases.cases_page),
    path("cases/<case>", cases.case_page),
    path("cases/<case>/history", cases.history_page),
    path("cases/<case>/edition", cases.edition),
    path("cases/<case>/transcripts", transcripts.transcripts_page),
    path("cases/<case>/transcripts/<transcript>", transcripts.look_page),
    path("cases/<case>/deeds", deeds.deeds_page),
    path("cases/<case>/deeds/<kind>", deeds.deed_by_method),
    path("cases/<case>/signed", deeds.deed_take),
    path("account/browser-key", deeds.browser_key_page),
    path("people", people.people_by_method),
    path("people/<person>", people.person_page),
    path("people/<person>/roles", people.roles_change),
    path("people/<person>/code", people.code_again),
    path("people/<person>/browsers/end", people.browsers_end),
    path("people/<person>/devices/<key>/end", people.device_end),
    path("people/<person>/remove", people.person_remove),
    path("account", account.account_page),
    path("account/passkeys/begin", account.passkey_begin),
    path("account/passkeys/finish", account.passkey_finish),
    path("account/passkeys/<name>/end", account.passkey_end),
    path("account/sessions/<name>/end", account.session_end),
    path("account/recovery-codes", account.recovery_codes),
]


def _says(status: int) -> Callable[..., HttpResponse]:
    def handler(request: HttpRequest, exception: Any = None) -> HttpResponse:
        del exception
        return told_refusal(request, problem(status))

    return handler


handler400, handler403, handler404, handler500 = map(_says, (400, 403, 404, 500))
told_early = told_refusal
"""How the server tells of what it refuses before it asks Django."""
