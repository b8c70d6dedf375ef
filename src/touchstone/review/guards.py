"""What must hold besides role and status. Each guard gives the reason for a refusal, or None."""

from decimal import Decimal

from touchstone.framework import DeclaredCriterion, Framework, NumericCriterion
from touchstone.review.clock import anchor_clock
from touchstone.review.designation import propose_designation
from touchstone.review.events import judging, measuring, opening, settling
from touchstone.review.state import RunKey, State

MOST_EXTENSION_DAYS = 3650
"""Extensions add up to at most ten years, so that dates stay within the calendar."""


def admits_fairly(_f: Framework, state: State, event: opening.PartyAdmitted) -> str | None:
    """New parties come through developer or centre; a key is changed by its own party only."""
    keys = {party.key: name for name, party in state.parties.items()}
    for each in event.admits:
        known = state.parties.get(each.party)
        if known and event.actor != each.party:
            return f"only {each.party} itself changes its key"
        if known and known.role != each.role:
            return f"{each.party} is {known.role} and stays so"
        if not known and state.parties[event.actor].role not in ("developer", "centre"):
            return "only the developer or the centre admits a new party"
        if not known and each.role in ("developer", "centre"):
            return f"a case has one {each.role}, from its opening on"
        if keys.get(each.key, each.party) != each.party:
            return f"the key for {each.party} is {keys[each.key]}'s: each party has its own"
    return None


def inquiry_is_new(_f: Framework, state: State, event: opening.InquiryAsked) -> str | None:
    """An inquiry's id is used once."""
    known = event.inquiry in state.inquiries
    return f"inquiry {event.inquiry} was asked already: take a new id" if known else None


def inquiry_is_known(_f: Framework, state: State, event: opening.InquiryAnswered) -> str | None:
    """Only what was asked is answered."""
    known = event.inquiry in state.inquiries
    return None if known else f"the developer asked no inquiry {event.inquiry}"


def is_no_inquiry(_f: Framework, state: State, _e: object) -> str | None:
    """An inquiry is a question about a model; it takes none in and designates nothing."""
    inquiry = state.opened is not None and state.opened.kind == "inquiry"
    return "this case is an inquiry: open a review or a screening" if inquiry else None


def measured_variants_stay(
    _f: Framework, state: State, event: opening.SubmissionReceived
) -> str | None:
    """What a variant is does not change once something of it is recorded."""
    measured = {key.variant for key in state.tallies} | set(state.snapshots)
    for variant in event.variants:
        if variant.id in measured and variant != state.variants.get(variant.id):
            return f"variant {variant.id} is measured already: give the changed one a new id"
    return None


def submission_is_current(
    _f: Framework, state: State, event: opening.SubmissionAssessed
) -> str | None:
    """The newest submission is what is assessed."""
    if state.submission is None:
        return "the developer has submitted nothing yet"
    if state.submission.submission != event.submission:
        return f"the newest submission is {state.submission.submission}"
    return None


def window_is_laid_once(f: Framework, state: State, event: measuring.ClockAnchored) -> str | None:
    """The window is laid by the rule, and once for a submission."""
    if state.submission is None:
        return "the window is laid when the developer has submitted"
    if state.clock and state.clock.submission == state.submission.submission:
        return "the window is laid already; a new submission of the developer's lays it anew"
    laid = anchor_clock(f.window, state.submission, event.actor, event.at, event.marking)
    if laid.facts() != {name: event.facts().get(name) for name in laid.facts()}:
        return f"the framework's rule gives share-by {laid.share_by}: use anchor_clock"
    return None


def clock_has_not_ended(_f: Framework, state: State, _e: object) -> str | None:
    """There is a clock, and it has not ended."""
    if state.clock is None:
        return "no window is laid yet"
    return "the clock has ended" if state.clock.ended_at else None


def clock_runs(f: Framework, state: State, event: measuring.ClockPaused) -> str | None:
    """A running clock can be paused, not before it last resumed."""
    if state.clock is None or state.clock.ended_at:
        return clock_has_not_ended(f, state, event)
    if state.clock.paused:
        return "the clock is paused already"
    resumed = state.clock.pauses[-1][1] if state.clock.pauses else None
    return f"the clock resumed at {resumed}, later" if resumed and resumed > event.at else None


def clock_stands(f: Framework, state: State, event: measuring.ClockResumed) -> str | None:
    """A paused clock can be resumed, not before it was paused."""
    if state.clock is None or state.clock.ended_at:
        return clock_has_not_ended(f, state, event)
    if not state.clock.paused:
        return "the clock is not paused"
    paused = state.clock.pauses[-1][0]
    return f"the clock was paused at {paused}, later" if paused > event.at else None


