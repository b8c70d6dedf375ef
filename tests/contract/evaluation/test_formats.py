"""Every format that an endpoint may speak, over real HTTP: the same distrust, the same record."""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from aiohttp import web

from support.asked_relay import ask_relay
from support.endpoint import Endpoint, completion, copier, serve
from support.mangled import ODD, mangled
from support.spoken import SPOKEN, THOUGHT
from support.toy_run import KEY, OVER_LOOPBACK, Run
from support.toys import toy_mode
from touchstone.evaluation.endpoint_watch import Call, EndpointFault, EndpointWatch
from touchstone.evaluation.endpoints import BoundedEndpoint, open_endpoint
from touchstone.evaluation.formats import Format
from touchstone.evaluation.kept_answers import HeardAnswer
from touchstone.evaluation.limits import EndpointLimits
from touchstone.evaluation.outcomes import Usage
from touchstone.evaluation.packs.relay import Relay, RoleEndpoint
from touchstone.evaluation.submission import Mode, ModeSettings, endpoint_digest

pytestmark = OVER_LOOPBACK
HELLO = {"messages": [{"role": "user", "content": "Hello"}]}
OTHERS = [name for name in SPOKEN if name != "chat"]
TOOL = {"type": "object", "properties": {"command": {"type": "string"}}}
ASKED: dict[str, Any] = {
    "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
    "tools": [{"type": "function", "function": {"name": "bash", "parameters": TOOL}}],
    "max_tokens": 4000,
}
SHORT = EndpointLimits(attempt_seconds=20, retries=0, backoff_seconds=0, response_bytes=200_000)


@dataclass
class Server:
    """One endpoint for the whole file, and what it says next."""

    endpoint: Endpoint
    script: Any = copier

    def mode(self, spoken: str, **settings: Any) -> Mode:
        plain = toy_mode(self.endpoint.url).model_dump()
        settings.setdefault("max_tokens", 4000)
        chosen = ModeSettings(**settings)
        return Mode(**{**plain, "format": spoken, "settings": chosen})


@pytest.fixture(scope="module")
def only_server() -> Iterator[Server]:
    box: list[Server] = []

    def script(body: dict[str, Any], number: int) -> Any:
        return box[0].script(body, number)

    with serve(script) as endpoint:
        box.append(Server(endpoint))
        yield box[0]


@pytest.fixture
def server(only_server: Server) -> Server:
    only_server.script = copier
    for kept in ("requests", "native", "headers"):
        getattr(only_server.endpoint, kept).clear()
    return only_server


@dataclass
class Heard(EndpointWatch):
    """What the watcher of one call was told."""

    models: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    ends: list[Call] = field(default_factory=list)
    before: list[HeardAnswer] = field(default_factory=list)
    """What was answered before a death, in its order."""
    keeping: list[HeardAnswer] = field(default_factory=list)

    def kept(self, request: Mapping[str, Any]) -> HeardAnswer | None:
        del request
        return self.before.pop(0) if self.before else None

    def keep(self, request: Mapping[str, Any], exchange: HeardAnswer) -> None:
        del request
        self.keeping.append(exchange)

    def called(self, usage: Usage, model: str, fingerprint: str, notes: tuple[str, ...]) -> None:
        del fingerprint
        self.models.append(model)
        self.notes += notes
        self.usage = usage

    def ended(self, call: Call) -> None:
        self.ends.append(call)


def ask(
    mode: Mode,
    request: dict[str, Any] | None = None,
    asking: EndpointLimits = SHORT,
    before: Iterable[HeardAnswer] = (),
) -> tuple[dict[str, Any], Heard]:
    """One attempt at a request, as the relay makes it too: the message, and what was heard."""
    heard = Heard(before=[*before])
    model = open_endpoint(mode, KEY, asking, heard)

    async def run() -> dict[str, Any]:
        async with model:
            api = cast("BoundedEndpoint", model.api)
            answer = await api.answer(ASKED if request is None else request)
        return answer.choices[0].message.model_dump(exclude_none=True)

    return anyio.run(run), heard


