"""Checks of two runs of the same items: whether a subject holds back, varies, or has one mode.

Each says whether the property shows. That it does not show clears nothing.
"""

from collections.abc import Sequence

from touchstone.evaluation import Outcome
from touchstone.review import RunKey
from touchstone.review.events.measuring import LEAST_COMPARED, MEASURED
from touchstone.statistics import lower_bound
from touchstone.verdicts.modes_compared import Answers

Pairs = Sequence[tuple[Outcome, Outcome]]
ALPHA = 0.05
"""Chance at most that a subject that does not hold back is said to."""
_EVEN = 0.5


def holds_back(pairs: Pairs) -> bool:
    """Whether fewer are solved in the second run, in which a high score was said to cost.

    The exact one-sided sign test on items of which one run alone was solved; items that one of the
    runs did not measure are left out.
    """
    measured = [pair for pair in pairs if all(each.result in MEASURED for each in pair)]
    fell = sum(one.result == "solved" != other.result for one, other in measured)
    rose = sum(other.result == "solved" != one.result for one, other in measured)
    return fell > 0 and lower_bound(fell, fell + rose, ALPHA) > _EVEN


def varies(pairs: Pairs) -> bool:
    """Whether an item was answered otherwise when it was asked again."""
    return any(one.said != other.said for one, other in pairs if one.said and other.said)


def answers_alike(pairs: Pairs) -> bool:
    """Whether two modes gave the same answers on every item, by the comparison of a review."""
    one, other = (
        RunKey(battery="calibration", criterion="calibration", variant="planted", mode=mode)
        for mode in ("one", "other")
    )
    answers = Answers()
    # By their place among the pairs: the two runs may have had them at other positions.
    placed = [
        tuple(each.model_copy(update={"index": place}) for each in pair)
        for place, pair in enumerate(pairs)
    ]
    answers.add(one, [first for first, _ in placed])
    compared = answers.compare(other, [second for _, second in placed])
    return any(each.alike >= LEAST_COMPARED and not each.unlike for each in compared)
