"""Outcomes of a chunk into the record, with what opens its items; and a breach, with its halt."""

import time
from collections.abc import Sequence

from touchstone.deeds.cases import review_halted
from touchstone.deeds.deed import Deed
from touchstone.deeds.measurement import outcomes_recorded, sandbox_breached
from touchstone.evaluation import AdjudicationRule, Battery, ChunkSpec, Outcome, Usage
from touchstone.evaluation.errors import JournalHeldError
from touchstone.evaluation.journal import Journal, JournalGlance, glance
from touchstone.evaluation.kept_answers import KeptAnswers
from touchstone.review import RunKey, State
from touchstone.review.audience_view import known_facts
from touchstone.review.events import measuring
from touchstone.service.case_context import Case
from touchstone.service.measurement.chunk_logs import with_logs
from touchstone.service.measurement.chunk_queue import Chunks
from touchstone.verdicts.modes_compared import ANSWERED, Answers

PROBES = "snapshot-probes"
"""Where the tokens of probes are counted, beside those of chunks."""
LOOKED = ("snapshot-seen", "snapshot-changed")
"""The types of the events with which probes go."""
HELD_SECONDS = 15
"""A worker whose parent was killed ends within 10 s of its own accord."""
POLL_SECONDS = 0.05


def record_outcomes(
    case: Case,
    battery: Battery,
    spec: ChunkSpec,
    key: RunKey,
    outcomes: Sequence[Outcome],
    used: Usage,
    logs: Sequence[bytes] = (),
    answers: Answers | None = None,
) -> State:
    """Record those outcomes of a chunk that the record does not hold yet; the first one stands.

    `used` is every token of the chunk so far, those of samples that a dead run lost included;
    `logs` are Inspect's own of its executions, in order, where they are small enough to be kept:
    with several there is a deed for each. `answers` is what the record holds of answers, where the
    caller keeps it; else it is read.
    """
    answers = Answers.of_record(case.entries_of(ANSWERED)) if answers is None else answers

    def compared(part: Sequence[Outcome]) -> tuple[measuring.Compared, ...]:
        # Modes are held against one another by what they answered first.
        return answers.compare(key, part) if spec.attempt == 1 else ()

    def deeds(state: State) -> list[Deed]:
        # Inside the transaction: another process may have recorded some of them since they were
        # told.
        fresh = [o for o in outcomes if not state.is_recorded(key, spec.attempt, o.index)]
        return [
            outcomes_recorded(case, battery, spec, key, part, compared(part), used, log)
            for part, log in with_logs(fresh, logs)
        ]

    state = case.record(deeds)
    if spec.attempt == 1:
        answers.add(key, outcomes)
    return state


def record_not_run(case: Case, battery: Battery, chunks: Chunks) -> State:
    """Say of each chunk that was not run that a verdict stood before it.

    Every chunk of the plan has an entry then, however early a verdict came: who may count entries
    and read none learns nothing from their number.

    Args:
        case: The case, once nothing more needs to run.
        battery: The battery whose chunks they are.
        chunks: Every chunk of its plan.
    """

    def deeds(_state: State) -> list[Deed]:
        reader = case.installation.records.case(case.id)
        said = {facts["chunk"] for _, facts in known_facts(reader, [ANSWERED])}
        return [
            outcomes_recorded(case, battery, spec, key, (), (), Usage(), None)
            for name, (spec, key) in chunks.items()
            if name not in said
        ]

    return case.record(deeds)


def journal_when_free(case: Case, chunk: str) -> Journal:
    """A chunk's journal on this machine, which a worker just killed may hold a little longer.

    Raises:
        JournalError: it is still held then, is another chunk's, or the disk refuses.
    """
    folder = case.installation.records.work(case.id) / chunk
    until = time.monotonic() + HELD_SECONDS
    while True:
        try:
            return Journal(folder, chunk)
        except JournalHeldError:
            if time.monotonic() > until:
                raise
        time.sleep(POLL_SECONDS)


def looked_into(case: Case, chunk: str) -> JournalGlance:
    """What a chunk's journal on this machine says, whoever holds it; a killed worker's is awaited.

    Raises:
        JournalError: it cannot be read, is another chunk's, or is not as it was written.
    """
    try:
        with journal_when_free(case, chunk) as journal:
            return JournalGlance(frozenset(journal.begun), frozenset(journal.outcomes))
    except JournalHeldError:
        # Its worker may run for hours yet, and what it has written till now is there to be read.
        return glance(case.installation.records.work(case.id) / chunk, chunk)


def left_by_a_dead_run(
    case: Case,
    spec: ChunkSpec,
    battery: Battery,
    rule: AdjudicationRule,
    why: str,
    *,
    final: bool,
) -> tuple[tuple[Outcome, ...], Usage]:
    """Every outcome in the journal of a chunk whose run broke off, and what was used in all.

    A sample that was answered and not judged, or begun too often, gets its outcome here: the chunk
    may never run again. One that was begun without an answer has none, and may; of a chunk that is
    given up (`final`) it has its outcome too, so that nothing that was begun is passed over.

    Raises:
        JournalError: the journal is in use.
    """
    committed = battery.sealed.find(spec.item_set).commitments
    with journal_when_free(case, spec.id) as journal:
        commitments = {index: committed[index] for index in spec.indices}
        with KeptAnswers(journal.path.parent, spec.id) as kept:
            journal.settle(commitments, rule, why, final=final, kept=kept.held)
            if final or len(journal.outcomes) == len(commitments):
                kept.drop()
        found = tuple(journal.outcomes[index] for index in sorted(journal.outcomes))
        return found, journal.used()


def record_breach(case: Case, spec: ChunkSpec, outcomes: Sequence[Outcome]) -> None:
    """Record that the sandbox was breached, and halt the review in the same transaction."""
    seen = [event for outcome in outcomes for event in outcome.events]
    # The last one: after a breach nothing more is run.
    guard = f"{seen[-1].kind}: {seen[-1].detail}" if seen else "seen by the sandbox's watcher"
    at = case.now()
    breached = sandbox_breached(case, guard[:500], spec.id, at, case.marks.pair)
    halt = halt_of_breach(case, at)

    def deeds(state: State) -> list[Deed]:
        stands = case.participants.centre in state.halted_by
        # In one transaction: a breach without its halt would let the next chunk begin.
        return [breached] if stands else [breached, halt]

    case.record(deeds)


def halt_of_breach(case: Case, at: str) -> Deed:
    """The centre's halt that a breach calls for, made at a time (UTC)."""
    reason, marking = "a guard of the sandbox gave way", case.marks.pair
    return review_halted(case, case.participants.centre, reason, marking, at)


def used_before(case: Case) -> dict[str, Usage]:
    """Tokens so far: of every chunk of which the record holds outcomes, by chunk, and of probes."""
    used: dict[str, Usage] = {}
    for entry in case.entries_of(ANSWERED, *LOOKED):
        if entry.kind == ANSWERED:
            if (details := entry.content("details")) is not None:
                # Set, not added: each entry of a chunk tells all that the chunk took so far.
                used[entry.event.facts()["chunk"]] = Usage.model_validate(details["used"])
        elif entry.kind in LOOKED:
            asked = entry.content("probes") or {}
            for taken in (
                each for kind in ("probes", "readiness") for each in asked.get(kind, {}).values()
            ):
                used[PROBES] = used.get(PROBES, Usage()) + Usage.model_validate(taken["usage"])
    return used
