"""The browser's script of the record's forms says what the ledger says, also of what is hostile."""

import random
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
from playwright.sync_api import Page

from support.ledger_signer import Signer
from support.portal_desk import portal
from support.small_case import Minutes, small_case
from touchstone.ledger import KeyHistory, dumps, fingerprint
from touchstone.ledger.claims import opened_claim
from touchstone.ledger.contract2 import (
    DeedStatement,
    RecordedAnswer,
    SeenHead,
    parse_statement_envelope,
    sign_answer,
)
from touchstone.ledger.entries import commit_part
from touchstone.ledger.merkle import Tree
from touchstone.portal.rendering import static_address

AT = "2026-11-21T10:00:00Z"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("record-script")
    with (
        small_case(folder / "server", Minutes()) as case,
        portal(case) as scene,
        scene.desk() as desk,
    ):
        desk.go("/")
        script = f"{scene.url}{static_address('record.js')}"
        desk.page.evaluate("async (script) => { window.record = await import(script); }", script)
        yield desk.page


PLAIN = ["a", "Z", "~", " ", '"', "\\", "/", "1"]
ODD = [*PLAIN, "\x00", "\x1f", "\x7f", "\u2028", "é", "\ue000", "\U0001f600"]


def values(count: int) -> list[Any]:
    """JSON values with what sorts, escapes and counts in ways of its own."""
    drawn = random.Random(7)

    def text(letters: list[str]) -> str:
        return "".join(drawn.choices(letters, k=drawn.randrange(5)))

    def value(depth: int) -> Any:
        match drawn.randrange(7 if depth else 4):
            case 0:
                return drawn.choice([0, 1, -1, 2**53 - 1, -(2**53 - 1), drawn.randrange(10**6)])
            case 1:
                return drawn.choice([None, True, False])
            case 2 | 3:
                return text(ODD)
            case 4:
                return [value(depth - 1) for _ in range(drawn.randrange(4))]
            case _:
                return {text(PLAIN): value(depth - 1) for _ in range(drawn.randrange(5))}

    return [value(3) for _ in range(count)]


def test_canonical_json_is_the_ledgers(page: Page):
    made = values(1_000)
    assert page.evaluate("made => made.map(record.canonical)", made) == [
        dumps(each).decode() for each in made
    ]


def test_what_has_no_canonical_form_is_refused(page: Page):
    refused = page.evaluate(
        """() => {
          const none = [0.5, -0, 2 ** 53, NaN, Infinity, undefined];
          none.push("\\ud800", ["\\udc00"], { "\\ud800": 1 }, { "é": 1 }, { "\\n": 1 });
          return none.map((each) => {
            try { return record.canonical(each); } catch { return ""; }
          });
        }"""
    )
    assert refused == [""] * 11


def test_a_text_that_is_written_otherwise_is_refused(page: Page):
    texts = ['{"b":2,"a":1}', '{"a": 1}', '{"a":1,"a":1}', "1.0", '"\\u0061"', "1e2", " 1", "-0"]
    read = """texts => texts.map((text) => {
      try { record.parsed(text); return true; } catch { return false; }
    })"""
    assert page.evaluate(read, ['{"a":1,"b":2}', *texts]) == [True, *[False] * len(texts)]


def test_commitments_and_digests_are_the_ledgers(page: Page):
    drawn = random.Random(8)
    parts = [(drawn.randbytes(32), dumps(each)) for each in values(200)]
    found = page.evaluate(
        "parts => Promise.all(parts.map(([salt, text]) => record.commitment(salt, text)))",
        [[salt.hex(), data.decode()] for salt, data in parts],
    )
    assert found == [commit_part(salt, data) for salt, data in parts]


