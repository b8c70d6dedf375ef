"""The first process inside: starts programs, opens files, and hands both to the host.

It runs as process 1 of the sandbox on the sandbox's own interpreter (`python3 -I -S`),
before any foreign byte is there, and knows only the standard library; few imports, since each
sample pays for them. The host treats everything it says as untrusted.

Arguments: control socket, filter file (-1: none), number of the seccomp system call, whether to
kill at `memory` bytes (0: no), and limits for processes, open files and file size.

A request is one datagram (a verb) with a reply socket and a body file attached; an exec brings
stdin, stdout and stderr too. Each program gets a shepherd: a fork of this process that adopts the
program's orphans, so that killing the program kills all that came of it.
"""

import _ctypes
import os
import resource
import sys
import time
from _socket import MSG_CMSG_CLOEXEC, SCM_RIGHTS, SOL_SOCKET, socket
from select import POLLIN, poll

PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_CHILD_SUBREAPER = 4, 38, 36
SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER = 1, 8
SIGKILL, SIGPIPE, SIGXFSZ = 9, 13, 25
ENOENT, ESRCH = 2, 3
TICK_MS = 100
IDLE_MS = 1000
KILL_SECONDS = 4.0
FILES = 1024


# The `ctypes` package on top of this module costs each start 3 ms and gives us nothing more.
class Long(_ctypes._SimpleCData):  # type: ignore[type-arg]  # noqa: SLF001 - as ctypes does
    """`long`."""

    _type_ = "l"


class Short(_ctypes._SimpleCData):  # type: ignore[type-arg]  # noqa: SLF001 - as ctypes does
    """`unsigned short`."""

    _type_ = "H"


class Bytes(_ctypes._SimpleCData):  # type: ignore[type-arg]  # noqa: SLF001 - as ctypes does
    """`char *`."""

    _type_ = "z"


class Program(_ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("len", Short), ("filter", Bytes))


class Function(_ctypes.CFuncPtr):
    """A function of the C library that returns a `long` or an `int`."""

    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _restype_ = Long


def c_function(name: str) -> Function:
    """Look it up among what the interpreter is linked with."""
    everything = _ctypes.dlopen(None, os.RTLD_NOW)  # type: ignore[arg-type]  # None: all that is linked
    return Function(_ctypes.dlsym(everything, name))


PRCTL, SYSCALL, SIGNAL = c_function("prctl"), c_function("syscall"), c_function("signal")


def read_all(fd: int) -> bytes:
    """All bytes of a file from its beginning."""
    os.lseek(fd, 0, os.SEEK_SET)
    return b"".join(iter(lambda: os.read(fd, 1 << 20), b""))


