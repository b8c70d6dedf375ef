"""Which chunk of samples is issued next: turns among the runs whose question is still open."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from touchstone.evaluation import ChunkSpec, endpoint_digest, ranges
from touchstone.review import RunKey, State
from touchstone.review.tallies import Attempt
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
        for turn, indices in enumerate(ranges(size, CHUNK)):
            spec = ChunkSpec(
                case=case.id,
                battery=prepared.battery.sealed.digest,
                item_set=run.item_set,
                variant=run.mode.variant,
                mode=run.mode.id,
                endpoint=endpoint_digest(run.mode),
                elicitation=prepared.elicitation.digest,
                rule=prepared.rule.digest,
                indices=indices,
            )
            rows.append((turn, spec, key))
    # By turns, so that a run broken off has something of each criterion and not all of the first.
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
    attempt: Attempt = field(default_factory=Attempt)
    watch: RunMonitor | None = None

    def recorded(self, attempt: Attempt) -> None:
        self.attempt = attempt
        if self.watch is not None:
            self.watch.feed(prefix_of(attempt))

    def done(self, chunk: ChunkSpec) -> bool:
        return all(self.attempt.recorded >> index & 1 for index in chunk.indices)

    @property
    def decided(self) -> bool:
        return self.watch is not None and self.watch.progress.decided

    @property
    def over(self) -> bool:
        return self.decided or all(self.done(chunk) for chunk in self.chunks)


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
            run.chunks.append(spec)
        self._state = state
        for key, run in self._runs.items():
            run.recorded(state.tally(*key).attempt())

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
        self._runs[key].recorded(state.tally(*key).attempt())

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

    def chunks_of(self, key: RunKey) -> tuple[str, ...]:
        """The chunks of a run, in the order of its items."""
        return tuple(chunk.id for chunk in self._runs[key].chunks)

    def next(self, flying: Collection[str], width: int) -> list[str]:
        """Chunks that may be issued now, the best first, at most `width` of each run.

        The run with the fewest chunks under way comes first, then the one that has come least far.
        """
        rows = []
        for run in self._runs.values():
            if run.over:
                continue
            under_way = sum(chunk.id in flying for chunk in run.chunks)
            for turn, chunk in enumerate(self._issuable(run, flying)):
                if turn < width:
                    rows.append((under_way + turn, chunk.indices[0], run.place, chunk.id))
        return [chunk for *_, chunk in sorted(rows)]

    def _issuable(self, run: _Run, flying: Collection[str]) -> Iterator[ChunkSpec]:
        prefix = run.attempt.prefix
        for chunk in run.chunks:
            if chunk.id in flying or run.done(chunk):
                continue
            # Bounded, or one slow sample would let the others run through the battery that a
            # verdict was to save.
            if run.rule is not None and chunk.indices[-1] >= prefix + self._ahead:
                return
            yield chunk
