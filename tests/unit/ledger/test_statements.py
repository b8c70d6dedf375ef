"""The forms of contract 2: what is refused before anything is compared, and what fits exactly."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.ledger_signer import Signer
from touchstone import ledger
from touchstone.ledger import contract2
from touchstone.ledger.contract2 import (
    CaseKeys,
    DeedStatement,
    KeyJoined,
    RecordedAnswer,
    RefusedAnswer,
    SeenHead,
    SignerAdmitted,
)

KEY = ledger.fingerprint(Signer("lab").public_key)
LOG, OTHER = "ab" * 32, "cd" * 32
PLAIN = DeedStatement(
    LOG, KEY, "example-lab", "review-halted", (OTHER,), 3, OTHER, SeenHead(7, OTHER)
)
RECEIPT = RecordedAnswer(LOG, OTHER, 6, 7, OTHER, "2026-11-21T09:00:00Z")
REFUSAL = RefusedAnswer(LOG, OTHER, "topic-moved", "w" * 500, 7, OTHER, "2026-11-21T09:00:00Z")


def topic(at: int) -> str:
    return f"t{at:02}"


FITS: list[dict[str, Any]] = [
    {"parts": (OTHER,) * 6},
    {"seq": 0, "before": None},
    {"touches": tuple(map(topic, range(16)))},
    {"on": {topic(at): at or None for at in range(32)}},
    {"touches": ("a" * 64, "a" * 64 + ":" + "B" * 128)},
    {"actor": "A" * 128},
    {"until": "2028-02-29T23:59:59Z"},
    {"exact": True},
]
REFUSED: list[dict[str, Any]] = [
    {"parts": ()},
    {"parts": (OTHER,) * 7},
    {"parts": (OTHER.upper(),)},
    {"seq": True},
    {"seq": -1},
    {"seq": 0},
    {"before": None},
    {"before": "x"},
    {"log": "x"},
    {"log": None},
    {"key": KEY.lower()},
    {"actor": "A" * 129},
    {"actor": ""},
    {"actor": "-lab"},
    {"actor": None},
    {"deed": "Review"},
    {"until": "2027-02-29T23:59:59Z"},
    {"exact": 1},
    {"touches": tuple(map(topic, range(17)))},
    {"touches": ("b", "a")},
    {"touches": ("a", "a")},
    {"touches": ("a" * 65,)},
    {"touches": ("a:",)},
    {"touches": ("a:" + "B" * 129,)},
    {"touches": (1,)},
    {"on": {topic(at): None for at in range(33)}},
    {"on": {"a": True}},
    {"on": {"a": "1"}},
    {"on": {"A": 1}},
]


@pytest.mark.parametrize("changes", FITS)
def test_what_fits_comes_back_as_it_was_signed(changes: dict[str, Any]):
    statement = replace(PLAIN, **changes)
    read = contract2.parse_statement(statement.payload)
    assert read == statement
    # Its bytes are carried: those that its fields would be written as, anew.
    assert replace(read).payload == read.payload == statement.payload
    signed = contract2.sign_statement(statement, Signer("lab"))
    again = contract2.parse_statement_envelope(signed.value)
    assert again == signed
    again.verify(Signer("lab").public_key)
    assert len(statement.payload) <= contract2.MAX_STATEMENT


@pytest.mark.parametrize("changes", REFUSED)
def test_what_does_not_fit_is_never_made(changes: dict[str, Any]):
    with pytest.raises(ledger.MalformedError):
        replace(PLAIN, **changes)


def test_the_largest_statement_is_within_its_bound():
    def named(at: int) -> str:
        return f"{topic(at)}{'a' * 61}:{'B' * 128}"

    statement = replace(
        PLAIN,
        parts=(OTHER,) * 6,
        actor="A" * 128,
        deed="d" * 128,
        until="2028-02-29T23:59:59Z",
        touches=tuple(map(named, range(16))),
        seq=2**53 - 1,
        seen=SeenHead(2**53 - 1, OTHER),
        on={named(at): 2**53 - 1 for at in range(32)},
    )
    assert len(statement.payload) < contract2.MAX_STATEMENT
    with pytest.raises(ledger.MalformedError, match="at most 16384"):
        _ = replace(PLAIN, deed="d" * contract2.MAX_STATEMENT).payload
    with pytest.raises(ledger.MalformedError, match="at most 16384"):
        contract2.parse_statement(b'"' + b"x" * contract2.MAX_STATEMENT + b'"')


@pytest.mark.parametrize("version", [1, True, "2", None, 3])
def test_a_statement_of_another_version_is_none(version: Any):
    value = ledger.loads(PLAIN.payload) | {"v": version}
    with pytest.raises(ledger.MalformedError, match="v 2"):
        contract2.parse_statement(ledger.dumps(value))


def test_a_digest_is_of_the_payload_whoever_signs_and_how_often():
    """C14: by payload, for signatures of some kinds differ each time."""
    assert PLAIN.digest == replace(PLAIN).digest
    assert PLAIN.digest != replace(PLAIN, exact=True).digest
    with pytest.raises(ledger.MalformedError, match="by the key that it names"):
        contract2.sign_statement(PLAIN, Signer("another"))
    signed = contract2.sign_statement(PLAIN, Signer("lab"))
    with pytest.raises(ledger.AlteredError, match="another key"):
        signed.verify(Signer("another").public_key)


@pytest.mark.parametrize("count", [0, 1, 64, 65])
def test_a_signer_is_admitted_for_1_to_64_kinds(count: int):
    act = {
        "act": "admitted",
        "alg": "ed25519",
        "key": LOG,
        "label": "a device",
        "kinds": sorted(f"k{at}" for at in range(count)),
    }
    if 1 <= count <= 64:
        parsed = contract2.parse_key_act({"key_act": act})
        assert isinstance(parsed, SignerAdmitted)
        assert len(parsed.kinds) == count
    else:
        with pytest.raises(ledger.MalformedError, match="1 to 64"):
            contract2.parse_key_act({"key_act": act})


FIELDS = st.sampled_from(["act", "key", "next", "last", "party", "role"])
VALUES: st.SearchStrategy[Any] = st.sampled_from(
    ["joined", "removed", "rotated", LOG, KEY, None, 1, []]
)


@given(st.dictionaries(FIELDS, VALUES))
def test_no_act_on_keys_is_half_a_form(act: dict[str, Any]):
    try:
        parsed = contract2.parse_key_act({"key_act": act})
    except ledger.MalformedError:
        return
    assert parsed is not None
    assert act["act"] in {"joined", "removed", "rotated"}


def test_a_party_joins_by_its_own_deed_alone():
    act = KeyJoined("example-agency", "agency", Signer("agency").public_key, KEY)
    with pytest.raises(ledger.AlteredError, match="by its own deed"):
        CaseKeys().after("example-lab", act, KEY, first=True)


@pytest.mark.parametrize("answer", [RECEIPT, REFUSAL, replace(REFUSAL, log=None)])
def test_an_answer_comes_back_as_it_was_signed(answer: contract2.DeedAnswer):
    signed = contract2.sign_answer(answer, Signer("installation"))
    assert contract2.parse_answer(signed.line) == signed
    signed.verify(Signer("installation").public_key)
    with pytest.raises(ledger.AlteredError, match="another key"):
        signed.verify(Signer("another").public_key)


@pytest.mark.parametrize(
    ("answer", "changes"),
    [
        (RECEIPT, {"n": 7}),
        (RECEIPT, {"n": True}),
        (RECEIPT, {"log": None}),
        (RECEIPT, {"at": "2026-11-21"}),
        (REFUSAL, {"why": "w" * 501}),
        (REFUSAL, {"why": ""}),
        (REFUSAL, {"code": "Topic"}),
        (REFUSAL, {"size": -1}),
        (REFUSAL, {"deed": "x"}),
    ],
)
def test_an_answer_of_another_form_is_never_made(
    answer: contract2.DeedAnswer, changes: dict[str, Any]
):
    with pytest.raises(ledger.MalformedError):
        replace(answer, **changes)
