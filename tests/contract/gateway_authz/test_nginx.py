"""A real nginx with the how-to's configuration asks the decision service by `auth_request`."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from support.decision_place import Place, instead, nginx, without
from support.gateway_loop import CHAT, NOT_ALLIES, RULES, token

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.needs_nginx]
INSTANT, THINKING = "/instant/v1/chat/completions", "/thinking/v1/chat/completions"
BODY = json.dumps(CHAT).encode()
WANTS_THINKING = json.dumps({**CHAT, "reasoning_effort": "high"}).encode()
STREAM = json.dumps({**CHAT, "stream": True}).encode()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def port(module_place: Place, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[int]:
    async with nginx(module_place, tmp_path_factory.mktemp("nginx")) as port:
        yield port


async def test_allowed_and_forwarded(place: Place, port: int):
    status, _, answer = await place.ask(port, INSTANT, BODY, token())
    assert status == 200
    assert b"chat.completion" in answer
    ((path, headers, forwarded),) = place.loop.stub.requests
    assert (path, forwarded) == ("/v1/chat/completions", BODY)
    (event,) = place.loop.audit.events
    assert (event["variant"], event["mode"]) == ("final", "instant")
    assert headers["X-Touchstone-Decision"] == event["decision"]
    assert headers["X-Touchstone-Rule"] == "domestic"
    assert {*headers} == {
        "Host",
        "Content-Type",
        "Content-Length",
        "X-Touchstone-Decision",
        "X-Touchstone-Rule",
    }


async def test_barred_with_a_sentence(place: Place, port: int):
    status, headers, answer = await place.ask(port, THINKING, BODY, token(nationality="XC"))
    assert (status, headers["Content-Type"]) == (403, "application/json")
    assert json.loads(answer)["error"]["code"] == "denied_by_terms"
    assert json.loads(answer)["error"]["message"]
    assert place.loop.stub.requests == []


async def test_nobody_known_is_told_so(place: Place, port: int):
    status, headers, answer = await place.ask(port, INSTANT, BODY)
    assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
    assert json.loads(answer)["error"]["code"] == "token_missing"
    assert (await place.ask(port, INSTANT, BODY, "nonsense"))[0] == 401
    assert place.loop.stub.requests == []


async def test_keys_of_the_other_api_are_known_too(place: Place, port: int):
    status, _, _ = await place.ask(port, INSTANT, BODY, X_Api_Key=token())
    assert status == 200
    both = await place.ask(port, INSTANT, BODY, token(), X_Api_Key=token(nationality="XB"))
    assert both[0] == 401


async def test_a_purpose_is_passed_on(place: Place, port: int):
    await place.ask(port, INSTANT, BODY, token(), Touchstone_Purpose="evaluation")
    assert place.loop.audit.events[0]["purpose"] == "evaluation"
    assert (await place.ask(port, INSTANT, BODY, token(), Touchstone_Purpose="mischief"))[0] == 403


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/instant/../thinking/v1/chat/completions", 403),
        ("/instant/%2e%2e/thinking/v1/chat/completions", 403),
        ("/instant/..%2fthinking/v1/chat/completions", 403),
        (INSTANT + "?mode=thinking", 400),
        ("/_touchstone", 404),
        ("/elsewhere", 403),
    ],
)
async def test_a_path_is_judged_as_it_is_forwarded(place: Place, port: int, path: str, status: int):
    assert (await place.ask(port, path, BODY, token(nationality="XC")))[0] == status
    assert place.loop.stub.requests == []


async def test_a_location_that_names_nothing_is_barred(place: Place, tmp_path: Path):
    new = "location /new/ { proxy_pass http://127.0.0.1:9000/; }\n    location /instant/v1/ {"
    add = instead("location /instant/v1/ {", new)
    async with nginx(place, tmp_path, add) as port:
        assert (await place.ask(port, "/new/v1/chat/completions", BODY, token()))[0] == 403
        assert place.loop.stub.requests == []
    # The twin: it is the recipe's line for the whole server that holds.
    bare = without("auth_request /_touchstone;")
    async with nginx(place, tmp_path, lambda text: bare(add(text))) as port:
        assert (await place.ask(port, "/new/v1/chat/completions", BODY))[0] == 200


async def test_headers_of_the_callers_do_not_pass_for_ours(place: Place, port: int, tmp_path: Path):
    mine = {"X_Touchstone_Decision": "mine", "X_Touchstone_Rule": "mine", "X_Effort": "high"}
    assert (await place.ask(port, INSTANT, BODY, token(), **mine))[0] == 200
    ((_, headers, _),) = place.loop.stub.requests
    assert "X-Effort" not in headers
    assert "mine" not in headers.values()
    place.loop.stub.requests.clear()
    lax = without("proxy_pass_request_headers off;")
    lines = ("proxy_set_header X-Touchstone-Rule $touchstone_rule;",)
    async with nginx(place, tmp_path, lambda text: without(lines[0])(lax(text))) as other:
        await place.ask(other, INSTANT, BODY, token(), **mine)
    ((_, headers, _),) = place.loop.stub.requests
    assert (headers["X-Touchstone-Rule"], headers["X-Effort"]) == ("mine", "high")


async def test_a_query_is_refused(place: Place, tmp_path: Path):
    """The twin of the recipe's line; the line itself is probed above."""
    async with nginx(place, tmp_path, without("if ($args) { return 400; }")) as port:
        path = INSTANT + "?mode=thinking"
        assert (await place.ask(port, path, BODY, token(nationality="XC")))[0] == 200


async def test_no_policy_or_no_service_no_access(place: Place, port: int, tmp_path: Path):
    await place.loop.enforcement.apply(None, 0)
    assert (await place.ask(port, INSTANT, BODY, token()))[0] == 500
    async with nginx(place.dead(), tmp_path) as other:
        assert (await place.ask(other, INSTANT, BODY, token()))[0] == 500
    assert place.loop.stub.requests == []


async def test_a_body_above_the_limit_is_refused(place: Place, port: int):
    assert (await place.ask(port, INSTANT, BODY + b" " * (5 << 20), token()))[0] == 413
    assert (place.loop.audit.events, place.loop.stub.requests) == ([], [])


async def test_the_body_is_not_judged(place: Place, port: int):
    """The limit that the page states: what stands behind a location has to hold its mode."""
    status, _, _ = await place.ask(port, INSTANT, WANTS_THINKING, token(nationality="XC"))
    assert status == 200
    assert place.loop.audit.events[0]["mode"] == "instant"
    assert place.loop.stub.requests[0][2] == WANTS_THINKING


async def test_a_directive_bars_the_next_request_and_cuts_no_stream(place: Place, port: int):
    """The other limit: only a gateway in the path ends what is running."""
    ally = token(nationality="XC")
    headers = {"Authorization": f"Bearer {ally}", "Content-Type": "application/json"}
    url = f"http://127.0.0.1:{port}{INSTANT}"
    async with place.client.post(url, data=STREAM, headers=headers) as running:
        assert running.status == 200
        assert b"w0" in await running.content.readline()
        await place.loop.apply(*RULES, NOT_ALLIES)
        status, _, answer = await place.ask(port, INSTANT, BODY, ally)
        assert (status, json.loads(answer)["error"]["code"]) == (403, "denied_by_terms")
        assert (await running.read()).endswith(b"data: [DONE]\n\n")
    assert (await place.ask(port, INSTANT, BODY, token()))[0] == 200
