"""A second verifier, from docs/reference/record-format.md and record-format-2.md alone.

It imports nothing of Touchstone. Where the shipped verifier streams, holds lines to expressions and
climbs proofs, this one holds the whole bundle in memory and follows the definitions as the pages
and RFC 6962 put them, recursively, however slow. A bundle gets a word, a line and two counts.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LIMIT = 2**53
DEED = "application/vnd.touchstone.deed+json"
SMALL = {
    "01" + "00" * 31,
    "00" * 32,
    "ec" + "ff" * 30 + "7f",
    "ed" + "ff" * 30 + "7f",
    "ee" + "ff" * 30 + "7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
}
WHITE = set(" \t\n\v\f\r\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | {
    chr(0x2000 + each) for each in range(11)
}


class WrongError(Exception):
    """Something is not as the pages have it."""


@dataclass
class Answered:
    """`word` is authentic, consistent or altered (at `line`)."""

    word: str
    line: int | None = None
    unchecked: int = 0
    after_withheld: int = 0
    disavowed: int = 0
    disavowed_deeds: list[tuple[int, str, str]] = field(default_factory=list)
    recovered: list[tuple[int, str, list[str]]] = field(default_factory=list)
    seen_by: dict[str, int] = field(default_factory=dict)


def must(condition: object, why: str) -> None:
    if not condition:
        raise WrongError(why)


def sha(*pieces: bytes) -> bytes:
    return hashlib.sha256(b"".join(pieces)).digest()


# ---------------------------------------------------------------- canonical JSON


def quoted(text: str) -> str:
    short = {
        '"': '\\"',
        "\\": "\\\\",
        "\b": "\\b",
        "\t": "\\t",
        "\n": "\\n",
        "\f": "\\f",
        "\r": "\\r",
    }
    plain = (short.get(c) or (f"\\u{ord(c):04x}" if ord(c) < 0x20 else c) for c in text)
    return f'"{"".join(plain)}"'


def written(value: Any) -> str:
    """Canonical JSON, character by character as the page lists them."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return quoted(value)
        case list():
            return "[" + ",".join(map(written, value)) + "]"
        case dict():
            return "{" + ",".join(f"{quoted(k)}:{written(value[k])}" for k in sorted(value)) + "}"
    raise WrongError("no JSON value")


def bounds(value: Any, depth: int = 0) -> None:
    if isinstance(value, (dict, list)):
        must(depth < 16, "too deep")
        for key in value if isinstance(value, dict) else ():
            must(all(" " <= c <= "~" for c in key), "a key beyond ASCII")
        for each in value.values() if isinstance(value, dict) else value:
            bounds(each, depth + 1)
    elif isinstance(value, int):
        must(abs(value) < LIMIT, "an integer too large")


def no_float(_: str) -> NoReturn:
    raise WrongError("no decimals")


def read(line: bytes) -> Any:
    must(len(line) <= 2**20, "a line too long")
    try:
        text = line.decode("utf-8", "strict")
        must(not re.search("[0-9]{17}", re.sub(r'"(?:[^"\\]|\\.)*"', "", text)), "a long integer")
        value = json.loads(text, parse_float=no_float, parse_constant=no_float)
        same = written(value).encode("utf-8", "strict") == line
    except (ValueError, RecursionError) as error:
        raise WrongError(str(error)) from error
    must(same, "not canonical")
    bounds(value)
    return value


# ---------------------------------------------------------------- forms


def integer(value: Any, least: int = 0) -> Any:
    must(type(value) is int and least <= value < LIMIT, "no integer")
    return value


def text(value: Any) -> Any:
    must(isinstance(value, str) and value, "no text")
    return value


