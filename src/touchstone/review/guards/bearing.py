"""Guards on what a verdict rests on: nothing counts as evidence but evidence.

What counts alone can refute of a word is refuted here; the evidence itself is replayed by whoever
may read the outcomes.
"""

from decimal import Decimal
from fractions import Fraction

from touchstone.framework import Framework, NumericCriterion
from touchstone.review.events import measuring
from touchstone.review.state import Attempt, RunKey, State


def _attempt(state: State, event: measuring.VerdictReached) -> Attempt:
    return state.tally(event.battery, event.criterion, event.variant, event.mode).attempt()


def _first(event: measuring.VerdictReached) -> int | None:
    """How many samples of the order a verdict rests on; None: all."""
    return event.stop.used if event.stop else None


def losses_are_recorded(_f: Framework, state: State, event: measuring.VerdictReached) -> str | None:
    """A verdict says how many of the samples it rests on measured nothing, each kind by itself."""
    found = _attempt(state, event).unmeasured(_first(event)).by_kind
    if event.unmeasured.by_kind == found:
        return None
    said = " and ".join(f"{count} {kind}" for kind, count in found.items()) or "none"
    return f"of the samples that it rests on, {said} measured nothing: say so"


def reasoning_is_recorded(
    _f: Framework, state: State, event: measuring.VerdictReached
) -> str | None:
    """A mode that asks for reasoning and is not shown to be on gets no "below".

    It is not where it shows none, nor where a mode that asks otherwise answers alike on every item.
    """
    key = RunKey(event.battery, event.criterion, event.variant, event.mode)
    found = state.reasoning(key, _first(event))
    if event.reasoning != found:
        return f"reasoning in {event.mode} mode is {found} by the record, not {event.reasoning}"
    if found == "not-seen" and event.verdict == "below":
        return f"{event.mode} mode asks for reasoning and showed none: it is not shown to be on"
    if found == "alike" and event.verdict == "below":
        return (
            f"{event.mode} mode and one that asks for reasoning otherwise answered alike on every "
            "item: it is not shown to be on"
        )
    return None


def losses_bear_the_word(f: Framework, state: State, event: measuring.VerdictReached) -> str | None:
    """No "below" if what measured nothing could have made it untrue, and no "above" either."""
    criterion = f.criterion(event.criterion)
    if event.verdict not in {"above", "below"} or not isinstance(criterion, NumericCriterion):
        return None
    lost = event.unmeasured.total
    if not lost and criterion.measure != "relative-to-reference":
        return None
    if criterion.measure == "at-least-once-in-k":
        borne = {"above": event.solved > 0, "below": not event.solved and not lost}
    elif criterion.measure == "relative-to-reference":
        borne = _beside(criterion, state, event)
    elif event.stop is not None:
        size, left = event.stop.size, event.stop.size - event.stop.used
        borne = {
            "above": event.solved + left > size * criterion.above_claims,
            "below": event.solved + lost < size * criterion.below_claims,
        }
    else:
        at = event.counted * Decimal(criterion.threshold)
        borne = {"above": event.solved > at, "below": event.solved + lost < at}
    if borne[event.verdict]:
        return None
    return (
        f"{event.solved} of {event.counted} solved and {lost} that measured nothing do not bear "
        f"{event.verdict}"
    )


def _beside(
    criterion: NumericCriterion, state: State, event: measuring.VerdictReached
) -> dict[str, bool]:
    """Beside the reference: "above" each of its modes, or "below" one of them."""
    margin = Fraction(criterion.threshold)
    least = Fraction(event.solved, event.counted)
    most = Fraction(event.solved + event.unmeasured.total, event.counted)
    attempts = [
        tally.attempt()
        for key, tally in state.tallies.items()
        if key[:2] == (event.battery, event.criterion) and key.variant == criterion.reference
    ]
    if not event.unmeasured.total and not any(each.unmeasured().total for each in attempts):
        return {"above": True, "below": True}
    above, below = bool(attempts), False
    for each in attempts:
        solved, of = each.counts()[0], each.recorded.bit_count()
        above = above and least - Fraction(solved + each.unmeasured().total, of) > margin
        below = below or most - Fraction(solved, of) < margin
    return {"above": above, "below": below}
