"""People over HTTP: invited, let in, with tokens, and who may say so."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from support.accounts import Device, proof
from touchstone.handin import utc_text
from touchstone.ledger import dumps
from touchstone.server.accounts.authenticating import principal_of
from touchstone.server.accounts.limits import ENTERING, Limiter, Rate
from touchstone.server.accounts.managing import Manager
from touchstone.server.accounts.models import Account, RateRow
from touchstone.server.accounts.people import invite, invite_again
from touchstone.server.accounts.preparing import open_accounts
from touchstone.server.accounts.roles import ADMINISTRATOR, PARTY_ROLES, scopes_of
from touchstone.server.api import declared
from touchstone.server.api.problems import PROBLEM
from touchstone.server.notices.channels import webhooks_of
from touchstone.server.serving import SERVING, Serving
from touchstone.service.installation import open_installation

CANARY = "canary-77e1"


class Standing:
    """A clock that stands: nothing expires, and no limit comes back, while a test runs."""

    def now(self) -> datetime:
        return datetime(2026, 12, 1, 9, tzinfo=UTC)


@dataclass
class Site:
    """A server and those who ask it."""

    serving: Serving
    client: Client

    @property
    def now(self) -> str:
        return utc_text(self.serving.here.clock.now())

    def ask(
        self, method: str, path: str, value: Any = None, token: str = "", **headers: str
    ) -> tuple[int, Any]:
        """The status and the JSON of an answer."""
        # Every test asks from one address.
        RateRow.objects.all().delete()
        self.serving.limiter = Limiter()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        body = b"" if value is None else dumps(value)
        answer = self.client.generic(
            method, f"/v1/{path}", body, "application/json", headers=headers
        )
        if answer.content:
            return answer.status_code, json.loads(answer.content)
        return answer.status_code, None

    def let_in(self, institution: str, *roles: str) -> tuple[Device, str]:
        """Somebody whose device was let in, with a token for all that it may."""
        here = self.serving.here
        told = invite(
            Manager.machine(), institution, roles, CANARY, now=here.now(), random=here.random
        )
        device = Device("-".join(roles), self.serving.fingerprint, party=institution)
        device.joins(told, here.now())
        return device, self.token(device, *scopes_of(roles))

    def token(self, device: Device, *scopes: str) -> str:
        status, said = self.ask("POST", "tokens", {"envelope": device.asking(*scopes, at=self.now)})
        assert status == 201
        return str(said["token"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("entering") / "home"
    with open_installation(home, Standing(), apart=True) as here:
        open_accounts(home, None)
        serving = Serving(here, principal_of)
        client = Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")
        client.defaults[SERVING] = serving  # type: ignore[assignment]  # as the server does
        yield Site(serving, client)


def test_a_person_is_invited_comes_in_and_goes(site: Site):
    _, admin = site.let_in("", ADMINISTRATOR)
    new = {"institution": "example-lab", "roles": ["lead"], "name": "Ann Example"}
    status, told = site.ask("POST", "people", new, admin)
    assert status == 201
    device = Device("ann", site.serving.fingerprint)
    envelope = device.joining(told["code"], at=site.now)
    sent = {"proof": proof(told["code"], envelope), "envelope": envelope}
    status, joined = site.ask("POST", "invitations/redeem", sent)
    assert (status, joined["person"], joined["institution"]) == (
        201,
        told["person"],
        "example-lab",
    )
    device.person = joined["person"]
    token = site.token(device, "read", "people")
    status, me = site.ask("GET", "me", token=token)
    assert (status, me["party"], me["scopes"], me["name"]) == (
        200,
        "example-lab",
        ["people", "read"],
        "Ann Example",
    )
    status, found = site.ask("GET", f"people/{device.person}", token=admin)
    assert (status, found["roles"]) == (200, ["lead"])
    assert site.ask("DELETE", "tokens/current", token=token) == (204, None)
    assert site.ask("GET", "me", token=token)[0] == 401
    token = site.token(device, "people")
    assert site.ask("DELETE", f"people/{device.person}", token=admin) == (204, None)
    assert site.ask("GET", "me", token=token)[0] == 401


def test_a_lead_manages_its_own(site: Site):
    _, lead = site.let_in("example-lab", "lead")
    new = {"institution": "example-lab", "roles": ["submitter"], "name": "Bob"}
    status, told = site.ask("POST", "people", new, lead)
    assert status == 201
    status, found = site.ask("PUT", f"people/{told['person']}/roles", {"roles": ["official"]}, lead)
    assert (status, found["roles"]) == (200, ["official"])
    status, again = site.ask("POST", f"people/{told['person']}/invitations", None, lead)
    assert (status, again["person"]) == (201, told["person"])
    device = Device("bob", site.serving.fingerprint)
    envelope = device.joining(again["code"], at=site.now)
    sent = {"proof": proof(again["code"], envelope), "envelope": envelope}
    assert site.ask("POST", "invitations/redeem", sent)[0] == 201
    path = f"people/{told['person']}/devices/{device.key}"
    assert site.ask("DELETE", path, token=lead) == (204, None)
    _, page = site.ask("GET", "people?most=200", token=lead)
    assert {each["institution"] for each in page["people"]} == {"example-lab"}
    _, acts = site.ask("GET", "account-acts", token=lead)
    assert "device-revoked" in {each["act"] for each in acts["acts"]}


def test_another_institutions_person_is_as_nobody(site: Site):
    _, lead = site.let_in("example-lab", "lead")
    other, _ = site.let_in("example-agency", "official")
    nobody = "p" + "0" * 24
    for method, path, value in (
        ("GET", "people/{}", None),
        ("DELETE", "people/{}", None),
        ("PUT", "people/{}/roles", {"roles": ["reviewer"]}),
        ("POST", "people/{}/invitations", None),
        ("DELETE", f"people/{{}}/devices/{other.key}", None),
    ):
        answers = [
            site.ask(method, path.format(each), value, lead)
            for each in (other.person, nobody, CANARY, "%00", "%ED%B2%9B")
        ]
        assert {status for status, _ in answers} == {404}
        assert len({json.dumps(said) for _, said in answers}) == 1
        assert answers[0][1]["code"] == "unknown-person"


OWN = [
    (*route, need) for route, need in declared.DECLARED.items() if need.scope in {"people", "any"}
]


@pytest.mark.parametrize("role", sorted(PARTY_ROLES | {ADMINISTRATOR}))
def test_each_role_is_let_to_what_the_table_says(site: Site, role: str):
    """Nothing that may not be asked for is told apart from anything else, by status or by bytes."""
    device, token = site.let_in("" if role == ADMINISTRATOR else "example-lab", role)
    refused = set()
    for method, route, need in OWN:
        if method != "GET":
            continue
        path = route.removeprefix("v1/").replace("<person>", device.person)
        status, said = site.ask(method, path, token=token)
        may = role in need.roles and (need.scope == "any" or need.scope in scopes_of([role]))
        assert (status == 200) == may, (role, route)
        if not may:
            refused.add(json.dumps([status, said]))
            assert CANARY not in str(said)
    assert len(refused) <= 1
    for method, route, need in OWN:
        if need.scope == "people" and role not in need.roles:
            path = route.removeprefix("v1/").replace("<person>", device.person)
            value = {"roles": ["lead"]} if method == "PUT" else None
            assert site.ask(method, path.replace("<key>", device.key), value, token)[0] == 403
    assert site.ask("GET", "me", token=token)[0] == 200


def test_without_the_scope_the_role_is_not_enough(site: Site):
    device, _ = site.let_in("example-lab", "lead")
    token = site.token(device, "read")
    assert site.ask("GET", "people", token=token)[0] == 403
    assert site.ask("GET", "me", token=token)[1]["scopes"] == ["read"]


def test_whatever_is_amiss_with_a_token_the_answer_has_the_same_bytes(site: Site):
    device, token = site.let_in("example-lab", "submitter")
    _, other = site.let_in("example-agency", "official")
    stolen = site.token(device, "read")
    site.ask("DELETE", "tokens/current", token=stolen)
    answers = set()
    for borne in ("", f"tst1_{'A' * 43}", stolen, token[:-1], f"{token}, Bearer {other}", CANARY):
        headers = {"Authorization": f"Bearer {borne}"} if borne else {}
        answer = site.client.get("/v1/me", headers=headers)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
        answers.add((answer.content, tuple(sorted(answer.headers.items()))))
    assert len(answers) == 1


def test_a_token_elsewhere_than_in_its_header_is_none(site: Site):
    _, token = site.let_in("example-lab", "submitter")
    assert site.ask("GET", f"me?access_token={token}")[0] == 422
    site.client.cookies["token"] = token
    try:
        assert site.ask("GET", "me")[0] == 401
    finally:
        site.client.cookies.clear()


HOSTILE = [None, 1, True, "", [], {}, "\u202e", CANARY, [CANARY], {CANARY: CANARY}, "x" * 5_000]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("people", "institution"),
        ("people", "roles"),
        ("people", "name"),
        ("people", "email"),
        ("people", CANARY),
        ("invitations/redeem", "proof"),
        ("invitations/redeem", "envelope"),
        ("tokens", "envelope"),
        ("tokens", CANARY),
    ],
)
def test_hostile_fields_are_refused_and_not_repeated(site: Site, path: str, field: str):
    _, admin = site.let_in("", ADMINISTRATOR)
    bodies: dict[str, dict[str, Any]] = {
        "people": {"institution": "example-lab", "roles": ["lead"], "name": "A", "email": ""},
        "invitations/redeem": {"proof": "0" * 25, "envelope": {}},
        "tokens": {"envelope": {}},
    }
    good = bodies[path]
    # What could be meant.
    taken = [("email", ""), ("name", CANARY), ("institution", CANARY)]
    for value in HOSTILE:
        if (field, value) in taken:
            continue
        status, said = site.ask("POST", path, good | {field: value}, admin)
        assert status in {401, 403, 422}, value
        assert CANARY not in json.dumps(said)


def test_a_request_under_a_key_is_done_once(site: Site):
    _, admin = site.let_in("", ADMINISTRATOR)
    _, other = site.let_in("", ADMINISTRATOR)
    new = {"institution": "example-lab", "roles": ["lead"], "name": "Once"}

    def send(token: str, value: Any) -> tuple[int, bytes]:
        answer = site.client.generic(
            "POST",
            "/v1/people",
            dumps(value),
            "application/json",
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "k"},
        )
        return answer.status_code, answer.content

    first = send(admin, new)
    assert (first[0], send(admin, new)) == (201, first)
    assert send(admin, new | {"name": "Twice"})[0] == 409
    assert json.loads(send(other, new)[1])["person"] != json.loads(first[1])["person"]
    # A key of one's own request tells nothing about another's.
    assert send(other, new | {"name": "Twice"})[0] == 409


def test_too_much_is_refused_with_the_time_to_wait(site: Site):
    site.serving.limiter = Limiter()
    answers = [
        site.client.generic(
            "POST", "/v1/tokens", b'{"envelope":{}}', "application/json", REMOTE_ADDR="192.0.2.9"
        )
        for _ in range(ENTERING.at_once + 1)
    ]
    assert {each.status_code for each in answers[:-1]} == {401}
    answer = answers[-1]
    assert (answer.status_code, answer["Content-Type"]) == (429, PROBLEM)
    assert int(answer["Retry-After"]) >= 1
    assert json.loads(answer.content)["code"] == "too-many"
    # Another address is another.
    assert site.ask("POST", "tokens", {"envelope": {}})[0] == 401


def test_whoever_guesses_is_slowed_down_and_its_neighbour_is_not(
    site: Site, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(declared, "BY_ADDRESS", Rate("address-few", 60, 3))
    monkeypatch.setattr(declared, "BY_PERSON", Rate("person-few", 60, 5))
    device, token = site.let_in("example-lab", "submitter")
    site.serving.limiter = Limiter()
    said = [site.client.get("/v1/me").status_code for _ in range(5)]
    assert said == [401, 401, 401, 429, 429]
    own = {"Authorization": f"Bearer {token}"}
    said = [site.client.get("/v1/me", headers=own).status_code for _ in range(7)]
    assert said == [200] * 5 + [429] * 2
    # Nor does another token help: they are the person's, who may ask for one each second.
    again = {"Authorization": f"Bearer {site.token(device, 'read')}"}
    site.serving.limiter = Limiter()
    RateRow.objects.all().delete()
    said = [site.client.get("/v1/me", headers=[own, again][n % 2]).status_code for n in range(7)]
    assert said == [200] * 5 + [429] * 2


def test_what_is_told_once_is_kept_by_nobody_on_the_way(site: Site):
    device, _ = site.let_in("example-lab", "submitter")
    sent = dumps({"envelope": device.asking("read", at=site.now)})
    answer = site.client.generic("POST", "/v1/tokens", sent, "application/json")
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")


def test_a_clock_that_is_wrong_is_told_the_time(site: Site):
    device, _ = site.let_in("example-lab", "submitter")
    envelope = device.asking("read", at="2016-12-01T09:00:00Z")
    status, said = site.ask("POST", "tokens", {"envelope": envelope})
    assert (status, said["code"]) == (401, "statement-late")
    assert said["now"] == site.now


def minutes_later(monkeypatch: pytest.MonkeyPatch, minutes: int) -> None:
    later = Standing().now() + timedelta(minutes=minutes)
    monkeypatch.setattr(Standing, "now", lambda _: later)


def test_who_changes_an_account_shows_a_token_of_these_minutes(
    site: Site, monkeypatch: pytest.MonkeyPatch
):
    """A stolen token of an hour ago reads until it is over, and lets nobody in or out."""
    _, lead = site.let_in("example-lab", "lead")
    other, _ = site.let_in("example-lab", "reviewer")
    path = f"people/{other.person}"
    changes: tuple[tuple[str, str, Any], ...] = (
        ("POST", "people", {"institution": "example-lab", "roles": ["lead"], "name": CANARY}),
        ("PUT", f"{path}/roles", {"roles": ["lead"]}),
        ("POST", f"{path}/invitations", None),
        ("DELETE", f"{path}/devices/{other.key}", None),
        ("DELETE", path, None),
        ("DELETE", f"me/devices/{other.key}", None),
        ("DELETE", "me/tokens", None),
        ("POST", "notices/webhooks", {"address": "https://hooks.example/thief"}),
        ("POST", "notices/calendars", None),
    )
    declares = {each for each, need in declared.DECLARED.items() if need.fresh}
    assert len(declares) == len(changes)
    with monkeypatch.context() as patch:
        minutes_later(patch, 11)
        assert [site.ask(*each[:2], each[2], lead)[0] for each in changes] == [401] * 9
        assert site.ask("GET", path, token=lead)[0] == 200
    minutes_later(monkeypatch, 10)
    assert site.ask("PUT", f"{path}/roles", {"roles": ["auditor"]}, lead)[0] == 200


def test_a_person_sees_its_devices_and_tokens_and_ends_them(site: Site):
    first, token = site.let_in("example-lab", "reviewer")
    again = invite_again(
        Manager.machine(), first.person, now=site.now, random=site.serving.here.random
    )
    second = Device("second", site.serving.fingerprint, party="example-lab")
    second.joins(again, site.now)
    tokens = [site.token(each, "read") for each in (first, second, second)]
    own = {each["key"]: each["tokens"] for each in site.ask("GET", "me", token=token)[1]["devices"]}
    assert own == {first.key: 2, second.key: 2}
    stranger, strangers = site.let_in("example-centre", "reviewer")
    for key in (stranger.key, "0" * 64, "x"):
        assert site.ask("DELETE", f"me/devices/{key}", token=token)[0] == 404
    assert site.ask("DELETE", "me/tokens", token=token) == (204, None)
    holds = [site.ask("GET", "me", token=each)[0] for each in (token, *tokens, strangers)]
    assert holds == [200, 401, 401, 401, 200]
    late = site.token(second, "read")
    assert site.ask("DELETE", f"me/devices/{second.key}", token=token) == (204, None)
    assert site.ask("GET", "me", token=late)[0] == 401
    shown = {
        each["key"]: each["revoked"] for each in site.ask("GET", "me", token=token)[1]["devices"]
    }
    assert (shown[first.key], bool(shown[second.key])) == ("", True)
    # A lead is told of it as of any other.
    _, lead = site.let_in("example-lab", "lead")
    acts = site.ask("GET", "account-acts", token=lead)[1]["acts"]
    ended = [each for each in acts if each["act"] == "device-revoked"]
    assert [each["facts"]["key"] for each in ended if each["by"] == first.person] == [second.key]


def test_no_channel_outlives_a_device_or_all_tokens(site: Site):
    """What a stolen token made is told nothing more once its owner ends what it can end."""
    first, token = site.let_in("example-lab", "reviewer")
    hook = {"address": "https://hooks.example/thief"}

    def stolen() -> str:
        assert site.ask("POST", "notices/webhooks", hook, token)[0] == 201
        status, made = site.ask("POST", "notices/calendars", token=token)
        assert status == 201
        return str(made["path"]).removeprefix("/v1/")

    def told(calendar: str) -> tuple[int, list[str]]:
        status = site.client.get(f"/v1/{calendar}").status_code
        return status, webhooks_of(Account.objects.get(person=first.person))

    kept = stolen()
    # Twin: what ends neither a device nor all tokens ends no channel.
    assert site.ask("DELETE", "tokens/current", token=site.token(first, "read"))[0] == 204
    assert told(kept) == (200, [hook["address"]])
    assert site.ask("DELETE", "me/tokens", token=token) == (204, None)
    assert told(kept) == (404, [])
    kept = stolen()
    assert told(kept) == (200, [hook["address"]])
    _, lead = site.let_in("example-lab", "lead")
    ending = f"people/{first.person}/devices/{first.key}"
    assert site.ask("DELETE", ending, token=lead) == (204, None)
    assert told(kept) == (404, [])
