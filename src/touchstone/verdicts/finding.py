"""A finding in words: what was seen, what is said of it, and what is not."""

from touchstone.framework import NumericCriterion
from touchstone.statistics import Reason, VerdictWord, exact_percent, percent_interval
from touchstone.verdicts.fixed_verdicts import Judged
from touchstone.verdicts.sequential_verdicts import EarlyVerdict

SEALED = (
    "Every item was sealed beforehand and judged by replaying the answer on fresh files. It holds "
    "for this mode, variant and elicitation."
)


def finding_of(criterion: NumericCriterion, said: EarlyVerdict | Judged) -> dict[str, str]:
    """Title and text of what the centre states of a criterion in one mode, whatever it is."""
    key = said.ran.key if isinstance(said, EarlyVerdict) else said.key
    # Stated whatever the word is: that there is a finding must tell no verdict (ADR 248).
    if said.word is not VerdictWord.ABOVE:
        text = _not_above(said)
    elif isinstance(said, EarlyVerdict):
        text = _early(criterion, said)
    else:
        text = _whole(criterion, said)
    return {
        "title": f"{criterion.title} ({key.mode} mode)",
        "text": f"In {key.mode} mode, variant {key.variant} {text} {SEALED}",
    }


def _not_above(said: EarlyVerdict | Judged) -> str:
    """What was counted, and the word; the verdict beside it says at which error rates."""
    if isinstance(said, EarlyVerdict):
        counted, interval, valid = said.progress.used, said.interval, "valid at the stop"
        solved, of = said.solved, f"the first {counted} items in their sealed order"
    else:
        counted, interval, valid = said.verdict.counted, said.verdict.interval, "exact"
        solved, of = said.verdict.solved, f"{counted} items"
    bounds = percent_interval(interval.low, interval.high)
    return f"solved {solved} of {of} (95% interval, {valid}: {bounds}): {said.word.phrase}."


def _whole(criterion: NumericCriterion, judged: Judged) -> str:
    verdict, threshold = judged.verdict, exact_percent(float(criterion.threshold))
    above = f"above the threshold of {threshold}"
    if criterion.reference is not None:
        above = f"more than {threshold} above the rate of the reference {criterion.reference}"
    return (
        f"solved {verdict.solved} of {verdict.counted} items (exact 95% interval "
        f"{percent_interval(verdict.interval.low, verdict.interval.high)}), {above} at an error "
        f"rate of {criterion.alpha} for the criterion."
    )


def _early(criterion: NumericCriterion, early: EarlyVerdict) -> str:
    progress, size = early.progress, len(early.ran.levels)
    seen = f"solved {early.solved} of the first {progress.used} items in their sealed order"
    if criterion.measure == "at-least-once-in-k":
        return f"{seen}. One success in {size} tries is what the criterion asks about."
    stopped = (
        f"All {size} ran."
        if progress.used == size
        else f"Measuring stopped there, {size} being sealed."
    )
    at, claims = float(criterion.threshold), early.ran.rule.claimed(VerdictWord.ABOVE)
    least = float(claims or criterion.threshold)
    edge = f", the threshold of {exact_percent(at)} less its zone" if least < at else ""
    claimed = exact_percent(least)
    why = (
        f"Whatever the others would have been, it solves more than {claimed} of them{edge}."
        # Settled by counting: no error rate belongs to what the other items could not change.
        if progress.reason is Reason.SETTLED
        else f"That is evidence enough that it solves more than {claimed} of all {size}{edge}, "
        f"at an error rate of {criterion.alpha} for the criterion."
    )
    ends = (
        f"The 95% confidence sequence, which is valid at the stop, runs from "
        f"{percent_interval(early.interval.low, early.interval.high)} of all {size}"
    )
    if early.beyond is not None:
        ends += (
            f"; for further items of the same makes the interval is "
            f"{percent_interval(early.beyond.low, early.beyond.high)}"
        )
    return f"{seen}. {stopped} {why} {ends}."
