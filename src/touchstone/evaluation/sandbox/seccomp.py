"""The system-call filter: what ordinary programs need is allowed, all else is not.

Three answers. Allowed: the list below. Not implemented (ENOSYS): everything else, so that libraries
fall back as on an older kernel; some with the error that programs expect. Noticed and refused: the
calls of `ATTACKS` and `ATTEMPTS`, which reach the host's watcher through a seccomp listener before
they fail, so that an attempt is known by its name and not guessed from an exit status. Calls of a
foreign architecture (int80, x32) end the process.
"""

import contextlib
import errno
import fcntl
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyseccomp import Arg


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Without memfd_create and System V shared memory: a look at resident memory misses both (ADR 53).
ALLOWED = _words("""
accept accept4 access alarm arch_prctl bind brk capget chdir chmod chown
clock_getres clock_gettime clock_nanosleep close close_range connect copy_file_range creat
dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait
epoll_wait_old eventfd eventfd2 execve execveat exit exit_group
faccessat faccessat2 fadvise64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl
fdatasync fgetxattr flistxattr flock fork fstat fstatfs fsync ftruncate futex futex_waitv futimesat
get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid geteuid getgid getgroups
getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresuid
getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid getxattr
inotify_add_watch inotify_init inotify_init1 inotify_rm_watch ioctl ioprio_get kill
lchown lgetxattr link linkat listen listxattr llistxattr lseek lstat
madvise membarrier mincore mkdir mkdirat mlock mlock2 mlockall mmap mprotect mremap msync munlock
munlockall munmap nanosleep newfstatat open openat openat2 pause pidfd_open pidfd_send_signal
pipe pipe2 poll ppoll prctl pread64 preadv preadv2 prlimit64 pselect6 pwrite64 pwritev pwritev2
read readahead readlink readlinkat readv recvfrom recvmmsg recvmsg rename renameat renameat2
restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo
sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam
sched_getscheduler sched_rr_get_interval sched_setaffinity sched_yield select sendfile sendmmsg
sendmsg sendto set_robust_list set_thread_area set_tid_address setgid setgroups setitimer setpgid
setpriority setregid setresgid setresuid setreuid setrlimit setsid setsockopt setuid shutdown
sigaltstack socketpair splice stat statfs statx symlink symlinkat sync sync_file_range sysinfo
syncfs tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_settime
timerfd_create timerfd_gettime timerfd_settime times tkill truncate umask uname unlink unlinkat
utime utimensat utimes vfork vmsplice wait4 waitid write writev
""")

ATTACKS = _words(
    "bpf userfaultfd open_by_handle_at init_module finit_module delete_module kexec_load"
    " kexec_file_load setns iopl ioperm pivot_root"
)
"""No program under review has a use for these but against the kernel or the walls: a breach."""

ATTEMPTS = _words(
    "mount umount2 move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr unshare chroot"
    " keyctl add_key request_key perf_event_open quotactl swapon swapoff reboot syslog acct"
    " settimeofday clock_settime adjtimex clock_adjtime process_vm_readv process_vm_writev kcmp"
    " name_to_handle_at fanotify_init"
)
"""Refused and recorded; a curious or ordinary program may try them: no breach."""

# ptrace is how a leak checker and a debugger look; io_uring how some runtimes go faster.
REFUSED = {
    "ptrace": errno.EPERM,
    "capset": errno.EPERM,
    "sethostname": errno.EPERM,
    "setdomainname": errno.EPERM,
    "sched_setscheduler": errno.EPERM,
    "sched_setattr": errno.EPERM,
    "sched_setparam": errno.EPERM,
    "setxattr": errno.ENOTSUP,
    "lsetxattr": errno.ENOTSUP,
    "fsetxattr": errno.ENOTSUP,
    "removexattr": errno.ENOTSUP,
    "lremovexattr": errno.ENOTSUP,
    "fremovexattr": errno.ENOTSUP,
}

_FAMILIES = (1, 2, 10)  # AF_UNIX, AF_INET, AF_INET6
_AF_VSOCK = 40
_ALL_FAMILIES = 64
_NAMESPACES = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
_KIND_BITS = 0o170000
_FILE_KINDS = (0, 0o010000, 0o100000, 0o140000)  # no kind, pipe, file, socket: no devices
_PERSONALITIES = (0x0, 0x0040000, 0xFFFFFFFF)  # plain, no address randomisation, ask
_NOTICE = struct.Struct("=QIIiIQ6Q")
_ANSWER = struct.Struct("=QqiI")
# SECCOMP_IOCTL_NOTIF_RECV and _SEND, for the structures above (linux/seccomp.h).
_RECEIVE, _SEND = 0xC0502100, 0xC0182101


