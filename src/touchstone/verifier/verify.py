"""The question put to a bundle, and the answer: one pass, a method a section.

Memory grows with keys and parties alone: leaves and commitments go to a temporary file.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from .errors import AlteredError, VerifierInputError, hold
from .proofs import Checkpoint, extends, fingerprint, grow, included, leaf_hash, root_of, signed
from .strict import MAX_LINE, dumps, parse, shaped, shown, unbase64

# Bytes of a part; of leaves and commitments in memory; in which entry 0 is sought, if no header is.
MAX_PART, IN_MEMORY, SOUGHT = 2**19 - 512, 96 << 20, 4 << 20
DEED_TYPE = b"application/vnd.touchstone.deed+json"
_ENTRY = re.compile(
    rb'\{"log":(null|"[0-9a-f]{64}"),"n":(0|[1-9][0-9]{0,15}),'
    rb'"parts":\["([0-9a-f]{64}(?:","[0-9a-f]{64}){0,63})"\],"v":1\}'
)
# What only a bundle's header has.
_HEADER = re.compile(rb'"format":"touchstone/bundle/|"line":"bundle"')
_SEEN = "([1-9][0-9]{0,15}):([0-9a-f]{64})"
_REVOKES = re.compile("revoked (SHA256:[0-9a-f]{64}): (.*)", re.DOTALL)
NO_BUNDLE = "is no bundle of Touchstone: its first line is no bundle's header"
TRUNCATION = "entries dropped after the newest head here show only against a head seen elsewhere"
UNPINNED = "anyone can write a consistent bundle; pin an issuer's key that you know with --trust"
UNMET = "none of the keys given with --trust is in the key history, or only up to a revoked one"


@dataclass(frozen=True)
class Verdict:
    """The answer; of an altered bundle nothing but where and what. All texts are safe to print.

    `root` is that of the case's `size` entries; `head` is the installation log's, SIZE:ROOT;
    `issuers` are the fingerprints of the key history, oldest first; `revoked` those of them that a
    key line names as revoked, or that were given as such. `head_at` is when the issuer says that
    this was the newest head (UTC): the bundle's own time; `head_age_seconds` how long before the
    asking that was, below 0 where the issuer's clock was ahead.
    """

    word: str
    place: str = ""
    what: str = ""
    line: int | None = None
    trust_given: bool = False
    audience: str = ""
    log: str = ""
    size: int = 0
    root: str = ""
    head: str = ""
    issuers: tuple[str, ...] = ()
    revoked: tuple[str, ...] = ()
    opened: int = 0
    withheld: int = 0
    erased: int = 0
    deeds_checked: int = 0
    deeds_unchecked: int = 0
    cosigned_by: tuple[str, ...] = ()
    head_at: str = ""
    head_age_seconds: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the answer is yes: nothing altered, no given pin unmet, no revoked key's seal."""
        unmet = self.trust_given or self.revoked[-1:] == self.issuers[-1:]
        return self.word == "authentic" or (self.word == "consistent" and not unmet)

    def as_dict(self) -> dict[str, Any]:
        """The verdict in JSON's types."""
        return {**asdict(self), "holds": self.holds}

    def lines(self) -> list[str]:
        """The verdict for people to read, a line each."""
        if self.word == "altered":
            return [f"altered: {self.place} {self.what}"]
        return [
            self.word + ("" if self.word == "authentic" else ", issuer unverified"),
            f"case {self.log}: {self.size} entries, root {self.root}, for {self.audience}",
            f"parts: {self.opened} opened, {self.withheld} withheld, {self.erased} erased",
            f"deeds: {self.deeds_checked} checked, {self.deeds_unchecked} of a signer not shown",
            f"installation log {self.head}, cosigned by {', '.join(self.cosigned_by) or '-'}",
            f"newest head as of {self.head_at} by the issuer's word{_aged(self.head_age_seconds)}",
            *(f"issuer: {key}" for key in self.issuers),
            *(f"note: {note}" for note in self.notes),
        ]


def _aged(seconds: int | None) -> str:
    """A length of time in the largest unit of which there are two."""
    if seconds is None:
        return ""
    sizes = ((86_400, "days"), (3600, "hours"), (60, "minutes"), (1, "seconds"))
    size, unit = next(each for each in sizes if abs(seconds) >= 2 * each[0] or each[0] == 1)
    return f", {abs(seconds) // size} {unit} {'ahead of this clock' if seconds < 0 else 'ago'}"


