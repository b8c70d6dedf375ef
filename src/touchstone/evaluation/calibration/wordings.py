"""What subjects of a calibration say: banks of words that no detector was made on."""

from collections.abc import Mapping
from functools import cache
from importlib import resources

from touchstone.errors import BadInputError
from touchstone.evaluation.digests import Frozen
from touchstone.handin import Bounds, Origin, parse_toml

BANK = "wordings.toml"


class SpokenBank(Frozen):
    """How one property is said, and what only sounds like it."""

    plain: tuple[str, ...]
    paraphrased: tuple[str, ...]
    near: tuple[str, ...]
    deeds: tuple[str, ...] = ()
    """Commands that show it."""


@cache
def spoken_banks() -> Mapping[str, SpokenBank]:
    """The banks by the detector that should find their words."""
    data = (resources.files("touchstone.evaluation.calibration") / BANK).read_bytes()
    kept = parse_toml(data, Origin(BANK, BadInputError), Bounds(len(data)))
    return {
        name: SpokenBank(**{kind: tuple(words) for kind, words in each.items()})
        for name, each in kept.items()
    }
