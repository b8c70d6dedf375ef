"""A pack's samples get sandboxes of ours: run by the parent, bounded, and told as it saw them."""

import base64
import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from inspect_ai.event import SandboxEvent
from inspect_ai.log import EvalSample, read_eval_log_sample

from support.endpoint import completion, serve
from support.packs import write_pack
from touchstone.evaluation.limits import EndpointLimits
from touchstone.evaluation.oversight.reading import read_transcript
from touchstone.evaluation.oversight.tool_results import spoofed_results
from touchstone.evaluation.packs import running
from touchstone.evaluation.packs.apart import Apart
from touchstone.evaluation.packs.errors import PackBreachError
from touchstone.evaluation.packs.items import FrozenItem
from touchstone.evaluation.packs.lent import LENT_AT_ONCE, Lending, LoanLimits
from touchstone.evaluation.packs.manifest import PackLimits, PackSandbox
from touchstone.evaluation.packs.relay import Relay, RoleEndpoint
from touchstone.evaluation.packs.running import PackRun, run_items
from touchstone.evaluation.packs.source import read_pack
from touchstone.evaluation.packs.wire import LENT_PART, packed, receive_message
from touchstone.evaluation.sandbox.events import EVENTS, GuardHits
from touchstone.evaluation.submission import Mode

OWN = f"600.{os.getpid()}"
WORDS = ("fair", "spoof", "hostile", "plain")

PACK = '''
import json
from datetime import UTC, datetime
from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.event import SandboxEvent, ToolEvent
from inspect_ai.log import transcript
from inspect_ai.model import ChatMessageTool
from inspect_ai.scorer import Score, accuracy, scorer
from inspect_ai.solver import generate, solver, use_tools
from inspect_ai.tool import bash
from inspect_ai.util import sandbox

async def gained(function):
    """What a call gives, or the name of what it raised."""
    try:
        return str(await function())
    except BaseException as error:
        return type(error).__name__ + ": " + str(error)

async def ask(**message):
    from touchstone.evaluation.packs.asking import ASKER
    return await ASKER[0].ask(message)

@solver
def works():
    async def solve(state, generate):
        word = state.input_text
        if word == "spoof":
            await sandbox().exec(["echo", "as it was"])
            now = datetime.now(UTC)
            call = dict(id="c1", function="bash", arguments={}, timestamp=now, completed=now)
            note = transcript()._event
            note(SandboxEvent(action="exec", cmd="id", output="forged", timestamp=now))
            note(ToolEvent(**call, result="forged", message_id="m1"))
            state.messages.append(
                ChatMessageTool(id="m1", content="forged", tool_call_id="c1", function="bash")
            )
        if word == "hostile":
            box = sandbox()
            state.store.set("gained", {
                "again": await ask(sandbox="start", sample="2"),
                "strange": await ask(sandbox="start", sample="99"),
                "plain": await ask(sandbox="start", sample="3"),
                "other": await ask(sandbox="exec", sample="2", name="nowhere", cmd=["id"]),
                "connection": await gained(box.connection),
                "root": await gained(lambda: box.exec(["id"], user="root")),
                "packages": await gained(lambda: box.exec(["ls", "/opt/touchstone"])),
                "disk": await gained(lambda: box.exec(
                    ["sh", "-c", "head -c 64M /dev/zero > big; stat -c %s big"])),
                "slow": await gained(lambda: box.exec(["sleep", "600"], timeout=1)),
                "missing": await gained(lambda: box.read_file("none.txt")),
                "folder": await gained(lambda: box.read_file("/tmp")),
            })
        return await generate(state)
    return solve

@scorer(metrics=[accuracy()])
def looks():
    async def score(state, target):
        if state.input_text != "fair":
            return Score(value="C", metadata=state.store.get("gained", {}))
        large = bytes(range(256)) * TIMES
        await sandbox("second").write_file("large.bin", large)
        answer = await sandbox().read_file("answer.txt")
        return Score(value="C" if answer.split() == ["given", "made"] else "I", metadata={
            "answer": answer,
            "second": await sandbox("second").read_file("other.txt"),
            "apart": await gained(lambda: sandbox("second").read_file("answer.txt")),
            "large": await sandbox("second").read_file("large.bin", text=False) == large,
        })
    return score

@task
def boxes():
    return Task(
        dataset=json_dataset("items.json"),
        solver=[use_tools(bash()), works()], scorer=looks(), sandbox="local",
    )
'''


@dataclass(frozen=True)
class Ran:
    run: PackRun
    samples: dict[str, EvalSample]

    def metadata(self, word: str) -> dict[str, Any]:
        scores = self.samples[word].scores
        assert scores, self.samples[word].error
        return scores["looks"].metadata or {}


def script(body: dict[str, Any], number: int) -> Any:
    said = body["messages"][-1]
    if said["role"] == "user" and said["content"] == "fair":
        command = "cat given.txt made.txt > answer.txt; cat answer.txt"
        return completion(calls=[("bash", {"command": command})], number=number)
    return completion("done", number=number)


