"""A real Envoy with the how-to's configuration asks the decision service about every request."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from support.decision_place import Place, envoy, instead, without
from support.gateway_loop import CHAT, NOT_ALLIES, RULES, token
from touchstone.gateway.authz import serving

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.needs_envoy]
CHATS = "/v1/chat/completions"
BODY = json.dumps(CHAT).encode()
THINKING = json.dumps({**CHAT, "reasoning_effort": "high"}).encode()
STREAM = json.dumps({**CHAT, "stream": True}).encode()
LIMIT = 1 << 20
ALL_HEADERS = 'allowed_headers: { patterns: [{ safe_regex: { regex: ".*" } }] }'
OURS = "allowed_upstream_headers: { patterns: [{ prefix: x-touchstone- }] }"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def port(module_place: Place, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[int]:
    async with envoy(module_place, tmp_path_factory.mktemp("envoy")) as port:
        yield port


async def test_allowed_and_forwarded_byte_by_byte(place: Place, port: int):
    body = b' {"model" : "example-model","messages":[{"role":"user","content":"\\u00e9"}]}\n'
    status, _, answer = await place.ask(port, CHATS, body, token())
    assert status == 200
    assert b"chat.completion" in answer
    ((path, headers, forwarded),) = place.loop.stub.requests
    assert (path, forwarded) == (CHATS, body)
    (event,) = place.loop.audit.events
    assert headers["x-touchstone-decision"] == event["decision"]
    assert headers["x-touchstone-rule"] == event["rule"] == "domestic"
    assert "authorization" not in {name.lower() for name in headers}


async def test_barred_as_from_an_absent_model_and_with_a_sentence(place: Place, port: int):
    status, headers, answer = await place.ask(port, CHATS, BODY, token(nationality="XB"))
    assert status == 403
    error = json.loads(answer)["error"]
    assert error["code"] == "denied_by_terms"
    assert error["message"] == headers["x-touchstone-sentence"]
    assert headers["x-touchstone-rule"] == "no-model"
    assert headers["x-touchstone-decision"] == place.loop.audit.events[0]["decision"]
    assert place.loop.stub.requests == []


async def test_nobody_known_is_told_so(place: Place, port: int):
    status, headers, _ = await place.ask(port, CHATS, BODY)
    assert (status, headers["www-authenticate"]) == (401, "Bearer")
    assert (await place.ask(port, CHATS, BODY, "nonsense"))[0] == 401
    assert place.loop.stub.requests == []


async def test_the_mode_is_read_from_the_body(place: Place, port: int):
    ally = token(nationality="XC")
    assert (await place.ask(port, CHATS, BODY, ally))[0] == 200
    assert (await place.ask(port, CHATS, THINKING, ally))[0] == 403
    assert [event["mode"] for event in place.loop.audit.events] == ["instant", "thinking"]
    assert len(place.loop.stub.requests) == 1


async def test_a_body_in_pieces_is_judged_whole(place: Place, port: int):
    async def pieces() -> AsyncIterator[bytes]:
        yield THINKING[:20]
        await asyncio.sleep(0.01)
        yield THINKING[20:]

    assert (await place.ask(port, CHATS, pieces(), token(nationality="XC")))[0] == 403
    assert (await place.ask(port, CHATS, pieces(), token()))[0] == 200
    assert place.loop.stub.requests[0][2] == THINKING


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        (CHATS, BODY[:-1] + b', "model": "other-name"}', {}, 400),
        (CHATS + "?reasoning_effort=high", BODY, {}, 400),
        ("/v1/models", BODY, {}, 404),
        ("/v1//chat/../chat/completions", THINKING, {}, 403),  # Envoy makes it plain first
        ("/v1/chat%2fcompletions", BODY, {}, 400),
        (CHATS, BODY, {"OpenAI_Beta": "realtime"}, 400),
        (CHATS, BODY, {"Content_Encoding": "gzip"}, 415),
        (CHATS, BODY, {"Content_Type": "text/plain"}, 415),
        (CHATS, BODY.replace(b"example-model", b"other-name"), {}, 403),  # renamed upstream
        (CHATS, BODY.replace(b"example-model", b"unknown"), {}, 404),
        (CHATS, BODY, {"Upgrade": "websocket", "Connection": "Upgrade"}, 403),
    ],
)
async def test_what_cannot_be_judged_is_not_forwarded(
    place: Place, port: int, path: str, body: bytes, headers: dict[str, str], status: int
):
    found, _, _ = await place.ask(port, path, body, token(nationality="XC"), **headers)
    assert found == status
    assert place.loop.stub.requests == []


async def test_a_body_above_the_buffer_is_refused_and_nobody_asked(place: Place, port: int):
    assert (await place.ask(port, CHATS, BODY + b" " * LIMIT, token()))[0] == 413
    assert (place.loop.audit.events, place.loop.stub.requests) == ([], [])


async def test_a_partial_body_is_refused(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Its beginning can be whole JSON, while what follows says something else to a lax reader."""
    long = BODY + b" " * 8192 + THINKING
    settings = "max_request_bytes: 1048576, allow_partial_message: false"
    partial = "max_request_bytes: 4096, allow_partial_message: true"
    async with envoy(place, tmp_path, instead(settings, partial)) as port:
        status, _, answer = await place.ask(port, CHATS, long, token(nationality="XC"))
        assert (status, b"beginning" in answer) == (413, True)
        assert place.loop.stub.requests == []
        # The twin: without the guard the whole is forwarded unjudged.
        monkeypatch.setattr(serving, "check_whole", lambda _: None)
        await place.ask(port, CHATS, long, token(nationality="XC"))
        assert place.loop.stub.requests[0][2] == long


