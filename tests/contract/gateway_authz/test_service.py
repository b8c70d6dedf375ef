"""The decision service itself: it answers when the audit has it, under what is in force then."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from support.decision_place import Place
from support.gateway_loop import CHAT, NOT_ALLIES, RULES, token
from touchstone.gateway.authz import DecisionService, serving
from touchstone.gateway.control import steady
from touchstone.gateway.enforcing.proxy import Proxy

pytestmark = pytest.mark.asyncio(loop_scope="module")
CHATS, FOR = "/read/v1/chat/completions", "/for/final/instant"
BODY = json.dumps(CHAT).encode()


async def written(place: Place) -> None:
    while not place.loop.audit.events:  # noqa: ASYNC110 - a list knows no event loop
        await asyncio.sleep(0.005)


async def test_it_answers_when_the_audit_has_it(place: Place):
    place.loop.audit.gate = gate = asyncio.Event()
    asking = asyncio.create_task(place.ask(place.port, FOR, token=token()))
    await written(place)
    await asyncio.sleep(0.05)
    assert not asking.done()
    gate.set()
    assert (await asking)[0] == 200
    place.loop.audit.gate = None


async def held_up_by_the_audit(place: Place) -> int:
    """The answer to a question during whose writing a policy came that bars it."""
    place.loop.audit.gate = gate = asyncio.Event()
    asking = asyncio.create_task(place.ask(place.port, FOR, token=token(nationality="XC")))
    await written(place)
    await place.loop.apply(*RULES, NOT_ALLIES)
    gate.set()
    place.loop.audit.gate = None
    return (await asking)[0]


async def test_a_policy_that_comes_meanwhile_counts(place: Place):
    assert await held_up_by_the_audit(place) == 403
    assert [event["allowed"] for event in place.loop.audit.events] == [True, False]


async def test_twin_of_the_policy_that_comes_meanwhile(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(DecisionService, "_holds", lambda *_: True)
    assert await held_up_by_the_audit(place) == 200


async def test_an_audit_that_fails_grants_nothing(place: Place, monkeypatch: pytest.MonkeyPatch):
    async def fail(_event: Mapping[str, Any]) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(place.loop.audit, "commit", fail)
    assert (await place.ask(place.port, FOR, token=token()))[0] == 500
    assert (await place.ask(place.port, CHATS, BODY, token()))[0] == 500


async def test_nothing_is_granted_past_the_time_given(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    """A worker that was stopped meets questions before any timer of its own."""
    enforcement = place.loop.enforcement
    enforcement.fence(steady() - 1)
    assert (await place.ask(place.port, FOR, token=token()))[0] == 503
    with monkeypatch.context() as taken_away:
        taken_away.setattr(Proxy, "in_time", lambda _: True)
        assert (await place.ask(place.port, FOR, token=token()))[0] == 200
    enforcement.fence(None)


@pytest.mark.parametrize("path", ["/for/", "/for/final", "/for//instant", "/for/final/"])
async def test_what_is_not_named_is_not_granted(place: Place, path: str):
    assert (await place.ask(place.port, path, token=token()))[0] == 403


@pytest.mark.parametrize("path", ["/for/unheard/instant", "/for/final/unheard", "/for/fin%61l/x"])
async def test_what_the_terms_do_not_know_is_not_granted(place: Place, path: str):
    status, headers, _ = await place.ask(place.port, path, token=token())
    assert (status, headers["X-Touchstone-Rule"]) == (403, "default")


async def test_nginx_hears_only_what_it_understands(place: Place):
    purposes = {"Touchstone_Purpose": "x" * 65}
    assert (await place.ask(place.port, FOR, token=token(), **purposes))[0] == 403
    assert (await place.ask(place.port, CHATS, BODY, token(), **purposes))[0] == 400
    assert (await place.ask(place.port, FOR))[0] == 401
    await place.loop.enforcement.apply(None, 0)
    assert (await place.ask(place.port, FOR, token=token()))[0] == 503


@pytest.mark.parametrize("path", ["/", "/v1/chat/completions", "/read", "/readyz", "/for"])
async def test_other_paths_grant_nothing(place: Place, path: str):
    status, headers, _ = await place.ask(place.port, path, BODY, token())
    assert (status, "X-Touchstone-Decision" in headers) == (404, False)


async def test_the_words_of_a_rule_fit_in_a_header(place: Place):
    rule = {
        "id": "loud",
        "title": "Größe zählt",
        "effect": "forbid",
        "nationality": ["XB"],
        "dual": "any",
    }
    await place.loop.apply(*RULES, rule)
    status, headers, body = await place.ask(place.port, FOR, token=token(nationality="XB"))
    assert status == 403
    sentence = headers["X-Touchstone-Sentence"]
    assert sentence.isascii()
    assert json.loads(headers["X-Touchstone-Error"]) == json.loads(body)


async def test_a_person_who_asks_often_is_written_down_each_time(place: Place):
    for _ in range(3):
        assert (await place.ask(place.port, FOR, token=token("ann")))[0] == 200
    ids = [event["decision"] for event in place.loop.audit.events]
    assert len({*ids}) == 3

    assert {*place.loop.audit.events[0]} == {
        "kind",
        "worker",
        "epoch",
        "bundle",
        "caller",
        "variant",
        "mode",
        "purpose",
        "allowed",
        "rule",
        "decision",
    }


async def test_the_workers_metrics_count_questions(place: Place):
    await place.ask(place.port, FOR, token=token(nationality="XB"))
    text = place.loop.enforcement.metrics_text().decode()
    assert 'touchstone_gateway_requests_total{api="for",status="403"}' in text
    assert 'touchstone_gateway_denied_total{rule="default"}' in text


async def test_a_budget_is_not_granted_for_nobody_counts_here(place: Place):
    little = {"id": "little", "effect": "permit", "budget": {"tokens": 10**9, "per": "day"}}
    await place.loop.apply(little)
    status, headers, body = await place.ask(place.port, FOR, token=token())
    assert (status, headers["X-Touchstone-Rule"]) == (403, "default")
    assert b"unknown" in body


MESSAGES = {**CHAT, "max_tokens": 9}
ENABLED = {"thinking": {"type": "enabled", "budget_tokens": 5}}


@pytest.mark.parametrize("nationality", ["XA", "XB", "XC"])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", CHAT),
        ("/v1/chat/completions", {**CHAT, "reasoning_effort": "high"}),
        ("/v1/chat/completions", {**CHAT, "reasoning_effort": "most"}),
        ("/v1/chat/completions", {**CHAT, "mode": "thinking"}),
        ("/v1/chat/completions", {**CHAT, "model": "unheard"}),
        ("/v1/messages", MESSAGES),
        ("/v1/messages", {**MESSAGES, **ENABLED}),
    ],
)
async def test_it_answers_as_the_data_path_does(
    place: Place, nationality: str, path: str, body: dict[str, Any]
):
    """Status, rule and the error's body, in the form of each API."""
    data, who = json.dumps(body).encode(), token(nationality=nationality)
    status, _, said = await place.ask(place.loop.port, path, data, who)
    asked_status, headers, asked_said = await place.ask(place.port, f"/read{path}", data, who)
    assert asked_status == status
    if status != 200:
        assert asked_said == said
    events = [*place.loop.audit.events]
    if events:
        ours = {**events[1], "decision": None}
        assert {**events[0], "decision": None} == ours
        # The audit has the true rule of a barred model; its caller hears that of an absent one.
        barred = nationality == "XB" or asked_status == 404
        assert headers["X-Touchstone-Rule"] == ("no-model" if barred else ours["rule"])


