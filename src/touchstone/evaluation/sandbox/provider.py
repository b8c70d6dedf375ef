"""The Inspect sandbox provider `touchstone`: a lasting bubblewrap a sample, one for its judge."""

import errno
import os
import stat
import uuid
from collections.abc import Sequence
from typing import Any, Literal, overload

import anyio
from inspect_ai.util import (
    ExecResult,
    OutputLimitExceededError,
    SandboxEnvironment,
    SandboxEnvironmentConfigType,
    SandboxEnvironmentLimits,
    SandboxUnavailableError,
    SandboxUserUnsupportedError,
    sandboxenv,
)
from pydantic import BaseModel
from typing_extensions import override

from touchstone.evaluation.inspect_seam import note_beside
from touchstone.evaluation.sandbox import channel, copyout, launch, seccomp, tools
from touchstone.evaluation.sandbox.config import Grade, SandboxConfig
from touchstone.evaluation.sandbox.errors import (
    CopyOutRefusedError,
    SandboxError,
    SandboxGoneError,
    SandboxLaunchError,
)
from touchstone.evaluation.sandbox.events import EVENTS, GuardHits, Kind, start_failed
from touchstone.evaluation.sandbox.preflight import preflight, ready
from touchstone.evaluation.sandbox.watch import watcher
from touchstone.evaluation.sandbox.watching_files import FileWatcher
from touchstone.evaluation.witnessed_output import SOURCE, witness_of
from touchstone.handin import printable, printable_bytes

SAMPLE_KEY = "touchstone_sample"
"""The sample metadata that names the sample in events."""

DEFAULT, JUDGE = "default", "judge"
"""The names of a sample's two sandboxes."""

_NOT_FOUND, _NOT_RUN = 127, 126
_SENTENCE = 64
"""Bytes of an output that is too long that give way to the sentence that says so."""
_LIMITS: dict[Kind, str] = {
    "memory": "the memory limit was reached",
    "processes": "the limit of processes was reached",
}


