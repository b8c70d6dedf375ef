"""Reading a pack's log: what it states of each sample, and what of it can be taken.

The log was written by the process in which the pack's code ran, so all of it is the pack's word.
What is not a score as the pack declared one is no result of the subject's: it is the instrument's
error, never a zero.
"""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspect_ai.event import ModelEvent, SpanBeginEvent
from inspect_ai.log import EvalLog, EvalSample, read_eval_log, read_eval_log_sample
from inspect_ai.scorer import Score

from touchstone.evaluation.alterations import log_alterations, sample_alterations
from touchstone.evaluation.packs.errors import PackProcessError
from touchstone.evaluation.packs.manifest import LETTERS, PackScore
from touchstone.handin import printable_line

_LENGTH = 300
_SCORERS = "scorers"


@dataclass(frozen=True)
class Statement:
    """What a pack's log says of one sample."""

    place: int
    value: float | None
    """The score as a number; None where there is none that can be taken."""
    fault: str = ""
    """Why not, in one line."""
    scoring: bool = False
    """Whether it came to scoring before it failed."""
    limit: str = ""
    """The limit that ended the subject's work, if one did."""
    explanation: str = ""
    """The scorer's own sentence."""
    uuid: str = ""
    """By which Inspect knows the sample."""
    seconds: float = 0.0


def read_statements(
    log: Path, places: Collection[int], declared: PackScore, models: Collection[str]
) -> dict[int, Statement]:
    """What the log says of each position.

    Args:
        log: The `.eval` file, as `keep_log` left it.
        places: The positions that were to run.
        declared: What a score of the pack is.
        models: The names under which the subject and the declared roles stand in a log, the
            subject's first.

    Raises:
        PackProcessError: it is no log of these samples that can be read, or was changed.
    """
    try:
        _check_header(read_eval_log(str(log), header_only=True), places)
        return {place: _read(log, place, declared, tuple(models)) for place in sorted(places)}
    except PackProcessError:
        raise
    except (Exception, RecursionError) as error:
        # A stranger's file, read by a library that expects its own.
        why = printable_line(f"{type(error).__name__}: {error}", _LENGTH)
        raise PackProcessError(f"the pack's log cannot be read: {why}") from error


def _check_header(header: EvalLog, places: Collection[int]) -> None:
    # A run that was killed leaves a log that reads as one with fewer samples.
    if header.status != "success":
        raise PackProcessError(f"the pack's run ended as {header.status}")
    for change in log_alterations(header):
        raise PackProcessError(f"the pack's log: {change}")
    said = {str(each) for each in header.eval.dataset.sample_ids or []}
    if said != {str(place) for place in places}:
        raise PackProcessError("the pack's log holds other samples than it was given")


def _read(log: Path, place: int, declared: PackScore, models: tuple[str, ...]) -> Statement:
    try:
        sample = read_eval_log_sample(str(log), id=str(place))
    except IndexError:
        return Statement(place, None, "the pack's log says nothing of it")
    return statement_of(sample, place, declared, models)


def statement_of(
    sample: EvalSample, place: int, declared: PackScore, models: tuple[str, ...]
) -> Statement:
    """What one sample's record says."""
    scoring = _spans(sample, {_SCORERS})
    value, fault = None, next(_faults(sample, models, scoring), "")
    score = (sample.scores or {}).get(declared.scorer)
    if not fault:
        value, fault = taken(score, declared)
    if not fault and sample.epoch != 1:
        value, fault = None, "a repetition that was not asked for"
    return Statement(
        place=place,
        value=value,
        fault=printable_line(fault, _LENGTH),
        scoring=bool(scoring),
        limit=sample.limit.type if sample.limit else "",
        explanation=printable_line((score.explanation if score else "") or "", _LENGTH),
        uuid=printable_line(sample.uuid or "", 64),
        seconds=sample.working_time or sample.total_time or 0.0,
    )


def _faults(sample: EvalSample, models: tuple[str, ...], scoring: set[str]) -> Iterator[str]:
    """Why no score of the sample is taken, whatever it is."""
    yield from sample_alterations(sample)
    if sample.error is not None:
        yield sample.error.message or "it ended in an error without a word"
    used = {*sample.model_usage, *(each.model for each in _asked(sample))}
    if strange := sorted(used - set(models)):
        yield f"a model answered that the pack did not declare: {strange[0]}"
    for each in _asked(sample):
        # A grader that is not given falls back on the subject, in Inspect, without a word.
        if each.span_id in scoring and each.model == models[0]:
            yield "the subject graded itself: the scorer asked it; declare a role and ask that"


def _asked(sample: EvalSample) -> list[ModelEvent]:
    return [each for each in sample.events if isinstance(each, ModelEvent)]


def _spans(sample: EvalSample, names: set[str]) -> set[str]:
    """The ids of the spans of these names, and of all within them."""
    found: set[str] = set()
    # In the order of events, in which a span begins after the one around it.
    for each in sample.events:
        if isinstance(each, SpanBeginEvent) and (each.name in names or each.parent_id in found):
            found.add(each.id)
    return found


def taken(score: Score | None, declared: PackScore) -> tuple[float | None, str]:
    """A score as a number, or why it is none."""
    if score is None:
        return None, f"there is no score of {declared.scorer!a}"
    value: Any = score.value
    if declared.key is not None:
        if not isinstance(value, dict) or declared.key not in value:
            return None, f"the score holds no {declared.key!a}"
        value = value[declared.key]
    if declared.values == "letters":
        if isinstance(value, str) and value in LETTERS:
            return LETTERS[value], ""
        return None, f"the score {_shown(value)} is none of C, P, I and N"
    # NaN is of no range, and so needs no word of its own; but what is no number has none either.
    low, high = declared.range
    if isinstance(value, bool | int | float) and low <= value <= high:
        return float(value), ""
    return None, f"the score {_shown(value)} is no number from {low} to {high}"


def _shown(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return (
        f"{value!a}"[:80] if isinstance(value, str | int | float) else f"({type(value).__name__})"
    )
