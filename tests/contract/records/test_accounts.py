"""Accounts on both databases: what several do at one time, and what only grows."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Lock
from typing import Any

import pytest
from django.db import connections
from django.db.utils import ProgrammingError

from support.accounts import AUD, NOW, RANDOM, Device, administrator, invited, let_in, proof
from support.postgresql import Postgresql
from touchstone.keys import MasterKey
from touchstone.records.errors import NotPreparedError, RecordsError
from touchstone.records.settings import is_postgresql
from touchstone.server.accounts.authenticating import principal_of
from touchstone.server.accounts.errors import (
    LastAdministratorError,
    NoSuchPersonError,
    NotUsableError,
    StatementUsedError,
    TooOftenError,
    UnprovenError,
)
from touchstone.server.accounts.joining import issue_token, redeem
from touchstone.server.accounts.kept_answers import Answer, AskedOnce, answered_once
from touchstone.server.accounts.limits import Limiter, Rate
from touchstone.server.accounts.managing import Manager
from touchstone.server.accounts.models import (
    ACCOUNTS,
    AccessToken,
    Account,
    AccountAct,
    AccountInvitation,
    DeviceKey,
    KeptAnswer,
    RateRow,
    SensitiveRead,
    UsedNonce,
)
from touchstone.server.accounts.people import remove_person, shown_person
from touchstone.server.accounts.preparing import ONLY_ADDED, open_accounts, prepare_accounts
from touchstone.server.accounts.reads import days_read, digest_of_day, note_read
from touchstone.server.errors import NotAuthenticatedError
from touchstone.server.principal import Principal

from .conftest import APP, NAME, OWNER

MACHINE = Manager.machine()
KINDS = (
    AccessToken,
    AccountInvitation,
    DeviceKey,
    Account,
    AccountAct,
    KeptAnswer,
    RateRow,
    SensitiveRead,
    UsedNonce,
)
AT_ONCE = 4


def table_of(kind: type) -> str:
    return f"accounts_{kind.__name__.lower()}"


@pytest.fixture(scope="module")
def _tables(server: Postgresql, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("prepared-accounts")
    prepare_accounts(home, server.address(APP, NAME), server.address(OWNER, NAME))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs_postgresql)])
def _accounts(request: pytest.FixtureRequest, home: Path) -> Iterator[None]:
    if request.param == "sqlite":
        open_accounts(home, None)
    else:
        request.getfixturevalue("_tables")
        server: Postgresql = request.getfixturevalue("server")
        tables = ", ".join(map(table_of, KINDS))
        server.admin(f"TRUNCATE {tables} RESTART IDENTITY CASCADE", database=NAME)
        open_accounts(home, server.address(APP, NAME))
    yield
    connections.close_all()


pytestmark = pytest.mark.usefixtures("_accounts")


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each gives or raises, all begun at the same moment, each with its own connection."""
    begin = Barrier(len(calls))

    def ran(call: Callable[[], Any]) -> Any:
        begin.wait()
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - told to the test
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(ran, calls))


def kinds(found: Sequence[Any]) -> list[str]:
    return sorted(type(each).__name__ for each in found)


def test_one_code_lets_one_device_in():
    told = invited("example-lab", "submitter")

    def takes(device: Device) -> Callable[[], Any]:
        envelope = device.joining(told.code)
        return lambda: redeem(proof(told.code, envelope), envelope, installation=AUD, now=NOW)

    found = at_once([takes(Device(f"device {number}")) for number in range(AT_ONCE)])
    assert kinds(found) == ["JoinedDevice", *[NotUsableError.__name__] * (AT_ONCE - 1)]
    assert DeviceKey.objects.count() == 1


def test_one_statement_gives_one_token():
    envelope = let_in("example-lab", "submitter").asking("read")

    def asks() -> Any:
        return issue_token(envelope, installation=AUD, now=NOW, random=RANDOM)

    found = at_once([asks] * AT_ONCE)
    assert kinds(found) == ["IssuedToken", *[StatementUsedError.__name__] * (AT_ONCE - 1)]
    assert AccessToken.objects.count() == 1


