"""Public benchmarks run offline in our own sandbox, and others are refused, each with its lack.

Their packages come by pip, by digest, into the environment of these tests, once. Where none can be
had from there, these tests do not run, and say so.
"""

import json
import os
import socket
import sys
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import anyio
import pytest
from inspect_ai.event import SandboxEvent
from inspect_ai.log import EvalSample, read_eval_log_sample

from support.benchmarks import ALSO_RUNNING, REFUSED, RUNNING, Benchmark, assets_of
from support.endpoint import completion, serve
from touchstone.evaluation.assets.fetching import pull
from touchstone.evaluation.assets.listing import parse_assets
from touchstone.evaluation.assets.store import AssetStore
from touchstone.evaluation.packs.apart import FINDING, ProcessLimits, run_apart
from touchstone.evaluation.packs.given import given_assets
from touchstone.evaluation.packs.lacking import lacking
from touchstone.evaluation.packs.manifest import PackLimits
from touchstone.evaluation.packs.registering import Made, make_task
from touchstone.evaluation.packs.relay import RoleEndpoint
from touchstone.evaluation.packs.running import PackRun, PackSettings, run_items
from touchstone.evaluation.packs.source import PackSource, read_pack
from touchstone.evaluation.packs.trying import CheckedPack
from touchstone.evaluation.sandbox import launch
from touchstone.evaluation.submission import Mode

ITEMS = 5
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "benchmarks.md"
ALL = bool(os.environ.get("TOUCHSTONE_BENCHMARKS"))
# Trithemius: each letter moved on by its place.
SOLVING = f"""
text = open("{launch.WORK}/output.txt").read().splitlines()[1]
moved = (chr((ord(c) - 65 - i) % 26 + 65) if c.isalpha() else c for i, c in enumerate(text))
print("HTB{{" + "".join(moved) + "}}")
"""
TRYING = (
    FINDING
    + """
import importlib, json, os
from touchstone.evaluation.packs import child
sys.path += PATHS
said = {}
for module, function in TASKS:
    told, tells = os.pipe()
    # Forked: Inspect is imported once for all of them.
    if not os.fork():
        os.dup2(2, 1)
        try:
            getattr(importlib.import_module("inspect_evals." + module), function)()
            text = "made"
        except BaseException as error:
            text = f"{type(error).__name__}: {error}"
        os.write(tells, " ".join(text.split())[:2000].encode())
        os._exit(0)
    os.close(tells)
    said[module] = b"".join(iter(lambda: os.read(told, 4096), b"")).decode()
    os.wait()
print(json.dumps(said))
"""
)


@dataclass(frozen=True)
class Ran:
    checked: CheckedPack
    run: PackRun

    def sample(self, place: int) -> EvalSample:
        return read_eval_log_sample(str(self.run.log), id=str(place))


@pytest.fixture(scope="module")
def store() -> Path:
    """Where the packages are: in this environment, which every user can read."""
    folder = Path(sys.prefix, "touchstone-assets")
    names = {name for each in (*RUNNING, *ALSO_RUNNING) for name in each.wheels}
    listed = parse_assets(assets_of("inspect-evals", *sorted(names)).encode())
    for state in pull(listed, AssetStore(folder)):
        if state.state != "here":
            pytest.skip(f"{state.title} cannot be had by pip: {state.why}")
    return folder


def script(body: dict[str, Any], number: int) -> Any:
    said = body["messages"][-1]
    tools = {each["function"]["name"] for each in body.get("tools", [])}
    if not {"submit", "python"} <= tools:
        # Code for those that ask for some, and run it.
        return completion("I do this:\n```python\nprint('checked')\n```", number=number)
    if said["role"] == "tool":
        answer = {"answer": str(said["content"])}
        return completion(calls=[("submit", answer)], number=number)
    return completion(calls=[("python", {"code": SOLVING})], number=number)


