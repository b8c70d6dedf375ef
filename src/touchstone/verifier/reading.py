"""One pass over a bundle, a method a section. Memory grows with keys and parties alone."""

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import IO, Any

from .errors import AlteredError, hold
from .proofs import Checkpoint, Tree, extends, fingerprint, included, leaf_hash, signed
from .strict import MAX_LINE, dumps, fields, parse, unbase64

MAX_PART = 2**19 - 512
DEED_TYPE = b"application/vnd.touchstone.deed+json"
HEADER = (
    'line:="bundle" format:="touchstone/bundle/1" audience:text at:time log:hex32 size:positive'
)
KEY = (
    'line:="key" v:=1 seq:integer public_key:hex32 previous:hex32? at:time reason:text '
    "signature:hex64"
)
ENTRY = re.compile(
    rb'\{"log":(null|"[0-9a-f]{64}"),"n":(0|[1-9][0-9]{0,15}),'
    rb'"parts":\["([0-9a-f]{64}(?:","[0-9a-f]{64}){0,63})"\],"v":1\}'
)
PART = 'line:="part" n:integer i:integer salt:hex32 text:text'
HIDDEN = "line:text n:integer i:integer label:text"
MARKING = "scheme:text label:text parties:text*"
CASE_OPENED = 'type:="case-opened" agreement:sha256 installation_key:hex32 nonce:hex32'
EVIDENCE = "digest:sha256 size:integer media_type:text name:text"
ENVELOPE = f'payload:base64 payloadType:="{DEED_TYPE.decode()}" signatures:list'
PAYLOAD = "v:=1 log:hex32? n:integer previous:hex32 deed:kebab actor:text parts:hex32*"
HEAD = 'line:="head" head:object blind:hex32 index:integer inclusion:hex32* checkpoint:text'
CASE_HEAD = "v:=1 log:hex32 size:positive root:hex32 keyset:hex32"
OLDER = 'line:="older" checkpoint:text consistency:hex32*'
SEAL = 'line:="seal" digest:hex32 key:fingerprint signature:hex64'


