"""What was measured and how: modes, elicitation, results, what was not measured, what it cost."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from touchstone.editions.audience_case import AudienceCase, plain
from touchstone.editions.page import (
    BudgetCurve,
    DifficultyCount,
    Fact,
    ModeFacts,
    NotMeasured,
    ResultRow,
)
from touchstone.editions.run_text import lost_beside
from touchstone.editions.sections.calibration import calibration_note
from touchstone.editions.sections.chosen_sets import set_in_words
from touchstone.editions.sections.conditions import chosen_facts, pack_note
from touchstone.editions.sections.evidence import (
    broken_off_runs,
    early_verdicts,
    evidence_facts,
    tried_again,
)
from touchstone.editions.sections.instrument import instrument_note
from touchstone.editions.sections.only_reported import reported_runs
from touchstone.editions.sections.seeds import seed_said
from touchstone.editions.sections.unmeasured import UnmeasuredRun, unmeasured_runs
from touchstone.editions.sentences import paragraph, sentence
from touchstone.evaluation import Elicitation, SealedBattery
from touchstone.framework import DeclaredCriterion, NumericCriterion
from touchstone.review.events.measuring import MEASURED, Unmeasured, VerdictReached
from touchstone.review.shares import ways_of_crossing
from touchstone.review.state import RunKey
from touchstone.statistics import Interval, VerdictWord, clopper_pearson
from touchstone.verdicts.budget_curves import budget_curves
from touchstone.verdicts.modes_compared import modes_alike
from touchstone.verdicts.preregistration import VerdictPlan
from touchstone.verdicts.sequential_verdicts import EarlyVerdict


def mode_facts(case: AudienceCase) -> tuple[ModeFacts, ...]:
    """The ways of running the model, as they were measured."""
    shown = case.content("submission-received", "modes") or {}
    return tuple(
        ModeFacts(
            id=mode["id"],
            variant=mode["variant"],
            model=mode["model"],
            endpoint=mode["endpoint"],
            settings=_settings({k: mode[k] for k in ("format",) if k in mode} | mode["settings"]),
            answered=_answered(case, mode["id"]),
            snapshots=_snapshots(case, mode["variant"]),
        )
        for mode in shown.get("modes", ())
    )


def _settings(settings: Mapping[str, Any]) -> str:
    """What the mode sets; that it leaves all to the endpoint, where it sets nothing."""
    said = [
        sentence("mode.setting", name=plain(name.replace("_", " ")), value=str(value))
        for name, value in settings.items()
    ]
    return sentence("list-of.commas", items=said) if said else sentence("mode.defaults")


def _answered(case: AudienceCase, mode: str) -> str:
    """Every model name that the endpoint of a mode reported, over all probes."""
    found: dict[str, None] = {}
    for entry in case.visible("snapshot-seen") + case.visible("snapshot-changed"):
        probes = (entry.content("probes") or {}).get("probes", {})
        found |= dict.fromkeys(probes.get(mode, {}).get("models", ()))
    return sentence("list-of.commas", items=list(found)) if found else ""


def _snapshots(case: AudienceCase, variant: str) -> str:
    # First: after a change no number of probes that agree makes the identity one.
    if any(e.event.facts()["variant"] == variant for e in case.visible("snapshot-changed")):
        return sentence("mode.changed")
    moments = [
        e.event.facts()["moment"]
        for e in case.visible("snapshot-seen")
        if e.event.facts()["variant"] == variant
    ]
    if not moments:
        return sentence("mode.no-probe")
    seen = [sentence("mode.moment", moment=moment) for moment in dict.fromkeys(moments)]
    return sentence("mode.same", moments=seen)


def elicitation_facts(case: AudienceCase) -> tuple[Fact, ...]:
    """How the model was drawn out, and what was sealed before the first sample."""
    batteries = list(case.state.batteries.values())
    if not batteries:
        return ()
    newest = batteries[-1]
    sealed = case.content("battery-sealed", "registered")
    sets = [
        sentence("elicitation.items", count=s.size, title=case.title(s.criterion))
        for s in newest.item_sets
    ]
    return (
        *(() if sealed is None else _drawn_out(sealed)),
        _elicited("record", newest.elicitation),
        _elicited("battery", sentence("list-of.and", items=sets)),
        *(() if sealed is None else _chosen_sets(case, sealed)),
        *_stopping(sealed),
        *chosen_facts(case),
        _elicited("sealed", f"sha256:{newest.commitment}"),
        _elicited("order", f"sha256:{newest.order}"),
        _elicited("seed", seed_said(case.state, newest.battery)),
    )


def curve_facts(case: AudienceCase) -> tuple[BudgetCurve, ...]:
    """What smaller budgets would have given, of each run that this audience may read."""
    many = len({key.variant for key in case.state.tallies}) > 1
    return tuple(
        BudgetCurve(
            case.title(key.criterion), f"{key.variant}, {key.mode}" if many else key.mode, points
        )
        for key, points in budget_curves(case.entries).items()
    )


def _chosen_sets(case: AudienceCase, sealed: dict[str, Any]) -> tuple[Fact, ...]:
    """What a battery file said, and what was chosen for single sets."""
    battery = SealedBattery.model_validate(sealed["battery"])
    file = (_elicited("file", battery.file),) if battery.file else ()
    sets = ((part, set_in_words(part)) for part in battery.sets)
    return (
        *file,
        *(
            Fact(sentence("elicitation.set", title=case.title(part.criterion)), told)
            for part, told in sets
            if told
        ),
    )


def _elicited(label: str, text: str) -> Fact:
    return Fact(sentence("elicitation.label", fact=label), text)


def _stopping(sealed: dict[str, Any] | None) -> tuple[Fact, ...]:
    """How samples stop, where the audience may read what was registered."""
    if sealed is None or "verdicts" not in sealed:
        return ()
    plan = VerdictPlan.model_validate(sealed["verdicts"])
    return (_elicited("stops", _stops(plan)), _elicited("rules", plan.digest))


def _stops(plan: VerdictPlan) -> str:
    """Whether verdicts may come early, and for which criteria every item runs first."""
    if all(run.design == "fixed" for run in plan.runs):
        return sentence("elicitation.stops.fixed")
    late = dict.fromkeys(run.criterion for run in plan.runs if run.design == "fixed")
    if not late:
        return sentence("elicitation.stops.early", ahead=plan.ahead)
    names = [sentence("quoted.title", title=name) for name in late]
    return sentence("elicitation.stops.mixed", ahead=plan.ahead, criteria=names)


def _drawn_out(sealed: dict[str, Any]) -> tuple[Fact, ...]:
    how = Elicitation.model_validate(sealed["elicitation"])
    limits = {
        "messages": how.message_limit,
        "tokens": how.token_limit,
        "seconds": str(how.working_seconds),
        "tool_seconds": str(how.tool_seconds),
    }
    return (
        _elicited("agent", sentence("elicitation.agent", agent=how.agent, nudges=how.nudges)),
        _elicited("tools", sentence("list-of.commas", items=list(how.tools))),
        _elicited("attempts", str(how.attempts)),
        _elicited("limits", sentence("elicitation.limits", **limits)),
        _elicited("grade", sentence("elicitation.grade", grade=sealed["grade"])),
        _elicited("counted-by", sentence("elicitation.counted-by")),
        _elicited("prompts", how.prompts_digest),
        *_chosen(how),
    )


def _chosen(how: Elicitation) -> tuple[Fact, ...]:
    """What was registered where more than the usual was, such as the code of the agent."""
    facts = [
        _elicited("effort", how.reasoning_effort or ""),
        _elicited("budget", " ".join(how.budget_text.split())),
    ]
    if how.compaction_tokens is not None:
        at = {"how": how.compaction, "tokens": how.compaction_tokens}
        facts.append(_elicited("compaction", sentence("elicitation.compaction", **at)))
    if how.checkpoints:
        counts = [sentence("elicitation.checkpoint", tokens=each) for each in how.checkpoints]
        facts.append(_elicited("checkpoints", sentence("list-of.commas", items=counts)))
    if how.code is not None:
        facts += [_elicited("code", str(how.code)), _elicited("harness", how.code.harness)]
    if how.sent is not None:
        sent = [how.sent.system, how.sent.tools, *how.sent.helpers]
        facts.append(_elicited("sent", sentence("list-of.commas", items=sent)))
    return tuple(each for each in facts if each.text)


def result_rows(case: AudienceCase) -> tuple[ResultRow, ...]:
    """One row a criterion and mode of which the audience may read outcomes or the verdict."""
    # Both: an audience may read a verdict whose outcomes it may not, and outcomes that have no
    # verdict yet.
    keys = dict.fromkeys([*case.state.tallies, *case.state.verdicts])
    # Neither solved nor lost: in a row they would look like none solved.
    for key in reported_runs(case):
        del keys[key]
    early, broken = early_verdicts(case), broken_off_runs(case)
    found = [_row(case, key, early.get(key), broken.get(key)) for key in keys]
    rows = [row for row in found if row]
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
    recorded = tally.attempt().recorded.bit_count()
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
        # "All solved" is not said where some measured nothing: one of those might not have been.
        extreme=not lost.total and solved in (0, counted),
        outcomes=tuple(sorted(tally.results.items(), key=lambda pair: -pair[1])),
        by_difficulty=_difficulties(case, key, None if sealed is None else counted),
        evidence=evidence_facts(early, recorded) if early else None,
        lost=tuple(lost.by_kind.items()),
        beside=tuple(
            lost_beside(each)
            for each in (reached.references if reached else ())
            if each.unmeasured.total or not each.shown
        ),
        repeated=tally.attempt().repeated(),
        attempts=tried_again(case, key),
        sealed=sealed,
        instrument=instrument_note(case, key),
        notes=tuple(filter(None, (pack_note(case, key), calibration_note(case, key.criterion)))),
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
        # What was solved is solved, and what was not is not; all else may be either. No interval of
        # a fixed design is valid at a stop that events chose (ADR 197).
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
    name = key.mode
    if several:
        name = sentence("designation.variant-mode", mode=key.mode, variant=key.variant)
    if len(case.state.batteries) <= 1:
        return name
    return sentence("result.mode-battery", mode=name, battery=key.battery)


def _rule(case: AudienceCase, numeric: NumericCriterion | None, *, early: bool) -> str:
    """What each word claims of a criterion, and how often it may be wrong."""
    if numeric is None:
        thresholds = case.framework.thresholds if case.framework else ""
        undisclosed = thresholds == "undisclosed"
        return sentence("rule.undisclosed" if undisclosed else "rule.no-threshold")
    claims = ""
    if early and numeric.measure == "success-rate" and float(numeric.zone):
        claims = sentence(
            "rule.claims", above=str(numeric.above_claims), below=str(numeric.below_claims)
        )
    return paragraph(
        _threshold(case, numeric), claims, _error_rates(case, numeric), sentence("rule.elicitation")
    )


def _error_rates(case: AudienceCase, numeric: NumericCriterion) -> str:
    rates = {"alpha": str(numeric.alpha), "beta": str(numeric.beta)}
    # At least one: an audience that may not read the submission knows of no mode.
    ways = max(1, ways_of_crossing(numeric, case.state))
    if ways == 1:
        return sentence("rule.error-rates", **rates)
    each = f"{float(numeric.alpha) / ways:.3g}"
    return sentence("rule.error-rates-shared", **rates, modes=ways, each=each)


def _threshold(case: AudienceCase, numeric: NumericCriterion) -> str:
    """What is asked: a rate, a rate above a reference's, or one success; and its zone."""
    if numeric.measure == "at-least-once-in-k":
        return sentence("rule.at-least-once", tries=numeric.k or 0)
    threshold = {"threshold": str(numeric.threshold)}
    if float(numeric.zone):
        threshold |= {"zone": str(numeric.zone), "side": numeric.zone_side}
    if numeric.measure == "relative-to-reference":
        reference = case.name(numeric.reference or "")
        if "zone" in threshold:
            return sentence("rule.relative-zone", reference=reference, **threshold)
        return sentence("rule.relative", reference=reference, **threshold)
    if "zone" in threshold:
        return sentence("rule.rate-zone", **threshold)
    return sentence("rule.rate", **threshold)


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
        # Never pooled across batteries, variants or modes: they are other subjects.
        if RunKey(*(facts[name] for name in RunKey._fields)) != key:
            continue
        first_try = [each for each in facts["outcomes"] if each["attempt"] == 1]
        results = {each["index"]: each["result"] for each in first_try}
        for item in opened:
            level = item["item_id"].partition("/")[2].partition("-")[0]
            result = results.get(item["index"])
            among = first is None or item["index"] < first
            # An id of another make has no level in it; its sample is counted in the row, and in no
            # bar.
            if level.isdecimal() and among and result in MEASURED:
                counted[int(level)] += 1
                solved[int(level)] += result == "solved"
    return tuple(DifficultyCount(d, solved[d], counted[d]) for d in sorted(counted))


