"""What samples take: tokens, money, days; and whether caps and window hold them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from touchstone.evaluation import Submission
from touchstone.evaluation.elicitation import ELICITATION
from touchstone.evaluation.token_bounds import probe_tokens, ready_tokens
from touchstone.planning.forecast import Cost, Forecast
from touchstone.planning.options import PlanOptions
from touchstone.verdicts.preregistration import CHUNK

_DAY = 86_400
_MILLION = Decimal(1_000_000)
_SENSIBLE_LIMIT = "at the limits of the elicitation"


@dataclass(frozen=True)
class MeanCost:
    """Means of the samples of a family, as recorded."""

    samples: int
    cases: int
    input: float
    """Tokens a sample."""
    output: float
    seconds: float
    """Wall seconds a sample, without waits for quota or retries."""

    @property
    def tokens(self) -> float:
        """In and out together."""
        return self.input + self.output


ObservedCosts = Mapping[tuple[str, str], MeanCost]
"""By family and mode; with an empty mode, over all modes of the family."""


@dataclass(frozen=True)
class Costing:
    """From samples to tokens, money and days."""

    submission: Submission
    options: PlanOptions
    seen: ObservedCosts

    @property
    def prices(self) -> tuple[Decimal, Decimal] | None:
        """Per million tokens in and out: as typed, or the submission's; None: neither."""
        typed, caps = self.options, self.submission.caps
        if typed.price_in is not None and typed.price_out is not None:
            return typed.price_in, typed.price_out
        if caps.price_input is not None and caps.price_output is not None:
            return caps.price_input, caps.price_output
        return None

    @property
    def currency(self) -> str:
        """Of the prices."""
        return "USD" if self.options.price_in is not None else self.submission.caps.currency

    def mean_cost(self, family: str, mode: str) -> MeanCost | None:
        """What such samples took before: in this mode, or else in any."""
        # The mode's own first: one that reasons spends more than one that does not.
        return self.seen.get((family, mode)) or self.seen.get((family, ""))

    def expected(self, samples: float, usual: MeanCost | None) -> Cost:
        """At what such samples took before; without any, at the limits."""
        if usual is None:
            return self.worst(samples)
        money = self._money(samples * usual.input, samples * usual.output)
        return Cost(samples, samples * usual.tokens, money, self._days(samples, usual.seconds))

    def worst(self, samples: float) -> Cost:
        """At the elicitation's limits, every token at the dearer price."""
        tokens = samples * ELICITATION.token_limit
        # A limit on tokens says nothing of how many are read and how many written.
        dearer = self.prices is not None and self.prices[0] > self.prices[1]
        money = self._money(tokens if dearer else 0, 0 if dearer else tokens)
        return Cost(samples, tokens, money, self._days(samples, ELICITATION.working_seconds))

    def _money(self, tokens_in: float, tokens_out: float) -> Decimal | None:
        if self.prices is None:
            return None
        price_in, price_out = self.prices
        return (Decimal(tokens_in) * price_in + Decimal(tokens_out) * price_out) / _MILLION

    def _days(self, samples: float, seconds: float) -> float:
        given = self.options.seconds_per_sample
        return samples * (seconds if given is None else given) / self.options.concurrency / _DAY


def check_limits(whole: Forecast, costing: Costing) -> Forecast:
    """The same, with what goes beyond the caps or the window.

    What is expected at the limits alone is no expectation, so going beyond them then only warns.
    """
    expected, worst, caps = whole.expected, whole.worst, costing.submission.caps
    measured = all(run.measured for run in whole.runs)
    timed = measured or costing.options.seconds_per_sample is not None
    unit = "business days" if whole.business_days else "days"
    bounds: list[tuple[str, float, float, float, bool]] = [
        (
            f"the {whole.days_left} {unit} left in the window (until {whole.review_by})",
            expected.days,
            worst.days,
            # Samples take days of 24 hours, and run at weekends too.
            whole.calendar_days,
            timed,
        ),
    ]
    if caps.tokens is not None:
        bounds.append(
            (
                f"the cap of {caps.tokens:,} tokens",
                expected.tokens,
                worst.tokens,
                caps.tokens,
                measured,
            )
        )
    # Amounts in two currencies cannot be compared, and no rate of exchange is assumed: a note says
    # so.
    money = caps.money if caps.currency == costing.currency else None
    if money is not None and expected.money is not None and worst.money is not None:
        bounds.append(
            (
                f"the cap of {money} {caps.currency}",
                float(expected.money),
                float(worst.money),
                float(money),
                measured,
            )
        )
    if caps.wall_seconds is not None:
        bounds.append(
            (
                f"the cap of {caps.wall_seconds:,} s",
                expected.days,
                worst.days,
                caps.wall_seconds / _DAY,
                timed,
            )
        )
    cannot, notes = [], []
    for what, mean, most, bound, known in bounds:
        # "Cannot" is said of what was measured before; a limit that nobody reaches proves nothing.
        if mean > bound and known:
            cannot.append(f"what is expected goes beyond {what}")
        elif most > bound:
            notes.append(f"In the worst case, {_SENSIBLE_LIMIT}, it goes beyond {what}.")
    return replace(whole, cannot=(*whole.cannot, *cannot), notes=(*whole.notes, *notes))


def cost_assumptions(whole: Forecast, costing: Costing) -> Forecast:
    """The same, with where the numbers come from."""
    earlier = "; ".join(
        f"{family} {each.tokens:,.0f} tokens and {each.seconds:.0f} s (mean of {each.samples} "
        f"samples in {each.cases} earlier {'case' if each.cases == 1 else 'cases'} of this "
        "developer)"
        for (family, mode), each in sorted(costing.seen.items())
        if not mode
    )
    known = f"expected as before: {earlier}" if earlier else "no earlier sample is known"
    given = costing.options.seconds_per_sample
    pace = "" if given is None else f" A sample takes {given:g} s, as given."
    # Modes are probed before the first sample and after the last.
    probes = 2 * probe_tokens(costing.submission) + ready_tokens(costing.submission)
    limits = (
        f"A sample takes at worst {ELICITATION.token_limit:,} tokens and "
        f"{ELICITATION.working_seconds} s of work, the elicitation's limits; {known}.{pace}"
    )
    at_once = (
        f"{costing.options.concurrency} samples at once; waits for an endpoint, and at most "
        f"{probes:,} tokens for probes, come on top."
    )
    expected = (
        "Expected samples: the mean over all true rates from 0 to 1, since none is known, rounded "
        f"up to chunks of {CHUNK}."
    )
    notes = [
        expected,
        limits,
        at_once,
    ]
    if costing.prices is None:
        notes.append("No price was given, so no money is told.")
    elif (caps := costing.submission.caps).money is not None and caps.currency != costing.currency:
        notes.append(
            f"Prices were given in {costing.currency}, so the cap of {caps.money} {caps.currency} "
            "is not compared with them."
        )
    return replace(whole, notes=(*whole.notes, *notes))
