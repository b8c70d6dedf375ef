"""Under which conditions one run of the command measured: recorded each time, for every party.

They are chosen anew with each run, unlike what was sealed: how many samples at once, how patiently
an endpoint is asked, how much a sandbox gives. All of it can change what is measured.
"""

from collections.abc import Mapping

from touchstone.evaluation.digests import Frozen
from touchstone.evaluation.limits import EndpointLimits
from touchstone.verdicts.calibration import Calibration


class Conditions(Frozen):
    """What whoever ran `review run` chose, and what it ran on, for one run of the command."""

    workers: int
    """Processes that run chunks at the same time."""
    asking: EndpointLimits
    """How the endpoints were asked."""
    sandbox: dict[str, str | int]
    """The sandbox's grade and bounds, as its provider takes them; fractions as text."""
    accepted: tuple[str, ...] = ()
    """The `--accept-...` options that were given."""
    resumed: str = ""
    """Why the centre lifted its halt with this run; empty where it did not."""
    engine: str = ""
    """The programs that ran the samples, with their versions."""
    detectors: str = ""
    """Digest of the detectors' code that this installation has; empty in earlier records."""
    calibration: Calibration | None = None
    """What was measured of how much this instrument sees; None where nothing was recorded."""


def plainly(config: Mapping[str, object]) -> dict[str, str | int]:
    """A provider's settings as the record can hold them."""
    # Canonical JSON has no fractions.
    return {k: v if isinstance(v, int) else str(v) for k, v in config.items()}
