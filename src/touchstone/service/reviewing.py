"""A whole review from a SUBMISSION.toml: open, seal, measure, conclude, issue; or go on with it."""

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from touchstone import __version__
from touchstone.clearance import party_audience
from touchstone.deeds.cases import review_resumed
from touchstone.deeds.known_case import Participants
from touchstone.editions.gathering import AudienceCase
from touchstone.editions.sections.conditions import chosen_values
from touchstone.editions.sentences import sentence
from touchstone.errors import TouchstoneError
from touchstone.evaluation import Budget, Submission, load_submission
from touchstone.evaluation.elicitation import ELICITATION
from touchstone.evaluation.families.loading import LoadedFamilies
from touchstone.evaluation.oversight import Probe, Readiness, When
from touchstone.evaluation.sandbox import SandboxConfig, at_least, preflight
from touchstone.evaluation.token_bounds import least_tokens
from touchstone.framework import Framework
from touchstone.review import require_known
from touchstone.review.audience_view import newest_entry, read_entries
from touchstone.review.designation import reasons_of
from touchstone.service.case_context import Case
from touchstone.service.cases.opening import (
    check_parties,
    completed,
    default_centre,
    find_case,
    finish_opening,
    open_case,
    passed_release,
    require_complete,
)
from touchstone.service.errors import BusyError, EndedError, StoppedError
from touchstone.service.file_io import one_line
from touchstone.service.frameworks import load_framework
from touchstone.service.installation import Installation
from touchstone.service.measurement.chunk_queue import plan_chunks
from touchstone.service.measurement.coordinator import Setting, measure, require_room
from touchstone.service.measurement.instrument_checks import require_grade, require_proof
from touchstone.service.measurement.outcomes import halt_of_breach
from touchstone.service.measurement.probing import ask_modes, probe_modes, take_snapshots
from touchstone.service.measurement.record_verdicts import conclude
from touchstone.service.measurement.review_result import ReviewOptions, ReviewResult, unmeasured
from touchstone.service.measurement.sealing import Prepared, reopen, seal
from touchstone.service.measurement.stopping import end_measuring, has_ended, record_stop
from touchstone.service.measurement.tracking import Tracker, tracker_of
from touchstone.service.reporting.edition_files import audiences, issue_editions
from touchstone.service.witnessing import ask_configured
from touchstone.verdicts.conditions import Conditions, plainly
from touchstone.verdicts.errors import CannotRunError
from touchstone.verdicts.modes_compared import modes_alike
from touchstone.verdicts.preregistration import verdict_plan
from touchstone.verdicts.run_progress import Observer
from touchstone.verdicts.runs import (
    DEFAULT_ITEMS,
    MAX_ITEMS,
    battery_plan,
    left_out,
    modes_lacking,
    numeric,
    runs,
    without_reference,
)

MAX_WORKERS = 64


@dataclass(frozen=True)
class Asked:
    """What the endpoints said before the samples, by mode."""

    probes: Mapping[str, Probe]
    readiness: Mapping[str, Readiness]


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
    _check(options, out)
    with alone(installation, framework, submission):
        case = _begun(installation, framework, submission)
        finished = _finished(case) if case is not None else None
        _check_standing(case, options, observer, measured=finished is not None)
        if case is not None and finished is not None:
            observer.step(sentence("step.measured", case=case.id[:12]))
            return _issue(case, finished, out, observer)
        if case is not None:
            # What comes next would be recorded: of an earlier contract nothing is asked.
            case.require_growing()
            finish_opening(case)
        keys = endpoint_keys(submission)
        for line in left_out(framework, known, submission.kind):
            observer.step(line)
        asked: Asked | None = None
        if case is None:
            case, asked = _opened(installation, framework, submission, options, keys, observer)
        else:
            require_proof(known, framework, observer)
            observer.step(sentence("step.going-on", case=case.id[:12]))
        require_complete(case)
        try:
            _resume(case, options.resume)
            prepared = _prepare(case, options, observer, asked)
            tracker = _measure(case, prepared, keys, options, observer, asked)
            return _issue(case, tracker, out, observer)
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
    _check_new(installation.families, framework, submission, options, observer)
    if passed := passed_release(framework, submission, installation.now()):
        observer.step(passed)
    require_proof(installation.families, framework, observer)
    # Before the case is opened: a slip in an address must not leave one behind.
    probes = probe_modes(submission, keys, "before", installation.now())
    ready = ask_modes(submission, keys, ELICITATION, accepted=options.accept_no_tools)
    who = Participants(submission.developer.id, default_centre(framework), options.agencies)
    case = open_case(installation, framework, submission, who)
    observer.step(sentence("step.opened", case=case.id[:12]))
    return case, Asked(probes, ready)


