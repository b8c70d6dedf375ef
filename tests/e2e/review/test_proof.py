"""A review in whose sandbox nothing works ends before it begins, and doctor says why."""

import json
from pathlib import Path

import pytest

from support.reviews import KEY, write_submission
from support.small_review import arguments, write_framework
from touchstone.cli.app import run
from touchstone.evaluation import proving
from touchstone.evaluation.limits import EndpointLimits
from touchstone.evaluation.sandbox import launch
from touchstone.service.measurement import probing

pytestmark = pytest.mark.needs_sandbox
NOBODY = "http://127.0.0.1:1/v1"


@pytest.fixture
def order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A review of an endpoint at which nobody answers."""
    monkeypatch.setenv("TOUCHSTONE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TOUCHSTONE_DATABASE", raising=False)
    monkeypatch.setenv(KEY, "a-key-of-no-endpoint")
    # How patient it is with an endpoint is told elsewhere.
    monkeypatch.setattr(probing, "ASKING", EndpointLimits(retries=1, backoff_seconds=0))
    submission = write_submission(tmp_path, NOBODY)
    return [str(word) for word in arguments(submission, write_framework(tmp_path))]


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox in which every login shell waits, as behind a stale lock."""
    monkeypatch.setattr(launch, "_MADE", launch._MADE | {"/etc/profile": "sleep 60\n"})
    monkeypatch.setattr(proving, "COMMAND_SECONDS", 1)


@pytest.mark.usefixtures("stuck")
def test_a_review_does_not_begin_with_an_instrument_that_does_not_work(
    order: list[str], capsys: pytest.CaptureFixture[str]
):
    assert run(order) == 2
    said = capsys.readouterr()
    last = said.err.strip().splitlines()[-1]
    assert last.startswith("touchstone: the instrument does not work here, and nothing was begun")
    assert "family payment-logic: a known shell command did not end within 1 s" in last
    assert run(["review", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_twin_a_sound_instrument_goes_on_to_ask_the_endpoint(
    order: list[str], capsys: pytest.CaptureFixture[str]
):
    assert run(order) == 2
    said = capsys.readouterr()
    assert "proved on known answers" in said.err
    assert "instrument" not in said.err.strip().splitlines()[-1]


@pytest.mark.usefixtures("order", "stuck")
def test_doctor_tries_the_instrument_too(capsys: pytest.CaptureFixture[str]):
    assert run(["doctor", "--json"]) == 1
    rows = {row["name"].strip(): row for row in json.loads(capsys.readouterr().out)}
    tried = rows["payment-logic, tried"]
    assert not tried["ok"]
    assert "did not end within 1 s" in tried["fix"]


@pytest.mark.usefixtures("order")
def test_doctor_says_that_a_sound_instrument_is_sound(capsys: pytest.CaptureFixture[str]):
    run(["doctor", "--json"])
    rows = {row["name"].strip(): row for row in json.loads(capsys.readouterr().out)}
    assert rows["payment-logic, tried"]["ok"]
