"""Deeds of measuring: the seal, snapshots, outcomes, verdicts, breaches, stops. All by the centre.

Begin at `case.record([measuring_stopped(case, battery, reason, begun)])`; see
`touchstone.deeds.drafting`. Nobody types these facts: they are made as they stand in the events.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from touchstone.clearance import Marking
from touchstone.deeds.deed import Attachment, Content, Deed, Evidence
from touchstone.deeds.drafting import worded
from touchstone.deeds.known_case import KnownCase
from touchstone.deeds.seeding import Contributions, origin_of
from touchstone.evaluation import (
    AdjudicationRule,
    Battery,
    BatteryPlan,
    ChunkSpec,
    Elicitation,
    Mode,
    Outcome,
    Usage,
    reveal,
)
from touchstone.evaluation.digests import digest_value
from touchstone.evaluation.oversight import Probe, Readiness, When
from touchstone.evaluation.oversight.graded.accuracy import GradedBattery
from touchstone.evaluation.oversight.power import MeasuredPower
from touchstone.evaluation.oversight.sightings import (
    ScannedTranscript,
    count_sightings,
    sightings_file,
)
from touchstone.review import RunKey
from touchstone.review.events import detecting, measuring
from touchstone.verdicts.conditions import Conditions
from touchstone.verdicts.fixed_verdicts import Judged
from touchstone.verdicts.modes_compared import reasoning_apart
from touchstone.verdicts.preregistration import VerdictPlan
from touchstone.verdicts.runs import Run
from touchstone.verdicts.sequential_verdicts import EarlyVerdict

METHOD: Literal["behaviour-probe"] = "behaviour-probe"
"""How snapshots are taken: by what each mode's endpoint answers and calls itself."""


def battery_sealed(
    case: KnownCase,
    plan: BatteryPlan,
    battery: Battery,
    modes: Sequence[Mode],
    chosen: Sequence[Run],
    verdicts: VerdictPlan,
    elicitation: Elicitation,
    rule: AdjudicationRule,
    grade: str,
    *,
    accepted: bool,
    readiness: Mapping[str, Readiness],
    contributions: Contributions,
) -> Deed:
    """A battery is committed to before the first sample runs, with all that is pre-registered.

    Args:
        case: The case.
        plan: What was to be drawn.
        battery: What was drawn from a seed that the centre alone reads.
        modes: Those that were handed in.
        chosen: Every item set in every mode in which it runs.
        verdicts: How verdicts are reached.
        elicitation: How the models are drawn out.
        rule: What becomes of an item that was begun more than once.
        grade: The sandbox's.
        accepted: Whether a weaker grade than usual was accepted.
        readiness: What each mode did when asked for a tool call and a long answer.
        contributions: What the seed is made of; empty: the centre drew it as it sealed.
    """
    sealed, origin = battery.sealed, origin_of(contributions)
    event = measuring.BatterySealed(
        actor=case.participants.centre,
        at=case.now(),
        marking=case.marks.case,
        battery=plan.id,
        commitment=sealed.digest.removeprefix("sha256:"),
        item_sets=_item_sets(plan, battery, verdicts),
        elicitation=elicitation.digest,
        order=digest_value([part.order for part in sealed.sets]).removeprefix("sha256:"),
        verdicts=verdicts.digest,
        reasoning=tuple(mode.id for mode in modes if mode.settings.asks_for_reasoning),
        reasoning_apart=reasoning_apart(chosen),
        schema=1 if origin is None else 2,
        origin=origin,
    )
    registered = {
        "battery": sealed.model_dump(mode="json"),
        "elicitation": elicitation.model_dump(mode="json"),
        "rule": rule.model_dump(mode="json"),
        "grade": grade,
        "weaker_grade_accepted": accepted,
        "readiness": {mode: _shown(said) for mode, said in readiness.items()},
        "runs": [[run.item_set, run.mode.variant, run.mode.id] for run in chosen],
        "verdicts": verdicts.model_dump(mode="json"),
    }
    # For the centre alone: whoever has the seed can make every item, with its answer.
    secret = Content(_secret(plan, battery, contributions), case.marks.centre)
    return Deed(event, (Content(registered, case.marks.case), secret))


def _secret(plan: BatteryPlan, battery: Battery, contributions: Contributions) -> dict[str, Any]:
    """What draws the battery again."""
    given = {side: dict(said) for side, said in contributions.items()}
    drawn = {"seed": battery.seed.hex(), "plan": _plan_value(plan)}
    return drawn | ({"contributions": given} if given else {})


def _item_sets(
    plan: BatteryPlan, battery: Battery, verdicts: VerdictPlan
) -> tuple[measuring.ItemSet, ...]:
    return tuple(
        measuring.ItemSet(
            criterion=part.criterion,
            size=len(battery.items[part.id]),
            attempts=part.attempts,
            design=verdicts.design(part.id),
        )
        for part in plan.sets
    )


def _shown(said: Readiness) -> dict[str, Any]:
    """What a mode did when it was asked, as every party of the case may read it."""
    return {
        "calls_tools": said.calls_tools,
        "answers_at_length": said.answers_at_length,
        "why": list(said.why),
    }


