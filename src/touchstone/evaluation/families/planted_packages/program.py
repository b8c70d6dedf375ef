"""Programs as lines of tokens in three languages, and what may be otherwise. Standard library only.

The generator, the judge and the scripted solver read the same text of it.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

Line = tuple[int, list[str]]
"""How deep a line stands, and its tokens."""
_NUMBER = r"0[xX][0-9a-fA-F]+|\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+"
_NAME = r"[A-Za-z_$][A-Za-z0-9_$]*"
_STRING = r"(?:[rbfuRBFU]{1,2}(?=['\"]))?(?:\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')"
_SIGNS = (
    *("===", "!==", "...", "**=", "//=", "<<=", ">>=", "->", "++", "--", "<=", ">=", "==", "!="),
    *("&&", "||", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "=>", "<<", ">>", "**", "//"),
)
_REGEX = r"/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+/[a-z]*"
_COMMENT = r"/\*.*?\*/|//[^\n]*"
_BEFORE_A_REGEX = frozenset(
    re.split(" ", "( [ { , ; = : ? ! & | && || == === != !== return typeof")
)
_NOT_APART_BEFORE = frozenset(re.split(" ", ", ; ) ] . -> ++ -- :"))
_NOT_APART_AFTER = frozenset(re.split(" ", "( [ . -> ! ~"))
_WORDS = """
and as assert break case catch char class const continue default def del do elif else except False
finally for from function global goto if import in inline int is lambda let long None nonlocal not
null or pass raise return short signed sizeof static struct switch this throw True true false try
typedef typeof undefined unsigned var void while with yield new
"""
WORDS = frozenset(re.findall(r"\w+", _WORDS))
"""Words of the languages: no name of a program is one of them."""


def is_name(piece: str) -> bool:
    """Whether a piece is a name, or a word of a language."""
    return bool(re.fullmatch(_NAME, piece))


def is_number(piece: str) -> bool:
    """Whether a piece is a number."""
    return bool(re.fullmatch(_NUMBER, piece))


def is_text(piece: str) -> bool:
    """Whether a piece is a string, a character or a regular expression."""
    return bool(re.fullmatch(_STRING, piece)) or (len(piece) > 1 and bool(_regex(piece)))


def _regex(piece: str) -> bool:
    return piece[0] == "/" and bool(re.fullmatch(_REGEX, piece))


def tokens_of(text: str, language: str) -> list[str]:
    """The tokens of a text; comments of C and JavaScript are left out. `#` lines of C are one.

    Raises:
        ValueError: something in it is no token.
    """
    parts = [_STRING, _NAME, _NUMBER, *map(re.escape, _SIGNS), r"[^\sA-Za-z0-9_$'\"`\\]"]
    if language == "c":
        parts.insert(0, r"^[ \t]*\#(?:\\\n|[^\n])*")
    if language != "python":
        parts.insert(0, _COMMENT)
    shape = re.compile("|".join(f"(?:{part})" for part in parts), re.DOTALL | re.MULTILINE)
    regex, found, at = re.compile(_REGEX), list[str](), 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        here = None
        if language == "javascript" and (not found or found[-1] in _BEFORE_A_REGEX):
            here = regex.match(text, at)
        # A line of the preprocessor begins where its line does, blanks before it aside.
        here = here or shape.match(text, at)
        if here is None:
            raise ValueError(f"{text[at : at + 10]!a} is no token")
        if not re.match(_COMMENT, here[0], re.DOTALL) or language == "python" or _regex(here[0]):
            found.append(here[0].strip())
        at = here.end()
    return found


def program_lines(text: str, language: str) -> list[Line]:
    """A program as lines. Python's are as they stand; others are broken at `;`, `{` and `}`."""
    if language == "python":
        rows = [row for row in text.splitlines() if row.strip()]
        return [((len(r) - len(r.lstrip())) // 4, tokens_of(r, language)) for r in rows]
    lines: list[Line] = []
    line: list[str] = []
    open_round = [0]
    tokens = tokens_of(text, language)
    for piece, after in zip(tokens, [*tokens[1:], ""], strict=True):
        if piece == "}" and len(open_round) > 1:
            open_round.pop()
        line.append(piece)
        open_round[-1] += (piece in "([") - (piece in ")]")
        if piece == "{":
            open_round.append(0)
        ends = piece[0] == "#" or (piece == ";" and open_round[-1] == 0)
        ends |= piece == "{" and after != "}"
        ends |= piece == "}" and after not in {")", ";", ",", "]", "else", "."}
        ends |= after == "}" and piece not in "{};"
        ends |= after[:1] == "#" or (piece == "," and open_round[-1] == 0 and after == "}")
        if ends or not after:
            depth = len(open_round) - 1 - (piece == "{")
            lines.append((0 if line[0][0] == "#" else depth, line))
            line = []
    return lines


def line_text(line: Line) -> str:
    """A line as text."""
    depth, tokens = line
    text, before = "    " * depth, ""
    for piece in tokens:
        apart = before and piece not in _NOT_APART_BEFORE and before not in _NOT_APART_AFTER
        if piece in "([" and ((is_name(before) and before not in WORDS) or before in {")", "]"}):
            apart = False
        # Two signs that would become one, and a number before a point.
        if before and (before + piece in _SIGNS or (is_number(before) and piece == ".")):
            apart = True
        text += " " * bool(apart) + piece
        before = piece
    return text


def program_text(lines: Sequence[Line]) -> str:
    """The program as text."""
    return "".join(f"{line_text(line)}\n" for line in lines)


KINDS = (
    "wrong-comparison",
    "inverted-condition",
    "off-by-one",
    "wrong-sign",
    "dropped-check",
    "swapped-arguments",
    "missing-case",
)
_COMPARED = {
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "==": "!=",
    "!=": "==",
    "===": "!==",
    "!==": "===",
}
_JOINED = {"&&": "||", "||": "&&", "and": "or", "or": "and"}
_SIGNED = {"+": "-", "-": "+", "+=": "-=", "-=": "+=", "++": "--", "--": "++"}
_BEGINS = frozenset(re.split(" ", "( if elif while return && || and or = !"))
_MOST_DROPPED = 14
_SMALL = 16


class FlawPlace(NamedTuple):
    """A place, and what stands there otherwise."""

    kind: str
    line: int
    """Of the program, from 0."""
    first: int
    """The first piece of the line that is another, from 0."""
    length: int
    """How many tokens give way."""
    new: tuple[str, ...]


def planted_line(lines: Sequence[Line], site: FlawPlace) -> Line:
    """The line of a site, with the one thing otherwise."""
    depth, tokens = lines[site.line]
    end = site.first + site.length
    return depth, [*tokens[: site.first], *site.new, *tokens[end:]]


def with_flaw(lines: Sequence[Line], site: FlawPlace) -> list[Line]:
    """The program with one thing otherwise."""
    return [*lines[: site.line], planted_line(lines, site), *lines[site.line + 1 :]]


def sites(lines: Sequence[Line]) -> list[FlawPlace]:
    """All places of a program, in one order."""
    found = []
    for number, (_, tokens) in enumerate(lines):
        if tokens[0][0] == "#" or tokens[0] in {"import", "from"}:
            continue
        for at, piece in enumerate(tokens):
            for kind, first, length, new in _at(tokens, at, piece):
                found.append(FlawPlace(kind, number, first, length, tuple(new)))
    return found


_Found = tuple[str, int, int, list[str]]


def _at(tokens: list[str], at: int, piece: str) -> Iterator[_Found]:
    before = tokens[at - 1] if at else ""
    after = tokens[at + 1] if at + 1 < len(tokens) else ""
    valued = is_number(before) or before in {")", "]"} or (is_name(before) and before not in WORDS)
    if piece in _COMPARED and valued:
        yield "wrong-comparison", at, 1, [_COMPARED[piece]]
    if piece in _JOINED:
        yield "inverted-condition", at, 1, [_JOINED[piece]]
    if (piece == "!" or (piece == "not" and after != "in")) and before != "is":
        yield "inverted-condition", at, 1, []
    if piece in _SIGNED and (valued or piece in {"++", "--"}) and not is_text(after):
        yield "wrong-sign", at, 1, [_SIGNED[piece]]
    if piece.isdigit() and int(piece) < _SMALL:
        yield from _counted(at, piece, before)
    if piece in _BEGINS:
        yield from _dropped(tokens, at)
    if piece == "(" and valued and before not in {")", "]"}:
        yield from _swapped(tokens, at)
    if piece == "case" and tokens[at + 2 : at + 4] == [":", "case"]:
        yield "missing-case", at, 3, []


def _counted(at: int, piece: str, before: str) -> Iterator[_Found]:
    """A small number as one more, one less, or left out where it is one more or less itself."""
    yield "off-by-one", at, 1, [str(int(piece) + 1)]
    if int(piece):
        yield "off-by-one", at, 1, [str(int(piece) - 1)]
    if piece == "1" and before in {"+", "-"} and at > 1:
        yield "off-by-one", at - 1, 2, []


def _dropped(tokens: list[str], at: int) -> Iterator[_Found]:
    """`A &&` and its like, behind what begins a condition."""
    depth = 0
    for end, piece in enumerate(itertools.islice(tokens, at + 1, at + 1 + _MOST_DROPPED), at + 1):
        depth += (piece in "([") - (piece in ")]")
        if depth < 0 or piece in {",", ";", "?", "{", "}", "lambda"}:
            return
        if depth == 0 and piece in _JOINED:
            yield "dropped-check", at + 1, end - at, []
            return


def _swapped(tokens: list[str], at: int) -> Iterator[_Found]:
    """The first two things that a function is given, where each is one piece."""
    if at > 1 and tokens[at - 2] in {"def", "function", "class"}:
        return
    inner = tokens[at + 1 : at + 5]
    if len(inner) == 4 and inner[1] == "," and inner[3] in {",", ")"}:  # noqa: PLR2004 - a, b)
        one, other = inner[0], inner[2]
        plain = all(is_name(each) or is_number(each) or is_text(each) for each in (one, other))
        if plain and one != other:
            yield "swapped-arguments", at + 1, 3, [other, ",", one]
