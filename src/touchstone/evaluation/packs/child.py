"""What runs in a pack's process: it makes the task, and freezes its items or runs some.

It is started by `apart.py` inside a sandbox, with the relay's socket as its stdin and the result
as its stdout. Nothing here guards anything: the pack's code runs in this very process, and may
change all of it. What holds is outside.
"""

import json
import os
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from importlib import util
from pathlib import Path
from typing import Any

import inspect_ai.dataset
from inspect_ai import Task, task_with
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import MemoryDataset
from inspect_ai.model import GenerateConfig, Model, get_model, modelapi
from openai import DefaultAsyncHttpxClient
from openai.types.chat import ChatCompletion

from touchstone.evaluation.inspect_seam import (
    SETTINGS,
    ProviderSeam,
    RetryDecision,
    asking_sample,
    default_client_kwargs,
    draw_nothing,
)
from touchstone.evaluation.packs.asking import ASKER, Asker
from touchstone.evaluation.packs.borrowed import LENT
from touchstone.evaluation.packs.environments import replaced_environments
from touchstone.evaluation.packs.frozen import NoFormError, freeze, thaw
from touchstone.evaluation.packs.looking import faults_of, scorer_names
from touchstone.evaluation.packs.wire import MOST_JOB, receive_message

PROVIDER = "relay"
SUBJECT = "subject"
_READERS = ("json_dataset", "csv_dataset", "hf_dataset", "file_dataset", "example_dataset")
_BYTES_PER_TOKEN = 3
_FAULT = 2000
_FOLDER = Path.cwd()
"""Where this process was started, and may write; a pack's code may go elsewhere later."""


class RelayRefusedError(Exception):
    """The parent did not give an answer; the text says why."""


class RelayedModel(ProviderSeam):
    """A model that is asked through the parent, which has its endpoint and its key."""

    role: str = SUBJECT

    def make_client(self) -> DefaultAsyncHttpxClient:
        """A client that is never used: there is no network here."""
        return DefaultAsyncHttpxClient(**default_client_kwargs(follow_redirects=False))

    async def complete(self, request: dict[str, Any]) -> ChatCompletion:
        """What the parent answers."""
        kept = {name: value for name, value in request.items() if _is_plain(value)}
        kept.pop("extra_headers", None)
        said = await ASKER[0].ask({"role": self.role, "sample": asking_sample(), "request": kept})
        if "completion" not in said:
            raise RelayRefusedError(str(said.get("refused"))[:_FAULT])
        return ChatCompletion.model_validate(said["completion"])

    def should_retry(self, ex: BaseException) -> RetryDecision:  # noqa: ARG002 - Inspect's form
        """Never: the parent has tried again already where that could help."""
        return RetryDecision.no()

    async def count_text_tokens(self, text: str) -> int:
        """An estimate by length: a tokenizer would download its vocabulary."""
        return len(text.encode()) // _BYTES_PER_TOKEN + 1


def _is_plain(value: Any) -> bool:
    """Whether it can be sent: the SDK marks what is not given by an object of its own."""
    return value is None or isinstance(value, str | int | float | list | dict)


@modelapi(name=PROVIDER)
def _relayed_model() -> type[RelayedModel]:
    return RelayedModel


def _model(role: str, name: str, config: Mapping[str, Any]) -> Model:
    model = get_model(
        f"{PROVIDER}/{name}",
        memoize=False,
        base_url="http://relay.invalid",
        api_key="none",
        config=GenerateConfig(**config),
    )
    if isinstance(model.api, RelayedModel):
        model.api.role = role
    return model


def _make_task(job: Mapping[str, Any]) -> Task:
    spec = util.spec_from_file_location("touchstone_pack", Path(job["file"]).absolute())
    if spec is None or spec.loader is None:
        raise ImportError(f"{job['file']}: not a Python file")
    module = util.module_from_spec(spec)
    sys.modules["touchstone_pack"] = module
    spec.loader.exec_module(module)
    made = getattr(module, job["function"])(**job["arguments"])
    if not isinstance(made, Task):
        raise TypeError(f"{job['function']} gave a {type(made).__name__} and no Task")
    return made


