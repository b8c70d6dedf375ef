"""Canonical JSON: what rfc8785 writes is what we write, and nothing else is read."""

import base64
import json
import string

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from touchstone.ledger import MAX_DEPTH, MAX_INTEGER, MAX_LINE, MalformedError, canonical
from touchstone.ledger.canonical import b64decode, b64encode, dumps, loads

KEYS = st.text(string.printable[:95], max_size=6)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


def nested(depth: int) -> list[object]:
    value: list[object] = []
    for _ in range(depth - 1):
        value = [value]
    return value


@given(VALUES)
def test_we_write_what_rfc8785_writes_and_read_it_back(value: object):
    line = dumps(value)
    assert line == rfc8785.dumps(value)  # type: ignore[arg-type]
    assert loads(line) == value


@given(VALUES, st.data())
def test_no_other_spelling_of_a_value_is_read(value: object, data: st.DataObject):
    line = dumps(value)
    at = data.draw(st.integers(0, len(line)))
    other = line[:at] + data.draw(st.sampled_from([b" ", b"\n", b"\t", b"\r"])) + line[at:]
    try:
        read = loads(other)
    except MalformedError:
        return
    # A blank within a text makes it another text.
    assert read != value
    assert dumps(read) == other


@given(st.binary(max_size=40))
def test_bytes_either_are_canonical_or_are_refused(line: bytes):
    try:
        value = loads(line)
    except MalformedError:
        return
    assert dumps(value) == line


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"a":1,"a":1}', "twice"),
        (b'{"a":1,"b":2,"a":1}', "twice"),
        (b"NaN", "not an integer"),
        (b"[-Infinity]", "not an integer"),
        (b"1.0", "not an integer"),
        (b"1e400", "not an integer"),
        (b"9007199254740992", "2^53"),
        (b"-9007199254740992", "2^53"),
        (b"1" * 1_000_000, "2^53"),
        (b"-0", "not canonical"),
        (b"01", "not JSON"),
        (b"+1", "not JSON"),
        (b'"\\ud800"', "lone surrogate"),
        (b'"\\ud83d\\ude00"', "not canonical"),
        (b'"\\u0041"', "not canonical"),
        (b'"\\/"', "not canonical"),
        (b'"\\u000A"', "not canonical"),
        (b'"\n"', "not JSON"),
        (b'{"b":1,"a":2}', "not canonical"),
        (b'{"a": 1}', "not canonical"),
        (b" 1", "not canonical"),
        (b"1 ", "not canonical"),
        (b"1\r", "not canonical"),
        (b"1 2", "not JSON"),
        (b"", "not JSON"),
        (b"\xef\xbb\xbf1", "not JSON"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b'"\xc0\xaf"', "not UTF-8"),
        (b"'a'", "not JSON"),
        (b'{"\xc3\xa9":1}', "printable ASCII"),
        (b'{"\\u0001":1}', "printable ASCII"),
        (b'{"\x7f":1}', "printable ASCII"),
        (b"[" * 1_000_000, "nested"),
        (b'{"a":' * 200_000, "nested"),
        (b"[" * 500_000 + b"]" * 500_000, "nested"),
        (b'"' + b"a" * MAX_LINE + b'"', "bytes"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_what_is_not_canonical_is_refused(line: bytes, why: str):
    with pytest.raises(MalformedError) as raised:
        loads(line)
    assert why in str(raised.value)
    assert len(str(raised.value)) < 120
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        b"bytes",
        {1: "a"},
        {"é": 1},
        {"\x7f": 1},
        {"\n": 1},
        {None: 1},
        {"a": {1, 2}},
        [NotImplemented],
        1 << 53,
        -(1 << 53),
        "\ud800",
        type("Id", (str,), {})("a"),
        nested(17),
        "a" * MAX_LINE,
    ],
    ids=lambda value: ascii(value)[:24],
)
def test_what_has_no_canonical_form_is_not_written(value: object):
    with pytest.raises(MalformedError):
        dumps(value)


def test_the_limits_themselves_are_allowed():
    assert loads(dumps(nested(MAX_DEPTH))) == nested(MAX_DEPTH)
    longest = "a" * (MAX_LINE - 2)
    assert loads(dumps(longest)) == longest
    assert loads(dumps([MAX_INTEGER, -MAX_INTEGER])) == [MAX_INTEGER, -MAX_INTEGER]


def test_depth_counts_no_brackets_inside_strings():
    for value in (["[" * 100], ['"[' * 100], ["\\" * 3 + '"' + "[{" * 50], {"{" * 50: '\\"['}):
        assert loads(dumps(value)) == value


def test_tuples_are_written_as_lists():
    assert dumps({"a": (1, (2,))}) == b'{"a":[1,[2]]}'


def test_without_the_depth_guard_the_parser_runs_out_of_stack(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(canonical, "_check_depth", lambda _line: None)
    with pytest.raises(RecursionError):
        loads(b"[" * 1_000_000)


def test_without_its_guards_json_reads_what_we_refuse():
    assert json.loads(b'{"a":1,"a":2}') == {"a": 2}
    assert json.loads(b"1e400") == float("inf")


@given(st.binary(max_size=80))
def test_base64_reads_back(data: bytes):
    assert b64decode(b64encode(data)) == data


@pytest.mark.parametrize(
    "text", ["QQ", "QQ=", "QR==", "QQ==\n", " QQ==", "QQ==QQ==", "Q-==", "QUJ=", "é", "===="]
)
def test_base64_has_one_spelling(text: str):
    with pytest.raises(MalformedError):
        b64decode(text)


def test_a_lenient_decoder_would_not_see_flipped_padding_bits():
    assert base64.b64decode("QR==", validate=True) == base64.b64decode("QQ==", validate=True)
