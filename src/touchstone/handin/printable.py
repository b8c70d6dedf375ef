"""Strangers' text as text to show: nothing in it is unseen, and no two inputs look the same by it.

What a reader cannot see stands as its code, `<U+200B>`; a byte that is no UTF-8 as `<xFF>`. That is
every control, format (bidirectional, zero-width, tag), surrogate, private and unassigned character,
every separator but the ordinary space, variation selectors, fillers and blanks. Where the text
itself says `<U+200B>` or `<xFF>`, its `<` is written as a code too, so that the text can be told
from what was put in place of a character: whatever differs before differs after.
"""

import re
import unicodedata
from itertools import chain

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# Characters of other categories that leave no mark: joiners, fillers, selectors, the blank pattern.
_MARKLESS = frozenset(
    chain(
        [0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0],
        range(0x180B, 0x1810),
        range(0xFE00, 0xFE10),
        range(0xE0000, 0xE1000),
    )
)
_BYTES = range(0xDC80, 0xDD00)  # how Python carries bytes that are no UTF-8 (surrogateescape)
_LIKE_OURS = re.compile(r"<(?=U\+[0-9A-F]{4,6}>|x[0-9A-F]{2}>)")
_FOLDED = re.compile(r"[ \t\r\n]+")
_END = "\N{HORIZONTAL ELLIPSIS}"


def is_unseen(character: str) -> bool:
    """Whether one character leaves no mark of its own, or looks like an ordinary space."""
    kind = unicodedata.category(character)
    return kind in _UNSEEN or (kind == "Zs" and character != " ") or ord(character) in _MARKLESS


def unseen(text: str) -> str | None:
    """The first character that a reader cannot see, such as `U+202E`; None where there is none.

    Control, bidirectional, zero-width, private and unassigned characters, fillers, selectors and
    other spaces can make a name look like another one on a page that people sign: all that is shown
    as a code where strangers' text is shown.
    """
    # Most texts are plain, and to look each character up takes a hundred times as long.
    if text.isascii() and text.isprintable():
        return None
    return next((_told(c) for c in text if is_unseen(c)), None)


def _told(character: str) -> str:
    """Its code; of a space also its name, since it is taken for an ordinary one."""
    code = f"U+{ord(character):04X}"
    if unicodedata.category(character) != "Zs":
        return code
    return f"{code} ({unicodedata.name(character)}, which looks like an ordinary space)"


def escaped(text: str) -> str:
    r"""One line, in which what is unseen stands as the escape that a TOML file would hold for it.

    For errors about such files: `"exa\u202emple"` is what to look for there.
    """
    return "".join(ascii(each)[1:-1] if is_unseen(each) else each for each in text)


def printable(text: str) -> str:
    """The text with everything unseen written as its code; line breaks and tabs stay.

    Different texts give different results, and the result can always be encoded.
    """
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return _LIKE_OURS.sub("<U+003C>", text)
    # First: afterwards our own codes could not be told from what the text says.
    marked = _LIKE_OURS.sub("<U+003C>", text)
    # Each character once: a stranger's text may repeat one a million times (ADR 220).
    odd = {ord(c): _code(ord(c)) for c in set(marked) if c not in "\n\t" and is_unseen(c)}
    return marked.translate(odd)


def shown(text: str) -> str:
    """What goes to a reader, of which parts may have been made `printable` before.

    What is unseen stands as its code; done again it changes nothing more. That a text said such a
    code itself can then not be told any more: `printable` comes first where that matters.
    """
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    odd = {ord(c): _code(ord(c)) for c in set(text) if c not in "\n\t" and is_unseen(c)}
    return text.translate(odd)


def printable_bytes(data: bytes) -> str:
    """Program output as text to show; bytes that are no UTF-8 as `<x..>`.

    Different bytes give different results.
    """
    return printable(data.decode("utf-8", "surrogateescape"))


def printable_line(text: str, length: int | None = None) -> str:
    """One line: runs of spaces, tabs and line breaks become one space, and the rest as `printable`.

    Cut to `length` characters (at least 1), it ends in an ellipsis, never within a code.
    """
    line = printable(_FOLDED.sub(" ", text).strip(" "))
    if length is None or len(line) <= length:
        return line
    # Cut after it was made printable: codes make a text longer.
    kept = line[: length - 1]
    opened = kept.rfind("<")
    # The longest code, `<U+10FFFF>`, has ten characters.
    if opened > len(kept) - 10 and re.match(r"<(U\+[0-9A-F]{4,6}|x[0-9A-F]{2})>", line[opened:]):
        kept = kept if ">" in kept[opened:] else kept[:opened]
    return kept + _END


def _code(point: int) -> str:
    return f"<x{point - 0xDC00:02X}>" if point in _BYTES else f"<U+{point:04X}>"
