"""Which samples are issued: where the question is open, never far ahead, whatever ends when."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from heapq import heappop, heappush

import numpy as np
import pytest

from support.small_case import small_case
from touchstone.review import RunKey, State
from touchstone.review.tallies import Attempt, Tally
from touchstone.service.measurement import chunk_queue
from touchstone.service.measurement.chunk_queue import ChunkQueue, Chunks, plan_chunks
from touchstone.service.measurement.sealing import Prepared, reopen, seal
from touchstone.verdicts.preregistration import VerdictPlan

ITEMS = 60
RATES = {"instant": 0.2, "thinking": 0.75}
Truth = Callable[[RunKey, int], bool]


@dataclass(frozen=True)
class Sealed:
    """A sealed battery of three criteria in two modes."""

    prepared: Prepared
    chunks: Chunks


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sealed]:
    with small_case(tmp_path_factory.mktemp("case")) as case:
        seal(case, ITEMS, "confined", accepted=True)
        prepared = reopen(case)
        yield Sealed(prepared, plan_chunks(case, prepared))


@dataclass
class Simulated:
    """What a simulated pool of workers left."""

    said: dict[RunKey, tuple[str, int]]
    issued: dict[RunKey, int]
    most_ahead: int
    first: list[RunKey]


def truth(seed: int) -> Truth:
    """Outcomes that are fixed beforehand, as the model's are."""
    table: dict[RunKey, np.ndarray] = {}

    def solved(key: RunKey, index: int) -> bool:
        if key not in table:
            rng = np.random.default_rng([seed, *map(ord, key.criterion + key.mode)])
            table[key] = rng.random(ITEMS) < RATES[key.mode]
        return bool(table[key][index])

    return solved


def holding(key: RunKey, attempt: Attempt) -> State:
    """A case that holds so much of one run."""
    return State(tallies={key: Tally({1: attempt})})


def simulate(sealed: Sealed, solved: Truth, workers: int, seed: int = 0) -> Simulated:
    """Chunks on so many workers; failures take five times as long, and so end late."""
    rng = np.random.default_rng(seed)
    agenda = ChunkQueue(sealed.prepared, sealed.chunks, State())
    attempts: dict[RunKey, Attempt] = {}
    flying: dict[str, None] = {}
    left = Simulated({}, {}, 0, [])
    ends: list[tuple[float, str]] = []
    now = 0.0
    while not agenda.over or flying:
        for chunk in agenda.next(flying, workers)[: workers - len(flying)]:
            spec, key = sealed.chunks[chunk]
            prefix = attempts.get(key, Attempt()).prefix
            left.most_ahead = max(left.most_ahead, spec.indices[-1] + 1 - prefix)
            left.issued[key] = left.issued.get(key, 0) + len(spec.indices)
            left.first.append(key)
            lasting = sum(
                rng.exponential(1.0 if solved(key, index) else 5.0) for index in spec.indices
            )
            flying[chunk] = None
            heappush(ends, (now + lasting, chunk))
        now, chunk = heappop(ends)
        del flying[chunk]
        spec, key = sealed.chunks[chunk]
        before = attempts.get(key, Attempt())
        bits = sum(1 << index for index in spec.indices)
        right = sum(1 << index for index in spec.indices if solved(key, index))
        attempts[key] = Attempt(
            before.recorded | bits, before.measured | bits, before.solved | right
        )
        agenda.recorded(key, holding(key, attempts[key]))
    for key in attempts:
        watch = agenda._runs[key].watch
        assert watch is not None
        left.said[key] = (watch.progress.word.value, watch.progress.used)
    return left


@pytest.mark.parametrize("seed", range(3))
def test_neither_workers_nor_what_ends_first_change_a_verdict(sealed: Sealed, seed: int):
    solved = truth(seed)
    alone = simulate(sealed, solved, 1)
    for workers, order in ((2, 1), (6, 2), (32, 3)):
        many = simulate(sealed, solved, workers, order)
        assert many.said == alone.said
    assert {word for word, _ in alone.said.values()} <= {"above", "below", "within-zone"}


def test_twin_without_the_prefix_rule_what_ends_first_decides(
    sealed: Sealed, monkeypatch: pytest.MonkeyPatch
):
    """Counting whatever is recorded, in its order but over its gaps."""

    def over_gaps(attempt: Attempt) -> tuple[bool, ...]:
        places = [i for i in range(ITEMS) if attempt.recorded >> i & 1]
        return tuple(bool(attempt.solved >> i & 1) for i in places)

    monkeypatch.setattr(chunk_queue, "prefix_of", over_gaps)
    far = replace(
        sealed.prepared, verdicts=sealed.prepared.verdicts.model_copy(update={"ahead": ITEMS})
    )
    found = []
    for seed in range(6):
        pair = [
            simulate(Sealed(far, sealed.chunks), truth(seed), workers, seed) for workers in (1, 32)
        ]
        found.append(pair[0].said == pair[1].said)
    assert not all(found)


@pytest.mark.parametrize("workers", [1, 2, 32])
def test_no_sample_is_issued_further_ahead_than_was_registered(sealed: Sealed, workers: int):
    ran = simulate(sealed, truth(5), workers)
    assert ran.most_ahead <= sealed.prepared.verdicts.ahead == 16
    for key, (_, used) in ran.said.items():
        assert ran.issued[key] - used <= 16 + 8
        assert ran.issued[key] < ITEMS


def test_twin_without_the_cap_many_workers_run_far_ahead(sealed: Sealed):
    plan = sealed.prepared.verdicts.model_copy(update={"ahead": ITEMS})
    ran = simulate(Sealed(replace(sealed.prepared, verdicts=plan), sealed.chunks), truth(5), 32)
    assert ran.most_ahead > 16


def test_runs_take_turns_and_one_that_is_decided_gets_no_more(sealed: Sealed):
    agenda = ChunkQueue(sealed.prepared, sealed.chunks, State())
    keys = [sealed.chunks[chunk][1] for chunk in agenda.next((), 1)]
    assert len(set(keys)) == len(keys) == 6
    first = keys[0]
    bits = (1 << 16) - 1
    agenda.recorded(first, holding(first, Attempt(bits, bits, bits)))
    assert agenda.decided() == (first,)
    assert first not in [sealed.chunks[chunk][1] for chunk in agenda.next((), 9)]
    starts = [sealed.chunks[chunk][0].indices[0] for chunk in agenda.unneeded(first)]
    assert starts == [0, 8, 16, 24, 32, 40, 48]
    assert not agenda.over


def test_what_an_earlier_process_holds_does_not_keep_others_waiting(sealed: Sealed):
    agenda = ChunkQueue(sealed.prepared, sealed.chunks, State())
    best = agenda.next((), 2)
    assert len(best) == 12
    assert [sealed.chunks[chunk][0].indices[0] for chunk in best] == [0] * 6 + [8] * 6


def test_where_nothing_may_stop_every_chunk_is_issued_as_before(sealed: Sealed):
    whole = replace(sealed.prepared, verdicts=VerdictPlan())
    agenda = ChunkQueue(whole, sealed.chunks, State())
    assert sorted(agenda.next((), 99)) == sorted(sealed.chunks)
    assert agenda.decided() == ()
    bits = (1 << ITEMS) - 1
    for key in dict.fromkeys(key for _, key in sealed.chunks.values()):
        assert agenda.ran(key) is None
        assert not agenda.over
        agenda.recorded(key, holding(key, Attempt(bits, bits, bits)))
    assert agenda.over
