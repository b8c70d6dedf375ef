"""Several attempts at each item: which run, that first outcomes stand, and what they say."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.scripted_pool import KilledError, ScriptedPool, run_of
from support.silent import Silent
from support.small_case import copied_case, facts_for, probed, small_case
from touchstone.clearance import party_audience
from touchstone.cli import tables
from touchstone.editions.questions.attempts import attempts_standing
from touchstone.evaluation import ChunkSpec, Outcome, Usage
from touchstone.evaluation.outcomes import Score
from touchstone.evaluation.workers import WorkerEvent
from touchstone.evaluation.workers.messages import WorkerJob
from touchstone.review import RunKey, State
from touchstone.review.audience_view import Entry, read_entries
from touchstone.review.errors import Refused
from touchstone.review.events.measuring import Result
from touchstone.review.tallies import Attempt, Tally
from touchstone.service.case_context import Case
from touchstone.service.cases.case_admin import show_case
from touchstone.service.measurement import coordinator
from touchstone.service.measurement.chunk_queue import ChunkQueue, Chunks, plan_chunks
from touchstone.service.measurement.coordinator import measure
from touchstone.service.measurement.outcomes import record_outcomes
from touchstone.service.measurement.record_verdicts import conclude
from touchstone.service.measurement.sealing import Prepared, reopen, seal
from touchstone.service.measurement.setting import Setting
from touchstone.verdicts.repeated_attempts import attempt_rates
from touchstone.verdicts.runs import battery_plan
from touchstone.verdicts.sequential_verdicts import runs_from_record, standing

ITEMS, TRIES = 24, 3
CENTRE = party_audience("example-centre")


def sealed_in(case: Case, *, whole: bool = False) -> Prepared:
    """A battery whose first set is tried three times at each item, and the others once."""
    plan = battery_plan(case.framework, case.installation.families, ITEMS, "battery-1")
    first, *others = plan.sets
    several = first.model_copy(update={"attempts": TRIES})
    plan = plan.model_copy(update={"sets": (several, *others)})
    seal(case, ITEMS, "confined", accepted=True, whole=whole, plan=plan)
    probed(case)
    return reopen(case)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sealed")
    with small_case(folder) as case:
        sealed_in(case)
    return folder


@pytest.fixture
def case(home: Path, tmp_path: Path) -> Iterator[Case]:
    with copied_case(home, tmp_path / "copy") as found:
        yield found


@pytest.fixture(scope="module")
def prepared(home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Prepared, Chunks]:
    with copied_case(home, tmp_path_factory.mktemp("plan")) as found:
        opened = reopen(found)
        return opened, plan_chunks(found, opened)


# ------------------------------------------------------------------ which run


def test_attempts_are_sealed_and_each_is_a_chunk_of_its_own(prepared: tuple[Prepared, Chunks]):
    sealed, chunks = prepared
    first, *others = sealed.battery.sealed.sets
    assert first.attempts == TRIES
    assert "attempts" not in others[0].model_dump(mode="json")
    places = [(s.item_set, s.mode, s.attempt, i) for s, _ in chunks.values() for i in s.indices]
    assert len(set(places)) == len(places)
    mine = {
        (attempt, i) for name, mode, attempt, i in places if (name, mode) == (first.id, "instant")
    }
    assert mine == {(attempt, i) for attempt in range(1, TRIES + 1) for i in range(ITEMS)}


def test_a_chunk_of_the_only_attempt_has_the_id_that_it_had_before_there_were_more():
    text = {"case": "c", "battery": "b", "item_set": "s", "variant": "v", "mode": "m"}
    rest = {"endpoint": "e", "elicitation": "l", "rule": "r", "indices": [0, 1]}
    spec = ChunkSpec.model_validate({**text, **rest})
    assert "attempt" not in spec.model_dump(mode="json")
    assert spec.id == "fd4652258da40fd3e1f86a67bbff1edb"
    assert spec.model_copy(update={"attempt": 2}).id != spec.id


class Simulated:
    """Chunks issued and ended in an order that a generator draws, some of them killed midway."""

    def __init__(self, prepared: tuple[Prepared, Chunks], rng: random.Random) -> None:
        sealed, self.chunks = prepared
        self.truth: dict[tuple[RunKey, int, int], bool] = {}
        self.rng, self.rate = rng, rng.random()
        self.tallies: dict[RunKey, Tally] = {}
        self.ran: list[tuple[RunKey, int, int]] = []
        self.agenda = ChunkQueue(sealed, self.chunks, State())
        self.early: list[tuple[RunKey, int]] = []
        """Further attempts that were issued while their run's first ones could still decide."""

    def go(self) -> None:
        while not self.agenda.over:
            chunk = self.rng.choice(self.agenda.next((), 2))
            spec, key = self.chunks[chunk]
            first = self.tallies.get(key, Tally()).attempt()
            settled = key in self.agenda.decided() or first.prefix == ITEMS
            if spec.attempt > 1 and not settled:
                self.early.append((key, spec.attempt))
            self._end(spec, key)

    def _end(self, spec: ChunkSpec, key: RunKey) -> None:
        known = self.tallies.get(key, Tally())
        before = known.attempt(spec.attempt)
        left = [i for i in spec.indices if not before.recorded >> i & 1]
        for index in left[: self.rng.choice([1, len(left), len(left)])]:
            pair = (key, spec.attempt, index)
            self.ran.append(pair)
            bit, good = 1 << index, self.truth.setdefault(pair, self.rng.random() < self.rate)
            before = Attempt(
                before.recorded | bit, before.measured | bit, before.solved | (bit if good else 0)
            )
        self.tallies[key] = Tally({**known.attempts, spec.attempt: before})
        self.agenda.recorded(key, State(tallies=dict(self.tallies)))


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False))
def test_each_pair_runs_once_and_further_attempts_only_at_items_that_decided(
    prepared: tuple[Prepared, Chunks], rng: random.Random
):
    ran = Simulated(prepared, rng)
    ran.go()
    assert len(set(ran.ran)) == len(ran.ran)
    assert not ran.early
    for key, tally in ran.tallies.items():
        recorded = ran.agenda.ran(key)
        assert recorded is not None
        used = standing(recorded).used
        sealed = {spec.attempt for spec, each in ran.chunks.values() if each == key}
        for attempt in sealed - {1}:
            prefix = tally.attempt(attempt).prefix
            assert used <= prefix
            assert tally.attempt(attempt).recorded == (1 << prefix) - 1
            assert prefix < used + 8 + 8


