"""Text from a sandbox, made safe to show: a terminal or a page must not obey it."""

# Control pictures for C0 and DEL; C1, direction marks and other invisibles become U+FFFD.
_KEPT = {0x09, 0x0A, 0x0D}
_TABLE: dict[int, int] = {c: 0x2400 + c for c in range(0x20) if c not in _KEPT}
_TABLE[0x7F] = 0x2421
_TABLE.update(dict.fromkeys(range(0x80, 0xA0), 0xFFFD))
_TABLE.update(dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F)], 0xFFFD))
_TABLE.update(dict.fromkeys([*range(0x2066, 0x206A), 0x2028, 0x2029, 0xFEFF], 0xFFFD))


def sanitise(text: str) -> str:
    """The text with escape sequences, control characters and direction marks made visible.

    Tab, newline and carriage return stay: output keeps its lines. Lone surrogates become U+FFFD,
    so that the result can always be encoded.
    """
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return text.translate(_TABLE).encode("utf-8", "replace").decode("utf-8")


def decode(output: bytes) -> str:
    """Program output as safe text; bytes that are not UTF-8 become U+FFFD."""
    return sanitise(output.decode("utf-8", "replace"))
