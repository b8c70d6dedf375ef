"""A real endpoint whose answers break by a seeded plan, and what it did to each sample.

Behind it stands an oracle of known skill: it is handed the sealed items, so that what each sample
would have been is known apart from the code under test.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from random import Random
from typing import Any, Self

from aiohttp import web

from support.endpoint import completion, turn_of
from touchstone.evaluation.batteries import Battery
from touchstone.evaluation.controls.named import file_command
from touchstone.evaluation.families.base import Item
from touchstone.evaluation.oversight.readiness import CHECK

Sample = tuple[str, str, int]
"""Criterion, mode, and place of the sealed order."""
AIMS = ("anywhere", "successes", "failures", "first")
FRACTIONS = (0.0, 0.25, 0.6, 1.0)
SKILLS = (0.0, 0.1, 0.5, 0.9, 1.0)

ALWAYS_DEPRIVES = {"cut", "cut-late", "refusal", "filter", "context"}
"""Met once, they say that what then fails was no failure of the model's."""
HTTP = {"http-400": 400, "http-429": 429, "http-500": 500, "http-503": 503}
WIRE = (*HTTP, "error-body", "html", "half-json", "empty-choices", "reset", "slow")
"""No answer came of the call: where it stays so, the sample is lost."""
TOOLS = ("no-tools", "bad-arguments", "surrogate-call", "nul-call")
"""The answer comes, and its calls cannot run: a sample in which nothing ever ran."""
HARMLESS = ("surrogate-text", "odd-fingerprint", "huge-usage", "no-usage", "deep", "none")
"""What is to be cleaned or clamped, and changes no result."""
KINDS = (*sorted(ALWAYS_DEPRIVES), *WIRE, *TOOLS, *HARMLESS, "ignored-effort")


@dataclass(frozen=True)
class Spoil:
    """What goes wrong in one mode, and in which of its samples."""

    kind: str
    aim: str
    fraction: float
    turn: int
    """The model's turn, from 0, at which it begins."""
    once: bool
    """Whether it is over after one request of a sample."""
    skill: float


@dataclass(frozen=True)
class Plan:
    """One review: a criterion, its design, and each mode's fault."""

    seed: int
    measure: str
    """`rate`, `whole` (a rate, after all items), `once` (at least once in k) or `relative`."""
    items: int
    spoils: Mapping[str, Spoil]
    """By mode; `reference` is the one of the reference model, if any."""

    @property
    def asks_for_reasoning(self) -> frozenset[str]:
        """Modes that ask for reasoning, of which none is ever shown."""
        return frozenset(m for m, each in self.spoils.items() if each.kind == "ignored-effort")


def plan_of(seed: int, items: int = 10) -> Plan:
    """The plan of a seed."""
    rng = Random(f"served {seed}")
    measure = rng.choice(("rate", "rate", "whole", "once", "relative"))
    modes = ["a", "b"] + (["reference"] if measure == "relative" else ["c"])
    spoils = {
        mode: Spoil(
            rng.choice(KINDS),
            rng.choice(AIMS),
            rng.choice(FRACTIONS),
            rng.choice((0, 0, 1)),
            rng.random() < 0.25,
            rng.choice(SKILLS),
        )
        for mode in modes
    }
    return Plan(seed, measure, items, spoils)


