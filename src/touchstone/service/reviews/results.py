"""What a review has to show, however it ended: the same editions, and what is told of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from touchstone.clearance import party_audience
from touchstone.editions.gathering import AudienceCase
from touchstone.editions.sections.conditions import chosen_values
from touchstone.editions.sentences import sentence
from touchstone.review.audience_view import newest_entry, read_entries, required
from touchstone.review.designation import reasons_of
from touchstone.service.case_context import Case
from touchstone.service.errors import EndedError, StoppedError
from touchstone.service.measurement.chunk_queue import plan_chunks
from touchstone.service.measurement.record_verdicts import PROPOSED, awaited, conclude
from touchstone.service.measurement.review_result import ReviewResult, unmeasured
from touchstone.service.measurement.sealing import reopen
from touchstone.service.measurement.stopping import end_measuring, record_stop
from touchstone.service.measurement.tracking import Tracker, tracker_of
from touchstone.service.reporting.edition_files import audiences, issue_editions
from touchstone.service.reviews.measuring import worked_on
from touchstone.service.reviews.what_ran import unscanned_line
from touchstone.service.witnessing import ask_configured
from touchstone.verdicts.content_parsers import registered_of
from touchstone.verdicts.modes_compared import modes_alike
from touchstone.verdicts.repeated_attempts import attempt_rates
from touchstone.verdicts.reported_scores import reported_scores
from touchstone.verdicts.run_progress import Observer


def finished_run(case: Case) -> Tracker | None:
    """How the runs ended, where the review was measured to its end; else None."""
    counts, state = case.installation.records.jobs.counts(case.id), case.state
    to_run = counts["waiting"] + counts["leased"] + counts["halted"]
    # Where another's hand proposes, all that is to be done here is done with the verdicts.
    concluded = state.designating.proposals or (state.verdicts and PROPOSED in _awaited(case))
    if not concluded or to_run or state.stopped:
        return None
    return _tracker(case)


def _tracker(case: Case) -> Tracker:
    """How far the record says that every run has come."""
    prepared = reopen(case)
    return tracker_of(case, plan_chunks(case, prepared), prepared.verdicts, prepared.reported)


def stopped_review(case: Case, stop: StoppedError, out: Path, observer: Observer) -> ReviewResult:
    """What a review that stopped early has to show: the same editions, which say that it did."""
    observer.step(sentence("step.stopped"))
    record_stop(case, worked_on(case), stop)
    return issue_result(case, _tracker(case), out, observer, str(stop))


def ended_review(
    case: Case, told: EndedError | None, out: Path, observer: Observer
) -> ReviewResult:
    """What a review whose case ended meanwhile has to show: editions of what its record holds.

    `told` is what the measuring told of it, if that met the end. Raises EndedError where there is
    nothing to be shown.
    """
    ended = told or _ended(case)
    if case.state.status == "destroyed" or case.state.newest_battery is None:
        raise ended
    observer.step(sentence("step.ended"))
    return issue_result(case, _tracker(case), out, observer, str(ended))


def _ended(case: Case) -> EndedError:
    """What is told where something else than the measuring met the end of the case."""
    sealed = case.state.newest_battery is not None and case.state.status != "destroyed"
    return end_measuring(case, plan_chunks(case, reopen(case)) if sealed else {})


def issue_result(
    case: Case, tracker: Tracker, out: Path, observer: Observer, stopped: str = ""
) -> ReviewResult:
    """Conclude, and write the editions."""
    installation = case.installation
    # What is of an earlier contract, or has ended, stands as it is, and is only written out.
    concluding = case.grows and case.state.status == "open"
    state = conclude(case, worked_on(case)) if concluding else case.state
    tracker.heard(state)
    if concluding:
        for deed, party in _awaited(case).items():
            observer.step(sentence("step.awaited", deed=deed, party=party))
    newest = state.designating.proposals[-1] if state.designating.proposals else None
    words = _rules_words(case) if newest else {}
    if newest:
        observer.step(sentence("review.proposes", designation=newest.designation))
    # Before the heads are proved: cosigned now, they come cosigned into the bundles.
    for line in ask_configured(installation).faults:
        observer.step(line)
    editions = issue_editions(case, out, audiences(case.participants, state.agreement))
    shown = shown_to_centre(case)
    return ReviewResult(
        case=case.id,
        designation=newest.designation if newest else "",
        summary=words.get("summary", ""),
        stopped=stopped,
        unmeasured=unmeasured(reasons_of(newest, words)) if newest else (),
        rows=tuple(tracker.rows()),
        repeated=tracker.repeated,
        editions=editions,
        fingerprint=installation.keyring.history.lines[0].fingerprint,
        tried=attempt_rates(shown.entries, worked_on(case)),
        reported=reported_scores(shown.entries, worked_on(case)),
        alike=modes_alike(state),
        checks=_checks(case),
        chosen=chosen_values(shown),
        unscanned=unscanned_line(case, worked_on(case)),
    )


def _awaited(case: Case) -> Mapping[str, str]:
    """By type of deed, who is to sign it elsewhere."""
    return {deed: party for party, deed in awaited(case)}


def _rules_words(case: Case) -> Mapping[str, Any]:
    """Why the rule proposes what it proposed last."""
    reader = case.installation.records.case(case.id)
    words: Mapping[str, Any] = newest_entry(reader, "designation-proposed").content("words") or {}
    return words


def shown_to_centre(case: Case) -> AudienceCase:
    """The case as the centre reads it."""
    audience = party_audience(case.participants.centre)
    reader = case.installation.records.case(case.id)
    return AudienceCase(case.id, tuple(read_entries(reader, audience, use="look")), audience)


def _checks(case: Case) -> tuple[str, ...]:
    """The criteria whose items check the instrument: a cheat is known of their family."""
    entry = newest_entry(case.installation.records.case(case.id), "battery-sealed")
    sealed, known = required(entry, "registered", registered_of).battery, case.installation.families
    # What is known by now counts, of what was sealed before as well.
    cheats = {name: family.cheat for name, family in known.items()}
    return tuple(part.criterion for part in sealed.sets if cheats.get(part.family))
