"""Transcripts are read from Inspect's logs within bounds, whoever wrote them."""

import io
import json
import struct
import zipfile
from typing import Any

import pytest
import zstandard

from support.eval_logs import eval_log, sample
from touchstone.evaluation import transcript_log
from touchstone.evaluation.errors import TooLargeError, TranscriptError
from touchstone.evaluation.transcript_log import (
    MOST_OF_LOG,
    MOST_OF_SAMPLE,
    PageAsked,
    TranscriptLog,
    check_asked,
    read_page,
)
from touchstone.service.measurement.chunk_logs import LARGEST_LOG

LONG = "long " * 400


def opened(data: bytes) -> TranscriptLog:
    return TranscriptLog(io.BytesIO(data))


def page(found: dict[str, Any], asked: PageAsked | None = None) -> list[tuple[Any, ...]]:
    shown = read_page(found, asked or PageAsked())
    return [(each.message, each.role, each.kind, each.text, each.left_out) for each in shown.said]


def test_each_log_that_is_kept_may_be_opened():
    assert MOST_OF_LOG == LARGEST_LOG


def test_what_is_packed_with_zstandard_is_read():
    """As newer versions of Inspect pack it, in one frame or in several."""
    data = json.dumps(sample("a", "b")).encode()
    packed = b"".join(zstandard.compress(data[at : at + 40]) for at in range(0, len(data), 40))
    assert page(opened(_zstandard(packed, len(data))).sample(0, 1)) == [
        (0, "user", "text", "a", 0),
        (1, "assistant", "text", "b", 0),
    ]


def _zstandard(packed: bytes, size: int) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as log:
        log.writestr("samples/0_epoch_1.json", packed)
    data = bytearray(made.getvalue())
    local, central = 0, data.index(b"PK\x01\x02")
    struct.pack_into("<H", data, local + 8, 93)
    struct.pack_into("<L", data, local + 22, size)
    struct.pack_into("<H", data, central + 10, 93)
    struct.pack_into("<L", data, central + 24, size)
    return bytes(data)


def test_what_is_long_is_given_in_pieces_and_said_to_be_cut():
    found = sample(*(f"{n} {LONG}" for n in range(5)))
    shown = read_page(found, PageAsked(start=1, most=2, text=10))
    assert [(each.message, each.text, each.left_out) for each in shown.said] == [
        (n, f"{n} long lon", len(LONG) - 8) for n in (1, 2)
    ]
    assert (shown.messages, shown.next) == (5, 3)
    assert read_page(found, PageAsked(start=3)).next is None
    # Beyond its end there is nothing, and nothing follows.
    assert read_page(found, PageAsked(start=9)) == read_page(found, PageAsked(start=5))


def test_a_page_has_an_end_whatever_is_asked_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(transcript_log, "MOST_OF_PAGE", 3 * len(LONG))
    shown = read_page(sample(*[LONG] * 9), PageAsked(text=100_000))
    assert (shown.next, len(shown.said)) == (4, 4)


@pytest.mark.parametrize("asked", [(-1, 1, 1), (0, 0, 1), (0, 201, 1), (0, 1, 0), (0, 1, 100_001)])
def test_no_more_is_asked_for_than_is_given(asked: tuple[int, int, int]):
    with pytest.raises(TranscriptError, match=r"--(start|most)"):
        check_asked(PageAsked(*asked))
    with pytest.raises(TranscriptError):
        read_page({}, PageAsked(*asked))


@pytest.mark.parametrize("packed", ["deflate", "zstandard"])
@pytest.mark.parametrize("honest", [True, False])
def test_what_is_too_large_is_not_looked_at(packed: str, *, honest: bool):
    """Also where it says that it is small: a bomb is opened no further than its bound."""
    size = 30 * MOST_OF_SAMPLE if honest else 10
    if packed == "zstandard":
        data = _zstandard(zstandard.compress(b"[" * (MOST_OF_SAMPLE + 1)), size)
    else:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as log:
            log.writestr("samples/0_epoch_1.json", b"[" * (MOST_OF_SAMPLE + 1))
        held = bytearray(made.getvalue())
        struct.pack_into("<L", held, held.index(b"PK\x01\x02") + 24, size)
        data = bytes(held)
    with pytest.raises(TranscriptError) as refused:
        opened(data).sample(0, 1)
    # A member that is longer than its directory says is cut there, and is then no JSON.
    cut = packed == "deflate" and not honest
    assert isinstance(refused.value, TooLargeError) is not cut


@pytest.mark.parametrize(
    "data",
    [b"", b"PK", b"not a log", eval_log({0: sample("a")})[:-30], b"PK\x05\x06" + b"\xff" * 18],
    ids=["empty", "short", "text", "cut", "end-alone"],
)
def test_what_is_no_log_is_refused_in_one_line(data: bytes):
    with pytest.raises(TranscriptError, match="not one that Inspect wrote"):
        opened(data)


@pytest.mark.parametrize("value", [b"[[]]", b"{}", b"[{}]"])
def test_what_would_be_too_large_once_it_is_parsed_is_not(
    monkeypatch: pytest.MonkeyPatch, value: bytes
):
    """Sixteen million bytes of empty lists in one another take 570 MiB."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as log:
        log.writestr("samples/0_epoch_1.json", b'{"messages":[' + b",".join([value] * 60) + b"]}")
    log_there = opened(made.getvalue())
    assert len(log_there.sample(0, 1)["messages"]) == 60
    monkeypatch.setattr(transcript_log, "MOST_VALUES", 50)
    with pytest.raises(TooLargeError, match="not looked at"):
        log_there.sample(0, 1)


def test_a_directory_of_a_million_files_is_not_read(monkeypatch: pytest.MonkeyPatch):
    data = eval_log({n: sample("a") for n in range(20)})
    monkeypatch.setattr(transcript_log, "_MOST_OF_DIRECTORY", 500)
    with pytest.raises(TranscriptError, match="not one that Inspect wrote"):
        opened(data)


@pytest.mark.parametrize(
    "body", ["", "[]", "3", "[" * 100_000, '{"messages": NaN', "\udc80"], ids=repr
)
def test_what_is_no_sample_is_refused_in_one_line(body: str):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as log:
        log.writestr("samples/0_epoch_1.json", body.encode("utf-8", "surrogateescape"))
    with pytest.raises(TranscriptError) as refused:
        opened(made.getvalue()).sample(0, 1)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "messages",
    [
        None,
        3,
        "text",
        [None, 3, "x", []],
        [{"role": 3, "content": 4}],
        [{"content": [None, 3, {"type": 3}, {"type": "text", "text": ["x"]}]}],
        [{"role": "assistant", "tool_calls": [3, {"function": None, "arguments": 3}]}],
        [{"role": "tool", "content": "", "error": {"message": None}}],
    ],
)
def test_what_has_not_its_form_is_passed_over(messages: object):
    shown = read_page({"messages": messages, "scores": [3], "limit": 3, "error": "x"}, PageAsked())
    assert all(isinstance(each.text, str) for each in shown.said)


def test_a_lone_surrogate_can_be_answered():
    ((*_, text, left),) = page(sample("a \ud800 b"))
    assert (text.encode(), left) == (b"a \\ud800 b", 0)
