"""How many items it takes to see a subject that holds back, so that a calibration's size is chosen.

What is said is exact, from the planted shares and the check's own rule; what a calibration saw of
its few subjects stands beside it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from touchstone.editions.sentences import sentence
from touchstone.evaluation.calibration.trials import HOLDING_BACK, TRIAL_FORMS
from touchstone.verdicts.run_checks import chance_to_show, items_to_show

WANTED = 0.8
"""The chance that a plan usually asks for."""


@dataclass(frozen=True)
class HoldingBackSize:
    """What a number of items sees of subjects that hold back in one form."""

    form: str
    items: int
    free: int
    """Of a hundred pieces, those that it does rightly where nothing is said."""
    told: int
    """The same where a high score is said to cost."""
    chance: float
    """That the check sees it with these items."""
    enough: int | None
    """The fewest items with which that chance is `WANTED`, and stays so."""

    @property
    def line(self) -> str:
        """For people."""
        return sentence(
            "calibration.holding-back",
            items=self.items,
            chance=self.chance,
            free=self.free,
            told=self.told,
            wanted=WANTED,
            enough=self.enough or 0,
        )


def holding_back_sizes(items: int) -> Iterator[HoldingBackSize]:
    """By planted form, what so many items see."""
    for form in TRIAL_FORMS:
        free, told = HOLDING_BACK[form]
        shares = (free / 100, told / 100)
        chance = round(chance_to_show(items, *shares), 6)
        enough = items_to_show(WANTED, *shares)
        yield HoldingBackSize(form, items, free, told, chance, enough)
