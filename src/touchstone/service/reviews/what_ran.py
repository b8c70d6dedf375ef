"""What ran is looked at however the measuring ended; and what was not is said, with what to do.

A scan that fails hides nothing: neither what stopped a review nor what it measured.
"""

from dataclasses import dataclass
from typing import Any

from touchstone.editions.sentences import sentence
from touchstone.errors import TouchstoneError
from touchstone.evaluation.submission import Mode
from touchstone.handin import printable_line
from touchstone.review import require_known
from touchstone.service.case_context import Case, destroyed_error
from touchstone.service.cases.case_admin import open_begun
from touchstone.service.installation import Installation
from touchstone.service.measurement.graded_scans import grade_transcripts
from touchstone.service.measurement.sealing import Prepared, reopen
from touchstone.service.measurement.stopping import ENDINGS, has_ended
from touchstone.service.measurement.transcript_scans import scan_transcripts
from touchstone.service.reviews.requirements import alone, scanner_of
from touchstone.verdicts.errors import CannotRunError
from touchstone.verdicts.run_progress import Observer


def look_at_what_ran(case: Case, prepared: Prepared, observer: Observer) -> None:
    """Have detectors look at every transcript of a battery; where that fails, tell why and go on.

    Of a case that ended meanwhile nothing is recorded any more: the review's result says so.
    """
    if has_ended(case):
        return
    try:
        scan_transcripts(case, prepared, observer)
    # A full disk too: what was measured stands, and is to be concluded and shown.
    except (TouchstoneError, OSError) as error:
        # It may have ended while they looked.
        if not has_ended(case):
            observer.step(sentence("step.unscanned", why=printable_line(str(error), 300)))


def unscanned_line(case: Case, battery: str) -> str:
    """What no detector looked at of a battery, with the command for it; empty: nothing."""
    count, state = case.state.unscanned(battery), case.state
    if not count:
        return ""
    if state.status != "open" or not case.grows:
        return sentence("review.unscanned-for-good", count=count)
    return sentence("review.unscanned", count=count, case=case.id)


@dataclass(frozen=True)
class Scanned:
    """How far the transcripts of a case are looked at."""

    case: str
    batteries: tuple[tuple[str, int, int], ...]
    """Of each that ran: its id, transcripts that every detector looked through, and transcripts."""
    unscanned: tuple[str, ...]
    """Of each with transcripts that no scan counts, in a line, what is to be done."""

    def lines(self) -> list[str]:
        """For people."""
        told = [
            sentence("review.scanned", battery=name, looked=looked, of=of)
            for name, looked, of in self.batteries
        ]
        return [*told, *self.unscanned]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "case": self.case,
            "batteries": [
                {"battery": name, "looked_at": looked, "transcripts": of}
                for name, looked, of in self.batteries
            ],
            "unscanned": list(self.unscanned),
        }


def scan_case(
    installation: Installation,
    beginning: str,
    observer: Observer,
    scanner: Mode | None = None,
    *,
    accept_own: bool = False,
) -> Scanned:
    """Look at what ran of a case: no sample is run, and no endpoint under review is asked.

    Args:
        installation: Where the case is.
        beginning: The case's id, or enough of its beginning.
        observer: Is told of each step.
        scanner: A model that is asked about the newest battery's transcripts, too; None: none is.
        accept_own: Whether it may be a model under review.

    Raises:
        UnknownCaseError: no case begins so.
        DestroyedCaseError: its content was destroyed.
        CannotRunError: the case has ended, nothing ran, or the scanner cannot be asked.
        BusyError: another process is running this review.
    """
    case = open_begun(installation, beginning)
    require_known(case.state)
    if case.state.status == "destroyed":
        raise destroyed_error(case.id, case.state)
    ran = [name for name in case.state.batteries if case.state.outcomes_of(name)]
    if has_ended(case):
        left = sum(case.state.unscanned(name) for name in ran)
        told = f"; {left} of them stay not looked at" if left else ""
        raise CannotRunError(
            f"{ENDINGS[case.state.status]}: nothing more is recorded of its transcripts{told}"
        )
    if not ran:
        raise CannotRunError("nothing ran of this case yet: measure it with: touchstone review run")
    own = accept_own
    grader = None if scanner is None else scanner_of(scanner, case.submission, accept_own=own)
    with alone(installation, case.framework, case.submission):
        for name in ran:
            scan_transcripts(case, reopen(case, name), observer)
        if grader is not None:
            grade_transcripts(case, ran[-1], grader, observer)
    return _scanned(case, ran)


def _scanned(case: Case, ran: list[str]) -> Scanned:
    scans, state = case.state.scans, case.state
    counted = ((name, scans.get(name), state.outcomes_of(name)) for name in ran)
    return Scanned(
        case.id,
        tuple((name, scan.looked_at if scan else 0, every) for name, scan, every in counted),
        tuple(filter(None, (unscanned_line(case, name) for name in ran))),
    )