async def hang(_request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(3600)
    raise AssertionError


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" " * 65536)


def refused(code: int, text: str = "no") -> web.Response:
    return web.json_response({"error": {"message": text}}, status=code)


FAULTS: dict[str, tuple[Any, str, bool]] = {
    "html": (lambda *_: web.Response(text="<h1>Sign in</h1>", content_type="text/html"), "", True),
    "half-json": (lambda *_: b'{"id": "1", "content": [{"ty', "not JSON", True),
    "deep-json": (lambda *_: b"[" * 100_000, "answer", True),
    "list": (lambda *_: [1, 2], "not a JSON object", True),
    "empty": (lambda *_: {}, "no choice", True),
    "error-of-200": (lambda *_: {"error": {"message": "later"}}, "later", True),
    "texts": (lambda *_: {"content": "x", "output": "x", "candidates": "x"}, "no choice", True),
    "500": (lambda *_: refused(500), "HTTP 500", True),
    "429": (lambda *_: refused(429), "HTTP 429", True),
    "401": (lambda *_: refused(401), "HTTP 401", False),
    "404": (lambda *_: refused(404), "HTTP 404", False),
    "endless": (lambda *_: endless, "larger than 200000 bytes", True),
    "redirect": (
        lambda *_: web.Response(status=307, headers={"Location": "http://127.0.0.1:9/"}),
        "307",
        False,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("spoken", SPOKEN)
def test_a_fault_is_the_endpoints_in_one_line(spoken: str, fault: str, server: Server):
    server.script, says, again = FAULTS[fault]
    with pytest.raises(EndpointFault) as caught:
        ask(server.mode(spoken))
    text = str(caught.value)
    assert says in text
    assert "\n" not in text
    assert KEY not in text
    assert caught.value.retryable is again
    assert len(server.endpoint.requests) == 1


@pytest.mark.parametrize("spoken", SPOKEN)
def test_an_answer_that_does_not_come_is_not_waited_for(spoken: str, server: Server):
    server.script = lambda *_: hang
    with pytest.raises(EndpointFault, match="no whole answer within 1"):
        ask(server.mode(spoken), asking=EndpointLimits(attempt_seconds=1, retries=0))


@pytest.mark.parametrize("spoken", SPOKEN)
def test_the_key_goes_in_its_own_header_alone_and_out_of_what_is_said(spoken: str, server: Server):
    server.script = lambda *_: completion(f"your key is {KEY}", [("bash", {"command": KEY})])
    said, heard = ask(server.mode(spoken))
    (sent,) = server.endpoint.headers
    assert [name for name, value in sent.items() if KEY in value] == [
        name for name in sent if name.lower() == SPOKEN[spoken].key_header.lower()
    ]
    assert KEY not in json.dumps(server.endpoint.native)
    assert KEY not in json.dumps(said)
    assert any("held the endpoint's key" in note for note in heard.notes)


@pytest.mark.parametrize("spoken", SPOKEN)
def test_what_is_said_is_heard(spoken: str, server: Server):
    calls = [("bash", {"command": "ls"}), ("submit", {"answer": "x"})]
    server.script = lambda *_: completion("hello", calls)
    said, heard = ask(server.mode(spoken))
    assert said["content"] == "hello"
    functions = [each["function"] for each in said["tool_calls"]]
    assert [(f["name"], json.loads(f["arguments"])) for f in functions] == calls
    assert len({each["id"] for each in said["tool_calls"]}) == 2
    assert (heard.models, heard.usage.input, heard.usage.output) == (["scripted-1"], 100, 20)
    (end,) = heard.ends
    assert (end.submitted, end.asked, end.unknown_end) == (True, 1, "")
    assert end.stop in {"stop", "tool_calls"}
    if spoken != "chat":
        told = [each.get("text") or each.get("summary") for each in said["reasoning_details"]]
        assert THOUGHT in told


@pytest.mark.parametrize("spoken", SPOKEN)
def test_a_kept_answer_is_heard_again_as_it_was_and_asks_nothing(spoken: str, server: Server):
    """Ids that a format does not give are made alike: the next request must be the very same."""
    server.script = lambda *_: completion("hello", [("bash", {"command": "ls"})])
    said, first = ask(server.mode(spoken))
    assert len(server.endpoint.requests) == len(first.keeping) == 1
    again, second = ask(server.mode(spoken), before=first.keeping)
    assert (again, second.usage, second.ends) == (said, first.usage, first.ends)
    assert len(server.endpoint.requests) == 1
    server.script = lambda *_: refused(400, FULL[spoken])
    _, full = ask(server.mode(spoken))
    _, replayed = ask(server.mode(spoken), before=full.keeping)
    assert (replayed.ends, len(server.endpoint.requests)) == (full.ends, 2)


@pytest.mark.parametrize("spoken", SPOKEN)
@pytest.mark.parametrize(("end", "is_refused"), [("length", False), ("content_filter", True)])
def test_a_cut_and_a_refusal_are_no_whole_answers(
    spoken: str, end: str, is_refused: bool, server: Server
):
    server.script = lambda *_: completion("so far", stop=end)
    _, heard = ask(server.mode(spoken))
    assert [(call.stop, call.refused) for call in heard.ends] == [(end, is_refused)]


NATIVE_ENDS = [
    ("anthropic-messages", {"content": [], "stop_reason": "pause_turn"}, "length"),
    ("anthropic-messages", {"content": [], "stop_reason": "refusal"}, "content_filter"),
    ("anthropic-messages", {"content": [], "stop_reason": "who knows"}, "length"),
    ("anthropic-messages", {"content": []}, "length"),
    ("openai-responses", {"output": [], "status": "in_progress"}, "length"),
    ("openai-responses", {"output": [], "status": "completed"}, "stop"),
    ("openai-responses", {"output": [], "status": "completed", "error": {"x": 1}}, "length"),
    ("google-generate", {"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL"}]}, "length"),
    ("google-generate", {"candidates": [{"finishReason": "OTHER"}]}, "length"),
    (
        "google-generate",
        {"candidates": [{"finishReason": "STOP", "safetyRatings": [{"blocked": True}]}]},
        "content_filter",
    ),
    ("google-generate", {"promptFeedback": {"blockReason": "SAFETY"}}, "content_filter"),
]


