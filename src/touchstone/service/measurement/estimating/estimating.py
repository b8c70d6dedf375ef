"""What a table of runs lets one say of each model, beside the doubts about the table itself."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchstone.errors import BadInputError
from touchstone.service.errors import UnusableRunsError
from touchstone.service.measurement.estimating.people import (
    HorizonConditions,
    PeopleSay,
    horizon_conditions,
    lengths,
    over_people,
    people_say,
)
from touchstone.service.measurement.estimating.results import RunRow
from touchstone.service.measurement.estimating.trials import TrialRow
from touchstone.statistics import (
    Estimate,
    IntegrityIssue,
    RateRule,
    TimedRuns,
    TimeHorizon,
    UnusableNumbersError,
    VerdictWord,
    check_integrity,
    clustered_mean,
    grader_corrected,
    paired_difference,
    pass_at_k,
    population_verdict,
    time_horizon,
    unpaired_difference,
    wilson,
)

Numbers = NDArray[np.float64]

_SEED = 1


@dataclass(frozen=True)
class Wanted:
    """What is asked beside the rates."""

    reference: str | None = None
    """A model from which the others' differences are told."""
    attempts: int | None = None
    """k of pass@k."""
    threshold: float | None = None
    """A rate of which is told whether the clusters lie above or below it."""
    alpha: float = 0.05
    beta: float = 0.05
    sensitivity: str | None = None
    """`45/50`: of so many real successes, how many the grader passed."""
    specificity: str | None = None
    """`48/50`: of so many real failures, how many the grader failed."""


@dataclass(frozen=True)
class ModelSays:
    """What the runs of one model say."""

    model: str
    runs: int
    items: int
    rate: Estimate
    """Mean outcome, its interval by clusters."""
    alone: tuple[float, float] | None
    """The Wilson interval of runs that stand for themselves; None where outcomes are graded."""
    word: VerdictWord | None
    pass_at: float | None
    corrected: Estimate | None
    difference: Estimate | None
    paired: bool
    """Whether the difference is between outcomes on the same items."""
    horizon: TimeHorizon | None
    conditions: HorizonConditions | None
    """What the horizon rests on."""
    people_items: int | None
    """Items that people tried without help."""
    over_people: Estimate | None
    """Its rate on these less theirs."""
    without: tuple[str, ...]
    """What was asked and cannot be told, each with its reason."""


@dataclass(frozen=True)
class Estimates:
    """Everything, and every doubt."""

    models: tuple[ModelSays, ...]
    people: PeopleSay | None
    """None where no trials were given."""
    doubts: tuple[IntegrityIssue, ...]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        people = None if self.people is None else asdict(self.people)
        return {
            "models": [_finite(asdict(each)) for each in self.models],
            "people": _finite(people),
            "doubts": [asdict(each) for each in self.doubts],
        }


