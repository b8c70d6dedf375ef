"""Worker processes on the real sandbox, a real family: a killed worker loses what is in flight."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from support.endpoint import completion, serve
from support.toy_run import KEY, OVER_LOOPBACK
from support.toys import SEED, toy_mode
from touchstone.evaluation import (
    BatteryPlan,
    ChunkSpec,
    Elicitation,
    EndpointLimits,
    ItemSetPlan,
    draw_battery,
)
from touchstone.evaluation.families.registry import get_family
from touchstone.evaluation.outcomes import AdjudicationRule
from touchstone.evaluation.submission import Mode, endpoint_digest
from touchstone.evaluation.workers import WorkerEvent, WorkerJob, WorkerPool, make_job
from touchstone.evaluation.workers.forking import fork_server

pytestmark = [*OVER_LOOPBACK, pytest.mark.needs_sandbox]
SAMPLES = 6
FAMILY = "payment-logic"


def job_for(mode: Mode, folder: Path, **more: Any) -> WorkerJob:
    plan = ItemSetPlan(id="payments", criterion="payments", family=FAMILY, counts={1: SAMPLES})
    battery = draw_battery(BatteryPlan(id="b", sets=(plan,)), {FAMILY: get_family(FAMILY)}, SEED)
    elicitation = Elicitation(id="e1", tools=("bash",))
    spec = ChunkSpec(
        case="case-1",
        battery=battery.sealed.digest,
        item_set="payments",
        variant=mode.variant,
        mode=mode.id,
        endpoint=endpoint_digest(mode),
        elicitation=elicitation.digest,
        rule=AdjudicationRule().digest,
        indices=tuple(range(SAMPLES)),
    )
    home = folder / "home"
    asking = EndpointLimits(max_samples=2, retries=0, backoff_seconds=0)
    config: Any = {"grade": "none"}
    given = {"folder": folder / spec.id, "home": home, "asking": asking, "config": config}
    return make_job(battery, spec, mode, elicitation, **(given | more))


def until(pool: WorkerPool, *kinds: str, seconds: float = 90) -> list[WorkerEvent]:
    """Events up to the first of the given kinds."""
    seen: list[WorkerEvent] = []
    while not seen or seen[-1].event not in kinds:
        event = pool.next(seconds)
        assert event is not None, seen
        assert event.event != "failed" or "failed" in kinds, event.text
        seen.append(event)
    return seen


def test_kill_9_repeats_only_what_was_never_answered(tmp_path: Path):
    begun: list[str] = []
    stuck = True

    async def script(body: dict[str, Any], number: int) -> dict[str, Any]:
        begun.append(body["messages"][1]["content"])
        while stuck and number >= 2:  # noqa: ASYNC110 - the test's thread sets it
            await asyncio.sleep(0.02)
        return completion("", [("submit", {"answer": "none"})], number=number)

    with serve(script) as endpoint, WorkerPool(1, keys={"TOY_API_KEY": KEY}) as pool:
        job = job_for(toy_mode(endpoint.url), tmp_path)
        pool.start(job)
        events: list[WorkerEvent] = []
        while sum(event.event == "outcome" for event in events) < 2 or len(begun) < 4:
            event = pool.next(1)
            events += [event] if event else []
        (pid,) = pool.pids().values()
        os.kill(pid, signal.SIGKILL)
        died = until(pool, "died")[-1]
        assert (died.chunk, died.text) == (job.spec.id, "worker 1 was killed by signal 9")
        assert len(begun) == 4

        stuck = False
        pool.start(job)
        *again, finished = until(pool, "finished")
    first = [event.outcome for event in events if event.outcome]
    known = [event.outcome for event in again if event.outcome and event.event == "known"]
    second = [event.outcome for event in again if event.outcome and event.event == "outcome"]
    # What the dead one had told is told again, before the end: who heard it may be dead too.
    assert known == sorted(first, key=lambda outcome: outcome.index)
    assert len(first) == 2
    assert {o.index for o in first}.isdisjoint(o.index for o in second)
    assert len(first) + len(second) == SAMPLES
    assert (finished.missing, finished.stopped, len(finished.repeated)) == ((), "", 2)
    assert (finished.begun, finished.lost) == ((), ())
    assert sorted(o.index for o in second if o.executions == 2) == sorted(finished.repeated)
    # Each prompt was asked once, but for the two in flight.
    assert len(begun) == SAMPLES + 2
    assert len(set(begun)) == SAMPLES


def test_a_worker_tells_what_the_endpoint_lost_and_a_cap_lets_samples_end(tmp_path: Path):
    """Stopped for a cap from outside, as another worker's end makes the parent do it."""
    asked: list[int] = []
    let_go = threading.Event()

    async def script(_body: dict[str, Any], number: int) -> Any:
        asked.append(number)
        if number < 2:
            # Both samples are under way before the stop comes, and end after it.
            while not let_go.is_set():  # noqa: ASYNC110 - the test's thread sets it
                await asyncio.sleep(0.02)
            return completion("", [("bash", {"command": "true"})], number=number)
        return completion("", [("submit", {"answer": "none"})], number=number)

    with serve(script) as endpoint, WorkerPool(1, keys={"TOY_API_KEY": KEY}) as pool:
        pool.start(job_for(toy_mode(endpoint.url), tmp_path))
        while len(asked) < 2:
            pool.next(0.1)
        pool.halt("cap")
        let_go.set()
        finished = until(pool, "finished")[-1]
        assert (finished.stopped, len(finished.missing), finished.begun) == ("cap", SAMPLES - 2, ())
        assert len(asked) == 4

    with serve(lambda *_: b"<html>") as endpoint, WorkerPool(1, keys={"TOY_API_KEY": KEY}) as pool:
        pool.start(job_for(toy_mode(endpoint.url), tmp_path / "b"))
        finished = until(pool, "finished")[-1]
    assert finished.stopped == "endpoint-failing"
    assert tuple(lost.index for lost in finished.lost) == finished.begun
    assert len(finished.lost) >= 3


