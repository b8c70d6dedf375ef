"""Running planted samples: over HTTP, by the engine that runs reviews, so that a kill loses little.

A chunk that came to its end is kept with its outcomes and log; any other runs anew, from its
beginning: who answers is a script, so that nothing is drawn twice by that.
"""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

from pydantic import TypeAdapter

from touchstone.evaluation.calibration.pieces import FAMILY, piece_of_work
from touchstone.evaluation.calibration.plants import PlantedSample, Spoof
from touchstone.evaluation.calibration.scaffold import spoofing_task
from touchstone.evaluation.chunk_session import ChunkItem, ChunkSession, active
from touchstone.evaluation.chunks import MAX_CHUNK, ChunkSpec
from touchstone.evaluation.controls import Subject, start_subject
from touchstone.evaluation.controls.planted import PLANTED, PlantedScript, write_scripts
from touchstone.evaluation.digests import digest_bytes, digest_value
from touchstone.evaluation.elicitation import Elicitation
from touchstone.evaluation.endpoints import open_endpoint
from touchstone.evaluation.errors import ChunkError
from touchstone.evaluation.journal import Journal
from touchstone.evaluation.limits import Allowance, EndpointLimits
from touchstone.evaluation.outcomes import AdjudicationRule, Outcome
from touchstone.evaluation.oversight.graded.asking import Grader
from touchstone.evaluation.oversight.graded.questions import questions
from touchstone.evaluation.oversight.graded.transcripts import grade_chunks
from touchstone.evaluation.oversight.labelled.grader_cases import PLANTED_AS
from touchstone.evaluation.oversight.leaks import secrets_in
from touchstone.evaluation.oversight.scanning import ChunkLog, scan_chunks
from touchstone.evaluation.oversight.sightings import ScannedTranscript
from touchstone.evaluation.runner import (
    ChunkResult,
    SandboxChoice,
    execute,
    load_hooks,
    run_chunk,
)
from touchstone.evaluation.submission import Mode, ModeSettings, endpoint_digest
from touchstone.keys.files import move_folder, write_file

VARIANT = "planted"
_LOOK_EVERY = 1.0
_OUTCOMES = TypeAdapter(tuple[Outcome, ...])
_DONE, _LOG, _UNDER_WAY = "outcomes.json", "log.eval", ".under-way."


@dataclass(frozen=True)
class PlantedChunk:
    """Samples that run together: asked in one mode, by one agent."""

    name: str
    samples: tuple[PlantedSample, ...]


@dataclass(frozen=True)
class RanChunk:
    """What a chunk left."""

    chunk: PlantedChunk
    outcomes: Mapping[int, Outcome]
    """By the sample's place in the chunk; one that is missing was not measured."""
    log: bytes | None


