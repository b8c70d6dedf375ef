"""Entries, commitments and whole logs."""

import json
import re
from collections.abc import Callable
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.ledger import (
    MAX_INTEGER,
    MAX_LINE,
    MAX_PART,
    MAX_PARTS,
    AlteredError,
    CaseHead,
    Entry,
    MalformedError,
    Opened,
    Tree,
    blind_head,
    commit_part,
    dumps,
    leaf_hash,
    loads,
    parse_entry,
    parse_head,
    verify_lines,
)

HASHES = st.binary(min_size=32, max_size=32).map(bytes.hex)
PARTS = st.lists(HASHES, min_size=1, max_size=5).map(tuple)
ENTRIES = st.builds(Entry, HASHES, st.integers(1, MAX_INTEGER), PARTS) | st.builds(
    Entry, st.none(), st.just(0), PARTS
)


def log_of(size: int, name: str = "log") -> list[bytes]:
    lines: list[bytes] = []
    for n in range(size):
        log = leaf_hash(lines[0]).hex() if lines else None
        lines.append(Entry(log, n, (sha256(f"{name} {n}".encode()).hexdigest(),)).line)
    return lines


def read_slowly(line: bytes) -> Entry:
    """The format's words, without a regular expression for the whole."""
    value = loads(line)
    if not isinstance(value, dict) or value.keys() != {"log", "n", "parts", "v"}:
        raise MalformedError("fields")
    if type(value["v"]) is not int or value["v"] != 1 or not isinstance(value["parts"], list):
        raise MalformedError("v or parts")
    for text in [*value["parts"], *([value["log"]] if value["log"] is not None else [])]:
        if not isinstance(text, str) or not re.fullmatch("[0-9a-f]{64}", text):
            raise MalformedError("hex")
    return Entry(value["log"], value["n"], tuple(value["parts"]))


@given(ENTRIES)
def test_an_entry_reads_back_and_is_canonical(entry: Entry):
    assert parse_entry(entry.line) == entry == read_slowly(entry.line)
    assert entry.leaf == sha256(b"\x00" + entry.line).digest()


@given(ENTRIES, st.data())
def test_the_expression_accepts_what_the_strict_parser_accepts(entry: Entry, data: st.DataObject):
    line = bytearray(entry.line)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(line) - 1))
        line[at : at + data.draw(st.integers(0, 2))] = data.draw(
            st.sampled_from([b"", b"0", b"9", b"a", b"A", b",", b'"', b"-", b"null", b" ", b"\n"])
        )
    answers: list[Entry | None] = []
    for read in (parse_entry, read_slowly):
        try:
            answers.append(read(bytes(line)))
        except MalformedError:
            answers.append(None)
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    "arguments",
    [
        (None, 1, ("a" * 64,)),
        ("a" * 64, 0, ("a" * 64,)),
        ("A" * 64, 1, ("a" * 64,)),
        ("a" * 64, 1, ()),
        ("a" * 64, 1, ("a" * 64,) * (MAX_PARTS + 1)),
        ("a" * 64, 1, ("a" * 63,)),
        (None, -1, ("a" * 64,)),
        (None, False, ("a" * 64,)),
    ],
)
def test_what_is_no_entry_cannot_be_made(arguments: tuple[str | None, int, tuple[str, ...]]):
    with pytest.raises(MalformedError):
        Entry(*arguments)


def test_an_entry_holds_64_parts_and_no_more():
    entry = Entry("a" * 64, MAX_INTEGER, ("b" * 64,) * MAX_PARTS)
    assert parse_entry(entry.line) == entry
    one_more = entry.line.replace(b"]", b',"' + b"b" * 64 + b'"]')
    with pytest.raises(MalformedError, match="1 to 64"):
        parse_entry(one_more)
    with pytest.raises(MalformedError, match="2\\^53"):
        parse_entry(entry.line.replace(b"%d" % MAX_INTEGER, b"9007199254740992"))