@pytest.mark.parametrize(("spoken", "told", "stop"), NATIVE_ENDS)
def test_the_words_of_a_format_for_an_end(
    spoken: str, told: dict[str, Any], stop: str, server: Server
):
    server.script = lambda *_: told
    _, heard = ask(server.mode(spoken))
    assert [call.stop for call in heard.ends] == [stop]


def test_an_answer_that_failed_is_asked_for_again(server: Server):
    server.script = lambda *_: {"output": [], "status": "failed", "error": {"message": "x"}}
    with pytest.raises(EndpointFault, match="broken off") as caught:
        ask(server.mode("openai-responses"))
    assert caught.value.retryable


FULL = {
    "chat": "maximum context length is 4096 tokens",
    "anthropic-messages": "prompt is too long: 210000 tokens > 200000 maximum",
    "openai-responses": "Your input exceeds the context window of this model",
    "google-generate": "The input token count (1200000) exceeds the maximum number of tokens",
}


@pytest.mark.parametrize("spoken", SPOKEN)
def test_a_full_context_tells_of_the_model(spoken: str, server: Server):
    server.script = lambda *_: refused(400, FULL[spoken])
    _, heard = ask(server.mode(spoken))
    assert [call.stop for call in heard.ends] == ["length"]


@pytest.mark.parametrize("spoken", OTHERS)
def test_whatever_stands_in_whatever_field_is_an_answer_or_a_fault(spoken: str, server: Server):
    """No value at any place of an answer comes through as a defect of ours, or as no text."""
    whole = SPOKEN[spoken].said(completion("hello", [("bash", {"command": "ls"})]))
    answers, place = [], 0
    while (first := mangled(whole, place, ODD[0])) is not ODD:
        answers += [first, *(mangled(whole, place, odd) for odd in ODD[1:])]
        place += 1
    assert place > 15
    heard = Heard()
    server.script = lambda _body, number: json.dumps(answers[number]).encode()
    model = open_endpoint(server.mode(spoken), KEY, SHORT, heard)
    faults, said = 0, set[str]()

    async def run() -> None:
        nonlocal faults
        async with model:
            api = cast("BoundedEndpoint", model.api)
            for _ in answers:
                try:
                    answer = await api.answer(ASKED)
                except EndpointFault as fault:
                    said.add(str(fault))
                    faults += 1
                else:
                    # As it goes on to a log: half a surrogate pair could not be written.
                    answer.model_dump_json().encode()

    anyio.run(run)
    assert len(heard.ends) == len(answers) - faults
    assert 0 < faults < len(answers)
    # Each told by the door, and none by what tripped over it behind.
    assert {text[:19] for text in said} <= {
        "the answer holds no",
        "the answer was brok",
        "the answer is not a",
    }


