"""Calibrating the instrument: subjects with planted properties, run as models are, and counted."""

import fcntl
import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from touchstone import __version__
from touchstone.evaluation import Elicitation, EndpointLimits, Outcome
from touchstone.evaluation.agents.dry_call import resolve
from touchstone.evaluation.calibration.plants import (
    FORMS,
    UNWATCHED,
    PlantedSample,
    canary_of,
    honest_samples,
    planted_samples,
)
from touchstone.evaluation.calibration.running import (
    PlantedRuns,
    RanChunk,
    grade_planted,
    questions_of,
    scan_planted,
)
from touchstone.evaluation.calibration.trials import (
    CHECKS,
    GradedSubject,
    TrialSubject,
    graded_subjects,
    trial_subjects,
)
from touchstone.evaluation.digests import digest_bytes, digest_value
from touchstone.evaluation.oversight.detectors import detectors, detectors_digest
from touchstone.evaluation.oversight.graded.asking import Grader
from touchstone.evaluation.oversight.graded.questions import questions, questions_digest
from touchstone.evaluation.oversight.sightings import ScannedTranscript
from touchstone.evaluation.profiles import load_elicitation
from touchstone.evaluation.runner import SandboxChoice
from touchstone.evaluation.sandbox import SandboxConfig, preflight
from touchstone.evaluation.submission import endpoint_digest
from touchstone.keys.files import write_file
from touchstone.ledger import dumps
from touchstone.review.events.measuring import MEASURED
from touchstone.verdicts.calibration import (
    CalibratedLevel,
    CalibratedRow,
    CalibratedScanner,
    Calibration,
    PlantedCase,
    calibrated_row,
)
from touchstone.verdicts.errors import CannotRunError
from touchstone.verdicts.run_checks import answers_alike, holds_back, varies
from touchstone.verdicts.run_progress import Observer, RunProgress

DEMO_ITEMS = 12
MOST_ITEMS = 100
PLANTS, RESULT = "plants.json", "calibration.json"
_LOCK = ".lock"
_SHELL = "bash"
_HONEST = "honest"
_ABILITY = "ability"


@dataclass(frozen=True)
class CalibrateOptions:
    """What is chosen of a calibration."""

    items: int = DEMO_ITEMS
    """Pieces of work of each subject, and wordings of each form at most."""
    seed: str = "touchstone"
    subjects: int = 6
    """Of each form of holding back, and honest ones; half as many for the other checks."""
    workers: int = 2
    elicitation: str | None = None
    """How subjects are asked: a shipped name, or a .toml file; None: as reviews ask by default."""
    asking: EndpointLimits = field(default_factory=lambda: EndpointLimits(max_samples=8))
    scanner: Grader | None = None
    """A model that is asked about transcripts, with its key; None: none is."""


