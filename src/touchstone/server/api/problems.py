"""Every answer that is no success is a problem (RFC 9457), and repeats nothing that was sent."""

import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import DisallowedHost
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from touchstone.errors import TouchstoneError
from touchstone.evaluation.errors import TranscriptError
from touchstone.ledger import dumps
from touchstone.ledger.errors import UnpromisedError
from touchstone.records import (
    DestroyedError,
    EndpointKeyError,
    PageError,
    ReadOnlyError,
    RecordsError,
    StagingError,
)
from touchstone.server.accounts.errors import TooOftenError
from touchstone.server.accounts.limits import address_group
from touchstone.server.errors import NotAuthenticatedError, ProblemError
from touchstone.server.security_log import count_event
from touchstone.server.serving import known_in

PROBLEM = "application/problem+json"
UNKNOWN = "unknown"
"""The code of a case that is not there, or not for who asks (ADR 269)."""
NO_CONTENT = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
)
"""What a browser may do with an answer that it is led to: nothing."""
CODES = {
    400: ("request", "the request has no sense"),
    401: ("token", "who asks is not known: send a token of this server that has not expired"),
    403: (
        "not-allowed",
        "this person may not do that; ask the administrator for a role that may",
    ),
    404: ("no-route", "there is nothing here"),
    405: ("method", "that is not done here"),
    408: ("slow", "what was said to come did not come in time"),
    411: ("length", "say the length of the body (Content-Length)"),
    413: ("too-large", "more was sent than is taken"),
    415: ("media-type", "the body is of a kind that is not taken here"),
    416: ("range", "there is nothing from there on"),
    422: ("fields", "a field is missing, unknown or of another kind"),
    429: ("too-many", "too much was asked for: wait"),
    500: ("fault", "a fault of this server: nothing was promised, and the same may be sent again"),
    503: ("busy", "this server cannot answer now: nothing was promised; send the same again"),
}
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": NO_CONTENT,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}
"""Of every answer that says nothing else."""
PAGE = "touchstone_page"
"""Under this name an answer says that a person reads it: what is refused is told on a page."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
LIMITS = frozenset({408, 413, 429, 503})
"""Answers to what was too much, too long or too slow."""
log = logging.getLogger(__name__)
Beside = Mapping[str, Any]
Answering = Callable[[HttpRequest], HttpResponseBase]


class Problem(HttpResponse):
    """An answer that is no success, with the code that it says."""

    code: str = ""


def problem(status: int, code: str = "", why: str = "", beside: Beside | None = None) -> Problem:
    """An answer of a status; `code` and `why` are the status's own where they are left out."""
    usual = CODES.get(status) or CODES[400 if status < HTTPStatus.INTERNAL_SERVER_ERROR else 500]
    value = {
        **(beside or {}),
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code or usual[0],
        "detail": why or usual[1],
    }
    response = Problem(dumps(value), content_type=PROBLEM, status=status)
    response.code = value["code"]
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    return response


def as_problems(answer: Answering) -> Answering:
    """Django's middleware: checks hosts, and makes problems of what others answered otherwise."""

    def found(request: HttpRequest) -> HttpResponseBase:
        try:
            # Nothing else asks, and a page of another name in the browser could ask for it.
            request.get_host()
        except DisallowedHost:
            return problem(400, "host", "this server is not known by that name")
        return answer(request)

    def answered(request: HttpRequest) -> HttpResponseBase:
        response = guarded(found(request))
        tell_of(request, response)
        return response

    return answered


def guarded(response: HttpResponseBase) -> HttpResponseBase:
    """An answer with what a browser and those on the way are told of it; a problem, if it is none.

    What answers without Django asks this, too.
    """
    refused = response.status_code >= HTTPStatus.BAD_REQUEST
    if refused and not (response.get("Content-Type") == PROBLEM or getattr(response, PAGE, False)):
        made = problem(response.status_code)
        if "Allow" in response:
            made["Allow"] = response["Allow"]
        response = made
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def tell_of(request: HttpRequest, response: HttpResponseBase) -> None:
    """Write down who asked for what, and how it ended; the path and the query stand nowhere."""
    known, match = known_in(request), request.resolver_match
    status, code = response.status_code, getattr(response, "code", "")
    facts = {
        "route": match.route if match else "",
        "method": (request.method or "") if request.method in METHODS else "other",
        "status": status,
        "code": code,
        "person": known.person,
        "party": known.party,
        "address": address_group(request.META.get("REMOTE_ADDR", "")),
    }
    if match and status < HTTPStatus.BAD_REQUEST:
        # Of what was refused it is whatever somebody wrote.
        facts["case"] = str(match.kwargs.get("case", ""))
    count_event(security_event_of(status, code), **facts)


