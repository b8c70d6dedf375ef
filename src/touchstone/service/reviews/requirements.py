"""What a review needs before anything is recorded of it, and that one process runs it alone."""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from touchstone.editions.sentences import sentence
from touchstone.evaluation import BatteryPlan, Budget, Submission
from touchstone.evaluation.battery_file import ChosenBattery
from touchstone.evaluation.families.loading import LoadedFamilies
from touchstone.evaluation.oversight.graded.asking import Grader
from touchstone.evaluation.profiles import load_elicitation
from touchstone.evaluation.sandbox import preflight
from touchstone.evaluation.submission import Mode
from touchstone.evaluation.token_bounds import least_tokens
from touchstone.framework import Framework
from touchstone.handin.shown_ids import short_case
from touchstone.records import HandedInKey
from touchstone.review.audience_view import newest_entry, required
from touchstone.service.case_context import Case
from touchstone.service.cases.endpoint_keys import endpoint_key_of
from touchstone.service.cases.opening import (
    check_parties,
)
from touchstone.service.errors import BusyError
from touchstone.service.file_io import one_line
from touchstone.service.installation import Installation
from touchstone.service.measurement.instrument_checks import require_grade
from touchstone.service.measurement.review_result import ReviewOptions
from touchstone.service.measurement.sealing import reopen
from touchstone.verdicts.battery_plans import (
    is_under_review,
    numeric,
    require_one_effort,
    require_own_key,
)
from touchstone.verdicts.content_parsers import registered_of
from touchstone.verdicts.errors import CannotRunError
from touchstone.verdicts.preregistration import verdict_plan
from touchstone.verdicts.run_progress import Observer
from touchstone.verdicts.runs import (
    DEFAULT_ITEMS,
    MAX_ITEMS,
    battery_plan,
    modes_lacking,
    runs,
    without_reference,
)

MAX_WORKERS = 64


def check_review_options(options: ReviewOptions, out: Path) -> None:
    """Refuse at once what would be found wanting only after the measuring."""
    if not 1 <= options.workers <= MAX_WORKERS:
        raise CannotRunError(f"--workers {options.workers}: write a number from 1 to {MAX_WORKERS}")
    if options.items is not None and not 1 <= options.items <= MAX_ITEMS:
        raise CannotRunError(f"--items {options.items}: write a number from 1 to {MAX_ITEMS}")
    if options.resume is not None:
        one_line(options.resume, "--resume")
    load_elicitation(options.drawn_out)
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


def check_as_it_stands(
    case: Case | None, options: ReviewOptions, observer: Observer, *, measured: bool
) -> None:
    """Refuse, or tell of, what was chosen and can change nothing in the case as it stands."""
    if case is not None and options.agencies and options.agencies != case.participants.agencies:
        stand = ", ".join(case.participants.agencies) or "none"
        raise CannotRunError(f"--agency: case {short_case(case.id)} is open with agencies: {stand}")
    if case is not None and options.drawn_out is not None and case.state.batteries:
        check_elicitation(case, options.drawn_out)
    if case is not None and options.battery is not None:
        require_sealed_file(case, options.battery)
    if options.resume is None or (case is not None and case.state.halted_by):
        return
    if measured and case is not None:
        raise CannotRunError(
            f"--resume: case {short_case(case.id)} is measured and not halted: leave --resume out"
        )
    # No refusal: the same command goes on where an interrupted one had lifted the halt.
    observer.step(sentence("step.note", note=sentence("step.nothing-halted", option="--resume")))


def check_elicitation(case: Case, chosen: str) -> None:
    """Refuse another elicitation than the one under which the case's battery was sealed.

    Raises:
        CannotRunError: it is another.
    """
    sealed = reopen(case).elicitation
    found = load_elicitation(chosen)
    if sealed.model_copy(update={"code": None, "sent": None}) != found:
        raise CannotRunError(
            f"--elicitation: case {short_case(case.id)} was sealed with {sealed.id}, and its words"
            f" hold only for that; leave --elicitation out, or open another case for {found.id}"
        )


def require_sealed_file(case: Case, chosen: ChosenBattery) -> None:
    """Refuse another battery file than the case's battery was drawn by, once there is one.

    Raises:
        CannotRunError: it is another, or there was none.
    """
    if not case.state.batteries:
        return
    entry = newest_entry(case.installation.records.case(case.id), "battery-sealed")
    sealed = required(entry, "registered", registered_of).battery
    if sealed.file != chosen.digest:
        raise CannotRunError(
            f"--battery: case {short_case(case.id)} was sealed by "
            f"{sealed.file or 'no battery file'}, and this is {chosen.digest}; leave --battery out"
        )


