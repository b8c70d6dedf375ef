"""Write tests/vectors/ledger/contract2: bundles named for their defect, and what must be answered.

The same bytes every time, as in make_vectors.py. A defect is made before anything is committed to,
signed or sealed, unless it is a defect of that: so that one check alone finds it.

    python scripts/make_deed_vectors.py            writes the vectors
"""

import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from make_vectors import (
    AT,
    COSIGNED_AT,
    FIRST,
    KEYS,
    NEWEST,
    STRANGER,
    WITNESS,
    WITNESS_KEY,
    AnyonesSigner,
    FixedSigner,
    Lines,
    Vector,
    altered,
    content,
    edited,
    expected,
    fixed,
    head_of,
    marking,
    publish,
)

from touchstone.ledger import EMPTY_ROOT, Opened, Tree, commit_part, dumps, fingerprint, loads
from touchstone.ledger.bundlelines import BundleHeader, make_seal
from touchstone.ledger.contract2 import (
    DEED_BUNDLE,
    INSTALLATION,
    PARTS,
    DeedAnswer,
    DeedStatement,
    HiddenPart,
    PaddedEntry,
    RecordedAnswer,
    RefusedAnswer,
    SeenHead,
    SignedAnswer,
    sign_answer,
)
from touchstone.ledger.deeds import PAYLOAD_TYPE, b64decode, b64encode, pre_authentication_encoding

FOLDER = Path(__file__).parents[1] / "tests" / "vectors" / "ledger" / "contract2"
CENTRE, LAB = "example-centre", "example-lab"
SIGNERS: dict[str, Any] = {
    name: FixedSigner(f"contract 2 {name}")
    for name in (
        *("centre", "centre 2", "centre 3", "lab", "lab 2", "lab device"),
        *("agency", "agency 2", "agency 3", "agency 4", "agency device"),
    )
} | {
    "anyone": AnyonesSigner(),
    "installation": NEWEST,
    "installation before": FIRST,
    "stranger": STRANGER,
}


def key_of(name: str) -> str:
    """A signer's public key in hex."""
    return str(SIGNERS[name].public_key.hex())


def print_of(name: str) -> str:
    """A signer's fingerprint."""
    return fingerprint(SIGNERS[name].public_key)


def minute(n: int) -> str:
    """When entry n is recorded."""
    return f"2026-11-21T09:{n:02}:00Z"


@dataclass(frozen=True)
class Act:
    """One deed to be: who signs what with which key, and what the audience gets of each part.

    `behind` is how many of the newest entries the signer has not seen. `shown` has one letter for
    each of the signer's parts, the deed and the recorded part (o opened, w withheld).
    """

    type: str
    actor: str
    signer: str
    touches: tuple[str, ...] = ()
    on: dict[str, int | None] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    others: tuple[dict[str, Any], ...] = ()
    behind: int = 0
    until: str | None = None
    exact: bool = False
    shown: str = ""


def joined(party: str, role: str, key: str, after: str) -> dict[str, Any]:
    """The act of a party that brings its key."""
    return {
        "key_act": {
            "act": "joined",
            "party": party,
            "role": role,
            "key": key_of(key),
            "next": print_of(after),
        }
    }


def admitted(key: str, *kinds: str, alg: str = "ed25519") -> dict[str, Any]:
    """The act that lets a key sign some kinds of deed."""
    return {
        "key_act": {
            "act": "admitted",
            "alg": alg,
            "key": key_of(key),
            "kinds": list(kinds),
            "label": "an officer's own device",
        }
    }


def invited(party: str, role: str, key: str | None) -> dict[str, Any]:
    """The act that lets a party join."""
    expects = print_of(key) if key else None
    return {"key_act": {"act": "invited", "party": party, "role": role, "expects": expects}}


def removed(key: str, last: int | None) -> dict[str, Any]:
    """The act that ends a signer."""
    return {"key_act": {"act": "removed", "key": print_of(key), "last": last}}


def rotated(key: str, after: str, last: int | None) -> dict[str, Any]:
    """The act that replaces a party's key."""
    return {
        "key_act": {"act": "rotated", "key": key_of(key), "next": print_of(after), "last": last}
    }


def reinvited(party: str, key: str) -> dict[str, Any]:
    """The act that says with which key another party goes on."""
    return {"key_act": {"act": "reinvited", "party": party, "expects": print_of(key)}}


def rejoined(key: str, after: str, at: str, **lasts: int | None) -> dict[str, Any]:
    """The act of a party that goes on with a new key, dated `at`; `lasts` by signers' names."""
    stood_by = {print_of(name.replace("_", " ")): last for name, last in lasts.items()}
    act = {"act": "rejoined", "key": key_of(key), "next": print_of(after), "lasts": stood_by}
    return {"key_act": act, "at": at}


