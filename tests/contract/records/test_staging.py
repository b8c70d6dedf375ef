"""Bytes that a party sends before its deed: what is here, whose it is, and what a crash leaves."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from support import deeds, stored_deeds
from support.deed_server import AT, key_act
from support.record_place import Place
from support.stored_deeds import CASE, StoredScene, opened
from touchstone.ledger import UnpromisedError
from touchstone.records import (
    BusyError,
    Deeds,
    DeedTaking,
    DestroyedError,
    EvidenceMissingError,
    PartError,
    Records,
    StagingError,
    UnreachableError,
    stagedfiles,
    staging,
)
from touchstone.records.inserting import case_head
from touchstone.records.models import StagedPieceRow, StagedRow
from touchstone.records.settings import connect

LAB, CENTRE, STRANGER = "example-lab", "example-centre", "example-agency"
DATA = bytes(range(256)) * 1000
DIGEST = deeds.digest_of(DATA)
LOG = ("text/plain", "log")


@pytest.fixture
def scene(place: Place, monkeypatch: pytest.MonkeyPatch) -> StoredScene:
    monkeypatch.setattr(staging, "SHORTEST", 10)
    return opened(place)


def send(records: Records, data: bytes = DATA, *, party: str = LAB, piece: int = 100_000) -> None:
    """Send bytes as a client does: from where they were broken off."""
    digest = deeds.digest_of(data)
    here = records.staging.begin(CASE, party, digest, len(data))
    while not here.whole:
        rest = data[here.received : here.received + piece]
        here = records.staging.write(CASE, party, digest, here.received, rest)


def files(scene: StoredScene) -> list[str]:
    return sorted(path.name for path in (scene.place.home / "staging").glob("*/*"))


def rows(scene: StoredScene) -> tuple[int, int]:
    alias = connect(scene.place.home, scene.place.database)
    return StagedRow.objects.using(alias).count(), StagedPieceRow.objects.using(alias).count()


def nothing_waits(scene: StoredScene) -> bool:
    return (files(scene), rows(scene)) == ([], (0, 0))


def amiss(scene: StoredScene) -> list[str]:
    records = scene.place.open()
    (listed,) = (one.summary for one in records.cases() if one.case == CASE)
    return [str(each) for each in records.check_case(CASE, lambda *_: listed)]


def using(digest: str, *, party: str = LAB) -> Callable[[DeedTaking], None]:
    """What a service does in the lock with a deed that names evidence."""

    def judge(taking: DeedTaking) -> None:
        if taking.writer.staged_size(party, digest) is None:
            raise UnpromisedError("evidence", "not here yet")
        taking.writer.use_staged(party, digest, *LOG)
        stored_deeds.judge(taking)

    return judge


def use(scene: StoredScene, digest: str = DIGEST, *, party: str = LAB) -> None:
    scene.server.judge = using(digest, party=party)
    try:
        scene.lab.act(scene.server, "review-halted")
    finally:
        scene.server.judge = stored_deeds.judge


def put(records: Records, data: bytes, party: str = LAB, offset: int = 0) -> None:
    """Begin, and send some of `DATA`."""
    records.staging.begin(CASE, party, DIGEST, len(DATA))
    records.staging.write(CASE, party, DIGEST, offset, data)


def test_bytes_come_in_pieces_and_are_evidence_once_a_deed_stands(scene: StoredScene):
    area = scene.records.staging
    assert area.begin(CASE, LAB, DIGEST, len(DATA)).received == 0
    here = area.write(CASE, LAB, DIGEST, 0, DATA[:100_000])
    assert (here.received, here.whole) == (100_000, False)
    with pytest.raises(UnpromisedError):
        use(scene)
    # Another process goes on; it says where, whatever is claimed.
    area = scene.place.open().staging
    with pytest.raises(StagingError) as told:
        area.write(CASE, LAB, DIGEST, 0, DATA[:100_000])
    assert (told.value.code, told.value.offset) == ("offset", 100_000)
    assert area.begin(CASE, LAB, DIGEST, len(DATA)).received == 100_000
    assert area.write(CASE, LAB, DIGEST, 100_000, DATA[100_000:]).whole
    assert [each.whole for each in area.of(LAB)] == [True]
    assert (len(files(scene)), rows(scene)) == (1, (1, 0))
    with pytest.raises(EvidenceMissingError):
        scene.records.case(CASE).evidence(DIGEST)
    assert amiss(scene) == []
    use(scene)
    case = scene.records.case(CASE)
    assert case.evidence(DIGEST) == DATA
    (kept,) = case.evidence_index()
    assert (kept.digest, kept.size, kept.media_type, kept.name) == (DIGEST, len(DATA), *LOG)
    assert nothing_waits(scene)
    assert amiss(scene) == []


def test_what_a_refused_deed_would_have_used_waits_still(scene: StoredScene):
    send(scene.records)

    def refusing(taking: DeedTaking) -> None:
        using(DIGEST)(taking)
        raise PartError("no")

    scene.server.judge = refusing
    with pytest.raises(PartError):
        scene.lab.act(scene.server, "review-halted")
    assert [each.whole for each in scene.records.staging.of(LAB)] == [True]
    use(scene)
    assert scene.records.case(CASE).evidence(DIGEST) == DATA
    assert amiss(scene) == []


def test_only_its_own_partys_deed_uses_it(scene: StoredScene):
    send(scene.records, party=CENTRE)
    with pytest.raises(UnpromisedError):
        use(scene)
    assert scene.records.staging.of(LAB) == []
    use(scene, party=CENTRE)
    # What is evidence by now tells nobody anything: it is sent again.
    with pytest.raises(UnpromisedError):
        use(scene, party=CENTRE)
    send(scene.records)
    use(scene)
    assert len(scene.records.case(CASE).evidence_index()) == 1
    assert amiss(scene) == []


def invited(scene: StoredScene) -> str:
    """A party that is invited, and has not joined."""
    party = "other-agency"
    said = key_act(scene.server, party, act="invited", party=party, role="agency", expects=None)
    scene.centre.act(scene.server, "party-invited", **said)
    return party


def test_a_stranger_is_told_the_same_whether_or_not_there_is_a_case(scene: StoredScene):
    said = set()
    only_invited = invited(scene)
    for case in (CASE, "none", "\ud800", "a\x00b"):
        for party in (STRANGER, only_invited, "\ud800", *([LAB] if case != CASE else [])):
            area = scene.records.staging
            for call in (
                lambda a=area, c=case, p=party: a.begin(c, p, DIGEST, 5),
                lambda a=area, c=case, p=party: a.write(c, p, DIGEST, 0, b"x"),
                lambda a=area, c=case, p=party: a.forget(c, p, DIGEST),
            ):
                with pytest.raises(UnpromisedError) as told:
                    call()
                said.add((told.value.code, told.value.why))
    assert len(said) == 1
    assert nothing_waits(scene)


@pytest.mark.parametrize("removed", [False, True])
def test_who_takes_part_no_more_stages_no_more(scene: StoredScene, *, removed: bool):
    area = scene.records.staging
    area.begin(CASE, LAB, DIGEST, len(DATA))
    if removed:
        scene.centre.act(scene.server, "party-removed", facts={"party": LAB})
    else:
        scene.lab.act(scene.server, "party-left")
    said = set()
    for party in (STRANGER, LAB):
        for call in (
            lambda p=party: area.begin(CASE, p, DIGEST, len(DATA)),
            lambda p=party: area.write(CASE, p, DIGEST, 0, DATA),
            lambda p=party: area.look(CASE, p, DIGEST),
            lambda p=party: area.forget(CASE, p, DIGEST),
        ):
            with pytest.raises(UnpromisedError) as told:
                call()
            said.add((told.value.code, told.value.why))
    assert len(said) == 1
    # The others go on.
    assert area.begin(CASE, CENTRE, DIGEST, len(DATA)).received == 0


@pytest.mark.parametrize("size", [-1, (1 << 30) + 1, 1 << 70, True, 1.5, "3", None])
def test_what_is_no_size_is_not_begun(scene: StoredScene, size: Any):
    with pytest.raises(StagingError, match="a piece of evidence has at most") as told:
        scene.records.staging.begin(CASE, LAB, DIGEST, size)
    assert told.value.code == "too-large"
    assert nothing_waits(scene)


@pytest.mark.parametrize("size", [20, len(DATA)])
def test_bytes_joined_of_what_was_let_go_of_are_not_those_of_what_was_begun_since(
    scene: StoredScene, monkeypatch: pytest.MonkeyPatch, size: int
):
    area, join = scene.records.staging, stagedfiles.StagedFiles.join

    def joins_late(*given: Any) -> str:
        digest = join(*given)
        monkeypatch.setattr(stagedfiles.StagedFiles, "join", join)
        other = scene.place.open().staging
        other.forget(CASE, LAB, DIGEST)
        other.begin(CASE, LAB, DIGEST, size)
        return digest

    put(scene.records, DATA[:100_000])
    monkeypatch.setattr(stagedfiles.StagedFiles, "join", joins_late)
    with pytest.raises(StagingError, match="let go of meanwhile") as told:
        area.write(CASE, LAB, DIGEST, 100_000, DATA[100_000:])
    assert told.value.code == "not-begun"
    (waits,) = area.of(LAB)
    assert (waits.size, waits.received, waits.whole) == (size, 0, False)
    assert files(scene) == []
    assert area.of("\ud800") == []


def test_twin_without_the_look_a_stranger_fills_the_disk(
    scene: StoredScene, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Deeds, "takes_part", lambda *_: True)
    send(scene.place.open(), party=STRANGER)
    assert len(scene.records.staging.of(STRANGER)) == 1


def test_of_another_digest_nothing_is_left(scene: StoredScene):
    area = scene.records.staging
    area.begin(CASE, LAB, DIGEST, len(DATA))
    area.write(CASE, LAB, DIGEST, 0, DATA[:1000])
    with pytest.raises(StagingError) as told:
        area.write(CASE, LAB, DIGEST, 1000, DATA[:-1000])
    assert told.value.code == "digest"
    assert nothing_waits(scene)
    send(scene.records)
    use(scene)


@pytest.mark.parametrize(
    ("offset", "data", "code"),
    [
        (1, DATA, "offset"),
        (0, DATA + b"x", "piece"),
        (0, DATA[:9], "piece"),
        (0, b"", "piece"),
    ],
)
def test_what_is_not_the_next_piece_is_refused(
    scene: StoredScene, offset: int, data: bytes, code: str
):
    scene.records.staging.begin(CASE, LAB, DIGEST, len(DATA))
    with pytest.raises(StagingError) as told:
        scene.records.staging.write(CASE, LAB, DIGEST, offset, data)
    assert told.value.code == code
    assert (files(scene), rows(scene)) == ([], (1, 0))


def test_a_piece_too_long_is_refused(scene: StoredScene, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(staging, "PIECE", 100)
    scene.records.staging.begin(CASE, LAB, DIGEST, len(DATA))
    with pytest.raises(StagingError, match="send 10 to 100 at once"):
        scene.records.staging.write(CASE, LAB, DIGEST, 0, DATA[:101])


def test_no_bytes_at_all_are_whole_at_once(scene: StoredScene):
    assert scene.records.staging.begin(CASE, LAB, deeds.digest_of(b""), 0).whole
    use(scene, deeds.digest_of(b""))
    assert scene.records.case(CASE).evidence(deeds.digest_of(b"")) == b""


@pytest.mark.parametrize("bound", ["MOST", "MOST_BYTES", "LARGEST"])
def test_a_party_has_so_much_waiting_and_no_more(
    scene: StoredScene, bound: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(staging, bound, {"MOST": 2, "MOST_BYTES": 25, "LARGEST": 9}[bound])

    def begin(number: int, party: str = LAB) -> None:
        scene.records.staging.begin(CASE, party, deeds.digest_of(b"%d" % number), 10)

    if bound == "LARGEST":
        with pytest.raises(StagingError, match="has at most 9"):
            begin(0)
        return
    for number in range(2):
        begin(number)
    with pytest.raises(StagingError, match="fix: send the deeds, or let go of some") as told:
        begin(2)
    assert told.value.code == {"MOST": "too-many", "MOST_BYTES": "too-large"}[bound]
    # What was begun goes on; another party's is its own; and what is let go of makes room.
    begin(1)
    begin(2, CENTRE)
    assert scene.records.staging.forget(CASE, LAB, deeds.digest_of(b"0"))
    assert not scene.records.staging.forget(CASE, LAB, deeds.digest_of(b"0"))
    begin(2)


def test_of_two_processes_that_begin_at_once_none_passes_the_bound(
    scene: StoredScene, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(staging, "MOST", 5)

    def begin(number: int) -> bool:
        records = scene.place.open()
        try:
            records.staging.begin(CASE, LAB, deeds.digest_of(b"%d" % number), 10)
        except StagingError:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(begin, range(12))) == 5


def expire(scene: StoredScene) -> None:
    scene.place.owner("UPDATE records_stagedrow SET until = 1")


def test_what_nobody_uses_expires_by_the_databases_clock(scene: StoredScene):
    send(scene.records)
    put(scene.records, DATA[:1000], CENTRE)
    expire(scene)
    with pytest.raises(UnpromisedError):
        use(scene)
    assert scene.records.staging.of(LAB) == []
    with pytest.raises(StagingError, match="or it expired"):
        scene.records.staging.write(CASE, CENTRE, DIGEST, 1000, DATA[1000:])
    assert ["2 that nobody used have expired" in each for each in amiss(scene)] == [True]
    assert scene.records.sweep() == 2
    assert nothing_waits(scene)
    assert amiss(scene) == []


def test_whoever_begins_again_finds_no_expired_bytes(scene: StoredScene):
    send(scene.records)
    expire(scene)
    assert scene.records.staging.begin(CASE, LAB, DIGEST, len(DATA)).received == 0
    assert files(scene) == []


def test_what_waits_is_sealed_and_names_nothing(scene: StoredScene):
    area = scene.records.staging
    area.begin(CASE, LAB, DIGEST, len(DATA))
    area.write(CASE, LAB, DIGEST, 0, DATA[:-1000])
    for path in (scene.place.home / "staging").glob("*/*"):
        assert DATA[:64] not in path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0
    if scene.place.database is None:
        for path in scene.place.home.glob("record.sqlite3*"):
            assert DIGEST.removeprefix("sha256:").encode() not in path.read_bytes()


def test_a_piece_that_was_altered_is_not_evidence(scene: StoredScene):
    area = scene.records.staging
    area.begin(CASE, LAB, DIGEST, len(DATA))
    area.write(CASE, LAB, DIGEST, 0, DATA[:-1000])
    (path,) = (scene.place.home / "staging").glob("*/*")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(StagingError) as told:
        area.write(CASE, LAB, DIGEST, len(DATA) - 1000, DATA[-1000:])
    assert told.value.code == "digest"
    assert nothing_waits(scene)
    send(scene.records)
    (path,) = (scene.place.home / "staging").glob("*/*")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert ["was altered: send it anew" in each for each in amiss(scene)] == [True]
    # As after a backup of the tables alone.
    path.unlink()
    assert scene.records.staging.begin(CASE, LAB, DIGEST, len(DATA)).received == 0
    send(scene.records)
    use(scene)


def test_a_destroyed_cases_bytes_go_with_it(scene: StoredScene):
    send(scene.records)
    put(scene.records, DATA[:1000], CENTRE)
    scene.centre.act(scene.server, "case-destroyed")
    assert nothing_waits(scene)
    assert not (scene.place.home / "staging" / CASE).exists()
    assert scene.records.staging.of(LAB) == []
    with pytest.raises(DestroyedError):
        scene.records.staging.begin(CASE, LAB, DIGEST, len(DATA))
    with pytest.raises(DestroyedError):
        scene.records.staging.write(CASE, LAB, DIGEST, 0, DATA)
    assert nothing_waits(scene)


def die(*_given: object, **_named: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def torn(path: Path, pieces: Iterable[bytes]) -> None:
    """A file of which a part is written."""
    path.with_name(f".{path.name}.draft").write_bytes(next(iter(pieces))[:50])
    die()


def locking(alias: str, case: str, *, lock: bool = False) -> object:
    """The lock under which a piece gets its row."""
    if lock:
        die()
    return case_head(alias, case)


join = stagedfiles.StagedFiles.join


def joining(*given: Any) -> None:
    """All pieces are one file, of which nobody knows."""
    join(*given)
    die()


WHERE: dict[str, tuple[object, str, Callable[..., object]] | None] = {
    "in the file": (stagedfiles, "write_file", torn),
    "before the row": (staging, "case_head", locking),
    "before it is one file": (stagedfiles.StagedFiles, "join", die),
    "before that is known": (stagedfiles.StagedFiles, "join", joining),
    "before its deed": None,
}


def send_and_die(place: Place, where: str) -> int:
    """Another process, which is killed as it sends the rest; gives how it ended."""
    connections.close_all()
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            area = place.open().staging
            if (killing := WHERE[where]) is not None:
                setattr(*killing)
            area.write(CASE, LAB, DIGEST, 1000, DATA[1000:])
            die()
        os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


POINTS = {
    "in the file": 1000,
    "before the row": 1000,
    "before it is one file": len(DATA),
    "before that is known": len(DATA),
    "before its deed": len(DATA),
}
"""By where the process is killed that sends the last piece: how much is here after it."""


@pytest.mark.parametrize("where", POINTS)
def test_a_killed_process_loses_nothing_acknowledged_and_the_next_goes_on(
    scene: StoredScene, where: str
):
    place = scene.place
    put(scene.records, DATA[:1000])
    assert send_and_die(place, where) == -signal.SIGKILL
    left = scene.records.staging.of(LAB)
    assert [each.received for each in left] == [POINTS[where]]
    send(scene.records)
    use(scene)
    assert scene.records.case(CASE).evidence(DIGEST) == DATA
    scene.records.sweep()
    assert nothing_waits(scene)
    assert amiss(scene) == []


def test_a_file_that_cannot_be_deleted_takes_no_receipt_away(
    scene: StoredScene, monkeypatch: pytest.MonkeyPatch
):
    """The deed stands by then: what is left of its bytes is a sweep's, which says so."""
    send(scene.records)
    unlink, (left,) = Path.unlink, files(scene)

    def refused(path: Path, *, missing_ok: bool = False) -> None:
        if path.name == left:
            raise PermissionError(13, "Permission denied", str(path))
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    use(scene)
    assert files(scene) == [left]
    with pytest.raises(UnreachableError, match="cannot be deleted"):
        scene.records.sweep()
    monkeypatch.undo()
    assert scene.records.sweep() == 1
    assert nothing_waits(scene)


