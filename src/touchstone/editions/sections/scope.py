"""What was asked and by whom: model, framework, parties, clock."""

from touchstone.editions.audience_case import AudienceCase, plain
from touchstone.editions.page import Claim, ClockFacts, Conflict, Fact, PartyFacts
from touchstone.editions.sections.conditions import caps_facts
from touchstone.editions.sections.signing_keys import recovered_by
from touchstone.editions.sentences import paragraph, sentence
from touchstone.framework.kinds import Anchor
from touchstone.handin import moment_of
from touchstone.review import deadline, late_days, read_clock
from touchstone.review.clock import day_of
from touchstone.review.events.opening import AgreementSigned, CaseOpened, SubmissionReceived
from touchstone.review.state import Clock
from touchstone.review.view_only import CARRYING, lookers_named


def _fact(label: str, text: str) -> Fact:
    return Fact(sentence("scope.label", fact=label), text)


def model_facts(case: AudienceCase) -> tuple[Fact, ...]:
    """What was handed in; empty where the audience may not read that."""
    received = case.state.submission
    if received is None:
        return ()
    variants = [
        sentence("scope.variant", variant=variant.id, purpose=variant.purpose)
        if variant.weights is None
        else sentence(
            "scope.variant-with-weights",
            variant=variant.id,
            purpose=variant.purpose,
            weights=variant.weights,
        )
        for variant in received.variants
    ]
    return (
        _fact("model", received.model),
        _fact("developer", case.name(received.actor)),
        _fact("release-state", sentence("scope.release-state", state=received.release_state)),
        _fact("planned-release", _planned_in_words(received, case)),
        _fact("variants", sentence("list-of.commas", items=variants)),
        *_agreed(case),
        *caps_facts(case),
        _fact("documents", _documents(case)),
        _fact("submission", received.submission),
    )


def _agreed(case: AudienceCase) -> tuple[Fact, ...]:
    """What kind of case it is, and what of the model the centre is given."""
    opened, signed = case.state.opened, case.state.agreement
    facts = [_fact("kind", sentence("scope.kind", kind=opened.kind))] if opened else []
    if signed:
        facts += [
            _fact("access", sentence("scope.access", access=signed.access)),
            _fact("reasoning", sentence("scope.reasoning", reasoning=signed.reasoning)),
        ]
        if lookers := _lookers(case, signed.agreement):
            names = [case.name(each) for each in lookers]
            facts.append(_fact("view-only", sentence("scope.view-only", parties=names)))
    return tuple(facts)


def _lookers(case: AudienceCase, agreement: str) -> list[str]:
    """Whom the text that holds lets look at what models answered, as far as it may be read."""
    carrying = (each for kind in CARRYING for each in case.visible(kind))
    texts = [
        entry.content("agreement")
        for entry in carrying
        if isinstance(entry.event, CaseOpened | AgreementSigned)
        and entry.event.agreement == agreement
    ]
    named = {each for text in texts if text for each in lookers_named(text.get("view_only"))}
    return sorted(named - {*case.state.having("developer")})


def _planned_in_words(received: SubmissionReceived, case: AudienceCase) -> str:
    zone = sentence("scope.the-frameworks-zone")
    if case.framework:
        zone = case.framework.window.timezone
    days = []
    if day := received.planned_partner_release:
        days.append(sentence("scope.partner-release", day=day, zone=zone))
    if day := received.planned_public_release:
        days.append(sentence("scope.public-release", day=day, zone=zone))
    return sentence("list-of.commas", items=days) if days else sentence("scope.none-planned")


def _documents(case: AudienceCase) -> str:
    if case.submitted is None:
        return sentence("edition.not-for-this-audience")
    found = [
        sentence("scope.document", title=each["title"], digest=each["digest"][:19])
        for each in case.submitted.get("documents", [])
    ]
    return sentence("list-of.semicolons", items=found) if found else sentence("edition.none")


def framework_facts(case: AudienceCase) -> tuple[Fact, ...]:
    """The standard that the case is held to."""
    opened, framework = case.state.opened, case.framework
    if opened is None:
        return ()
    if framework is None:
        return (_fact("framework", opened.framework.id), _fact("digest", opened.framework.digest))
    named = sentence(
        "scope.framework-version", title=framework.title, version=str(framework.version)
    )
    return (
        _fact("framework", named),
        _fact("status", sentence("scope.status", status=framework.status)),
        _fact("gate", sentence("scope.gate", gate=framework.gate)),
        _fact("thresholds", sentence("scope.thresholds", thresholds=framework.thresholds)),
        _fact("digest", opened.framework.digest),
    )


def conflicts(case: AudienceCase) -> tuple[Conflict, ...]:
    """The framework's claims that contradict one another."""
    if case.framework is None:
        return ()
    return tuple(
        Conflict(
            plain(name).capitalize(),
            tuple(Claim(fact.claim, fact.source, fact.date, fact.status) for fact in facts),
        )
        for name, facts in case.framework.conflicts.items()
    )