def load_filter(number: int, code: bytes) -> int:
    """Load the system-call filter for good; returns the file that notices are read from."""
    program = Program(len(code) // 8, code)
    PRCTL(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    listener = int(
        SYSCALL(
            Long(number),
            Long(SECCOMP_SET_MODE_FILTER),
            Long(SECCOMP_FILTER_FLAG_NEW_LISTENER),
            _ctypes.byref(program),
        )
    )
    if listener < 0:
        raise OSError(_ctypes.get_errno(), "the system-call filter was refused")
    return listener


def send_datagram(sock: socket, text: bytes) -> None:
    """One datagram; a reader that has gone is no fault of ours."""
    try:
        sock.send(text)
    except OSError:
        return


def send_files(sock: socket, text: bytes, fds: tuple[int, ...]) -> None:
    """One datagram with files. A program can use up what its user may have under way: OSError."""
    rights = b"".join(fd.to_bytes(4, sys.byteorder) for fd in fds)
    sock.sendmsg([text], [(SOL_SOCKET, SCM_RIGHTS, rights)])


def receive(sock: socket) -> tuple[bytes, list[int]]:
    """One datagram and the files that came with it; empty when the host has gone."""
    text, ancillary, _, _ = sock.recvmsg(64, 256, MSG_CMSG_CLOEXEC)
    fds = [
        int.from_bytes(data[i : i + 4], sys.byteorder)
        for level, kind, data in ancillary
        if (level, kind) == (SOL_SOCKET, SCM_RIGHTS)
        for i in range(0, len(data) - 3, 4)
    ]
    return text, fds


def processes() -> dict[int, tuple[int, int, bytes]]:
    """Every process in view: its parent, its resident pages and its state."""
    found = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib is too slow to import here
        if name.isdigit():
            try:
                fd = os.open("/proc/" + name + "/stat", os.O_RDONLY)
            except OSError:
                continue
            try:
                # The name in brackets is the program's choice: read after the last bracket.
                fields = os.read(fd, 4096).rpartition(b")")[2].split()
                found[int(name)] = (int(fields[1]), int(fields[21]), fields[0])
            except (OSError, IndexError, ValueError):
                continue
            finally:
                os.close(fd)
    return found


def kill_below(root: int, ended: dict[int, int]) -> None:
    """Kill all descendants of a process, until a look finds none; adds their ends to `ended`."""
    until = time.monotonic() + KILL_SECONDS
    while time.monotonic() < until:
        parents = {pid: facts[0] for pid, facts in processes().items() if facts[2] != b"Z"}
        below = {root}
        grown = True
        while grown:
            more = {pid for pid, parent in parents.items() if parent in below} - below
            below |= more
            grown = bool(more)
        if below == {root}:
            return
        for pid in below - {root}:
            try:
                os.kill(pid, SIGKILL)
            except OSError:
                continue
        reap(ended)


def reap(ended: dict[int, int]) -> None:
    """Wait for every child that has ended; adds its wait status by process id."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        ended[pid] = status


def prefer_to_die() -> None:
    """Where memory runs out, programs go before the agent. Only a dumpable process may say so."""
    PRCTL(PR_SET_DUMPABLE, 1, 0, 0, 0)
    fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
    os.write(fd, b"900")
    os.close(fd)


def become(body: bytes, files: list[int], failure: int) -> None:
    """Turn this process into the program; it writes why to `failure` if it cannot."""
    stage = b"start"
    try:
        cwd, count, *rest = body.split(b"\0")
        argv, pairs = rest[: int(count)], rest[int(count) :]
        # A session of its own: a signal to a group inside must not reach the shepherd.
        os.setsid()
        for target, fd in enumerate(files):
            os.dup2(fd, target)
        # None is the default: Python ignores these two, and a program would inherit that.
        SIGNAL(SIGPIPE, None)
        SIGNAL(SIGXFSZ, None)
        # All but the pipe: the control socket and other programs' files are not the program's.
        os.closerange(3, failure)
        os.closerange(failure + 1, FILES)
        prefer_to_die()
        stage = b"cwd"
        os.chdir(cwd)
        stage = b"exec"
        env = {name: value for name, _, value in (pair.partition(b"=") for pair in pairs)}
        os.execvpe(argv[0], argv, env)  # noqa: S606 - running what it is told is this program's job
    except OSError as error:
        os.write(failure, b"fail %d %s" % (error.errno or 0, stage))
    finally:
        os._exit(127)


def shepherd(reply: socket, body: bytes, files: list[int]) -> None:
    """Run one program to its end, or to the host's word (or silence), and say how it ended."""
    PRCTL(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    failure, failure_end = os.pipe()
    child = os.fork()
    if not child:
        become(body, files, failure_end)
    os.close(failure_end)
    for fd in files:
        os.close(fd)
    watched = poll()
    watched.register(reply.fileno(), POLLIN)
    # Polled like the socket: one wait hears of its end and of the host's word.
    watched.register(os.pidfd_open(child), POLLIN)
    ended: dict[int, int] = {}
    killed = False
    while child not in ended:
        ready = [fd for fd, _ in watched.poll(TICK_MS)]
        if reply.fileno() in ready and not killed:
            killed = True
            watched.unregister(reply.fileno())
            kill_below(os.getpid(), ended)
        reap(ended)
    why = os.read(failure, 64)
    code = os.waitstatus_to_exitcode(ended[child])
    send_datagram(reply, why or b"exit %d" % (code if code >= 0 else 128 - code))


def open_inside(verb: bytes, path: bytes) -> int:
    """Open for reading or for writing; the host looks at what it got before it trusts it."""
    flags = os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    if verb == b"read":
        return os.open(path, os.O_RDONLY | flags)
    folder = os.path.dirname(path)  # noqa: PTH120 - pathlib is too slow to import here
    if folder:
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - the same
    how = os.O_APPEND if verb == b"append" else os.O_TRUNC
    return os.open(path, os.O_WRONLY | os.O_CREAT | how | flags, 0o644)


def serve_request(control: socket, text: bytes, fds: list[int]) -> None:
    """Do one request."""
    reply = socket(fileno=fds[0])
    body = read_all(fds[1])
    try:
        if text == b"exec":
            if not os.fork():
                control.close()
                shepherd(reply, body, fds[2:5])
                os._exit(0)
        else:
            fd = open_inside(text, body)
            try:
                send_files(reply, b"open", (fd,))
            finally:
                os.close(fd)
    except OSError as error:
        send_datagram(reply, b"fail %d start" % (error.errno or 0))
    finally:
        reply.close()
        for fd in fds[1:]:
            os.close(fd)


def memory_share(pid: int) -> int:
    """Bytes of memory of a process, a page that n processes share counted as its n-th part."""
    fd = os.open(f"/proc/{pid}/smaps_rollup", os.O_RDONLY)
    try:
        text = os.read(fd, 4096)
    finally:
        os.close(fd)
    return int(text.partition(b"\nPss:")[2].split(b"kB", 1)[0] or b"0") << 10


def hold_memory(control: socket, limit: int) -> None:
    """Kill the largest process while all together hold more than the limit."""
    page = os.sysconf("SC_PAGESIZE")
    held = {pid: facts[1] * page for pid, facts in processes().items() if pid != os.getpid()}
    # The cheap look first, ten times a second: shared pages count too often in it, never too
    # seldom.
    if sum(held.values()) <= limit:
        return
    # Only now, for it costs more: what a parent and its children share is held once.
    for pid, resident in held.items():
        try:
            held[pid] = memory_share(pid)
        except OSError as error:
            # Ended since the first look: nothing. Hidden from us by itself: as first counted.
            held[pid] = 0 if error.errno in (ENOENT, ESRCH) else resident
    if sum(held.values()) > limit:
        # Told before the kill: the host is to know why a program vanished.
        send_datagram(control, b"memory")
        os.kill(max(held, key=lambda pid: held[pid]), SIGKILL)


def set_limits(procs: int, files: int, size: int) -> None:
    """Limits for us and all that comes of us; a negative one stays as it is."""
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_NOFILE: files,
        resource.RLIMIT_FSIZE: size,
        resource.RLIMIT_NPROC: procs,
    }
    for limit, value in limits.items():
        if value >= 0:
            hard = resource.getrlimit(limit)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)  # noqa: PLW2901 - clamped in place
            resource.setrlimit(limit, (value, value))


def main() -> None:
    """Lock the door behind us, tell the host, and serve it until it goes."""
    fd, code, number, memory, procs, files, size = (int(value) for value in sys.argv[1:8])
    control = socket(fileno=fd)
    os.set_inheritable(fd, False)  # noqa: FBT003 - takes no keyword
    # Without this a program of the same user could write into our memory.
    PRCTL(PR_SET_DUMPABLE, 0, 0, 0, 0)
    PRCTL(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    # Before the filter, and for good: a program can lower a limit and raise none.
    set_limits(procs, files, size)
    given = [os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)]
    if code >= 0:
        given.append(load_filter(number, read_all(code)))
        os.close(code)
    null = os.open("/dev/null", os.O_RDWR)
    # The launchers' stderr is the host's: nothing inside may write there.
    for target in (0, 1, 2):
        os.dup2(null, target)
    send_files(control, b"ready", tuple(given))
    for fd in given:
        os.close(fd)
    requests = poll()
    requests.register(control.fileno(), POLLIN)
    while True:
        if requests.poll(TICK_MS if memory else IDLE_MS):
            text, fds = receive(control)
            if not text:
                break
            serve_request(control, text, fds)
        reap({})
        if memory:
            hold_memory(control, memory)
    # Without a process namespace of our own the kernel ends nobody with us.
    if os.getpid() != 1:
        kill_below(os.getpid(), {})
    # The end of process 1 is the end of all.
    os._exit(0)


if __name__ == "__main__":
    main()
