"""The control server over real HTTP: the API, its errors, its faults."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest

from touchstone.evaluation.controls import Subject, SubjectError, launch, start_subject

Json = dict[str, Any]
HELLO: Json = {"model": "control-null", "messages": [{"role": "user", "content": "hello"}]}
KEYLESS: Json = {}


@pytest.fixture(scope="module")
def subject() -> Iterator[Subject]:
    with start_subject(["control-null", "control-solver"]) as started:
        yield started


def ask(
    subject: Subject,
    body: Json | bytes | None = None,
    path: str = "/chat/completions",
    headers: Json | None = None,
    timeout: float = 10,
) -> tuple[int, str, bytes]:
    """(status, content type, body) of one request; a body makes it a POST."""
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    if headers is None:
        headers = {"authorization": f"Bearer {subject.key}"}
    request = urllib.request.Request(subject.url + path, data=data, headers=headers)  # noqa: S310 - our own loopback
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310 - the same
            return answer.status, answer.headers["content-type"], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["content-type"], error.read()


def error_of(answer: tuple[int, str, bytes]) -> tuple[int, str | None]:
    """(status, code) of an error in the real API's form."""
    status, kind, body = answer
    assert kind.startswith("application/json")
    error = json.loads(body)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    return status, error["code"]


# ------------------------------------------------------------ the API


def test_models_are_listed(subject: Subject):
    _, _, body = ask(subject, path="/models")
    assert [m["id"] for m in json.loads(body)["data"]] == ["control-null", "control-solver"]
    status, _, body = ask(subject, path="/models/control-null")
    assert (status, json.loads(body)["id"]) == (200, "control-null")


def test_the_official_client_understands_both_forms(subject: Subject):
    with openai.OpenAI(base_url=subject.url, api_key=subject.key, max_retries=0) as client:
        whole = client.chat.completions.create(**HELLO)
        said = ""
        usage = None
        with client.chat.completions.create(
            **HELLO, stream=True, stream_options={"include_usage": True}
        ) as stream:
            for chunk in stream:
                usage = chunk.usage or usage
                said += "".join(choice.delta.content or "" for choice in chunk.choices)
    assert whole.choices[0].message.content == said
    assert "rather not" in said
    assert whole.usage == usage
    assert usage is not None


def test_no_usage_chunk_unless_asked_for(subject: Subject):
    _, kind, body = ask(subject, HELLO | {"stream": True})
    assert kind.startswith("text/event-stream")
    lines = [line for line in body.decode().splitlines() if line]
    assert lines[-1] == "data: [DONE]"
    assert all("usage" not in json.loads(line[6:]) for line in lines[:-1])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (KEYLESS, 401),
        ({"authorization": "Bearer "}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": "Bearer schlüssel".encode().decode("latin-1")}, 401),
    ],
)
def test_without_the_key_nothing_is_told(subject: Subject, headers: Json, status: int):
    for path, body in (("/models", None), ("/chat/completions", HELLO), ("/elsewhere", None)):
        assert error_of(ask(subject, body, path, headers)) == (status, "invalid_api_key")


def test_errors_are_those_of_the_real_api(subject: Subject):
    assert error_of(ask(subject, HELLO | {"model": "other"})) == (404, "model_not_found")
    assert error_of(ask(subject, path="/models/other")) == (404, "model_not_found")
    assert error_of(ask(subject, b"{")) == (400, None)
    assert error_of(ask(subject, {"model": "control-null"})) == (400, None)
    assert error_of(ask(subject, path="/elsewhere")) == (404, None)
    assert error_of(ask(subject, path="/chat/completions")) == (405, None)


