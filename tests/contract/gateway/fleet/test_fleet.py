"""Two gateways of one developer on a real PostgreSQL: one order, and no stale service anywhere."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from support.gateway import (
    ONLY_XA,
    PERMIT_ALL,
    SECONDS,
    Chain,
    RunningGateway,
    running_gateway,
    wait_for,
)
from support.gateway_loop import Stub
from support.postgresql import ADMIN, Postgresql
from touchstone.gateway.config import load_config
from touchstone.gateway.receipts import SignedReceipt
from touchstone.keys import FileSigner

pytestmark = [pytest.mark.needs_postgresql]
LEASE = 1.0
Pair = tuple[RunningGateway, RunningGateway]


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory, stub: Stub, postgresql: Postgresql
) -> Iterator[Pair]:
    """Only the first has a feed that anything is put into."""
    postgresql.admin("CREATE DATABASE pair")
    more = f'[processes]\ndrain_seconds = 0.1\n[fleet]\ndsn_env = "FLEET"\nlease_seconds = {LEASE}'
    chain = Chain()
    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("FLEET", postgresql.address(ADMIN, "pair"))
        first, second = (
            stack.enter_context(
                running_gateway(
                    tmp_path_factory.mktemp(name),
                    stub.url,
                    workers=1,
                    chain=chain,
                    name=name,
                    more=more,
                )
            )
            for name in ("one", "two")
        )
        first.applied(PERMIT_ALL)
        for each in (first, second):
            each.serving()
        yield first, second


def pids(gateway: RunningGateway) -> list[int]:
    return [gateway.process.pid, *gateway.workers]


@contextlib.contextmanager
def stopped(processes: list[int]) -> Iterator[None]:
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in processes:
            os.kill(pid, signal.SIGCONT)


def everywhere(gateway: RunningGateway) -> bool:
    status = gateway.status()
    return (
        status["fleet"]["applied_everywhere"]
        and status["receipt"] == status["bundle"]["number"]
        and all(
            each["obeys"] == status["bundle"]["number"] or not each["alive"]
            for each in status["fleet"]["members"]
        )
    )


def put_in_force(pair: Pair, rule: object) -> int:
    number = pair[0].applied(rule).receipt.number  # type: ignore[arg-type]
    pair[1].receipt(number)
    return number


def test_what_one_takes_all_apply_and_tell_in_the_log(pair: Pair, postgresql: Postgresql):
    put_in_force(pair, PERMIT_ALL)
    number = put_in_force(pair, ONLY_XA)
    for each in pair:
        denied(each)
    wait_for(lambda: everywhere(pair[0]) and everywhere(pair[1]), SECONDS, "word from everywhere")
    names = {each["gateway"] for each in pair[0].status()["fleet"]["members"]}
    assert names == {"one", "two"}

    def told() -> dict[str, bytes]:
        with psycopg.connect(postgresql.address(ADMIN, "pair")) as connection:
            rows = connection.execute(
                "SELECT gateway, data FROM touchstone_fleet_receipts WHERE number = %s", (number,)
            )
            return {name: bytes(data) for name, data in rows}

    wait_for(lambda: told().keys() == names, SECONDS, "receipts in the log")
    for name, gateway in zip(("one", "two"), pair, strict=True):
        key = FileSigner.load(load_config(gateway.config).key_file)
        SignedReceipt.parse(told()[name]).verify(key.public_key)


def test_a_paused_gateway_counts_as_silent_and_acts_on_nothing_old_when_it_wakes(pair: Pair):
    put_in_force(pair, PERMIT_ALL)
    one, two = pair
    stream = two.connect("bea", stream=True)
    answer = stream.getresponse()
    assert answer.read(100)
    with stopped(pids(two)):
        one.applied(ONLY_XA)
        wait_for(lambda: everywhere(one), SECONDS, "end of the other's lease")
        wait_for(lambda: alive(one) == {"one": True, "two": False}, SECONDS, "silence")
    answers = [two.post("bea")[0] for _ in range(20)]
    assert set(answers) <= {403, 503}
    with pytest.raises(ConnectionResetError):
        answer.read()
    stream.close()
    wait_for(lambda: status_of(two) == 200, SECONDS, "service")


def alive(gateway: RunningGateway) -> dict[str, bool]:
    """Who has a lease, as a gateway heard."""
    return {each["gateway"]: each["alive"] for each in gateway.status()["fleet"]["members"]}


def denied(gateway: RunningGateway) -> None:
    """Wait until bea is denied by the terms; she is never served meanwhile.

    On a busy machine a lease may run out in between: then nothing is served at all.
    """

    def is_denied() -> bool:
        status = gateway.post("bea")[0]
        assert status in {403, 503}
        return status == 403

    wait_for(is_denied, SECONDS, "denial")


def test_workers_whose_supervisor_is_paused_stop_by_themselves(pair: Pair):
    put_in_force(pair, PERMIT_ALL)
    two = pair[1]
    with stopped([two.process.pid]):
        wait_for(lambda: status_of(two) == 503, SECONDS, "end of service")
    wait_for(lambda: status_of(two) == 200, SECONDS, "service")


def status_of(gateway: RunningGateway) -> int:
    """Of a request; 0: it was cut."""
    try:
        return gateway.post("ann")[0]
    except ConnectionResetError:
        return 0


def test_without_the_log_nothing_is_served_after_a_lease(pair: Pair, postgresql: Postgresql):
    put_in_force(pair, PERMIT_ALL)
    postgresql.admin(
        "ALTER DATABASE pair ALLOW_CONNECTIONS false",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'pair'",
    )
    for each in pair:
        each.serving(yes=False)
    assert [each.post("ann")[0] for each in pair] == [503, 503]
    assert pair[0].status()["fleet"]["lost"]
    postgresql.admin("ALTER DATABASE pair ALLOW_CONNECTIONS true")
    for each in pair:
        each.serving()


def test_a_server_that_is_killed_is_a_log_that_is_lost(pair: Pair, postgresql: Postgresql):
    put_in_force(pair, PERMIT_ALL)
    server = int((postgresql.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(server, signal.SIGQUIT)
    for each in pair:
        each.serving(yes=False)
    assert Path(f"/proc/{pair[0].process.pid}").exists()
