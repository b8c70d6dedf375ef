"""What a server says of itself: who did what, in one form, without a word of what was sent."""

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from support.accounts import RANDOM, Device, administrator, invited, let_in, proof
from touchstone.records import BusyError
from touchstone.server import security_log
from touchstone.server.accounts.errors import ScopeError
from touchstone.server.accounts.joining import MOST_TOKENS, issue_token, redeem, revoke_token
from touchstone.server.accounts.managing import Manager
from touchstone.server.accounts.people import change_roles, remove_person, revoke_device
from touchstone.server.accounts.secret_codes import token_digest
from touchstone.server.api.problems import security_event_of
from touchstone.server.notices.channels import add_webhook, end_channel
from touchstone.server.principal import Principal
from touchstone.server.security_log import (
    EVENTS,
    SECURITY,
    JsonLines,
    tell_all,
    tell_counted,
    tell_event,
    write_as_lines,
)
from touchstone.server.serving import Serving

LEAD = {"Authorization": "Bearer lead-of-example-lab"}
READS = {"Authorization": "Bearer reads"}
CANARY = "canary-7f3a"
EVIL = 'a\r\n{"event":"allowed"}\x1b[2J\x7f\x9b\u202e\u2028b'


class Lines(logging.Handler):
    """The lines that a server would write, as they would stand there."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += self.format(record) + "\n"

    @property
    def said(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def of(self, event: str) -> list[dict[str, Any]]:
        return [each for each in self.said if each["event"] == event]


@pytest.fixture
def lines() -> Iterator[Lines]:
    found, root, before = Lines(), logging.getLogger(), SECURITY.level
    tell_all()
    root.addHandler(found)
    SECURITY.setLevel(logging.INFO)
    yield found
    SECURITY.setLevel(before)
    root.removeHandler(found)
    tell_all()


def test_a_device_that_asks_what_its_person_may_attempts_nothing():
    events = [security_event_of(403, code) for code in ("scope", "not-allowed", "not-managed")]
    assert events == ["refused", "denied", "denied"]


def test_every_answer_is_told_with_who_asked_and_how_it_ended(client: Client, lines: Lines):
    client.get("/v1/installation")
    client.get("/v1/cases", headers=READS)
    client.get("/v1/cases")
    client.get("/v1/people", headers=READS)
    client.get("/v1/cases/case-of-nobody/head", headers=READS)
    client.get("/v1/nowhere")
    client.generic("POST", "/v1/tokens", '{"envelope":1}', "application/json")
    client.get("/v1/installation", headers={"host": "elsewhere.example"})
    told = [
        (each["event"], each["route"], each["status"], each["code"], each["person"], each["party"])
        for each in lines.said
        if each["event"] in EVENTS
    ]
    assert told == [
        ("allowed", "v1/installation", 200, "", "", ""),
        ("allowed", "v1/cases", 200, "", "bob", "example-lab"),
        ("not-known", "v1/cases", 401, "token", "", ""),
        ("denied", "v1/people", 403, "not-allowed", "bob", "example-lab"),
        ("denied", "v1/cases/<case>/head", 404, "unknown", "bob", "example-lab"),
        ("refused", "", 404, "no-route", "", ""),
        ("refused", "v1/tokens", 422, "fields", "", ""),
        ("refused", "", 400, "host", "", ""),
    ]
    for each in lines.said:
        assert each["at"].endswith("Z")
        assert each["level"] in {"info", "warning", "error"}
    assert {each["address"] for each in lines.of("allowed")} == {"127.0.0.1"}
    assert {each["method"] for each in lines.of("denied")} == {"GET"}


def test_nothing_that_was_sent_stands_in_it(client: Client, lines: Lines):
    client.get(f"/v1/cases/{CANARY}/head?{CANARY}=1", headers=READS)
    client.get(f"/v1/cases/{CANARY}/head", headers=READS)
    client.get(f"/v1/calendars/{CANARY}")
    client.get(f"/{CANARY}", headers={"Authorization": f"Bearer {CANARY}"})
    client.generic("POST", "/v1/tokens", f'{{"{CANARY}":1}}', "application/json")
    client.generic(CANARY, "/v1/installation")
    client.get("/v1/installation", headers={"host": f"{CANARY}.example"})
    assert lines.said
    assert CANARY not in lines.text
    assert {each["method"] for each in lines.said if "method" in each} == {"GET", "POST", "other"}


def test_a_fault_says_its_kind_and_where_and_not_its_words(
    client: Client, lines: Lines, monkeypatch: pytest.MonkeyPatch
):
    def fails(*_: object) -> None:
        raise ZeroDivisionError(CANARY)

    monkeypatch.setattr("touchstone.server.api.installation.installation_since", fails)
    assert client.get("/v1/installation").status_code == 500
    assert CANARY not in lines.text
    (fault,) = [each for each in lines.said if "fault" in each]
    assert (fault["fault"], fault["level"]) == ("ZeroDivisionError", "error")
    assert any(" fails" in place for place in fault["places"])
    assert [each["route"] for each in lines.of("fault")] == ["v1/installation"]


def test_twin_a_plain_formatter_would_write_them(
    client: Client, lines: Lines, monkeypatch: pytest.MonkeyPatch
):
    lines.setFormatter(logging.Formatter("%(message)s"))
    test: Any = test_a_fault_says_its_kind_and_where_and_not_its_words
    with pytest.raises(AssertionError):
        test(client, lines, monkeypatch)


def test_what_was_sent_makes_no_line_and_no_control_of_its_own(lines: Lines):
    logging.getLogger("touchstone.server").error("%s", EVIL)
    tell_event("refused", code=EVIL)
    (first, second) = lines.text.splitlines()
    assert lines.text.count("\n") == 2
    for line in (first, second):
        assert line.isascii()
        assert line.isprintable()
    assert (lines.said[0]["text"], lines.said[1]["code"]) == (EVIL, EVIL)
    # However long it was.
    tell_event("refused", code=EVIL * 1000)
    assert len(lines.said[2]["code"]) == security_log.MOST_TEXT


def test_what_is_asked_again_and_again_is_counted(
    client: Client, lines: Lines, monkeypatch: pytest.MonkeyPatch
):
    now = [1_000_000 * 60.0]
    monkeypatch.setattr("touchstone.server.security_log.time.time", lambda: now[0])
    for _ in range(50):
        client.get("/v1/cases")
    client.get("/v1/cases", headers=READS)
    assert [each["event"] for each in lines.said if "route" in each] == ["not-known", "allowed"]
    now[0] += 60
    tell_counted()
    (last,) = [each for each in lines.said if "again" in each]
    assert (last["event"], last["again"], last["route"]) == ("not-known", 49, "v1/cases")
    assert last["minute"].endswith("Z")
    tell_all()
    assert len([each for each in lines.said if "again" in each]) == 1


def flood(addresses: Iterable[str], client: Client | None = None) -> None:
    """Something different of each of these addresses."""
    for number, address in enumerate(addresses):
        if client is None:
            security_log.count_event("refused", status=number, person="", address=address)
        else:
            client.get("/v1/cases", REMOTE_ADDR=address)


@pytest.fixture
def next_minute(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    now = [1_000_000 * 60.0]
    monkeypatch.setattr("touchstone.server.security_log.time.time", lambda: now[0])

    def turns() -> None:
        now[0] += 60
        tell_counted()

    tell_counted()
    return turns


def left_out(lines: Lines) -> dict[tuple[str, str], int]:
    return {(each["event"], each["of"]): each["left_out"] for each in lines.said if "of" in each}


def test_one_network_fills_no_log_and_what_is_left_out_is_counted(
    client: Client, lines: Lines, next_minute: Callable[[], None]
):
    """Requests over the API from one /48, each of another /64, and one from elsewhere."""
    flood((f"2001:db8:7:{n:x}::1" for n in range(300)), client)
    client.get("/v1/cases", REMOTE_ADDR="2001:db8:8::1")
    told = Counter(each["address"][:14] for each in lines.of("not-known"))
    assert told == {"2001:0db8:0007": security_log.MOST_OF_NETWORK, "2001:0db8:0008": 1}
    client.get("/v1/cases", headers=READS, REMOTE_ADDR="2001:db8:7::1")
    # Whoever is known is told, wherever it comes from.
    assert [each["person"] for each in lines.of("allowed")] == ["bob"]
    next_minute()
    assert left_out(lines) == {("not-known", "network 2001:0db8:0007"): 60}
    flood(["2001:db8:7:1::1"], client)
    assert len(lines.of("not-known")) == security_log.MOST_OF_NETWORK + 3


def test_nobody_known_writes_more_than_so_many_lines_a_minute(
    lines: Lines, next_minute: Callable[[], None]
):
    flood(["192.0.2.1"] * 100)
    assert len(lines.said) == security_log.MOST_OF_ADDRESS
    flood(f"198.51.{n % 250}.{n // 250}" for n in range(4_000))
    assert len(lines.said) == security_log.MOST_OF_UNKNOWN
    for number in range(security_log.MOST_OF_PERSON + 5):
        security_log.count_event("refused", status=number, person="bob", address="192.0.2.1")
    assert len(lines.said) == security_log.MOST_OF_UNKNOWN + security_log.MOST_OF_PERSON
    security_log.count_event("refused", status=1, person="ann", address="192.0.2.1")
    next_minute()
    assert left_out(lines) == {
        ("refused", "address 192.0.2.1"): 40,
        ("refused", security_log.NOBODY_KNOWN): 4_100 - 40 - security_log.MOST_OF_UNKNOWN,
        ("refused", "person bob"): 5,
    }


def test_lines_of_what_was_left_out_are_bounded_too(
    lines: Lines, next_minute: Callable[[], None], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(security_log, "MOST_OF_ADDRESS", 1)
    monkeypatch.setattr(security_log, "MOST_LEFT_OUT", 2)
    flood(f"198.51.{n // 2}.1" for n in range(10))
    next_minute()
    assert left_out(lines) == {
        ("refused", "address 198.51.0.1"): 1,
        ("refused", "address 198.51.1.1"): 1,
        ("refused", "elsewhere"): 3,
    }


def test_all_together_write_no_more_than_is_remembered(
    lines: Lines, next_minute: Callable[[], None], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(security_log, "MOST_OF_ALL", 2)
    for number in range(5):
        security_log.count_event("refused", status=number, person=f"p{number}")
    assert [each["status"] for each in lines.said] == [0, 1]
    next_minute()
    assert left_out(lines) == {("refused", security_log.EVERYBODY): 3}


def test_a_process_writes_in_this_one_form_and_to_stderr_alone(
    capsys: pytest.CaptureFixture[str],
):
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        write_as_lines()
        (handler,) = root.handlers
        logging.getLogger("a.library").warning("by %s", CANARY)
        tell_event("server-begun", port=1)
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    out, err = capsys.readouterr()
    assert (out, isinstance(handler.formatter, JsonLines)) == ("", True)
    first, second = map(json.loads, err.splitlines())
    assert (first["event"], first["by"], first["text"]) == ("said", "a.library", f"by {CANARY}")
    assert (second["event"], second["port"]) == ("server-begun", 1)


def test_an_event_that_is_not_in_the_table_is_not_told(lines: Lines):
    with pytest.raises(ValueError, match="EVENTS"):
        tell_event("something")
    assert lines.said == []


@pytest.mark.usefixtures("client")
def test_what_is_done_to_accounts_and_tokens_is_told(serving: Serving, lines: Lines):
    now, aud = serving.here.now(), serving.fingerprint
    told = invited("example-lab", "lead", name=CANARY, now=now)
    device = Device("ann", aud)
    envelope = device.joining(told.code, at=now, label=CANARY)
    redeem(proof(told.code, envelope), envelope, installation=aud, now=now)
    device.person = told.person
    made = device.token("read", now=now)
    with pytest.raises(ScopeError):
        issue_token(device.asking("admin", at=now), installation=aud, now=now, random=RANDOM)
    revoke_token(token_digest(made.token), now)
    change_roles(Manager.machine(), told.person, ["reviewer"], now=now)
    revoke_device(Manager.machine(), told.person, device.key, now=now)
    administrator(aud)
    remove_person(Manager.machine(), told.person, now=now)
    of = [each["event"] for each in lines.said if told.person in each.values()]
    assert of == [
        "invited",
        "device-added",
        "token-made",
        "roles-changed",
        "device-revoked",
        "removed",
    ]
    (token,) = lines.of("token-made")
    assert (token["scopes"], token["until"]) == ("read", made.expires)
    assert [each["token"] for each in lines.of("token-revoked")] == [token["token"]]
    # Neither a secret nor what people are called.
    for secret in (told.code, made.token, CANARY, envelope["payload"]):
        assert secret not in lines.text


@pytest.mark.usefixtures("serving")
def test_tokens_that_end_by_a_newer_one_are_told(lines: Lines):
    device = let_in("example-lab", "submitter")
    for _ in range(MOST_TOKENS + 1):
        device.token("read")
    (told,) = lines.of("token-revoked")
    assert (told["person"], told["ended"]) == (device.person, 1)


def test_what_did_not_stand_is_not_told(
    serving: Serving, lines: Lines, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object, **__: object) -> None:
        raise BusyError("no room")

    monkeypatch.setattr("touchstone.server.accounts.people._code_for", full)
    with pytest.raises(BusyError):
        invited("example-lab", "lead", now=serving.here.now())
    assert lines.of("invited") == []


def test_whose_webhook_is_told_and_not_where_it_leads(lines: Lines, serving: Serving):
    told = invited("example-lab", "lead", now=serving.here.now())
    by = Principal(told.person, "example-lab", frozenset({"lead"}), frozenset({"read"}), "1")
    made = add_webhook(by, f"https://hooks.example/{CANARY}", now=serving.now(), random=RANDOM)
    end_channel(by, made.name, now=serving.now())
    assert [each["channel"] for each in lines.of("channel-made")] == [made.name]
    assert [each["person"] for each in lines.of("channel-ended")] == [told.person]
    assert CANARY not in lines.text


def test_the_page_names_every_event_and_no_other():
    page = Path(__file__).parents[3] / "docs" / "reference" / "server-log.md"
    rows = [line.strip("| ").split(" | ") for line in page.read_text("utf-8").splitlines()]
    told = {row[0].strip("`"): row[1] for row in rows if len(row) == 2 and row[0][:1] == "`"}
    assert told == dict(EVENTS)
