"""For each check of the verifier: without it, a bundle that must be refused passes wrongly.

A check is a `hold(condition, otherwise)`; its twin runs with that one sentence never said. What
refuses by raising (no JSON, no entry, no note, no line) has no value to go on with, so no twin.
"""

import ast
import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from touchstone import ledger, verifier
from touchstone.verifier import (
    contract1,
    contract2,
    errors,
    keys,
    proofs,
    reading,
    strict,
    verify_bundle,
)

FOLDER = Path(verifier.__file__).parent
VECTORS = Path(__file__).parents[2] / "vectors/ledger"
PINS: dict[str, Any] = {"trust": [json.loads((VECTORS / "manifest.json").read_text())["trust"]]}
# The sentence of a check, and the vector that passes without it.
BY_VECTOR = {
    "admits a party twice": "party-admitted-twice",
    "has a checkpoint of another log": "checkpoint-of-another-origin",
    "has a checkpoint that the newest key did not sign": "checkpoint-by-a-stranger",
    "has a checkpoint that the one in the head line does not extend": "older-of-another-root",
    "has a checkpoint with a signature line twice": "checkpoint-signed-twice",
    "has a head of other entries": "head-root-wrong",
    "has a head that is not where it says in the checkpoint's tree": "blind-wrong",
    "has a head under other keys": "head-keyset-wrong",
    "has a seal that does not hold": "seal-signature-wrong",
    "has another digest than the bytes before it": "seal-digest-wrong",
    "is a deed about other parts": "deed-for-other-parts",
    "is a deed by a key that its actor was not admitted with": "deed-by-a-replaced-key",
    "is a deed of another place": "deed-of-another-past",
    "is a deed of another type or actor than its entry's event": "deed-of-another-type",
    "is a deed whose signature does not hold": "deed-by-a-key-of-small-order",
    "is erased, which part 0 never is": "part-zero-erased",
    "is nested too deeply": "part-nested-too-deep",
    "is not canonical JSON": "part-not-canonical",
    "is not of the form ": "evidence-without-digest",
    "is not sealed by the newest key": "seal-key-wrong",
    "is not signed by the key before it": "key-history-rotated-by-a-stranger",
    "is not the key line that is due here": "key-history-of-another-past",
    "is not what its entry commits to": "part-text-changed",
    "stands after the seal, where the bundle must end": "trailing-line",
    "was opened under a key of no key line here": "opened-by-another-installation",
}
# The same of contract 2, whose checks say some of these sentences too.
BY_DEED_VECTOR = {
    "admits a signer for kinds of deed not sorted, each once, 1 to 64": "key-act-kinds-unsorted",
    "admits or removes the key that signs it": "signer-removes-itself",
    "brings a key of small order": "key-of-small-order",
    "brings a key that the log has seen": "key-seen-before",
    "brings a party's key, not signed by that key": "deed-in-the-name-of-another-key",
    "ends an entry that shows its event and not the deed": "deed-withheld",
    "has a receipt of an entry, deed or time that is not there": "answer-of-another-time",
    "has a receipt under a head before its entry": "answer-head-before-its-entry",
    "has a refusal of a deed that was recorded": "refused-and-recorded",
    "has a refusal of over 500 characters": "refused-at-length",
    "has an answer about another log": "refused-without-a-log",
    "has an answer under another past of this log": "answer-of-another-head",
    "has an answer that no key of the history signed": "refusal-reworded",
    "disavows what is no key of its actor that ends with it": "rejoined-disavowing-anothers",
    "invites anew its actor, or a party that has not joined": "reinvited-itself",
    "joins anew, not by two others' word of 72 hours ago": "rejoined-by-the-word-of-one",
    "invites or joins a party that has joined": "invited-after-joining",
    "is a deed about other parts": "deed-for-swapped-parts",
    "is a deed by a key that was never admitted": "signer-never-admitted",
    "is a deed by a key that was removed or replaced before": "signer-removed-before",
    "is a deed by another key than it names": "deed-of-another-keyid",
    "is a deed by another party's key": "signer-of-another-party",
    "is a deed by one who has seen another log": "seen-of-another-log",
    "is a deed by one who has seen less than before": "seen-less-than-before",
    "is a deed for another place exactly": "exact-not-newest",
    "is a deed in ill-formed base64": "deed-signature-short",
    "is a deed of a type that its signer may not sign": "signer-out-of-scope",
    "is a deed that no installation signs itself": "installation-halts-by-itself",
    "is the installation's, by no key of its history": (
        "installation-digests-reads-by-an-unknown-key"
    ),
    "is a deed of another log": "deed-of-another-log",
    "is a deed of another type or actor than its entry's event": "deed-of-another-type",
    "is a deed of too many topics": "payload-too-many-topics",
    "is a deed on a topic that has moved": "held-deed-after-its-topic-moved",
    "is a deed out of its key's sequence": "seq-left-out",
    "is a deed that follows another one of its key": "before-another-deed",
    "is a deed that is first and not, of its key or its log": "payload-before-missing",
    "is a deed whose signature does not hold": "deed-signature-wrong",
    "is a deed whose topics are not sorted, each once": "payload-touches-unsorted",
    "is marked otherwise than its event": "deed-marked-otherwise",
    "is opened, and is padding, which opens to nothing": "padding-opened",
    "is of a deed held too long": "until-too-far",
    "is a deed of over 16,384 bytes": "payload-too-long",
    "is recorded before the date of its deed": "dated-ahead",
    "is recorded after its deed was to be": "until-passed",
    "is recorded before the entry before it": "recorded-earlier",
    "is the server's, with more in it": "deed-part-with-more",
    "joins another party than its actor": "joined-in-anothers-name",
    "joins otherwise than it was invited, or uninvited": "joined-in-another-role",
    "removes what is no signer of its actor": "removed-twice",
    "rotates to a key that was not announced": "party-key-not-announced",
}
BY_PIN: dict[str, dict[str, Any]] = {
    "ends a bundle without a checkpoint of the size seen elsewhere": {"head": "7:" + "00" * 32},
    "has another root than the head seen elsewhere": {"head": "9:" + "00" * 32},
}


