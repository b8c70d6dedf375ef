"""A house of many cases, one of them of many parties, and what its pages cost.

Entries are real, as `long_case` makes them. Times are CPU seconds of this process, which answers
each request as the server's does, middleware included, but for the socket.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.db import connections
from django.http import HttpResponse
from django.template import Context, Engine
from django.urls import path as route

from touchstone.bench.errors import BenchError
from touchstone.bench.long_case import lengthen, small_case
from touchstone.bench.table import BenchRow
from touchstone.deeds.cases import party_invited, party_joined, review_halted, review_resumed
from touchstone.portal.site import COOKIE, PORTAL
from touchstone.portal.views.cases import OF_HISTORY
from touchstone.records.models import EntryRow
from touchstone.review.events.base import Role
from touchstone.server.accounts import people
from touchstone.server.accounts.managing import Manager
from touchstone.server.accounts.models import ACCOUNTS
from touchstone.server.accounts.preparing import open_accounts
from touchstone.server.accounts.sessions import begin_shown_session, speaker
from touchstone.server.serving import CREDENTIAL, SERVING, Serving
from touchstone.service.case_context import Case
from touchstone.service.installation import Installation, open_installation
from touchstone.service.reporting.looking import glance_at

MILLISECONDS, HOME_MILLISECONDS, QUERIES = 60.0, 100.0, 30
PEER_RATIO = 0.5
ROUNDS = 9
LAB, CENTRE, AGENCY = "example-lab", "example-centre", "example-agency"
_BARE = Engine().from_string(
    "<table>{% for n, kind, line in rows %}<tr><td>{{ n }}</td><td>{{ kind }}</td>"
    "<td>{{ line }}</td></tr>{% endfor %}</table>"
)
PARTNER: Role = "trusted-partner"


@dataclass(frozen=True)
class _Asked:
    """A person at the server, in this process."""

    serving: Serving
    handler: BaseHandler
    cookie: str

    def get(self, path: str, urls: Any = PORTAL.urls) -> bytes:
        """A page's bytes. Raises BenchError: it is none."""
        path, _, query = path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "HTTP_HOST": "localhost",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_COOKIE": f"{COOKIE}={self.cookie}",
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
            SERVING: self.serving,
        }
        environ[CREDENTIAL] = PORTAL.credential(environ)
        request = WSGIRequest(environ)
        request.urlconf = urls
        response = self.handler.get_response(request)
        if response.status_code != HTTPStatus.OK or not isinstance(response, HttpResponse):
            raise BenchError(f"{path} was answered by {response.status_code}")
        response.close()
        return response.content


