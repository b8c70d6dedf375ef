"""What is no bundle is bad input, never "altered"; what was one stays one. The head's age."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from touchstone.verifier import VerifierInputError, verify_bundle

Made = Callable[[bytes], bytes]
HISTORY = b'{"at":"2026-11-21T10:00:00Z","line":"key","v":1}\n'
NONE: dict[str, Made] = {
    "empty": lambda _b: b"",
    "a line feed": lambda _b: b"\n",
    "a JPEG": lambda _b: b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(256)) * 40,
    "JSON of another kind": lambda _b: b'{"name": "x", "version": 1}\n',
    "lines of JSON": lambda _b: b'{"line":"part"}\n' * 100,
    "a list": lambda _b: b"[1, 2]\n",
    "text": lambda _b: b"Dear all,\nattached is the bundle.\n",
    "a page": lambda _b: b"<!doctype html>\n<title>Report</title>\n",
    "a certificate": lambda _b: b'{"at":"x","certificate":"touchstone/destruction/1"}\n',
    "a key history": lambda _b: HISTORY * 3,
    "a truncated first line": lambda b: b[:100],
    "a first line without its end": lambda b: b[: b.index(b"\n")],
    "packed": lambda b: gzip.compress(b, mtime=0),
    "UTF-16": lambda b: b.decode().encode("utf-16"),
    "a sparse file": lambda _b: bytes(3 << 20),
}
ALTERED: dict[str, Made] = {
    "cut after its first line": lambda b: b[: b.index(b"\n") + 1],
    "without its first line": lambda b: b[b.index(b"\n") + 1 :],
    "another first line": lambda b: b"{}" + b[b.index(b"\n") :],
    "a line before it": lambda b: b"see below\n" + b,
    "a byte order mark": lambda b: b"\xef\xbb\xbf" + b,
    "carriage returns": lambda b: b.replace(b"\n", b"\r\n"),
    "carriage returns alone": lambda b: b.replace(b"\n", b"\r"),
    "another version": lambda b: b.replace(b"bundle/1", b"bundle/7", 1),
    "doubled": lambda b: b + b,
}


@pytest.mark.parametrize("name", NONE)
def test_no_bundle_is_bad_input(name: str, authentic: Path, tmp_path: Path):
    path = tmp_path / "given"
    path.write_bytes(NONE[name](authentic.read_bytes()))
    with pytest.raises(VerifierInputError, match="is no bundle") as caught:
        verify_bundle(path)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ALTERED)
def test_what_was_a_bundle_is_altered(name: str, authentic: Path, tmp_path: Path):
    path = tmp_path / "given"
    path.write_bytes(ALTERED[name](authentic.read_bytes()))
    assert verify_bundle(path).word == "altered"


def test_every_flip_of_a_bit_in_the_first_line_is_altered(authentic: Path, tmp_path: Path):
    whole, path = authentic.read_bytes(), tmp_path / "given"
    for at in range(whole.index(b"\n") + 1):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << at % 8
        path.write_bytes(flipped)
        assert verify_bundle(path).word == "altered", at


@pytest.mark.parametrize(
    ("later", "words"),
    [
        (timedelta(seconds=0), ", 0 seconds ago"),
        (timedelta(seconds=1), ", 1 second ago"),
        (timedelta(seconds=119), "119 seconds ago"),
        (timedelta(minutes=119), "119 minutes ago"),
        (timedelta(hours=47), "47 hours ago"),
        (timedelta(days=400), "400 days ago"),
        (timedelta(hours=-3), "3 hours ahead of this clock"),
    ],
)
def test_it_says_how_old_the_head_is(authentic: Path, later: timedelta, words: str):
    at = json.loads(authentic.read_bytes().partition(b"\n")[0])["at"]
    made = datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    verdict = verify_bundle(authentic, now=made + later)
    assert verdict.as_dict()["head_at"] == at
    assert verdict.as_dict()["head_age_seconds"] == later.total_seconds()
    assert any(line.endswith(words) and "newest head as of" in line for line in verdict.lines())


def test_without_a_clock_no_age_is_said(authentic: Path):
    verdict = verify_bundle(authentic)
    assert verdict.head_age_seconds is None
    assert not any(" ago" in line for line in verdict.lines())
