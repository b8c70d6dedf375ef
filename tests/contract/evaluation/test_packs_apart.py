"""A pack's process reaches nothing but its own samples, whatever its code tries."""

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from inspect_ai.log import read_eval_log, read_eval_log_sample

from support.endpoint import Endpoint, completion, serve
from support.packs import CAPITALS, HOSTILE, PROBES, write_pack
from touchstone.evaluation.packs import apart
from touchstone.evaluation.packs.apart import ProcessLimits, run_apart
from touchstone.evaluation.packs.errors import PackError, PackProcessError
from touchstone.evaluation.packs.given import open_to_all
from touchstone.evaluation.packs.items import FrozenItem, FrozenItems, item_set
from touchstone.evaluation.packs.manifest import PackLimits
from touchstone.evaluation.packs.relay import RoleEndpoint
from touchstone.evaluation.packs.running import PackOutcome, PackRun, run_items
from touchstone.evaluation.packs.source import PackSource, read_pack
from touchstone.evaluation.sandbox import Preflight
from touchstone.evaluation.sandbox.launch import Guards
from touchstone.evaluation.sandbox.tools import find_tools
from touchstone.evaluation.submission import Mode

KEY = "a-key-of-this-test-only"
OTHER = "an item of another chunk"
WORDS = ("banana", "dict", "fair", "list", "nan", "probe", "raise", "self", "silent")
SMALL = ProcessLimits(memory_mib=96, disk_mib=8, result_mib=1, seconds=60)


@dataclass(frozen=True)
class Ran:
    """Both packs, run at the same time."""

    hostile: PackRun
    honest: PackRun
    gained: dict[str, str]
    endpoint: Endpoint

    def of(self, word: str) -> PackOutcome:
        return self.hostile.outcomes[WORDS.index(word)]


def frozen(items: list[dict[str, Any]]) -> FrozenItems:
    empty: dict[str, Any] = {
        "id": None,
        "choices": None,
        "metadata": None,
        "files": {},
        "setup": None,
    }
    return item_set([{**empty, **each} for each in items])


def place_of(home: Path, port: int) -> dict[str, Any]:
    """Where all that a pack must not reach lies."""
    return {
        # Not the whole of it, which is then nowhere but in the parent.
        "key": KEY[:-6],
        "home": str(home),
        "journal": str(home / "journal.jsonl"),
        "port": port,
        "parent": os.getpid(),
        "other": OTHER,
    }


@pytest.fixture(scope="module")
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    (folder / "journal.jsonl").write_text("an outcome of somebody else's\n")
    return folder


