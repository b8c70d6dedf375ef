"""A server on PostgreSQL that is killed, or loses its database, in the middle of a deed."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from django.db import connections

from support.killed import LAB, NOTE, Place, asked, is_busy
from support.liar import lying
from support.party_homes import machines
from support.party_server import CASE
from support.postgresql import Postgresql, running_postgresql
from support.served import code_for
from touchstone.records import DATABASE, DATABASE_READER, prepare
from touchstone.server.accounts.preparing import prepare_accounts

pytestmark = pytest.mark.needs_postgresql
OWNER, APP, READER, NAME = "record_owner", "record_app", "record_reader", "record"

END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'record'"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Postgresql]:
    with running_postgresql() as running:
        roles = [f"CREATE ROLE {role} LOGIN" for role in (OWNER, APP, READER)]
        running.admin(*roles, f"CREATE DATABASE {NAME} OWNER {OWNER}")
        yield running


@pytest.fixture(scope="module")
def place(cluster: Postgresql, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("killed")
    home = folder / "server"
    home.mkdir(mode=0o700)
    app, owner, reader = (cluster.address(role, NAME) for role in (APP, OWNER, READER))
    prepare(home, app, owner, reader)
    prepare_accounts(home, app, owner)
    settings = {DATABASE: app, DATABASE_READER: reader}
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        with machines(folder, apart=False) as made:
            pinned = made.pinned
        code = code_for(home, LAB, app)
        liar = stack.enter_context(lying(""))
        found = Place(folder, liar, pinned, settings=settings, stack=stack)
        found.start()
        found.join(code)
        yield found
    connections.close_all()


@pytest.fixture(autouse=True)
def runs(place: Place) -> Iterator[None]:
    """Each test begins with a server that runs and an honest way to it."""
    place.start()
    place.liar.tell_the_truth()
    yield
    place.fault.unlink(missing_ok=True)


@pytest.mark.parametrize("moment", ["within the transaction", "before the answer"])
def test_a_server_that_is_killed_in_the_middle_of_a_deed(place: Place, moment: str):
    place.dies(moment)


def test_a_database_that_ends_and_refuses_in_the_middle_of_a_deed(
    place: Place, cluster: Postgresql
):
    before = place.entries()

    def ends(method: str, path: str) -> None:
        if (method, path[-6:]) == ("POST", "/deeds"):
            cluster.admin(
                f"ALTER DATABASE {NAME} ALLOW_CONNECTIONS false",
                END_ALL,
            )

    place.liar.meets = ends
    try:
        assert "waits for an answer: " in place.does(*NOTE, "In the middle.").line()
        is_busy(asked(place, f"cases/{CASE}/head"), place.home)
        is_busy(asked(place, f"cases/{CASE}/deeds", place.liar.deeds()[0]), place.home)
    finally:
        cluster.admin(f"ALTER DATABASE {NAME} ALLOW_CONNECTIONS true")
    # What this process kept open was ended, too.
    connections.close_all()
    assert place.entries() == before
    place.is_answered_once(before)