def _frozen(job: Mapping[str, Any]) -> dict[str, Any]:
    """The items of the task, and what is said of it."""
    task = _make_task(job)
    samples = list(task.dataset)
    faults = faults_of(task, Path())
    wanting, replaced, lacking = replaced_environments(task, samples, job["sandbox"], Path())
    faults += lacking
    items = []
    for number, sample in enumerate(samples):
        try:
            items.append(freeze(sample, Path(), sandbox=number in wanting))
        except NoFormError as error:
            faults.append(f"item {number}: {error}")
            break
    return {
        "items": items,
        "faults": faults,
        "scorers": scorer_names(task),
        "replaced": replaced,
        "limits": {
            "messages": task.message_limit,
            "tokens": task.token_limit,
            "seconds": task.time_limit,
            "working_seconds": task.working_limit,
        },
    }


def _hold_back(items: Mapping[int, Mapping[str, Any]]) -> None:
    """Let the pack read no items but those that it is given."""

    def read(*_: Any, **__: Any) -> MemoryDataset:
        # When it is asked: what the items are made of may be the pack's own, and is there by then.
        return MemoryDataset([thaw(item, place, LENT) for place, item in items.items()])

    for name in _READERS:
        setattr(inspect_ai.dataset, name, read)


def _tried(job: Mapping[str, Any]) -> dict[str, Any]:
    """Make the task as it is made where items run."""
    _hold_back({0: job["item"]})
    _make_task(job)
    return {}


def _run(job: Mapping[str, Any]) -> bytes:
    """Inspect's log of the items that are given, as bytes."""
    items = {int(place): item for place, item in job["items"].items()}
    # Before the pack is imported, which takes Inspect's readers as it finds them.
    _hold_back(items)
    task = _make_task(job)
    given = MemoryDataset([thaw(item, place, LENT) for place, item in items.items()])
    roles = {name: _model(name, model, {}) for name, model in job["roles"].items()}
    (log,) = inspect_eval(
        # The sandbox is each sample's: what the task itself names is not here.
        task_with(task, dataset=given, epochs=1, sandbox=None),
        model=_model(SUBJECT, job["model"], job["config"]),
        model_roles={**roles},
        log_dir=str(_FOLDER / "logs"),
        log_format="eval",
        max_samples=job["max_samples"],
        **{name: value for name, value in job["limits"].items() if value is not None},
        **SETTINGS,
    )
    return Path(log.location).read_bytes()


def main() -> None:
    """Do the job that comes first over the socket, and write its result."""
    sock = socket.socket(fileno=os.dup(0))
    # What the pack prints, or reads, is neither the result nor the relay.
    result = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    job = receive_message(sock, MOST_JOB) or {}
    ASKER.append(Asker(sock))
    ASKER[0].start()
    for name, text in job["files"].items():
        path = _FOLDER / "pack" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes.fromhex(text))
    os.chdir(_FOLDER / "pack")
    sys.path.insert(0, str(Path.cwd()))
    # After all that is installed, which an asset does not take the place of.
    sys.path += job["paths"]
    draw_nothing()
    kinds: dict[str, Callable[[Mapping[str, Any]], Any]] = {
        "freeze": _frozen,
        "try": _tried,
        "run": _run,
    }
    try:
        made = kinds[job["kind"]](job)
    except BaseException as error:  # noqa: BLE001 - a pack's code may raise anything
        made = {"fault": _said(error)}
    result.write(made if isinstance(made, bytes) else json.dumps(made).encode())
    result.flush()
    # Without waiting: a thread that the pack left running must not hold the result up.
    os._exit(0)


def _said(error: BaseException) -> str:
    """What was raised, and by which of the pack's lines."""
    places = traceback.extract_tb(error.__traceback__)
    folder = str(_FOLDER / "pack") + os.sep
    own = [each for each in places if each.filename.startswith(folder)]
    where = f" ({Path(own[-1].filename).name}:{own[-1].lineno})" if own else ""
    return f"{type(error).__name__}: {error}"[:_FAULT] + where
