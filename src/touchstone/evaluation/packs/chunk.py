"""One chunk of a registered pack under a journal: run again after any death, it goes on.

What the subject had answered when a process died is never asked again; the first outcome stands.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import anyio

from touchstone.evaluation.digests import digest_value
from touchstone.evaluation.journal import Journal
from touchstone.evaluation.outcomes import AdjudicationRule, Outcome, Usage
from touchstone.evaluation.packs.items import FrozenItem
from touchstone.evaluation.packs.registering import RegisteredPack
from touchstone.evaluation.packs.relay import RoleEndpoint
from touchstone.evaluation.packs.running import PackOutcome, PackSettings, check_roles, run_items
from touchstone.evaluation.packs.source import PackSource
from touchstone.evaluation.submission import endpoint_digest

_DIED = "its process died or was stopped"


def chunk_name(
    pack: RegisteredPack, places: Sequence[int], asked: Mapping[str, RoleEndpoint]
) -> str:
    """32 hex digits of all that a chunk's outcomes rest on."""
    endpoints = {role: endpoint_digest(each.mode) for role, each in sorted(asked.items())}
    told = {"pack": pack.digest, "places": list(places), "endpoints": endpoints}
    return digest_value(told).removeprefix("sha256:")[:32]


def run_pack_chunk(
    pack: RegisteredPack,
    places: Sequence[int],
    asked: Mapping[str, RoleEndpoint],
    folder: Path,
    settings: PackSettings,
) -> tuple[Outcome, ...]:
    """Run what the chunk's journal does not hold yet; gives all its outcomes, by position.

    Args:
        pack: As it was registered.
        places: Positions in the registered item set.
        asked: The endpoint of the subject and of each role.
        folder: Below it the chunk's own folder, for its journal and Inspect's log.
        settings: How much its process may use.

    Raises:
        PackError: a role has no endpoint, or packs cannot run here.
        JournalError: the journal is in use, or cannot be written.
    """
    source, rule = pack.source(), AdjudicationRule()
    check_roles(source, asked)
    name = chunk_name(pack, places, asked)
    commitments = {place: pack.items[place].digest for place in places}
    with Journal(folder / name, name) as journal:
        journal.settle(commitments, rule, _DIED)
        left = {place: pack.items[place] for place in places if place not in journal.outcomes}
        for each in run_left(journal, source, left, asked, settings, journal.use):
            journal.record(pack_outcome(each, each.item, rule, journal))
        return tuple(journal.outcomes[place] for place in places if place in journal.outcomes)


def run_left(
    journal: Journal,
    source: PackSource,
    left: Mapping[int, FrozenItem],
    asked: Mapping[str, RoleEndpoint],
    settings: PackSettings,
    on_answer: Callable[[int, Usage], None],
) -> tuple[PackOutcome, ...]:
    """Begin what is left of a chunk in its journal, and run it in one process of the pack.

    Args:
        journal: The chunk's; Inspect's log comes beside it.
        source: The pack.
        left: What is to run, by position.
        asked: The endpoint of the subject and of each role.
        settings: How much the process may use.
        on_answer: Told of each answer of the subject's; it writes to the journal.

    Raises:
        PackError: as `run_items`.
        Exception: what `on_answer` raised.
    """
    for place in left:
        journal.begin(place)
    if not left:
        return ()
    # What is not said in pack.toml is the task's own, and the task knows it.
    limits, folder = settings.sample.over(source.manifest.limits), journal.path.parent
    return anyio.run(run_items, source, left, asked, limits, folder, settings, on_answer).outcomes


def pack_outcome(
    said: PackOutcome, commitment: str, rule: AdjudicationRule, journal: Journal
) -> Outcome:
    """A pack's word on one item as an outcome, under what the item was committed to."""
    return Outcome(
        index=said.place,
        commitment=commitment,
        result=said.result,
        score=rule.score(said.result),
        reported=said.reported,
        reason=said.reason,
        cause=said.cause,
        limit=said.limit,
        usage=said.usage,
        seconds=said.seconds,
        models=said.models,
        calls=said.calls,
        executions=journal.begun[said.place],
        events=said.events,
        uuid=said.uuid,
        pack=said.pack,
    )
