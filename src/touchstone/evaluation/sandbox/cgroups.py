"""Limits by control group, version 1 or 2, where this process may make groups."""

import contextlib
import os
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PREFIX = "touchstone-"
_CONTROLLERS = ("memory", "pids", "cpu")
_PERIOD_US = 100_000
_REMOVE_SECONDS = 2.0
_Settings = dict[str, list[tuple[str, int | str]]]


@dataclass(frozen=True)
class Bases:
    """Where groups can be made: a folder for each controller, the same one for all in version 2."""

    version: int
    folders: dict[str, Path]


@dataclass(frozen=True)
class ControlGroup:
    """The groups of one sandbox."""

    version: int
    folders: dict[str, Path]

    @property
    def entrances(self) -> tuple[Path, ...]:
        """The files that take a process id, one for each distinct folder."""
        return tuple(dict.fromkeys(folder / "cgroup.procs" for folder in self.folders.values()))

    def hits(self) -> dict[str, int]:
        """How often `memory` killed and `processes` refused so far."""
        memory = "memory.events" if self.version == 2 else "memory.oom_control"  # noqa: PLR2004 - cgroup version 2
        found = {}
        if "memory" in self.folders:
            found["memory"] = _counter(self.folders["memory"] / memory, "oom_kill")
        if "pids" in self.folders:
            found["processes"] = _counter(self.folders["pids"] / "pids.events", "max")
        return found

    def remove(self) -> None:
        """Remove the groups, waiting shortly for the kernel to let go of the last process."""
        until = time.monotonic() + _REMOVE_SECONDS
        for folder in set(self.folders.values()):
            while folder.exists():
                try:
                    folder.rmdir()
                except OSError:
                    if time.monotonic() > until:
                        return
                    time.sleep(0.005)


def _counter(file: Path, name: str) -> int:
    with contextlib.suppress(OSError, ValueError):
        for line in file.read_text().splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    return 0


@cache
def find_bases() -> Bases | None:
    """Where this process may make groups with a memory and a process limit; None: nowhere."""
    try:
        mounts = Path("/proc/self/mounts").read_text()
        own = Path("/proc/self/cgroup").read_text()
    except OSError:
        return None
    bases = find_in(mounts, own)
    if bases:
        sweep(bases)
    return bases


def find_in(mounts: str, own: str) -> Bases | None:
    """The same, from the text of `/proc/self/mounts` and `/proc/self/cgroup`."""
    paths = {}
    for line in own.splitlines():
        _, controllers, path = line.split(":", 2)
        paths.update(dict.fromkeys(controllers.split(","), path.lstrip("/")))
    first: dict[str, Path] = {}
    for fields in (line.split() for line in mounts.splitlines()):
        root, kind, options = Path(fields[1]), fields[2], fields[3].split(",")
        if kind == "cgroup":
            for name in set(_CONTROLLERS) & set(options):
                folder = root / paths.get(name, "")
                first[name] = folder if folder.is_dir() else root
        elif kind == "cgroup2":
            second = _delegated(root, root / paths.get("", ""))
            if second:
                return Bases(2, dict.fromkeys(_CONTROLLERS, second))
    usable = {name: folder for name, folder in first.items() if os.access(folder, os.W_OK)}
    return Bases(1, usable) if {"memory", "pids"} <= usable.keys() else None


def _delegated(root: Path, own: Path) -> Path | None:
    """The highest folder above our own where groups with these limits can be made (version 2)."""
    chain = [folder for folder in (own, *own.parents) if folder == root or root in folder.parents]
    # From the top: a group that holds processes itself may not have groups with limits below
    # (version 2).
    for folder in reversed(chain):
        control = folder / "cgroup.subtree_control"
        try:
            offered = set((folder / "cgroup.controllers").read_text().split())
            if not os.access(folder, os.W_OK) or not set(_CONTROLLERS) <= offered:
                continue
            if not set(_CONTROLLERS) <= set(control.read_text().split()):
                control.write_text(" ".join(f"+{name}" for name in _CONTROLLERS))
        except OSError:
            continue
        return folder
    return None


def make(bases: Bases, name: str, memory: int, processes: int, cpus: float) -> ControlGroup:
    """Make the groups of one sandbox: bytes, processes, and processor seconds a second.

    Raises:
        OSError: the kernel refused; what was made is removed.
    """
    group = ControlGroup(
        bases.version,
        {kind: base / f"{_PREFIX}{os.getpid()}-{name}" for kind, base in bases.folders.items()},
    )
    settings = _settings(group.version, memory, processes, int(cpus * _PERIOD_US))
    try:
        for folder in set(group.folders.values()):
            folder.mkdir()
        for kind, folder in group.folders.items():
            for file, value in settings[kind]:
                # A kernel without swap accounting has no swap file.
                if "sw" not in file or (folder / file).exists():
                    (folder / file).write_text(str(value))
    except OSError:
        group.remove()
        raise
    return group


def _settings(version: int, memory: int, processes: int, quota: int) -> _Settings:
    if version == 2:  # noqa: PLR2004 - cgroup version 2
        return {
            "memory": [("memory.max", memory), ("memory.swap.max", 0)],
            "pids": [("pids.max", processes)],
            "cpu": [("cpu.max", f"{quota} {_PERIOD_US}")],
        }
    return {
        # Memory and swap together, so that nothing over the limit is swapped out instead.
        "memory": [("memory.limit_in_bytes", memory), ("memory.memsw.limit_in_bytes", memory)],
        "pids": [("pids.max", processes)],
        "cpu": [("cpu.cfs_period_us", _PERIOD_US), ("cpu.cfs_quota_us", quota)],
    }


def sweep(bases: Bases) -> None:
    """Remove the groups of Touchstone processes that died without removing them."""
    for base in set(bases.folders.values()):
        for folder in base.glob(f"{_PREFIX}*-*"):
            owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
            # A process that was killed leaves its groups, and only so many may exist.
            if not Path("/proc", owner).exists():
                with contextlib.suppress(OSError):
                    folder.rmdir()
