"""A case of contract 2 in the store; as a script, a process that signs and sends, or dies at it.

    stored_deeds.py HOME DATABASE CASE PARTY NAME WHAT COUNT

`WHAT` is `send`: COUNT deeds, each receipt's n on stdout; `die-after`: one deed that stands, and
death before its answer is told; `die-before`: death before it stands.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from support import deeds
from support.deed_server import AT, Hand, Topics, begun, topics_of
from support.ledger_signer import Signer
from support.record_place import Place
from touchstone import ledger
from touchstone.keys import Keyring
from touchstone.ledger.contract2 import AnsweredLog, SentPart, SignedAnswer, SubmittedDeed
from touchstone.records import DeedTaking, Records

CASE = "deeds-1"
KINDS = ("finding-responded", "review-halted", "review-resumed")
OUTBOX = "outbox.json"


def judge(taking: DeedTaking) -> None:
    """What a service does in the lock, without its law."""
    taking.record()
    taking.writer.summarise(deeds.summary(taking.admitted.statement.deed))
    if taking.admitted.statement.deed == "case-destroyed":
        taking.writer.destroy("certificate")


@dataclass
class StoredServer:
    """What hands sign for: a case in the store, read anew each time."""

    records: Records
    keyring: Keyring
    case: str = CASE
    judge: Callable[[DeedTaking], None] = judge
    installation: Signer = field(init=False)
    topics: Topics = topics_of

    def __post_init__(self) -> None:
        self.installation = self.keyring.installation  # type: ignore[assignment]

    @property
    def log(self) -> str | None:
        return self.records.case(self.case).log if self.size else None

    @property
    def size(self) -> int:
        return self.records.case(self.case).size if self.case in self.records.names() else 0

    def root(self, size: int) -> bytes:
        if size == 0:
            return ledger.EMPTY_ROOT
        return bytes.fromhex(self.records.case(self.case, size).root)

    def newest(self, topic: str) -> int | None:
        return self.records.deeds.newest(self.case, topic) if self.size else None

    def submit(self, deed: SubmittedDeed, asker: str, now: str = AT) -> SignedAnswer:
        return self.records.deeds.take(
            self.case, deed, asker=asker, now=now, topics=self.topics, judge=self.judge
        )

    def hand(self, party: str, name: str) -> Hand:
        """A hand whose key signed before, going on after its last deed."""
        hand = Hand(party, Signer(name))
        last = self.records.deeds.last_deed(self.case, hand.key)
        if last is not None:
            hand.seq, hand.before, hand.sight = last.seq + 1, last.digest, last.seen
        return hand


@dataclass
class InBatch:
    """What a hand signs for within a batch: the log with what the batch appended."""

    server: StoredServer
    past: AnsweredLog
    installation: Signer = field(init=False)

    def __post_init__(self) -> None:
        self.installation = self.server.installation

    @property
    def topics(self) -> Topics:
        return self.server.topics

    @property
    def log(self) -> str | None:
        return self.past.log

    @property
    def size(self) -> int:
        return self.past.size

    def root(self, size: int) -> bytes:
        return self.past.root(size)

    def newest(self, topic: str) -> int | None:
        return self.past.newest(topic)

    def submit(self, deed: SubmittedDeed, asker: str, now: str = AT) -> SignedAnswer:
        raise NotImplementedError


@dataclass(frozen=True)
class StoredScene:
    """A case of two parties, the lab with a device of its own."""

    place: Place
    server: StoredServer
    centre: Hand
    lab: Hand
    device: Hand

    @property
    def records(self) -> Records:
        return self.server.records


def opened(place: Place) -> StoredScene:
    """The case, opened and joined: four entries."""
    server = StoredServer(place.open(), place.keyring)
    return StoredScene(place, server, *begun(server, KINDS))


def child(place: Place, party: str, name: str, what: str, count: int) -> subprocess.Popen[str]:
    """Another process that holds a key of the case."""
    command = [sys.executable, __file__, str(place.home), place.database or "-", CASE, party, name]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.Popen(
        [*command, what, str(count)], stdout=subprocess.PIPE, text=True, env=environment
    )


def kept(folder: Path, deed: SubmittedDeed) -> None:
    """Put a deed in the outbox, as a client does before it sends."""
    parts = [[part.salt.hex(), part.data.hex()] for part in deed.parts]
    (folder / OUTBOX).write_text(json.dumps([deed.envelope, parts]))


def outbox(folder: Path) -> SubmittedDeed:
    """The deed that was sent, or was about to be."""
    envelope, parts = json.loads((folder / OUTBOX).read_text())
    sent = (SentPart(bytes.fromhex(salt), bytes.fromhex(data)) for salt, data in parts)
    return SubmittedDeed(envelope, tuple(sent))


def die(_: object = None) -> None:
    """As when the machine is switched off."""
    os.kill(os.getpid(), signal.SIGKILL)


def judge_and_die(taking: DeedTaking) -> None:
    """Record, flush, and be gone before it stands."""
    judge(taking)
    taking.writer.flush()
    die()


def main(home: str, database: str, case: str, party: str, name: str, what: str, count: str) -> None:
    """Sign, send, and tell."""
    folder = Path(home)
    keyring = Keyring.open(folder / "keys")
    records = Records.open(folder, keyring, None if database == "-" else database)
    server = StoredServer(records, keyring, case)
    hand = server.hand(party, name)
    if what == "send":
        for _ in range(int(count)):
            answer = hand.act(server, "review-halted").answer.value
            sys.stdout.write(f"{answer['n']}\n")
            sys.stdout.flush()
        return
    deed = hand.sign(server, "review-halted", content="why")
    kept(folder, deed)
    server.judge = judge_and_die if what == "die-before" else judge
    server.submit(deed, party)
    die()


if __name__ == "__main__":
    main(*sys.argv[1:])