OF_CENTRE, OF_LAB = f"keys:{CENTRE}", f"keys:{LAB}"
DEVICE_KINDS = ("finding-responded", "review-halted", "review-resumed")
EVIDENCE = {
    "marking": marking("AMBER+STRICT"),
    "kind": "evidence",
    "digest": "sha256:" + fixed("evidence").hex(),
    "size": 4096,
    "media_type": "application/json",
    "name": "outcomes.json",
}
OPENING = {
    "agreement": "sha256:" + fixed("agreement").hex(),
    "installation_key": FIRST.public_key.hex(),
    "nonce": fixed("nonce").hex(),
}
ACTS = (
    Act(
        "case-opened",
        CENTRE,
        "centre",
        (OF_CENTRE,),
        {OF_CENTRE: None},
        OPENING | joined(CENTRE, "centre", "centre", "centre 2"),
    ),
    Act(
        "party-invited",
        CENTRE,
        "centre",
        (OF_LAB,),
        {OF_LAB: None},
        invited(LAB, "developer", "lab"),
    ),
    Act(
        "party-joined", LAB, "lab", (OF_LAB,), {OF_LAB: 1}, joined(LAB, "developer", "lab", "lab 2")
    ),
    Act(
        "signer-admitted", LAB, "lab", (OF_LAB,), {OF_LAB: 2}, admitted("lab device", *DEVICE_KINDS)
    ),
    Act(
        "submission-received",
        LAB,
        "lab",
        ("submission",),
        {"submission": None},
        {"variants": ["final", "helpful-only"], "window": 30},
        (content('quotes " and \\, a tab \t, \u0001, \u007f, \u2028, é and \U0001f512'), EVIDENCE),
    ),
    Act("review-halted", LAB, "lab device", ("halt",), behind=2),
    Act(
        "finding-made",
        CENTRE,
        "centre",
        ("finding:1",),
        {"finding:1": None},
        {"finding": 1},
        (content("secret"),),
        behind=1,
        until=minute(30),
        shown="owoo",
    ),
    Act("review-resumed", LAB, "lab device", ("halt",), {"halt": 5}, behind=1),
    Act(
        "party-key-rotated",
        CENTRE,
        "centre 2",
        (OF_CENTRE,),
        {OF_CENTRE: 0},
        rotated("centre 2", "centre 3", 2),
    ),
    Act(
        "finding-responded",
        LAB,
        "lab device",
        ("finding:1",),
        {"finding:1": 6},
        {"finding": 1},
        (content("in our words"),),
    ),
    Act("signer-removed", LAB, "lab", (OF_LAB,), {OF_LAB: 3}, removed("lab device", 1)),
    Act("case-closed", CENTRE, "centre 2", ("status",), {"status": None}, exact=True),
    Act("release-announced", LAB, "lab", ("release",), behind=2),
)
PLAIN, HALTED, MADE, RESUMED, ROTATED, RESPONDED, CLOSED, RELEASED = 1, 5, 6, 7, 8, 9, 11, 12

AGENCY = "example-agency"
OF_AGENCY, NEW_AGENCY = f"keys:{AGENCY}", f"recovery:{AGENCY}"
DUE = "2026-11-24T09:19:00Z"
# The agency loses all its keys; the developer and the centre say with which one it goes on.
RECOVERY = (
    *ACTS,
    Act("party-invited", CENTRE, "centre 2", (OF_AGENCY,), {}, invited(AGENCY, "agency", "agency")),
    Act(
        "party-joined",
        AGENCY,
        "agency",
        (OF_AGENCY,),
        {},
        joined(AGENCY, "agency", "agency", "agency 2"),
    ),
    Act(
        "signer-admitted",
        AGENCY,
        "agency",
        (OF_AGENCY,),
        {},
        admitted("agency device", "designation-concurred"),
    ),
    Act("designation-concurred", AGENCY, "agency", ("designation",)),
    Act("designation-concurred", AGENCY, "agency device", ("designation",)),
    Act(
        "party-reinvited", LAB, "lab", (NEW_AGENCY,), {OF_AGENCY: 15}, reinvited(AGENCY, "agency 3")
    ),
    Act(
        "party-reinvited",
        CENTRE,
        "centre 2",
        (NEW_AGENCY,),
        {OF_AGENCY: 15},
        reinvited(AGENCY, "agency 3"),
    ),
    Act(
        "party-rejoined",
        AGENCY,
        "agency 3",
        (OF_AGENCY,),
        {OF_AGENCY: 15},
        rejoined("agency 3", "agency 4", DUE, agency=1, agency_device=None),
    ),
    Act("designation-concurred", AGENCY, "agency 3", ("designation",)),
)
BY_LAB, BY_CENTRE, REJOINED = 18, 19, 20


def slowly(acts: Sequence[Act]) -> Callable[[int], str]:
    """When each of these is recorded: three days go by before a party joins anew."""
    anew = [n for n, act in enumerate(acts) if act.type == "party-rejoined"]

    def recorded(n: int) -> str:
        days = 21 + 3 * sum(at <= n for at in anew)
        return minute(n).replace("-21T", f"-{days}T")

    return recorded


SHORT = ACTS[:6]

StatementChange = Callable[[int, DeedStatement], DeedStatement]


@dataclass(frozen=True)
class Making:
    """Where a vector may differ from the authentic one before anything is hashed or signed."""

    acts: tuple[Act, ...] = ACTS
    name: str = "contract 2"
    statement: StatementChange = lambda _n, statement: statement
    payload: Callable[[int, bytes], bytes] = lambda _n, payload: payload
    part: Callable[[int, int, bytes], bytes] = lambda _n, _i, data: data
    envelope: Callable[[int, dict[str, Any]], dict[str, Any]] = lambda _n, value: value
    recorded: Callable[[int], str] = minute


@dataclass
class Case2:
    """A case's entries and parts, its tree, and each deed's digest."""

    entries: list[PaddedEntry]
    parts: list[Opened | HiddenPart]
    tree: Tree
    digests: list[str]
    openings: list[Opened]

    @property
    def log(self) -> str:
        """The log's id."""
        return self.entries[0].leaf.hex()


def make_case(making: Making) -> Case2:
    """Commit, sign, record and append every act."""
    case = Case2([], [], Tree(), [], [])
    newest: dict[str, tuple[int, str]] = {}
    for n, act in enumerate(making.acts):
        base = {"type": act.type, "schema": 1, "actor": act.actor, "at": AT}
        values = [base | {"marking": marking("GREEN")} | act.facts, *act.others]
        datas = [making.part(n, i, dumps(value)) for i, value in enumerate(values)]
        salts = [fixed(f"{making.name} salt {n} {i}") for i in range(PARTS)]
        commitments = [commit_part(*pair) for pair in zip(salts, datas, strict=False)]
        payload = _payload(making, case, n, act, tuple(commitments), newest)
        digest = sha256(b"touchstone/deed/2\0" + payload).hexdigest()
        newest[act.signer] = (newest.get(act.signer, (-1, ""))[0] + 1, digest)
        case.digests.append(digest)
        mark = values[0]["marking"]
        envelope = making.envelope(n, _envelope(payload, act.signer))
        made = (
            {"kind": "deed", "marking": mark, "envelope": envelope},
            {"kind": "recorded", "marking": mark, "at": making.recorded(n)},
        )
        for i, value in enumerate(made, len(values)):
            datas.append(making.part(n, i, dumps(value)))
            commitments.append(commit_part(salts[i], datas[i]))
        commitments += [fixed(f"{making.name} pad {n} {i}").hex() for i in range(len(datas), PARTS)]
        case.entries.append(PaddedEntry(case.log if n else None, n, tuple(commitments)))
        case.tree.append(case.entries[-1].leaf)
        letters = (act.shown or "o" * len(datas)).ljust(PARTS, "w")
        opened = [Opened(n, i, salts[i], data) for i, data in enumerate(datas)]
        case.openings += opened
        case.parts += [opened[i] if letters[i] == "o" else HiddenPart(n, i) for i in range(PARTS)]
    return case


