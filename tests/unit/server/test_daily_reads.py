"""A day's reads in the record: digested once, by the installation alone, and checked by the lab."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from support.party_server import CASE, FRAMEWORK, Begun, Party, begin, begun, opens
from support.second_verifier import second_opinion
from support.small_case import Minutes
from touchstone.cli.app import run
from touchstone.client.errors import UnheardError
from touchstone.client.read_check import ToldReads, told_reads
from touchstone.deeds.cases import review_halted
from touchstone.deeds.deed import Deed
from touchstone.deeds.reporting import reads_digested
from touchstone.deeds.signing import prepare_deed
from touchstone.errors import TouchstoneError
from touchstone.handin import moment_of
from touchstone.keys import FileSigner
from touchstone.ledger.contract2 import INSTALLATION, check_deed_bundle
from touchstone.ledger.errors import UnpromisedError
from touchstone.review.audience_view import stored_entry
from touchstone.review.read_digests import digested_days
from touchstone.server import daily_reads
from touchstone.server.accounts.models import SensitiveRead
from touchstone.server.accounts.preparing import open_accounts
from touchstone.server.accounts.reads import digest_of_day, every_read, note_read
from touchstone.server.daily_reads import DailyReads, record_reads
from touchstone.server.principal import Principal
from touchstone.server.settings import set_up_server
from touchstone.service import installation
from touchstone.service.cases.checking import check
from touchstone.service.cases.read_digests import days_digested, record_day_of_reads
from touchstone.service.installation import Installation, open_installation
from touchstone.service.reporting.feed import news_for, own_bundle, own_page
from touchstone.service.taking import take_deed
from touchstone.verifier import verify_bundle

OTHER = "case-2"
FIRST, SECOND, TODAY = "2026-11-21", "2026-11-22", "2026-11-23"
BOB = Principal("bob", "example-centre", frozenset({"evaluator"}), frozenset({"read"}), "t")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case of three parties, and one that only its centre has joined."""
    homes = tmp_path_factory.mktemp("kept")
    set_up_server()
    with open_installation(homes / "server", Minutes(), apart=True) as here:
        open_accounts(here.home, None)
        _, centre, _ = begin(here, homes)
        opens(centre, FRAMEWORK, OTHER)
    return homes


@pytest.fixture
def scene(kept: Path, tmp_path: Path) -> Iterator[Begun]:
    """The same, ten minutes into the third day; on two days something was read."""
    homes, clock = tmp_path / "homes", Minutes()
    shutil.copytree(kept, homes)
    with open_installation(homes / "server", clock, apart=True) as here:
        open_accounts(here.home, None)
        clock.moment = moment_of(f"{TODAY}T00:10:00Z")
        reads(FIRST, FIRST, SECOND, TODAY)
        yield begun(here, clock, homes)


def reads(*days: str, case: str = CASE) -> None:
    for n, day in enumerate(days):
        note_read(BOB, case, "v1/cases/<case>/entries", 0, n, now=f"{day}T00:0{n}:00Z")


def told(by: Party, day: str = "") -> ToldReads:
    """What a party is told, held against what its own machine followed."""
    entries = by.client.look(CASE).entries_of("reads-digested")
    return told_reads(CASE, digested_days(entries), every_read(CASE, day), day)


def stand(found: ToldReads) -> list[tuple[str, str]]:
    return [(each.day, each.stands) for each in found.days]


RECORDED = [(FIRST, "as-recorded"), (SECOND, "as-recorded"), (TODAY, "not-recorded")]


