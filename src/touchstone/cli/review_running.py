"""`touchstone review run` and `review measure`: a whole review, or the measuring alone."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from touchstone.cli.opened import opened
from touchstone.cli.output import Json, show, show_json, warn
from touchstone.errors import BadInputError
from touchstone.handin import printable_line

if TYPE_CHECKING:
    from touchstone.evaluation.battery_file import ChosenBattery
    from touchstone.evaluation.submission import Mode
    from touchstone.service.installation import Installation
    from touchstone.service.measurement.review_result import ReviewResult
    from touchstone.verdicts.run_progress import Observer

DONE, NO = 0, 1
Flag = Annotated[bool, Parameter(negative="")]
Chosen = Annotated[
    str | None,
    Parameter(
        help="How the model is drawn out, fixed when the battery is sealed: a name of `touchstone"
        " elicitation list`, or a .toml file."
    ),
]
BatteryPath = Annotated[
    Path | None,
    Parameter(
        help="A battery file: which item sets there are, from families and packs; default: one for"
        " each criterion with a number. Fixed when the battery is sealed."
    ),
]


ScannerPath = Annotated[
    Path | None,
    Parameter(
        help="A file like a SUBMISSION.toml: its first mode is asked about each transcript, once"
        " the last sample ran. Its error is measured first. Of a measured case it is asked, too."
    ),
]


OwnScanner = Annotated[
    bool,
    Parameter(
        negative="",
        help="Let a model under review be the scanner of its own transcripts. It is recorded.",
    ),
]


def chosen_scanner(path: Path | None, *, accept_own: bool = False) -> "Mode | None":
    """How the scanner that was named is asked; its file is read before anything is written."""
    from touchstone.evaluation.submission import load_submission

    if path is None and accept_own:
        raise BadInputError("--accept-own-scanner: names no scanner; write --scanner FILE")
    return None if path is None else load_submission(path).modes[0]


def chosen_battery(path: Path | None) -> "ChosenBattery | None":
    """The battery file that was named; it is read before anything is written."""
    from touchstone.evaluation.battery_file import load_battery

    return None if path is None else load_battery(path)


def review_run(
    submission: Path,
    *,
    out: Path = Path(),
    framework: str | None = None,
    items: int | None = None,
    workers: int = 2,
    accept_grade: bool = False,
    accept_no_tools: bool = False,
    whole_battery: bool = False,
    elicitation: Chosen = None,
    battery: BatteryPath = None,
    scanner: ScannerPath = None,
    accept_own_scanner: OwnScanner = False,
    agency: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    resume: str | None = None,
    json: Json = False,
) -> int:
    """Run the review of a SUBMISSION.toml, or go on with it where it stopped.

    Args:
        submission: The SUBMISSION.toml.
        out: Folder for the report and the bundles.
        framework: A shipped id or a .toml file; default: the one that the submission names.
        items: Items per criterion, fixed when the battery is sealed.
        workers: Worker processes.
        accept_grade: Accept a weaker sandbox than the families' cards ask for. It is recorded.
        accept_no_tools: Run though a mode called no tool, or gave no long answer, when it was asked
            to before the first sample. It is recorded.
        whole_battery: Run every item before any verdict, instead of stopping where the answer is
            known; fixed when the battery is sealed.
        agency: An agency of the framework that takes part, by its id; may be given again. It can
            concur, designate, and issue directives.
        resume: Lift the centre's halt; one line for the record that says why.
    """
    from touchstone.service.configuration import families_of
    from touchstone.service.homes import home_folder
    from touchstone.service.measurement.review_result import ReviewOptions
    from touchstone.service.reviews.reviewing import run_review

    options = ReviewOptions(
        framework=framework,
        items=items,
        workers=workers,
        accept_grade=accept_grade,
        accept_no_tools=accept_no_tools,
        whole_battery=whole_battery,
        elicitation=elicitation,
        battery=chosen_battery(battery),
        scanner=chosen_scanner(scanner, accept_own=accept_own_scanner),
        accept_own_scanner=accept_own_scanner,
        agencies=agency,
        resume=resume,
    )
    # Before a first review makes keys and record.
    families_of(home_folder())
    return _tell_review(
        lambda installation, watching: run_review(installation, submission, out, options, watching),
        json=json,
    )


def _tell_review(work: "Callable[[Installation, Observer], ReviewResult]", *, json: bool) -> int:
    """Do the work of a review, with its progress on the terminal, and tell how it came out."""
    from touchstone.cli.progress import observer

    with observer() as watching, opened(begins=True) as installation:
        # Before an endpoint is asked for anything that could not be recorded.
        installation.records.check_writable()
        result = work(installation, watching)
    if json:
        show_json(result.as_dict())
    else:
        for line in result.lines():
            show(line)
    if result.stopped:
        warn(f"touchstone: {printable_line(result.stopped)}")
        return NO
    return DONE if result.measured else NO


def review_measure(
    case: str,
    *,
    out: Path = Path(),
    items: int | None = None,
    workers: int = 2,
    accept_grade: Flag = False,
    accept_no_tools: Flag = False,
    whole_battery: Flag = False,
    elicitation: Chosen = None,
    battery: BatteryPath = None,
    scanner: ScannerPath = None,
    accept_own_scanner: OwnScanner = False,
    resume: str | None = None,
    json: Json = False,
) -> int:
    """Measure a case that its parties opened by their own hands, or go on with it.

    Runs where the record is, with the centre's automation key (`touchstone keys automation`). What
    the centre did not admit that key for waits for its people.

    Args:
        case: The case's id, or enough of its beginning.
        out: Folder for the report and the bundles.
        items: Items per criterion, fixed when the battery is sealed.
        workers: Worker processes.
        accept_grade: Accept a weaker sandbox than the families' cards ask for. It is recorded.
        accept_no_tools: Run though a mode called no tool, or gave no long answer, when it was asked
            to before the first sample. It is recorded.
        whole_battery: Run every item before any verdict, instead of stopping where the answer is
            known; fixed when the battery is sealed.
        resume: Lift the centre's halt; one line for the record that says why.
    """
    from touchstone.service.measurement.review_result import ReviewOptions
    from touchstone.service.reviews.reviewing import measure_case

    options = ReviewOptions(
        items=items,
        workers=workers,
        accept_grade=accept_grade,
        accept_no_tools=accept_no_tools,
        whole_battery=whole_battery,
        elicitation=elicitation,
        battery=chosen_battery(battery),
        scanner=chosen_scanner(scanner, accept_own=accept_own_scanner),
        accept_own_scanner=accept_own_scanner,
        resume=resume,
    )
    return _tell_review(
        lambda installation, watching: measure_case(installation, case, out, options, watching),
        json=json,
    )
