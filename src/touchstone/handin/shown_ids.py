"""Ids as people are shown them: short where they were drawn, whole where a person chose them.

A drawn id is 32 hex digits, of which the first 12 tell any two apart. One that a person chose says
what it says at its end, too: `model-2026-11-a` and `model-2026-11-b` begin alike.
"""

import re
from collections.abc import Iterable
from itertools import pairwise

SHOWN = 12
"""Hex digits of an id or a digest by which a person is told of it."""
_DRAWN = re.compile(r"[0-9a-f]{32}")


def short_case(case: str) -> str:
    """A case's id as it is shown by itself; commands take it, as the beginning of an id."""
    return case[:SHOWN] if _DRAWN.fullmatch(case) else case


def short_cases(cases: Iterable[str]) -> dict[str, str]:
    """By id how each of these is shown where all of them are: no two alike, as short as that lets.

    Somebody may choose an id of 32 hex digits that begins as a drawn one does.
    """
    known = sorted(set(cases))
    shown = {case: short_case(case) for case in known}
    # In this order each is most alike to its neighbours.
    for before, after in pairwise(known):
        same = _alike(before, after)
        for case in (before, after):
            if len(shown[case]) <= same:
                shown[case] = case[: same + 1]
    return shown


def short_digest(digest: str) -> str:
    """The beginning of a digest (hex), for people: a mark to find it by, and no proof."""
    return digest[:SHOWN]


def _alike(one: str, other: str) -> int:
    """With how many characters both begin."""
    both = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(both) if a != b), min(len(one), len(other)))
