"""A chunk from end to end over HTTP: idempotent, capped, checked against what was planned."""

import asyncio
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

from support.endpoint import completion, copier, idler, serve, turn_of
from support.forked import Command
from support.toy_run import KEY, OVER_LOOPBACK, QUICK, Run, chunk_items
from support.toys import ToyFamily, toy_battery, toy_mode, toy_spec
from touchstone.evaluation import Allowance, Budget, Elicitation, EndpointLimits, Outcome
from touchstone.evaluation.bounded_asking import BoundedAsking
from touchstone.evaluation.endpoint_watch import EndpointWatch
from touchstone.evaluation.endpoints import open_endpoint
from touchstone.evaluation.errors import ChunkError, EndpointKeyMissingError, JournalError
from touchstone.evaluation.journal import Journal
from touchstone.evaluation.oversight.snapshots import probe
from touchstone.evaluation.runner import run_chunk
from touchstone.evaluation.submission import Caps, ModeSettings

pytestmark = OVER_LOOPBACK
ONE_BY_ONE = EndpointLimits(max_samples=1, retries=0, backoff_seconds=0)


def test_every_sample_gets_one_outcome_and_a_rerun_asks_nothing(toy_run: Run):
    heard: list[Outcome] = []
    with serve() as endpoint:
        first = toy_run(endpoint.url, on_outcome=heard.append)
        asked = len(endpoint.requests)
        again = toy_run(endpoint.url)
        assert len(endpoint.requests) == asked
    assert [(o.index, o.result, o.score) for o in first.outcomes] == [
        (0, "solved", "1"),
        (1, "solved", "1"),
    ]
    assert sorted(o.index for o in heard) == [0, 1]
    assert again.outcomes == first.outcomes
    assert (again.log, again.repeated, again.total) == (None, (), first.total)
    assert first.total.total == sum(o.usage.total for o in first.outcomes) == 480


def test_the_same_model_name_with_another_url_gives_another_result(toy_run: Run):
    """Inspect's own task identity would have returned the first endpoint's log as success."""
    with serve(copier) as able, serve(idler) as idle:
        results = [toy_run(e.url, size=1).outcomes[0].result for e in (able, idle, able)]
        assert (len(able.requests), len(idle.requests)) == (2, 1)
    assert results == ["solved", "unsolved", "solved"]


def test_what_is_lost_after_an_answer_is_not_rerolled(toy_run: Run):
    healthy = False

    def script(body: dict[str, Any], number: int) -> Any:
        return copier(body, number) if healthy or not turn_of(body) else {"error": "broken"}

    with serve(script) as endpoint:
        first = toy_run(endpoint.url, size=1, asking=ONE_BY_ONE)
        healthy = True
        again = toy_run(endpoint.url, size=1, asking=ONE_BY_ONE)
    assert [(o.result, o.calls) for o in first.outcomes] == [("lost-endpoint", 1)]
    assert again.outcomes == first.outcomes


def test_settings_reach_the_endpoint(toy_run: Run):
    with serve() as endpoint:
        settings = ModeSettings(reasoning_effort="high", temperature=Decimal("0.5"), max_tokens=900)
        mode = toy_mode(endpoint.url).model_copy(update={"settings": settings})
        toy_run(endpoint.url, size=1, mode=mode)
        sent = endpoint.requests[0]
    assert (sent["reasoning_effort"], sent["temperature"], sent["max_tokens"]) == ("high", 0.5, 900)
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["bash", "python", "submit"]


def test_a_chunk_of_another_endpoint_is_refused_before_anything_is_asked(tmp_path: Path):
    battery, elicitation = toy_battery(1), Elicitation(id="e1")
    with serve() as endpoint:
        spec = toy_spec(battery, toy_mode("http://127.0.0.1:9/v1"), elicitation)
        with pytest.raises(ChunkError, match="planned for another endpoint"):
            run_chunk(
                spec,
                folder=tmp_path / "c",
                home=tmp_path,
                mode=toy_mode(endpoint.url),
                api_key=KEY,
                items=chunk_items(battery, spec),
                elicitation=elicitation,
            )
        assert endpoint.requests == []


def test_a_missing_key_is_one_clear_line(toy_run: Run):
    with pytest.raises(
        EndpointKeyMissingError, match=r"^no key: set TOY_API_KEY in the environment$"
    ):
        toy_run("http://127.0.0.1:9/v1", api_key="")


