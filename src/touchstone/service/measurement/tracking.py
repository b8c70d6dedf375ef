"""How far every run has come, for those who watch."""

from dataclasses import dataclass, field

from touchstone.evaluation import ChunkSpec, Outcome
from touchstone.review import RunKey, State
from touchstone.review.events import measuring
from touchstone.service.case_context import Case
from touchstone.service.measurement.chunk_queue import Chunks
from touchstone.verdicts.preregistration import RunRule, VerdictPlan
from touchstone.verdicts.run_progress import RunProgress


@dataclass
class Tracker:
    """How far every run has come, from the record and from journals."""

    totals: dict[RunKey, int]
    rules: dict[RunKey, RunRule] = field(default_factory=dict)
    """Of the runs that a verdict may stop before all of their items have run."""
    references: frozenset[str] = frozenset()
    """Variants that are there to be compared with."""
    reported: frozenset[str] = frozenset()
    """Criteria of which scores are only reported: what is counted there are scores."""
    said: dict[RunKey, measuring.VerdictReached] = field(default_factory=dict)
    """Verdicts, by run."""
    lost: dict[RunKey, dict[str, int]] = field(default_factory=dict)
    """Samples in the record that measured nothing, by run and kind."""
    seen: dict[RunKey, dict[int, bool]] = field(default_factory=dict)
    flying: dict[RunKey, int] = field(default_factory=dict)
    again: dict[RunKey, int] = field(default_factory=dict)
    """Samples of which the record says that they were begun more than once, by run."""
    repeated: int = 0

    def add(self, key: RunKey, index: int, *, solved: bool) -> None:
        """The outcome of a first attempt is known; of what is only reported, `solved` is scored."""
        # By index: a worker that starts again tells once more what it knows, and that must not
        # count twice.
        self.seen.setdefault(key, {})[index] = solved

    def hear(self, key: RunKey, spec: ChunkSpec, outcome: Outcome) -> None:
        """An outcome of a chunk is known; further attempts decide nothing and are not counted."""
        if spec.attempt == 1:
            good = measuring.REPORTED if key.criterion in self.reported else "solved"
            self.add(key, outcome.index, solved=outcome.result == good)

    def heard(self, state: State) -> None:
        """Take up the verdicts that the record holds, and what measured nothing."""
        self.lost = {key: state.tally(*key).attempt().unmeasured().by_kind for key in self.totals}
        self.again = {key: state.tally(*key).attempt().repeated() for key in self.totals}
        # Of this plan alone: a case may hold verdicts of an earlier battery.
        self.said = {key: said for key, said in state.verdicts.items() if key in self.totals}

    def rows(self) -> list[RunProgress]:
        """A row for each run, in the order of the plan."""
        return [self.row(key) for key in self.totals]

    def row(self, key: RunKey) -> RunProgress:
        """How far one run has come, and what was said of it."""
        seen, said = self.seen.get(key, {}), self.said.get(key)
        reports = key.criterion in self.reported
        good = sum(seen.values())
        solved = 0 if reports else good
        return RunProgress(
            criterion=key.criterion,
            mode=key.mode,
            total=self.totals[key],
            recorded=len(seen),
            solved=solved if said is None else said.solved,
            ran_solved=solved,
            scored=good if reports else None,
            in_flight=self.flying.get(key, 0),
            verdict="" if said is None else said.verdict,
            used=0 if said is None else said.counted,
            lost=self.lost.get(key, {}) if said is None else said.unmeasured.by_kind,
            reasoning="not-asked" if said is None else said.reasoning,
            claim=self._claim(key),
            repeated=self.again.get(key, 0),
            may_stop=key in self.rules,
            reference=key.variant in self.references,
            beside=() if said is None else said.references,
        )

    def _claim(self, key: RunKey) -> str:
        rule, said = self.rules.get(key), self.said.get(key)
        if rule is None or said is None:
            return ""
        claimed = rule.claimed(said.verdict)
        # "Above the threshold" says it already where the zone sets nothing apart from it.
        return "" if claimed in {None, rule.threshold} else str(claimed)


def tracker_of(
    case: Case,
    chunks: Chunks,
    verdicts: VerdictPlan,
    reported: frozenset[str] = frozenset(),
) -> Tracker:
    """How far the record says that every run has come; `reported` is as of `Prepared`."""
    state = case.state
    totals = {key: 0 for _, key in chunks.values()}
    rules = {key: rule for key in totals if (rule := verdicts.find(key))}
    tracker = Tracker(totals, rules, case.submission.references, reported)
    tracker.heard(state)
    for spec, key in chunks.values():
        if spec.attempt > 1:
            continue
        totals[key] += len(spec.indices)
        attempt = state.tally(*key).attempt()
        good = attempt.reported if key.criterion in reported else attempt.solved
        for index in spec.indices:
            if attempt.recorded >> index & 1:
                tracker.add(key, index, solved=bool(good >> index & 1))
    return tracker
