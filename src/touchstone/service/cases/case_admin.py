"""Looking at cases, and making the index again."""

from collections.abc import Callable
from typing import Any

from touchstone.clearance import party_audience
from touchstone.deeds.known_case import participants_among, participants_of
from touchstone.editions.case_summary import summarise_events
from touchstone.editions.event_text import event_sentence
from touchstone.editions.questions.attempts import attempts_standing
from touchstone.editions.questions.case import (
    CaseRow,
    CaseShown,
    Happening,
    case_row,
    case_standing,
)
from touchstone.editions.questions.only_reported import reported_standing
from touchstone.editions.sentences import paragraph, sentence
from touchstone.evaluation import Submission
from touchstone.framework import Framework, framework_of
from touchstone.keys import KeyFileError
from touchstone.records import CaseReader, OtherInstallationError
from touchstone.review import (
    Event,
    State,
    read_event,
    require_known,
)
from touchstone.review.audience_view import newest_entry, read_entries_of, required, stored_entry
from touchstone.review.errors import MissingPartError
from touchstone.review.events.base import EventWithTexts
from touchstone.service.case_context import Case, destroyed_error
from touchstone.service.cases.endpoint_keys import is_over
from touchstone.service.errors import UnknownCaseError
from touchstone.service.frameworks import pinned_framework
from touchstone.service.installation import Installation
from touchstone.verdicts.content_parsers import submission_of


def list_cases(installation: Installation) -> list[CaseRow]:
    """Every case of the installation, last updated first."""
    working = installation.records.working
    return [
        case_row(listing.case, listing.summary, at_work=listing.case in working)
        for listing in installation.records.cases()
    ]


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
    happened = (
        Happening(n, event.at, event.actor, _line(reader, n, event))
        for n, event in enumerate(map(read_event, reader.events()))
    )
    return case_standing(
        case,
        state,
        _readable_framework(reader),
        happened,
        installation.now(),
        attempts=_asked(attempts_standing, reader, state),
        reported=_asked(reported_standing, reader, state),
        at_work=case in installation.records.working,
        left=str(destroyed_error(case, state)) if reader.destroyed else "",
    )


def _asked(
    question: Callable[..., tuple[dict[str, Any], ...]], reader: CaseReader, state: State
) -> tuple[dict[str, Any], ...]:
    """What a question of outcomes gives; empty where the content that bears on it is not there."""
    if not state.batteries or reader.destroyed:
        return ()
    try:
        centre = party_audience(participants_of(state).centre)
        return question(state, lambda *types: read_entries_of(reader, centre, types, use="look"))
    # Where a newer version let the parties in, it is not known here who the centre is.
    except (KeyFileError, OtherInstallationError, MissingPartError):
        return ()


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
