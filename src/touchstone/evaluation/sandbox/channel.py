"""Asking a sandbox's agent: run a program, open a file. All answers are untrusted."""

import contextlib
import os
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import anyio
import anyio.abc

from touchstone.evaluation.sandbox.errors import SandboxGoneError
from touchstone.evaluation.sandbox.launch import Launched, memory_file, receive_files

Opening = Literal["read", "write", "append"]
_KILL_SECONDS = 6.0
_LATE_OUTPUT_SECONDS = 0.25
_ANSWER_SECONDS = 30.0
_FULL_SECONDS = 0.002
_CHUNK = 1 << 16
_KILLED = 137


class OutputTooLargeError(SandboxGoneError):
    """A program gave more on its stdout than it may, and was killed for it."""


class MalformedAnswerError(SandboxGoneError):
    """The agent said what it never says: it is no longer ours."""


@dataclass(frozen=True)
class Ended:
    """How a program ended."""

    code: int
    """Exit code; 128 and the signal's number where one ended it."""
    stdout: bytes
    """The last `limit` bytes."""
    stderr: bytes
    """The last `limit` bytes."""
    error: int = 0
    """The errno for which it did not start at all; then `stage` says where."""
    stage: str = ""
    """`start`, `cwd` or `exec`."""
    dropped: tuple[int, int] = (0, 0)
    """Bytes before those of stdout and stderr that are given here, left out."""
    unread: bool = False
    """A program left in the background held the output open; what it writes later is not read."""


