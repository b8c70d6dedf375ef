"""Guards on what a verdict rests on: nothing counts as evidence but evidence.

What counts alone can refute of a word is refuted here; the evidence itself is replayed by whoever
may read the outcomes.
"""

from touchstone.framework import Framework, NumericCriterion
from touchstone.review.events import measuring
from touchstone.review.state import RunKey, State
from touchstone.review.tallies import Attempt
from touchstone.statistics import VerdictWord


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
    """A verdict says whether its mode asks for reasoning, and whether it is shown to be on.

    It is not where it shows none, nor where a mode that asks otherwise answers alike on every item.
    """
    key = RunKey(event.battery, event.criterion, event.variant, event.mode)
    found = state.reasoning(key, _first(event))
    if event.reasoning == found:
        return None
    return f"reasoning in {event.mode} mode is {found} by the record, not {event.reasoning}"


def references_are_recorded(
    f: Framework, state: State, event: measuring.VerdictReached
) -> str | None:
    """A comparison names each mode of its reference as recorded, once all of them ran whole."""
    from touchstone.review.recounting import references_of  # noqa: PLC0415 - as in `word_follows`

    criterion = f.criterion(event.criterion)
    if not isinstance(criterion, NumericCriterion):
        return None
    found = references_of(criterion, state, event.battery)
    if criterion.measure == "relative-to-reference" and not found:
        return f"the reference {criterion.reference} must have run every item in each of its modes"
    if event.references == found:
        return None
    said = "; ".join(_counted(each) for each in found) or "no reference"
    return f"{event.criterion} is compared with {said}, by the record: say so"


def _counted(reference: measuring.Reference) -> str:
    lost = reference.unmeasured.by_kind
    more = "".join(f", {count} {kind}" for kind, count in lost.items())
    return f"{reference.mode}: {reference.solved} of {reference.counted} solved{more}"


def word_follows(f: Framework, _s: State, event: measuring.VerdictReached) -> str | None:
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
        return "a comparison names what it compares with"
    said, why = may_say(criterion, event), event.stop.reason if event.stop else None
    if (event.verdict, why) in said:
        return None
    words = " or ".join(sorted({word for word, _ in said})) or "nothing yet"
    called = f" as {why}" if why else ""
    if event.verdict == VerdictWord.BELOW and event.reasoning in measuring.NOT_SHOWN:
        called += f" of {event.mode} mode, which is not shown to be on"
    return (
        f"{event.solved} of {event.counted} solved and {event.unmeasured.total} that measured "
        f"nothing do not bear {event.verdict}{called}: they say {words}"
    )
