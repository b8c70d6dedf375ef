"""Home shows what is most urgent, and says what it had no time to look at."""

from collections.abc import Iterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.base import BaseHandler
from django.test import RequestFactory

from support.small_case import small_case
from touchstone.deeds.cases import clock_paused
from touchstone.keys import SystemRandom
from touchstone.portal.site import COOKIE, PORTAL
from touchstone.portal.views import home
from touchstone.server.accounts import people
from touchstone.server.accounts.managing import Manager
from touchstone.server.accounts.preparing import open_accounts
from touchstone.server.accounts.sessions import begin_shown_session, speaker
from touchstone.server.serving import CREDENTIAL, SERVING, Serving
from touchstone.service.installation import Installation
from touchstone.service.reporting import looking
from touchstone.service.reporting.looking import LookingOn


@dataclass
class Reader:
    """An official who reads pages."""

    serving: Serving
    cookie: str

    def reads(self, path: str) -> str:
        extra: dict[str, Any] = {SERVING: self.serving}
        request = RequestFactory(headers={"host": "localhost"}).get(path, **extra)
        request.COOKIES = {COOKIE: self.cookie}
        request.META["HTTP_COOKIE"] = str(SimpleCookie({COOKIE: self.cookie})).partition(": ")[2]
        request.META[CREDENTIAL] = PORTAL.credential(request.META)
        request.urlconf = PORTAL.urls
        handler = BaseHandler()
        handler.load_middleware()
        response = handler.get_response(request)
        assert response.status_code == 200
        return str(getattr(response, "content", b""), "utf-8")


@pytest.fixture(name="reader")
def _reader(tmp_path: Path) -> Iterator[Reader]:
    with small_case(tmp_path) as case:
        here, random = case.installation, SystemRandom()
        case.record([clock_paused(case, "example-centre", "a holiday")])
        open_accounts(here.home, None)
        given = ("example-centre", ("lead",), "Cleo Example", "")
        made = people.invite(Manager.machine(), *given, now=here.now(), random=random)
        cookie = begin_shown_session(made.person, now=here.now(), random=random)
        yield Reader(Serving(here, speaker), cookie)


def test_the_most_urgent_are_shown_and_the_rest_is_a_link_away(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
):
    whole = reader.reads("/")
    assert "All that is next" not in whole
    count = whole.count('<p class="what">')
    assert count > 1
    monkeypatch.setattr(home, "FIRST_ROWS", 1)
    first = reader.reads("/")
    assert first.count('<p class="what">') == 1
    assert f'<a href="/?all=1">All that is next: {count - 1} more</a>' in first
    assert reader.reads("/?all=1").count('<p class="what">') == count


def test_what_there_was_no_time_for_is_said_and_looked_at_beside(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
):
    begun = list[str]()
    monkeypatch.setattr(LookingOn, "begin", lambda _self, party: begun.append(party))
    look = looking.glance_at

    def hurried(here: Installation, party: str) -> looking.Glance:
        return look(here, party, 0)

    monkeypatch.setattr(home, "glance_at", hurried)
    page = reader.reads("/")
    assert "One case has moved and is being looked at" in page
    assert begun == ["example-centre"]
    look(reader.serving.here, "example-centre")
    assert "is being looked at" not in reader.reads("/")
    assert begun == ["example-centre"]