def main(cases: int, entries: int, count: int, parties: int, largest: int) -> None:
    """Measure, and write the rows as JSON."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        here = stack.enter_context(open_installation(Path(folder) / "home", apart=True))
        open_accounts(here.home, None)
        made = [_case(here, Path(folder) / "one.toml", entries) for _ in range(cases - 1)]
        large = _large_case(here, Path(folder) / "one.toml", parties, largest)
        rows = list(_rows(here, made[0] if made else large.id, large, _invited(here, count)))
    sys.stdout.write(json.dumps([asdict(row) for row in rows]))


def _case(here: Installation, submission: Path, entries: int) -> str:
    case = small_case(here, submission, [AGENCY])
    lengthen(case, entries)
    return case.id


def _large_case(here: Installation, submission: Path, parties: int, entries: int) -> Case:
    case = small_case(here, submission, [AGENCY])
    for number in range(parties - len(case.state.parties)):
        name = f"example-partner-{number}"
        signer, following = here.keyring.new_party_key(name), here.keyring.next_party_key(name)
        key = signer.public_key.hex()
        case.record([party_invited(case, CENTRE, name, PARTNER, signer.fingerprint)])
        case.record([party_joined(case, name, PARTNER, key, following.fingerprint)])
    lengthen(case, entries)
    return case


def _invited(here: Installation, count: int) -> dict[str, str]:
    """By role of an agency a person of it, among so many people."""
    by, now = Manager.machine(), here.now()
    for number in range(count - 2):
        people.invite(by, LAB, ["lead"], f"Person {number}", "", now=now, random=here.random)
    official = people.invite(
        by, AGENCY, ["official"], "Olga Example", "", now=now, random=here.random
    )
    administrator = people.first_administrator("Hana Example", now=now, random=here.random)
    return {"official": official.person, "administrator": administrator.person}


def _rows(here: Installation, small: str, large: Case, who: dict[str, str]) -> Iterator[BenchRow]:
    handler = BaseHandler()
    handler.load_middleware()
    serving, now = Serving(here, speaker), here.now()
    official, administrator = (
        _Asked(serving, handler, begin_shown_session(who[role], now=now, random=here.random))
        for role in ("official", "administrator")
    )
    pages = (
        ("the busiest official's home", official, "/", HOME_MILLISECONDS),
        ("a page of the cases", official, "/cases", MILLISECONDS),
        ("a case", official, f"/cases/{small}", MILLISECONDS),
        ("the largest case", official, f"/cases/{large.id}", MILLISECONDS),
        ("its history", official, f"/cases/{large.id}/history", MILLISECONDS),
        (
            "a search of it",
            official,
            f"/cases/{large.id}/history?words=resumed",
            HOME_MILLISECONDS,
        ),
        ("its deeds", official, f"/cases/{large.id}/deeds", MILLISECONDS),
        ("its transcripts", official, f"/cases/{large.id}/transcripts", MILLISECONDS),
        ("the account", official, "/account", MILLISECONDS),
        ("the people", administrator, "/people", MILLISECONDS),
    )
    alias = here.records.members._alias  # noqa: SLF001 - a bench's
    # Else the server would do it beside the first pages, in a thread of the process measured.
    looked = _seconds(lambda: glance_at(here, AGENCY, None))
    yield BenchRow("all of an official's cases, looked at once", looked, "s", None, "", "", None)
    for name, asked, path, limit in pages:
        yield from _page_rows(name, asked, path, limit, alias)
    yield _moved_row(official, large)
    yield _bare_row(official, large.id, alias)


def _page_rows(name: str, asked: _Asked, path: str, limit: float, alias: str) -> Iterator[BenchRow]:
    """A page's median, what it took first, its queries and its bytes."""
    first = _seconds(lambda: asked.get(path))
    took = median(_seconds(lambda: asked.get(path)) for _ in range(ROUNDS)) * 1000
    yield BenchRow(f"{name}: first", first * 1000, "ms", None, "", "", None)
    goal = f"at most {limit:g} ms"
    yield BenchRow(name, took, "ms", took / limit, "the limit", goal, took <= limit)
    queries = _queries(lambda: asked.get(path), alias)
    goal, met = f"at most {QUERIES}", queries <= QUERIES
    yield BenchRow(f"{name}: queries", queries, "", queries / QUERIES, "the limit", goal, met)


def _moved_row(asked: _Asked, large: Case) -> BenchRow:
    """The largest case, looked at after each of some deeds: all that was remembered of it moved."""
    took = list[float]()
    for number in range(ROUNDS):
        deed = review_halted(large, CENTRE, "a look") if number % 2 == 0 else None
        large.record([deed or review_resumed(large, CENTRE, "looked at")])
        took.append(_seconds(lambda: asked.get(f"/cases/{large.id}")))
    value = median(took) * 1000
    return BenchRow("the largest case: after a deed", value, "ms", None, "", "", None)


def _bare_row(asked: _Asked, case: str, alias: str) -> BenchRow:
    """The history's page against one of Django that shows as many rows as they are kept."""

    def bare(_request: object) -> HttpResponse:
        rows = EntryRow.objects.using(alias).filter(case_id=case).order_by("-n")[:OF_HISTORY]
        return HttpResponse(
            _BARE.render(Context({"rows": [(r.n, r.type, r.line.hex()) for r in rows]}))
        )

    urls = (route("bare", bare),)
    ours = median(_seconds(lambda: asked.get(f"/cases/{case}/history")) for _ in range(ROUNDS))
    theirs = median(_seconds(lambda: asked.get("/bare", urls)) for _ in range(ROUNDS))
    ratio, goal = theirs / ours, f"at least {PEER_RATIO:g}x"
    name = f"pages/s of its history, {OF_HISTORY} rows a page"
    return BenchRow(name, 1 / ours, "/s", ratio, "a bare Django page", goal, ratio >= PEER_RATIO)


def _seconds(act: Callable[[], object]) -> float:
    start = process_time()
    act()
    return process_time() - start


def _queries(act: Callable[[], object], alias: str) -> int:
    asked = [0]

    def counting(execute: Callable[..., Any], *how: Any) -> Any:
        asked[0] += 1
        return execute(*how)

    with (
        connections[alias].execute_wrapper(counting),
        connections[ACCOUNTS].execute_wrapper(counting),
    ):
        act()
    return asked[0]
