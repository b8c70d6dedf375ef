"""The forms that parts open to."""

from typing import Any

import pytest

from support.ledger_signer import Signer
from touchstone.ledger import AlteredError, Deed, MalformedError, dumps, parse_content, parse_facts
from touchstone.ledger.deeds import sign_deed
from touchstone.ledger.parts import PartyKeys

MARKING: dict[str, Any] = {"scheme": "TLP:2.0", "label": "AMBER", "parties": ["example-lab"]}
FACTS: dict[str, Any] = {
    "type": "clock-paused",
    "schema": 1,
    "actor": "example-centre",
    "at": "2026-11-21T09:00:00Z",
    "marking": MARKING,
}
OPENING = FACTS | {
    "type": "case-opened",
    "agreement": "sha256:" + "a" * 64,
    "installation_key": "b" * 64,
    "nonce": "c" * 64,
}
EVIDENCE: dict[str, Any] = {
    "marking": MARKING,
    "kind": "evidence",
    "digest": "sha256:" + "a" * 64,
    "size": 0,
    "media_type": "text/plain",
    "name": "notes.txt",
}


def admits(*parties: str, key: str = "d" * 64) -> dict[str, Any]:
    return {"admits": [{"party": party, "role": "developer", "key": key} for party in parties]}


def test_facts_are_kept_as_they_were_written():
    facts = FACTS | {"reason": "a holiday", "days": 3, "nested": {"more": [None]}}
    assert parse_facts(dumps(facts), 7) == facts
    assert parse_facts(dumps(OPENING | admits("a", "b")), 0)["nonce"] == "c" * 64


@pytest.mark.parametrize(
    "change",
    [
        {"type": "Clock paused"},
        {"type": "clock--paused"},
        {"type": None},
        {"schema": 0},
        {"schema": True},
        {"schema": "1"},
        {"actor": ""},
        {"actor": ["example-centre"]},
        {"at": "2026-11-21T09:00:00+00:00"},
        {"at": "2026-11-31T09:00:00Z"},
        {"marking": None},
        {"marking": MARKING | {"scheme": ""}},
        {"marking": MARKING | {"label": 1}},
        {"marking": MARKING | {"parties": "example-lab"}},
        {"marking": MARKING | {"parties": [""]}},
        {"marking": MARKING | {"more": 1}},
        {"admits": None},
        {"admits": {}},
        {"admits": [{}]},
        {"admits": ["example-lab"]},
        admits("a", "a"),
        admits("a", key="D" * 64),
        admits(""),
    ],
)
def test_misshapen_facts_are_refused(change: dict[str, Any]):
    with pytest.raises(MalformedError):
        parse_facts(dumps(FACTS | change), 7)


@pytest.mark.parametrize("name", FACTS)
def test_no_fact_that_every_part_0_has_may_be_missing(name: str):
    with pytest.raises(MalformedError, match=f"no field '{name}'"):
        parse_facts(dumps({key: value for key, value in FACTS.items() if key != name}), 7)


@pytest.mark.parametrize(
    "change",
    [{"type": "clock-paused"}, {"agreement": "a" * 64}, {"installation_key": "b"}, {"nonce": 0}],
)
def test_the_first_entry_has_more_facts(change: dict[str, Any]):
    parse_facts(dumps(OPENING), 0)
    parse_facts(dumps(OPENING | change), 1)
    with pytest.raises(MalformedError):
        parse_facts(dumps(OPENING | change), 0)


@pytest.mark.parametrize(
    "part",
    [
        [],
        {"kind": "content", "content": 1},
        {"marking": MARKING, "content": 1},
        {"marking": MARKING, "kind": "content"},
        {"marking": MARKING, "kind": "deed"},
        {"marking": MARKING, "kind": ["content"], "content": 1},
        {"marking": MARKING, "kind": "rumour", "content": 1},
        EVIDENCE | {"size": -1},
        EVIDENCE | {"size": "0"},
        EVIDENCE | {"digest": "a" * 64},
        EVIDENCE | {"media_type": ""},
        EVIDENCE | {"name": None},
    ],
)
def test_a_misshapen_part_is_refused(part: object):
    parse_content(dumps(EVIDENCE | {"more": True}))
    with pytest.raises(MalformedError):
        parse_content(dumps(part))


def test_a_deed_is_checked_with_the_key_that_its_actor_has_then(alice: Signer, bob: Signer):
    keys = PartyKeys()
    signed = sign_deed(Deed(None, 0, "a" * 64, "case-opened", "a", ()), alice)
    with pytest.raises(AlteredError, match="no key was admitted"):
        keys.verify(signed)
    keys.follow(admits("a", key=alice.public_key.hex()))
    assert keys.verify(signed)
    keys.follow(admits("a", key=bob.public_key.hex()))
    with pytest.raises(AlteredError, match="not by its actor's key"):
        keys.verify(signed)


def test_a_deed_whose_key_may_be_withheld_is_not_checked(alice: Signer, bob: Signer):
    keys = PartyKeys()
    keys.follow(admits("a", key=alice.public_key.hex()))
    keys.follow(None)
    deed = Deed(None, 0, "a" * 64, "case-opened", "a", ())
    assert keys.verify(sign_deed(deed, alice))
    assert not keys.verify(sign_deed(deed, bob))
