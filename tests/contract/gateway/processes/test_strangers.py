"""`gateway status` where something else answers at the gateway's place: one line, and exit 1."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from support.gateway import write_config
from touchstone.cli.app import run
from touchstone.gateway import commands, statuses

GOOD: Mapping[str, Any] = {
    "gateway": "gateway-1",
    "stream": "example-model/production",
    "serving": True,
    "why_not": None,
    "bundle": {"number": 1, "digest": "sha256:0", "directives": ["d"]},
    "served_for_seconds": 5,
    "kills": 0,
    "unwritten": None,
    "a later version's": [1],
    "workers": [{"worker": 0, "serves": True, "why": None, "applied_ms": 3, "waited_for": "x"}],
    "feed": {"refused": {"forged": 1}, "lost": {"url": "gone"}},
    "fleet": {
        "leased": True,
        "applied_everywhere": False,
        "members": [{"gateway": "g", "obeys": 1, "alive": False}],
    },
}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def http(body: bytes) -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


@contextlib.contextmanager
def answering(port: int, answer: bytes) -> Iterator[None]:
    """Something that says the same to whoever comes."""
    with socket.create_server(("127.0.0.1", port)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection, contextlib.suppress(OSError):
                        connection.recv(65536)
                        connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


Ask = Callable[..., int]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Runs the command where something answers with these bytes."""
    _, port = write_config(tmp_path, "http://127.0.0.1:1")

    def asked(answer: bytes, *options: str) -> int:
        with answering(port, answer):
            return run(["gateway", "status", str(tmp_path / "gateway.toml"), *options])

    return asked


def changed(**change: Any) -> bytes:
    return http(json.dumps({**GOOD, **change}).encode())


STRANGERS = {
    "an-object": http(b"{}"),
    "a-list": http(b"[]"),
    "null": http(b"null"),
    "a-page": http(b"<html>"),
    "nothing": b"",
    "no-http": b"SSH-2.0-Example\r\n",
    "half": HEAD + b"Content-Length: 900\r\n\r\n{}",
    "odd-chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "deep": http(b"[" * 200_000),
    "deep-and-whole": http(b'{"a":' * 5000 + b"1" + b"}" * 5000),
    "digits": changed(kills=1).replace(b'"kills": 1', b'"kills": ' + b"9" * 5000),
    "half-a-pair": http(b'{"gateway":"\\ud800"}'),
    "long": http(b'"' + b"x" * (statuses.MAX_BYTES + 1) + b'"'),
    "workers": changed(workers=None),
    "worker": changed(workers=[{"worker": 0, "serves": True}]),
    "bundle": changed(bundle="one"),
    "directives": changed(bundle={**GOOD["bundle"], "directives": [1]}),
    "serving": changed(serving="no"),
    "feed": changed(feed={"refused": [], "lost": {}}),
    "fleet": changed(fleet={}),
}


@pytest.mark.parametrize("json_too", [(), ("--json",)], ids=["lines", "json"])
@pytest.mark.parametrize("answer", STRANGERS.values(), ids=STRANGERS)
def test_something_else_is_said_to_be_no_gateway(
    answer: bytes, json_too: tuple[str, ...], ask: Ask, capsys: pytest.CaptureFixture[str]
):
    assert ask(answer, *json_too) == 1
    out, err = capsys.readouterr()
    assert not out
    assert "no gateway answers" in err
    assert err.count("\n") == 1


def test_a_gateways_answer_is_shown_whole(ask: Ask, capsys: pytest.CaptureFixture[str]):
    assert ask(http(json.dumps(GOOD).encode())) == 0
    assert "gateway-1, for example-model/production" in capsys.readouterr().out
    assert ask(http(json.dumps(GOOD).encode()), "--json") == 0
    assert json.loads(capsys.readouterr().out) == GOOD


def test_twin_without_the_look_at_its_shape_it_is_a_defect(
    ask: Ask, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(commands, "read_status", json.loads)
    assert ask(http(b"{}")) not in (0, 1)
    assert "no gateway answers" not in capsys.readouterr().err


def test_a_proxy_of_the_environment_is_not_asked(ask: Ask, monkeypatch: pytest.MonkeyPatch):
    for name in ("http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert ask(changed()) == 0
