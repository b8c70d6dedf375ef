"""A log that may lie, and witnesses as `touchstone witness serve` runs them, on loopback.

log = LyingLog("a")
log.grow(7)
with served_witness(folder, [log.vkey]) as witness:
    witness.submit(log.body(0))            # status and text
"""

import contextlib
import http.client
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from support.forked import Command
from support.ledger_signer import Signer
from touchstone.ledger import (
    Checkpoint,
    KeyHistory,
    Tree,
    VerifierKey,
    leaf_hash,
    sign_checkpoint,
)
from touchstone.ledger.notes import ED25519
from touchstone.witness.protocol import request_body

AT = "2026-11-30T12:00:00Z"
NAME = "witness.example/w1"


class LyingLog:
    """An installation's log and keys. `branch` is what its leaves are made of."""

    def __init__(self, name: str, branch: str = "true") -> None:
        self.signers = [Signer(name)]
        self.history = KeyHistory.start(self.signers[0], AT, "first key")
        self.tree, self.leaves = Tree(), list[bytes]()
        self.branch = branch

    @property
    def vkey(self) -> str:
        return str(VerifierKey(self.history.origin, ED25519, self.history.current))

    @property
    def keys(self) -> bytes:
        return b"".join(line.line + b"\n" for line in self.history.lines)

    def grow(self, count: int) -> None:
        for _ in range(count):
            self.leaves.append(leaf_hash(f"{self.branch} {len(self.leaves)}".encode()))
            self.tree.append(self.leaves[-1])

    def fork(self, at: int, branch: str) -> "LyingLog":
        """The same log up to a size, and then another, of the same keys."""
        forked = LyingLog.__new__(LyingLog)
        forked.signers, forked.history, forked.branch = self.signers, self.history, branch
        forked.leaves = self.leaves[:at]
        forked.tree = Tree(forked.leaves)
        return forked

    def rotate(self, name: str, reason: str = "yearly") -> None:
        successor = Signer(name)
        self.history = self.history.rotate(self.signers[-1], successor.public_key, AT, reason)
        self.signers = [*self.signers, successor]

    def note(self, size: int | None = None) -> str:
        size = len(self.tree) if size is None else size
        checkpoint = Checkpoint(self.history.origin, size, self.tree.root(size))
        return sign_checkpoint(checkpoint, self.signers[-1])

    def body(self, old: int, size: int | None = None) -> bytes:
        size = len(self.tree) if size is None else size
        proof = self.tree.consistency(old, size) if old <= size else []
        return request_body(old, proof, self.note(size))


@dataclass
class ServedWitness:
    """A running witness: where it answers, its key, and its process."""

    folder: Path
    url: str
    vkey: str
    process: Command

    @property
    def config(self) -> Path:
        return self.folder / "witness.toml"

    def submit(self, body: bytes, call: str = "add-checkpoint") -> tuple[int, str]:
        status, _media, text = self.ask("POST", f"/{call}", body)
        return status, text

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, str, str]:
        address = urlsplit(self.url)
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            media = answer.getheader("Content-Type") or ""
            return answer.status, media, answer.read().decode()
        finally:
            connection.close()


def write_witness(folder: Path, vkeys: Sequence[str], name: str = NAME) -> Path:
    """Its witness.toml."""
    folder.mkdir(exist_ok=True)
    logs = "".join(f'[[logs]]\nvkey = "{vkey}"\n' for vkey in vkeys)
    text = f'format = "touchstone/witness/1"\nname = "{name}"\n[listen]\nport = 0\n{logs}'
    (folder / "witness.toml").write_text(text, "utf-8")
    return folder / "witness.toml"


@contextlib.contextmanager
def served_witness(
    folder: Path, vkeys: Sequence[str], environment: dict[str, str], name: str = NAME
) -> Iterator[ServedWitness]:
    """A witness of these logs, until the end of the block; its state stays in the folder."""
    config = write_witness(folder, vkeys, name)
    process = Command(["witness", "serve", str(config)], environment)
    try:
        until = time.monotonic() + 60
        while " at http://" not in (said := process.stderr.read().decode()):
            assert process.poll() is None, said
            assert time.monotonic() < until, said
            time.sleep(0.02)
        vkey = next(line for line in said.splitlines() if line.startswith(name))
        url = said.rpartition(" at ")[2].strip()
        yield ServedWitness(folder, url, vkey, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
