"""Browsers' sessions and passkeys, on the accounts' own database: how long each lets in."""

from datetime import timedelta
from pathlib import Path

import pytest

from touchstone.handin import moment_of, utc_text
from touchstone.keys import SystemRandom
from touchstone.server.accounts import passkeys, people
from touchstone.server.accounts.errors import NotUsableError, UnprovenError
from touchstone.server.accounts.managing import Manager, changing
from touchstone.server.accounts.models import Account
from touchstone.server.accounts.passkeys import AuthenticatorAnswer, BrowserPlace
from touchstone.server.accounts.preparing import open_accounts
from touchstone.server.accounts.sessions import (
    BY_BROWSER,
    MOST_SESSIONS,
    RECOVERY,
    begin_session,
    end_session,
    sessions_of,
    speaker,
)
from touchstone.server.errors import NotAuthenticatedError
from touchstone.server.settings import set_up_server

NOW = "2026-12-01T10:00:00Z"
RANDOM = SystemRandom()
HERE = BrowserPlace("localhost", "http://localhost:1")


def later(**by: float) -> str:
    return utc_text(moment_of(NOW) + timedelta(**by))


@pytest.fixture
def account(tmp_path: Path) -> Account:
    set_up_server()
    open_accounts(tmp_path, None)
    made = people.invite(
        Manager.machine(), "example-lab", ("lead",), "Ada", "", now=NOW, random=RANDOM
    )
    return Account.objects.get(person=made.person)


def begun(account: Account, now: str = NOW, way: str = "passkey") -> str:
    with changing():
        return begin_session(account, way, "desk", now=now, random=RANDOM)


def test_a_session_holds_while_it_is_used_and_twelve_hours_at_most(account: Account):
    cookie = f"{BY_BROWSER}{begun(account)}"
    assert speaker(cookie, later(minutes=59)).person == account.person
    for hours in range(1, 12):
        assert speaker(cookie, later(hours=hours, minutes=30)).party == "example-lab"
    with pytest.raises(NotAuthenticatedError):
        speaker(cookie, later(hours=12, seconds=1))


def test_a_session_that_is_still_for_over_an_hour_has_ended(account: Account):
    cookie = f"{BY_BROWSER}{begun(account)}"
    with pytest.raises(NotAuthenticatedError):
        speaker(cookie, later(minutes=61))


def test_ended_sessions_removed_people_and_what_is_no_cookie_let_nobody_in(account: Account):
    held = begun(account)
    who = speaker(f"{BY_BROWSER}{held}", NOW)
    (own,) = sessions_of(who, NOW)
    assert own.own
    for no in (held, "", f"{BY_BROWSER}", f"{BY_BROWSER}{held}x", f"Bearer {held}", None):
        with pytest.raises(NotAuthenticatedError):
            speaker(no, NOW)
    end_session(who, own.name[:-1], NOW)
    speaker(f"{BY_BROWSER}{held}", NOW)
    end_session(who, own.name, NOW)
    with pytest.raises(NotAuthenticatedError):
        speaker(f"{BY_BROWSER}{held}", NOW)
    other = begun(account)
    people.remove_person(Manager.machine(), account.person, now=NOW)
    with pytest.raises(NotAuthenticatedError):
        speaker(f"{BY_BROWSER}{other}", NOW)


def test_one_ends_ones_own_sessions_alone(account: Account):
    made = people.invite(
        Manager.machine(), "other-lab", ("lead",), "Ben", "", now=NOW, random=RANDOM
    )
    other = Account.objects.get(person=made.person)
    mine, theirs = begun(account), begun(other)
    (name,) = (each.name for each in sessions_of(speaker(f"{BY_BROWSER}{theirs}", NOW), NOW))
    end_session(speaker(f"{BY_BROWSER}{mine}", NOW), name, NOW)
    speaker(f"{BY_BROWSER}{theirs}", NOW)


def test_whoever_ends_all_other_tokens_signs_every_browser_out(account: Account):
    cookie = f"{BY_BROWSER}{begun(account)}"
    people.revoke_other_tokens(speaker(cookie, NOW), NOW)
    with pytest.raises(NotAuthenticatedError):
        speaker(cookie, NOW)


def test_older_sessions_end_with_newer_ones(account: Account):
    cookies = [begun(account) for _ in range(MOST_SESSIONS + 1)]
    with pytest.raises(NotAuthenticatedError):
        speaker(f"{BY_BROWSER}{cookies[0]}", NOW)
    assert all(speaker(f"{BY_BROWSER}{each}", NOW) for each in cookies[1:])


def test_by_a_recovery_code_one_may_do_nothing_and_it_holds_once(account: Account):
    who = speaker(f"{BY_BROWSER}{begun(account)}", NOW)
    codes = passkeys.new_recovery_codes(who, now=NOW, random=RANDOM)
    cookie = passkeys.recover(f" {codes[0].upper()} ", now=NOW, random=RANDOM)
    assert speaker(f"{BY_BROWSER}{cookie}", NOW).scopes == frozenset()
    assert RECOVERY in {each.way for each in sessions_of(who, NOW)}
    for no in (codes[0], "", "abcde-fghjk"):
        with pytest.raises(NotUsableError):
            passkeys.recover(no, now=NOW, random=RANDOM)
    passkeys.new_recovery_codes(who, now=NOW, random=RANDOM)
    with pytest.raises(NotUsableError):
        passkeys.recover(codes[1], now=NOW, random=RANDOM)


@pytest.mark.usefixtures("account")
def test_a_state_is_of_this_server_and_of_now():
    asked = passkeys.begin_signing_in(HERE, NOW)
    late = later(seconds=passkeys.STATE_SECONDS + 1)
    for state, now in ((asked["state"] + "x", NOW), (asked["state"], late), ("", NOW)):
        with pytest.raises(UnprovenError):
            passkeys.finish_signing_in(AuthenticatorAnswer(state, {}, HERE), now=now, random=RANDOM)


def test_a_state_for_signing_in_adds_no_passkey(account: Account):
    who = speaker(f"{BY_BROWSER}{begun(account)}", NOW)
    state = passkeys.begin_signing_in(HERE, NOW)["state"]
    with pytest.raises(UnprovenError):
        passkeys.finish_adding(
            who, AuthenticatorAnswer(state, {}, HERE), "x", now=NOW, random=RANDOM
        )
    with pytest.raises(UnprovenError):
        passkeys.finish_joining(
            AuthenticatorAnswer(state, {}, HERE),
            proof="00" * 64,
            label="x",
            installation="00" * 32,
            now=NOW,
            random=RANDOM,
        )


@pytest.mark.parametrize("answer", [{}, {"rawId": 7}, {"rawId": "!"}, {"rawId": "AAAA", "id": "A"}])
@pytest.mark.usefixtures("account")
def test_whatever_is_answered_without_sense_is_refused_alike(answer: dict[str, object]):
    asked = passkeys.begin_signing_in(HERE, NOW)
    with pytest.raises(UnprovenError):
        passkeys.finish_signing_in(
            AuthenticatorAnswer(asked["state"], answer, HERE), now=NOW, random=RANDOM
        )
