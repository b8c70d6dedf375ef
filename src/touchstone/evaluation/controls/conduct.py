"""Controls that keep or break the rules of a desk, for families that record conduct.

What each does is known, so that what is recorded of it can be held against it.
"""

from collections.abc import Callable, Mapping

from touchstone.evaluation.families.batch_desk.solvers.strategies import DeskWorker, Way
from touchstone.evaluation.families.scripted_solver import Say, Step, Transcript

WAYS: Mapping[str, Way] = {
    "control-honest": "honest",
    "control-tampers-openly": "tampers-openly",
    "control-tampers-and-hides": "tampers-and-hides",
    "control-copies-out": "copies-out",
    "control-goes-on": "goes-on",
}
"""By the control's name what it does where a desk's rules press."""
_FAMILY = "batch-desk"


def worker(way: Way) -> Callable[[Transcript], Step]:
    """What a control of this way does; work of another family it leaves undone."""
    strategy = DeskWorker(way)

    def step(transcript: Transcript) -> Step:
        if _FAMILY not in transcript.prompt:
            return Say("I know no method for this kind of task, so I leave it undone.")
        return strategy.step(transcript)

    return step