def _payload(
    making: Making,
    case: Case2,
    n: int,
    act: Act,
    parts: tuple[str, ...],
    newest: dict[str, tuple[int, str]],
) -> bytes:
    last, before = newest.get(act.signer, (-1, None))
    size = max(0, n - act.behind)
    root = case.tree.root(size).hex() if size else EMPTY_ROOT.hex()
    statement = DeedStatement(
        case.log if n else None,
        print_of(act.signer),
        act.actor,
        act.type,
        parts,
        last + 1,
        before,
        SeenHead(size, root),
        act.until,
        act.touches,
        act.on,
        act.exact,
    )
    return making.payload(n, making.statement(n, statement).payload)


def _envelope(payload: bytes, signer: str) -> dict[str, Any]:
    signature = SIGNERS[signer].sign(pre_authentication_encoding(payload))
    return {
        "payload": b64encode(payload),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": print_of(signer), "sig": b64encode(signature)}],
    }


def lines_of(case: Case2) -> Lines:
    """The lines that the writer would write, unchecked."""
    header = BundleHeader("example-lab", AT, case.log, len(case.entries), DEED_BUNDLE)
    published = publish(head_of(case))  # type: ignore[arg-type]
    return Lines(
        header.line,
        [line.line for line in KEYS.lines],
        [entry.line for entry in case.entries],
        [part.line for part in case.parts],
        [item.line for item in published],
    )


def sealed(body: Sequence[bytes], seal_format: str = DEED_BUNDLE) -> bytes:
    """The body with a seal that holds."""
    data = b"".join(line + b"\n" for line in body)
    return data + make_seal(sha256(data).digest(), NEWEST, seal_format).line + b"\n"


def answers_of(case: Case2, signer: FixedSigner = NEWEST) -> dict[str, SignedAnswer]:
    """A receipt and a refusal that hold of a case."""
    root = case.tree.root(RESUMED + 1).hex()
    receipt = RecordedAnswer(
        case.log, case.digests[RESUMED], RESUMED, RESUMED + 1, root, minute(RESUMED)
    )
    refusal = RefusedAnswer(
        case.log,
        fixed("a deed that was refused").hex(),
        "topic-moved",
        "topic halt is at 7, not at 5",
        RESUMED + 1,
        root,
        minute(RESUMED),
    )
    return {"receipt": sign_answer(receipt, signer), "refusal": sign_answer(refusal, signer)}


def hidden(*entries: int, acts: tuple[Act, ...] = ACTS) -> tuple[Act, ...]:
    """The acts with some entries withheld whole."""
    return tuple(
        replace(act, shown="w" * PARTS) if n in entries else act for n, act in enumerate(acts)
    )


def good() -> dict[str, Vector]:
    """Bundles in which everything holds. `unchecked` counts deeds of a signer not shown."""
    whole = make_case(Making())
    plain = lines_of(whole)
    answered = lines_of(whole)
    answered.tail += [each.line for each in answers_of(whole).values()]

    def partly(*entries: int, unchecked: int = 0) -> Vector:
        case = make_case(Making(hidden(*entries)))
        return Vector(sealed(lines_of(case).body), "authentic", unchecked=unchecked)

    usurped = tuple(
        replace(
            act, signer="centre 3", facts=rotated("centre 3", "centre 2", 2) if n == ROTATED else {}
        )
        if n in (ROTATED, CLOSED)
        else act
        for n, act in enumerate(hidden(5))
    )
    return {
        "authentic": Vector(sealed(plain.body), "authentic"),
        "with-answers": Vector(sealed(answered.body), "authentic"),
        "without-older-checkpoint": Vector(sealed(plain.body[:-1]), "authentic"),
        "everything-withheld": partly(*range(len(ACTS))),
        "release-shown-alone": partly(*range(len(ACTS) - 1), unchecked=1),
        "opening-withheld": partly(0, unchecked=12),
        "invitation-withheld": partly(1, unchecked=8),
        "joining-withheld": partly(2, unchecked=7),
        "admission-withheld": partly(3, unchecked=3),
        "deeds-of-a-key-withheld": partly(5, 6, 7),
        # Nobody announced that key: only what is withheld could have. So it counts for nothing.
        "rotation-announced-by-nothing-shown": Vector(
            sealed(lines_of(make_case(Making(usurped))).body), "authentic", unchecked=2
        ),
    }


def refused(making: Making, n: int, i: int) -> Vector:
    """The vector that is found out at part i of entry n, which is its last."""
    lines = lines_of(make_case(replace(making, acts=making.acts[: n + 1])))
    return altered(sealed(lines.body), lines.number("parts", PARTS * n + i))


def acted(n: int, i: int | None = None, /, **changes: Any) -> Vector:
    """One act done otherwise, found out at its deed part unless another is named."""
    acts = list(ACTS)
    acts[n] = replace(acts[n], **changes)
    return refused(Making(tuple(acts)), n, 1 + len(acts[n].others) if i is None else i)


def added(act: Act, *before: Act, at: int = len(ACTS), shown: tuple[Act, ...] = ACTS) -> Vector:
    """One more act at the end of the first `at`, found out at its deed part."""
    acts = (*shown[:at], *before, act)
    return refused(Making(acts), len(acts) - 1, 1 + len(act.others))


def stated(n: int, **changes: Any) -> Vector:
    """One statement that says other things than the log."""

    def change(at: int, statement: DeedStatement) -> DeedStatement:
        return replace(statement, **changes) if at == n else statement

    return refused(Making(statement=change), n, 1 + len(ACTS[n].others))


