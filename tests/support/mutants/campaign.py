"""Draw mutants by a seed, try each, and keep the count."""

import time
import tomllib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from support.mutants.operators import Mutant, mutants
from support.mutants.touch import Touch, load, merge, states
from support.mutants.trial import CampaignError, Run, Tree, warm

QUICK = 1.5
"""Processor seconds of tests that a mutant meets first; most fall there."""


SLOW = 10.0
"""Seconds of a processor above which a test is called slow."""


@dataclass(frozen=True)
class Room:
    """A part of the sources, and the tests that answer for it."""

    name: str
    sources: tuple[str, ...]
    """Folders and files below `src`."""
    tests: tuple[str, ...]
    """Folders and files below the root."""
    slow: tuple[str, ...] = ()
    """Names of tests, or of their classes, that only a campaign for slow ones runs."""

    def mutants(self, root: Path) -> list[Mutant]:
        """All of them, in the order of the files."""
        files: list[Path] = []
        for each in self.sources:
            path = root / "src" / each
            files += sorted(path.rglob("*.py")) if path.is_dir() else [path]
        return [
            mutant
            for file in files
            for mutant in mutants(file.read_bytes(), str(file.relative_to(root / "src")))
        ]

    def touch(self, tree: Tree, cache: Path, slowest: float, say: Callable[[str], None]) -> Touch:
        """Which tests reach what; measured for those files of which it is not known.

        Raises:
            CampaignError: the tests fail without any mutant.
        """
        slow = self.slow if slowest <= SLOW else ()
        if slow:
            say(f"{self.name}: {len(slow)} tests are left out as slow (--slowest)")
        every = states(tree.folder, self.sources, self.tests, slow)
        files = {
            file: cache / f"{self.name}-{Path(file).stem}-{digest[:16]}.json"
            for file, digest in every.items()
        }
        unknown = {file: keep for file, keep in files.items() if not keep.exists()}
        if unknown:
            say(f"{self.name}: finding out which tests of {len(unknown)} files reach which line")
            cache.mkdir(parents=True, exist_ok=True)
            run = tree.measure(self.sources, unknown, slow)
            while not run.over():
                time.sleep(0.05)
            if run.code != 0:
                raise CampaignError(f"{self.name}: its tests fail without a mutant: {run.killer}")
        return merge([load(keep) for keep in files.values()])


def rooms(plan: Path) -> dict[str, Room]:
    """The rooms that a plan names."""
    return {
        name: Room(name, *(tuple(each.get(key, ())) for key in ("sources", "tests", "slow")))
        for name, each in tomllib.loads(plan.read_text("utf-8")).items()
    }


@dataclass(frozen=True)
class Result:
    """What became of one mutant."""

    room: str
    mutant: Mutant
    outcome: str
    """`killed`, `timed out`, `survived`, or `unreached`: no test executes it."""
    by: str
    """The test that noticed."""


@dataclass
class _Case:
    room: str
    mutant: Mutant
    stages: deque[tuple[list[str], float]] = field(default_factory=deque)


@dataclass(frozen=True)
class Draw:
    """Which mutants are tried."""

    seed: int
    skip: int
    count: int
    """How many after those that are skipped; 0: all."""
    only: str = ""
    """Parts of the place or the id, comma-separated, of which one must be there; empty: any."""

    def of(self, found: Sequence[tuple[str, Mutant]]) -> list[tuple[str, Mutant]]:
        """A slice of all of them in an order that the seed alone decides."""
        parts = self.only.split(",")
        kept = [
            (room, mutant)
            for room, mutant in found
            if any(part in f"{mutant.place} {mutant.id}" for part in parts)
        ]
        Random(self.seed).shuffle(kept)
        return kept[self.skip : self.skip + self.count if self.count else None]


@dataclass(frozen=True)
class Limits:
    """What a trial may take, in processor seconds."""

    slowest: float
    """Tests that take longer without a mutant are left out."""
    grace: float
    """For starting, beside four times what the tests took without a mutant."""


def stages(touch: Touch, mutant: Mutant, limits: Limits) -> Iterator[tuple[list[str], float]]:
    """Tests that reach it and how long they may take: first some quick ones, then the others."""
    path = mutant.place.split("::")[0]
    order: list[str] = []
    for tests in touch.tests(path, mutant.lines):
        known = [each for each in tests if touch.seconds[each] <= limits.slowest]
        order += sorted(known, key=lambda each: (touch.seconds[each], each))
    quick, total = 0, 0.0
    while quick < len(order) and total <= QUICK:
        total += touch.seconds[order[quick]]
        quick += 1
    for stage in (order[:quick], order[quick:]):
        if stage:
            yield _by_file(stage), limits.grace + 4 * sum(touch.seconds[each] for each in stage)


def _by_file(tests: list[str]) -> list[str]:
    # What a file's tests share is made once if they stand together.
    files = list(dict.fromkeys(each.split("::")[0] for each in tests))
    return sorted(tests, key=lambda each: files.index(each.split("::")[0]))


def run(
    cases: Sequence[tuple[str, Mutant]],
    touches: Mapping[str, Touch],
    trees: Sequence[Tree],
    limits: Limits,
    told: Callable[[Result], None],
) -> None:
    """Try each on one of the trees, as many at a time as there are trees."""
    warm(dict.fromkeys(name for touch in touches.values() for name in touch.modules))
    waiting = deque(
        _Case(room, mutant, deque(stages(touches[room], mutant, limits))) for room, mutant in cases
    )
    free, busy = list(trees), dict[Tree, tuple[_Case, Run]]()
    try:
        while waiting or busy:
            while free and waiting:
                case = waiting.popleft()
                if not case.stages:
                    told(Result(case.room, case.mutant, "unreached", ""))
                    continue
                tree = free.pop()
                busy[tree] = (case, _begin(tree, case))
            for tree, (case, trial) in list(busy.items()):
                if not trial.over():
                    continue
                if trial.code == 0 and case.stages:
                    busy[tree] = (case, tree.run(*case.stages.popleft()))
                    continue
                del busy[tree]
                free.append(tree)
                tree.restore(case.mutant)
                told(Result(case.room, case.mutant, *_outcome(trial)))
            time.sleep(0.02)
    finally:
        for _, trial in busy.values():
            trial.kill()


def _begin(tree: Tree, case: _Case) -> Run:
    tree.spoil(case.mutant)
    return tree.run(*case.stages.popleft())


def _outcome(trial: Run) -> tuple[str, str]:
    if trial.code == 0:
        return "survived", ""
    return ("timed out", "") if trial.code < 0 else ("killed", trial.killer)
