"""The developer's run of the items that a case has opened, in the same elicitation; and its log.

The developer runs opened items at its own endpoint (`run_opened`), signs for the log by handing it
in as a document of the case, and whoever may read the outcomes holds it against them (`check_log`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from touchstone.evaluation import ChunkSpec, Mode, Reveal, check_reveal, endpoint_digest
from touchstone.evaluation.agents.dry_call import resolve
from touchstone.evaluation.chunk_session import ChunkItem
from touchstone.evaluation.chunks import MAX_CHUNK
from touchstone.evaluation.digests import digest_bytes
from touchstone.evaluation.parity_logs import ParityError, ParityLog, read_parity_log
from touchstone.evaluation.runner import SandboxChoice, run_chunk
from touchstone.evaluation.workers.messages import JobItem
from touchstone.evaluation.workers.pack_jobs import PACK
from touchstone.evaluation.workers.process import make_item
from touchstone.handin.shown_ids import short_digest
from touchstone.review import RunKey
from touchstone.review.events.opening import DocumentHandedIn
from touchstone.service.case_context import Case
from touchstone.service.measurement.parity.comparing_items import ItemsCompared, compare_items
from touchstone.service.measurement.parity.recorded import (
    TYPES,
    RecordedItems,
    RecordedRuns,
    recorded_runs,
)
from touchstone.verdicts.content_parsers import Registered


@dataclass(frozen=True)
class Parity:
    """A developer's run beside the one on record."""

    elicitation: str
    """The digest under which both ran."""
    documents: tuple[str, ...]
    """The documents by which the developer signed for its logs."""
    missing: tuple[int, ...]
    """Positions that stand on record and in no log."""
    compared: ItemsCompared

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"elicitation digest {self.elicitation}"
        yield f"signed for by the developer as {', '.join(self.documents)}"
        yield from self.compared.lines()
        if self.missing:
            yield f"  on record, and in no log: items {', '.join(map(str, self.missing))}"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        told: dict[str, Any] = {"elicitation": self.elicitation, "documents": list(self.documents)}
        told |= {"missing": list(self.missing)}
        return {**told, **self.compared.as_dict()}


def check_logs(case: Case, logs: Sequence[tuple[str, bytes]]) -> Parity:
    """Hold logs of a developer's run against what is on record, item by item.

    Args:
        case: The case.
        logs: By the name of the file; all of one run.

    Raises:
        ParityError: the developer did not sign for one, it was edited, is of another elicitation or
            of other items, or the logs are of several runs.
    """
    found = recorded_runs(case.entries_of(*TYPES))
    results: dict[int, bool | None] = {}
    keys, documents = dict[RunKey, None](), []
    for source, data in logs:
        documents.append(_signed_as(case, source, data))
        log = read_parity_log(data, source)
        key = _run_of(case, found, log, source)
        keys[key] = None
        if twice := results.keys() & log.results.keys():
            raise ParityError(f"{source}: not taken: position {min(twice)} is in another log too")
        results.update(log.results)
    if len(keys) != 1:
        raise ParityError("--log: name logs of one run, of one criterion, variant and mode")
    (key,) = keys
    run = found.runs[key]
    names = ("the developer's run", "the run on record")
    compared = compare_items(key.criterion, names, (results, run.results), run.flaws)
    missing = tuple(sorted(run.results.keys() - results.keys()))
    registered = found.registered[key.battery]
    how = {registered.elicitation_of(name).digest for name in _sets(run)}
    return Parity(", ".join(sorted(how)), tuple(documents), missing, compared)


def _signed_as(case: Case, source: str, data: bytes) -> str:
    digest = digest_bytes(data).removeprefix("sha256:")
    developer = case.participants.developer
    for entry in case.entries_of("document-handed-in"):
        event = entry.event
        if (
            isinstance(event, DocumentHandedIn)
            and event.actor == developer
            and event.digest.removeprefix("sha256:") == digest
        ):
            return event.document
    raise ParityError(
        f"{source}: not taken: {developer} has not signed for it; have it handed in first:"
        f" touchstone document add {case.id[:8]} FILE --kind log --as {developer}"
    )