def order_defects() -> dict[str, Vector]:
    """Deeds that do not stand where their signer would have them."""
    whole = make_case(Making())
    seen = SeenHead(RESUMED - 1, whole.tree.root(RESUMED - 1).hex())
    other = SeenHead(3, fixed("root of another log").hex())
    # The resume that answers the first halt, held back and recorded after a second one.
    again = replace(ACTS[5], signer="lab")
    held = replace(ACTS[RESUMED], signer="lab", on={"halt": RESUMED})
    return {
        "held-deed-after-its-topic-moved": added(held, again, at=RESUMED + 1),
        "topic-of-an-entry-that-does-not-touch-it": acted(RESUMED, on={"halt": 4}),
        "topic-said-untouched": acted(RESUMED, on={"halt": None}),
        "topic-at-its-own-entry": acted(RESUMED, on={"halt": RESUMED}),
        "topic-beyond-the-log": acted(RESUMED, on={"halt": 99}),
        "seq-used-twice": stated(RESUMED, seq=0, before=None),
        "seq-left-out": stated(RESUMED, seq=2),
        "before-another-deed": stated(RESUMED, before=fixed("another deed").hex()),
        "seen-of-another-log": stated(RESUMED, seen=other),
        "seen-more-than-there-is": stated(
            RESUMED, seen=SeenHead(RESUMED + 1, whole.tree.root(RESUMED + 1).hex())
        ),
        "seen-less-than-before": acted(RESUMED, behind=RESUMED - 2),
        "seen-of-that-size-at-another": stated(RESUMED, seen=replace(seen, size=RESUMED - 2)),
        "exact-not-newest": acted(CLOSED, behind=1),
        "until-passed": acted(MADE, 1 + 1 + 1, until=minute(MADE - 1)),
        "until-too-far": acted(MADE, 1 + 1 + 1, until="2026-11-28T09:00:01Z"),
        "dated-ahead": acted(MADE, 1 + 1 + 1, facts={"finding": 1, "at": "2026-11-21T09:11:01Z"}),
        "recorded-earlier": refused(
            Making(recorded=lambda n: minute(n - 3 if n == RESUMED else n)), RESUMED, 2
        ),
        "gap-larger-than-what-is-withheld": refused(
            Making(
                hidden(6, 8),
                statement=lambda n, old: replace(old, seq=4) if n == RESPONDED else old,
            ),
            RESPONDED,
            2,
        ),
        "topic-newer-than-shown-at-a-shown-entry": refused(
            Making(
                tuple(
                    replace(act, on={"halt": 6}) if n == RESUMED else act
                    for n, act in enumerate(hidden(3))
                )
            ),
            RESUMED,
            1,
        ),
    }


def admitting(key: str) -> Act:
    """The developer admits a key of which it need know no more than the public half."""
    return Act("signer-admitted", LAB, "lab", (OF_LAB,), {}, admitted(key, "review-halted"))


def squatted() -> dict[str, Vector]:
    """Keys that another party had admitted before their owner brought them, and what then fails."""
    admits = admitting("centre 3")
    unadmits = Act("signer-removed", LAB, "lab", (OF_LAB,), {}, removed("centre 3", None))
    rotates = Act(
        "party-key-rotated", CENTRE, "centre 3", (OF_CENTRE,), {}, rotated("centre 3", "agency", 3)
    )
    by_new = Act("review-halted", CENTRE, "centre 3", ("halt",))
    invites = Act(
        "party-invited", CENTRE, "centre 2", (OF_AGENCY,), {}, invited(AGENCY, "agency", "agency")
    )
    brings = joined(AGENCY, "agency", "agency", "agency 2")
    joins = Act("party-joined", AGENCY, "agency", (OF_AGENCY,), {}, brings)

    def whole(*acts: Act) -> Vector:
        return Vector(sealed(lines_of(make_case(Making((*ACTS, *acts)))).body), "authentic")

    return {
        "rotated-to-a-key-that-another-admitted": whole(admits, rotates, by_new),
        "rotated-to-a-key-that-another-removed": whole(admits, unadmits, rotates, by_new),
        "joined-with-a-key-that-another-admitted": whole(admitting("agency"), invites, joins),
        "admitted-key-signs-after-it-gave-way": added(replace(by_new, actor=LAB), admits, rotates),
        "admitted-key-removed-after-it-gave-way": added(unadmits, admits, rotates),
        "admitted-key-twice": added(admits, admits),
    }


READS = {"day": "2026-11-20", "reads": 3, "digest": "sha256:" + fixed("reads").hex()}


def digesting(signer: str = "installation", type_: str = "reads-digested", **facts: Any) -> Act:
    """What an installation says of a day's reads by itself."""
    salt = content("the salt of that day")
    return Act(type_, INSTALLATION, signer, facts=READS | facts, others=(salt,))


def own_deeds() -> dict[str, Vector]:
    """What an installation says by its own key: of one type, and by no act on keys."""

    def after(*acts: Act, shown: tuple[Act, ...] = ACTS, unchecked: int = 0) -> Vector:
        case = make_case(Making((*shown, *acts)))
        return Vector(sealed(lines_of(case).body), "authentic", unchecked=unchecked)

    lent = replace(digesting(), actor=LAB)
    return {
        "installation-digests-reads": after(digesting(), digesting(day="2026-11-21")),
        "installation-digests-reads-by-an-earlier-key": after(
            digesting("installation before"), digesting()
        ),
        "installation-digests-reads-and-the-lab-signs-it": added(digesting("lab")),
        "installation-digests-reads-by-an-unknown-key": added(digesting("stranger")),
        "installation-digests-reads-by-an-unknown-key-after-withheld": added(
            digesting("stranger"), shown=hidden(MADE)
        ),
        "installation-halts-by-itself": added(digesting(type_="review-halted")),
        "installation-acts-on-keys": added(digesting(**admitted("anyone", "review-halted"))),
        "installation-key-signs-for-the-lab": added(lent),
    }


