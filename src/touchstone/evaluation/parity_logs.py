"""A developer's log of a chunk that it ran itself: what it says, or why it is not taken.

It reads JSON within bounds and makes no object of Inspect's: the log is a stranger's. What Inspect
itself notes of a changed score is looked for by name, and so is what changes one without a note:
a score stands in the sample, in the event of its scoring, in the list of samples and in the means.
"""

import io
import json
import math
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from touchstone.errors import BadInputError
from touchstone.evaluation.oversight.bounded_logs import UnreadableLogError, bounded_log
from touchstone.handin import printable_line
from touchstone.keys.named_files import open_named
from touchstone.review.events.measuring import MEASURED, Result

SCORER, RESULT = "judged", "touchstone_result"
"""Of the engine's own tasks: the scorer's name, and where it says what a sample's result is."""
MOST_OF_LOG = 256 * 1024 * 1024
_TASK = "touchstone_chunk"
_LENGTH = 300
Json = dict[str, Any]


class ParityError(BadInputError):
    """A log that cannot be held against what was measured; one line that says why."""


@dataclass(frozen=True)
class ParityLog:
    """A chunk that somebody else ran."""

    arguments: Mapping[str, str]
    """Of the engine's task: `chunk`, `variant`, `mode`, `endpoint`, `elicitation`, `rule`."""
    results: Mapping[int, bool | None]
    """By position: solved or not; None where nothing was measured."""


def take_log(file: Path) -> bytes:
    """The bytes of a log that somebody named, as many as are read. Raises ParityError."""
    try:
        with open_named(file) as data:
            # One byte more: by it what is too large is told, and a file without end is left.
            return data.read(MOST_OF_LOG + 1)
    except OSError as error:
        raise _refused(str(file), (error.strerror or "cannot be read").lower()) from error


def read_parity_log(data: bytes, source: str) -> ParityLog:
    """What a log of a chunk says.

    Raises:
        ParityError: it is no whole log of the engine, or was changed.
    """
    if len(data) > MOST_OF_LOG:
        raise ParityError(f"{source}: is larger than {MOST_OF_LOG} bytes: too large, not read")
    try:
        bounded = bounded_log(data)
    except UnreadableLogError as error:
        raise _refused(source, str(error)) from error
    for sample, why in bounded.left_out:
        raise _refused(source, f"sample {sample} is {why}")
    with zipfile.ZipFile(io.BytesIO(bounded.data)) as log:
        if len(set(log.namelist())) < len(log.namelist()):
            raise _refused(source, "an entry stands in it twice")
        header = _object(log, "header.json", source)
        samples = [_object(log, name, source) for name in bounded.samples]
        summaries = _listed(log, source)
    for change in _changes(header, samples, summaries):
        raise _refused(source, change)
    run = _part(header, "eval")
    arguments = _part(run, "task_args")
    if run.get("task") != _TASK or not all(isinstance(v, str) for v in arguments.values()):
        raise _refused(source, "it is no log of `touchstone parity run`")
    results = {_index(each, source): _solved(each) for each in samples}
    # "0" and "00" are one position: the later would take the place of the other unseen.
    if len(results) < len(samples):
        raise _refused(source, "a position stands in it twice")
    return ParityLog(arguments, results)


def _changes(header: Json, samples: list[Json], summaries: Mapping[str, Json]) -> Iterator[str]:
    """What was changed, a line each."""
    if header.get("status") != "success":
        yield f"its run ended as {header.get('status')}"
    if header.get("invalidated"):
        yield "the log says that samples were invalidated"
    if header.get("log_updates"):
        yield "the log was edited afterwards"
    if header.get("config_updates"):
        yield "limits or settings were changed while it ran"
    ran = _part(_part(header, "eval"), "dataset").get("sample_ids")
    if not isinstance(ran, list) or {*map(str, ran)} != {str(each.get("id")) for each in samples}:
        yield "samples that it ran are not in it, or others are"
    for sample in samples:
        yield from _sample_changes(sample, summaries.get(str(sample.get("id")), {}))
    values = [value for each in samples if (value := _value(each)) is not None]
    means = [*_means(header)]
    mean = sum(values) / len(values) if values else None
    # A mean that was taken out, or is no number, is no mean of theirs either.
    if bool(means) != bool(values) or any(not _close(each, mean) for each in means):
        yield "its mean score is not that of its samples"


def _sample_changes(sample: Json, summary: Json) -> Iterator[str]:
    name = f"sample {sample.get('id')}"
    for key, words in (
        ("invalidation", "was invalidated"),
        ("error_retries", "was run again after an error"),
        ("model_fallbacks", "was answered by another model"),
    ):
        if sample.get(key):
            yield f"{name} {words}"
    score = _part(_part(sample, "scores"), SCORER)
    if score.get("history"):
        yield f"the score of {name} was edited"
    listed = sample.get("events")
    events = [each for each in (listed if isinstance(listed, list) else ()) if _part(each, "score")]
    scored = [_part(each, "score") for each in events if each.get("event") == "score"]
    kept = (score.get("value"), _part(score, "metadata"))
    if score and [(each.get("value"), _part(each, "metadata")) for each in scored] != [kept]:
        yield f"the score of {name} is not the one that its judge gave"
    if _solved(sample) and score.get("value") != 1:
        yield f"the result of {name} is not that of its score"
    if score and _part(_part(summary, "scores"), SCORER).get("value") != score.get("value"):
        yield f"the score of {name} is another in the list of samples"


def _means(header: Json) -> Iterator[float]:
    scores = _part(header, "results").get("scores")
    for each in scores if isinstance(scores, list) else ():
        yield _number(_part(_part(each, "metrics"), "accuracy").get("value"))


def _close(one: float, other: float | None) -> bool:
    return other is not None and abs(one - other) <= 1e-6  # noqa: PLR2004 - of rounding


def _number(value: object) -> float:
    """A number of JSON; not a number for all else, and for one that no float holds."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def _value(sample: Json) -> float | None:
    score = _part(_part(sample, "scores"), SCORER)
    return _number(score.get("value")) if "value" in score and not sample.get("error") else None


def _solved(sample: Json) -> bool | None:
    told = _part(_part(_part(sample, "scores"), SCORER), "metadata").get(RESULT)
    if told not in get_args(Result) or told not in MEASURED:
        return None
    return bool(told == "solved")


def _index(sample: Json, source: str) -> int:
    try:
        return int(str(sample["id"]))
    except (KeyError, ValueError) as error:
        raise _refused(source, "a sample of it is no position of a battery") from error


def _listed(log: zipfile.ZipFile, source: str) -> dict[str, Json]:
    try:
        found = json.loads(log.read("summaries.json"))
    except (KeyError, ValueError, RecursionError) as error:
        raise _refused(source, "its list of samples cannot be read") from error
    return {str(each.get("id")): each for each in found if isinstance(each, dict)}


def _object(log: zipfile.ZipFile, name: str, source: str) -> Json:
    try:
        found = json.loads(log.read(name))
    except (KeyError, ValueError, RecursionError) as error:
        raise _refused(source, f"{name} cannot be read") from error
    if not isinstance(found, dict):
        raise _refused(source, f"{name} is not of its form")
    return found


def _part(of: Any, name: str) -> Json:
    found = of.get(name) if isinstance(of, dict) else None
    return found if isinstance(found, dict) else {}


def _refused(source: str, why: str) -> ParityError:
    return ParityError(printable_line(f"{source}: not taken: {why}", _LENGTH))
