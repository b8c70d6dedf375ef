"""A bundle as it is read: the sections that both contracts share, one pass, a method a section.

Memory grows with keys, parties, topics and withheld entries, and with all entries only where the
bundle or the asker brings refusals: leaves and commitments go to a temporary file.
"""

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import IO, Any

from .contract1 import Contract1
from .contract2 import Contract2
from .errors import AlteredError, hold
from .policy import Witness
from .proofs import Checkpoint, extends, fingerprint, grow, included, leaf_hash, root_of, signed
from .strict import MAX_LINE, dumps, parse, shaped, shown

# Bytes of a part, at most.
MAX_PART = 2**19 - 512
_REVOKES = re.compile("revoked (SHA256:[0-9a-f]{64}): (.*)", re.DOTALL)
CONTRACTS: dict[str, type[Contract1] | type[Contract2]] = {
    "touchstone/bundle/1": Contract1,
    "touchstone/bundle/2": Contract2,
}


class BundleVerification:
    """A bundle as it is read, and what is established so far."""

    def __init__(
        self,
        file: IO[bytes],
        spool: IO[bytes],
        rows: IO[bytes],
        seen: re.Match[str] | None,
        witnesses: Sequence[Witness],
    ) -> None:
        # The spool: each entry's leaf, number of parts and commitments, for the parts; the rows:
        # what contract 2 keeps of each entry.
        self.file, self.spool, self.rows, self.seen = file, spool, rows, seen
        self.witnesses = witnesses
        self.number, self.where, self.line = 0, "", b""
        self.before = sha256()  # of every byte before the line at hand
        # The largest checkpoint that each witness cosigned, and when (Unix seconds); where the
        # case's head stands in the tree: an older checkpoint that reaches beyond holds it too.
        self.cosigned, self.index = dict[Witness, tuple[int, int]](), 0
        self.keys, self.keysets, self.newest = dict[bytes, str](), set[str](), b""
        # By fingerprint of a revoked key what the line says that names it.
        self.revokes, self.peaks = dict[str, str](), list[bytes]()
        names = ("opened", "withheld", "erased", "deeds_checked", "deeds_unchecked")
        self.counts = dict.fromkeys(names, 0)

    def read(self) -> dict[str, Any]:
        """Read to the end and say what was established; AlteredError where it does not hold."""
        header = parse(self.next(), "bundle")
        self.log, self.size = header["log"], header["size"]
        self.contract: Contract1 | Contract2 = CONTRACTS[header["format"]](self)
        self._keys()
        self._entries()
        for n in range(self.size):
            self._parts(n)
        self.where, root = "", root_of(self.peaks).hex()
        newest = self._head(root)
        self._older(newest)
        while self.line.startswith(b'{"answer":'):
            self.contract.answer(self.line[:-1])
            self.next()
        self._seal(header["format"])
        facts = {"log": self.log, "size": self.size, "root": root, "head_at": header["at"]}
        facts |= {"audience": shown(header["audience"]), "issuers": tuple(self.keys.values())}
        facts |= {**self.counts, **self.contract.facts()}
        return facts | {"head": f"{newest.size}:{newest.root.hex()}", "origin": newest.origin}

    def next(self) -> bytes:
        """Go to the next line, never reading past 1 MiB; it comes without its LF."""
        self.before.update(self.line)
        self.number += 1
        self.line = self.file.readline(MAX_LINE + 1)
        if not self.line.endswith(b"\n"):
            cut = "is longer than 1 MiB" if len(self.line) > MAX_LINE else "has no line feed"
            raise AlteredError(cut if self.line else "is missing: the bundle ends before it")
        return self.line[:-1]

    def _keys(self) -> None:
        """The key history, each line signed by the key before it; stops at the first entry."""
        previous, keyset = None, sha256()
        while (raw := self.next()).startswith(b'{"at":') or not self.keys:
            line = parse(raw, "key")
            due = (line["seq"], line["previous"]) == (len(self.keys), previous)
            hold(due, "is not the key line that is due here")
            key, signature = bytes.fromhex(line["public_key"]), bytes.fromhex(line.pop("signature"))
            hold(key not in self.keys, "brings a key for the second time")
            message = b"touchstone/key/1\0" + dumps(line).encode()
            known = signed(self.newest or key, signature, message)
            hold(known, "is not signed by the key before it")
            self.newest, self.keys[key] = key, fingerprint(key)
            if says := _REVOKES.fullmatch(line["reason"]):
                self.revokes[says[1]] = f"says the key line of {line['at']} ({shown(says[2])})"
            keyset.update(self.line)
            self.keysets.add(keyset.hexdigest())
            previous = sha256(raw).hexdigest()

    def _entries(self) -> None:
        for n in range(self.size):
            raw = self.next() if n else self.line[:-1]
            match = self.contract.entry.fullmatch(raw)
            if match is None:
                # Says more exactly what is wrong, where it is not canonical.
                parse(raw)
                raise AlteredError(f"is not an entry of {self.contract.parts} parts")
            leaf, commitments = leaf_hash(raw), match[3].replace(b'","', b"").decode()
            hold(int(match[2]) == n, "is not the entry that is due here")
            log = b'"%s"' % self.log.encode() if n else b"null"
            hold(match[1] == log, "is an entry of another case")
            hold(n > 0 or leaf.hex() == self.log, "is not the entry that the case began with")
            self.spool.write(leaf + bytes([len(commitments) // 64]) + bytes.fromhex(commitments))
        self.spool.seek(0)

    def _parts(self, n: int) -> None:
        """Every part of one entry, in order; then the tree grows by the entry."""
        leaf, count = self.spool.read(32), self.spool.read(1)[0]
        commitments = self.spool.read(32 * count)
        self.contract.begin(n)
        for i in range(count):
            self.where = f", entry {n}, part {i}"
            opened = self.part(n, i, commitments[32 * i : 32 * i + 32])
            self.contract.take(n, i, opened, commitments)
        self.contract.end(n)
        grow(self.peaks, n, leaf)

    def part(self, n: int, i: int, commitment: bytes) -> Any:
        """One part line: what it opens to, or None where it is not shown."""
        raw = self.next()
        # By its first bytes: the shape must be known before the line is read.
        line = parse(raw, "part" if b'"line":"part"' in raw[:32] else self.contract.hidden)
        kind = line["line"]
        hold((line["n"], line["i"]) == (n, i), "is not the part that is due here")
        hold(i > 0 or kind != "erased", "is erased, which part 0 never is")
        self.counts["opened" if kind == "part" else kind] += 1
        if kind != "part":
            return None
        text = line["text"].encode()
        hold(len(text) <= MAX_PART, "is longer than a part may be")
        found = sha256(b"touchstone/part/1\0" + bytes.fromhex(line["salt"]) + text).digest()
        hold(found == commitment, "is not what its entry commits to")
        # None means that nothing is shown: a part that says `null` must fail by its shape.
        return parse(text) or {}

    def opening(self, n: int, event: Any) -> None:
        """Entry 0's facts: it was opened under a key of this installation."""
        if n == 0:
            key = shaped(event, "opening", more=True)["installation_key"]
            hold(bytes.fromhex(key) in self.keys, "was opened under a key of no key line here")

    def _checkpoint(self, note: str) -> Checkpoint:
        """A checkpoint of this installation's log; of the size seen elsewhere it has that root."""
        found = Checkpoint(note)
        origin = f"touchstone/{next(iter(self.keys.values()))[7:23]}"
        hold(found.origin == origin, "has a checkpoint of another log")
        for one in self.witnesses:
            time = found.cosigned_at(one.name, one.key) if one.key else None
            if time is not None:
                self.cosigned[one] = max(self.cosigned.get(one, (0, 0)), (found.size, time))
        if self.seen and int(self.seen[1]) == found.size:
            hold(self.seen[2] == found.root.hex(), "has another root than the head seen elsewhere")
            self.seen = None
        return found

    def _head(self, root: str) -> Checkpoint:
        """The case head, its place in the installation's log, and the newest checkpoint."""
        line = parse(self.next(), "head")
        head = line["head"]
        same = (head["log"], head["size"], head["root"]) == (self.log, self.size, root)
        hold(same, "has a head of other entries")
        hold(head["keyset"] in self.keysets, "has a head under other keys")
        newest = self._checkpoint(line["checkpoint"])
        signs = newest.signed_by(newest.origin, self.newest)
        hold(signs, "has a checkpoint that the newest key did not sign")
        blind = b"touchstone/head/1\0" + bytes.fromhex(line["blind"])
        leaf = leaf_hash(sha256(blind + dumps(head).encode()).digest())
        found = included(leaf, line["index"], newest.size, line["inclusion"], newest.root)
        hold(found, "has a head that is not where it says in the checkpoint's tree")
        self.index = line["index"]
        return newest

    def _older(self, newest: Checkpoint) -> None:
        """Older checkpoints, which the newest one extends; stops at the seal."""
        while (raw := self.next()).startswith(b'{"checkpoint":'):
            line = parse(raw, "older")
            older = self._checkpoint(line["checkpoint"])
            signs = any(older.signed_by(older.origin, key) for key in self.keys)
            hold(signs, "has a checkpoint that no key of the history signed")
            extended = extends(older, newest, line["consistency"])
            hold(extended, "has a checkpoint that the one in the head line does not extend")

    def _seal(self, bundle: str) -> None:
        """The last line: the issuer's signature over every byte before it."""
        seal, digest = parse(self.line[:-1], "seal"), self.before.digest()
        hold(seal["digest"] == digest.hex(), "has another digest than the bytes before it")
        hold(seal["key"] == self.keys[self.newest], "is not sealed by the newest key")
        signature, message = bytes.fromhex(seal["signature"]), bundle.encode() + b"\0" + digest
        hold(signed(self.newest, signature, message), "has a seal that does not hold")
        hold(self.seen is None, "ends a bundle without a checkpoint of the size seen elsewhere")
        self.number += 1
        hold(self.file.read(1) == b"", "stands after the seal, where the bundle must end")
