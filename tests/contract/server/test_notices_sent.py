"""Notices to a real mail server and a real HTTP server, and none to where webhooks may not go."""

import json
import socket
import threading
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest

from support.receivers import HookServer, MailServer, serving
from touchstone.keys import FileSigner
from touchstone.ledger import AlteredError, fingerprint
from touchstone.ledger.signing import check_signature
from touchstone.server.notices import mailing, webhooks
from touchstone.server.notices.mailing import mail_way
from touchstone.server.notices.sending import NoticeSent, UndeliveredError
from touchstone.server.notices.webhooks import SIGNED_AS, is_allowed, webhook_way
from touchstone.service.configuration import NoticesText

LOOPBACK = ("127.0.0.0/8",)


def chosen(**changes: Any) -> NoticesText:
    facts: dict[str, Any] = {
        "link": "https://reviews.example/",
        "sender": "reviews@example.org",
        "smtp_host": "127.0.0.1",
        "smtp_security": "none",
        "private_webhooks": LOOPBACK,
    }
    return NoticesText(**facts | changes)


def notice(target: str, **changes: Any) -> NoticeSent:
    facts: dict[str, Any] = {
        "name": "n1",
        "party": "example-centre",
        "target": target,
        "waiting": 2,
        "possible": 0,
        "made": "2026-11-21T10:00:00Z",
        "repeats": False,
    }
    return NoticeSent(**facts | changes)


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> FileSigner:
    return FileSigner.create(tmp_path_factory.mktemp("keys") / "key.pem")


@pytest.fixture
def mail() -> Iterator[MailServer]:
    server = MailServer()
    with serving(server):
        yield server


@pytest.fixture
def hook() -> Iterator[HookServer]:
    server = HookServer()
    with serving(server):
        yield server


def test_a_mail_arrives(mail: MailServer):
    send = mail_way(chosen(smtp_port=mail.server_address[1]))
    send(notice("ada@example.org"))
    send(notice("ada@example.org", repeats=True))
    first, again = mail.mails
    assert "Subject: example-centre: 2 deeds wait for you" in first
    assert "To: ada@example.org" in first
    assert "may have reached you before" not in first
    assert "may have reached you before" in again
    assert "Message-ID: <n1@example.org>" in first
    assert "Message-ID: <n1@example.org>" in again


def test_a_mail_that_is_refused_has_not_arrived(mail: MailServer):
    mail.refuses = "550 nobody"
    with pytest.raises(UndeliveredError) as refused:
        mail_way(chosen(smtp_port=mail.server_address[1]))(notice("ada@example.org"))
    assert refused.value.certain


def test_of_a_mail_without_an_answer_nobody_knows(mail: MailServer):
    mail.hangs_up = True
    with pytest.raises(UndeliveredError) as lost:
        mail_way(chosen(smtp_port=mail.server_address[1]))(notice("ada@example.org"))
    assert not lost.value.certain


def test_a_mail_server_that_is_not_there_has_taken_nothing():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        way = mail_way(chosen(smtp_port=held.getsockname()[1]))
        with pytest.raises(UndeliveredError) as absent:
            way(notice("ada@example.org"))
    assert absent.value.certain


def test_a_webhook_is_signed_by_the_installation(hook: HookServer, signer: FileSigner):
    address = f"http://127.0.0.1:{hook.server_address[1]}/told?by=touchstone"
    webhook_way(chosen(), signer)(notice(address))
    ((path, headers, body),) = hook.taken
    assert path == "/told?by=touchstone"
    told = json.loads(body)
    assert (told["party"], told["waiting"], told["id"]) == ("example-centre", 2, "n1")
    assert told["installation_key"] == fingerprint(signer.public_key)
    signature = bytes.fromhex(headers["Touchstone-Signature"].removeprefix("ed25519="))
    check_signature(signer.public_key, SIGNED_AS + body, signature, "the notice")
    with pytest.raises(AlteredError):
        check_signature(signer.public_key, SIGNED_AS + body + b" ", signature, "the notice")


@pytest.mark.parametrize("status", [302, 404, 500])
def test_another_answer_than_yes_is_no_and_no_address_is_followed(
    hook: HookServer, signer: FileSigner, status: int
):
    hook.status = status
    way = webhook_way(chosen(), signer)
    with pytest.raises(UndeliveredError, match=f"answered {status}") as refused:
        way(notice(f"http://127.0.0.1:{hook.server_address[1]}/"))
    assert refused.value.certain
    assert len(hook.taken) == 1


