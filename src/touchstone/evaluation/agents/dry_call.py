"""What an agent sends: it is run for a turn against a model of our own that only writes it down.

Not what a package says of itself: Inspect's default prompts change between its releases, and an
agent puts its prompt together only when it runs.
"""

import contextlib
import io
import json
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import get_model, modelapi
from openai import DefaultAsyncHttpxClient
from openai.types.chat import ChatCompletion
from tenacity.wait import wait_base, wait_none

from touchstone.evaluation.agents.installed import agent_code
from touchstone.evaluation.agents.making import make_agent
from touchstone.evaluation.agents.sending import SentCall, sent_in
from touchstone.evaluation.elicitation import AsSent, Elicitation
from touchstone.evaluation.errors import ElicitationError
from touchstone.evaluation.inspect_seam import (
    SETTINGS,
    ProviderSeam,
    RetryDecision,
    draw_nothing,
    logging_as_it_was,
    own_data_folder,
)

PROVIDER = "dry"
ITEM = "The item stands here."
_NAME = f"{PROVIDER}/none/model"
_NO_ADDRESS = "http://127.0.0.1:1/v1"
_MOST_CALLS = 40
_HELPERS = frozenset({"agent", "helper"})
_KIND = "subagent_type"
_INSPECT = threading.Lock()
"""Inspect runs one evaluation at a time in a process."""
_RESOLVED: dict[str, tuple[Elicitation, tuple["SentCall", ...]]] = {}


class DryModel(ProviderSeam):
    """Writes down what it is asked, lets each helper begin once, and submits."""

    heard: list[dict[str, Any]]
    """Every request, in the order in which they came."""

    def make_client(self) -> DefaultAsyncHttpxClient:
        """A client that is never used."""
        return DefaultAsyncHttpxClient()

    async def count_text_tokens(self, text: str) -> int:
        """An estimate: a tokenizer would download its vocabulary."""
        return len(text) // 3 + 1

    def retry_wait(self) -> wait_base:
        """Never asked for: what fails here fails again."""
        return wait_none()

    def should_retry(self, ex: BaseException) -> RetryDecision:
        """A fault here is the agent's, or ours."""
        del ex
        return RetryDecision.no()

    async def complete(self, request: dict[str, Any]) -> ChatCompletion:
        """Calls that end what asks."""
        if len(self.heard) >= _MOST_CALLS:
            raise ElicitationError("the agent does not end when the model submits")
        first = not self.heard
        self.heard.append(request)
        calls = (_helpers(request) if first else []) or [("submit", {"answer": "none"})]
        message = {
            "role": "assistant",
            "content": None,
            "tool_calls": [_call(place, *each) for place, each in enumerate(calls)],
        }
        choice = {"index": 0, "finish_reason": "tool_calls", "message": message}
        about = {"id": "dry", "created": 0, "model": "model", "object": "chat.completion"}
        return ChatCompletion.model_validate({**about, "choices": [choice]})


@modelapi(name=PROVIDER)
def _dry_model() -> type[DryModel]:
    return DryModel


def _call(place: int, name: str, arguments: Mapping[str, str]) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"id": f"call-{place}", "type": "function", "function": function}


def _helpers(request: Mapping[str, Any]) -> list[tuple[str, Mapping[str, str]]]:
    """A call of each agent that the asking one can set to work."""
    for tool in request.get("tools") or ():
        function = tool["function"]
        if function["name"] in _HELPERS:
            asked = function["parameters"]["properties"]
            plain = dict.fromkeys(function["parameters"]["required"], ITEM)
            known = asked.get(_KIND, {}).get("enum", [""])
            return [(function["name"], {**plain, _KIND: each} if each else plain) for each in known]
    return []


def resolve(elicitation: Elicitation) -> Elicitation:
    """The elicitation with its agent's code and with what that sends. Nothing is contacted.

    Raises:
        ElicitationError: the agent does not run here, or is not as its wheel had it.
    """
    return _resolved(elicitation)[0]


def sent_by(elicitation: Elicitation) -> tuple[SentCall, ...]:
    """What its agent sends: with its first call, and then of each helper, by digest.

    Raises:
        ElicitationError: as `resolve`.
    """
    return _resolved(elicitation)[1]


def _resolved(elicitation: Elicitation) -> tuple[Elicitation, tuple[SentCall, ...]]:
    plain = elicitation.model_copy(update={"code": None, "sent": None})
    known = _RESOLVED.get(plain.digest)
    if known is None:
        calls = _run_dry(plain)
        sent = AsSent(
            system=calls[0].system_digest,
            tools=calls[0].tools_digest,
            helpers=tuple(each.digest for each in calls[1:]),
        )
        whole = plain.model_copy(update={"code": agent_code(plain), "sent": sent})
        known = _RESOLVED[plain.digest] = (whole, calls)
    return known


def _run_dry(elicitation: Elicitation) -> tuple[SentCall, ...]:
    with _INSPECT, tempfile.TemporaryDirectory(prefix="touchstone-dry-") as folder:
        task = Task(
            # More submissions than one would only be more calls of the same kind.
            dataset=MemoryDataset([Sample(input=ITEM)]),
            solver=make_agent(elicitation, _count_nothing),
        )
        # Inspect announces its hooks on stdout, where a command's own result belongs.
        with contextlib.redirect_stdout(io.StringIO()):
            model = get_model(_NAME, memoize=False, base_url=_NO_ADDRESS, api_key="none")
            api = cast("DryModel", model.api)
            api.heard = []
            draw_nothing()
            with own_data_folder(Path(folder)), logging_as_it_was():
                (log,) = inspect_eval(task, model=model, log_dir=folder, **SETTINGS)
        heard, failed = [sent_in(each) for each in api.heard], log.samples and log.samples[0].error
        if failed or not heard:
            why = failed.message if failed else "it asked for nothing"
            raise ElicitationError(f"the agent {elicitation.agent!r} does not run here: {why}")
    helpers = {each.digest: each for each in heard[1:] if each != heard[0]}
    return (heard[0], *(helpers[each] for each in sorted(helpers)))


def _count_nothing(*, timed_out: bool, started: bool) -> None:
    del timed_out, started
