"""Logs of contract 2 as kept: deeds signed elsewhere, answered once and for good."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest
from django.db import connections, transaction

from support import deeds
from support.cluster_files import session
from support.deed_server import AT, Hand, begun, drawn, key_act, topics_of
from support.ledger_signer import Signer
from support.postgresql import ADMIN
from support.record_place import Place
from support.stored_deeds import (
    CASE,
    KINDS,
    InBatch,
    StoredScene,
    StoredServer,
    child,
    judge,
    opened,
    outbox,
)
from touchstone.ledger import RefusedDeedError, UnpromisedError, fingerprint, parse_entry
from touchstone.ledger.contract2 import (
    RecordedAnswer,
    RefusedAnswer,
    SignedAnswer,
    SubmittedDeed,
    parse_statement_envelope,
)
from touchstone.records import (
    BusyError,
    DamagedError,
    DeedBatch,
    DeedRefusedError,
    DeedTaking,
    DestroyedError,
    EarlierContractError,
    PartError,
    deedlog,
    eventrows,
)
from touchstone.records import deeds as taken
from touchstone.records.deedlog import LogKnown
from touchstone.records.models import InstallationRow
from touchstone.records.remembered import Remembered
from touchstone.records.settings import connect

NEXT = "2026-11-21T09:00:01Z"


@pytest.fixture
def scene(place: Place) -> StoredScene:
    return opened(place)


def whole(scene: StoredScene, size: int, case: str = CASE) -> None:
    """As many entries, and nothing amiss with any of them."""
    records = scene.place.open()
    assert records.case(case).size == size
    (listed,) = (one.summary for one in records.cases() if one.case == case)
    assert list(records.check_case(case, lambda *_: listed)) == []
    assert list(records.check()) == []


def recorded(answer: SignedAnswer) -> RecordedAnswer:
    assert isinstance(answer.answer, RecordedAnswer), answer.answer
    return answer.answer


def refused(answer: SignedAnswer) -> str:
    assert isinstance(answer.answer, RefusedAnswer), answer.answer
    return answer.answer.code


def test_a_case_is_begun_by_a_deed_and_goes_on_by_deeds(scene: StoredScene):
    answer = recorded(scene.lab.act(scene.server, "review-halted", content="why"))
    assert (answer.n, answer.size) == (4, 5)
    case = scene.records.case(CASE)
    assert (case.contract, case.root, case.log) == (2, answer.root, answer.log)
    assert [entry.n for entry in case.entries()] == list(range(5))
    parts = case.entry_parts(4)
    assert [part.clear for part in parts] == [True, False, True, True]
    assert b"why" in (parts[1].data or b"")
    whole(scene, 5)


def test_the_same_bytes_have_the_same_answer(scene: StoredScene):
    deed = scene.lab.sign(scene.server, "review-halted", content="why")
    first = scene.server.submit(deed, "example-lab")
    scene.centre.act(scene.server, "finding-made")
    again = StoredServer(scene.place.open(), scene.place.keyring)
    assert again.submit(deed, "example-lab", NEXT).line == first.line
    with pytest.raises(UnpromisedError, match="its own party alone"):
        scene.server.submit(deed, "example-centre")
    assert scene.records.deeds.answer(first.answer.deed, "example-lab") == first
    assert scene.records.deeds.answer(first.answer.deed, "example-centre") is None
    whole(scene, 6)


def test_what_began_a_case_begins_no_other_and_is_answered_the_same(place: Place):
    server = StoredServer(place.open(), place.keyring)
    sent = []

    def noting(taking: DeedTaking) -> None:
        sent.append(taking)
        judge(taking)

    server.judge = noting
    scene = StoredScene(place, server, *begun(server, KINDS))
    first = sent[0].admitted
    deed = SubmittedDeed(first.envelope.value, first.parts)
    receipt = scene.records.deeds.answer(first.statement.digest, "example-centre")
    assert receipt
    assert server.submit(deed, "example-centre", NEXT).line == receipt.line
    elsewhere = replace(server, case="deeds-2")
    assert elsewhere.submit(deed, "example-centre", NEXT).line == receipt.line
    with pytest.raises(UnpromisedError):
        server.submit(deed, "example-lab")
    assert scene.records.names() == [CASE]
    whole(scene, 4)


def test_a_second_deed_at_one_seq_is_refused_for_good(scene: StoredScene):
    one = scene.lab.sign(scene.server, "review-halted")
    other = scene.lab.sign(scene.server, "finding-made")
    recorded(scene.server.submit(one, "example-lab"))
    refusal = scene.server.submit(other, "example-lab")
    assert refused(refusal) == "fork"
    assert scene.server.submit(other, "example-lab", NEXT).line == refusal.line
    whole(scene, 5)


def test_the_keys_of_a_log_are_followed_once_also_where_deeds_are_refused(
    scene: StoredScene, monkeypatch: pytest.MonkeyPatch
):
    followed: list[list[int]] = []
    read = eventrows.read_events_at

    def noting(alias: str, case: str, places: list[int], contract: int) -> object:
        followed.append(places)
        return read(alias, case, places, contract)

    monkeypatch.setattr(deedlog, "read_events_at", noting)

    def unlawful(_: DeedTaking) -> None:
        raise RefusedDeedError("unlawful", "not now")

    # As another process, which knows nothing of the log yet.
    anew = StoredServer(scene.place.open(), scene.place.keyring, judge=unlawful)
    for text in ("one", "two"):
        deed = scene.lab.sign(scene.server, "review-halted", content=text)
        assert refused(anew.submit(deed, "example-lab")) == "unlawful"
    assert len(followed) == 1


def test_a_refusal_is_final_and_takes_back_what_was_written_before_it(scene: StoredScene):
    deed = scene.lab.sign(scene.server, "review-halted", content="why")

    def unlawful(taking: DeedTaking) -> None:
        taking.writer.put_evidence(b"evidence", "text/plain", "log")
        judge(taking)
        raise RefusedDeedError("unlawful", "not now")

    strict = replace(scene.server, judge=unlawful)
    refusal = strict.submit(deed, "example-lab")
    assert refused(refusal) == "unlawful"
    case = scene.records.case(CASE)
    assert (case.size, case.evidence_index()) == (4, [])
    assert scene.server.submit(deed, "example-lab", NEXT).line == refusal.line
    scene.lab.act(scene.server, "review-halted")
    assert refusal in scene.records.case(CASE).answers("example-lab")
    assert refusal not in scene.records.case(CASE).answers("example-centre")
    scene.records.sweep()
    whole(scene, 5)


def test_only_so_much_is_remembered_and_what_is_forgotten_is_read_anew(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """A server meets more cases than it can hold in memory."""
    made: list[Remembered[LogKnown]] = []

    def bounded(most: int) -> Remembered[LogKnown]:
        made.append(Remembered(min(most, 1)))
        return made[-1]

    monkeypatch.setattr(taken, "Remembered", bounded)
    scene = opened(place)
    other = replace(scene.server, case="deeds-2")
    begun(other, KINDS, "another")
    assert [len(each) for each in made if len(each)] == [1]
    # The case that came second is remembered: the first is read from its tables, and goes on.
    scene.lab.act(scene.server, "review-halted")
    whole(scene, 5)
    assert scene.records.deeds.has_joined(other.case, "example-lab")


def test_what_promises_nothing_writes_nothing(scene: StoredScene):
    deed = scene.lab.sign(scene.server, "review-halted", content="why")

    def not_here_yet(taking: DeedTaking) -> None:
        judge(taking)
        raise UnpromisedError("evidence", "not here yet")

    with pytest.raises(UnpromisedError, match="not here yet"):
        replace(scene.server, judge=not_here_yet).submit(deed, "example-lab")
    with pytest.raises(PartError, match="not recorded"):
        replace(scene.server, judge=lambda _: None).submit(deed, "example-lab")
    whole(scene, 4)
    assert recorded(scene.server.submit(deed, "example-lab")).n == 4


def test_topics_and_keys_are_those_of_the_tables(scene: StoredScene):
    halt = scene.lab.act(scene.server, "review-halted")
    held = scene.device.sign(scene.server, "review-resumed")
    scene.lab.act(scene.server, "review-halted")
    answer = scene.server.submit(held, "example-lab")
    assert refused(answer) == "topic-moved"
    assert scene.records.deeds.newest(CASE, "halt") == recorded(halt).n + 1
    stranger = Hand("example-lab", Signer("stranger"))
    with pytest.raises(UnpromisedError, match="not admitted"):
        scene.server.submit(stranger.sign(scene.server, "review-halted"), "example-lab")
    # Another process reads the keys from entry 0 on, this one goes on from where it was.
    other = StoredServer(scene.place.open(), scene.place.keyring)
    scene.device.act(other, "review-resumed")
    scene.centre.act(scene.server, "finding-made")
    whole(scene, 8)


CHANGE = "UPDATE records_partrow SET body = NULL WHERE i = 0 AND n = "


def damage(place: Place, n: int) -> None:
    """Make part 0 of an entry another one's than its entry says."""
    if place.server:
        lifted = ["ALTER TABLE records_partrow DISABLE TRIGGER ALL"]
    else:
        lifted = ["DROP TRIGGER records_partrow_kept", "DROP TRIGGER records_partrow_clear"]
    place.owner(*lifted, f"{CHANGE}{n:d}")