def stop_notice(case: AudienceCase) -> tuple[str, ...]:
    """What must be said first of a review that stopped early; empty where it did not."""
    stop = case.state.stopped
    if stop is None:
        return ()
    recorded = sum(tally.recorded for tally in case.state.tallies.values())
    ended = sentence("stop.ended", samples=recorded)
    if stop.begun:
        ended = sentence(
            "stop.begun", ended=sentence("stop.have-ended", samples=recorded), begun=stop.begun
        )
    unknown = [sentence("stop.uncounted", chunks=stop.uncounted)] if stop.uncounted else []
    text = paragraph(
        sentence("stop.early", at=stop.at[:16].replace("T", " "), reason=stop.reason),
        ended,
        *unknown,
        sentence("stop.going-on", reason=stop.reason),
    )
    return (text,)


def not_measured(case: AudienceCase, results: Sequence[ResultRow]) -> tuple[NotMeasured, ...]:
    """What this review cannot speak to; empty where the audience may read too little to say."""
    framework = case.framework
    # Without the framework nobody can say what was to be measured, and an empty list would read as
    # "all was".
    if framework is None:
        return ()
    runs = unmeasured_runs(case)
    spoken_of = {row.criterion for row in results} | {run.key.criterion for run in runs}
    rows = [_unmeasured_row(case, run) for run in runs]
    for criterion in framework.criteria:
        if not isinstance(criterion, NumericCriterion):
            rows.append(NotMeasured(criterion.title, _declared(case, criterion)))
        elif criterion.id not in spoken_of:
            none = sentence("not-measured.no-outcome", whole=case.whole)
            rows.append(NotMeasured(criterion.title, none))
    spoken = {criterion.domain for criterion in framework.criteria}
    rows += [
        NotMeasured(plain(domain).capitalize(), sentence("not-measured.no-criterion"))
        for domain in framework.domains
        if domain not in spoken
    ]
    rows += [
        NotMeasured(
            sentence("not-measured.what-tells", modes=list(each.modes)),
            sentence("not-measured.alike", items=each.items),
        )
        for each in modes_alike(case.state)
    ]
    # Said once more here, since a reader of this section alone must not take a check for a
    # capability.
    if any(row.instrument for row in results):
        rows.append(_always("capabilities"))
    if results:
        rows += [_always("elicitation"), _always("holding-back")]
    return tuple(rows)


def _always(subject: str) -> NotMeasured:
    """What no review of these items, and none of this kind, can speak to."""
    return NotMeasured(
        sentence("not-measured.what", subject=subject),
        sentence("not-measured.why", subject=subject),
    )


def _declared(case: AudienceCase, criterion: DeclaredCriterion) -> str:
    """Who declared something of a criterion, or that nobody did; nobody measured it."""
    if criterion.id in case.state.declared:
        who = case.name(case.state.declared[criterion.id].actor)
        return sentence("not-measured.declared", party=who)
    evidence = list(criterion.evidence)
    return sentence("not-measured.undeclared", whole=case.whole, evidence=evidence)


def _unmeasured_row(case: AudienceCase, run: UnmeasuredRun) -> NotMeasured:
    about = {"title": case.title(run.key.criterion), "mode": _mode(case, run.key)}
    what = sentence("not-measured.reference" if run.reference else "not-measured.run", **about)
    return NotMeasured(what, sentence("unmeasured.row", much=run.much, why=run.because()))
