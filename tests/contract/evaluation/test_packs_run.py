"""A registered pack runs chunk by chunk, with a grader by role, and goes on where it stopped."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.endpoint import Endpoint, completion, serve
from support.packs import CAPITALS, GRADED, write_pack
from support.small_case import SUBMISSION
from touchstone.cli.app import run
from touchstone.evaluation.journal import Journal
from touchstone.evaluation.outcomes import Usage
from touchstone.evaluation.packs import trying
from touchstone.evaluation.packs.chunk import chunk_name, run_pack_chunk
from touchstone.evaluation.packs.errors import PackError
from touchstone.evaluation.packs.items import FrozenItems, item_set
from touchstone.evaluation.packs.manifest import PackLimits
from touchstone.evaluation.packs.registering import Made, RegisteredPack, register
from touchstone.evaluation.packs.relay import RoleEndpoint
from touchstone.evaluation.packs.running import PackSettings
from touchstone.evaluation.packs.source import PackSource, read_pack
from touchstone.evaluation.submission import Mode

FORMLESS = """
from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import match

@task
def capitals():
    items = [Sample(input="a", target="b", metadata={"made by": object()})]
    return Task(dataset=MemoryDataset(items), scorer=match())
"""


def script(body: dict[str, Any], _: int) -> dict[str, Any]:
    said = str(body["messages"][-1]["content"])
    if said.startswith("Rome"):
        return completion("C" if said == "Rome Rome" else "I", model="judge-1")
    return completion("Rome", model="tiny-1")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with serve(script) as found:
        yield found


def made_here() -> Made:
    """What the pack's process would give of its task, without one."""
    empty: dict[str, Any] = {
        "id": None,
        "choices": None,
        "metadata": None,
        "files": {},
        "setup": None,
    }
    items = item_set([{**empty, **each} for each in CAPITALS])
    return Made(items, ("asked", "match"), PackLimits(), PackLimits(), (), "confined")


def graded(folder: Path, **more: Any) -> PackSource:
    given: dict[str, Any] = {"scorer": "asked", "top": 'roles = ["grader"]', **more}
    return read_pack(write_pack(folder, GRADED, **given))