def test_another_process_reads_of_the_past_what_touches_keys_and_nothing_else(scene: StoredScene):
    for _ in range(3):
        scene.lab.act(scene.server, "review-halted")
    damage(scene.place, 5)
    other = StoredServer(scene.place.open(), scene.place.keyring)
    assert recorded(scene.device.act(other, "review-resumed")).n == 7


def test_a_damaged_act_on_keys_lets_nobody_sign(scene: StoredScene):
    scene.lab.act(scene.server, "review-halted")
    damage(scene.place, 3)
    other = StoredServer(scene.place.open(), scene.place.keyring)
    with pytest.raises(DamagedError):
        scene.device.act(other, "review-resumed")


@pytest.mark.parametrize("what", ["die-after", "die-before"])
def test_a_crash_between_append_and_answer_loses_and_doubles_nothing(scene: StoredScene, what: str):
    process = child(scene.place, "example-lab", "lab", what, 1)
    process.communicate(timeout=60)
    assert process.returncode == -9
    deed = outbox(scene.place.home)
    assert scene.records.case(CASE).size == (5 if what == "die-after" else 4)
    answer = scene.server.submit(deed, "example-lab", NEXT)
    assert recorded(answer).n == 4
    assert recorded(answer).at == (AT if what == "die-after" else NEXT)
    assert scene.server.submit(deed, "example-lab", NEXT).line == answer.line
    whole(scene, 5)


