"""Verdicts where some samples measured nothing: a word stands only if it would either way.

A sample whose answer never came, was cut or was refused says nothing of the model. Whoever could
bring that about must not gain by it, so the battery is judged twice over the same order: *low*,
with each such sample unsolved, and *high*, with each solved. "Above" needs the low one, "below"
the high one, and any word needs both.

Losses may be chosen as measuring goes, by whoever sees every answer so far and the one to come.
The gambler for "above" then still has a fair game at worst. What a low outcome pays is never more
than what the true one would, since the stake is never negative. The claim "the mean is at most m"
leaves the items to come a mean of at most (size * m - true sum) / left, and the low sum, being
smaller, gives a larger edge to divide by. So the wealth is a supermartingale under the true claim,
whatever was lost, and Ville's inequality holds as before; the high one mirrors it. ADR 180.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from touchstone.statistics.betting import Lanes, Wealth, lanes, start, step
from touchstone.statistics.errors import UnusableNumbersError
from touchstone.statistics.estimates import Labels
from touchstone.statistics.foresight import Numbers, require_outcomes
from touchstone.statistics.intervals import Interval
from touchstone.statistics.sequences import Path, beyond_these, confidence_sequence, path
from touchstone.statistics.sequential import Course, Progress, Reason, judge
from touchstone.statistics.verdicts import VerdictWord, agreed

UNSOLVED, SOLVED = 0.0, 1.0


@dataclass(frozen=True)
class Bounded:
    """One criterion between its two worst cases; a frozen value."""

    course: Course
    game: Lanes
    """Two batteries: what measured nothing is unsolved in the first, solved in the second."""
    wealth: Wealth
    progress: Progress
    """Of both: `total` counts what was measured, `log_above` is the low battery's, `log_below` the
    high one's."""


_BEGINNING = Progress(VerdictWord.UNDETERMINED, Reason.OPEN, 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)


def bounded(course: Course) -> Bounded:
    """A criterion before its first sample."""
    low = np.full((2, 1), course.rule.above_claims)
    high = np.full((2, 1), course.rule.below_claims)
    pull = np.tile(course.pull[None, None, :], (2, 1, 1))
    game = lanes([course.foresight] * 2, low, high, pull)
    return Bounded(course, game, start(game), _BEGINNING)


def advance_bounded(state: Bounded, outcome: float | None) -> Bounded:
    """The outcome at the next place of the order; None: it ran, and measured nothing.

    A criterion that is decided takes no more evidence: what comes is counted as overshoot. Without
    losses the words, and the numbers, are those of `advance`.

    Raises:
        UnusableNumbersError: an outcome outside [0, 1], or more outcomes than items.
    """
    course, now = state.course, state.progress
    if now.used + now.overshoot >= course.size:
        raise UnusableNumbersError(
            f"more outcomes than the battery's {course.size} items: the battery has changed"
        )
    if now.decided:
        return replace(state, progress=replace(now, overshoot=now.overshoot + 1))
    values = np.array([[UNSOLVED], [SOLVED]]) if outcome is None else np.full((2, 1), outcome)
    require_outcomes(values)
    kind = np.full((2, 1), course.foresight.classes[course.order[now.used]])
    wealth = step(state.game, state.wealth, kind, values)
    progress = _judged(course, now, wealth, now.unmeasured + (outcome is None))
    return replace(state, wealth=wealth, progress=progress)


def _judged(course: Course, before: Progress, wealth: Wealth, unmeasured: int) -> Progress:
    used = before.used + 1
    sides = [
        judge(
            course.rule,
            course.size,
            used,
            float(wealth.total[side, 0]),
            float(wealth.logs[0, side, 0]),
            float(wealth.logs[1, side, 0]),
        )
        for side in (0, 1)
    ]
    (low, low_reason), (high, high_reason) = sides
    # What is settled on both sides stays so: nothing to come makes two words one.
    over = used == course.size or low_reason is high_reason is Reason.SETTLED
    word, reason = VerdictWord.UNDETERMINED, Reason.OPEN
    if over:
        word, reason = agreed(low, high, unmeasured), Reason.SETTLED
        if word is low and Reason.EVIDENCE in (low_reason, high_reason):
            reason = Reason.EVIDENCE
    elif low is high and Reason.OPEN not in (low_reason, high_reason):
        settled = low_reason is high_reason is Reason.SETTLED
        word, reason = low, Reason.SETTLED if settled else Reason.EVIDENCE
    above, below = float(wealth.logs[0, 0, 0]), float(wealth.logs[1, 1, 0])
    return Progress(
        word,
        reason,
        used,
        0,
        float(wealth.total[0, 0]),
        above,
        below,
        max(before.peak_above, above),
        max(before.peak_below, below),
        unmeasured,
    )


def tried(now: Progress, outcome: float | None, size: int) -> Progress:
    """One more try where one success in `size` tries is enough; None: it measured nothing.

    One measured success is "above". None in all tries is "below" only if no try went unmeasured,
    since each such one could have been the success.

    Raises:
        UnusableNumbersError: more tries than there are.
    """
    if now.used >= size:
        raise UnusableNumbersError(f"more tries than {size}: the battery has changed")
    used, total = now.used + 1, now.total + (outcome or 0.0)
    unmeasured = now.unmeasured + (outcome is None)
    if total:
        word, reason = VerdictWord.ABOVE, Reason.SETTLED
    elif used == size:
        word = VerdictWord.NOT_MEASURED if unmeasured else VerdictWord.BELOW
        reason = Reason.SETTLED
    else:
        word, reason = VerdictWord.UNDETERMINED, Reason.OPEN
    return replace(now, word=word, reason=reason, used=used, total=total, unmeasured=unmeasured)


def imputed(outcomes: Sequence[float | None], value: float) -> Numbers:
    """Outcomes with `value` in the place of each that measured nothing."""
    return np.array([value if each is None else each for each in outcomes], float)


@dataclass(frozen=True)
class AtStop:
    """What may be said at any stop, whatever chose it, and whatever was lost until then."""

    within: Interval
    """Where the battery's mean lies: the low battery's lower end, the high one's upper end."""
    beyond: Interval
    """Where the rate on further items of the same makes lies."""
    way: Path
    """Evidence for "above" of the low battery, for "below" of the high one; the estimates are the
    low one's."""


def at_stop(
    course: Course,
    outcomes: Sequence[float | None],
    confidence: float = 0.95,
    clusters: Labels | None = None,
) -> AtStop:
    """Intervals and path over a prefix of the order, valid at any stop.

    Each end of an interval bears its own half of the error, so one battery may bear each.
    `clusters` are those of `beyond_these`.

    Raises:
        UnusableNumbersError: no outcome, too many, or one outside [0, 1].
    """
    low = imputed(outcomes, UNSOLVED)
    within = confidence_sequence(course, low, confidence)
    beyond = beyond_these(course, low, confidence, clusters=clusters)
    way = path(course, low)
    if None not in outcomes:
        return AtStop(within, beyond, way)
    high = imputed(outcomes, SOLVED)
    top = confidence_sequence(course, high, confidence)
    farther = beyond_these(course, high, confidence, clusters=clusters)
    return AtStop(
        Interval(within.low, max(within.low, top.high), confidence),
        Interval(beyond.low, max(beyond.low, farther.high), confidence),
        Path(way.above, path(course, high).below, way.estimate),
    )
