"""What a stranger's TOML may hold, and that each refusal is one line with its place."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.errors import BadInputError
from touchstone.handin import Bounds, Origin, as_json, parse_toml, refuse_unseen, toml

BOUNDS = Bounds(characters=10_000, depth=3)


class OwnError(BadInputError):
    """As a room has one."""


OWN = Origin("a.toml", OwnError)


def refusal(data: bytes | str, **asked: bool) -> str:
    with pytest.raises(OwnError) as refused:
        refuse_unseen(parse_toml(data, OWN, BOUNDS, **asked), OWN)
    line = str(refused.value)
    assert line.isprintable()
    assert line.startswith("a.toml: ")
    return line.removeprefix("a.toml: ")


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ("a" * 10_001, "has 10001 characters, and at most 10000 are read"),
        (b"a = 'x'\nb = '\xff'", "is not UTF-8 at byte 13: save it as UTF-8"),
        ("a = '\ud800'", "is not UTF-8 text: save it as UTF-8"),
        ("a = 1\n" + "b." * 101 + "c = 1", "line 2 has more than 100 dots: break it in two"),
        ("a = 1\na = 2\n", "is not TOML: Cannot overwrite a value (at line 2, column 6)"),
        ("[a]\n[a]\n", "is not TOML: Cannot declare ('a',) twice (at line 2, column 3)"),
        (
            "a = “x”",
            'is not TOML: Invalid value (at line 1, column 5): write straight quotes (") around',
        ),
        ("a = [[[[1]]]]", 'is nested too deeply at key "a", item 1, item 1, item 1: at most 3'),
        ("a = " + "[" * 5000, "is nested too deeply: at most 3 levels"),
        ("a = " + "9" * 5000, "holds a number with too many digits: write a shorter one"),
        ("a = [1, nan]", 'key "a", item 2 is nan: write a number that has an end'),
        ("a = 1e999", 'key "a" is inf: write a number that has an end'),
        ("a = 07:32:00", 'key "a" holds a time without a day: write both'),
        ("a = 'x\u202ey'", 'key "a" holds the unseen character U+202E: type the text anew'),
        ('a = "x\\u200by"', 'key "a" holds the unseen character U+200B: type the text anew'),
        ('"x\\u2060" = 1', r'key "x\u2060" holds the unseen character U+2060'),
        ('a = ["x", "\\u0085"]', 'key "a", item 2 holds the unseen character U+0085'),
    ],
)
def test_each_refusal_is_one_line_with_its_place(data: bytes | str, line: str):
    assert refusal(data).startswith(line)


def test_times_of_day_are_refused_where_days_count_alone():
    assert parse_toml("a = 2026-12-01T09:00:00Z", OWN, BOUNDS)
    line = refusal("a = 2026-12-01T09:00:00Z", days_alone=True)
    assert line == 'key "a" holds a time of day: write the date alone'


def test_decimals_keep_their_digits_and_still_have_an_end():
    assert parse_toml("a = 0.10", OWN, BOUNDS, decimals=True) == {"a": Decimal("0.10")}
    assert parse_toml("a = 1e999", OWN, BOUNDS, decimals=True) == {"a": Decimal("1e999")}
    assert "write a number that has an end" in refusal("a = inf", decimals=True)


def test_what_a_reader_sees_is_taken_with_its_byte_order_mark():
    content = parse_toml(
        b"\xef\xbb\xbfa = 2026-12-01\nb = '''x\n\ty'''\n# \xe2\x80\x8b", OWN, BOUNDS
    )
    refuse_unseen(content, OWN)
    assert as_json(content) == '{"a": "2026-12-01", "b": "x\\n\\ty"}'


def test_the_place_is_in_the_words_of_who_reads():
    origin = Origin("b.toml", OwnError, lambda loc, _: ".".join(map(str, loc)))
    with pytest.raises(OwnError, match=r"b\.toml: a\.0 is nan"):
        parse_toml("a = [nan]", origin, BOUNDS)


def test_without_its_guard_deep_nesting_would_pass(monkeypatch: pytest.MonkeyPatch):
    deep = "a = [[[[1]]]]"
    assert "too deeply" in refusal(deep)
    monkeypatch.setattr(toml, "_walk", lambda _: iter(()))
    assert parse_toml(deep, OWN, BOUNDS) == {"a": [[[[1]]]]}


@given(st.text() | st.binary())
def test_any_text_is_read_or_refused_in_one_line(data: bytes | str):
    try:
        content = parse_toml(data, OWN, BOUNDS)
        refuse_unseen(content, OWN)
    except OwnError as refused:
        assert str(refused).isprintable()  # noqa: PT017 - either outcome is right, both are checked
    else:
        assert isinstance(as_json(content), str)