def verify_bundle(
    path: Path,
    *,
    trust: Sequence[str] = (),
    revoked: Sequence[str] = (),
    witnesses: Sequence[str] = (),
    head: str | None = None,
    now: datetime | None = None,
) -> Verdict:
    """Check a bundle; one of the `trust`ed fingerprints must be met, and all else that is given.

    `revoked` are fingerprints known from elsewhere to be revoked: a bundle whose key history ends
    before the line that says so cannot tell. No key up to the last revoked one meets a pin.
    `witnesses` are `NAME=HEXKEY`; `head` is `SIZE:ROOT` of the installation's log, seen elsewhere;
    `now` (with a zone) is what the newest head's age is reckoned to. VerifierInputError: the file
    cannot be read or is no bundle at all, or what was given is ill-formed.
    """
    for one in (*trust, *revoked):
        _match(one, "SHA256:[0-9a-f]{64}", "SHA256:<64 hex digits>")
    named = [_match(one, r"([^\s+]+)=([0-9a-f]{64})", "NAME=<64 hex digits>") for one in witnesses]
    seen = None if head is None else _match(head, _SEEN, "SIZE:<64 hex digits>")
    try:
        with path.open("rb") as file, SpooledTemporaryFile(IN_MEMORY) as spool:
            reading = Reading(file, spool, seen)
            try:
                facts = reading.read(named)
            except AlteredError as error:
                if reading.number == 1 and not _is_bundle(reading.line, file):
                    raise VerifierInputError(f"{shown(str(path))}: {NO_BUNDLE}") from None
                place = f"line {reading.number}{reading.where}"
                return Verdict("altered", place, str(error), reading.number)
    except OSError as error:
        raise VerifierInputError(f"{shown(str(path))}: {error.strerror}") from None
    age = None if now is None else now - datetime.fromisoformat(facts["head_at"])
    facts["head_age_seconds"] = None if age is None else int(age.total_seconds())
    return _judged(trust, reading.revokes | dict.fromkeys(revoked, "as given"), facts)


def _judged(trust: Sequence[str], revokes: dict[str, str], facts: dict[str, Any]) -> Verdict:
    """What is said of a bundle that holds together, by the pins and by what is revoked."""
    issuers = facts["issuers"]
    bad = tuple(key for key in issuers if key in revokes)
    vouching = issuers[issuers.index(bad[-1]) + 1 :] if bad else issuers
    notes = [f"{key} is revoked, {revokes[key]}: it vouches for no key after it" for key in bad]
    word = "consistent" if set(trust).isdisjoint(vouching) else "authentic"
    if word == "consistent":
        notes.append(UNMET if trust else UNPINNED)
    return Verdict(word, notes=(TRUNCATION, *notes), revoked=bad, trust_given=bool(trust), **facts)


def _is_bundle(first: bytes, rest: IO[bytes]) -> bool:
    """Whether a file whose first line is no bundle's header is a bundle all the same, altered.

    It is if a header's form is still in its first two lines, or an entry 0 soon follows. What has
    no whole line at all is none.
    """
    line, left, header_may_come = first, SOUGHT, 2
    while line and left > 0:
        if header_may_come and line.endswith(b"\n") and _HEADER.search(line):
            return True
        if not header_may_come and _ENTRY.match(line) and b'"log":null' in line[:20]:
            return True
        line, header_may_come = rest.readline(MAX_LINE), max(0, header_may_come - 1)
        left -= len(line)
    return b'"line":"key"' in first and _HEADER.search(first) is not None


def _match(text: str, expression: str, form: str) -> re.Match[str]:
    match = re.fullmatch(expression, text)
    if match is None:
        raise VerifierInputError(f"{shown(text)} is not of the form {form}")
    return match


