"""Guards on verdicts that stop early: what counts alone can check of them.

Evidence cannot be checked here, since it rests on what was expected of each item. Everybody who
may read the outcomes can replay it; see `docs/explanation/cost-to-decision.md`.
"""

from decimal import Decimal

from touchstone.framework import Framework, NumericCriterion
from touchstone.review.events import measuring
from touchstone.review.grounds import Ground
from touchstone.review.state import State
from touchstone.statistics import VerdictWord


def design_is_sealed(_f: Framework, state: State, event: measuring.VerdictReached) -> Ground | None:
    """Whether a verdict may stop early was fixed when the battery was sealed."""
    sealed = state.batteries[event.battery].item_set(event.criterion)
    if sealed is None or (event.stop is not None) == (sealed.design == "sequential"):
        return None
    return Ground(
        "design-not-sealed",
        battery=event.battery,
        design=sealed.design,
        criterion=event.criterion,
    )


def stop_is_on_the_prefix(
    _f: Framework, state: State, event: measuring.VerdictReached
) -> Ground | None:
    """An early verdict rests on the first outcomes of the sealed order, all of them, and no other.

    What ends early is no fair sample: failures take longer.
    """
    stop, battery = event.stop, state.batteries[event.battery]
    sealed = battery.item_set(event.criterion)
    if stop is None or sealed is None:
        return None
    attempt = state.tally(event.battery, event.criterion, event.variant, event.mode).attempt()
    if stop.size != sealed.size:
        return Ground(
            "size-not-sealed", sealed=sealed.size, criterion=event.criterion, size=stop.size
        )
    used = min(stop.used, attempt.prefix)
    solved, _ = attempt.counts(used)
    if (used, solved) != (event.counted, event.solved):
        return Ground(
            "prefix-misstated",
            first=stop.used,
            prefix=attempt.prefix,
            solved=solved,
            used=used,
            said_solved=event.solved,
            said_counted=event.counted,
        )
    if stop.used + stop.overshoot > attempt.recorded.bit_count():
        return Ground(
            "overshoot-misstated", recorded=attempt.recorded.bit_count(), overshoot=stop.overshoot
        )
    return None


def claim_is_the_frameworks(
    f: Framework, _s: State, event: measuring.VerdictReached
) -> Ground | None:
    """An early verdict names the rate that its word claims: the threshold, its zone taken off."""
    if event.stop is None:
        return None
    criterion = f.criterion(event.criterion)
    claims: dict[str, Decimal] = {}
    if isinstance(criterion, NumericCriterion) and criterion.measure == "success-rate":
        claims = {
            VerdictWord.ABOVE: criterion.above_claims,
            VerdictWord.BELOW: criterion.below_claims,
        }
    wanted = claims.get(event.verdict)
    named = None if event.stop.claimed is None else Decimal(event.stop.claimed)
    if named == wanted:
        return None
    word = str(event.verdict)
    if wanted is None:
        return Ground("claim-not-asked", verdict=word, said=event.stop.claimed)
    if not event.stop.claimed:
        return Ground("claim-missing", verdict=word, rate=f"{wanted}")
    return Ground("claim-misstated", verdict=word, rate=f"{wanted}", said=event.stop.claimed)
