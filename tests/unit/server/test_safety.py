"""A server that would not be safe is not started: each refusal is one line with its fix."""

import os
import stat
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from support.certificates import certificate
from touchstone.records import DATABASE
from touchstone.records.settings import DATABASE_OWNER, DATABASE_READER
from touchstone.server import commands
from touchstone.server.accounts.desk import MachineDesk
from touchstone.server.commands import (
    ServedInstallation,
    ServerBegun,
    begin_serving,
    require_sound,
)
from touchstone.server.errors import UnsafeServerError
from touchstone.server.examining import examine_server
from touchstone.server.running import ServerCertificate
from touchstone.server.safety import ServeOptions, unsafe
from touchstone.service.configuration import CONFIGURATION, NoticesText
from touchstone.service.homes import HOME
from touchstone.service.installation import open_installation

LOCAL = ServeOptions()
ORIGIN = "https://review.example"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv(HOME, str(folder))
    for name in (DATABASE, DATABASE_READER, DATABASE_OWNER):
        monkeypatch.delenv(name, raising=False)
    return folder


def test_on_this_machine_nothing_more_needs_to_be_said():
    assert list(unsafe(LOCAL)) == []
    assert LOCAL.ways.hosts == ("127.0.0.1", "localhost", "[::1]")
    assert list(unsafe(replace(LOCAL, origin=ORIGIN, proxy=True))) == []
    assert "review.example" in replace(LOCAL, origin=f"{ORIGIN}:8443").ways.hosts


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (replace(LOCAL, port=70_000), "--port"),
        (replace(LOCAL, port=-1), "--port"),
        (replace(LOCAL, processes=0), "--processes"),
        (replace(LOCAL, processes=2), "SQLite"),
        (replace(LOCAL, host="review.example"), "--host"),
        (replace(LOCAL, host="0.0.0.0", proxy=True), "--origin"),  # noqa: S104 - refused
        (replace(LOCAL, host="::", origin=ORIGIN), "--certificate"),
        (replace(LOCAL, host="10.0.0.1", origin=ORIGIN), "--certificate"),
        (replace(LOCAL, origin="http://review.example"), "--origin"),
        (replace(LOCAL, origin="https://review.example/path"), "--origin"),
        (replace(LOCAL, origin="https://ann@review.example"), "--origin"),
        (replace(LOCAL, origin="https://["), "--origin"),
        (replace(LOCAL, origin="https://*"), "--origin"),
        (replace(LOCAL, origin="https://*.example"), "--origin"),
        (replace(LOCAL, origin="https://.example"), "--origin"),
        (replace(LOCAL, origin="https://review.example:0"), "--origin"),
        (replace(LOCAL, proxy=True), "--proxy"),
        (replace(LOCAL, processes=65), "1 to 64"),
        (replace(LOCAL, key=Path("/nowhere.pem")), "--certificate"),
        (replace(LOCAL, origin="https://review.example:port"), "--origin"),
        (replace(LOCAL, certificate=Path("/nowhere.pem")), "--key"),
    ],
)
def test_what_is_not_safe_is_refused_in_one_line(options: ServeOptions, words: str):
    faults = list(unsafe(options))
    assert len([each for each in faults if words in each]) == 1
    assert all("\n" not in each for each in faults)
    with pytest.raises(UnsafeServerError):
        begin_serving(options, _never)
    assert not examine_server(options)[0].ok


def _never(begun: ServerBegun) -> None:
    raise AssertionError(begun)


def test_an_operator_is_told_whom_to_trust_and_who_may_come_in_first():
    served = require_sound()
    with open_installation() as here:
        assert served.fingerprint == here.keyring.history.lines[0].fingerprint
        place, known, first = ServerBegun("http://127.0.0.1:1", served).lines()
        assert place == "listening at http://127.0.0.1:1"
        assert known.endswith(f": {served.fingerprint}")
        assert first.endswith(": touchstone accounts first-administrator NAME")
        # In another terminal no variable of this one is set.
        command = "TOUCHSTONE_HOME='/tmp/a home' touchstone accounts first-administrator NAME"
        *_, told = ServerBegun("http://127.0.0.1:1", served, home=Path("/tmp/a home")).lines()  # noqa: S108
        assert told.endswith(f": {command}")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(DATABASE, "postgresql://a:secret@127.0.0.1/touchstone")
            *_, variables = ServerBegun("http://127.0.0.1:1", served).lines()
        assert DATABASE in variables
        assert "secret" not in variables
        MachineDesk(here).first_administrator("Ann Example")
    assert len([*ServerBegun("http://127.0.0.1:1", require_sound()).lines()]) == 2


