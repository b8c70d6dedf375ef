"""Notices are sent by a command, as cron calls it: what the configuration says, and no more."""

from pathlib import Path

import pytest

from touchstone.keys import SystemRandom
from touchstone.server.accounts.managing import Manager
from touchstone.server.accounts.people import invite

from .conftest import Command


def configured(home: Path, text: str) -> None:
    home.mkdir(mode=0o700, exist_ok=True)
    (home / "touchstone.toml").write_text(f"[notices]\n{text}", "utf-8")


def test_without_a_word_of_notices_nothing_is_sent(command: Command):
    line = command("notices", "send").refused()
    assert "says nothing of notices; fix: write [notices] and a link" in line


def test_what_was_done_is_told(command: Command, home: Path):
    configured(home, 'link = "https://reviews.example/"\n')
    said = command("notices", "send")
    assert (said.code, said.err) == (0, "")
    assert said.out == "0 notices made, 0 sent, 0 to be tried again, 0 given up.\n"
    random, now = SystemRandom(), "2026-11-21T10:00:00Z"
    invite(Manager.machine(), "example-lab", ["lead"], "Ada", now=now, random=random)
    assert '"noted": 0' in command("notices", "send", "--json").out


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('link = "reviews.example"\n', 'key "link"'),
        (
            'link = "https://r.example"\nsmtp_security = "none"\nsmtp_host = "mail"\n',
            "this machine",
        ),
        ('link = "https://r.example"\nsmtp_user = "ann"\n', "go together"),
        ('link = "https://r.example"\nprivate_webhooks = ["inside"]\n', "private_webhooks"),
        ('link = "https://r.example"\nwebhook = 1\n', "webhook"),
    ],
)
def test_what_cannot_be_used_is_refused(command: Command, home: Path, text: str, why: str):
    configured(home, text)
    line = command("notices", "send").refused()
    assert why in line
    assert "touchstone.toml" in line


def test_a_password_that_is_not_set_is_missed(
    command: Command, home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("EXAMPLE_SMTP_PASSWORD", raising=False)
    mail = 'link = "https://r.example"\nsender = "reviews@example.org"\nsmtp_user = "ann"\n'
    configured(home, f'{mail}smtp_password_env = "EXAMPLE_SMTP_PASSWORD"\n')
    assert "EXAMPLE_SMTP_PASSWORD, which is not set" in command("notices", "send").refused()
