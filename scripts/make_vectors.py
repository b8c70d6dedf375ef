"""Write tests/vectors/ledger: bundles named for their defect, and what a verifier must answer.

The same bytes every time: keys, salts and blinds are hashes of their names. A defective bundle is
sealed again after the defect (unless the seal is the defect), so that one check alone finds it.

    python scripts/make_vectors.py            writes the vectors
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from touchstone.ledger import (
    REVOKED,
    CaseHead,
    Checkpoint,
    Deed,
    Entry,
    Erased,
    KeyHistory,
    KeyLine,
    OlderCheckpoint,
    Opened,
    Part,
    PublishedHead,
    Signer,
    Tree,
    Withheld,
    blind_head,
    commit_part,
    cosign,
    dumps,
    fingerprint,
    leaf_hash,
    loads,
    sign_checkpoint,
    sign_deed,
)
from touchstone.ledger.bundlelines import BundleHeader, make_seal

FOLDER = Path(__file__).parents[1] / "tests" / "vectors" / "ledger"
WITNESS = "witness.example/ledger"
AT = "2026-11-21T09:00:00Z"
COSIGNED_AT = 1795251600


def fixed(name: str) -> bytes:
    """32 bytes that look random and never change."""
    return sha256(f"touchstone vector: {name}".encode()).digest()


class FixedSigner:
    """An Ed25519 key made from its name. For vectors only: anyone can make it."""

    def __init__(self, name: str) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(fixed(f"key {name}"))
        self.public_key = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, message: bytes) -> bytes:
        """The signature over `message`."""
        return self._key.sign(message)


class AnyonesSigner:
    """A key of small order, and the one signature that OpenSSL takes under it for every message."""

    public_key = b"\x01" + bytes(31)

    def sign(self, _: bytes) -> bytes:
        """The neutral element and zero."""
        return self.public_key + bytes(32)


FIRST = FixedSigner("installation 1")
NEWEST = FixedSigner("installation 2")
STRANGER = FixedSigner("stranger")
WITNESS_KEY = FixedSigner("witness")
PARTIES: dict[str, Signer] = {
    name: FixedSigner(name) for name in ("example-centre", "example-lab", "example-lab-2")
} | {"anyone": AnyonesSigner()}


@dataclass(frozen=True)
class Step:
    """One entry to be: who does what, with which other parts, and what the audience gets of each.

    `shown` has one letter a part: o opened, w withheld, e erased. `signer` None makes no deed.
    """

    type: str
    actor: str
    facts: dict[str, Any] = field(default_factory=dict)
    others: tuple[dict[str, Any], ...] = ()
    signer: str | None = None
    shown: str = ""


def marking(label: str = "AMBER") -> dict[str, Any]:
    """A TLP marking, limited to one party where the label limits."""
    return {"scheme": "TLP:2.0", "label": label, "parties": ["example-lab"]}


def admission(party: str, key: str) -> dict[str, str]:
    """A party's key, as part 0 admits it."""
    return {"party": party, "role": "developer", "key": PARTIES[key].public_key.hex()}


def content(text: str) -> dict[str, Any]:
    """A content part."""
    return {"marking": marking(), "kind": "content", "content": {"text": text}}


STEPS = (
    Step(
        "case-opened",
        "example-centre",
        {
            "agreement": "sha256:" + fixed("agreement").hex(),
            "installation_key": FIRST.public_key.hex(),
            "nonce": fixed("nonce").hex(),
            "admits": [
                admission("example-centre", "example-centre") | {"role": "centre"},
                admission("example-lab", "example-lab"),
            ],
        },
        signer="example-centre",
    ),
    Step(
        "submission-received",
        "example-lab",
        {"variants": ["final", "helpful-only"], "released": False, "window": 30},
        (
            content('quotes " and \\, a tab \t, \u0001, \u007f, \u2028, é and \U0001f512'),
            {
                "marking": marking("AMBER+STRICT"),
                "kind": "evidence",
                "digest": "sha256:" + fixed("evidence").hex(),
                "size": 4096,
                "media_type": "application/json",
                "name": "outcomes.json",
            },
        ),
        signer="example-lab",
    ),
    Step(
        "finding-made",
        "example-centre",
        {"finding": 1},
        (content("secret"),),
        signer="example-centre",
        shown="owo",
    ),
    Step(
        "key-replaced",
        "example-centre",
        {"admits": [admission("example-lab", "example-lab-2")]},
        signer="example-centre",
    ),
    Step(
        "finding-answered",
        "example-lab",
        {"finding": 1},
        (content("gone"),),
        signer="example-lab-2",
        shown="oeo",
    ),
    Step("clock-paused", "example-centre"),
)
ADMISSION_WITHHELD = (*STEPS[:3], replace(STEPS[3], shown="wo"), *STEPS[4:])


