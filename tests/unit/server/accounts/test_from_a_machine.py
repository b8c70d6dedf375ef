"""A person's machine comes in, and has a token whenever it needs one."""

import stat
from base64 import b64decode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.accounts import AUD, NOW, RANDOM, invited
from touchstone.client.entering import ServerAccount, TokenSource, take_invitation
from touchstone.client.errors import NotJoinedError, NotLetInError, UnheardError
from touchstone.client.followed import Machine
from touchstone.handin import utc_text
from touchstone.keys import FileSigner, KeyUnsafeError
from touchstone.server.accounts.authenticating import principal_of
from touchstone.server.accounts.joining import issue_token, redeem
from touchstone.server.accounts.managing import Manager
from touchstone.server.accounts.people import (
    InvitedPerson,
    change_roles,
    invite_again,
    remove_person,
    revoke_device,
)
from touchstone.server.errors import NotAuthenticatedError, ProblemError

MACHINE = Manager.machine()


@dataclass
class Clock:
    """A machine's clock, which a test moves."""

    at: datetime = datetime(2026, 12, 1, 9, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


@dataclass
class Here:
    """A server, as a machine asks it without a token."""

    clock: Clock = field(default_factory=Clock)
    asked: list[str] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)
    mute: bool = False

    def __call__(self, path: str, sent: dict[str, Any]) -> Any:
        self.asked.append(path)
        self.heard.append(sent)
        now = utc_text(self.clock.now())
        try:
            if path == "tokens":
                issued = issue_token(sent["envelope"], installation=AUD, now=now, random=RANDOM)
                said = {"token": issued.token, "expires": issued.expires}
            else:
                joined = redeem(sent["proof"], sent["envelope"], installation=AUD, now=now)
                said = {name: getattr(joined, name) for name in ("person", "institution")} | {
                    "roles": list(joined.roles),
                    "scopes": list(joined.scopes),
                }
        except ProblemError as error:
            raise NotLetInError(error.code, error.why, dict(error.beside)) from error
        if self.mute:
            raise UnheardError("the answer was lost")
        return said


def machine(here: Here) -> Machine:
    return Machine(here.clock, RANDOM)


def enters(
    folder: Path, here: Here, told: InvitedPerson, party: str = "example-lab"
) -> ServerAccount:
    return take_invitation(folder, AUD, party, told.code, "A laptop", here, machine(here))


def tokens(folder: Path, here: Here) -> TokenSource:
    return TokenSource(folder, here, machine(here))


def who(token: str, now: str = NOW) -> str:
    return principal_of(f"Bearer {token}", now).person


def test_a_machine_comes_in_and_has_tokens(tmp_path: Path):
    here, told = Here(), invited("example-lab", "submitter")
    account = enters(tmp_path / "server", here, told)
    assert (account.person, account.party, account.roles) == (
        told.person,
        "example-lab",
        ("submitter",),
    )
    held = tokens(tmp_path / "server", here)
    assert held.account == account
    assert who(held.current()) == told.person
    for path in (tmp_path / "server").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        assert told.code.encode() not in path.read_bytes()


def test_the_code_never_leaves_the_machine(tmp_path: Path):
    here, told = Here(), invited("example-lab", "submitter")
    enters(tmp_path / "server", here, told)
    plain = told.code.replace("-", "")
    for said in here.heard:
        assert told.code not in str(said)
        payload = b64decode(said["envelope"]["payload"]).decode()
        assert (told.code in payload, plain in payload, plain in str(said)) == (False,) * 3


def test_a_token_serves_several_commands_and_is_renewed_before_it_ends(tmp_path: Path):
    here, told = Here(), invited("example-lab", "submitter")
    enters(tmp_path / "server", here, told)
    held = tokens(tmp_path / "server", here)
    first = held.current()
    assert (held.current(), tokens(tmp_path / "server", here).current()) == (first, first)
    # All that there is, and then what a submitter may.
    assert here.asked == ["invitations/redeem", "tokens", "tokens"]
    here.clock.at += timedelta(minutes=54, seconds=59)
    assert held.current() == first
    here.clock.at += timedelta(seconds=1)
    second = held.current()
    assert second != first
    assert who(second, utc_text(here.clock.now())) == told.person