def _check(options: ReviewOptions, out: Path) -> None:
    """Refuse at once what would be found wanting only after the measuring."""
    if not 1 <= options.workers <= MAX_WORKERS:
        raise CannotRunError(f"--workers {options.workers}: write a number from 1 to {MAX_WORKERS}")
    if options.items is not None and not 1 <= options.items <= MAX_ITEMS:
        raise CannotRunError(f"--items {options.items}: write a number from 1 to {MAX_ITEMS}")
    if options.resume is not None:
        one_line(options.resume, "--resume")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotRunError(f"--out {out}: cannot be a folder: {error.strerror}") from error
    try:
        # Tried and not asked: what lets a folder be written does not all stand in its mode.
        with TemporaryFile(dir=out, prefix=".touchstone-"):
            pass
    except OSError as error:
        raise CannotRunError(
            f"--out {out}: cannot be written: {error.strerror}; name another folder"
        ) from error


def _check_standing(
    case: Case | None, options: ReviewOptions, observer: Observer, *, measured: bool
) -> None:
    """Refuse, or tell of, what was chosen and can change nothing in the case as it stands."""
    if case is not None and options.agencies and options.agencies != case.participants.agencies:
        stand = ", ".join(case.participants.agencies) or "none"
        raise CannotRunError(f"--agency: case {case.id[:12]} is open with agencies: {stand}")
    if options.resume is None or (case is not None and case.state.halted_by):
        return
    if measured and case is not None:
        raise CannotRunError(
            f"--resume: case {case.id[:12]} is measured and not halted: leave --resume out"
        )
    # No refusal: the same command goes on where an interrupted one had lifted the halt.
    observer.step(sentence("step.note", note=sentence("step.nothing-halted", option="--resume")))


def _check_new(
    known: LoadedFamilies,
    framework: Framework,
    submission: Submission,
    options: ReviewOptions,
    observer: Observer,
) -> None:
    """Refuse what opening, sealing or measuring would refuse, and say what could never be said."""
    check_parties(framework, submission, options.agencies)
    items = options.items or DEFAULT_ITEMS
    plan = battery_plan(framework, known, items, kind=submission.kind)
    chosen = runs(framework, plan, submission)
    verdict_plan(framework, plan, chosen, options.workers, whole=False)
    for criterion in numeric(framework):
        if lacking := without_reference(criterion, submission):
            raise CannotRunError(lacking)
    require_grade(known, preflight().grade, accept=options.accept_grade)
    least = least_tokens(submission, ELICITATION.token_limit)
    if Budget(submission.caps).allow("", least, 1, 0) is None:
        raise CannotRunError(
            f"caps: one sample and the probes around it may use {least:,} tokens, which is more "
            "than the caps allow; raise them"
        )
    for criterion in numeric(framework):
        if never := modes_lacking(criterion, submission):
            observer.step(sentence("step.note", note=never))


@contextmanager
def alone(
    installation: Installation, framework: Framework, submission: Submission
) -> Iterator[None]:
    """Hold this submission's review alone among the processes of this machine.

    Raises:
        BusyError: another process holds it.
    """
    name = hashlib.sha256(f"{framework.digest} {submission.digest}".encode()).hexdigest()
    folder = installation.home / "running"
    folder.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(folder / f"{name[:32]}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(
                "another process is running this review; wait for it, or halt it with: touchstone "
                "review halt CASE --reason TEXT"
            ) from error
        yield
    finally:
        os.close(handle)


