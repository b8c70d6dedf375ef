"""Whether so many tasks can tell a difference of so many points, in words."""

from dataclasses import dataclass
from typing import Any

from touchstone.service.errors import CannotRunError
from touchstone.statistics import (
    Design,
    Question,
    RateRule,
    attempts_needed,
    extremes_told,
    miss_probability,
    power,
    smallest_difference,
    tasks_needed,
)

POWER = 0.8
ALIKENESS = 0.3
"""Correlation of outcomes within a family of tasks: the median over real agents was 0.32."""
AGREEMENT = 0.57
"""Correlation of two models' outcomes on the same tasks; 0.08 to 0.62 was seen."""
_ONE_SIDED = 0.025
"""One-sided: what a two-sided 95% interval amounts to."""


@dataclass(frozen=True)
class Asked:
    """A question about a battery, without a submission."""

    tasks: int
    points: float
    """Percentage points."""
    clusters: int | None = None
    threshold: float = 0.5
    alpha: float = _ONE_SIDED
    alikeness: float = ALIKENESS
    agreement: float = AGREEMENT
    relative: bool = False
    """Whether the question is about a difference from a reference model."""


@dataclass(frozen=True)
class Told:
    """One way of comparing: can it, and what would."""

    what: str
    power: float
    """Chance to tell the difference that was asked about."""
    smallest: float | None
    """Told with 80% power; None: no difference is."""
    needed: int | None
    """Tasks that would do, in clusters of the same size; an arm, where there are two."""


@dataclass(frozen=True)
class Answer:
    """Whether a battery can tell, and what each way of comparing needs."""

    asked: Asked
    effective: float
    told: tuple[Told, ...]
    """The way that was asked about first."""
    can: bool

    def lines(self) -> list[str]:
        """For people, the answer first."""
        asked, first = self.asked, self.told[0]
        tasks = _tasks(asked.tasks, asked.clusters)
        head = f"{asked.points:g} points on {tasks}, {first.what}: "
        if self.can:
            head += f"yes, told with chance {first.power:.0%}."
        else:
            head += f"cannot, told with chance {first.power:.0%} only; {_needs(self.told)}."
        return [head, self._ground(), *self._ceiling()]

    def _ground(self) -> str:
        asked, grouped = self.asked, ""
        if asked.clusters not in {None, asked.tasks}:
            grouped = (
                f" {asked.tasks:,} tasks count as {self.effective:.0f} independent ones, since "
                f"outcomes within a cluster correlate at {asked.alikeness:g}."
            )
        return (
            "By a clustered t-test of a fixed design; what a review would say is planned with its "
            f"submission. One-sided error {asked.alpha:g}, power {POWER:.0%}.{grouped} Two models "
            f"on the same tasks are taken to correlate at {asked.agreement:g}. All this is about "
            "tasks beyond these: what these tasks themselves say, a battery that runs to its end "
            "always tells."
        )

    def _ceiling(self) -> list[str]:
        asked = self.asked
        rule = RateRule(asked.threshold, 0.0, asked.alpha, asked.alpha)
        above, below = extremes_told(asked.clusters or asked.tasks, rule)
        if asked.relative or (above and below):
            return []
        which = "none" if above else "all" if below else "all or none"
        return [f"At ceiling: even with {which} of the tasks solved it could not tell."]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "can": self.can,
            "tasks": self.asked.tasks,
            "clusters": self.asked.clusters or self.asked.tasks,
            "effective": round(self.effective, 1),
            "points": self.asked.points,
            "ways": [
                {
                    "what": each.what,
                    "power": round(each.power, 4),
                    "smallest_points": each.smallest and round(each.smallest * 100, 2),
                    "tasks_needed": each.needed,
                }
                for each in self.told
            ],
            "words": self.lines(),
        }


def ask(options: dict[str, Any]) -> Answer:
    """The answer to a question as typed.

    Raises:
        CannotRunError: neither a submission nor a question, or one that makes no sense.
    """
    if not {"tasks", "points"} <= options.keys():
        raise CannotRunError(
            "name a SUBMISSION.toml, or ask a question with --tasks and --points, or with "
            "--attempts and --rate"
        )
    return answer(Asked(**options))


