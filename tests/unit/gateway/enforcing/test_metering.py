"""What an answer says was used: whole or streamed, in any pieces, and never too little."""

import json
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.gateway.enforcing import metering
from touchstone.gateway.enforcing.metering import Meter, UsageFilter

CHAT = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
STREAM = b"".join(
    b"data: " + json.dumps(each).encode() + b"\n\n"
    for each in (
        {"type": "message_start", "message": {"usage": {"input_tokens": 3, "output_tokens": 1}}},
        {"delta": "usage"},
        {"type": "message_delta", "usage": {"output_tokens": 9}},
    )
)


def metered(*parts: bytes, stream: bool) -> int | None:
    meter = Meter(stream=stream)
    for part in parts:
        meter.take(part)
    return meter.tokens()


@pytest.mark.parametrize(
    ("answer", "tokens"),
    [
        ({"usage": CHAT}, 7),
        ({"usage": {"input_tokens": 2, "output_tokens": 3}}, 5),
        ({"usage": {"input_tokens": 2, "cache_read_input_tokens": 9, "output_tokens": 3}}, 14),
        ({"usage": {"prompt_tokens": 5, "total_tokens": 1}}, 5),
        ({"usage": {"prompt_tokens": -5}}, None),
        ({"usage": {"prompt_tokens": True}}, None),
        ({"usage": "many"}, None),
        ({}, None),
        ([], None),
    ],
)
def test_a_whole_answer_says_it_once(answer: Any, tokens: int | None):
    assert metered(json.dumps(answer).encode(), stream=False) == tokens


@given(st.lists(st.integers(1, len(STREAM) - 1), max_size=5))
def test_a_stream_says_it_in_parts_however_it_is_cut(cuts: list[int]):
    places = [0, *sorted(cuts), len(STREAM)]
    parts = [STREAM[at:to] for at, to in pairwise(places)]
    assert metered(*parts, stream=True) == 12


@pytest.mark.parametrize("data", [b"", b"{", b"data: [DONE]\n", b'data: {"usage"\n', b"\xff\n"])
def test_what_says_nothing_is_unknown(data: bytes):
    assert metered(data, stream=True) is None
    assert metered(data, stream=False) is None


def test_an_answer_that_is_too_long_to_keep_is_unknown(monkeypatch: pytest.MonkeyPatch):
    whole = json.dumps({"text": "x" * 100, "usage": CHAT}).encode()
    assert metered(whole, stream=False) == 7
    monkeypatch.setattr(metering, "_MOST_KEPT", 64)
    assert metered(whole, stream=False) is None
    assert metered(whole, b"\n" + STREAM, stream=True) is None


def deep(levels: int, kind: str) -> bytes:
    opened, closed = (b'{"a":', b"}") if kind == "objects" else (b"[", b"]")
    return opened * levels + b'"four"' + closed * levels


DEPTHS = [1, 100, 470, 520, 900, 990, 1100, 20_000]


@pytest.mark.parametrize("kind", ["objects", "lists"])
@pytest.mark.parametrize("levels", DEPTHS)
def test_a_deep_answer_is_counted_like_a_shallow_one(levels: int, kind: str):
    """However deep it is nested: a stream by what went out, a whole one by what it says."""
    event = b'data: {"choices":%b}\n\n' % deep(levels, kind)
    meter = Meter(stream=True)
    for part in (event, event):
        meter.take(part)
    assert meter.delivered(0) >= 3
    meter.take(b'data: {"usage":{"total_tokens":9000000}}\n\n')
    assert meter.tokens() == 9_000_000


@pytest.mark.parametrize("kind", ["objects", "lists"])
@pytest.mark.parametrize("levels", DEPTHS[:5])
def test_a_deep_whole_answer_says_what_it_used(levels: int, kind: str):
    whole = b'{"usage":{"total_tokens":5},"choices":%b}' % deep(levels, kind)
    assert metered(whole, stream=False) == 5
    assert Meter(stream=False).delivered(3) == 3


@pytest.mark.parametrize("said", [2**40, 2**62, 2**63, 10**30])
def test_no_number_is_too_great_to_be_counted(said: int):
    """What an endpoint says goes into a table of 64 bits, and is added up there."""
    usage = {"prompt_tokens": said, "completion_tokens": said, "total_tokens": said}
    found = metered(json.dumps({"usage": usage}).encode(), stream=False)
    assert found is not None
    assert 2**40 <= found < 2**44


def test_text_is_counted_by_its_bytes_but_for_the_frame():
    event = {"id": "frame", "choices": [{"index": 1, "delta": {"content": "größe", "role": "x"}}]}
    meter = Meter(stream=True)
    meter.take(b"data: " + json.dumps(event).encode() + b"\n\n")
    assert meter.delivered(0) == -(-7 // metering.BYTES_A_TOKEN)


LONG = 768 << 10
TINY = 8
SECONDS = 4.0
"""Many times what it costs by its size; by its square it would be longer still."""


def cost(take: Callable[[bytes], object], data: bytes, size: int) -> float:
    """Seconds of this thread's own work, for data that comes in parts of a size."""
    began = time.thread_time()
    for at in range(0, len(data), size):
        take(data[at : at + size])
    return time.thread_time() - began


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_in_tiny_parts_costs_by_its_size(stream: bool):
    meter = Meter(stream=stream)
    usage = b'{"usage":{"total_tokens":5},"text":"%b"}' % (b"x" * LONG)
    data = b"data: " + usage + b"\n" if stream else usage
    assert cost(meter.take, data, TINY) < SECONDS
    assert meter.tokens() == 5


@pytest.mark.parametrize("size", [TINY, LONG])
@pytest.mark.parametrize("event", [b"data: " + b"x" * LONG + b"\n\n", b"\n\n", b"x\r\n\r\n"])
def test_events_cost_by_their_size_however_they_come(event: bytes, size: int):
    """One long event, or very many in one part."""
    went, data = bytearray(), event * (LONG // 3 // len(event) or 1)
    kept = UsageFilter()
    assert cost(lambda part: went.extend(kept.take(part)), data, size) < SECONDS
    assert went + kept.end() == data


@given(st.lists(st.sampled_from([b"\n", b"\r\n", b"\r", b"x", b"\n\n"])), st.integers(1, 4))
def test_events_end_alike_however_they_are_cut(pieces: list[bytes], size: int):
    data = b"".join(pieces)

    def taken(size: int) -> bytes:
        kept = UsageFilter()
        return b"".join(kept.take(data[at : at + size]) for at in range(0, len(data), size))

    # What waits for its end waits in whatever parts it came.
    assert taken(size) == taken(max(1, len(data)))
