"""A party's home has keys and no record: whoever forgets --server is told, and nothing is made."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from touchstone.client.errors import UnheardError
from touchstone.client.http_server import HttpServer

from .conftest import Command

CLOCK = ("clock", "show", "model-3")
AS = ("--as", "example-lab")


@pytest.fixture
def party_home(command: Command, home: Path) -> Path:
    assert command("party", "init", "example-lab").code == 0
    return home


@pytest.mark.parametrize(
    "words",
    [
        CLOCK,
        ("agreement", "show", "model-3"),
        ("finding", "show", "model-3"),
        ("party", "leave", "model-3"),
        ("party", "signers", "show", *AS),
        ("next",),
        ("review", "list"),
        ("keys", "show"),
        ("check",),
    ],
    ids=" ".join,
)
def test_what_needs_the_record_makes_none_there(
    command: Command, party_home: Path, words: tuple[str, ...]
):
    line = command(*words).refused()
    assert f"{party_home}: is a party's home, and no record is here; fix: add --server URL" in line
    assert [each.name for each in party_home.iterdir()] == ["parties"]


def test_accounts_still_begin_an_installation_there(command: Command, party_home: Path):
    assert command("accounts", "first-administrator", "Ann Example").code == 0
    assert (party_home / "record.sqlite3").exists()
    assert command("review", "list").code == 0


def test_accounts_at_a_server_ask_for_the_party_of_the_machine(command: Command, party_home: Path):
    invite = ("accounts", "invite", "Ann Example", "--of", "example-lab", "--role", "lead")
    at = ("--server", "http://127.0.0.1:9")
    assert "add --as PARTY, of example-lab" in command(*invite, *at).refused()
    # Named, it is asked of the server, which is not known here.
    assert "is not known here to example-lab" in command(*invite, *at, *AS).refused()
    assert [each.name for each in party_home.iterdir()] == ["parties"]


def test_a_server_that_is_not_there_is_named_with_what_to_check():
    def nobody(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    told = r"answer at review\.example:8443: ConnectError; fix: check"
    with (
        HttpServer("https://review.example:8443", transport=httpx.MockTransport(nobody)) as server,
        pytest.raises(UnheardError, match=told),
    ):
        server.greet(0)


def test_a_hand_here_needs_nobody_to_set_django_up_before(party_home: Path):
    # Of all that a test process has loaded, nothing may be what makes it work.
    said = subprocess.run(
        [sys.executable, "-c", "from touchstone.cli.app import main; main()", *CLOCK],
        env={**os.environ, "TOUCHSTONE_HOME": str(party_home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stdout) == (2, "")
    assert "no record is here" in said.stderr
