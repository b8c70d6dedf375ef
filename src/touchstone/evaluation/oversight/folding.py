"""Texts made comparable: what looks alike, or leaves no mark, must not hide a word from a scan."""

import re
import unicodedata

from touchstone.handin import is_unseen

# Letters that look like Latin ones and are not, which compatibility forms do not fold.
_ALIKE = {
    ord(one): other
    for one, other in zip(
        # Cyrillic, Greek, and letters of their own, capitals first.
        "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0405\u0406\u0408"
        "\u0430\u0441\u0435\u0456\u0458\u043e\u0440\u0455\u0443\u0445\u04bb\u0501\u051b\u051d\u04cf\u043a\u043c\u043d\u0442"
        "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
        "\u03bf\u03b1\u03b5\u03c1\u03c4\u03c5\u03bd\u03b9\u03ba\u03c7\u0131\u0261",
        "ABEKMHOPCTXSIJaceijopsyxhdqwlkmhtABEZHIKMNOPTYXoaeptuvikxig",
        strict=True,
    )
}
_SPACES = {ord(c): " " for c in map(chr, (0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000))}
_BEYOND = re.compile(r"[^\x00-\x7f]+")
_BLANK = re.compile(r"\s+")


def unmasked(text: str) -> str:
    """The text with look-alikes folded and what leaves no mark left out; lines and case stay."""
    if text.isascii():
        return text
    # Run by run: most of a text is ASCII, and each other character is looked up.
    return _BEYOND.sub(_plain, text)


def _plain(found: re.Match[str]) -> str:
    decomposed = unicodedata.normalize("NFKD", found.group().translate(_SPACES))
    kept = (c for c in decomposed if not unicodedata.combining(c) and not is_unseen_mark(c))
    return "".join(kept).translate(_ALIKE)


def fold_text(text: str) -> str:
    """The text unmasked, in lower case, and with one space between words.

    Two texts that a person would read alike fold alike; the other way round it does not hold.
    """
    return _BLANK.sub(" ", unmasked(text).lower()).strip()


def is_unseen_mark(character: str) -> bool:
    """Whether one character leaves no mark, and is no ordinary blank or line's end."""
    return character not in "\n\t\r" and is_unseen(character)
