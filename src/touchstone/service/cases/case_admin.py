"""Looking at cases, and making the index again."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from touchstone.deeds.known_case import participants_among, participants_of
from touchstone.editions.case_summary import summarise_events
from touchstone.editions.event_text import designation_in_words, event_sentence
from touchstone.editions.sentences import paragraph, sentence
from touchstone.editions.stage_text import stage, stage_now
from touchstone.evaluation import Submission
from touchstone.framework import Framework, framework_of
from touchstone.keys import KeyFileError
from touchstone.records import CaseReader, Listing, OtherInstallationError
from touchstone.review import (
    Event,
    State,
    concurrences,
    day_of,
    deadline_instant,
    read_clock,
    read_event,
    require_known,
)
from touchstone.review.audience_view import newest_entry, required, stored_entry
from touchstone.review.errors import MissingPartError
from touchstone.review.events.base import EventWithTexts
from touchstone.service.case_context import Case, destroyed_error
from touchstone.service.cases.endpoint_keys import is_over
from touchstone.service.errors import UnknownCaseError
from touchstone.service.frameworks import pinned_framework
from touchstone.service.installation import Installation
from touchstone.verdicts.content_parsers import submission_of

LONGEST_DAYS = 36_525
"""100 years: what is kept for longer has no last day in lists."""


@dataclass(frozen=True)
class CaseRow:
    """A case in a list."""

    case: str
    model: str
    developer: str
    framework: str
    status: str
    updated: str

    def as_dict(self) -> dict[str, str]:
        """For `--json`."""
        return asdict(self)


@dataclass(frozen=True)
class CaseShown:
    """One case, for people and for `--json`."""

    case: str
    model: str
    framework: str
    status: str
    agreement: dict[str, Any]
    """Empty until developer and centre have signed the same."""
    clock: dict[str, Any]
    verdicts: tuple[dict[str, Any], ...]
    designation: dict[str, Any]
    timeline: tuple[dict[str, Any], ...]
    left: str = ""
    """Of a destroyed case: what is left and what can still be done."""
    not_known: tuple[str, ...] = ()
    """Entries that a newer version wrote, as `key-escrowed at entry 12`: the rest goes without."""

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def list_cases(installation: Installation) -> list[CaseRow]:
    """Every case of the installation, last updated first."""
    working = installation.records.working
    return [
        _row(listing, at_work=listing.case in working) for listing in installation.records.cases()
    ]


def _row(listing: Listing, *, at_work: bool) -> CaseRow:
    summary = listing.summary
    return CaseRow(
        listing.case,
        summary.model_name,
        summary.developer,
        summary.framework,
        stage_now(summary.status, at_work=at_work),
        summary.updated,
    )


def find(installation: Installation, beginning: str) -> str:
    """The id of the one case that begins like this.

    Raises:
        UnknownCaseError: none does, or several do.
    """
    found = [row.case for row in installation.records.cases() if row.case.startswith(beginning)]
    # Whole ids may begin with one another: `model-3`, `model-30`.
    if beginning in found:
        return beginning
    # Every id begins with nothing: with one case here it would be found by accident.
    if not beginning:
        raise UnknownCaseError("case-unnamed")
    if len(found) != 1:
        code = "case-ambiguous" if found else "case-unknown"
        raise UnknownCaseError(code, count=len(found), beginning=beginning[:64])
    return found[0]


def open_found(installation: Installation, beginning: str) -> Case:
    """The case that begins like this, with framework and submission from its own record.

    Raises:
        UnknownCaseError: none does, or several do.
        DestroyedCaseError: its content was destroyed.
    """
    case = open_as_it_is(installation, beginning)
    case.require_content()
    return case


def open_as_it_is(installation: Installation, beginning: str) -> Case:
    """The same, also of a destroyed case: by its facts alone, without what was handed in."""
    name = find(installation, beginning)
    state, reader = installation.state(name), installation.records.case(name)
    if reader.destroyed:
        pinned = pinned_framework(installation, name)
        return Case(installation, name, pinned, None, participants_of(state))
    return Case(installation, name, _framework(reader), _submission(reader), participants_of(state))


def open_begun(installation: Installation, beginning: str) -> Case:
    """The same of a case in any state: also one in which nothing was handed in yet.

    Who was invited and has not joined counts among its participants.

    Raises:
        UnknownCaseError: none begins like that, or several do.
        EarlierContractError: it is of record contract 1.
        MissingPartError: no developer or no centre is in it, or invited.
    """
    name = find(installation, beginning)
    state, reader = installation.state(name), installation.records.case(name)
    roles = {party: act.role for party, act in state.invitations.items()}
    roles |= {party: each.role for party, each in state.parties.items()}
    handed_in = None
    if state.submission is not None and not reader.destroyed:
        handed_in = _submission(reader)
    pinned = pinned_framework(installation, name)
    case = Case(installation, name, pinned, handed_in, participants_among(roles))
    case.require_growing()
    return case


def open_to_add(installation: Installation, beginning: str) -> Case:
    """The same for those who mean to add to it: before what is asked is held against the case.

    Raises:
        Refused: it holds events of a newer version.
        EarlierContractError: it is of record contract 1.
    """
    case = open_found(installation, beginning)
    case.require_growing()
    require_known(case.state)
    return case


def open_to_act(installation: Installation, beginning: str) -> Case:
    """The same for deeds that a destroyed case takes, too. Raises as `open_to_add`, but for that.

    Nothing but its facts is at hand then, and its record keeps no more of what is done.
    """
    case = open_to_leave(installation, beginning)
    require_known(case.state)
    return case


def open_to_leave(installation: Installation, beginning: str) -> Case:
    """The same for a developer that releases or leaves, whatever newer versions made of the case.

    Raises:
        EarlierContractError: it is of record contract 1.
    """
    case = open_as_it_is(installation, beginning)
    case.require_growing()
    return case


def show_case(installation: Installation, beginning: str) -> CaseShown:
    """Status, clock, verdicts, designation and timeline of a case, as its centre reads it."""
    case = find(installation, beginning)
    state = installation.state(case)
    reader = installation.records.case(case)
    opened, submission, framework = state.opened, state.submission, _readable_framework(reader)
    return CaseShown(
        case=case,
        model=submission.model if submission else "",
        framework=opened.framework.id if opened else "",
        status=stage_now(stage(state), at_work=case in installation.records.working),
        agreement=_agreement(state, framework),
        clock=_clock(state, installation.now()),
        verdicts=tuple(
            {
                "criterion": key.criterion,
                "mode": key.mode,
                "verdict": reached.verdict,
                "solved": reached.solved,
                "counted": reached.counted,
                "interval": list(reached.interval),
                "repeated": state.tally(*key)
                .attempt()
                .repeated(reached.counted if reached.stop else None),
                "stop": reached.stop.model_dump(mode="json") if reached.stop else None,
            }
            for key, reached in state.verdicts.items()
        ),
        designation=_designation(state, framework),
        timeline=tuple(
            {"n": n, "at": event.at, "actor": event.actor, "text": _line(reader, n, event)}
            for n, event in enumerate(map(read_event, reader.events()))
        ),
        left=str(destroyed_error(case, state)) if reader.destroyed else "",
        not_known=tuple(map(str, state.unknown)),
    )


def _line(reader: CaseReader, n: int, event: Event) -> str:
    """What happened, with the words that go with it where they can be opened."""
    if not isinstance(event, EventWithTexts):
        return event_sentence(event)
    try:
        return event_sentence(event, texts=stored_entry(reader, n).texts())
    except (KeyFileError, OtherInstallationError):
        return event_sentence(event)


def rebuild_index(installation: Installation) -> str:
    """Make the index of cases again from the record, and sweep files that a crash left."""
    swept = installation.records.sweep()
    for case in installation.records.names():
        # Where a process ended between the deed and this.
        if is_over(installation, case):
            installation.records.endpoint_keys.end(case)
    differed = installation.records.rebuild(summarise_events)
    listed = installation.records.cases()
    count = len(listed)
    newer = [each.case for each in listed if installation.state(each.case).unknown]
    return paragraph(
        sentence("index.differed", count=count, cases=differed)
        if differed
        else sentence("index.as-it-was", count=count),
        sentence("index.swept", swept=swept) if swept else "",
        sentence("index.newer", cases=newer) if newer else "",
    )


def _framework(reader: CaseReader) -> Framework:
    return required(stored_entry(reader, 0), "framework", framework_of)


def _readable_framework(reader: CaseReader) -> Framework | None:
    """The framework; None where the content is not there, or keys are missing that open it."""
    if reader.destroyed:
        return None
    try:
        return _framework(reader)
    except (KeyFileError, OtherInstallationError, MissingPartError):
        return None


def _submission(reader: CaseReader) -> Submission:
    return required(newest_entry(reader, "submission-received"), "submission", submission_of)


def _agreement(state: State, framework: Framework | None) -> dict[str, Any]:
    signed, closed = state.agreement, state.closed
    if signed is None:
        return {}
    # As the framework reckons its days; of a destroyed case as the clock did, whose facts stay.
    laid = state.clock.anchored.timezone if state.clock else "UTC"
    zone, until = framework.window.timezone if framework else laid, None
    # A party signs any number of days, also one that no calendar holds.
    if closed is not None and signed.retention_days <= LONGEST_DAYS:
        day = day_of(state.closed_at, zone) + timedelta(days=signed.retention_days)
        until = deadline_instant(day.isoformat(), zone)
    return {
        "access": signed.access,
        "reasoning": signed.reasoning,
        "retention_days": signed.retention_days,
        "publication": signed.publication,
        "keep_until": until,
        "timezone": zone,
    }


def _clock(state: State, now: str) -> dict[str, Any]:
    if state.clock is None:
        return {}
    laid, reading = state.clock.anchored, read_clock(state.clock, now)
    return {
        "anchor": laid.anchor,
        "timezone": laid.timezone,
        "share_by": deadline_instant(laid.share_by, laid.timezone),
        "shared": laid.shared_day,
        "review_by": deadline_instant(reading.review_by.isoformat(), laid.timezone),
        "business_days": laid.business_days,
        "days_left": reading.days_left,
        "shortfall_days": reading.shortfall_days,
        "late_days": reading.late_days,
    }


def _concurrence(state: State, framework: Framework) -> dict[str, str]:
    """What each agency says; of one that takes no part, that nobody asked it."""
    return {
        agency: _not_heard(state, agency) if word == "missing" else word
        for agency, word in concurrences(state, framework).items()
    }


def _not_heard(state: State, agency: str) -> str:
    """Why there is no word of an agency: it has left, nobody asked it, or it is silent."""
    if agency in state.left:
        return sentence("designation.left")
    return "missing" if agency in state.parties else sentence("designation.not-asked")


def _designated(designation: str | None) -> str:
    if designation is None:
        return sentence("designation.none-so-far")
    return designation_in_words(designation)


def _designation(state: State, framework: Framework | None) -> dict[str, Any]:
    designating = state.designating
    proposed = designating.proposals[-1] if designating.proposals else None
    made = designating.made
    return {
        "proposed": _designated(proposed.designation if proposed else None),
        "made": _designated(made),
        "concurrence": _concurrence(state, framework) if framework else {},
    }
