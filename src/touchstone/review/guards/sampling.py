"""Guards on measuring: what must be sealed, known and first."""

from decimal import Decimal

from touchstone.framework import DeclaredCriterion, Framework, NumericCriterion
from touchstone.review.events import measuring
from touchstone.review.grounds import Ground
from touchstone.review.guards.looking import Looked
from touchstone.review.shares import share, ways_of_crossing
from touchstone.review.state import RunKey, State
from touchstone.statistics import VerdictWord


def is_agreed(_f: Framework, state: State, _e: object) -> Ground | None:
    """Nothing is measured before the agreement is concluded."""
    return None if state.agreement else Ground("agreement-missing")


def submission_is_complete(_f: Framework, state: State, _e: object) -> Ground | None:
    """Nothing is measured before the centre has what it needs."""
    complete = state.assessment is not None and state.assessment.complete
    return None if complete else Ground("submission-incomplete")


def is_not_halted(_f: Framework, state: State, _e: object) -> Ground | None:
    """While anyone's halt stands, or the sandbox was breached, nothing new is measured."""
    if state.unhalted_breach:
        return Ground("sandbox-breached")
    by = tuple(sorted(state.halted_by))
    return Ground("review-halted", by=by) if by else None


def battery_is_new(_f: Framework, state: State, event: measuring.BatterySealed) -> Ground | None:
    """A battery is sealed once."""
    known = event.battery in state.batteries
    return Ground("battery-sealed", battery=event.battery) if known else None


def item_sets_are_numeric(f: Framework, _s: State, event: measuring.BatterySealed) -> Ground | None:
    """Each item set serves a numeric criterion, or a name that is no criterion's.

    Under such a name it measures beside the criteria, and no verdict follows.
    """
    for each in event.item_sets:
        if isinstance(f.criterion(each.criterion), DeclaredCriterion):
            return Ground("criterion-not-numeric", framework=f.id, criterion=each.criterion)
    return None


def variant_is_current(
    _f: Framework,
    state: State,
    event: measuring.SnapshotSeen | measuring.SnapshotChanged | measuring.OutcomesRecorded,
) -> Ground | None:
    """The variant was submitted and no changed snapshot has taken its place."""
    if event.variant not in state.variants:
        return Ground("variant-unknown", variant=event.variant)
    seen = state.snapshots.get(event.variant)
    if seen and seen.replaced_by:
        return Ground("variant-replaced", variant=event.variant, now=seen.replaced_by)
    return None


def snapshot_is_the_same(
    _f: Framework, state: State, event: measuring.SnapshotSeen
) -> Ground | None:
    """Another identity by the same method is another variant."""
    seen = state.snapshots.get(event.variant)
    before = seen.digests.get(event.method) if seen else None
    if before not in (None, event.digest):
        return Ground("snapshot-changed", variant=event.variant, before=before, method=event.method)
    return None


def new_variant_is_new(
    _f: Framework, state: State, event: measuring.SnapshotChanged
) -> Ground | None:
    """What answers now gets an id of its own."""
    taken = event.new_variant in state.variants
    return Ground("variant-id-taken", variant=event.new_variant) if taken else None


def battery_has_the_criterion(
    _f: Framework,
    state: State,
    event: measuring.OutcomesRecorded | measuring.VerdictReached,
) -> Ground | None:
    """The battery was sealed with items for this criterion."""
    battery = state.batteries.get(event.battery)
    if battery is None:
        return Ground("battery-unknown", battery=event.battery)
    if battery.item_set(event.criterion) is None:
        return Ground("battery-without-items", battery=event.battery, criterion=event.criterion)
    return None


def battery_is_sealed(
    _f: Framework, state: State, event: measuring.MeasuringStopped | Looked
) -> Ground | None:
    """Only a battery that was sealed can stop being run, and has transcripts."""
    known = event.battery in state.batteries
    return None if known else Ground("battery-unknown", battery=event.battery)


def battery_has_the_items(
    f: Framework, state: State, event: measuring.OutcomesRecorded
) -> Ground | None:
    """Only items and attempts that were sealed are recorded."""
    battery = state.batteries.get(event.battery)
    items = battery.item_set(event.criterion) if battery else None
    if items is None:
        return battery_has_the_criterion(f, state, event)
    for each in event.outcomes:
        if each.index >= items.size or each.attempt > items.attempts:
            return Ground(
                "item-not-sealed",
                item=each.index,
                attempt=each.attempt,
                battery=event.battery,
                items=items.size,
                attempts=items.attempts,
                criterion=event.criterion,
            )
    return None


def mode_is_known(_f: Framework, state: State, event: measuring.OutcomesRecorded) -> Ground | None:
    """The variant was submitted with this mode."""
    if event.mode in state.variants[event.variant].modes:
        return None
    return Ground("mode-unknown", variant=event.variant, mode=event.mode)


def outcomes_are_first(
    _f: Framework, state: State, event: measuring.OutcomesRecorded
) -> Ground | None:
    """The first recorded outcome of a sample stands."""
    key = RunKey(event.battery, event.criterion, event.variant, event.mode)
    for each in event.outcomes:
        if state.is_recorded(key, each.attempt, each.index):
            return Ground("outcome-stands", item=each.index, attempt=each.attempt)
    return None


