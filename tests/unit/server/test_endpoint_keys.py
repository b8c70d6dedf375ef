"""A lab's key for its endpoint: taken once, sealed, shown to nobody, gone with its case."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest
from django.test import Client

from support.live_server import Doorkeeper
from support.party_server import CASE, begin
from support.record_deeds import destroy_case
from touchstone.ledger import dumps
from touchstone.records import DamagedError, DestroyedError
from touchstone.records.endpointkeys import LONGEST_KEY, MOST_KEYS, HandedInKey
from touchstone.server.accounts.preparing import open_accounts
from touchstone.server.api.endpoint_keys import KeyHandedIn
from touchstone.server.serving import SERVING, Serving
from touchstone.service.installation import Installation, open_installation

LAB, OTHERS, UNKNOWN = (
    "example-lab",
    ("example-centre", "example-agency", "example-stranger"),
    "case-2",
)
NAME, VALUE, SECOND = "EXAMPLE_LAB_KEY", "sk-canary-1f0c9a", "sk-canary-77b2e0"
Answer = tuple[int, bytes, str]


@dataclass
class Desk:
    """A server and whoever asks it."""

    here: Installation
    doorkeeper: Doorkeeper
    client: Client

    def ask(
        self, method: str, path: str, body: Any = None, party: str = LAB, role: str = "lead"
    ) -> Answer:
        """Status, body and headers."""
        token = self.doorkeeper.lets_in(party, frozenset({role}))
        answer: Any = self.client.generic(
            method,
            f"/v1/cases/{path}",
            b"" if body is None else dumps(body),
            "application/json",
            headers={"Authorization": token},
        )
        return answer.status_code, answer.content, str(sorted(answer.headers.items()))

    def hand_in(self, value: str, name: str = NAME) -> Answer:
        return self.ask("PUT", f"{CASE}/endpoint-keys/{name}", {"value": value})

    def revoke(self) -> Answer:
        return self.ask("DELETE", f"{CASE}/endpoint-keys/{NAME}")

    def shown(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.ask("GET", f"{CASE}/endpoint-keys")[1])[
            "keys"
        ]
        return found

    def value(self, name: str = NAME) -> str | None:
        found = self.here.records.endpoint_keys.get(CASE, name)
        return found.value if found else None

    def files_with(self, text: str) -> list[Path]:
        """Every file of the home that holds these characters."""
        there = (path for path in self.here.home.rglob("*") if path.is_file())
        return [path for path in there if text.encode() in path.read_bytes()]


@pytest.fixture(scope="module")
def begun_homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    homes = tmp_path_factory.mktemp("begun")
    with open_installation(homes / "server", apart=True) as here:
        open_accounts(here.home, None)
        begin(here, homes)
    return homes


@pytest.fixture
def desk(begun_homes: Path, tmp_path: Path) -> Iterator[Desk]:
    shutil.copytree(begun_homes / "server", tmp_path / "server")
    with open_installation(tmp_path / "server", apart=True) as here:
        open_accounts(here.home, None)
        doorkeeper = Doorkeeper()
        client = Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")
        cast("dict[str, object]", client.defaults)[SERVING] = Serving(here, doorkeeper)
        yield Desk(here, doorkeeper, client)


def test_a_key_is_taken_once_and_stands_in_nothing(desk: Desk, caplog: pytest.LogCaptureFixture):
    size = desk.here.records.case(CASE).size
    status, body, headers = desk.hand_in(VALUE)
    assert status == 200
    (shown,) = desk.shown()
    assert (
        shown
        == json.loads(body)
        == {
            "name": NAME,
            "at": shown["at"],
            "by": f"of {LAB}",
            "revoked": False,
        }
    )
    assert desk.value() == VALUE
    assert VALUE not in body.decode() + headers + caplog.text
    assert desk.here.records.case(CASE).size == size
    assert desk.files_with(VALUE) == []
    # Twin: what lies open is found.
    (desk.here.home / "open").write_text(f"key = {VALUE}")
    assert len(desk.files_with(VALUE)) == 1
    (sealed,) = desk.here.records.endpoint_keys.folder(CASE).iterdir()
    assert NAME not in sealed.name
    assert (sealed.stat().st_mode & 0o077, sealed.parent.stat().st_mode & 0o077) == (0, 0)


def test_neither_the_key_nor_what_carries_it_shows_it():
    held = HandedInKey(NAME, CASE, VALUE, by="ann", at="2026-12-01T09:00:00Z")
    assert VALUE not in repr(held) + repr(KeyHandedIn.model_validate_json(f'{{"value":"{VALUE}"}}'))


def test_it_is_replaced_and_revoked_and_the_one_before_is_gone(desk: Desk):
    desk.hand_in(VALUE)
    assert desk.hand_in(SECOND)[0] == 200
    assert (desk.value(), len(desk.shown())) == (SECOND, 1)
    status, body, _ = desk.revoke()
    assert (status, json.loads(body)["revoked"], desk.value()) == (200, True, "")
    assert [each["revoked"] for each in desk.shown()] == [True]
    assert desk.hand_in(VALUE)[0] == 200
    assert (desk.value(), [each["revoked"] for each in desk.shown()]) == (VALUE, [False])


def test_what_was_never_handed_in_is_not_revoked(desk: Desk):
    status, body, _ = desk.revoke()
    assert (status, json.loads(body)["code"], desk.shown()) == (404, "key-unknown", [])


def test_an_ended_case_has_none_and_takes_none(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    desk.hand_in(VALUE)
    ended = replace(desk.here.state(CASE), status="closed")
    monkeypatch.setattr(Installation, "state", lambda *_: ended)
    assert desk.shown() == []
    status, body, _ = desk.hand_in(SECOND)
    assert (status, json.loads(body)["code"], desk.value()) == (409, "case-ended", None)


@pytest.mark.parametrize("party", OTHERS)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "endpoint-keys", None),
        ("PUT", f"endpoint-keys/{NAME}", {"value": SECOND}),
        ("DELETE", f"endpoint-keys/{NAME}", None),
        ("PUT", "endpoint-keys/no-name", {"value": "no value"}),
    ],
)
def test_for_others_a_case_with_a_key_is_as_one_that_is_not_there(
    desk: Desk, party: str, method: str, path: str, body: Any
):
    desk.hand_in(VALUE)
    found = desk.ask(method, f"{CASE}/{path}", body, party)
    assert found == desk.ask(method, f"{UNKNOWN}/{path}", body, party)
    # Twin: the developer is told something else of both.
    assert desk.ask(method, f"{UNKNOWN}/{path}", body) == found
    assert (found[0], desk.value()) == (404, VALUE)
    assert desk.ask(method, f"{CASE}/{path}", body)[1] != found[1]


@pytest.mark.parametrize("role", ["reviewer", "evaluator", "auditor", "official"])
def test_only_who_holds_secrets_for_the_developer_may(desk: Desk, role: str):
    for case in (CASE, UNKNOWN):
        path = f"{case}/endpoint-keys/{NAME}"
        assert desk.ask("PUT", path, {"value": VALUE}, role=role)[0] == 403
    assert desk.value() is None
    own = f"{CASE}/endpoint-keys/{NAME}"
    submitter = {"party": LAB, "role": "submitter"}
    assert desk.ask("PUT", own, {"value": VALUE}, **submitter)[0] == 200


def test_a_token_that_is_for_no_secrets_hands_none_in(desk: Desk):
    path, own = f"/v1/cases/{CASE}/endpoint-keys/{NAME}", desk.doorkeeper.known
    for scopes, status in (({"read", "deeds", "evidence"}, 403), ({"secrets"}, 200)):
        token = desk.doorkeeper.lets_in(LAB)
        own[token] = replace(own[token], scopes=frozenset(scopes))
        sent: Any = dumps({"value": VALUE})
        answer = desk.client.put(path, sent, "application/json", headers={"Authorization": token})
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        (NAME, "", "key-value"),
        (NAME, "two words", "key-value"),
        (NAME, "a\r\nX-Other: b", "key-value"),
        (NAME, "schlüssel", "key-value"),
        (NAME, "k" * (LONGEST_KEY + 1), "key-value"),
        ("lower_case", VALUE, "key-name"),
        ("PATH%0A", VALUE, "key-name"),
        (NAME, 7, "fields"),
        (NAME, None, "fields"),
    ],
)
def test_what_is_no_key_is_refused_without_a_word_of_it(
    desk: Desk, name: str, value: Any, code: str, caplog: pytest.LogCaptureFixture
):
    status, body, _ = desk.hand_in(value, name)
    assert (status in {400, 422}, json.loads(body)["code"], desk.shown()) == (True, code, [])
    if isinstance(value, str) and value:
        assert value not in body.decode() + caplog.text


def test_names_have_an_end_and_each_may_still_be_replaced(desk: Desk):
    keys = desk.here.records.endpoint_keys
    for number in range(MOST_KEYS):
        keys.hand_in(HandedInKey(f"KEY_{number}", CASE, VALUE, by="ann", at="then"))
    assert json.loads(desk.hand_in(VALUE)[1])["code"] == "too-many-keys"
    assert desk.hand_in(SECOND, "KEY_0")[0] == 200
    assert len(keys.of(CASE)) == MOST_KEYS


def test_a_sealed_key_opens_under_its_own_name_alone(desk: Desk):
    keys = desk.here.records.endpoint_keys
    desk.hand_in(VALUE)
    (first,) = keys.folder(CASE).iterdir()
    desk.hand_in(SECOND, "OTHER_KEY")
    (second,) = set(keys.folder(CASE).iterdir()) - {first}
    shutil.copy(second, first)
    with pytest.raises(DamagedError) as told:
        keys.get(CASE, NAME)
    assert SECOND not in str(told.value)
    assert desk.value("OTHER_KEY") == SECOND


def test_a_fault_while_it_is_written_leaves_the_one_before_and_says_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    desk.hand_in(VALUE)

    def full(path: Path, _: object) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("touchstone.records.endpointkeys.write_file", full)
    status, body, _ = desk.hand_in(SECOND)
    assert (status, desk.value()) == (503, VALUE)
    assert SECOND not in body.decode() + caplog.text


def test_whoever_destroys_the_case_destroys_its_keys(desk: Desk):
    desk.hand_in(VALUE)
    keys = desk.here.records.endpoint_keys
    assert keys.folder(CASE).exists()
    destroy_case(desk.here.records, CASE)
    assert (keys.folder(CASE).exists(), keys.get(CASE, NAME), keys.of(CASE)) == (False, None, [])
    with pytest.raises(DestroyedError):
        keys.hand_in(HandedInKey(NAME, CASE, SECOND, by="ann", at="then"))
    assert not keys.folder(CASE).exists()