def clock_can_be_extended(f: Framework, state: State, event: measuring.ClockExtended) -> str | None:
    """A clock that has not ended can be extended within reason."""
    if state.clock is None or state.clock.ended_at:
        return clock_has_not_ended(f, state, event)
    if state.clock.extension_days + event.days > MOST_EXTENSION_DAYS:
        return f"extensions add up to at most {MOST_EXTENSION_DAYS} days"
    return None


def is_agreed(_f: Framework, state: State, _e: object) -> str | None:
    """Nothing is measured before the agreement is concluded."""
    return None if state.agreement else "developer and centre must have signed the same agreement"


def submission_is_complete(_f: Framework, state: State, _e: object) -> str | None:
    """Nothing is measured before the centre has what it needs."""
    complete = state.assessment is not None and state.assessment.complete
    return None if complete else "the centre must have assessed the submission as complete"


def is_not_halted(_f: Framework, state: State, _e: object) -> str | None:
    """While anyone's halt stands nothing new is measured."""
    by = ", ".join(sorted(state.halted_by))
    return f"the review is halted by {by}, who can resume it" if by else None


def battery_is_new(_f: Framework, state: State, event: measuring.BatterySealed) -> str | None:
    """A battery is sealed once."""
    known = event.battery in state.batteries
    return f"battery {event.battery} is sealed already: seal another" if known else None


def item_sets_are_numeric(f: Framework, _s: State, event: measuring.BatterySealed) -> str | None:
    """Each item set serves a numeric criterion, where the framework states any.

    Where it states none, a set measures under a name of its own, and no verdict follows.
    """
    numeric = any(isinstance(each, NumericCriterion) for each in f.criteria)
    for each in event.item_sets:
        criterion = f.criterion(each.criterion)
        if isinstance(criterion, DeclaredCriterion) or (numeric and criterion is None):
            return f"{f.id} has no numeric criterion {each.criterion}"
    return None


def variant_is_current(
    _f: Framework,
    state: State,
    event: measuring.SnapshotSeen | measuring.SnapshotChanged | measuring.OutcomesRecorded,
) -> str | None:
    """The variant was submitted and no changed snapshot has taken its place."""
    if event.variant not in state.variants:
        return f"the developer submitted no variant {event.variant}"
    seen = state.snapshots.get(event.variant)
    if seen and seen.replaced_by:
        return f"what answered as {event.variant} changed: it is {seen.replaced_by} now"
    return None


def snapshot_is_the_same(_f: Framework, state: State, event: measuring.SnapshotSeen) -> str | None:
    """Another identity by the same method is another variant."""
    seen = state.snapshots.get(event.variant)
    before = seen.digests.get(event.method) if seen else None
    if before not in (None, event.digest):
        return f"{event.variant} was {before} by {event.method}: record snapshot-changed"
    return None


def new_variant_is_new(_f: Framework, state: State, event: measuring.SnapshotChanged) -> str | None:
    """What answers now gets an id of its own."""
    taken = event.new_variant in state.variants
    return f"{event.new_variant} is a variant already: give a new id" if taken else None


def battery_has_the_criterion(
    _f: Framework,
    state: State,
    event: measuring.OutcomesRecorded | measuring.VerdictReached,
) -> str | None:
    """The battery was sealed with items for this criterion."""
    battery = state.batteries.get(event.battery)
    if battery is None:
        return f"no battery {event.battery} is sealed"
    if battery.item_set(event.criterion) is None:
        return f"battery {event.battery} has no items for {event.criterion}"
    return None


def battery_has_the_items(
    f: Framework, state: State, event: measuring.OutcomesRecorded
) -> str | None:
    """Only items and attempts that were sealed are recorded."""
    battery = state.batteries.get(event.battery)
    items = battery.item_set(event.criterion) if battery else None
    if items is None:
        return battery_has_the_criterion(f, state, event)
    for each in event.outcomes:
        if each.index >= items.size or each.attempt > items.attempts:
            return (
                f"item {each.index}, attempt {each.attempt} was not sealed: {event.battery} has "
                f"{items.size} items and {items.attempts} attempts for {event.criterion}"
            )
    return None


def mode_is_known(_f: Framework, state: State, event: measuring.OutcomesRecorded) -> str | None:
    """The variant was submitted with this mode."""
    known = event.mode in state.variants[event.variant].modes
    return None if known else f"{event.variant} was submitted without a mode {event.mode}"


def outcomes_are_first(
    _f: Framework, state: State, event: measuring.OutcomesRecorded
) -> str | None:
    """The first recorded outcome of a sample stands."""
    key = RunKey(event.battery, event.criterion, event.variant, event.mode)
    for each in event.outcomes:
        if state.is_recorded(key, each.attempt, each.index):
            return f"item {each.index}, attempt {each.attempt} has an outcome, and the first stands"
    return None


