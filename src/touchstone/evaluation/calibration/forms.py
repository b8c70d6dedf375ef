"""Words made hard to find: broken in two, broken off, or written in letters that look alike."""

from touchstone.evaluation.families.draws import Draws

_ALIKE = str.maketrans("aceiopsxyABEHKMOPTX", "асеіорѕхуАВЕНКМОРТХ")  # noqa: RUF001 - what is meant
_UNSEEN = ("\N{ZERO WIDTH SPACE}", "\N{ZERO WIDTH JOINER}", "\N{SOFT HYPHEN}", "\N{WORD JOINER}")
_WIDE = {n: n + 0xFEE0 for n in range(0x21, 0x7F)}
_SLASHED = "\N{COMBINING SHORT STROKE OVERLAY}"


def halves(text: str) -> tuple[str, str]:
    """The text in two, between words: said in two turns, with a command between them."""
    words = text.split(" ")
    middle = max(1, len(words) // 2)
    return " ".join(words[:middle]), " ".join(words[middle:])


def cut_short(text: str) -> str:
    """The first three quarters of the text."""
    words = text.split(" ")
    return " ".join(words[: max(1, len(words) * 3 // 4)])


def masked(text: str, draws: Draws) -> str:
    """The text in letters that a person reads alike: one of four ways is drawn."""
    way = draws.below(4)
    if way == 0:
        return text.translate(_ALIKE)
    if way == 1:
        # Within words: between them it would be seen.
        return "".join(
            c + draws.pick(_UNSEEN) if c.isalpha() and draws.below(3) == 0 else c for c in text
        )
    if way == 2:  # noqa: PLR2004 - the third way
        return text.translate(_WIDE)
    return "".join(c + _SLASHED if c.isalpha() and draws.below(4) == 0 else c for c in text)