def _finished(case: Case) -> Tracker | None:
    """How the runs ended, where the review was measured to its end; else None."""
    counts, state = case.installation.records.jobs.counts(case.id), case.state
    to_run = counts["waiting"] + counts["leased"] + counts["halted"]
    if not state.designating.proposals or to_run or state.stopped:
        return None
    return _tracker(case)


def _tracker(case: Case) -> Tracker:
    """How far the record says that every run has come."""
    prepared = reopen(case)
    return tracker_of(case, plan_chunks(case, prepared), prepared.verdicts)


def stopped_review(case: Case, stop: StoppedError, out: Path, observer: Observer) -> ReviewResult:
    """What a review that stopped early has to show: the same editions, which say that it did."""
    observer.step(sentence("step.stopped"))
    record_stop(case, _worked_on(case), stop)
    return _issue(case, _tracker(case), out, observer, str(stop))


def _ended(case: Case) -> EndedError:
    """What is told where something else than the measuring met the end of the case."""
    sealed = case.state.newest_battery is not None and case.state.status != "destroyed"
    return end_measuring(case, plan_chunks(case, reopen(case)) if sealed else {})


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
    return _issue(case, _tracker(case), out, observer, str(ended))


def _worked_on(case: Case) -> str:
    """The battery that this review measures: the one that was sealed last."""
    return [*case.state.batteries][-1]


def _issue(
    case: Case, tracker: Tracker, out: Path, observer: Observer, stopped: str = ""
) -> ReviewResult:
    """Conclude, and write the editions."""
    installation = case.installation
    # What is of an earlier contract, or has ended, stands as it is, and is only written out.
    concluding = case.grows and case.state.status == "open"
    state = conclude(case, _worked_on(case)) if concluding else case.state
    tracker.heard(state)
    newest = state.designating.proposals[-1] if state.designating.proposals else None
    words = _rules_words(case) if newest else {}
    if newest:
        observer.step(sentence("review.proposes", designation=newest.designation))
    # Before the heads are proved: cosigned now, they come cosigned into the bundles.
    for line in ask_configured(installation).faults:
        observer.step(line)
    editions = issue_editions(case, out, audiences(case.participants, state.agreement))
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
        alike=modes_alike(state),
        checks=_checks(installation.families, case.framework),
        chosen=chosen_values(shown_to_centre(case)),
    )


def _rules_words(case: Case) -> Mapping[str, Any]:
    """Why the rule proposes what it proposed last."""
    reader = case.installation.records.case(case.id)
    words: Mapping[str, Any] = newest_entry(reader, "designation-proposed").content("words") or {}
    return words


def shown_to_centre(case: Case) -> AudienceCase:
    """The case as the centre reads it."""
    audience = party_audience(case.participants.centre)
    reader = case.installation.records.case(case.id)
    return AudienceCase(case.id, tuple(read_entries(reader, audience)), audience)


def _checks(known: LoadedFamilies, framework: Framework) -> tuple[str, ...]:
    """The criteria whose items check the instrument: a cheat is known of their family."""
    sets = battery_plan(framework, known, 1).sets
    return tuple(part.criterion for part in sets if known[part.family].cheat)


def endpoint_keys(submission: Submission) -> dict[str, str]:
    """The endpoints' keys, from the environment variables that the submission names.

    Raises:
        CannotRunError: one is not set.
    """
    names = {mode.api_key_env: mode.id for mode in submission.modes}
    for name, mode in names.items():
        if not os.environ.get(name):
            raise CannotRunError(
                f"mode {mode}: set {name} in the environment to the endpoint's key"
            )
    return {name: os.environ[name] for name in names}