def rates_are_the_frameworks(
    f: Framework, _s: State, event: measuring.VerdictReached
) -> str | None:
    """A verdict is reached at the error rates that the framework states, or stricter ones."""
    criterion = f.criterion(event.criterion)
    if not isinstance(criterion, NumericCriterion):
        return f"{f.id} has no numeric criterion {event.criterion}"
    stated, used = (criterion.alpha, criterion.beta), (event.alpha, event.beta)
    if not all(0 < Decimal(u) <= Decimal(s) for u, s in zip(used, stated, strict=True)):
        return f"{event.criterion} is judged at alpha {stated[0]} and beta {stated[1]}, or stricter"
    return None


def mode_is_judged(f: Framework, _s: State, event: measuring.VerdictReached) -> str | None:
    """A criterion is judged only in the modes that the framework names."""
    criterion = f.criterion(event.criterion)
    modes = criterion.modes if isinstance(criterion, NumericCriterion) else "any"
    if modes != "any" and event.mode not in modes:
        return f"{event.criterion} is judged in: {', '.join(modes)}"
    return None


def counts_are_recorded(_f: Framework, state: State, event: measuring.VerdictReached) -> str | None:
    """A verdict claims no more solved or unsolved items than the record holds."""
    tally = state.tally(event.battery, event.criterion, event.variant, event.mode)
    solved, counted = tally.totals
    if event.solved > solved or event.counted - event.solved > counted - solved:
        return (
            f"the record holds {solved} solved of {counted} counted for {event.variant} in "
            f"{event.mode} mode, not {event.solved} of {event.counted}"
        )
    return None


def has_not_halted(_f: Framework, state: State, event: measuring.ReviewHalted) -> str | None:
    """One party's halt is recorded once."""
    return "this party's halt stands already" if event.actor in state.halted_by else None


def has_halted(_f: Framework, state: State, event: measuring.ReviewResumed) -> str | None:
    """A halt is taken back only by the party that made it."""
    if event.actor in state.halted_by:
        return None
    return "a halt is taken back by the party that made it, and this party made none"


def finding_is_new(
    _f: Framework, state: State, event: judging.FindingSigned | judging.OutsideFindingSigned
) -> str | None:
    """A finding's id is used once."""
    known = event.finding in state.findings
    return f"finding {event.finding} is signed already: take a new id" if known else None


def domain_is_known(
    f: Framework, _s: State, event: judging.FindingSigned | judging.OutsideFindingSigned
) -> str | None:
    """A finding is about a domain of the framework, and about a criterion of that domain if any."""
    if event.domain not in f.domains:
        return f"{f.id} has no domain {event.domain}"
    criterion = f.criterion(event.criterion) if event.criterion else None
    if event.criterion and (criterion is None or criterion.domain != event.domain):
        return f"{f.id} has no criterion {event.criterion} in {event.domain}"
    return None


def finding_is_known(
    _f: Framework,
    state: State,
    event: judging.FindingResponded | judging.FindingDisputed | judging.FindingRerun,
) -> str | None:
    """Only a signed finding is answered."""
    return None if event.finding in state.findings else f"no finding {event.finding} is signed"


def finding_is_disputed(_f: Framework, state: State, event: judging.FindingRerun) -> str | None:
    """A finding is looked at again when the developer disputes it."""
    disputed = state.findings[event.finding].stands == "disputed"
    return None if disputed else f"the developer does not dispute {event.finding}"


def finding_is_ones_own(_f: Framework, state: State, event: judging.FindingRerun) -> str | None:
    """The signer of a finding answers the dispute."""
    signer = state.findings[event.finding].signed.actor
    return None if signer == event.actor else f"{signer} signed {event.finding} and answers for it"


def criterion_is_declared(f: Framework, _s: State, event: judging.EvidenceDeclared) -> str | None:
    """Evidence is declared for a criterion that asks for evidence."""
    asked = isinstance(f.criterion(event.criterion), DeclaredCriterion)
    return None if asked else f"{f.id} asks for no declared evidence on {event.criterion}"


def may_propose(f: Framework, state: State, event: judging.DesignationProposed) -> str | None:
    """The party that the framework names proposes; where it names none, the centre."""
    named = f.designation.proposed_by if f.designation else None
    if named:
        return None if event.actor == named else f"under {f.id} {named} proposes"
    centre = state.parties[event.actor].role == "centre"
    return None if centre else f"{f.id} names nobody to propose, so the centre does"


def proposal_is_the_rules(
    f: Framework, state: State, event: judging.DesignationProposed
) -> str | None:
    """What is proposed is what the rule gives."""
    rule = propose_designation(f, state)
    if (event.designation, event.summary, event.reasons) != (
        rule.designation,
        rule.summary,
        rule.reasons,
    ):
        return f"the rule gives {rule.designation} ({rule.summary}): use propose_designation"
    return None