@dataclass(frozen=True)
class Case:
    """A case's entries and parts, with its tree."""

    entries: tuple[Entry, ...]
    parts: tuple[Part, ...]
    tree: Tree


@dataclass(frozen=True)
class Build:
    """Where a vector may differ from the authentic one before anything is hashed or signed."""

    steps: tuple[Step, ...] = STEPS
    name: str = "case"
    deed: Callable[[Deed], Deed] = lambda deed: deed
    part: Callable[[int, int, bytes], bytes] = lambda _n, _i, data: data


def shown_as(letter: str, part: Opened) -> Part:
    """The part as the audience gets it."""
    if letter == "w":
        return Withheld(part.n, part.i, "TLP:RED, not for you")
    return part if letter == "o" else Erased(part.n, part.i, "destroyed with the case key")


def make_case(build: Build) -> Case:
    """Commit, sign and append every step."""
    tree = Tree()
    entries: list[Entry] = []
    parts: list[Part] = []
    for n, step in enumerate(build.steps):
        base = {"type": step.type, "schema": 1, "actor": step.actor, "at": AT}
        values = [base | {"marking": marking("GREEN")} | step.facts, *step.others]
        datas = [build.part(n, i, dumps(value)) for i, value in enumerate(values)]
        salts = [fixed(f"{build.name} salt {n} {i}") for i in range(len(datas) + 1)]
        commitments = [commit_part(*pair) for pair in zip(salts, datas, strict=False)]
        log = entries[0].leaf.hex() if entries else None
        if step.signer:
            deed = Deed(log, n, tree.root().hex(), step.type, step.actor, tuple(commitments))
            signed = sign_deed(build.deed(deed), PARTIES[step.signer])
            value = {"marking": marking(), "kind": "deed", "envelope": signed.envelope}
            datas.append(build.part(n, len(datas), dumps(value)))
            commitments.append(commit_part(salts[len(datas) - 1], datas[-1]))
        entries.append(Entry(log, n, tuple(commitments)))
        tree.append(entries[-1].leaf)
        shown = step.shown or "o" * len(datas)
        parts += [
            shown_as(letter, Opened(n, i, salts[i], data))
            for i, (data, letter) in enumerate(zip(datas, shown, strict=True))
        ]
    return Case(tuple(entries), tuple(parts), tree)


KEYS = KeyHistory.start(FIRST, "2026-10-01T08:00:00Z", "installed").rotate(
    FIRST, NEWEST.public_key, "2026-11-01T08:00:00Z", "yearly rotation"
)
OLD_LEAVES = 5
INDEX = 6


def publish(
    head: CaseHead, signer: FixedSigner = NEWEST, origin: str = KEYS.origin
) -> tuple[PublishedHead, OlderCheckpoint]:
    """The head in an installation log of nine leaves, and the checkpoint when it had five."""
    blind = fixed("blind")
    leaves = [leaf_hash(fixed(f"other head {number}")) for number in range(9)]
    leaves[INDEX] = leaf_hash(blind_head(blind, head))
    tree = Tree(leaves)
    note = sign_checkpoint(Checkpoint(origin, len(tree), tree.root()), signer)
    cosigned = cosign(note, WITNESS, WITNESS_KEY, COSIGNED_AT)
    published = PublishedHead(head, blind, INDEX, tuple(tree.inclusion(INDEX)), cosigned)
    old = sign_checkpoint(Checkpoint(KEYS.origin, OLD_LEAVES, tree.root(OLD_LEAVES)), FIRST)
    return published, OlderCheckpoint(old, tuple(tree.consistency(OLD_LEAVES)))


def head_of(case: Case) -> CaseHead:
    """The case's head under the whole key history."""
    return CaseHead(
        case.entries[0].leaf.hex(), len(case.entries), case.tree.root().hex(), KEYS.keyset
    )


