"""How a model is measured: submissions, batteries, sandboxes, workers, on Inspect.

It decides nothing about a case and writes no record: outcomes go up to `service`.
What needs Inspect (`runner.run_chunk`, `workers`, what asks in `oversight`) is imported from its
own module, so that reading a submission or a record does not cost Inspect's import.

Begin at `touchstone.evaluation.runner`: `run_chunk(spec, folder=folder, home=home, mode=mode,
    api_key=key, items=items, elicitation=elicitation)`.
"""

from touchstone.evaluation.batteries import (
    Battery,
    BatteryPlan,
    ItemSetPlan,
    check_code,
    check_seed,
    draw_battery,
)
from touchstone.evaluation.chunks import ChunkSpec, prefix, ranges
from touchstone.evaluation.elicitation import Elicitation
from touchstone.evaluation.limits import Allowance, Budget, EndpointLimits, cost
from touchstone.evaluation.outcomes import AdjudicationRule, Outcome, Usage
from touchstone.evaluation.seals import Reveal, SealedBattery, check_reveal, reveal
from touchstone.evaluation.submission import Mode, Submission, endpoint_digest, load_submission

__all__ = [
    "AdjudicationRule",
    "Allowance",
    "Battery",
    "BatteryPlan",
    "Budget",
    "ChunkSpec",
    "Elicitation",
    "EndpointLimits",
    "ItemSetPlan",
    "Mode",
    "Outcome",
    "Reveal",
    "SealedBattery",
    "Submission",
    "Usage",
    "check_code",
    "check_reveal",
    "check_seed",
    "cost",
    "draw_battery",
    "endpoint_digest",
    "load_submission",
    "prefix",
    "ranges",
    "reveal",
]