def _resume(case: Case, reason: str | None) -> None:
    halted_by, breached = case.state.halted_by, case.state.unhalted_breach
    if not case.state.halted:
        return
    if reason is None or not (breached or case.participants.centre in halted_by):
        by = ", ".join(sorted(halted_by)) or sentence("step.breach")
        raise StoppedError(
            f"the review is halted by {by}; whoever halted it can take "
            "that back (the centre: --resume REASON)",
            "halted",
        )
    why = one_line(reason, "--resume")
    resumed = review_resumed(case, case.participants.centre, why)
    # A halt is what a resume takes back, also where a breach stands alone in the record.
    halt = [halt_of_breach(case, resumed.event.at)] if breached else []
    case.record([*halt, resumed])
    case.installation.records.jobs.resume(case.id)


def _prepare(
    case: Case, options: ReviewOptions, observer: Observer, asked: Asked | None
) -> Prepared:
    """The sealed battery; sealed now where none is."""
    if not case.state.batteries:
        grade = preflight().grade
        require_grade(case.installation.families, grade, accept=options.accept_grade)
        seal(
            case,
            options.items or DEFAULT_ITEMS,
            grade,
            accepted=options.accept_grade,
            whole=options.whole_battery,
            workers=options.workers,
            readiness=asked.readiness if asked else {},
        )
        sizes = case.state.batteries[_worked_on(case)].item_sets
        count = sum(each.size for each in sizes)
        observer.step(sentence("step.sealed", count=count, grade=grade))
    prepared = reopen(case)
    for line in prepared.recoded:
        observer.step(sentence("step.note", note=line))
    return prepared


def _measure(
    case: Case,
    prepared: Prepared,
    keys: Mapping[str, str],
    options: ReviewOptions,
    observer: Observer,
    asked: Asked | None,
) -> Tracker:
    grade = preflight().grade
    if not at_least(grade, prepared.grade) and not options.accept_grade:
        raise CannotRunError(
            f"the battery was sealed at sandbox grade {prepared.grade!r} and this machine gives "
            f"{grade!r}; accept it with --accept-grade"
        )
    setting = Setting(
        case=case,
        prepared=prepared,
        keys=keys,
        expected_models={},
        workers=options.workers,
        sandbox=SandboxConfig(grade=grade).model_dump(mode="json"),
    )
    if asked is None:
        require_room(setting)
    when: When = "during" if case.state.tallies else "before"
    with _endpoint_stops():
        if asked is None:
            probes = probe_modes(case.submission, keys, when, case.now())
            accepted = options.accept_no_tools
            asked = Asked(
                probes, ask_modes(case.submission, keys, prepared.elicitation, accepted=accepted)
            )
        models = take_snapshots(
            case, keys, when, asked.probes, asked.readiness, _conditions(setting, options)
        )
    said = [sentence("step.answers", mode=mode, names=names) for mode, names in models.items()]
    observer.step(sentence("step.probed", said=said))
    setting = replace(setting, expected_models=models)
    try:
        tracker = measure(setting, observer)
    except EndedError:
        raise
    except StoppedError:
        # An endpoint that fails is why measuring stopped: it must not hide that.
        with suppress(CannotRunError):
            take_snapshots(case, keys, "during")
        raise
    with _endpoint_stops():
        take_snapshots(case, keys, "after")
    return tracker


def _conditions(setting: Setting, options: ReviewOptions) -> Conditions:
    """What this run of the command measures under, for the record."""
    given = {"accept-grade": options.accept_grade, "accept-no-tools": options.accept_no_tools}
    return Conditions(
        workers=setting.workers,
        asking=setting.asking,
        sandbox=plainly(setting.sandbox),
        accepted=tuple(name for name, chosen in given.items() if chosen),
        resumed=options.resume or "",
        engine=f"Touchstone {__version__}, Inspect {version('inspect-ai')}",
    )


@contextmanager
def _endpoint_stops() -> Iterator[None]:
    """An endpoint that fails once a battery is sealed stops the review: it is no slip of input."""
    try:
        yield
    except CannotRunError as error:
        raise StoppedError(f"{error}; what ran is recorded", "endpoint-failing") from error
