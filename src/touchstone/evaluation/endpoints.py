"""Asking one endpoint through Inspect's OpenAI-compatible provider, with every bound in place.

Inspect's provider follows redirects, reads answers of any length, trusts the usage that it is
told, retries for ever by default, and can reach a tokenizer that downloads its vocabulary. A
review may do none of these: the subject's own server stands at the other end.
"""

import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, cast

import httpx2
from inspect_ai.model import (
    ChatMessage,
    GenerateConfig,
    Model,
    ModelCall,
    ModelOutput,
    get_model,
    modelapi,
)
from inspect_ai.tool import ToolChoice, ToolInfo
from openai import APIStatusError, DefaultAsyncHttpxClient, NotGiven, Omit
from openai.types.chat import ChatCompletion, ChatCompletionMessage
from openai.types.chat.chat_completion import Choice

from touchstone.evaluation.bounded_asking import BoundedAsking, Exchanged
from touchstone.evaluation.cleaning import NotAnAnswerError
from touchstone.evaluation.declining import declined_stop
from touchstone.evaluation.door import ServedCompletion, admit, admit_object
from touchstone.evaluation.endings import Stop
from touchstone.evaluation.endpoint_watch import (
    Call,
    EndedWithoutAnswer,
    EndpointFault,
    EndpointWatch,
)
from touchstone.evaluation.formats import (
    NotTranslatableError,
    Translated,
    Wire,
    chat_form,
    translate,
    wire_of,
)
from touchstone.evaluation.inspect_seam import (
    ProviderSeam,
    default_client_kwargs,
    openai_classify_retry,
)
from touchstone.evaluation.kept_answers import HeardAnswer
from touchstone.evaluation.limits import EndpointLimits
from touchstone.evaluation.redaction import Redactor
from touchstone.evaluation.submission import Mode
from touchstone.evaluation.transport import BoundedTransport, trusted_certificates
from touchstone.evaluation.usage import text_bytes

PROVIDER = "touchstone"


