"""A chunk of a sealed battery whose items are a pack's: the same journal, results and stops."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from touchstone.evaluation.chunk_session import DRAINING
from touchstone.evaluation.chunks import ChunkSpec
from touchstone.evaluation.errors import EndpointKeyMissingError
from touchstone.evaluation.journal import MOST_EXECUTIONS, Journal
from touchstone.evaluation.outcomes import AdjudicationRule, Outcome, Usage
from touchstone.evaluation.packs.chunk import pack_outcome, run_left
from touchstone.evaluation.packs.errors import PackBreachError
from touchstone.evaluation.packs.items import FrozenItem
from touchstone.evaluation.packs.registering import RegisteredPack
from touchstone.evaluation.packs.relay import CAP, RoleEndpoint
from touchstone.evaluation.packs.running import LOG, PackOutcome, PackSettings
from touchstone.evaluation.runner import ChunkResult


class _StoppedError(Exception):
    """Whoever runs the chunk says that nothing more may be asked."""


@dataclass(frozen=True)
class SealedItem:
    """One position of a sealed set, and what runs there."""

    commitment: str
    item: FrozenItem


def run_sealed_chunk(
    pack: RegisteredPack,
    spec: ChunkSpec,
    items: Mapping[int, SealedItem],
    asked: Mapping[str, RoleEndpoint],
    folder: Path,
    settings: PackSettings,
    *,
    rule: AdjudicationRule,
    expected_models: frozenset[str] = frozenset(),
    on_outcome: Callable[[Outcome], None] | None = None,
    stop: Callable[[], str] | None = None,
) -> ChunkResult:
    """Run what the chunk's journal does not hold yet, in one process of the pack.

    Args:
        pack: As it was sealed.
        spec: What is run.
        items: Its positions.
        asked: The endpoint under review and those of the pack's roles, with their keys; the pack
            gets none of them.
        folder: The chunk's own folder.
        settings: How much the process may use.
        rule: The one that the chunk names.
        expected_models: Model names of the snapshot; another one loses its item. Empty: any.
        on_outcome: Told of each new outcome once it is on disk.
        stop: Asked before the process starts and at each answer.

    Raises:
        EndpointKeyMissingError: no key was given.
        JournalError: the journal is in use, or cannot be written.
        PackError: packs cannot run here.
    """
    _require_keys(asked)
    asks, tells = stop or _never, on_outcome or _untold
    with Journal(folder, spec.id) as journal:
        committed = {place: each.commitment for place, each in items.items()}
        for each in journal.settle(committed, rule, "its worker died or was stopped"):
            tells(each)
        before = set(journal.begun)
        open_still = {p: each.item for p, each in items.items() if p not in journal.outcomes}
        left = _within_the_cap(open_still, pack, settings)
        ran, stopped = _run(journal, pack, left, asked, settings, asks)
        if not stopped and (len(left) < len(open_still) or any(r.limit == CAP for r in ran)):
            stopped = CAP
        for said in ran:
            if said.result == "lost-endpoint" and not said.calls:
                journal.lose(said.place, said.reason)
                # As of a family's item: it told nothing yet, and may be asked again.
                if journal.begun[said.place] < MOST_EXECUTIONS:
                    continue
            outcome = pack_outcome(said, committed[said.place], rule, journal)
            if expected_models and set(outcome.models) - expected_models:
                stopped, outcome = "snapshot-changed", _of_another(outcome, rule)
            if journal.record(outcome):
                tells(outcome)
        if journal.lost() and not stopped and not any(each.calls for each in ran):
            stopped = "endpoint-failing"
        return _result(journal, spec, items, before & set(left) if ran else set(), stopped)


def _require_keys(asked: Mapping[str, RoleEndpoint]) -> None:
    lacking = next((each.mode.api_key_env for each in asked.values() if not each.key), None)
    if lacking is not None:
        raise EndpointKeyMissingError(f"no key: set {lacking} in the environment")


def _within_the_cap(
    left: Mapping[int, FrozenItem], pack: RegisteredPack, settings: PackSettings
) -> dict[int, FrozenItem]:
    """The first items whose limits together fit what may be used: none begins that may not end."""
    most, each = settings.relay.tokens, settings.sample.over(pack.limits).tokens
    count = len(left) if most is None or each is None else most // each
    return dict(list(left.items())[:count])


def _run(
    journal: Journal,
    pack: RegisteredPack,
    left: Mapping[int, FrozenItem],
    asked: Mapping[str, RoleEndpoint],
    settings: PackSettings,
    asks: Callable[[], str],
) -> tuple[tuple[PackOutcome, ...], str]:
    """What the pack said of what was left, and why nothing more may be asked."""

    def on_answer(place: int, usage: Usage) -> None:
        journal.use(place, usage)
        why = asks()
        # What lets samples come to their end lets this process do so.
        if why and why not in DRAINING:
            raise _StoppedError(why)

    if why := asks():
        return (), why
    try:
        return run_left(journal, pack.source(), left, asked, settings, on_answer), asks()
    except _StoppedError as error:
        return (), str(error)
    except PackBreachError:
        return (), "breach"


def _of_another(outcome: Outcome, rule: AdjudicationRule) -> Outcome:
    names = ", ".join(outcome.models)
    return outcome.model_copy(
        update={
            "result": "lost-endpoint",
            "score": rule.score("lost-endpoint"),
            "cause": "endpoint",
            "reason": f"another model answered: {names}"[:300],
        }
    )


def _result(
    journal: Journal,
    spec: ChunkSpec,
    items: Mapping[int, SealedItem],
    repeated: set[int],
    stopped: str,
) -> ChunkResult:
    log = journal.path.with_name(LOG)
    return ChunkResult(
        chunk=spec.id,
        outcomes=tuple(journal.outcomes[place] for place in sorted(journal.outcomes)),
        missing=tuple(place for place in items if place not in journal.outcomes),
        repeated=tuple(sorted(repeated)),
        stopped=stopped,
        total=journal.used(),
        log=log if log.is_file() else None,
        begun=journal.interrupted(),
        lost=journal.lost(),
    )


def _never() -> str:
    return ""


def _untold(_: Outcome) -> None:
    """Nobody asked to be told."""
