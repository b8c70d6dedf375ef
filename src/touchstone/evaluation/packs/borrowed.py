"""A sandbox as a pack's process has it: one of the parent's, asked over the relay's socket.

Nothing runs here. The parent starts it for the sample that it is asked for, runs what is asked, and
writes down what it saw; this is the form in which Inspect knows it.
"""

import base64
from typing import Any, Literal, overload

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
from typing_extensions import override

from touchstone.evaluation.packs.asking import ASKER
from touchstone.evaluation.packs.wire import LENT_PART

LENT = "touchstone-lent"
"""Under which Inspect knows it, and a log names it."""
_RAISED: dict[str, type[Exception]] = {
    "timeout": TimeoutError,
    "not-found": FileNotFoundError,
    "permission": PermissionError,
    "directory": IsADirectoryError,
    "value": ValueError,
    "system": OSError,
}


@sandboxenv(name=LENT)
class BorrowedSandbox(SandboxEnvironment):
    """One named environment of a sample."""

    def __init__(self, sample: str, name: str) -> None:
        super().__init__()
        self.sample, self.name = sample, name

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
        """See Inspect; no retries."""
        if user is not None:
            raise SandboxUserUnsupportedError(f"the sandbox has one user only, not {user!a}")
        said = await self._ask(
            "exec",
            cmd=cmd,
            input=None if input is None else _packed(input),
            cwd=cwd,
            env=env or {},
            timeout=timeout,
        )
        code = said["code"]
        return ExecResult(code == 0, code, _text(said["stdout"]), _text(said["stderr"]))

    @override
    async def write_file(self, file: str, contents: str | bytes) -> None:
        """See Inspect; in parts, each of which is one message."""
        data = contents.encode() if isinstance(contents, str) else contents
        for at in range(0, len(data) or 1, LENT_PART):
            await self._ask(
                "write",
                file=file,
                data=_packed(data[at : at + LENT_PART]),
                at=at,
                size=len(data),
                text=isinstance(contents, str),
            )

    @overload
    async def read_file(self, file: str, text: Literal[True] = True) -> str: ...

    @overload
    async def read_file(self, file: str, text: Literal[False]) -> bytes: ...

    @override
    async def read_file(self, file: str, text: bool = True) -> str | bytes:
        """See Inspect; in parts."""
        found = bytearray()
        while True:
            said = await self._ask("read", file=file, at=len(found), text=text)
            part = base64.b64decode(said["data"])
            found += part
            if len(found) > SandboxEnvironmentLimits.MAX_READ_FILE_SIZE:
                limit = SandboxEnvironmentLimits.MAX_READ_FILE_SIZE_STR
                raise OutputLimitExceededError(limit, None)
            if len(part) < LENT_PART:
                return found.decode() if text else bytes(found)

    @override
    @classmethod
    async def sample_init(
        cls, task_name: str, config: SandboxEnvironmentConfigType | None, metadata: dict[str, str]
    ) -> dict[str, SandboxEnvironment]:
        """The sample's environments, started by the parent, in its order: the first is default."""
        sample = str(metadata["__sample_id__"])
        said = await _asked("start", sample)
        return {name: cls(sample, name) for name in said["names"]}

    @override
    @classmethod
    async def sample_cleanup(
        cls,
        task_name: str,
        config: SandboxEnvironmentConfigType | None,
        environments: dict[str, SandboxEnvironment],
        interrupted: bool,
    ) -> None:
        """Have the parent kill and remove them."""
        for sample in {each.as_type(BorrowedSandbox).sample for each in environments.values()}:
            await _asked("end", sample)

    async def _ask(self, do: str, **more: Any) -> dict[str, Any]:
        return await _asked(do, self.sample, name=self.name, **more)


async def _asked(do: str, sample: str, **more: Any) -> dict[str, Any]:
    said = await ASKER[0].ask({"sandbox": do, "sample": sample, **more})
    if "refused" in said:
        raise SandboxUnavailableError(str(said["refused"]))
    if "raised" in said:
        raise _RAISED.get(said["raised"], OSError)(said["text"])
    return said


def _packed(data: str | bytes) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def _text(data: str) -> str:
    return base64.b64decode(data).decode()