@pytest.fixture(scope="module")
def ran(home: Path, listener: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    folder = tmp_path_factory.mktemp("packs")
    place = json.dumps(place_of(home, listener)).replace('":', '" =')
    hostile = read_pack(
        write_pack(
            folder / "hostile",
            HOSTILE,
            [{"input": word} for word in (*WORDS, OTHER)],
            function="hostile_task",
            scorer="hostile",
            task=f"arguments = {{ place = {place} }}",
        )
    )
    honest = read_pack(write_pack(folder / "honest"))
    # In the order of their words, so that a test finds its own.
    given = {
        number: FrozenItem(
            id=None, input=word, choices=None, target="", metadata=None, files={}, setup=None
        )
        for number, word in enumerate(WORDS)
    }
    runs: dict[str, PackRun] = {}

    async def both(endpoint: Endpoint) -> None:
        mode = Mode(
            id="plain",
            variant="final",
            model="openai-api/example/tiny",
            base_url=endpoint.url,
            api_key_env="EXAMPLE_KEY",
        )
        asked = {"subject": RoleEndpoint(mode, KEY)}

        async def one(name: str, source: PackSource, items: dict[int, FrozenItem]) -> None:
            out = folder / f"{name}-log"
            out.mkdir(mode=0o700)
            runs[name] = await run_items(source, items, asked, PackLimits(), out)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(one, "hostile", hostile, given)
            tasks.start_soon(one, "honest", honest, dict(enumerate(frozen(CAPITALS).items)))

    with pytest.MonkeyPatch.context() as patch, serve(lambda *_: completion("Rome")) as endpoint:
        patch.setenv("EXAMPLE_KEY", KEY)
        anyio.run(both, endpoint)
        log = runs["hostile"].log
        assert log is not None, runs["hostile"].outcomes[0].reason
        scores = read_eval_log_sample(str(log), id=str(WORDS.index("probe"))).scores
        assert scores is not None
        gained = (scores["hostile"].metadata or {})["gained"]
        yield Ran(runs["hostile"], runs["honest"], gained, endpoint)


def test_a_hostile_pack_reaches_nothing(ran: Ran):
    relayed = ran.gained.pop("relay")
    assert ran.gained == dict.fromkeys(ran.gained, "")
    assert {"environments", "home", "journal", "elsewhere", "parent", "touchstone"} <= {*ran.gained}
    assert relayed == "[False, False, False]"


def test_what_it_asks_beside_its_samples_is_refused(ran: Ran):
    said = " ".join(ran.hostile.refusals)
    for word in ("role 'grader'", "outside of its samples", "'extra_headers'"):
        assert word in said


def test_the_key_is_the_parents(ran: Ran):
    assert all(each["Authorization"] == f"Bearer {KEY}" for each in ran.endpoint.headers)
    log = ran.hostile.log
    assert log is not None
    assert KEY[:-6] in (whole := read_eval_log(str(log)).model_dump_json())
    assert KEY not in whole
    assert log.stat().st_mode & 0o077 == 0


def test_an_honest_pack_beside_it_is_measured(ran: Ran):
    solved = [each.result for each in ran.honest.outcomes]
    assert sorted(solved) == ["solved", "unsolved", "unsolved"]
    assert [each.calls for each in ran.honest.outcomes] == [1, 1, 1]
    assert {each.pack.owner for each in ran.honest.outcomes} == {"Example Lab"}
    assert ran.honest.outcomes[0].pack.digest != ran.hostile.outcomes[0].pack.digest


@pytest.mark.parametrize("word", ["banana", "dict", "list", "nan", "raise", "self", "silent"])
def test_what_is_no_score_is_an_error_of_the_instrument(ran: Ran, word: str):
    outcome = ran.of(word)
    assert (outcome.result, outcome.cause, outcome.value) == ("lost-instrument", "judge", None)


def test_why_is_said(ran: Ran):
    assert "as it likes" in ran.of("raise").reason
    assert "graded itself" in ran.of("self").reason
    assert "never asked" in ran.of("silent").reason
    assert "'banana'" in ran.of("banana").reason


def test_a_score_as_declared_is_taken_as_the_packs_word(ran: Ran):
    outcome = ran.of("fair")
    assert (outcome.result, outcome.value, outcome.calls) == ("solved", "1", 1)
    assert outcome.pack.owner == "Example Lab"


def test_calls_are_counted_by_the_parent(ran: Ran):
    # Each item once, but for the silent one; and once more of the one that asks for its grade.
    assert ran.hostile.calls == len(WORDS)
    assert ran.of("self").calls == 2
    assert ran.hostile.used == 120 * len(WORDS)


def program(text: str, guards: Guards | None = None, limits: ProcessLimits = SMALL) -> bytes:
    """What a small program gives that is run as a pack's process is."""

    async def nobody(_: socket.socket) -> None:
        """Nothing is asked."""

    async def run() -> bytes:
        return (await run_apart({}, nobody, limits, guards, text)).result

    return anyio.run(run)


def probing(place: dict[str, Any]) -> str:
    return f"{PROBES}\nimport json\nprint(json.dumps(gains({place!r})))"


@pytest.fixture
def exposed(monkeypatch: pytest.MonkeyPatch, home: Path, listener: int) -> dict[str, Any]:
    monkeypatch.setenv("EXAMPLE_KEY", KEY)
    return place_of(home, listener)


def test_the_probes_gain_nothing_in_a_pack_process(exposed: dict[str, Any]):
    gained = json.loads(program(probing(exposed)))
    assert gained == dict.fromkeys(gained, "")


def test_twin_without_the_walls_the_probes_gain_all(exposed: dict[str, Any]):
    gained = json.loads(program(probing(exposed), Guards(confined=False)))
    # The environment is not inherited there either: it is what the others are for.
    within = {name for name, value in gained.items() if value}
    assert {"home", "journal", "elsewhere", "parent"} <= within


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("held = b'x' * (400 << 20)", "more than 96 MiB of memory"),
        ("import os\nwhile True: os.write(1, bytes(65536))", "gave back more than 1 MiB"),
        ("raise ValueError('as it likes')", "ended with 1: ValueError: as it likes"),
        ("open('log', 'wb').write(bytes(64 << 20))", "ended with 1"),
        ("import os; os.kill(os.getppid(), 9); os.kill(1, 9)", "the pack"),
    ],
)
def test_a_process_that_takes_too_much_is_ended(text: str, says: str):
    with pytest.raises(PackProcessError, match=says):
        program(text)


def test_a_machine_without_a_sandbox_runs_no_pack(monkeypatch: pytest.MonkeyPatch):
    none = Preflight("none", (), (("bwrap", "install bubblewrap"),), "", Guards(confined=False))
    monkeypatch.setattr(apart, "preflight", lambda: none)
    with pytest.raises(PackError, match="none can be had here; bwrap: install bubblewrap"):
        program("print('never')")


def test_families_of_somebodys_own_are_not_in_view(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    info = tmp_path / "example_lab_tasks-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: example-lab-tasks\nVersion: 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    (info / "entry_points.txt").write_text("[other.group]\nexample = example:FAMILY\n")
    apart.refuse_private_families()
    (info / "entry_points.txt").write_text("[touchstone.families]\nexample = example:FAMILY\n")
    with pytest.raises(PackError, match="example-lab-tasks is installed here"):
        program("print('never')")


def test_an_interpreter_of_another_version_is_refused(monkeypatch: pytest.MonkeyPatch):
    other = replace(find_tools(), python="/bin/false")
    monkeypatch.setattr(apart, "find_tools", lambda: other)
    with pytest.raises(PackError, match="of the same version"):
        program("print('never')")


def test_packages_that_others_cannot_read_are_seen(tmp_path: Path):
    # Below a folder that every user can enter, which a test's own need not be.
    assert open_to_all(Path("/usr/lib"))
    for mode in (0o700, 0o711, 0o744):
        tmp_path.chmod(mode)
        assert not open_to_all(tmp_path)


def test_a_process_that_hangs_is_ended():
    with pytest.raises(PackProcessError, match="not done in 1 s"):
        program("import time; time.sleep(600)", limits=ProcessLimits(memory_mib=96, seconds=1))