@dataclass
class Lines:
    """A bundle's lines (without line feeds), ready to be damaged; the seal is made at the end."""

    header: bytes
    keys: list[bytes]
    entries: list[bytes]
    parts: list[bytes]
    tail: list[bytes]

    @property
    def body(self) -> list[bytes]:
        """All lines but the seal."""
        return [self.header, *self.keys, *self.entries, *self.parts, *self.tail]

    def number(self, section: str, index: int = 0) -> int:
        """The line number (from 1) of a section's line."""
        names = ["header", "keys", "entries", "parts", "tail"]
        before = names[: names.index(section)]
        return 1 + index + sum(len(getattr(self, name)) for name in before[1:]) + bool(before)

    def part(self, n: int, i: int) -> int:
        """The index of a part among the parts."""
        places = [(value["n"], value["i"]) for value in map(loads, self.parts)]
        return places.index((n, i))


def lines_of(
    case: Case,
    keys: Sequence[KeyLine] = KEYS.lines,
    head: CaseHead | None = None,
    published: tuple[PublishedHead, OlderCheckpoint] | None = None,
) -> Lines:
    """The lines that the writer would write, unchecked."""
    head = head or head_of(case)
    published = published or publish(head)
    header = BundleHeader("example-lab", AT, case.entries[0].leaf.hex(), len(case.entries))
    return Lines(
        header.line,
        [line.line for line in keys],
        [entry.line for entry in case.entries],
        [part.line for part in case.parts],
        [item.line for item in published],
    )


def sealed(body: Sequence[bytes], signer: FixedSigner = NEWEST, end: bytes = b"\n") -> bytes:
    """The body with a seal that holds."""
    data = b"".join(line + end for line in body)
    return data + make_seal(sha256(data).digest(), signer).line + end


@dataclass(frozen=True)
class Vector:
    """A bundle's bytes and what a verifier answers when the first key is pinned.

    `line` is where an altered one is found out; `unchecked` how many deeds' signers are unknown.
    """

    data: bytes
    verdict: str
    line: int | None = None
    unchecked: int = 0


def altered(data: bytes, line: int) -> Vector:
    """A vector that must be refused at `line`."""
    return Vector(data, "altered", line)


def edited(line: bytes, **changes: object) -> bytes:
    """A line with other values in it, canonical again."""
    return dumps(loads(line) | changes)


def authentic() -> Lines:
    """The authentic bundle's lines."""
    return lines_of(make_case(Build()))


def good() -> dict[str, Vector]:
    """Bundles in which everything holds."""
    whole = authentic()
    before = replace(head_of(make_case(Build())), keyset=KEYS.keysets[0])
    blank = make_case(
        Build(
            steps=tuple(
                replace(step, shown="w" * (1 + len(step.others) + bool(step.signer)))
                for step in STEPS
            )
        )
    )
    alone = KeyHistory.start(NEWEST, AT, "installed elsewhere")
    opened = STEPS[0].facts | {"installation_key": NEWEST.public_key.hex()}
    case = make_case(Build(steps=(replace(STEPS[0], facts=opened), *STEPS[1:])))
    head = replace(head_of(case), keyset=alone.keyset)
    unknown = lines_of(case, alone.lines, published=publish(head, origin=alone.origin))
    unknown.tail.pop()
    revoking = f"{REVOKED}{fingerprint(FIRST.public_key)}: its backup was stolen"
    parted = KeyHistory(KEYS.lines[:1]).rotate(FIRST, NEWEST.public_key, AT, revoking)
    under = replace(head_of(make_case(Build())), keyset=parted.keyset)
    return {
        "authentic": Vector(sealed(whole.body), "authentic"),
        "without-older-checkpoint": Vector(sealed(whole.body[:-1]), "authentic"),
        "head-before-rotation": Vector(
            sealed(lines_of(make_case(Build()), head=before).body), "authentic"
        ),
        "everything-withheld": Vector(sealed(lines_of(blank).body), "authentic"),
        "admission-withheld": Vector(
            sealed(lines_of(make_case(Build(steps=ADMISSION_WITHHELD))).body),
            "authentic",
            unchecked=1,
        ),
        "unknown-issuer": Vector(sealed(unknown.body), "consistent"),
        "pinned-key-revoked": Vector(
            sealed(lines_of(make_case(Build()), parted.lines, head=under).body), "consistent"
        ),
    }


