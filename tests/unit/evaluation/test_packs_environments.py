"""Which items get a sandbox, in the place of what, and what stands in a log of it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.event import SandboxEvent
from inspect_ai.scorer import match
from inspect_ai.util import SandboxEnvironmentSpec

from touchstone.evaluation.packs.environments import replaced_environments
from touchstone.evaluation.packs.errors import PackError, PackProcessError
from touchstone.evaluation.packs.frozen import freeze, thaw
from touchstone.evaluation.packs.items import FrozenItem
from touchstone.evaluation.packs.manifest import PackSandbox, parse_manifest
from touchstone.evaluation.packs.witnessed import OUTPUT_NOTED, witnessed
from touchstone.evaluation.witnessed_output import SOURCE

PLAIN = PackSandbox()
OURS = PackSandbox(use="touchstone")


def replaced(
    folder: Path, task: Any, *samples: Any, declared: PackSandbox = PLAIN, **more: Any
) -> tuple[set[int], list[str], list[str]]:
    given = [Sample(input=str(n), sandbox=each, **more) for n, each in enumerate(samples)]
    made = Task(dataset=MemoryDataset(given), scorer=match(), sandbox=task)
    return replaced_environments(made, given, declared.model_dump(), folder)


def test_a_place_to_run_programs_is_given_without_a_word(tmp_path: Path):
    assert replaced(tmp_path, None, "local", None, "docker") == ({0, 2}, ["local", "docker"], [])
    assert replaced(tmp_path, "local", None, "docker") == ({0, 1}, ["local"], [])
    assert replaced(tmp_path, None, None) == (set(), [], [])


@pytest.mark.parametrize(
    ("name", "spec", "said"),
    [
        ("Dockerfile", "docker", "'docker' (Dockerfile)"),
        ("other.yaml", ("docker", "other.yaml"), "'docker' (other.yaml)"),
        ("other.yaml", "k8s", "'k8s'"),
    ],
)
def test_what_describes_more_is_given_where_the_owner_says_so(
    tmp_path: Path, name: str, spec: Any, said: str
):
    (tmp_path / name).write_text("services: {default: {image: example}}")
    wanting, _, lacking = replaced(tmp_path, spec, None)
    assert wanting == {0}
    (line,) = lacking
    assert said in line
    assert 'use = "touchstone"' in line
    assert replaced(tmp_path, spec, None, declared=OURS) == ({0}, [said], [])


def test_an_environment_that_is_not_named_is_refused_by_its_name(tmp_path: Path):
    (tmp_path / "compose.yaml").write_text("services: {default: {}, victim: {}}")
    spec = ("docker", "compose.yaml")
    (line,) = replaced(tmp_path, spec, None, declared=OURS)[2]
    assert "'victim'" in line
    named = OURS.model_copy(update={"names": ("default", "victim")})
    assert replaced(tmp_path, spec, None, declared=named)[2] == []
    files = {"target:flag.txt": "x", "plain.txt": "y"}
    (line,) = replaced(tmp_path, "local", None, files=files)[2]
    assert "'target'" in line


def test_an_item_without_a_sandbox_has_the_digest_that_it_had(tmp_path: Path):
    given = freeze(Sample(input="a"), tmp_path)
    plain, other = (
        FrozenItem.model_validate(given),
        freeze(Sample(input="a"), tmp_path, sandbox=True),
    )
    assert "sandbox" not in plain.model_dump(mode="json")
    assert plain.digest == (
        "sha256:48fc60d1d85b8856e71de69f9fe4b8ddafbde3e67024dab815e19856dff1685b"
    )
    assert FrozenItem.model_validate(other).digest != plain.digest
    assert thaw(other, 3, "lent").sandbox == SandboxEnvironmentSpec("lent")
    assert thaw(given, 3, "lent").sandbox is None


def test_a_deed_that_a_log_leaves_out_stands_at_its_time():
    seen = SandboxEvent(
        action="exec", cmd="id", output="x", timestamp=datetime(2026, 1, 2, tzinfo=UTC)
    )
    theirs = [{"event": "info", "timestamp": f"2026-01-0{day}T00:00:00+00:00"} for day in (1, 3)]
    forged = {"event": "sandbox", "action": "exec", "cmd": "id -u", "output": "0"}
    record = json.loads(witnessed(json.dumps({"events": [*theirs, forged]}).encode(), [seen]))
    assert [each.get("cmd") for each in record["events"]] == [None, "id", None]
    assert record["events"][1]["metadata"] == {"witness": "touchstone"}
    # Without any of ours, no word of the pack's stays.
    assert json.loads(witnessed(json.dumps({"events": [forged]}).encode(), []))["events"] == []


def test_what_we_noted_of_an_output_goes_into_a_packs_log_and_its_own_words_for_that_do_not():
    noted = {"whole": "sha256:ab", "size": 3, "shown": ""}
    seen = SandboxEvent(action="exec", cmd="id", output="x", metadata={OUTPUT_NOTED: noted})
    forged = {"event": "info", "source": SOURCE, "data": {**noted, "whole": "sha256:cd"}}
    theirs = {"event": "sandbox", "action": "exec", "cmd": "id", "output": "y"}
    theirs["metadata"] = {"witness": "touchstone", "output": forged["data"]}  # type: ignore[assignment]
    others = {"event": "info", "source": "another", "data": "kept"}
    record = json.loads(
        witnessed(json.dumps({"events": [others, forged, theirs]}).encode(), [seen])
    )
    assert [each["event"] for each in record["events"]] == ["info", "sandbox"]
    assert record["events"][1]["metadata"] == {"witness": "touchstone", "output": noted}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"events": 5}', '{"events": [5]}', "[" * 100_000]
)
def test_what_is_no_record_of_a_sample_is_said(text: str):
    with pytest.raises(PackProcessError, match="cannot be read"):
        witnessed(text.encode(), [])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('names = ["a", "a"]', "write each once"),
        ("names = []", "names"),
        ('use = "docker"', "use"),
        ("memory_mib = 5", "memory_mib"),
    ],
)
def test_a_sandbox_that_is_none_is_refused(line: str, says: str):
    text = (
        'format = "touchstone pack 1"\nid = "a"\nversion = "1"\nowner = "Example Lab"\n'
        '[task]\nfile = "t.py"\nfunction = "t"\n[score]\nscorer = "match"\nvalues = "letters"\n'
        f"[sandbox]\n{line}\n"
    )
    with pytest.raises(PackError, match=says):
        parse_manifest(text.encode())
