"""Bundles: the vectors, the guards one by one, and every kind of damage."""

import base64
import json
import tracemalloc
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import ANY

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.ledger import (
    AlteredError,
    BundleHeader,
    BundleSummary,
    Entry,
    Erased,
    KeyLine,
    MalformedError,
    OlderCheckpoint,
    Opened,
    PublishedHead,
    Withheld,
    bundles,
    canonical,
    check_bundle,
    deeds,
    keylines,
    notes,
    parse_envelope,
    parts,
    read_bundle,
    signing,
    split_lines,
    verify_cosignature,
    write_bundle,
)

FOLDER = Path(__file__).parents[2] / "vectors" / "ledger"
MANIFEST = json.loads((FOLDER / "manifest.json").read_text())
AUTHENTIC = (FOLDER / "authentic.jsonl").read_bytes()
LINES = AUTHENTIC.splitlines(keepends=True)
# Of the authentic bundle's lines, counted from 0.
KEYS, ENTRIES, PARTS, HEAD = range(1, 3), range(3, 9), range(9, 24), 24


def refused(data: bytes) -> AlteredError:
    with pytest.raises(AlteredError) as raised:
        check_bundle([data])
    return raised.value


def test_the_script_makes_the_vectors_byte_for_byte(make_vectors: ModuleType):
    stored = {path.name: path.read_bytes() for path in FOLDER.glob("*.json*")}
    assert make_vectors.files() == stored


@pytest.mark.parametrize("name", MANIFEST["bundles"])
def test_each_vector_gets_its_verdict_and_its_place(name: str):
    expected = MANIFEST["bundles"][name]
    data = (FOLDER / name).read_bytes()
    if expected["verdict"] == "altered":
        error = refused(data)
        assert error.place.split(",")[0] == f"line {expected['line']}"
        assert "\n" not in str(error)
        return
    summary = check_bundle([data])
    assert summary.unchecked_deeds == expected["unchecked_deeds"]
    issuers = {line.fingerprint for line in summary.keys.lines}
    standing = issuers - summary.keys.revoked.keys()
    assert (MANIFEST["trust"] in standing) == (expected["verdict"] == "authentic")
    assert MANIFEST["stranger"] not in issuers


def test_what_is_read_is_what_is_written_again():
    header, *items = read_bundle([AUTHENTIC])
    assert isinstance(header, BundleHeader)
    assert header.line + b"\n" == LINES[0]
    lines = [item.line + b"\n" for item in items if not isinstance(item, BundleSummary)]
    assert lines == LINES[1 : len(items)]


def test_the_items_come_in_their_order():
    items = list(read_bundle([AUTHENTIC]))
    kinds = [BundleHeader, KeyLine, KeyLine, *[Entry] * 6]
    kinds += [Opened] * 7 + [Withheld] + [Opened] * 4 + [Erased] + [Opened] * 2
    kinds += [PublishedHead, OlderCheckpoint, BundleSummary]
    assert [type(item) for item in items] == kinds
    summary = items[-1]
    assert isinstance(summary, BundleSummary)
    assert (summary.deeds, summary.checkpoint.size) == (5, 9)
    witness = MANIFEST["witness"]
    note = summary.published.checkpoint
    key = bytes.fromhex(witness["key"])
    assert verify_cosignature(note, witness["name"], key) == witness["time"]


@pytest.mark.parametrize("size", [1, 2, 7, 4096, 1 << 20])
def test_the_pieces_in_which_a_bundle_comes_do_not_matter(size: int):
    pieces = [AUTHENTIC[at : at + size] for at in range(0, len(AUTHENTIC), size)]
    assert check_bundle(pieces) == check_bundle([AUTHENTIC])


# ------------------------------------------------------------------ the writer


def written(make_vectors: ModuleType, **changes: Any) -> Iterator[bytes]:
    case = make_vectors.make_case(make_vectors.Build())
    published, older = make_vectors.publish(make_vectors.head_of(case))
    arguments: dict[str, Any] = {
        "audience": "example-lab",
        "at": make_vectors.AT,
        "keys": make_vectors.KEYS,
        "entries": case.entries,
        "parts": case.parts,
        "published": published,
        "older": [older],
    }
    return write_bundle(make_vectors.NEWEST, **arguments | changes)


def test_the_writer_writes_the_authentic_vector(make_vectors: ModuleType):
    assert list(written(make_vectors)) == LINES


