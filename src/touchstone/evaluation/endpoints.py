"""Asking one endpoint through Inspect's OpenAI-compatible provider, with every bound in place.

Inspect's provider follows redirects, reads answers of any length, trusts the usage that it is
told, retries for ever by default, and can reach a tokenizer that downloads its vocabulary. A
review may do none of these: the subject's own server stands at the other end.
"""

import json
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

import anyio
from inspect_ai._util.http_defaults_httpx2 import default_client_kwargs
from inspect_ai._util.working import sample_wait
from inspect_ai.model import (
    ChatMessage,
    GenerateConfig,
    Model,
    ModelCall,
    ModelOutput,
    get_model,
    modelapi,
)
from inspect_ai.model._model import RetryDecision, sample_total_tokens
from inspect_ai.model._openai import OpenAIResponseError, openai_classify_retry
from inspect_ai.model._providers.openai_compatible import OpenAICompatibleAPI
from inspect_ai.tool import ToolChoice, ToolInfo
from inspect_ai.util import LimitExceededError
from openai import APIStatusError, DefaultAsyncHttpxClient
from openai.types.chat import ChatCompletion
from tenacity import RetryCallState
from tenacity.wait import wait_base, wait_exponential_jitter

from touchstone.evaluation.limits import Asking
from touchstone.evaluation.outcomes import Usage
from touchstone.evaluation.submission import Mode
from touchstone.evaluation.transport import BoundedTransport
from touchstone.evaluation.usage import sane_usage
from touchstone.printable import printable_line

PROVIDER = "touchstone"
_RETRY_AFTER_MOST = 60.0
_MODEL_NAME_MOST = 200
_FAULT_MOST = 300
_BYTES_PER_TOKEN = 3


class EndpointFault(Exception):  # noqa: N818 - a fault of the endpoint, not of ours
    """An endpoint refused, hung, broke off or answered nonsense. One line, without the key."""

    def __init__(self, text: str, *, retryable: bool, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retryable = retryable
        self.retry_after = retry_after


class Watch:
    """What the endpoint tells the engine of each call; the plain one ignores it."""

    def called(self, usage: Usage, model: str, fingerprint: str, notes: tuple[str, ...]) -> None:
        """An answer came."""

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

    def __init__(self, asking: Asking) -> None:
        first = asking.backoff_seconds
        self._wait = wait_exponential_jitter(multiplier=first, max=_RETRY_AFTER_MOST, jitter=first)

    def __call__(self, retry_state: RetryCallState) -> float:
        fault = retry_state.outcome.exception() if retry_state.outcome else None
        asked = fault.retry_after if isinstance(fault, EndpointFault) else None
        return max(self._wait(retry_state), min(asked or 0.0, _RETRY_AFTER_MOST))


class BoundedEndpoint(OpenAICompatibleAPI):
    """Inspect's OpenAI-compatible provider, bounded. Made by `open_endpoint` alone."""

    asking: Asking = Asking()
    watch: Watch = Watch()

    def _create_http_client(self) -> DefaultAsyncHttpxClient:
        # A redirect would let another address answer under this endpoint's digest.
        kwargs = default_client_kwargs(follow_redirects=False)
        bound = self.asking.response_bytes
        kwargs["transport"] = BoundedTransport(kwargs["transport"], bound)
        kwargs["mounts"] = {
            pattern: BoundedTransport(mounted, bound) if mounted else None
            for pattern, mounted in kwargs["mounts"].items()
        }
        return DefaultAsyncHttpxClient(**kwargs)

    def bind(self, asking: Asking, watch: Watch) -> None:
        """Set the bounds and the watcher, and make the client anew with them."""
        self.asking, self.watch = asking, watch
        self.http_client = self._create_http_client()
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
            raise LimitExceededError("custom", value=1, limit=1, message=reason)
        config = self._within_cap(input, config)
        slot = self.watch.slot()
        if slot is None:
            return await self._attempt(input, tools, tool_choice, config)
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
        seconds = self.asking.attempt_seconds
        try:
            with anyio.fail_after(seconds):
                result = await super().generate(messages, tools, tool_choice, config)
        except TimeoutError as error:
            text = f"no whole answer within {seconds} s"
            raise EndpointFault(text, retryable=True) from error
        except Exception as error:
            # The SDK trips over malformed answers in ways of its own: all are the endpoint's.
            raise self._fault(error) from error
        if isinstance(result, tuple) and isinstance(result[0], Exception):
            raise self._fault(result[0]) from result[0]
        return result

    async def _generate_completion(
        self, request: dict[str, Any], config: GenerateConfig
    ) -> ChatCompletion:
        completion = await super()._generate_completion(request, config)
        # The SDK does not validate: each field may hold anything that JSON can say.
        if not isinstance(completion, ChatCompletion):
            raise OpenAIResponseError("server_error", "the answer is not a JSON object")
        choices: Any = completion.choices
        if not isinstance(choices, list) or not choices or not getattr(choices[0], "message", None):
            raise OpenAIResponseError("server_error", "the answer holds no choice with a message")
        sent = len(json.dumps(request["messages"], default=str))
        answered = len(json.dumps(choices[0].message.model_dump(mode="json", warnings=False)))
        asked = request.get("max_completion_tokens") or request.get("max_tokens")
        completion.usage, used, notes = sane_usage(completion.usage, sent, answered, asked)
        name: Any = completion.model
        if (
            not isinstance(name, str)
            or not name.isprintable()
            or not 0 < len(name) <= _MODEL_NAME_MOST
        ):
            notes, completion.model = (*notes, "the endpoint named no model"), "unnamed"
        fingerprint: Any = completion.system_fingerprint
        if not isinstance(fingerprint, str):
            completion.system_fingerprint = None
        self.watch.called(used, completion.model, completion.system_fingerprint or "", notes)
        return completion

    def should_retry(self, ex: BaseException) -> RetryDecision:
        """Only what a later attempt may mend."""
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
        left = limit - used - asked
        if left <= 0:
            raise LimitExceededError("token", value=used + asked, limit=limit)
        return config.model_copy(update={"max_tokens": min(config.max_tokens or left, left)})

    def _fault(self, error: Exception) -> EndpointFault:
        decision = openai_classify_retry(error)
        status = f"HTTP {error.status_code}: " if isinstance(error, APIStatusError) else ""
        cause = error.__cause__
        text = f"{error} ({cause})" if cause is not None and not status else f"{status}{error}"
        if isinstance(error, json.JSONDecodeError):
            text = f"the answer is not JSON: {error.msg}"
        elif isinstance(error, RecursionError | AttributeError | TypeError | ValueError):
            text = "the answer is not a chat completion"
        # What is not the endpoint's clear refusal is taken for a passing trouble.
        retryable = bool(decision) or not isinstance(error, APIStatusError)
        told = printable_line(text.replace(str(self.api_key), "<key>"), _FAULT_MOST)
        after = decision.retry_after if decision else None
        return EndpointFault(told, retryable=retryable, retry_after=after)


@modelapi(name=PROVIDER)
def _bounded_endpoint() -> type[BoundedEndpoint]:
    return BoundedEndpoint


def open_endpoint(mode: Mode, api_key: str, asking: Asking, watch: Watch) -> Model:
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
        memoize=False,
        base_url=mode.base_url,
        api_key=api_key,
        config=config,
        max_retries=0,
    )
    cast("BoundedEndpoint", model.api).bind(asking, watch)
    return model