def test_each_day_that_is_over_is_digested_once(scene: Begun):
    here = scene.here
    size = here.records.case(CASE).size
    assert record_reads(here).recorded == 2
    assert record_reads(here) == daily_reads.ReadsRecorded()
    found = [stored_entry(here.records.case(CASE), n).event for n in (size, size + 1)]
    assert here.records.case(CASE).size == size + 2
    pair = ("example-lab", "example-centre")
    assert {(each.type, each.actor, each.marking.parties) for each in found} == {
        ("reads-digested", INSTALLATION, pair)
    }
    assert [(each.day, each.reads) for each in days_digested(here, CASE)] == [
        (FIRST, 2),
        (SECOND, 1),
    ]
    # Of the third day it is too early to say.
    scene.clock.moment = moment_of("2026-11-24T00:09:59Z")
    assert record_reads(here).recorded == 0
    scene.clock.pass_by()
    assert record_reads(here).recorded == 1
    # A case in which nothing was read has no day, and its log does not tell that it has none.
    assert here.records.case(OTHER).size == 1


def test_the_developer_checks_what_it_is_told(scene: Begun):
    record_reads(scene.here)
    assert stand(told(scene.lab)) == RECORDED
    assert stand(told(scene.lab, SECOND)) == RECORDED[1:2]
    assert [len(told(scene.lab, day).reads) for day in (FIRST, SECOND)] == [2, 1]


def changed(field: str, value: object) -> None:
    row = SensitiveRead.objects.filter(minute__startswith=FIRST).first()
    assert row is not None
    SensitiveRead.objects.filter(pk=row.pk).update(**{field: value})


@pytest.mark.parametrize(
    "tampers",
    [
        partial(changed, "person", "ann"),
        partial(changed, "party", "example-agency"),
        partial(changed, "last", 7),
        partial(changed, "minute", f"{FIRST}T09:00"),
        partial(changed, "minute", f"{TODAY}T09:00"),
        lambda: SensitiveRead.objects.filter(minute__startswith=FIRST).delete(),
        lambda: reads(FIRST),
    ],
    ids=["person", "party", "entries", "minute", "day", "gone", "more"],
)
def test_a_read_that_is_changed_afterwards_is_found(scene: Begun, tampers: partial[None]):
    record_reads(scene.here)
    tampers()
    found = told(scene.lab)
    assert (found.altered, stand(found)[:2]) == (1, [(FIRST, "altered"), RECORDED[1]])
    # Recording again does not make it good: a day is digested once.
    assert record_reads(scene.here).recorded == 0


def test_who_is_no_developer_learns_no_read_from_the_record(scene: Begun):
    record_reads(scene.here)
    (first, _) = digested_days(scene.centre.client.look(CASE).entries_of("reads-digested"))
    assert (first.day, first.reads, first.salt) == (FIRST, 2, None)
    # Without the salt it cannot be tried which reads give the digest.
    assert digest_of_day(FIRST, CASE, bytes(32))[1] != first.digest
    assert stand(told(scene.centre))[0] == (FIRST, "unchecked")
    assert digested_days(scene.agency.client.look(CASE).entries_of("reads-digested")) == []
    for by in scene.parties:
        bundle = b"".join(own_bundle(scene.here, CASE, by.id, sight="contents"))
        (salt,) = {each.salt for each in days_digested(scene.here, CASE)[:1]}
        assert salt is not None
        assert (salt.hex().encode() in bundle) == (by is scene.lab)
        assert b"bob" not in bundle


def test_every_verifier_reads_it(scene: Begun, tmp_path: Path):
    record_reads(scene.here)
    trust = scene.here.keyring.history.lines[0].fingerprint
    for by in scene.parties:
        path = tmp_path / f"{by.id}.jsonl"
        path.write_bytes(b"".join(own_bundle(scene.here, CASE, by.id, sight="contents")))
        verdict = verify_bundle(path, trust=(trust,))
        assert (verdict.word, verdict.deeds_unchecked) == ("authentic", 0)
        assert second_opinion(path.read_bytes(), (trust,)).word == "authentic"
        assert check_deed_bundle([path.read_bytes()]).unchecked == 0
        # It is no party, of which one would be told how much it has seen.
        assert INSTALLATION not in dict(verdict.seen_by)
        said = b"Digests the 2 reads of 2026-11-21"
        assert (said in own_page(scene.here, CASE, by.id, sight="contents")) == (
            by is not scene.agency
        )
    assert check(scene.here, lambda _: None).sound


