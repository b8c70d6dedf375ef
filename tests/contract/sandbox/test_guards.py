"""One probe a guard, and a twin that takes the guard away and sees the probe succeed.

A probe only tries and reports: nothing here harms the machine when a guard fails.
"""

import errno
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pyseccomp
import pytest
from inspect_ai.util._sandbox.limits import override_max_exec_output_size

from touchstone.evaluation.sandbox import (
    CopyOutRefusedError,
    GuardHits,
    SandboxConfig,
    cgroups,
    copyout,
    launch,
    on_event,
    tools,
    watch,
)
from touchstone.evaluation.sandbox.errors import SandboxLaunchError
from touchstone.evaluation.sandbox.events import EVENTS, failed_starts
from touchstone.evaluation.sandbox.provider import TouchstoneSandbox

from .conftest import Start

pytestmark = [pytest.mark.needs_sandbox, pytest.mark.asyncio]


async def probe(sandbox: TouchstoneSandbox, program: str, *arguments: str) -> Any:
    """Run a Python program inside; its last line is its answer, in JSON."""
    result = await sandbox.exec(["python3", "-I", "-S", "-c", program, *arguments], timeout=30)
    assert result.success, result
    return json.loads(result.stdout.splitlines()[-1])


def kinds(events: tuple[GuardHits, ...]) -> set[tuple[str, bool]]:
    return {(event.kind, event.breach) for event in events}


# ---------------------------------------------------------------- network
CONNECT = """
import json, socket, sys
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), 2).close()
    print(json.dumps("connected"))
except OSError as error:
    print(json.dumps("refused"))
"""
SERVE = """
from http.server import HTTPServer, SimpleHTTPRequestHandler
HTTPServer(("127.0.0.1", 8080), SimpleHTTPRequestHandler).serve_forever()
"""


@pytest.fixture
def host_port() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield str(server.getsockname()[1])


async def test_host_loopback_is_out_of_reach(start: Start, host_port: str):
    assert await probe(await start(), CONNECT, host_port) == "refused"


async def test_twin_with_the_host_network_the_probe_connects(start: Start, host_port: str):
    assert await probe(await start(private_network=False), CONNECT, host_port) == "connected"


async def test_server_and_client_of_one_sample_share_a_network(start: Start):
    sandbox = await start()
    await sandbox.write_file("serve.py", SERVE)
    await sandbox.exec(["sh", "-c", "python3 serve.py >/dev/null 2>&1 &"], timeout=5)
    for _ in range(50):
        if await probe(sandbox, CONNECT, "8080") == "connected":
            return
        await anyio.sleep(0.1)
    pytest.fail("the server was never reached")


# ---------------------------------------------------------------- files
LIST = """
import json, os, sys
found = []
for path in sys.argv[1:]:
    try:
        found += [path] if os.listdir(path) else []
    except OSError:
        pass
print(json.dumps(found))
"""
HOST_FOLDERS = ("/root", "/sys", "/boot", "/run", "/srv", "/opt", "/var/lib", "/var/run", "/mnt")


async def test_host_folders_are_out_of_view(start: Start):
    folders = (*HOST_FOLDERS, str(Path.home()), str(Path(__file__).parent))
    assert await probe(await start(), LIST, *folders) == []


async def test_twin_a_folder_bound_in_is_seen(start: Start):
    assert await probe(await start(more_in_view=("/var/lib",)), LIST, "/var/lib") == ["/var/lib"]


@pytest.fixture
def below_tmp() -> Iterator[str]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        Path(folder, "one").touch()
        yield folder


async def test_a_folder_below_the_hosts_tmp_can_be_bound_in(
    start: Start, monkeypatch: pytest.MonkeyPatch, below_tmp: str
):
    given = replace(tools.find_tools(), libraries=((below_tmp, "/opt/seen"),))
    monkeypatch.setattr(tools, "find_tools", lambda: given)
    assert await probe(await start(), LIST, "/opt/seen", below_tmp) == ["/opt/seen"]


WRITE = """
import json, os, sys
found = []
for folder in sys.argv[1:]:
    try:
        with open(folder + "/probe", "w") as file:
            file.write("x")
        found.append(folder)
    except OSError:
        pass
print(json.dumps(found))
"""