def test_a_token_that_is_not_taken_any_more_is_let_go_of(tmp_path: Path):
    here, told = Here(), invited("example-lab", "submitter")
    enters(tmp_path / "server", here, told)
    held, other = (tokens(tmp_path / "server", here) for _ in range(2))
    first = held.current()
    assert other.current() == first
    held.forget(first)
    second = held.current()
    # Another command forgets what it held, and not what has come since.
    other.forget(first)
    assert (first != second, other.current()) == (True, second)


def test_an_answer_that_was_lost_comes_again(tmp_path: Path):
    here, told = Here(mute=True), invited("example-lab", "submitter")
    with pytest.raises(UnheardError):
        enters(tmp_path / "server", here, told)
    with pytest.raises(NotJoinedError, match="server join"):
        tokens(tmp_path / "server", here)
    here.mute = False
    assert enters(tmp_path / "server", here, told).person == told.person
    with pytest.raises(NotLetInError, match="used"):
        enters(tmp_path / "another", here, told)


def test_fewer_roles_make_it_ask_for_less(tmp_path: Path):
    here, told = Here(), invited("example-lab", "submitter")
    enters(tmp_path / "server", here, told)
    change_roles(MACHINE, told.person, ["reviewer"], now=NOW)
    held = tokens(tmp_path / "server", here)
    assert principal_of(f"Bearer {held.current()}", NOW).scopes == {"read"}
    assert ServerAccount.read(tmp_path / "server").scopes == ("read",)


def test_more_roles_make_it_ask_for_more_at_once(tmp_path: Path):
    here, told = Here(), invited("example-lab", "reviewer")
    enters(tmp_path / "server", here, told)
    held = tokens(tmp_path / "server", here)
    first = held.current()
    # The same roles still: what was refused for another reason is not asked again.
    assert not held.widened(first)
    change_roles(MACHINE, told.person, ["submitter"], now=NOW)
    assert held.widened(held.current())
    wider = {"read", "deeds", "evidence", "secrets"}
    assert principal_of(f"Bearer {held.current()}", NOW).scopes == wider
    assert ServerAccount.read(tmp_path / "server").scopes == tuple(sorted(wider))
    change_roles(MACHINE, told.person, ["lead"], now=NOW)
    # A command that comes later finds the token that is kept, and another once that is over.
    here.clock.at += timedelta(minutes=56)
    later = principal_of(f"Bearer {tokens(tmp_path / 'server', here).current()}", NOW)
    assert later.scopes == {*wider, "people"}


@pytest.mark.parametrize("ended", [False, True])
def test_a_new_code_lets_a_machine_in_that_was_in_before(tmp_path: Path, ended: bool):
    here, told, folder = Here(), invited("example-lab", "reviewer"), tmp_path / "server"
    enters(folder, here, told)
    old = (folder / "device.pem").read_bytes()
    if ended:
        key = FileSigner.load(folder / "device.pem").public_key.hex()
        revoke_device(MACHINE, told.person, key, now=NOW)
    again = invite_again(MACHINE, told.person, now=NOW, random=RANDOM)
    here.mute = True
    with pytest.raises(UnheardError):
        enters(folder, here, again)
    here.mute = False
    # The answer was lost: what was let in is asked for again, and no third key is made.
    assert enters(folder, here, again).person == told.person
    assert who(tokens(folder, here).current()) == told.person
    kept = {path.name: path.read_bytes() for path in folder.glob("*.pem")}
    assert (set(kept), kept["device-1.pem"]) == ({"device.pem", "device-1.pem"}, old)
    assert kept["device.pem"] != old
    third = invite_again(MACHINE, told.person, now=NOW, random=RANDOM)
    assert enters(folder, here, third).person == told.person
    assert (folder / "device-2.pem").read_bytes() == kept["device.pem"]


