"""Answers that no honest endpoint sends, for Hypothesis: odd text, types, depths and sizes."""

from typing import Any

from hypothesis import strategies as st

from support.endpoint import completion

ODD = [
    "\0",
    "\ud83d",
    "\udc00",
    "\u202e",
    "\u2028",
    "\U000e0041",
    "\x1b[31m",
    "\ufffd",
    "</think>",
    "<think>",
    "\r",
    "&a [*a]",
    "{",
    "]]>",
]


def odd_texts() -> st.SearchStrategy[str]:
    """Texts with what breaks writers, readers and terminals."""
    piece = st.one_of(st.sampled_from(ODD), st.text(max_size=6))
    return st.lists(piece, max_size=6).map("".join)


def odd_values() -> st.SearchStrategy[Any]:
    """Any JSON, and numbers that JSON cannot say."""
    leaf = st.one_of(
        st.none(),
        st.booleans(),
        st.sampled_from([10**18, -1, 10**30, float("nan"), float("inf"), 0.5, 2**63, 0]),
        odd_texts(),
        st.sampled_from(["x" * 150_000, "9" * 5000]),
    )
    grown = st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(odd_texts(), inner, max_size=3)
        ),
        max_leaves=6,
    )
    return st.one_of(grown, st.integers(1, 300).map(_nested))


def _nested(depth: int) -> Any:
    value: Any = "core"
    for _ in range(depth):
        value = [value]
    return value


def odd_calls() -> st.SearchStrategy[Any]:
    """Tool calls whose names, ids and arguments are odd."""
    text = st.one_of(
        odd_texts(),
        st.sampled_from(['{"cmd": "ls', "{}", "[]", "null", "{" * 500, '{"command": 1}']),
        odd_texts().map(lambda t: '{"command": "echo \\ud800 \\u0000 ' + t.replace('"', "") + '"}'),
    )
    function = st.fixed_dictionaries(
        {
            "name": st.one_of(st.sampled_from(["bash", "python", "submit"]), odd_values()),
            "arguments": st.one_of(text, odd_values()),
        }
    )
    call = st.fixed_dictionaries(
        {
            "id": st.one_of(st.just("c"), odd_values()),
            "function": st.one_of(function, odd_values()),
        },
        optional={"type": st.one_of(st.just("function"), odd_values())},
    )
    return st.one_of(st.lists(st.one_of(call, odd_values()), max_size=3), odd_values())


FIELDS = (
    "content",
    "refusal",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "role",
    "annotations",
    "audio",
    "function_call",
)


@st.composite
def odd_answers(draw: st.DrawFn) -> Any:
    """A completion in which some fields are odd, or no completion at all."""
    if draw(st.integers(0, 9)) == 9:
        return draw(odd_values())
    said = completion(draw(odd_texts()))
    message = said["choices"][0]["message"]
    for name in draw(st.lists(st.sampled_from(FIELDS), max_size=3, unique=True)):
        message[name] = draw(odd_values())
    if draw(st.booleans()):
        message["tool_calls"] = draw(odd_calls())
    outer = ("id", "created", "model", "system_fingerprint", "usage", "object", "service_tier")
    for name in draw(st.lists(st.sampled_from(outer), max_size=2, unique=True)):
        said[name] = draw(odd_values())
    words = st.sampled_from(["stop", "length", "content_filter", "abort", "tool_calls", None])
    inner = ("finish_reason", "index", "logprobs", "content_filter_results", "message")
    for name in draw(st.lists(st.sampled_from(inner), max_size=1)):
        said["choices"][0][name] = draw(st.one_of(words, odd_values()))
    if draw(st.integers(0, 9)) == 9:
        said["choices"] = draw(odd_values())
    return said
