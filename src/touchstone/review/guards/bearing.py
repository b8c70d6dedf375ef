"""Guards on what a verdict rests on: nothing counts as evidence but evidence.

What counts alone can refute of a word is refuted here; the evidence itself is replayed by whoever
may read the outcomes.
"""

from typing import Any

from touchstone.framework import Framework, NumericCriterion
from touchstone.review.events import measuring
from touchstone.review.grounds import Ground
from touchstone.review.state import RunKey, State
from touchstone.review.tallies import Attempt
from touchstone.statistics import VerdictWord


def _attempt(state: State, event: measuring.VerdictReached) -> Attempt:
    return state.tally(event.battery, event.criterion, event.variant, event.mode).attempt()


def _first(event: measuring.VerdictReached) -> int | None:
    """How many samples of the order a verdict rests on; None: all."""
    return event.stop.used if event.stop else None


def losses_are_recorded(
    _f: Framework, state: State, event: measuring.VerdictReached
) -> Ground | None:
    """A verdict says how many of the samples it rests on measured nothing, each kind by itself."""
    found = _attempt(state, event).unmeasured(_first(event)).by_kind
    if event.unmeasured.by_kind == found:
        return None
    return Ground("losses-misstated", unmeasured=found)


def reasoning_is_recorded(
    _f: Framework, state: State, event: measuring.VerdictReached
) -> Ground | None:
    """A verdict says whether its mode asks for reasoning, and whether it is shown to be on.

    It is not where it shows none, nor where a mode that asks otherwise answers alike on every item.
    """
    key = RunKey(event.battery, event.criterion, event.variant, event.mode)
    found = state.reasoning(key, _first(event))
    if event.reasoning == found:
        return None
    return Ground(
        "reasoning-misstated", mode=event.mode, reasoning=str(found), said=str(event.reasoning)
    )


def references_are_recorded(
    f: Framework, state: State, event: measuring.VerdictReached
) -> Ground | None:
    """A comparison names each mode of its reference as recorded, once all of them ran whole."""
    from touchstone.review.recounting import references_of  # noqa: PLC0415 - as in `word_follows`

    criterion = f.criterion(event.criterion)
    if not isinstance(criterion, NumericCriterion):
        return None
    found = references_of(criterion, state, event.battery)
    if criterion.measure == "relative-to-reference" and not found:
        return Ground("reference-not-run", reference=criterion.reference)
    if event.references == found:
        return None
    if not found:
        return Ground("reference-not-asked", criterion=event.criterion)
    references = tuple(map(_counted, found))
    return Ground("reference-misstated", criterion=event.criterion, references=references)


def _counted(reference: measuring.Reference) -> dict[str, Any]:
    return {
        "mode": reference.mode,
        "solved": reference.solved,
        "counted": reference.counted,
        "unmeasured": reference.unmeasured.by_kind,
    }


def word_follows(f: Framework, _s: State, event: measuring.VerdictReached) -> Ground | None:
    """The word is the one that the counts give, whatever the samples that measured nothing were.

    Of a verdict that may stop early, evidence is not known here: the word is one that some evidence
    could give there, and is called settled only where no outcome still to come could change it.
    """
    # The statistics load for a second, and few commands record a verdict.
    from touchstone.review.recounting import may_say  # noqa: PLC0415 - see above

    criterion = f.criterion(event.criterion)
    if not isinstance(criterion, NumericCriterion):
        return None
    if criterion.measure == "relative-to-reference" and not event.references:
        return Ground("reference-missing")
    said, why = may_say(criterion, event), event.stop.reason if event.stop else None
    if (event.verdict, why) in said:
        return None
    not_shown = event.verdict == VerdictWord.BELOW and event.reasoning in measuring.NOT_SHOWN
    return Ground(
        _NOT_BORNE[bool(why), not_shown],
        solved=event.solved,
        counted=event.counted,
        unmeasured=event.unmeasured.total,
        verdict=str(event.verdict),
        reason=why and str(why),
        mode=event.mode,
        words=tuple(sorted({str(word) for word, _ in said})),
    )


_NOT_BORNE = {
    (False, False): "verdict-not-borne",
    (True, False): "stop-not-borne",
    (False, True): "mode-not-shown",
    (True, True): "stop-of-mode-not-shown",
}
"""By whether a stop has a reason, and whether `below` is said of a mode that is not shown."""