def test_who_answers_drop_by_drop_is_left(signer: FileSigner, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(webhooks, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        way = webhook_way(chosen(), signer)
        with pytest.raises(UndeliveredError) as lost:
            way(notice(f"http://127.0.0.1:{silent.getsockname()[1]}/"))
    assert not lost.value.certain


def test_where_hosts_are_named_webhooks_go_to_no_other(hook: HookServer, signer: FileSigner):
    address = f"http://127.0.0.1:{hook.server_address[1]}/"
    for named in ((), ("hooks.example",)):
        with pytest.raises(UndeliveredError, match="webhook_hosts does not name it") as refused:
            webhook_way(chosen(webhook_hosts=named), signer)(notice(address))
        assert refused.value.certain
    assert hook.taken == []
    webhook_way(chosen(webhook_hosts=("hooks.example", "127.0.0.1")), signer)(notice(address))
    assert len(hook.taken) == 1


def test_a_name_that_nobody_answers_for_is_left_and_not_asked_again_meanwhile(
    signer: FileSigner, monkeypatch: pytest.MonkeyPatch
):
    answered, names = threading.Event(), list[str]()

    def found(host: str, *_: Any, **__: Any) -> Any:
        names.append(host)
        answered.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", found)
    monkeypatch.setattr(webhooks, "SECONDS", 0.2)
    way = webhook_way(chosen(), signer)
    for why in ("took longer", "has not come back"):
        with pytest.raises(UndeliveredError, match=why) as late:
            way(notice("http://slow.example/"))
        # Nothing was sent.
        assert late.value.certain
    assert names == ["slow.example"]
    answered.set()


def test_a_mail_server_that_is_slow_is_left_and_may_have_taken_the_mail(
    mail: MailServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(mailing, "MOST_SECONDS", 0.1)
    mail.goes_on = threading.Event()
    with pytest.raises(UndeliveredError, match="took longer") as late:
        mail_way(chosen(smtp_port=mail.server_address[1]))(notice("ada@example.org"))
    assert not late.value.certain
    mail.goes_on.set()
    mail.came.wait()
    assert len(mail.mails) == 1


def test_nothing_goes_inside_unless_the_configuration_names_it(
    hook: HookServer, signer: FileSigner
):
    address = f"http://127.0.0.1:{hook.server_address[1]}/"
    with pytest.raises(UndeliveredError, match="may not go to"):
        webhook_way(chosen(private_webhooks=()), signer)(notice(address))
    assert hook.taken == []


def test_a_name_is_asked_once_and_what_it_leads_to_is_where_it_goes(
    hook: HookServer, signer: FileSigner, monkeypatch: pytest.MonkeyPatch
):
    """A name that leads elsewhere a moment later (DNS rebinding) leads nobody there."""
    port, asked = hook.server_address[1], list[str]()
    real = socket.getaddrinfo

    def answers(host: str, *args: Any, **more: Any) -> Any:
        asked.append(host)
        rebinding = host == "hooks.example" and len(asked) == 1
        return real("127.0.0.2" if rebinding else "127.0.0.1", *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", answers)
    way = webhook_way(chosen(private_webhooks=("127.0.0.1/32",)), signer)
    with pytest.raises(UndeliveredError, match="may not go to"):
        way(notice(f"http://hooks.example:{port}/"))
    asked.clear()
    asked.append("before")
    way(notice(f"http://hooks.example:{port}/"))
    assert asked.count("hooks.example") == 1
    ((_, headers, _),) = hook.taken
    assert headers["Host"] == f"hooks.example:{port}"


@pytest.mark.parametrize("host", ["a..b", f"{'a' * 64}.example"])
def test_a_name_that_none_can_be_is_not_reached(signer: FileSigner, host: str):
    with pytest.raises(UndeliveredError) as refused:
        webhook_way(chosen(), signer)(notice(f"https://{host}/"))
    assert refused.value.certain


def test_plain_http_stays_inside(signer: FileSigner, monkeypatch: pytest.MonkeyPatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(UndeliveredError, match="plain http"):
        webhook_way(chosen(), signer)(notice("http://hooks.example/"))


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104  the address is what is refused
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("ff0e::1", False),
        ("::127.0.0.1", False),
        ("fec0::1", False),
        ("192.168.7.7", True),
    ],
)
def test_which_addresses_are_of_the_internet(address: str, allowed: bool):
    assert is_allowed(ip_address(address), ["192.168.7.0/24"]) == allowed