async def test_only_the_bounded_places_can_be_written(start: Start):
    places = ["/work", "/tmp", "/var/tmp", "/home/subject", "/dev/shm"]  # noqa: S108 - inside
    fixed = ["/", "/usr", "/usr/bin", "/etc", "/dev", "/var", "/home", "/proc", "/proc/sys"]
    assert await probe(await start(), WRITE, *places, *fixed) == places


async def test_environment_of_the_host_stays_out(start: Start, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EXAMPLE_SECRET", "seen")
    look = "import json, os; print(json.dumps(list(os.environ)))"
    assert "EXAMPLE_SECRET" not in await probe(await start(), look)
    first = "import json; print(json.dumps(open('/proc/1/cmdline').read()))"
    assert "seen" not in await probe(await start(), first)


# ---------------------------------------------------------------- amounts
FORK = """
import json, os, signal, sys, time
children = []
try:
    while len(children) < int(sys.argv[1]):
        child = os.fork()
        if not child:
            time.sleep(30)
            os._exit(0)
        children.append(child)
except OSError:
    pass
for child in children:
    os.kill(child, signal.SIGKILL)
print(json.dumps(len(children)))
"""
SHARE = """
import json, os, sys, time
held = bytearray(b"x" * (int(sys.argv[2]) << 20))
children = []
for _ in range(int(sys.argv[1])):
    child = os.fork()
    if not child:
        time.sleep(1)
        os._exit(0)
    children.append(child)
print(json.dumps([os.waitpid(child, 0)[1] for child in children]))
"""
ALLOCATE = """
import json, sys, time
kept = []
for _ in range(int(sys.argv[1]) // 8):
    kept.append(bytearray(b"x" * (8 << 20)))
    time.sleep(0.02)
print(json.dumps(len(kept) * 8))
"""
FILL = """
import json, sys
written = 0
try:
    with open(sys.argv[1] + "/fill", "wb", buffering=0) as file:
        while written < int(sys.argv[2]):
            written += file.write(b"x" * 65536)
except OSError:
    pass
print(json.dumps(written))
"""
MANY = """
import json, os, sys
made = 0
try:
    while made < int(sys.argv[1]):
        os.close(os.open("/tmp/" + str(made), os.O_CREAT))
        made += 1
except OSError:
    pass
print(json.dumps(made))
"""
MIB = 1 << 20


async def test_processes_are_bounded(start: Start):
    sandbox = await start()
    assert await probe(sandbox, FORK, "64") < 32
    if sandbox.grade == "confined":
        assert ("processes", False) in kinds(sandbox.events)


async def test_processes_are_bounded_without_control_groups(start: Start):
    assert await probe(await start(grouped=False), FORK, "64") < 32


async def test_twin_without_limits_all_processes_start(start: Start):
    assert (
        await probe(
            await start(grouped=False, processes_limited=False, memory_watched=False), FORK, "64"
        )
        == 64
    )


@pytest.mark.parametrize("guards", [{}, {"grouped": False}], ids=["grouped", "watched"])
async def test_memory_is_bounded(start: Start, guards: dict[str, bool]):
    sandbox = await start(**guards)
    result = await sandbox.exec(["python3", "-I", "-S", "-c", ALLOCATE, "384"], timeout=30)
    assert result.returncode == 137
    for _ in range(20):
        if ("memory", False) in kinds(sandbox.events):
            break
        await anyio.sleep(0.05)
    assert kinds(sandbox.events) == {("memory", False)}
    assert (await sandbox.exec(["echo", "alive"])).stdout == "alive\n"


async def test_what_a_parent_and_its_children_share_is_counted_once(start: Start):
    sandbox = await start(grouped=False)
    assert await probe(sandbox, SHARE, "24", "16") == [0] * 24
    assert not kinds(sandbox.events)


async def test_twin_without_limits_the_memory_is_had(start: Start):
    assert await probe(await start(grouped=False, memory_watched=False), ALLOCATE, "192") == 192


@pytest.mark.parametrize("place", ["/work", "/tmp", "/dev/shm"])  # noqa: S108 - inside
async def test_disk_is_bounded(start: Start, place: str):
    assert await probe(await start(), FILL, place, str(32 * MIB)) <= 16 * MIB


async def test_inodes_are_bounded(start: Start):
    assert await probe(await start(), MANY, "1000") < 256


async def test_twin_without_bounds_the_disk_is_had(start: Start):
    sandbox = await start(bounded=False)
    assert await probe(sandbox, FILL, "/work", str(32 * MIB)) == 32 * MIB
    assert await probe(sandbox, MANY, "1000") == 1000


async def test_output_is_bounded_to_its_last_part(start: Start):
    with override_max_exec_output_size(1000):
        result = await (await start()).exec(["sh", "-c", "seq 100000; echo end"])
    assert 900 < len(result.stdout) <= 1000
    assert result.stdout.endswith("100000\nend\n")


async def test_escape_sequences_come_out_visible(start: Start):
    result = await (await start()).exec(["printf", r"\033[31mred\007 \342\200\256"])
    assert result.stdout == "<U+001B>[31mred<U+0007> <U+202E>"


# ---------------------------------------------------------------- copying out
LEASE = """
import fcntl, os, signal, time
fcntl.fcntl(os.open("answer", os.O_CREAT | os.O_RDWR), fcntl.F_SETLEASE, fcntl.F_WRLCK)
if not os.fork():
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    time.sleep(60)
"""
PLANTS = {
    "a link to a host file": "ln -s /etc/hostname answer",
    "a link beside it": "echo x > other; ln -s other answer",
    "a link in its path": "mkdir real; echo x > real/file; ln -s real answer",
    "a second name": "echo x > answer; ln answer twin",
    "a pipe": "mkfifo answer",
    "a folder": "mkdir answer",
    "a large file": "head -c 2000 /dev/zero > answer",
    "a loop of links": "ln -s answer answer",
    "a socket": "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"answer\")'",
    "a lease": f"python3 -c '{LEASE}' >/dev/null 2>&1",
}


@pytest.mark.parametrize("plant", PLANTS)
async def test_planted_files_are_not_copied_out(start: Start, plant: str):
    sandbox = await start()
    assert (await sandbox.exec(["sh", "-c", PLANTS[plant]])).success
    path = "answer/file" if plant == "a link in its path" else "answer"
    with pytest.raises(CopyOutRefusedError):
        await sandbox.copy_out(path, 1000)
    assert kinds(sandbox.events) == {("copy-out", False)}


@pytest.mark.parametrize("plant", ["a pipe", "a loop of links", "a socket", "a lease"])
async def test_planted_files_are_refused_to_a_reader_as_inspect_asks(start: Start, plant: str):
    sandbox = await start()
    assert (await sandbox.exec(["sh", "-c", PLANTS[plant]])).success
    with pytest.raises(PermissionError):
        await sandbox.read_file("answer")
    assert not sandbox.events


IN_FLIGHT = """
import os, socket, time
try:
    pairs = [socket.socketpair() for _ in range(20)]
    for ours, _ in pairs:
        socket.send_fds(ours, [b"x"], [0] * 200)
except OSError:
    print("full", flush=True)
if not os.fork():
    os.closerange(0, 3)
    time.sleep(60)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="the count is the host user's, sandboxes and all")
async def test_files_under_way_used_up_are_told_and_leave_the_answer(start: Start):
    sandbox = await start()
    await sandbox.write_file("answer", "x")
    assert (await sandbox.exec(["python3", "-c", IN_FLIGHT])).stdout == "full\n"
    with pytest.raises(PermissionError, match="references"):
        await sandbox.read_file("answer")
    assert await sandbox.copy_out("answer", 10) == b"x"
    assert not sandbox.events


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../x", "", ".", "a//b", "a\nb", "ä"])
async def test_strange_names_are_not_copied_out(start: Start, path: str):
    with pytest.raises(CopyOutRefusedError, match="not a plain relative path"):
        await (await start()).copy_out(path, 1000)


async def test_an_ordinary_file_is_copied_out(start: Start):
    sandbox = await start()
    await sandbox.write_file("folder/answer.txt", "x" * 1000)
    assert await sandbox.copy_out("folder/answer.txt", 1000) == b"x" * 1000
    with pytest.raises(FileNotFoundError):
        await sandbox.copy_out("nothing", 1000)


async def test_twin_a_plain_open_leaks_the_host_file(
    start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    secret = tmp_path / "secret"
    secret.write_text("of the host")
    sandbox = await start()
    await sandbox.exec(["ln", "-s", str(secret), "answer"])
    monkeypatch.setattr(
        copyout, "open_beneath", lambda folder, path: os.open(path, os.O_RDONLY, dir_fd=folder)
    )
    assert await sandbox.copy_out("answer", 1000) == b"of the host"


async def test_reading_resolves_links_inside(start: Start, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("of the host")
    sandbox = await start()
    await sandbox.exec(["ln", "-s", str(secret), "answer"])
    with pytest.raises(FileNotFoundError):
        await sandbox.read_file("answer")
    await sandbox.exec(["mkfifo", "pipe"])
    with pytest.raises(OSError, match="pipe"):
        await sandbox.write_file("pipe", "x")
    with pytest.raises(PermissionError, match="regular"):
        await sandbox.read_file("/dev/zero")


# ---------------------------------------------------------------- system calls
CALL = """
import ctypes, json, sys
libc = ctypes.CDLL(None, use_errno=True)
answer = libc.syscall(*(ctypes.c_long(int(word)) for word in sys.argv[1:]))
print(json.dumps([answer, ctypes.get_errno()]))
"""
NEW_USER = 0x10000000
# Name, arguments, and whether an attempt is a breach (None: not noticed).
CALLS: tuple[tuple[str, tuple[int, ...], bool | None], ...] = (
    ("bpf", (0, 0, 0), True),
    ("userfaultfd", (1,), True),
    ("open_by_handle_at", (-1, 0, 0), True),
    ("finit_module", (-1, 0, 0), True),
    ("kexec_load", (0, 0, 0, 0), True),
    ("setns", (-1, 0), True),
    ("pivot_root", (0, 0), True),
    ("socket", (40, 1, 0), True),
    ("mount", (0, 0, 0, 0, 0), False),
    ("unshare", (0x20000,), False),
    ("clone", (NEW_USER | 17, 0, 0, 0, 0), False),
    ("keyctl", (0, -3, 0), False),
    ("add_key", (0, 0, 0, 0, -3), False),
    ("perf_event_open", (0, 0, -1, -1, 0), False),
    ("process_vm_readv", (1, 0, 0, 0, 0, 0), False),
    ("io_uring_setup", (0, 0), None),
    ("ptrace", (0, 0, 0, 0), None),
    ("memfd_create", (0, 0), None),
    ("pidfd_getfd", (-1, 0, 0), None),
    ("shmget", (0, 4096, 0o1600), None),
    ("socket", (16, 3, 0), None),
    ("socket", (38, 5, 0), None),
    ("socket", (17, 3, 0), None),
    ("personality", (0x0008,), None),
)
REFUSALS = {errno.EPERM, errno.ENOSYS, errno.EAFNOSUPPORT}


def arguments(name: str, words: tuple[int, ...]) -> list[str]:
    return [str(pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name)), *map(str, words)]


@pytest.mark.parametrize(("name", "words", "breach"), CALLS, ids=str)
async def test_system_call_is_refused(
    start: Start, name: str, words: tuple[int, ...], breach: bool | None
):
    sandbox = await start()
    answer, error = await probe(sandbox, CALL, *arguments(name, words))
    assert (answer, error in REFUSALS) == (-1, True)
    expected = set() if breach is None else {("system-call", breach)}
    assert kinds(sandbox.events) == expected


async def test_a_refused_call_is_recorded_before_it_is_answered(
    start: Start, monkeypatch: pytest.MonkeyPatch
):
    """However slow the watching thread is: of a program that ended no call is still unheard."""
    record = EVENTS.record

    def slowly(event: GuardHits) -> None:
        time.sleep(0.5)
        record(event)

    sandbox = await start()
    monkeypatch.setattr(EVENTS, "record", slowly)
    await probe(sandbox, CALL, *arguments("pivot_root", (0, 0)))
    assert kinds(sandbox.events) == {("system-call", True)}


async def test_twin_without_the_filter_the_kernel_answers_for_itself(start: Start):
    sandbox = await start(filtered=False)
    reached = set()
    for name, words, _ in CALLS:
        result = await sandbox.exec(
            ["python3", "-I", "-S", "-c", CALL, *arguments(name, words)], timeout=30
        )
        # A clone comes back twice; some kernels lack some of these.
        answer, error = json.loads((result.stdout.splitlines() or ["[0, 0]"])[0])
        if answer >= 0 or error not in REFUSALS:
            reached.add((name, words[0]))
    assert {
        ("socket", 16),
        ("socket", 40),
        ("keyctl", 0),
        ("memfd_create", 0),
        ("ptrace", 0),
        ("userfaultfd", 1),
        ("io_uring_setup", 0),
        ("shmget", 0),
    } <= reached
    assert sandbox.events == ()


INT80 = 'int main(void){long r=20;__asm__ volatile("int $0x80":"+a"(r)::"memory");return r<=0;}'
X32 = "#include <unistd.h>\nint main(void){return syscall(0x40000000|39)==-2;}"


@pytest.mark.needs_compiler
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="not run: needs x86-64")
@pytest.mark.parametrize(
    ("source", "without"), [(INT80, {0, 139}), (X32, {0})], ids=["i386", "x32"]
)
async def test_foreign_system_calls_end_the_program(start: Start, source: str, without: set[int]):
    for guards, codes in (({}, {159}), ({"filtered": False}, without)):
        sandbox = await start(**guards)
        await sandbox.write_file("call.c", source)
        assert (await sandbox.exec(["gcc", "-o", "call", "call.c"])).success
        assert (await sandbox.exec(["./call"])).returncode in codes


async def test_no_namespace_inside_even_without_the_filter(start: Start):
    program = ["unshare", "--user", "true"]
    assert not (await (await start(filtered=False)).exec(program)).success
    assert (await (await start(filtered=False, nested_refused=False)).exec(program)).success


TURNS = 150
"""More than are answered at once."""


async def test_a_flood_of_refused_calls_is_counted_by_name_and_said(start: Start):
    sandbox = await start()
    flood = CALL.replace("answer =", f"for _ in range({TURNS}): answer =")
    await probe(sandbox, flood, *arguments("mount", (0, 0, 0, 0, 0)))
    await probe(sandbox, CALL, *arguments("unshare", (0x20000,)))
    counted = {event.detail: event.count for event in sandbox.events if event.kind != "bound"}
    assert counted == {"refused mount": TURNS, "refused unshare": 1}
    assert [event.count for event in sandbox.events if event.kind == "bound"] == [1]
    assert (await sandbox.exec(["echo", "alive"])).stdout == "alive\n"


async def test_an_attack_after_a_flood_is_a_breach(start: Start):
    sandbox = await start()
    flood = CALL.replace("answer =", f"for _ in range({TURNS}): answer =")
    await probe(sandbox, flood, *arguments("mount", (0, 0, 0, 0, 0)))
    assert not any(event.breach for event in sandbox.events)
    await probe(sandbox, CALL, *arguments("bpf", (0, 0, 0)))
    assert [event.detail for event in sandbox.events if event.breach] == ["refused bpf"]


async def test_few_refused_calls_reach_no_bound(start: Start):
    sandbox = await start()
    few = CALL.replace("answer =", "for _ in range(20): answer =")
    await probe(sandbox, few, *arguments("mount", (0, 0, 0, 0, 0)))
    assert [(event.kind, event.count) for event in sandbox.events] == [("system-call", 20)]


async def test_output_that_is_left_out_is_said_and_recorded(start: Start):
    sandbox = await start()
    with override_max_exec_output_size(1000):
        whole = await sandbox.exec(["python3", "-c", "print('x' * 999)"])
        assert whole.stdout == "x" * 999 + "\n"
        assert not sandbox.events
        result = await sandbox.exec(["python3", "-c", "print('x' * 1000)"])
    assert [event.kind for event in sandbox.events] == ["output"]
    assert result.stdout.endswith("x\n")
    assert len(result.stdout) <= 1000
    assert result.stdout.startswith("[65 bytes before this are left out]\n")


async def test_output_that_is_not_waited_for_is_recorded(start: Start):
    sandbox = await start()
    await sandbox.exec(["sh", "-c", "sleep 30 >/dev/null 2>&1 &"])
    assert not sandbox.events
    await sandbox.exec(["sh", "-c", "sleep 30 &"])
    assert [event.kind for event in sandbox.events] == ["output"]


async def test_programs_that_could_not_be_started_are_told_from_those_that_failed(start: Start):
    sandbox = await start()
    with failed_starts() as failed:
        await sandbox.exec(["sh", "-c", "exit 127"])
        await sandbox.exec(["sh", "-c", "no-such-program"])
        assert failed == []
        await sandbox.exec(["no-such-program"])
        with pytest.raises(PermissionError):
            await sandbox.exec(["/etc/hostname"])
    assert failed == ["exec: No such file or directory", "exec: Permission denied"]


# ---------------------------------------------------------------- rights and the agent
async def test_programs_have_no_rights(start: Start):
    look = "import json; print(json.dumps(open('/proc/self/status').read()))"
    status = dict(
        line.split(":\t", 1)
        for line in (await probe(await start(), look)).splitlines()
        if ":\t" in line
    )
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {
        "0" * 16
    }
    assert status["Uid"].split() == [str(launch.UID)] * 4


async def test_host_uid_is_not_root(start: Start):
    sandbox, mark = await start(), marker()
    await sandbox.exec(["sh", "-c", f"sleep {mark} >/dev/null 2>&1 & echo"])
    owners = {os.stat(f"/proc/{pid}").st_uid for pid in running(mark)}  # noqa: PTH116 - brief
    assert owners
    assert 0 not in owners
    assert os.getuid() in {0, *owners}


async def test_root_owned_programs_give_no_root(start: Start):
    flags = "[os.statvfs(p).f_flag & os.ST_NOSUID for p in ('/usr', '/work', '/')]"
    look = f"import json, os; print(json.dumps({flags}))"
    assert all(await probe(await start(), look))


AGENT = """
import json, os
os.kill(1, 9)
try:
    open("/proc/1/mem", "r+b").close()
    print(json.dumps("open"))
except OSError as error:
    print(json.dumps("shut"))
"""


async def test_agent_can_neither_be_killed_nor_written(start: Start):
    sandbox = await start()
    assert await probe(sandbox, AGENT) == "shut"
    assert (await sandbox.exec(["echo", "alive"])).stdout == "alive\n"


async def test_twin_a_dumpable_agent_can_be_written(start: Start, monkeypatch: pytest.MonkeyPatch):
    weak = launch._AGENT.replace(b"PR_SET_DUMPABLE, 0,", b"PR_SET_DUMPABLE, 1,")
    monkeypatch.setattr(launch, "_AGENT", weak)
    assert await probe(await start(filtered=False), AGENT) == "open"


async def test_an_agent_that_lies_is_a_breach(start: Start, monkeypatch: pytest.MonkeyPatch):
    lying = launch._AGENT.replace(b'why or b"exit %d" %', b'why or b"exit %d; all is well" %')
    monkeypatch.setattr(launch, "_AGENT", lying)
    sandbox = await start()
    with pytest.raises(Exception, match="malformed"):
        await sandbox.exec(["true"])
    assert kinds(sandbox.events) == {("protocol", True)}


# ---------------------------------------------------------------- endings
def commands() -> dict[int, list[str]]:
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found[int(path.parts[2])] = path.read_text().rstrip("\0").split("\0")
        except OSError:
            continue
    return found


def running(marker: str) -> list[int]:
    return [pid for pid, words in commands().items() if marker in words]


LINGER = "setsid sh -c 'setsid sleep {0} & sleep {0}' >/dev/null 2>&1 & sleep {0} & "


def leftovers() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("touchstone-plain-*"))


def marker() -> str:
    return str(100_000 + time.monotonic_ns() % 900_000)


async def test_time_out_kills_all_that_came_of_a_program(start: Start):
    sandbox, mark = await start(), marker()
    with pytest.raises(TimeoutError):
        await sandbox.exec(["sh", "-c", LINGER.format(mark) + "wait; sleep 30"], timeout=1)
    assert running(mark) == []


async def test_twin_a_kill_of_the_child_alone_leaves_the_rest(
    start: Start, monkeypatch: pytest.MonkeyPatch
):
    weak = launch._AGENT.replace(b"below |= more", b"below |= more; grown = False; break")
    monkeypatch.setattr(launch, "_AGENT", weak.replace(b"if below == {root}:", b"if ended:"))
    sandbox, mark = await start(), marker()
    with pytest.raises(TimeoutError):
        await sandbox.exec(["sh", "-c", LINGER.format(mark) + "sleep 30"], timeout=1)
    assert running(mark)


async def test_being_cancelled_kills_the_program(start: Start):
    sandbox, mark = await start(), marker()
    with anyio.move_on_after(0.5):
        await sandbox.exec(["sh", "-c", LINGER.format(mark) + "sleep 30"])
    for _ in range(40):
        if not running(mark):
            return
        await anyio.sleep(0.05)
    pytest.fail("a cancelled program lives on")


async def test_cleanup_leaves_no_process_folder_or_group(start: Start):
    before = leftovers()
    sandbox, mark = await start(), marker()
    await sandbox.exec(["sh", "-c", LINGER.format(mark) + "exit 0"])
    assert running(mark)
    launched = await sandbox.start()
    groups = set(launched.group.folders.values()) if launched.group else set()
    assert all(folder.is_dir() for folder in groups)
    await TouchstoneSandbox.sample_cleanup("task", None, {"default": sandbox}, interrupted=True)
    assert running(mark) == []
    assert not any(folder.exists() for folder in groups)
    assert leftovers() == before
    with pytest.raises(Exception, match="ended"):
        await sandbox.exec(["true"])


async def test_one_that_cannot_be_watched_is_ended_and_never_used(
    start: Start, monkeypatch: pytest.MonkeyPatch
):
    """It would answer as if it were sound, and nobody who cleans up would know of it."""
    before = leftovers()
    launched: list[launch.Launched] = []
    begin = launch.start_sandbox

    def noted(*given: Any) -> launch.Launched:
        launched.append(begin(*given))
        return launched[-1]

    def full(*_: object) -> None:
        raise OSError(28, "no more can be watched")

    monkeypatch.setattr(launch, "start_sandbox", noted)
    with monkeypatch.context() as patch:
        patch.setattr(watch.Watcher, "_register", full)
        with pytest.raises(SandboxLaunchError, match="no more can be watched"):
            await start()
    (one,) = launched
    assert one.closed
    assert leftovers() == before


async def test_twin_without_the_end_the_processes_stay(
    start: Start, monkeypatch: pytest.MonkeyPatch
):
    sandbox, mark = await start(), marker()
    launched = await sandbox.start()
    await sandbox.exec(["sh", "-c", LINGER.format(mark) + "exit 0"])
    with monkeypatch.context() as patch:
        patch.setattr(launch.Launched, "end", lambda _: None)
        sandbox.close()
        assert running(mark)
    launched.end()
    assert running(mark) == []


HOST = """
import anyio
from touchstone.evaluation.sandbox import SandboxConfig
from touchstone.evaluation.sandbox.provider import TouchstoneSandbox
async def main():
    sandbox = TouchstoneSandbox(SandboxConfig(), "s", "default")
    await sandbox.exec(["sh", "-c", "{linger}"])
    print("ready", flush=True)
    await anyio.sleep(60)
anyio.run(main)
"""


async def test_nothing_outlives_a_host_that_is_killed():
    mark = marker()
    program = HOST.format(linger=LINGER.format(mark) + "exit 0")
    host = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)  # noqa: ASYNC220 - killed below
    with host:
        assert host.stdout
        assert host.stdout.readline() == b"ready\n"
        assert running(mark)
        host.kill()
    for _ in range(40):
        if not running(mark):
            break
        await anyio.sleep(0.05)
    assert running(mark) == []
    if bases := cgroups.find_bases():
        cgroups.sweep(bases)
        groups = (folder.glob(f"touchstone-{host.pid}-*") for folder in bases.folders.values())
        assert [name for found in groups for name in found] == []


async def test_many_programs_at_once(start: Start):
    sandbox = await start(SandboxConfig(processes=512))
    said: list[str] = []

    async def speak(number: int) -> None:
        said.append((await sandbox.exec(["echo", str(number)])).stdout)

    async with anyio.create_task_group() as group:
        for number in range(40):
            group.start_soon(speak, number)
    assert sorted(said) == sorted(f"{number}\n" for number in range(40))


async def test_a_listener_that_fails_does_not_deafen_the_host(start: Start):
    def fail(_: GuardHits) -> None:
        raise RuntimeError("a listener's own fault")

    stop = on_event(fail)
    sandbox = await start()
    for name in ("mount", "unshare"):
        await probe(sandbox, CALL, *arguments(name, (0x20000, 0, 0, 0, 0)))
    stop()
    assert {event.detail for event in sandbox.events} == {"refused mount", "refused unshare"}