def byte_defects() -> dict[str, Vector]:
    """What is wrong with the bytes before anything is understood."""
    body = authentic().body
    data = sealed(body)
    last = len(body) + 1
    log = loads(body[0])["log"].encode()

    def line(number: int, old: bytes, new: bytes) -> Vector:
        damaged = list(body)
        assert old in damaged[number - 1]  # noqa: S101 - a defect that is not made tests nothing
        damaged[number - 1] = damaged[number - 1].replace(old, new, 1)
        return altered(sealed(damaged), number)

    head = last - 2
    return {
        "empty": altered(b"", 1),
        "bom": altered(b"\xef\xbb\xbf" + data, 1),
        "crlf": altered(sealed(body, end=b"\r\n"), 1),
        "blank-line": altered(b"\n" + data, 1),
        "duplicate-key": line(1, b'"line":"bundle"', b'"line":"bundle","line":"bundle"'),
        "key-order": line(1, b'{"at":"' + AT.encode() + b'",', b'{"zat":"' + AT.encode() + b'",'),
        "space": line(1, b'"line":', b'"line": '),
        "escaped-letter": line(1, b'"example-lab"', b'"\\u0065xample-lab"'),
        "lone-surrogate": line(1, b'"example-lab"', b'"\\ud800"'),
        "invalid-utf8": line(1, b'"example-lab"', b'"\xff"'),
        "float": line(head, b'"index":6', b'"index":6.0'),
        "exponent": line(head, b'"index":6', b'"index":6e0'),
        "nan": line(head, b'"index":6', b'"index":NaN'),
        "minus-zero": line(head, b'"index":6', b'"index":-0'),
        "true-for-one": line(4, b'"v":1', b'"v":true'),
        "integer-too-large": line(head, b'"index":6', b'"index":9007199254740992'),
        "line-name-in-a-list": line(10, b'"line":"part"', b'"line":["part"]'),
        "uppercase-hex": line(5, log, log.upper()),
        "not-json": line(5, b"}", b""),
        "unknown-format": line(1, b"bundle/1", b"bundle/9"),
        "unknown-field": line(1, b"{", b'{"also":1,'),
        "brackets": line(head, b'"index":6', b'"index":' + b"[" * 2000),
        "truncated": altered(data[: data[:-1].rindex(b"\n") + 1], last),
        "truncated-in-a-line": altered(data[:-100], last),
        "no-final-line-feed": altered(data[:-1], last),
        "trailing-line": altered(data + b"{}\n", last + 1),
        "trailing-line-feed": altered(data + b"\n", last + 1),
    }


def entry_defects() -> dict[str, Vector]:
    """Entries that are not this log's, in this order."""
    other = lines_of(make_case(Build(name="another case")))

    def listed(change: Callable[[list[bytes]], list[bytes]], n: int) -> Vector:
        lines = authentic()
        lines.entries = change(lines.entries)
        return altered(sealed(lines.body), lines.number("entries", n))

    def said(**changes: object) -> Lines:
        lines = authentic()
        lines.header = edited(lines.header, **changes)
        return lines

    shorter = said(size=len(STEPS) - 1)
    dropped = said(size=len(STEPS) - 1)
    del dropped.entries[-1], dropped.parts[-1]
    changed = authentic()
    parts = loads(changed.entries[2])["parts"]
    changed.entries[2] = edited(changed.entries[2], parts=[parts[0], "0" * 64, parts[2]])
    return {
        "entry-swapped": listed(lambda old: [*old[:2], old[3], old[2], *old[4:]], 2),
        "entry-missing": listed(lambda old: [*old[:2], *old[3:]], 2),
        "entry-twice": listed(lambda old: [*old[:3], *old[2:]], 3),
        "entry-of-another-case": listed(lambda old: [*old[:2], other.entries[2], *old[3:]], 2),
        "entry-without-parts": listed(lambda old: [*old[:5], edited(old[5], parts=[])], 5),
        "last-entry-dropped": altered(sealed(dropped.body), dropped.number("tail")),
        "fewer-entries-said": altered(sealed(shorter.body), shorter.number("entries", 5)),
        "another-log-said": altered(
            sealed(said(log=fixed("another log").hex()).body), changed.number("entries")
        ),
        # The deed of that entry names all its parts, so that it is found before the root is.
        "withheld-commitment-changed": altered(
            sealed(changed.body), changed.number("parts", changed.part(2, 2))
        ),
    }


