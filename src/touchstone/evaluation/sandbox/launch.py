"""How a sandbox starts: from this process, step by step, down to the agent inside.

As root: join the control groups, then become a user of no rights (setpriv). Then, as anyone: a
user and mount namespace of our own (unshare), one bounded tmpfs in it for everything writable
(bubblewrap cannot bound inodes), and bubblewrap for the rest. Nothing is left on the host when the
last process ends: every mount lives in a namespace, every file in memory.
"""

import array
import contextlib
import fcntl
import itertools
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path

from touchstone.evaluation.sandbox import cgroups, seccomp
from touchstone.evaluation.sandbox.config import SandboxConfig
from touchstone.evaluation.sandbox.errors import SandboxLaunchError
from touchstone.evaluation.sandbox.tools import SYSTEM_PATH, Tools
from touchstone.handin import printable_line

USER = "subject"
UID = 1000
WORK = "/work"
HOME = "/home/subject"
MIB = 1024 * 1024
_OPEN_FILES = 1024
# Above every ordinary account and below the numbers that container runtimes hand out.
_FIRST_HOST_UID = 1_879_048_192
_SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
_COUNTER = itertools.count()
_AGENT = resources.files("touchstone.evaluation.sandbox").joinpath("agent.py").read_bytes()

# Where the tmpfs is mounted until bubblewrap takes its folders in: it hides what lies there, so it
# is a place below which nothing is installed. (Over /tmp it hid a clone of Touchstone made there.)
_STAGE = "/sys"
_WRITABLE = (
    # A line on stdin says that this process is in its control groups; nothing forks before.
    "read -r go || exit 97; umask 022;"
    f" mount -t tmpfs -o size=$1,nr_inodes=$2,mode=0755,nosuid,nodev touchstone {_STAGE}"
    f' && cd {_STAGE} && mkdir work tmp vartmp home shm && shift 2 && exec "$@"'
)
# A .pyc by hand: magic number, no flags, no source's time and size, the code.
_COMPILE = (
    "import sys, marshal, importlib.util as u; s = sys.stdin.buffer.read();"
    " sys.stdout.buffer.write("
    "u.MAGIC_NUMBER + bytes(12) + marshal.dumps(compile(s, 'agent', 'exec')))"
)
_READ_ONLY = (
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/debian_version",
    "/etc/alpine-release",
)
_MADE = {
    "/etc/passwd": (
        f"root:x:0:0:root:/nonexistent:/usr/sbin/nologin\n{USER}:x:{UID}:{UID}::{HOME}:/bin/sh\n"
    ),
    "/etc/group": f"root:x:0:\n{USER}:x:{UID}:\n",
    "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "/etc/hostname": "sandbox\n",
}
# Where each folder of the bounded tmpfs stands.
_PLACES = (
    ("work", WORK),
    ("tmp", "/tmp"),  # noqa: S108 - inside
    ("vartmp", "/var/tmp"),  # noqa: S108 - inside
    ("home", HOME),
    ("shm", "/dev/shm"),  # noqa: S108 - inside
)
_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": HOME,
    "USER": USER,
    "LANG": "C.UTF-8",
    "TMPDIR": "/tmp",  # noqa: S108 - the sandbox's own
    # Its leak checker needs ptrace, which the filter refuses.
    "ASAN_OPTIONS": "detect_leaks=0",
}


@dataclass(frozen=True)
class Guards:
    """Which guards stand: all by default.

    Preflight takes off what a machine cannot give; the twin tests take off one at a time, to show
    that its probe sees the difference.
    """

    confined: bool = True
    """bubblewrap at all; without it a plain process in a temporary folder."""
    filtered: bool = True
    grouped: bool = True
    bounded: bool = True
    private_network: bool = True
    nested_refused: bool = True
    processes_limited: bool = True
    memory_watched: bool = True
    more_in_view: tuple[str, ...] = ()


