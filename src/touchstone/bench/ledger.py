"""The ledger against bare hashlib and, where it can be imported, against pymerkle.

Times are CPU seconds of one core, so that a busy machine changes them little. Run as a module with
a file of entry lines, it verifies them and writes what that took as JSON: so the peak memory is of
a process that did nothing else.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from time import process_time
from typing import Any

from touchstone.bench.table import BenchRow, BenchTable
from touchstone.ledger import Entry, Tree, leaf_hash, verify_inclusion, verify_lines

PROOFS = 10_000
PYMERKLE_PROOFS = 500
FULL_SECONDS = 10.0
FULL_MEGABYTES = 300.0
# Against pymerkle, an inclusion proof must be this many times faster.
PROOF_GOAL = 5.0
# The goals for full verification are stated at this size.
GOAL_SIZE = 1_000_000


def run(sizes: Sequence[int] = (100_000, 1_000_000), entries: int = 10_000) -> BenchTable:
    """Measure appends, proofs, verifies and full verification for logs of each size.

    And what opening a case of so many entries costs, which are made for it, and what a deed does.
    """
    # Not above: it brings the whole store, and the process whose peak is measured imports this.
    stored: Any = import_module("touchstone.bench.long_case")
    rows: list[BenchRow] = []
    for size in sizes:
        rows += _tree_rows(size)
        rows += _full_rows(size)
    rows += stored.opening_rows(entries)
    rows += stored.deed_rows()
    return BenchTable("ledger (CPU time of one core)", tuple(rows))


def _tree_rows(size: int) -> Iterator[BenchRow]:
    leaves = [leaf_hash(b"%d" % number) for number in range(size)]
    tree = Tree()
    append = tree.append
    appended = _rate(lambda: [append(leaf) for leaf in leaves], size)
    # A multiplicative stride visits the leaves out of order and needs no randomness.
    places = [number * 7_368_787 % size for number in range(PROOFS)]
    proved = _rate(lambda: [tree.inclusion(place) for place in places], PROOFS)
    extended = _rate(lambda: [tree.consistency(place + 1) for place in places], PROOFS)
    proofs = [tree.inclusion(place) for place in places]
    root = tree.root()

    def verify() -> None:
        for place, proof in zip(places, proofs, strict=True):
            verify_inclusion(leaves[place], place, size, proof, root)

    verified = _rate(verify, PROOFS)
    # A node's hash is over 65 bytes: the prefix and two hashes.
    hashes = _hash_rate(65)
    depth = sum(map(len, proofs)) / PROOFS
    at = f"at {size:,}"
    bare = "bare hashlib"
    yield BenchRow(f"appends {at}", appended, "1/s", appended / hashes, bare, "", None)
    yield BenchRow(f"verifies {at}", verified, "1/s", verified / (hashes / depth), bare, "", None)
    yield from _pymerkle_rows(size, appended, proved, extended, verified)


def _pymerkle_rows(
    size: int, appended: float, proved: float, extended: float, verified: float
) -> Iterator[BenchRow]:
    at = f"at {size:,}"
    try:
        pymerkle: Any = import_module("pymerkle")
    except ImportError:
        yield BenchRow(f"inclusion proofs {at}", proved, "1/s", None, "", "", None)
        yield BenchRow(f"consistency proofs {at}", extended, "1/s", None, "", "", None)
        return
    peer = pymerkle.InmemoryTree(algorithm="sha256")
    places = [number * 7_368_787 % size + 1 for number in range(PYMERKLE_PROOFS)]
    peer_appended = _rate(lambda: [peer.append_entry(b"%d" % n) for n in range(size)], size)
    peer_proved = _rate(lambda: [peer.prove_inclusion(n, size) for n in places], PYMERKLE_PROOFS)
    peer_extended = _rate(
        lambda: [peer.prove_consistency(n, size) for n in places], PYMERKLE_PROOFS
    )
    proofs = [peer.prove_inclusion(place, size) for place in places]
    bases = [peer.get_leaf(place) for place in places]
    root = peer.get_root(size)

    def verify() -> None:
        for base, proof in zip(bases, proofs, strict=True):
            pymerkle.verify_inclusion(base, root, proof)

    peer_verified = _rate(verify, PYMERKLE_PROOFS)
    goal = f"at least {PROOF_GOAL:g} x pymerkle"
    ratio = proved / peer_proved
    name = "pymerkle"
    yield BenchRow(f"appends {at}", appended, "1/s", appended / peer_appended, name, "", None)
    yield BenchRow(f"inclusion proofs {at}", proved, "1/s", ratio, name, goal, ratio >= PROOF_GOAL)
    ratio = extended / peer_extended
    yield BenchRow(
        f"consistency proofs {at}", extended, "1/s", ratio, name, goal, ratio >= PROOF_GOAL
    )
    yield BenchRow(f"verifies {at}", verified, "1/s", verified / peer_verified, name, "", None)


def _full_rows(size: int) -> Iterator[BenchRow]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "entries"
        length = _write_log(path, size)
        command = [sys.executable, "-m", "touchstone.bench.ledger", str(path)]
        done = subprocess.run(command, capture_output=True, check=True)
    took = json.loads(done.stdout)
    # What no way of verifying can do without: a leaf's hash and a node's for each entry.
    hashing = size / _hash_rate(length + 1) + size / _hash_rate(65)
    seconds, megabytes = took["seconds"], took["megabytes"]
    limited = size == GOAL_SIZE
    yield BenchRow(
        f"full verification at {size:,}",
        seconds,
        "s",
        seconds / hashing,
        "bare hashlib",
        f"at most {FULL_SECONDS:g} s" if limited else "",
        seconds <= FULL_SECONDS if limited else None,
    )
    yield BenchRow(
        f"its peak memory at {size:,}",
        megabytes,
        "MB",
        None,
        "",
        f"at most {FULL_MEGABYTES:g} MB" if limited else "",
        megabytes <= FULL_MEGABYTES if limited else None,
    )


def _write_log(path: Path, size: int) -> int:
    """A log of entries with three parts each; returns the length of its last line."""
    log = None
    line = b""
    with path.open("wb") as file:
        for n in range(size):
            parts = tuple(sha256(b"%d %d" % (n, i)).hexdigest() for i in range(3))
            entry = Entry(log, n, parts)
            line = entry.line
            log = log or entry.leaf.hex()
            file.write(line + b"\n")
    return len(line)


def _rate(work: Callable[[], object], count: int) -> float:
    start = process_time()
    work()
    return count / (process_time() - start)


def _hash_rate(length: int, count: int = 200_000) -> float:
    """SHA-256 of `length` bytes, a second, with nothing around it but the loop."""
    data = bytes(length)
    return _rate(lambda: [sha256(data).digest() for _ in range(count)], count)


def _peak_megabytes() -> float:
    """This process's own peak.

    Not ru_maxrss: a child inherits in it what its parent held before the exec.
    """
    status = Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(peak.split()[1]) * 1024 / 1e6


def main(path: str) -> None:
    """Verify a file of entry lines and write the seconds and the peak memory as JSON."""
    start = process_time()
    with Path(path).open("rb") as file:
        verify_lines(line[:-1] for line in file)
    took = {"seconds": process_time() - start, "megabytes": _peak_megabytes()}
    sys.stdout.write(json.dumps(took))


if __name__ == "__main__":
    main(sys.argv[1])