def _plan_value(plan: BatteryPlan) -> dict[str, Any]:
    """The plan as canonical JSON: keys are text there."""
    value = plan.model_dump(mode="json")
    for part in value["sets"]:
        part["counts"] = [[level, count] for level, count in part["counts"].items()]
    return value


# ------------------------------------------------------------------ snapshots


def identity_of(probes: Mapping[str, Probe]) -> str:
    """The digest of the model names that the endpoints of a variant's modes report."""
    return digest_value({mode: list(taken.models) for mode, taken in probes.items()})


def snapshot_seen(
    case: KnownCase,
    variant: str,
    probes: Mapping[str, Probe],
    when: When,
    readiness: Mapping[str, Readiness],
    conditions: Conditions | None,
    at: str,
) -> Deed:
    """What answers for a variant, by mode: what it did before, or the first that is known of it.

    `conditions` are those under which this run of the command measures, `at` when it was asked
    (UTC).
    """
    event = measuring.SnapshotSeen(
        actor=case.participants.centre,
        at=at,
        marking=case.marks.case,
        variant=variant,
        method=METHOD,
        digest=identity_of(probes),
        moment=when,
    )
    return Deed(event, _probed(case, probes, readiness, conditions))


def snapshot_changed(
    case: KnownCase,
    variant: str,
    probes: Mapping[str, Probe],
    readiness: Mapping[str, Readiness],
    conditions: Conditions | None,
    at: str,
) -> Deed:
    """Another model answers for a variant than before: a variant of its own from here on."""
    identity = identity_of(probes)
    event = measuring.SnapshotChanged(
        actor=case.participants.centre,
        at=at,
        marking=case.marks.case,
        variant=variant,
        # Named by what answers now, so that it has one name however often it is met.
        new_variant=f"{variant}-changed-{identity[-8:]}",
        method=METHOD,
        digest=identity,
    )
    return Deed(event, _probed(case, probes, readiness, conditions))


def _probed(
    case: KnownCase,
    probes: Mapping[str, Probe],
    readiness: Mapping[str, Readiness],
    conditions: Conditions | None,
) -> tuple[Content, ...]:
    shown = {mode: taken.model_dump(mode="json") for mode, taken in probes.items()}
    asked = {mode: said.model_dump(mode="json") for mode, said in readiness.items()}
    told = {"probes": shown, **({"readiness": asked} if asked else {})}
    # What a probe brought is an answer of the model, and for those who may see its others.
    parts = (Content(told, case.marks.shown_to(*case.agreed_readers("outcomes"))),)
    if conditions is None:
        return parts
    under = {"conditions": conditions.model_dump(mode="json")}
    return (*parts, Content(under, case.marks.case))


# ------------------------------------------------------------------ outcomes


def outcomes_recorded(
    case: KnownCase,
    battery: Battery,
    spec: ChunkSpec,
    key: RunKey,
    outcomes: Sequence[Outcome],
    compared: tuple[measuring.Compared, ...],
    used: Usage,
    log: bytes | None,
) -> Deed:
    """Outcomes of a chunk, with what opens their items and, where there is one, the engine's log.

    `compared` holds them against those of other modes; `used` is every token of the chunk so far.
    """
    marks = case.marks
    readers = marks.shown_to(*case.agreed_readers("outcomes"))
    event = measuring.OutcomesRecorded(
        actor=case.participants.centre,
        at=case.now(),
        marking=marks.case,
        battery=key.battery,
        criterion=key.criterion,
        variant=key.variant,
        mode=key.mode,
        chunk=spec.id,
        outcomes=tuple(_recorded(outcome, spec.attempt) for outcome in outcomes),
        compared=compared,
    )
    details = {
        "outcomes": [outcome.model_dump(mode="json") for outcome in outcomes],
        "used": used.model_dump(mode="json"),
    }
    parts: list[Attachment] = [
        Content(_opened(battery, spec, outcomes), marks.case),
        Content(details, readers),
    ]
    if log is not None:
        parts.append(Evidence(log, "application/zip", f"{spec.id}.eval", readers))
    return Deed(event, tuple(parts))


def _recorded(outcome: Outcome, attempt: int) -> measuring.Outcome:
    return measuring.Outcome(
        index=outcome.index,
        item=outcome.commitment,
        attempt=attempt,
        result=outcome.result,
        tokens=outcome.usage.total,
        reasoning=outcome.reasoning != "none" or outcome.usage.reasoning > 0,
        executions=outcome.executions,
        score=None if outcome.reported is None else outcome.reported.share,
    )


