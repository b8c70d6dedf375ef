"""What a server does that is not honest: each way is found out, and kept for others to see."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from support.party_server import CASE, Begun, OneParty, copied, halts, noted, party
from touchstone.client import acting, memory, trusting
from touchstone.client.errors import (
    CaughtError,
    MemoryFaultError,
    NotKeptError,
    WaitingError,
    WrongInstallationError,
)
from touchstone.client.memory import FILE, Memory
from touchstone.client.server import Greeting
from touchstone.deeds.signing import Outgoing
from touchstone.ledger.contract2 import PARTS, HiddenPart, PaddedEntry, admission, following
from touchstone.ledger.errors import RefusedDeedError
from touchstone.service.installation import Installation, open_installation


@contextmanager
def earlier(case: Begun, tmp_path: Path) -> Iterator[Installation]:
    """The same installation as it is now, which goes on by itself."""
    with open_installation(copied(case.here, tmp_path / "copy"), case.clock, apart=True) as other:
        yield other


def caught(case: Begun, match: str) -> None:
    """The lab finds out, keeps both words, and signs nothing more."""
    with pytest.raises(CaughtError, match=match) as error:
        case.lab.client.look(CASE)
    kept = json.loads(error.value.proof.read_bytes())
    assert kept["what"] in str(error.value)
    assert kept["before"]["checkpoint"]
    sent = len(case.lab.server.sent)
    with pytest.raises(CaughtError):
        case.lab.act(halts("example-lab"))
    assert len(case.lab.server.sent) == sent


def test_a_server_that_rolls_its_log_back_is_caught(case: Begun, tmp_path: Path):
    with earlier(case, tmp_path) as other:
        noted(case.centre)
        case.lab.client.look(CASE)
        case.lab.server.here = other
        caught(case, "rolled back")


@dataclass
class TwoLogs(OneParty):
    """Greets with the log that everybody sees, and shows the case as another one has it."""

    shown: Installation | None = None

    def greet(self, size: int) -> Greeting:
        return OneParty(self.here, self.party).greet(size)

    def news(self, case: str, start: int) -> Iterable[bytes]:
        return OneParty(self.shown or self.here, self.party).news(case, start)

    def head(self, case: str) -> bytes:
        return OneParty(self.shown or self.here, self.party).head(case)


def two_logs(case: Begun, other: Installation) -> TwoLogs:
    server = TwoLogs(case.here, "example-lab", shown=other)
    case.lab.talks_to(server)
    return server


def test_a_case_that_has_fewer_entries_than_before_is_caught(case: Begun, tmp_path: Path):
    with earlier(case, tmp_path) as other:
        noted(case.centre)
        case.lab.client.look(CASE)
        two_logs(case, other)
        caught(case, "entries and has")


def test_a_forked_log_is_caught(case: Begun, tmp_path: Path):
    with earlier(case, tmp_path) as other:
        noted(case.centre)
        case.lab.client.look(CASE)
        case.centre.server.here = other
        noted(case.centre.again("elsewhere"))
        case.lab.server.here = other
        caught(case, "forked")


def test_a_case_whose_heads_stand_in_another_log_is_caught(
    case: Begun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with earlier(case, tmp_path) as other:
        two_logs(case, other)
        noted(case.centre)
        case.centre.server.here = other
        noted(case.centre.again("elsewhere"), "Another letter.")
        with monkeypatch.context() as taken_away:
            taken_away.setattr(acting, "size_of", lambda _: 0)
            taken_away.setattr(trusting, "_check_extends", lambda *_: None)
            case.lab.client.look(CASE)
        caught(case, "forked|rolled back")


@dataclass
class Altering(OneParty):
    """Shows other lines than it has."""

    what: bytes = b""
    by: bytes = b""

    def news(self, case: str, start: int) -> Iterable[bytes]:
        return [line.replace(self.what, self.by) for line in super().news(case, start)]


@pytest.mark.parametrize(
    ("what", "by"),
    [
        (b"participating", b"negotiating"),
        (b'"salt":"', b'"salt":"00'),
        (b'"line":"part"', b'"line":"partly"'),
        (b'{"log":', b'{"lag":'),
    ],
)
def test_entries_that_are_not_as_they_were_recorded_are_caught(case: Begun, what: bytes, by: bytes):
    noted(case.lab)
    noted(case.centre)
    server = Altering(case.here, "example-lab", what=what, by=by)
    case.lab.talks_to(server)
    caught(case, ".")


@dataclass
class Withholding(OneParty):
    """Says that a deed is recorded, and does not show it."""

    size: int = 0

    def news(self, case: str, start: int) -> Iterable[bytes]:
        return list(super().news(case, start))[: 9 * max(0, self.size - start)]


def test_a_deed_that_is_promised_and_not_shown_has_no_answer(case: Begun):
    size = case.here.records.case(CASE).size
    case.lab.talks_to(Withholding(case.here, "example-lab", size=size))
    with pytest.raises(WaitingError, match="did not come"):
        case.lab.act(halts("example-lab"))


@dataclass
class Inventing(OneParty):
    """Shows entries that nobody signed for beyond those that are there."""

    more: int = 3

    def news(self, case: str, start: int) -> Iterable[bytes]:
        yield from super().news(case, start)
        log = self.here.records.case(case).log
        for n in range(self.here.records.case(case).size, 1 << 40):
            entry = PaddedEntry(log, n, ("ab" * 32,) * PARTS)
            yield entry.line
            for i in range(PARTS):
                yield HiddenPart(n, i).line


def test_what_no_head_covers_is_not_remembered(case: Begun):
    noted(case.centre)
    case.lab.talks_to(Inventing(case.here, "example-lab"))
    case.lab.client.look(CASE)
    honest = OneParty(case.here, "example-lab")
    case.lab.talks_to(honest)
    noted(case.centre)
    assert case.lab.client.look(CASE).hidden == ()


def test_whatever_the_lie_is_there_is_a_proof(case: Begun, monkeypatch: pytest.MonkeyPatch):
    greet = OneParty.greet
    lies = ("\udcff", "x" * 3_000_000, str(-(1 << 70)))
    for lie in lies:

        def lying(server: OneParty, size: int, lie: str = lie) -> Greeting:
            return replace(greet(server, size), checkpoint=lie)

        with monkeypatch.context() as dishonest:
            dishonest.setattr(OneParty, "greet", lying)
            with pytest.raises(CaughtError) as error:
                case.lab.client.greet()
        assert error.value.proof.stat().st_size < 200_000
        json.loads(error.value.proof.read_bytes())


def test_a_proof_tells_nobody_what_entries_say(case: Begun):
    case.lab.act(halts("example-lab", "A leak of which few may know."))
    fresh = case.lab.again("elsewhere")
    fresh.talks_to(Altering(case.here, "example-lab", what=b"few may know", by=b"all may know"))
    with pytest.raises(CaughtError) as error:
        fresh.again("elsewhere").client.look(CASE)
    assert b"may know" not in error.value.proof.read_bytes()


def test_a_later_greeting_is_not_forgotten_for_an_older_one(case: Begun):
    early, late = case.lab.again(), case.lab.again()
    was = early.client.greet().trusted
    noted(case.centre)
    late.client.look(CASE)
    now = late.client.greet().trusted
    kept = Memory(case.lab.home / "client")
    kept.trust(was)
    assert kept.trusted == now
    assert now.size > was.size


def test_the_key_may_change_between_two_questions(case: Begun, monkeypatch: pytest.MonkeyPatch):
    head = OneParty.head
    rotated: list[object] = []

    def rotating(server: OneParty, name: str) -> bytes:
        if not rotated:
            rotated.append(server.here.keyring.rotate("2026-11-21T10:05:00Z", "a new key"))
        return head(server, name)

    monkeypatch.setattr(OneParty, "head", rotating)
    assert case.lab.client.look(CASE).state.size
    assert rotated


def test_a_revoked_key_answers_nothing_and_is_no_pin(case: Begun):
    old = case.here.keyring.installation
    case.here.keyring.revoke(old.fingerprint, "2026-11-21T10:05:00Z", "stolen")
    with pytest.raises(WrongInstallationError, match="revoked"):
        case.lab.client.greet()


def test_a_case_is_the_one_whose_log_was_told(case: Begun):
    case.lab.client.look(CASE)
    log = case.here.records.case(CASE).log
    for told, fits in ((log, True), ("ab" * 32, False)):
        other = _party_told(case, {CASE: told}, f"told-{fits}")
        if fits:
            other.look(CASE)
        else:
            with pytest.raises(CaughtError, match="was told"):
                other.look(CASE)


def _party_told(case: Begun, logs: dict[str, str], folder: str) -> acting.Client:
    pinned = case.here.keyring.history.lines[0].fingerprint
    server = OneParty(case.here, "example-lab")
    home = case.lab.home / folder
    return acting.Client.open(home, server, party="example-lab", pinned=pinned, logs=logs)


def test_a_memory_that_is_damaged_is_said_to_be(case: Begun):
    (case.lab.home / "client" / FILE).write_bytes(b"no database at all" * 100)
    with pytest.raises(MemoryFaultError, match="fix"):
        case.lab.again()


@dataclass
class Answering(OneParty):
    """Answers with what it once said."""

    line: bytes = b""

    def send(self, case: str, deed: Outgoing) -> bytes:
        line = super().send(case, deed)
        return self.line or line


def test_the_answer_to_another_deed_is_none(case: Begun):
    server = Answering(case.here, "example-lab")
    case.lab.talks_to(server)
    noted(case.lab)
    server.line = case.lab.client.answers(CASE)[-1]
    with pytest.raises(WaitingError, match="another deed"):
        case.lab.act(halts("example-lab"))
    server.line = server.line.replace(b'"signature":"', b'"signature":"00')
    with pytest.raises(WaitingError, match="no answer"):
        case.lab.act(halts("example-lab"))


def test_a_deed_in_a_partys_name_by_a_key_of_the_servers_is_caught(
    case: Begun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    forger = party(case.here, tmp_path, "forger", "developer")
    seen = replace(case.lab.client.look(CASE), party="example-lab")
    sent = seen.sign(halts("example-lab")(seen), forger.signer)
    with monkeypatch.context() as dishonest:
        dishonest.setattr(admission, "_check_signer", lambda *_: None)
        OneParty(case.here, "example-lab").send(CASE, sent)
    caught(case, "key")
    with pytest.raises(CaughtError):
        case.agency.client.look(CASE)


def refused_and_recorded(case: Begun, other: Installation) -> None:
    """The lab's deed is refused for good, and recorded by a server that forgot that."""
    case.lab.server.deaf = True
    with pytest.raises(WaitingError) as waiting:
        case.lab.act(halts("example-lab"))
    case.lab.server.deaf = False
    with pytest.raises(RefusedDeedError, match="took it back"):
        case.lab.client.cancel(waiting.value.deed)
    OneParty(other, "example-lab").send(CASE, case.lab.server.sent[-1])
    case.lab.server.here = other