def _run_of(case: Case, found: RecordedRuns, log: ParityLog, source: str) -> RunKey:
    """The run whose items a log is of: its chunk's name says so, and nothing else could."""
    said, indices = log.arguments, log.results
    known = {
        each.drawn_out(sealed.elicitation).digest
        for sealed in found.registered.values()
        for each in sealed.battery.sets
    }
    if said.get("elicitation") not in known:
        sealed = ", ".join(sorted(known)) or "nothing"
        raise ParityError(
            f"{source}: not taken: it is of elicitation {said.get('elicitation')}, and the case was"
            f" sealed with {sealed}"
        )
    for key, run in found.runs.items():
        registered = found.registered[key.battery]
        for item_set, whole in _stretches(run):
            spec = _spec(case, registered, item_set, key, whole, said.get("endpoint", ""))
            named = (spec.id, spec.elicitation) == (said.get("chunk"), said.get("elicitation"))
            # Not all of them: where a run was stopped, two logs have what it ran.
            if named and set(indices) <= set(whole):
                return key
    raise ParityError(
        f"{source}: not taken: it is of items or of a run that the case does not have"
    )


def _spec(
    case: Case,
    registered: Registered,
    item_set: str,
    key: RunKey,
    indices: tuple[int, ...],
    endpoint: str,
) -> ChunkSpec:
    return ChunkSpec(
        case=case.id,
        battery=registered.battery.digest,
        item_set=item_set,
        variant=key.variant,
        mode=key.mode,
        endpoint=endpoint,
        elicitation=registered.elicitation_of(item_set).digest,
        rule=registered.rule.digest,
        indices=indices,
    )


def run_opened(
    case: Case,
    criterion: str,
    mode: Mode,
    api_key: str,
    out: Path,
    sandbox: SandboxChoice | None = None,
) -> tuple[Path, ...]:
    """Run the items that a case has opened of a run, as the centre did; gives the logs.

    Run again, it goes on: what was answered is never asked again.

    Args:
        case: The case.
        criterion: Whose items.
        mode: The mode, by its id and variant in the case, at the endpoint that is to be asked.
        api_key: That endpoint's key, written nowhere.
        out: Folder for journals and logs.
        sandbox: The sandbox provider.

    Raises:
        ParityError: the case opened no items of such a run, or the agent here is another.
        ChunkError: a family makes other items than were sealed.
    """
    found = recorded_runs(case.entries_of(*TYPES))
    wanted = [k for k in found.runs if k[1:] == (criterion, mode.variant, mode.id)]
    if not wanted or not found.runs[wanted[-1]].opened:
        raise ParityError(
            f"the case has opened no items of {criterion}, {mode.variant} in {mode.id}; see"
            " `touchstone parity compare`"
        )
    key = wanted[-1]
    registered, run = found.registered[key.battery], found.runs[key]
    for how in map(registered.elicitation_of, _sets(run)):
        if how.code is not None and resolve(how) != how:
            raise ParityError(
                f"the agent here is not the one of {how.id} that was sealed: {how.code}"
            )
    logs = []
    for item_set, indices in _stretches(run):
        spec = _spec(case, registered, item_set, key, indices, endpoint_digest(mode))
        folder = out / spec.id
        run_chunk(
            spec,
            folder=folder,
            home=out,
            mode=mode,
            api_key=api_key,
            items=[_item(registered, run.opened[n]) for n in indices],
            elicitation=registered.elicitation_of(item_set),
            rule=registered.rule,
            sandbox=sandbox,
        )
        logs += sorted((folder / "logs").glob("*.eval"))
    return tuple(logs)


def _sets(run: RecordedItems) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item_set for item_set, _ in _stretches(run)))


def _stretches(run: RecordedItems) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Consecutive positions of one item set, no more of them than a chunk takes."""
    stretch: list[Reveal] = []
    for _, each in sorted(run.opened.items()):
        last = stretch[-1] if stretch else None
        follows = last is not None and (each.item_set, each.index) == (
            last.item_set,
            last.index + 1,
        )
        if stretch and (not follows or len(stretch) == MAX_CHUNK):
            yield stretch[0].item_set, tuple(n.index for n in stretch)
            stretch = []
        stretch.append(each)
    if stretch:
        yield stretch[0].item_set, tuple(n.index for n in stretch)


def _item(registered: Registered, opened: Reveal) -> ChunkItem:
    sealed = registered.battery.find(opened.item_set)
    if sealed.made_by is not None and sealed.made_by.distribution.startswith(PACK):
        raise ParityError(
            f"{opened.item_set}: its items are a pack's, {short_digest(sealed.made_by.digest)}; run"
            " it by: touchstone pack run"
        )
    part = JobItem(
        index=opened.index,
        commitment=sealed.commitments[opened.index],
        item_id=opened.item_id,
        digest=opened.item,
    )
    made = make_item(part, sealed.made_by)
    # The developer finds out here that the centre ran what it had committed to.
    check_reveal(registered.battery, opened, made.item)
    return made
