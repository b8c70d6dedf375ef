"""What may be said to `touchstone plan` beside the submission."""

from dataclasses import dataclass
from decimal import Decimal
from math import isfinite

from touchstone.evaluation.battery_file import ChosenBattery
from touchstone.evaluation.elicitation import ELICITATION, Elicitation
from touchstone.evaluation.limits import EndpointLimits
from touchstone.planning.power_query import DEFAULT_ICC
from touchstone.verdicts.errors import CannotRunError

WORKERS = 2
"""Worker processes, as `touchstone review run` has them by default."""


@dataclass(frozen=True)
class PlanOptions:
    """Each by the name of its option."""

    framework: str | None = None
    items: int | None = None
    whole_battery: bool = False
    """Let no verdict stop before every item has run."""
    price_in: Decimal | None = None
    """Per million tokens, in USD; None: the submission's own, if it has any."""
    price_out: Decimal | None = None
    seconds_per_sample: float | None = None
    concurrency: int = WORKERS * EndpointLimits().max_samples
    """Samples at the same time, over all runs."""
    clusters: int | None = None
    """Independent groups among the items of a set; None: each item is drawn by itself."""
    icc: float = DEFAULT_ICC
    elicitation: Elicitation = ELICITATION
    """How the model is drawn out."""
    battery: ChosenBattery | None = None
    """A battery file; None: an item set for each criterion with a number."""
    points: float | None = None
    """Points from the threshold at which a model must get the right word; None: not asked."""

    def __post_init__(self) -> None:
        # One price typed and one of the submission's would mix two currencies.
        if (self.price_in is None) != (self.price_out is None):
            raise CannotRunError("--price-in and --price-out go together: write both or neither")
        seconds = self.seconds_per_sample
        # Said in the positive, so that what is no number is refused as well.
        if seconds is not None and not (isfinite(seconds) and seconds > 0):
            raise CannotRunError(f"--seconds-per-sample {seconds:g}: write a number above 0")
        if self.concurrency < 1:
            raise CannotRunError(f"--concurrency {self.concurrency}: write 1 or more")
        if self.points is not None and not 0 < self.points < 100:  # noqa: PLR2004 - percentage points
            raise CannotRunError(f"--points {self.points:g}: write more than 0 and less than 100")
        for name, price in (("in", self.price_in), ("out", self.price_out)):
            if price is not None and not (price.is_finite() and price >= 0):
                raise CannotRunError(f"--price-{name} {price}: write a price of 0 or more")
