"""The middle of a review: the halt lifted, the battery sealed or opened again, and measured."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.metadata import version

from touchstone import __version__
from touchstone.deeds.cases import review_resumed
from touchstone.editions.sections.seeds import whose_seed
from touchstone.editions.sentences import sentence
from touchstone.evaluation import BatteryPlan, Submission
from touchstone.evaluation.agents.dry_call import resolve
from touchstone.evaluation.elicitation import Elicitation
from touchstone.evaluation.oversight import Probe, Readiness, When
from touchstone.evaluation.oversight.detectors import detectors_digest
from touchstone.evaluation.profiles import load_elicitation
from touchstone.evaluation.sandbox import SandboxConfig, at_least, preflight
from touchstone.service.calibration_file import recorded_calibration
from touchstone.service.case_context import Case
from touchstone.service.errors import EndedError, StoppedError
from touchstone.service.file_io import one_line
from touchstone.service.measurement.caps import require_room
from touchstone.service.measurement.coordinator import measure
from touchstone.service.measurement.graded_scans import grade_transcripts
from touchstone.service.measurement.instrument_checks import require_grade
from touchstone.service.measurement.outcomes import halt_of_breach
from touchstone.service.measurement.probing import (
    ask_modes,
    probe_modes,
    probe_roles,
    take_snapshots,
)
from touchstone.service.measurement.review_result import ReviewOptions
from touchstone.service.measurement.sealing import Prepared, reopen, seal
from touchstone.service.measurement.setting import Setting
from touchstone.service.measurement.tracking import Tracker
from touchstone.service.reviews.requirements import role_keys, scanner_of
from touchstone.service.reviews.what_ran import look_at_what_ran
from touchstone.verdicts.battery_plans import require_one_effort
from touchstone.verdicts.conditions import Conditions, plainly
from touchstone.verdicts.errors import CannotRunError
from touchstone.verdicts.run_progress import Observer
from touchstone.verdicts.runs import DEFAULT_ITEMS, battery_plan


@dataclass(frozen=True)
class Asked:
    """What the endpoints said before the samples, by mode."""

    probes: Mapping[str, Probe]
    readiness: Mapping[str, Readiness]


def ask_all(
    submission: Submission,
    plan: BatteryPlan,
    keys: Mapping[str, str],
    when: When,
    at: str,
    elicitation: Elicitation,
    options: ReviewOptions,
) -> Asked:
    """Ask every mode who it is, and whether it can do what the samples need; `at` is now (UTC).

    Whoever grades for a pack of the plan is asked before, and each mode with the tools of every
    elicitation. Raises CannotRunError: an endpoint does not answer, or cannot and was not accepted
    so.
    """
    probe_roles(plan, role_keys(plan), when, at)
    probes = probe_modes(submission, keys, when, at)
    own = (part.elicitation for part in plan.sets if part.elicitation)
    how = (elicitation, *own)
    return Asked(probes, ask_modes(submission, keys, how, accepted=options.accept_no_tools))


def _resolved(plan: BatteryPlan) -> BatteryPlan:
    """The plan, with the code of each agent that its sets name and what it sends."""
    sets = (
        part if part.elicitation is None else part.model_copy(update=_as_it_is(part.elicitation))
        for part in plan.sets
    )
    return plan.model_copy(update={"sets": tuple(sets)})


def _as_it_is(elicitation: Elicitation) -> dict[str, Elicitation]:
    return {"elicitation": resolve(elicitation)}


def lift_halt(case: Case, reason: str | None) -> None:
    """Take the centre's halt back, or that of a breach, where a reason is given.

    Raises:
        StoppedError: the review is halted, and no reason was given or the halt is another party's.
    """
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


def prepared_battery(
    case: Case, options: ReviewOptions, observer: Observer, asked: Asked | None
) -> Prepared:
    """The sealed battery; sealed now where none is."""
    if not case.state.batteries:
        grade = preflight().grade
        known, items = case.installation.families, options.items or DEFAULT_ITEMS
        plan = battery_plan(
            case.framework,
            known,
            items,
            case.state.next_battery,
            case.submission.kind,
            options.battery,
        )
        require_grade(known, grade, accept=options.accept_grade, plan=plan)
        usual = load_elicitation(options.drawn_out)
        require_one_effort(plan, usual)
        usual, plan = resolve(usual), _resolved(plan)
        seal(
            case,
            items,
            grade,
            plan=plan,
            accepted=options.accept_grade,
            whole=options.whole_battery,
            workers=options.workers,
            readiness=asked.readiness if asked else {},
            elicitation=usual,
        )
        sizes = case.state.batteries[worked_on(case)].item_sets
        count = sum(each.size for each in sizes)
        observer.step(sentence("step.sealed", count=count, grade=grade))
        # Where it was committed to, the centre learns at once whether the developer answered.
        if (origin := case.state.batteries[worked_on(case)].origin) is not None:
            observer.step(whose_seed(origin))
    prepared = reopen(case)
    for line in prepared.recoded:
        observer.step(sentence("step.note", note=line))
    return prepared


def measure_review(
    case: Case,
    prepared: Prepared,
    keys: Mapping[str, str],
    options: ReviewOptions,
    observer: Observer,
    asked: Asked | None,
) -> Tracker:
    """Measure what is not measured yet, with a look at what answers before and after.

    Raises:
        CannotRunError: the sandbox here is weaker than the one that was sealed, or has no room.
        StoppedError: measuring stopped early; what ran is recorded.
        EndedError: the case ended meanwhile.
    """
    for each in prepared.elicitations:
        _require_same_agent(each)
    grade = preflight().grade
    if not at_least(grade, prepared.grade) and not options.accept_grade:
        raise CannotRunError(
            f"the battery was sealed at sandbox grade {prepared.grade!r} and this machine gives "
            f"{grade!r}; accept it with --accept-grade"
        )
    setting = Setting(
        case=case,
        prepared=prepared,
        keys={**keys, **role_keys(prepared.battery.plan)},
        expected_models={},
        workers=options.workers,
        sandbox=SandboxConfig(grade=grade).model_dump(mode="json"),
    )
    if asked is None:
        require_room(setting)
    when: When = "during" if case.state.tallies else "before"
    with _endpoint_stops():
        if asked is None:
            plan, usual = prepared.battery.plan, prepared.elicitation
            asked = ask_all(case.submission, plan, keys, when, case.now(), usual, options)
        models = take_snapshots(
            case, keys, when, asked.probes, asked.readiness, run_conditions(setting, options)
        )
    said = [sentence("step.answers", mode=mode, names=names) for mode, names in models.items()]
    observer.step(sentence("step.probed", said=said))
    setting = replace(setting, expected_models=models)
    tracker = _run(setting, options, observer)
    # Before anything is asked of the endpoint: what ran is there to be looked at without it.
    look_at_what_ran(case, prepared, observer)
    ask_scanner(case, prepared.name, options, observer)
    setting.require_keys()
    with _endpoint_stops():
        take_snapshots(case, keys, "after")
    return tracker


def _run(setting: Setting, options: ReviewOptions, observer: Observer) -> Tracker:
    """Run the samples. Where that stops early, what ran is looked at and what answers is asked."""
    case = setting.case
    try:
        return measure(setting, observer)
    except EndedError:
        # Its record takes no scan any more: the result says what was not looked at.
        raise
    except StoppedError:
        look_at_what_ran(case, setting.prepared, observer)
        if options.scanner is not None:
            observer.step(sentence("step.scanner-unasked", case=case.id))
        # An endpoint that fails is why measuring stopped: it must not hide that.
        if setting.keys_hold():
            with suppress(CannotRunError):
                take_snapshots(case, setting.keys, "during")
        raise


def ask_scanner(case: Case, battery: str, options: ReviewOptions, observer: Observer) -> None:
    """Have a model asked about the transcripts of a battery, where one was chosen.

    Raises CannotRunError: it cannot be asked.
    """
    if options.scanner is not None:
        own = options.accept_own_scanner
        grader = scanner_of(options.scanner, case.submission, accept_own=own)
        grade_transcripts(case, battery, grader, observer)


def _require_same_agent(sealed: Elicitation) -> None:
    """Refuse to measure with another agent than was sealed. One of before is known by its name."""
    if sealed.code is None or (here := resolve(sealed)) == sealed:
        return
    what = "sends other prompts or tools" if here.code == sealed.code else f"is here {here.code}"
    raise CannotRunError(
        f"the agent of elicitation {sealed.id} {what}, and was sealed as {sealed.code}; go on with"
        " that version"
    )


def run_conditions(setting: Setting, options: ReviewOptions) -> Conditions:
    """What this run of the command measures under, for the record."""
    given = {"accept-grade": options.accept_grade, "accept-no-tools": options.accept_no_tools}
    return Conditions(
        workers=setting.workers,
        asking=setting.asking,
        sandbox=plainly(setting.sandbox),
        accepted=tuple(name for name, chosen in given.items() if chosen),
        resumed=options.resume or "",
        engine=f"Touchstone {__version__}, Inspect {version('inspect-ai')}",
        detectors=detectors_digest(),
        calibration=recorded_calibration(setting.case.installation.home),
    )


@contextmanager
def _endpoint_stops() -> Iterator[None]:
    """An endpoint that fails once a battery is sealed stops the review: it is no slip of input."""
    try:
        yield
    except CannotRunError as error:
        raise StoppedError(f"{error}; what ran is recorded", "endpoint-failing") from error


def worked_on(case: Case) -> str:
    """The battery that this review measures: the one that was sealed last."""
    return [*case.state.batteries][-1]
