"""Begun once, one outcome: whatever the endpoint sends, and whatever breaks after the answer."""

import json
import os
import signal
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from inspect_ai._eval.task.log import TaskLogger

from support.answers import ODD, odd_answers
from support.endpoint import completion, copier, serve, turn_of, word_of
from support.forked import Command
from support.toy_run import OVER_LOOPBACK, Run
from touchstone.evaluation import Elicitation, EndpointLimits
from touchstone.evaluation.journal import MOST_EXECUTIONS
from touchstone.evaluation.kept_answers import KEY_NAME
from touchstone.evaluation.kept_answers import NAME as ANSWERS

pytestmark = OVER_LOOPBACK
ONE_BY_ONE = EndpointLimits(max_samples=1, retries=0, backoff_seconds=0)
AT_ONCE = EndpointLimits(attempt_seconds=60, max_samples=12, retries=0, backoff_seconds=0)
SAMPLES = 12
MOST_RUNS = 20


def journals(folder: Path) -> Counter[tuple[str, int]]:
    """How often each kind of line stands in the journals below a folder, by sample."""
    lines = [
        json.loads(line)
        for path in folder.rglob("outcomes.jsonl")
        for line in path.read_bytes().splitlines()
    ]
    return Counter(
        (line["line"], line.get("index", (line.get("outcome") or {}).get("index")))
        for line in lines
        if line["line"] != "chunk"
    )


@settings(
    max_examples=3,
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(odd_answers(), min_size=SAMPLES, max_size=SAMPLES))
def test_whatever_the_first_answer_is_each_sample_begins_once_and_ends_once(
    toy_run: Run, tmp_path_factory: pytest.TempPathFactory, answers: list[Any]
):
    """Each sample gets an odd first answer; after that the endpoint behaves as the copier does."""
    folder, words = tmp_path_factory.mktemp("begun"), dict[str, int]()

    def odd(body: dict[str, Any], number: int) -> Any:
        place = words.setdefault(word_of(body), len(words))
        if turn_of(body):
            return copier(body, number)
        return json.dumps(answers[place]).encode()

    def run(url: str) -> Any:
        return toy_run(
            url,
            size=SAMPLES,
            asking=AT_ONCE,
            folder=folder,
            elicitation=Elicitation(id="e1", nudges=1),
        )

    with serve(odd) as endpoint:
        results = [run(endpoint.url)]
        while results[-1].missing and len(results) < MOST_RUNS:
            results.append(run(endpoint.url))
        asked = len(endpoint.requests)
        assert run(endpoint.url).outcomes == results[-1].outcomes
        assert len(endpoint.requests) == asked
    lines = journals(folder)
    assert [o.index for o in results[-1].outcomes] == list(range(SAMPLES))
    for outcome in results[-1].outcomes:
        assert lines["outcome", outcome.index] == 1
        if lines["use", outcome.index]:
            # One of which an answer was recorded began once; others at most thrice.
            assert lines["begin", outcome.index] == 1 + lines["lost", outcome.index]
            assert outcome.executions == lines["begin", outcome.index]
        assert lines["begin", outcome.index] <= MOST_EXECUTIONS
    for earlier, later in pairwise(results):
        assert set(earlier.outcomes) <= set(later.outcomes)


@pytest.mark.parametrize("odd", ODD[:6], ids=[ascii(odd) for odd in ODD[:6]])
def test_an_odd_character_anywhere_rerolls_nothing(odd: str, toy_run: Run):
    """The same of each place: text, reasoning, name, fingerprint and a tool call's text."""
    words: list[str] = []

    def script(body: dict[str, Any], number: int) -> Any:
        words.append(word_of(body))
        if turn_of(body):
            return copier(body, number)
        said = completion(f"a {odd} b", [("bash", {"command": f"echo {odd}"})], number=number)
        said["choices"][0]["message"]["reasoning_content"] = odd
        said["system_fingerprint"] = f"fp{odd}"
        return json.dumps(said).encode()

    with serve(script) as endpoint:
        first = toy_run(endpoint.url, size=3, asking=ONE_BY_ONE)
        again = toy_run(endpoint.url, size=3, asking=ONE_BY_ONE)
        told = str(endpoint.requests[1]["messages"])
    assert (len(first.outcomes), first.missing, first.stopped) == (3, (), "")
    assert again.outcomes == first.outcomes
    assert set(Counter(words).values()) == {2}
    if odd in ODD[:3]:
        assert "Write such characters as escapes" in told
        assert any("U+FFFD" in note for note in first.outcomes[0].notes)


def test_outcomes_stand_where_inspects_log_breaks(toy_run: Run, monkeypatch: pytest.MonkeyPatch):
    """Written after the judge's word: a log that fails must not undo it, nor lose the others."""

    async def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(TaskLogger, "complete_sample", full)
    with serve(copier) as endpoint:
        result = toy_run(endpoint.url, size=1)
        assert toy_run(endpoint.url, size=1).outcomes == result.outcomes
        assert len(endpoint.requests) == 2
    assert [(o.result, o.executions) for o in result.outcomes] == [("solved", 1)]