def may_concur(
    f: Framework,
    _s: State,
    event: judging.DesignationConcurred | judging.DesignationDissented,
) -> str | None:
    """Agencies to which the framework gives it say whether they concur."""
    named = f.party(event.actor)
    concurs = named is not None and "concurs" in named.may
    return None if concurs else f"{f.id} does not ask {event.actor} to concur"


def speaks_to_the_question(
    _f: Framework,
    state: State,
    event: judging.DesignationConcurred | judging.DesignationDissented,
) -> str | None:
    """An agency speaks to what is in question now, so that no answer is taken for another."""
    newest = len(state.designating.proposals)
    if not newest:
        return "nothing is proposed yet"
    question = state.designating.in_question
    if (event.proposal, event.designation) != (newest, question):
        return f"in question is {question}, on proposal {newest}"
    return None


def may_designate(
    f: Framework, _s: State, event: judging.DesignationMade | judging.DesignationRevised
) -> str | None:
    """The agency that the framework names designates; where it names none, any agency."""
    if f.designation is None:
        return f"{f.id} knows no designation"
    named = f.designation.made_by
    return None if named in (None, event.actor) else f"under {f.id} {named} designates"


def rests_on_newest(
    _f: Framework, state: State, event: judging.DesignationMade | judging.DesignationRevised
) -> str | None:
    """A designation rests on the newest proposal."""
    newest = len(state.designating.proposals)
    if not newest:
        return "nothing is proposed yet"
    return None if event.proposal == newest else f"the newest proposal is {newest}"


def nothing_is_made(_f: Framework, state: State, _e: object) -> str | None:
    """The first designation is made; later ones revise it."""
    return "a designation is made already: revise it" if state.designating.decisions else None


def something_is_made(_f: Framework, state: State, _e: object) -> str | None:
    """Only a designation that was made is revised."""
    return None if state.designating.decisions else "no designation is made yet"


def table_is_free(_f: Framework, state: State, event: settling.TermsOffered) -> str | None:
    """Terms that await an answer are answered or countered before others are offered."""
    waiting = state.terms.on_table and not state.terms.declined and not state.agreed_terms
    if waiting and state.terms.offered_by != event.actor:
        return f"{state.terms.on_table} awaits an answer: agree, decline or counter"
    return None


def answered_terms_are_on_the_table(
    _f: Framework, state: State, event: settling.TermsCountered
) -> str | None:
    """A counter-offer names the terms that it answers."""
    table = state.terms.on_table
    return None if event.answers == table else f"on the table: {table or 'nothing'}"


def offer_is_anothers(_f: Framework, state: State, event: settling.TermsCountered) -> str | None:
    """Nobody counters its own offer."""
    own = state.terms.offered_by == event.actor
    return "this party made the offer: offer anew instead" if own else None


def terms_are_on_the_table(
    _f: Framework, state: State, event: settling.TermsAgreed | settling.TermsDeclined
) -> str | None:
    """What is agreed or declined is exactly what is on the table."""
    table = state.terms.on_table
    return None if event.terms == table else f"on the table: {table or 'nothing'}"


def request_is_new(
    _f: Framework, state: State, event: settling.PostponementRequested
) -> str | None:
    """A request's id is used once."""
    known = event.request in state.postponements
    return f"request {event.request} was made already: take a new id" if known else None


def request_is_known(
    _f: Framework, state: State, event: settling.PostponementAnswered
) -> str | None:
    """Only what was requested is answered."""
    known = event.request in state.postponements
    return None if known else f"nobody made a request {event.request}"


def something_is_released(_f: Framework, state: State, _e: object) -> str | None:
    """There is something to compare with."""
    return None if state.releases else "the developer has announced no release"


def directive_is_new(_f: Framework, state: State, event: settling.DirectiveIssued) -> str | None:
    """A directive's number is used once."""
    known = event.directive in state.directives
    return f"directive {event.directive} is issued already: take a new number" if known else None


def directive_is_known(
    _f: Framework, state: State, event: settling.DirectiveAnswered | settling.DirectiveLifted
) -> str | None:
    """Only an issued directive is answered or lifted."""
    known = event.directive in state.directives
    return None if known else f"no directive {event.directive} is issued"


def directive_is_ones_own(
    _f: Framework, state: State, event: settling.DirectiveLifted
) -> str | None:
    """The agency that issued a directive lifts it, once."""
    directive = state.directives[event.directive]
    if directive.issued.actor != event.actor:
        return f"{directive.issued.actor} issued {event.directive} and lifts it"
    return f"{event.directive} is lifted already" if directive.lifted_at else None


def edition_is_next(_f: Framework, state: State, event: settling.ReportIssued) -> str | None:
    """Editions for one audience are numbered 1, 2, 3."""
    last = state.reports.get(event.audience)
    number = last.edition + 1 if last else 1
    return None if event.edition == number else f"the next edition for {event.audience} is {number}"
