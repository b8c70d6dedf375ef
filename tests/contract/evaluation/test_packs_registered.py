"""A pack is registered under digests that every load and every folder gives."""

import json
from pathlib import Path

import pytest
from inspect_ai.dataset import json_dataset

from support.packs import CAPITALS, write_pack
from touchstone.cli.app import run
from touchstone.evaluation.packs.frozen import freeze
from touchstone.evaluation.packs.items import item_set
from touchstone.evaluation.packs.registering import registered
from touchstone.evaluation.packs.source import read_pack

SHUFFLING = """
from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.scorer import match
from inspect_ai.solver import generate

def tagged(record):
    from inspect_ai.dataset import Sample
    return Sample(
        input=record["input"], target=record["target"], metadata={"tags": {"a", "b", "c"}, "p": 0.1}
    )

@task
def capitals():
    found = json_dataset("items.json", tagged)
    found.shuffle()
    return Task(dataset=found, solver=generate(), scorer=match(), message_limit=7, token_limit=900)
"""
DOCKER = """
import subprocess

def capitals():
    subprocess.run(["docker", "version"], check=True)
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOUCHSTONE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def digests_in_another_folder(folder: Path) -> list[str]:
    """Of the same items, loaded here once more, in the file's order."""
    write_pack(folder)
    samples = json_dataset(str(folder / "items.json"))
    for sample in samples:
        sample.metadata = {"p": 0.1, "tags": {"c", "b", "a"}}
    return [each.digest for each in item_set([freeze(each, folder) for each in samples]).items]


def test_a_pack_is_registered_once_and_shown(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = write_pack(tmp_path / "p", SHUFFLING, top='description = "Capitals of Europe"')
    assert run(["pack", "register", str(folder), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["items"] == digests_in_another_folder(tmp_path / "elsewhere")
    assert shown["pack"]["owner"] == "Example Lab"
    assert shown["own_limits"] == shown["limits"]
    assert (shown["limits"]["messages"], shown["limits"]["tokens"]) == (7, 900)
    kept = registered(home, "capitals")
    assert kept.digest == shown["digest"]
    # What runs is what was registered: its folder may be gone, or be another by then.
    assert kept.source().code == read_pack(folder).code
    assert kept.source().mark == read_pack(folder).mark
    assert [path.stat().st_mode & 0o777 for path in (home / "packs").iterdir()] == [0o600]

    assert run(["pack", "show", "capitals"]) == 0
    told = capsys.readouterr().out
    assert "the statement of Example Lab" in told
    assert "7 messages, 900 tokens" in told
    assert not [each for each in CAPITALS if each["input"] in told]
    assert run(["pack", "show"]) == 0
    assert capsys.readouterr().out == "capitals\n"
    assert run(["pack", "show", "towns"]) == 2
    assert "registered: capitals" in capsys.readouterr().err


def test_docker_while_the_task_is_made_is_named(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = write_pack(tmp_path / "p", DOCKER)
    assert run(["pack", "register", str(folder)]) == 2
    assert "calls Docker while it is made" in capsys.readouterr().err
    assert not (home / "packs").exists()