def test_a_declined_request_is_an_answer_and_is_not_asked_again(toy_run: Run):
    """A refusal by HTTP, then an endpoint that is away: the sample was heard, and ends here."""

    def script(body: dict[str, Any], _number: int) -> Any:
        if turn_of(body):
            return web.json_response({"error": "away"}, status=503)
        error = {"message": "Your prompt was flagged", "code": "content_policy_violation"}
        return web.json_response({"error": error}, status=400)

    with serve(script) as endpoint:
        first = toy_run(endpoint.url, size=2, asking=ONE_BY_ONE)
        asked = len(endpoint.requests)
        again = toy_run(endpoint.url, size=2, asking=ONE_BY_ONE)
        assert len(endpoint.requests) == asked == 4
    assert [(o.result, o.calls, o.executions) for o in first.outcomes] == [
        ("lost-endpoint", 1, 1)
    ] * 2
    assert (first.missing, again.outcomes) == ((), first.outcomes)


WORKER = """
import sys
from pathlib import Path
from support import toybox
from support.toy_run import chunk_items
from support.toys import toy_battery, toy_mode, toy_spec
from touchstone.evaluation import EndpointLimits, Elicitation
from touchstone.evaluation.runner import SandboxChoice, run_chunk

folder, mode = Path(sys.argv[1]), toy_mode(sys.argv[2])
battery, elicitation = toy_battery(1, None), Elicitation(id="e1")
spec = toy_spec(battery, mode, elicitation)
run_chunk(spec, folder=folder / "chunks" / spec.id, home=folder / "home", mode=mode,
          api_key="key-of-the-toy-endpoint-7f3a", items=chunk_items(battery, spec),
          elicitation=elicitation, asking=EndpointLimits(),
          sandbox=SandboxChoice(provider="toybox"))
"""


def random_first(body: dict[str, Any], number: int) -> Any:
    """Reads something that is never the same twice, before it does what the copier does."""
    if turn_of(body) == 0:
        told = [("bash", {"command": "cat /proc/sys/kernel/random/uuid"})]
        return completion("", told, number=number)
    if turn_of(body) == 1:
        told = [("bash", {"command": "cat word.txt > answer.txt"})]
        return completion("", told, number=number)
    return completion("", [("submit", {"answer": "done"})], number=number)


def altered(folder: Path) -> None:
    (kept,) = folder.rglob(ANSWERS)
    data = bytearray(kept.read_bytes())
    data[-1] ^= 1
    kept.write_bytes(data)


def gone(folder: Path) -> None:
    (kept,) = folder.rglob(ANSWERS)
    kept.unlink()


def untouched(_: Path) -> None:
    """What was kept is as it was."""


@pytest.mark.parametrize(
    ("says", "turn", "meddle", "asked_on", "reason"),
    [
        (copier, 0, untouched, 2, ""),
        (copier, 1, untouched, 1, ""),
        (random_first, 2, untouched, 0, "asked otherwise at call 2 than before"),
        (copier, 1, altered, 0, "answer 1 is altered"),
        (copier, 1, gone, 0, "after 1 answers"),
    ],
)
def test_a_killed_worker_asks_nothing_that_was_answered(
    says: Any, turn: int, meddle: Any, asked_on: int, reason: str, toy_run: Run, tmp_path: Path
):
    """It runs again from what was kept, and is lost where that does not fit, or is not whole."""
    workers: list[Command] = []

    def script(body: dict[str, Any], number: int) -> Any:
        if workers[0].poll() is None and turn_of(body) == turn:
            workers[0].kill()
            workers[0].wait()
        return says(body, number)

    with serve(script) as endpoint:
        words = ["-c", WORKER, str(tmp_path), endpoint.url]
        workers.append(Command(words, os.environ, python=True))
        assert workers[0].wait() == -signal.SIGKILL
        asked = len(endpoint.requests)
        meddle(tmp_path)
        done = toy_run(endpoint.url, size=1)
        assert toy_run(endpoint.url, size=1).outcomes == done.outcomes
        assert len(endpoint.requests) - asked == asked_on
    (outcome,) = done.outcomes
    assert outcome.result == ("lost-instrument" if reason else "solved")
    assert reason in outcome.reason
    # Nothing is kept of a chunk that is over.
    assert not [*tmp_path.rglob(ANSWERS), *tmp_path.rglob(KEY_NAME)]
    if not reason:
        # As of a run that nothing broke: each call counts for the sample, and was paid for once.
        assert (outcome.calls, outcome.resumed, outcome.executions) == (2, turn, 2)
        assert outcome.usage.total == done.total.total == 240
    assert done.repeated == (() if meddle is not untouched else (0,))
