"""Servers on one PostgreSQL: killed in the middle of something, and two that do the same."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connections

from support.killed import LAB, NOTE, Place, asked, is_busy
from support.liar import lying
from support.party_homes import machines
from support.party_server import CASE
from support.postgresql import Postgresql, running_postgresql
from support.receivers import HookServer, serving
from support.served import MEETING, UNMARKED, code_for, command, serve_process
from touchstone.handin import utc_text
from touchstone.keys import SystemClock, SystemRandom
from touchstone.records import DATABASE, DATABASE_READER, prepare
from touchstone.server.accounts.models import ACCOUNTS, Account, NoticeRow
from touchstone.server.accounts.preparing import open_accounts, prepare_accounts
from touchstone.server.accounts.reads import note_read
from touchstone.server.notices.channels import add_webhook
from touchstone.server.principal import Principal
from touchstone.service.configuration import CONFIGURATION

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


def test_another_server_answers_for_one_that_was_killed_before_its_answer(place: Place):
    """The same bytes to the other process of the same database: one entry, and one answer."""
    with serve_process(place.home, settings=place.settings) as other:
        before, killed = place.entries(), place.served
        assert killed is not None
        place.fault.write_text("before the answer")
        assert "waits for an answer: " in place.does(*NOTE, "By one of two.").line()
        assert killed.process.wait() == -signal.SIGKILL
        place.fault.unlink()
        assert place.entries() == before + 1
        (sent,) = {*place.liar.deeds()}
        place.liar.honest = other.url
        answer = place.is_answered_once(before)
    # And the first one, once it runs again, says the very same of these bytes.
    place.start()
    assert place.served is not killed
    assert asked(place, f"cases/{CASE}/deeds", sent).content == answer
    assert place.entries() == before + 1


def person_of_the_lab(place: Place) -> Principal:
    open_accounts(place.home, place.settings[DATABASE])
    person = Account.objects.using(ACCOUNTS).get(institution=LAB).person
    return Principal(person, LAB, frozenset({"lead"}), frozenset({"read"}), "t")


def stopped(place: Place) -> None:
    """No server runs that would do what the test is about."""
    assert place.served is not None
    place.served.kill()


def test_of_two_servers_that_record_the_same_day_of_reads_one_does(place: Place, tmp_path: Path):
    stopped(place)
    # Long enough ago to be over, whatever hour it is.
    day = utc_text(SystemClock().now() - timedelta(days=2))
    note_read(person_of_the_lab(place), CASE, "v1/cases/<case>/entries", 0, 1, now=day)
    before, gates = place.entries(), [str(tmp_path / name) for name in ("a-", "b-")]
    with ExitStack() as stack:
        for gate in gates:
            for pipe in ("there", "go", "done"):
                os.mkfifo(gate + pipe)
            settings = {**place.settings, "GATE": gate}
            stack.enter_context(serve_process(place.home, settings=settings, before=MEETING))
        # Both have looked, and neither has recorded.
        for pipe, mode in (("there", "r"), ("go", "w")):
            for gate in gates:
                Path(gate + pipe).open(mode).close()
        recorded = [int(Path(gate + "done").read_text()) for gate in gates]
    assert sorted(recorded) == [0, 1]
    assert place.entries() == before + 1
    asks = ("reads", "show", CASE, "--day", day[:10], "--json")
    shown = command(place.home, *asks, settings=place.settings)
    assert [each["stands"] for each in json.loads(shown.out)["days"]] == ["as-recorded"]


def test_a_notice_of_a_server_that_was_killed_before_its_mark_comes_again_with_its_id(
    place: Place,
):
    stopped(place)
    hook, by = HookServer(), person_of_the_lab(place)
    now = utc_text(SystemClock().now())
    chosen = place.home / CONFIGURATION
    chosen.write_text(
        '[notices]\nlink = "https://reviews.example/"\nprivate_webhooks = ["127.0.0.0/8"]\n'
    )
    address = f"http://127.0.0.1:{hook.server_address[1]}/told"
    add_webhook(by, address, now=now, random=SystemRandom())
    rows = NoticeRow.objects.using(ACCOUNTS).filter(target=address)
    with serving(hook):
        with serve_process(place.home, settings=place.settings, before=UNMARKED) as served:
            assert served.process.wait(60) == -signal.SIGKILL
        assert [each.state for each in rows] == ["sending"]
        # Its lease is over, as it is ten minutes later.
        rows.update(next_at=now)
        for _ in range(2):
            said = command(place.home, "notices", "send", settings=place.settings)
            assert said.code == 0, said.err
            open_accounts(place.home, place.settings[DATABASE])
    told = [json.loads(body) for _, _, body in hook.taken]
    assert [each["id"] for each in told] == [rows.get().name] * 2
    assert [each["repeats"] for each in told] == [False, True]
    assert rows.get().state == "sent"
    chosen.unlink()
