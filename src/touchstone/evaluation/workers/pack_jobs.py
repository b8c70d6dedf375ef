"""The worker's side of a chunk whose items are a pack's."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from touchstone.evaluation.assets.store import store_folder
from touchstone.evaluation.errors import ChunkError
from touchstone.evaluation.families.naming import parse_item_id
from touchstone.evaluation.outcomes import Outcome
from touchstone.evaluation.packs.apart import ProcessLimits
from touchstone.evaluation.packs.family import PackFamily
from touchstone.evaluation.packs.registering import registered
from touchstone.evaluation.packs.relay import SUBJECT, RelayLimits, RoleEndpoint
from touchstone.evaluation.packs.running import PackSettings
from touchstone.evaluation.packs.sealed import SealedItem, run_sealed_chunk
from touchstone.evaluation.quota import Quota
from touchstone.evaluation.runner import ChunkResult
from touchstone.evaluation.seals import item_digest
from touchstone.evaluation.submission import Mode
from touchstone.evaluation.workers.messages import WorkerJob

PACK = "pack:"
"""With what the distribution of a pack's code begins, as it is sealed."""


def run_pack_job(
    job: WorkerJob, on_outcome: Callable[[Outcome], None], stop: Callable[[], str]
) -> ChunkResult:
    """Run the job, each item held against its seal before the pack's process starts.

    Raises:
        ChunkError: the pack that is registered here is not the one that was sealed.
        TouchstoneError: as `run_sealed_chunk`.
    """
    home, mode, asking = Path(job.home), job.mode, job.asking
    sealed = job.made_by
    if sealed is None:
        raise ChunkError("no pack is named")
    family = PackFamily(registered(home, sealed.distribution.removeprefix(PACK)))
    if family.code != sealed:
        raise ChunkError(f"pack {family.name!r} was sealed as {sealed}, and is {family.code} here")
    items = {}
    for part in job.items:
        _, seed, difficulty = parse_item_id(part.item_id)
        if item_digest(family.generate(seed, difficulty)) != part.digest:
            raise ChunkError(f"position {part.index}: the pack has another item than was sealed")
        items[part.index] = SealedItem(part.commitment, family.frozen(seed))
    process = ProcessLimits()
    if (most := job.limits.process_seconds) is not None:
        process = replace(process, seconds=most)
    if job.seconds is not None:
        process = replace(process, seconds=min(process.seconds, job.seconds))

    def endpoint(of: Mode) -> RoleEndpoint:
        quota = Quota(home, of.base_url, asking.max_connections, asking.requests_per_second)
        return RoleEndpoint(of, os.environ.get(of.api_key_env, ""), quota)

    return run_sealed_chunk(
        family.pack,
        job.spec,
        items,
        {SUBJECT: endpoint(mode), **{role: endpoint(of) for role, of in job.roles.items()}},
        Path(job.folder),
        PackSettings(
            process=process,
            relay=RelayLimits(tokens=job.tokens),
            asking=asking,
            assets=store_folder(home),
            sample=job.limits.of_sample,
        ),
        rule=job.rule,
        expected_models=frozenset(job.expected_models),
        on_outcome=on_outcome,
        stop=stop,
    )
