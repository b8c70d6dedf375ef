"""Processes that die, wait for each other, or meet a full disk.

TOUCHSTONE_SOAK=<loops> runs the kill loop longer.
"""

import ctypes
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import deeds
from support.record_place import Place
from touchstone.ledger import (
    Frontier,
    blind_head,
    leaf_hash,
    open_checkpoint,
    verify_inclusion,
)
from touchstone.records import Records

CASE = "case-1"
LOOPS = int(os.environ.get("TOUCHSTONE_SOAK", "5"))
MEBIBYTE = 1 << 20


def check_whole(place: Place, acknowledged: dict[int, str]) -> Records:
    """Everything acknowledged is there, nothing is half there, and all agrees with itself."""
    records = place.open()
    case = records.case(CASE)
    case.check()
    frontier = Frontier()
    for line in case.lines():
        frontier.append(leaf_hash(line))
        if len(frontier) in acknowledged:
            assert frontier.root.hex() == acknowledged.pop(len(frontier))
    assert acknowledged == {}
    events = case.events(start=1)
    assert len(events) % deeds.BATCH == 0
    batches = [events[at : at + deeds.BATCH] for at in range(0, len(events), deeds.BATCH)]
    for batch in batches:
        assert [event["step"] for event in batch] == list(range(deeds.BATCH))
        assert len({event["digest"] for event in batch}) == 1
        assert deeds.digest_of(case.evidence(batch[0]["digest"])) == batch[0]["digest"]
    assert len(case.evidence_index()) == len({batch[0]["digest"] for batch in batches})
    if batches:
        assert records.cases()[0].summary.status == batches[-1][0]["digest"]
    proof = records.installation.prove(CASE)
    history = place.keyring.history
    checkpoint = open_checkpoint(proof.checkpoint, history.origin, [history.current])
    # Heads are published in groups: of two that append at once one may publish both.
    assert 1 <= checkpoint.size <= len(batches) + 1
    leaf = leaf_hash(blind_head(proof.blind, proof.head))
    verify_inclusion(leaf, proof.index, checkpoint.size, proof.inclusion, checkpoint.root)
    assert (proof.head.size, proof.head.root) == (case.size, case.root)
    return records


def acknowledgements(text: str) -> dict[int, str]:
    """Whole lines only: the last may have been cut by the kill."""
    lines = [line.split() for line in text.splitlines(keepends=True) if line.endswith("\n")]
    return {int(size): root for size, root in lines}


@pytest.mark.usefixtures("records")
def test_a_killed_process_loses_nothing_acknowledged(place: Place):
    moments = random.Random(20261121)
    acknowledged: dict[int, str] = {}
    for _ in range(LOOPS):
        child = place.child(CASE, 10**6)
        assert child.stdout
        first = child.stdout.readline()
        assert first
        time.sleep(moments.uniform(0, 0.1))
        child.send_signal(signal.SIGKILL)
        rest, _ = child.communicate()
        assert child.returncode == -signal.SIGKILL
        acknowledged |= acknowledgements(first + rest)
        check_whole(place, dict(acknowledged))
    assert len(acknowledged) >= LOOPS


@pytest.mark.usefixtures("records")
def test_twin_a_lost_batch_is_seen_by_that_check(place: Place):
    acknowledged = {4: "00" * 32}
    with pytest.raises(AssertionError):
        check_whole(place, acknowledged)


def test_two_processes_append_to_one_case_without_a_gap(records: Records, place: Place):
    children = [place.child(CASE, 12) for _ in range(2)]
    texts = [child.communicate(timeout=60)[0] for child in children]
    assert [child.returncode for child in children] == [0, 0]
    one, two = map(acknowledgements, texts)
    assert len(one) == len(two) == 12
    assert not one.keys() & two.keys()
    check_whole(place, one | two)
    assert records.case(CASE).size == 1 + 24 * deeds.BATCH


def limited() -> None:
    """No file of this process grows past 2 MiB; the signal would kill, so the error is wanted."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MEBIBYTE, 2 * MEBIBYTE))


FILL = """
import sys
from pathlib import Path
from support import deeds
from support.contract1 import append
from support.record_deeds import put_evidence
from touchstone.keys import Keyring
from touchstone.records import FullError, Records
home = Path(sys.argv[1])
records = Records.open(home, Keyring.open(home / "keys"))
try:
    for number in range(10_000):
        if sys.argv[2] == "evidence":
            data = number.to_bytes(4, "big") * 25_000 * number
            put_evidence(records, "case-1", data, "text/plain", "log")
        else:
            with records.transaction("case-1") as writer:
                append(writer, [deeds.fact(), deeds.content("x" * 100_000)])
            print(writer.next_n, writer.root, flush=True)
except FullError as error:
    print(error, file=sys.stderr)
    sys.exit(3)
"""


def fill(home: Path, kind: str, *, limit: bool) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", FILL, str(home), kind],
        env={**os.environ, "PYTHONPATH": str(Path(deeds.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        preexec_fn=limited if limit else None,
    )


@pytest.fixture(params=["small disk", "limited files"])
def limit(request: pytest.FixtureRequest, sqlite_place: Place) -> Iterator[bool]:
    """A disk of 4 MiB under the record where we may mount one, else a limit on each file's size.

    Gives whether the process that fills it has to be limited.
    """
    libc = ctypes.CDLL(None)
    target = os.fsencode(sqlite_place.home)
    mounted = (
        request.param == "small disk"
        and libc.mount(b"tmpfs", target, b"tmpfs", 0, b"size=4m,mode=700") == 0
    )
    yield not mounted
    if mounted:
        libc.umount2(target, 2)


@pytest.mark.parametrize("kind", ["entries", "evidence"])
def test_a_full_disk_gives_one_line_and_leaves_nothing_half_done(
    sqlite_place: Place, kind: str, limit: bool
):
    records = sqlite_place.open()
    deeds.open_case(records)
    run = fill(sqlite_place.home, kind, limit=limit)
    assert run.returncode == 3, run.stderr
    assert run.stderr.count("\n") == 1
    assert "the disk" in run.stderr
    assert "full" in run.stderr
    case = records.case(CASE)
    case.check()
    acknowledged = acknowledgements(run.stdout)
    assert (case.size > 1) == (kind == "entries")
    assert case.size == max(acknowledged, default=1)
    assert case.root == acknowledged.get(case.size, case.root)
    index = case.evidence_index()
    assert bool(index) == (kind == "evidence")
    assert len(sqlite_place.evidence_files()) == len(index)
    for fact in index:
        assert len(case.evidence(fact.digest)) == fact.size


def test_twin_with_room_the_same_process_goes_on(sqlite_place: Place):
    """That it is the disk, and not the program, that stops it."""
    deeds.open_case(sqlite_place.open())
    run = subprocess.run(
        [sys.executable, "-c", FILL.replace("10_000", "60"), str(sqlite_place.home), "entries"],
        env={**os.environ, "PYTHONPATH": str(Path(deeds.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