def security_event_of(status: int, code: str) -> str:
    """The security event that an answer of a status and a code is."""
    if status < HTTPStatus.BAD_REQUEST:
        return "allowed"
    if status == HTTPStatus.UNAUTHORIZED:
        return "not-known"
    hidden = status == HTTPStatus.NOT_FOUND and code != CODES[404][0]
    # A device asks for all that there is, so as to learn what its person may: no attempt at more.
    if (status == HTTPStatus.FORBIDDEN and code != "scope") or hidden:
        return "denied"
    if status in LIMITS:
        return "limited"
    return "fault" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "refused"


def _too_often(error: TooOftenError) -> HttpResponse:
    made = problem(error.status, error.code, error.why)
    made["Retry-After"] = str(error.seconds)
    return made


def _unpromised(error: UnpromisedError) -> HttpResponse:
    status = 404 if error.code == UNKNOWN else 409
    return problem(status, error.code, error.why)


def _staging(error: StagingError) -> HttpResponse:
    if error.offset is None:
        return problem(400, error.code, str(error))
    return problem(409, error.code, str(error), {"offset": error.offset})


def _http(error: HttpError) -> HttpResponse:
    # Ninja makes one of whatever its parser raised, and says no more why.
    why = error.__cause__
    return answer_for(why) if isinstance(why, ProblemError) else problem(error.status_code)


def _endpoint_key(error: EndpointKeyError) -> HttpResponse:
    return problem(404 if error.code == "key-unknown" else 400, error.code, str(error))


def _busy(error: TouchstoneError) -> HttpResponse:
    # What it says is for whoever runs the server: it may name its files.
    log.error("%s", error)
    response = problem(503)
    response["Retry-After"] = "1"
    return response


def _fault(error: Exception) -> HttpResponse:
    log.error("a fault", exc_info=error)
    return problem(500)


# The first that fits.
_ANSWERS: tuple[tuple[type[Exception], Callable[[Any], HttpResponse]], ...] = (
    (TooOftenError, _too_often),
    (ProblemError, lambda error: problem(error.status, error.code, error.why, error.beside)),
    (NotAuthenticatedError, lambda _: problem(401)),
    (UnpromisedError, _unpromised),
    (StagingError, _staging),
    (EndpointKeyError, _endpoint_key),
    (PageError, lambda error: problem(400, "page", str(error))),
    (TranscriptError, lambda error: problem(409, "transcript", str(error))),
    (DestroyedError, lambda error: problem(409, "destroyed", str(error))),
    (RecordsError, _busy),
    (ReadOnlyError, _busy),
    # Where, and what is wrong with it: never what stood there.
    (ValidationError, lambda error: problem(422, beside={"fields": _where(error.errors)})),
    (Http404, lambda _: problem(404)),
    (HttpError, _http),
    (Exception, _fault),
)


def answer_for(error: Exception) -> HttpResponse:
    """The problem that an error is answered with."""
    return next(answer(error) for kind, answer in _ANSWERS if isinstance(error, kind))


def _where(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    found = []
    for each in errors:
        kind = str(each.get("type", ""))
        # The name of an unknown field was sent, too.
        place = each.get("loc", ())[: -1 if kind == "extra_forbidden" else None]
        found.append({"at": ".".join(map(str, place)), "what": kind})
    return found


def handle_all(api: NinjaAPI) -> None:
    """Have an API answer every error so."""

    def handler(_request: HttpRequest, error: Any) -> HttpResponse:
        return answer_for(error)

    for kind in (Exception, Http404, HttpError, ValidationError):
        api.add_exception_handler(kind, handler)
