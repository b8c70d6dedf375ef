"""What parent and worker say to each other: one JSON line each way."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from touchstone.evaluation.batteries import Battery
from touchstone.evaluation.chunks import ChunkSpec
from touchstone.evaluation.digests import Frozen
from touchstone.evaluation.elicitation import Elicitation
from touchstone.evaluation.families.code import FamilyCode
from touchstone.evaluation.limits import EndpointLimits
from touchstone.evaluation.outcomes import AdjudicationRule, Lost, Outcome, Usage
from touchstone.evaluation.seals import item_digest
from touchstone.evaluation.set_choices import SetLimits
from touchstone.evaluation.submission import Mode

MAX_LINE = 1024 * 1024


class JobItem(Frozen):
    """One position: enough for the worker to make the item again and to check it."""

    index: int
    commitment: str
    item_id: str
    digest: str


class WorkerJob(Frozen):
    """One chunk to run. The endpoint's key is not in it: it is in the worker's environment."""

    spec: ChunkSpec
    mode: Mode
    elicitation: Elicitation
    rule: AdjudicationRule = AdjudicationRule()
    asking: EndpointLimits = EndpointLimits()
    tokens: int | None = None
    """The allowance's tokens."""
    seconds: int | None = None
    """The allowance's seconds."""
    expected_models: tuple[str, ...] = ()
    provider: str = "touchstone"
    """The sandbox provider."""
    config: dict[str, JsonValue] | None = None
    """The sandbox provider's settings."""
    made_by: FamilyCode | None = None
    """Whose code makes the items; None: that of the shipped family."""
    limits: SetLimits = SetLimits()
    """Of one sample of a pack and of its process, where the battery says otherwise than it."""
    roles: Mapping[str, Mode] = {}
    """The models that a pack asks beside the subject; their keys are in the environment, too."""
    items: tuple[JobItem, ...]
    folder: str
    """The chunk's own folder."""
    home: str
    """TOUCHSTONE_HOME."""


class WorkerEvent(Frozen):
    """What a worker reports."""

    event: Literal[
        "ready", "started", "outcome", "known", "heartbeat", "finished", "failed", "died"
    ]
    worker: int = 0
    """The pool's number for the worker."""
    chunk: str = ""
    outcome: Outcome | None = None
    """With `outcome`: it is on disk in the chunk's journal. With `known`: it was there before, and
    is told again, before `finished`: whoever heard of it may be gone."""
    missing: tuple[int, ...] = ()
    """With `finished`: positions without an outcome."""
    repeated: tuple[int, ...] = ()
    """With `finished`: positions that a dead run had begun and this one ran again."""
    stopped: str = ""
    """With `finished`: empty, or why not all ran."""
    begun: tuple[int, ...] = ()
    """With `finished`: positions that were begun and have no outcome."""
    lost: tuple[Lost, ...] = ()
    """With `finished`: those of them that the endpoint failed before the model said anything."""
    total: Usage = Usage()
    """With `finished`: every token of the chunk known so far."""
    log: str = ""
    """With `finished`: Inspect's log."""
    text: str = ""
    """With `failed` and `died`: one plain line."""


def make_job(
    battery: Battery,
    spec: ChunkSpec,
    mode: Mode,
    elicitation: Elicitation,
    *,
    folder: Path,
    home: Path,
    rule: AdjudicationRule | None = None,
    asking: EndpointLimits | None = None,
    tokens: int | None = None,
    seconds: int | None = None,
    expected_models: tuple[str, ...] = (),
    provider: str = "touchstone",
    config: dict[str, JsonValue] | None = None,
) -> WorkerJob:
    """The job of a chunk, with the ids and digests of its items alone; see `run_chunk`."""
    sealed = battery.sealed.find(spec.item_set)
    items = battery.items[spec.item_set]
    return WorkerJob(
        spec=spec,
        mode=mode,
        elicitation=elicitation,
        rule=rule or AdjudicationRule(),
        asking=asking or EndpointLimits(),
        tokens=tokens,
        seconds=seconds,
        expected_models=expected_models,
        provider=provider,
        config=config,
        made_by=sealed.made_by,
        limits=sealed.limits,
        roles=next(part.roles for part in battery.plan.sets if part.id == spec.item_set),
        items=tuple(
            JobItem(
                index=index,
                commitment=sealed.commitments[index],
                item_id=items[index].id,
                digest=item_digest(items[index]),
            )
            for index in spec.indices
        ),
        folder=str(folder),
        home=str(home),
    )