ONE = {**RULES[0], "variants": ["restricted"]}
"""Of the models only those of another variant."""
TOLD: list[dict[str, Any]] = [{}, {"stream": True}, {"reasoning_effort": "xhigh"}, {"unknown": 1}]


async def told_alike(place: Place, *rules: Mapping[str, Any], nationality: str) -> bool:
    """Whether status, headers and body about a barred model are those about an absent one."""
    await place.loop.apply(*rules)
    who, found = token(nationality=nationality), list[bool]()
    for more in TOLD:
        said = []
        for model in ("example-model", "nobody-s"):
            body = json.dumps({**CHAT, **more, "model": model}).encode()
            status, headers, text = await place.ask(place.port, CHATS, body, who)
            kept = {
                name.lower(): value
                for name, value in headers.items()
                if name.lower() not in {"x-touchstone-decision", "date"}
            }
            assert ("X-Touchstone-Decision" in headers, status in {403, 404}) == (True, True)
            said.append((status, kept, text))
        found.append(said[0] == said[1])
    return all(found)


HEARS = [
    ((ONE,), "XA"),
    ((ONE,), "XB"),
    ((*RULES, NOT_ALLIES), "XC"),
    ((RULES[0],), "XC"),
]


@pytest.mark.parametrize(("rules", "nationality"), HEARS)
async def test_barred_and_absent_models_are_told_of_alike(
    place: Place, rules: tuple[Mapping[str, Any], ...], nationality: str
):
    assert await told_alike(place, *rules, nationality=nationality)


async def test_twin_where_the_rule_is_told_the_barred_are_told_apart(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(serving, "as_absent", lambda verdict, _: verdict)
    assert not await told_alike(place, ONE, nationality="XB")


async def test_the_audit_keeps_the_rule_that_a_barred_caller_does_not_hear(place: Place):
    await place.loop.apply(*RULES, NOT_ALLIES)
    _, headers, _ = await place.ask(place.port, CHATS, BODY, token(nationality="XC"))
    assert headers["X-Touchstone-Rule"] == "no-model"
    (event,) = place.loop.audit.events
    assert (event["rule"], event["decision"]) == ("not-allies", headers["X-Touchstone-Decision"])
