"""How each event changes what is known of a case. Nothing is refused here: `decide` does that.

One call::

    >>> from touchstone.clearance import tlp
    >>> leaving = settling.ReviewWithdrawn(
    ...     actor="example-lab", at="2027-01-05T09:00:00Z", marking=tlp("CLEAR"))
    >>> fold([(leaving, "2027-01-05T09:00:03Z")], State(status="open")).status
    'withdrawn'
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import reduce, singledispatch
from types import MappingProxyType
from typing import Any

from touchstone.review import admissions, key_acts, partings, seedings
from touchstone.review.events import (
    detecting,
    joining,
    judging,
    measuring,
    opening,
    parting,
    seeding,
    settling,
    telling,
)
from touchstone.review.events.base import Event, UnknownEvent
from touchstone.review.replacing import keeping_agreed, with_directive, with_finding
from touchstone.review.state import (
    Clock,
    Designating,
    Directive,
    Finding,
    Postponement,
    RunKey,
    Snapshots,
    State,
    Terms,
    Unknown,
    with_item,
)
from touchstone.review.tallies import Likeness, pair_of

RecordedEvent = tuple[Event, str]
"""An event and when it was recorded (UTC); in a record of contract 1, when it says that it was."""


def fold(events: Iterable[RecordedEvent], start: State | None = None) -> State:
    """The state after these events, from an empty case or from an earlier state."""
    return reduce(lambda state, one: evolve(state, *one), events, start or State())


def evolve(state: State, event: Event, recorded: str) -> State:
    """The state after one more recorded event; the old state stays as it was.

    What follows from time follows from `recorded`, when the entry was recorded (UTC): the time that
    the event itself tells is its signer's choice, and decides nothing.

    Past an event that this version does not know, one that speaks of what it brought changes
    nothing: a response to a finding of an unknown type.
    """
    try:
        changed = _changed_at(event, state, recorded)
    except KeyError:
        # Of a record that this version knows whole, a name that leads nowhere is a fault of ours
        # and must be heard.
        if not state.unknown:
            raise
        changed = state
    after = replace(state, recorded_at=recorded) if changed is state else changed
    # It is new, and nobody has seen it so far: another copy would take as long as the first.
    object.__setattr__(after, "size", state.size + 1)
    object.__setattr__(after, "recorded_at", recorded)
    return after


def evolve_seen(state: State, event: Event, recorded: str, *, hidden: bool) -> State:
    """The same for a reader of part of a case.

    Where entries are `hidden` from it, an event that speaks to what one of them brought changes
    nothing, and is counted.
    """
    try:
        return evolve(state, event, recorded)
    except KeyError:
        if not hidden:
            raise
        return replace(state, size=state.size + 1, recorded_at=recorded)


@singledispatch
def _changed_at(event: Event, state: State, _recorded: str) -> State:
    """For events that time has a part in; of all others, what they change at any time."""
    return _changed(event, state)


@singledispatch
def _changed(event: Event, state: State) -> State:
    raise TypeError(f"no rule says what {type(event).__name__} changes in {type(state).__name__}")


@_changed.register
def _(event: UnknownEvent, state: State) -> State:
    seen = Unknown(state.size, event.type, event.schema_version)
    # A record of contract 1 takes keys from `admits` in every part 0, whatever its type, and has
    # checked its form: so does the state. In contract 2 it is a field like any other, in any form.
    told = None if state.by_invitation else (event.model_extra or {}).get("admits")
    parties = {**state.parties, **dict(admissions.admitted_by_newer(state, told))}
    return replace(state, unknown=(*state.unknown, seen), parties=MappingProxyType(parties))


@_changed.register
def _(event: opening.CaseOpened, state: State) -> State:
    parties = MappingProxyType(admissions.parties_admitted(state, event.admits))
    begun = replace(state, status="open", opened=event, parties=parties)
    return begun if event.key_act is None else key_acts.joined(begun, event.key_act)


for _kind in joining.ACTS:
    _changed_at.register(_kind, key_acts.changed)
for _kind in parting.PARTINGS:
    _changed_at.register(_kind, partings.parted)
for _kind in seeding.SEEDINGS:
    _changed_at.register(_kind, seedings.seeded)


@_changed.register
def _(event: opening.PartyAdmitted, state: State) -> State:
    return replace(
        state, parties=MappingProxyType(admissions.parties_admitted(state, event.admits))
    )


@_changed.register
def _(event: opening.ParticipationNoted, state: State) -> State:
    return replace(state, participations=with_item(state.participations, event.actor, event))


@_changed.register
def _(event: opening.InquiryAsked, state: State) -> State:
    return replace(state, inquiries=with_item(state.inquiries, event.inquiry, event))


@_changed.register
def _(event: opening.InquiryAnswered, state: State) -> State:
    answers, key = state.inquiry_answers, (event.inquiry, event.actor)
    return replace(state, inquiry_answers=with_item(answers, key, event))


@_changed.register
def _(event: opening.AgreementSigned, state: State) -> State:
    signed = with_item(state.agreements.get(event.agreement, {}), event.actor, event)
    after = replace(
        state,
        agreements=with_item(state.agreements, event.agreement, signed),
        signed_last=with_item(state.signed_last, event.actor, event),
    )
    both = [
        signed[name]
        for role in ("developer", "centre")
        for name in state.having(role)
        if name in signed
    ]
    same = {each.signs for each in both}
    known = {each.signs for each in state.concluded}
    # Concluded before: that one party signs it again does not bring it back.
    if len(both) < len(("developer", "centre")) or len(same) > 1 or same <= known:
        return after
    return replace(after, concluded=(*state.concluded, both[0]))


@_changed_at.register
def _(event: opening.SubmissionReceived, state: State, recorded: str) -> State:
    variants = MappingProxyType({**state.variants, **{each.id: each for each in event.variants}})
    # What was assessed was the submission before.
    return replace(
        state,
        submission=event,
        submitted_at=recorded,
        assessment=None,
        variants=variants,
    )


@_changed.register
def _(event: opening.DocumentHandedIn, state: State) -> State:
    return replace(state, documents=with_item(state.documents, event.document, event))


@_changed.register
def _(event: opening.SubmissionAssessed, state: State) -> State:
    return replace(state, assessment=event)


@_changed.register
def _(event: measuring.ClockAnchored, state: State) -> State:
    digest = state.submission.submission if state.submission else ""
    return replace(state, clock=Clock(event, digest))


def _clock(state: State, **changes: Any) -> State:
    return replace(state, clock=state.clock and replace(state.clock, **changes))


@_changed_at.register
def _(_event: measuring.ClockPaused, state: State, recorded: str) -> State:
    pauses = state.clock.pauses if state.clock else ()
    # In a record of contract 1 moments may go back; no day is lost to two pauses all the same.
    begun = max(recorded, (pauses[-1][1] or "") if pauses else "")
    return _clock(state, pauses=(*pauses, (begun, None)))


@_changed_at.register
def _(_event: measuring.ClockResumed, state: State, recorded: str) -> State:
    pauses = state.clock.pauses if state.clock else ()
    if not pauses:
        return state
    begun = pauses[-1][0]
    return _clock(state, pauses=(*pauses[:-1], (begun, max(begun, recorded))))


@_changed.register
def _(event: measuring.ClockExtended, state: State) -> State:
    days = state.clock.extension_days if state.clock else 0
    return _clock(state, extension_days=days + event.days)


@_changed_at.register
def _(_event: measuring.ClockEnded, state: State, recorded: str) -> State:
    return _clock(state, ended_at=recorded)


@_changed.register
def _(event: measuring.BatterySealed, state: State) -> State:
    return replace(state, batteries=with_item(state.batteries, event.battery, event))


@_changed_at.register
def _(event: measuring.SnapshotSeen, state: State, recorded: str) -> State:
    before = state.snapshots.get(event.variant, Snapshots())
    after = replace(before, digests=with_item(before.digests, event.method, event.digest))
    seen = replace(
        state,
        snapshots=with_item(state.snapshots, event.variant, after),
        probed_at=state.probed_at or recorded,
    )
    # The probe after the samples is asked only where measuring came to its end.
    return replace(seen, stopped=None) if event.moment == "after" else seen


@_changed.register
def _(event: measuring.SnapshotChanged, state: State) -> State:
    old = replace(state.snapshots.get(event.variant, Snapshots()), replaced_by=event.new_variant)
    new = Snapshots(digests=MappingProxyType({event.method: event.digest}))
    snapshots = {**state.snapshots, event.variant: old, event.new_variant: new}
    # It keeps modes and purpose: what answers now is reviewed as the same kind of thing, and pooled
    # with nothing.
    variant = state.variants[event.variant].model_copy(update={"id": event.new_variant})
    variants = with_item(state.variants, event.new_variant, variant)
    return replace(state, snapshots=MappingProxyType(snapshots), variants=variants)


@_changed.register
def _(event: measuring.OutcomesRecorded, state: State) -> State:
    key = RunKey(event.battery, event.criterion, event.variant, event.mode)
    tally = state.tally(*key).counting(event.outcomes)
    likenesses = dict(state.likenesses)
    for each in event.compared:
        pair = pair_of(event.battery, event.variant, event.mode, each.mode)
        before = likenesses.get(pair, Likeness())
        likenesses[pair] = Likeness(before.alike + each.alike, before.unlike + each.unlike)
    return replace(
        state,
        tallies=with_item(state.tallies, key, tally),
        likenesses=MappingProxyType(likenesses),
        # What is recorded after a stop shows that measuring went on.
        stopped=None,
    )


@_changed.register
def _(event: measuring.MeasuringStopped, state: State) -> State:
    return replace(state, stopped=event)


@_changed.register
def _(event: detecting.TranscriptsScanned, state: State) -> State:
    return replace(state, scans=with_item(state.scans, event.battery, event))


@_changed.register
def _(event: detecting.TranscriptsGraded, state: State) -> State:
    asked = (event.battery, event.questions, event.endpoint)
    return replace(state, gradings=with_item(state.gradings, asked, event))


@_changed.register
def _(event: measuring.VerdictReached, state: State) -> State:
    key = RunKey(event.battery, event.criterion, event.variant, event.mode)
    return replace(state, verdicts=with_item(state.verdicts, key, event))


@_changed.register
def _(event: measuring.SandboxBreached, state: State) -> State:
    # Another's halt answers no breach: it may be lifted for a reason of its own.
    unhalted = state.unhalted_breach or event.actor not in state.halted_by
    return replace(state, breaches=(*state.breaches, event), unhalted_breach=unhalted)


@_changed.register
def _(event: measuring.ReviewHalted, state: State) -> State:
    # The halt that a breach calls for is that of the party that saw it.
    seen = state.breaches[-1].actor if state.breaches else None
    unhalted = state.unhalted_breach and event.actor != seen
    return replace(state, halted_by=state.halted_by | {event.actor}, unhalted_breach=unhalted)


@_changed.register
def _(event: measuring.ReviewResumed, state: State) -> State:
    return replace(state, halted_by=state.halted_by - {event.actor})


@_changed.register(judging.FindingSigned)
@_changed.register(judging.OutsideFindingSigned)
def _(event: judging.FindingSigned | judging.OutsideFindingSigned, state: State) -> State:
    return replace(state, findings=with_item(state.findings, event.finding, Finding(event)))


@_changed.register
def _(event: judging.FindingResponded, state: State) -> State:
    return with_finding(state, event.finding, response=event)


@_changed.register
def _(event: judging.FindingDisputed, state: State) -> State:
    # The last look answered the dispute before.
    return with_finding(state, event.finding, dispute=event, rerun=None)


@_changed.register
def _(event: judging.FindingRerun, state: State) -> State:
    return with_finding(state, event.finding, rerun=event)


@_changed.register
def _(event: judging.EvidenceDeclared, state: State) -> State:
    return replace(state, declared=with_item(state.declared, event.criterion, event))


def _nothing(_event: Event, state: State) -> State:
    """What is only told: whoever reads it reads its entry, and nothing follows for the case."""
    return state


for _told in telling.TOLD:
    _changed.register(_told, _nothing)


@_changed.register
def _(event: judging.DesignationProposed, state: State) -> State:
    before = state.designating
    # Agencies spoke to the proposal before: no answer is taken for one to this.
    fresh = Designating((*before.proposals, event), decisions=before.decisions)
    return replace(state, designating=fresh)


@_changed.register(judging.DesignationConcurred)
@_changed.register(judging.DesignationDissented)
def _(event: judging.DesignationConcurred | judging.DesignationDissented, state: State) -> State:
    answers = with_item(state.designating.answers, event.actor, event)
    return replace(state, designating=replace(state.designating, answers=answers))


@_changed.register(judging.DesignationMade)
@_changed.register(judging.DesignationRevised)
def _(event: judging.DesignationMade | judging.DesignationRevised, state: State) -> State:
    decisions = (*state.designating.decisions, event)
    return replace(state, designating=replace(state.designating, decisions=decisions))


@_changed.register(settling.TermsOffered)
@_changed.register(settling.TermsCountered)
def _(event: settling.TermsOffered | settling.TermsCountered, state: State) -> State:
    # Who offers agrees; what others said was about other terms.
    fresh = Terms(event.terms, offered_by=event.actor, agreed=frozenset({event.actor}))
    return replace(state, terms=fresh)


@_changed.register
def _(event: settling.TermsAgreed, state: State) -> State:
    was, who = state.terms, {event.actor}
    terms = replace(was, agreed=was.agreed | who, declined=was.declined - who)
    return keeping_agreed(state, replace(state, terms=terms))


@_changed.register
def _(event: settling.TermsDeclined, state: State) -> State:
    was, who = state.terms, {event.actor}
    terms = replace(was, agreed=was.agreed - who, declined=was.declined | who)
    return keeping_agreed(state, replace(state, terms=terms))


@_changed.register
def _(event: settling.PostponementRequested, state: State) -> State:
    known = with_item(state.postponements, event.request, Postponement(event))
    return replace(state, postponements=known)


@_changed.register
def _(event: settling.PostponementAnswered, state: State) -> State:
    answered = replace(state.postponements[event.request], answer=event)
    return replace(state, postponements=with_item(state.postponements, event.request, answered))


@_changed.register
def _(event: settling.ReleaseAnnounced, state: State) -> State:
    return replace(state, releases=(*state.releases, event))


@_changed.register
def _(event: settling.ReleaseCompared, state: State) -> State:
    return replace(state, comparisons=(*state.comparisons, event))


@_changed.register
def _(event: settling.DirectiveIssued, state: State) -> State:
    known = with_item(state.directives, event.directive, Directive(event))
    return replace(state, directives=known)


@_changed.register
def _(event: settling.DirectiveAnswered, state: State) -> State:
    return with_directive(state, event.directive, answer=event)


@_changed.register
def _(event: settling.DirectiveAnswerRevised, state: State) -> State:
    before = state.directives[event.directive].revisions
    return with_directive(state, event.directive, revisions=(*before, event))


@_changed.register
def _(event: settling.DirectiveLifted, state: State) -> State:
    return with_directive(state, event.directive, lifted_at=event.at)


@_changed.register
def _(event: settling.StandingClassesAuthorised, state: State) -> State:
    return replace(state, standing=event)


@_changed.register
def _(event: settling.BundlePublished, state: State) -> State:
    return replace(state, bundles=(*state.bundles, event))


@_changed.register
def _(event: settling.ReceiptNoted, state: State) -> State:
    return replace(state, receipts=(*state.receipts, event.receipt))


@_changed.register
def _(event: settling.ReadsDigested, state: State) -> State:
    return replace(state, days_digested=state.days_digested | {event.day})


@_changed.register
def _(event: settling.ReportIssued, state: State) -> State:
    return replace(state, reports=with_item(state.reports, event.audience, event))


@_changed.register
def _(event: settling.ReviewWithdrawn, state: State) -> State:
    # Leaving changes the status and nothing else: what was measured, agreed or said stays as it is.
    status = "withdrawn" if state.status == "open" else state.status
    return replace(state, status=status, withdrawal=event)


@_changed_at.register
def _(event: settling.CaseClosed, state: State, recorded: str) -> State:
    return replace(state, status="closed", closed=event, closed_at=recorded)


@_changed.register
def _(event: settling.CaseDestroyed, state: State) -> State:
    return replace(state, status="destroyed", destroyed=event)
