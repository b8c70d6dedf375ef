"""Which chunk of samples is issued next: turns among the runs whose question is still open."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from touchstone.evaluation import ChunkSpec, endpoint_digest, ranges
from touchstone.review import RunKey, State
from touchstone.review.tallies import Attempt, Tally
from touchstone.service.case_context import Case
from touchstone.service.measurement.sealing import Prepared
from touchstone.verdicts.preregistration import CHUNK, RunRule
from touchstone.verdicts.sequential_verdicts import RecordedRun, RunMonitor, prefix_of

Chunks = Mapping[str, tuple[ChunkSpec, RunKey]]


def plan_chunks(case: Case, prepared: Prepared) -> dict[str, tuple[ChunkSpec, RunKey]]:
    """Every chunk of the battery, by id, the runs taking turns so that all of them advance."""
    rows = []
    for run in prepared.runs:
        key = RunKey(prepared.name, run.criterion, run.mode.variant, run.mode.id)
        size = len(prepared.battery.items[run.item_set])
        attempts = prepared.battery.sealed.find(run.item_set).attempts
        for attempt, (turn, indices) in product(
            range(1, attempts + 1), enumerate(ranges(size, CHUNK))
        ):
            spec = ChunkSpec(
                case=case.id,
                battery=prepared.battery.sealed.digest,
                item_set=run.item_set,
                variant=run.mode.variant,
                mode=run.mode.id,
                endpoint=endpoint_digest(run.mode),
                elicitation=prepared.elicitation_of(run.item_set).digest,
                rule=prepared.rule.digest,
                indices=indices,
                attempt=attempt,
            )
            rows.append(((attempt > 1, turn), spec, key))
    # By turns, so that a run broken off has something of each criterion and not all of the first;
    # and first attempts first, which decide.
    return {spec.id: (spec, key) for _, spec, key in sorted(rows, key=lambda row: row[0])}


@dataclass
class _Run:
    """One run: its chunks in order, and how far the record has come."""

    place: int
    rule: RunRule | None
    """None where every item runs."""
    levels: tuple[int, ...]
    flaws: tuple[str, ...]
    """Which flaw each item of the order plants."""
    chunks: list[ChunkSpec] = field(default_factory=list)
    """Those of the first attempt, in order; it decides."""
    further: list[ChunkSpec] = field(default_factory=list)
    """Those of the other attempts, which are reported."""
    tally: Tally = field(default_factory=Tally)
    watch: RunMonitor | None = None

    @property
    def attempt(self) -> Attempt:
        """The one that decides."""
        return self.tally.attempt()

    def recorded(self, tally: Tally) -> None:
        self.tally = tally
        if self.watch is not None:
            self.watch.feed(prefix_of(self.attempt))

    def done(self, chunk: ChunkSpec) -> bool:
        recorded = self.tally.attempt(chunk.attempt).recorded
        return all(recorded >> index & 1 for index in chunk.indices)

    @property
    def decided(self) -> bool:
        return self.watch is not None and self.watch.progress.decided

    @property
    def settled(self) -> bool:
        """Whether no more first attempts are needed."""
        return self.decided or all(self.done(chunk) for chunk in self.chunks)

    def needed(self, chunk: ChunkSpec) -> bool:
        """Whether a chunk is to run: of further attempts, those at the items that decided."""
        if chunk.attempt == 1:
            return not self.decided
        used = self.watch.progress.used if self.watch is not None and self.decided else None
        return used is None or chunk.indices[0] < used

    @property
    def over(self) -> bool:
        return self.settled and all(
            self.done(chunk) for chunk in self.further if self.needed(chunk)
        )


class ChunkQueue:
    """The runs of a battery, and what is still to be issued of each.

    A run that may stop is issued no further ahead of its recorded prefix than was registered, and
    not at all once its verdict stands. Only what is recorded moves anything here, so that another
    process, after a crash, goes on in the same way.
    """

    def __init__(self, prepared: Prepared, chunks: Chunks, state: State) -> None:
        self._ahead = prepared.verdicts.ahead
        self._runs: dict[RunKey, _Run] = {}
        for spec, key in chunks.values():
            run = self._runs.get(key)
            if run is None:
                rule = prepared.verdicts.find(key)
                levels, flaws = prepared.levels(spec.item_set), prepared.flaws(spec.item_set)
                watch = None if rule is None else RunMonitor(rule, levels)
                run = self._runs[key] = _Run(len(self._runs), rule, levels, flaws, watch=watch)
            (run.chunks if spec.attempt == 1 else run.further).append(spec)
        self._state = state
        for key, run in self._runs.items():
            run.recorded(state.tally(*key))

    @property
    def runs(self) -> tuple[RunKey, ...]:
        """Every run, in the order of the plan."""
        return tuple(self._runs)

    @property
    def over(self) -> bool:
        """Whether nothing more needs to run."""
        return all(run.over for run in self._runs.values())

    def recorded(self, key: RunKey, state: State) -> None:
        """Outcomes of a run were recorded; `state` is the case with them."""
        self._state = state
        self._runs[key].recorded(state.tally(*key))

    def decided(self) -> tuple[RunKey, ...]:
        """The runs whose early verdict stands."""
        return tuple(key for key, run in self._runs.items() if run.decided)

    def ran(self, key: RunKey) -> RecordedRun | None:
        """A run that may stop early, as far as it is recorded; None where every item runs."""
        run = self._runs[key]
        if run.rule is None:
            return None
        attempt = run.attempt
        outcomes = prefix_of(attempt)
        reasoned = frozenset(n for n in range(len(outcomes)) if attempt.reasoned >> n & 1)
        flaws = run.flaws[: len(outcomes)]
        recorded = attempt.recorded.bit_count()
        alike = any(each.same for each in self._state.told_apart(key))
        return RecordedRun(key, run.rule, run.levels, outcomes, recorded, flaws, reasoned, alike)

    def unneeded(self, key: RunKey) -> tuple[str, ...]:
        """The chunks of a run that need not run any more, in the order of its items."""
        run = self._runs[key]
        chunks = (*run.chunks, *run.further)
        return tuple(each.id for each in chunks if run.over or not run.needed(each))

    def next(self, flying: Collection[str], width: int) -> list[str]:
        """Chunks that may be issued now, the best first, at most `width` of each run.

        The run with the fewest chunks under way comes first, then the one that has come least far.
        """
        rows = []
        for run in self._runs.values():
            if run.over:
                continue
            under_way = sum(chunk.id in flying for chunk in (*run.chunks, *run.further))
            for turn, chunk in enumerate(self._issuable(run, flying)):
                if turn < width:
                    place = under_way + turn, chunk.indices[0], chunk.attempt, run.place
                    # Whatever may still decide comes before what is reported beside it.
                    rows.append((run.settled, *place, chunk.id))
        return [chunk for *_, chunk in sorted(rows)]

    def _issuable(self, run: _Run, flying: Collection[str]) -> Iterator[ChunkSpec]:
        prefix = run.attempt.prefix
        if run.settled:
            # Attempt by attempt at the same items, so that what is broken off has whole items.
            for chunk in sorted(run.further, key=lambda each: (each.indices[0], each.attempt)):
                if chunk.id not in flying and run.needed(chunk) and not run.done(chunk):
                    yield chunk
            return
        for chunk in run.chunks:
            if chunk.id in flying or run.done(chunk):
                continue
            # Bounded, or one slow sample would let the others run through the battery that a
            # verdict was to save.
            if run.rule is not None and chunk.indices[-1] >= prefix + self._ahead:
                return
            yield chunk
