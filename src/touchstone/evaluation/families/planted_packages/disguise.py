"""A package's program as no release has it: other names, other forms of the same statements."""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from touchstone.evaluation.families.claims.words import NAMES
from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.planted_packages.program import WORDS, Line, is_name, is_number

_MIRRORED = {
    "<": ">",
    "<=": ">=",
    ">": "<",
    ">=": "<=",
    **{each: each for each in ("==", "!=", "===", "!==")},
}
_OPPOSED = {"==": "!=", "!=": "==", "===": "!==", "!==": "==="}
_BEGINS = frozenset(re.split(" ", "( if elif while return && || and or = ? !"))
_ENDS = frozenset(re.split(" ", ") && || and or : ; ? ,"))


_PAIRS = tuple(f"{one}_{other}" for one in NAMES[::3] for other in NAMES[1::7] if one != other)


def new_names(draw: Draws, old: Sequence[str], kept: AbstractSet[str]) -> dict[str, str]:
    """A new name for each old one: everyday words, none of which is kept, and pairs of them."""
    # Nouns alone: verbs are words of languages and of their libraries.
    words = [word for word in NAMES if word not in kept]
    more = max(0, len(old) - len(words))
    drawn = draw.sample([*words, *draw.sample(_PAIRS, more)], len(old))
    return dict(zip(old, drawn, strict=True))


def with_names(lines: Sequence[Line], names: Mapping[str, str]) -> list[Line]:
    """The program with other names."""
    return [(depth, [names.get(piece, piece) for piece in tokens]) for depth, tokens in lines]


def reworded(label: str, number: int, line: Line, language: str) -> Line:
    """A line with about half of what can be said in two ways said the other way.

    The same label and number of the line give the same ways.
    """
    depth, tokens = line
    return depth, _reworded(Draws(f"{label}/{number}"), tokens, language)


def _reworded(draw: Draws, tokens: list[str], language: str) -> list[str]:
    if tokens[0][0] == "#":
        return tokens
    at = 0
    while at < len(tokens):
        for first, end, other in _ways(tokens, at, language):
            if draw.below(2):
                tokens = [*tokens[:first], *other, *tokens[end:]]
                # What was turned round is not looked at again.
                at = max(at, first + len(other) - 1)
                break
        at += 1
    return _bracketed(draw, tokens, language)


def _bracketed(draw: Draws, tokens: list[str], language: str) -> list[str]:
    """With what a line returns or sets in brackets of its own, or as it is."""
    end = len(tokens) - (language != "python")
    begin = 1 if tokens[0] == "return" else 2 if tokens[1:2] == ["="] else 0
    whole = language == "python" or tokens[-1] == ";"
    plain = whole and is_name(tokens[0]) and "," not in tokens and "=" not in tokens[begin:]
    if begin and plain and end - begin > 1 and draw.below(2):
        return [*tokens[:begin], "(", *tokens[begin:end], ")", *tokens[end:]]
    return tokens


def _ways(tokens: list[str], at: int, language: str) -> Iterator[tuple[int, int, list[str]]]:
    """What may stand for a part of the line: where it begins and ends, and the other form."""
    piece = tokens[at]
    if piece in _MIRRORED:
        first, end = _begin_of(tokens, at), _end_of(tokens, at + 1)
        left, right = tokens[first:at], tokens[at + 1 : end]
        bounded = first > 0 and tokens[first - 1] in _BEGINS
        bounded &= end < len(tokens) and tokens[end] in _ENDS
        if left and right and bounded and not ("(" in left and "(" in right):
            yield first, end, [*right, _MIRRORED[piece], *left]
            if piece in _OPPOSED and tokens[first - 1] != "!":
                no = ["not"] if language == "python" else ["!"]
                yield first, end, [*no, "(", *left, _OPPOSED[piece], *right, ")"]
    alone = at == 1 and (language == "python" or tokens[-1] == ";") and is_name(tokens[0])
    if piece in {"+=", "-="} and alone and tokens[0] not in WORDS:
        end = len(tokens) - (language != "python")
        if end - at == 2:  # noqa: PLR2004 - the sign, and one piece
            yield 0, end, [tokens[0], "=", tokens[0], piece[0], *tokens[2:end]]
    if piece in {"++", "--"} and tokens[0] == "for" and tokens[at + 1 : at + 2] == [")"]:
        if tokens[at - 2] == ";":
            yield at, at + 1, [f"{piece[0]}=", "1"]
    elif piece in {"++", "--"} and alone and tokens[2:] == [";"]:
        yield at, at + 1, [f"{piece[0]}=", "1"]


def _end_of(tokens: list[str], at: int) -> int:
    """Where one value that begins there ends: a name or number, and what is asked of it."""
    if at >= len(tokens) or not (is_number(tokens[at]) or _is_plain(tokens[at])):
        return at
    end = at + 1
    if is_number(tokens[at]):
        return end
    while end < len(tokens):
        if tokens[end] in {".", "->"} and end + 1 < len(tokens):
            end += 2
        elif tokens[end] in {"[", "("}:
            depth = 0
            for end in range(end, len(tokens)):  # noqa: B020 - goes on behind it
                depth += (tokens[end] in "([") - (tokens[end] in ")]")
                if depth == 0:
                    break
            end += 1
        else:
            break
    return end


def _begin_of(tokens: list[str], at: int) -> int:
    """Where the value begins that ends before this place; the place itself: there is none."""
    for first in range(at - 1, -1, -1):
        if _end_of(tokens, first) == at and (first == 0 or tokens[first - 1] in _BEGINS):
            return first
    return at


def _is_plain(piece: str) -> bool:
    return is_name(piece) and piece not in WORDS