class Reading:
    """A bundle as it is read, and what is established so far."""

    def __init__(self, file: IO[bytes], spool: IO[bytes], seen: re.Match[str] | None) -> None:
        # The spool: each entry's leaf, number of parts and commitments, for the parts.
        self.file, self.spool, self.seen = file, spool, seen
        self.number, self.where, self.line = 0, "", b""
        self.before = sha256()  # of every byte before the line at hand
        self.keys, self.keysets, self.newest = dict[bytes, str](), set[str](), b""
        # By party its key; by fingerprint of a revoked key what the line says that names it.
        self.parties, self.revokes = dict[str, str](), dict[str, str]()
        self.all_open, self.peaks = True, list[bytes]()
        names = ("opened", "withheld", "erased", "deeds_checked", "deeds_unchecked")
        self.counts = dict.fromkeys(names, 0)

    def read(self, witnesses: Sequence[re.Match[str]]) -> dict[str, Any]:
        """Read to the end and say what was established; AlteredError where it does not hold."""
        header = parse(self._next(), "bundle")
        self.log, self.size = header["log"], header["size"]
        self._keys()
        self._entries()
        for n in range(self.size):
            self._parts(n)
        self.where, root = "", root_of(self.peaks).hex()
        newest = self._head(root)
        for name, key in (one.groups() for one in witnesses):
            cosigned = newest.signed_by(name, bytes.fromhex(key), witness=True)
            hold(cosigned, "has a checkpoint that a given witness did not cosign")
        self._older(newest)
        self._seal()
        facts = {"log": self.log, "size": self.size, "root": root, "head_at": header["at"]}
        facts |= {"cosigned_by": tuple(shown(one[1]) for one in witnesses), **self.counts}
        facts |= {"audience": shown(header["audience"]), "issuers": tuple(self.keys.values())}
        return facts | {"head": f"{newest.size}:{newest.root.hex()}"}

    def _next(self) -> bytes:
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
        while (raw := self._next()).startswith(b'{"at":') or not self.keys:
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
            raw = self._next() if n else self.line[:-1]
            match = _ENTRY.fullmatch(raw)
            if match is None:
                parse(raw)
                raise AlteredError("is not an entry of 1 to 64 parts")
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
        commitments, event = self.spool.read(32 * count), None
        for i in range(count):
            self.where = f", entry {n}, part {i}"
            opened = self._part(n, i, commitments[32 * i : 32 * i + 32])
            if opened is None:
                self.all_open = self.all_open and i > 0
            elif i == 0:
                event = self._event(n, opened)
            else:
                kind = str(opened.get("kind")) if isinstance(opened, dict) else ""
                shaped(opened, kind if kind in ("evidence", "deed") else "content", more=True)
                hold(kind != "deed" or i == count - 1, "is a deed, but not its entry's last part")
                if kind == "deed":
                    self._deed(n, event, commitments[: 32 * i].hex(), opened.get("envelope"))
            if opened is not None:
                shaped(opened.get("marking"), "marking")
        grow(self.peaks, n, leaf)

    def _part(self, n: int, i: int, commitment: bytes) -> Any:
        """One part line: what it opens to, or None where it is withheld or erased."""
        raw = self._next()
        line = parse(raw, "hidden" if b',"label":' in raw[:32] else "part")
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
        return parse(text) or {}

    def _event(self, n: int, opened: Any) -> tuple[str, str]:
        """An opened part 0: its type and actor; the keys that it admits count from here on."""
        shaped(opened, "event", more=True)
        if n == 0:
            key = shaped(opened, "opening", more=True)["installation_key"]
            hold(bytes.fromhex(key) in self.keys, "was opened under a key of no key line here")
        admits = opened.get("admits", [])
        hold(isinstance(admits, list), "admits no list of parties")
        keys = {shaped(one, "admits")["party"]: one["key"] for one in admits}
        hold(len(keys) == len(admits), "admits a party twice")
        self.parties |= keys
        return opened["type"], opened["actor"]

    def _deed(self, n: int, event: tuple[str, str] | None, others: str, envelope: Any) -> None:
        """A party's signature over the place, the past and the parts before it."""
        (signature,) = shaped(envelope, "envelope")["signatures"]
        raw, sig = unbase64(envelope["payload"]), unbase64(signature["sig"])
        hold(raw != b"" and sig != b"", "is a deed in ill-formed base64")
        bound = parse(raw, "payload")
        past = (self.log if n else None, n, root_of(self.peaks).hex())
        hold((bound["log"], bound["n"], bound["previous"]) == past, "is a deed of another place")
        hold("".join(bound["parts"]) == others, "is a deed about other parts")
        said = (bound["deed"], bound["actor"])
        hold(said == (event or said), "is a deed of another type or actor than its entry's event")
        key = bytes.fromhex(self.parties.get(bound["actor"], ""))
        known = fingerprint(key) == signature["keyid"]
        hold(known or not self.all_open, "is a deed by a key that its actor was not admitted with")
        message = b"DSSEv1 %d %s %d %s" % (len(DEED_TYPE), DEED_TYPE, len(raw), raw)
        hold(not known or signed(key, sig, message), "is a deed whose signature does not hold")
        self.counts["deeds_checked" if known else "deeds_unchecked"] += 1

    def _checkpoint(self, note: str) -> Checkpoint:
        """A checkpoint of this installation's log; of the size seen elsewhere it has that root."""
        found = Checkpoint(note)
        origin = f"touchstone/{next(iter(self.keys.values()))[7:23]}"
        hold(found.origin == origin, "has a checkpoint of another log")
        if self.seen and int(self.seen[1]) == found.size:
            hold(self.seen[2] == found.root.hex(), "has another root than the head seen elsewhere")
            self.seen = None
        return found

    def _head(self, root: str) -> Checkpoint:
        """The case head, its place in the installation's log, and the newest checkpoint."""
        line = parse(self._next(), "head")
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
        return newest

    def _older(self, newest: Checkpoint) -> None:
        """Older checkpoints, which the newest one extends; stops at the seal."""
        while (raw := self._next()).startswith(b'{"checkpoint":'):
            line = parse(raw, "older")
            older = self._checkpoint(line["checkpoint"])
            signs = any(older.signed_by(older.origin, key) for key in self.keys)
            hold(signs, "has a checkpoint that no key of the history signed")
            extended = extends(older, newest, line["consistency"])
            hold(extended, "has a checkpoint that the one in the head line does not extend")

    def _seal(self) -> None:
        """The last line: the issuer's signature over every byte before it."""
        seal, digest = parse(self.line[:-1], "seal"), self.before.digest()
        hold(seal["digest"] == digest.hex(), "has another digest than the bytes before it")
        hold(seal["key"] == self.keys[self.newest], "is not sealed by the newest key")
        signature, message = bytes.fromhex(seal["signature"]), b"touchstone/bundle/1\0" + digest
        hold(signed(self.newest, signature, message), "has a seal that does not hold")
        hold(self.seen is None, "ends a bundle without a checkpoint of the size seen elsewhere")
        self.number += 1
        hold(self.file.read(1) == b"", "stands after the seal, where the bundle must end")
