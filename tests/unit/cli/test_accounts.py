"""Who may come in is said by commands where the server stands."""

import json

import pytest

from .conftest import Command


def test_a_first_administrator_then_people(command: Command):
    said = command("accounts", "first-administrator", "Ann Example")
    assert (said.code, said.err) == (0, "")
    assert "Ann Example" in said.out
    assert "as an administrator" in said.out
    there = "There, with the server's address for ADDRESS: touchstone server join ADDRESS"
    assert f"{there} --fingerprint SHA256:" in said.out
    line = command("accounts", "first-administrator", "Bob").refused()
    assert "there is an administrator; fix: invite the next one" in line

    said = command("accounts", "invite", "Bob Example", "--role", "administrator")
    assert "Bob Example" in said.out
    assert "may come in as an administrator" in said.out

    words = ("accounts", "invite", "Lea Example", "--of", "example-lab", "--role", "lead", "--json")
    told = json.loads(command(*words).out)
    assert set(told) == {"person", "code", "expires", "fingerprint"}
    again = json.loads(command("accounts", "code", told["person"], "--json").out)
    assert again["code"] != told["code"]

    shown = command("accounts", "list", "--of", "example-lab")
    assert told["person"] in shown.out
    assert f"a code that nobody used holds until {again['expires']}" in shown.out
    assert "Ann Example" not in shown.out
    everybody = command("accounts", "list")
    assert "Ann Example" in everybody.out
    for code in (told["code"], again["code"]):
        assert code not in everybody.out

    said = command("accounts", "roles", told["person"], "--role", "reviewer")
    assert said.out == "Lea Example is from now on, for example-lab: reviewer.\n"
    assert "is out, with all devices" in command("accounts", "remove", told["person"]).out
    assert "(removed)" in command("accounts", "list").out
    acts = json.loads(command("accounts", "acts", "--json").out)["acts"]
    assert [(each["act"], each["by"]) for each in acts] == [
        ("invited", "machine"),
        ("invited", "machine"),
        ("invited", "machine"),
        ("invited-again", "machine"),
        ("roles-changed", "machine"),
        ("removed", "machine"),
    ]
    assert "roles-changed" in command("accounts", "acts").out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("invite", "A", "--of", "Public", "--role", "lead"), "a party's id"),
        (("invite", "A", "--of", "example-lab"), "roles of an institution's people"),
        (("invite", "A", "--of", "example-lab", "--role", "owner"), "roles of an institution's"),
        (("invite", "A", "--role", "lead"), "is an administrator, and no more"),
        (("invite", "A"), "--of: name the person's institution; for one more administrator"),
        (("invite", "", "--of", "example-lab", "--role", "lead"), "NAME: write one line"),
        (("code", "p0"), "no such person"),
        (("roles", "p0", "--role", "lead"), "no such person"),
        (("remove", "p0"), "no such person"),
        (("remove", "p0", "--device", "00"), "no such person"),
    ],
)
def test_what_cannot_be_done_is_one_line(command: Command, words: tuple[str, ...], why: str):
    assert why in command("accounts", *words).refused()


def test_nobody_so_far(command: Command):
    assert "first-administrator NAME" in command("accounts", "list").out
    assert json.loads(command("accounts", "list", "--json").out) == {"people": []}


def test_accounts_that_others_may_read_are_refused(command: Command, home: object):
    command("accounts", "list")
    path = home / "accounts.sqlite3"  # type: ignore[operator]
    path.chmod(0o644)
    assert f"fix: chmod 600 {path}" in command("accounts", "list").refused()