def check_new_review(
    known: LoadedFamilies,
    framework: Framework,
    submission: Submission,
    options: ReviewOptions,
    observer: Observer,
) -> None:
    """Refuse what opening, sealing or measuring would refuse, and say what could never be said."""
    check_parties(framework, submission, options.agencies)
    check_measuring(known, framework, submission, options, observer)


def check_measuring(
    known: LoadedFamilies,
    framework: Framework,
    submission: Submission,
    options: ReviewOptions,
    observer: Observer,
) -> None:
    """The same of a case that its parties opened: what sealing or measuring would refuse."""
    plan = chosen_plan(known, framework, submission, options)
    chosen = runs(framework, plan, submission)
    role_keys(plan)
    verdict_plan(framework, plan, chosen, options.workers, whole=False)
    for criterion in numeric(framework):
        if lacking := without_reference(criterion, submission):
            raise CannotRunError(lacking)
    require_grade(known, preflight().grade, accept=options.accept_grade, plan=plan)
    usual = load_elicitation(options.drawn_out)
    require_one_effort(plan, usual)
    most = max((each.elicitation or usual).token_limit for each in plan.sets)
    least = least_tokens(submission, most)
    if Budget(submission.caps).allow("", least, 1, 0) is None:
        raise CannotRunError(
            f"caps: one sample and the probes around it may use {least:,} tokens, which is more "
            "than the caps allow; raise them"
        )
    for criterion in numeric(framework):
        if never := modes_lacking(criterion, submission):
            observer.step(sentence("step.note", note=never))


def chosen_plan(
    known: LoadedFamilies, framework: Framework, submission: Submission, options: ReviewOptions
) -> BatteryPlan:
    """What is to be drawn, as it was chosen; the case gives it another id."""
    items = options.items or DEFAULT_ITEMS
    return battery_plan(framework, known, items, kind=submission.kind, chosen=options.battery)


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


def role_keys(plan: BatteryPlan) -> dict[str, str]:
    """The keys of the models that packs ask beside the subject, by environment variable.

    Raises:
        CannotRunError: one is not set.
    """
    found = {}
    for part in plan.sets:
        for role, mode in part.roles.items():
            if not (value := os.environ.get(mode.api_key_env)):
                raise CannotRunError(
                    f"set {part.id}: role {role!r}: set {mode.api_key_env} in the environment to"
                    " the endpoint's key"
                )
            found[mode.api_key_env] = value
    return found


def scanner_of(mode: Mode, submission: Submission | None, *, accept_own: bool) -> Grader:
    """The model that is asked about transcripts, with its key, held against a submission.

    Args:
        mode: How it is asked.
        submission: Of the case; None: there is no case.
        accept_own: Whether it may be a model under review.

    Raises:
        CannotRunError: it is under review and that was not accepted, its key has a name of the
            submission's, or is not set.
    """
    about = "--scanner: "
    if submission is not None:
        if is_under_review(mode, submission) and not accept_own:
            raise CannotRunError(
                f"{about}{mode.model} is a model under review, which would judge its own"
                " transcripts; name another, or accept it with --accept-own-scanner"
            )
        require_own_key(mode, submission, about)
    if not (key := os.environ.get(mode.api_key_env)):
        raise CannotRunError(
            f"{about}set {mode.api_key_env} in the environment to the endpoint's key"
        )
    return Grader(mode, key)


HandedIn = Callable[[str], HandedInKey | None]
"""By the name of a variable, what the developer handed in or revoked; None where it did neither."""


def endpoint_keys(submission: Submission, case: Case | None = None) -> dict[str, str]:
    """The endpoints' keys, by the environment variables that the submission names.

    What the developer handed in or revoked for its case goes before the environment: the
    variables of this machine are the same for all cases, and a name says nothing of whose it is.

    Raises:
        CannotRunError: one is not set, or was revoked.
    """
    if case is None:
        return keys_of_modes(submission, lambda _: None)
    here, name = case.installation, case.id
    return keys_of_modes(submission, lambda variable: endpoint_key_of(here, name, variable))


def keys_of_modes(submission: Submission, handed_in: HandedIn) -> dict[str, str]:
    """The same, with what was handed in as it is told. Raises CannotRunError."""
    names = {mode.api_key_env: mode.id for mode in submission.modes}
    return {name: _endpoint_key(name, mode, handed_in(name)) for name, mode in names.items()}


def _endpoint_key(name: str, mode: str, handed: HandedInKey | None) -> str:
    if handed is not None and handed.revoked:
        raise CannotRunError(
            f"mode {mode}: {name} was revoked; fix: have the developer hand in another, by:"
            f" touchstone submission endpoint-key set CASE {name}"
        )
    value = handed.value if handed is not None else os.environ.get(name)
    if not value:
        raise CannotRunError(
            f"mode {mode}: set {name} in the environment to the endpoint's key, or have the"
            f" developer hand it in: touchstone submission endpoint-key set CASE {name}"
        )
    return value
