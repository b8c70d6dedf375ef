"""Who may see a page, where its browser is, and how a refusal is told to people."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.urls import resolve

from touchstone.portal.errors import ForeignOriginError
from touchstone.portal.rendering import error_page
from touchstone.portal.showing.site import SHOWN_NEEDS
from touchstone.portal.site import NEEDS
from touchstone.server.accounts.passkeys import BrowserPlace
from touchstone.server.api.declared import admit_request
from touchstone.server.api.problems import answer_for
from touchstone.server.errors import NotAuthenticatedError
from touchstone.server.principal import Principal

View = Callable[..., HttpResponseBase]
SIGN_IN = "/sign-in"
ACCOUNT = "/account"
# A route of an invented house is none of any other site's, whatever it would need.
_NEEDS = NEEDS | SHOWN_NEEDS


def browser_place_of(request: HttpRequest) -> BrowserPlace:
    """Where the browser is, by names that this server is known by."""
    host = request.get_host()
    return BrowserPlace(host.partition(":")[0], f"{request.scheme}://{host}")


def page_view(view: View) -> View:
    """A view that answers a person: `view(request, principal, ...)`; refusals are pages.

    A page that needs somebody leads to where one signs in, and back.
    """

    @wraps(view)
    def answered(request: HttpRequest, **named: str) -> HttpResponseBase:
        try:
            return view(request, admitted_page(request), **named)
        except NotAuthenticatedError:
            return _signing_in(request)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told on a page
            return error_page(request, answer_for(error))

    return answered


def script_view(view: View) -> View:
    """A view that answers a script of ours, in JSON: `view(request, principal)`."""

    @wraps(view)
    def answered(request: HttpRequest, **named: str) -> HttpResponseBase:
        try:
            return view(request, admitted_page(request), **named)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a problem
            return answer_for(error)

    return answered


def admitted_page(request: HttpRequest) -> Principal:
    """Who asks, once it may. Raises as `server.api.declared.admit_request`, and ForeignOriginError.

    What changes something is taken from pages of this origin alone. Browsers say which page had
    them send it in `Origin`, and no page can choose that.
    """
    own = browser_place_of(request).origin
    if request.method == "POST" and request.headers.get("Origin") != own:
        raise ForeignOriginError
    return admit_request(request, _NEEDS)


def told_refusal(request: HttpRequest, problem: HttpResponse) -> HttpResponse:
    """A refusal, as people or as programs read it.

    Who is not known any more when it sends what it typed into a page signs in, and comes back to
    that page.
    """
    # Scripts of ours ask for whatever there is, and browsers for a page.
    people = "text/html" in request.headers.get("Accept", "")
    if request.path.startswith("/v1/") or not people:
        return problem
    if problem.status_code == HTTPStatus.UNAUTHORIZED:
        return _signing_in(request)
    return error_page(request, problem)


def _signing_in(request: HttpRequest) -> HttpResponse:
    back = request.get_full_path()
    if request.method != "GET" and not _is_page(request.path):
        # What was sent from a page of ours leads back to that page.
        from_, own = request.headers.get("Referer", ""), browser_place_of(request).origin
        back = from_.removeprefix(own) if from_.startswith(f"{own}/") else ACCOUNT
    response = HttpResponseRedirect(f"{SIGN_IN}?{urlencode({'next': back})}")
    response.status_code = HTTPStatus.SEE_OTHER
    return response


def _is_page(path: str) -> bool:
    """Whether a path that takes what a page sends is also that of the page."""
    return ("GET", resolve(path, "touchstone.portal.urls").route) in NEEDS