def test_the_writer_refuses_what_the_reader_would(make_vectors: ModuleType):
    case = make_vectors.make_case(make_vectors.Build())
    for changes in (
        {"audience": ""},
        {"at": "today"},
        {"entries": case.entries[:-1]},
        {"entries": [*case.entries[:2], *case.entries[3:]]},
        {"parts": case.parts[:-1]},
        {"parts": case.parts[::-1]},
        {"parts": [Opened(0, 0, bytes(32), b"\xff"), *case.parts[1:]]},
        {"parts": [Erased(0, 0, "gone"), *case.parts[1:]]},
        {"parts": [*case.parts, case.parts[-1]]},
        {"keys": make_vectors.KeyHistory(make_vectors.KEYS.lines[:1])},
    ):
        with pytest.raises(AlteredError):
            list(written(make_vectors, **changes))


# ------------------------------------------------------------------ guards and their twins


def nothing(*_: object, **__: object) -> None:
    """A guard that was taken away."""


TWINS: list[tuple[str, object, str, object]] = [
    ("duplicate-key", bundles, "loads", json.loads),
    ("space", bundles, "loads", json.loads),
    ("escaped-letter", bundles, "loads", json.loads),
    ("part-nested-too-deep", canonical, "_check_depth", nothing),
    ("base64-padding-bits", deeds, "b64decode", base64.b64decode),
    ("part-text-changed", bundles, "commit_part", lambda *_: ANY),
    ("part-salt-changed", bundles, "commit_part", lambda *_: ANY),
    (
        "deed-of-another-place",
        bundles,
        "check_deed_place",
        lambda part, *_: parse_envelope(part["envelope"]),
    ),
    (
        "deed-of-another-past",
        bundles,
        "check_deed_place",
        lambda part, *_: parse_envelope(part["envelope"]),
    ),
    ("deed-by-a-replaced-key", parts.PartyKeys, "verify", lambda *_: True),
    ("deed-by-a-party-never-admitted", parts.PartyKeys, "verify", lambda *_: True),
    ("key-history-rotated-by-a-stranger", keylines, "check_signature", nothing),
    ("deed-by-a-key-of-small-order", signing, "has_small_order", nothing),
    ("blind-wrong", bundles, "verify_inclusion", nothing),
    ("inclusion-index-wrong", bundles, "verify_inclusion", nothing),
    ("checkpoint-signature-wrong", notes, "check_signature", nothing),
    ("older-of-another-root", bundles, "verify_consistency", nothing),
    ("consistency-too-long", bundles, "verify_consistency", nothing),
    ("seal-signature-wrong", bundles, "check_signature", nothing),
]


@pytest.mark.parametrize(
    ("name", "where", "guard", "instead"), TWINS, ids=[f"{twin[0]}-{twin[2]}" for twin in TWINS]
)
def test_without_its_guard_the_vector_passes(
    monkeypatch: pytest.MonkeyPatch, name: str, where: object, guard: str, instead: object
):
    data = (FOLDER / f"{name}.jsonl").read_bytes()
    refused(data)
    monkeypatch.setattr(where, guard, instead)
    assert isinstance(check_bundle([data]), BundleSummary)


# ------------------------------------------------------------------ every kind of damage


def test_every_dropped_doubled_swapped_or_truncated_line_is_found():
    for at in range(len(LINES)):
        refused(b"".join(LINES[:at] + LINES[at + 1 :]))
        refused(b"".join(LINES[: at + 1] + LINES[at:]))
        refused(b"".join(LINES[:at]))
        for other in range(at):
            swapped = list(LINES)
            swapped[at], swapped[other] = swapped[other], swapped[at]
            refused(b"".join(swapped))


PLACES = st.integers(0, len(AUTHENTIC) - 1)


@given(PLACES, st.integers(0, 7))
def test_any_flipped_bit_is_found(at: int, bit: int):
    refused(AUTHENTIC[:at] + bytes([AUTHENTIC[at] ^ 1 << bit]) + AUTHENTIC[at + 1 :])


@given(PLACES, st.integers(1, 200))
def test_any_dropped_run_of_bytes_is_found(at: int, length: int):
    refused(AUTHENTIC[:at] + AUTHENTIC[at + length :])


@given(PLACES, st.integers(1, 200))
def test_any_doubled_run_of_bytes_is_found(at: int, length: int):
    refused(AUTHENTIC[: at + length] + AUTHENTIC[at:])


@given(PLACES)
def test_any_truncation_is_found(at: int):
    refused(AUTHENTIC[:at])