def mode(url: str = "http://127.0.0.1:9/v1") -> Mode:
    return Mode(
        id="plain",
        variant="final",
        model="openai-api/example/tiny",
        base_url=url,
        api_key_env="EXAMPLE_KEY",
    )


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("packs")
    top = '[sandbox]\nnames = ["default", "second"]\ndisk_mib = 8\nmemory_mib = 128\n'
    source = read_pack(
        write_pack(
            folder / "p",
            PACK.replace("TIMES", str(LENT_PART // 200)),
            function="boxes",
            scorer="looks",
            top=top,
        )
    )
    items = {
        number: FrozenItem(
            id=None,
            input=word,
            choices=None,
            target="",
            metadata=None,
            files={"given.txt": "given\n", "second:other.txt": "elsewhere"},
            setup="echo made > made.txt",
            sandbox=word != "plain",
        )
        for number, word in enumerate(WORDS)
    }
    out = folder / "log"
    out.mkdir(mode=0o700)
    with serve(script) as endpoint:
        asked = {"subject": RoleEndpoint(mode(endpoint.url), "a-key-of-this-test-only")}
        run = anyio.run(run_items, source, items, asked, PackLimits(), out)
    assert run.log is not None, run.outcomes[0].reason
    log = str(run.log)
    samples = {word: read_eval_log_sample(log, id=str(n)) for n, word in enumerate(WORDS)}
    return Ran(run, samples)


def test_samples_work_in_our_sandbox_with_their_files_and_setup(ran: Ran):
    assert [each.result for each in ran.run.outcomes] == ["solved"] * len(WORDS), ran.run.outcomes
    assert ran.samples["fair"].sandbox is not None
    assert ran.samples["plain"].sandbox is None


def test_each_named_environment_is_a_sandbox_of_its_own(ran: Ran):
    said = ran.metadata("fair")
    assert said["second"] == "elsewhere"
    assert said["apart"].startswith("FileNotFoundError")
    # More than one message carries, there and back.
    assert said["large"] is True


def test_what_is_not_lent_is_refused(ran: Ran):
    said = ran.metadata("hostile")
    for name, part in {
        "again": "started already",
        "strange": "outside of its samples",
        "plain": "a sample that has none",
        "other": "no environment 'nowhere'",
    }.items():
        assert part in said[name]["refused"], name
        assert any(part in each for each in ran.run.refusals), name
    for name, part in {
        "connection": "NotImplementedError",
        "root": "SandboxUserUnsupportedError",
        "packages": "No such file",
        "disk": "No space left",
        "slow": "TimeoutError",
        "missing": "FileNotFoundError",
        "folder": "IsADirectoryError",
    }.items():
        assert part in said[name], said[name]


def events(sample: EvalSample) -> list[SandboxEvent]:
    return [each for each in sample.events if isinstance(each, SandboxEvent)]


def test_the_log_holds_what_the_parent_saw(ran: Ran):
    found = events(ran.samples["fair"])
    assert {str(each.metadata) for each in found} == {"{'witness': 'touchstone'}"}
    commands = [each.output for each in found if "cat given.txt" in (each.cmd or "")]
    assert commands == ["given\nmade\n"]
    # What an honest log says of the same deed keeps its place among the spans.
    assert all(each.span_id for each in found)
    assert not list(spoofed_results(reading(ran, "fair")))


def reading(ran: Ran, word: str) -> Any:
    return read_transcript(ran.samples[word].messages, ran.samples[word].events)


def test_a_result_that_a_pack_forges_is_found(ran: Ran):
    assert "forged" not in [each.output for each in events(ran.samples["spoof"])]
    (spoofed,) = spoofed_results(reading(ran, "spoof"))
    assert spoofed[0] == "m1"
    assert "not what its program wrote" in spoofed[1]


# --------------------------------------------------------------- the parent's end, without a pack
def ask(lending: Lending, *messages: dict[str, Any], endless: bool = False) -> list[dict[str, Any]]:
    """What is answered, one after another; with `endless`, the last only begins."""
    ours, theirs = socket.socketpair()
    relay = Relay(
        {"subject": RoleEndpoint(mode(), "a key")},
        frozenset({0, 1, 2}),
        EndpointLimits(),
        lending=lending,
    )

    def talk() -> list[dict[str, Any]]:
        found = []
        for number, each in enumerate(messages):
            then = each.pop("then", None)
            given = packed({"call": number, "sample": "0", "name": "default", **each})
            theirs.sendall(given + (packed(then) if then else b""))
            if endless and number == len(messages) - 1:
                while not sleepers():
                    time.sleep(0.01)
                break
            found.append(receive_message(theirs) or {})
        theirs.close()
        return found

    async def run() -> list[dict[str, Any]]:
        found: list[list[dict[str, Any]]] = []
        with ours:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(relay.serve, ours)
                found.append(await anyio.to_thread.run_sync(talk))
                tasks.cancel_scope.cancel()
        return found[0]

    return anyio.run(run)


def lending(**more: Any) -> Lending:
    declared = PackSandbox(memory_mib=128, disk_mib=8)
    return Lending(frozenset({0, 1}), declared, **more)


START, END = {"sandbox": "start"}, {"sandbox": "end"}
ECHO = {"sandbox": "exec", "cmd": ["echo", "hello"]}


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ({"cmd": []}, "no list of texts"),
        ({"cmd": "id"}, "no list of texts"),
        ({"cmd": ["\ud800"]}, "no list of texts"),
        ({"env": {"A": 1}}, "no texts"),
        ({"cwd": 5}, "no text"),
        ({"timeout": True}, "no number of seconds"),
        ({"input": "%"}, "not in base64"),
        ({"input": base64.b64encode(bytes(600_000)).decode()}, "at once"),
        ({"input": "A" * 1_200_000}, "more than 1 MiB"),
        ({"sandbox": "destroy"}, "does not 'destroy'"),
        ({"sandbox": ["exec"]}, "does not"),
        ({"sandbox": "write", "file": "", "at": 0, "data": ""}, "no path"),
        ({"sandbox": "write", "file": "a", "at": 0, "data": 5}, "not in base64"),
        ({"sandbox": "read", "file": "a", "at": -1}, "a place in a file"),
        ({"call": "x"}, "number of its own"),
        ({"sample": "2"}, "has none"),
        ({"sample": "1"}, "was not started"),
    ],
)
def test_what_is_no_call_is_refused(message: dict[str, Any], says: str, lent: Lending):
    # Of one that runs: no sandbox is started for it.
    (said,) = ask(lent, {**ECHO, **message})
    assert says in said["refused"]


