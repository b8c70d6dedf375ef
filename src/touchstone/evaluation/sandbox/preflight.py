"""What this machine can give, found out by trying."""

import errno
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import anyio

from touchstone.evaluation.once import made_once
from touchstone.evaluation.sandbox import channel, launch, seccomp, tools
from touchstone.evaluation.sandbox.config import Grade, SandboxConfig, at_least
from touchstone.evaluation.sandbox.errors import (
    SandboxError,
    SandboxGradeError,
    SandboxLaunchError,
)
from touchstone.evaluation.sandbox.watch import watcher

_LAUNCH_SECONDS = 20.0
_LOOK = (
    "cat /proc/self/status; echo Entries: $(ls -A / /home | tr '\\n' ' ');"
    " unshare --user true 2>&1 && echo Nested: 1"
)
_LIBSECCOMP = ("libseccomp", "install libseccomp 2.5 or newer (Debian: apt install libseccomp2)")
_CGROUPS = (
    "control groups",
    (
        "run as root, or in a systemd user session with memory, pids and cpu delegated"
        " (systemd-run --user --scope -p Delegate=yes ...)"
    ),
)
# What is tried, one after the other: nested namespaces refused, control groups.
_WITH_LESS = ((True, True), (True, False), (False, True), (False, False))
_USERNS = (
    "user namespaces",
    (
        "allow them: sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone=1,"
        " kernel.apparmor_restrict_unprivileged_userns=0, or a container that does not block them;"
        " else use another Inspect provider (docker, k8s, proxmox)"
    ),
)


@dataclass(frozen=True)
class Guard:
    """One guard, and whether it held when it was tried."""

    name: str
    held: bool
    why: str
    """What it does, or why it does not hold."""


@dataclass(frozen=True)
class Preflight:
    """What this machine can give."""

    grade: Grade
    """`confined`, `limited` or `none`: this provider never claims more."""
    guards: tuple[Guard, ...]
    missing: tuple[tuple[str, str], ...]
    """What is missing, and how to fix it."""
    python: str
    """The interpreter that programs in the sandbox get; empty: none."""
    standing: launch.Guards
    """What sandboxes are started with."""

    def require(self, least: Grade) -> None:
        """Refuse a machine that cannot give the grade.

        Raises:
            SandboxGradeError: naming what is missing and how to fix it.
        """
        if not at_least(self.grade, least):
            fixes = "; ".join(f"{what}: {fix}" for what, fix in self.missing)
            raise SandboxGradeError(
                f"the sandbox here is {self.grade!r}, and {least!r} is asked for;"
                f" {fixes or 'use another Inspect provider (docker, k8s, proxmox)'}"
            )


@made_once
def preflight() -> Preflight:
    """Try once what holds here; the answer is kept for the process."""
    # A thread of its own, so that it also answers inside a running event loop.
    with ThreadPoolExecutor(1, "touchstone-preflight") as pool:
        return pool.submit(anyio.run, look).result()


async def look() -> Preflight:
    """Try now."""
    found = tools.find_tools()
    missing = list(found.missing)
    plain = launch.Guards(confined=False)
    if missing:
        return Preflight("none", (), tuple(missing), found.python, plain)
    filtered = True
    try:
        seccomp.build_filter()
    except (OSError, RuntimeError):
        filtered = False
        missing.append(_LIBSECCOMP)
    why = ""
    # From the strongest down: what is used is the best that this machine gives.
    for nested, grouped in _WITH_LESS:
        standing = launch.Guards(filtered=filtered, nested_refused=nested, grouped=grouped)
        try:
            return await _try(found, standing, missing)
        except SandboxError as error:
            why = why or str(error)
    guard = Guard("own namespaces", held=False, why=why)
    return Preflight("none", (guard,), (*missing, _USERNS), found.python, plain)


async def ready(launched: launch.Launched) -> None:
    """Wait until the agent inside is ready; ends the sandbox where it is not.

    Raises:
        SandboxLaunchError: why.
    """
    try:
        with anyio.fail_after(_LAUNCH_SECONDS):
            await anyio.wait_readable(launched.control)
        launched.finish()
    except TimeoutError as error:
        launched.end(0)
        raise SandboxLaunchError(f"the sandbox did not start in {_LAUNCH_SECONDS:.0f} s") from error
    except BaseException:
        launched.end(0)
        raise


async def _try(
    found: tools.Tools, standing: launch.Guards, missing: list[tuple[str, str]]
) -> Preflight:
    launched = launch.start_sandbox(SandboxConfig(), found, standing)
    await ready(launched)
    try:
        # Whoever makes a noticed system call waits for the watcher's answer.
        watcher().add(launched, lambda _: None, lambda _: None, lambda _: None)
        env = launch.environment(standing, None)
        seen = await channel.run(
            launched, ["/bin/sh", "-c", _LOOK], env, launch.WORK, b"", 20, 1 << 16
        )
        grouped = launched.group is not None
    except TimeoutError as error:
        raise SandboxLaunchError("a shell in the sandbox does not come to an end") from error
    finally:
        watcher().remove(launched)
        launched.end()
    if seen.error or seen.code not in {0, 1}:
        reason = errno.errorcode.get(seen.error, str(seen.code))
        raise SandboxLaunchError(f"a shell does not run in the sandbox ({reason})")
    guards = _guards(seen.stdout.decode("utf-8", "replace"), grouped=grouped)
    # By what a program inside saw, and not by what was asked of bubblewrap.
    held = all(guard.held for guard in guards)
    if not grouped:
        missing = [*missing, _CGROUPS]
    if not standing.nested_refused:
        missing = [*missing, ("bwrap --disable-userns", "install bubblewrap 0.8 or newer")]
    grade: Grade = "confined" if held else "limited"
    return Preflight(grade, guards, tuple(missing), found.python, standing)


def _guards(seen: str, *, grouped: bool) -> tuple[Guard, ...]:
    """Judge the guards by what a program inside has seen."""
    facts = dict(re.findall(r"^(\w+):\s*(.*)$", seen, re.MULTILINE))
    entries = set(facts.get("Entries", "").split())
    bounded = "by control group" if grouped else "by watching, which is late by up to 0.1 s"
    return (
        Guard("own namespaces", held=True, why="user, process, network, mount, IPC and host name"),
        Guard(
            "user without rights",
            held=facts.get("Uid", "").split()[:1] == [str(launch.UID)],
            why="programs run as an ordinary user, on the host too",
        ),
        Guard(
            "no capabilities",
            held=all(
                int(facts.get(name, "1"), 16) == 0
                for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")
            ),
            why="permitted, effective, bounding and ambient sets are empty",
        ),
        Guard("no new rights", held=facts.get("NoNewPrivs") == "1", why="set-user-id does nothing"),
        Guard(
            "system-call filter",
            held=facts.get("Seccomp") == "2",
            why="an allow-list; attempts at the rest are noticed",
        ),
        Guard("no nested namespaces", held="Nested" not in facts, why="none can be made inside"),
        Guard(
            "host files out of view",
            held=entries.isdisjoint({"root", "sys", "boot", "srv"}),
            why="only the system's programs and libraries, read-only",
        ),
        Guard("bounded disk", held=True, why="one tmpfs with a size and an inode limit"),
        Guard("bounded memory and processes", held=grouped, why=bounded),
    )
