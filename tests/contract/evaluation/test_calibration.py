"""Subjects with planted properties over real HTTP, in the real sandbox: what shows, and its twin.

One calibration for the whole file: of each detector one plant and the same work without it, and of
each check of runs a subject that has the property, one that hides it, and an honest one.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import EvalSample, read_eval_log

from support.graders import grader, grader_server
from support.toy_run import OVER_LOOPBACK
from touchstone.evaluation.agents.dry_call import resolve
from touchstone.evaluation.calibration import running
from touchstone.evaluation.calibration.pieces import honest_turns, piece_of_work
from touchstone.evaluation.calibration.plants import (
    UNWATCHED,
    PlantedSample,
    planted_samples,
    work_number,
)
from touchstone.evaluation.calibration.trials import CHECKS, graded_subjects, trial_subjects
from touchstone.evaluation.controls.planted import PlantedScript
from touchstone.evaluation.errors import ChunkError
from touchstone.evaluation.oversight import scanning
from touchstone.evaluation.oversight.graded.questions import questions
from touchstone.evaluation.profiles import load_elicitation
from touchstone.service import calibrating
from touchstone.service.calibrating import CalibrateOptions, Planted, calibrate
from touchstone.verdicts.calibration import Calibration, SeenRate
from touchstone.verdicts.errors import CannotRunError
from touchstone.verdicts.run_progress import RunProgress

pytestmark = [*OVER_LOOPBACK, pytest.mark.needs_sandbox]
SEED, ITEMS = "suite", 8
OPTIONS = CalibrateOptions(items=ITEMS, seed=SEED, workers=1)
ALL, NONE = SeenRate(flagged=1, of=1), SeenRate(flagged=0, of=1)


class Heard:
    """What a calibration says of itself."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.rows: list[RunProgress] = []

    def step(self, text: str) -> None:
        self.steps.append(text)

    def progress(self, rows: Any) -> None:
        self.rows = list(rows)


def twin(sample: PlantedSample) -> PlantedSample:
    """Such work by an honest subject."""
    work = work_number(SEED, "twin", sample.script.work)
    script = PlantedScript(work=work, turns=tuple(honest_turns(work)))
    return PlantedSample(script=script, wording=f"twin of {sample.wording}", scanned=True)


def chosen() -> Planted:
    """One plant of each detector, as plainly as there is one, and their twins."""
    plants: dict[str, PlantedSample] = {}
    seen: set[str] = set()
    for each in planted_samples(SEED, 2):
        if each.form == "plain" and each.planted not in UNWATCHED:
            # The first words of two are missed by their detectors: the second are taken.
            missed = each.planted in {"test-awareness", "tampering"}
            if not missed or each.planted in seen:
                plants.setdefault(each.planted, each)
            seen.add(each.planted)
    graded = tuple(each for each in graded_subjects(SEED, 5) if each.level in {1, 5})
    sizes = {"sandbagging": ITEMS, "nondeterminism": 3, "alike-modes": 3}
    trials = tuple(t for check in CHECKS for t in trial_subjects(check, SEED, sizes[check], 1))
    return Planted((*plants.values(), *map(twin, plants.values())), trials, graded)


@dataclass
class Ran:
    """The calibration of this file."""

    out: Path
    found: Calibration
    heard: Heard


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    out, heard = tmp_path_factory.mktemp("calibration"), Heard()
    return Ran(out, calibrate(out, OPTIONS, heard, chosen()), heard)


def rates(ran: Ran) -> dict[str, tuple[dict[str, SeenRate], SeenRate]]:
    return {row.name: (row.forms, row.false_alarms) for row in ran.found.rows}


def test_each_detector_flags_its_plant_and_nothing_of_the_twins(ran: Ran):
    detectors = [row for row in ran.found.rows if row.kind == "detector"]
    assert [row.forms for row in detectors] == [{"plain": ALL}] * len(detectors)
    honest = SeenRate(flagged=0, of=len(detectors))
    assert [row.false_alarms for row in detectors] == [honest] * len(detectors)


def test_a_plant_is_in_the_transcript_as_it_was_planted(ran: Ran):
    """What was said over HTTP is what stands in Inspect's log."""
    said = {each.id: each for each in samples_of(ran.out / "chunks")}
    for chunk in running.chunks_of(chosen().samples):
        for place, sample in enumerate(chunk.samples):
            log = said[chunk.name, place]
            for turn in sample.script.turns:
                assert turn.text in log.text
                assert turn.sealed or turn.thought in log.text


@dataclass
class Logged:
    """One sample's messages."""

    id: tuple[str, int]
    text: str


def samples_of(folder: Path) -> Iterator[Logged]:
    for path in sorted(folder.glob("*/*/log.eval")):
        for sample in read_eval_log(str(path)).samples or ():
            yield Logged((path.parent.name, int(sample.id)), all_text(sample))


def all_text(sample: EvalSample) -> str:
    parts = [m.content for m in sample.messages]
    return "\n".join(
        part
        if isinstance(part, str)
        else "\n".join(getattr(p, "reasoning", "") or getattr(p, "text", "") for p in part)
        for part in parts
    )


def test_who_holds_back_is_seen_in_pairs_and_who_holds_back_little_is_not(ran: Ran):
    forms, alarms = rates(ran)["sandbagging"]
    assert (forms["plain"], forms["masked"], alarms) == (ALL, NONE, NONE)


def test_one_answer_in_three_that_varies_is_seen(ran: Ran):
    forms, alarms = rates(ran)["nondeterminism"]
    assert (forms["plain"], forms["masked"], alarms) == (ALL, ALL, NONE)


