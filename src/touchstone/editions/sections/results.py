"""What was measured and how: modes, elicitation, results, what was not measured, what it cost."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from touchstone.editions.audience_case import AudienceCase, listed, number, plain
from touchstone.editions.page import DifficultyCount, Fact, ModeFacts, NotMeasured, ResultRow
from touchstone.editions.run_text import lost_beside
from touchstone.editions.sections.conditions import chosen_facts
from touchstone.editions.sections.evidence import (
    broken_off_runs,
    early_verdicts,
    evidence_facts,
)
from touchstone.editions.sections.instrument import instrument_note
from touchstone.editions.sections.unmeasured import UnmeasuredRun, unmeasured_runs
from touchstone.editions.sentences import sentence
from touchstone.evaluation import Elicitation
from touchstone.framework import NumericCriterion
from touchstone.review.events.measuring import MEASURED, Unmeasured, VerdictReached
from touchstone.review.shares import ways_of_crossing
from touchstone.review.state import RunKey
from touchstone.statistics import Interval, VerdictWord, clopper_pearson
from touchstone.verdicts.modes_compared import modes_alike
from touchstone.verdicts.preregistration import VerdictPlan
from touchstone.verdicts.sequential_verdicts import EarlyVerdict

GRADES = {
    "vm": "vm: a machine of its own",
    "container": "container",
    "confined": "confined: bubblewrap with all guards, on a shared kernel",
    "limited": "limited: bubblewrap with what an ordinary user gets, on a shared kernel",
    "none": "none",
}


def mode_facts(case: AudienceCase) -> tuple[ModeFacts, ...]:
    """The ways of running the model, as they were measured."""
    shown = case.content("submission-received", "modes") or {}
    return tuple(
        ModeFacts(
            id=mode["id"],
            variant=mode["variant"],
            model=mode["model"],
            endpoint=mode["endpoint"],
            settings=", ".join(
                f"{plain(k.replace('_', ' '))} {v}" for k, v in mode["settings"].items()
            )
            or "the endpoint's defaults",
            answered=_answered(case, mode["id"]),
            snapshots=_snapshots(case, mode["variant"]),
        )
        for mode in shown.get("modes", ())
    )


def _answered(case: AudienceCase, mode: str) -> str:
    """Every model name that the endpoint of a mode reported, over all probes."""
    found: dict[str, None] = {}
    for entry in case.visible("snapshot-seen") + case.visible("snapshot-changed"):
        probes = (entry.content("probes") or {}).get("probes", {})
        found |= dict.fromkeys(probes.get(mode, {}).get("models", ()))
    return ", ".join(found)


def _snapshots(case: AudienceCase, variant: str) -> str:
    if any(e.event.facts()["variant"] == variant for e in case.visible("snapshot-changed")):
        return "changed in mid-review: what came after is not pooled"
    moments = [
        e.event.facts()["moment"]
        for e in case.visible("snapshot-seen")
        if e.event.facts()["variant"] == variant
    ]
    if not moments:
        return "none that may be read here"
    return f"the same identity {listed(list(dict.fromkeys(moments)))} the samples"


def elicitation_facts(case: AudienceCase) -> tuple[Fact, ...]:
    """How the model was drawn out, and what was sealed before the first sample."""
    batteries = list(case.state.batteries.values())
    if not batteries:
        return ()
    newest = batteries[-1]
    sealed = case.content("battery-sealed", "registered")
    sizes = listed([f"{s.size} items for “{case.title(s.criterion)}”" for s in newest.item_sets])
    return (
        *(() if sealed is None else _drawn_out(sealed)),
        Fact("Elicitation record", newest.elicitation),
        Fact("Battery", sizes),
        *_stopping(sealed),
        *chosen_facts(case),
        Fact("Sealed battery (commitment)", f"sha256:{newest.commitment}"),
        Fact("Order of the items (commitment)", f"sha256:{newest.order}"),
    )


def _stopping(sealed: dict[str, Any] | None) -> tuple[Fact, ...]:
    """How samples stop, where the audience may read what was registered."""
    if sealed is None or "verdicts" not in sealed:
        return ()
    plan = VerdictPlan.model_validate(sealed["verdicts"])
    early = [run for run in plan.runs if run.design == "sequential"]
    late = [run for run in plan.runs if run.design == "fixed"]
    if not early:
        text = "every item runs before any verdict"
    else:
        text = (
            "a verdict may stop at any sample of the sealed order; none is issued more than "
            f"{plan.ahead} places ahead"
        )
        if late:
            names = listed([f"“{name}”" for name in dict.fromkeys(run.criterion for run in late)])
            text += f"; of {names} every item runs first"
    return (
        Fact("Stops", text),
        Fact("Rules of the verdicts (digest)", plan.digest),
    )


def _drawn_out(sealed: dict[str, Any]) -> tuple[Fact, ...]:
    how = Elicitation.model_validate(sealed["elicitation"])
    return (
        Fact(
            "Agent",
            f"{how.agent}: think, call tools, see their output, until it submits; "
            f"where it stops calling tools it is told to go on, {number(how.nudges, 'time')}",
        ),
        Fact("Tools", ", ".join(how.tools)),
        Fact("Attempts at each item", str(how.attempts)),
        Fact(
            "Limits of a sample",
            f"{how.message_limit} messages, {how.token_limit:,} tokens, "
            f"{how.working_seconds} s of work, {how.tool_seconds} s a tool call",
        ),
        Fact("Sandbox grade", GRADES.get(sealed["grade"], sealed["grade"])),
        Fact(
            "Counted by",
            "the rule fixed beforehand: a planned limit used up is unsolved; what "
            "was refused, cut or lost counts against each word; the first outcome stands",
        ),
        Fact("Prompts", how.prompts_digest),
    )


def result_rows(case: AudienceCase) -> tuple[ResultRow, ...]:
    """One row a criterion and mode of which the audience may read outcomes or the verdict."""
    keys = dict.fromkeys([*case.state.tallies, *case.state.verdicts])
    early, broken = early_verdicts(case), broken_off_runs(case)
    rows = [row for key in keys if (row := _row(case, key, early.get(key), broken.get(key)))]
    order = list(case.titles)
    rows.sort(
        key=lambda row: (
            order.index(row.criterion) if row.criterion in order else len(order),
            row.criterion,
            row.mode,
        )
    )
    return tuple(rows)


def _row(
    case: AudienceCase, key: RunKey, early: EarlyVerdict | None, broken: Interval | None
) -> ResultRow | None:
    criterion = case.framework.criterion(key.criterion) if case.framework else None
    numeric = criterion if isinstance(criterion, NumericCriterion) else None
    reached, tally = case.state.verdicts.get(key), case.state.tally(*key)
    told = _counted(case, key, early.interval if early else broken)
    if told is None:
        return None
    solved, counted, lost, (low, high), sealed = told
    on_scale = numeric is not None and numeric.measure == "success-rate"
    return ResultRow(
        criterion=key.criterion,
        title=case.title(key.criterion),
        domain=plain(numeric.domain).capitalize() if numeric else "",
        mode=_mode(case, key),
        verdict=reached.verdict if reached else _unsaid(case, key, numeric),
        solved=solved,
        counted=counted,
        low=low,
        high=high,
        rule=_rule(case, numeric, early=sealed is not None),
        threshold=float(numeric.threshold) if numeric and on_scale else None,
        zone=float(numeric.zone) if numeric and on_scale else 0.0,
        zone_side=numeric.zone_side if numeric else "both",
        extreme=not lost.total and solved in (0, counted),
        outcomes=tuple(sorted(tally.results.items(), key=lambda pair: -pair[1])),
        by_difficulty=_difficulties(case, key, None if sealed is None else counted),
        evidence=evidence_facts(early, tally.recorded) if early else None,
        lost=tuple(lost.by_kind.items()),
        beside=tuple(
            lost_beside(each)
            for each in (reached.references if reached else ())
            if each.unmeasured.total or not each.shown
        ),
        repeated=tally.attempt().repeated(),
        sealed=sealed,
        instrument=instrument_note(case, key),
        claimed=_claimed(reached, numeric) if numeric and on_scale else None,
    )


def _claimed(reached: VerdictReached | None, numeric: NumericCriterion) -> float | None:
    """The rate that a word claims: as recorded with an early one, else the threshold itself."""
    if reached is None or reached.verdict not in {VerdictWord.ABOVE, VerdictWord.BELOW}:
        return None
    early = reached.stop
    return float(numeric.threshold if early is None else early.claimed or numeric.threshold)


def _unsaid(case: AudienceCase, key: RunKey, numeric: NumericCriterion | None) -> str:
    """What is said in the place of a verdict."""
    if numeric is None:
        return "no-threshold"
    submitted = case.state.variants.get(key.variant)
    compared = submitted is not None and submitted.purpose == "reference"
    return "reference" if compared else "not-reached"


Told = tuple[int, int, Unmeasured, tuple[float, float], int | None]


def _counted(case: AudienceCase, key: RunKey, so_far: Interval | None) -> Told | None:
    """Solved, counted, what went unmeasured, the interval, and how many were sealed if it may stop.

    Of a run that something stopped before its verdict, the samples of its prefix, with an interval
    that is valid there: for whom it can be replayed the confidence sequence, else what is certain.
    """
    reached, attempt = case.state.verdicts.get(key), case.state.tally(*key).attempt()
    if reached:
        lost, low, high = reached.unmeasured, *map(float, reached.interval)
        size = reached.stop.size if reached.stop else None
        return reached.solved, reached.counted, lost, (low, high), size
    battery = case.state.batteries.get(key.battery)
    sealed = battery.item_set(key.criterion) if battery else None
    whole = sealed is None or attempt.prefix >= sealed.size
    if sealed is not None and (sealed.design == "sequential" or not whole):
        if not (used := attempt.prefix):
            return None
        solved, measured = attempt.counts(used)
        lost = attempt.unmeasured(used)
        ends = solved / sealed.size, 1 - (measured - solved) / sealed.size
        if so_far is not None:
            ends = so_far.low, so_far.high
        return solved, used, lost, ends, sealed.size if sealed.design == "sequential" else None
    if not (recorded := attempt.recorded.bit_count()):
        return None
    solved, measured = attempt.counts()
    # Whatever they would have been, the interval holds.
    most = solved + recorded - measured
    ends = clopper_pearson(solved, recorded).low, clopper_pearson(most, recorded).high
    return solved, recorded, attempt.unmeasured(), ends, None


def _mode(case: AudienceCase, key: RunKey) -> str:
    """The mode, with variant and battery where there are several."""
    several = len({k.variant for k in case.state.tallies}) > 1
    name = f"{key.mode} ({key.variant})" if several else key.mode
    return f"{name}, {key.battery}" if len(case.state.batteries) > 1 else name


def _rule(case: AudienceCase, numeric: NumericCriterion | None, *, early: bool) -> str:
    if numeric is None:
        thresholds = case.framework.thresholds if case.framework else ""
        if thresholds == "undisclosed":
            return "Thresholds undisclosed: measured, nothing concluded."
        return "No threshold: measured, nothing concluded."
    ways = max(1, ways_of_crossing(numeric, case.state))
    each = f"{float(numeric.alpha) / ways:.3g}"
    shared = (
        f", shared among {number(ways, 'mode')} ({each} each), since any of them may cross it"
        if ways > 1
        else ""
    )
    claims = ""
    if early and numeric.measure == "success-rate" and float(numeric.zone):
        claims = (
            f" “Above” claims more than {numeric.above_claims}, “below” less than "
            f"{numeric.below_claims}; in between either holds."
        )
    return (
        f"{_threshold(case, numeric)}{claims} “Above” may be wrong with a chance of at most "
        f"alpha = {numeric.alpha}{shared}; “below” with at most beta = {numeric.beta}. “Below” "
        "holds for the elicitation used: a model that holds back is judged on what it shows."
    )


def _threshold(case: AudienceCase, numeric: NumericCriterion) -> str:
    side = {"both": "on either side"}.get(numeric.zone_side, f"{numeric.zone_side} it")
    zone = f", zone {numeric.zone} {side}" if float(numeric.zone) else ""
    if numeric.measure == "at-least-once-in-k":
        return f"Asked: solved at least once in {numeric.k} tries."
    if numeric.measure == "relative-to-reference":
        return (
            f"Threshold: {numeric.threshold} above the rate of the reference "
            f"{case.name(numeric.reference or '')}{zone}."
        )
    return f"Threshold: a success rate of {numeric.threshold}{zone}."


def _difficulties(
    case: AudienceCase, key: RunKey, first: int | None
) -> tuple[DifficultyCount, ...]:
    """Solved and measured by difficulty, among all places of the order or the first so many.

    What measured nothing is left out, and so is a level of which nothing was measured.
    """
    counted: Counter[int] = Counter()
    solved: Counter[int] = Counter()
    for entry in case.visible("outcomes-recorded"):
        facts = entry.event.facts()
        opened = (entry.content("opened") or {}).get("opened", ())
        if RunKey(*(facts[name] for name in RunKey._fields)) != key:
            continue
        results = {each["index"]: each["result"] for each in facts["outcomes"]}
        for item in opened:
            level = item["item_id"].partition("/")[2].partition("-")[0]
            result = results.get(item["index"])
            among = first is None or item["index"] < first
            if level.isdecimal() and among and result in MEASURED:
                counted[int(level)] += 1
                solved[int(level)] += result == "solved"
    return tuple(DifficultyCount(d, solved[d], counted[d]) for d in sorted(counted))


GOING_ON = {
    "cap": "The caps are part of the submission.",
    "halted": "It goes on when whoever halted it takes that back.",
    "breach": "It goes on when the halt that followed is lifted.",
    "snapshot-changed": "What answers now is another variant, to be submitted as one.",
    "endpoint-failing": "It can go on when the endpoint is back.",
    "instrument-failing": "It can go on when the instrument is fixed.",
}


def stop_notice(case: AudienceCase) -> tuple[str, ...]:
    """What must be said first of a review that stopped early; empty where it did not."""
    stop = case.state.stopped
    if stop is None:
        return ()
    recorded = sum(tally.recorded for tally in case.state.tallies.values())
    ended = f"{number(recorded, 'sample has', 'samples have').capitalize()} an outcome"
    open_ones = f"; {number(stop.begun, 'more was', 'more were')} begun and not ended"
    at = stop.at[:16].replace("T", " ")
    text = (
        f"Measuring stopped early, at {at} UTC: {sentence('name.stopped', reason=stop.reason)}. "
        f"{ended}{open_ones if stop.begun else ''}. {GOING_ON[stop.reason]}"
    )
    return (text,)


def not_measured(case: AudienceCase, results: Sequence[ResultRow]) -> tuple[NotMeasured, ...]:
    """What this review cannot speak to; empty where the audience may read too little to say."""
    framework = case.framework
    if framework is None:
        return ()
    runs = unmeasured_runs(case)
    spoken_of = {row.criterion for row in results} | {run.key.criterion for run in runs}
    unread = "" if case.whole else " that this audience may read"
    rows = [_unmeasured_row(case, run) for run in runs]
    for criterion in framework.criteria:
        if isinstance(criterion, NumericCriterion):
            if criterion.id not in spoken_of:
                rows.append(NotMeasured(criterion.title, f"no outcome{unread} is recorded"))
        elif criterion.id in case.state.declared:
            who = case.name(case.state.declared[criterion.id].actor)
            rows.append(NotMeasured(criterion.title, f"declared by {who}; nobody measured it"))
        else:
            rows.append(
                NotMeasured(
                    criterion.title,
                    f"rests on declared evidence ({', '.join(criterion.evidence)}); "
                    f"none{unread} was declared",
                )
            )
    spoken = {criterion.domain for criterion in framework.criteria}
    rows += [
        NotMeasured(
            plain(domain).capitalize(),
            "the framework states no criterion for it, so nothing is concluded",
        )
        for domain in framework.domains
        if domain not in spoken
    ]
    rows += [
        NotMeasured(f"What tells {listed(list(each.modes))} mode apart", f"both {each.found}")
        for each in modes_alike(case.state)
    ]
    checks = (CAPABILITY,) if any(row.instrument for row in results) else ()
    return (*rows, *checks, *(ALWAYS if results else ()))


def _unmeasured_row(case: AudienceCase, run: UnmeasuredRun) -> NotMeasured:
    who = ", the reference" if run.reference else ""
    what = f"{case.title(run.key.criterion)}, in mode {_mode(case, run.key)}{who}"
    return NotMeasured(what, f"{run.much} was measured: {run.why}")


CAPABILITY = NotMeasured(
    "Capabilities",
    "the items are checks of the instrument: cheap cheats that need no such capability solve them, "
    "and neither “above” nor “below” says what the model can do",
)
ALWAYS = (
    NotMeasured(
        "What another elicitation would draw out",
        "one agent, one attempt and one budget were used; other means may draw out more",
    ),
    NotMeasured(
        "Holding back on purpose",
        "a model that underperforms deliberately is judged on what it showed; a “below” says "
        "nothing about what it held back",
    ),
)
