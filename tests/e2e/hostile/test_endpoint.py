"""Endpoints that misbehave: one clear line, nothing half-done, or an outcome by the rule."""

import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.forked import Command
from support.reviews import KEY
from touchstone.evaluation.controls.launch import KEY_VARIABLE, Subject, start_subject
from touchstone.service.measurement import probing

from .conftest import ASKED, Place, ask

pytestmark = [pytest.mark.needs_sandbox, pytest.mark.timeout(120)]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("refuse", "Connection error"),
        ("hang", "no whole answer within 2 s"),
        ("html", "not JSON"),
        ("malformed-json", "not JSON"),
        ("endless-body", "larger"),
        ("failing", "HTTP 429"),
    ],
)
def test_endpoint_that_is_no_use_opens_no_case(
    place: Place, monkeypatch: pytest.MonkeyPatch, fault: str, told: str
):
    if fault == "hang":
        ask(monkeypatch, ASKED.model_copy(update={"attempt_seconds": 2}))
    with start_subject(("control-null",), fault=fault) as subject:
        monkeypatch.setenv(KEY, subject.key)
        said = place.review(subject)
    assert said.code == 2
    assert "mode instant: the endpoint gave no usable answer in " in said.line
    tries = probing.ASKING.retries + 1
    assert f"in {tries} of {tries} attempts, the last: " in said.line
    assert told in said.line
    assert subject.key not in said.err
    assert place.json("review", "list") == []


def test_wrong_key_is_named_as_the_endpoint_says_it(place: Place):
    with start_subject(("control-null",)) as subject:
        said = place.review(subject)
    assert said.code == 2
    assert "HTTP 401" in said.line
    assert "an-invented-key" not in said.err


def test_flaky_endpoint_is_asked_again(place: Place, monkeypatch: pytest.MonkeyPatch):
    with start_subject(("control-null",), fault="flaky") as subject:
        monkeypatch.setenv(KEY, subject.key)
        said = place.review(subject)
    assert said.code == 0, said.err
    assert "0 of 1 solved" in said.out


def test_wrong_usage_is_not_believed(place: Place, monkeypatch: pytest.MonkeyPatch):
    with start_subject(("control-null",), fault="wrong-usage") as subject:
        monkeypatch.setenv(KEY, subject.key)
        said = place.review(subject, extra="[caps]\ntokens = 10000000\n")
    # Believed, 10^12 tokens would have ended the review at its cap.
    assert said.code == 0, said.err


def test_failing_endpoint_stops_the_review_and_what_it_never_answered_runs_when_it_goes_on(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(KEY, "an-invented-key")
    port = _free_port()
    with _subject_at(port, place.folder, "--fault", "failing", "--fault-after", "6") as subject:
        said = place.review(subject, "--items", "8", "--whole-battery")
    assert said.code == 1
    assert (
        "the endpoint keeps failing; run again when it is back; what ran is recorded" in said.line
    )
    # No model had said anything to any of the samples: none of them has an outcome.
    assert _outcomes(place) == 0
    with _subject_at(port, place.folder) as subject:
        said = place.review(subject, "--items", "8", "--whole-battery")
    assert "0 of 8 solved" in said.out, said.err
    assert _outcomes(place) == 8


def _outcomes(place: Place) -> int:
    return sum(
        int(n)
        for n in re.findall(r"^Records (\d+) outcome", "\n".join(place.timeline()), re.MULTILINE)
    )


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def _subject_at(port: int, folder: Path, *more: str) -> Iterator[Subject]:
    """A control server at a port of ours, so that it can come back at the same address."""
    announce = folder / "announce.json"
    announce.unlink(missing_ok=True)
    words = ["-m", "touchstone.evaluation.controls", "--control", "control-null"]
    words += ["--port", str(port), "--announce", str(announce), *more]
    environment = os.environ | {KEY_VARIABLE: "an-invented-key"}
    server = Command(words, environment, python=True)
    try:
        until = time.monotonic() + 30
        while not announce.exists() and time.monotonic() < until:
            time.sleep(0.02)
        yield Subject(f"http://127.0.0.1:{port}/v1", "an-invented-key", server.pid)
    finally:
        server.terminate()
        server.wait(10)