@dataclass
class Served:
    """The endpoint's side of one review: truth, what it spoilt, and what it answered whole."""

    plan: Plan
    whole: bool = True
    """Whether it breaks at all; a review that goes on may find it fixed."""
    asked: dict[Sample, int] = field(default_factory=lambda: defaultdict(int))
    """Requests of each sample."""
    begun: dict[Sample, int] = field(default_factory=lambda: defaultdict(int))
    """Conversations opened of each sample."""
    answered: dict[Sample, int] = field(default_factory=lambda: defaultdict(int))
    """Whole answers that each sample got."""
    again: set[Sample] = field(default_factory=set)
    """Samples whose conversation was opened anew after an answer to it."""
    ended_well: dict[Sample, bool] = field(default_factory=lambda: defaultdict(bool))
    """Whether the last request of each sample got a good answer."""
    spoilt: dict[Sample, int] = field(default_factory=lambda: defaultdict(int))
    """Requests of each sample that were spoilt."""
    levels: tuple[int, ...] = ()
    """Difficulty at each place of the sealed order."""
    _items: dict[str, tuple[str, int, Item]] = field(default_factory=dict)

    def so_far(self) -> Self:
        """What it did up to now; what it does from here on changes nothing in the copy."""
        held = {each.name: getattr(self, each.name) for each in fields(self)}
        counts: dict[str, Any] = {
            name: has.copy() for name, has in held.items() if isinstance(has, dict | set)
        }
        return replace(self, **counts)

    def sealed(self, battery: Battery) -> None:
        """Take the items of a battery."""
        for name, items in battery.items.items():
            self.levels = tuple(item.difficulty for item in items)
            for place, item in enumerate(items):
                self._items[_squeezed(item.prompt)] = (name, place, item)

    def truth(self, sample: Sample) -> bool:
        """Whether the model solves it."""
        criterion, mode, place = sample
        rng = Random(f"truth {self.plan.seed} {criterion} {mode} {place}")
        return rng.random() < self.plan.spoils[mode].skill

    def meets(self, sample: Sample) -> bool:
        """Whether the plan spoils a sample."""
        spoil, place = self.plan.spoils[sample[1]], sample[2]
        if spoil.kind in {"none", "ignored-effort"}:
            return False
        if spoil.aim == "first":
            return place < spoil.fraction * self.plan.items
        solved = self.truth(sample)
        aimed = {"anywhere": True, "successes": solved, "failures": not solved}[spoil.aim]
        return aimed and Random(f"meets {self.plan.seed} {sample}").random() < spoil.fraction

    def deprived(self, sample: Sample) -> bool:
        """Whether what was done to a sample says that its failing is none of the model's."""
        spoil, times = self.plan.spoils[sample[1]], self.spoilt[sample]
        if not times:
            return False
        if spoil.kind in ALWAYS_DEPRIVES:
            return True
        if spoil.once:
            return False
        if self.ended_well[sample]:
            # The endpoint was fixed, and the sample ran again, since nothing had been answered.
            return False
        # Tools that ran before let the model act.
        return spoil.kind in WIRE or (spoil.kind in TOOLS and spoil.turn == 0)

    def __call__(self, body: dict[str, Any], number: int) -> Any:
        """An answer for `support.endpoint.serve`."""
        mode = body["model"].rpartition("-")[2]
        text = _squeezed(_told(body["messages"]))
        if "tools" not in body or CHECK in text:
            return _ready(body, text, number)
        criterion, place, item = next(row for prompt, row in self._items.items() if prompt in text)
        sample, turn = (criterion, mode, place), turn_of(body)
        self.asked[sample] += 1
        if not turn:
            self.begun[sample] += 1
            if self.answered[sample]:
                self.again.add(sample)
        good = self._good(body, number, item, sample)
        spoil = self.plan.spoils[mode]
        due = not (spoil.once and self.spoilt[sample])
        if self.whole and turn >= spoil.turn and due and self.meets(sample):
            self.spoilt[sample] += 1
            self.ended_well[sample] = False
            if spoil.kind not in WIRE:
                self.answered[sample] += 1
            return _spoiled(spoil.kind, good)
        self.answered[sample] += 1
        self.ended_well[sample] = True
        return good

    def _good(
        self, body: Mapping[str, Any], number: int, item: Item, sample: Sample
    ) -> dict[str, Any]:
        if any(message["role"] == "tool" for message in body["messages"]):
            return completion(
                "", [("submit", {"answer": "done"})], model=body["model"], number=number
            )
        command = file_command(item.answer, item.reference) if self.truth(sample) else "ls"
        return completion("", [("bash", {"command": command})], model=body["model"], number=number)


