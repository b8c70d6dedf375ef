"""What an exchange costs a budget: held before it is forwarded, given back if it cost nothing."""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from touchstone.gateway.adapters import Ask
from touchstone.gateway.config import Limits
from touchstone.gateway.decision_cache import DecisionCache, TimedDecision, TokensUsed
from touchstone.gateway.enforcing.metering import Meter
from touchstone.gateway.enforcing.usage import Hold, UsageStore, outcome_of
from touchstone.gateway.errors import RefusedError

_log = logging.getLogger(__name__)
_BUSY_SECONDS = 2
_COST_NOTHING = {500, 501, 502, 503, 529}
"""An endpoint that says one of these has served nothing. Others may be a proxy that gave up."""
_MEDIA = frozenset(
    {
        "image",
        "image_url",
        "input_image",
        "document",
        "input_file",
        "file",
        "video_url",
        "audio_url",
    }
)
_MEDIA_TOKENS = 16_384
"""What something may count that the endpoint fetches by its address."""


@dataclass(slots=True)
class Charge:
    """What an exchange costs; free where no rule counts tokens."""

    hold: Hold | None = None
    meter: Meter | None = None
    tokens: int | None = 0
    """None: it was sent and nobody knows yet; the hold stands."""
    asked: int = 0
    """What the request itself may count."""
    sent_at: float | None = None
    free: bool = False
    """Whether no model answers: it costs nothing, whatever comes of it."""
    strip: bool = False
    """Whether the gateway asked for usage that the caller did not ask for."""

    def sent(self, now: float) -> None:
        """From here on the endpoint may have begun."""
        if not self.free:
            # Written or half written: from here on only the endpoint knows what it cost.
            self.tokens, self.sent_at = None, now

    def answered(self, status: int, *, stream: bool) -> None:
        """The answer's head is there: a refusal costs nothing, unless its body says otherwise."""
        if 300 <= status < 500 or status in _COST_NOTHING:  # noqa: PLR2004 - HTTP's classes
            self.tokens = 0
        if self.hold is not None:
            self.meter = Meter(stream=stream)

    def ended(self) -> None:
        """The answer came to its end."""
        # A path that only counts tokens names many in its answer, and used none.
        if self.meter is None or self.free:
            return
        said = self.meter.tokens(self.asked)
        if said is not None:
            # A refusal that says what it used all the same is believed over its status.
            self.tokens = max(said, self.tokens or 0)

    def broke_off(self, now: float, tokens_a_second: int) -> None:
        """A stream ended before its end: what went out counts, and what time allowed unseen."""
        if self.tokens is not None or self.hold is None or self.meter is None:
            return
        if self.sent_at is not None and self.meter.streams:
            seconds = now - self.sent_at
            unseen = self.asked + int(seconds * tokens_a_second)
            self.tokens = max(self.meter.delivered(self.asked), min(unseen, self.hold.tokens))


def begin_to_settle(charge: Charge, usage: UsageStore) -> "Future[None] | None":
    """Put what was used in the place of what was held, where it is known; once."""
    if charge.hold is None or charge.tokens is None:
        return None
    # Taken out first: a cut and the end of the task both come here.
    hold, charge.hold = charge.hold, None
    return usage.settle(hold, charge.tokens)


async def settle(charge: Charge, usage: UsageStore) -> None:
    """As `begin_to_settle`, and wait for it; what cannot be settled now stays held."""
    settling = begin_to_settle(charge, usage)
    if settling is None:
        return
    try:
        await outcome_of(settling)
    except RefusedError as error:
        _log.warning("a hold stands until it can be settled: %s", error)


def most_tokens(ask: Ask, path: str, body: bytes, limits: Limits) -> int:
    """The most that a request can use: of its input, and of each answer that it lets be made.

    A token has at least one byte. `unseen_tokens` is the largest context window there is.
    """
    # An embedding writes no tokens, and has no field that would bound them.
    outputs = 0 if path.endswith("/embeddings") else _outputs(ask)
    each = limits.unseen_tokens
    if outputs is not None:
        each = min(each, input_tokens(ask, body) + outputs)
    return each * _choices(ask)


def input_tokens(ask: Ask, body: bytes) -> int:
    """The most that the request's own words count."""
    return len(body) + _MEDIA_TOKENS * _fetched(ask.content)


def _outputs(ask: Ask) -> int | None:
    said = [
        value
        for name in ("max_tokens", "max_completion_tokens", "max_output_tokens")
        if type(value := ask.content.get(name)) is int
    ]
    # Of several bounds an endpoint may take any: the largest is what it could cost.
    return max(said, default=None)


def _choices(ask: Ask) -> int:
    # With `best_of`, answers are written and paid for that nobody is shown.
    many = max(int(ask.content.get(name) or 1) for name in ("n", "best_of"))
    prompts = ask.content.get("prompt")
    if isinstance(prompts, list) and any(isinstance(each, str | list) for each in prompts):
        many *= len(prompts)
    return max(many, 1)


def _fetched(value: object) -> int:
    """How many things a request has the endpoint fetch."""
    if isinstance(value, list):
        return sum(map(_fetched, value))
    if not isinstance(value, dict):
        return 0
    kind = value.get("type")
    # An address of 30 bytes may stand for a whole film: its own bytes say nothing of its tokens.
    here = isinstance(kind, str) and kind in _MEDIA
    return here + sum(map(_fetched, value.values()))


def tokens_spent(
    decide: Callable[[TokensUsed], TimedDecision],
    decisions: DecisionCache,
    hold: Hold | None,
    now: float,
) -> RefusedError | None:
    """The refusal of a request that nothing but its budget bars; None: something else does."""
    if hold is None or not decisions.counts or not decide(TokensUsed(0, 0)).decision.allowed:
        return None
    if decide(hold.settled).decision.allowed:
        words = "the rest of your token budget is set aside for your requests that are under way"
        return _spent(f"{words}: try again when one of them is over", _BUSY_SECONDS)
    moment = datetime.fromtimestamp(now, UTC)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    # From a month's first day, 32 days on is the next month, whatever its length.
    month = (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
    month = midnight if midnight.day == 1 else month
    tomorrow = TokensUsed(0, 0 if midnight.day == 1 else hold.settled.this_month)
    per, begins = ("day", midnight) if decide(tomorrow).decision.allowed else ("month", month)
    return _spent(
        f"your token budget of this {per} is spent: it begins anew at {begins:%Y-%m-%dT%H:%M:%SZ}",
        int((begins - moment).total_seconds()) + 1,
    )


def _spent(sentence: str, seconds: int) -> RefusedError:
    return RefusedError(429, "budget_spent", sentence, seconds)