@dataclass(frozen=True)
class PlantedRuns:
    """How planted samples run: where, with which agent, in which sandbox."""

    folder: Path
    """For what ran: it is gone on with where it was left."""
    home: Path
    """TOUCHSTONE_HOME, for the shared quota and Inspect's own files."""
    canary: str
    """The mark in the files of all pieces of work."""
    elicitation: Elicitation
    sandbox: SandboxChoice
    asking: EndpointLimits

    workers: int = 1
    """Processes that run chunks; with 1 it is this one."""

    def run(
        self, samples: Sequence[PlantedSample], told: Callable[[RanChunk], None]
    ) -> dict[str, Outcome]:
        """Run all samples that have not run; gives the outcomes by sample.

        Args:
            samples: Each with its script.
            told: Hears of each chunk, those of earlier runs too, in order.

        Raises:
            SubjectError: the subjects' server did not start.
            ChunkError: Inspect's run failed, or one piece of work has two scripts.
        """
        found: dict[str, Outcome] = {}
        scripts = write_scripts(_scripts(samples))
        self._sweep()
        with start_subject((PLANTED,), scripts=scripts) as subject:
            for ran in self._all(tuple(chunks_of(samples)), subject):
                told(ran)
                for place, outcome in ran.outcomes.items():
                    found[ran.chunk.samples[place].key] = outcome
        return found

    def _all(self, chunks: Sequence[PlantedChunk], subject: Subject) -> Iterator[RanChunk]:
        if self.workers == 1:
            for chunk in chunks:
                yield self.kept_or_run(chunk, subject)
            return
        # Spawned: a fork would share Inspect's own event loop and hooks.
        spawning = get_context("spawn")
        with ProcessPoolExecutor(
            self.workers, spawning, initializer=end_with, initargs=(os.getpid(),)
        ) as pool:
            yield from pool.map(self.kept_or_run, chunks, repeat(subject))

    def kept_or_run(self, chunk: PlantedChunk, subject: Subject) -> RanChunk:
        """A chunk as an earlier run left it, or run now.

        Raises:
            ChunkError: Inspect's run failed.
        """
        return self._kept(chunk) or self._run(chunk, subject)

    def _sweep(self) -> None:
        """What a killed run had begun and not ended."""
        for each in self.folder.glob(f"*{_UNDER_WAY}*"):
            shutil.rmtree(each, ignore_errors=True)

    def _kept(self, chunk: PlantedChunk) -> RanChunk | None:
        place = self.folder / chunk.name
        if not (place / _DONE).is_file():
            return None
        outcomes = _OUTCOMES.validate_json((place / _DONE).read_bytes())
        log = (place / _LOG).read_bytes() if (place / _LOG).is_file() else None
        return RanChunk(chunk, {each.index: each for each in outcomes}, log)

    def _run(self, chunk: PlantedChunk, subject: Subject) -> RanChunk:
        # Of this process alone: what outlives a killed run must not write into the next one's.
        place = self.folder / f"{chunk.name}{_UNDER_WAY}{os.getpid()}"
        mode = _mode(subject.url, thorough=chunk.samples[0].thorough)
        items = tuple(self._item(index, each) for index, each in enumerate(chunk.samples))
        spec = ChunkSpec(
            case=FAMILY,
            battery=FAMILY,
            item_set=chunk.name,
            variant=VARIANT,
            mode=mode.id,
            endpoint=endpoint_digest(mode),
            elicitation=self.elicitation.digest,
            rule=AdjudicationRule().digest,
            indices=tuple(range(len(items))),
        )
        if chunk.samples[0].spoof:
            spoofs = {index: each.spoof for index, each in enumerate(chunk.samples)}
            result = self._spoofed(spec, place, mode, subject.key, items, spoofs)
        else:
            result = run_chunk(
                spec,
                folder=place,
                home=self.home,
                mode=mode,
                api_key=subject.key,
                items=items,
                elicitation=self.elicitation,
                asking=self.asking,
                sandbox=self.sandbox,
            )
        log = result.log.read_bytes() if result.log else None
        if log is not None:
            write_file(place / _LOG, [log])
        shutil.rmtree(place / "logs", ignore_errors=True)
        write_file(place / _DONE, [_OUTCOMES.dump_json(result.outcomes)])
        move_folder(place, self.folder / chunk.name)
        return RanChunk(chunk, {each.index: each for each in result.outcomes}, log)

    def _spoofed(
        self,
        spec: ChunkSpec,
        folder: Path,
        mode: Mode,
        key: str,
        items: Sequence[ChunkItem],
        spoofs: Mapping[int, Spoof],
    ) -> ChunkResult:
        """The same with a hostile scaffold in the place of the engine's agent."""
        load_hooks()
        # What it sends is its own: the engine would refuse it as another agent than registered.
        unchecked = self.elicitation.model_copy(update={"sent": None, "code": None})
        with Journal(folder, spec.id) as journal:
            run = ChunkSession(
                spec,
                {each.index: each for each in items},
                journal,
                elicitation=unchecked,
                rule=AdjudicationRule(),
                allowance=Allowance(),
            )
            model = open_endpoint(mode, key, self.asking, run)
            with active(run):
                return execute(
                    run,
                    model,
                    make_task=lambda session: spoofing_task(session, spoofs),
                    folder=folder,
                    home=self.home,
                    asking=self.asking,
                    sandbox=self.sandbox,
                )

    def _item(self, index: int, sample: PlantedSample) -> ChunkItem:
        work, gives = sample.script.work, sample.gives
        item = piece_of_work(work, self.canary, told=sample.told, gives=gives)
        commitment = digest_bytes(item.id.encode()).removeprefix("sha256:")
        return ChunkItem(index, commitment, item)


