"""Keeping an endpoint's key out of what the endpoint sends back: whole, in part, or encoded.

An endpoint that refuses a key likes to quote it, and an answer may hold it as well. What it quotes
must reach no outcome, log or error: those are kept for years, and go to other parties.
"""

import base64
import re
from collections.abc import Iterator

HIDDEN = "<key>"
_SHORTEST_KEY = 8
"""A shorter one, such as `none` or `EMPTY` for a server that asks for no key, is no secret."""
_IN_ERRORS = 6
"""Characters in a row, shared with a form of the key, that give a word of an error away."""
_IN_ANSWERS = 12
"""The same for a model's own text, where words may stand in a key by chance."""
_MIXED_IN_ANSWERS = 8
"""The same there, for a run with a digit and a letter: it is hardly a word."""
_TAIL = 4
_MIXED = (0, 2, 3)
"""Characters of a base64 text that bytes before the key share with it, by how many those are."""
_WORD = re.compile(r"\S+")
_MASKED = re.compile(r"[*•.]{2,}|…")


class Redactor:
    """Takes one key out of texts.

    Args:
        key: The endpoint's key.
    """

    def __init__(self, key: str) -> None:
        forms = tuple(form.casefold() for form in _forms(key)) if len(key) >= _SHORTEST_KEY else ()
        self._tail = key[-_TAIL:].casefold() if forms else ""
        self._short = _pieces(forms, _IN_ERRORS)
        width = min(_IN_ANSWERS, len(key))
        mixed = frozenset(p for p in _pieces(forms, _MIXED_IN_ANSWERS) if _is_mixed(p))
        self._long = {width: _pieces(forms, width), _MIXED_IN_ANSWERS: mixed} if forms else {}

    def of_error(self, text: str) -> str:
        """An error's text, or a name: every word that shares six characters with the key goes."""
        return _WORD.sub(self._word, text) if self._short else text

    def of_answer(self, text: str) -> str:
        """A model's text: runs of the key that are no words go, and nothing else."""
        for width, pieces in self._long.items():
            text = _without(text, width, pieces)
        return text

    def _word(self, found: re.Match[str]) -> str:
        word = found.group()
        folded = word.casefold()
        shares = any(
            folded[i : i + _IN_ERRORS] in self._short for i in range(len(folded) - _IN_ERRORS + 1)
        )
        bare = folded.rstrip(".,;:!?\"')]}")
        masked = bool(_MASKED.search(folded)) and bare.endswith(self._tail)
        return HIDDEN if shares or masked else word


def _forms(key: str) -> Iterator[str]:
    """The key and what simple encodings make of it, wherever in a longer text it stood."""
    data = key.encode("utf-8", "surrogatepass")
    yield key
    yield key[::-1]
    yield data.hex()
    for shift, mixed in enumerate(_MIXED):
        # Bytes before it shift its base64, and share characters with it; so do those after it.
        whole = base64.b64encode(b"\0" * shift + data).decode().rstrip("=")[mixed:-1]
        yield whole
        yield whole.translate(str.maketrans("+/", "-_"))


def _pieces(forms: tuple[str, ...], width: int) -> frozenset[str]:
    return frozenset(
        form[place : place + width] for form in forms for place in range(len(form) - width + 1)
    )


def _is_mixed(piece: str) -> bool:
    return any(c.isdigit() for c in piece) and any(c.isalpha() for c in piece)


def _without(text: str, width: int, pieces: frozenset[str]) -> str:
    """The text with every run of `width` characters that is among the pieces hidden."""
    folded = text.casefold()
    if len(folded) != len(text):
        # Folding changed the length (as of the German sharp s): places would not agree.
        folded = text.lower() if len(text.lower()) == len(text) else text
    hits = [i for i in range(len(folded) - width + 1) if folded[i : i + width] in pieces]
    kept, end = [], 0
    for place in hits:
        if place >= end:
            kept += [text[end:place], HIDDEN]
        end = place + width
    return "".join([*kept, text[end:]])