def test_a_network_with_a_certificate_or_a_proxy_is_taken(tmp_path: Path):
    pair = certificate(tmp_path)
    options = ServeOptions(
        host="10.0.0.1", origin=ORIGIN, certificate=pair.certificate, key=pair.key
    )
    assert list(unsafe(options)) == []
    pair.key.chmod(0o640)
    assert "chmod 600" in next(unsafe(options))
    assert list(unsafe(ServeOptions(host="10.0.0.1", origin=ORIGIN, proxy=True))) == []
    assert list(unsafe(replace(LOCAL, origin="https://10.0.0.1:8443", proxy=True))) == []


def test_a_certificate_that_nobody_would_take_is_refused(tmp_path: Path):
    def told(pair: ServerCertificate) -> list[str]:
        return list(unsafe(replace(LOCAL, certificate=pair.certificate, key=pair.key)))

    ended = certificate(tmp_path, ends=timedelta(hours=-1))
    assert ["fix: renew it" in each for each in told(ended)] == [True]
    locked = certificate(tmp_path, words=b"secret words")
    assert ["locked with a passphrase" in each for each in told(locked)] == [True]
    (tmp_path / "other").mkdir()
    other = certificate(tmp_path / "other")
    strange = ServerCertificate(certificate(tmp_path).certificate, other.key)
    assert ["no certificate that goes with" in each for each in told(strange)] == [True]
    other.certificate.write_text("no certificate")
    assert ["no certificate that goes with" in each for each in told(other)] == [True]
    missing = ServerCertificate(tmp_path / "none.pem", other.key)
    assert ["is not there" in each for each in told(missing)] == [True]


def test_a_key_that_another_user_can_change_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pair = certificate(tmp_path)
    owner, real = pair.key.stat().st_uid + 7, os.stat

    def seen(path: Path, *args: Any, **more: Any) -> Any:
        facts = real(path, *args, **more)
        if Path(path) != pair.key:
            return facts
        values = list(facts)
        values[stat.ST_UID] = owner
        return os.stat_result(values)

    monkeypatch.setattr(os, "stat", seen)
    options = replace(LOCAL, certificate=pair.certificate, key=pair.key)
    assert [f"belongs to user {owner}" in each for each in unsafe(options)] == [True]


def test_a_home_that_others_may_look_into_is_refused(home: Path):
    home.chmod(0o750)
    assert [f"chmod 700 {home}" in each for each in unsafe(LOCAL)] == [True]
    home.chmod(0o770)
    assert "others may write there" in next(unsafe(LOCAL))


def test_debugging_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(settings, "DEBUG", True)
    assert "DEBUG" in next(unsafe(LOCAL))


def test_postgresql_takes_several_processes_and_asks_for_its_wall(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(DATABASE, "postgresql://touchstone@127.0.0.1/touchstone")
    assert [DATABASE_READER in each for each in unsafe(replace(LOCAL, processes=4))] == [True]
    monkeypatch.setenv(DATABASE_READER, "postgresql://reader@127.0.0.1/touchstone")
    assert list(unsafe(replace(LOCAL, processes=4))) == []
    monkeypatch.setenv(DATABASE_OWNER, "postgresql://owner@127.0.0.1/touchstone")
    assert [DATABASE_OWNER in each for each in unsafe(LOCAL)] == [True]


LINK = 'link = "https://review.example/"'


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (['link = "http://review.example/"'], "https"),
        ([LINK, 'smtp_host = "mail.example"', 'smtp_security = "none"'], "smtp_security"),
        ([LINK, 'private_webhooks = ["0.0.0.0/0"]'], "private_webhooks"),
        ([LINK, 'private_webhooks = ["::/0"]'], "private_webhooks"),
        ([LINK, 'private_webhooks = ["169.254.169.254/32"]'], "private_webhooks"),
        ([LINK, 'smtp_user = "reviews"'], "smtp_password_env"),
    ],
)
def test_notices_that_would_not_be_safe_are_refused(home: Path, lines: list[str], words: str):
    (home / CONFIGURATION).write_text("\n".join(["[notices]", *lines]))
    (told,) = unsafe(LOCAL)
    assert words in told
    (home / CONFIGURATION).write_text(f"[notices]\n{LINK}\nprivate_webhooks = ['fc00::/7']\n")
    assert ["private_webhooks" in each for each in unsafe(LOCAL)] == [True]
    (home / CONFIGURATION).write_text(f"[notices]\n{LINK}\nprivate_webhooks = ['10.0.0.0/8']\n")
    assert list(unsafe(LOCAL)) == []