def test_two_processes_at_once_leave_one_log(scene: StoredScene):
    hands = (("example-lab", "lab"), ("example-centre", "centre"))
    processes = [child(scene.place, party, name, "send", 8) for party, name in hands]
    said = [process.communicate(timeout=60)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(map(int, said[0] + said[1])) == list(range(4, 20))
    whole(scene, 20)


def test_one_deed_sent_twice_at_once_is_one_entry(scene: StoredScene):
    deed = scene.lab.sign(scene.server, "review-halted")

    def send(_: int) -> bytes:
        try:
            return scene.server.submit(deed, "example-lab").line
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(send, range(8)))) == 1
    whole(scene, 5)


def test_destruction_keeps_what_later_deeds_are_held_against(scene: StoredScene):
    scene.lab.act(scene.server, "review-halted", content="why")
    scene.centre.act(scene.server, "case-destroyed")
    case = scene.records.case(CASE)
    assert case.destroyed
    # A release has no content, and neither has the lifting of an order.
    assert recorded(scene.lab.act(scene.server, "released")).n == 6
    assert (
        refused(
            scene.server.submit(
                scene.lab.sign(scene.server, "released", content="x"), "example-lab"
            )
        )
        == "destroyed"
    )
    parts = [part for part in scene.records.case(CASE).parts() if part.n in (4, 6)]
    assert [part.data is not None for part in parts] == [
        True,
        False,
        True,
        True,
        False,
        False,
        False,
        False,
        True,
        True,
        True,
        False,
        False,
        False,
        False,
        False,
    ]
    assert scene.records.destructions.certificate(CASE) == "certificate"
    whole(scene, 7)


def test_what_is_in_clear_is_never_erased(scene: StoredScene):
    scene.lab.act(scene.server, "review-halted", content="why")
    for i in (2, 3):
        with (
            pytest.raises(PartError, match="could be erased"),
            scene.records.transaction(CASE) as writer,
        ):
            writer.erase(4, i, "by agreement")
    with scene.records.transaction(CASE) as writer:
        writer.erase(4, 1, "by agreement")
    whole(scene, 5)


def test_a_log_of_contract_1_is_never_extended(scene: StoredScene):
    deeds.open_case(scene.records)
    assert parse_entry(next(scene.records.case("case-1").lines())).n == 0
    older = replace(scene.server, case="case-1")
    with (
        pytest.raises(EarlierContractError, match="contract 1"),
        scene.records.deeds.together("case-1"),
    ):
        pass
    # Who sends is told the same as of a case that is not there.
    for each in (older, replace(scene.server, case="none")):
        with pytest.raises(UnpromisedError, match="no case of that name"):
            each.submit(scene.lab.sign(scene.server, "review-halted"), "example-lab")
    whole(scene, 4)


