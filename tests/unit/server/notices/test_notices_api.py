"""The routes of notices: a person's own channels alone, and a calendar that tells dates alone."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import icalendar
import pytest
from django.db import connections
from django.test import Client

from support import shared
from support.small_case import Minutes, measure, settle, small_case
from touchstone.keys import SystemRandom
from touchstone.records import FullError
from touchstone.server.accounts.managing import Manager
from touchstone.server.accounts.people import invite, remove_person
from touchstone.server.accounts.preparing import open_accounts
from touchstone.server.errors import NotAuthenticatedError
from touchstone.server.notices.channels import MOST_CHANNELS
from touchstone.server.principal import Principal
from touchstone.server.serving import SERVING, Serving
from touchstone.server.settings import set_up_server
from touchstone.service.installation import open_installation
from touchstone.service.reporting.next_here import next_for

LAB, TREASURY = "example-lab", "example-treasury"
READ = frozenset({"read"})
HOOK = {"address": "https://hooks.example/touchstone"}


def _settled(folder: Path) -> None:
    with small_case(folder) as case:
        measure(case)
        settle(case)


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("notices")
    made = shared.made_once("settled", _settled, tmp_path_factory.mktemp("settled"))
    shutil.copytree(made, folder, dirs_exist_ok=True)
    known: dict[str, Principal] = {}

    def authenticate(authorization: str | None, now: str) -> Principal:
        if authorization not in known:
            raise NotAuthenticatedError("no token")
        # Each token is a new one: what asks for that is tested where devices sign.
        return replace(known[authorization], made=now)

    with open_installation(folder / "home", Minutes(), apart=True) as here:
        open_accounts(folder / "home", None)
        for name, party in (("ada", LAB), ("bob", TREASURY), ("eve", LAB)):
            by, random = Manager.machine(), SystemRandom()
            invited = invite(by, party, ["reviewer"], name, now=here.now(), random=random)
            person = invited.person
            known[f"Bearer {name}"] = Principal(person, party, frozenset({"reviewer"}), READ, name)
        admin = frozenset({"administrator"})
        known["Bearer adi"] = Principal("adi", "", admin, frozenset({"people"}), "adi")
        served = Serving(here, authenticate)
        served.__dict__["people"] = {name: each.person for name, each in known.items()}
        yield served
    connections["default"].close()


@pytest.fixture
def client(serving: Serving) -> Client:
    asks = Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")
    cast("dict[str, object]", asks.defaults)[SERVING] = serving
    return asks


def ask(client: Client, method: str, path: str, by: str, sent: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {by}"} if by else {}
    body = "" if sent is None else json.dumps(sent, separators=(",", ":"))
    return client.generic(method, f"/v1/{path}", body, "application/json", headers=headers)


def test_no_log_has_a_calendars_token(
    serving: Serving,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    def full(*_: object) -> None:
        raise FullError("no room")

    monkeypatch.setattr(serving.limiter, "take", full)
    # As a server begins: whatever other tests did to the loggers of this process.
    set_up_server()
    assert client.get("/v1/calendars/tst1_a-secret").status_code == 503
    assert "no room" in caplog.text
    assert "status 503" in caplog.text
    assert "a-secret" not in caplog.text


def test_what_is_next_is_the_partys_own(client: Client, serving: Serving):
    found = ask(client, "GET", "next", "bob").json()
    assert found["hidden"] == {}
    assert {row["party"] for row in found["next"]} == {TREASURY}
    assert found["next"][0]["deeds"] == ["designation-concurred", "designation-dissented"]
    expected = [deed.reason for each in next_for(serving.here, TREASURY) for deed in each.deeds]
    assert sorted(row["reason"] for row in found["next"]) == sorted(expected)
    assert ask(client, "GET", "next", "adi").status_code == 403
    assert ask(client, "GET", "next", "").status_code == 401


def test_a_person_has_its_own_channels_alone(client: Client):
    made = ask(client, "POST", "notices/webhooks", "ada", HOOK)
    assert made.status_code == 201
    assert made.json()["address"] == HOOK["address"]
    for other in ("bob", "eve"):
        assert ask(client, "GET", "notices/channels", other).json() == {"channels": []}
        ended = ask(client, "DELETE", f"notices/channels/{made.json()['name']}", other)
        assert (ended.status_code, ended.json()["code"]) == (404, "unknown-channel")
    (shown,) = ask(client, "GET", "notices/channels", "ada").json()["channels"]
    assert shown == made.json()
    assert ask(client, "DELETE", f"notices/channels/{shown['name']}", "ada").status_code == 204
    assert ask(client, "GET", "notices/channels", "ada").json() == {"channels": []}


@pytest.mark.parametrize(
    "address",
    [
        "ftp://hooks.example/",
        "https://",
        "https://ann:secret@hooks.example/",
        "https://hooks.example/#part",
        "https://hooks.example:99999/",
        "https://hooks.example/" + "x" * 500,
        "https://hooks.example/\r\nHost: inside",
        "hooks.example",
    ],
)
def test_what_is_no_address_is_refused(client: Client, address: str):
    answer = ask(client, "POST", "notices/webhooks", "ada", {"address": address})
    assert (answer.status_code, answer.json()["code"]) == (422, "webhook-address")


def test_channels_have_a_bound(client: Client):
    for _ in range(MOST_CHANNELS):
        assert ask(client, "POST", "notices/webhooks", "eve", HOOK).status_code == 201
    answer = ask(client, "POST", "notices/calendars", "eve")
    assert (answer.status_code, answer.json()["code"]) == (409, "too-many-channels")


def test_a_calendar_tells_dates_alone_to_who_knows_its_address(client: Client, serving: Serving):
    made = ask(client, "POST", "notices/calendars", "ada").json()
    path = made["path"].removeprefix("/v1/")
    answer = ask(client, "GET", path, "")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    events = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
    assert {str(event["SUMMARY"]) for event in events} == {"example-lab: something is due"}
    assert [event for event in events if "DESCRIPTION" in event] == []
    (listed,) = serving.here.records.cases()
    for told in (listed.case, listed.case[:12], "release", "evidence", "Example Model"):
        assert told.encode() not in answer.content
    (shown,) = ask(client, "GET", "notices/channels", "ada").json()["channels"]
    assert path.removeprefix("calendars/") not in json.dumps(shown)
    ask(client, "DELETE", f"notices/channels/{made['name']}", "ada")
    gone, never = ask(client, "GET", path, ""), ask(client, "GET", "calendars/tst1_no", "")
    assert gone.status_code == never.status_code == 404
    assert gone.content == never.content


def test_a_calendar_ends_with_its_person(client: Client, serving: Serving):
    made = ask(client, "POST", "notices/calendars", "bob").json()
    path = made["path"].removeprefix("/v1/")
    assert ask(client, "GET", path, "").status_code == 200
    person = serving.__dict__["people"]["Bearer bob"]
    remove_person(Manager.machine(), person, now=serving.here.now())
    assert ask(client, "GET", path, "").status_code == 404