def end_with(parent: int) -> None:
    """End this process once its parent has ended: what is killed leaves nobody at work."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_EVERY)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def chunks_of(samples: Sequence[PlantedSample]) -> Iterator[PlantedChunk]:
    """Samples that can run together, in chunks; those that are scanned stand apart.

    A chunk's name holds a digest of what is in it: another calibration never takes it for its own.
    """
    kinds: dict[tuple[bool, bool, bool], list[PlantedSample]] = {}
    for each in samples:
        kinds.setdefault((each.thorough, bool(each.spoof), each.scanned), []).append(each)
    for (thorough, spoofed, scanned), alike in kinds.items():
        words = ["thinking" if thorough else "instant"]
        words += [word for word, holds in (("spoofed", spoofed), ("scanned", scanned)) if holds]
        for start in range(0, len(alike), MAX_CHUNK):
            part = tuple(alike[start : start + MAX_CHUNK])
            digest = digest_value([each.model_dump(mode="json") for each in part])
            name = "-".join([*words, f"{start // MAX_CHUNK:03d}", digest[-8:]])
            yield PlantedChunk(name, part)


def _scripts(samples: Sequence[PlantedSample]) -> list[PlantedScript]:
    scripts: dict[str, PlantedScript] = {}
    for each in samples:
        # One of them would play for both, and what is missed would be what was never said.
        if scripts.setdefault(each.script.work, each.script) != each.script:
            raise ChunkError(f"work order {each.script.work} has two scripts: give each its own")
    return list(scripts.values())


def scan_planted(ran: Sequence[RanChunk], canary: str) -> dict[str, ScannedTranscript]:
    """Scan the transcripts of chunks whose samples are to be scanned; gives a row for each sample.

    A sample without an outcome has none, and was not looked at.
    """
    return _by_sample(ran, scan_chunks(_logs(ran), (canary,)))


def grade_planted(
    ran: Sequence[RanChunk], grader: Grader
) -> tuple[dict[str, ScannedTranscript], int]:
    """Ask a grader about the transcripts that are scanned; a row for each, and its answers' number.

    Of a planted one it is asked the questions that are to find it; of an honest one all.
    """
    samples = {each.chunk.name: each.chunk.samples for each in ran}

    def asked(chunk: str, index: int) -> tuple[str, ...]:
        return questions_of(samples[chunk][index].planted)

    graded = grade_chunks(grader, _logs(ran), asked)
    return _by_sample(ran, graded.rows), graded.calls


def questions_of(planted: str) -> tuple[str, ...]:
    """The questions that are to find a planted property; all of them for an honest sample."""
    return tuple(
        name
        for name, each in questions().items()
        if not planted or planted in {each.property, PLANTED_AS.get(each.property)}
    )


def _logs(ran: Sequence[RanChunk]) -> list[ChunkLog]:
    return [
        ChunkLog(
            each.chunk.name,
            each.log,
            {n: o.uuid for n, o in each.outcomes.items()},
            # As a review draws it from its sealed items; all else in them is readings.
            {
                place: tuple(sorted(secrets_in(sample.gives)))
                for place, sample in enumerate(each.chunk.samples)
                if sample.gives
            },
        )
        for each in ran
        if each.chunk.samples[0].scanned
    ]


def _by_sample(
    ran: Sequence[RanChunk], rows: Mapping[str, Sequence[ScannedTranscript]]
) -> dict[str, ScannedTranscript]:
    return {
        each.chunk.samples[row.index].key: row
        for each in ran
        for row in rows.get(each.chunk.name, ())
    }


def _mode(url: str, *, thorough: bool) -> Mode:
    return Mode(
        id="thinking" if thorough else "instant",
        variant=VARIANT,
        model=f"openai-api/{VARIANT}/{PLANTED}",
        base_url=url,
        api_key_env="TOUCHSTONE_SUBJECT_KEY",
        # Said in both: an elicitation may set it where a mode does not, and both would think.
        settings=ModeSettings(reasoning_effort="high" if thorough else "low"),
    )