@pytest.mark.parametrize("spoken", OTHERS)
def test_a_part_of_another_kind_is_left_out_and_noted(spoken: str, server: Server):
    whole = SPOKEN[spoken].said(completion("hello"))
    list_of = {
        "anthropic-messages": lambda: whole["content"],
        "openai-responses": lambda: whole["output"],
        "google-generate": lambda: whole["candidates"][0]["content"]["parts"],
    }[spoken]
    list_of().append({"type": "server_tool_use", "name": "web_search", "executableCode": {}})
    server.script = lambda *_: whole
    said, heard = ask(server.mode(spoken))
    assert said["content"] == "hello"
    assert heard.notes == ["a part of a kind that was not asked for was left out of the answer"]


@pytest.mark.parametrize(
    ("spoken", "asked", "note"),
    [
        ("anthropic-messages", {"seed": 7}, "seed was not sent: anthropic-messages has none"),
        ("openai-responses", {"stop": ["x"]}, "stop was not sent: openai-responses has none"),
        (
            "google-generate",
            {"parallel_tool_calls": False},
            "parallel_tool_calls was not sent: google-generate has none",
        ),
    ],
)
def test_what_a_format_has_no_word_for_is_noted(
    spoken: str, asked: dict[str, Any], note: str, server: Server
):
    _, heard = ask(server.mode(spoken), {**ASKED, **asked})
    assert heard.notes == [note]


@pytest.mark.parametrize("spoken", OTHERS)
@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "neither text"),
    ],
)
def test_what_would_be_another_question_is_not_asked(
    spoken: str, asked: dict[str, Any], says: str, server: Server
):
    with pytest.raises(EndpointFault, match=says) as caught:
        ask(server.mode(spoken), {**ASKED, **asked})
    assert not caught.value.retryable
    assert server.endpoint.requests == []


REASONING: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "anthropic-messages",
        {"reasoning_tokens": 2000},
        {"thinking": {"type": "enabled", "budget_tokens": 2000}},
    ),
    (
        "anthropic-messages",
        {"reasoning_effort": "high"},
        {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
    ),
    (
        "openai-responses",
        {"reasoning_effort": "low", "top_p": "0.5"},
        {"reasoning": {"effort": "low", "summary": "auto"}, "top_p": 0.5},
    ),
    (
        "google-generate",
        {"reasoning_tokens": 2000, "seed": 3, "temperature": "0.5"},
        {
            "generationConfig": {
                "temperature": 0.5,
                "seed": 3,
                "maxOutputTokens": 4000,
                "thinkingConfig": {"thinkingBudget": 2000, "includeThoughts": True},
            }
        },
    ),
]


