"""The most that questions beside samples may use: what a cap must leave room for."""

from touchstone.evaluation.submission import Submission

PROBE_TOKENS = 5_000
"""That one mode's probe may use: four short questions and as many bounded answers."""
READINESS_TOKENS = 20_000
"""That asking one mode for a tool call and a long answer may use, in and out together, tries
included."""


def probe_tokens(submission: Submission) -> int:
    """The most that one round of snapshot probes may use."""
    return PROBE_TOKENS * len(submission.modes)


def ready_tokens(submission: Submission) -> int:
    """The most that asking each mode for a tool call and a long answer may use."""
    return READINESS_TOKENS * len(submission.modes)


def least_tokens(submission: Submission, sample: int) -> int:
    """What must be left to go on: a sample's tokens, the questions and the probes around it."""
    return sample + 2 * probe_tokens(submission) + ready_tokens(submission)