class Reading:
    """A bundle as it is read, and what is established so far."""

    def __init__(
        self, file: IO[bytes], spool: IO[bytes], witnesses: Sequence[tuple[str, bytes]],
        seen: tuple[int, bytes] | None,
    ) -> None:  # fmt: skip
        self.file, self.witnesses, self.seen = file, witnesses, seen
        self.spool = spool  # each entry's leaf, number of parts and commitments, for the parts
        self.number, self.where, self.line = 0, "", b""
        self.before = sha256()  # of every byte before the line at hand
        self.keys: dict[bytes, str] = {}
        self.keysets: set[str] = set()
        self.parties: dict[str, str] = {}
        self.opening: dict[str, Any] | None = None  # part 0 of the entry at hand, where opened
        self.all_open = True
        self.tree = Tree()
        self.counts = dict.fromkeys(("opened", "withheld", "erased"), 0)
        self.counts |= dict.fromkeys(("deeds_checked", "deeds_unchecked"), 0)

    def place(self) -> str:
        """Where the reading stands."""
        return f"line {self.number}{self.where}"

    def read(self) -> None:
        """Read the bundle to its end; AlteredError at the first thing that does not hold."""
        header = fields(parse(self._next()), HEADER)
        self.audience, self.log, self.size = header["audience"], header["log"], header["size"]
        self._keys()
        self._entries()
        for n in range(self.size):
            self._parts(n)
        self.where = ""
        self._head()
        self._older()
        self._seal()

    def _next(self) -> bytes:
        """Go to the next line, never reading past 1 MiB; it comes without its LF."""
        self.before.update(self.line)
        self.number += 1
        self.line = self.file.readline(MAX_LINE + 1)
        hold(self.line != b"", "is missing: the bundle ends before it")
        ended = self.line.endswith(b"\n")
        hold(ended or len(self.line) <= MAX_LINE, "is longer than 1 MiB")
        hold(ended, "does not end with a line feed")
        return self.line[:-1]

    def _keys(self) -> None:
        """The key history, each line signed by the key before it; stops at the first entry."""
        previous, keyset = None, sha256()
        while (raw := self._next()).startswith(b'{"at":') or not self.keys:
            line = fields(parse(raw), KEY)
            due = line["seq"] == len(self.keys) and line["previous"] == previous
            hold(due, "is not the key line that is due here")
            key, signature = bytes.fromhex(line["public_key"]), bytes.fromhex(line.pop("signature"))
            hold(key not in self.keys, "brings a key for the second time")
            message = b"touchstone/key/1\0" + dumps(line).encode()
            signer = self.newest_key if self.keys else key
            hold(signed(signer, signature, message), "is not signed by the key before it")
            self.newest_key: bytes = key
            self.keys[key] = fingerprint(key)
            keyset.update(self.line)
            self.keysets.add(keyset.hexdigest())
            previous = sha256(raw).hexdigest()

    def _entries(self) -> None:
        for n in range(self.size):
            raw = self._next() if n else self.line[:-1]
            match = ENTRY.fullmatch(raw)
            if match is None:
                fields(parse(raw), "log:hex32? n:integer parts:hex32* v:=1")
                raise AlteredError("is not an entry of 1 to 64 parts")
            leaf, commitments = leaf_hash(raw), match[3].replace(b'","', b"").decode()
            hold(int(match[2]) == n, "is not the entry that is due here")
            log = match[1].decode().strip('"')
            hold(log == (self.log if n else "null"), "is an entry of another case")
            hold(n > 0 or leaf.hex() == self.log, "is not the entry that the case began with")
            self.spool.write(leaf + bytes([len(commitments) // 64]) + bytes.fromhex(commitments))
        self.spool.seek(0)

    def _parts(self, n: int) -> None:
        """Every part of one entry, in order; then the tree grows by the entry."""
        leaf, count = self.spool.read(32), self.spool.read(1)[0]
        commitments, self.opening = self.spool.read(32 * count), None
        for i in range(count):
            self.where = f", entry {n}, part {i}"
            opened = self._part(n, i, commitments[32 * i : 32 * i + 32])
            if opened is None:
                self.all_open = self.all_open and i > 0
            elif i == 0:
                self._part_zero(n, opened)
            elif opened.get("kind") == "content":
                fields(opened, "content:any", more=True)
            elif opened.get("kind") == "evidence":
                fields(opened, EVIDENCE, more=True)
            else:
                fields(opened, 'kind:="deed" envelope:object', more=True)
                hold(i == count - 1, "is a deed, but not its entry's last part")
                self._deed(n, commitments[: 32 * i], opened["envelope"])
        self.tree.append(leaf)

    def _part(self, n: int, i: int, commitment: bytes) -> dict[str, Any] | None:
        """One part line: what it opens to, or None where it is withheld or erased."""
        line = parse(self._next())
        kind = line.get("line") if isinstance(line, dict) else None
        hidden = kind in ("withheld", "erased")
        fields(line, HIDDEN if hidden else PART)
        hold((line["n"], line["i"]) == (n, i), "is not the part that is due here")
        hold(i > 0 or kind != "erased", "is erased, which part 0 never is")
        self.counts[kind if hidden else "opened"] += 1
        if hidden:
            return None
        text = line["text"].encode()
        hold(len(text) <= MAX_PART, "is longer than a part may be")
        found = sha256(b"touchstone/part/1\0" + bytes.fromhex(line["salt"]) + text).digest()
        hold(found == commitment, "is not what its entry commits to")
        opened: dict[str, Any] = fields(parse(text), "marking:object", more=True)
        fields(opened["marking"], MARKING)
        return opened

    def _part_zero(self, n: int, opened: dict[str, Any]) -> None:
        """An opened part 0: the event, and the keys that it admits."""
        fields(opened, "type:kebab schema:positive actor:text at:time", more=True)
        if n == 0:
            key = fields(opened, CASE_OPENED, more=True)["installation_key"]
            hold(bytes.fromhex(key) in self.keys, "was opened under a key of no key line here")
        admits = fields({"admits": [], **opened}, "admits:list", more=True)["admits"]
        parties = [fields(one, "party:text role:text key:hex32")["party"] for one in admits]
        hold(len(set(parties)) == len(parties), "admits a party twice")
        self.parties |= {one["party"]: one["key"] for one in admits}
        self.opening = opened

    def _deed(self, n: int, others: bytes, envelope: dict[str, Any]) -> None:
        """A party's signature over the place, the past and the parts before it."""
        signatures = fields(envelope, ENVELOPE)["signatures"]
        hold(len(signatures) == 1, "is a deed without exactly one signature")
        signature = fields(signatures[0], "keyid:fingerprint sig:base64")
        raw = unbase64(envelope["payload"])
        bound = fields(parse(raw), PAYLOAD)
        at = (bound["log"], bound["n"]) == (self.log if n else None, n)
        hold(at, "is a deed of another place")
        hold(bound["previous"] == self.tree.root().hex(), "is a deed upon another past")
        hold("".join(bound["parts"]) == others.hex(), "is a deed about other parts")
        event = self.opening or {"type": bound["deed"], "actor": bound["actor"]}
        same = (bound["deed"], bound["actor"]) == (event["type"], event["actor"])
        hold(same, "is a deed of another type or actor than its entry's event")
        key = bytes.fromhex(self.parties.get(bound["actor"], ""))
        if fingerprint(key) == signature["keyid"]:
            message = b"DSSEv1 %d %s %d %s" % (len(DEED_TYPE), DEED_TYPE, len(raw), raw)
            hold(signed(key, unbase64(signature["sig"]), message), "is a deed wrongly signed")
        else:
            hold(not self.all_open, "is a deed by a key that its actor was not admitted with")
        self.counts[
            "deeds_checked" if fingerprint(key) == signature["keyid"] else "deeds_unchecked"
        ] += 1

    def _checkpoint(self, note: str) -> Checkpoint:
        """A checkpoint of this installation's log; of the size seen elsewhere it has that root."""
        checkpoint = Checkpoint(note)
        first = next(iter(self.keys.values())).removeprefix("SHA256:")
        hold(checkpoint.origin == f"touchstone/{first[:16]}", "has a checkpoint of another log")
        if self.seen and self.seen[0] == checkpoint.size:
            hold(self.seen[1] == checkpoint.root, "has another root than the head seen elsewhere")
            self.seen = None
        return checkpoint

    def _head(self) -> None:
        """The case head, its place in the installation's log, and the newest checkpoint."""
        line = fields(parse(self._next()), HEAD)
        head, self.root = fields(line["head"], CASE_HEAD), self.tree.root().hex()
        same = (head["log"], head["size"], head["root"]) == (self.log, self.size, self.root)
        hold(same, "has a head of other entries")
        hold(head["keyset"] in self.keysets, "has a head under other keys")
        self.newest = newest = self._checkpoint(line["checkpoint"])
        hold(newest.installed(self.newest_key), "has a checkpoint not signed by the newest key")
        blind = b"touchstone/head/1\0" + bytes.fromhex(line["blind"])
        leaf = leaf_hash(sha256(blind + dumps(head).encode()).digest())
        found = included(leaf, line["index"], newest.size, line["inclusion"], newest.root)
        hold(found, "has a head that is not where it says in the checkpoint's tree")
        for name, key in self.witnesses:
            hold(newest.cosigned(name, key), "has a checkpoint that a given witness did not cosign")

    def _older(self) -> None:
        """Older checkpoints, which the newest one extends; stops at the seal."""
        while (raw := self._next()).startswith(b'{"checkpoint":'):
            line, newest = fields(parse(raw), OLDER), self.newest
            older = self._checkpoint(line["checkpoint"])
            known = any(map(older.installed, self.keys))
            hold(known, "has a checkpoint that no key of the history signed")
            sizes = (older.size, older.root, newest.size, newest.root)
            hold(extends(*sizes, line["consistency"]), "has a checkpoint of another history")

    def _seal(self) -> None:
        """The last line: the issuer's signature over every byte before it."""
        seal, digest = fields(parse(self.line[:-1]), SEAL), self.before.digest()
        hold(seal["digest"] == digest.hex(), "has another digest than the bytes before it")
        hold(seal["key"] == self.keys[self.newest_key], "is not sealed by the newest key")
        signature, message = bytes.fromhex(seal["signature"]), b"touchstone/bundle/1\0" + digest
        hold(signed(self.newest_key, signature, message), "has a seal that does not hold")
        hold(self.seen is None, "ends a bundle without a checkpoint of the size seen elsewhere")
        self.number += 1
        hold(self.file.read(1) == b"", "stands after the seal, where the bundle must end")