def like(expression: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        must(isinstance(value, str) and re.fullmatch(expression, value), f"not {expression}")
        return value

    return check


NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
KEBAB = "[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
hex32, hex64 = like("[0-9a-f]{64}"), like("[0-9a-f]{128}")
fingerprint, digest = like("SHA256:[0-9a-f]{64}"), like("sha256:[0-9a-f]{64}")
kebab, name = like(KEBAB), like(NAME)
_time = like("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def topic(value: Any) -> Any:
    word, colon, ident = text(value).partition(":")
    kebab(word)
    must(len(word) <= 64, "a topic too long")
    if colon:
        name(ident)
    return value


def seconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()


def time(value: Any) -> Any:
    try:
        datetime.strptime(_time(value)[:-1] + "+0000", "%Y-%m-%dT%H:%M:%S%z")
        must(value[17:19] != "60", "a leap second")
    except ValueError as error:
        raise WrongError("no such time") from error
    return value


def maybe(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else check(value)


def each(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def listed(value: Any) -> Any:
        must(isinstance(value, list), "no list")
        return [check(one) for one in value]

    return listed


def exactly(constant: Any) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        must(value == constant and type(value) is type(constant), f"not {constant!r}")
        return value

    return check


def form(value: Any, /, *, more: bool = False, **fields: Callable[[Any], Any]) -> Any:
    must(isinstance(value, dict), "no object")
    must(set(fields) <= set(value) and (more or set(fields) == set(value)), "other fields")
    for key, check in fields.items():
        check(value[key])
    return value


def anything(value: Any) -> Any:
    return value


def marking(value: Any) -> Any:
    return form(value, scheme=text, label=text, parties=each(text))


def unbase64(value: Any) -> bytes:
    try:
        data = base64.b64decode(text(value).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise WrongError("no base64") from error
    must(base64.b64encode(data).decode() == value, "base64 otherwise written")
    return data


# ---------------------------------------------------------------- keys, trees, notes


def print_of(key: bytes) -> str:
    return "SHA256:" + hashlib.sha256(key).hexdigest()


def is_small(key: bytes) -> bool:
    return (key[:31] + bytes([key[31] & 0x7F])).hex() in SMALL


def signed(key: bytes, signature: bytes, message: bytes) -> bool:
    if is_small(key):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def split(size: int) -> int:
    """RFC 6962: the largest power of two smaller than the size."""
    return 1 << ((size - 1).bit_length() - 1)


def root(leaves: list[bytes]) -> bytes:
    if len(leaves) < 2:
        return leaves[0] if leaves else sha()
    k = split(len(leaves))
    return sha(b"\1", root(leaves[:k]), root(leaves[k:]))


def by_path(leaf: bytes, m: int, n: int, path: list[str]) -> bytes:
    """The root that an inclusion path leads to; the path's last hash is nearest the root."""
    if n == 1:
        must(not path, "a path too long")
        return leaf
    must(path, "a path too short")
    k, last, rest = split(n), bytes.fromhex(path[-1]), path[:-1]
    if m < k:
        return sha(b"\1", by_path(leaf, m, k, rest), last)
    return sha(b"\1", last, by_path(leaf, m - k, n - k, rest))


def by_proof(old: bytes, m: int, n: int, proof: list[str], *, whole: bool) -> tuple[bytes, bytes]:
    """The roots at sizes m and n that a consistency proof leads to."""
    if m == n:
        if whole:
            must(not proof, "a proof too long")
            return old, old
        must(len(proof) == 1, "a proof of another length")
        return bytes.fromhex(proof[0]), bytes.fromhex(proof[0])
    must(proof, "a proof too short")
    k, last, rest = split(n), bytes.fromhex(proof[-1]), proof[:-1]
    if m <= k:
        before, after = by_proof(old, m, k, rest, whole=whole)
        return before, sha(b"\1", after, last)
    before, after = by_proof(old, m - k, n - k, rest, whole=False)
    return sha(b"\1", last, before), sha(b"\1", last, after)


@dataclass
class Note:
    origin: str
    size: int
    root: bytes
    body: str
    lines: dict[tuple[str, bytes], bytes]

    def signs(self, key: bytes) -> bool:
        identity = sha(self.origin.encode() + b"\n\x01" + key)[:4]
        line = self.lines.get((self.origin, identity), b"")
        return signed(key, line, self.body.encode())


def note(value: str) -> Note:
    must(not any(c != "\n" and (c < " " or c == "\x7f") for c in value), "a control character")
    body, blank, rest = value.partition("\n\n")
    must(blank and rest.endswith("\n"), "no note")
    three = body.split("\n")
    must(len(three) == 3 and three[0], "no checkpoint")
    must(re.fullmatch("0|[1-9][0-9]{0,15}", three[1], re.ASCII), "no size")
    must(re.fullmatch("[A-Za-z0-9+/]{43}=", three[2]), "no root")
    size = integer(int(three[1]))
    lines: dict[tuple[str, bytes], bytes] = {}
    for line in rest[:-1].split("\n"):
        dash, space, after = line.partition(" ")
        who, gap, data = after.partition(" ")
        must(dash == "—" and space and gap and who, "no signature line")
        must(not any(c in WHITE or c == "+" for c in who), "a name with a space")
        raw = unbase64(data)
        must(len(raw) > 4 and (who, raw[:4]) not in lines, "a signature twice")
        lines[who, raw[:4]] = raw[4:]
    return Note(three[0], size, unbase64(three[2]), body + "\n", lines)


# ---------------------------------------------------------------- the bundle


@dataclass
class Known:
    """A key of contract 2."""

    raw: bytes
    party: str
    kinds: list[str] | None
    shown: bool
    ended: bool = False


class Bundle:
    """A bundle, line by line."""

    def __init__(self, data: bytes) -> None:
        self.pieces = data.split(b"\n")
        self.at = 0
        self.answered = Answered("consistent")
        self.leaves: list[bytes] = []
        self.roots: list[bytes] = []
        # Contract 1: keys of parties, None of the entry at which a part 0 was not opened.
        self.admitted: dict[str, bytes] = {}
        # Contract 2.
        self.known: dict[str, Known] = {}
        self.party_key: dict[str, str] = {}
        self.announced: dict[str, str] = {}
        self.invitations: dict[str, Any] = {}
        self.words: dict[str, dict[str, tuple[str, str, bool]]] = {}
        self.deeds: dict[int, tuple[dict[str, Any], str, str]] = {}
        self.withheld: list[int] = []

    def next(self) -> bytes:
        self.at += 1
        must(self.at < len(self.pieces), "no such line")
        return self.pieces[self.at - 1]

    def peek(self) -> bytes:
        return self.pieces[self.at] if self.at < len(self.pieces) - 1 else b""

    def verify(self) -> None:
        head = read(self.next())
        kinds = like("touchstone/bundle/[12]")
        form(
            head,
            line=exactly("bundle"),
            format=kinds,
            audience=text,
            at=time,
            log=hex32,
            size=lambda size: integer(size, 1),
        )
        self.format, self.log, self.size = head["format"], head["log"], head["size"]
        self.version = int(self.format[-1])
        self.history()
        self.entries()
        for n in range(self.size):
            self.parts(n)
            self.roots.append(root(self.leaves[: n + 1]))
        newest = self.head()
        while self.peek().startswith(b'{"checkpoint"'):
            self.older(newest)
        # The installation shows all to itself: what it saw is nobody's question.
        self.answered.seen_by.pop("installation", None)
        while self.version == 2 and self.peek().startswith(b'{"answer"'):
            self.answer()
        self.seal()
        self.at += 1
        must(self.at == len(self.pieces) and self.pieces[-1] == b"", "more after the seal")

    def history(self) -> None:
        self.keys: list[bytes] = []
        self.key_lines: list[bytes] = []
        while not self.keys or not self.peek().startswith(b'{"log"'):
            raw = self.next()
            line = form(
                read(raw),
                line=exactly("key"),
                v=exactly(1),
                seq=integer,
                public_key=hex32,
                previous=maybe(hex32),
                at=time,
                reason=text,
                signature=hex64,
            )
            before = sha(self.key_lines[-1]).hex() if self.key_lines else None
            must((line["seq"], line["previous"]) == (len(self.keys), before), "another place")
            key = bytes.fromhex(line["public_key"])
            must(key not in self.keys, "a key twice")
            rest = {k: v for k, v in line.items() if k != "signature"}
            message = b"touchstone/key/1\0" + written(rest).encode()
            by = self.keys[-1] if self.keys else key
            must(signed(by, bytes.fromhex(line["signature"]), message), "signature")
            self.keys.append(key)
            self.key_lines.append(raw)

    def entries(self) -> None:
        self.commitments: list[list[str]] = []
        for n in range(self.size):
            raw = self.next()
            line = form(
                read(raw),
                log=maybe(hex32),
                n=exactly(n),
                parts=each(hex32),
                v=exactly(self.version),
            )
            count = len(line["parts"])
            must(1 <= count <= 64 if self.version == 1 else count == 8, "parts")
            leaf = sha(b"\0", raw)
            must(line["log"] == (self.log if n else None), "log")
            must(n or leaf.hex() == self.log, "id")
            self.leaves.append(leaf)
            self.commitments.append(line["parts"])

    def opened(self, n: int, i: int) -> Any:
        """The value of part i of entry n, None if it is not shown."""
        line = read(self.next())
        must(isinstance(line, dict), "no object")
        kind = line.get("line")
        place: dict[str, Any] = {"n": exactly(n), "i": exactly(i)}
        if kind == "part":
            form(line, line=anything, salt=hex32, text=text, **place)
            data = line["text"].encode()
            must(len(data) <= 2**19 - 512, "a part too long")
            commitment = sha(b"touchstone/part/1\0", bytes.fromhex(line["salt"]), data)
            must(commitment.hex() == self.commitments[n][i], "commitment")
            value = read(data)
            must(isinstance(value, dict), "no object")
            return value
        if self.version == 1:
            form(line, line=like("withheld|erased"), label=text, **place)
            must(kind == "withheld" or i, "erased")
        else:
            form(line, line=exactly("withheld"), **place)
        return None

    def event(self, n: int, value: Any) -> None:
        form(
            value,
            more=True,
            type=kebab,
            schema=lambda one: integer(one, 1),
            actor=text,
            at=time,
            marking=marking,
        )
        if n == 0:
            form(
                value,
                more=True,
                type=exactly("case-opened"),
                agreement=digest,
                installation_key=hex32,
                nonce=hex32,
            )
            must(bytes.fromhex(value["installation_key"]) in self.keys, "another installation")

    def other(self, value: Any, *, may_be_deed: bool = False) -> None:
        match value.get("kind"):
            case "evidence":
                form(
                    value,
                    more=True,
                    marking=marking,
                    digest=digest,
                    size=integer,
                    media_type=text,
                    name=text,
                )
            case "deed" if may_be_deed:
                form(value, more=True, marking=marking, envelope=anything)
            case _:
                form(value, more=True, kind=exactly("content"), marking=marking, content=anything)

    def parts(self, n: int) -> None:
        if self.version == 2:
            self.entry_2(n)
            return
        event = None
        count = len(self.commitments[n])
        for i in range(count):
            value = self.opened(n, i)
            if i == 0:
                event = value
                if value is None:
                    self.withheld.append(n)
                    continue
                self.event(n, value)
                admits = value.get("admits", [])
                each(lambda one: form(one, party=text, role=text, key=hex32))(admits)
                parties = [one["party"] for one in admits]
                must(len(set(parties)) == len(parties), "a party twice")
                self.admitted |= {one["party"]: bytes.fromhex(one["key"]) for one in admits}
            elif value is not None:
                self.other(value, may_be_deed=True)
                if value["kind"] == "deed":
                    must(i == count - 1, "a deed is last")
                    self.deed_1(n, event, value["envelope"])

    def envelope(self, value: Any) -> tuple[bytes, str, bytes]:
        form(
            value,
            payload=text,
            payloadType=exactly(DEED),
            signatures=each(lambda one: form(one, keyid=fingerprint, sig=text)),
        )
        must(len(value["signatures"]) == 1, "signatures")
        (one,) = value["signatures"]
        return unbase64(value["payload"]), one["keyid"], unbase64(one["sig"])

    def dsse(self, payload: bytes) -> bytes:
        kind = DEED.encode()
        return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)

    def deed_1(self, n: int, event: Any, envelope: Any) -> None:
        payload, keyid, signature = self.envelope(envelope)
        value = form(
            read(payload),
            v=exactly(1),
            log=maybe(hex32),
            n=exactly(n),
            previous=hex32,
            deed=kebab,
            actor=text,
            parts=each(hex32),
        )
        must(value["log"] == (self.log if n else None), "log")
        must(value["previous"] == root(self.leaves[:n]).hex(), "past")
        must(value["parts"] == self.commitments[n][:-1], "parts")
        if event is not None:
            must((value["deed"], value["actor"]) == (event["type"], event["actor"]), "event")
        key = self.admitted.get(value["actor"])
        if key is None or print_of(key) != keyid:
            must(self.withheld, "no key")
            self.answered.unchecked += 1
        else:
            must(signed(key, signature, self.dsse(payload)), "signature")

    # ------------------------------------------------------------ contract 2

    def entry_2(self, n: int) -> None:
        event: Any = None
        deed_at: int | None = None
        deed: Any = None
        for i in range(8):
            value = self.opened(n, i)
            if i == 0:
                event = value
                if value is not None:
                    self.event(n, value)
                    if "key_act" in value:
                        self.key_act_form(value["key_act"])
            elif deed_at is not None:
                if i == deed_at + 1:
                    deed = self.recorded(event, deed, value)
                else:
                    must(value is None, "padding opens to nothing")
            elif event and i <= 6 and value is not None and value.get("kind") == "deed":
                deed_at, deed = i, self.deed_2(n, i, event, value)
            else:
                if value is not None:
                    self.other(value)
                must(i < 7 or event is None, "an event without its deed")
        if event is None:
            self.withheld.append(n)
            return
        statement, hashed, at = deed
        self.answered.after_withheld += bool(self.withheld)
        actor, size = statement["actor"], statement["seen"]["size"]
        self.answered.seen_by[actor] = max(size, self.answered.seen_by.get(actor, 0))
        self.do(n, statement, event, at)
        self.deeds[n] = (statement, hashed, at)

    def recorded(self, event: Any, deed: Any, value: Any) -> Any:
        form(value, kind=exactly("recorded"), marking=marking, at=time)
        must(value["marking"] == event["marking"], "marking")
        if self.deeds:
            must(value["at"] >= self.deeds[max(self.deeds)][2], "back in time")
        statement, hashed = deed
        must(statement["until"] is None or value["at"] <= statement["until"], "too late")
        must(seconds(value["at"]) + 5 * 60 >= seconds(event["at"]), "dated ahead")
        if statement["until"] is not None:
            must(seconds(statement["until"]) <= seconds(event["at"]) + 7 * 86_400, "held long")
        return statement, hashed, value["at"]

    def deed_2(self, n: int, i: int, event: Any, part: Any) -> Any:
        form(part, kind=exactly("deed"), marking=marking, envelope=anything)
        must(part["marking"] == event["marking"], "marking")
        payload, keyid, signature = self.envelope(part["envelope"])
        must(len(payload) <= 16_384 and len(signature) == 64, "sizes")
        said = form(
            read(payload),
            v=exactly(2),
            log=maybe(hex32),
            key=fingerprint,
            actor=name,
            deed=kebab,
            parts=each(hex32),
            seq=integer,
            before=maybe(hex32),
            seen=lambda one: form(one, root=hex32, size=integer),
            until=maybe(time),
            touches=each(topic),
            on=anything,
            exact=lambda one: must(type(one) is bool, "exact"),
        )
        must(isinstance(said["on"], dict) and len(said["on"]) <= 32, "on")
        for one, at in said["on"].items():
            topic(one)
            maybe(integer)(at)
        touches = said["touches"]
        must(len(touches) <= 16 and touches == sorted(set(touches)), "touches")
        must((said["before"] is None) == (said["seq"] == 0), "before")
        must(said["log"] == (self.log if n else None), "log")
        must(said["parts"] == self.commitments[n][:i], "parts")
        must((said["deed"], said["actor"]) == (event["type"], event["actor"]), "event")
        must(keyid == said["key"], "keyid")
        self.order(n, said)
        key, shown = self.signer(n, said, event)
        self.answered.unchecked += not shown
        if key is not None:
            must(signed(key, signature, self.dsse(payload)), "signature")
        return said, sha(b"touchstone/deed/2\0", payload).hex()

    def order(self, n: int, said: Any) -> None:
        own = [at for at, deed in self.deeds.items() if deed[0]["key"] == said["key"]]
        m = max(own, default=-1)
        seq, hashed, size = -1, None, 0
        if own:
            last, hashed, _at = self.deeds[m]
            seq, size = last["seq"], last["seen"]["size"]
        left_out = said["seq"] - (seq + 1)
        must(0 <= left_out <= sum(m < at < n for at in self.withheld), "seq")
        if left_out == 0:
            must(said["before"] == hashed, "another before")
        seen = said["seen"]
        must(size <= seen["size"] <= n, "seen size")
        must(root(self.leaves[: seen["size"]]).hex() == seen["root"], "seen root")
        must(not said["exact"] or seen["size"] == n, "exact")
        for one, at in said["on"].items():
            touching = [k for k, deed in self.deeds.items() if one in deed[0]["touches"]]
            newest = max(touching, default=None)
            hidden = at in self.withheld and (newest is None or at > newest)
            must(at == newest or hidden, "a topic moved")

    def key_act_form(self, act: Any) -> None:
        must(isinstance(act, dict), "no object")
        forms: dict[str, dict[str, Any]] = {
            "invited": {"expects": maybe(fingerprint), "party": text, "role": text},
            "joined": {"key": hex32, "next": fingerprint, "party": text, "role": text},
            "admitted": {
                "alg": exactly("ed25519"),
                "key": hex32,
                "kinds": each(kebab),
                "label": text,
            },
            "removed": {"key": fingerprint, "last": maybe(integer)},
            "rotated": {"key": hex32, "last": maybe(integer), "next": fingerprint},
            "reinvited": {"expects": fingerprint, "party": text},
            "objected": {},
            "rejoined": {"key": hex32, "lasts": anything, "next": fingerprint},
        }
        must(isinstance(act.get("act"), str) and act["act"] in forms, "no such act")
        form(act, act=anything, **forms[act["act"]])
        kinds = act.get("kinds", [""])
        must(1 <= len(kinds) <= 64 and kinds == sorted(set(kinds)), "kinds")
        if act["act"] == "rejoined":
            must(isinstance(act["lasts"], dict), "lasts")
            for one, last in act["lasts"].items():
                fingerprint(one)
                maybe(integer)(last)

    def standing(self, party: str, key: str, at: str) -> list[bool]:
        """Of the words of others that a party goes on with a key, 72 hours old, which are shown."""
        told = self.words.get(party, {}).values()
        return [
            shown
            for expects, said, shown in told
            if expects == key and seconds(said) + 72 * 3600 <= seconds(at)
        ]

    def can(self, n: int, event: Any, act: Any) -> None:
        sure = not self.withheld
        actor, kind = event["actor"], act["act"]
        brings = ("joined", "admitted", "rotated", "rejoined")
        key = print_of(bytes.fromhex(act["key"])) if kind in brings else ""
        if key:
            before = self.known.get(key)
            gives_way = before is None or (before.kinds is not None and kind != "admitted")
            must(gives_way and not is_small(bytes.fromhex(act["key"])), "the key")
        if kind == "invited":
            must(act["party"] not in self.party_key, "has joined")
        elif kind == "joined":
            must(act["party"] == actor and actor not in self.party_key, "cannot join")
            if n and sure:
                must(actor in self.invitations, "not invited")
                invitation, _shown = self.invitations[actor]
                must(act["role"] == invitation["role"], "another role")
                must(invitation["expects"] in (None, key), "another key")
        elif kind == "removed":
            found = self.known.get(act["key"])
            must(found or not sure, "no such signer")
            if found:
                fit = found.party == actor and found.kinds is not None and not found.ended
                must(fit, "cannot be removed")
        elif kind == "rotated":
            must(self.announced.get(actor) == key or not sure, "not announced")
        else:
            self.can_recover(event, act, key)

    def can_recover(self, event: Any, act: Any, key: str) -> None:
        sure, actor = not self.withheld, event["actor"]
        if act["act"] == "reinvited":
            must(act["party"] != actor, "its own word")
            must(act["party"] in self.party_key or not sure, "has not joined")
        elif act["act"] == "rejoined":
            must(actor in self.party_key or not sure, "never joined")
            must(len(self.standing(actor, key, event["at"])) >= 2 or not sure, "two others")
            for one in act["lasts"]:
                found = self.known.get(one)
                must(one != key and (found or not sure), "no such key")
                must(not found or (found.party == actor and not found.ended), "another's key")

    def brings_shown(self, n: int, said: Any, event: Any) -> bool:
        """Whether what an act brings rests on shown entries alone."""
        act = event["key_act"]
        actor, by = said["actor"], self.known.get(said["key"])
        if act["act"] == "rejoined":
            return sum(self.standing(actor, said["key"], event["at"])) >= 2
        if act["act"] == "joined":
            if n == 0:
                return True
            invitation, shown = self.invitations.get(
                actor, ({"role": None, "expects": None}, False)
            )
            fits = invitation["expects"] in (None, said["key"])
            return shown and fits and invitation["role"] == act["role"]
        if act["act"] == "rotated":
            old = self.known.get(self.party_key.get(actor, ""))
            return old is not None and old.shown and self.announced[actor] == said["key"]
        return by is not None and by.shown

    def do(self, n: int, said: Any, event: Any, recorded: str) -> None:
        act = event.get("key_act")
        if act is None:
            return
        actor, kind, shown = said["actor"], act["act"], self.brings_shown(n, said, event)
        if kind == "invited":
            self.invitations[act["party"]] = act, shown
            return
        if kind == "reinvited":
            told = self.words.setdefault(act["party"], {})
            told[actor] = (act["expects"], recorded, shown)
            return
        old = act["key"] if kind == "removed" else self.party_key.get(actor)
        if kind in ("removed", "rotated") and old is not None:
            self.disavow(actor, old, act["last"])
        if kind == "rejoined":
            self.recover(n, actor, said["key"], act["lasts"])
        if kind in ("rotated", "objected", "rejoined"):
            self.words.pop(actor, None)
        for told in self.words.values() if kind in ("rotated", "rejoined") else ():
            told.pop(actor, None)
        if kind not in ("removed", "objected"):
            raw = bytes.fromhex(act["key"])
            self.known[print_of(raw)] = Known(raw, actor, act.get("kinds"), shown)
            if kind != "admitted":
                self.party_key[actor], self.announced[actor] = print_of(raw), act["next"]

    def recover(self, n: int, actor: str, key: str, lasts: dict[str, int | None]) -> None:
        by = sorted(p for p, one in self.words.get(actor, {}).items() if one[0] == key)
        self.answered.recovered.append((n, actor, by))
        for one, last in lasts.items():
            self.disavow(actor, one, last)
        for found in self.known.values():
            found.ended = found.ended or found.party == actor

    def disavow(self, actor: str, key: str, last: int | None) -> None:
        self.known.setdefault(key, Known(b"", actor, [], shown=False)).ended = True
        stands = -1 if last is None else last
        own = {at: deed[0] for at, deed in self.deeds.items() if deed[0]["key"] == key}
        self.answered.disavowed += max([0, *(one["seq"] - stands for one in own.values())])
        self.answered.disavowed_deeds += [
            (at, actor, one["deed"]) for at, one in own.items() if one["seq"] > stands
        ]

    def signer(self, n: int, said: Any, event: Any) -> tuple[bytes | None, bool]:
        act = event.get("key_act")
        if said["actor"] == "installation":
            must(act is None and said["deed"] == "reads-digested", "not the installation's")
            issuers = [key for key in self.keys if print_of(key) == said["key"]]
            must(issuers, "no key of the history")
            return issuers[0], True
        if act is not None:
            self.can(n, event, act)
            if act["act"] in ("joined", "rotated", "rejoined"):
                key = bytes.fromhex(act["key"])
                must(print_of(key) == said["key"], "another key brings it")
                return key, self.brings_shown(n, said, event)
            raw = act.get("key", "")
            own = print_of(bytes.fromhex(raw)) if act["act"] == "admitted" else raw
            must(own != said["key"], "a key is neither admitted nor removed by itself")
        found = self.known.get(said["key"])
        if found is None:
            must(self.withheld, "no such key")
            return None, False
        must(found.party == said["actor"] and not found.ended, "may not sign")
        if found.kinds is not None:
            must(act is None and said["deed"] in found.kinds, "out of scope")
        return found.raw, found.shown

    def answer(self) -> None:
        line = form(
            read(self.next()),
            line=exactly("answer"),
            answer=anything,
            key=fingerprint,
            signature=hex64,
        )
        said = line["answer"]
        must(isinstance(said, dict), "no object")
        shared: dict[str, Any] = {
            "at": time,
            "deed": hex32,
            "log": exactly(self.log),
            "root": hex32,
            "size": integer,
            "v": exactly(1),
        }
        if said.get("answer") == "recorded":
            form(said, answer=anything, n=integer, **shared)
            must(said["n"] < min(said["size"], self.size), "no such entry")
            if said["n"] in self.deeds:
                _said, hashed, at = self.deeds[said["n"]]
                must((said["deed"], said["at"]) == (hashed, at), "another deed")
        else:
            form(said, answer=exactly("refused"), code=kebab, why=text, **shared)
            must(len(said["why"]) <= 500, "why")
            must(said["deed"] not in [deed[1] for deed in self.deeds.values()], "recorded")
        if said["size"] <= self.size:
            must(root(self.leaves[: said["size"]]).hex() == said["root"], "root")
        by = {print_of(key): key for key in self.keys}.get(line["key"])
        must(by, "no such key")
        message = b"touchstone/answer/1\0" + written(said).encode()
        must(by and signed(by, bytes.fromhex(line["signature"]), message), "signature")

    # ------------------------------------------------------------ the end

    def checkpoint(self, value: str) -> Note:
        found = note(value)
        must(found.origin == f"touchstone/{print_of(self.keys[0])[7:23]}", "origin")
        return found

    def head(self) -> Note:
        line = form(
            read(self.next()),
            line=exactly("head"),
            head=anything,
            blind=hex32,
            index=integer,
            inclusion=each(hex32),
            checkpoint=text,
        )
        head = form(
            line["head"],
            keyset=hex32,
            log=exactly(self.log),
            root=hex32,
            size=exactly(self.size),
            v=exactly(1),
        )
        must(head["root"] == self.roots[-1].hex(), "root")
        counts = range(1, len(self.keys) + 1)
        sets = [sha(*(one + b"\n" for one in self.key_lines[:k])).hex() for k in counts]
        must(head["keyset"] in sets, "keyset")
        newest = self.checkpoint(line["checkpoint"])
        must(newest.signs(self.keys[-1]), "checkpoint")
        blinded = sha(b"touchstone/head/1\0", bytes.fromhex(line["blind"]), written(head).encode())
        must(line["index"] < newest.size, "index")
        leaf = sha(b"\0", blinded)
        found = by_path(leaf, line["index"], newest.size, line["inclusion"])
        must(found == newest.root, "inclusion")
        return newest

    def older(self, newest: Note) -> None:
        line = form(
            read(self.next()), line=exactly("older"), checkpoint=text, consistency=each(hex32)
        )
        old, proof = self.checkpoint(line["checkpoint"]), line["consistency"]
        must(any(old.signs(key) for key in self.keys), "signer")
        if old.size in (0, newest.size):
            must(not proof, "proof")
            must(old.root == (newest.root if old.size else sha()), "root")
            return
        must(old.size < newest.size, "size")
        both = by_proof(old.root, old.size, newest.size, proof, whole=True)
        must(both == (old.root, newest.root), "consistency")

    def seal(self) -> None:
        before = b"".join(piece + b"\n" for piece in self.pieces[: self.at])
        line = form(
            read(self.next()), line=exactly("seal"), digest=hex32, key=fingerprint, signature=hex64
        )
        must(line["digest"] == sha(before).hex(), "digest")
        must(line["key"] == print_of(self.keys[-1]), "key")
        message = self.format.encode() + b"\0" + sha(before)
        must(signed(self.keys[-1], bytes.fromhex(line["signature"]), message), "seal")


def second_opinion(data: bytes, trust: tuple[str, ...] = ()) -> Answered:
    """What the second verifier says of a bundle's bytes."""
    bundle = Bundle(data)
    try:
        bundle.verify()
    except WrongError:
        return Answered("altered", bundle.at)
    keys = [print_of(key) for key in bundle.keys]
    reasons = [json.loads(line)["reason"] for line in bundle.key_lines]
    revoked = [
        m[1]
        for r in reasons
        if (m := re.fullmatch("revoked (SHA256:[0-9a-f]{64}): (.*)", r, re.DOTALL))
    ]
    after = max((keys.index(one) + 1 for one in revoked if one in keys), default=0)
    if set(trust) & set(keys[after:]):
        bundle.answered.word = "authentic"
    return bundle.answered