def test_two_administrators_do_not_remove_each_other():
    admins = [administrator(), administrator()]

    def removes(number: int) -> Callable[[], Any]:
        by = Manager(admins[number].person, "", frozenset({"administrator"}))
        return lambda: remove_person(by, admins[1 - number].person, now=NOW)

    found = at_once([removes(0), removes(1)])
    assert kinds(found) == [LastAdministratorError.__name__, "NoneType"]
    assert Account.objects.filter(institution="", is_active=True).count() == 1


def test_whoever_is_removed_has_no_token_that_came_at_the_same_time():
    for _ in range(3):
        device = let_in("example-lab", "submitter")
        token, _none = at_once(
            [
                lambda device=device: device.token("read"),  # type: ignore[misc]
                lambda device=device: remove_person(MACHINE, device.person, now=NOW),  # type: ignore[misc]
            ]
        )
        if not isinstance(token, UnprovenError):
            with pytest.raises(NotAuthenticatedError):
                principal_of(f"Bearer {token.token}", NOW)


def test_processes_have_together_what_one_would_have():
    rate, start = Rate("shared", 10, 5), 1_796_000_000_000

    def asks() -> int:
        limiter, let = Limiter(), 0
        for _ in range(4):
            try:
                limiter.take(rate, "a", start)
            except TooOftenError:
                return let
            let += 1
        return let

    assert sum(at_once([asks] * AT_ONCE)) == 5


def test_what_is_asked_twice_at_once_is_done_once():
    done, lock, master = [], Lock(), MasterKey(bytes(32))

    def do() -> Answer:
        with lock:
            done.append(1)
            return Answer(201, b"%d" % len(done), "application/json")

    request = AskedOnce("p1", "key", b"one")
    found = at_once([lambda: answered_once(request, master, NOW, do)] * AT_ONCE)
    assert found == [Answer(201, b"1", "application/json")] * AT_ONCE
    assert done == [1]


@pytest.mark.parametrize("person", ["\x00", "\udc9b", "p" * 10_000, "'; --"])
def test_no_text_is_a_fault_of_the_database(person: str):
    with pytest.raises(NoSuchPersonError):
        shown_person(MACHINE, person)
    with pytest.raises(NotAuthenticatedError):
        principal_of(f"Bearer {person}", NOW)


def test_whoever_serves_cannot_change_what_only_grows():
    device = let_in("example-lab", "submitter")
    reader = Principal(device.person, "example-lab", frozenset(), frozenset(), "t")
    note_read(reader, "case-1", "v1/x", 0, 1, now=NOW)
    assert digest_of_day(NOW[:10], "case-1", bytes(32))[0] == 1
    assert list(days_read(NOW[:10], "2999-01-01")) == [(NOW[:10], "case-1")]
    if not is_postgresql(ACCOUNTS):
        return
    assert set(ONLY_ADDED) == {table_of(AccountAct), table_of(SensitiveRead)}
    for kind in (AccountAct, SensitiveRead):
        rows: Any = kind.objects.all()
        with pytest.raises(ProgrammingError, match="denied"):
            rows.delete()
        with pytest.raises(ProgrammingError, match="denied"):
            rows.update(person="x")


def test_tables_are_made_by_their_owner_alone(server: Postgresql, home: Path):
    if not is_postgresql(ACCOUNTS):
        return
    server.admin("DROP DATABASE IF EXISTS unprepared", f"CREATE DATABASE unprepared OWNER {OWNER}")
    with pytest.raises(NotPreparedError, match="doctor --prepare"):
        open_accounts(home, server.address(APP, "unprepared"))
    with pytest.raises(RecordsError):
        prepare_accounts(home, server.address(APP, "unprepared"))