def test_a_rotated_key_goes_on(scene: Begun, tmp_path: Path):
    here = scene.here
    record_reads(here)
    here.keyring.rotate(here.now(), "as it is due")
    scene.clock.moment = moment_of("2026-11-24T00:10:00Z")
    assert record_reads(here).recorded == 1
    path = tmp_path / "bundle.jsonl"
    path.write_bytes(b"".join(own_bundle(here, CASE, scene.lab.id, sight="contents")))
    trust = here.keyring.history.lines[0].fingerprint
    assert verify_bundle(path, trust=(trust,)).word == "authentic"
    assert stand(told(scene.lab))[2] == (TODAY, "as-recorded")


def test_of_two_processes_one_records_a_day(scene: Begun):
    def quicker(salt: bytes) -> tuple[int, str]:
        # Between its look and its lock another process does the same.
        digesting = partial(digest_of_day, FIRST, CASE)
        assert record_day_of_reads(scene.here, CASE, FIRST, digesting)
        return digesting(salt)

    assert not record_day_of_reads(scene.here, CASE, FIRST, quicker)
    assert [each.day for each in days_digested(scene.here, CASE)] == [FIRST]
    assert stand(told(scene.lab, FIRST)) == RECORDED[:1]


def test_it_goes_on_after_a_crash(scene: Begun, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        record = record_day_of_reads

        def crashes(*args: object) -> bool:
            if args[2] == SECOND:
                raise MemoryError
            return record(*args)  # type: ignore[arg-type]

        patch.setattr(daily_reads, "record_day_of_reads", crashes)
        with pytest.raises(MemoryError):
            record_reads(scene.here)
    assert record_reads(scene.here).recorded == 1
    assert stand(told(scene.lab)) == RECORDED


def test_a_case_that_takes_none_keeps_no_other_from_its_own(scene: Begun):
    # Before a developer has joined nobody could be told; a case that is gone takes nothing.
    reads(FIRST, case=OTHER)
    reads(FIRST, case="case-0")
    done = record_reads(scene.here)
    assert (done.recorded, len(done.waiting)) == (2, 1)
    assert done.waiting[0].startswith(f"{OTHER} {FIRST}: no developer has joined the case yet")


def test_a_process_that_serves_does_it_once_a_day(scene: Begun, monkeypatch: pytest.MonkeyPatch):
    asked = list[str]()

    def noted(here: Installation, since: str) -> daily_reads.ReadsRecorded:
        asked.append(since)
        return record_reads(here, since)

    monkeypatch.setattr(daily_reads, "record_reads", noted)
    keeps = DailyReads(scene.here)
    for _ in range(3):
        keeps.keep()
    assert asked == [daily_reads.FIRST_DAY]
    assert [each.day for each in days_digested(scene.here, CASE)] == [FIRST, SECOND]
    scene.clock.moment = moment_of("2026-11-24T00:10:00Z")
    keeps.keep()
    assert asked[1:] == [TODAY]
    assert [each.day for each in days_digested(scene.here, CASE)] == [FIRST, SECOND, TODAY]
    # What could not be done is tried again, and not at once.
    reads("2026-11-24", case=OTHER)
    scene.clock.moment = moment_of("2026-11-25T00:10:00Z")
    for minutes in (1, 8, 1):
        keeps.keep()
        scene.clock.pass_by(minutes)
    assert asked[2:] == ["2026-11-24"]
    keeps.keep()
    assert asked[3:] == ["2026-11-24"]


def signed(scene: Begun, deed: Deed, signer: FileSigner) -> str:
    """What the server says to a deed in the installation's name."""
    here = scene.here
    sent = prepare_deed(deed, here.records.deeds.log(CASE), signer, here.random, here.now())
    try:
        answer = take_deed(here, CASE, sent.submitted, asker=INSTALLATION, now=here.now())
    except UnpromisedError as error:
        return error.code
    return str(getattr(answer.answer, "code", "recorded"))


def test_nobody_else_signs_it_and_the_installation_signs_nothing_else(scene: Begun):
    seen = scene.lab.client.look(CASE)
    digests = reads_digested(seen, FIRST, 2, f"sha256:{'ab' * 32}", bytes(32))
    halts = review_halted(seen, "example-lab", "We look into a leak.")
    own = scene.here.keyring.installation
    in_its_name = replace(halts, event=halts.event.model_copy(update={"actor": INSTALLATION}))
    assert signed(scene, digests, scene.lab.signer) == "not-a-signer"
    assert signed(scene, in_its_name, own) == "not-a-signer"
    assert signed(scene, reads_digested(seen, TODAY, 2, f"sha256:{'ab' * 32}", bytes(32)), own) == (
        "law-day-not-over"
    )
    assert signed(scene, digests, own) == "recorded"
    assert signed(scene, digests, own) == "law-day-digested"


def test_a_party_cannot_say_it_in_its_own_name(scene: Begun):
    def draft(seen: object) -> Deed:
        deed = reads_digested(seen, FIRST, 2, f"sha256:{'ab' * 32}", bytes(32))  # type: ignore[arg-type]
        return replace(deed, event=deed.event.model_copy(update={"actor": "example-centre"}))

    with pytest.raises(TouchstoneError, match="example-centre is a party"):
        scene.centre.act(draft)


def test_to_read_of_reads_is_not_told_in_turn(scene: Begun):
    here, size = scene.here, scene.here.records.case(CASE).size
    record_reads(here)
    for by in scene.parties:
        assert news_for(here, CASE, by.id, size, sight="contents") is None
        newest = here.records.case(CASE).size
        assert news_for(here, CASE, by.id, size - 1, sight="contents") == newest


@pytest.fixture
def call(
    scene: Begun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """A command at the server: its exit code, and what it says."""
    monkeypatch.setenv("TOUCHSTONE_HOME", str(scene.here.home))
    monkeypatch.delenv("TOUCHSTONE_DATABASE", raising=False)
    monkeypatch.setattr(installation, "SystemClock", lambda: scene.clock)

    def said(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = run(words)
        found = capsys.readouterr()
        return code, found.out + found.err

    return said


def test_commands_record_and_show_it(scene: Begun, call: Callable[..., tuple[int, str]]):
    assert "not recorded so far" in call("reads", "show", CASE)[1]
    assert call("reads", "record") == (0, "2 days of reads were recorded.\n")
    assert call("reads", "record") == (0, "0 days of reads were recorded.\n")
    code, out = call("reads", "show", CASE, "--day", FIRST)
    size = scene.here.records.case(CASE).size
    first, *rows = out.splitlines()
    assert (code, first) == (0, f"{FIRST}: 2 reads, as recorded at entry {size - 2}")
    assert [row.split()[:3] for row in rows] == [
        [f"{FIRST}T00:0{n}", "example-centre", "bob"] for n in (0, 1)
    ]
    changed("person", "ann")
    code, out = call("reads", "show", CASE)
    assert (code, out.count("ALTERED"), out.count("as recorded")) == (1, 1, 1)
    told = json.loads(call("reads", "show", CASE, "--json")[1])
    assert [each["stands"] for each in told["days"]] == ["altered", "as-recorded", "not-recorded"]
    assert told["reads"][0]["person"] == "ann"
    reads(FIRST, case=OTHER)
    code, out = call("reads", "record")
    assert (code, "no developer has joined" in out) == (1, True)
    assert call("reads", "show", CASE, "--day", "2026-12-1")[0] == 2


@pytest.mark.usefixtures("scene")
@pytest.mark.parametrize(
    "changes",
    [
        {"first": "0"},
        {"last": True},
        {"party": None},
        {"minute": "2026-13-01T00:00"},
        {"minute": ""},
    ],
)
def test_what_does_not_tell_of_reads_is_no_answer(changes: dict[str, object]):
    (each, *_) = every_read(CASE, FIRST)
    with pytest.raises(UnheardError):
        told_reads(CASE, (), [each | changes])