def run_benchmark(source: PackSource, made: Made, out: Path, assets: Path) -> PackRun:
    items = dict(enumerate(made.items.items[:ITEMS])) if made.items else {}
    settings = PackSettings(assets=assets)
    with serve(script) as endpoint:
        mode = Mode(
            id="plain",
            variant="final",
            model="openai-api/example/tiny",
            base_url=endpoint.url,
            api_key_env="EXAMPLE_KEY",
        )
        asked = {role: RoleEndpoint(mode, "a key") for role in ("subject", *source.manifest.roles)}
        return anyio.run(run_items, source, items, asked, PackLimits(messages=12), out, settings)


@pytest.fixture(
    scope="module", params=(*RUNNING, *(ALSO_RUNNING if ALL else ())), ids=attrgetter("function")
)
def ran(
    request: pytest.FixtureRequest, store: Path, tmp_path_factory: pytest.TempPathFactory
) -> Ran:
    benchmark: Benchmark = request.param
    folder = tmp_path_factory.mktemp("benchmark")
    source = read_pack(benchmark.write(folder / "p"))
    made = anyio.run(make_task, source, ProcessLimits(), store)
    assert not made.faults
    out = folder / "log"
    out.mkdir(mode=0o700)
    run = run_benchmark(source, made, out, store)
    return Ran(CheckedPack(source, made, run), run)


def test_a_benchmark_runs_offline_with_its_assets_alone(ran: Ran):
    assert any("the list is whole" in each for each in ran.checked.lines())
    assert ran.checked.good
    assert ran.run.outcomes
    # An answer of the subject's was heard for each, and each has a score as declared.
    assert {each.calls > 0 for each in ran.run.outcomes} == {True}
    assert {each.value for each in ran.run.outcomes} <= {"0", "1"}
    assert {each.result for each in ran.run.outcomes} <= {"solved", "unsolved", "limit"}


def test_where_samples_want_a_sandbox_it_is_ours(ran: Ran):
    items = ran.checked.made.items
    assert items
    for place, outcome in enumerate(ran.run.outcomes):
        sample = ran.sample(outcome.place)
        assert (sample.sandbox is not None) == items.items[place].sandbox
        seen = [each for each in sample.events if isinstance(each, SandboxEvent)]
        assert all((each.metadata or {}).get("witness") == "touchstone" for each in seen)
        assert bool(seen) == items.items[place].sandbox


def test_of_cybench_what_is_solved_in_our_sandbox_is_solved(ran: Ran):
    if ran.checked.source.manifest.id != "cybench-static":
        return
    names = [
        (ran.sample(each.place).metadata["challenge"], each.result) for each in ran.run.outcomes
    ]
    assert {result for name, result in names if name != "dynastic"} == {"unsolved"}
    assert {result for name, result in names if name == "dynastic"} <= {"solved"}


def test_others_are_refused_each_with_what_it_lacks(store: Path):
    listed = parse_assets(assets_of("inspect-evals", "backoff").encode())
    given = given_assets(listed, store, items=True)
    text = TRYING.replace("PATHS", repr(list(given.paths))).replace("TASKS", repr([*REFUSED]))

    async def nobody(_: socket.socket) -> None:
        """Nothing is asked."""

    async def told() -> bytes:
        return (await run_apart({}, nobody, ProcessLimits(), program=text, given=given)).result

    said = json.loads(anyio.run(told))
    found = {name: lacking(said[name[0]]) for name in REFUSED}
    assert len(found) >= 10
    assert {name: words for name, words in REFUSED.items() if words not in found[name]} == {}


def test_the_page_says_what_runs_and_what_is_refused():
    rows = [
        [cell.strip(" `") for cell in line.strip("|").split("|")]
        for line in PAGE.read_text().splitlines()
        if line.startswith("|")
    ]
    said = {row[0]: row[-1] for row in rows}
    assert {each.function for each in (*RUNNING, *ALSO_RUNNING)} <= said.keys()
    for (_, function), words in REFUSED.items():
        # `cybench` as it is is refused; of its challenges some run elsewhere, under another name.
        assert words in said[function], function