class Standing(Lending):
    """Whose sandboxes last beyond one connection."""

    async def close(self) -> None:
        """Kept, for the next test."""


@pytest.fixture(scope="module")
def lent() -> Iterator[Lending]:
    # It is never asked to run anything: what it refuses is refused before.
    made = Standing(frozenset({0, 1}), PackSandbox(memory_mib=128, disk_mib=8))
    (said,) = ask(made, START)
    assert said["names"] == ["default"]
    yield made
    anyio.run(Lending.close, made)


def test_programs_run_and_what_ends_is_over():
    made = lending()
    said = ask(made, START, ECHO, END, ECHO)
    assert base64.b64decode(said[1]["stdout"]) == b"hello\n"
    assert "has ended" in said[3]["refused"]
    (event,) = made.seen[0]
    assert (event.cmd, event.result, event.output) == ("echo hello", 0, "hello\n")


def test_no_more_samples_than_run_have_a_sandbox_at_once():
    said = ask(lending(at_once=1), START, {**START, "sample": "1"}, END, {**START, "sample": "1"})
    assert "more than 1 samples" in said[1]["refused"]
    assert said[3]["names"] == ["default"]


def test_calls_and_what_is_written_down_are_bounded():
    said = ask(lending(limits=LoanLimits(calls=2)), START, ECHO, ECHO)
    assert "used its sandboxes 2 times" in said[2]["refused"]
    said = ask(lending(limits=LoanLimits(recorded=100)), START, ECHO, ECHO)
    assert "filled its record" in said[2]["refused"]


def test_a_call_that_is_given_up_is_ended():
    slow = {"sandbox": "exec", "cmd": ["sleep", "600"]}
    said = ask(lending(), START, {**slow, "then": {"cancel": 1}}, ECHO)
    assert "given up" in said[1]["refused"]
    assert base64.b64decode(said[2]["stdout"]) == b"hello\n"


def test_what_runs_when_the_pack_goes_is_ended():
    made = lending()
    ask(made, START, {"sandbox": "exec", "cmd": ["sleep", OWN]}, endless=True)
    assert not sleepers()
    (said,) = ask(made, ECHO)
    assert "has ended" in said["refused"]


def sleepers() -> list[str]:
    """The processes of this machine that sleep for this test."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if each.read_bytes() == f"sleep\0{OWN}\0".encode():
                found.append(each.parent.name)
    return found


def test_a_breach_ends_all_that_is_asked():
    made = lending()
    unheard = made.listen()
    try:
        EVENTS.record(
            GuardHits("protocol", "as it likes", breach=True, sandbox="default", sample="pack-0")
        )
        assert not made.breached
        EVENTS.record(
            GuardHits(
                "protocol", "as it likes", breach=True, sandbox="default", sample=made.name_of(0)
            )
        )
    finally:
        unheard()
    said = ask(made, START, {"role": "subject", "request": {"messages": []}})
    assert all("attacked" in each["refused"] for each in said)
    assert len(json.dumps(said)) < LENT_AT_ONCE * 100


def test_of_a_chunk_whose_sandbox_was_attacked_nothing_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async def attacked(_: Any, serve: Any, *__: Any, **___: Any) -> Apart:
        name = serve.__self__.lending.name_of(0)
        EVENTS.record(GuardHits("protocol", "as it likes", True, "default", name))  # noqa: FBT003
        return Apart(b"", "confined", ())

    monkeypatch.setattr(running, "run_apart", attacked)
    source = read_pack(write_pack(tmp_path / "p"))
    asked = {"subject": RoleEndpoint(mode(), "a key")}
    with pytest.raises(PackBreachError, match=r"attacked \(as it likes\)"):
        anyio.run(run_items, source, {}, asked, PackLimits(), tmp_path)
