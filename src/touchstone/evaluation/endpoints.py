"""Asking one endpoint through Inspect's OpenAI-compatible provider, with every bound in place.

Inspect's provider follows redirects, reads answers of any length, trusts the usage that it is
told, retries for ever by default, and can reach a tokenizer that downloads its vocabulary. A
review may do none of these: the subject's own server stands at the other end.
"""

import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, cast

import anyio
from inspect_ai.model import (
    ChatMessage,
    GenerateConfig,
    Model,
    ModelCall,
    ModelOutput,
    StopReason,
    get_model,
    modelapi,
)
from inspect_ai.tool import ToolChoice, ToolInfo
from inspect_ai.util import LimitExceededError
from openai import APIStatusError, DefaultAsyncHttpxClient
from openai.types.chat import ChatCompletion, ChatCompletionMessage
from openai.types.chat.chat_completion import Choice
from tenacity import RetryCallState
from tenacity.wait import wait_base, wait_exponential_jitter

from touchstone.evaluation.door import NotAnAnswerError, ServedCompletion, admit
from touchstone.evaluation.endings import Stop
from touchstone.evaluation.inspect_seam import (
    ProviderSeam,
    RetryDecision,
    default_client_kwargs,
    openai_classify_retry,
    sample_total_tokens,
    sample_wait,
)
from touchstone.evaluation.kept_answers import HeardAnswer
from touchstone.evaluation.limits import EndpointLimits
from touchstone.evaluation.outcomes import Usage
from touchstone.evaluation.redaction import Redactor
from touchstone.evaluation.submission import Mode
from touchstone.evaluation.transport import BoundedTransport, trusted_certificates
from touchstone.evaluation.usage import sane_usage, seen_tokens, text_bytes
from touchstone.handin import printable_line

PROVIDER = "touchstone"
_RETRY_AFTER_MOST = 60.0
_BYTES_PER_TOKEN = 3
_FAULT_LENGTH = 300
_READ_OF_ERROR = 100_000
# Servers say in their own words, and with several codes, that the conversation no longer fits.
_CONTEXT_FULL = re.compile(
    r"context[ _](length|window|size)|maximum context|input length|max_model_len|too many tokens"
    r"|(prompt|input|request) is too long|exceeds? the (maximum|available) (context|sequence)"
    r"|max_new_tokens`? must be",
    re.IGNORECASE,
)
_CONTEXT_CODES = frozenset({400, 413, 422, 500})
# As Inspect knows them, of OpenAI and Azure.
_POLICY_CODES = frozenset(
    {"invalid_prompt", "content_policy_violation", "content_filter", "bio_policy", "cyber_policy"}
)