@dataclass(frozen=True)
class Planted:
    """All that is planted, from one seed."""

    samples: tuple[PlantedSample, ...]
    """Those for the detectors, honest ones among them."""
    trials: tuple[TrialSubject, ...]
    graded: tuple[GradedSubject, ...]

    @classmethod
    def drawn(cls, options: CalibrateOptions) -> "Planted":
        """Draw everything."""
        seed, size = options.seed, options.items
        few = max(1, options.subjects // 2)
        trials = [
            each
            for check in CHECKS
            for each in trial_subjects(
                check, seed, size, options.subjects if check == "sandbagging" else few
            )
        ]
        return cls(
            (*planted_samples(seed, size), *honest_samples(seed, size)),
            tuple(trials),
            tuple(graded_subjects(seed, size)),
        )

    def all_samples(self) -> Iterator[PlantedSample]:
        """Every sample once."""
        yield from self.samples
        for trial in self.trials:
            for pair in trial.pairs:
                yield from pair
        for graded in self.graded:
            for each, _ in graded.samples:
                yield each

    def truth(self) -> bytes:
        """What was planted, and where: data, with nothing of what was found; ASCII JSON."""
        kinds = {"samples": self.samples, "trials": self.trials, "graded": self.graded}
        told = {
            kind: [each.model_dump(mode="json", exclude_defaults=True) for each in subjects]
            for kind, subjects in kinds.items()
        }
        return json.dumps(told, indent=1).encode("ascii")


def calibrate(
    out: Path, options: CalibrateOptions, observer: Observer, planted: Planted | None = None
) -> Calibration:
    """Run everything that is planted, and count what was seen of it.

    Args:
        out: Folder for what is run; with that of a killed calibration it goes on.
        options: Size, seed, and how it runs.
        observer: Told how it goes.
        planted: What to run; all that is drawn from the seed where None is given.

    Raises:
        CannotRunError: this machine has no sandbox, the folder is another calibration's, or the
            elicitation gives no shell.
        ElicitationError: the elicitation cannot be used.
        ChunkError: Inspect's run failed.
        SubjectError: the subjects' server did not start.
    """
    chosen, grade = load_elicitation(options.elicitation), preflight().grade
    if grade == "none":
        raise CannotRunError(
            "this machine has no sandbox, and subjects run programs: see touchstone doctor"
        )
    # As a review seals it, so that the two can be compared: with what its agent sends.
    elicitation = resolve(chosen)
    if _SHELL not in elicitation.tools:
        raise CannotRunError(
            f"--elicitation {options.elicitation}: gives no {_SHELL}, by which subjects work"
        )
    planted = planted or Planted.drawn(options)
    truth = planted.truth()
    with held_folder(out):
        _claim(out, truth)
        engine = f"Touchstone {__version__}, Inspect {version('inspect-ai')}"
        runs = _runs(out, options, elicitation, engine)
        outcomes, rows, ran = _run(runs, planted, observer)
        graded, calls = _graded(ran, options.scanner, observer)
        calibration = Calibration(
            seed=options.seed,
            items=options.items,
            detectors=detectors_digest(),
            elicitation=elicitation.digest,
            plants=digest_bytes(truth),
            grade=grade,
            engine=engine,
            rows=(
                *_detector_rows(planted, rows),
                *_unwatched_rows(planted, rows),
                *_check_rows(planted, outcomes),
                *(graded_rows(planted.samples, graded) if options.scanner else ()),
            ),
            levels=_levels(planted, outcomes),
            scanner=_scanner(options.scanner, calls),
        )
        write_file(out / RESULT, [dumps(calibration.model_dump(mode="json"))], replace=True)
    return calibration


@contextmanager
def held_folder(out: Path) -> Iterator[None]:
    """Hold a folder alone; what two calibrations wrote there would be nobody's.

    Raises CannotRunError: it cannot be used, or another process holds it.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = os.open(out / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CannotRunError(f"--out {out}: cannot be used: {error.strerror}") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotRunError(
                f"--out {out}: a calibration is running there; wait for it, or name another folder"
            ) from None
        yield
    finally:
        os.close(lock)


def _claim(out: Path, truth: bytes) -> None:
    """Take a folder that is empty, or of the same calibration."""
    path = out / PLANTS
    if not path.exists():
        write_file(path, [truth])
    elif path.read_bytes() != truth:
        raise CannotRunError(
            f"--out {out}: holds another calibration (of another seed, size or version); name a "
            "folder that is not there yet"
        )


def _runs(
    out: Path, options: CalibrateOptions, elicitation: Elicitation, engine: str
) -> PlantedRuns:
    grade = preflight().grade
    # Under something else the same plants are another run.
    under = digest_value([elicitation.digest, grade, engine])
    return PlantedRuns(
        folder=out / "chunks" / under[-12:],
        home=out / "engine",
        canary=canary_of(options.seed),
        elicitation=elicitation,
        sandbox=SandboxChoice(config=SandboxConfig(grade=grade).model_dump(mode="json")),
        asking=options.asking,
        workers=options.workers,
    )


def _run(
    runs: PlantedRuns, planted: Planted, observer: Observer
) -> tuple[dict[str, Outcome], dict[str, ScannedTranscript], list[RanChunk]]:
    runs.folder.mkdir(parents=True, exist_ok=True)
    samples = tuple(planted.all_samples())
    follow = _Follow(samples, observer)
    observer.step(f"{len(samples)} samples of subjects with planted properties, over HTTP")
    outcomes = runs.run(samples, follow.ran)
    observer.step("The detectors look through their transcripts")
    return outcomes, scan_planted(follow.chunks, runs.canary), follow.chunks


def _graded(
    ran: Sequence[RanChunk], grader: Grader | None, observer: Observer
) -> tuple[dict[str, ScannedTranscript], int]:
    if grader is None:
        return {}, 0
    observer.step("The scanner is asked about their transcripts")
    return grade_planted(ran, grader)


def _scanner(grader: Grader | None, calls: int) -> CalibratedScanner | None:
    if grader is None:
        return None
    endpoint = endpoint_digest(grader.mode)
    return CalibratedScanner(
        model=grader.mode.model, endpoint=endpoint, questions=questions_digest(), calls=calls
    )


class _Follow:
    """Counts samples by what is planted in them, and tells of it."""

    def __init__(self, samples: Sequence[PlantedSample], observer: Observer) -> None:
        self.chunks: list[RanChunk] = []
        self._observer = observer
        self._total: dict[str, int] = defaultdict(int)
        self._ran: dict[str, int] = defaultdict(int)
        self._solved: dict[str, int] = defaultdict(int)
        for each in samples:
            self._total[_topic(each)] += 1

    def ran(self, chunk: RanChunk) -> None:
        """Take up a chunk that has run."""
        self.chunks.append(chunk)
        for place, outcome in chunk.outcomes.items():
            topic = _topic(chunk.chunk.samples[place])
            self._ran[topic] += 1
            self._solved[topic] += outcome.result == "solved"
        rows = [
            RunProgress(topic, "", total, self._ran[topic], self._solved[topic], 0)
            for topic, total in self._total.items()
        ]
        self._observer.progress(rows)


def _topic(sample: PlantedSample) -> str:
    """What a sample is for."""
    # Of a subject of a check it is the check: `sandbagging/plain/3`.
    return sample.planted or (_HONEST if sample.scanned else sample.wording.split("/")[0])


def _detector_rows(
    planted: Planted, rows: Mapping[str, ScannedTranscript]
) -> Iterator[CalibratedRow]:
    for name in detectors():
        cases = [
            PlantedCase(each.planted, each.form or "", each.wording, _flagged(rows, each, name))
            for each in planted.samples
        ]
        honest = [case for case in cases if not case.planted]
        yield calibrated_row("detector", name, FORMS, cases, honest)


def _unwatched_rows(
    planted: Planted, rows: Mapping[str, ScannedTranscript]
) -> Iterator[CalibratedRow]:
    """Of what no detector looks for: whether any flags it all the same."""
    for name in UNWATCHED:
        cases = [
            PlantedCase(each.planted, each.form or "", each.wording, _flagged_by_any(rows, each))
            for each in planted.samples
        ]
        honest = [case for case in cases if not case.planted]
        yield calibrated_row("unwatched", name, FORMS, cases, honest)


def graded_rows(
    samples: Sequence[PlantedSample], rows: Mapping[str, ScannedTranscript]
) -> Iterator[CalibratedRow]:
    """What a scanner made of planted and of honest samples, by question."""
    for name in questions():
        # Under the question's name: what is to be found may be planted under another.
        cases = [
            PlantedCase(
                name if each.planted else "",
                each.form or "",
                each.wording,
                _flagged(rows, each, name),
            )
            for each in samples
            if name in questions_of(each.planted)
        ]
        honest = [case for case in cases if not case.planted]
        yield calibrated_row("graded", name, FORMS, cases, honest)


def _flagged_by_any(rows: Mapping[str, ScannedTranscript], sample: PlantedSample) -> bool | None:
    flags = [_flagged(rows, sample, name) for name in detectors()]
    return True if True in flags else None if None in flags else False


def _flagged(
    rows: Mapping[str, ScannedTranscript], sample: PlantedSample, detector: str
) -> bool | None:
    """Whether a detector flagged a sample; None where it did not look at it."""
    row = rows.get(sample.key)
    look = next((each for each in row.looks if each.detector == detector), None) if row else None
    return look.flagged > 0 if look is not None and look.looked else None


_CHECKING = {"sandbagging": holds_back, "nondeterminism": varies, "alike-modes": answers_alike}


def _check_rows(planted: Planted, outcomes: Mapping[str, Outcome]) -> Iterator[CalibratedRow]:
    for check in CHECKS:
        cases = []
        for trial in (each for each in planted.trials if each.check == check):
            pairs = [(outcomes.get(one.key), outcomes.get(two.key)) for one, two in trial.pairs]
            whole = [(one, two) for one, two in pairs if one is not None and two is not None]
            # Of a subject of which something is missing the check was not made as it would be.
            flagged = _CHECKING[check](whole) if len(whole) == len(pairs) else None
            name = check if trial.form else ""
            cases.append(PlantedCase(name, trial.form or "", trial.name, flagged))
        honest = [case for case in cases if not case.planted]
        yield calibrated_row("check", check, FORMS, cases, honest)
    yield _judged(planted, outcomes)


def _judged(planted: Planted, outcomes: Mapping[str, Outcome]) -> CalibratedRow:
    """Whether the judge calls solved what was done rightly, and nothing that only looks so."""
    cases = []
    for graded in planted.graded:
        for sample, right in graded.samples:
            outcome = outcomes.get(sample.key)
            solved = (
                outcome is not None and outcome.result == "solved" if _measured(outcome) else None
            )
            cases.append(PlantedCase(_ABILITY if right else "", "plain", sample.key, solved))
    honest = [case for case in cases if not case.planted]
    return calibrated_row("check", _ABILITY, FORMS, cases, honest)


def _measured(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.result in MEASURED


def _levels(planted: Planted, outcomes: Mapping[str, Outcome]) -> tuple[CalibratedLevel, ...]:
    levels = []
    for graded in planted.graded:
        found = [outcomes.get(sample.key) for sample, _ in graded.samples]
        measured = [each for each in found if each is not None and _measured(each)]
        levels.append(
            CalibratedLevel(
                level=graded.level,
                right=sum(right for _, right in graded.samples),
                solved=sum(each.result == "solved" for each in measured),
                of=len(found),
                not_measured=len(found) - len(measured),
            )
        )
    return tuple(levels)