def test_a_deed_that_was_refused_and_is_recorded_is_caught(case: Begun, tmp_path: Path):
    with earlier(case, tmp_path) as other:
        refused_and_recorded(case, other)
        caught(case, "refused for good")


def test_twin_who_forgets_a_refusal_believes_the_record(
    case: Begun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Memory, "refused", lambda *_: [])
    with earlier(case, tmp_path) as other:
        refused_and_recorded(case, other)
        assert case.lab.again().client.look(CASE).state.halted


def test_twin_without_its_proof_a_forged_word_is_believed(
    case: Begun, monkeypatch: pytest.MonkeyPatch
):
    noted(case.centre)
    case.lab.talks_to(Altering(case.here, "example-lab", what=b"participating", by=b"negotiating"))
    monkeypatch.setattr(following, "commit_part", lambda *_: _Anything())
    assert case.lab.client.look(CASE).state.participations["example-centre"].status == "negotiating"


class _Anything:
    """Equal to every commitment."""

    def __eq__(self, _: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


def test_a_memory_without_room_is_whole_and_not_said_to_be_damaged(
    case: Begun, monkeypatch: pytest.MonkeyPatch
):
    opens = Memory._open

    def full(kept: Memory) -> sqlite3.Connection:
        db = opens(kept)
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages}")
        return db

    sent = len(case.lab.server.sent)
    with monkeypatch.context() as disk:
        disk.setattr(Memory, "_open", full)
        with pytest.raises(NotKeptError, match="is full, so that nothing can be kept"):
            noted(case.lab, "x" * 400)
    assert len(case.lab.server.sent) == sent
    assert noted(case.lab, "x" * 400)


def test_a_memory_that_another_process_holds_is_not_said_to_be_damaged(
    case: Begun, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(memory, "_BUSY_SECONDS", 0)
    with sqlite3.connect(case.lab.home / "client" / FILE, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(NotKeptError, match="locked"):
            noted(case.lab)
        other.execute("ROLLBACK")
    other.close()
    assert noted(case.lab)