def key_defects() -> dict[str, Vector]:
    """Deeds by keys that may not sign them, and keys that may not come or go."""
    late = replace(ACTS[5], behind=0)
    halt = replace(ACTS[5], signer="centre", actor=CENTRE, behind=0)
    agency = invited("example-agency", "agency", None)
    invite = Act("party-invited", CENTRE, "centre 2", ("keys:example-agency",), {}, agency)
    join = Act(
        "party-joined",
        "example-agency",
        "agency",
        ("keys:example-agency",),
        {},
        joined("example-agency", "agency", "agency", "lab 2"),
    )

    def joins(**changes: Any) -> Act:
        return replace(join, facts={"key_act": join.facts["key_act"] | changes})

    def admits(signer: str, key: str, **changes: Any) -> Act:
        act = admitted(key, "review-halted")["key_act"] | changes
        return Act("signer-admitted", LAB, signer, facts={"key_act": act})

    return {
        "signer-removed-before": added(late),
        "signer-never-admitted": acted(5, signer="lab 2"),
        "signer-not-yet-admitted": added(replace(late), at=3),
        "signer-of-another-party": acted(MADE, signer="lab"),
        "signer-out-of-scope": acted(RELEASED - 3, type="finding-disputed"),
        "signer-changes-keys": added(admits("lab device", "lab 2"), at=RESPONDED),
        "party-key-replaced-before": added(halt),
        "party-key-not-announced": acted(
            ROTATED, signer="centre 3", facts=rotated("centre 3", "centre 2", 2)
        ),
        "party-key-rotated-by-the-old-one": acted(ROTATED, signer="centre"),
        "joined-without-invitation": added(join),
        "joined-in-another-role": added(joins(role="auditor"), invite),
        "joined-with-another-key": acted(
            2, signer="lab 2", facts=joined(LAB, "developer", "lab 2", "lab")
        ),
        "joined-by-another-key": added(replace(join, signer="centre 3"), invite),
        "joined-in-anothers-name": added(
            joins(party="example-auditor"),
            replace(invite, facts=invited("example-auditor", "agency", None)),
        ),
        "joined-twice": added(
            replace(ACTS[2], signer="lab 2", on={}, facts=joined(LAB, "developer", "lab 2", "lab"))
        ),
        "invited-after-joining": added(replace(ACTS[1], signer="centre 2", on={})),
        "first-entry-without-a-key": acted(0, facts=OPENING),
        "key-seen-before": added(admits("lab", "centre")),
        "key-seen-before-and-removed": added(admits("lab", "lab device")),
        "key-of-small-order": added(admits("lab", "anyone")),
        "removed-unknown": added(replace(ACTS[10], on={}, facts=removed("lab 2", None))),
        "removed-twice": added(replace(ACTS[10], on={})),
        # Of a party that joined out of sight, so that the key could be anything.
        "signer-admits-itself": added(
            replace(ACTS[3], signer="agency", facts=admitted("agency", "review-halted"), on={}),
            shown=hidden(2),
        ),
        "signer-removes-itself": added(
            replace(ACTS[10], signer="agency", facts=removed("agency", None), on={}),
            shown=hidden(2),
        ),
        "removed-by-another-party": added(replace(ACTS[10], actor=CENTRE, signer="centre"), at=5),
        "removed-the-party-key": added(replace(ACTS[10], on={}, facts=removed("lab", None))),
        "key-act-unknown": added_form({"act": "lent"}),
        "key-act-of-another-algorithm": added_form(admits("lab", "lab 2", alg="webauthn")),
        "key-act-kinds-unsorted": added_form(
            admits("lab", "lab 2", kinds=["review-resumed", "review-halted"])
        ),
        "key-act-kinds-empty": added_form(admits("lab", "lab 2", kinds=[])),
        "key-act-with-more": added_form(admits("lab", "lab 2", note="x")),
        "key-act-null": added_form(None),
        "key-act-last-is-true": added_form(
            {"act": "removed", "key": print_of("lab"), "last": True}
        ),
    }


def added_form(act: Any) -> Vector:
    """One more act on keys of a form that is none, found out at its part 0."""
    form = act.facts["key_act"] if isinstance(act, Act) else act
    acts = (*ACTS, Act("signer-admitted", LAB, "lab", facts={"key_act": form}))
    return refused(Making(acts), len(ACTS), 0)


def resigned(envelope: dict[str, Any], signer: str) -> dict[str, Any]:
    """The same payload and keyid, signed by another key."""
    (signature,) = envelope["signatures"]
    message = pre_authentication_encoding(b64decode(envelope["payload"]))
    sig = b64encode(SIGNERS[signer].sign(message))
    return envelope | {"signatures": [signature | {"sig": sig}]}


def recovered() -> dict[str, Vector]:
    """Bundles in which a party that lost its keys goes on with a new one."""

    def shown(acts: tuple[Act, ...], unchecked: int = 0) -> Vector:
        lines = lines_of(make_case(Making(acts, recorded=slowly(acts))))
        return Vector(sealed(lines.body), "authentic", unchecked=unchecked)

    objected = Act("recovery-objected", AGENCY, "agency", (OF_AGENCY,), {}, OBJECTED)
    squatted = admitting("agency 3")
    return {
        "recovered-with-a-key-that-another-admitted": shown(
            (*RECOVERY[:REJOINED], squatted, *RECOVERY[REJOINED:])
        ),
        "recovered-with-a-key-that-the-lost-one-admitted": shown(
            (
                *RECOVERY[:REJOINED],
                replace(squatted, actor=AGENCY, signer="agency", touches=(OF_AGENCY,)),
                replace(RECOVERY[REJOINED], on={}),
                RECOVERY[REJOINED + 1],
            )
        ),
        "recovered": shown(RECOVERY),
        "recovery-under-way": shown(RECOVERY[:REJOINED]),
        "recovery-objected": shown((*RECOVERY[:REJOINED], objected)),
        # Only what is withheld could have said so, and that counts for nothing.
        "recovered-by-what-is-withheld": shown(hidden(BY_LAB, acts=RECOVERY), unchecked=2),
    }


OBJECTED = {"key_act": {"act": "objected"}}


