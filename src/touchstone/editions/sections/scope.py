"""What was asked and by whom: model, framework, parties, clock."""

from typing import Any

from touchstone.editions.audience_case import AudienceCase, number, plain
from touchstone.editions.page import Claim, ClockFacts, Conflict, Fact, PartyFacts
from touchstone.editions.sections.conditions import caps_facts
from touchstone.editions.sentences import sentence
from touchstone.handin import moment_of
from touchstone.review import deadline, late_days, read_clock
from touchstone.review.clock import day_of
from touchstone.review.events.opening import SubmissionReceived
from touchstone.review.state import Clock

NOT_TO_BE_READ = "not for this audience"
THRESHOLDS = {
    "stated": "stated in the framework",
    "undisclosed": "undisclosed: what is measured is shown, and nothing is concluded from it",
    "none": "none: what is measured is shown, and nothing is concluded from it",
}


def model_facts(case: AudienceCase) -> tuple[Fact, ...]:
    """What was handed in; empty where the audience may not read that."""
    received = case.state.submission
    if received is None:
        return ()
    return (
        Fact("Model", received.model),
        Fact("Developer", case.name(received.actor)),
        Fact("Release state", plain(received.release_state)),
        Fact("Planned release", _planned_in_words(received, case)),
        Fact(
            "Variants",
            ", ".join(f"{variant.id} ({variant.purpose})" for variant in received.variants),
        ),
        *_agreed(case),
        *caps_facts(case),
        Fact("Documents", _documents(case)),
        Fact("Digest of the submission", received.submission),
    )


def _agreed(case: AudienceCase) -> tuple[Fact, ...]:
    """What kind of case it is, and what of the model the centre is given."""
    opened, signed = case.state.opened, case.state.agreement
    return (
        *((Fact("Kind", opened.kind),) if opened else ()),
        *(
            (
                Fact("Access", plain(signed.access)),
                Fact("Reasoning that may be seen", plain(signed.reasoning)),
            )
            if signed
            else ()
        ),
    )


def _planned_in_words(received: SubmissionReceived, case: AudienceCase) -> str:
    zone = case.framework.window.timezone if case.framework else "the framework's zone"
    days = [
        f"{day} in {zone} ({whom})"
        for day, whom in (
            (received.planned_partner_release, "to partners"),
            (received.planned_public_release, "public"),
        )
        if day
    ]
    return ", ".join(days) or "none planned"


def _documents(case: AudienceCase) -> str:
    if case.submitted is None:
        return NOT_TO_BE_READ
    documents: list[dict[str, Any]] = case.submitted.get("documents", [])
    return "; ".join(f"{d['title']} ({d['digest'][:19]}…)" for d in documents) or "none"