# Each setting of a server, and the test above of its unsafe values; or why it has none.
TESTED = {
    "host": "test_what_is_not_safe_is_refused_in_one_line",
    "port": "test_what_is_not_safe_is_refused_in_one_line",
    "processes": "test_what_is_not_safe_is_refused_in_one_line",
    "origin": "test_what_is_not_safe_is_refused_in_one_line",
    "certificate": "test_a_certificate_that_nobody_would_take_is_refused",
    "key": "test_a_key_that_another_user_can_change_is_refused",
    "proxy": "test_what_is_not_safe_is_refused_in_one_line",
    HOME: "test_a_home_that_others_may_look_into_is_refused",
    DATABASE: "test_a_database_elsewhere_is_reached_over_tls_alone",
    DATABASE_READER: "test_postgresql_takes_several_processes_and_asks_for_its_wall",
    DATABASE_OWNER: "test_postgresql_takes_several_processes_and_asks_for_its_wall",
    "notices.link": "test_notices_that_would_not_be_safe_are_refused",
    "notices.smtp_host": "test_notices_that_would_not_be_safe_are_refused",
    "notices.smtp_security": "test_notices_that_would_not_be_safe_are_refused",
    "notices.smtp_user": "test_notices_that_would_not_be_safe_are_refused",
    "notices.smtp_password_env": "test_notices_that_would_not_be_safe_are_refused",
    "notices.private_webhooks": "test_notices_that_would_not_be_safe_are_refused",
    "notices.sender": "an address: from whom mail comes is the mail server's to hold",
    "notices.smtp_port": "a number: who answers there has to show a certificate",
    "notices.webhook_hosts": "it bounds where webhooks go, and opens nothing",
    "notices.by_server": "whether it sends: both are safe",
}


def test_every_setting_of_a_server_has_its_unsafe_values_tested():
    options = {each.name for each in fields(ServeOptions)}
    notices = {f"notices.{name}" for name in NoticesText.model_fields}
    assert TESTED.keys() == options | notices | {HOME, DATABASE, DATABASE_READER, DATABASE_OWNER}
    named = {each for each in TESTED.values() if each.startswith("test_")}
    assert named <= globals().keys()


@pytest.mark.parametrize(
    ("place", "safe"),
    [
        ("127.0.0.1/touchstone", True),
        ("localhost/touchstone", True),
        ("[::1]/touchstone", True),
        ("/touchstone?host=/run/postgresql", True),
        ("db.example/touchstone", False),
        ("127.0.0.1/touchstone?host=db.example", False),
        ("localhost/touchstone?host=/run/postgresql,db.example", False),
        ("localhost/touchstone?host=/run/postgresql,localhost", True),
        ("db.example/touchstone?sslmode=require", False),
        ("db.example/touchstone?sslmode=verify-full", True),
    ],
)
def test_a_database_elsewhere_is_reached_over_tls_alone(
    monkeypatch: pytest.MonkeyPatch, place: str, safe: bool
):
    for name in (DATABASE, DATABASE_READER):
        monkeypatch.setenv(DATABASE, "postgresql://touchstone@127.0.0.1/touchstone")
        monkeypatch.setenv(DATABASE_READER, "postgresql://reader@127.0.0.1/touchstone")
        monkeypatch.setenv(name, f"postgresql://touchstone:secret@{place}")
        faults = list(unsafe(LOCAL))
        assert [each.startswith(f"{name}: others") for each in faults] == [True] * (not safe)
        assert "secret" not in "".join(faults)


def test_what_is_amiss_with_the_record_is_said_before_it_listens(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    listening = list[Callable[..., object]]()
    monkeypatch.setattr(commands, "listen", listening.append)
    assert examine_server(LOCAL)[0].ok
    (home / "keys").mkdir(mode=0o755)
    (home / "record.sqlite3").write_bytes(b"no database")
    (home / "record.sqlite3").chmod(0o600)
    with pytest.raises(Exception, match="fix"):
        begin_serving(LOCAL, _never)
    assert listening == []
    assert not examine_server(LOCAL)[0].ok


def test_doctor_says_what_would_be_served():
    with open_installation():
        pass
    rows = examine_server(LOCAL)
    assert [(row.name, row.ok) for row in rows] == [
        ("Server", True),
        ("Server's connections", True),
        ("Notices", True),
    ]
    assert "SQLite, one process" in rows[0].found
    assert "by address" in rows[1].fix


@pytest.mark.parametrize("alone", [True, False])
def test_whoever_serves_without_a_proxy_is_told_what_it_does_not_bound(alone: bool):
    served = ServedInstallation("SHA256:ab", has_people=True)
    told = "\n".join(ServerBegun("https://192.0.2.1:443", served, alone=alone).lines())
    assert ("count them by address" in told) == alone