@given(PLACES, PLACES)
def test_any_two_swapped_bytes_are_found(first: int, second: int):
    data = bytearray(AUTHENTIC)
    data[first], data[second] = data[second], data[first]
    if data != AUTHENTIC:
        refused(bytes(data))


@given(st.sampled_from([*KEYS, *ENTRIES, *PARTS]), st.data())
def test_not_even_the_installation_can_change_what_was_committed(
    make_vectors: ModuleType, number: int, data: st.DataObject
):
    """The bundle is sealed again after the damage: the entries, proofs and deeds must find it."""
    line = LINES[number][:-1]
    at = data.draw(st.integers(0, len(line) - 1))
    damaged = line[:at] + bytes([line[at] ^ 1 << data.draw(st.integers(0, 7))]) + line[at + 1 :]
    # Why a part is withheld or erased is the installation's to say, and only sealed.
    if b'"label"' in line and b'"text"' not in line:
        at = line.index(b'"label"')
        damaged = damaged[:at] + line[at:]
    body = [one[:-1] for one in LINES[:-1]]
    body[number] = damaged
    if damaged != line:
        refused(make_vectors.sealed(body))


@given(st.permutations(range(len(PARTS))))
def test_parts_in_any_other_order_are_found(make_vectors: ModuleType, order: list[int]):
    body = [one[:-1] for one in LINES[:-1]]
    parts_in_order = body[PARTS.start : PARTS.stop]
    body[PARTS.start : PARTS.stop] = [parts_in_order[at] for at in order]
    if order != sorted(order):
        refused(make_vectors.sealed(body))


# ------------------------------------------------------------------ hostile input


def test_a_line_without_end_takes_no_memory():
    def endless() -> Iterator[bytes]:
        while True:
            yield b"[" * 65536

    tracemalloc.start()
    try:
        with pytest.raises(AlteredError, match=r"line 1: a line of more than 1048576 bytes"):
            check_bundle(endless())
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 1_000_000 + b"\n",
        b"\n",
        b"null\n",
        b"[]\n",
        b"{}\n",
        b"\x00" * 100,
        b'{"line":1}\n',
        b'{"line":{"line":"bundle"}}\n',
        bytes(range(256)) * 10,
    ],
    ids=lambda data: repr(data)[:20],
)
def test_what_is_no_bundle_gets_one_clear_line(data: bytes):
    error = refused(data)
    assert error.place == "line 1"
    assert len(str(error)) < 200


@pytest.mark.parametrize("section", [1, 3, 9, 24, 25, 26])
@pytest.mark.parametrize("value", [b"null", b"[]", b"1", b'"line"', b"{}", b'{"line":[]}'])
def test_no_json_value_in_place_of_a_line_escapes_as_another_error(section: int, value: bytes):
    refused(b"".join([*LINES[:section], value + b"\n", *LINES[section + 1 :]]))


@given(st.sampled_from(range(len(LINES))), st.data())
def test_no_json_value_in_place_of_a_field_escapes_as_another_error(
    number: int, data: st.DataObject
):
    value = json.loads(LINES[number])
    key = data.draw(st.sampled_from(sorted(value)))
    new = data.draw(
        st.sampled_from([None, True, False, -1, 0, 1 << 60, "", "a", [], [None], {}, {"v": 1}])
    )
    if type(value[key]) is type(new) and value[key] == new:
        return
    value[key] = new
    line = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    refused(b"".join([*LINES[:number], line + b"\n", *LINES[number + 1 :]]))


@pytest.mark.parametrize("field", ["text", "salt"])
def test_a_changed_part_is_named_by_its_place(field: str, make_vectors: ModuleType):
    body = [one[:-1] for one in LINES[:-1]]
    line = json.loads(body[12])
    body[12] = make_vectors.edited(
        body[12], **{field: sha256(b"other").hexdigest() if field == "salt" else line[field] + " "}
    )
    error = refused(make_vectors.sealed(body))
    assert str(error) == "line 13, entry 1, part 1: is not what the entry committed to"


@given(st.lists(st.binary(max_size=30)))
def test_lines_are_split_as_python_splits_them(chunks: list[bytes]):
    whole = b"".join(chunks)
    complete: Callable[[], list[bytes]] = lambda: list(split_lines(chunks))  # noqa: E731 - named once
    if whole and not whole.endswith(b"\n"):
        with pytest.raises(MalformedError, match="no line feed"):
            complete()
    else:
        assert complete() == whole.split(b"\n")[:-1]