def canonical(value: Any) -> bytes:
    """Canonical JSON without the ledger's bounds."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def rebuilt(making: ModuleType, change: Callable[[list[Any]], None]) -> bytes:
    """The case without its parts opened, with its entries changed, and all hashes made anew."""
    steps = tuple(
        replace(one, shown="w" * (1 + len(one.others) + bool(one.signer))) for one in making.STEPS
    )
    case = making.make_case(making.Build(steps=steps))
    lines = [json.loads(entry.line) for entry in case.entries]
    change(lines)
    leaves = [ledger.leaf_hash(canonical(line)) for line in lines]
    root = ledger.Tree(leaves).root().hex()
    head = ledger.CaseHead(lines[1]["log"], len(lines), root, making.KEYS.keyset)
    built = making.lines_of(case, head=head)
    built.header = making.edited(built.header, log=lines[1]["log"])
    built.entries = [canonical(line) for line in lines]
    return bytes(making.sealed(built.body))


def with_part(making: ModuleType, n: int, i: int, changes: dict[str, Any]) -> bytes:
    """The authentic bundle with something added to one part, committed to and signed."""

    def part(at: int, which: int, old: bytes) -> bytes:
        return canonical(json.loads(old) | changes) if (at, which) == (n, i) else old

    return bytes(making.sealed(making.lines_of(making.make_case(making.Build(part=part))).body))


def with_tail(making: ModuleType, which: int, **changes: Any) -> bytes:
    """The authentic bundle with another head line (0) or older line (1)."""
    built = making.authentic()
    built.tail[which] = making.edited(built.tail[which], **changes)
    return bytes(making.sealed(built.body))


def endless_checkpoint(making: ModuleType) -> bytes:
    built = making.authentic()
    line = json.loads(built.tail[0])
    blind = bytes.fromhex(line["blind"])
    root = ledger.leaf_hash(
        sha256(b"touchstone/head/1\0" + blind + canonical(line["head"])).digest()
    )
    for _level in range(53):
        root = ledger.node_hash(root, bytes(32))
    text = f"{making.KEYS.origin}\n{2**53}\n{b64encode(root).decode()}\n"
    identity = sha256(making.KEYS.origin.encode() + b"\n\x01" + making.NEWEST.public_key).digest()
    signature = b64encode(identity[:4] + making.NEWEST.sign(text.encode())).decode()
    built.tail = [
        making.edited(
            built.tail[0],
            index=0,
            inclusion=["00" * 32] * 53,
            checkpoint=f"{text}\n— {making.KEYS.origin} {signature}\n",
        )
    ]
    return bytes(making.sealed(built.body))


def key_again(making: ModuleType) -> bytes:
    last = json.loads(making.KEYS.lines[-1].line)
    line = last | {
        "seq": 2,
        "previous": sha256(canonical(last)).hexdigest(),
        "public_key": last["public_key"],
    }
    del line["signature"]
    signature = making.NEWEST.sign(b"touchstone/key/1\0" + canonical(line)).hex()
    built = making.authentic()
    built.keys.append(canonical(line | {"signature": signature}))
    return bytes(making.sealed(built.body))


def loose_signature(making: ModuleType) -> bytes:
    """Of a deed whose signer is not shown, the signature with an unused bit set."""

    def part(n: int, i: int, old: bytes) -> bytes:
        if (n, i) != (4, 2):
            return old
        value = json.loads(old)
        signature = value["envelope"]["signatures"][0]
        signature["sig"] = signature["sig"].replace("==", "")[:-1] + "B=="
        return canonical(value)

    build = making.Build(steps=making.ADMISSION_WITHHELD, part=part)
    return bytes(making.sealed(making.lines_of(making.make_case(build)).body))


def deed_in_the_middle(making: ModuleType) -> bytes:
    """A deed that holds, about part 0, and a content part after it."""
    step = replace(making.STEPS[1], others=(making.content("to be the deed"), making.content("c")))
    steps = (making.STEPS[0], replace(step, signer=None))
    first = making.make_case(making.Build(steps=steps))
    zero = first.entries[1].parts[0]
    log = first.entries[0].leaf.hex()
    past = ledger.Tree([first.entries[0].leaf]).root().hex()
    deed = ledger.Deed(log, 1, past, step.type, step.actor, (zero,))
    envelope = ledger.sign_deed(deed, making.PARTIES["example-lab"]).envelope
    value = {"marking": making.marking(), "kind": "deed", "envelope": envelope}

    def part(n: int, i: int, old: bytes) -> bytes:
        return canonical(value) if (n, i) == (1, 1) else old

    case = making.make_case(making.Build(steps=steps, part=part))
    return bytes(making.sealed(making.lines_of(case).body))


def long_part(making: ModuleType) -> bytes:
    built = making.authentic()
    salt, text = bytes(32), canonical(making.content("x" * 2**19))
    commitment = sha256(b"touchstone/part/1\0" + salt + text).hexdigest()
    entry = json.loads(built.entries[5])
    entry["parts"].append(commitment)
    built.entries[5] = canonical(entry)
    opened = {"line": "part", "n": 5, "i": 1, "salt": salt.hex(), "text": text.decode()}
    built.parts.append(canonical(opened))
    leaves = [ledger.leaf_hash(line) for line in built.entries]
    log = json.loads(built.header)["log"]
    head = ledger.CaseHead(log, 6, ledger.Tree(leaves).root().hex(), making.KEYS.keyset)
    built.tail = [item.line for item in making.publish(head)]
    return bytes(making.sealed(built.body))


def older_by_a_stranger(making: ModuleType) -> bytes:
    built = making.authentic()
    line = json.loads(built.tail[1])
    note = line["checkpoint"]
    changed = note[: note.rindex(" ") + 1] + "A" * 92 + "\n"
    return with_tail(making, 1, checkpoint=changed)


def short_line(making: ModuleType) -> bytes:
    note = json.loads(making.authentic().tail[0])["checkpoint"]
    return with_tail(making, 0, checkpoint=note + "— other AAAA\n")


def other_place(making: ModuleType) -> bytes:
    built = making.authentic()
    at = built.part(2, 1)
    built.parts[at] = making.edited(built.parts[at], i=3)
    return bytes(making.sealed(built.body))


def put(n: int, name: str, value: Any) -> Callable[[list[Any]], None]:
    def change(lines: list[Any]) -> None:
        for line in lines[n:]:
            line[name] = value

    return change


MADE: dict[str, Callable[[ModuleType], bytes]] = {
    "admits no list of parties": lambda making: with_part(making, 5, 0, {"admits": {}}),
    "brings a key for the second time": key_again,
    "has a checkpoint of a size of 2^53 or beyond": endless_checkpoint,
    "has a checkpoint that no key of the history signed": older_by_a_stranger,
    "has a checkpoint with an ill-formed signature line": short_line,
    "has a key that is not printable ASCII": lambda making: with_part(making, 5, 0, {"é": 1}),
    "holds an integer of 2^53 or beyond": lambda making: with_part(making, 5, 0, {"fact": 2**53}),
    "is a deed in ill-formed base64": loose_signature,
    "is a deed, but not its entry's last part": deed_in_the_middle,
    "is an entry of another case": lambda making: rebuilt(making, put(5, "log", "ab" * 32)),
    "is longer than a part may be": long_part,
    "is not the entry that is due here": lambda making: rebuilt(making, put(5, "n", 7)),
    "is not the entry that the case began with": lambda making: rebuilt(
        making, put(1, "log", "ab" * 32)
    ),
    "is not the part that is due here": other_place,
}


def sentences() -> set[str]:
    """What every check of the verifier says."""
    found = set()
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "hold":
                said = node.args[1]
                text = said.values[0] if isinstance(said, ast.JoinedStr) else said
                assert isinstance(text, ast.Constant)
                found.add(str(text.value))
    return found


def test_every_check_has_a_twin():
    twins = {*BY_VECTOR, *BY_DEED_VECTOR, *BY_PIN, *MADE}
    assert len({*BY_VECTOR, *BY_PIN, *MADE}) == len(BY_VECTOR) + len(BY_PIN) + len(MADE)
    unnamed = {one for one in sentences() if not any(one.startswith(twin) for twin in twins)}
    assert (unnamed, len(twins)) == (set(), len(sentences()))


def without(sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The verifier, never saying that one sentence."""

    def hold(condition: bool, otherwise: str) -> None:
        if not otherwise.startswith(sentence):
            errors.hold(condition, otherwise)

    for module in (contract1, contract2, keys, proofs, reading, strict):
        monkeypatch.setattr(module, "hold", hold)


