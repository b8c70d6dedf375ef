"""A whole review from a SUBMISSION.toml: open, seal, measure, conclude, issue; or go on with it."""

from collections.abc import Mapping
from pathlib import Path

from touchstone.deeds.known_case import Participants
from touchstone.editions.sentences import sentence
from touchstone.errors import TouchstoneError
from touchstone.evaluation import Submission, load_submission
from touchstone.evaluation.profiles import load_elicitation
from touchstone.framework import Framework
from touchstone.handin.shown_ids import short_case
from touchstone.review import require_known
from touchstone.service.calibration_file import recorded_calibration
from touchstone.service.case_context import Case
from touchstone.service.cases.case_admin import open_begun
from touchstone.service.cases.opening import (
    completed,
    default_centre,
    find_case,
    finish_opening,
    open_case,
    passed_release,
    require_complete,
    require_ready,
)
from touchstone.service.errors import EndedError, StoppedError
from touchstone.service.frameworks import load_framework
from touchstone.service.installation import Installation
from touchstone.service.measurement.instrument_checks import require_proof
from touchstone.service.measurement.review_result import ReviewOptions, ReviewResult
from touchstone.service.measurement.sealing import reopen
from touchstone.service.measurement.stopping import has_ended
from touchstone.service.reviews.measuring import (
    Asked,
    ask_all,
    ask_scanner,
    lift_halt,
    measure_review,
    prepared_battery,
)
from touchstone.service.reviews.requirements import (
    alone,
    check_as_it_stands,
    check_measuring,
    check_new_review,
    check_review_options,
    chosen_plan,
    endpoint_keys,
    scanner_of,
)
from touchstone.service.reviews.results import (
    ended_review,
    finished_run,
    issue_result,
    stopped_review,
)
from touchstone.service.reviews.what_ran import look_at_what_ran
from touchstone.verdicts.errors import CannotRunError
from touchstone.verdicts.run_progress import Observer
from touchstone.verdicts.runs import (
    left_out,
)


def run_review(
    installation: Installation,
    path: Path,
    out: Path,
    options: ReviewOptions,
    observer: Observer,
) -> ReviewResult:
    """Run the review of a submission, or go on with it: every step that is done is not done again.

    Raises:
        SubmissionError: the submission cannot be used.
        CannotRunError: this review cannot be run here: a key, a grade or an endpoint is missing.
        StoppedError: the review is halted, and no battery was sealed yet. A stop after that gives
            a result with editions that say why and what ran.
        EndedError: the case ended meanwhile, and was destroyed or had no battery: of one that was
            withdrawn or closed there are editions, too.
        BusyError: another process is running this review.
    """
    submission = load_submission(path)
    framework = load_framework(
        submission.framework if options.framework is None else options.framework
    )
    # Before anything is recorded: one that is named and is not there ends the command.
    known = installation.families
    recorded_calibration(installation.home)
    check_review_options(options, out)
    with alone(installation, framework, submission):
        case = _begun(installation, framework, submission)
        finished = finished_run(case) if case is not None else None
        check_as_it_stands(case, options, observer, measured=finished is not None)
        _check_scanner(options, submission)
        if case is not None and finished is not None:
            observer.step(sentence("step.measured", case=short_case(case.id)))
            _looked_again(case, options, observer)
            return issue_result(case, finished, out, observer)
        if case is not None:
            # What comes next would be recorded: of an earlier contract nothing is asked.
            case.require_growing()
            finish_opening(case)
        keys = endpoint_keys(submission, case)
        for line in left_out(framework, known, submission.kind, options.battery):
            observer.step(line)
        asked: Asked | None = None
        if case is None:
            case, asked = _opened(installation, framework, submission, options, keys, observer)
        else:
            require_proof(known, framework, observer, options.battery)
            observer.step(sentence("step.going-on", case=short_case(case.id)))
        require_complete(case)
        return _measured(case, keys, options, out, observer, asked)