@pytest.mark.parametrize(
    ("judge", "says"),
    [
        (b"print('no verdict')", "its last line is not JSON"),
        (b'print(\'{"score": true, "reason": "x"}\')', "no score of 0 or 1"),
        (b'print(\'{"score": 1, "reason": "x", "more": 1}\')', "not a verdict"),
        (b'print(\'{"score": 1, "reason": "x"}\'); raise SystemExit(3)', "ended with 3"),
        (b"print('[' * 100000)", "its last line is not JSON"),
        (b"import time; time.sleep(3600)", "no verdict within 1 s"),
    ],
    ids=["text", "bool", "extra", "exit-3", "brackets", "slow"],
)
def test_a_faulty_judge_gives_an_error_never_a_score(judge: bytes, says: str, toy_run: Run):
    # Only the one that never ends meets its time, however slow the machine is.
    seconds = 1 if b"sleep" in judge else 120
    with serve() as endpoint:
        (outcome,) = toy_run(endpoint.url, size=1, family=ToyFamily(judge, seconds)).outcomes
    assert (outcome.result, outcome.cause, outcome.score) == (
        "lost-instrument",
        "judge",
        "not-measured",
    )
    assert says in outcome.reason


def test_silence_is_nudged_and_then_judged(toy_run: Run):
    elicitation = Elicitation(id="e1", nudges=1)
    with serve(lambda *_: completion("thinking about it")) as endpoint:
        (outcome,) = toy_run(endpoint.url, size=1, elicitation=elicitation).outcomes
        assert len(endpoint.requests) == 2
    assert (outcome.result, outcome.score) == ("no-attempt", "not-measured")


def test_a_declined_sample_is_a_refusal(toy_run: Run):
    with serve(lambda *_: completion("", stop="content_filter")) as endpoint:
        (outcome,) = toy_run(
            endpoint.url, size=1, elicitation=Elicitation(id="e1", nudges=0)
        ).outcomes
    assert (outcome.result, outcome.score) == ("refused", "not-measured")


def test_a_message_limit_counts_by_the_rule_but_an_answer_left_before_it_is_judged(toy_run: Run):
    def never_done(body: dict[str, Any], number: int) -> dict[str, Any]:
        command = "true" if turn_of(body) else "cat word.txt > answer.txt"
        return completion("", [("bash", {"command": command})], number=number)

    def idle(_body: dict[str, Any], number: int) -> dict[str, Any]:
        return completion("", [("bash", {"command": "true"})], number=number)

    limits = Elicitation(id="e1", message_limit=6)
    with serve(never_done) as able, serve(idle) as lost:
        (solved,) = toy_run(able.url, size=1, elicitation=limits).outcomes
        (unsolved,) = toy_run(lost.url, size=1, elicitation=limits).outcomes
    assert (solved.result, solved.limit) == ("solved", "message")
    assert (unsolved.result, unsolved.score, unsolved.limit) == ("limit", "0", "message")


def test_reasoning_is_told_apart(toy_run: Run):
    def script(body: dict[str, Any], number: int) -> dict[str, Any]:
        said = copier(body, number)
        said["choices"][0]["message"]["reasoning_content"] = "let me see"
        return said

    with serve(script) as endpoint:
        (outcome,) = toy_run(endpoint.url, size=1).outcomes
    assert outcome.reasoning == "full"


# ---------------------------------------------------------------- stops and caps
def test_a_halt_stops_before_the_next_call_and_what_was_answered_is_not_asked_again(toy_run: Run):
    reason = ""

    def script(body: dict[str, Any], number: int) -> dict[str, Any]:
        nonlocal reason
        if number == 2:
            reason = "halted"
        return copier(body, number)

    with serve(script) as endpoint:
        first = toy_run(endpoint.url, size=3, asking=ONE_BY_ONE, stop=lambda: reason)
        assert len(endpoint.requests) == 3
        reason = ""
        second = toy_run(endpoint.url, size=3, asking=ONE_BY_ONE)
        # Two calls each: the first one of the sample that was cut is answered from what was kept.
        assert len(endpoint.requests) == 6
    assert (first.stopped, len(first.outcomes), first.missing) == ("halted", 1, (1, 2))
    assert first.begun == (1,)
    assert (second.missing, second.begun) == ((), ())
    assert [(o.result, o.executions, o.resumed) for o in second.outcomes] == [
        ("solved", 1, 0),
        ("solved", 2, 1),
        ("solved", 1, 0),
    ]
    assert second.outcomes[0] == first.outcomes[0]
    # Each call counts once, over the halt.
    assert second.total.total == sum(o.usage.total for o in second.outcomes) == 720


