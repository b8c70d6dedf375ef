"""Control groups of both versions, on copies of their file trees."""

from pathlib import Path

import pytest

from touchstone.evaluation.sandbox import cgroups


def first(root: Path) -> tuple[str, str]:
    for name in ("memory", "pids", "cpu"):
        (root / name / "own").mkdir(parents=True)
    mounts = "".join(
        f"cgroup {root}/{name} cgroup rw,relatime,{name} 0 0\n"
        for name in ("memory", "pids", "cpu")
    )
    return mounts, "3:memory:/own\n2:pids:/own\n1:cpu:/own\n0::/\n"


def second(root: Path, *, offered: str = "cpu memory pids") -> tuple[str, str]:
    own = root / "user.slice" / "scope"
    own.mkdir(parents=True)
    for folder in (root, own.parent, own):
        (folder / "cgroup.controllers").write_text(offered)
        (folder / "cgroup.subtree_control").write_text(offered)
    return f"cgroup2 {root} cgroup2 rw 0 0\n", "0::/user.slice/scope\n"


def test_version_1_uses_our_own_folders(tmp_path: Path):
    bases = cgroups.find_in(*first(tmp_path))
    assert bases == cgroups.Bases(
        1, {name: tmp_path / name / "own" for name in ("memory", "pids", "cpu")}
    )
    group = cgroups.make(bases, "7", 1 << 20, 32, 0.5)
    written = {path.name: path.read_text() for f in group.folders.values() for path in f.iterdir()}
    assert written == {
        "memory.limit_in_bytes": "1048576",
        "pids.max": "32",
        "cpu.cfs_period_us": "100000",
        "cpu.cfs_quota_us": "50000",
    }
    assert len(group.entrances) == 3


def test_version_2_uses_the_highest_folder_that_is_ours(tmp_path: Path):
    bases = cgroups.find_in(*second(tmp_path))
    assert bases
    assert bases.version == 2
    assert set(bases.folders.values()) == {tmp_path}
    group = cgroups.make(bases, "7", 1 << 20, 32, 2)
    (folder,) = set(group.folders.values())
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "memory.max": "1048576",
        "pids.max": "32",
        "cpu.max": "200000 100000",
    }
    assert group.entrances == (folder / "cgroup.procs",)
    (folder / "memory.events").write_text("low 0\noom 3\noom_kill 2\n")
    (folder / "pids.events").write_text("max 5\n")
    assert group.hits() == {"memory": 2, "processes": 5}


def test_version_2_asks_for_its_controllers(tmp_path: Path):
    text = second(tmp_path)
    (tmp_path / "cgroup.subtree_control").write_text("cpu")
    assert cgroups.find_in(*text)
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+memory +pids +cpu"


@pytest.mark.parametrize("offered", ["", "cpu", "cpu memory"])
def test_without_the_controllers_there_is_no_group(tmp_path: Path, offered: str):
    assert cgroups.find_in(*second(tmp_path, offered=offered)) is None


def test_without_mounts_there_is_no_group():
    assert cgroups.find_in("proc /proc proc rw 0 0\n", "0::/\n") is None


def test_groups_of_the_dead_are_swept_and_others_stay(tmp_path: Path):
    bases = cgroups.Bases(2, {"memory": tmp_path})
    (tmp_path / "touchstone-999999999-1").mkdir()
    (tmp_path / "touchstone-1-1").mkdir()
    (tmp_path / "another-999999999-1").mkdir()
    cgroups.sweep(bases)
    assert {path.name for path in tmp_path.iterdir()} == {"touchstone-1-1", "another-999999999-1"}
