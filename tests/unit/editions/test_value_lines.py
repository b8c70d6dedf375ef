"""A value in lines is all of it, and nothing in it passes for something else."""

from typing import Any

import pytest

from touchstone.editions.value_lines import value_lines


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ({"a": 1, "b": "x y", "c": True, "d": None}, ["a: 1", "b: x y", "c: true", "d: null"]),
        ({"r": {"s": ["p", "q"]}}, ["r:", "  s:", "    - p", "    - q"]),
        ([{"id": "p", "n": {"m": 1}}, ["q"]], ["- id: p", "  n:", "    m: 1", "- - q"]),
        ({"t": "one\ntwo: 2\n"}, ["t:", "  | one", "  | two: 2", "  | "]),
        ({"e": {}, "l": [], "k": [[], {}]}, ["e: {}", "l: []", "k:", "  - []", "  - {}"]),
        ({"t": "\x1b[2J\u202e"}, ["t: <U+001B>[2J<U+202E>"]),
        ({"\x1b": "\r"}, ['<U+001B>: "\\r"']),
        ([{"t": "a\nb"}, "a  b"], ["- t:", "    | a", "    | b", "- a  b"]),
        (7, ["7"]),
    ],
)
def test_a_value_is_read_line_by_line(value: Any, lines: list[str]):
    assert list(value_lines(value)) == lines


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", 1),
        ("true", True),
        ("null", None),
        ("", '""'),
        ("[]", []),
        ("a ", "a"),
        (["- p"], [["p"]]),
        ({"a": "| x\ty"}, {"a": "x\ty"}),
        ({"a: b": "c"}, {"a": "b: c"}),
        ({"a\nb": "c"}, {"a": "b"}),
        ({"a": "b\nc: d"}, {"a": "b", "c": "d"}),
        (["a\nb"], ["| a", "| b"]),
        ({"a": "<U+001B>"}, {"a": "\x1b"}),
    ],
)
def test_what_differs_looks_different(one: Any, other: Any):
    assert list(value_lines(one)) != list(value_lines(other))