def answer(asked: Asked) -> Answer:
    """Whether a battery can tell a difference beyond its tasks, with 80% power.

    Raises:
        CannotRunError: a question that makes no sense; the line says what to write.
        UnusableNumbersError: clusters, levels or correlations that mean nothing.
    """
    RateRule(asked.threshold, 0.0, asked.alpha, asked.alpha)
    distance = asked.points / 100
    reach = max(asked.threshold, 1 - asked.threshold)
    if not 0 < distance <= reach:
        raise CannotRunError(
            f"--points {asked.points:g}: write more than 0 and at most {reach * 100:g}, so that a "
            f"rate lies so far from {asked.threshold:g}"
        )
    if not 0 <= asked.agreement < 1:
        raise CannotRunError(
            f"--agreement {asked.agreement:g}: write a correlation from 0 to below 1"
        )
    clusters = asked.tasks if asked.clusters is None else asked.clusters
    design = Design(asked.tasks, clusters, asked.alikeness)
    at, error = asked.threshold, asked.alpha
    ways = [
        ("against the threshold", Question(at, error)),
        (
            "against a reference model on the same tasks",
            Question(at, error, relative=True, agreement=asked.agreement),
        ),
        ("against a reference model on other tasks", Question(at, error, relative=True)),
    ]
    if asked.relative:
        ways = [ways[1], ways[2], ways[0]]
    told = tuple(_told(what, design, question, distance) for what, question in ways)
    return Answer(asked, design.effective, told, told[0].power >= POWER)


def _told(what: str, design: Design, question: Question, distance: float) -> Told:
    # The side with room for it; with room on both, the one that leads to the larger variance.
    side = 1 if question.at + distance <= 1 else -1
    variance = question.variance(side * distance)
    return Told(
        what,
        power(design, distance, variance, question.error),
        smallest_difference(design, question, side, POWER),
        tasks_needed(design, distance, variance, question.error, POWER),
    )


def _tasks(tasks: int, clusters: int | None) -> str:
    if clusters is None or clusters == tasks:
        return f"{tasks:,} tasks"
    return f"{tasks:,} tasks in {clusters:,} clusters"


def _needs(told: tuple[Told, ...]) -> str:
    """What each way of comparing would need."""
    words = {
        "against the threshold": "against the threshold",
        "against a reference model on the same tasks": "against a reference, paired",
        "against a reference model on other tasks": "an arm, unpaired",
    }
    parts = [f"{about(each.needed)} {words[each.what]}" for each in told]
    return "it would need about " + ", ".join(parts[:-1]) + f" and {parts[-1]}"


def about(tasks: int | None) -> str:
    """A number of tasks, no more exactly than it is known."""
    if tasks is None:
        return "more than a thousand million tasks"
    step = 1 if tasks < 100 else 5 if tasks < 10_000 else 100  # noqa: PLR2004 - three figures
    return f"{round(tasks / step) * step:,} tasks"


@dataclass(frozen=True)
class Attempts:
    """Whether so many attempts would see a model that succeeds now and then."""

    attempts: int
    rate: float
    miss: float
    allowed: float
    needed: int

    @property
    def can(self) -> bool:
        """Whether a miss is rare enough."""
        return self.miss <= self.allowed

    def lines(self) -> list[str]:
        """For people."""
        text = (
            f"At least once in {self.attempts} misses a model that succeeds at "
            f"{self.rate:.3g} an attempt with chance {self.miss:.0%}"
        )
        if self.can:
            return [f"{text}: within the {self.allowed:.3g} allowed."]
        wanted = f"a chance of {self.allowed:.3g} needs {self.needed} independent attempts"
        return [f"{text}: cannot say that it does not; {wanted}."]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "can": self.can,
            "attempts": self.attempts,
            "rate": self.rate,
            "miss": round(self.miss, 4),
            "needed": self.needed,
            "words": self.lines(),
        }


def attempts_answer(attempts: int, rate: float, allowed: float) -> Attempts:
    """Whether `attempts` tries see a success rate of `rate`, but for a chance of `allowed`.

    Raises:
        UnusableNumbersError: no attempt, or a level outside (0, 1).
    """
    needed = attempts_needed(rate, allowed)
    return Attempts(attempts, rate, miss_probability(rate, attempts), allowed, needed)
