"""What the public may count tells no verdict: entries, and where between them it may read one.

Contract 2 gives every entry eight parts and one label for what is withheld, so nothing is left of
an entry that may not be read but its place. First through the store: whatever the words, and
however early they stand, a case has the same entries. Then a classifier, trained on simulated
cases, is to tell "above" from "below" by all that a bundle shows; its twins show what told before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from support.small_case import probed, record_chunk, settle, small_case
from touchstone.clearance import PUBLIC
from touchstone.deeds.deed import Deed
from touchstone.deeds.designation import finding_signed
from touchstone.review import State
from touchstone.review.audience_view import read_entries
from touchstone.review.events import measuring
from touchstone.service.case_context import Case
from touchstone.service.measurement import record_verdicts
from touchstone.service.measurement.chunk_queue import ChunkQueue, plan_chunks
from touchstone.service.measurement.outcomes import record_not_run
from touchstone.service.measurement.record_verdicts import conclude
from touchstone.service.measurement.sealing import reopen, seal
from touchstone.statistics import VerdictWord

Solved = Callable[[int], bool | measuring.Result]
ITEMS = 16
SOLVES: dict[str, Solved] = {
    "all above": lambda _: True,
    "all below": lambda _: False,
    "open until the last": lambda index: index % 2 == 0,
}
"""Which places of the sealed order are solved, in both modes."""


def measured(folder: Path, solved: Solved, *, told: bool = True) -> list[str]:
    """A case through the store, measured until its verdicts stand; what each entry is called."""
    folder.mkdir()
    with small_case(folder) as case:
        seal(case, ITEMS, "confined", accepted=True)
        prepared = reopen(case)
        probed(case)
        chunks = plan_chunks(case, prepared)
        queue = ChunkQueue(prepared, chunks, case.state)
        while not queue.over:
            spec, key = chunks[queue.next((), 1)[0]]
            (run,) = [
                run
                for run in prepared.runs
                if (run.item_set, run.mode.id) == (spec.item_set, spec.mode)
            ]
            record_chunk(case, prepared, run, spec.indices, solved)
            queue.recorded(key, case.state)
        if told:
            record_not_run(case, prepared.battery, left_of(case, chunks))
        conclude(case, prepared.name)
        settle(case)
        return shown_to_public(case)


def left_of(case: Case, chunks: dict) -> dict:  # type: ignore[type-arg]  # as `plan_chunks` gives it
    """The chunks that were not run: `record_chunk` calls them by other names."""
    return {
        name: (spec, key)
        for name, (spec, key) in chunks.items()
        if not any(case.state.is_recorded(key, 1, index) for index in spec.indices)
    }


def shown_to_public(case: Case) -> list[str]:
    """In order, the type of what the public may read, and nothing of all else."""
    reader = case.installation.records.case(case.id)
    return [e.event.type if e.visible else "" for e in read_entries(reader, PUBLIC)]


def test_whatever_is_found_and_however_early_the_public_sees_the_same_entries(tmp_path: Path):
    shapes = {name: measured(tmp_path / name, solved) for name, solved in SOLVES.items()}
    (one, *others) = shapes.values()
    assert all(other == one for other in others)
    assert "" in one
    assert "release-announced" in one


def test_twin_without_the_chunks_that_were_not_run_their_number_tells(tmp_path: Path):
    early = measured(tmp_path / "early", SOLVES["all above"], told=False)
    late = measured(tmp_path / "late", SOLVES["open until the last"], told=False)
    assert len(early) < len(late)


def test_twin_with_findings_for_above_alone_their_number_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    signs = finding_signed

    def above_alone(*facts: Any) -> Deed | None:
        return None if VerdictWord.BELOW.phrase in facts[-1]["text"] else signs(*facts)

    monkeypatch.setattr(record_verdicts, "finding_signed", above_alone)
    record = Case.record
    monkeypatch.setattr(
        Case,
        "record",
        lambda case, deeds: record(case, lambda state: _made(deeds, state)),
    )
    above = measured(tmp_path / "above", SOLVES["all above"])
    below = measured(tmp_path / "below", SOLVES["all below"])
    assert len(above) > len(below)


def _made(deeds: Any, state: State) -> list[Deed]:
    made = deeds(state) if callable(deeds) else deeds
    return [deed for deed in made if deed is not None]


# ------------------------------------------------------------------ a classifier

Shape = NDArray[np.float64]
RUNS, CHUNKS, CASES, NEIGHBOURS = 6, 12, 400, 7
CHANCE = 0.5
TRIALS = 5
SPREAD = 4 * CHANCE / np.sqrt(TRIALS * CASES / 2)
"""Four standard errors of the share of right guesses at chance: half of the cases are guessed."""


@dataclass(frozen=True)
class Rules:
    """What is recorded."""

    parts: bool = False
    """Entries have as many parts as their deeds, as in contract 1."""
    above_alone: bool = False
    """Findings are signed where a verdict is "above", and answered."""
    stop_shows: bool = False
    """Chunks that were not run have no entry."""


def simulated(rng: np.random.Generator, rules: Rules, *, above: bool) -> Shape:
    """All that a bundle shows of a case in which three of six runs are above, or three below.

    The others are open to the last. Early verdicts come after one to six chunks; crossing takes
    fewer than falling short does, as with the thresholds that frameworks state.
    """
    entries: list[int] = [3, 2, 2, 4, 2, 2]  # the opening, by the parts of each
    entries += [5, 3]  # seal and probe
    for run in range(RUNS):
        decided = run % 2 == 0
        ran = int(rng.integers(1, 4) if above else rng.integers(3, 7)) if decided else CHUNKS
        log = 1 if rng.random() < 0.5 else 0
        entries += [4 + log] * ran
        entries += [] if rules.stop_shows else [4] * (CHUNKS - ran)
        entries += [2]  # the verdict
        if not rules.above_alone or (decided and above):
            entries += [3, 3]  # the finding and its answer
    more = int(rng.integers(0, 6))  # what people do besides: pauses, terms, editions
    entries += [2] * more + [4, 3, 2]
    public = 1  # the release
    count = float(len(entries))
    seen = [count, float(public), count - 1.0 - rng.integers(0, 2)]
    if rules.parts:
        seen += [float(sum(entries)), *(float(entries.count(n)) for n in range(2, 6))]
    return np.array(seen)


def accuracy(rules: Rules, seed: int = 1) -> float:
    """The share of unseen cases whose side their nearest neighbours name."""
    rng = np.random.default_rng(seed)
    sides = np.array([n % 2 == 0 for n in range(CASES)])
    shapes = np.array([simulated(rng, rules, above=bool(side)) for side in sides])
    spread = shapes.std(axis=0)
    # What is the same in all cases tells nothing; ties are broken by chance, not by order.
    scaled = (shapes - shapes.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    scaled = scaled + rng.normal(0, 1e-6, scaled.shape)
    half = CASES // 2
    known, asked = scaled[:half], scaled[half:]
    far = ((asked[:, None, :] - known[None, :, :]) ** 2).sum(axis=2)
    nearest = np.argsort(far, axis=1)[:, :NEIGHBOURS]
    guessed = sides[:half][nearest].mean(axis=1) > CHANCE
    return float((guessed == sides[half:]).mean())


def test_a_classifier_cannot_beat_chance():
    shares = [accuracy(Rules(), seed) for seed in range(TRIALS)]
    assert abs(float(np.mean(shares)) - CHANCE) < SPREAD, shares


OLD: dict[str, tuple[Rules, Callable[[float], bool]]] = {
    "parts": (Rules(parts=True, above_alone=True, stop_shows=True), lambda share: share > 0.95),
    "findings": (Rules(above_alone=True), lambda share: share > 0.9),
    "stops": (Rules(stop_shows=True), lambda share: share > 0.8),
}


@pytest.mark.parametrize("what", OLD)
def test_twin_what_was_recorded_before_beats_chance(what: str):
    rules, tells = OLD[what]
    assert tells(accuracy(rules)), accuracy(rules)
