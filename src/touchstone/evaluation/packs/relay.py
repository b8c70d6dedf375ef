"""The parent's end of a pack's only way out: to the endpoints it was given, under their keys.

A pack's process has no network. It says over one socket what is to be asked of which role; what it
may not say is refused here, and what is answered comes through the same door as for any other
review. Each call is counted by us, of the sample that the pack says it is for.
"""

import asyncio
import math
import re
import socket
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, cast

import anyio
import anyio.lowlevel
from inspect_ai.model import Model
from openai.types.chat import ChatCompletion
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt

from touchstone.evaluation.adjudication import SampleFacts
from touchstone.evaluation.endpoint_watch import Call, EndpointFault, EndpointWatch
from touchstone.evaluation.endpoints import BoundedEndpoint, open_endpoint
from touchstone.evaluation.limits import EndpointLimits
from touchstone.evaluation.outcomes import Usage
from touchstone.evaluation.packs.lent import LENT_AT_ONCE, Lending, LoanRefusedError
from touchstone.evaluation.packs.wire import (
    HEAD,
    MOST_MESSAGE,
    MalformedMessageError,
    length_of,
    packed,
    unpacked,
)
from touchstone.evaluation.quota import Quota
from touchstone.evaluation.runner import load_hooks
from touchstone.evaluation.submission import Mode
from touchstone.handin import printable_line

SUBJECT = "subject"
CAP = "cap"
"""The limit that a sample met whose process used up what it was allowed of the review's caps."""
MOST_AT_ONCE = 16
"""Requests of one pack under way at once; what is said beyond them waits."""
_LARGE = 1024 * 1024
"""Bytes of a message of which few are read at once: as objects they take twenty times as much."""
_FEW = 2
_LENGTH = 300
_DEEPEST = 100
"""Levels of a request: the client that sends it takes several calls for each."""
_LARGEST = 2**63 - 1
_SURROGATE = re.compile("[\\ud800-\\udfff]")
_CARRIED = frozenset(
    {
        "messages",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
        "stop",
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "seed",
        "reasoning_effort",
        "presence_penalty",
        "frequency_penalty",
        "model",
    }
)
_SETTINGS = ("reasoning_effort", "temperature", "top_p", "seed")


@dataclass(frozen=True)
class RelayLimits:
    """What a pack's process may use of its endpoints, all its samples together."""

    calls: int = 10_000
    tokens: int | None = None
    """Of the subject, input and output together, as its endpoint reported and we could see."""


@dataclass(frozen=True)
class RoleEndpoint:
    """An endpoint that a pack may ask, by its role."""

    mode: Mode
    key: str
    quota: Quota | None = None


@dataclass
class SampleCalls(SampleFacts):
    """What the relay knows of one sample's calls to one role."""

    place: int = 0
    """The sample's position."""
    role: str = SUBJECT
    capped: bool = False
    """Whether it asked on when the tokens of its process were used up."""
    last_failed: bool = False
    """Whether the endpoint gave no answer to the last request, all attempts included."""


class RequestRefusedError(ValueError):
    """A pack's request is none that may be made; the text says why."""


_CALLER: ContextVar[SampleCalls | None] = ContextVar("touchstone_relay_caller", default=None)


class _Watch(EndpointWatch):
    """Counts each answer for the sample that it was asked for."""

    def __init__(self, relay: "Relay", quota: Quota | None) -> None:
        self._relay, self._quota = relay, quota

    def called(self, usage: Usage, model: str, fingerprint: str, notes: tuple[str, ...]) -> None:
        self._relay.used += usage.total
        heard = _CALLER.get()
        # A grader's tokens are not the developer's to pay for.
        if heard is None or heard.role == SUBJECT:
            self._relay.subject_used += usage.total
        if heard is not None:
            # First: killed in the next moment, this sample must not be asked again (ADR 176).
            self._relay.answered(heard, usage)
            heard.usage = heard.usage + usage
            heard.calls += 1
            heard.models.add(model)
            if fingerprint:
                heard.fingerprints.add(fingerprint)
            heard.note(*notes)

    def declined(self, call: Call) -> None:
        if (heard := _CALLER.get()) is not None:
            self._relay.answered(heard, Usage())
            heard.calls += 1
        self.ended(call)

    def ended(self, call: Call) -> None:
        if (heard := _CALLER.get()) is not None:
            heard.heard(call)

    def waited(self, seconds: float) -> None:
        if (heard := _CALLER.get()) is not None:
            heard.waited += seconds

    def slot(self) -> Any:
        return self._quota.slot() if self._quota else None


class _Rooms:
    """How much of what a pack says is taken in at once. Who finds no room waits, and not we."""

    def __init__(self) -> None:
        self._any, self.few = anyio.Semaphore(MOST_AT_ONCE), anyio.Semaphore(_FEW)
        # Twice what runs at once: who does not read our refusals waits before more are made.
        self._lent = anyio.Semaphore(2 * LENT_AT_ONCE)

    async def admit(self, body: bytes) -> tuple[dict[str, Any], list[anyio.Semaphore]]:
        """A message, and the places that it holds; none for one that gives a call up.

        Raises:
            MalformedMessageError: it is none.
        """
        held = []
        if len(body) > _LARGE:
            await self.few.acquire()
            held.append(self.few)
        message = unpacked(body)
        if "cancel" in message and not held:
            return message, held
        # A program may run as long as its sample does, and holds up no model.
        room = self._lent if "sandbox" in message and not held else self._any
        await room.acquire()
        return message, [*held, room]