def _told(messages: Sequence[Mapping[str, Any]]) -> str:
    parts = []
    for message in messages:
        content = message.get("content")
        if isinstance(content, list):
            content = " ".join(part.get("text", "") for part in content)
        if message["role"] == "user":
            parts.append(content or "")
    return " ".join(parts)


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _ready(body: Mapping[str, Any], text: str, number: int) -> dict[str, Any]:
    calls = [("bash", {"command": "echo ready"})] if "Call the tool" in text else None
    said = "" if calls else ", ".join(map(str, range(1, 401)))
    return completion(said, calls, model=body["model"], number=number)


def _spoiled(kind: str, good: dict[str, Any]) -> Any:
    """What is sent in the place of a good answer."""
    if kind in HTTP:
        error = {"error": {"message": "boom", "type": "server_error", "code": None}}
        return web.json_response(error, status=HTTP[kind])
    if kind in ON_THE_WIRE:
        return ON_THE_WIRE[kind]
    if kind == "slow":
        return _slowly(good)
    choice = good["choices"][0]
    message = choice["message"]
    if kind in {"cut", "filter", "no-tools"}:
        message.pop("tool_calls", None)
        ends = {"cut": "length", "filter": "content_filter", "no-tools": "stop"}
        choice["finish_reason"] = ends[kind]
        message["content"] = "I would do it so." if kind == "no-tools" else ""
    elif kind == "cut-late":
        choice["finish_reason"] = "length"
    elif kind == "refusal":
        message |= {"refusal": "I cannot help with that.", "content": None}
        message.pop("tool_calls", None)
    elif kind in TOOLS:
        odd = {
            "bad-arguments": '{"command": "ls',
            "nul-call": '{"command": "ls \\u0000 x"}',
            "surrogate-call": '{"command": "ls \\udc00 x"}',
        }
        for call in message.get("tool_calls", ()):
            call["function"]["arguments"] = odd[kind]
    else:
        _garnish(kind, good, message)
    return json.dumps(good).encode()


def _garnish(kind: str, good: dict[str, Any], message: dict[str, Any]) -> None:
    if kind == "surrogate-text":
        message["content"] = "half \ud83d pair \0 \u202e"
    elif kind == "odd-fingerprint":
        good["system_fingerprint"] = "fp_\ud83d"
    elif kind == "huge-usage":
        good["usage"] = {"prompt_tokens": 10**18, "completion_tokens": 10**18, "total_tokens": -3}
    elif kind == "no-usage":
        del good["usage"]
    elif kind == "deep":
        value: Any = "core"
        for _ in range(300):
            value = [value]
        message["annotations"] = value


async def _reset(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "application/json"})
    response.content_length = 5000
    await response.prepare(request)
    await response.write(b'{"id": "half of an answ')
    if request.transport is not None:
        request.transport.abort()
    return response


def _slowly(good: dict[str, Any]) -> Any:
    async def answer(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(SLOW_SECONDS)
        return web.json_response(good)

    return answer


SLOW_SECONDS = 4.5
"""Longer than the campaign lets one attempt take."""
CONTEXT = {
    "error": {
        "message": "This model's maximum context length is 8192 tokens.",
        "type": "invalid_request_error",
        "code": "context_length_exceeded",
    }
}


def _sent(text: str, content_type: str = "application/json", status: int = 200) -> Any:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(text=text, content_type=content_type, status=status)

    return answer


ON_THE_WIRE: Mapping[str, Any] = {
    "context": _sent(json.dumps(CONTEXT), status=400),
    "error-body": _sent('{"error": {"message": "internal", "type": "server_error"}}'),
    "html": _sent("<!doctype html><title>Bad gateway</title>", "text/html"),
    "half-json": _sent('{"id": "chatcmpl-1", "choices": [{"ind'),
    "empty-choices": _sent(
        '{"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": []}'
    ),
    "reset": _reset,
}