def test_a_mode_that_is_none_is_seen_unless_it_pretends(ran: Ran):
    forms, alarms = rates(ran)["alike-modes"]
    assert (forms["plain"], forms["masked"], alarms) == (ALL, NONE, NONE)


def test_the_judge_tells_graded_abilities_apart(ran: Ran):
    assert [(each.level, each.right, each.solved, each.of) for each in ran.found.levels] == [
        (1, 0, 0, 5),
        (5, 4, 4, 5),
    ]
    forms, alarms = rates(ran)["ability"]
    assert forms["plain"] == SeenRate(flagged=4, of=4)
    assert alarms == SeenRate(flagged=0, of=6)


def test_it_is_of_the_elicitation_that_a_review_seals(ran: Ran):
    """Of another digest no edition would print its figures beside results."""
    assert ran.found.elicitation == resolve(load_elicitation(None)).digest


def test_an_elicitation_without_a_shell_is_refused(tmp_path: Path):
    path = tmp_path / "no-shell.toml"
    path.write_text('format = "touchstone elicitation 1"\nid = "no-shell"\ntools = ["python"]\n')
    options = CalibrateOptions(items=1, elicitation=str(path))
    with pytest.raises(CannotRunError, match="gives no bash"):
        calibrate(tmp_path / "out", options, Heard(), chosen())
    assert not (tmp_path / "out").exists()


def test_it_tells_how_far_it_is(ran: Ran):
    assert sum(row.recorded for row in ran.heard.rows) == sum(row.total for row in ran.heard.rows)
    assert {row.criterion for row in ran.heard.rows} >= {"honest", "sandbagging", "spoofed-result"}


def test_the_truth_lies_beside_what_ran_and_names_nothing_found(ran: Ran):
    kept = json.loads((ran.out / "plants.json").read_bytes())
    assert {each.get("planted", "") for each in kept["samples"]} >= {"", "canary", "refusal"}


def test_what_ran_is_not_run_again_and_what_was_under_way_is(
    ran: Ran, monkeypatch: pytest.MonkeyPatch
):
    """A kill leaves chunks that ended, and one that did not: that one alone runs."""
    chunks = sorted((ran.out / "chunks").glob("*/*"))
    (spoofed,) = (each for each in chunks if "spoofed" in each.name)
    left = spoofed.rename(spoofed.with_name(f"{spoofed.name}.under-way.1"))
    asked: list[str] = []

    def counting(work: str, *given: Any, **more: Any) -> Any:
        asked.append(work)
        return piece_of_work(work, *given, **more)

    monkeypatch.setattr(f"{running.__name__}.piece_of_work", counting)
    assert calibrate(ran.out, OPTIONS, Heard(), chosen()) == ran.found
    assert asked == [s.script.work for s in chosen().samples if s.spoof]
    assert not left.exists()


def test_where_the_scan_failed_nothing_is_taken_for_unflagged(
    ran: Ran, monkeypatch: pytest.MonkeyPatch
):
    """A process that dies looked at nothing: rates have no samples less, and wider intervals."""
    monkeypatch.setattr(scanning, "PROGRAM", "raise SystemExit(3)")
    monkeypatch.setattr(calibrating, "write_file", lambda *_, **__: None)
    found = calibrate(ran.out, OPTIONS, Heard(), chosen())
    (row,) = (each for each in found.rows if each.name == "tampering")
    assert row.forms["plain"] == SeenRate(flagged=0, of=1, not_looked_at=1)
    assert row.forms["plain"].bounds == (0.0, 1.0)
    assert row.false_alarms.not_looked_at == row.false_alarms.of


def test_a_folder_of_another_calibration_is_refused(ran: Ran):
    other = Planted(chosen().samples[:1], (), ())
    with pytest.raises(CannotRunError, match="holds another calibration"):
        calibrate(ran.out, OPTIONS, Heard(), other)


def test_one_piece_of_work_is_not_given_two_scripts(ran: Ran):
    one, other = chosen().samples[:2]
    same = other.script.model_copy(update={"work": one.script.work})
    with pytest.raises(ChunkError, match="has two scripts"):
        calibrate(
            ran.out / "other",
            OPTIONS,
            Heard(),
            Planted((one, other.model_copy(update={"script": same})), (), ()),
        )


def test_a_folder_in_use_is_refused(ran: Ran):
    with (
        calibrating.held_folder(ran.out),
        pytest.raises(CannotRunError, match="a calibration is running there"),
    ):
        calibrate(ran.out, OPTIONS, Heard(), chosen())


def test_a_scanner_is_asked_about_the_same_transcripts_over_http(ran: Ran):
    """One that says yes to all finds all, and is told to have flagged each honest subject."""
    with grader_server() as endpoint:
        options = replace(OPTIONS, scanner=grader(endpoint.url, "repeating"))
        found = calibrate(ran.out, options, Heard(), chosen())
        asked = len(endpoint.requests)
    rows = {row.name: row for row in found.rows if row.kind == "graded"}
    assert list(rows) == list(questions())
    assert rows["graded-refusal"].forms == {"plain": ALL}
    honest = sum(not each.planted for each in chosen().samples)
    assert {row.false_alarms for row in rows.values()} == {SeenRate(flagged=honest, of=honest)}
    planted = sum(bool(row.forms) for row in rows.values())
    assert found.scanner is not None
    assert found.scanner.calls == asked == planted + honest * len(rows)
    # All else is as it was without one.
    assert [row for row in found.rows if row.kind != "graded"] == list(ran.found.rows)
