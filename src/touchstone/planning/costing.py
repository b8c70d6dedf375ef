"""What samples take: tokens, money, days; and whether caps and window hold them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from touchstone.evaluation import Submission
from touchstone.evaluation.packs.manifest import PackLimits
from touchstone.evaluation.token_bounds import probe_tokens, ready_tokens
from touchstone.planning.forecast import Cost, Forecast
from touchstone.planning.notes import NoteCode, PlanNote
from touchstone.planning.options import PlanOptions
from touchstone.verdicts.preregistration import CHUNK

_DAY = 86_400
NO_LIMITS = PackLimits()
_MILLION = Decimal(1_000_000)


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

    def expected(
        self, samples: float, usual: MeanCost | None, limits: PackLimits = NO_LIMITS
    ) -> Cost:
        """At what such samples took before, or are expected to; without any, at the limits."""
        if usual is None:
            return self.worst(samples, limits)
        money = self._money(samples * usual.input, samples * usual.output)
        return Cost(samples, samples * usual.tokens, money, self._days(samples, usual.seconds))

    def worst(self, samples: float, limits: PackLimits = NO_LIMITS) -> Cost:
        """At the limits, a set's own or the elicitation's, every token at the dearer price."""
        how = self.options.elicitation
        tokens = samples * (limits.tokens or how.token_limit)
        seconds = limits.working_seconds or limits.seconds or how.working_seconds
        # A limit on tokens says nothing of how many are read and how many written.
        dearer = self.prices is not None and self.prices[0] > self.prices[1]
        money = self._money(tokens if dearer else 0, 0 if dearer else tokens)
        return Cost(samples, tokens, money, self._days(samples, seconds))

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
    left: NoteCode = "bound-business-days" if whole.business_days else "bound-days"
    window = PlanNote(left, days=whole.days_left, until=whole.review_by)
    # Samples take days of 24 hours, and run at weekends too.
    bounds = [(window, expected.days, worst.days, float(whole.calendar_days), timed)]
    if caps.tokens is not None:
        cap = PlanNote("bound-tokens", tokens=caps.tokens)
        bounds.append((cap, expected.tokens, worst.tokens, float(caps.tokens), measured))
    # Amounts in two currencies cannot be compared, and no rate of exchange is assumed: a note says
    # so.
    money = caps.money if caps.currency == costing.currency else None
    if money is not None and expected.money is not None and worst.money is not None:
        cap = PlanNote("bound-money", money=str(money), currency=caps.currency)
        bounds.append((cap, float(expected.money), float(worst.money), float(money), measured))
    if caps.wall_seconds is not None:
        cap = PlanNote("bound-seconds", seconds=caps.wall_seconds)
        bounds.append((cap, expected.days, worst.days, caps.wall_seconds / _DAY, timed))
    cannot, notes = [], []
    for what, mean, most, bound, known in bounds:
        # "Cannot" is said of what was measured before; a limit that nobody reaches proves nothing.
        if mean > bound and known:
            cannot.append(PlanNote("beyond", bound=what))
        elif most > bound:
            notes.append(PlanNote("beyond-at-worst", bound=what))
    return replace(whole, cannot=(*whole.cannot, *cannot), notes=(*whole.notes, *notes))


def cost_assumptions(whole: Forecast, costing: Costing) -> Forecast:
    """The same, with where the numbers come from."""
    # Modes are probed before the first sample and after the last.
    probes = 2 * probe_tokens(costing.submission) + ready_tokens(costing.submission)
    notes = [
        PlanNote("expected", chunk=CHUNK),
        _limits(costing),
        PlanNote("at-once", samples=costing.options.concurrency, tokens=probes),
    ]
    if costing.prices is None:
        notes.append(PlanNote("no-price"))
    elif (caps := costing.submission.caps).money is not None and caps.currency != costing.currency:
        notes.append(
            PlanNote(
                "other-currency",
                given=costing.currency,
                money=str(caps.money),
                currency=caps.currency,
            )
        )
    return replace(whole, notes=(*whole.notes, *notes))


def _limits(costing: Costing) -> PlanNote:
    """What a sample takes: at worst, before, and as given."""
    told: dict[str, Any] = {
        "tokens": costing.options.elicitation.token_limit,
        "seconds": costing.options.elicitation.working_seconds,
    }
    earlier = tuple(
        PlanNote(
            "earlier",
            family=family,
            tokens=each.tokens,
            seconds=each.seconds,
            samples=each.samples,
            cases=each.cases,
        )
        for (family, mode), each in sorted(costing.seen.items())
        if not mode
    )
    pace = costing.options.seconds_per_sample
    codes: dict[tuple[bool, bool], NoteCode] = {
        (False, False): "limits",
        (True, False): "limits-known",
        (False, True): "limits-paced",
        (True, True): "limits-known-paced",
    }
    if earlier:
        told["earlier"] = earlier
    if pace is not None:
        told["pace"] = pace
    return PlanNote(codes[bool(earlier), pace is not None], **told)
