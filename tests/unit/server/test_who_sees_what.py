"""Every route for every role and party: what may not be asked for, or seen, is in no answer.

The table of routes makes the tests, so that a new route is tested as soon as it is declared.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, cast

import pytest
from django.db import connections
from django.test import Client

from support.accounts import Device, let_in
from support.party_server import CASE, Party, begin, begun
from support.small_case import Minutes
from touchstone.clearance import Marking, tlp
from touchstone.deeds.cases import participation_noted, party_invited
from touchstone.ledger import dumps
from touchstone.records import FullError
from touchstone.records.deeds import Deeds
from touchstone.records.endpointkeys import HandedInKey
from touchstone.server.accounts.authenticating import principal_of
from touchstone.server.accounts.limits import Limiter
from touchstone.server.accounts.models import RateRow, SensitiveRead
from touchstone.server.accounts.preparing import open_accounts
from touchstone.server.accounts.roles import ADMINISTRATOR, PARTY_ROLES, scopes_of
from touchstone.server.api.declared import ANY, DECLARED, Need
from touchstone.server.serving import SERVING, Serving
from touchstone.service.installation import open_installation

LAB, CENTRE, AGENCY = MEMBERS = ("example-lab", "example-centre", "example-agency")
INVITED, STRANGER, NOBODY = "example-second", "example-stranger", ""
PARTIES = (*MEMBERS, INVITED, STRANGER, NOBODY)
UNKNOWN = "case-of-nobody"
CANARIES: dict[str, tuple[str, ...]] = {
    "canary-of-the-pair": (LAB, CENTRE),
    "canary-of-the-centre": (CENTRE,),
    "canary-of-the-agency": (AGENCY,),
    "canary-of-all": MEMBERS,
    "canary-of-the-endpoint": (),
}
"""What stands in the record, and who may read it."""
NAMES = {party: f"canary-name-{party or 'administrator'}" for party in PARTIES}
"""What a person of each party is called, and its own leads and administrators alone may see."""
IN_PATHS = {
    "case": CASE,
    "digest": f"sha256:{'ab' * 32}",
    "person": "p" + "0" * 24,
    "key": "0" * 64,
    "name": "EXAMPLE_OTHER_KEY",
    "token": "A" * 43,
}
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "v1/cases/<case>/deeds"): {"envelope": {}, "parts": []},
    ("POST", "v1/cases/<case>/deeds/cancel"): {"envelope": {}},
    ("POST", "v1/invitations/redeem"): {"proof": "0", "envelope": {}},
    ("POST", "v1/tokens"): {"envelope": {}},
    ("PUT", "v1/cases/<case>/endpoint-keys/<name>"): {"value": "any"},
    ("PUT", "v1/people/<person>/roles"): {"roles": ["reviewer"]},
}
EVERY = sorted(DECLARED)
ONCE = {("DELETE", "v1/tokens/current")}
"""It ends the token that everything is asked with."""


@dataclass
class Site:
    """A case of three parties, and one person of each role."""

    serving: Serving
    client: Client
    people: dict[tuple[str, str], tuple[Device, str]]

    def ask(
        self, method: str, route: str, token: str, case: str = CASE, person: str = ""
    ) -> tuple[int, bytes, str]:
        """Status, body and headers of the answer to a route."""
        path = f"/{route}"
        for name, value in IN_PATHS.items():
            given = {"case": case, "person": person or value}.get(name, value)
            path = path.replace(f"<{name}>", given)
        assert "<" not in path, "say in IN_PATHS what stands there"
        body = BODIES.get((method, route))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        RateRow.objects.all().delete()
        self.serving.limiter = Limiter()
        answer: Any = self.client.generic(
            method, path, b"" if body is None else dumps(body), "application/json", headers=headers
        )
        streamed = getattr(answer, "streaming_content", None)
        found = b"".join(streamed) if streamed else getattr(answer, "content", b"")
        return answer.status_code, found, str(sorted(answer.headers.items()))


def notes(by: Party, text: str, marking: Marking) -> None:
    by.act(lambda seen: participation_noted(seen, by.id, "participating", text, marking))


def fill(serving: Serving, parties: tuple[Party, Party, Party]) -> None:
    """Have each say something that not all may read, and invite one who does not join."""
    lab, centre, agency = parties
    pair, own, hers, everybody, secret = CANARIES
    notes(lab, pair, tlp("AMBER+STRICT", LAB, CENTRE))
    notes(centre, own, tlp("RED", CENTRE))
    notes(agency, hers, tlp("AMBER", AGENCY))
    notes(lab, everybody, tlp("AMBER", *MEMBERS))
    expects = serving.fingerprint
    centre.act(lambda seen: party_invited(seen, CENTRE, INVITED, "agency", expects))
    handed = HandedInKey("EXAMPLE_LAB_KEY", CASE, secret, by="p1", at=serving.now())
    serving.here.records.endpoint_keys.hand_in(handed)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    homes = tmp_path_factory.mktemp("seen")
    clock = Minutes()
    with open_installation(homes / "server", clock, apart=True) as here:
        open_accounts(here.home, None)
        serving = Serving(here, principal_of)
        begin(here, homes)
        fill(serving, begun(here, clock, homes).parties)
        client = Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")
        cast("dict[str, object]", client.defaults)[SERVING] = serving
        made = Site(serving, client, {})
        wanted = [(LAB, role) for role in sorted(PARTY_ROLES)]
        wanted += [(party, "lead") for party in (CENTRE, AGENCY, INVITED, STRANGER)]
        for party, role in [*wanted, (NOBODY, ADMINISTRATOR)]:
            device = let_in(party, role, name=NAMES[party], now=here.now())
            token = device.token(*scopes_of([role]), now=here.now()).token
            made.people[party, role] = device, token
        yield made


def may(role: str, need: Need) -> bool:
    if need.scope is None:
        return True
    return role in need.roles and need.scope in {ANY, *scopes_of([role])}


@pytest.mark.parametrize("role", sorted(PARTY_ROLES | {ADMINISTRATOR}))
def test_each_role_is_let_to_what_the_table_says_and_to_nothing_else(site: Site, role: str):
    _, token = site.people[NOBODY if role == ADMINISTRATOR else LAB, role]
    refused = set()
    for method, route in EVERY:
        if (method, route) in ONCE:
            continue
        status, body, headers = site.ask(method, route, token, case=UNKNOWN)
        assert (status != 403) == may(role, DECLARED[method, route]), (method, route)
        if status == 403 and method != "HEAD":
            refused.add((body, headers))
            # Whether the case is there is not told by the refusal.
            assert site.ask(method, route, token) == (status, body, headers)
    assert len(refused) <= 1


@pytest.mark.parametrize(("method", "route"), EVERY)
def test_whoever_is_unknown_gets_the_same_bytes_everywhere(site: Site, method: str, route: str):
    if DECLARED[method, route].scope is None:
        return
    for case in (CASE, UNKNOWN):
        status, body, headers = site.ask(method, route, f"tst1_{'A' * 43}", case)
        assert status == 401
        assert (body, headers) == site.ask(method, route, "", case)[1:]
        if method != "HEAD":
            assert body == site.ask("GET", "v1/me", "")[1]


def role_of(party: str) -> str:
    return "lead" if party else ADMINISTRATOR


@pytest.mark.parametrize("party", PARTIES, ids=lambda party: party or "administrator")
@pytest.mark.parametrize(("method", "route"), EVERY)
def test_no_answer_holds_what_its_reader_may_not_see(
    site: Site, method: str, route: str, party: str
):
    if (method, route) in ONCE:
        return
    _, token = site.people[party, role_of(party)]
    status, body, headers = site.ask(method, route, token)
    said = body.decode("utf-8", "replace") + headers
    for canary, readers in CANARIES.items():
        assert party in readers or canary not in said
    for other, name in NAMES.items():
        assert party in {other, NOBODY} or name not in said
    # Whoever is invited may read of its own keys, to join; of a case of others nothing is there.
    if party in {STRANGER, NOBODY} and "<case>" in route:
        assert (status, body, headers) == site.ask(method, route, token, case=UNKNOWN)
        assert status >= 400 or method in {"HEAD", "DELETE"}


@pytest.mark.parametrize(
    ("method", "route"), [each for each in EVERY if "<case>" in each[1] and each not in ONCE]
)
def test_to_say_no_takes_no_longer_of_a_case_that_is_there(site: Site, method: str, route: str):
    """By what the record is asked: a case that is looked into first would be told by the time."""
    _, token = site.people[STRANGER, "lead"]

    def asked(case: str) -> list[str]:
        found = list[str]()

        def note(execute: Any, sql: str, *more: Any) -> Any:
            found.extend([sql] if "records_" in sql else [])
            return execute(sql, *more)

        with ExitStack() as noting:
            for each in connections.all(initialized_only=True):
                noting.enter_context(each.execute_wrapper(note))
            site.ask(method, route, token, case=case)
        return found

    assert asked(CASE) == asked(UNKNOWN)


@pytest.mark.parametrize("method", ["HEAD", "DELETE"])
def test_of_anothers_case_no_log_is_looked_into(
    site: Site, monkeypatch: pytest.MonkeyPatch, method: str
):
    """In this process: what was followed of a log before is found without asking the record."""
    looked = list[str]()
    of = Deeds.log

    def noted(taking: Deeds, case: str) -> Any:
        looked.append(case)
        return of(taking, case)

    monkeypatch.setattr(Deeds, "log", noted)
    for party, found in ((STRANGER, []), (LAB, [CASE])):
        looked.clear()
        _, token = site.people[party, "lead"]
        site.ask(method, "v1/cases/<case>/evidence/<digest>", token)
        assert looked[:1] == found


@pytest.mark.parametrize("route", ["entries", "bundle"])
def test_what_a_member_may_read_is_there(site: Site, route: str):
    """Else nothing would be shown by what is not."""
    for party in MEMBERS:
        _, token = site.people[party, "lead"]
        status, body, _ = site.ask("GET", f"v1/cases/<case>/{route}", token)
        assert status == 200
        for canary, readers in CANARIES.items():
            assert (canary.encode() in body) == (party in readers), (party, canary)


def test_whoever_reads_is_written_down_and_the_developer_is_told(site: Site):
    SensitiveRead.objects.all().delete()
    size = site.serving.here.records.case(CASE).size
    for party, route in ((AGENCY, "entries"), (CENTRE, "bundle"), (LAB, "report")):
        _, token = site.people[party, "lead"]
        assert site.ask("GET", f"v1/cases/<case>/{route}", token)[0] == 200
    for party in (STRANGER, NOBODY):
        site.ask("GET", "v1/cases/<case>/entries", site.people[party, role_of(party)][1])
    # Nothing new is nothing read.
    _, token = site.people[AGENCY, "lead"]
    own = {"Authorization": f"Bearer {token}"}
    assert site.client.get(f"/v1/cases/{CASE}/entries?start={size}", headers=own).status_code == 200
    status, body, _ = site.ask("GET", "v1/cases/<case>/reads", site.people[LAB, "lead"][1])
    reads = json.loads(body)["reads"]
    told = [(each["party"], each["route"], each["first"], each["last"]) for each in reads]
    assert (status, told) == (
        200,
        [
            (AGENCY, "v1/cases/<case>/entries", 0, size - 1),
            (CENTRE, "v1/cases/<case>/bundle", 0, size - 1),
            (LAB, "v1/cases/<case>/report", 0, size - 1),
        ],
    )
    people = {party: site.people[party, "lead"][0].person for party in MEMBERS}
    assert [each["person"] for each in reads] == [people[each] for each, *_ in told]
    for party, status in ((CENTRE, 403), (AGENCY, 403), (INVITED, 404), (STRANGER, 404)):
        _, token = site.people[party, "lead"]
        assert site.ask("GET", "v1/cases/<case>/reads", token)[0] == status


def test_nothing_is_read_that_cannot_be_written_down(site: Site, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object, **__: object) -> None:
        raise FullError("no room")

    monkeypatch.setattr("touchstone.server.api.cases.note_read", full)
    for route in ("entries", "bundle", "report"):
        status, body, _ = site.ask("GET", f"v1/cases/<case>/{route}", site.people[LAB, "lead"][1])
        assert status == 503
        assert not any(canary.encode() in body for canary in CANARIES)


def test_a_party_lists_its_own_cases_alone(site: Site):
    for party in PARTIES:
        _, token = site.people[party, role_of(party)]
        status, body, _ = site.ask("GET", "v1/cases", token)
        if party == NOBODY:
            assert status == 403
            continue
        assert [each["case"] for each in json.loads(body)["cases"]] == (
            [CASE] if party in MEMBERS else []
        )
        _, body, _ = site.ask("GET", "v1/invitations", token)
        invited = [each["case"] for each in json.loads(body)["invitations"]]
        assert invited == ([CASE] if party == INVITED else [])


@pytest.mark.parametrize("party", MEMBERS)
def test_people_of_others_are_as_nobody(site: Site, party: str):
    _, token = site.people[party, "lead"]
    for method, route in EVERY:
        if "<person>" not in route:
            continue
        for other in set(PARTIES) - {party}:
            device, _ = site.people[other, role_of(other)]
            answer = site.ask(method, route, token, person=device.person)
            assert answer == site.ask(method, route, token)
            assert answer[0] == 404


def test_nobody_was_changed_by_asking(site: Site):
    for _, token in site.people.values():
        assert site.ask("GET", "v1/me", token)[0] == 200
