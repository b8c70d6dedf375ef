"""What each route needs is declared, and by what a browser is known."""

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import URLPattern

from touchstone.portal.site import NEEDS, PORTAL, credential
from touchstone.portal.urls import urlpatterns
from touchstone.portal.views.entering import with_session
from touchstone.server.accounts.sessions import BY_BROWSER


def test_every_route_is_declared_and_no_other():
    routes = {str(each.pattern) for each in urlpatterns if isinstance(each, URLPattern)}
    assert {route for _, route in NEEDS} == routes


def test_what_changes_something_is_a_post_and_what_reads_is_none():
    assert {method for method, _ in NEEDS} == {"GET", "POST"}
    assert set(NEEDS) <= set(PORTAL.needs)


def test_each_post_of_a_person_needs_one_and_each_other_is_for_entering():
    for (method, route), need in NEEDS.items():
        if method == "POST":
            assert need.entering == (need.scope is None), route


def head(path: str, cookies: str, scheme: str = "http", header: str | None = None) -> str | None:
    environ = {"PATH_INFO": path, "HTTP_COOKIE": cookies, "wsgi.url_scheme": scheme}
    return credential(environ | ({"HTTP_AUTHORIZATION": header} if header else {}))


def test_pages_know_a_cookie_alone_and_the_api_a_header_alone():
    assert head("/cases", "a=b; touchstone=x") == f"{BY_BROWSER}x"
    assert head("/v1/cases", "touchstone=x") is None
    assert head("/v1/cases", "touchstone=x", header="Bearer y") == "Bearer y"
    assert head("/cases", "", header="Bearer y") is None


def test_over_tls_only_the_cookie_that_no_other_host_can_set_counts():
    assert head("/cases", "touchstone=x", "https") is None
    assert head("/cases", "__Host-touchstone=x", "https") == f"{BY_BROWSER}x"


@pytest.mark.parametrize("secure", [True, False])
def test_the_cookie_is_of_this_host_over_tls_and_of_no_script(secure: bool):
    asked = RequestFactory().get("/", secure=secure)
    response = with_session(asked, HttpResponse(), "held")
    ((name, kept),) = response.cookies.items()
    assert name == ("__Host-touchstone" if secure else "touchstone")
    assert (kept["path"], kept["domain"], kept["samesite"]) == ("/", "", "Lax")
    assert kept["httponly"]
    assert bool(kept["secure"]) == secure


@pytest.mark.parametrize("cookies", ['touchstone="', "\x00", "=;=;", "touchstone", ";" * 5_000])
def test_a_cookie_header_without_sense_is_nobody(cookies: str):
    assert head("/cases", cookies) in {None, f"{BY_BROWSER}", f'{BY_BROWSER}"'}
