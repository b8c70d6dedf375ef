"""What administrators admit for a model, and what is said of a model to whom it is not there."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from support.gateway_loop import (
    ALLIES,
    CHAT,
    DOMESTIC,
    NOT_ALLIES,
    Loop,
    config_text,
    gateway,
    token,
)
from touchstone.gateway.config import parse_config
from touchstone.gateway.enforcing import proxy
from touchstone.gateway.enforcing.usage import Hold, UsageStore
from touchstone.gateway.errors import GatewayConfigError

pytestmark = pytest.mark.asyncio
CHATS, MESSAGES, COUNT = "/v1/chat/completions", "/v1/messages", "/v1/messages/count_tokens"
BETA = "context-1m-2025-08-07"
MODELS = """
[[upstreams]]
model = "open"
variant = "final"
base_url = "@UPSTREAM@/v1"
mode = "instant"
fields = ["top_k", "min_p"]
query = ["limit", "after"]
tools = ["web_search"]
[[upstreams]]
model = "open"
variant = "final"
protocol = "anthropic"
base_url = "@UPSTREAM@/v1"
modes = { default = "instant", enabled = "thinking" }
headers = { anthropic-beta = ["context-1m-2025-08-07"] }
query = ["beta", "limit", "after_id"]
paths = { "/v1/messages/count_tokens" = "/v1/messages" }
"""
MESSAGE: Mapping[str, Any] = {
    "model": "open",
    "messages": CHAT["messages"],
    "max_tokens": 9,
}
THINKS = {"thinking": {"type": "enabled", "budget_tokens": 1024}}


def admitting(folder: Path, *rules: Any) -> Any:
    """A gateway with a model of each kind that admits more than others."""
    return gateway(folder, *rules, config={"models": MODELS})


async def ask(
    loop: Loop,
    path: str,
    body: Mapping[str, Any] | None,
    text: str | None = None,
    **headers: str,
) -> tuple[int, bytes]:
    sent = {"Authorization": f"Bearer {text or token()}", **headers}
    method = "GET" if body is None else "POST"
    url = URL(loop.url + path, encoded=True)
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, json=body, headers=sent) as answer,
    ):
        return answer.status, await answer.read()


async def test_fields_are_admitted_for_their_model_alone(tmp_path: Path):
    more = {"top_k": 5, "min_p": 0.1}
    async with admitting(tmp_path) as loop:
        assert (await ask(loop, CHATS, {**CHAT, "model": "open", **more}))[0] == 200
        assert json.loads(loop.stub.requests[-1][2])["top_k"] == 5
        status, said = await ask(loop, CHATS, {**CHAT, **more})
        assert (status, json.loads(said)["error"]["code"]) == (400, "unknown_field")
        assert (await ask(loop, CHATS, {**CHAT, "model": "open", "web_search_options": {}}))[
            0
        ] == 200
        assert (await ask(loop, CHATS, {**CHAT, "web_search_options": {}}))[0] == 400
        assert len(loop.stub.requests) == 2


async def test_headers_are_admitted_with_their_values(tmp_path: Path):
    async with admitting(tmp_path) as loop:
        assert (await ask(loop, MESSAGES, MESSAGE, **{"anthropic-beta": BETA}))[0] == 200
        assert loop.stub.requests[-1][1]["anthropic-beta"] == BETA
        for value in ("another", f"{BETA},another", f"{BETA},", ""):
            assert (await ask(loop, MESSAGES, MESSAGE, **{"anthropic-beta": value}))[0] == 400
        other = {**MESSAGE, "model": "example-model"}
        assert (await ask(loop, MESSAGES, other, **{"anthropic-beta": BETA}))[0] == 400
        assert len(loop.stub.requests) == 1


async def test_a_query_is_admitted_by_its_keys(tmp_path: Path):
    async with admitting(tmp_path) as loop:
        assert (await ask(loop, f"{MESSAGES}?beta=true", MESSAGE))[0] == 200
        for query in ("beta=true&beta=false", "beta", "beta=true&a=b", "beta=%74rue", "=", "a=b"):
            assert (await ask(loop, f"{MESSAGES}?{query}", MESSAGE))[0] == 400
        other = {**MESSAGE, "model": "example-model"}
        assert (await ask(loop, f"{MESSAGES}?beta=true", other))[0] == 400
        assert len(loop.stub.requests) == 1


async def test_an_admitted_path_is_judged_for_mode_and_model(tmp_path: Path):
    async with admitting(tmp_path, DOMESTIC, ALLIES) as loop:
        assert (await ask(loop, COUNT, MESSAGE))[0] == 200
        assert loop.stub.requests[-1][0] == COUNT
        allied = token(nationality="XC")
        assert (await ask(loop, COUNT, MESSAGE, allied))[0] == 200
        assert (await ask(loop, COUNT, {**MESSAGE, **THINKS}, allied))[0] == 403
        assert (await ask(loop, COUNT, {**MESSAGE, "model": "example-model"}))[0] == 404
        assert (await ask(loop, COUNT, {**MESSAGE, "container": "c"}))[0] == 400
        assert len(loop.stub.requests) == 2


async def test_a_count_of_tokens_costs_none(tmp_path: Path):
    budget = {**DOMESTIC, "budget": {"tokens": 100, "per": "day"}}
    async with admitting(tmp_path, budget) as loop:
        for _ in range(3):
            assert (await ask(loop, COUNT, MESSAGE))[0] == 200
        await loop.settles_at(0)


async def test_models_are_listed_in_pages_where_that_is_admitted(tmp_path: Path):
    async with admitting(tmp_path) as loop:
        listed = json.loads((await ask(loop, "/v1/models", None))[1])["data"]
        names = [each["id"] for each in listed]
        status, said = await ask(loop, "/v1/models?limit=1", None)
        assert (status, [each["id"] for each in json.loads(said)["data"]]) == (200, names[:1])
        assert json.loads(said)["has_more"] is True
        rest = await ask(loop, f"/v1/models?limit=9&after={names[0]}", None)
        assert [each["id"] for each in json.loads(rest[1])["data"]] == names[1:]
        for query in (
            "limit=0",
            "limit=x",
            "order=asc",
            "limit=1&limit=2",
            "limit=1001",
            "limit=",
            "limit=-1",
            "limit=00001",
            f"limit={'9' * 5000}",
            f"limit={'0' * 5000}1",
        ):
            assert (await ask(loop, f"/v1/models?{query}", None))[0] == 400
        assert (await ask(loop, "/v1/models?limit=1000", None))[0] == 200
    (tmp_path / "plain").mkdir()
    async with gateway(tmp_path / "plain") as loop:
        assert (await ask(loop, "/v1/models?limit=1", None))[0] == 400


@pytest.mark.parametrize(
    "entry",
    [
        'fields = ["model"]',
        'fields = ["reasoning_effort"]',
        'fields = ["previous_response_id"]',
        'fields = ["messages.file_id"]',
        'fields = ["thinking"]',
        'fields = ["a b"]',
        'headers = { authorization = ["*"] }',
        'headers = { Anthropic-Beta = ["*"] }',
        'headers = { x-forwarded-for = ["*"] }',
        'paths = { "/v1/files" = "/v1/files" }',
        'paths = { "/v1/x/../y" = "/v1/embeddings" }',
        'paths = { "/v1/embeddings" = "/v1/responses" }',
        'query = ["a&b"]',
        'tools = ["a b"]',
    ],
)
async def test_what_is_judged_is_not_admitted(tmp_path: Path, entry: str):
    text = config_text(tmp_path, "http://127.0.0.1:9")
    with pytest.raises(GatewayConfigError):
        parse_config(f"{text}\n{entry}\n", "gateway.toml", tmp_path)
    parse_config(text, "gateway.toml", tmp_path)


# ---------------------------------------------------------------- barred, or not there
ONE = {**DOMESTIC, "variants": ["final"]}
"""Of the models only those of one variant."""
BODIES: list[Mapping[str, Any]] = [
    {},
    {"stream": True},
    {"reasoning_effort": "xhigh"},
    {"unknown": 1},
    {"reasoning_effort": 3},
    {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]},
    {"top_k": 5},
]


async def alike(folder: Path, rules: tuple[Any, ...], nationality: str) -> bool:
    """Whether a barred model and one that is not there are told of in the same bytes."""
    async with gateway(folder, *rules) as loop:
        text, found = token(nationality=nationality), []
        for body in BODIES:
            barred = await ask(loop, CHATS, {**CHAT, **body, "model": "other-name"}, text)
            absent = await ask(loop, CHATS, {**CHAT, **body, "model": "nobody-s"}, text)
            found.append(barred == absent)
        listed = [
            await ask(loop, f"/v1/models/{name}", None, text) for name in ("other-name", "nobody-s")
        ]
        found.append(listed[0] == listed[1])
        assert not loop.stub.requests
        return all(found)


@pytest.mark.parametrize(
    ("rules", "nationality"),
    [((ONE,), "XA"), ((ONE,), "XB"), ((DOMESTIC, ALLIES, NOT_ALLIES), "XC"), ((DOMESTIC,), "XC")],
    ids=["one model", "no permission", "forbidden", "nobody's"],
)
async def test_barred_and_absent_models_are_told_of_alike(
    tmp_path: Path, rules: tuple[Any, ...], nationality: str
):
    assert await alike(tmp_path, rules, nationality)


async def test_twin_where_the_denial_names_its_rule_the_barred_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(proxy.Proxy, "_reaches", lambda *_: True)
    assert not await alike(tmp_path, (ONE,), "XA")


async def test_who_is_barred_from_everything_hears_why(tmp_path: Path):
    async with gateway(tmp_path, DOMESTIC, ALLIES, NOT_ALLIES) as loop:
        for model in ("example-model", "nobody-s"):
            body = {**CHAT, "model": model}
            status, said = await ask(loop, CHATS, body, token(nationality="XC"))
            assert status == 403
            assert json.loads(said)["error"]["code"] == "denied_by_terms"
            assert "forbids" in json.loads(said)["error"]["message"]


# ---------------------------------------------------------------- what is stored
async def test_nothing_is_stored_unless_the_endpoint_stores_per_caller(tmp_path: Path):
    response = {"model": "example-model", "input": "hi"}
    models = MODELS.replace(
        'mode = "instant"\nfields', 'mode = "instant"\nstores_per_caller = true\nfields'
    )
    async with gateway(tmp_path, config={"models": models}) as loop:
        for path, body, stored in (
            ("/v1/responses", response, False),
            ("/v1/responses", {**response, "store": True}, False),
            ("/v1/responses", {**response, "store": None}, False),
            ("/v1/responses", {**response, "model": "open", "store": True}, True),
            (CHATS, {**CHAT, "store": True}, False),
            (CHATS, CHAT, None),
        ):
            assert (await ask(loop, path, body))[0] == 200
            assert json.loads(loop.stub.requests[-1][2]).get("store") is stored


ALIASES = """
[[upstreams]]
model = "aliased"
variant = "final"
base_url = "@UPSTREAM@/v1"
mode = "instant"
[upstreams.paths]
"/v1/beta/responses" = "/v1/responses"
"/v1/responses/input_tokens" = "/v1/responses"
"/v1/beta/chat" = "/v1/chat/completions"
"/v1/beta/completions" = "/v1/completions"
"/v1/beta/vectors" = "/v1/embeddings"
"""
LIKE = [
    ("/v1/responses", "/v1/beta/responses", {"input": "hi"}),
    ("/v1/responses", "/v1/beta/responses", {"input": "hi", "stream": True}),
    ("/v1/chat/completions", "/v1/beta/chat", {"messages": CHAT["messages"]}),
    ("/v1/chat/completions", "/v1/beta/chat", {"messages": CHAT["messages"], "stream": True}),
    ("/v1/chat/completions", "/v1/beta/chat", {"messages": CHAT["messages"], "store": True}),
    ("/v1/completions", "/v1/beta/completions", {"prompt": "hi", "stream": True}),
    ("/v1/embeddings", "/v1/beta/vectors", {"input": "hi"}),
]


@pytest.mark.parametrize(("known", "alias", "body"), LIKE)
async def test_an_admitted_path_is_forwarded_and_held_like_the_known_one(
    tmp_path: Path, known: str, alias: str, body: Mapping[str, Any]
):
    budget = {**DOMESTIC, "budget": {"tokens": 10**9, "per": "day"}}
    async with gateway(tmp_path, budget, config={"models": ALIASES}) as loop:
        holds, hold = list[int](), UsageStore.hold
        with pytest.MonkeyPatch.context() as patch:

            async def held(usage: UsageStore, person: str, tokens: int, now: float) -> Hold:
                holds.append(tokens)
                return await hold(usage, person, tokens, now)

            patch.setattr(UsageStore, "hold", held)
            for path in (known, alias):
                assert (await ask(loop, path, {"model": "aliased", **body}))[0] == 200
        (at, _, first), (alias_at, _, second) = loop.stub.requests
        assert (at, alias_at) == (known, alias)
        assert first == second
        assert holds[0] == holds[1] > 0


async def test_a_path_that_only_counts_is_given_nothing_that_an_answer_has(tmp_path: Path):
    async with gateway(tmp_path, config={"models": ALIASES}) as loop:
        for more, stored in (({}, None), ({"store": True}, False)):
            body = {"model": "aliased", "input": "hi", **more}
            assert (await ask(loop, "/v1/responses/input_tokens", body))[0] == 200
            assert json.loads(loop.stub.requests[-1][2]).get("store") is stored
