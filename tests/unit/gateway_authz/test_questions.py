"""Reading a request for a decision, and what of it a proxy is told."""

import json
from pathlib import Path

import pytest

from support.gateway_loop import CHAT, config_text
from touchstone.gateway.authz import Question, RequestReader, questions
from touchstone.gateway.authz.answers import in_a_header, not_judged
from touchstone.gateway.config import parse_config
from touchstone.gateway.errors import GatewayConfigError, RefusedError

CONFIG = config_text(Path("place"), "http://127.0.0.1:9000")
READER = RequestReader(parse_config(CONFIG, "gateway.toml", Path()).upstreams)
CHATS = "/v1/chat/completions"


def body(**changed: object) -> bytes:
    return json.dumps({**CHAT, **changed}).encode()


def test_a_request_is_read_as_the_gateway_reads_it():
    assert READER.read(CHATS, body()) == Question("final", "instant")
    high = READER.read(CHATS, body(reasoning_effort="high"), "evaluation")
    assert high == Question("final", "thinking", "evaluation")
    thinking = body(max_tokens=9, thinking={"type": "enabled", "budget_tokens": 5})
    assert READER.read("/v1/messages", thinking).mode == "thinking"


@pytest.mark.parametrize(
    ("path", "content", "code"),
    [
        ("/v1/models", body(), "unknown_path"),
        (CHATS + "/", body(), "unknown_path"),
        (CHATS, body(model="unheard"), "model_not_found"),
        (CHATS, body(model="other-name"), "model_renamed"),
        (CHATS, body(reasoning_effort="most"), "mode_unknown"),
        (CHATS, body(x_mode="thinking"), "unknown_field"),
        (CHATS, b"{", "unreadable_request"),
    ],
)
def test_what_cannot_be_read_is_refused(path: str, content: bytes, code: str):
    with pytest.raises(RefusedError) as caught:
        READER.read(path, content)
    assert caught.value.code == code


def test_twin_of_the_renamed_model(monkeypatch: pytest.MonkeyPatch):
    """Without the guard one model is judged, and another could answer to the name that goes on."""
    monkeypatch.setattr(questions, "check_name", lambda _: None)
    assert READER.read(CHATS, body(model="other-name")).variant == "restricted"


def test_headers_that_were_not_judged_are_named():
    sent = ["Host", "Authorization", "X-Effort", "x-effort", "Accept", "X-Touchstone-Rule"]
    assert not_judged(sent, {"Accept": "application/json"}) == ["authorization", "x-effort"]
    assert not_judged(sent, {}) == ["accept", "authorization", "x-effort"]


def test_a_header_is_one_line_of_ascii():
    assert in_a_header("a\r\nX: b") == "a X: b"
    assert in_a_header("Größe") == "Gr\\xf6\\xdfe"
    assert in_a_header("a\x1b[2J\u202eb") == "a<U+001B>[2J<U+202E>b"
    assert len(in_a_header("x" * 9999)) == 500


def test_the_listener_is_near_or_says_otherwise():
    text = CONFIG + '[decisions]\nhost = "0.0.0.0"\n'
    with pytest.raises(GatewayConfigError, match=r"\[decisions.tls\]"):
        parse_config(text, "gateway.toml", Path())
    near = parse_config(CONFIG + "[decisions]\n", "gateway.toml", Path()).decisions
    assert near is not None
    assert (near.host, near.port) == ("127.0.0.1", 8445)
    assert parse_config(CONFIG, "gateway.toml", Path()).decisions is None