# ------------------------------------------------------------------ which stand


def told_by(committed: tuple[str, ...], index: int, *, solved: bool) -> Outcome:
    return Outcome(
        index=index,
        commitment=committed[index],
        result="solved" if solved else "unsolved",
        score="1" if solved else "0",
        reason="as told",
        seconds="1",
        usage=Usage(input=10),
    )


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.integers(1, TRIES), st.integers(0, 7), st.booleans()), max_size=12))
def test_the_first_outcome_of_a_pair_stands_in_whatever_order_they_are_told(
    home: Path, tmp_path_factory: pytest.TempPathFactory, told: list[tuple[int, int, bool]]
):
    with copied_case(home, tmp_path_factory.mktemp("copy")) as case:
        sealed = reopen(case)
        chunks = plan_chunks(case, sealed)
        spec, key = next(iter(chunks.values()))
        mine = {s.attempt: s for s, k in chunks.values() if k == key and s.indices == spec.indices}
        committed = sealed.battery.sealed.find(spec.item_set).commitments
        first: dict[tuple[int, int], bool] = {}
        for attempt, index, solved in told:
            outcome = told_by(committed, index, solved=solved)
            record_outcomes(case, sealed.battery, mine[attempt], key, [outcome], Usage())
            first.setdefault((attempt, index), solved)
        tally = case.state.tally(*key)
        for attempt in range(1, TRIES + 1):
            bits = tally.attempt(attempt)
            for index in range(8):
                stands = first.get((attempt, index))
                assert bool(bits.recorded >> index & 1) == (stands is not None)
                assert bool(bits.solved >> index & 1) == bool(stands)