def _finite(value: Any) -> Any:
    """The same without infinities, which JSON has no word for: null."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def estimate(
    rows: Sequence[RunRow], wanted: Wanted, trials: Sequence[TrialRow] | None = None
) -> Estimates:
    """The estimates of runs, as `runs_in` reads them, beside people's trials of the same items.

    Raises:
        BadInputError: runs that give none.
        UnusableRunsError: what is asked does not go with them.
    """
    by_model: dict[str, list[RunRow]] = {}
    for row in rows:
        by_model.setdefault(row.model, []).append(row)
    if wanted.reference is not None and wanted.reference not in by_model:
        raise UnusableRunsError("reference-without-runs", model=wanted.reference)
    grader = _grader(wanted)
    people = None if trials is None else people_say(trials)
    found = tuple(_model(name, by_model, wanted, grader, people) for name in by_model)
    return Estimates(found, people, _doubts(by_model))


def _model(
    name: str,
    by_model: Mapping[str, Sequence[RunRow]],
    wanted: Wanted,
    grader: tuple[Estimate, Estimate] | None,
    people: PeopleSay | None,
) -> ModelSays:
    runs, without = by_model[name], []
    outcomes, clusters = _outcomes(runs), [row.cluster for row in runs]
    binary = bool(np.isin(outcomes, (0.0, 1.0)).all())
    solved = int(outcomes.sum()) if binary else 0
    alone = wilson(solved, len(runs)) if binary else None

    def told(what: str, make: Any) -> Any:
        try:
            return make()
        except UnusableNumbersError as error:
            without.append(f"{what}: {error}")
            return None

    try:
        rate = clustered_mean(outcomes, clusters)
    except UnusableNumbersError as error:
        raise BadInputError(f"model {name}: {error}; take its runs out") from error
    word = corrected = passed = difference = length = None
    paired = False
    if wanted.threshold is not None:
        rule = RateRule(wanted.threshold, 0.0, wanted.alpha, wanted.beta)
        word = population_verdict(outcomes, clusters, rule)
    if wanted.attempts is not None:
        passed = told(f"pass@{wanted.attempts}", lambda: _pass_at(runs, wanted.attempts or 1))
    if grader is not None:
        corrected = told(
            "corrected rate",
            lambda: grader_corrected(_whole(outcomes), len(runs), *grader, clusters=clusters),
        )
    if wanted.reference not in {None, name}:
        paired, difference = _difference(runs, by_model[wanted.reference or ""], rate)
    if people is not None or all(row.minutes is not None for row in runs):
        length = told("time horizon", lambda: _horizon(runs, people))
    tried, against = None, None
    if people is not None:
        tried, against = told("over people", lambda: over_people(runs, people)) or (None, None)
    return ModelSays(
        name,
        len(runs),
        len({row.item for row in runs}),
        rate,
        (alone.low, alone.high) if alone else None,
        word,
        passed,
        corrected,
        difference,
        paired,
        length,
        None if length is None else horizon_conditions(length, runs, people),
        tried,
        against,
        tuple(without),
    )


def _outcomes(runs: Sequence[RunRow]) -> Numbers:
    return np.array([row.outcome for row in runs])


def _whole(outcomes: Numbers) -> int:
    if not np.isin(outcomes, (0.0, 1.0)).all():
        raise UnusableNumbersError("a grader's errors can be taken out of outcomes of 0 and 1 only")
    return int(outcomes.sum())


def _pass_at(runs: Sequence[RunRow], attempts: int) -> float:
    """Over items, each with as many attempts as it has runs."""
    items: dict[str, list[float]] = {}
    for row in runs:
        items.setdefault(row.item, []).append(row.outcome)
    _whole(_outcomes(runs))
    return pass_at_k(
        attempts,
        [int(sum(each)) for each in items.values()],
        [len(each) for each in items.values()],
    )


def _difference(
    runs: Sequence[RunRow], others: Sequence[RunRow], rate: Estimate
) -> tuple[bool, Estimate]:
    """Paired where both ran the same items, each by its mean over its runs."""
    own, other = _by_item(runs), _by_item(others)
    # Not the items that both ran: which those are may hang on who did well, and the rest would be
    # left out in silence.
    if own.keys() != other.keys():
        against = clustered_mean(_outcomes(others), [row.cluster for row in others])
        return False, unpaired_difference(rate, against)
    clusters = {row.item: row.cluster for row in runs}
    items = list(own)
    return True, paired_difference(
        np.array([own[item] for item in items]),
        np.array([other[item] for item in items]),
        [clusters[item] for item in items],
    )


def _by_item(runs: Sequence[RunRow]) -> dict[str, float]:
    items: dict[str, list[float]] = {}
    for row in runs:
        items.setdefault(row.item, []).append(row.outcome)
    return {item: float(np.mean(each)) for item, each in items.items()}


def _horizon(runs: Sequence[RunRow], people: PeopleSay | None) -> TimeHorizon:
    minutes = lengths(runs, people)
    columns = TimedRuns(
        _outcomes(runs),
        np.array([minutes[row.item] for row in runs]),
        np.array([row.weight for row in runs]),
        [row.cluster for row in runs],
        [row.item for row in runs],
    )
    # The same seed, so that the same file gives the same interval.
    return time_horizon(columns, np.random.default_rng(_SEED))


def _grader(wanted: Wanted) -> tuple[Estimate, Estimate] | None:
    if wanted.sensitivity is None and wanted.specificity is None:
        return None
    if wanted.sensitivity is None or wanted.specificity is None:
        raise UnusableRunsError("grader-half-known")
    return _tried("sensitivity", wanted.sensitivity), _tried("specificity", wanted.specificity)


def _tried(name: str, text: str) -> Estimate:
    right, _, of = text.partition("/")
    if not (right.isdecimal() and of.isdecimal() and len(text) <= 20):  # noqa: PLR2004 - two counts
        raise UnusableRunsError("counts-malformed", field=name, text=text)
    solved, tried = int(right), int(of)
    if not 2 <= tried <= 1_000_000 or solved > tried:  # noqa: PLR2004 - a spread
        raise UnusableRunsError("counts-impossible", field=name, text=text)
    outcomes = np.repeat([1.0, 0.0], [solved, tried - solved])
    return clustered_mean(outcomes, [str(place) for place in range(tried)])


def _doubts(by_model: Mapping[str, Sequence[RunRow]]) -> tuple[IntegrityIssue, ...]:
    """About the items that every model ran, each by its mean over the runs of it."""
    means = {name: _by_item(runs) for name, runs in by_model.items()}
    # Copies are told by equal answers to the same questions; of what only some ran nothing can be
    # compared.
    shared = sorted(set.intersection(*(set(each) for each in means.values())))
    if not shared:
        return ()
    table = np.array([[each[item] for item in shared] for each in means.values()])
    return check_integrity(table, list(means), shared)
