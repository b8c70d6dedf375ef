"""What in an Inspect log may change a score after it was given: each is named, and none is taken.

Inspect keeps these in the log and counts the changed score as any other. A log that it has just
written for us holds none of them, unless somebody reached into the run.
"""

from collections.abc import Iterator

from inspect_ai.log import EvalLog, EvalSample

from touchstone.handin import printable_line

_LENGTH = 200


def log_alterations(log: EvalLog) -> Iterator[str]:
    """What was changed of the run as a whole, a line each. Its samples need not be there."""
    if log.invalidated:
        yield "the log says that samples were invalidated"
    if log.log_updates:
        yield f"the log was edited afterwards ({len(log.log_updates)} times)"
    if log.config_updates:
        yield f"limits or settings were changed while it ran ({len(log.config_updates)} times)"


def sample_alterations(sample: EvalSample) -> Iterator[str]:
    """What was changed of one sample, a line each."""
    if sample.invalidation is not None:
        yield "the sample was invalidated"
    if sample.error_retries:
        yield f"the sample was run again after an error ({len(sample.error_retries)} times)"
    if sample.model_fallbacks:
        yield "another model answered in the place of the one that was asked"
    for name, score in (sample.scores or {}).items():
        if score.history:
            yield printable_line(f"the score of {name} was edited", _LENGTH)
