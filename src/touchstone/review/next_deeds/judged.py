"""What is next while a model is measured and judged: batteries, findings, evidence, designation."""

from collections.abc import Iterator

from touchstone.framework import DeclaredCriterion, Framework, NumericCriterion
from touchstone.review.designation import propose_designation
from touchstone.review.events import detecting, judging, measuring, seeding
from touchstone.review.next_deeds.standpoint import NextDeed, Standpoint
from touchstone.review.state import RunKey, State

SPEAKING = (judging.DesignationConcurred, judging.DesignationDissented)


def of_halts(at: Standpoint) -> Iterator[NextDeed]:
    """Who told of a breach halts the measuring; who halted it lifts its own halt."""
    state = at.state
    if state.unhalted_breach and state.breaches[-1].actor == at.party:
        yield from at.must("sandbox-breached", measuring.ReviewHalted)
    if at.party in state.halted_by:
        yield from at.must("halt-stands", measuring.ReviewResumed)


def of_measuring(at: Standpoint) -> Iterator[NextDeed]:
    """The centre seals a battery and runs it to its end, unless somebody's halt stands."""
    state = at.state
    if state.halted or state.agreement is None:
        return
    if state.assessment is None or not state.assessment.complete:
        return
    # Whoever proposed took what there was for enough: more may be measured, and nobody waits.
    end, waits = at.window_end, not state.designating.proposals
    if state.newest_battery is None:
        yield from at.asked(waits, "battery-unsealed", measuring.BatterySealed, due=end)
    elif not is_measured(at.framework, state):
        deeds = (
            measuring.OutcomesRecorded,
            measuring.VerdictReached,
            measuring.MeasuringStopped,
        )
        battery = state.newest_battery
        # What stopped has its record; whether it goes on is the centre's to say.
        waits = waits and state.stopped is None
        yield from at.asked(waits, "measuring-unfinished", *deeds, due=end, battery=battery)


def of_scanning(at: Standpoint) -> Iterator[NextDeed]:
    """The centre has detectors look at what ran, however that ended.

    A battery that is being measured is scanned after its last sample: of it nothing is told.
    """
    state = at.state
    for battery in state.batteries:
        if not (count := state.unscanned(battery)):
            continue
        ended = state.halted or state.stopped is not None or bool(state.designating.proposals)
        newest = battery == state.newest_battery
        if newest and not ended and not is_measured(at.framework, state):
            continue
        # A scan that could look at nothing is in the record: it may be tried again.
        yield from at.asked(
            battery not in state.scans
            or state.scans[battery].transcripts < state.outcomes_of(battery),
            "transcripts-unscanned",
            detecting.TranscriptsScanned,
            battery=battery,
            count=count,
        )


def of_seeds(at: Standpoint) -> Iterator[NextDeed]:
    """The developer may contribute to a seed before it is sealed; the centre opens it afterwards.

    Only what the developer contributed to is waited for: a seed that stays closed shows.
    """
    state = at.state
    for battery, seed in state.seeds.items():
        sealed = battery in state.batteries
        if at.role == "developer" and not sealed and seed.contributed is None:
            yield from at.may(
                "seed-unanswered",
                seeding.SeedContributed,
                battery=battery,
                answers=seed.committed.contribution,
            )
        newer = battery != state.newest_battery
        over = newer or state.closed or is_measured(at.framework, state)
        if sealed and over and seed.contributed and battery not in state.seeds_revealed:
            yield from at.must("seed-unrevealed", seeding.SeedRevealed, battery=battery)


def is_measured(framework: Framework, state: State) -> bool:
    """Whether each run of the newest battery came to its end: a verdict, or every item.

    False before a battery is sealed.
    """
    sealed = state.batteries.get(state.newest_battery or "")
    if sealed is None:
        return False
    return all(
        _is_over(framework, state, RunKey(sealed.battery, items.criterion, variant, mode))
        for items in sealed.item_sets
        for variant in state.current_variants
        for mode in state.variants[variant].modes
    )


def _is_over(framework: Framework, state: State, key: RunKey) -> bool:
    criterion = framework.criterion(key.criterion)
    judged = isinstance(criterion, NumericCriterion)
    if isinstance(criterion, NumericCriterion) and not (
        criterion.modes == "any" or key.mode in criterion.modes
    ):
        return True
    items = state.batteries[key.battery].item_set(key.criterion)
    whole = items is not None and state.tally(*key).attempt().prefix >= items.size
    return key in state.verdicts or (whole and not judged)


def of_findings(at: Standpoint) -> Iterator[NextDeed]:
    """The developer may answer a finding; who signed one looks again where it is disputed."""
    for name, finding in at.state.findings.items():
        said = finding.response or finding.dispute
        if at.role == "developer" and said is None and finding.stands == "signed":
            deeds = (judging.FindingResponded, judging.FindingDisputed)
            yield from at.may("finding-unanswered", *deeds, finding=name)
        if finding.stands == "disputed" and finding.signed.actor == at.party:
            yield from at.must("finding-disputed", judging.FindingRerun, finding=name)


def of_evidence(at: Standpoint) -> Iterator[NextDeed]:
    """The developer may declare what a criterion without a number asks for."""
    if at.state.submission is None:
        return
    for criterion in at.framework.criteria:
        if isinstance(criterion, DeclaredCriterion) and criterion.id not in at.state.declared:
            yield from at.may(
                "evidence-undeclared",
                judging.EvidenceDeclared,
                due=at.window_end,
                criterion=criterion.id,
            )


def of_proposing(at: Standpoint) -> Iterator[NextDeed]:
    """Whom the framework names, else the centre, proposes what the rule gives."""
    state, named = at.state, at.framework.designation
    if named is None or at.is_inquiry or state.withdrawal:
        return
    proposer = at.party == named.proposed_by if named.proposed_by else at.role == "centre"
    if not proposer:
        return
    proposals = state.designating.proposals
    if not proposals:
        if state.stopped or is_measured(at.framework, state):
            due = at.window_end
            yield from at.must("nothing-proposed", judging.DesignationProposed, due=due)
        return
    rule = propose_designation(at.framework, state)
    if (rule.designation, rule.says) != (proposals[-1].designation, proposals[-1].says):
        yield from at.may("proposal-outdated", judging.DesignationProposed)


def of_concurring(at: Standpoint) -> Iterator[NextDeed]:
    """Agencies speak to what is in question; silence is no concurrence."""
    designating, named = at.state.designating, at.framework.party(at.party)
    question = designating.in_question
    if question is None or named is None or "concurs" not in named.may:
        return
    if designating.decisions and designating.decisions[-1].actor == at.party:
        return
    answer = designating.answers.get(at.party)
    if answer is not None and answer.designation == question:
        return
    asked = at.framework.designation
    waits = asked is not None and at.party in asked.must_concur
    newest = len(designating.proposals)
    yield from at.asked(
        waits, "proposal-unanswered", *SPEAKING, proposal=newest, designation=question
    )


def of_designating(at: Standpoint) -> Iterator[NextDeed]:
    """Whom the framework names, else any agency, decides on the newest proposal."""
    designating, named = at.state.designating, at.framework.designation
    newest = len(designating.proposals)
    if named is None or not newest or at.state.withdrawal:
        return
    if named.made_by not in (None, at.party):
        return
    if not designating.decisions:
        waits = named.made_by is not None
        yield from at.asked(waits, "nothing-decided", judging.DesignationMade, proposal=newest)
    elif designating.decisions[-1].proposal != newest:
        yield from at.may("decision-outdated", judging.DesignationRevised, proposal=newest)
