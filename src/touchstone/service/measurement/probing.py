"""Snapshot probes into the record: what answered before, during and after the samples."""

from collections.abc import Mapping, Sequence

from touchstone.deeds.deed import Deed
from touchstone.deeds.measurement import (
    METHOD,
    identity_of,
    snapshot_changed,
    snapshot_seen,
)
from touchstone.evaluation import BatteryPlan, Elicitation, Submission, endpoint_digest
from touchstone.evaluation.limits import EndpointLimits
from touchstone.evaluation.oversight import Probe, Readiness, When
from touchstone.evaluation.oversight.readiness import ask_readiness
from touchstone.evaluation.oversight.snapshots import probe
from touchstone.review import State
from touchstone.service.case_context import Case
from touchstone.service.errors import CannotReviewError, StoppedError
from touchstone.verdicts.conditions import Conditions
from touchstone.verdicts.errors import CannotRunError

ASKING = EndpointLimits()
"""The same patience as with samples: an endpoint that would be reviewed is not refused before."""


def probe_modes(
    submission: Submission, keys: Mapping[str, str], when: When, at: str
) -> dict[str, Probe]:
    """What answers in each mode now; nothing is recorded.

    Raises:
        CannotRunError: an endpoint cannot be reached, and what it did.
    """
    probes = {
        mode.id: probe(mode, keys[mode.api_key_env], when=when, at=at, asking=ASKING)
        for mode in submission.modes
    }
    for mode, taken in probes.items():
        if taken.failed:
            raise CannotRunError(f"mode {mode}: the endpoint gave {taken.failed}")
    return probes


def probe_roles(plan: BatteryPlan, keys: Mapping[str, str], when: When, at: str) -> None:
    """Ask whoever grades for a pack, once each: a review is not to find out after its samples.

    Raises:
        CannotRunError: an endpoint cannot be reached or does not answer as one, and what it did.
    """
    asked = set[str]()
    for part in plan.sets:
        for role, mode in part.roles.items():
            if (endpoint := endpoint_digest(mode)) in asked:
                continue
            asked.add(endpoint)
            taken = probe(mode, keys[mode.api_key_env], when=when, at=at, asking=ASKING)
            if taken.failed:
                raise CannotRunError(
                    f"set {part.id}: role {role!r}: its endpoint gave {taken.failed}"
                )


def ask_modes(
    submission: Submission,
    keys: Mapping[str, str],
    elicitations: Sequence[Elicitation],
    *,
    accepted: bool,
) -> dict[str, Readiness]:
    """Ask each mode for one tool call and one long answer, as samples will; nothing is recorded.

    Args:
        submission: Whose modes are asked.
        keys: Environment variables with the endpoints' keys.
        elicitations: Whose tools and system prompts are sent; the usual one first.
        accepted: Let a mode pass that gives one of them not.

    Raises:
        CannotReviewError: a mode gives one of them not, and that was not accepted.
    """
    different = list[Elicitation]()
    for each in elicitations:
        if (each.instructions, each.tools) not in {(a.instructions, a.tools) for a in different}:
            different.append(each)
    found: dict[str, Readiness] = {}
    for mode in submission.modes:
        key = keys[mode.api_key_env]
        for how in different:
            said = ask_readiness(mode, key, how, asking=ASKING)
            # What is recorded is of the usual one; the others must be borne as well.
            found.setdefault(mode.id, said)
            if not said.ready and not accepted:
                raise CannotReviewError("mode-not-ready", mode=mode.id, why="; ".join(said.why))
    return found


def take_snapshots(
    case: Case,
    keys: Mapping[str, str],
    when: When,
    probes: Mapping[str, Probe] | None = None,
    readiness: Mapping[str, Readiness] | None = None,
    conditions: Conditions | None = None,
) -> dict[str, tuple[str, ...]]:
    """Record what answers, by variant; gives the model names by mode. Probes where none are given.

    The identity is the model name that each mode's endpoint reports. Its fixed answers are kept
    beside it: sampled text may differ without any change, so it never decides alone. What the modes
    did when asked for a tool call and a long answer is kept with it, where they were asked, and
    with the first of a run of the command the conditions under which it measures.

    Raises:
        CannotRunError: an endpoint cannot be reached, and what it did.
        StoppedError: another model answers than before.
    """
    probes = probes or probe_modes(case.submission, keys, when, case.now())
    for variant in case.submission.variants:
        mine = {m.id: probes[m.id] for m in case.submission.modes if m.variant == variant.id}
        if mine:
            ready = {mode: said for mode, said in (readiness or {}).items() if mode in mine}
            _record(case, variant.id, mine, when, ready, conditions)
            # With the first alone: with each, one run of the command would read as several.
            conditions = None
    return {mode: taken.models for mode, taken in probes.items()}


def _record(
    case: Case,
    variant: str,
    probes: Mapping[str, Probe],
    when: When,
    readiness: Mapping[str, Readiness],
    conditions: Conditions | None,
) -> None:
    identity, at = identity_of(probes), case.now()
    changed = False

    def deeds(state: State) -> list[Deed]:
        nonlocal changed
        known = state.snapshots.get(variant)
        before = known.digests.get(METHOD) if known else None
        # An earlier run has said so, and a variant is replaced once.
        if known and known.replaced_by:
            changed = True
            return []
        # By names alone: sampled text differs from one call to the next, and a change seen in it
        # would stop every review.
        if before in (None, identity):
            return [snapshot_seen(case, variant, probes, when, readiness, conditions, at)]
        changed = True
        return [snapshot_changed(case, variant, probes, readiness, conditions, at)]

    case.record(deeds)
    if changed:
        raise StoppedError(
            f"another model answers for variant {variant} than before; what ran before is kept and "
            "not pooled; submit what answers now as a variant of its own",
            "snapshot-changed",
        )
