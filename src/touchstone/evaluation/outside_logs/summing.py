"""What an Inspect log says of its run, its scores, and of what was changed in it afterwards.

It reads JSON and no model of Inspect's: logs come from many versions of it.
"""

import io
import json
import zipfile
from collections import Counter
from collections.abc import Mapping
from typing import Any

from touchstone.evaluation.oversight.bounded_logs import UnreadableLogError, bounded_log
from touchstone.handin import printable_line

MOST_LISTED = 12
"""Kinds of score that are named, the most frequent first; the others are summed."""
LENGTH = 200
HEADER, STARTED = "header.json", "_journal/start.json"
_SAMPLES = "samples/"
Json = dict[str, Any]


def sum_up(data: bytes) -> Json:
    """What a log says.

    Raises:
        UnreadableLogError: it is no log that can be read within the bounds.
    """
    bounded = bounded_log(data)
    with zipfile.ZipFile(io.BytesIO(bounded.data)) as log:
        names = Counter(log.namelist())
        header = _object(log, HEADER)
        header = _object(log, STARTED) if header is None else header
        if header is None:
            raise UnreadableLogError("it has no header: it is no log of Inspect's")
        found = _Found(header)
        for name in dict.fromkeys(bounded.samples):
            found.take(_object(log, name))
    twice = sum(count - 1 for name, count in names.items() if count > 1)
    found.altered["an entry stands in it twice"] += twice
    found.unread.update(why for _, why in bounded.left_out)
    return found.told(len(bounded.samples) - twice + len(bounded.left_out))


class _Found:
    def __init__(self, header: Json) -> None:
        self._header = header
        self._read = 0
        self._scores: Counter[str] = Counter()
        self.altered: Counter[str] = Counter()
        self.unread: Counter[str] = Counter()

    def take(self, sample: Json | None) -> None:
        """Count what one sample says."""
        if sample is None:
            self.unread["it is no sample"] += 1
            return
        self._read += 1
        scores = sample.get("scores")
        for name, score in scores.items() if isinstance(scores, dict) else ():
            if isinstance(score, dict):
                self._scores[_line(f"{name}: {_plain(score.get('value'))}")] += 1
                self.altered["a score was edited"] += bool(score.get("history"))
        self.altered["a sample was invalidated"] += bool(sample.get("invalidation"))
        self.altered["a sample was run again after an error"] += bool(sample.get("error_retries"))
        self.altered["another model answered in a sample"] += bool(sample.get("model_fallbacks"))
        self.altered["a sample ended in an error"] += bool(sample.get("error"))

    def told(self, samples: int) -> Json:
        """All of it, as the record's statement has it, but for whose it is."""
        header, run = self._header, _part(self._header, "eval")
        for name, words in (
            ("invalidated", "the log says that samples were invalidated"),
            ("log_updates", "the log was edited afterwards"),
            ("config_updates", "limits or settings were changed while it ran"),
        ):
            self.altered[words] += bool(header.get(name))
        said = _part(header, "results").get("completed_samples")
        if type(said) is int and said > samples:
            self.altered["samples that it says were run are not in it"] += said - samples
        scores = self._scores.most_common()
        listed = scores[:MOST_LISTED]
        if rest := sum(count for _, count in scores[MOST_LISTED:]):
            listed.append(("other scores", rest))
        return {
            "task": _line(run.get("task")),
            "model": _line(run.get("model")),
            "made": _line(run.get("created")),
            "status": _line(header.get("status") or "not finished"),
            "samples": samples,
            "read": self._read,
            "scores": _counted(listed),
            "altered": _counted(sorted(self.altered.items())),
            "unread": _counted(sorted(self.unread.items())),
        }


def _object(log: zipfile.ZipFile, name: str) -> Json | None:
    try:
        found = json.loads(log.read(name))
    except (KeyError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _part(of: Mapping[str, Any], name: str) -> Json:
    found = of.get(name)
    return found if isinstance(found, dict) else {}


def _counted(found: list[tuple[str, int]]) -> list[Json]:
    return [{"what": what, "count": count} for what, count in found if count]


def _plain(value: object) -> str:
    """A score's value, shortly: what has a form of its own is named by its kind."""
    if isinstance(value, str | int | float | bool) or value is None:
        return str(value)
    return type(value).__name__


def _line(value: object) -> str:
    # Lone surrogates too: they are text that no record could carry.
    return printable_line(str(value or "not told"), LENGTH) or "not told"
