"""Keeping an endpoint's key out of what the endpoint sends back: whole, in part, or encoded.

An endpoint that refuses a key likes to quote it, and an answer may hold it as well. What it quotes
must reach no outcome, log or error: those are kept for years, and go to other parties.

A text is looked at twice: as it is, and with its escapes read and what leaves no mark left out, so
that neither hides a key. Places in both are places in the text: nothing that is read is written.
"""

import base64
import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

from touchstone.handin import is_unseen

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
_MOST_POINT = 0x10FFFF
_REPLACED = "\N{REPLACEMENT CHARACTER}"
_MIXED = (0, 2, 3)
"""Characters of a base64 text that bytes before the key share with it, by how many those are."""
_WORD = re.compile(r"[^ \t\r\n]+")
_MASKED = re.compile(r"[*•.]{2,}|…")
# What may stand for another character, or for none: escapes of URLs, JSON and programs (also
# escaped again), of HTML, and all beyond printable ASCII.
_TOKEN = re.compile(
    r"%(?:25)*(?P<url>[0-9A-Fa-f]{2})"
    r"|(?<!\\)\\++(?:u(?P<four>[0-9A-Fa-f]{4})|u\{0*(?P<braced>[0-9A-Fa-f]{1,6})\}|U(?P<eight>[0-9A-Fa-f]{8})"
    r"|x(?P<two>[0-9A-Fa-f]{2})|(?P<octal>[0-7]{3})|(?P<plain>[\"'/nrt]))"
    r"|&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});"
    r"|[^ -~]+"
)


class Redactor:
    """Takes one key out of texts.

    Args:
        key: The endpoint's key.
    """

    def __init__(self, key: str) -> None:
        # A short one is a word such as "none": every answer that holds it would be cut up.
        forms = tuple(_folded(form) for form in _forms(key)) if len(key) >= _SHORTEST_KEY else ()
        self._tail = _folded(key[-_TAIL:]) if forms else ""
        self._short = _pieces(forms, _IN_ERRORS)
        width = min(_IN_ANSWERS, len(key))
        mixed = frozenset(p for p in _pieces(forms, _MIXED_IN_ANSWERS) if _is_mixed(p))
        self._long = {_MIXED_IN_ANSWERS: mixed} if forms else {}
        if forms:
            # A key of eight characters has both bounds at the same width.
            self._long[width] = self._long.get(width, frozenset()) | _pieces(forms, width)

    def of_error(self, text: str) -> str:
        """An error's text, or a name: every word that shares six characters with the key goes."""
        return _WORD.sub(self._word, text) if self._short else text

    def of_answer(self, text: str) -> str:
        """A model's text: runs of the key that are no words go, and nothing else."""
        spans = sorted(
            (starts[place], ends[place + width - 1])
            for seen, starts, ends in (_views(text) if self._long else ())
            for width, pieces in self._long.items()
            for place in range(len(seen) - width + 1)
            if seen[place : place + width] in pieces
        )
        kept: list[str] = []
        end = 0
        for first, last in spans:
            if first > end or not kept:
                kept += [text[end:first], HIDDEN]
            end = max(end, last)
        return "".join([*kept, text[end:]])

    def _word(self, found: re.Match[str]) -> str:
        word = found.group()
        return HIDDEN if any(self._tells(seen) for seen, _, _ in _views(word)) else word

    def _tells(self, word: str) -> bool:
        """Whether a folded word shares characters with the key, or masks all but its end."""
        bare = word.rstrip(".,;:!?\"')]}")
        return (bool(_MASKED.search(word)) and bare.endswith(self._tail)) or any(
            word[i : i + _IN_ERRORS] in self._short for i in range(len(word) - _IN_ERRORS + 1)
        )


def _forms(key: str) -> Iterator[str]:
    """The key and what simple encodings make of it, wherever in a longer text it stood."""
    data = key.encode("utf-8", "surrogatepass")
    forms = [key, data.hex()]
    for shift, mixed in enumerate(_MIXED):
        # Bytes before it shift its base64, and share characters with it; so do those after it.
        whole = base64.b64encode(b"\0" * shift + data).decode().rstrip("=")[mixed:-1]
        forms += [whole, whole.translate(str.maketrans("+/", "-_"))]
    for form in forms:
        yield form
        # A model that is asked to can write anything backwards.
        yield form[::-1]


def _pieces(forms: tuple[str, ...], width: int) -> frozenset[str]:
    return frozenset(
        form[place : place + width] for form in forms for place in range(len(form) - width + 1)
    )


def _is_mixed(piece: str) -> bool:
    return any(c.isdigit() for c in piece) and any(c.isalpha() for c in piece)


View = tuple[str, Sequence[int], Sequence[int]]
"""A text as it is searched; where in the text each of its characters begins, and where it ends."""


def _views(text: str) -> Iterator[View]:
    """The text folded; and, where that differs, with its escapes read and what is unseen left out.

    Folding is by the character, and leaves alone what it would make longer (as of the German sharp
    s), so that places agree.
    """
    yield _folded(text), range(len(text)), range(1, len(text) + 1)
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    done = 0
    for token in _TOKEN.finditer(text):
        first, last = token.span()
        read = _read(token)
        parts += [text[done:first].lower(), *read]
        starts += range(done, first)
        ends += range(done + 1, first + 1)
        if len(read) == 1 < last - first:
            starts += [first] * len(read[0])
            ends += [last] * len(read[0])
        elif all(len(each) == 1 for each in read):
            starts += range(first, last)
            ends += range(first + 1, last + 1)
        else:
            starts += (place for place, each in enumerate(read, first) for _ in each)
            ends += (place for place, each in enumerate(read, first + 1) for _ in each)
        done = last
    if done:
        parts.append(text[done:].lower())
        starts += range(done, len(text))
        ends += range(done + 1, len(text) + 1)
        yield "".join(parts), starts, ends


def _read(token: re.Match[str]) -> list[str]:
    """What a token stands for, folded: a text for each of its characters, or one for all."""
    text = token.group()
    if not text.isascii() or len(text) == 1 or text[0] not in "%\\&":
        return [_shown(character) for character in text]
    if text[0] == "&":
        read = html.unescape(text)
    elif token["plain"]:
        # Escaped line breaks and tabs are unseen.
        read = "" if token["plain"] in "nrt" else token["plain"]
    else:
        octal = token["octal"]
        point = int(octal, 8) if octal else int(token[token.lastgroup or "url"], 16)
        read = chr(point) if point <= _MOST_POINT else text
    return ["".join(map(_shown, read))]


@lru_cache(4096)
def _shown(character: str) -> str:
    """One character as one looks for it; empty where it leaves no mark, or was replaced."""
    if is_unseen(character) or unicodedata.category(character).startswith("M"):
        return ""
    plain = unicodedata.normalize("NFKC", character)
    return "" if plain == _REPLACED else _folded(plain)


def _folded(text: str) -> str:
    """The text without regard to case, as long as it was."""
    if text.isascii():
        return text.lower()
    folds = {ord(c): c.casefold() for c in set(text)}
    return text.translate({point: fold for point, fold in folds.items() if len(fold) == 1})