def scores_stand_apart(
    _f: Framework, state: State, event: measuring.OutcomesRecorded
) -> Ground | None:
    """A run has scores that are only reported, or results that a word may rest on; never both."""
    tally = state.tally(event.battery, event.criterion, event.variant, event.mode)
    after = tally.counting(event.outcomes)
    decided = sum(after.results.get(each, 0) for each in measuring.MEASURED)
    if not (after.reported and decided):
        return None
    return Ground("scores-mixed", reported=after.reported, measured=decided)


def comparisons_are_of_what_is_recorded(
    _f: Framework, state: State, event: measuring.OutcomesRecorded
) -> Ground | None:
    """Modes are compared on items whose answers are recorded in both, and on no others."""
    modes = state.variants[event.variant].modes
    for each in event.compared:
        if each.mode not in modes:
            return Ground("mode-unknown", variant=event.variant, mode=each.mode)
        other = RunKey(event.battery, event.criterion, event.variant, each.mode)
        both = sum(state.is_recorded(other, o.attempt, o.index) for o in event.outcomes)
        compared = each.alike + each.unlike
        if compared > both:
            return Ground("compared-not-recorded", compared=compared, mode=each.mode, recorded=both)
    return None


def rates_are_the_frameworks(
    f: Framework, state: State, event: measuring.VerdictReached
) -> Ground | None:
    """A verdict is reached at the error rates that the framework states, or stricter ones.

    Where every item runs first, these are its shares: of alpha among the modes that may cross the
    criterion, of beta among the modes of its reference.
    """
    criterion = f.criterion(event.criterion)
    if not isinstance(criterion, NumericCriterion):
        return Ground("criterion-not-numeric", framework=f.id, criterion=event.criterion)
    alpha, beta = Decimal(criterion.alpha), Decimal(criterion.beta)
    if event.stop is None:
        alpha = share(criterion.alpha, max(1, ways_of_crossing(criterion, state)))
    if len(event.references) > 1:
        beta = share(criterion.beta, len(event.references))
    if not (0 < Decimal(event.alpha) <= alpha and 0 < Decimal(event.beta) <= beta):
        return Ground(
            "error-rates-too-loose", criterion=event.criterion, alpha=f"{alpha}", beta=f"{beta}"
        )
    return None


def mode_is_judged(f: Framework, _s: State, event: measuring.VerdictReached) -> Ground | None:
    """A criterion is judged only in the modes that the framework names."""
    criterion = f.criterion(event.criterion)
    modes = criterion.modes if isinstance(criterion, NumericCriterion) else "any"
    if modes != "any" and event.mode not in modes:
        return Ground("mode-not-judged", criterion=event.criterion, modes=tuple(modes))
    return None


def counts_are_recorded(
    _f: Framework, state: State, event: measuring.VerdictReached
) -> Ground | None:
    """A verdict that may not stop early counts every item that was sealed, as it is recorded.

    Of one that may, `stopping` says which it counts.
    """
    sealed = state.batteries[event.battery].item_set(event.criterion)
    if event.stop is not None or sealed is None or sealed.design == "sequential":
        return None
    attempt = state.tally(event.battery, event.criterion, event.variant, event.mode).attempt()
    solved, recorded = attempt.counts()[0], min(attempt.prefix, sealed.size)
    if (event.solved, event.counted) != (solved, recorded) or recorded < sealed.size:
        return Ground(
            "counts-misstated",
            solved=solved,
            counted=attempt.recorded.bit_count(),
            variant=event.variant,
            mode=event.mode,
            sealed=sealed.size,
            said_solved=event.solved,
            said_counted=event.counted,
        )
    return None


def no_score_is_only_reported(
    _f: Framework, state: State, event: measuring.VerdictReached
) -> Ground | None:
    """Nothing is concluded from scores that are only reported, in any run of the criterion.

    They are neither solved nor lost: counted as other outcomes are, they would say "below".
    """
    reported = sum(
        tally.reported
        for key, tally in state.tallies.items()
        if (key.battery, key.criterion) == (event.battery, event.criterion)
    )
    if not reported:
        return None
    return Ground("score-only-reported", criterion=event.criterion, reported=reported)


def verdict_is_first(_f: Framework, state: State, event: measuring.VerdictReached) -> Ground | None:
    """A verdict stands; only one that answers nothing is followed by another on this battery."""
    key = RunKey(event.battery, event.criterion, event.variant, event.mode)
    before = state.verdicts.get(key)
    if before and before.verdict not in {VerdictWord.UNDETERMINED, VerdictWord.NOT_MEASURED}:
        return Ground("verdict-stands", verdict=str(before.verdict))
    return None


def has_not_halted(_f: Framework, state: State, event: measuring.ReviewHalted) -> Ground | None:
    """One party's halt is recorded once."""
    return Ground("halted-already") if event.actor in state.halted_by else None


def has_halted(_f: Framework, state: State, event: measuring.ReviewResumed) -> Ground | None:
    """A halt is lifted only by the party that made it."""
    return None if event.actor in state.halted_by else Ground("halt-of-another")