@pytest.fixture
def typed(tmp_path: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What names the endpoints of a subject and of a grader."""
    text = SUBMISSION.format(framework="example").replace("http://127.0.0.1:9/v1", endpoint.url)
    (tmp_path / "SUBMISSION.toml").write_text(text)
    # The same model: what tells them apart is the role in which it was asked.
    (tmp_path / "GRADER.toml").write_text(text)
    monkeypatch.setenv("EXAMPLE_LAB_KEY", "a-key-of-this-test")
    monkeypatch.setenv("TOUCHSTONE_HOME", str(tmp_path / "home"))
    role = f"grader={tmp_path / 'GRADER.toml'}"
    return ["--submission", str(tmp_path / "SUBMISSION.toml"), "--role", role, "--json"]


def test_a_registered_pack_runs_and_its_outcomes_stand(
    tmp_path: Path, typed: list[str], endpoint: Endpoint, capsys: pytest.CaptureFixture[str]
):
    source = graded(tmp_path / "p")
    register(source, made_here(), tmp_path / "home")
    command = ["pack", "run", "capitals", *typed, "--out", str(tmp_path / "out")]
    assert run(command) == 0
    outcomes = json.loads(capsys.readouterr().out)
    assert sorted(each["result"] for each in outcomes) == ["solved", "unsolved", "unsolved"]
    assert {each["pack"]["digest"] for each in outcomes} == {source.digest}
    assert {each["pack"]["owner"] for each in outcomes} == {"Example Lab"}
    assert [each["commitment"] for each in outcomes] == made_digests()
    # Of the subject: what the grader said and used is not its.
    assert {(each["calls"], *each["models"]) for each in outcomes} == {(1, "tiny-1")}
    asked = len(endpoint.requests)
    assert asked == 2 * len(CAPITALS)
    assert run(command) == 0
    assert json.loads(capsys.readouterr().out) == outcomes
    assert len(endpoint.requests) == asked


def made_digests() -> list[str]:
    items = made_here().items
    assert items
    return [each.digest for each in items.items]


def pack_of(source: PackSource) -> RegisteredPack:
    items = made_here().items or FrozenItems(())
    return RegisteredPack(
        pack=source.mark,
        files={name: data.hex() for name, data in source.code.items()},
        items=list(items.items),
        scorers=("asked",),
        limits=PackLimits(),
        own_limits=PackLimits(),
    )


def nobody(*roles: str) -> dict[str, RoleEndpoint]:
    """Endpoints that nobody serves."""
    mode = Mode(
        id="m",
        variant="v",
        model="openai-api/example/tiny",
        base_url="http://127.0.0.1:9/v1",
        api_key_env="EXAMPLE_KEY",
    )
    return {role: RoleEndpoint(mode, "a key") for role in roles}


def test_what_was_answered_when_a_process_died_is_not_asked_again(tmp_path: Path):
    pack, asked, places = pack_of(graded(tmp_path / "p")), nobody("subject", "grader"), range(2)
    name = chunk_name(pack, places, asked)
    with Journal(tmp_path / name, name) as journal:
        for place in places:
            journal.begin(place)
            journal.use(place, Usage(input=7, output=5))
    # Nobody serves the endpoints, and no process of the pack's is needed: none has anything to run.
    outcomes = run_pack_chunk(pack, places, asked, tmp_path, PackSettings())
    assert [each.result for each in outcomes] == ["lost-instrument", "lost-instrument"]
    assert {(each.usage.total, each.calls) for each in outcomes} == {(12, 1)}
    assert all("died or was stopped" in each.reason for each in outcomes)


def test_a_chunk_is_another_with_another_endpoint(tmp_path: Path):
    pack = pack_of(graded(tmp_path / "p"))
    asked = nobody("subject", "grader")
    elsewhere = asked["grader"].mode.model_copy(update={"base_url": "http://127.0.0.1:8/v1"})
    other = {**asked, "grader": RoleEndpoint(elsewhere, "a key")}
    assert chunk_name(pack, [0], asked) != chunk_name(pack, [0], other)
    assert chunk_name(pack, [0], asked) != chunk_name(pack, [1], asked)


@pytest.mark.parametrize(
    ("roles", "score", "says"),
    [
        (["subject"], "solved_from = 1.0", "'grader' has no endpoint"),
        (["subject", "grader", "owner"], "solved_from = 1.0", "declares no role 'owner'"),
    ],
)
def test_what_cannot_run_is_refused(tmp_path: Path, roles: list[str], score: str, says: str):
    pack = pack_of(graded(tmp_path / "p", score=f'values = "letters"\n{score}'))
    with pytest.raises(PackError, match=says):
        run_pack_chunk(pack, [0], nobody(*roles), tmp_path, PackSettings())


def test_check_runs_items_and_says_whose_word_it_is(
    tmp_path: Path,
    typed: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    async def made(*_: Any) -> Made:
        return made_here()

    monkeypatch.setattr(trying, "make_task", made)
    graded(tmp_path / "p", score='values = "letters"')
    assert run(["pack", "check", str(tmp_path / "p"), *typed, "--items", "2"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["result"] for each in told["ran"]["outcomes"]] == ["reported", "reported"]
    assert {each["pack"]["owner"] for each in told["ran"]["outcomes"]} == {"Example Lab"}
    assert (told["ran"]["calls"], told["ran"]["refusals"]) == (4, [])


def test_check_names_what_cannot_be_sealed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = write_pack(tmp_path / "p", FORMLESS, scorer="rubric")
    assert run(["pack", "check", str(folder)]) == 1
    told = capsys.readouterr().out
    assert "metadata.made by: a builtins.object has no form" in told
    assert "no scorer 'rubric'; it has: match" in told
    assert "the statement of Example Lab" in told


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--role", "grader=G.toml"], "go with --submission"),
        (["--mode", "instant"], "go with --submission"),
        (["--items", "0"], "at least 1"),
        (["--memory", "5"], "512 to 65536"),
        (["--seconds", "0"], "at least 1"),
    ],
)
def test_what_was_typed_wrongly_is_one_line(
    tmp_path: Path, more: list[str], says: str, capsys: pytest.CaptureFixture[str]
):
    folder = write_pack(tmp_path / "p")
    assert run(["pack", "check", str(folder), *more]) == 2
    told = capsys.readouterr().err
    assert says in told
    assert told.count("\n") == 1


def test_a_key_that_is_not_set_is_named(
    tmp_path: Path,
    typed: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.delenv("EXAMPLE_LAB_KEY")
    register(graded(tmp_path / "p"), made_here(), tmp_path / "home")
    assert run(["pack", "run", "capitals", *typed, "--out", str(tmp_path / "out")]) == 2
    assert "set EXAMPLE_LAB_KEY" in capsys.readouterr().err


def test_another_pack_of_a_name_is_refused(tmp_path: Path):
    register(graded(tmp_path / "p"), made_here(), tmp_path / "home")
    register(graded(tmp_path / "p"), made_here(), tmp_path / "home")
    other = graded(tmp_path / "q", task="arguments = { n = 1 }")
    with pytest.raises(PackError, match="another pack of this name"):
        register(other, made_here(), tmp_path / "home")