def test_no_attempt_that_was_not_sealed_is_recorded(case: Case):
    sealed = reopen(case)
    spec, key = next(iter(plan_chunks(case, sealed).values()))
    committed = sealed.battery.sealed.find(spec.item_set).commitments
    more = spec.model_copy(update={"attempt": TRIES + 1})
    outcome = told_by(committed, 0, solved=True)
    with pytest.raises(Refused, match="3 attempts"):
        record_outcomes(case, sealed.battery, more, key, [outcome], Usage())


def test_a_further_attempt_alone_decides_nothing_and_compares_no_modes(case: Case):
    sealed = reopen(case)
    chunks = plan_chunks(case, sealed)
    several = next(part.id for part in sealed.battery.sealed.sets if part.attempts > 1)
    mine = [(s, k) for s, k in chunks.values() if s.item_set == several and s.indices[0] == 0]
    committed = sealed.battery.sealed.find(several).commitments
    for spec, key in sorted(mine, key=lambda each: -each[0].attempt):
        if spec.attempt > 1:
            told = [told_by(committed, index, solved=True) for index in spec.indices]
            said = [each.model_copy(update={"said": "ab" * 32}) for each in told]
            record_outcomes(case, sealed.battery, spec, key, said, Usage())
    entries = list(read_entries(case.installation.records.case(case.id), CENTRE))
    assert runs_from_record(entries, "battery-1") == ()
    recorded = [each.event for each in entries if each.kind == "outcomes-recorded"]
    assert len(recorded) == 4
    assert not any(each.facts()["compared"] for each in recorded)
    # Nor do they stand for the first attempts, that are recorded later, where modes are compared.
    for spec, key in mine:
        if spec.attempt == 1:
            told = [told_by(committed, index, solved=False) for index in spec.indices]
            said = [each.model_copy(update={"said": key.mode}) for each in told]
            record_outcomes(case, sealed.battery, spec, key, said, Usage())
    (compared,) = case.state.likenesses.values()
    assert (compared.alike, compared.unlike) == (0, 8)


# ------------------------------------------------------------------ measured, killed, gone on


def setting_of(case: Case) -> Setting:
    return Setting(case, reopen(case), {}, {}, 1, {})


def solver(job: WorkerJob) -> list[WorkerEvent]:
    """All of a chunk solved, and said to be finished."""
    return [*run_of(job), WorkerEvent(event="finished", chunk=job.spec.id)]


def measured(case: Case, monkeypatch: pytest.MonkeyPatch, dies_at: int = 0) -> None:
    """Measure with one worker; the process is killed while it runs the chunk of that number."""
    begun: list[str] = []

    def does(job: WorkerJob) -> Iterable[WorkerEvent]:
        begun.append(job.spec.id)
        return run_of(job, 3) if len(begun) == dies_at else solver(job)

    monkeypatch.setattr(coordinator, "WorkerPool", ScriptedPool(does))
    measure(setting_of(case), Silent())


@pytest.mark.parametrize("whole", [True, False])
def test_a_killed_run_goes_on_to_the_pairs_of_one_that_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: bool
):
    found = []
    with small_case(tmp_path / "sealed") as sealed:
        sealed_in(sealed, whole=whole)
    for dies_at in (0, 2, 9):
        with copied_case(tmp_path / "sealed", tmp_path / f"{dies_at}") as case:
            if dies_at:
                with pytest.raises(KilledError):
                    measured(case, monkeypatch, dies_at)
            measured(case, monkeypatch)
            state = case.state
            # What runs beyond an early verdict hangs on what was under way when it came.
            least = 1 if whole else 2
            pairs = {
                (key, number): attempt.recorded
                for key, tally in state.tallies.items()
                for number, attempt in tally.attempts.items()
                if number >= least
            }
            words = {key: (said.verdict, said.counted) for key, said in state.verdicts.items()}
            found.append((pairs, words))
    assert found[1] == found[0]
    assert found[2] == found[0]
    assert any(number == TRIES for _, number in found[0][0])