@dataclass
class Launched:
    """A sandbox whose first process has been started; `finish` when its agent is ready."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    ended: int
    """A pidfd of the outermost process."""
    errors: int
    """What the launchers wrote to stderr."""
    group: cgroups.ControlGroup | None
    folder: str | None
    """The temporary folder of a plain process."""
    filtered: bool
    work: int = -1
    """The working folder, open."""
    listener: int = -1
    """The seccomp listener; -1 where there is none (any more)."""
    closed: bool = field(default=False)

    def finish(self) -> None:
        """Take the agent's first message, which must be there (poll `control` first).

        Raises:
            SandboxLaunchError: it said anything else, or nothing.
        """
        text, fds = receive_files(self.control)
        # Exactly these: what else is said here was said by something that is not our agent.
        if text != b"ready" or len(fds) != 1 + self.filtered:
            for fd in fds:
                os.close(fd)
            raise SandboxLaunchError(f"the sandbox did not start: {self._said()}")
        self.work = fds[0]
        self.listener = fds[1] if self.filtered else -1

    def _said(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(1)
        lines = os.pread(self.errors, 4096, 0).decode("utf-8", "replace").strip().splitlines()
        return printable_line(lines[-1], 300) if lines else "its first process ended in silence"

    def end(self, seconds: float = 3.0) -> None:
        """Kill everything inside, wait until it is dead, and give all back. Safe to call twice.

        The agent ends when the control socket does; as process 1 it takes all others with it, and
        the kernel lets its parent return only when they are gone.
        """
        if self.closed:
            return
        self.closed = True
        with contextlib.suppress(OSError):
            self.control.shutdown(socket.SHUT_WR)
        if not select.select([self.ended], [], [], seconds)[0]:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.control.close()
        for fd in (self.ended, self.errors, self.work, self.listener):
            if fd >= 0:
                os.close(fd)
        if self.group:
            self.group.remove()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


def receive_files(sock: socket.socket) -> tuple[bytes, list[int]]:
    """One datagram of at most 64 bytes and at most four files. The sender is not trusted."""
    try:
        text, ancillary, flags, _ = sock.recvmsg(64, socket.CMSG_SPACE(16), socket.MSG_CMSG_CLOEXEC)
    except ConnectionError:
        return b"", []
    fds = array.array("i")
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    return (text if not flags & socket.MSG_TRUNC else b""), list(fds)


def environment(guards: Guards, folder: str | None) -> dict[str, str]:
    """What a program's environment holds before its own variables."""
    if guards.confined:
        return dict(_ENVIRONMENT)
    return _ENVIRONMENT | {"HOME": folder or "/", "PATH": os.environ.get("PATH", SYSTEM_PATH)}


def memory_file(content: bytes) -> int:
    """An anonymous file that holds the content for good, positioned at its beginning."""
    fd = os.memfd_create("touchstone", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    view = memoryview(content)
    while view:
        view = view[os.write(fd, view) :]
    os.lseek(fd, 0, os.SEEK_SET)
    # What is handed inside cannot be grown there: it would be memory of the host.
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)
    return fd


def start_sandbox(config: SandboxConfig, tools: Tools, guards: Guards) -> Launched:
    """Start the first process. The calling thread must outlive the sandbox (PR_SET_PDEATHSIG).

    Raises:
        SandboxLaunchError: a group or a process could not be made.
    """
    with contextlib.ExitStack() as undo, contextlib.ExitStack() as handed_over:
        try:
            launched = _start(config, tools, guards, undo, handed_over)
        except (OSError, subprocess.SubprocessError) as error:
            raise SandboxLaunchError(f"the sandbox did not start: {error}") from error
        undo.pop_all()
        return launched


def _start(
    config: SandboxConfig,
    tools: Tools,
    guards: Guards,
    undo: contextlib.ExitStack,
    handed_over: contextlib.ExitStack,
) -> Launched:
    """Start; `undo` is what a failure takes back, `handed_over` what only the child needs."""
    number = next(_COUNTER)
    host, inside = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    undo.callback(host.close)
    handed_over.callback(inside.close)
    errors = os.memfd_create("errors")
    undo.callback(os.close, errors)
    # Nothing inside runs before it is in its control groups: what forks earlier stays outside of
    # them.
    gate, opener = os.pipe2(os.O_CLOEXEC)
    handed_over.callback(os.close, gate)
    handed_over.callback(os.close, opener)
    group, folder = None, None
    if guards.confined and guards.grouped and (bases := cgroups.find_bases()):
        group = cgroups.make(
            bases, str(number), config.memory_mib * MIB, config.processes, config.cpus
        )
        undo.callback(group.remove)
    if not guards.confined:
        folder = tempfile.mkdtemp(prefix="touchstone-plain-")
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
    given = [inside.fileno()]
    # The first of them is `inside`, which is closed by itself.
    handed_over.callback(_close_all, given, 1)
    argv = _argv(config, tools, guards, group, given, number)
    process = subprocess.Popen(
        argv,
        stdin=gate,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        pass_fds=given,
        cwd=folder or "/",
        # Nothing of this process's own environment goes inside: it may hold an endpoint's key.
        env={"PATH": SYSTEM_PATH},
        # Ctrl-C is for the command: the sandboxes are ended by it, in order.
        start_new_session=True,
    )
    undo.callback(process.wait)
    undo.callback(process.kill)
    for entrance in group.entrances if group else ():
        entrance.write_text(str(process.pid))
    os.write(opener, b"\n")
    filtered = guards.confined and guards.filtered
    ended = os.pidfd_open(process.pid)
    return Launched(process, host, ended, errors, group, folder, filtered)


