"""What a model says of the test, the instrument, its reward, or of not going on: by patterns.

The patterns stand in `said_patterns.toml`. They find words: a model that does not say it is not
found.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib import resources

from touchstone.errors import BadInputError
from touchstone.evaluation.oversight.folding import fold_text
from touchstone.evaluation.oversight.reading import TranscriptReading, Turn
from touchstone.evaluation.oversight.tool_results import Found
from touchstone.handin import Bounds, Origin, parse_toml

_QUOTE_AROUND = 80
_PART = re.compile(r"<([a-z-]+)>")


class SaidPatterns:
    """A detector by patterns in what the model said, or asked tools to do.

    Args:
        why: What a match means, in one line.
        words: Patterns for its texts.
        deeds: Patterns for the arguments of its tool calls.
    """

    def __init__(self, why: str, words: tuple[str, ...], deeds: tuple[str, ...] = ()) -> None:
        self._why = why
        self._words = re.compile("|".join(words))
        self._deeds = re.compile("|".join(deeds)) if deeds else None

    def __call__(self, reading: TranscriptReading) -> Found:
        """At most one sighting for the words and one for the deeds of a turn."""
        for turn in reading.turns:
            yield from self._of(turn, turn.words, self._words)
            if self._deeds is not None and turn.calls:
                yield from self._of(turn, turn.deeds, self._deeds)

    def _of(
        self, turn: Turn, text: str, pattern: re.Pattern[str]
    ) -> Iterator[tuple[str, str, str]]:
        folded = fold_text(text)
        if found := pattern.search(folded):
            start = max(0, found.start() - _QUOTE_AROUND)
            yield turn.message, self._why, folded[start : found.end() + _QUOTE_AROUND]


@cache
def said_patterns() -> dict[str, SaidPatterns]:
    """The detectors by patterns, by name."""
    here = resources.files("touchstone.evaluation.oversight") / "said_patterns.toml"
    data = here.read_bytes()
    kept = parse_toml(data, Origin("said_patterns.toml", BadInputError), Bounds(len(data)))
    parts = kept.pop("parts")

    def whole(patterns: list[str]) -> tuple[str, ...]:
        return tuple(_PART.sub(lambda found: parts[found[1]], pattern) for pattern in patterns)

    return {
        name: SaidPatterns(each["why"], whole(each["words"]), whole(each["deeds"]))
        for name, each in kept.items()
    }