async def test_headers_of_the_callers_do_not_pass_for_ours(place: Place, port: int):
    mine = {"X_Touchstone_Decision": "mine", "X_Touchstone_Rule": "mine", "X_Effort": "high"}
    status, _, _ = await place.ask(port, CHATS, BODY, token(), **mine)
    ((_, headers, _),) = place.loop.stub.requests
    assert (status, headers["x-touchstone-rule"]) == (200, "domestic")
    assert headers["x-touchstone-decision"] == place.loop.audit.events[0]["decision"]
    assert "x-effort" not in headers
    assert "mine" not in headers.values()


async def test_twin_of_the_headers(place: Place, tmp_path: Path):
    """Each of the recipe's two lines holds something."""
    mine = {"X_Touchstone_Rule": "mine", "X_Effort": "high"}
    async with envoy(
        place,
        tmp_path,
        lambda text: without(OURS)(
            instead(ALL_HEADERS, 'allowed_headers: { patterns: [{ prefix: "content-" }] }')(text)
        ),
    ) as port:
        assert (await place.ask(port, CHATS, BODY, token(), **mine))[0] == 200
    ((_, headers, _),) = place.loop.stub.requests
    assert (headers["x-touchstone-rule"], headers["x-effort"]) == ("mine", "high")


async def test_no_policy_no_access(place: Place, port: int):
    await place.loop.enforcement.apply(None, 0)
    assert (await place.ask(port, CHATS, BODY, token()))[0] == 503
    assert place.loop.stub.requests == []


async def test_no_service_no_access(place: Place, tmp_path: Path):
    async with envoy(place.dead(), tmp_path) as port:
        assert (await place.ask(port, CHATS, BODY, token()))[0] == 503
        assert place.loop.stub.requests == []
    open_ = instead("failure_mode_allow: false", "failure_mode_allow: true")
    async with envoy(place.dead(), tmp_path, open_) as port:
        # The twin: the recipe's line is what holds.
        assert (await place.ask(port, CHATS, BODY, token()))[0] == 200


async def test_a_directive_bars_the_next_request_and_cuts_no_stream(place: Place, port: int):
    """The limit that the page states: only a gateway in the path ends what is running."""
    ally = token(nationality="XC")
    headers = {"Authorization": f"Bearer {ally}", "Content-Type": "application/json"}
    url = f"http://127.0.0.1:{port}{CHATS}"
    async with place.client.post(url, data=STREAM, headers=headers) as running:
        assert running.status == 200
        assert b"w0" in await running.content.readline()
        cut = await place.loop.apply(*RULES, NOT_ALLIES)
        assert (cut.live, cut.cut) == (0, 0)
        status, said, _ = await place.ask(port, CHATS, BODY, ally)
        assert (status, said["x-touchstone-rule"]) == (403, "no-model")
        assert (await running.read()).endswith(b"data: [DONE]\n\n")
    assert (await place.ask(port, CHATS, BODY, token()))[0] == 200