class EndpointFault(Exception):  # noqa: N818 - a fault of the endpoint, not of ours
    """An endpoint refused, hung, broke off or answered nonsense. One line, without the key."""

    def __init__(self, text: str, *, retryable: bool, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retryable = retryable
        self.retry_after = retry_after


class EndedWithoutAnswer(Exception):  # noqa: N818 - a way to end, not an error
    """The endpoint declined the request in a way that tells of the model, not of a fault."""

    def __init__(self, stop: Stop, text: str) -> None:
        super().__init__(text)
        self.stop = stop
        self.text = text


@dataclass(frozen=True)
class Call:
    """How one call ended, as far as it matters to what the sample's result is worth."""

    stop: Stop
    """`length` at any limit on output or context, the model's or the provider's, and for an answer
    that is not said to be whole."""
    unknown_end: str = ""
    """What was told of the answer's end, where that is no word for one; one line."""
    refused: bool = False
    submitted: bool = False
    asked: int = 0
    """Tool calls that the model asked for, `submit` aside."""
    seen: int = 0
    """Tokens that the bytes to and fro account for; what was reported may be more."""
    said: str = ""
    """Digest of what the model said; empty where the endpoint declined to give an answer."""


class EndpointWatch:
    """What the endpoint tells the engine of each call; the plain one ignores it."""

    def called(self, usage: Usage, model: str, fingerprint: str, notes: tuple[str, ...]) -> None:
        """An answer came."""

    def ended(self, call: Call) -> None:
        """How a call ended: after each answer, and where the endpoint declined to give one."""

    def declined(self, call: Call) -> None:
        """The endpoint declined to answer, in a way that tells of the model."""
        self.ended(call)

    def sending(self, request: Mapping[str, Any]) -> None:
        """A request goes out, or another attempt at it."""

    def kept(self, request: Mapping[str, Any]) -> HeardAnswer | None:  # noqa: ARG002 - for others
        """What was answered to this request before a death, if the sample runs again after one."""
        return None

    def keep(self, request: Mapping[str, Any], exchange: HeardAnswer) -> None:
        """An answer came, and is not handed on before this returns."""

    def waited(self, seconds: float) -> None:
        """How long the endpoint took for one attempt, whatever came of it."""

    def slot(self) -> AbstractAsyncContextManager[None] | None:
        """The shared quota's slot for one request, if there is a quota."""
        return None

    def token_limit(self) -> int | None:
        """Tokens that the running sample may use in all, where that is a hard cap."""
        return None

    def refuse(self) -> str:
        """Why no further call may be made, or an empty text."""
        return ""


class _Backoff(wait_base):
    """Exponential with jitter, or what the endpoint asks for, a minute at most."""

    def __init__(self, asking: EndpointLimits) -> None:
        first = asking.backoff_seconds
        self._wait = wait_exponential_jitter(multiplier=first, max=_RETRY_AFTER_MOST, jitter=first)

    def __call__(self, retry_state: RetryCallState) -> float:
        fault = retry_state.outcome.exception() if retry_state.outcome else None
        asked = fault.retry_after if isinstance(fault, EndpointFault) else None
        # What an endpoint asks for is heard up to a minute: it could ask for a week.
        return max(self._wait(retry_state), min(asked or 0.0, _RETRY_AFTER_MOST))


class BoundedEndpoint(ProviderSeam):
    """Inspect's OpenAI-compatible provider, bounded. Made by `open_endpoint` alone."""

    asking: EndpointLimits = EndpointLimits()
    watch: EndpointWatch = EndpointWatch()
    redactor: Redactor = Redactor("")

    def make_client(self) -> DefaultAsyncHttpxClient:
        """A client that follows no redirect and bounds what it is answered."""
        # A redirect would let another address answer under this endpoint's digest.
        kwargs = default_client_kwargs(follow_redirects=False, verify=trusted_certificates())
        bound = self.asking.response_bytes
        kwargs["transport"] = BoundedTransport(kwargs["transport"], bound)
        kwargs["mounts"] = {
            pattern: BoundedTransport(mounted, bound) if mounted else None
            for pattern, mounted in kwargs["mounts"].items()
        }
        return DefaultAsyncHttpxClient(**kwargs)

    def bind(self, asking: EndpointLimits, watch: EndpointWatch) -> None:
        """Set the bounds and the watcher, and make the client anew with them."""
        self.asking, self.watch = asking, watch
        self.redactor = Redactor(str(self.api_key))
        self.http_client = self.make_client()
        self.initialize()

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
            async with self._bounded():
                return await super().generate(messages, tools, tool_choice, config)
        except EndedWithoutAnswer as ended:
            self.watch.declined(Call(ended.stop, refused=ended.stop == "content_filter"))
            reason: StopReason = "model_length" if ended.stop == "length" else "content_filter"
            return ModelOutput.from_content(self.model_name, ended.text, stop_reason=reason)

    async def answer(self, request: dict[str, Any]) -> ChatCompletion:
        """One attempt at a request that came in the protocol's own form, under the same bounds.

        Raises:
            EndpointFault: what the endpoint did, or why it may not be asked.
        """
        if reason := self.watch.refuse():
            raise EndpointFault(reason, retryable=False)
        try:
            async with self.watch.slot() or nullcontext(), self._bounded():
                return await self.complete({**request, "model": self.service_model_name()})
        except EndedWithoutAnswer as ended:
            self.watch.declined(Call(ended.stop, refused=ended.stop == "content_filter"))
            message = ChatCompletionMessage(role="assistant", content=ended.text)
            filtered = ended.stop == "content_filter"
            choice = Choice(
                index=0,
                finish_reason="content_filter" if filtered else "length",
                message=message,
            )
            return ChatCompletion(
                id="none",
                choices=[choice],
                created=0,
                model=self.service_model_name(),
                object="chat.completion",
            )

    @asynccontextmanager
    async def _bounded(self) -> AsyncIterator[None]:
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
            raise self._fault(error) from None
        finally:
            self.watch.waited(time.monotonic() - began)

    async def complete(self, request: dict[str, Any]) -> ChatCompletion:
        """What the endpoint answers to one request, once the door has let it in."""
        self.watch.sending(request)
        if (before := self.watch.kept(request)) is not None:
            if before.kind == "declined":
                stop: Stop = "length" if before.stop == "length" else "content_filter"
                raise EndedWithoutAnswer(stop, before.said.decode())
            again = admit(before.said, _offered(request), self.redactor)
            return self._heard(again, request, before.seconds)
        began = time.monotonic()
        try:
            # The bytes as they came: the SDK does not validate what it makes of them.
            raw = await self.client.chat.completions.with_raw_response.create(**request)
            answer = admit(raw.content, _offered(request), self.redactor)
        except APIStatusError as error:
            # Asked first whether it tells of the model: a full context is no fault of the endpoint.
            if (ended := self._declined(error)) is None:
                raise self._fault(error) from None
            seconds, text = time.monotonic() - began, ended.text.encode()
            self.watch.keep(request, HeardAnswer("declined", text, seconds, ended.stop))
            raise ended from None
        except NotAnAnswerError as error:
            raise EndpointFault(self._line(str(error)), retryable=True) from None
        seconds = time.monotonic() - began
        # Before anybody hears of it: what was heard and lost could be asked for a second time.
        self.watch.keep(request, HeardAnswer("answer", raw.content, seconds))
        return self._heard(answer, request, seconds)

    def _heard(
        self, answer: ServedCompletion, request: dict[str, Any], seconds: float
    ) -> ChatCompletion:
        """Count an answer that passed the door, and tell the watcher of it."""
        sent = text_bytes(request["messages"])
        asked = request.get("max_completion_tokens") or request.get("max_tokens")
        told = answer.completion["usage"]
        usage, used, notes = sane_usage(told, sent, answer.size, asked, seconds)
        # Its usage is anything; what is possible of it is put in afterwards.
        completion = ChatCompletion.model_validate({**answer.completion, "usage": None})
        completion.usage = usage
        # Some servers end at the bound that was asked for, and say that the model stopped.
        full = asked is not None and used.output >= asked
        self.watch.called(
            used,
            completion.model,
            completion.system_fingerprint or "",
            (*answer.notes, *(self._line(note) for note in notes)),
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
        return completion

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

    def _declined(self, error: APIStatusError) -> EndedWithoutAnswer | None:
        """What a refused request says of the model: its context is full, or its filter spoke."""
        code = error.code if isinstance(error.code, str) else ""
        text = f"{code} {error.message}"[:_READ_OF_ERROR]
        # Some servers say so with 500 and words alone.
        full = error.status_code in _CONTEXT_CODES and _CONTEXT_FULL.search(text)
        if code == "context_length_exceeded" or full:
            return EndedWithoutAnswer("length", self._line(f"context full: {error.message}"))
        blocked = error.type == "invalid_request_error" and "blocked" in error.message
        if code in _POLICY_CODES or blocked:
            return EndedWithoutAnswer("content_filter", self._line(error.message))
        return None

    def _fault(self, error: Exception) -> EndpointFault:
        decision = openai_classify_retry(error)
        status = f"HTTP {error.status_code}: " if isinstance(error, APIStatusError) else ""
        cause = error.__cause__
        text = f"{error} ({cause})" if cause is not None and not status else f"{status}{error}"
        if isinstance(error, RecursionError | AttributeError | TypeError | ValueError):
            text = "the answer is not a chat completion"
        # What is not the endpoint's clear refusal is taken for a passing trouble.
        retryable = bool(decision) or not isinstance(error, APIStatusError)
        after = decision.retry_after if decision else None
        return EndpointFault(self._line(text), retryable=retryable, retry_after=after)

    def _line(self, text: str) -> str:
        """A stranger's text as one line that can be shown, without the key."""
        return printable_line(self.redactor.of_error(text[:_READ_OF_ERROR]), _FAULT_LENGTH)


def _offered(request: Mapping[str, Any]) -> dict[str, str]:
    """The tools of a request, each with the name of its first parameter."""
    tools = request.get("tools")
    found = {}
    for tool in tools if isinstance(tools, list) else []:
        function = tool["function"]
        names = list(function.get("parameters", {}).get("properties", {}))
        found[function["name"]] = names[0] if names else ""
    return found


@modelapi(name=PROVIDER)
def _bounded_endpoint() -> type[BoundedEndpoint]:
    return BoundedEndpoint


def open_endpoint(mode: Mode, api_key: str, asking: EndpointLimits, watch: EndpointWatch) -> Model:
    """An Inspect model for a mode.

    Args:
        mode: From the submission.
        api_key: The key itself, never written anywhere.
        asking: The bounds.
        watch: Told of each call.
    """
    settings = mode.settings
    config = GenerateConfig(
        max_retries=asking.retries,
        max_connections=asking.max_connections,
        reasoning_effort=settings.reasoning_effort,
        reasoning_tokens=settings.reasoning_tokens,
        max_tokens=settings.max_tokens,
        temperature=None if settings.temperature is None else float(settings.temperature),
        top_p=None if settings.top_p is None else float(settings.top_p),
        seed=settings.seed,
    )
    name = mode.model.split("/", 1)[1]
    # The SDK's own retries would hide behind ours.
    model = get_model(
        f"{PROVIDER}/{name}",
        # Inspect would give an earlier chunk's model back, bound to that chunk's watcher.
        memoize=False,
        base_url=mode.base_url,
        api_key=api_key,
        config=config,
        max_retries=0,
    )
    cast("BoundedEndpoint", model.api).bind(asking, watch)
    return model
