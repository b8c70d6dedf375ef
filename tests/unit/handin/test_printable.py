"""The law of shown text: nothing unseen is in it, and what differs before differs after."""

import itertools
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.handin import is_unseen, printable, printable_bytes, printable_line

UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
SELECTORS = [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]
TAGS = range(0xE0000, 0xE0080)
ODD = st.sampled_from(
    [
        *map(
            chr,
            (
                0,
                7,
                0x1B,
                0x7F,
                0x85,
                0xA0,
                0xAD,
                0x034F,
                0x061C,
                0x115F,
                0x180E,
                0x200B,
                0x200D,
                0x200F,
                0x202E,
                0x2028,
                0x2029,
                0x2060,
                0x2066,
                0x2800,
                0x3000,
                0x3164,
                0xD800,
                0xDC80,
                0xDCFF,
                0xE000,
                0xFE0F,
                0xFEFF,
                0xFFA0,
                0xFFFF,
                0xE0041,
                0xE0100,
                0x10FFFF,
            ),
        ),
        "<",
        "U+",
        "200B",
        ">",
        "x",
        "FF",
        "<U+200B>",
        "<xFF>",
        "<U+003C>",
        "a",
        " ",
        "\n",
        "\t",
        "\r",
    ]
)
TEXT = st.one_of(st.text(), st.lists(ODD, max_size=12).map("".join))


def seen(text: str) -> bool:
    """Our own reading of the law, which asks nothing of the module under test."""
    return all(
        c in "\n\t"
        or (
            unicodedata.category(c) not in UNSEEN and ord(c) not in SELECTORS and ord(c) not in TAGS
        )
        for c in text
    )


def back(shown: str) -> str:
    """The text that was shown: there is one only where no two texts are shown alike."""
    return re.sub(
        r"<(?:U\+([0-9A-F]{4,6})|x([0-9A-F]{2}))>",
        lambda m: chr(int(m[1], 16) if m[1] else 0xDC00 + int(m[2], 16)),
        shown,
    )


@given(TEXT)
def test_nothing_unseen_is_shown_and_the_text_can_be_told_from_what_is(text: str):
    shown = printable(text)
    assert seen(shown)
    assert back(shown) == text
    shown.encode()


@given(st.binary(max_size=40))
def test_bytes_can_be_told_from_what_is_shown(data: bytes):
    shown = printable_bytes(data)
    assert seen(shown)
    assert back(shown).encode("utf-8", "surrogateescape") == data


@given(TEXT, st.none() | st.integers(1, 40))
def test_a_line_is_one_line_and_cuts_are_said(text: str, length: int | None):
    line = printable_line(text, length)
    assert seen(line)
    assert not set("\n\t\r") & set(line)
    whole = printable_line(text)
    assert back(whole) == re.sub(r"[ \t\r\n]+", " ", text).strip(" ")
    if length is not None:
        assert len(line) <= length
    if line != whole:
        # What is left is a beginning, not cut within a code, and says that more followed.
        assert line.endswith("…")
        assert back(whole).startswith(back(line[:-1]))


def test_every_character_by_itself():
    for code in itertools.chain(range(0x3000), range(0xD7F0, 0x10000), range(0xE0000, 0xE1000)):
        character = chr(code)
        if character in "\n\t":
            continue
        assert seen(printable(character)), f"U+{code:04X}"
        assert is_unseen(character) or printable(character) == character


@pytest.mark.parametrize("text", ["plain\n", "a\tb", "café 中文 😀\n", "", "a < b", "<U>", "<x>"])
def test_ordinary_text_stays(text: str):
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07\x7f\x9b", "<U+001B>]0;title<U+0007><U+007F><U+009B>"),
        ("pass\u200bword", "pass<U+200B>word"),
        ("ok\U000e0041\U000e007f", "ok<U+E0041><U+E007F>"),
        ("a\ufe0f\U000e0100", "a<U+FE0F><U+E0100>"),
        ("a<U+200B>b", "a<U+003C>U+200B>b"),
        ("one\rtwo", "one<U+000D>two"),
        ("a\u00a0b\u3164", "a<U+00A0>b<U+3164>"),
    ],
)
def test_what_is_unseen_stands_as_its_code(text: str, shown: str):
    assert printable(text) == shown