def part_defects() -> dict[str, Vector]:
    """Parts that are not each once, in order, and what was committed to."""
    other = lines_of(make_case(Build(name="another case")))

    def damaged(
        n: int, i: int, damage: Callable[[list[bytes], int], list[bytes]], later: int = 0
    ) -> Vector:
        lines = authentic()
        at = lines.part(n, i)
        lines.parts = damage(lines.parts, at)
        return altered(sealed(lines.body), lines.number("parts", at + later))

    def put(change: Callable[[bytes], bytes]) -> Callable[[list[bytes], int], list[bytes]]:
        return lambda old, at: [*old[:at], change(old[at]), *old[at + 1 :]]

    def committed(n: int, i: int, data: Callable[[dict[str, Any]], bytes]) -> Vector:
        def part(at: int, which: int, old: bytes) -> bytes:
            return data(loads(old)) if (at, which) == (n, i) else old

        lines = lines_of(make_case(Build(part=part)))
        return altered(sealed(lines.body), lines.number("parts", lines.part(n, i)))

    def nested(value: dict[str, Any]) -> bytes:
        mark = dumps(value | {"content": 0})
        return mark.replace(b'"content":0', b'"content":' + b"[" * 16 + b"]" * 16)

    def erase(line: bytes) -> bytes:
        value = loads(line)
        return Erased(value["n"], value["i"], "gone").line

    return {
        "part-missing": damaged(1, 1, lambda old, at: [*old[:at], *old[at + 1 :]]),
        "part-twice": damaged(1, 1, lambda old, at: [*old[: at + 1], *old[at:]], later=1),
        "part-swapped": damaged(
            1, 1, lambda old, at: [*old[:at], old[at + 1], old[at], *old[at + 2 :]]
        ),
        "part-of-another-case": damaged(
            1, 1, lambda old, at: [*old[:at], other.parts[at], *old[at + 1 :]]
        ),
        "part-text-changed": damaged(
            5,
            0,
            put(lambda line: edited(line, text=loads(line)["text"].replace("paused", "resumed"))),
        ),
        "part-salt-changed": damaged(
            5, 0, put(lambda line: edited(line, salt=fixed("another salt").hex()))
        ),
        "part-zero-erased": damaged(5, 0, put(erase)),
        "withheld-without-label": damaged(2, 1, put(lambda line: edited(line, label=""))),
        "part-nested-too-deep": committed(1, 1, nested),
        "part-not-canonical": committed(1, 1, lambda value: dumps(value).replace(b":", b": ", 1)),
        "part-without-marking": committed(
            1, 1, lambda value: dumps({k: v for k, v in value.items() if k != "marking"})
        ),
        "part-of-unknown-kind": committed(1, 1, lambda value: dumps(value | {"kind": "rumour"})),
        "evidence-without-digest": committed(1, 2, lambda value: dumps(value | {"digest": "none"})),
        "time-not-in-the-calendar": committed(
            5, 0, lambda value: dumps(value | {"at": "2026-02-30T09:00:00Z"})
        ),
        "schema-zero": committed(5, 0, lambda value: dumps(value | {"schema": 0})),
        "first-entry-of-another-type": committed(
            0, 0, lambda value: dumps(value | {"type": "case-begun"})
        ),
        "opened-by-another-installation": committed(
            0, 0, lambda value: dumps(value | {"installation_key": STRANGER.public_key.hex()})
        ),
        "party-admitted-twice": committed(
            3, 0, lambda value: dumps(value | {"admits": value["admits"] * 2})
        ),
    }