@dataclass
class Relay:
    """One pack process's way to its endpoints.

    Args:
        asked: The endpoint of each role; `subject` is among them.
        places: The positions that it may ask for.
        asking: How the endpoints are asked.
        limits: What it may use in all.
        on_answer: Told of each answer of the subject's, before the pack hears of it: the position,
            and what was used.
        lending: The sandboxes of its samples.
    """

    asked: Mapping[str, RoleEndpoint]
    places: frozenset[int]
    asking: EndpointLimits = field(default_factory=EndpointLimits)
    limits: RelayLimits = field(default_factory=RelayLimits)
    on_answer: Callable[[int, Usage], None] | None = None
    lending: Lending = field(default_factory=lambda: Lending(frozenset()))
    used: int = 0
    """Tokens of all answers."""
    subject_used: int = 0
    """Tokens of the subject's answers."""
    calls: int = 0
    """Requests that were let through."""
    failure: Exception | None = None
    """What `on_answer` raised; nothing more is asked then."""
    refusals: list[str] = field(default_factory=list)
    """Why requests were refused, each reason once."""
    heard: dict[tuple[str, int], SampleCalls] = field(default_factory=dict)
    """By role and position."""
    _models: dict[str, Model] = field(default_factory=dict)

    def of(self, place: int, role: str = SUBJECT) -> SampleCalls:
        """What was heard of one sample's calls to a role."""
        found = SampleCalls(executions=1, place=place, role=role)
        return self.heard.setdefault((role, place), found)

    def answered(self, heard: SampleCalls, usage: Usage) -> None:
        """Tell of an answer of the subject's."""
        if heard.role != SUBJECT or self.on_answer is None:
            return
        try:
            self.on_answer(heard.place, usage)
        except Exception as error:  # noqa: BLE001 - here it would be taken for the endpoint's
            self.failure = self.failure or error

    def spent(self) -> str:
        """Why nothing more may be asked, or an empty text."""
        if self.failure is not None:
            return "what was answered could not be written down"
        if self.lending.breached:
            return "the boundary of a sandbox was attacked: nothing more is asked"
        if self.calls >= self.limits.calls:
            return f"the pack has made its {self.limits.calls} calls"
        if self.capped:
            return f"the pack has used its {self.limits.tokens} tokens"
        return ""

    @property
    def capped(self) -> bool:
        """Whether the subject's tokens are used up."""
        return self.limits.tokens is not None and self.subject_used >= self.limits.tokens

    async def serve(self, sock: socket.socket) -> None:
        """Answer what comes over the socket until it ends, or says what is no message."""
        sock.setblocking(False)  # noqa: FBT003 - takes no keyword
        loop = asyncio.get_running_loop()
        lock, rooms = anyio.Lock(), _Rooms()
        # Before a model is made: Inspect announces its hooks then, on stdout.
        load_hooks()
        self._models = {
            role: open_endpoint(each.mode, each.key, self.asking, _Watch(self, each.quota))
            for role, each in self.asked.items()
        }

        async def answer(message: dict[str, Any], held: list[anyio.Semaphore]) -> None:
            try:
                call = message.get("call")
                said = await self._answer(message, large=rooms.few in held)
                reply = packed({**said, "call": call if type(call) is int else None})
                async with lock:
                    await loop.sock_sendall(sock, reply)
            except OSError:
                # The process has gone, and with it whoever waited.
                return
            finally:
                for each in held:
                    each.release()

        try:
            async with anyio.create_task_group() as tasks:
                while (head := await _exactly(loop, sock, HEAD)) is not None:
                    body = await _exactly(loop, sock, length_of(head, MOST_MESSAGE))
                    if body is None:
                        break
                    message, held = await rooms.admit(body)
                    if held:
                        tasks.start_soon(answer, message, held)
                    else:
                        # The call may have come just before, and not have begun.
                        await anyio.lowlevel.checkpoint()
                        self.lending.cancel(message["cancel"])
        except* MalformedMessageError as errors:
            self._refused(f"the pack said what is no request: {errors.exceptions[0]}")
        except* ConnectionError:
            pass
        finally:
            await self._close()

    async def _close(self) -> None:
        await self.lending.close()
        with anyio.CancelScope(shield=True):
            for model in self._models.values():
                await model.api.aclose()

    async def _answer(self, message: dict[str, Any], *, large: bool) -> dict[str, Any]:
        try:
            if "sandbox" in message:
                # A large one would hold its place among the few as long as a program runs.
                return await self.lending.answer(self._place(message), message, large=large)
            role, place = self._checked(message)
            request = checked_request(message.get("request"), self.asked[role].mode)
        except (RequestRefusedError, LoanRefusedError) as error:
            return {"refused": self._refused(str(error))}
        if reason := self.spent():
            self.of(place).capped = self.of(place).capped or self.capped
            return {"refused": self._refused(reason)}
        heard = self.of(place, role)
        _CALLER.set(heard)
        self.calls += 1
        endpoint = cast("BoundedEndpoint", self._models[role].api)
        trying = AsyncRetrying(
            stop=stop_after_attempt(self.asking.retries + 1),
            wait=endpoint.retry_wait(),
            retry=retry_if_exception(_may_help),
            reraise=True,
        )
        try:
            completion: ChatCompletion = await trying(endpoint.answer, request)
        except EndpointFault as fault:
            heard.last_failed, heard.fault = True, str(fault)
            return {"refused": str(fault)}
        heard.last_failed = False
        return {"completion": completion.model_dump(mode="json")}

    def _checked(self, message: Mapping[str, Any]) -> tuple[str, int]:
        role = message.get("role")
        if not isinstance(role, str) or role not in self.asked:
            raise RequestRefusedError(f"the pack asked for a role {str(role)[:80]!a}")
        return role, self._place(message)

    def _place(self, message: Mapping[str, Any]) -> int:
        sample = message.get("sample")
        known = {str(place): place for place in self.places}
        if not isinstance(sample, str) or sample not in known:
            raise RequestRefusedError("the pack asked outside of its samples")
        return known[sample]

    def _refused(self, text: str) -> str:
        line = printable_line(text, _LENGTH)
        # Each once and a few: a pack could fill our memory with reasons.
        if line not in self.refusals and len(self.refusals) < MOST_AT_ONCE:
            self.refusals.append(line)
        return line


