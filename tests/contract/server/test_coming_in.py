"""People come in at a server that answers over HTTP, by commands on machines of their own."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from support.live_server import Doorkeeper, LiveServer, live
from touchstone.cli import connecting
from touchstone.cli.app import run
from touchstone.client.errors import NotJoinedError
from touchstone.ledger.errors import UnpromisedError
from touchstone.server.accounts.authenticating import principal_of
from touchstone.server.accounts.limits import Limiter
from touchstone.server.accounts.models import AccessToken, RateRow
from touchstone.server.accounts.preparing import open_accounts
from touchstone.service.installation import open_installation

LAB = "example-lab"


@dataclass
class Site:
    """A server, and the folders of those who come."""

    server: LiveServer
    folder: Path

    @property
    def pinned(self) -> str:
        return self.server.serving.fingerprint


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("coming")
    with open_installation(folder / "server", apart=True) as here:
        open_accounts(here.home, None)
        with live(here, cast("Doorkeeper", principal_of)) as answers:
            yield Site(answers, folder)


Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command on somebody's machine, with something typed."""
    monkeypatch.delenv("TOUCHSTONE_DATABASE", raising=False)
    # Every test comes by one address.
    site.server.serving.limiter = Limiter()
    RateRow.objects.all().delete()

    def called(machine: str, *words: str, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setenv("TOUCHSTONE_HOME", str(site.folder / machine))
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        capsys.readouterr()
        code = run(words)
        said = capsys.readouterr()
        return code, said.out, said.err

    return called


def invited(call: Call, role: str = "submitter", of: str = LAB) -> dict[str, Any]:
    words = ("accounts", "invite", "Somebody", "--of", of, "--role", role, "--json")
    code, out, err = call("server", *words)
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def joining(site: Site, pinned: str = "", party: str = LAB) -> tuple[str, ...]:
    own = ("--fingerprint", pinned or site.pinned, "--as", party)
    return ("server", "join", site.server.url, *own)


def place(site: Site, machine: str, monkeypatch: pytest.MonkeyPatch, party: str = LAB) -> Any:
    monkeypatch.setenv("TOUCHSTONE_HOME", str(site.folder / machine))
    home = connecting.home_of(party)
    return home, home.server(site.server.url)


def test_a_machine_comes_in_and_is_answered(
    site: Site, call: Call, monkeypatch: pytest.MonkeyPatch
):
    told = invited(call)
    assert told["fingerprint"] == site.pinned
    code, out, err = call("lab", *joining(site), "--label", "desk", typed=f"{told['code']}\n")
    assert (code, err) == (0, "")
    assert out == (
        f"This machine may ask {site.server.url} for {LAB} (submitter).\n"
        f"What waits for {LAB}: touchstone next --server {site.server.url} --as {LAB}\n"
    )
    # It is known: that there is no such case is told to nobody else.
    with (
        connecting.connect(*place(site, "lab", monkeypatch)) as server,
        pytest.raises(UnpromisedError) as refused,
    ):
        server.head("case-of-nobody")
    assert refused.value.code == "unknown"
    _, out, _ = call("server", "accounts", "list", "--json")
    shown = next(p for p in json.loads(out)["people"] if p["person"] == told["person"])
    assert [each["label"] for each in shown["devices"]] == ["desk"]


def test_a_token_that_was_ended_is_asked_for_anew(
    site: Site, call: Call, monkeypatch: pytest.MonkeyPatch
):
    told = invited(call)
    assert call("second", *joining(site), typed=told["code"])[0] == 0
    with connecting.connect(*place(site, "second", monkeypatch)) as server:
        with pytest.raises(UnpromisedError):
            server.head("case-of-nobody")
        own = AccessToken.objects.filter(account__person=told["person"])
        assert own.update(revoked_at="2026-01-01T00:00:00Z") == 1
        with pytest.raises(UnpromisedError) as refused:
            server.head("case-of-nobody")
    assert (refused.value.code, own.count()) == ("unknown", 2)


def test_other_roles_hold_at_once_and_a_new_code_lets_the_same_machine_in(site: Site, call: Call):
    told = invited(call, "reviewer")
    assert call("risen", *joining(site), typed=told["code"])[0] == 0
    at = ("--server", site.server.url, "--as", LAB)
    listed = ("accounts", "list", *at)
    assert call("risen", *listed)[0] == 2
    assert call("server", "accounts", "roles", told["person"], "--role", "lead")[0] == 0
    # With the token that it holds, which was for less.
    code, out, err = call("risen", *listed)
    assert (code, told["person"] in out, err) == (0, True, "")

    people = json.loads(call("risen", *listed, "--json")[1])["people"]
    (key,) = (
        each["key"] for one in people if one["person"] == told["person"] for each in one["devices"]
    )
    assert call("server", "accounts", "remove", told["person"], "--device", key)[0] == 0
    assert call("risen", *listed)[0] != 0
    again = json.loads(call("server", "accounts", "code", told["person"], "--json")[1])
    code, _, err = call("risen", *joining(site), typed=again["code"])
    assert (code, err) == (0, "")
    assert call("risen", *listed)[0] == 0


def test_another_server_than_is_pinned_is_told_nothing(site: Site, call: Call):
    told = invited(call)
    other = f"SHA256:{'ab' * 32}"
    code, out, err = call("wary", *joining(site, other), typed=told["code"])
    assert (code, out) == (2, "")
    assert "the server's first key is" in err
    # Nothing of it is kept, and the code was not used.
    assert not list((site.folder / "wary").rglob("*"))
    assert call("wary", *joining(site), typed=told["code"])[0] == 0


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "no code was given"),
        ("\n", "no code was given"),
        ("x" * 300, "no code was given"),
        ("00000-00000-00000-00000-00000", "has expired, or is for another institution (--as)"),
        ("\x1b[2J", "unknown, was used, or has expired"),
    ],
)
def test_no_code_and_a_wrong_one_are_one_line(site: Site, call: Call, typed: str, why: str):
    code, out, err = call("hasty", *joining(site), typed=typed)
    assert (code != 0, out) == (True, "")
    (line,) = err.splitlines()
    assert why in line
    assert line.count("fix: ") <= 1
    assert line.isprintable()