def deed_defects() -> dict[str, Vector]:
    """Deeds that were not signed by this actor for this place, past and content."""

    def signed(n: int, change: Callable[[Deed], Deed]) -> Vector:
        build = Build(deed=lambda deed: change(deed) if deed.n == n else deed)
        return refused(build, n, len(STEPS[n].others) + 1)

    def refused(build: Build, n: int, i: int) -> Vector:
        lines = lines_of(make_case(build))
        return altered(sealed(lines.body), lines.number("parts", lines.part(n, i)))

    def stepped(n: int, i: int, **changes: Any) -> Vector:
        steps = list(STEPS)
        steps[n] = replace(steps[n], **changes)
        return refused(Build(steps=tuple(steps)), n, i)

    def enveloped(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Vector:
        def part(n: int, i: int, data: bytes) -> bytes:
            value = loads(data)
            if (n, i) != (3, 1):
                return data
            return dumps(value | {"envelope": value["envelope"] | change(value["envelope"])})

        return refused(Build(part=part), 3, 1)

    def padding(envelope: dict[str, Any]) -> dict[str, Any]:
        signature = envelope["signatures"][0]
        carrier = signature["sig"][-3]
        flipped = {"A": "B", "Q": "R", "g": "h", "w": "x"}[carrier]
        return {"signatures": [signature | {"sig": signature["sig"][:-3] + flipped + "=="}]}

    earlier = next(
        loads(part.data)["envelope"]
        for part in make_case(Build()).parts
        if isinstance(part, Opened) and (part.n, part.i) == (1, 3)
    )
    misplaced = {"marking": marking(), "kind": "deed", "envelope": earlier}
    weak = [STEPS[0].facts["admits"][0], admission("example-lab", "anyone")]
    anyone = (
        replace(STEPS[0], facts=STEPS[0].facts | {"admits": weak}),
        replace(STEPS[1], signer="anyone"),
        *STEPS[2:],
    )
    return {
        "deed-by-a-key-of-small-order": refused(Build(steps=anyone), 1, 3),
        "deed-of-another-place": signed(2, lambda deed: replace(deed, n=1)),
        "deed-of-another-case": signed(2, lambda deed: replace(deed, log=fixed("log").hex())),
        "deed-of-another-past": signed(2, lambda deed: replace(deed, previous=fixed("root").hex())),
        "deed-for-other-parts": signed(2, lambda deed: replace(deed, parts=deed.parts[:1])),
        "deed-of-another-type": signed(2, lambda deed: replace(deed, deed="finding-withdrawn")),
        "deed-in-anothers-name": signed(2, lambda deed: replace(deed, actor="example-lab")),
        "deed-by-anothers-key": stepped(2, 2, signer="example-lab"),
        "deed-by-a-replaced-key": stepped(4, 2, signer="example-lab"),
        "deed-by-a-key-not-yet-admitted": stepped(1, 3, signer="example-lab-2"),
        "deed-by-a-party-never-admitted": stepped(
            5, 1, actor="example-agency", signer="example-centre"
        ),
        "deed-not-last": stepped(2, 1, others=(misplaced,), shown="ooo"),
        "deed-signed-twice": enveloped(lambda envelope: {"signatures": envelope["signatures"] * 2}),
        "deed-of-another-payload-type": enveloped(
            lambda _: {"payloadType": "application/vnd.example+json"}
        ),
        "base64-padding-bits": enveloped(padding),
    }


def key_defects() -> dict[str, Vector]:
    """Key histories that do not follow from their first key."""
    case = make_case(Build())
    first, second = KEYS.lines

    def refused(keys: Sequence[KeyLine], line: int) -> Vector:
        text = b"".join(key.line + b"\n" for key in keys)
        head = replace(head_of(case), keyset=sha256(text).hexdigest())
        return altered(sealed(lines_of(case, keys, head).body), line)

    def resigned(line: KeyLine, signer: FixedSigner) -> KeyLine:
        return replace(line, signature=signer.sign(line.message).hex())

    again = KeyLine(
        2, first.public_key, sha256(second.line).hexdigest(), AT, "back", first.signature
    )
    return {
        "key-history-unsigned-rotation": refused([first, resigned(second, NEWEST)], 3),
        "key-history-rotated-by-a-stranger": refused([first, resigned(second, STRANGER)], 3),
        "key-history-without-its-first-line": refused([second], 2),
        "key-history-empty": refused([], 2),
        "key-history-of-another-past": refused(
            [first, resigned(replace(second, previous=fixed("line").hex()), FIRST)], 3
        ),
        "key-history-line-twice": refused([first, first, second], 3),
        "key-history-key-twice": refused([first, second, resigned(again, NEWEST)], 4),
        "key-history-reason-changed": refused([replace(first, reason="moved"), second], 2),
    }


def head_defects() -> dict[str, Vector]:
    """Heads, checkpoints and seals that do not hold."""
    case = make_case(Build())
    head = head_of(case)
    plain = lines_of(case)
    at = plain.number("tail")
    other = FixedSigner("another root").public_key

    def headed(**changes: Any) -> Vector:
        return altered(sealed(lines_of(case, head=replace(head, **changes)).body), at)

    def published(**arguments: Any) -> Vector:
        lines = lines_of(case, published=publish(head, **arguments))
        return altered(sealed(lines.body), at)

    def tail(which: int, /, **changes: object) -> Vector:
        lines = lines_of(case)
        lines.tail[which] = edited(lines.tail[which], **changes)
        return altered(sealed(lines.body), at + which)

    def seal(**changes: object) -> Vector:
        *body, last = sealed(plain.body).split(b"\n")[:-1]
        return altered(b"\n".join([*body, edited(last, **changes), b""]), at + 2)

    line = loads(plain.tail[0])
    older = loads(plain.tail[1])
    note = line["checkpoint"]
    text, signatures = note.split("\n\n")
    first_line, second_line = signatures.splitlines()
    middle = len(first_line) // 2 + 15
    flipped = "A" if first_line[middle] != "A" else "B"
    bad_line = first_line[:middle] + flipped + first_line[middle + 1 :]
    forged = sign_checkpoint(Checkpoint(KEYS.origin, OLD_LEAVES, other), FIRST)
    newer = sign_checkpoint(Checkpoint(KEYS.origin, 10, other), FIRST)
    return {
        "head-size-too-large": headed(size=len(STEPS) + 1),
        "head-root-wrong": headed(root=fixed("root").hex()),
        "head-of-another-case": headed(log=fixed("log").hex()),
        "head-keyset-wrong": headed(keyset=fixed("keyset").hex()),
        "blind-wrong": tail(0, blind=fixed("another blind").hex()),
        "inclusion-index-wrong": tail(0, index=INDEX + 1),
        "inclusion-too-long": tail(0, inclusion=[*line["inclusion"], fixed("node").hex()]),
        "inclusion-too-short": tail(0, inclusion=line["inclusion"][:-1]),
        "checkpoint-by-a-replaced-key": published(signer=FIRST),
        "checkpoint-by-a-stranger": published(signer=STRANGER),
        "checkpoint-of-another-origin": published(origin="touchstone/0123456789abcdef"),
        "checkpoint-signature-wrong": tail(0, checkpoint=f"{text}\n\n{bad_line}\n{second_line}\n"),
        "checkpoint-signed-twice": tail(0, checkpoint=f"{note}{first_line}\n"),
        "checkpoint-unsigned": tail(0, checkpoint=f"{text}\n\n{second_line}\n"),
        "checkpoint-extended": tail(0, checkpoint=f"{text}\nmore\n\n{signatures}"),
        "older-of-another-root": tail(1, checkpoint=forged),
        "older-than-itself": tail(1, checkpoint=newer),
        "consistency-too-long": tail(1, consistency=[*older["consistency"], fixed("node").hex()]),
        "consistency-too-short": tail(1, consistency=older["consistency"][:-1]),
        "seal-digest-wrong": seal(digest=fixed("digest").hex()),
        "seal-key-wrong": seal(key=fingerprint(STRANGER.public_key)),
        "seal-signature-wrong": seal(signature=STRANGER.sign(b"seal").hex()),
        "seal-by-a-replaced-key": altered(sealed(plain.body, signer=FIRST), at + 2),
    }


def vectors() -> dict[str, Vector]:
    """All bundles, by the name of their defect."""
    groups = (
        good,
        byte_defects,
        entry_defects,
        part_defects,
        deed_defects,
        key_defects,
        head_defects,
    )
    return {name: vector for group in groups for name, vector in group().items()}


def expected(made: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What a verifier says of each bundle, as the manifest has it."""
    return {
        f"{name}.jsonl": {
            "verdict": vector.verdict,
            "line": vector.line,
            "unchecked_deeds": vector.unchecked,
        }
        for name, vector in sorted(made.items())
    }


def files() -> dict[str, bytes]:
    """Every file of the vectors' folder: the bundles and their manifest."""
    made = vectors()
    manifest = {
        "about": "Written by scripts/make_vectors.py. The verdict is with `trust` pinned; an "
        "altered bundle is found out at `line`; `unchecked_deeds` have a signer not shown.",
        "trust": fingerprint(FIRST.public_key),
        "stranger": fingerprint(STRANGER.public_key),
        "witness": {"name": WITNESS, "key": WITNESS_KEY.public_key.hex(), "time": COSIGNED_AT},
        "bundles": expected(made),
    }
    bundles = {f"{name}.jsonl": vector.data for name, vector in made.items()}
    return bundles | {"manifest.json": json.dumps(manifest, indent=1).encode() + b"\n"}


def main() -> None:
    """Write the folder."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, data in files().items():
        (FOLDER / name).write_bytes(data)
    print(f"{len(vectors())} bundles in {FOLDER.name}")


if __name__ == "__main__":
    main()
