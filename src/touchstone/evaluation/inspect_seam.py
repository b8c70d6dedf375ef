"""Every private name of Inspect that Touchstone relies on; no other module may use one.

Inspect keeps no promise about these. `tests/contract/evaluation/test_inspect_seam.py` says what
each is relied on for, and fails first when an upgrade takes one away or changes it.
"""

import logging
import os
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from inspect_ai._display.core import active as _display
from inspect_ai._display.log.display import LogDisplay as _LogDisplay
from inspect_ai._util import entrypoints as _entrypoints
from inspect_ai._util import logger as _inspect_logger
from inspect_ai._util.http_defaults_httpx2 import default_client_kwargs
from inspect_ai._util.registry import registry_unqualified_name
from inspect_ai._util.text import truncate_string_to_bytes
from inspect_ai._util.working import sample_wait, sample_working_time
from inspect_ai.hooks._startup import init_hooks
from inspect_ai.log import transcript
from inspect_ai.log._samples import sample_active as _sample_active
from inspect_ai.model import ChatMessage, ContentReasoning, GenerateConfig
from inspect_ai.model._model import RetryDecision, sample_total_tokens
from inspect_ai.model._openai import (
    default_reasoning_handler,
    openai_chat_message,
    openai_classify_retry,
)
from inspect_ai.model._openrouter_reasoning import reasoning_to_openrouter_reasoning_details
from inspect_ai.model._providers.openai_compatible import OpenAICompatibleAPI
from inspect_ai.util._sandbox.events import content_display
from inspect_ai.util._sandbox.registry import registry_find_sandboxenv
from openai import DefaultAsyncHttpxClient
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam

__all__ = [
    "LOADED_LATE",
    "SETTINGS",
    "ProviderSeam",
    "RetryDecision",
    "asking_sample",
    "content_display",
    "default_client_kwargs",
    "draw_nothing",
    "init_hooks",
    "limit_reached",
    "logging_as_it_was",
    "note_beside",
    "openai_classify_retry",
    "own_data_folder",
    "registry_find_sandboxenv",
    "sample_total_tokens",
    "sample_wait",
    "sample_working_time",
    "shortened_text",
    "unqualified_name",
]

LOADED_LATE = ("inspect_ai.model._providers.anthropic", "inspect_ai.agent._acp.server")
"""What Inspect loads only at a first sample, and what costs more than all the rest of it."""

SETTINGS: dict[str, Any] = {
    "display": "none",
    "log_level": "error",
    "log_realtime": False,
    "score_display": False,
    # One sample that breaks must not take those beside it along.
    "fail_on_error": False,
    # A retried error is a second try that no record would show (ADR 72).
    "retry_on_error": 0,
    "ctl_server": False,
}
"""Of every run: errors are never rerolled, nothing listens, nothing is drawn on the terminal."""


UNLOADED = frozenset({"inspect_swe", "inspect_evals"})
"""Extensions of Inspect that came with Scout, or are a pack's asset, and that nothing here uses:
each process that runs a sample would take half a second of CPU, or several, to import them."""


def _extensions(*, group: str) -> list[EntryPoint]:
    """The entry points that Inspect loads, but for `UNLOADED`."""
    return [each for each in entry_points(group=group) if each.name not in UNLOADED]


# Inspect has no setting for it. A pack or a person that imports such a package still gets it.
_entrypoints.entry_points = _extensions  # type: ignore[attr-defined,assignment]


@contextmanager
def logging_as_it_was() -> Iterator[None]:
    """Undo what a run of Inspect makes of the whole process's logging once the block is left.

    A run sets the level of everybody's log, and puts a handler of its own there that writes into
    the run's folder: fit for a process that runs samples alone, and for no other.
    """
    kept, names = _inspect_logger._logHandler, ("", "inspect_ai", "httpx", "httpx2")  # noqa: SLF001
    loggers, handler = [logging.getLogger(name) for name in names], kept["handler"]
    before = [(each.level, [*each.handlers], each.propagate) for each in loggers]
    try:
        yield
    finally:
        kept["handler"] = handler
        for each, (level, handlers, propagate) in zip(loggers, before, strict=True):
            each.setLevel(level)
            each.handlers[:] = handlers
            each.propagate = propagate


def _thoughts_sent(thought: ContentReasoning) -> dict[str, Any] | str:
    # As text in the answer they would lose their seal, without which some services refuse the turn.
    return reasoning_to_openrouter_reasoning_details(thought) or default_reasoning_handler(thought)


class ProviderSeam(OpenAICompatibleAPI):
    """Inspect's OpenAI-compatible provider; a subclass makes its HTTP client, and asks with it."""

    @abstractmethod
    def make_client(self) -> DefaultAsyncHttpxClient:
        """The client to ask with; also called while the provider is made."""

    @abstractmethod
    async def complete(self, request: dict[str, Any]) -> ChatCompletion:
        """The answer to one request to the chat API, as Inspect reads it on."""

    async def messages_to_openai(
        self,
        input: list[ChatMessage],  # noqa: A002 - Inspect's name
    ) -> list[ChatCompletionMessageParam]:
        """The conversation as it is sent, with thoughts in the fields that they came in."""
        return [
            await openai_chat_message(message, reasoning_handler=_thoughts_sent)
            for message in input
        ]

    def _create_http_client(self) -> DefaultAsyncHttpxClient:
        return self.make_client()

    async def _generate_completion(
        self,
        request: dict[str, Any],
        config: GenerateConfig,  # noqa: ARG002 - Inspect's form
    ) -> ChatCompletion:
        return await self.complete(request)


def draw_nothing() -> None:
    """Let Inspect's display be the one that writes to a log.

    "none" renders its tables all the same, unseen: 1 ms of each sample's time in a chunk of 32.
    There is no setting for it.
    """
    _display._active_display = _LogDisplay()  # noqa: SLF001 - what this module is for


def unqualified_name(registered: Any) -> str:
    """The name of a scorer as a log has it: without that of its package."""
    return registry_unqualified_name(registered)


def asking_sample() -> str:
    """The id of the sample that runs here; empty outside of one."""
    active = _sample_active()
    return "" if active is None else str(active.sample.id)


def note_beside(data: dict[str, Any], source: str) -> None:
    """Put an event with this data into the log of the sample that runs here, if one does."""
    # Outside of a sample each look makes a transcript, and keeps it.
    if _sample_active() is not None:
        transcript().info(data, source=source)


def shortened_text(text: str, most: int) -> str | None:
    """What Inspect shows a model of a tool's answer; None where it is all of it, in bytes."""
    cut = truncate_string_to_bytes(text, most)
    return None if cut is None else cut.output


def limit_reached() -> str | None:
    """The kind of limit that ended the sample that runs here, such as `time`; None for none."""
    active = _sample_active()
    reached = active.limit_exceeded_error if active is not None else None
    return reached.type if reached is not None else None


@contextmanager
def own_data_folder(home: Path) -> Iterator[None]:
    """Inspect writes traces and buffers to the user's data folder: give it `home`'s, and no traces.

    A trace holds the subject's tool calls in the clear, and would outlive the case's key.
    """
    data = home / "inspect"
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    wanted = {"XDG_DATA_HOME": str(data), "INSPECT_TRACE_LEVEL": "CRITICAL"}
    before = {name: os.environ.get(name) for name in wanted}
    # Inspect reads these where it writes; there is no argument for them.
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