def test_a_body_past_the_limit_is_refused(subject: Subject):
    place = urlsplit(subject.url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    connection.putrequest("POST", "/v1/chat/completions")
    connection.putheader("authorization", f"Bearer {subject.key}")
    connection.putheader("content-length", str(40 * 1024 * 1024))
    connection.endheaders()
    # The server may answer and close before all is sent.
    with contextlib.suppress(ConnectionError):
        for _ in range(40):
            connection.send(b" " * (1024 * 1024))
    with contextlib.closing(connection), contextlib.suppress(ConnectionError):
        assert connection.getresponse().status == 413
    assert ask(subject, path="/models")[0] == 200


@pytest.mark.usefixtures("real_starts")
def test_the_key_is_fresh_and_in_no_argument(subject: Subject):
    with start_subject(["control-null"]) as other:
        assert other.key != subject.key
        assert error_of(ask(other, HELLO, headers={"authorization": f"Bearer {subject.key}"}))
        assert other.key.encode() not in Path(f"/proc/{other.pid}/cmdline").read_bytes()
    assert other.key not in repr(other)


def test_only_loopback_listens(subject: Subject):
    assert subject.url.startswith("http://127.0.0.1:")
    port = urlsplit(subject.url).port or 0
    listening = {
        line.split()[1]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[1].endswith(f":{port:04X}")
    }
    assert listening == {f"0100007F:{port:04X}"}


@pytest.mark.usefixtures("real_starts")
def test_the_server_ends_with_its_block():
    with start_subject(["control-null"]) as started:
        pid = started.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.usefixtures("real_starts")
def test_a_bad_start_is_one_clear_error():
    with (
        pytest.raises(SubjectError, match=r"did not start: no control is named 'x'"),
        start_subject(["x"]),
    ):
        pass


# ------------------------------------------------------------ faults


@contextlib.contextmanager
def faulty(fault: str, after: int = 0) -> Iterator[Subject]:
    with start_subject(["control-null"], fault=fault, fault_after=after) as started:
        yield started


def test_refuse():
    with faulty("refuse") as subject, pytest.raises(urllib.error.URLError, match="refused"):
        ask(subject, HELLO)


def test_hang():
    with faulty("hang") as subject:
        assert ask(subject, path="/models")[0] == 200
        with pytest.raises(TimeoutError):
            ask(subject, HELLO, timeout=0.5)


def test_html():
    with faulty("html") as subject:
        status, kind, body = ask(subject, HELLO)
    assert status == 200
    assert kind.startswith("text/html")
    assert body.startswith(b"<!doctype html>")


def test_malformed_json():
    with faulty("malformed-json") as subject:
        status, kind, body = ask(subject, HELLO)
    assert (status, kind) == (200, "application/json")
    with pytest.raises(ValueError, match="Unterminated"):
        json.loads(body)


def test_endless_body():
    with faulty("endless-body") as subject:
        place = urlsplit(subject.url)
        with socket.create_connection((place.hostname, place.port), timeout=5) as plain:
            body = json.dumps(HELLO)
            plain.sendall(
                f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer "
                f"{subject.key}\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()
            )
            received = 0
            while received < 4 * 1024 * 1024:
                data = plain.recv(1 << 16)
                assert data
                received += len(data)
        # It lives on after the client has gone.
        assert ask(subject, path="/models")[0] == 200


@pytest.mark.parametrize("stream", [False, True])
def test_wrong_usage(stream: bool):
    with faulty("wrong-usage", after=1) as subject:
        body = HELLO | {"stream": stream, "stream_options": {"include_usage": True}}
        good, bad = (ask(subject, body)[2].decode() for _ in range(2))
    assert '"prompt_tokens": -7' not in good
    assert '"prompt_tokens": -7' in bad


def test_flaky_and_failing():
    with faulty("flaky") as subject:
        assert [ask(subject, HELLO)[0] for _ in range(6)] == [429, 500, 200] * 2
    with faulty("failing", after=1) as subject:
        answers = [ask(subject, HELLO) for _ in range(5)]
        assert [status for status, _, _ in answers] == [200, 429, 500, 429, 500]
        assert error_of(answers[1]) == (429, "rate_limit_exceeded")
        assert error_of(answers[2]) == (500, None)


def test_the_official_client_gets_past_a_flaky_endpoint():
    with (
        faulty("flaky") as subject,
        openai.OpenAI(base_url=subject.url, api_key=subject.key, max_retries=3) as client,
    ):
        assert client.chat.completions.create(**HELLO).choices[0].finish_reason == "stop"


def test_renamed():
    with faulty("renamed", after=2) as subject:
        names = [json.loads(ask(subject, HELLO)[2])["model"] for _ in range(4)]
    assert names == ["control-null"] * 2 + ["control-null-next"] * 2


def test_a_paced_stream_counts_and_takes_its_time():
    with start_subject(["control-counter"], pace_ms=20) as paced:
        client = openai.OpenAI(base_url=paced.url, api_key=paced.key, max_retries=0)
        began = time.monotonic()
        with (
            client,
            client.chat.completions.create(
                model="control-counter",
                messages=[{"role": "user", "content": "Count to 30, please."}],
                stream=True,
            ) as stream,
        ):
            pieces = [c.choices[0].delta.content or "" for c in stream if c.choices]
        taken = time.monotonic() - began
    assert "".join(pieces).split() == [str(number) for number in range(1, 31)]
    assert len(pieces) > 9
    assert taken >= 0.02 * len(pieces)


def test_a_server_whose_starter_was_killed_ends_by_itself():
    """What was killed can stop nobody: the server would stay for ever, and hold its port."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    command = [sys.executable, "-m", "touchstone.evaluation.controls", "--parent", str(gone.pid)]
    process = launch.begin(command, os.environ | {launch.KEY_VARIABLE: "key"})
    try:
        assert process.wait(30) == 0
    finally:
        process.kill()