def test_rebuild_leaves_such_a_case_as_it_was(scene: StoredScene):
    assert scene.records.rebuild(lambda *_: deeds.summary("rebuilt")) == [CASE]
    whole(scene, 4)


def test_content_of_a_destroyed_case_is_gone(scene: StoredScene):
    scene.centre.act(scene.server, "case-destroyed")
    with pytest.raises(DestroyedError):
        scene.records.case(CASE).evidence_index()


def together(scene: StoredScene, *hands: Hand) -> list[SignedAnswer]:
    """A halt by each of them in one transaction, each sent twice."""
    answers = []
    with scene.records.deeds.together(CASE) as batch:
        for hand in hands:
            # What the batch appended is part of the log on which the next one is signed.
            deed = hand.sign(InBatch(scene.server, batch.writer.past), "review-halted")
            answers.append(take(batch, deed))
            hand.done(deed)
            answers.append(take(batch, deed))
    return answers


def take(batch: DeedBatch, deed: SubmittedDeed) -> SignedAnswer:
    actor = parse_statement_envelope(deed.envelope).statement.actor
    return batch.take(deed, asker=actor, now=AT, topics=topics_of, judge=judge)


def test_deeds_of_one_batch_follow_each_other_and_stand_together(scene: StoredScene):
    answers = together(scene, scene.lab, scene.centre, scene.lab, scene.device)
    assert [recorded(answer).n for answer in answers] == [4, 4, 5, 5, 6, 6, 7, 7]
    assert [one.line for one in answers[::2]] == [one.line for one in answers[1::2]]
    assert scene.records.deeds.newest(CASE, "halt") == 7
    scene.lab.act(scene.server, "review-halted")
    whole(scene, 9)


def test_a_batch_with_a_refusal_leaves_the_refusal_alone(scene: StoredScene):
    held = scene.device.sign(scene.server, "review-resumed")
    halt = scene.lab.sign(scene.server, "review-halted")

    def both() -> None:
        with scene.records.deeds.together(CASE) as batch:
            take(batch, halt)
            take(batch, held)

    with pytest.raises(DeedRefusedError, match="halt") as refusal:
        both()
    assert refused(refusal.value.answer) == "topic-moved"
    # The halt was taken back with it and promised nothing; the resume is never recorded.
    assert scene.records.deeds.answer(refusal.value.answer.answer.deed, "example-lab")
    assert scene.records.case(CASE).size == 4
    assert recorded(scene.server.submit(halt, "example-lab")).n == 4
    assert scene.server.submit(held, "example-lab").line == refusal.value.answer.line
    whole(scene, 5)


def test_a_deed_that_is_taken_back_is_never_recorded(scene: StoredScene):
    deeds = scene.records.deeds
    one = scene.lab.sign(scene.server, "review-halted")
    with pytest.raises(UnpromisedError, match="its own party alone"):
        deeds.cancel(CASE, one.envelope, asker="example-centre", now=AT)
    refusal = deeds.cancel(CASE, one.envelope, asker="example-lab", now=AT)
    assert refused(refusal) == "cancelled"
    assert scene.server.submit(one, "example-lab").line == refusal.line
    # With the refusal in hand the party signs another at the same seq; that one stands.
    receipt = scene.lab.act(scene.server, "finding-made")
    assert recorded(receipt).n == 4
    stood = scene.lab.sign(scene.server, "review-halted")
    answer = scene.server.submit(stood, "example-lab")
    assert deeds.cancel(CASE, stood.envelope, asker="example-lab", now=NEXT) == answer
    stranger = Hand("example-lab", Signer("stranger")).sign(scene.server, "review-halted")
    with pytest.raises(UnpromisedError, match="not admitted"):
        deeds.cancel(CASE, stranger.envelope, asker="example-lab", now=AT)
    whole(scene, 6)


def first_deed(server: StoredServer, name: str) -> SubmittedDeed:
    """What opens a case, by a key of that name."""
    hand = Hand("example-centre", Signer(name))
    joins = key_act(
        server,
        "example-centre",
        act="joined",
        party="example-centre",
        role="centre",
        key=hand.signer.public_key.hex(),
        next=fingerprint(Signer(f"{name} next").public_key),
    )
    facts = {
        "agreement": "sha256:" + drawn("agreement").hex(),
        "nonce": drawn("nonce", name).hex(),
        "installation_key": server.installation.public_key.hex(),
    }
    return hand.sign(server, "case-opened", **joins | {"facts": facts | joins["facts"]})


def _without_a_summary(taking: DeedTaking) -> None:
    taking.record()


