"""Each guard of a policy bundle: one probe, and a twin that passes once the guard is taken away."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.ledger_signer import Signer
from support.terms_files import NOW, REGISTRY, terms, terms_text
from touchstone.ledger import MalformedError, fingerprint
from touchstone.terms import (
    CallerAttributes,
    Decider,
    Pin,
    PolicyBundleError,
    Position,
    Registry,
    Request,
    TermsFileError,
    accept_bundle,
    build_bundle,
    compile_policy,
    in_force,
    parse_directive,
    position,
)
from touchstone.terms.bundle import policy_bundle

DEVELOPER = Signer("example-lab")
STRANGER = Signer("stranger")
PIN = Pin(DEVELOPER.public_key, "example-model/production")
TERMS = terms({"id": "all", "effect": "permit", "staff": False})
DIRECTIVE = parse_directive(
    """
format = "touchstone/directive/1"
id = "d-7"
title = "No foreign nationals"
reason = "An invented reason"
expires = 2026-12-31T00:00:00Z
[[rules]]
id = "foreign"
effect = "forbid"
nationality = ["foreign"]
dual = "home"
""",
    "d.toml",
    TERMS,
)


def bundle(after: Position | None = None, signer: Signer = DEVELOPER, **changed: Any) -> bytes:
    kept: dict[str, Any] = {
        "stream": PIN.stream,
        "issued": NOW,
        "terms": TERMS,
        "registry": REGISTRY,
    } | changed
    return build_bundle(**kept, signer=signer, after=after)


def refused(data: bytes, current: Position | None = None) -> str:
    with pytest.raises(PolicyBundleError) as caught:
        accept_bundle(data, PIN, current)
    assert "\n" not in str(caught.value)
    return caught.value.reason


FIRST = bundle()
AT_FIRST = position(accept_bundle(FIRST, PIN, None))


def test_a_bundle_comes_back_as_it_went():
    found = accept_bundle(bundle(AT_FIRST, directives=[DIRECTIVE]), PIN, AT_FIRST)
    assert (found.number, found.previous) == (2, AT_FIRST.digest)
    assert found.registry == REGISTRY
    assert found.terms == TERMS.digest
    assert found.grace_seconds == 72 * 3600
    assert [each.id for each in found.directives] == ["d-7"]
    assert found.directives[0].rules == ("d-7/foreign",)
    decider = Decider(found.policy)
    foreign = CallerAttributes(frozenset({"XC"}))
    assert decider.decide(foreign, Request("final", "instant", NOW)).rule == "d-7/foreign"
    later = DIRECTIVE.expires
    assert decider.decide(foreign, Request("final", "instant", later)).allowed


def test_a_large_registry_is_many_lines():
    members = {f"u{number}": "example-bank" for number in range(2500)}
    listed = {"restored": frozenset(f"person:u{n}" for n in range(2500)), "trial": frozenset()}
    registry = replace(REGISTRY, members=members, lists=listed)
    found = accept_bundle(bundle(registry=registry), PIN, None)
    assert found.registry == registry


@given(st.data())
@settings(max_examples=60)
def test_any_changed_byte_is_refused(data: st.DataObject):
    at = data.draw(st.integers(0, len(FIRST) - 1))
    flip = data.draw(st.integers(1, 255))
    changed = FIRST[:at] + bytes([FIRST[at] ^ flip]) + FIRST[at + 1 :]
    assert refused(changed) == "forged"


@pytest.mark.parametrize("cut", [0, 1, 100, len(FIRST) // 2, len(FIRST) - 1])
def test_a_cut_bundle_is_refused(cut: int):
    assert refused(FIRST[:cut]) == "forged"


def test_the_signature_has_one_spelling():
    end = FIRST.rfind(b'"signature":"') + len(b'"signature":"')
    assert refused(FIRST[:end] + FIRST[end:].replace(b"a", b"A", 1)) == "forged"


def test_forged():
    assert refused(bundle(signer=STRANGER)) == "forged"
    relabelled = bundle(signer=STRANGER).replace(
        fingerprint(STRANGER.public_key).encode(), fingerprint(DEVELOPER.public_key).encode()
    )
    assert refused(relabelled) == "forged"


def test_forged_without_the_guard(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(policy_bundle, "_check_signed", lambda *_: None)
    relabelled = bundle(signer=STRANGER).replace(
        fingerprint(STRANGER.public_key).encode(), fingerprint(DEVELOPER.public_key).encode()
    )
    assert accept_bundle(relabelled, PIN, None).number == 1


def test_foreign():
    assert refused(bundle(stream="another-model/production")) == "foreign"


def test_foreign_without_the_guard(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(policy_bundle, "_check_stream", lambda *_: None)
    assert accept_bundle(bundle(stream="another-model/production"), PIN, None).number == 1


def test_replayed():
    assert refused(FIRST, AT_FIRST) == "replayed"
    assert refused(FIRST, Position(7, "sha256:" + "0" * 64)) == "replayed"


def test_replayed_without_the_guard(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(policy_bundle, "_check_new", lambda *_: None)
    monkeypatch.setattr(policy_bundle, "_check_next", lambda *_: None)
    assert accept_bundle(FIRST, PIN, Position(7, "sha256:" + "0" * 64)).number == 1


def test_out_of_order():
    third = bundle(Position(2, "sha256:" + "1" * 64))
    assert refused(third, AT_FIRST) == "out-of-order"


def test_a_second_history_is_out_of_order():
    """The number fits, and the bundle before it is not the one in force."""
    assert refused(bundle(Position(1, "sha256:" + "1" * 64)), AT_FIRST) == "out-of-order"


def test_out_of_order_without_the_guard(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(policy_bundle, "_check_next", lambda *_: None)
    third = bundle(Position(2, "sha256:" + "1" * 64))
    assert accept_bundle(third, PIN, AT_FIRST).number == 3


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"number":1', b'"number":0'),
        (b'"number":1', b'"number":true'),
        (b'"previous":null', b'"previous":"sha256:00"'),
        (b'"format":"touchstone/policy-bundle/1"', b'"format":"touchstone/policy-bundle/2"'),
        (b'{"organisation":', b'{"organization":'),
        (b'"tier":"government"', b'"tier":"king"'),
        (b'"effect":"permit"', b'"effect":"allow"'),
        (b"entity Person;", b"entity Nobody;"),
        (b'"grace_hours":72', b'"grace_hours":-1'),
    ],
)
def test_a_signed_bundle_that_cannot_be_read_is_malformed(old: bytes, new: bytes):
    body = FIRST[: FIRST.rfind(b"\n", 0, -1) + 1]
    assert old in body
    with pytest.raises(MalformedError):
        policy_bundle.parse_body(body.replace(old, new, 1))


def test_nobody_is_a_member_twice():
    assert isinstance(REGISTRY, Registry)
    body = FIRST[: FIRST.rfind(b"\n", 0, -1) + 1]
    line = b'{"members":{"organisation":"example-yard","people":["bo"]}}\n'
    with pytest.raises(MalformedError, match="two organisations"):
        policy_bundle.parse_body(body + line)


def test_two_directives_of_one_id_are_refused():
    with pytest.raises(TermsFileError, match='the id "d-7"'):
        bundle(directives=[DIRECTIVE, DIRECTIVE])


def test_two_rules_of_one_id_are_refused():
    made = compile_policy(in_force(TERMS))
    with pytest.raises(MalformedError, match="same id"):
        replace(made, rules=made.rules * 2)


def test_terms_of_the_bundle_are_pinned_by_digest():
    other = terms({"id": "all", "effect": "permit", "staff": False}, grace_hours=73)
    assert other.digest != TERMS.digest
    assert "grace_hours = 73" in terms_text(grace_hours=73)


def test_the_format_is_as_it_was():
    """A golden file: a change of the form, the Cedar text or the digests is a new format."""
    path = Path(__file__).parents[2] / "vectors" / "terms" / "bundle.jsonl"
    assert bundle(AT_FIRST, directives=[DIRECTIVE]) == path.read_bytes()


def test_one_that_is_cut_off_or_too_long_is_said_to_be(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(PolicyBundleError, match="cut off or too long"):
        accept_bundle(FIRST[:-1], PIN, None)
    monkeypatch.setattr(policy_bundle, "MAX_BYTES", len(FIRST))
    accept_bundle(FIRST, PIN, None)
    monkeypatch.setattr(policy_bundle, "MAX_BYTES", len(FIRST) - 1)
    with pytest.raises(PolicyBundleError, match="cut off or too long"):
        accept_bundle(FIRST, PIN, None)


def test_no_organisation_is_there_twice():
    body = FIRST[: FIRST.rfind(b"\n", 0, -1) + 1]
    line = next(each for each in body.split(b"\n") if each.startswith(b'{"organisation"'))
    with pytest.raises(MalformedError, match="organisation is in the policy bundle twice"):
        policy_bundle.parse_body(body + line + b"\n")