def test_a_sweep_leaves_alone_what_is_being_sent(
    scene: StoredScene, monkeypatch: pytest.MonkeyPatch
):
    """It comes between a piece's file and its row: the sender is told to send it again."""
    area = scene.records.staging
    area.begin(CASE, LAB, DIGEST, len(DATA))
    put = stagedfiles.StagedFiles.put

    def swept(*given: Any) -> None:
        put(*given)
        assert scene.place.open().sweep() == 1

    monkeypatch.setattr(stagedfiles.StagedFiles, "put", swept)
    with pytest.raises(BusyError, match="send it again"):
        area.write(CASE, LAB, DIGEST, 0, DATA[:1000])
    monkeypatch.undo()
    assert area.of(LAB)[0].received == 0
    send(scene.records)
    use(scene)


def test_of_many_that_send_and_use_the_same_at_once_one_deed_has_it(scene: StoredScene):
    """Each process sends all of it; two deeds of the party want it; it is evidence once."""

    def sending(_: int) -> None:
        records = scene.place.open()
        try:
            for _attempt in range(50):
                try:
                    send(records, piece=50_000)
                except StagingError as error:
                    # Another was quicker with the same piece.
                    assert error.code == "offset"  # noqa: PT017
                else:
                    return
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(sending, range(4)))
    assert (len(files(scene)), rows(scene)) == (1, (1, 0))
    hands = [scene.lab, scene.device]
    signed = [hand.sign(scene.server, "review-halted") for hand in hands]

    def used(number: int) -> bool:
        server = stored_deeds.StoredServer(
            scene.place.open(), scene.place.keyring, judge=using(DIGEST)
        )
        try:
            server.submit(signed[number], LAB, AT)
        except UnpromisedError:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(used, range(2))) == [False, True]
    assert scene.records.case(CASE).evidence(DIGEST) == DATA
    assert nothing_waits(scene)
    assert amiss(scene) == []
