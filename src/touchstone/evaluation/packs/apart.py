"""Starting a pack's process: a sandbox of its own, with one socket and one pipe to its parent.

What holds is what the sandbox holds (ADR 53): as root a user of its own, else a user namespace; no
network, no home, no environment, no descriptor of ours; memory, processes, files and time bounded.
In view, read-only, are the system's programs and the installed Python packages.
"""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from touchstone.evaluation.families.code import SHIPPED
from touchstone.evaluation.families.loading import GROUP, normalised
from touchstone.evaluation.packs.errors import PackError, PackProcessError
from touchstone.evaluation.packs.given import NOTHING, GivenAssets, open_to_all
from touchstone.evaluation.packs.wire import packed
from touchstone.evaluation.sandbox import (
    Grade,
    SandboxConfig,
    SandboxError,
    preflight,
)
from touchstone.evaluation.sandbox.channel import Ended, OutputTooLargeError, run_from
from touchstone.evaluation.sandbox.launch import (
    WORK,
    Guards,
    Launched,
    environment,
    start_sandbox,
)
from touchstone.evaluation.sandbox.preflight import ready
from touchstone.evaluation.sandbox.tools import Tools, find_tools
from touchstone.evaluation.sandbox.watch import watcher
from touchstone.handin import printable_line

_LIBRARIES = "/opt/touchstone/packages"
_OWN = "/opt/touchstone/own"
FINDING = f"import sys; sys.path[:0] = ['{_LIBRARIES}', '{_OWN}'];"
"""What a program in such a process begins with, to find what is installed there."""


def main_of(module: str) -> str:
    """What a process apart runs: a module's `main`, which reads the job as `child.main` does."""
    return f"{FINDING} from {module} import main; main()"


async def asks_for_nothing(_: socket.socket) -> None:
    """The relay of a process that asks for nothing."""


PROGRAM = main_of("touchstone.evaluation.packs.child")
_VERSION = "import sys; print(*sys.version_info[:2])"
_LENGTH = 300
# Nothing of the environment, of the user's folder or of a site is looked at.
_ALONE = ("-I", "-S", "-c")


@dataclass(frozen=True)
class ProcessLimits:
    """How much a pack's process may use."""

    memory_mib: int = 2048
    disk_mib: int = 512
    """Everything that it writes; it is kept in memory, and counts there."""
    processes: int = 128
    cpus: float = 2.0
    seconds: int = 3600
    """Wall time, from its start to the last byte of its result."""
    result_mib: int = 64
    """Of what it gives back: a log, or frozen items."""


@dataclass(frozen=True)
class Apart:
    """What a pack's process gave."""

    result: bytes
    grade: Grade
    """How well it was held, as `touchstone doctor` says it of sandboxes."""
    attempts: tuple[str, ...]
    """System calls that were refused, each once: what a program has no use for but to get out."""


Serving = Callable[[socket.socket], Awaitable[None]]


async def run_apart(
    job: Mapping[str, Any],
    serve: Serving,
    limits: ProcessLimits,
    guards: Guards | None = None,
    program: str = PROGRAM,
    given: GivenAssets = NOTHING,
) -> Apart:
    """Start the process, send it the job, serve it until its end, and take its result.

    Args:
        job: What `child.main` reads.
        serve: Answers what the process asks over its socket.
        limits: How much it may use.
        guards: Which guards stand; None: all that this machine can give.
        program: The Python program that runs there.
        given: What it sees beside the system and the installed packages.

    Raises:
        PackError: this machine cannot hold a pack; names the fix.
        PackProcessError: the process gave no result, in one line.
    """
    found = await anyio.to_thread.run_sync(preflight)
    if guards is None:
        if found.grade == "none":
            fixes = "; ".join(f"{what}: {fix}" for what, fix in found.missing)
            raise PackError(f"a pack runs only in a sandbox, and none can be had here; {fixes}")
        guards = found.standing
    config = SandboxConfig(
        memory_mib=limits.memory_mib,
        disk_mib=limits.disk_mib,
        processes=limits.processes,
        cpus=limits.cpus,
    )
    refuse_private_families()
    tools = _with_packages(find_tools(), given)
    attempts: dict[str, None] = {}
    launched = await _started(config, tools, guards, attempts)
    try:
        ended = await _follow(
            launched,
            [tools.python, *_ALONE, program],
            {**environment(guards, launched.folder), **given.environment},
            {**job, "paths": list(given.paths)},
            serve,
            limits,
        )
        grown = "memory" in attempts or (launched.group is not None and _out_of_memory(launched))
    finally:
        watcher().remove(launched)
        # In a thread: it waits until all inside is dead.
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(launched.end)
    attempts.pop("memory", None)
    return Apart(_result(ended, limits, grown=grown), found.grade, tuple(attempts))


