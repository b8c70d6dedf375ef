"""Contract 2: a deed names what its signer has seen, and the topics that it speaks to.

Where an entry is withheld, what it could explain is let pass, and nothing else.
"""

import re
from bisect import bisect_left
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from .errors import hold
from .keys import INSTALLATION, Keys, seconds_after
from .proofs import dsse, root_of, signed
from .strict import dumps, parse, shaped, shown, unbase64
from .verdict import Disavowed, Recovery

if TYPE_CHECKING:
    from .reading import BundleVerification

PARTS, TOUCHES, NAMED, WHY = 8, 16, 32, 500
PAYLOAD, AHEAD, WAITS = 16_384, 300, 7 * 86_400  # bytes, seconds, seconds
# Of each entry: the root before it, its deed's digest and the time of recording.
_ROW, _HIDDEN = 32 + 32 + 20, bytes(52)


class Contract2:
    """What is established of the parts of a bundle of contract 2."""

    entry = re.compile(
        rb'\{"log":(null|"[0-9a-f]{64}"),"n":(0|[1-9][0-9]{0,15}),'
        rb'"parts":\["([0-9a-f]{64}(?:","[0-9a-f]{64}){7})"\],"v":2\}'
    )
    parts, hidden = "8", "withheld"

    def __init__(self, reading: "BundleVerification") -> None:
        self.reading, self.rows, self.keys = reading, reading.rows, Keys(reading.keys)
        # By key: entry, seq, digest and size seen of its newest deed. By topic: its newest entry.
        self.newest, self.topics = dict[str, tuple[int, int, str, int]](), dict[str, int]()
        self.hidden_at, self.seen, self.recorded_at = list[int](), dict[str, int](), ""
        self.answers = self.after_hidden = self.disavowed = 0
        # By key the seq, entry and type of its deeds; of what is disavowed entry, party and type.
        self.by_key, self.told = dict[str, list[tuple[int, int, str]]](), list[Any]()
        self.issuers = dict[str, bytes]()
        self.recorded = set[bytes]()  # the deeds' digests, once a refusal asks for them
        # Of the entry at hand: its event, its deed's payload and digest.
        self.event: Any = None
        self.deed: Any = None
        self.digest = ""

    def begin(self, _n: int) -> None:
        """A new entry."""
        self.event = self.deed = None
        self.rows.write(root_of(self.reading.peaks))

    def take(self, n: int, i: int, opened: Any, commitments: bytes) -> None:
        """One part, by its place: the event, the signer's, the deed, the time, padding."""
        if i == 0:
            if opened is not None:
                self.event = shaped(opened, "event", more=True)
                shaped(opened["marking"], "marking")
                self.reading.opening(n, opened)
                self.keys.read(opened)
        elif self.deed is not None:
            self._after_deed(i, opened)
        elif self.event and i < PARTS - 1 and _kind(opened) == "deed":
            exactly(opened, "deed", "envelope")
            self._deed(n, opened, commitments[: 32 * i].hex())
        elif opened is not None:
            shape = "evidence" if _kind(opened) == "evidence" else "content"
            shaped(opened, shape, more=True)
            shaped(opened.get("marking"), "marking")
        due = self.event and not self.deed and i == PARTS - 1
        hold(not due, "ends an entry that shows its event and not the deed")

    def end(self, n: int) -> None:
        """The entry's parts are all read: what it changes, changes now."""
        if self.deed is None:
            self.hidden_at.append(n)
            self.keys.complete = False
            self.rows.write(_HIDDEN)
            return
        bound, digest = self.deed, self.digest
        for key, last in self.keys.follow(n, self.event, bound["key"], self.recorded_at):
            known, stands_by = self.newest.get(key), -1 if last is None else last
            self.disavowed += max(0, known[1] - stands_by) if known else 0
            deeds = [deed for deed in self.by_key.get(key, ()) if deed[0] > stands_by]
            self.told += [(at, bound["actor"], deed) for _seq, at, deed in deeds]
        self.by_key.setdefault(bound["key"], []).append((bound["seq"], n, bound["deed"]))
        size = bound["seen"]["size"]
        self.newest[bound["key"]] = (n, bound["seq"], digest, size)
        self.topics |= dict.fromkeys(bound["touches"], n)
        # Of the installation nobody asks what it saw: it shows all to itself.
        if bound["actor"] != INSTALLATION:
            self.seen[bound["actor"]] = max(size, self.seen.get(bound["actor"], 0))
        self.after_hidden += bool(self.hidden_at)
        self.rows.write(bytes.fromhex(digest) + self.recorded_at.encode())

    def facts(self) -> dict[str, Any]:
        """What was established."""
        seen = tuple((shown(party), size) for party, size in sorted(self.seen.items()))
        told: dict[str, Any] = {"contract": 2, "entries_withheld": len(self.hidden_at)}
        told |= {"deeds_after_withheld": self.after_hidden, "deeds_disavowed": self.disavowed}
        told["disavowed"] = tuple(Disavowed(at, shown(p), shown(deed)) for at, p, deed in self.told)
        recovered = tuple(
            Recovery(shown(party), n, tuple(map(shown, by))) for n, party, by in self.keys.recovered
        )
        words = sorted((party, sorted(by)) for party, by in self.keys.vouched.items() if by)
        asked = tuple(Recovery(shown(party), None, tuple(map(shown, by))) for party, by in words)
        told |= {"answers": self.answers, "seen_by": seen}
        return told | {"recoveries": recovered + asked}

    def _after_deed(self, i: int, opened: Any) -> None:
        """The recorded part right after the deed part, then padding."""
        if i > len(self.deed["parts"]) + 1:
            hold(opened is None, "is opened, and is padding, which opens to nothing")
            return
        at, dated = exactly(opened, "recorded", "at")["at"], self.event["at"]
        hold(opened["marking"] == self.event["marking"], "is marked otherwise than its event")
        hold(at >= self.recorded_at, "is recorded before the entry before it")
        hold(at <= (self.deed["until"] or at), "is recorded after its deed was to be")
        hold(seconds_after(at, dated) <= AHEAD, "is recorded before the date of its deed")
        waits = seconds_after(dated, self.deed["until"] or dated)
        hold(waits <= WAITS, "is of a deed held too long")
        self.recorded_at = at

    def _deed(self, n: int, opened: Any, others: str) -> None:
        """A signature over parts, and over what the signer saw and speaks to."""
        (signature,) = shaped(opened["envelope"], "envelope")["signatures"]
        raw, sig = unbase64(opened["envelope"]["payload"]), unbase64(signature["sig"])
        hold(raw != b"" and len(sig) == 64, "is a deed in ill-formed base64")  # noqa: PLR2004
        hold(len(raw) <= PAYLOAD, "is a deed of over 16,384 bytes")
        bound = shaped(parse(raw), "statement")
        touches = bound["touches"]
        hold(touches == sorted(set(touches)), "is a deed whose topics are not sorted, each once")
        hold(len(touches) <= TOUCHES and len(bound["on"]) <= NAMED, "is a deed of too many topics")
        first, due = (bound["before"] is None, bound["log"] is None), (bound["seq"] == 0, n == 0)
        hold(first == due, "is a deed that is first and not, of its key or its log")
        hold(bound["log"] in (None, self.reading.log), "is a deed of another log")
        hold("".join(bound["parts"]) == others, "is a deed about other parts")
        said, told = (bound["deed"], bound["actor"]), (self.event["type"], self.event["actor"])
        hold(said == told, "is a deed of another type or actor than its entry's event")
        hold(opened["marking"] == self.event["marking"], "is marked otherwise than its event")
        self._order(n, bound)
        hold(signature["keyid"] == bound["key"], "is a deed by another key than it names")
        key, shown = self.keys.signer(n, bound, self.event)
        hold(key is None or signed(key, sig, dsse(raw)), "is a deed whose signature does not hold")
        self.deed, self.digest = bound, sha256(b"touchstone/deed/2\0" + raw).hexdigest()
        self.reading.counts["deeds_checked" if shown else "deeds_unchecked"] += 1

    def _order(self, n: int, bound: Any) -> None:
        """What the signer saw is a past of this log, and nothing that it speaks to has moved."""
        at, seq, digest, before = self.newest.get(bound["key"], (-1, -1, None, 0))
        missing, hidden = bound["seq"] - seq - 1, len(self.hidden_at) - self._hidden_before(at + 1)
        hold(0 <= missing <= hidden, "is a deed out of its key's sequence")
        follows = missing > 0 or bound["before"] == digest
        hold(follows, "is a deed that follows another one of its key")
        size = bound["seen"]["size"]
        root = self._root(size, n)
        hold(bound["seen"]["root"] == root, "is a deed by one who has seen another log")
        hold(size >= before, "is a deed by one who has seen less than before")
        hold(not bound["exact"] or size == n, "is a deed for another place exactly")
        for topic, named in bound["on"].items():
            newest = self.topics.get(topic)
            newer = named is not None and (newest is None or newest < named < n)
            unmoved = named == newest or (newer and self._is_hidden(named))
            hold(unmoved, "is a deed on a topic that has moved")

    def _hidden_before(self, n: int) -> int:
        return bisect_left(self.hidden_at, n)

    def _is_hidden(self, n: int) -> bool:
        return self._hidden_before(n) < self._hidden_before(n + 1)

    def _row(self, n: int) -> bytes:
        self.rows.seek(_ROW * n)
        row = self.rows.read(_ROW)
        self.rows.seek(0, 2)
        return row

    def _root(self, size: int, newest: int) -> str:
        """The root at a size up to the newest, in hex; none beyond it."""
        if size == newest:
            return root_of(self.reading.peaks).hex()
        return self._row(size)[:32].hex() if size < newest else ""

    def answer(self, line: bytes) -> None:
        """An answer that the installation gave, by one of its keys, and that these entries meet."""
        found = read_answer(line)
        self.issuers = self.issuers or {name: key for key, name in self.reading.keys.items()}
        holds = answer_holds(found, self.issuers.get(found["key"], b""))
        hold(holds, "has an answer that no key of the history signed")
        said = found["answer"]
        hold(said["log"] == self.reading.log, "has an answer about another log")
        self.meet(said)
        self.answers += 1

    def meet(self, said: Any) -> None:
        """An answer about this log is met by the entries."""
        refused = said["answer"] == "refused"
        recorded = refused and self.has_recorded(said["deed"])
        hold(not recorded, "has a refusal of a deed that was recorded")
        hold(self._under(said), "has an answer under another past of this log")
        met = refused or self._stands(said) in (_HIDDEN, _said(said))
        hold(met, "has a receipt of an entry, deed or time that is not there")

    def has_recorded(self, deed: str) -> bool:
        """Whether a deed that is shown has this digest."""
        self.recorded = self.recorded or {self._row(n)[32:64] for n in range(self.reading.size)}
        return deed != "00" * 32 and bytes.fromhex(deed) in self.recorded

    def shows(self, said: Any) -> bool:
        """Whether the entries themselves show what an answer says, whoever signed it."""
        receipt = said["answer"] == "recorded" and self._under(said)
        return receipt and self._stands(said) == _said(said)

    def _under(self, said: Any) -> bool:
        size = self.reading.size
        return bool(said["size"] > size or said["root"] == self._root(said["size"], size))

    def _stands(self, said: Any) -> bytes:
        return self._row(said["n"])[32:] if said["n"] < self.reading.size else b""


def _said(said: Any) -> bytes:
    return bytes.fromhex(said["deed"]) + str(said["at"]).encode()


def exactly(opened: Any, shape: str, own: str) -> Any:
    """A part that the server makes: its own field, kind and marking, and no others."""
    shaped(opened, shape)
    hold(set(opened) == {own, "kind", "marking"}, "is the server's, with more in it")
    return opened


def _kind(opened: Any) -> Any:
    return opened.get("kind") if isinstance(opened, dict) else None


def read_answer(line: bytes) -> Any:
    """A signed answer, its signature unchecked."""
    found = parse(line)
    said: Any = found.get("answer") if isinstance(found, dict) else None
    kind = said.get("answer") if isinstance(said, dict) else None
    shaped(found, "refusal" if kind == "refused" else "receipt")
    hold(len(said.get("why", "")) <= WHY, "has a refusal of over 500 characters")
    hold(said.get("n", -1) < said["size"], "has a receipt under a head before its entry")
    return found


def answer_holds(found: Any, key: bytes) -> bool:
    """Whether the key signed the answer."""
    message = b"touchstone/answer/1\0" + dumps(found["answer"]).encode()
    return signed(key, bytes.fromhex(found["signature"]), message)