def test_every_proof_that_a_log_only_grew_holds_and_no_other_does(page: Page):
    leaves = [sha256(bytes([n])).digest() for n in range(24)]
    asked = []
    for size in range(25):
        tree = Tree(leaves[:size])
        for old in range(size + 1):
            proof = [node.hex() for node in tree.consistency(old)]
            roots = (tree.root(old).hex(), tree.root(size).hex())
            asked.append((True, [old, size, proof, *roots]))
            if 0 < old < size:
                asked.append((False, [old, size, [*proof, proof[-1]], *roots]))
                asked.append((False, [old, size, proof[:-1], *roots]))
                asked.append((False, [old, size, proof, roots[1], roots[1]]))
                asked.append((False, [old, size, proof, roots[0], roots[0]]))
                asked.append((False, [size, old, proof, roots[1], roots[0]]))
    found = page.evaluate(
        "asked => Promise.all(asked.map((each) => record.extended(...each)))",
        [each for _, each in asked],
    )
    wrong = [each for (holds, each), said in zip(asked, found, strict=True) if holds != said]
    assert wrong == []
    assert len(found) > 1_000


def test_a_deed_that_the_browser_signs_is_one_to_the_ledger(page: Page):
    shown, own = browser_key(page)
    statement = DeedStatement(
        log="ab" * 32,
        key=fingerprint(bytes.fromhex(shown)),
        actor="example-lab",
        deed="finding-responded",
        parts=("cd" * 32,),
        seq=0,
        before=None,
        seen=SeenHead(3, "ef" * 32),
        until=AT,
        touches=("finding:one",),
        on={"finding:one": 2},
        exact=False,
    )
    payload = statement.payload.decode()
    signed = page.evaluate(f"payload => record.envelope(payload, {own})", payload)
    envelope = parse_statement_envelope(signed)
    envelope.verify(bytes.fromhex(shown))
    assert envelope.statement == statement
    assert page.evaluate("payload => record.deedDigest(payload)", payload) == statement.digest
    claimed = page.evaluate(f"() => record.claim('example-lab', {own})")
    assert opened_claim(claimed, "example-lab") == shown


def browser_key(page: Page) -> tuple[str, str]:
    shown = page.evaluate(
        """async () => {
          const made = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
          const shown = record.hex(await crypto.subtle.exportKey("raw", made.publicKey));
          window.own = { own: made.privateKey, shown };
          return shown;
        }"""
    )
    return shown, "window.own"


ANSWERED = """async ([lines, pinned, line]) => {
  try { return await record.answerIn(line, await record.keysFrom(lines, pinned)); }
  catch (error) { return error.message; }
}"""


def test_answers_are_believed_of_the_installations_keys_alone(page: Page):
    signers = [Signer(f"installation {n}") for n in range(3)]
    history = KeyHistory.start(signers[0], AT, "the first key")
    history = history.rotate(signers[0], signers[1].public_key, AT, "rotated")
    pinned = history.lines[0].fingerprint
    lines = [each.line.decode() for each in history.lines]
    answer = RecordedAnswer("ab" * 32, "cd" * 32, 3, 4, "ef" * 32, AT)

    def said(by: Signer, told: list[str] = lines, trusted: str = pinned) -> Any:
        return page.evaluate(ANSWERED, [told, trusted, sign_answer(answer, by).line.decode()])

    for by in signers[:2]:
        assert said(by)["deed"] == answer.deed
    assert said(signers[2]) == "answer"
    assert said(signers[1], lines[:1]) == "answer"
    assert said(signers[1], trusted=history.lines[1].fingerprint) == "another installation"
    assert said(signers[1], [lines[1]]) == "key line"
    assert said(signers[1], []) == "no key"
    forged = KeyHistory.start(signers[2], AT, "the first key").lines[0].line.decode()
    assert said(signers[2], [lines[0], forged]) == "key line"
    altered = lines[1].replace("rotated", "Rotated")
    assert said(signers[1], [lines[0], altered]) == "key line"
    gone = history.rotate(
        signers[1], signers[2].public_key, AT, f"revoked {history.lines[1].fingerprint}: stolen"
    )
    after = [each.line.decode() for each in gone.lines]
    assert said(signers[1], after) == "answer"
    assert said(signers[2], after)["deed"] == answer.deed
