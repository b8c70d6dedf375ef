"""What people did with the items that models ran, and what a model's help changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from touchstone.service.measurement.estimating.results import RunRow
from touchstone.service.measurement.estimating.trials import TrialRow
from touchstone.statistics import (
    Estimate,
    HumanItem,
    TimeHorizon,
    Trials,
    UnusableNumbersError,
    arms_apart,
    human_item,
    paired_difference,
    time_within_limit,
)


@dataclass(frozen=True)
class Uplift:
    """People with one model's help against people without."""

    model: str
    trials: int
    people: int
    alone_trials: int
    alone_people: int
    paired: bool
    """Whether the same people are in both arms."""
    success: Estimate | None
    """Rate with help less rate without."""
    time: Estimate | None
    """Share of the limit used with help less that without; what was not solved used all of it."""
    without: tuple[str, ...]
    """What cannot be told, or holds less than it seems to, each with its reason."""


@dataclass(frozen=True)
class HorizonConditions:
    """What a time horizon rests on, and must be quoted with."""

    items: int
    clusters: int
    timed: int
    """Items whose length is that of people who solved them, in the table of trials."""
    stated: int
    """Items whose length the table of runs states."""
    shortest: float
    longest: float
    """Human minutes of the items."""
    extrapolated: bool
    """Whether the horizon lies outside of these."""


@dataclass(frozen=True)
class PeopleSay:
    """What a table of trials says."""

    items: Mapping[str, HumanItem]
    """Trials without help, by item."""
    trials: int
    people: int
    unsolved: int
    """Trials without help that did not solve their item: these times are in no length."""
    uplift: tuple[Uplift, ...]


def people_say(trials: Sequence[TrialRow]) -> PeopleSay:
    """Success and times by item, and the uplift of each model that helped."""
    alone = [trial for trial in trials if trial.model is None]
    by_item: dict[str, list[TrialRow]] = {}
    for trial in alone:
        by_item.setdefault(trial.item, []).append(trial)
    helped: dict[str, list[TrialRow]] = {}
    for trial in trials:
        if trial.model is not None:
            helped.setdefault(trial.model, []).append(trial)
    return PeopleSay(
        {item: human_item(_columns(rows)) for item, rows in by_item.items()},
        len(alone),
        len({trial.person for trial in alone}),
        sum(not trial.solved for trial in alone),
        tuple(_uplift(model, rows, alone) for model, rows in helped.items()),
    )


def over_people(runs: Sequence[RunRow], people: PeopleSay) -> tuple[int, Estimate]:
    """A model's rate less that of people without help, paired over the items that people tried.

    Which items people tried was settled before the model ran, so to leave out the others is no
    choice by outcome; a model that did not run all of them is refused.

    Returns:
        How many items, and the difference.

    Raises:
        UnusableNumbersError: an item that people tried and the model did not run, or one cluster.
    """
    outcomes: dict[str, list[float]] = {}
    clusters: dict[str, str] = {}
    for run in runs:
        outcomes.setdefault(run.item, []).append(run.outcome)
        clusters[run.item] = run.cluster
    if not people.items:
        raise UnusableNumbersError("nobody tried an item without help")
    if missing := sorted(set(people.items) - set(outcomes)):
        raise UnusableNumbersError(
            f"of {len(people.items):,} items that people tried the model did not run "
            f"{len(missing):,}, such as {missing[0]}"
        )
    items = list(people.items)
    return len(items), paired_difference(
        np.array([float(np.mean(outcomes[item])) for item in items]),
        np.array([people.items[item].solved / people.items[item].trials for item in items]),
        [clusters[item] for item in items],
    )


def lengths(runs: Sequence[RunRow], people: PeopleSay | None) -> Mapping[str, float]:
    """Human minutes of each item of a model's runs: timed where people solved it, else stated.

    Raises:
        UnusableNumbersError: an item without a length, which left out would shorten what remains;
            or with two.
    """
    timed = {} if people is None else people.items
    found: dict[str, float] = {}
    for run in runs:
        item = timed.get(run.item)
        minutes = run.minutes if item is None or item.minutes is None else item.minutes
        if minutes is None:
            raise UnusableNumbersError(
                f"item {run.item} has no length: nobody solved it, and no column of minutes "
                "states one"
            )
        if found.setdefault(run.item, minutes) != minutes:
            raise UnusableNumbersError(f"item {run.item} has two lengths")
    return found


def horizon_conditions(
    horizon: TimeHorizon, runs: Sequence[RunRow], people: PeopleSay | None
) -> HorizonConditions:
    """What a horizon of these runs rests on."""
    minutes = lengths(runs, people)
    timed = {} if people is None else people.items
    own = sum(item in timed and timed[item].minutes is not None for item in minutes)
    shortest, longest = min(minutes.values()), max(minutes.values())
    return HorizonConditions(
        len(minutes),
        len({run.cluster for run in runs}),
        own,
        len(minutes) - own,
        shortest,
        longest,
        not shortest <= horizon.minutes <= longest,
    )


def _uplift(model: str, rows: Sequence[TrialRow], alone: Sequence[TrialRow]) -> Uplift:
    without: list[str] = []
    success = time = None
    paired = False
    people, others = [row.person for row in rows], [row.person for row in alone]
    if not alone:
        without.append("uplift: nobody tried an item without help")
    else:
        own, reference = _columns(rows), _columns(alone)
        try:
            paired, success = arms_apart(own.solved, people, reference.solved, others)
        except UnusableNumbersError as error:
            without.append(f"uplift: {error}")
        limits = [row.limit for row in (*rows, *alone)]
        if any(limit is None for limit in limits):
            without.append("time: a trial without a limit; time is compared within limits only")
        elif success is not None:
            allowed = np.array(limits, float)
            _, time = arms_apart(
                time_within_limit(own, allowed[: len(rows)]),
                people,
                time_within_limit(reference, allowed[len(rows) :]),
                others,
            )
        # Arms on different items differ by the items too, and no interval knows that.
        if apart := {row.item for row in rows} ^ {row.item for row in alone}:
            without.append(
                f"what of the uplift is the items': {len(apart):,} were tried in one arm only"
            )
    return Uplift(
        model,
        len(rows),
        len(set(people)),
        len(alone),
        len(set(others)),
        paired,
        success,
        time,
        tuple(without),
    )


def _columns(rows: Sequence[TrialRow]) -> Trials:
    return Trials(
        np.array([float(row.solved) for row in rows]),
        np.array([row.minutes for row in rows]),
        [row.person for row in rows],
    )