@sandboxenv(name="touchstone")
class TouchstoneSandbox(SandboxEnvironment):
    """One sandbox: started on first use, alive until it is closed.

    `name` is `default` or `judge`, or a pack's own; `sample` names the sample in events. The
    judge's starts with the first `write_file` (or `start`) and answers nothing before, so that
    tools which look into every sandbox of a sample do not wake it, and cannot install themselves.
    """

    def __init__(
        self, config: SandboxConfig, sample: str, name: str, output_bytes: int | None = None
    ) -> None:
        super().__init__()
        self._output_bytes = output_bytes
        self.config = config
        self.sample = sample
        self.name = name
        self._launched: launch.Launched | None = None
        self._guards = launch.Guards(confined=False)
        self._starting = anyio.Lock()
        self._closed = False
        self._hits: dict[str, int] = {}
        self._files: FileWatcher | None = None

    @property
    def grade(self) -> Grade:
        """The grade that this machine gives."""
        return preflight().grade

    @property
    def _output(self) -> int:
        """Bytes that are kept of each stream of a program: its last ones."""
        most = SandboxEnvironmentLimits.MAX_EXEC_OUTPUT_SIZE
        return min(most, self._output_bytes or most)

    @property
    def started(self) -> bool:
        """Whether it has been used."""
        return self._launched is not None

    @property
    def events(self) -> tuple[GuardHits, ...]:
        """What the sample's sandboxes have noticed so far, oldest first."""
        return EVENTS.of(self.sample)

    async def start(self) -> launch.Launched:
        """Start it unless it runs. Must be called on a thread that outlives the sandbox.

        Raises:
            SandboxGradeError: this machine cannot give the configured grade.
            SandboxLaunchError: it did not start.
            SandboxGoneError: it was closed, or has ended.
        """
        # Tools of one sample run at the same time, and the first call starts it.
        async with self._starting:
            if self._closed or (self._launched and self._launched.closed):
                raise SandboxGoneError("the sandbox has ended")
            if self._launched is None:
                able = preflight()
                # Again at each start: an Inspect log can be run on another machine than it was made
                # on.
                able.require(self.config.grade)
                self._guards = able.standing
                try:
                    launched = launch.start_sandbox(self.config, tools.find_tools(), self._guards)
                    await ready(launched)
                    try:
                        watcher().add(launched, self._noticed, self._told, self._slowed)
                    except BaseException:
                        # Nobody else knows of it: unwatched, it would answer as if it were sound,
                        # and outlive its sample.
                        launched.end(0)
                        raise
                    self._launched = launched
                except OSError as error:
                    # As it is, it would be taken for an answer that is not there, or not readable.
                    raise SandboxLaunchError(f"the sandbox did not start: {error}") from error
            return self._launched

    async def watch_files(self, folders: Sequence[str]) -> None:
        """Watch the files of folders of the working folder from here on, once.

        Raises as `FileWatcher` and `start`.
        """
        launched = await self.start()
        self._files = await anyio.to_thread.run_sync(FileWatcher, launched.work, folders)

    async def files_seen(self) -> dict[str, Any] | None:
        """What the watcher saw till now; None where none was asked for."""
        if self._files is None:
            return None
        await anyio.to_thread.run_sync(self._files.look)
        return self._files.record()

    def close(self) -> None:
        """Kill everything in it and give all back. Safe to call twice."""
        if self._files:
            self._files.close()
        # Also where it never ran: a tool that comes late must not start it after its sample.
        self._closed = True
        if self._launched and not self._launched.closed:
            self._limits_hit()
            watcher().remove(self._launched)
            self._launched.end()

    @override
    async def exec(
        self,
        cmd: list[str],
        input: str | bytes | None = None,
        cwd: str | None = None,
        env: dict[str, str] | None = None,
        user: str | None = None,
        timeout: int | None = None,
        timeout_retry: bool = True,
        concurrency: bool = True,
    ) -> ExecResult[str]:
        """See Inspect. Output is safe text, its last part where it is too long; no retries."""
        ran = await self.run(cmd, input, cwd, env, user=user, seconds=timeout)
        if (told := witness_of(ran.stderr, ran.stdout)) is not None:
            # Inspect writes its own event next, and nothing is awaited between the two.
            note_beside(told, SOURCE)
        return ran

    async def run(
        self,
        cmd: list[str],
        given: str | bytes | None = None,
        cwd: str | None = None,
        env: dict[str, str] | None = None,
        *,
        user: str | None = None,
        seconds: int | None = None,
    ) -> ExecResult[str]:
        """As `exec`, with nothing noted in Inspect's log."""
        # Refused and not ignored: a task that counts on root would measure something else.
        if user is not None and user not in {launch.USER, str(launch.UID)}:
            raise SandboxUserUnsupportedError(f"the sandbox has one user only, not {user!a}")
        launched = await self._awake()
        folder = launched.folder or launch.WORK
        if not self._guards.confined:
            cmd = without_profile(cmd)
        variables = launch.environment(self._guards, launched.folder) | (env or {})
        stdin = given.encode() if isinstance(given, str) else given or b""
        try:
            ended = await channel.run(
                launched,
                cmd,
                variables,
                os.path.join(folder, cwd or ""),  # noqa: PTH118 - a path inside
                stdin,
                seconds,
                self._output,
            )
        except SandboxGoneError as error:
            self._gone(error)
            raise
        finally:
            self._limits_hit()
            await self._look()
        if ended.unread:
            self._record(
                "output",
                "a program in the background held the output open; what it"
                " wrote later was not read",
                breach=False,
            )
        if ended.error:
            start_failed(f"{ended.stage}: {os.strerror(ended.error)}")
        if ended.error == errno.EACCES and ended.stage == "exec":
            raise PermissionError(errno.EACCES, "not allowed to run", cmd[0])
        if ended.error:
            place = cwd or folder if ended.stage == "cwd" else cmd[0]
            text = printable(f"{place}: {os.strerror(ended.error)}\n")
            code = _NOT_FOUND if ended.error == errno.ENOENT else _NOT_RUN
            return ExecResult(success=False, returncode=code, stdout="", stderr=text)
        return ExecResult(
            success=ended.code == 0,
            returncode=ended.code,
            stdout=self._shown(ended.stdout, ended.dropped[0]),
            stderr=self._shown(ended.stderr, ended.dropped[1]),
        )

    @override
    async def write_file(self, file: str, contents: str | bytes) -> None:
        """See Inspect. Relative paths are below the working folder; parents are made."""
        data = contents.encode() if isinstance(contents, str) else contents
        await self.write_part(file, data, append=False)

    async def write_part(self, file: str, data: bytes, *, append: bool) -> None:
        """As `write_file`; with `append` at the end of what is there."""
        fd = await self._open(file, "append" if append else "write")
        # In a thread, as for reading: a full disk inside answers slowly.
        try:
            await anyio.to_thread.run_sync(_write_all, fd, data)
        finally:
            os.close(fd)

    @overload
    async def read_file(self, file: str, text: Literal[True] = True) -> str: ...

    @overload
    async def read_file(self, file: str, text: Literal[False]) -> bytes: ...

    @override
    async def read_file(self, file: str, text: bool = True) -> str | bytes:
        """See Inspect. The path is resolved inside, so that a link never leads to the host."""
        fd = await self._open(file, "read")
        limit = SandboxEnvironmentLimits.MAX_READ_FILE_SIZE
        try:
            # In a thread: a file inside may be one that answers slowly.
            content = await anyio.to_thread.run_sync(copyout.read_copied, fd, limit)
        finally:
            os.close(fd)
        if content is None:
            raise OutputLimitExceededError(SandboxEnvironmentLimits.MAX_READ_FILE_SIZE_STR, None)
        return content.decode("utf-8") if text else content

    async def read_part(self, file: str, at: int, size: int) -> bytes:
        """At most `size` bytes of a file from the place `at` on; raises as `read_file` does."""
        fd = await self._open(file, "read")
        try:
            return await anyio.to_thread.run_sync(os.pread, fd, size, at)
        finally:
            os.close(fd)

    async def copy_out(self, path: str, limit: int) -> bytes:
        """A file of the working folder, for the host: see `copyout.read` for what is refused.

        Raises:
            FileNotFoundError: there is no such file.
            CopyOutRefusedError: the file is not fit to leave.
            SandboxError: it is the machine that cannot: no more open files, a broken disk.
        """
        launched = await self.start()
        try:
            return await anyio.to_thread.run_sync(copyout.read, launched.work, path, limit)
        except CopyOutRefusedError as error:
            self._record("copy-out", f"refused {error}", breach=False)
            raise

    @override
    def default_polling_interval(self) -> float:
        """Local and quick."""
        return 0.2

    @override
    @classmethod
    def default_concurrency(cls) -> int | None:
        """Two for each processor: more only wait for each other."""
        return 2 * (os.cpu_count() or 1)

    @override
    @classmethod
    def config_deserialize(cls, config: dict[str, Any]) -> BaseModel:
        """The configuration from a log."""
        return SandboxConfig.model_validate(config)

    @override
    @classmethod
    async def task_init(cls, task_name: str, config: SandboxEnvironmentConfigType | None) -> None:
        """Find out what this machine can give before the first sample pays for it."""
        able = await anyio.to_thread.run_sync(preflight)
        able.require(_config(config).grade)

    @override
    @classmethod
    async def sample_init(
        cls, task_name: str, config: SandboxEnvironmentConfigType | None, metadata: dict[str, str]
    ) -> dict[str, SandboxEnvironment]:
        """The subject's sandbox, started, and the judge's, which starts on first use."""
        sample = str(metadata.get(SAMPLE_KEY) or uuid.uuid4().hex)
        bounds = _config(config)
        default = TouchstoneSandbox(bounds, sample, DEFAULT)
        await default.start()
        return {DEFAULT: default, JUDGE: TouchstoneSandbox(bounds, sample, JUDGE)}

    @override
    @classmethod
    async def sample_cleanup(
        cls,
        task_name: str,
        config: SandboxEnvironmentConfigType | None,
        environments: dict[str, SandboxEnvironment],
        interrupted: bool,
    ) -> None:
        """Kill and remove, always."""
        for environment in environments.values():
            environment.as_type(TouchstoneSandbox).close()

    async def _awake(self) -> launch.Launched:
        if self.name == JUDGE and not self.started:
            raise SandboxUnavailableError("the judge's sandbox starts when its files are written")
        return await self.start()

    async def _open(self, file: str, verb: channel.Opening) -> int:
        write = verb != "read"
        launched = await (self.start() if write else self._awake())
        try:
            fd = await channel.open_file(launched, file, verb)
        except SandboxGoneError as error:
            self._gone(error)
            raise
        except OSError as error:
            if write or isinstance(error, FileNotFoundError):
                raise
            if error.errno not in copyout.PLANTED:
                raise SandboxError(f"{file} cannot be opened: {error.strerror}") from error
            # A loop of links, a socket, a lease: what a program planted there is no fault of ours.
            raise PermissionError(errno.EACCES, error.strerror, file) from error
        mode = os.fstat(fd).st_mode
        if stat.S_ISREG(mode):
            return fd
        os.close(fd)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "Is a directory", file)
        raise PermissionError(errno.EACCES, "Not a regular file", file)

    def _shown(self, output: bytes, dropped: int) -> str:
        """Output as safe text; what is left out of it is said in its place, and recorded."""
        if not dropped:
            return printable_bytes(output)
        self._record(
            "output",
            f"a program wrote more than {self._output} bytes; the first part was left out",
            breach=False,
        )
        # The sentence takes its place within the limit.
        text = printable_bytes(output[_SENTENCE:])
        return f"[{dropped + _SENTENCE} bytes before this are left out]\n{text}"

    def _record(self, kind: Kind, detail: str, *, breach: bool, times: int = 1) -> None:
        EVENTS.record(GuardHits(kind, printable(detail), breach, self.name, self.sample, times))

    def _slowed(self, text: str) -> None:
        self._record("bound", text, breach=False)

    def _noticed(self, notice: seccomp.Notice) -> None:
        self._record("system-call", f"refused {notice.name}", breach=notice.breach)

    def _told(self, message: bytes) -> None:
        if message == b"memory":
            self._record("memory", _LIMITS["memory"], breach=False)
        elif message:
            self._record("protocol", "the first process sent a strange message", breach=True)
        else:
            self._limits_hit()
            # Where memory ran out the kernel may have taken process 1 as well: that is no attack.
            starved = self._hits.get("memory", 0) > 0
            self._record("protocol", "the first process ended before its time", breach=not starved)

    async def _look(self) -> None:
        """See what a command did to the files, also where it was killed."""
        if self._files:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._files.ran)

    def _gone(self, error: SandboxError) -> None:
        strange = isinstance(error, channel.MalformedAnswerError)
        self._record("protocol", str(error), breach=strange)

    def _limits_hit(self) -> None:
        if not self._launched or not self._launched.group:
            return
        before, self._hits = self._hits, self._launched.group.hits()
        for kind, text in _LIMITS.items():
            if times := self._hits.get(kind, 0) - before.get(kind, 0):
                self._record(kind, text, breach=False, times=times)


def without_profile(cmd: list[str]) -> list[str]:
    """A login shell that reads no profile: outside of a sandbox it would be the host's.

    Inspect's tools run `bash --login -c`. A sandbox's own `/etc` and home hold no profile but what
    the subject puts there.
    """
    return [*cmd[:1], "--noprofile", *cmd[1:]] if cmd[:2] == ["bash", "--login"] else cmd


def _config(config: SandboxEnvironmentConfigType | None) -> SandboxConfig:
    if isinstance(config, SandboxConfig):
        return config
    if config is None:
        return SandboxConfig()
    raise SandboxError("the touchstone sandbox takes a SandboxConfig and nothing else")


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