def test_a_code_that_is_refused_changes_no_key(tmp_path: Path):
    here, told = Here(), invited("example-lab", "reviewer")
    enters(tmp_path / "server", here, told)
    other = invited("example-agency", "official")
    with pytest.raises(NotLetInError):
        enters(tmp_path / "server", here, other)
    assert [path.name for path in (tmp_path / "server").glob("*.pem")] == ["device.pem"]
    assert who(tokens(tmp_path / "server", here).current()) == told.person


def test_whoever_was_removed_is_told_so(tmp_path: Path):
    here, told = Here(), invited("example-lab", "submitter")
    enters(tmp_path / "server", here, told)
    held = tokens(tmp_path / "server", here)
    first = held.current()
    remove_person(MACHINE, told.person, now=NOW)
    with pytest.raises(NotAuthenticatedError):
        who(first)
    held.forget(first)
    with pytest.raises(NotLetInError):
        held.current()


def test_another_partys_code_lets_nobody_in_and_is_not_used_up(tmp_path: Path):
    here, told = Here(), invited("example-agency", "official")
    with pytest.raises(NotLetInError):
        enters(tmp_path / "lab", here, told)
    assert enters(tmp_path / "agency", here, told, "example-agency").party == "example-agency"


def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path):
    here, told = Here(), invited("example-lab", "submitter")
    (tmp_path / "server").mkdir(mode=0o755)
    with pytest.raises(KeyUnsafeError):
        enters(tmp_path / "server", here, told)
    assert here.asked == []


@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        {},
        {"token": "a\r\nX: y" * 5, "expires": "2026-12-01T10:00:00Z"},
        {"token": "a" * 300, "expires": "2026-12-01T10:00:00Z"},
        {"token": ["a"], "expires": "2026-12-01T10:00:00Z"},
        {"token": "a" * 43, "expires": "soon"},
        {"token": "a" * 43, "expires": 7},
    ],
)
def test_what_a_server_says_is_taken_as_a_strangers(tmp_path: Path, said: Any):
    here, told = Here(), invited("example-lab", "submitter")
    enters(tmp_path / "server", here, told)
    held = TokenSource(tmp_path / "server", lambda *_: said, machine(here))
    with pytest.raises(UnheardError):
        held.current()


@pytest.mark.parametrize("field", ["person", "institution", "roles", "scopes"])
@pytest.mark.parametrize("value", [None, "../x", ["../x"], {"a": 1}, "x" * 100, ["a"] * 17])
def test_who_it_is_said_to_be_is_an_id(tmp_path: Path, field: str, value: Any):
    said = {"person": "p1", "institution": "example-lab", "roles": ["lead"], "scopes": ["read"]}
    told = invited("example-lab", "submitter")
    with pytest.raises(UnheardError):
        take_invitation(
            tmp_path / "server",
            AUD,
            "example-lab",
            told.code,
            "A laptop",
            lambda *_: said | {field: value},
            Machine(Clock(), RANDOM),
        )
    with pytest.raises(NotJoinedError):
        ServerAccount.read(tmp_path / "server")


@pytest.mark.parametrize("kept", [b"", b"{}", b"[]", b'{"person":1}', b"\xff"])
def test_a_damaged_file_is_told(tmp_path: Path, kept: bytes):
    here, told = Here(), invited("example-lab", "submitter")
    enters(tmp_path / "server", here, told)
    (tmp_path / "server" / "account.json").write_bytes(kept)
    with pytest.raises(NotJoinedError):
        tokens(tmp_path / "server", here)
    # A damaged token is another one's cost.
    enters(tmp_path / "server", here, told)
    (tmp_path / "server" / "token.json").write_bytes(kept)
    (tmp_path / "server" / "token.json").chmod(0o600)
    assert who(tokens(tmp_path / "server", here).current()) == told.person
