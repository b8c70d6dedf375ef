"""Hard caps: what a chunk may spend, what is left of a review's, and how the endpoint is asked."""

from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from typing import Annotated

from pydantic import Field

from touchstone.evaluation.digests import Frozen
from touchstone.evaluation.outcomes import Usage
from touchstone.evaluation.submission import Caps

_MILLION = Decimal(1_000_000)


class EndpointLimits(Frozen):
    """How an endpoint is asked: every bound that keeps a bad one from holding a worker."""

    max_samples: Annotated[int, Field(ge=1, le=64)] = 4
    """Samples at the same time in one worker."""
    max_connections: Annotated[int, Field(ge=1, le=1024)] = 8
    """Requests in flight to one endpoint, over all reviews on this machine."""
    requests_per_second: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Requests begun in a second, over all reviews on this machine; 0 for no bound."""
    attempt_seconds: Annotated[int, Field(ge=1)] = 120
    """One request, from the first byte sent to the last byte received."""
    retries: Annotated[int, Field(ge=0, le=20)] = 4
    """Further attempts after 429, 5xx, time-outs, broken connections and unusable answers."""
    backoff_seconds: Annotated[int, Field(ge=0, le=60)] = 1
    """Wait before the first retry; doubled each time up to a minute, with jitter."""
    response_bytes: Annotated[int, Field(ge=1024)] = 8 * 1024 * 1024
    """Largest answer read from the endpoint, in bytes as sent."""
    sample_seconds: Annotated[int, Field(ge=1)] = 3600
    """Wall seconds of a sample, waits for quota and retries included."""


@dataclass(frozen=True)
class Allowance:
    """What one chunk may spend at most; None where nothing is capped."""

    tokens: int | None = None
    """Input and output together. Money is counted in tokens, at the dearer price."""
    seconds: int | None = None
    """Wall seconds from the chunk's start."""


@dataclass
class Budget:
    """What is left of a review's caps. The caller owns it and gives each chunk an allowance.

    What was given to chunks still running counts as spent, so that chunks at the same time, in
    any number of processes, stay within the caps together.
    """

    caps: Caps
    _totals: dict[str, Usage] = field(default_factory=dict)
    _given: dict[str, int] = field(default_factory=dict)

    @property
    def spent(self) -> Usage:
        """Tokens of all chunks, as far as they are settled."""
        return sum(self._totals.values(), Usage())

    def allow(self, chunk: str, per_sample: int, samples: int, elapsed: int) -> Allowance | None:
        """Set aside what a chunk may spend; None where not even one sample fits.

        Args:
            chunk: The chunk's id.
            per_sample: Most tokens that one sample may use (the elicitation's limit).
            samples: How many samples are to run.
            elapsed: Wall seconds since the review's first chunk began.
        """
        seconds = None if self.caps.wall_seconds is None else self.caps.wall_seconds - elapsed
        if seconds is not None and seconds <= 0:
            return None
        left = self._tokens_left()
        if left is None:
            return Allowance(None, seconds)
        if left < per_sample:
            return None
        # Not all that is left: other chunks are to run at the same time.
        self._given[chunk] = min(left, per_sample * samples)
        return Allowance(self._given[chunk], seconds)

    def settle(self, chunk: str, total: Usage) -> None:
        """Count a chunk's total (`ChunkResult.total`), and free the rest of what was set aside.

        Settling again replaces the chunk's earlier total, so a repeated chunk is counted once.
        """
        self._given.pop(chunk, None)
        self._totals[chunk] = total

    def money(self) -> Decimal:
        """Spent so far, in the caps' currency; 0 where no prices were given."""
        return cost(self.caps, self.spent)

    def _tokens_left(self) -> int | None:
        given = sum(self._given.values())
        left = None if self.caps.tokens is None else self.caps.tokens - self.spent.total - given
        if self.caps.money is not None and (price := _dearest(self.caps)):
            # At the dearer price: which kind of token a chunk will use nobody knows beforehand.
            affordable = int((self.caps.money - self.money()) * _MILLION / price) - given
            left = affordable if left is None else min(left, affordable)
        return left


def _dearest(caps: Caps) -> Decimal:
    """The dearer of both prices per million tokens: a token can cost no more than this."""
    return max(caps.price_input or Decimal(0), caps.price_output or Decimal(0))


def cost(caps: Caps, usage: Usage) -> Decimal:
    """What the tokens cost, rounded up to a millionth."""
    spent = usage.input * (caps.price_input or Decimal(0))
    spent += usage.output * (caps.price_output or Decimal(0))
    # Upwards: a cap in money must not be passed by roundings.
    return (spent / _MILLION).quantize(Decimal("0.000001"), ROUND_CEILING)