@dataclass(frozen=True)
class Filter:
    """A compiled filter."""

    code: bytes
    """BPF instructions, eight bytes each."""
    system_call: int
    """The number of `seccomp` on this machine."""
    names: dict[int, str]
    """The noticed system calls by number."""


def _rules() -> Iterator[tuple[int, str, tuple["Arg", ...]]]:
    """Every rule: action, system call, and what its arguments must be."""
    import pyseccomp as sc  # noqa: PLC0415 - as in `build_filter`

    for name in sorted(ALLOWED):
        yield sc.ALLOW, name, ()
    for name, error in REFUSED.items():
        yield sc.ERRNO(error), name, ()
    for name in sorted(ATTACKS | ATTEMPTS):
        yield sc.NOTIFY, name, ()
    # Each by its own rule: libseccomp has no "every other", and netlink or vsock lead to the
    # kernel.
    for family in range(_ALL_FAMILIES):
        action = sc.ALLOW if family in _FAMILIES else sc.ERRNO(errno.EAFNOSUPPORT)
        action = sc.NOTIFY if family == _AF_VSOCK else action
        yield action, "socket", (sc.Arg(0, sc.EQ, family),)
    yield sc.ALLOW, "clone", (sc.Arg(0, sc.MASKED_EQ, sum(_NAMESPACES), 0),)
    for flag in _NAMESPACES:
        yield sc.NOTIFY, "clone", (sc.Arg(0, sc.MASKED_EQ, flag, flag),)
    for kind in _FILE_KINDS:
        yield sc.ALLOW, "mknod", (sc.Arg(1, sc.MASKED_EQ, _KIND_BITS, kind),)
        yield sc.ALLOW, "mknodat", (sc.Arg(2, sc.MASKED_EQ, _KIND_BITS, kind),)
    for persona in _PERSONALITIES:
        yield sc.ALLOW, "personality", (sc.Arg(0, sc.EQ, persona),)


@cache
def build_filter() -> Filter:
    """The filter for this machine's architecture.

    Raises:
        RuntimeError: libseccomp is not installed.
        OSError: this libseccomp or kernel cannot make the filter.
    """
    # Importing it without the library raises: only here, so that `doctor` can say so.
    import pyseccomp as sc  # noqa: PLC0415 - see above

    # As on a kernel that lacks it: libraries then fall back, where EPERM would make them fail.
    made = sc.SyscallFilter(sc.ERRNO(errno.ENOSYS))
    # By the other door of int80 the numbers mean other calls, and the list would not hold.
    made.set_attr(sc.Attr.ACT_BADARCH, sc.KILL_PROCESS)
    names: dict[int, str] = {}

    def add(action: int, name: str, *arguments: "Arg") -> None:
        number = sc.resolve_syscall(sc.Arch.NATIVE, name)
        if number >= 0:
            made.add_rule(action, name, *arguments)
            if action == sc.NOTIFY:
                names[number] = name

    for action, name, arguments in _rules():
        add(action, name, *arguments)
    with os.fdopen(os.memfd_create("filter"), "w+b") as file:
        made.export_bpf(file)
        file.seek(0)
        code = file.read()
    return Filter(code, sc.resolve_syscall(sc.Arch.NATIVE, "seccomp"), names)


@dataclass(frozen=True)
class Notice:
    """One refused system call."""

    name: str
    breach: bool


def take_notice(listener: int, names: dict[int, str], tell: Callable[[Notice], None]) -> None:
    """Take one notice from a listener, tell of it, and then refuse the call (EPERM).

    Nobody is told where the caller has died meanwhile. Reads a kernel structure; never blocks on a
    ready listener.

    Raises:
        OSError: the listener is closed.
    """
    notice = bytearray(_NOTICE.size)
    try:
        fcntl.ioctl(listener, _RECEIVE, notice)
    except FileNotFoundError:
        return
    identity, _, _, number, *_ = _NOTICE.unpack(notice)
    try:
        # First: once refused, the program may end, and its sample be judged by what was told.
        tell(_notice(names.get(number, str(number))))
    finally:
        with contextlib.suppress(FileNotFoundError):
            fcntl.ioctl(listener, _SEND, _ANSWER.pack(identity, 0, -errno.EPERM, 0))


def _notice(name: str) -> Notice:
    if name == "socket":
        return Notice("socket(AF_VSOCK)", breach=True)
    if name == "clone":
        return Notice("clone with a new namespace", breach=False)
    return Notice(name, breach=name in ATTACKS)