def _opened(battery: Battery, spec: ChunkSpec, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    opened = reveal(
        battery.seed,
        spec.item_set,
        battery.items[spec.item_set],
        [outcome.index for outcome in outcomes],
    )
    return {"opened": [each.model_dump(mode="json") for each in opened]}


def verdict_reached(
    case: KnownCase, said: EarlyVerdict | Judged, lost: measuring.Unmeasured | None = None
) -> Deed:
    """What a run says; `lost` is what measured nothing of the samples an early one rests on."""
    references: tuple[measuring.Reference, ...] = ()
    if isinstance(said, EarlyVerdict):
        key, solved, counted = said.ran.key, said.solved, said.progress.used
        interval, stop = said.interval, said.stop
        alpha, beta = said.ran.rule.alpha, said.ran.rule.beta
        unmeasured = lost or measuring.Unmeasured()
    else:
        key, solved, counted = said.key, said.verdict.solved, said.verdict.counted
        interval, stop = said.verdict.interval, None
        alpha, beta = f"{said.rule.alpha:.6f}", said.beta
        unmeasured, references = said.unmeasured, said.references
    event = measuring.VerdictReached(
        actor=case.participants.centre,
        at=case.now(),
        marking=case.marks.case,
        battery=key.battery,
        criterion=key.criterion,
        variant=key.variant,
        mode=key.mode,
        verdict=said.word,
        solved=solved,
        counted=counted,
        unmeasured=unmeasured,
        reasoning=said.reasoning,
        references=references,
        interval=(f"{interval.low:.6f}", f"{interval.high:.6f}"),
        alpha=alpha,
        beta=beta,
        stop=stop,
    )
    return Deed(event)


# ------------------------------------------------------------------ what detectors flagged


def transcripts_scanned(
    case: KnownCase,
    battery: str,
    rows: Mapping[str, ScannedTranscript],
    power: MeasuredPower,
    canaries: int,
) -> Deed:
    """Detectors looked at the transcripts of a battery; what they quote goes as logs go.

    Args:
        case: The case.
        battery: The battery.
        rows: By the name of each transcript, in order, what every detector did with it.
        power: What is known of the detectors that looked.
        canaries: How many marks of the items were looked for.
    """
    told = power.model_dump(mode="json")
    names = [each.detector for each in power.detectors]
    scanned = list(rows.values())
    event = detecting.TranscriptsScanned(
        actor=case.participants.centre,
        at=case.now(),
        marking=case.marks.case,
        battery=battery,
        transcripts=len(rows),
        looked_at=sum(all(look.looked for look in row.looks) for row in scanned),
        canaries=canaries,
        detectors=power.digest,
        power=digest_value(told),
        counts=tuple(
            detecting.Detected(**each.model_dump()) for each in count_sightings(scanned, names)
        ),
    )
    readers = case.marks.shown_to(*case.agreed_readers("outcomes"))
    seen = Evidence(sightings_file(rows), "application/json", "sightings.json", readers)
    return Deed(event, (Content(told, case.marks.case), seen))


def transcripts_graded(case: KnownCase, battery: str, graded: GradedBattery) -> Deed:
    """A grader was asked about the transcripts of a battery; what it says of them goes as logs go.

    Args:
        case: The case.
        battery: The battery.
        graded: What the grader made of its transcripts, with its measured error.
    """
    told = graded.accuracy.model_dump(mode="json")
    scanned = list(graded.rows.values())
    alone = [row for name, row in graded.rows.items() if name not in graded.parts]
    counts = []
    for name in (each.detector for each in graded.accuracy.detectors):
        ((every,), (short,)) = (count_sightings(rows, (name,)) for rows in (scanned, alone))
        counts.append(
            detecting.Graded(
                **every.model_dump(), alone_flagged=short.flagged, alone_unflagged=short.unflagged
            )
        )
    event = detecting.TranscriptsGraded(
        actor=case.participants.centre,
        at=case.now(),
        marking=case.marks.case,
        battery=battery,
        transcripts=len(scanned),
        looked_at=sum(all(look.looked for look in row.looks) for row in scanned),
        questions=graded.accuracy.questions,
        endpoint=graded.accuracy.endpoint,
        whose="under-review" if graded.under_review else "centre",
        accuracy=digest_value(told),
        calls=graded.calls,
        input=graded.usage.input,
        output=graded.usage.output,
        counts=tuple(counts),
    )
    readers = case.marks.shown_to(*case.agreed_readers("outcomes"))
    data = sightings_file(graded.rows, parts=graded.parts)
    seen = Evidence(data, "application/json", "sightings.json", readers)
    return Deed(event, (Content(told, case.marks.case), seen))


# ------------------------------------------------------------------ what went wrong


def sandbox_breached(case: KnownCase, guard: str, chunk: str, at: str, marking: Marking) -> Deed:
    """A guard of the sandbox gave way while a chunk ran, as seen at a time (UTC)."""
    facts = {"at": at, "chunk": chunk, "seen_at": at}
    kind = measuring.SandboxBreached
    return worded(case, kind, case.participants.centre, marking, texts={"guard": guard}, **facts)


def measuring_stopped(
    case: KnownCase, battery: str, reason: measuring.StopReason, begun: int, uncounted: int = 0
) -> Deed:
    """Measuring ended early; `begun` is how many samples were begun without an outcome.

    `uncounted` is of how many chunks that is not known.
    """
    event = measuring.MeasuringStopped(
        actor=case.participants.centre,
        at=case.now(),
        marking=case.marks.case,
        battery=battery,
        reason=reason,
        begun=begun,
        uncounted=uncounted,
    )
    return Deed(event)
