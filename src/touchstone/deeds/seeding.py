"""Deeds on a battery's seed: both sides contribute before it is sealed, the centre opens it after.

Begin at `case.record([seed_committed(case)])`; and see `touchstone.review.seeds`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from touchstone.deeds.deed import Content, Deed
from touchstone.deeds.drafting import event_of
from touchstone.deeds.known_case import KnownCase
from touchstone.ledger import digest_value
from touchstone.review import State
from touchstone.review.audience_view import Entry
from touchstone.review.events import seeding
from touchstone.review.seeds import (
    CONTRIBUTION,
    contribution_content,
    drawn_of,
    seed_commitment,
    seed_of,
)

Contributions = Mapping[str, Mapping[str, Any]]
"""By side, what it contributed, as it stands in the record; empty where nobody committed."""


def seed_committed(case: KnownCase, battery: str) -> Deed:
    """The centre commits to what it contributes to the seed of the next battery, drawn now."""
    drawn = case.random.draw(CONTRIBUTION)
    given = contribution_content(battery, "centre", drawn)
    centre, digest = case.participants.centre, digest_value(given)
    facts = {"battery": battery, "contribution": digest}
    event = event_of(case, seeding.SeedCommitted, centre, **facts)
    # For the centre alone until it reveals it: whoever has both can make every item.
    return Deed(event, (Content(given, case.marks.centre),))


def seed_contributed(case: KnownCase, by: str, battery: str, answers: str) -> Deed:
    """The developer contributes to a seed, drawn now; `answers` is the centre's commitment."""
    drawn = case.random.draw(CONTRIBUTION)
    given = contribution_content(battery, "developer", drawn)
    facts = {"battery": battery, "answers": answers, "contribution": digest_value(given)}
    event = event_of(case, seeding.SeedContributed, by, **facts)
    return Deed(event, (Content(given, case.marks.pair),))


def seed_revealed(case: KnownCase, by: str, battery: str, secret: Mapping[str, Any]) -> Deed:
    """The centre opens a seed to the developer, as it was sealed.

    Args:
        case: The case.
        by: The centre.
        battery: The battery.
        secret: The part `secret` of its seal, which the centre alone could read so far.
    """
    origin = origin_of(secret.get("contributions") or {})
    seed = seed_commitment(bytes.fromhex(secret["seed"]))
    facts = {"battery": battery, "seed": seed, "origin": origin and origin.model_dump()}
    event = event_of(case, seeding.SeedRevealed, by, **facts)
    readers = case.marks.shown_to(*case.agreed_readers("outcomes"))
    return Deed(event, (Content(dict(secret), readers),))


def origin_of(given: Contributions) -> seeding.SeedOrigin | None:
    """What a seed of these is said to be made of; None where the centre committed to nothing."""
    if not given:
        return None
    return seeding.SeedOrigin(**{side: digest_value(said) for side, said in given.items()})


def contributions_to(state: State, battery: str, entries: Iterator[Entry]) -> Contributions:
    """What was contributed to a battery's seed, as far as it may be read.

    Args:
        state: The case.
        battery: The battery.
        entries: Those on seeds.
    """
    if battery not in state.seeds:
        return {}
    return {
        said["of"]: said
        for entry in entries
        if entry.kind in {"seed-committed", "seed-contributed"}
        and (said := entry.content("contribution")) is not None
        and said["battery"] == battery
    }


def seed_from(battery: str, given: Contributions) -> bytes:
    """The seed that follows from what was contributed, the centre's among it."""
    theirs = drawn_of(given["developer"]) if "developer" in given else None
    return seed_of(battery, drawn_of(given["centre"]), theirs)