def _close_all(fds: list[int], first: int) -> None:
    for fd in fds[first:]:
        os.close(fd)


def _argv(
    config: SandboxConfig,
    tools: Tools,
    guards: Guards,
    group: cgroups.ControlGroup | None,
    given: list[int],
    number: int,
) -> list[str]:
    agent = _agent(config, tools, guards, group, given)
    if not guards.confined:
        return agent
    argv = [*_bwrap(tools, guards, given), *agent]
    if guards.bounded:
        size = str(config.disk_mib * MIB)
        argv = ["/bin/sh", "-c", _WRITABLE, "sh", size, str(config.inodes), *argv]
    else:
        argv = ["/bin/sh", "-c", _WRITABLE, "sh", "0", "0", *argv]
    argv = [tools.paths["unshare"], "--user", "--map-root-user", "--mount", *argv]
    # Limits of processes do not hold for root, and two sandboxes of one user share theirs (ADR 53).
    if os.geteuid() == 0:
        # A user for each sandbox of each process; the highest number is 2^31 - 1.
        uid = str(_FIRST_HOST_UID + (os.getpid() % 65536) * 4096 + number % 4096)
        argv = [
            tools.paths["setpriv"],
            "--reuid",
            uid,
            "--regid",
            uid,
            "--clear-groups",
            "--no-new-privs",
            "--bounding-set",
            "-all",
            "--inh-caps",
            "-all",
            *argv,
        ]
    return argv


@cache
def _compiled(python: str, source: bytes) -> bytes:
    """The agent as byte code of the sandbox's own interpreter: compiling it costs 4 ms a start."""
    run = subprocess.run(
        [python, "-I", "-S", "-c", _COMPILE], input=source, capture_output=True, check=True
    )
    return run.stdout


def _agent(
    config: SandboxConfig,
    tools: Tools,
    guards: Guards,
    group: cgroups.ControlGroup | None,
    given: list[int],
) -> list[str]:
    # A file and not `-c`, so that a list of processes does not show it at length.
    source = memory_file(_compiled(tools.python, _AGENT))
    given.append(source)
    code, number = -1, 0
    if guards.confined and guards.filtered:
        made = seccomp.build_filter()
        code, number = memory_file(made.code), made.system_call
        given.append(code)
    # Looking is late by a tenth of a second: only where the kernel does not hold it.
    watch = guards.confined and guards.memory_watched and group is None
    memory = config.memory_mib * MIB if watch else 0
    procs = config.processes if guards.confined and guards.processes_limited else -1
    size = config.disk_mib * MIB if guards.bounded else -1
    facts = (given[0], code, number, memory, procs, _OPEN_FILES, size)
    return [tools.python, "-I", "-S", f"/proc/self/fd/{source}", *map(str, facts)]


def _bwrap(tools: Tools, guards: Guards, given: list[int]) -> list[str]:
    argv = [
        tools.paths["bwrap"],
        "--unshare-all",
        "--unshare-user",
        "--cap-drop",
        "ALL",
        "--clearenv",
        "--new-session",
        "--die-with-parent",
        "--as-pid-1",
        "--uid",
        str(UID),
        "--gid",
        str(UID),
        "--hostname",
        "sandbox",
    ]
    argv += [] if guards.private_network else ["--share-net"]
    argv += ["--disable-userns"] if guards.nested_refused else []
    argv += _view(("/usr", *tools.binds, *guards.more_in_view), given)
    for source, target in tools.libraries:
        argv += ["--ro-bind", source, target]
    argv += ["--proc", "/proc", "--dev", "/dev"]
    for source, target in _PLACES:
        argv += ["--bind", f"{_STAGE}/{source}", target]
    for name, value in _ENVIRONMENT.items():
        argv += ["--setenv", name, value]
    return [*argv, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", WORK]


def _view(folders: tuple[str, ...], given: list[int]) -> list[str]:
    """What can be read: the system's programs and libraries, and an `/etc` of our own."""
    argv = []
    for folder in folders:
        argv += ["--ro-bind", folder, folder]
    for name in ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"):
        path = Path(name)
        # As the host has it: a merged /usr makes links of these, and programs name them by either.
        if path.is_symlink():
            argv += ["--symlink", str(path.readlink()), name]
        elif path.is_dir():
            argv += ["--ro-bind", name, name]
    for name in _READ_ONLY:
        argv += ["--ro-bind-try", name, name]
    release = Path("/etc/os-release")
    made = dict(_MADE)
    if release.is_file():
        made["/etc/os-release"] = release.read_text()
    for folder in ("/etc", "/home", "/var"):
        argv += ["--dir", folder]
    for name, text in made.items():
        given.append(memory_file(text.encode()))
        argv += ["--perms", "0444", "--ro-bind-data", str(given[-1]), name]
    return argv
