"""How alike the programs of two items are, once their names and numbers are taken away."""

import keyword
import re
from collections.abc import Sequence

import numpy as np

SHINGLE = 5
"""Tokens in a row that are compared as one."""
_TOKEN = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|[A-Za-z_]\w*|\d\w*|\S")
_C = "break case char const continue default do else enum for if int long return short signed "
_C += "sizeof static struct switch unsigned void while uint8_t uint16_t uint32_t size_t"
_KEPT = {*keyword.kwlist, *_C.split()}


def renamed_tokens(text: str) -> list[str]:
    """The tokens of a program: each name is N, each number 0, each text S.

    Keywords of Python and C stay. A name is a name, whichever it is: so a program under other names
    is no other program, and two that use their names in another order are more alike than they are.
    Comments count as they stand: `//` divides in Python, and generated programs have few.
    """
    tokens = []
    for token in _TOKEN.findall(text):
        if token[0].isalpha() or token[0] == "_":
            tokens.append(token if token in _KEPT else "N")
        elif token[0].isdigit():
            tokens.append("0")
        else:
            tokens.append("S" if token[0] in "\"'" else token)
    return tokens


def shingles(text: str, size: int = SHINGLE) -> frozenset[str]:
    """Every run of `size` tokens of a program after renaming."""
    tokens = renamed_tokens(text)
    return frozenset(
        " ".join(tokens[at : at + size]) for at in range(max(1, len(tokens) - size + 1))
    )


def highest_likeness(texts: Sequence[str]) -> tuple[float, float]:
    """(highest, mean) Jaccard similarity of the shingles of two programs, over all pairs.

    Both are 0 for fewer than two programs.
    """
    sets = [shingles(text) for text in texts]
    if len(sets) < 2:  # noqa: PLR2004 - a pair
        return 0.0, 0.0
    columns = {each: at for at, each in enumerate(sorted(frozenset().union(*sets)))}
    held = np.zeros((len(sets), len(columns)), np.float32)
    for row, each in enumerate(sets):
        held[row, [columns[shingle] for shingle in each]] = 1
    common = held @ held.T
    sizes = held.sum(1)
    alike = common / (sizes[:, None] + sizes[None, :] - common)
    pairs = alike[np.triu_indices(len(sets), 1)]
    return float(pairs.max()), float(pairs.mean())