async def _started(
    config: SandboxConfig, tools: Tools, guards: Guards, attempts: dict[str, None]
) -> Launched:
    """The sandbox, watched: what it tries in vain is put into `attempts`."""
    try:
        launched = start_sandbox(config, tools, guards)
        await ready(launched)
    except SandboxError as error:
        raise PackProcessError(f"the pack's process did not start: {error}") from error
    # Whoever makes a refused call waits until it was noticed.
    watcher().add(
        launched,
        lambda notice: attempts.update({notice.name: None}),
        lambda message: attempts.update({"memory": None} if message == b"memory" else {}),
        lambda text: attempts.update({text: None}),
    )
    return launched


async def _follow(
    launched: Launched,
    argv: list[str],
    variables: Mapping[str, str],
    job: Mapping[str, Any],
    serve: Serving,
    limits: ProcessLimits,
) -> Ended:
    ours, theirs = socket.socketpair()
    message = packed(job)

    async def talk() -> None:
        # First the job, and in a thread: it may be larger than what the socket holds.
        try:
            await anyio.to_thread.run_sync(ours.sendall, message, abandon_on_cancel=True)
        except OSError:
            return
        await serve(ours)

    with ours:
        # Out of the group, in which an error would come out among others.
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(talk)
            ended = await _ended(launched, argv, variables, theirs.detach(), limits)
            # What waits for the process, or sends to it, waits no longer.
            with contextlib.suppress(OSError):
                ours.shutdown(socket.SHUT_RDWR)
            tasks.cancel_scope.cancel()
    if isinstance(ended, PackProcessError):
        raise ended
    return ended


async def _ended(
    launched: Launched,
    argv: list[str],
    variables: Mapping[str, str],
    source: int,
    limits: ProcessLimits,
) -> Ended | PackProcessError:
    """How the process ended, or why it had to be ended."""
    try:
        return await run_from(
            launched,
            argv,
            variables,
            launched.folder or WORK,
            source,
            limits.seconds,
            limits.result_mib << 20,
            whole=True,
        )
    except OutputTooLargeError:
        return PackProcessError(f"the pack gave back more than {limits.result_mib} MiB")
    except TimeoutError:
        return PackProcessError(f"the pack was not done in {limits.seconds} s")
    except SandboxError as error:
        return PackProcessError(f"the pack's process is gone: {error}")


def _result(ended: Ended, limits: ProcessLimits, *, grown: bool) -> bytes:
    if ended.code == 0 and not ended.dropped[0] and not ended.unread:
        return ended.stdout
    if grown:
        raise PackProcessError(f"the pack used more than {limits.memory_mib} MiB of memory")
    if ended.unread:
        raise PackProcessError("the pack left a program behind that held its result open")
    lines = ended.stderr.decode("utf-8", "replace").strip().splitlines()
    why = f": {lines[-1]}" if lines else ""
    raise PackProcessError(
        printable_line(f"the pack's process ended with {ended.code}{why}", _LENGTH)
    )


def _out_of_memory(launched: Launched) -> bool:
    return launched.group is not None and bool(launched.group.hits().get("memory"))


@cache
def _packages() -> tuple[tuple[str, str], ...]:
    """Where the installed packages are seen from inside.

    Raises:
        PackError: the sandbox's user, or its interpreter, cannot use them.
    """
    # Beside Inspect, wherever that is: what it needs was installed with it.
    site = Path(str(resources.files("inspect_ai"))).resolve().parent
    own = Path(str(resources.files("touchstone"))).resolve()
    for folder in (site, own):
        # As root the process gets a user of its own, who must be able to read them.
        if os.geteuid() == 0 and not open_to_all(folder):
            raise PackError(
                f"{folder}: a pack's process runs as a user of its own, who cannot read this;"
                " install Touchstone where every user can read it, such as /opt"
            )
    return ((str(site), _LIBRARIES), (str(own), f"{_OWN}/touchstone"))


def refuse_private_families() -> None:
    """Hold what is installed against what a pack may read.

    Raises:
        PackError: families of somebody's own are installed here, and would be in its view.
    """
    offering = {
        each.dist.name for each in metadata.entry_points(group=GROUP) if each.dist is not None
    }
    # A pack could read how items are made, and put it to an endpoint as a question.
    for name in sorted(name for name in offering if normalised(name) != SHIPPED):
        raise PackError(
            f"{name} is installed here and offers families of tasks, and a pack's process sees"
            " every installed package; run packs from an environment of their own, in which"
            f" {name} is not installed"
        )


def _with_packages(found: Tools, given: GivenAssets) -> Tools:
    """The sandbox's tools with the packages in view, and what else is given.

    Raises:
        PackError: as `_packages`, or the interpreter is of another version than they are for.
    """
    own = "{} {}".format(*sys.version_info[:2])
    if found.python and _version(found.python) != own:
        raise PackError(
            f"{found.python} is Python {_version(found.python)}, and Touchstone runs on {own}; a"
            " pack's process needs a system Python of the same version"
        )
    return replace(found, libraries=(*_packages(), *given.libraries))


@cache
def _version(python: str) -> str:
    said = subprocess.run([python, *_ALONE, _VERSION], capture_output=True, check=False, text=True)
    return said.stdout.strip()