def party_facts(case: AudienceCase) -> tuple[PartyFacts, ...]:
    """Who takes part, by name, and what each was asked."""
    there = [
        PartyFacts(
            name,
            case.name(name),
            sentence("name.role", role=party.role),
            paragraph(_asked(case, name, party.role), recovered_by(case, name)),
        )
        for name, party in case.state.parties.items()
    ]
    left = [
        PartyFacts(name, case.name(name), sentence("name.role", role=gone.role), _left(case, name))
        for name, gone in case.state.left.items()
    ]
    return (*there, *left)


def _left(case: AudienceCase, party: str) -> str:
    gone = case.state.left[party]
    if gone.by == party:
        return sentence("scope.left", day=gone.at[:10])
    return sentence("scope.removed", by=case.name(gone.by), day=gone.at[:10])


def _asked(case: AudienceCase, party: str, role: str) -> str:
    designation = case.framework.designation if case.framework else None
    if role in {"developer", "centre"}:
        return sentence("scope.asked", asked=role)
    if designation and party == designation.made_by:
        return sentence("scope.asked", asked="decides")
    if designation and party in designation.must_concur:
        return sentence("scope.asked", asked="concurs")
    return ""


def clock_facts(case: AudienceCase, made_at: str) -> ClockFacts | None:
    """The window as it stands on the day of the edition; None where it is not to be read."""
    clock = case.state.clock
    if clock is None:
        return None
    laid, received = clock.anchored, case.state.submission
    # As of the edition: a page that is read later must not count on.
    reading = read_clock(clock, made_at)
    counted_from = laid.anchor if case.framework is None else case.framework.window.anchor
    business = laid.business_days
    return ClockFacts(
        window=sentence("clock.window", business=business, days=laid.window_days, run=counted_from),
        timezone=laid.timezone,
        submitted=laid.shared_day,
        share_by=None if laid.anchor == "submission" else laid.share_by,
        ends=reading.review_by.isoformat(),
        planned_release=_planned(received) if received else None,
        came=_came(clock),
        today=day_of(made_at, laid.timezone).isoformat(),
        pauses=tuple(
            (
                day_of(begun, laid.timezone).isoformat(),
                # A pause that goes on is drawn to the day of the edition.
                day_of(over or made_at, laid.timezone).isoformat(),
            )
            for begun, over in clock.pauses
        ),
        remarks=_remarks(case, clock, reading.paused_days, reading.review_by.isoformat()),
    )


def _came(clock: Clock) -> str:
    """Whether the model came in time; empty where no day to share by follows."""
    laid, late = clock.anchored, late_days(clock.anchored)
    if not late:
        return "" if laid.anchor == "submission" else sentence("clock.in-time")
    told = {"business": laid.business_days, "late": late}
    # The window cannot lack more days than it has, and the model may be later than that: both are
    # said.
    if late > laid.shortfall_days:
        return sentence("clock.after-release", **told, window=laid.window_days)
    return sentence("clock.late", **told)


def _deadlines(clock: Clock, review_by: str) -> str:
    """The last minutes of the window, with their zone."""
    laid = clock.anchored
    ends = deadline(review_by, laid.timezone)
    if laid.anchor == "submission":
        return sentence("clock.ends", ends=ends)
    share_by = deadline(laid.share_by, laid.timezone)
    return sentence("clock.share-by-and-ends", share_by=share_by, ends=ends)


def _planned(received: SubmissionReceived) -> str | None:
    return received.planned_public_release or received.planned_partner_release


def _remarks(case: AudienceCase, clock: Clock, paused_days: int, review_by: str) -> tuple[str, ...]:
    laid, window = clock.anchored, case.framework.window if case.framework else None
    business = laid.business_days
    remarks = [_deadlines(clock, review_by)]
    if late := late_days(laid):
        shared = sentence("clock.shared-late", business=business, late=late)
        remarks.append(paragraph(shared, sentence("clock.may-release")))
    # The record says to what the window was laid; where that is not what the framework names, a
    # reader must be told why.
    if window and laid.anchor != window.anchor:
        remarks.append(_counted_from(laid.anchor))
    if clock.pauses:
        remarks.append(_paused(clock, paused_days))
    if days := clock.extension_days:
        remarks.append(sentence("clock.extended", business=business, days=days))
    if clock.ended_at:
        remarks.append(sentence("clock.ended", day=str(day_of(clock.ended_at, laid.timezone))))
    if window and window.note:
        remarks.append(sentence("clock.framework-note", note=window.note))
    return tuple(remarks)


def _counted_from(anchor: Anchor) -> str:
    """From where the window runs, where that is not what the framework names."""
    if anchor == "submission":
        return sentence("clock.no-such-release")
    return sentence("clock.counted-back", anchor=anchor)


def _paused(clock: Clock, days: int) -> str:
    """How often and how long, and whether it runs by now."""
    over = sentence("clock.days", business=clock.anchored.business_days, days=days)
    paused = sentence("clock.paused", times=len(clock.pauses), days=over)
    if clock.ended_at:
        return paused
    return paragraph(paused, sentence("clock.stands-still" if clock.paused else "clock.runs-again"))


def moment(at: str) -> str:
    """A UTC time as people read it."""
    return moment_of(at).strftime("%Y-%m-%d %H:%M UTC")
