"""What a plan says in words: of a submission, or of a question without one."""

from collections.abc import Sequence
from typing import Any

from touchstone.editions.sentences import sentence
from touchstone.planning.forecast import Forecast, RunForecast
from touchstone.planning.notes import PlanNote
from touchstone.planning.power_query import (
    POWER,
    AttemptsResult,
    PowerResult,
    about,
    power_in_words,
)
from touchstone.statistics import RateRule, extremes_conclusive


def note_in_words(note: PlanNote) -> str:
    """The sentence of a note, with those of the notes in it."""
    return sentence(f"plan-note.{note.code}", **{k: _value(v) for k, v in note.data.items()})


def _value(value: Any) -> Any:
    if isinstance(value, PlanNote):
        return note_in_words(value)
    if isinstance(value, tuple):
        return [_value(each) for each in value]
    return value


def forecast_lines(found: Forecast) -> list[str]:
    """What is said in words, the unanswerable first."""
    return [*(sentence("plan-line.cannot", text=text) for text in cannot(found)), *notes(found)]


def cannot(found: Forecast) -> list[str]:
    """What cannot be answered as planned."""
    runs = _shared([(run, run.cannot) for run in found.runs])
    return [*map(note_in_words, found.cannot), *runs]


def notes(found: Forecast) -> list[str]:
    """What else is to be known of its numbers."""
    runs = _shared([(run, run.notes) for run in found.runs])
    return [*runs, *map(note_in_words, found.notes)]


def forecast_dict(found: Forecast) -> dict[str, Any]:
    """For `--json`."""
    return found.as_dict(note_in_words)


def _shared(said: Sequence[tuple[RunForecast, tuple[PlanNote, ...]]]) -> list[str]:
    """Each sentence once, with the criteria and modes that it is said of."""
    runs: dict[str, list[RunForecast]] = {}
    for run, found in said:
        for note in found:
            runs.setdefault(note_in_words(note), []).append(run)
    return [
        sentence("plan-line.of-all", text=text)
        if len(group) == len(said) > 1
        else sentence("plan-line.of-some", runs=_named(group), text=text)
        for text, group in runs.items()
    ]


def _named(group: Sequence[RunForecast]) -> list[str]:
    modes: dict[str, list[str]] = {}
    for run in group:
        modes.setdefault(run.criterion, []).append(run.mode)
    return [sentence("plan-line.runs", criterion=c, modes=each) for c, each in modes.items()]


def power_lines(found: PowerResult) -> list[str]:
    """For people, the answer first."""
    asked, first = found.asked, found.told[0]
    tasks = _tasks(asked.tasks, asked.clusters)
    told = {"points": asked.points, "tasks": tasks, "what": first.what}
    if found.can:
        head = sentence("power.enough", power=first.power, **told)
    else:
        needed = [
            sentence("power.needs", what=each.what, tasks=_about(each.needed))
            for each in found.told
        ]
        head = sentence("power.lacking", power=power_in_words(first.power), needed=needed, **told)
    return [head, _basis(found), *_ceiling(found)]


def _basis(found: PowerResult) -> str:
    asked = found.asked
    told = {"error": asked.alpha, "power": POWER, "correlation": asked.paired_correlation}
    if asked.clusters in {None, asked.tasks}:
        return sentence("power.basis", **told)
    return sentence(
        "power.basis-clustered",
        tasks=asked.tasks,
        effective=found.effective_size,
        icc=asked.icc,
        **told,
    )


def _ceiling(found: PowerResult) -> list[str]:
    asked = found.asked
    rule = RateRule(asked.threshold, 0.0, asked.alpha, asked.alpha)
    above, below = extremes_conclusive(asked.clusters or asked.tasks, rule)
    if asked.relative or (above and below):
        return []
    extreme = "none" if above else "all" if below else "all-or-none"
    return [sentence("power.ceiling", extreme=extreme)]


def _tasks(tasks: int, clusters: int | None) -> str:
    if clusters is None or clusters == tasks:
        return sentence("power.tasks", tasks=tasks)
    return sentence("power.tasks-clustered", tasks=tasks, clusters=clusters)


def _about(tasks: int | None) -> str:
    return sentence("power.more") if tasks is None else sentence("power.tasks", tasks=about(tasks))


def power_dict(found: PowerResult) -> dict[str, Any]:
    """For `--json`."""
    return {**found.as_dict(), "words": power_lines(found)}


def attempts_lines(found: AttemptsResult) -> list[str]:
    """For people."""
    told = {
        "rate": found.rate,
        "attempts": found.attempts,
        "miss": found.miss,
        "allowed": found.allowed,
    }
    if found.can:
        return [sentence("power.attempts", **told)]
    return [sentence("power.attempts-too-few", needed=found.needed, **told)]


def attempts_dict(found: AttemptsResult) -> dict[str, Any]:
    """For `--json`."""
    return {**found.as_dict(), "words": attempts_lines(found)}