@pytest.mark.parametrize(("spoken", "settings", "sent"), REASONING)
def test_a_whole_sample_and_its_second_turn(
    spoken: Format, settings: dict[str, Any], sent: dict[str, Any], server: Server, toy_run: Run
):
    """The server is strict: thoughts come back sealed as they went, and roles take turns."""
    result = toy_run("", size=1, mode=server.mode(spoken, **settings))
    assert [o.result for o in result.outcomes] == ["solved"]
    (outcome,) = result.outcomes
    assert (outcome.calls, outcome.usage.input, outcome.usage.output) == (2, 200, 40)
    first, second = server.endpoint.native
    assert first | sent == first
    assert len(json.dumps(second)) > len(json.dumps(first))


def test_thoughts_go_back_in_the_field_that_they_came_in(server: Server, toy_run: Run):
    """In the chat format too: as text they would lose their seal."""
    details = [{"type": "reasoning.text", "text": THOUGHT, "signature": "sealed"}]

    def thinking(body: dict[str, Any], number: int) -> dict[str, Any]:
        said = copier(body, number)
        said["choices"][0]["message"]["reasoning_details"] = details
        return said

    server.script = thinking
    toy_run("", size=1, mode=server.mode("chat"))
    turns = [each for each in server.endpoint.native[1]["messages"] if each["role"] == "assistant"]
    assert [each["reasoning_details"] for each in turns] == [details]
    assert "<think" not in json.dumps(turns)


def test_an_image_given_as_data_goes_along(server: Server):
    url = "data:image/png;base64,aGVsbG8="
    image = {"type": "image_url", "image_url": {"url": url}}
    asked = {**ASKED, "messages": [{"role": "user", "content": [image]}]}
    for spoken in OTHERS:
        ask(server.mode(spoken), asked)
    assert all("aGVsbG8=" in json.dumps(each) for each in server.endpoint.native)


@pytest.mark.parametrize("spoken", OTHERS)
def test_lost_samples_are_never_a_zero(spoken: str, server: Server, toy_run: Run):
    server.script = lambda *_: refused(500)
    asking = EndpointLimits(max_samples=1, retries=0, backoff_seconds=0)
    result = toy_run("", size=1, mode=server.mode(spoken), asking=asking)
    assert (result.outcomes, result.stopped) == ((), "endpoint-failing")
    assert "HTTP 500" in result.lost[0].reason


@pytest.mark.parametrize("spoken", OTHERS)
def test_the_key_is_in_no_file(spoken: str, server: Server, toy_run: Run, tmp_path: Path):
    server.script = lambda *_: refused(401, f"Incorrect key: {KEY}")
    toy_run("", size=1, mode=server.mode(spoken))
    held = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert held
    assert not any(KEY.encode() in data for data in held)


@pytest.mark.parametrize("spoken", OTHERS)
def test_a_pack_asks_in_the_chat_format_and_the_relay_in_the_endpoints(spoken: str, server: Server):
    server.script = lambda *_: completion("yes")
    relay = Relay({"subject": RoleEndpoint(server.mode(spoken), KEY)}, frozenset({4}), SHORT)
    (said,) = ask_relay(relay, {"role": "subject", "sample": "4", "request": HELLO})
    assert said is not None
    assert said["completion"]["choices"][0]["message"]["content"] == "yes"
    assert (relay.calls, relay.used) == (1, 120)
    assert "messages" not in server.endpoint.native[0] or spoken == "anthropic-messages"


def test_the_format_is_part_of_what_an_endpoint_is(server: Server):
    digests = {endpoint_digest(server.mode(spoken)) for spoken in SPOKEN}
    assert len(digests) == len(SPOKEN)