def test_a_commitment_is_the_hash_that_the_format_says():
    salt = bytes(range(32))
    expected = sha256(b"touchstone/part/1\x00" + salt + b'{"a":1}').hexdigest()
    assert commit_part(salt, b'{"a":1}') == expected
    with pytest.raises(MalformedError, match="salt"):
        commit_part(salt[1:], b"")
    with pytest.raises(MalformedError, match="evidence"):
        commit_part(salt, bytes(MAX_PART + 1))


@pytest.mark.parametrize("filler", ['"', "\\", "\n", "a", "\x01"])
def test_the_largest_part_fits_a_bundle_line_however_it_is_escaped(filler: str):
    each = len(json.dumps(filler)) - 2
    data = dumps(filler * ((MAX_PART - 2) // each))
    part = Opened(MAX_INTEGER, MAX_PARTS - 1, bytes(32), data)
    commit_part(part.salt, part.data)
    assert MAX_LINE // 3 < len(part.line) <= MAX_LINE


def test_a_head_and_its_blinding_are_the_hashes_that_the_format_says():
    head = CaseHead("a" * 64, 3, "b" * 64, "c" * 64)
    line = f'{{"keyset":"{"c" * 64}","log":"{"a" * 64}","root":"{"b" * 64}","size":3,"v":1}}'
    assert head.line == line.encode()
    assert parse_head(loads(head.line)) == head
    blind = bytes(range(32))
    assert blind_head(blind, head) == sha256(b"touchstone/head/1\x00" + blind + head.line).digest()
    with pytest.raises(MalformedError, match="blind"):
        blind_head(b"", head)
    for change in ({"v": 2}, {"v": True}, {"size": 0}, {"size": "3"}, {"log": None}, {"more": 1}):
        with pytest.raises(MalformedError):
            parse_head(head.value | change)


@pytest.mark.parametrize("size", [1, 2, 3, 64, 65, 300])
def test_a_whole_log_is_verified(size: int):
    lines = log_of(size)
    state = verify_lines(iter(lines))
    assert state.log == leaf_hash(lines[0]).hex()
    assert (state.size, state.root) == (size, Tree(map(leaf_hash, lines)).root())


@pytest.mark.parametrize(
    ("damage", "place", "what"),
    [
        (lambda lines: [*lines[:2], *lines[3:]], "entry 2", "says n 3"),
        (lambda lines: [*lines[:3], *lines[2:]], "entry 3", "says n 2"),
        (lambda lines: [lines[1], lines[0]], "entry 0", "says n 1"),
        (lambda lines: [*lines[:3], log_of(5, "other")[3]], "entry 3", "belongs to log"),
        (lambda lines: [*lines[:3], lines[3] + b"\n"], "entry 3", "not canonical"),
        (lambda lines: [*lines[:3], lines[3].replace(b'"v":1', b'"v":2')], "entry 3", "not an"),
        (lambda lines: [*lines[:3], b"{"], "entry 3", "not JSON"),
        (lambda _: [b"[" * 1_000_000], "entry 0", "nested"),
    ],
)
def test_a_damaged_log_is_refused_at_its_place(
    damage: Callable[[list[bytes]], list[bytes]], place: str, what: str
):
    with pytest.raises(AlteredError) as raised:
        verify_lines(damage(log_of(5)))
    assert raised.value.place == place
    assert what in raised.value.what


def test_a_log_without_entries_is_refused():
    with pytest.raises(MalformedError, match="without entries"):
        verify_lines([])


@given(st.integers(0, 4), st.data())
def test_any_flipped_bit_of_a_log_changes_the_answer(n: int, data: st.DataObject):
    lines = log_of(5)
    before = verify_lines(lines)
    at = data.draw(st.integers(0, len(lines[n]) - 1))
    bit = 1 << data.draw(st.integers(0, 7))
    lines[n] = lines[n][:at] + bytes([lines[n][at] ^ bit]) + lines[n][at + 1 :]
    try:
        after = verify_lines(lines)
    except AlteredError:
        return
    assert (after.root, after.size) != (before.root, before.size)
