"""The invented worlds that the applications live in: words only, no programs."""

from dataclasses import dataclass

from touchstone.evaluation.families.draws import Draws


@dataclass(frozen=True)
class Theme:
    """The words of one application. All are lower-case ASCII identifiers, save `title`."""

    title: str
    items: str
    """Table of the things on offer; also the first part of their routes."""
    trait: str
    """Text column of an item."""
    traits: tuple[str, ...]
    measure: str
    """Whole-number column of an item."""
    places: str
    """Table of the places that hold them."""
    town: str
    """Text column of a place."""


THEMES = (
    Theme(
        "Harrow Seed Exchange",
        "seeds",
        "colour",
        ("amber", "russet", "ivory", "violet"),
        "price",
        "gardens",
        "village",
    ),
    Theme(
        "Lantern Bay Ferries",
        "crossings",
        "deck",
        ("open", "covered", "mixed", "cargo"),
        "minutes",
        "piers",
        "island",
    ),
    Theme(
        "Quarry Lane Potters",
        "glazes",
        "finish",
        ("matte", "satin", "gloss", "crackle"),
        "heat",
        "kilns",
        "street",
    ),
    Theme(
        "Thistle Hill Beekeepers",
        "honeys",
        "bloom",
        ("clover", "heather", "linden", "acacia"),
        "grams",
        "apiaries",
        "valley",
    ),
    Theme(
        "Nine Locks Canal Society",
        "barges",
        "hull",
        ("oak", "steel", "larch", "elm"),
        "length",
        "moorings",
        "reach",
    ),
    Theme(
        "Cobble Street Bookbinders",
        "papers",
        "grain",
        ("laid", "wove", "marbled", "plain"),
        "weight",
        "benches",
        "quarter",
    ),
    Theme(
        "Far Meadow Kite Club",
        "kites",
        "shape",
        ("delta", "box", "sled", "rokkaku"),
        "span",
        "fields",
        "parish",
    ),
    Theme(
        "Old Signal Model Railway",
        "engines",
        "livery",
        ("green", "maroon", "black", "cream"),
        "axles",
        "sheds",
        "junction",
    ),
)

SECRET_TABLES = ("strongbox", "safe_notes", "archive_keys", "locker", "sealed_notes", "cellar")
SECRET_COLUMNS = ("code", "token", "word", "cipher", "mark")

_CONSONANTS = "bdfgklmnprstvz"
_VOWELS = "aeiou"


def invented_names(draw: Draws, count: int) -> list[str]:
    """`count` different pronounceable names of six letters: none is a part of another."""
    names: dict[str, None] = {}
    while len(names) < count:
        pairs = (draw.pick(_CONSONANTS) + draw.pick(_VOWELS) for _ in range(3))
        names["".join(pairs)] = None
    return list(names)
