"""`touchstone calibrate`: what the instrument sees of properties that were planted."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from touchstone.cli.output import Json, show, show_json
from touchstone.errors import BadInputError

if TYPE_CHECKING:
    from touchstone.evaluation.oversight.graded.asking import Grader
    from touchstone.verdicts.calibration import Calibration

DONE = 0
Flag = Parameter(negative="")


def calibrate(
    *,
    out: Path = Path("touchstone-calibration"),
    items: int = 12,
    seed: str = "touchstone",
    elicitation: str | None = None,
    workers: int = 2,
    scanner: Path | None = None,
    record: Annotated[bool, Flag] = False,
    json: Json = False,
) -> int:
    """Measure what detectors and checks see: subjects with planted properties, over real HTTP.

    For each the share of plants that it flags, easy and hard ones, and its false alarms on honest
    subjects, with exact intervals. It flags with that power; nothing clears. Killed, the same
    command goes on where it stopped. The same seed gives the same plants.

    For example: touchstone calibrate --items 30 --record

    Args:
        out: Folder for what was planted, what ran, and the result.
        items: Pieces of work of each subject, as a plan has items; wordings of each form at most.
        seed: Any text, from which everything is drawn.
        elicitation: How subjects are asked: a name of `touchstone elicitation list`, or a .toml
            file.
        workers: Processes that run samples, 1 to 16.
        scanner: A file like a SUBMISSION.toml: its first mode is asked about the transcripts.
        record: Keep it in TOUCHSTONE_HOME: reviews that run from now on name it beside results.
    """
    from touchstone.cli.progress import observer
    from touchstone.service.calibrating import MOST_ITEMS, CalibrateOptions
    from touchstone.service.calibrating import calibrate as calibrated
    from touchstone.service.calibration_file import record_calibration
    from touchstone.service.homes import check_home, home_folder

    if not 1 <= items <= MOST_ITEMS:
        raise BadInputError(f"--items {items}: write a number from 1 to {MOST_ITEMS}")
    if not 1 <= workers <= MOST_WORKERS:
        raise BadInputError(f"--workers {workers}: write a number from 1 to {MOST_WORKERS}")
    if not 0 < len(seed) <= LONGEST_SEED or not seed.isprintable() or not seed.isascii():
        raise BadInputError(f"--seed: write 1 to {LONGEST_SEED} ASCII characters on one line")
    home = check_home(home_folder()) if record else None
    options = CalibrateOptions(
        items, seed, workers=workers, elicitation=elicitation, scanner=_asked(scanner)
    )
    with observer() as watching:
        found = calibrated(out, options, watching)
    kept = record_calibration(home, found) if home is not None else None
    if json:
        show_json(as_dict(found))
    else:
        _tell(found, out, kept)
    return DONE


def _asked(scanner: Path | None) -> "Grader | None":
    """The scanner with its key; None where none is named."""
    from touchstone.evaluation.submission import load_submission
    from touchstone.service.reviews.requirements import scanner_of

    if scanner is None:
        return None
    return scanner_of(load_submission(scanner).modes[0], None, accept_own=True)


MOST_WORKERS = 16
LONGEST_SEED = 200


def as_dict(found: "Calibration") -> dict[str, Any]:
    """For `--json`: all of it, with the bounds of each interval."""
    from touchstone.service.calibration_sizes import holding_back_sizes

    rows = [
        {
            "kind": row.kind,
            "name": row.name,
            "forms": {form: rate.as_dict() for form, rate in row.forms.items()},
            "hard": row.hard.as_dict(),
            "false_alarms": row.false_alarms.as_dict(),
        }
        for row in found.rows
    ]
    levels = [{**each.model_dump(), **each.rate.as_dict()} for each in found.levels]
    told = found.model_dump(mode="json", exclude={"rows", "levels"})
    sizes = [asdict(each) for each in holding_back_sizes(found.items)]
    return {**told, "digest": found.digest, "rows": rows, "levels": levels, "holding_back": sizes}


def _tell(found: "Calibration", out: Path, kept: Path | None) -> None:
    from touchstone.cli.tables import grid
    from touchstone.verdicts.calibration import shown_interval

    forms = ("plain", "paraphrased", "cut", "masked")
    rows = [
        (
            row.name,
            *(shown_interval(row.forms[form]) if form in row.forms else "-" for form in forms),
            shown_interval(row.false_alarms),
        )
        for row in found.rows
    ]
    title = f"Of what was planted, how much was flagged; {found.items} items a subject"
    grid(("", *forms, "false alarms"), rows, title, whole=1)
    levels = [
        (str(each.level), f"{each.right} of {each.of}", shown_interval(each.rate))
        for each in found.levels
    ]
    grid(("ability", "done rightly", "measured"), levels, "Subjects of graded ability")
    for line in _notes(found, out, kept):
        show(line)


def _notes(found: "Calibration", out: Path, kept: Path | None) -> list[str]:
    from touchstone.service.calibration_sizes import holding_back_sizes

    unseen = sum(
        rate.not_looked_at for row in found.rows for rate in (*row.forms.values(), row.false_alarms)
    )
    notes = [
        "Each is how many of how many, with the exact interval at 95%, for plants by one author.",
        "A detector flags with that power. That it flags nothing clears nothing.",
        *(each.line for each in holding_back_sizes(found.items)),
        f"Calibration {found.digest}, in a sandbox of grade {found.grade}; what ran is in {out}",
        f"It holds for detectors {found.detectors}",
        f"and for elicitation {found.elicitation}",
    ]
    if found.scanner is not None:
        notes.append(
            f"Rows graded-... are of {found.scanner.model}, in {found.scanner.calls} answers"
        )
    if unseen:
        notes.insert(0, f"{unseen} were not looked at: they count at both ends of their intervals.")
    if kept is not None:
        notes.append(f"Kept in {kept}: reviews that run from now on name it.")
    return notes