def framework_facts(case: AudienceCase) -> tuple[Fact, ...]:
    """The standard that the case is held to."""
    opened, framework = case.state.opened, case.framework
    if opened is None:
        return ()
    if framework is None:
        return (
            Fact("Framework", opened.framework.id),
            Fact("Digest", opened.framework.digest),
        )
    gate = "none: releasing is the developer's own act" if framework.gate == "none" else "approval"
    return (
        Fact("Framework", f"{framework.title}, version {framework.version}"),
        Fact("Status", plain(framework.status)),
        Fact("Gate", gate),
        Fact("Thresholds", THRESHOLDS[framework.thresholds]),
        Fact("Digest", opened.framework.digest),
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
    return tuple(
        PartyFacts(name, case.name(name), plain(party.role), _asked(case, name, party.role))
        for name, party in case.state.parties.items()
    )


def _asked(case: AudienceCase, party: str, role: str) -> str:
    designation = case.framework.designation if case.framework else None
    if role == "developer":
        return "Shares the model, voluntarily; releasing it stays its own act."
    if role == "centre":
        return "Measures the model, proposes by rule and keeps the record."
    if designation and party == designation.made_by:
        return "Decides whether the model is a covered frontier model."
    if designation and party in designation.must_concur:
        return "Is asked to concur."
    return ""


def clock_facts(case: AudienceCase, made_at: str) -> ClockFacts | None:
    """The window as it stands on the day of the edition; None where it is not to be read."""
    clock = case.state.clock
    if clock is None:
        return None
    laid, received = clock.anchored, case.state.submission
    reading = read_clock(clock, made_at)
    unit = "business days" if laid.business_days else "days"
    counted_from = laid.anchor if case.framework is None else case.framework.window.anchor
    run = (
        "from the submission on"
        if counted_from == "submission"
        else f"before {sentence('name.anchor', anchor=counted_from)}"
    )
    return ClockFacts(
        window=f"The framework asks for {laid.window_days} {unit} {run}.",
        timezone=laid.timezone,
        submitted=laid.shared_day,
        share_by=None if laid.anchor == "submission" else laid.share_by,
        ends=reading.review_by.isoformat(),
        planned_release=_planned(received) if received else None,
        came=_came(clock, unit),
        today=day_of(made_at, laid.timezone).isoformat(),
        pauses=tuple(
            (
                day_of(begun, laid.timezone).isoformat(),
                day_of(over or made_at, laid.timezone).isoformat(),
            )
            for begun, over in clock.pauses
        ),
        remarks=_remarks(case, clock, unit, reading.paused_days, reading.review_by.isoformat()),
    )


def _came(clock: Clock, unit: str) -> str:
    """Whether the model came in time; empty where no day to share by follows."""
    laid, late = clock.anchored, late_days(clock.anchored)
    if not late:
        return "" if laid.anchor == "submission" else "The model came in time."
    unit = unit.removesuffix("s") if late == 1 else unit
    came = f"The model came {late} {unit} later than that"
    if late > laid.shortfall_days:
        return f"{came}, after the planned release: of the {laid.window_days} none was left."
    return f"{came}."


def _deadlines(clock: Clock, review_by: str) -> str:
    """The last minutes of the window, with their zone."""
    laid = clock.anchored
    ends = f"the window ends {deadline(review_by, laid.timezone)}"
    if laid.anchor == "submission":
        return f"{ends[0].upper()}{ends[1:]}."
    return f"Asked to share by {deadline(laid.share_by, laid.timezone)}; {ends}."


def _planned(received: SubmissionReceived) -> str | None:
    return received.planned_public_release or received.planned_partner_release


def _remarks(
    case: AudienceCase, clock: Clock, unit: str, paused_days: int, review_by: str
) -> tuple[str, ...]:
    laid, window = clock.anchored, case.framework.window if case.framework else None
    remarks = [_deadlines(clock, review_by)]
    if late := late_days(laid):
        remarks.append(
            f"The model was shared {late} {unit.removesuffix('s') if late == 1 else unit} later "
            "than the framework asks. The developer may release all the same."
        )
    if window and laid.anchor != window.anchor:
        remarks.append(
            "No such release is planned, so the window runs from the submission."
            if laid.anchor == "submission"
            else f"The window is counted back from {sentence('name.anchor', anchor=laid.anchor)}."
        )
    if clock.pauses:
        standing = "It stands still now." if clock.paused else "It runs again."
        remarks.append(
            f"The clock was paused {number(len(clock.pauses), 'time')}, over {paused_days} {unit}. "
            f"{standing if not clock.ended_at else ''}".rstrip()
        )
    if clock.extension_days:
        remarks.append(f"The developer gave {clock.extension_days} more {unit}.")
    if clock.ended_at:
        remarks.append(f"The clock ended on {day_of(clock.ended_at, laid.timezone)}.")
    if window and window.note:
        remarks.append(f"Note of the framework: {window.note}")
    return tuple(remarks)


def moment(at: str) -> str:
    """A UTC time as people read it."""
    return moment_of(at).strftime("%Y-%m-%d %H:%M UTC")
