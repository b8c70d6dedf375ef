"""What packages are asked: a fixed stock of calls for each, drawn once and for ever."""

import json
from functools import cache
from urllib.parse import quote

from touchstone.evaluation.families.draws import Draws

STOCK = 300
"""Calls of each package."""


_STRING_WORDS = (
    *("alike", "edits", "aligned", "common", "uncommon", "runs", "longruns", "weighted"),
    *("profile", "angle", "shared", "sifted"),
)
_BUFFER_WORDS = (
    *("trim", "range", "range", "add", "put", "grow", "low", "high", "order", "quote"),
    *("map", "number", "form", "form", "print", "join", "shorten", "split", "split"),
    *("args", "args", "args", "args", "args"),
)
_UNPRINTED = 'a\\"\n\r\t\a\b\x01\x7fz'


@cache
def calls(package: str) -> tuple[str, ...]:
    """The stock of a package: lines, each a word and what it is given, parted by tabs."""
    draw, found = Draws(f"planted-packages/calls of {package}/1"), dict[str, None]()
    while len(found) < STOCK:
        words = _MADE[package](draw)
        found["\t".join([words[0], *(quote(each, safe="-_.,:") for each in words[1:])])] = None
    return tuple(found)


def _strings(draw: Draws) -> list[str]:
    letters = draw.pick(("ab", "abcd", "abC c", "aAbB e"))
    one = "".join(draw.pick(letters) for _ in range(draw.below(9)))
    other = one
    for _ in range(draw.between(1, 3)):
        at = draw.below(len(other) + 1)
        way = draw.below(4)
        if way == 0:
            other = other[:at] + draw.pick(letters) + other[at:]
        elif way == 1:
            other = other[:at] + other[at + 1 :]
        elif way == 2:  # noqa: PLR2004 - the third of four ways
            other = other[:at] + other[at : at + 2][::-1] + other[at + 2 :]
        else:
            other = "".join(draw.pick(letters) for _ in range(draw.below(9)))
    word = draw.pick(_STRING_WORDS)
    return [word, one, other] if draw.below(2) else [word, other, one]


def _arguments(draw: Draws) -> list[str]:
    keys = ("a", "b", "c", "name", "n.m", "n.k", "xyz")
    values = ("1", "-1", "0x1f", "1e3", ".5", "word", "true", "false", "", "-", "1.", "a=b")
    given = []
    for _ in range(draw.between(1, 5)):
        key, value = draw.pick(keys), draw.pick(values)
        short = draw.pick(("a", "b", "c", "ab", "abc", "n5", "a=1", "b-", "c.5", "n/x"))
        given += draw.pick(
            (
                [f"--{key}"],
                [f"--{key}={value}"],
                [f"--{key}", value],
                [f"--no-{key}"],
                [f"-{short}"],
                [f"-{short}", value],
                [value],
                [draw.pick(("--", "-", "--x", value))],
            )
        )
    options: dict[str, object] = {}
    if draw.below(3) == 0:
        options["boolean"] = draw.pick((True, "a", ["b", "name"], ["n.m", "c"]))
    if draw.below(3) == 0:
        options["string"] = draw.pick(("_", "a", ["c", "name"], ["xyz", "b"]))
    if draw.below(3) == 0:
        options["alias"] = draw.pick(({"a": "xyz"}, {"name": ["b", "n"]}, {"c": ["n.k", "a"]}))
    if draw.below(3) == 0:
        options["default"] = draw.pick(({"a": 5}, {"n.m": 1, "b": False}, {"n": {"k": "v"}}))
    for name, chance in (("--", 4), ("stopEarly", 5)):
        if draw.below(chance) == 0:
            options[name] = True
    if draw.below(5) == 0:
        options["unknown"] = draw.pick(("-a", "--name", "word", "1", "--xyz", "-b"))
    return ["parse", json.dumps(given), json.dumps(options)]


def _text(draw: Draws, letters: str, most: int) -> str:
    return "".join(draw.pick(letters) for _ in range(draw.below(most + 1)))


def _buffers(draw: Draws) -> list[str]:
    word = draw.pick(_BUFFER_WORDS)
    letters = draw.pick(("ab", "abcXYZ", "xyz ,"))
    one, other = _text(draw, letters, 14), _text(draw, letters, 9)
    if word in {"range", "grow", "number", "form", "print"}:
        return [word, *_with_numbers(draw, word, one, other)]
    if word == "trim":
        return [word, one, draw.pick(("a", "ab", "xX", "z ,", ""))]
    if word == "map":
        return [word, one, "abX", draw.pick(("xyz", "bca", "Xab"))]
    if word in {"order", "split"}:
        parts = (",", "a", "ab", "xy", "Xab", ", ")
        return [
            word,
            one,
            draw.pick((one, other, one[:-1], f"{one}a") if word == "order" else parts),
        ]
    if word in {"args", "quote"}:
        text = _quoted(draw) if word == "args" else _text(draw, _UNPRINTED, 9)
        return [word, text]
    return [word, one, other, _text(draw, letters, 6)]


def _with_numbers(draw: Draws, word: str, one: str, other: str) -> list[str]:
    if word == "range":
        return [one, str(draw.between(0, 24) - 12), str(draw.between(0, 24) - 12)]
    if word == "grow":
        return [one, str(draw.below(30))]
    if word == "number":
        return [str(draw.between(0, 10 ** draw.between(1, 9)) - 10 ** draw.between(0, 8))]
    if word == "form":
        form = draw.pick(("%s", "%s %i", "%s%i-%u", "a%%%s", "<%s|%i|%u>", "%s%x"))
        return [form, other, str(draw.between(0, 20000) - 10000)]
    return [one, other * draw.between(1, 3), str(draw.between(0, 999) - 99)]


def _quoted(draw: Draws) -> str:
    parts = ("a", "bc", '"a b"', "'c d'", '"\\n\\t"', '"\\x41\\x6F"', '"\\"q"', "'it\\'s'", '"')
    more = ("'", '"a"b', "'a'b", '"\\xZZ"', '"\\r\\a\\b"', '""', "''", "a'b'", '"\\xFa"')
    blanks = (" ", "  ", "\t", " ")
    return "".join(
        draw.pick(parts + more) + draw.pick(blanks) for _ in range(draw.between(1, 4))
    ).strip(draw.pick((" ", "")))


_MADE = {"strsimpy": _strings, "minimist": _arguments, "hiredis": _buffers}
