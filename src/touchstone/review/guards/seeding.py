"""Guards on a battery's seed: one commitment, one answer, and no seed but the one of the two."""

from touchstone.framework import Framework
from touchstone.review.events import measuring, seeding
from touchstone.review.grounds import Ground
from touchstone.review.state import State


def seed_is_of_the_next_battery(
    _f: Framework, state: State, event: seeding.SeedCommitted
) -> Ground | None:
    """The centre commits to the seed of the battery that is sealed next, and to no later one."""
    following = state.next_battery
    if event.battery == following:
        return None
    return Ground("seed-of-another-battery", battery=event.battery, next=following)


def seed_is_committed_once(
    _f: Framework, state: State, event: seeding.SeedCommitted
) -> Ground | None:
    """A commitment stands: with a second one the centre could answer what the developer gave."""
    known = event.battery in state.seeds
    return Ground("seed-committed", battery=event.battery) if known else None


def seed_awaits_an_answer(
    _f: Framework, state: State, event: seeding.SeedContributed
) -> Ground | None:
    """The developer contributes after the centre has committed, and before the battery is sealed.

    What comes once it is sealed could be of nothing, and is refused as late.
    """
    if event.battery in state.batteries:
        return Ground("contribution-late", battery=event.battery)
    known = event.battery in state.seeds
    return None if known else Ground("seed-not-committed-to", battery=event.battery)


def answers_the_commitment(
    _f: Framework, state: State, event: seeding.SeedContributed
) -> Ground | None:
    """The developer's deed names the commitment that it answers."""
    committed = state.seeds[event.battery].committed.contribution
    if event.answers == committed:
        return None
    return Ground("another-commitment", committed=committed, battery=event.battery)


def contributed_once(_f: Framework, state: State, event: seeding.SeedContributed) -> Ground | None:
    """What the developer gave stands."""
    given = state.seeds[event.battery].contributed
    return Ground("contribution-stands", battery=event.battery) if given else None


def seed_is_the_one_committed_to(
    _f: Framework, state: State, event: measuring.BatterySealed
) -> Ground | None:
    """A battery whose seed was committed to is drawn from that, and from what was answered.

    While one waits to be sealed, no other battery is: else the centre could look at the answer, and
    draw anew under another name.
    """
    waiting = next((name for name in state.seeds if name not in state.batteries), None)
    if waiting not in (None, event.battery):
        return Ground("seed-waits", battery=waiting)
    seed = state.seeds.get(event.battery)
    if event.origin != (seed and seed.origin):
        return Ground("another-origin", battery=event.battery)
    return None


def seed_is_of_a_sealed_battery(
    _f: Framework, state: State, event: seeding.SeedRevealed
) -> Ground | None:
    """Only the seed of a battery that was sealed is revealed, and as it was sealed."""
    sealed = state.batteries.get(event.battery)
    if sealed is None:
        return Ground("battery-unknown", battery=event.battery)
    return (
        None if sealed.origin == event.origin else Ground("another-origin", battery=event.battery)
    )


def seed_is_closed(_f: Framework, state: State, event: seeding.SeedRevealed) -> Ground | None:
    """A seed is revealed once."""
    known = event.battery in state.seeds_revealed
    return Ground("seed-revealed", battery=event.battery) if known else None


def items_are_secret(
    _f: Framework, state: State, event: measuring.OutcomesRecorded
) -> Ground | None:
    """Once the seed is revealed every item can be made: what runs then shows nothing."""
    known = event.battery in state.seeds_revealed
    return Ground("seed-revealed", battery=event.battery) if known else None