def test_a_machine_that_never_came_in_is_told_how(site: Site, call: Call):
    code, _, err = call("hasty", "accounts", "list", "--server", site.server.url)
    assert code == 2
    assert f"touchstone server join {site.server.url} --fingerprint SHA256:... --as PARTY" in err
    assert "add --as PARTY, of example-lab" in err


def test_a_code_is_no_argument(site: Site, call: Call):
    told = invited(call)
    code, _, err = call("hasty", *joining(site), told["code"])
    assert code == 2
    assert "Unused Tokens" in err


def test_a_machine_that_nobody_let_in_is_told_how(
    site: Site, call: Call, monkeypatch: pytest.MonkeyPatch
):
    told = invited(call)
    assert call("third", *joining(site), typed=told["code"])[0] == 0
    home, known = place(site, "third", monkeypatch)
    for kept in ("account.json", "device.pem"):
        path = known.folder / kept
        data = path.read_bytes()
        path.unlink()
        if kept == "account.json":
            with pytest.raises(NotJoinedError, match="touchstone server join"):
                connecting.connect(home, known)
        path.write_bytes(data)
        path.chmod(0o600)
    # What was let in elsewhere is not let in here.
    (known.folder / "account.json").write_bytes(
        (known.folder / "account.json").read_bytes().replace(LAB.encode(), b"example-agency")
    )
    with pytest.raises(NotJoinedError):
        connecting.connect(home, known)


def test_an_administrator_comes_in_without_a_party(site: Site, call: Call):
    code, out, _ = call("server", "accounts", "first-administrator", "Ann", "--json")
    assert code == 0
    words = ("server", "join", site.server.url, "--fingerprint", site.pinned)
    code, out, err = call("office", *words, typed=json.loads(out)["code"])
    assert (code, err) == (0, "")
    assert "as an administrator (administrator)" in out


def test_a_lead_says_from_its_own_machine_who_comes_in(site: Site, call: Call):
    assert call("chief", *joining(site), typed=invited(call, "lead")["code"])[0] == 0
    other = invited(call, "official", of="example-agency")
    at = ("--server", site.server.url, "--as", LAB)

    def said(*words: str) -> dict[str, Any]:
        code, out, err = call("chief", "accounts", *words, *at, "--json")
        assert (code, err) == (0, "")
        found: dict[str, Any] = json.loads(out)
        return found

    told = said("invite", "Bob Example", "--of", LAB, "--role", "submitter")
    assert (told["fingerprint"], len(told["code"])) == (site.pinned, 35)
    again = said("code", told["person"])
    assert call("new", *joining(site), typed=again["code"])[0] == 0
    people = said("list")["people"]
    assert {each["institution"] for each in people} == {LAB}
    (bob,) = (each for each in people if each["person"] == told["person"])
    assert (bob["name"], bob["roles"], len(bob["devices"])) == ("Bob Example", ["submitter"], 1)
    assert said("roles", told["person"], "--role", "reviewer")["roles"] == ["reviewer"]
    said("remove", told["person"], "--device", bob["devices"][0]["key"])
    said("remove", told["person"])
    acts = [each["act"] for each in said("acts")["acts"] if each["person"] == told["person"]]
    assert acts[-3:] == ["roles-changed", "device-revoked", "removed"]
    for words in (
        ("remove", other["person"]),
        ("code", "p0/../p1"),
        ("invite", "A", "--of", "example-agency", "--role", "lead"),
    ):
        code, out, err = call("chief", "accounts", *words, *at)
        assert (code != 0, out, len(err.splitlines())) == (True, "", 1)


def test_over_a_network_it_must_be_https(site: Site, call: Call):
    words = ("server", "join", "http://review.example", "--fingerprint", site.pinned)
    code, _, err = call("hasty", *words, typed="0")
    assert code == 2
    assert "it must be https" in err
    assert "http is taken for this machine alone" in err


def test_who_is_invited_by_a_server_is_told_its_address(site: Site, call: Call):
    lead = invited(call, "lead")
    assert call("leading", *joining(site), typed=lead["code"])[0] == 0
    words = ("Bob", "--of", LAB, "--role", "submitter", "--server", site.server.url, "--as", LAB)
    code, out, err = call("leading", "accounts", "invite", *words)
    assert code == 0, err
    assert f"There: touchstone server join {site.server.url} --fingerprint {site.pinned}" in out