class _Tail:
    """The last bytes of a stream."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()
        self._size = 0

    @property
    def dropped(self) -> int:
        """How many bytes before the last ones are not kept."""
        return max(0, self._size - self._limit)

    def add(self, chunk: bytes) -> None:
        self._kept += chunk
        self._size += len(chunk)
        if len(self._kept) > 2 * self._limit:
            # Now and then, not each time: moving the rest would cost more than reading it.
            del self._kept[: -self._limit]

    def bytes(self) -> bytes:
        return bytes(self._kept[-self._limit :])


async def run(
    launched: Launched,
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: str,
    stdin: bytes,
    timeout: float | None,  # noqa: ASYNC109 - a time-out here means killing the program as well
    limit: int,
) -> Ended:
    """Run one program to its end.

    Being cancelled kills the program and all that came of it, as the time limit does.

    Raises:
        TimeoutError: the time limit; the program and all that came of it are dead.
        SandboxGoneError: the sandbox has ended or does not answer.
        ValueError: a NUL in an argument, a variable or the folder.
    """
    # A file and not a pipe: who reads nothing of it can hold nobody up.
    return await run_from(launched, argv, env, cwd, memory_file(stdin), timeout, limit)


async def run_from(
    launched: Launched,
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: str,
    source: int,
    timeout: float | None,  # noqa: ASYNC109 - as in `run`
    limit: int,
    *,
    whole: bool = False,
) -> Ended:
    """As `run`, with an open file or socket as the program's stdin; here it is closed.

    With `whole`, a program that writes more than `limit` bytes to stdout is killed.

    Raises:
        OutputTooLargeError: it wrote more, and is dead.
    """
    words = [cwd, str(len(argv)), *argv, *(f"{name}={value}" for name, value in env.items())]
    if any("\0" in word for word in words):
        os.close(source)
        raise ValueError("a NUL byte cannot stand in a command, a variable or a folder")
    streams = [os.pipe2(os.O_CLOEXEC) for _ in range(2)]
    body = "\0".join(words).encode("utf-8", "surrogateescape")
    inside = [source, *(end for _, end in streams)]
    try:
        try:
            reply = await _ask(launched, b"exec", body, inside)
        finally:
            for fd in inside:
                os.close(fd)
        with reply:
            return await _follow(reply, [fd for fd, _ in streams], timeout, limit, whole=whole)
    finally:
        for fd, _ in streams:
            os.close(fd)


async def _follow(
    reply: socket.socket,
    streams: list[int],
    timeout: float | None,  # noqa: ASYNC109 - as in `run`
    limit: int,
    *,
    whole: bool,
) -> Ended:
    tails = [_Tail(limit) for _ in streams]
    answer: bytes | None = None
    stuck, unread = False, False
    async with anyio.create_task_group() as readers:
        over = [anyio.Event() for _ in streams]
        with anyio.move_on_after(timeout) as time:
            for fd, tail, event in zip(streams, tails, over, strict=True):
                # Only stdout: what is said on stderr is kept at its end, however much it is.
                full = time.cancel if whole and tail is tails[0] else None
                readers.start_soon(_drain, fd, tail, event, full)
            answer, unasked = await _answer(reply)
            # No file belongs to this answer: kept open, a few at a time would use up all of ours.
            for each in unasked:
                os.close(each)
        if time.cancelled_caught:
            stuck = await _kill(reply)
            readers.cancel_scope.cancel()
        else:
            unread = await _held_open(over)
            readers.cancel_scope.cancel()
    if stuck:
        raise SandboxGoneError("the sandbox did not kill a program when told to")
    if answer is None and whole and tails[0].dropped:
        raise OutputTooLargeError(f"more than {limit} bytes were written")
    if answer is None:
        raise TimeoutError("the program's time is over")
    stdout, stderr = (tail.bytes() for tail in tails)
    dropped = (tails[0].dropped, tails[1].dropped)
    if not answer:
        # Its shepherd was killed from inside, or by the kernel for want of memory.
        return Ended(_KILLED, stdout, stderr, dropped=dropped, unread=unread)
    if found := re.fullmatch(rb"exit (\d{1,3})", answer):
        return Ended(int(found[1]), stdout, stderr, dropped=dropped, unread=unread)
    if found := re.fullmatch(rb"fail (\d{1,3}) (start|cwd|exec)", answer):
        return Ended(-1, stdout, stderr, int(found[1]), found[2].decode())
    raise MalformedAnswerError("the sandbox's first process gave a malformed answer")


async def _held_open(over: Sequence[anyio.Event]) -> bool:
    """Whether streams are still open a while after their program ended."""
    # A program left in the background may hold them open for ever.
    with anyio.move_on_after(_LATE_OUTPUT_SECONDS) as late:
        for event in over:
            await event.wait()
    return late.cancelled_caught


async def _kill(reply: socket.socket) -> bool:
    """Have a program killed; whether nobody said that it was."""
    # Where its shepherd is already gone there is nobody to tell.
    with contextlib.suppress(OSError):
        reply.send(b"kill")
    with anyio.move_on_after(_KILL_SECONDS) as patience:
        await _answer(reply)
    return patience.cancelled_caught


async def open_file(launched: Launched, path: str, verb: Opening) -> int:
    """A file opened inside, by the sandbox's own user and in its own view; the caller closes it.

    Only what `os.fstat` says about it can be trusted.

    Args:
        launched: The sandbox.
        path: Where; a relative one is below the working folder.
        verb: To read it, to write it anew, or to write on at its end.

    Raises:
        OSError: why it could not be opened, with the path.
        SandboxGoneError: the sandbox has ended or does not answer.
        ValueError: a NUL in the path.
    """
    if "\0" in path:
        raise ValueError("a NUL byte cannot stand in a path")
    body = path.encode("utf-8", "surrogateescape")
    with await _ask(launched, verb.encode(), body, []) as reply:
        try:
            with anyio.fail_after(_ANSWER_SECONDS):
                text, fds = await _answer(reply)
        except TimeoutError as error:
            raise SandboxGoneError("the sandbox does not answer") from error
    if text == b"open" and len(fds) == 1:
        return fds[0]
    for fd in fds:
        os.close(fd)
    if found := re.fullmatch(rb"fail (\d{1,3}) start", text):
        code = int(found[1])
        raise OSError(code, os.strerror(code), path)
    if not text:
        raise SandboxGoneError("the sandbox has ended")
    raise MalformedAnswerError("the sandbox's first process gave a malformed answer")


async def _ask(launched: Launched, verb: bytes, body: bytes, fds: Sequence[int]) -> socket.socket:
    """Send a request; the socket that its answer will come on."""
    if launched.closed:
        raise SandboxGoneError("the sandbox has ended")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)  # noqa: FBT003 - takes no keyword
    text = memory_file(body)
    given = [theirs.fileno(), text, *fds]
    try:
        with anyio.fail_after(_ANSWER_SECONDS):
            while not _sent(launched.control, verb, given):  # noqa: ASYNC110 - a queue tells nobody
                await anyio.sleep(_FULL_SECONDS)
    except (OSError, TimeoutError) as error:
        ours.close()
        raise SandboxGoneError("the sandbox has ended or does not answer") from error
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
        os.close(text)
    return ours


def _sent(control: socket.socket, verb: bytes, fds: Sequence[int]) -> bool:
    """Whether the datagram went; the kernel queues about ten."""
    try:
        socket.send_fds(control, [verb], fds, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    return True


async def _answer(reply: socket.socket) -> tuple[bytes, list[int]]:
    await anyio.wait_readable(reply)
    return receive_files(reply)


async def _drain(
    fd: int, tail: _Tail, over: anyio.Event, full: Callable[[], None] | None = None
) -> None:
    # A program that keeps the other end and writes nothing must not stop the event loop.
    os.set_blocking(fd, False)
    while True:
        await anyio.wait_readable(fd)
        try:
            chunk = os.read(fd, _CHUNK)
        except BlockingIOError:
            continue
        if not chunk:
            over.set()
            return
        tail.add(chunk)
        if full is not None and tail.dropped:
            full()