def test_a_halt_and_a_missing_key(tmp_path: Path):
    async def script(_body: dict[str, Any], number: int) -> dict[str, Any]:
        await asyncio.sleep(0.3)
        return completion("", [("bash", {"command": "true"})], number=number)

    with serve(script) as endpoint, WorkerPool(2, keys={"TOY_API_KEY": KEY}) as pool:
        mode = toy_mode(endpoint.url)
        pool.start(job_for(mode, tmp_path))
        pool.start(job_for(mode.model_copy(update={"api_key_env": "OTHER_KEY"}), tmp_path / "b"))
        assert pool.idle() == 0
        failed = until(pool, "failed")[-1]
        assert failed.text == "no key: set OTHER_KEY in the environment"
        pool.halt()
        finished = until(pool, "finished")[-1]
        assert finished.stopped == "halted"
        assert len(finished.missing) == SAMPLES
        assert pool.idle() == 2


def _asked_once(let_go: threading.Event) -> Any:
    async def script(_body: dict[str, Any], number: int) -> dict[str, Any]:
        while not let_go.is_set():  # noqa: ASYNC110 - the test's thread sets it
            await asyncio.sleep(0.02)
        return completion("", [("submit", {"answer": "none"})], number=number)

    return script


@pytest.mark.usefixtures("real_starts")
def test_workers_are_forked_and_their_start_shows_no_key(tmp_path: Path):
    # One that was begun for another test may have been forked.
    earlier = fork_server({})
    os.kill(earlier.pid, signal.SIGKILL)
    while earlier.alive():
        time.sleep(0.01)
    let_go = threading.Event()
    with serve(_asked_once(let_go)) as endpoint, WorkerPool(2, keys={"TOY_API_KEY": KEY}) as pool:
        mode = toy_mode(endpoint.url)
        pool.start(job_for(mode, tmp_path / "a"))
        pool.start(job_for(mode.model_copy(update={"id": "other"}), tmp_path / "b"))
        pids = set(pool.pids().values())
        begun = [until(pool, "started")[-1].worker for _ in pids]
        parents = {
            Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1] for pid in pids
        }
        shown = b"".join(Path(f"/proc/{pid}/environ").read_bytes() for pid in pids)
        let_go.set()
        ended = [until(pool, "finished")[-1].stopped for _ in pids]
    assert (sorted(begun), ended) == ([1, 2], ["", ""])
    assert parents == {str(fork_server({}).pid)}
    assert b"PATH=" in shown
    assert KEY.encode() not in shown


def test_a_fork_server_that_dies_takes_its_workers_along_and_another_is_started(tmp_path: Path):
    let_go = threading.Event()
    with serve(_asked_once(let_go)) as endpoint, WorkerPool(1, keys={"TOY_API_KEY": KEY}) as pool:
        job = job_for(toy_mode(endpoint.url), tmp_path)
        pool.start(job)
        until(pool, "started")
        server = fork_server({})
        os.kill(server.pid, signal.SIGKILL)
        assert until(pool, "died")[-1].text == "worker 1 was killed by signal 9"
        let_go.set()
        pool.start(job)
        assert until(pool, "finished")[-1].missing == ()
    assert fork_server({}).pid != server.pid


def test_what_the_engine_says_while_it_loads_reaches_no_terminal(tmp_path: Path):
    """A review's own lines, and those of `--json`, stand alone."""
    begun = (
        "from touchstone.evaluation.workers import WorkerPool\n"
        "from touchstone.evaluation.workers.forking import fork_server\n"
        "with WorkerPool(1, keys={}):\n"
        "    worker = fork_server({}).fork({})\n"
        "    worker.commands.close()\n"
        "    worker.wait()\n"
        "    worker.events.close()\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", begun],
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
        cwd=tmp_path,
        timeout=120,
    )
    assert (said.returncode, said.stdout, said.stderr) == (0, b"", b"")
