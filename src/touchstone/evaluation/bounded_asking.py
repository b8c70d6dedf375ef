"""Asking an endpoint within bounds, whatever its format: quota, time, cap, retries and faults."""

import time
from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
from inspect_ai.model import (
    ChatMessage,
    GenerateConfig,
    ModelAPI,
    ModelCall,
    ModelOutput,
    StopReason,
)
from inspect_ai.tool import ToolChoice, ToolInfo
from inspect_ai.util import LimitExceededError
from openai.types import CompletionUsage
from tenacity import RetryCallState
from tenacity.wait import wait_base, wait_exponential, wait_random

from touchstone.evaluation.endpoint_watch import (
    Call,
    EndedWithoutAnswer,
    EndpointFault,
    EndpointWatch,
)
from touchstone.evaluation.inspect_seam import (
    RetryDecision,
    sample_total_tokens,
    sample_wait,
)
from touchstone.evaluation.limits import EndpointLimits
from touchstone.evaluation.redaction import Redactor
from touchstone.evaluation.served import Served
from touchstone.evaluation.usage import sane_usage, seen_tokens
from touchstone.handin import printable_line

_RETRY_AFTER_MOST = 60.0
_BYTES_PER_TOKEN = 3
_FAULT_LENGTH = 300
READ_OF_ERROR = 100_000
"""Characters of an error that are looked at."""


class _Backoff(wait_base):
    """Exponential with jitter, or what the endpoint asks for, a minute at most."""

    def __init__(self, asking: EndpointLimits) -> None:
        first = asking.backoff_seconds
        self._wait = wait_exponential(first, max=_RETRY_AFTER_MOST) + wait_random(0, first)

    def __call__(self, retry_state: RetryCallState) -> float:
        fault = retry_state.outcome.exception() if retry_state.outcome else None
        asked = fault.retry_after if isinstance(fault, EndpointFault) else None
        # What an endpoint asks for is heard up to a minute: it could ask for a week.
        return max(self._wait(retry_state), min(asked or 0.0, _RETRY_AFTER_MOST))


@dataclass(frozen=True)
class Exchanged:
    """What is known of a request and its answer beside what was said."""

    sent: int
    """Bytes of the request's messages, as `text_bytes` counts them."""
    bound: int | None
    """Most output tokens that the request allowed, if it said."""
    seconds: float
    """How long the answer took."""
    told: Any
    """The usage that the endpoint reported, under the names of the chat format: anything."""
    model: str
    fingerprint: str = ""


class BoundedAsking(ModelAPI):
    """A provider of Inspect's that asks within bounds; a subclass says how one attempt is made."""

    asking: EndpointLimits = EndpointLimits()
    watch: EndpointWatch = EndpointWatch()
    redactor: Redactor = Redactor("")

    @abstractmethod
    async def ask_once(
        self,
        messages: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput | tuple[ModelOutput | Exception, ModelCall]:
        """One attempt, as Inspect's provider makes it."""

    @abstractmethod
    def fault_of(self, error: Exception) -> EndpointFault | EndedWithoutAnswer:
        """What went wrong in an attempt, as the endpoint's fault: one line, without the key."""

    async def generate(
        self,
        input: list[ChatMessage],  # noqa: A002 - Inspect's name
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput | tuple[ModelOutput | Exception, ModelCall]:
        """One attempt, within the quota, the time bound and the sample's cap."""
        if reason := self.watch.refuse():
            # A limit, for Inspect judges and records what a limit ended, and would retry an error.
            raise LimitExceededError("custom", value=1, limit=1, message=reason)
        config = self._within_cap(input, config)
        slot = self.watch.slot()
        if slot is None:
            return await self._attempt(input, tools, tool_choice, config)
        # Time in a queue of ours is not the model's working time.
        with sample_wait():
            await slot.__aenter__()
        try:
            return await self._attempt(input, tools, tool_choice, config)
        finally:
            await slot.__aexit__(None, None, None)

    async def _attempt(
        self,
        messages: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput | tuple[ModelOutput | Exception, ModelCall]:
        try:
            async with self.bounded():
                return await self.ask_once(messages, tools, tool_choice, config)
        except EndedWithoutAnswer as ended:
            self.watch.declined(Call(ended.stop, refused=ended.stop == "content_filter"))
            reason: StopReason = "model_length" if ended.stop == "length" else "content_filter"
            return ModelOutput.from_content(self.model_name, ended.text, stop_reason=reason)

    @asynccontextmanager
    async def bounded(self) -> AsyncIterator[None]:
        """The time of one attempt; what goes wrong in it comes out as the endpoint's fault."""
        seconds, began = self.asking.attempt_seconds, time.monotonic()
        try:
            with anyio.fail_after(seconds):
                # Within the bound: the SDK's own time-out begins anew with each byte that comes.
                yield
        except TimeoutError:
            text = f"no whole answer within {seconds} s"
            raise EndpointFault(text, retryable=True) from None
        except (EndedWithoutAnswer, EndpointFault):
            raise
        except Exception as error:  # noqa: BLE001 - the SDK trips over answers in ways of its own
            # Not chained: what the endpoint said would stand in Inspect's log of the error.
            raise self.fault_of(error) from None
        finally:
            self.watch.waited(time.monotonic() - began)

    def heard(self, answer: Served, exchanged: Exchanged) -> CompletionUsage:
        """Count an answer that passed the door, tell the watcher of it, and give its usage."""
        sent, bound = exchanged.sent, exchanged.bound
        usage, used, notes = sane_usage(exchanged.told, sent, answer.size, bound, exchanged.seconds)
        # Some servers end at the bound that was asked for, and say that the model stopped.
        full = bound is not None and used.output >= bound
        self.watch.called(
            used,
            exchanged.model,
            exchanged.fingerprint,
            (*answer.notes, *(self.line(note) for note in notes)),
        )
        self.watch.ended(
            Call(
                stop="length" if full and answer.stop != "content_filter" else answer.stop,
                unknown_end=answer.unknown_end,
                refused=answer.refused,
                submitted=answer.submitted,
                asked=answer.asked,
                seen=seen_tokens(used, sent, answer.size),
                said=answer.said,
            )
        )
        return usage

    def should_retry(self, ex: BaseException) -> RetryDecision:
        """Only what a later attempt may fix."""
        retry = isinstance(ex, EndpointFault) and ex.retryable
        return RetryDecision.transient() if retry else RetryDecision.no()

    def retry_wait(self) -> wait_base:
        """Bounded exponential backoff."""
        return _Backoff(self.asking)

    async def count_text_tokens(self, text: str) -> int:
        """An estimate by length: a tokenizer would download its vocabulary."""
        return len(text.encode()) // _BYTES_PER_TOKEN + 1

    def _within_cap(self, messages: list[ChatMessage], config: GenerateConfig) -> GenerateConfig:
        """Under a hard cap, do not begin a call that could pass it, and shorten its answer."""
        limit = self.watch.token_limit()
        if limit is None:
            return config
        used = sample_total_tokens()
        asked = sum(len(message.text.encode()) for message in messages) // _BYTES_PER_TOKEN
        # The prompt is sent anew with each call, and counts each time.
        left = limit - used - asked
        if left <= 0:
            raise LimitExceededError("token", value=used + asked, limit=limit)
        return config.model_copy(update={"max_tokens": min(config.max_tokens or left, left)})

    def line(self, text: str) -> str:
        """A stranger's text as one line that can be shown, without the key."""
        return printable_line(self.redactor.of_error(text[:READ_OF_ERROR]), _FAULT_LENGTH)
