"""What counts allow a verdict to say: the one reckoning of reviews and of the guards on them."""

from collections.abc import Sequence
from dataclasses import replace

from touchstone.framework import NumericCriterion
from touchstone.review.events import measuring
from touchstone.review.shares import share
from touchstone.review.state import RunKey, State
from touchstone.statistics import (
    FixedVerdict,
    RateRule,
    Reason,
    VerdictWord,
    at_least_once,
    attainable_verdicts,
    rate_above_reference,
    rate_against_threshold,
)

Said = tuple[str, str | None]
"""A verdict's word, and why it stopped where it could stop early."""


def rule_of(criterion: NumericCriterion, ways: int, references: int = 1) -> RateRule:
    """The numbers of a criterion, its error rates shared out.

    A criterion is crossed if any mode crosses it, so a false "above" may come from each of `ways`:
    each has its share of alpha. A "below" needs every mode below, so beta needs no share among
    them; beside a reference it is said where one of its modes says so, and each of `references`
    has its share of beta.
    """
    beta = criterion.beta if references <= 1 else share(criterion.beta, references)
    return _rule(criterion, float(share(criterion.alpha, ways)), float(beta))


def _rule(criterion: NumericCriterion, alpha: float, beta: float) -> RateRule:
    return RateRule(
        threshold=float(criterion.threshold),
        zone=float(criterion.zone),
        alpha=alpha,
        beta=beta,
        zone_side=criterion.zone_side,
    )


def shown(word: VerdictWord, reasoning: measuring.Reasoning) -> VerdictWord:
    """The word, but no "below" of a mode that asks for reasoning and is not shown to be on.

    What was measured may be another mode, where it has shown no reasoning or answers as another.
    """
    if word is VerdictWord.BELOW and reasoning in measuring.NOT_SHOWN:
        return VerdictWord.NOT_MEASURED
    return word


def references_of(
    criterion: NumericCriterion, state: State, battery: str
) -> tuple[measuring.Reference, ...]:
    """The reference of a criterion in each of its modes; empty until all of them have run whole."""
    items, name = state.batteries[battery].item_set(criterion.id), criterion.reference or ""
    variant = state.variants.get(name)
    if criterion.measure != "relative-to-reference" or items is None or variant is None:
        return ()
    found = []
    for mode in variant.modes:
        key = RunKey(battery, criterion.id, name, mode)
        attempt = state.tally(*key).attempt()
        # A reference that has not run whole could still be better than it looks, and "above" beside
        # it be false.
        if attempt.prefix < items.size:
            return ()
        found.append(
            measuring.Reference(
                mode=mode,
                solved=attempt.counts()[0],
                counted=items.size,
                unmeasured=attempt.unmeasured(),
                reasoning=state.reasoning(key),
            )
        )
    return tuple(found)


def whole(
    criterion: NumericCriterion,
    rule: RateRule,
    counts: tuple[int, int, int],
    references: Sequence[measuring.Reference] = (),
) -> FixedVerdict:
    """The verdict where every item has run.

    Args:
        criterion: What is asked.
        rule: Its numbers, as shared out.
        counts: Solved, counted, and how many of those counted measured nothing.
        references: For a comparison with a reference: each of its modes, at least one.
    """
    if criterion.measure == "at-least-once-in-k":
        solved, counted, lost = counts
        return at_least_once(solved, counted, rule, lost)
    if criterion.measure == "relative-to-reference":
        return _compared(rule, counts, references)
    solved, counted, lost = counts
    return rate_against_threshold(solved, counted, rule, lost)


def _compared(
    rule: RateRule, counts: tuple[int, int, int], references: Sequence[measuring.Reference]
) -> FixedVerdict:
    """Against the reference at its best: above needs every one of its modes exceeded by as much.

    Each comparison may then take the whole of alpha, since all must say "above"; "below" is said
    where one of them says so, so each has a share of beta.
    """
    solved, counted, lost = counts
    said = []
    for each in references:
        beside, missed = each.solved, each.unmeasured.total
        if not each.shown:
            # It is not shown to be on, so nothing is known of the mode that is to be compared with.
            beside, missed = 0, each.counted
        said.append(rate_above_reference(solved, counted, beside, each.counted, rule, lost, missed))
    # The comparison that the model does worst in is the one shown, whatever word the others would
    # have.
    nearest = min(said, key=lambda each: each.lower + each.upper)
    words = {each.word for each in said}
    for word in (
        VerdictWord.BELOW,
        VerdictWord.NOT_MEASURED,
        VerdictWord.UNDETERMINED,
        VerdictWord.AT_CEILING,
        VerdictWord.WITHIN_ZONE,
    ):
        if word in words:
            return replace(nearest, word=word)
    return nearest


def may_say(criterion: NumericCriterion, event: measuring.VerdictReached) -> frozenset[Said]:
    """What a verdict with these counts and error rates may say.

    Where every item ran first it is one word. Of a verdict that may stop early, evidence rests on
    what was expected of each item, which counts do not tell: it may say whatever some evidence
    could have said there.
    """
    rule = _rule(criterion, float(event.alpha), float(event.beta))
    counts = (event.solved, event.counted, event.unmeasured.total)
    if event.stop is None:
        word = whole(criterion, rule, counts, event.references).word
        return frozenset({(shown(word, event.reasoning).value, None)})
    if criterion.measure != "at-least-once-in-k":
        size, (solved, used, lost) = event.stop.size, counts
        found = attainable_verdicts(rule, size, used, solved, lost)
    elif event.solved or event.counted == event.stop.size:
        found = frozenset({(whole(criterion, rule, counts).word, Reason.SETTLED)})
    else:
        found = frozenset()
    return frozenset((shown(word, event.reasoning).value, why.value) for word, why in found)