def test_another_model_in_mid_review_stops_the_chunk(toy_run: Run):
    def script(body: dict[str, Any], number: int) -> dict[str, Any]:
        return copier(body, number) | {"model": "scripted-1" if number < 2 else "other-2"}

    with serve(script) as endpoint:
        result = toy_run(
            endpoint.url, size=3, asking=ONE_BY_ONE, expected_models=frozenset({"scripted-1"})
        )
    assert result.stopped == "snapshot-changed"
    assert [(o.result, o.models) for o in result.outcomes] == [
        ("solved", ("scripted-1",)),
        ("lost-endpoint", ("other-2",)),
    ]
    assert result.missing == (2,)


def test_tokens_are_capped_hard_across_chunks_and_samples(toy_run: Run):
    """1,000 tokens a sample at most, 2,500 in all, 800 used by each: two samples, then the cap."""
    budget = Budget(Caps(tokens=2_500))
    usage = {"prompt_tokens": 390, "completion_tokens": 10, "total_tokens": 400}
    limits = Elicitation(id="e1", token_limit=1_000)

    def script(body: dict[str, Any], number: int) -> dict[str, Any]:
        return copier(body, number) | {"usage": usage}

    allowance = budget.allow("c", 1_000, 4, 0)
    assert allowance == Allowance(2_500, None)
    with serve(script) as endpoint:
        result = toy_run(endpoint.url, size=4, elicitation=limits, allowance=allowance)
    budget.settle("c", result.total)
    assert result.stopped == "cap"
    assert len(result.outcomes) == 2
    assert budget.spent.total == 1_600
    assert budget.allow("d", 1_000, 4, 0) is None


def test_a_call_that_could_pass_the_cap_is_not_begun(toy_run: Run):
    limits = Elicitation(id="e1", token_limit=500)
    usage = {"prompt_tokens": 390, "completion_tokens": 10, "total_tokens": 400}

    def idle(_body: dict[str, Any], number: int) -> dict[str, Any]:
        return completion("", [("bash", {"command": "true"})], number=number, usage=usage)

    with serve(idle) as endpoint:
        result = toy_run(endpoint.url, size=1, elicitation=limits, allowance=Allowance(500))
        assert len(endpoint.requests) == 1
        assert endpoint.requests[0]["max_tokens"] < 500
    # The plan gives 500: what the cap kept from it is no inability.
    assert [(o.result, o.limit, o.usage.total) for o in result.outcomes] == [("cut", "token", 400)]


def test_wall_time_is_capped(toy_run: Run):
    with serve() as endpoint:
        result = toy_run(endpoint.url, size=2, allowance=Allowance(seconds=0))
        assert endpoint.requests == []
    assert (result.stopped, result.missing) == ("cap", (0, 1))


def test_where_the_clock_stops_a_chunk_what_is_under_way_ends_first(
    toy_run: Run, monkeypatch: pytest.MonkeyPatch
):
    """Which samples still run when a clock strikes depends on how they go: none is cut by it."""
    clock = 0.0
    monkeypatch.setattr("touchstone.evaluation.chunk_session.clock", lambda: clock)

    def script(body: dict[str, Any], number: int) -> dict[str, Any]:
        nonlocal clock
        clock = 100.0 if number >= 2 else 0.0
        return copier(body, number)

    with serve(script) as endpoint:
        result = toy_run(endpoint.url, size=3, asking=ONE_BY_ONE, allowance=Allowance(seconds=50))
    assert (result.stopped, result.missing, result.begun) == ("cap", (2,), ())
    assert [o.result for o in result.outcomes] == ["solved", "solved"]


def test_a_halt_ends_what_a_cap_had_left_to_end_by_itself(toy_run: Run):
    reason = ""

    def script(body: dict[str, Any], number: int) -> dict[str, Any]:
        nonlocal reason
        reason = ("cap", "halted")[turn_of(body)]
        said = completion("", [("bash", {"command": "true"})], number=number)
        return said if turn_of(body) < 2 else copier(body, number)

    with serve(script) as endpoint:
        result = toy_run(endpoint.url, size=2, asking=ONE_BY_ONE, stop=lambda: reason)
        assert len(endpoint.requests) == 2
    assert (result.stopped, result.outcomes, result.begun) == ("halted", (), (0,))