def measure_case(
    installation: Installation,
    beginning: str,
    out: Path,
    options: ReviewOptions,
    observer: Observer,
) -> ReviewResult:
    """Measure a case that its parties opened by their own hands, or go on with it.

    It signs what a key on this machine may sign for the centre, and nothing else: findings and the
    proposal wait for people where the centre keeps them for people.

    Args:
        installation: Where the case is.
        beginning: The case's id, or enough of its beginning.
        out: Folder for the editions.
        options: As for `run_review`; its framework and agencies are the case's own.
        observer: Is told of each step.

    Raises:
        UnknownCaseError: no case begins so.
        StoppedError: the parties have not agreed, handed in and looked it over yet; or as
            `run_review`, which also says what else is raised.
    """
    check_review_options(options, out)
    recorded_calibration(installation.home)
    case = open_begun(installation, beginning)
    require_known(case.state)
    require_ready(case)
    framework, submission, known = case.framework, case.submission, installation.families
    with alone(installation, framework, submission):
        finished = finished_run(case)
        check_as_it_stands(case, options, observer, measured=finished is not None)
        _check_scanner(options, submission)
        if finished is not None:
            observer.step(sentence("step.measured", case=short_case(case.id)))
            _looked_again(case, options, observer)
            return issue_result(case, finished, out, observer)
        keys = endpoint_keys(submission, case)
        for line in left_out(framework, known, submission.kind, options.battery):
            observer.step(line)
        asked: Asked | None = None
        require_proof(known, framework, observer, options.battery)
        if not case.state.batteries:
            check_measuring(known, framework, submission, options, observer)
            how = load_elicitation(options.drawn_out)
            plan = chosen_plan(known, framework, submission, options)
            asked = ask_all(submission, plan, keys, "before", installation.now(), how, options)
        observer.step(sentence("step.going-on", case=short_case(case.id)))
        return _measured(case, keys, options, out, observer, asked)


def _check_scanner(options: ReviewOptions, submission: Submission) -> None:
    """Refuse at once what a scanner lacks: it would be found only after the last sample."""
    if options.scanner is not None:
        scanner_of(options.scanner, submission, accept_own=options.accept_own_scanner)


def _looked_again(case: Case, options: ReviewOptions, observer: Observer) -> None:
    """Look at what a scan that failed left of a measured case; ask a scanner that is named."""
    battery = case.state.newest_battery
    growing = case.grows and case.state.status == "open"
    if growing and battery is not None and case.state.unscanned(battery):
        look_at_what_ran(case, reopen(case), observer)
    if options.scanner is None:
        return
    if not case.grows or battery is None:
        raise CannotRunError("--scanner: the case has ended, and nothing more is recorded in it")
    ask_scanner(case, battery, options, observer)


def _measured(
    case: Case,
    keys: Mapping[str, str],
    options: ReviewOptions,
    out: Path,
    observer: Observer,
    asked: Asked | None,
) -> ReviewResult:
    """Measure and conclude; how a stop or an end comes out as a result is decided here alone."""
    try:
        lift_halt(case, options.resume)
        prepared = prepared_battery(case, options, observer, asked)
        tracker = measure_review(case, prepared, keys, options, observer, asked)
        return issue_result(case, tracker, out, observer)
    except TouchstoneError as error:
        # Whatever its record did not take any more: somebody ended the case meanwhile.
        if has_ended(case):
            told = error if isinstance(error, EndedError) else None
            return ended_review(case, told, out, observer)
        if not isinstance(error, StoppedError) or case.state.newest_battery is None:
            raise
        return stopped_review(case, error, out, observer)


def _begun(installation: Installation, framework: Framework, submission: Submission) -> Case | None:
    """The case of this submission, if it is open, or waited for this hand-in."""
    case = find_case(installation, framework, submission)
    case = case or completed(installation, framework, submission)
    if case is not None:
        # Before an endpoint is asked for anything that could not be recorded.
        require_known(case.state)
    return case


def _opened(
    installation: Installation,
    framework: Framework,
    submission: Submission,
    options: ReviewOptions,
    keys: Mapping[str, str],
    observer: Observer,
) -> tuple[Case, Asked]:
    """A case for a submission that has none, once it was looked at."""
    check_new_review(installation.families, framework, submission, options, observer)
    if passed := passed_release(framework, submission, installation.now()):
        observer.step(passed)
    require_proof(installation.families, framework, observer, options.battery)
    # Before the case is opened: a slip in an address must not leave one behind.
    how = load_elicitation(options.drawn_out)
    plan = chosen_plan(installation.families, framework, submission, options)
    asked = ask_all(submission, plan, keys, "before", installation.now(), how, options)
    who = Participants(submission.developer.id, default_centre(framework), options.agencies)
    case = open_case(installation, framework, submission, who)
    observer.step(sentence("step.opened", case=short_case(case.id)))
    return case, asked
