"""A sandbox provider for tests of the engine: Inspect's local one, with a separate judge's.

Its programs run on the host, but see nothing of the user's: their home is the box's own folder, and
a login shell reads no profile.
"""

import os

from inspect_ai.util import (
    ExecResult,
    SandboxEnvironment,
    SandboxEnvironmentConfigType,
    sandboxenv,
)
from inspect_ai.util._sandbox.local import LocalSandboxEnvironment

from touchstone.evaluation.sandbox.provider import without_profile

# Of what the shell and Python read by themselves, besides the home.
_READ_AT_START = ("BASH_ENV", "ENV", "PYTHONSTARTUP", "PYTHONPATH", "PYTHONHOME", "XDG_CONFIG_HOME")


@sandboxenv(name="toybox")
class ToyBox(LocalSandboxEnvironment):
    @classmethod
    async def sample_init(
        cls,
        task_name: str,  # noqa: ARG003 - Inspect's form
        config: SandboxEnvironmentConfigType | None,  # noqa: ARG003 - the same
        metadata: dict[str, str],  # noqa: ARG003 - the same
    ) -> dict[str, SandboxEnvironment]:
        return {"default": cls(), "judge": cls()}

    async def exec(
        self,
        cmd: list[str],
        input: str | bytes | None = None,  # noqa: A002 - Inspect's form
        cwd: str | None = None,
        env: dict[str, str] | None = None,
        user: str | None = None,
        timeout: int | None = None,  # noqa: ASYNC109 - the same
        timeout_retry: bool = True,
        concurrency: bool = True,
    ) -> ExecResult[str]:
        unset = [word for name in _READ_AT_START for word in ("-u", name)]
        home = f"HOME={self.directory.name}"
        path = f"PATH={os.environ['PATH']}"
        clean = ["env", *unset, home, path, *without_profile(cmd)]
        return await super().exec(clean, input, cwd, env, user, timeout, timeout_retry, concurrency)