def recovery_defects() -> dict[str, Vector]:
    """Parties that go on with a key that two others did not say, or not long enough before."""
    before, by_lab, by_centre = RECOVERY[:BY_LAB], RECOVERY[BY_LAB], RECOVERY[BY_CENTRE]
    again, after = RECOVERY[REJOINED], RECOVERY[REJOINED + 1]

    def ends(*acts: Act) -> Vector:
        made = Making((*before, *acts), recorded=slowly((*before, *acts)))
        return refused(made, len(made.acts) - 1, 1)

    def form(act: Any) -> Vector:
        return refused(Making((*before, replace(again, facts={"key_act": act}))), BY_LAB, 0)

    def says(of: Act, party: str, key: str, **changes: Any) -> Act:
        return replace(of, facts=reinvited(party, key), on={}, **changes)

    def rejoins(key: str, **lasts: int | None) -> Act:
        return replace(again, signer=key, facts=rejoined(key, "agency 4", DUE, **lasts))

    own = again.facts["key_act"]
    rotates = Act(
        "party-key-rotated",
        AGENCY,
        "agency 2",
        (OF_AGENCY,),
        {},
        rotated("agency 2", "agency 4", None),
    )
    objects = Act("recovery-objected", AGENCY, "agency", (OF_AGENCY,), {}, OBJECTED)
    late = replace(again, facts=again.facts | {"at": "2026-11-24T09:20:00Z"})
    early = replace(again, facts=again.facts | {"at": "2026-11-24T09:18:59Z"})
    whole = (by_lab, by_centre, again)
    lab_again = Act(
        "party-rejoined",
        LAB,
        "lab 2",
        (OF_LAB,),
        {},
        rejoined("lab 2", "agency 4", "2026-11-27T09:23:00Z"),
    )
    in_its_name = says(by_lab, LAB, "lab 2", actor=AGENCY, signer="agency")
    of_lab = says(by_centre, LAB, "lab 2")

    return {
        "reinvited-itself": ends(says(by_lab, AGENCY, "agency 3", actor=AGENCY, signer="agency")),
        "reinvited-before-joining": ends(says(by_lab, "example-auditor", "agency 3")),
        "reinvited-after-its-keys-moved": ends(rotates, by_lab),
        "rejoined-by-nobodys-word": ends(again),
        "rejoined-by-the-word-of-one": ends(by_lab, again),
        "rejoined-by-one-said-twice": ends(by_lab, by_lab, again),
        "rejoined-by-words-of-two-keys": ends(by_lab, says(by_centre, AGENCY, "agency 2"), again),
        "rejoined-by-a-word-taken-back": ends(
            by_lab, by_centre, says(by_lab, AGENCY, "agency 2"), replace(again, on={})
        ),
        "rejoined-too-early": ends(by_lab, by_centre, early),
        "rejoined-with-another-key": ends(by_lab, by_centre, rejoins("agency 4")),
        "rejoined-by-another-key": ends(by_lab, by_centre, replace(again, signer="agency 4")),
        "rejoined-after-it-objected": ends(by_lab, by_centre, objects, replace(again, on={})),
        "rejoined-after-it-rotated": ends(by_lab, by_centre, rotates, replace(again, on={})),
        "rejoined-by-the-word-of-a-key-replaced-since": ends(
            by_lab,
            Act(
                "party-key-rotated", LAB, "lab 2", (OF_LAB,), {}, rotated("lab 2", "agency 2", None)
            ),
            by_centre,
            again,
        ),
        "rejoined-twice": ends(*whole, replace(rejoins("agency 4"), on={})),
        "rejoined-by-the-word-of-a-lost-key": ends(
            in_its_name, by_lab, by_centre, late, of_lab, lab_again
        ),
        "rejoined-disavowing-anothers": ends(by_lab, by_centre, rejoins("agency 3", lab=0)),
        "rejoined-disavowing-itself": ends(by_lab, by_centre, rejoins("agency 3", agency_3=None)),
        "rejoined-disavowing-what-is-unknown": ends(
            by_lab, by_centre, rejoins("agency 3", agency_4=None)
        ),
        "lost-key-after-recovery": ends(*whole, replace(after, signer="agency")),
        "lost-signer-after-recovery": ends(*whole, replace(after, signer="agency device")),
        "lost-next-key-after-recovery": ends(*whole, rotates),
        "key-act-lasts-a-list": form(own | {"lasts": []}),
        "key-act-lasts-of-no-key": form(own | {"lasts": {"agency": 1}}),
        "key-act-lasts-is-true": form(own | {"lasts": {print_of("agency"): True}}),
        "key-act-rejoined-without-lasts": form({k: own[k] for k in ("act", "key", "next")}),
        "key-act-objected-with-more": form({"act": "objected", "party": AGENCY}),
        "key-act-reinvited-with-any-key": form(
            {"act": "reinvited", "party": AGENCY, "expects": None}
        ),
    }


