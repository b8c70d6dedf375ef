"""What a case costs a command: opened anew with many entries, and a deed in it.

The entries are real: halts and resumptions by turns, each signed by its party, chained, answered
and kept as any deed is, only without the law, which would take most of the time. Run as a module
with a home and a case, it opens the case in a process that did nothing before, and writes the CPU
seconds as JSON.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from time import process_time

from touchstone.bench.table import BenchRow
from touchstone.deeds.cases import review_halted, review_resumed
from touchstone.deeds.deed import Deed, attached
from touchstone.deeds.known_case import Participants
from touchstone.evaluation import load_submission
from touchstone.ledger import dumps
from touchstone.ledger.contract2 import (
    AdmittedDeed,
    DeedStatement,
    SeenHead,
    SentPart,
    sign_statement,
)
from touchstone.ledger.entries import commit_part
from touchstone.ledger.signing import fingerprint
from touchstone.records import DeedBatch
from touchstone.review import topics_of
from touchstone.service.case_context import Case
from touchstone.service.cases.opening import default_centre, open_case
from touchstone.service.frameworks import load_framework
from touchstone.service.installation import Installation, open_installation

OPENING_SECONDS = 0.3
"""What opening a case may cost, however many entries it has."""
DEED_MILLISECONDS = 2.5
"""What a deed may cost by the way of a local command, its two signatures included."""
DEEDS = 200
_FIRST = 40
_SALT = 32
_AT_ONCE = 5000
"""Entries in one transaction: all of them are in memory until it stands."""
_SUBMISSION = """\
framework = "{framework}"
reasoning_access = "full"
[developer]
id = "example-lab"
name = "Example Lab"
[model]
id = "example-model"
name = "Example Model"
release_state = "in-development"
[[variants]]
id = "final"
[[modes]]
id = "thinking"
variant = "final"
model = "openai-api/subject/example"
base_url = "http://127.0.0.1:9/v1"
api_key_env = "EXAMPLE_LAB_KEY"
settings = {{ reasoning_effort = "high" }}
"""


def opening_rows(entries: int) -> Iterator[BenchRow]:
    """What opening a case of so many entries costs where its fold is kept, and where it is not."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        case = make_long_case(home, Path(folder) / "SUBMISSION.toml", entries)
        # The first opening folds and keeps; the second finds what was kept.
        folded, opened = _opened_in_a_process(home, case), _opened_in_a_process(home, case)
    goal = f"at most {OPENING_SECONDS:g} s"
    yield BenchRow(
        f"opening a case of {entries:,} entries",
        opened,
        "s",
        opened / OPENING_SECONDS,
        "the limit",
        goal,
        opened <= OPENING_SECONDS,
    )
    yield BenchRow("the same, folded anew", folded, "s", folded / opened, "its kept fold", "", None)


def deed_rows(count: int = DEEDS) -> Iterator[BenchRow]:
    """What a deed costs that a command does here: drafted, signed, checked, decided and kept."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_installation(Path(folder) / "home", apart=True) as installation,
    ):
        case = small_case(installation, Path(folder) / "SUBMISSION.toml")
        # The first deeds load modules and fill caches that a command pays for once.
        _act(case, _FIRST)
        start = process_time()
        done = _act(case, count)
        took = (process_time() - start) / done * 1000
    yield BenchRow(
        "a deed by the local way",
        took,
        "ms",
        took / DEED_MILLISECONDS,
        "the limit",
        f"at most {DEED_MILLISECONDS:g} ms",
        took <= DEED_MILLISECONDS,
    )


def _act(case: Case, count: int) -> int:
    """Halt and resume by turns, each in a transaction of its own; gives how many deeds."""
    centre, before = case.participants.centre, case.state.size
    for _ in range(count // 2):
        case.record([review_halted(case, centre, "a look")])
        case.record([review_resumed(case, centre, "looked at")])
    return case.state.size - before


def make_long_case(home: Path, submission: Path, entries: int) -> str:
    """A case under the example framework with that many entries or a few more; gives its id."""
    with open_installation(home, apart=True) as installation:
        case = small_case(installation, submission)
        lengthen(case, entries)
        return case.id


def small_case(installation: Installation, submission: Path, agencies: Sequence[str] = ()) -> Case:
    """A case under the example framework that was just opened."""
    framework = load_framework("example")
    submission.write_text(_SUBMISSION.format(framework=framework.id), "utf-8")
    participants = Participants("example-lab", default_centre(framework), tuple(agencies))
    return open_case(installation, framework, load_submission(submission), participants)


def lengthen(case: Case, entries: int) -> None:
    """Add halts and resumptions by the centre until the case has that many entries."""
    installation, centre = case.installation, case.participants.centre
    pair = (review_halted(case, centre, "a look"), review_resumed(case, centre, "looked at"))
    hand = _Hand(installation, centre, pair)
    size = installation.records.case(case.id).size
    while size < entries:
        with installation.records.deeds.together(case.id) as batch:
            size = min(entries, size + _AT_ONCE)
            while batch.writer.next_n < size:
                hand.act(batch)


class _Hand:
    """A party that does the same deeds again and again, each time signed on the log as it is."""

    def __init__(self, installation: Installation, party: str, deeds: Sequence[Deed]) -> None:
        self._random = installation.random
        self._own = installation.keyring.party(party)
        self._installation = installation.keyring.installation
        self._key = fingerprint(self._own.public_key)
        self._turns = cycle(
            [(d.event, d.event.facts(), _values(d), topics_of(d.event)) for d in deeds]
        )

    def act(self, batch: DeedBatch) -> None:
        """Sign the next deed, and record it."""
        event, facts, values, asked = next(self._turns)
        past, parts = batch.writer.past, tuple(self._salted(value) for value in values)
        last = past.last_deed(self._key)
        statement = DeedStatement(
            log=past.log,
            key=self._key,
            actor=event.actor,
            deed=event.type,
            parts=tuple(commit_part(part.salt, part.data) for part in parts),
            seq=last.seq + 1 if last else 0,
            before=last.digest if last else None,
            seen=SeenHead(past.size, past.root(past.size).hex()),
            touches=tuple(sorted(asked.touches)),
            on={topic: past.newest(topic) for topic in asked.must_name},
        )
        envelope = sign_statement(statement, self._own)
        admitted = AdmittedDeed(envelope, parts, facts, None, past.size, event.at)
        batch.writer.record(admitted, self._random, self._installation)

    def _salted(self, value: bytes) -> SentPart:
        return SentPart(self._random.draw(_SALT), value)


def _values(deed: Deed) -> list[bytes]:
    return [dumps(deed.event.facts()), *(dumps(attached(a).value) for a in deed.attachments)]


def _opened_in_a_process(home: Path, case: str) -> float:
    command = [sys.executable, "-m", "touchstone.bench.long_case", str(home), case]
    done = subprocess.run(command, capture_output=True, check=True)
    return float(json.loads(done.stdout)["seconds"])


def main(home: str, case: str) -> None:
    """Open a case and write what that took."""
    start = process_time()
    with open_installation(Path(home), apart=True) as installation:
        installation.state(case)
        took = process_time() - start
    sys.stdout.write(json.dumps({"seconds": took}))


if __name__ == "__main__":
    main(*sys.argv[1:])