def test_the_verdict_is_the_first_attempts_and_the_rates_are_of_all(
    case: Case, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def first_fails_and_last_loses(job: WorkerJob) -> list[WorkerEvent]:
        events = solver(job)
        if job.spec.attempt == 1:
            return [_changed(each, "unsolved", "0") for each in events]
        if job.spec.attempt == TRIES:
            return [_changed(each, "lost-instrument", "not-measured", only=0) for each in events]
        return events

    monkeypatch.setattr(coordinator, "WorkerPool", ScriptedPool(first_fails_and_last_loses))
    measure(setting_of(case), Silent())
    conclude(case, "battery-1")
    several = [key for key, tally in case.state.tallies.items() if len(tally.attempts) == TRIES]
    assert several
    entries = list(read_entries(case.installation.records.case(case.id), CENTRE))
    said = attempt_rates(entries, "battery-1")
    assert set(said) == set(several)
    for key in several:
        assert not case.state.tally(*key).attempt().solved
        found = said[key]
        rates = {each.k: each for each in found.rates}
        mean = (2 * found.items - 1) / (TRIES * found.items)
        assert [rates[1].least, rates[1].most] == pytest.approx([mean, 2 / 3])
        assert rates[TRIES].least == 1.0
        assert rates[1].interval.low < 2 / 3 < rates[1].interval.high
        # What was lost stands at the attempt that lost it.
        assert [(each.number, each.solved, each.lost) for each in found.by_attempt] == [
            (1, 0, 0),
            (2, found.items, 0),
            (3, found.items - 1, 1),
        ]
        last = found.by_attempt[-1].rate
        assert [last.least, last.most] == pytest.approx([1 - 1 / found.items, 1.0])
        assert found.by_attempt[0].rate.interval.high < last.interval.high == 1.0
    for ran in runs_from_record(entries, "battery-1"):
        assert True not in ran.outcomes
    row = next(each for each in facts_for(case, CENTRE).results if each.attempts)
    assert "tried 3 times each, the first of which decides (1 of attempt 3 measured nothing):" in (
        row.attempts
    )
    told = show_case(case.installation, case.id)
    assert [each["criterion"] for each in told.attempts] == [key.criterion for key in several]
    assert [each["lost"] for each in told.attempts[0]["by_attempt"]] == [0, 0, 1]
    assert [each["k"] for each in told.attempts[0]["pass_at"]] == [1, TRIES]
    # What a party's machine was shown says the same.
    assert attempts_standing(case.state, case.entries_of) == told.attempts
    tables.case(told)
    lines = capsys.readouterr().out.splitlines()
    first = next(n for n, line in enumerate(lines) if "Several attempts" in line)
    shown = [" ".join(line.split()) for line in lines[first + 2 : first + 7]]
    parts = ("attempt 1 0 of", "attempt 2", "attempt 3", "pass@1", f"pass@{TRIES} 100%")
    for line, part in zip(shown, parts, strict=True):
        assert part in line


def test_what_is_tried_once_is_not_read(case: Case):
    state = case.state
    sealed = state.batteries["battery-1"]
    once = tuple(part.model_copy(update={"attempts": 1}) for part in sealed.item_sets)
    of_one = sealed.model_copy(update={"item_sets": once})
    alone = replace(state, batteries=MappingProxyType({"battery-1": of_one}))

    def unread(*types: str) -> list[Entry]:
        raise AssertionError(types)

    assert attempts_standing(alone, unread) == ()
    with pytest.raises(AssertionError, match="outcomes-recorded"):
        attempts_standing(state, unread)


def _changed(
    event: WorkerEvent, result: Result, score: Score, only: int | None = None
) -> WorkerEvent:
    """The event, with another result; `only` of the item at that place."""
    if event.outcome is None or only not in {None, event.outcome.index}:
        return event
    other = event.outcome.model_copy(update={"result": result, "score": score})
    return event.model_copy(update={"outcome": other})