def test_a_case_is_begun_once_under_a_name_and_with_a_summary(place: Place):
    server = StoredServer(place.open(), place.keyring)
    deed = first_deed(server, "centre")
    for name in ("", "A", "../x", "a b", "x" * 65, "-x", "a\n"):
        with pytest.raises(PartError, match="no name of a case"):
            replace(server, case=name).submit(deed, "example-centre")
    with pytest.raises(PartError, match="begins with a summary"):
        replace(server, judge=_without_a_summary).submit(deed, "example-centre")
    assert server.records.names() == []
    assert recorded(server.submit(deed, "example-centre")).n == 0
    other = first_deed(server, "another")
    # It names this log, where it can never be right.
    assert refused(server.submit(other, "example-centre")) == "keys"
    whole(StoredScene(place, server, *[Hand("example-centre", Signer("centre"))] * 3), 1)


@pytest.mark.needs_postgresql
def test_of_two_who_begin_a_case_at_once_one_is_told(postgresql_place: Place):
    """On SQLite the second waits for the first; here both begin."""
    both = threading.Barrier(2)
    server = StoredServer(postgresql_place.open(), postgresql_place.keyring)

    def waiting(taking: DeedTaking) -> None:
        both.wait(10)
        judge(taking)

    server.judge = waiting
    sent = [first_deed(server, name) for name in ("one", "two")]

    def send(deed: SubmittedDeed) -> str:
        try:
            recorded(server.submit(deed, "example-centre"))
        except UnpromisedError as error:
            return error.code
        finally:
            connections.close_all()
        return "opened"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(send, sent)) == ["another-log", "opened"]
    server.records.case(CASE).check()


@pytest.mark.needs_postgresql
def test_a_deed_waits_for_nobody_who_holds_the_installations_log(postgresql_place: Place):
    """Only on PostgreSQL can two write at once."""
    scene = opened(postgresql_place)
    assert scene.records.installation.publish() == 1
    alias = scene.records._alias
    held, done = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        try:
            with transaction.atomic(using=alias):
                InstallationRow.objects.using(alias).select_for_update().get()
                held.set()
                done.wait(20)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold, None)
        assert held.wait(20)
        try:
            scene.lab.act(scene.server, "review-halted")
        finally:
            done.set()
        holding.result()
    assert scene.records.installation.publish() == 1
    whole(scene, 5)


@contextmanager
def held_open(scene: StoredScene, case: str) -> Iterator[None]:
    """Somebody else's transaction on a case, which has its lock and does not end."""
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with scene.records.deeds.together(case):
                held.set()
                assert done.wait(60)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        try:
            assert held.wait(20)
            yield
        finally:
            done.set()
        holding.result()


@pytest.fixture
def other(scene: StoredScene) -> StoredScene:
    """Another case of the same installation."""
    server = StoredServer(scene.records, scene.place.keyring, case="deeds-2")
    return StoredScene(scene.place, server, *begun(server, KINDS, "another"))


@pytest.mark.needs_postgresql
@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
def test_a_deed_waits_for_no_transaction_of_another_case(scene: StoredScene, other: StoredScene):
    with held_open(scene, CASE):
        assert recorded(other.lab.act(other.server, "review-halted")).n == 4
        # Nor does who publishes heads, that of the case under way included: the one that stands.
        assert scene.records.installation.publish() == 2
    whole(scene, 4)
    whole(other, 5, "deeds-2")


@pytest.mark.needs_postgresql
@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
def test_twin_of_the_same_case_it_waits(scene: StoredScene):
    with ThreadPoolExecutor(1) as pool:
        with held_open(scene, CASE):
            acting = pool.submit(_act, scene)
            with session(scene.place, ADMIN) as looking:
                while looking.execute(WAITING).fetchone() == (0,):
                    assert not acting.done()
        assert acting.result() == 4
    whole(scene, 5)


WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


def _act(scene: StoredScene) -> int:
    try:
        return recorded(scene.lab.act(scene.server, "review-halted")).n
    finally:
        connections.close_all()


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_on_sqlite_one_writes_at_a_time_whatever_the_case_and_all_read(
    scene: StoredScene, other: StoredScene
):
    """The file has one writer: who comes second waits for it, at most WAIT_SECONDS."""
    alias = connect(scene.place.home, None)
    with held_open(scene, CASE):
        assert other.records.case("deeds-2").size == 4
        assert len(other.records.cases()) == 2
        with connections[alias].cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 1")
        with pytest.raises(BusyError):
            other.lab.act(other.server, "review-halted")
    assert recorded(other.lab.act(other.server, "review-halted")).n == 4
    whole(other, 5, "deeds-2")