@pytest.mark.parametrize("sentence", [*BY_VECTOR, *BY_PIN, *MADE])
def test_without_its_check_the_bundle_passes(
    sentence: str, making: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    bundle = VECTORS / f"{BY_VECTOR.get(sentence, 'authentic')}.jsonl"
    pins = PINS | BY_PIN.get(sentence, {})
    if sentence in MADE:
        bundle = tmp_path / "bundle.jsonl"
        bundle.write_bytes(MADE[sentence](making))
    refused = verify_bundle(bundle, **pins)
    assert (refused.word, refused.what.startswith(sentence)) == ("altered", True), refused.lines()
    without(sentence, monkeypatch)
    passed = verify_bundle(bundle, **pins)
    assert passed.word == "authentic", passed.lines()


@pytest.mark.parametrize("sentence", BY_DEED_VECTOR)
def test_without_its_check_the_forgery_of_contract_2_passes(
    sentence: str, monkeypatch: pytest.MonkeyPatch
):
    bundle = VECTORS / f"contract2/{BY_DEED_VECTOR[sentence]}.jsonl"
    refused = verify_bundle(bundle, **PINS)
    assert (refused.word, refused.what.startswith(sentence)) == ("altered", True), refused.lines()
    without(sentence, monkeypatch)
    passed = verify_bundle(bundle, **PINS)
    assert passed.word == "authentic", passed.lines()