class BoundedEndpoint(BoundedAsking, ProviderSeam):
    """Inspect's OpenAI-compatible provider, bounded. Made by `open_endpoint` alone."""

    wire: Wire | None = None
    """The format that the endpoint speaks, where it is not the chat format."""
    thinking: int | None = None
    """The mode's budget for reasoning, in tokens: the chat format has no word for it."""

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

    def bind(self, asking: EndpointLimits, watch: EndpointWatch, mode: Mode) -> None:
        """Set the bounds, the watcher and the format, and make the client anew with them."""
        self.asking, self.watch = asking, watch
        self.wire, self.thinking = wire_of(mode.format), mode.settings.reasoning_tokens
        self.redactor = Redactor(str(self.api_key))
        self.http_client = self.make_client()
        self.initialize()

    async def ask_once(
        self,
        messages: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput | tuple[ModelOutput | Exception, ModelCall]:
        """One attempt, as Inspect's provider makes it."""
        return await ProviderSeam.generate(self, messages, tools, tool_choice, config)

    async def answer(self, request: dict[str, Any]) -> ChatCompletion:
        """One attempt at a request that came in the protocol's own form, under the same bounds.

        Raises:
            EndpointFault: what the endpoint did, or why it may not be asked.
        """
        if reason := self.watch.refuse():
            raise EndpointFault(reason, retryable=False)
        try:
            async with self.watch.slot() or nullcontext(), self.bounded():
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

    async def complete(self, request: dict[str, Any]) -> ChatCompletion:
        """What the endpoint answers to one request, once the door has let it in."""
        self.watch.sending(request)
        if (before := self.watch.kept(request)) is not None:
            if before.kind == "declined":
                stop: Stop = "length" if before.stop == "length" else "content_filter"
                raise EndedWithoutAnswer(stop, before.said.decode())
            return self._heard(self._admitted(before.said, request), request, before.seconds)
        began = time.monotonic()
        try:
            raw = await self._sent(request)
            answer = self._admitted(raw, request)
        except APIStatusError as error:
            # Asked first whether it tells of the model: a full context is no fault of the endpoint.
            if (ended := self._declined(error)) is None:
                raise self.fault_of(error) from None
            seconds, text = time.monotonic() - began, ended.text.encode()
            self.watch.keep(request, HeardAnswer("declined", text, seconds, ended.stop))
            raise ended from None
        except NotAnAnswerError as error:
            raise EndpointFault(self.line(str(error)), retryable=True) from None
        seconds = time.monotonic() - began
        # Before anybody hears of it: what was heard and lost could be asked for a second time.
        self.watch.keep(request, HeardAnswer("answer", raw, seconds))
        return self._heard(answer, request, seconds)

    async def _sent(self, request: dict[str, Any]) -> bytes:
        """Send a request in the endpoint's format, and give its answer's bytes as they came."""
        if self.wire is None:
            # The bytes: the SDK does not validate what it makes of them.
            raw = await self.client.chat.completions.with_raw_response.create(**request)
            return bytes(raw.content)
        sent = self._translated(self.wire, request)
        # Nothing but the format's own headers carries the key.
        headers: dict[str, str | Omit] = {"Authorization": Omit()}
        answer = await self.client.post(
            sent.path,
            cast_to=httpx2.Response,
            body=sent.body,
            options={"headers": {**headers, **self.wire.headers(str(self.api_key))}},
        )
        return bytes(answer.content)

    def _translated(self, wire: Wire, request: dict[str, Any]) -> Translated:
        # The SDK marks what is not given by objects of its own.
        given = {
            name: value
            for name, value in request.items()
            if value is not None and not isinstance(value, NotGiven | Omit)
        }
        try:
            return translate(wire, given, self.thinking)
        except NotTranslatableError as error:
            raise EndpointFault(self.line(str(error)), retryable=False) from None

    def _admitted(self, said: bytes, request: dict[str, Any]) -> ServedCompletion:
        """An answer's bytes, of any format, as they pass the one door."""
        if self.wire is None:
            return admit(said, _offered(request), self.redactor)
        completion, notes = chat_form(self.wire, said, request)
        answer = admit_object(completion, _offered(request), self.redactor)
        return replace(
            answer, notes=(*self._translated(self.wire, request).notes, *notes, *answer.notes)
        )

    def _heard(
        self, answer: ServedCompletion, request: dict[str, Any], seconds: float
    ) -> ChatCompletion:
        """Count an answer that passed the door, and tell the watcher of it."""
        told = answer.completion["usage"]
        # Its usage is anything; what is possible of it is put in afterwards.
        completion = ChatCompletion.model_validate({**answer.completion, "usage": None})
        completion.usage = self.heard(
            answer,
            Exchanged(
                sent=text_bytes(request["messages"]),
                bound=request.get("max_completion_tokens") or request.get("max_tokens"),
                seconds=seconds,
                told=told,
                model=completion.model,
                fingerprint=completion.system_fingerprint or "",
            ),
        )
        return completion

    def _declined(self, error: APIStatusError) -> EndedWithoutAnswer | None:
        """What a refused request says of the model: its context is full, or its filter spoke."""
        stop = declined_stop(error.status_code, error.code, error.type, error.message)
        if stop is None:
            return None
        full = "context full: " if stop == "length" else ""
        return EndedWithoutAnswer(stop, self.line(f"{full}{error.message}"))

    def fault_of(self, error: Exception) -> EndpointFault:
        """A fault of the endpoint's, of whatever the SDK raised."""
        decision = openai_classify_retry(error)
        status = f"HTTP {error.status_code}: " if isinstance(error, APIStatusError) else ""
        cause = error.__cause__
        text = f"{error} ({cause})" if cause is not None and not status else f"{status}{error}"
        if isinstance(error, RecursionError | AttributeError | TypeError | ValueError):
            text = "the answer is not a chat completion"
        # What is not the endpoint's clear refusal is taken for a passing trouble.
        retryable = bool(decision) or not isinstance(error, APIStatusError)
        after = decision.retry_after if decision else None
        return EndpointFault(self.line(text), retryable=retryable, retry_after=after)


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
    cast("BoundedEndpoint", model.api).bind(asking, watch, mode)
    return model
