"""The same pack registered on two machines, which differ in all that a machine may: one digest.

Each is a process with a user, a home, a locale, a time zone, a hash seed and a umask of its own.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.packs import write_pack

pytestmark = pytest.mark.needs_sandbox
TASK = """
from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageUser, ContentImage, ContentText
from inspect_ai.scorer import choice, match
from inspect_ai.solver import multiple_choice

class Land:
    pass

def samples():
    for number, (land, city) in enumerate((("France", "Paris"), ("Italy", "Rome"))):
        said = [ContentText(text=f"Capital of {land}?"), ContentImage(image="map.png")]
        yield Sample(
            input=[ChatMessageUser(content=said)],
            target="A",
            choices=[city, "Lyon", "Turin"],
            files={"notes.txt": "notes.txt", "said.txt": f"of {land}"},
            setup="echo ready",
            metadata={"tags": {"c", "a", "b", land}, "share": 0.1 + 0.2 * number},
        )

@task
def capitals():
    found = MemoryDataset(list(samples()))
    found.shuffle_choices(seed=7)
    found.shuffle()
    return Task(dataset=found, solver=multiple_choice(), scorer=choice(), sandbox="local")

@task
def lands():
    found = list(samples())
    found[1].metadata = {"land": Land()}
    return Task(dataset=MemoryDataset(found), solver=multiple_choice(), scorer=match())
"""
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)
ONE = {"LC_ALL": "C.UTF-8", "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "1"}
OTHER = {"LC_ALL": "POSIX", "TZ": "America/Adak", "PYTHONHASHSEED": "77"}
NOBODY = 65534


@dataclass(frozen=True)
class Machine:
    """Where one registers: its folder, and what is its own."""

    folder: Path
    own: Mapping[str, str]
    umask: int
    user: int | None
    """Another user than ours, where we may take one."""

    def register(self, function: str) -> subprocess.CompletedProcess[str]:
        """Write the pack there, and register it with this function as its task."""
        data = 'data = ["map.png", "notes.txt"]'
        pack = write_pack(self.folder / "pack", TASK, function=function, scorer="choice")
        text = (pack / "pack.toml").read_text()
        (pack / "pack.toml").write_text(text.replace('data = ["items.json"]', data))
        (pack / "items.json").unlink()
        (pack / "map.png").write_bytes(PIXEL)
        (pack / "notes.txt").write_text("for all of them")
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        if self.user is not None:
            for each in (self.folder, home, pack, *pack.iterdir()):
                os.chown(each, self.user, -1)
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        program = "from touchstone.cli import main; main()"
        return subprocess.run(
            [sys.executable, "-c", program, "pack", "register", str(pack), "--json"],
            env={**kept, **self.own, "HOME": str(home), "TOUCHSTONE_HOME": str(home / "kept")},
            cwd=self.folder,
            umask=self.umask,
            user=self.user,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> tuple[Machine, Machine]:
    one, other = (tmp_path_factory.mktemp(name) for name in ("one", "other"))
    user = NOBODY if os.geteuid() == 0 and others_may_run_this() else None
    for folder in (other.parent, other.parent.parent):
        if user is not None:
            folder.chmod(folder.stat().st_mode | 0o011)
    return Machine(one, ONE, 0o022, None), Machine(other, OTHER, 0o077, user)


def others_may_run_this() -> bool:
    """Whether another user reaches what is installed here."""
    words = [sys.executable, "-c", "import pydantic"]
    try:
        ran = subprocess.run(words, user=NOBODY, capture_output=True, check=False)
    except OSError:
        return False
    return ran.returncode == 0


def test_two_machines_come_to_the_same_digests(machines: tuple[Machine, Machine]):
    ran = [machine.register("capitals") for machine in machines]
    assert [each.returncode for each in ran] == [0, 0], [each.stderr for each in ran]
    one, other = (json.loads(each.stdout) for each in ran)
    assert one["digest"] == other["digest"]
    assert one["items"] == other["items"]
    assert len(set(one["items"])) == 2


def test_what_has_no_form_is_refused_by_its_name(machines: tuple[Machine, Machine]):
    ran = machines[0].register("lands")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "metadata.land: a " in ran.stderr
    assert "Land has no form that is the same at every load" in ran.stderr