def deed_defects() -> dict[str, Vector]:
    """Deeds that are not about their entry, and server-made parts that are not as they must be."""

    def parted(n: int, i: int, change: Callable[[dict[str, Any]], Any], at: int = 0) -> Vector:
        def part(entry: int, which: int, data: bytes) -> bytes:
            return dumps(change(loads(data))) if (entry, which) == (n, i) else data

        return refused(Making(part=part), n, at or i)

    def enveloped(n: int, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Vector:
        return refused(Making(envelope=lambda at, old: old | change(old) if at == n else old), n, 1)

    def keyed(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
        return lambda old: {"signatures": [old["signatures"][0] | changes]}

    earlier = _envelope(b"{}", "centre")
    whole = make_case(Making())
    swapped = tuple(reversed(whole.entries[4].parts[:3]))

    def shown(n: int, letters: str, i: int) -> Vector:
        return acted(n, i, shown=letters)

    def padded() -> Vector:
        case = make_case(Making(ACTS[: PLAIN + 1]))
        salt, data = fixed("a hidden remark"), dumps(content("unsigned"))
        lines = lines_of(_with_pad(case, salt, data))
        return altered(sealed(lines.body), lines.number("parts", PARTS * PLAIN + 3))

    return {
        "deed-of-another-log": stated(RESUMED, log=fixed("log").hex()),
        "deed-for-other-parts": stated(4, parts=(*whole.entries[4].parts[:2], "ab" * 32)),
        "deed-for-swapped-parts": stated(4, parts=swapped),
        "deed-for-fewer-parts": stated(4, parts=whole.entries[4].parts[:2]),
        "deed-of-another-type": stated(PLAIN, deed="review-withdrawn"),
        "deed-in-anothers-name": stated(PLAIN, actor=LAB),
        "deed-of-another-keyid": enveloped(PLAIN, keyed(keyid=print_of("lab 2"))),
        "deed-signature-wrong": enveloped(PLAIN, keyed(sig=earlier["signatures"][0]["sig"])),
        # Of a signer whose admission is withheld, so that nothing else would find it.
        "deed-signature-short": refused(
            Making(
                hidden(3),
                envelope=lambda n, old: (
                    old | keyed(sig=b64encode(bytes(63)))(old) if n == HALTED else old
                ),
            ),
            HALTED,
            1,
        ),
        "deed-in-the-name-of-another-key": refused(
            Making(
                tuple(
                    replace(act, signer="centre") if n == ROTATED else act
                    for n, act in enumerate(ACTS)
                ),
                envelope=lambda n, old: resigned(old, "centre 2") if n == ROTATED else old,
            ),
            ROTATED,
            1,
        ),
        "deed-signed-twice": enveloped(PLAIN, lambda old: {"signatures": old["signatures"] * 2}),
        "deed-of-another-payload-type": enveloped(PLAIN, lambda _: {"payloadType": "text/plain"}),
        "deed-marked-otherwise": parted(PLAIN, 1, lambda old: old | {"marking": marking("RED")}),
        "deed-part-with-more": parted(PLAIN, 1, lambda old: old | {"note": "x"}),
        "recorded-marked-otherwise": parted(
            PLAIN, 2, lambda old: old | {"marking": marking("RED")}
        ),
        "recorded-with-more": parted(PLAIN, 2, lambda old: old | {"note": "x"}),
        "recorded-of-another-kind": parted(
            PLAIN, 2, lambda old: {"kind": "content", "marking": old["marking"], "content": 1}
        ),
        "recorded-at-no-time": parted(PLAIN, 2, lambda old: old | {"at": "2026-02-30T09:00:00Z"}),
        "signed-part-of-kind-recorded": parted(
            RESPONDED, 1, lambda old: {"kind": "recorded", "marking": old["marking"], "at": AT}
        ),
        "deed-withheld": shown(PLAIN, "oww", PARTS - 1),
        "recorded-withheld": shown(PLAIN, "oow", 2),
        "event-withheld": shown(PLAIN, "woo", 1),
        "padding-opened": padded(),
        "schema-zero": acted(PLAIN, 0, facts=ACTS[PLAIN].facts | {"schema": 0}),
    }


def _with_pad(case: Case2, salt: bytes, data: bytes) -> Case2:
    """The case with something committed to where padding is, and opened."""
    last = case.entries[-1]
    parts = (*last.parts[:3], commit_part(salt, data), *last.parts[4:])
    case.entries[-1] = replace(last, parts=parts)
    case.tree = Tree(entry.leaf for entry in case.entries)
    case.parts[PARTS * PLAIN + 3] = Opened(PLAIN, 3, salt, data)
    return case


TOUCHES, NAMES = b'["keys:example-lab"]', b'"on":{"keys:example-lab":null}'


def form_defects() -> dict[str, Vector]:
    """Payloads that are not in the form of a statement, signed as they are."""

    def bent(old: bytes, new: bytes, n: int = PLAIN, acts: tuple[Act, ...] = ACTS) -> Vector:
        def payload(at: int, data: bytes) -> bytes:
            if at != n:
                return data
            assert old in data, old  # noqa: S101 - a defect that is not made tests nothing
            return data.replace(old, new, 1)

        return refused(Making(acts, payload=payload), n, 1)

    return {
        "payload-duplicate-key": bent(b'"seq":1', b'"seq":1,"seq":1'),
        "payload-nan": bent(b'"seq":1', b'"seq":NaN'),
        "payload-float": bent(b'"seq":1', b'"seq":1.0'),
        "payload-integer-too-large": bent(b'"seq":1', b'"seq":9007199254740992'),
        "payload-true-for-one": bent(b'"size":1', b'"size":true'),
        "payload-negative": bent(b'"seq":1', b'"seq":-1'),
        "payload-space": bent(b'"seq":1', b'"seq": 1'),
        "payload-unknown-field": bent(b'"v":2', b'"v":2,"w":1'),
        "payload-field-missing": bent(b'"exact":false,', b""),
        "payload-of-contract-1": bent(b'"v":2', b'"v":1'),
        "payload-exact-is-null": bent(b'"exact":false', b'"exact":null'),
        "payload-before-missing": stated_raw(
            rb'"before":"[0-9a-f]{64}"', b'"before":null', RESUMED, hidden(5)
        ),
        "payload-first-with-a-before": stated_raw(
            b'"before":null', b'"before":"%s"' % (b"ab" * 32), 2
        ),
        "payload-touches-unsorted": bent(TOUCHES, b'["status","keys:example-lab"]'),
        "payload-touches-twice": bent(TOUCHES, TOUCHES[:-1] + b"," + TOUCHES[1:]),
        "payload-topic-misshapen": bent(TOUCHES, b'["Release"]'),
        "payload-topic-without-id": bent(TOUCHES, b'["release:"]'),
        "payload-topic-too-long": bent(TOUCHES, b'["%s"]' % (b"r" * 65)),
        "payload-too-many-topics": bent(
            TOUCHES, b'["%s"]' % b'","'.join(b"t%02d" % n for n in range(17))
        ),
        "payload-on-too-many": bent(
            NAMES, b'"on":{%s}' % b",".join(b'"t%02d":1' % n for n in range(33))
        ),
        "payload-on-a-text": bent(NAMES, b'"on":{"halt":"5"}'),
        "payload-on-a-list": bent(NAMES, b'"on":[]'),
        "payload-actor-misshapen": bent(b'"actor":"example-centre"', b'"actor":"example centre"'),
        "payload-until-misshapen": bent(b'"until":null', b'"until":"2026-11-21"'),
        "payload-key-misshapen": bent(b'"key":"SHA256:', b'"key":"sha256:'),
        "payload-seen-with-more": bent(b'"size":1', b'"size":1,"x":1'),
        "payload-too-long": bent(
            NAMES,
            b'"on":{"keys:example-lab":null,%s}'
            % b",".join(b'"t%02d:%s":null' % (n, b"i" * 128) for n in range(31)),
            acts=(ACTS[0], replace(ACTS[PLAIN], type="t" * 15_000), *ACTS[PLAIN + 1 :]),
        ),
        "payload-actor-too-long": bent(b'"actor":"example-centre"', b'"actor":"%s"' % (b"a" * 129)),
    }


def stated_raw(old: bytes, new: bytes, n: int, acts: tuple[Act, ...] = ACTS) -> Vector:
    """The payload of entry n with what matches an expression replaced."""

    def payload(at: int, data: bytes) -> bytes:
        return re.sub(old, new, data, count=1) if at == n else data

    return refused(Making(acts, payload=payload), n, 1)


def line_defects() -> dict[str, Vector]:
    """Entries, part lines and seals that are not those of this format."""

    def lines(section: str, index: int, change: Callable[[bytes], bytes]) -> Vector:
        made = lines_of(make_case(Making(SHORT)))
        listed = getattr(made, section)
        listed[index] = change(listed[index])
        return altered(sealed(made.body), made.number(section, index))

    body = lines_of(make_case(Making(SHORT))).body
    wrong = sealed(body, "touchstone/bundle/1")
    first = [body[0].replace(b"bundle/2", b"bundle/1"), *body[1:]]
    last = PARTS * len(SHORT) - 1
    swapped = lines_of(make_case(Making(SHORT)))
    swapped.parts[9], swapped.parts[10] = swapped.parts[10], swapped.parts[9]
    return {
        "said-to-be-of-contract-1": altered(sealed(first, "touchstone/bundle/1"), 4),
        "unknown-format": altered(
            sealed([body[0].replace(b"bundle/2", b"bundle/3"), *body[1:]]), 1
        ),
        "sealed-as-contract-1": altered(wrong, len(body) + 1),
        "entry-of-seven-parts": lines(
            "entries", 5, lambda old: edited(old, parts=loads(old)["parts"][:-1])
        ),
        "entry-of-nine-parts": lines(
            "entries", 5, lambda old: edited(old, parts=[*loads(old)["parts"], "ab" * 32])
        ),
        "entry-of-contract-1": lines("entries", 5, lambda old: edited(old, v=1)),
        "withheld-with-a-label": lines("parts", last, lambda old: edited(old, label="RED")),
        "erased": lines("parts", last, lambda old: old.replace(b"withheld", b"erased")),
        "part-swapped": altered(sealed(swapped.body), swapped.number("parts", 9)),
        "part-text-changed": lines(
            "parts",
            PARTS * 5,
            lambda old: edited(old, text=loads(old)["text"].replace("halted", "resumed")),
        ),
        "padding-misplaced": lines("parts", last, lambda old: edited(old, i=PARTS)),
    }


def answer_defects() -> dict[str, Vector]:
    """Answers that are not the installation's, or that the entries belie."""
    case = make_case(Making(ACTS[: RESUMED + 1]))
    good_ones = answers_of(case)
    receipt, refusal = good_ones["receipt"].answer, good_ones["refusal"].answer

    def ended(line: bytes) -> Vector:
        lines = lines_of(case)
        lines.tail.append(line)
        return altered(sealed(lines.body), lines.number("tail", 2))

    def said(answer: DeedAnswer, signer: FixedSigner = NEWEST, **changes: Any) -> Vector:
        return ended(sign_answer(replace(answer, **changes), signer).line)

    def bent(line: bytes, **changes: Any) -> Vector:
        value = loads(line)
        return ended(edited(line, answer=value["answer"] | changes))

    def signed(line: bytes, **changes: Any) -> Vector:
        value = loads(line)["answer"] | changes
        signature = NEWEST.sign(b"touchstone/answer/1\0" + dumps(value)).hex()
        return ended(edited(line, answer=value, signature=signature))

    line = good_ones["receipt"].line
    return {
        "answer-altered": bent(line, at=minute(RESUMED + 1)),
        "answer-of-another-kind": signed(line, answer="promised"),
        "answer-with-more": signed(line, note="x"),
        "answer-of-another-version": signed(line, v=2),
        "answer-by-a-stranger": said(receipt, STRANGER),
        "answer-of-another-log": said(receipt, log=fixed("log").hex()),
        "answer-of-another-head": said(receipt, root=fixed("root").hex()),
        "answer-of-another-entry": said(receipt, n=RESUMED - 1),
        "answer-of-another-deed": said(receipt, deed=fixed("deed").hex()),
        "answer-of-another-time": said(receipt, at=minute(1)),
        "answer-of-an-entry-that-is-not-there": said(receipt, n=RESUMED + 1, size=RESUMED + 2),
        "answer-head-before-its-entry": signed(
            line, size=RESUMED, root=case.tree.root(RESUMED).hex()
        ),
        "refusal-reworded": bent(good_ones["refusal"].line, why="the halt was lifted"),
        "refused-and-recorded": said(refusal, deed=case.digests[RESUMED]),
        "refused-without-a-log": said(refusal, log=None),
        "refused-for-no-reason": signed(good_ones["refusal"].line, why=""),
        "refused-at-length": signed(good_ones["refusal"].line, why="x" * 501),
    }


def vectors() -> dict[str, Vector]:
    """All bundles, by the name of their defect."""
    groups = (
        good,
        order_defects,
        key_defects,
        squatted,
        own_deeds,
        recovered,
        recovery_defects,
        deed_defects,
        form_defects,
        line_defects,
        answer_defects,
    )
    return {name: vector for group in groups for name, vector in group().items()}


def files() -> dict[str, bytes]:
    """Every file of the vectors' folder: the bundles, a receipt, a refusal and the manifest."""
    made = vectors()
    case = make_case(Making())
    manifest = {
        "about": "Written by scripts/make_deed_vectors.py. The verdict is with `trust` pinned; an "
        "altered bundle is found out at `line`; `unchecked_deeds` have a signer not shown.",
        "trust": fingerprint(FIRST.public_key),
        "witness": {"name": WITNESS, "key": WITNESS_KEY.public_key.hex(), "time": COSIGNED_AT},
        "bundles": expected(made),
    }
    bundles = {f"{name}.jsonl": vector.data for name, vector in made.items()}
    answers = {f"{name}.json": each.line + b"\n" for name, each in answers_of(case).items()}
    return bundles | answers | {"manifest.json": json.dumps(manifest, indent=1).encode() + b"\n"}


def main() -> None:
    """Write the folder."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, data in files().items():
        (FOLDER / name).write_bytes(data)
    print(f"{len(vectors())} bundles in {FOLDER.name}")


if __name__ == "__main__":
    main()