def checked_request(given: Any, mode: Mode) -> dict[str, Any]:
    """A pack's request as it may be made: of known parts, under the settings of the mode.

    Raises:
        RequestRefusedError: a part is not carried, or not of the protocol's form.
    """
    if not isinstance(given, dict):
        raise RequestRefusedError("a request that is no object")
    _check_sendable(given)
    if strange := sorted(set(given) - _CARRIED):
        raise RequestRefusedError(f"the relay does not carry {strange[0][:80]!a}")
    request = {name: value for name, value in given.items() if value is not None}
    messages = request.get("messages")
    if not isinstance(messages, list) or not all(isinstance(each, dict) for each in messages):
        raise RequestRefusedError("a request without a list of messages")
    for tool in _listed(request.get("tools", [])):
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise RequestRefusedError("a tool that is no function")
        parameters = function.get("parameters", {})
        if not isinstance(parameters, dict) or not isinstance(
            parameters.get("properties", {}), dict
        ):
            raise RequestRefusedError("a tool whose parameters are no schema")
    # A mode is what was handed in: the pack asks it as it is, and makes no other of it.
    settings = mode.settings.model_dump(mode="json", exclude_none=True)
    for name in _SETTINGS:
        if name in settings:
            value = settings[name]
            request[name] = float(value) if name in {"temperature", "top_p"} else value
    _bound_output(request, mode.settings.max_tokens)
    return request


def _check_sendable(given: dict[str, Any]) -> None:
    """Refuse what cannot be sent as JSON: failing on its way, it would be the endpoint's fault.

    Raises:
        RequestRefusedError: a text is no Unicode, a number is none of JSON's, or it is too deep.
    """
    layer: list[Any] = [given]
    for _ in range(_DEEPEST):
        inner: list[Any] = []
        for each in layer:
            if isinstance(each, dict):
                inner += [*each, *each.values()]
            elif isinstance(each, list):
                inner += each
            elif isinstance(each, str) and _SURROGATE.search(each):
                raise RequestRefusedError("a request with a text that is no Unicode")
            elif isinstance(each, float) and not math.isfinite(each):
                raise RequestRefusedError("a request with a number that is not finite")
            elif isinstance(each, int) and abs(each) > _LARGEST:
                raise RequestRefusedError("a request with a number of more than 64 bits")
        if not inner:
            return
        layer = inner
    raise RequestRefusedError(f"a request of more than {_DEEPEST} levels")


def _bound_output(request: dict[str, Any], most: int | None) -> None:
    for name in ("max_tokens", "max_completion_tokens"):
        asked = request.get(name)
        if asked is not None and (type(asked) is not int or asked < 1):
            raise RequestRefusedError(f"{name} that is no number of tokens")
        if asked is not None and most is not None:
            request[name] = min(asked, most)
    if most is not None and "max_completion_tokens" not in request:
        request.setdefault("max_tokens", most)


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise RequestRefusedError("tools that are no list")
    return value


def _may_help(error: BaseException) -> bool:
    return isinstance(error, EndpointFault) and error.retryable


async def _exactly(loop: asyncio.AbstractEventLoop, sock: socket.socket, size: int) -> bytes | None:
    found = bytearray()
    while len(found) < size:
        block = await loop.sock_recv(sock, min(size - len(found), 1 << 20))
        if not block:
            return None
        found += block
    return bytes(found)