# ---------------------------------------------------------------- Inspect's traps
def test_counting_tokens_downloads_nothing(monkeypatch: pytest.MonkeyPatch):
    """Sockets beyond loopback are blocked here; Inspect's own counter would need one."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")
    model = open_endpoint(toy_mode("http://127.0.0.1:9/v1"), KEY, QUICK, EndpointWatch())

    async def count() -> int:
        return await model.api.count_tokens("a text of some length")

    assert 0 < anyio.run(count) < 21
    monkeypatch.delattr(BoundedAsking, "count_text_tokens")
    seen: list[str] = []

    def inspects_own(text: str) -> int:
        seen.append(text)
        return 1

    monkeypatch.setattr("inspect_ai.model._model.count_text_tokens", inspects_own)
    assert anyio.run(count) == 1
    assert seen


def test_inspect_writes_nothing_outside_our_home(
    toy_run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    elsewhere = tmp_path / "elsewhere"
    monkeypatch.setenv("HOME", str(elsewhere))
    monkeypatch.setenv("XDG_DATA_HOME", str(elsewhere / "data"))
    with serve() as endpoint:
        toy_run(endpoint.url, size=1)
    assert [str(path) for path in elsewhere.rglob("*")] == []
    assert os.environ["XDG_DATA_HOME"] == str(elsewhere / "data")


def test_inspect_prints_nothing(toy_run: Run, capfd: pytest.CaptureFixture[str]):
    with serve() as endpoint:
        toy_run(endpoint.url, size=1)
    assert capfd.readouterr().out == ""


def test_a_failing_listener_stops_the_chunk_and_is_heard(toy_run: Run):
    """Inspect swallows what hooks raise; the engine does not."""

    def listener(_outcome: Outcome) -> None:
        raise OSError(28, "No space left on device")

    with serve() as endpoint, pytest.raises(OSError, match="No space"):
        toy_run(endpoint.url, size=2, asking=ONE_BY_ONE, on_outcome=listener)


def test_a_full_disk_is_one_line_and_no_half_line(
    toy_run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    real = os.write

    def full(handle: int, data: bytes) -> int:
        return (
            real(handle, data[:20]) if data.startswith(b'{"line":"outcome"') else real(handle, data)
        )

    monkeypatch.setattr("touchstone.evaluation.journal.os.write", full)
    with serve() as endpoint, pytest.raises(JournalError, match="the disk is full"):
        toy_run(endpoint.url, size=1)
    (journal,) = tmp_path.rglob("outcomes.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    assert all(line.endswith(b"}\n") and json.loads(line) for line in lines)


def test_one_chunk_is_run_by_one_worker(toy_run: Run, tmp_path: Path):
    with serve() as endpoint:
        spec = toy_spec(toy_battery(1), toy_mode(endpoint.url), Elicitation(id="e1"))
        with (
            Journal(tmp_path / "chunks" / spec.id, spec.id),
            pytest.raises(JournalError, match="being run by another worker"),
        ):
            toy_run(endpoint.url, size=1)
        assert endpoint.requests == []


# ---------------------------------------------------------------- probes
def test_probes_see_a_new_name_and_only_name_a_new_text():
    name, text = "scripted-1", "ready"
    with serve(lambda *_: completion(text, model=name)) as endpoint:
        mode = toy_mode(endpoint.url)
        at = "2026-11-21T00:00:00Z"
        before = probe(mode, KEY, when="before", at=at, asking=QUICK)
        text = "READY"
        during = probe(mode, KEY, when="during", at=at, asking=QUICK)
        name = "other-2"
        after = probe(mode, KEY, when="after", at=at, asking=QUICK)
        assert endpoint.requests[0]["temperature"] == 0.0
    assert (before.models, before.fingerprints, before.failed) == (("scripted-1",), ("fp-1",), "")
    assert during.models == before.models
    assert during.behaviour != before.behaviour
    assert after.models != during.models


def test_a_probe_of_a_broken_endpoint_says_so():
    with serve(lambda *_: b"<html>") as endpoint:
        at = "2026-11-21T00:00:00Z"
        seen = probe(toy_mode(endpoint.url), KEY, when="before", at=at, asking=QUICK)
    assert "not JSON" in seen.failed


# ---------------------------------------------------------------- the shared quota
def test_the_quota_holds_across_processes(tmp_path: Path):
    """Two processes with two slots between them: the endpoint never sees three at once."""

    async def slowly(body: dict[str, Any], number: int) -> dict[str, Any]:
        await asyncio.sleep(0.05)
        return copier(body, number)

    with serve(slowly) as endpoint:
        script = Path(__file__).with_name("quota_user.py")
        words = [str(script), endpoint.url, str(tmp_path)]
        users = [Command(words, os.environ, python=True) for _ in range(2)]
        assert [user.wait() for user in users] == [0, 0]
        assert len(endpoint.requests) == 24
        assert endpoint.most_in_flight == 2
