"""The key history and its rotations."""

from dataclasses import replace
from hashlib import sha256

import pytest

from support.ledger_signer import Signer
from touchstone.ledger import (
    AlteredError,
    KeyHistory,
    MalformedError,
    dumps,
    loads,
    parse_key_line,
)

AT = "2026-11-21T09:00:00Z"


@pytest.fixture
def history(alice: Signer, bob: Signer) -> KeyHistory:
    return KeyHistory.start(alice, AT, "installed").rotate(alice, bob.public_key, AT, "rotated")


def test_a_line_is_signed_as_the_format_says(history: KeyHistory, alice: Signer, bob: Signer):
    value = loads(history.lines[1].line)
    signature = value.pop("signature")
    assert value == {
        "line": "key",
        "v": 1,
        "seq": 1,
        "public_key": bob.public_key.hex(),
        "previous": sha256(history.lines[0].line).hexdigest(),
        "at": AT,
        "reason": "rotated",
    }
    assert signature == alice.sign(b"touchstone/key/1\x00" + dumps(value)).hex()


def test_a_history_reads_back(history: KeyHistory, alice: Signer, bob: Signer):
    assert KeyHistory.parse(line.line for line in history.lines) == history
    assert (history.current, history.public_keys[0]) == (bob.public_key, alice.public_key)
    both = b"".join(line.line + b"\n" for line in history.lines)
    assert history.keyset == sha256(both).hexdigest()
    assert history.keysets[0] == sha256(history.lines[0].line + b"\n").hexdigest()
    assert history.origin == "touchstone/" + sha256(alice.public_key).hexdigest()[:16]


def test_only_the_current_key_rotates(history: KeyHistory, alice: Signer, bob: Signer):
    new = Signer("carol").public_key
    with pytest.raises(AlteredError, match="key line 2: the signature"):
        history.rotate(alice, new, AT, "again")
    assert history.rotate(bob, new, AT, "again").current == new


def test_no_key_comes_back(history: KeyHistory, alice: Signer, bob: Signer):
    with pytest.raises(AlteredError, match="had before"):
        history.rotate(bob, alice.public_key, AT, "back")


def test_a_line_that_its_signer_numbered_wrongly_is_refused(history: KeyHistory, alice: Signer):
    first, second = history.lines
    numbered = replace(second, seq=2)
    signed = replace(numbered, signature=alice.sign(numbered.message).hex())
    with pytest.raises(AlteredError, match="key line 1: says seq 2"):
        KeyHistory((first, signed))


def test_lines_are_bound_to_each_other(history: KeyHistory):
    first, second = history.lines
    for lines in (
        (second,),
        (first, first),
        (second, first),
        (first, replace(second, seq=2)),
        (first, replace(second, previous="0" * 64)),
        (first, replace(second, reason="other")),
        (replace(first, at="2026-11-21T09:00:01Z"), second),
    ):
        with pytest.raises(AlteredError):
            KeyHistory(lines)
    with pytest.raises(MalformedError):
        KeyHistory(())


@pytest.mark.parametrize(
    "change",
    [
        {"line": "keys"},
        {"v": 2},
        {"v": True},
        {"seq": -1},
        {"seq": "0"},
        {"public_key": "A" * 64},
        {"previous": "x"},
        {"at": "2026-11-21"},
        {"at": "2026-13-01T00:00:00Z"},
        {"at": "2026-11-21T24:00:00Z"},
        {"at": "2026-11-21T23:59:60Z"},
        {"reason": ""},
        {"reason": 3},
        {"signature": "0" * 127},
        {"more": 1},
    ],
)
def test_a_misshapen_line_is_refused(history: KeyHistory, change: dict[str, object]):
    with pytest.raises(MalformedError):
        parse_key_line(dumps(loads(history.lines[0].line) | change))


def test_a_line_that_nobody_could_read_is_not_signed(alice: Signer):
    with pytest.raises(MalformedError):
        KeyHistory.start(alice, "today", "installed")
    with pytest.raises(MalformedError):
        KeyHistory.start(alice, AT, "")
