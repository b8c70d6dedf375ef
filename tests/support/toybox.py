"""A sandbox provider for tests of the engine: Inspect's local one, with a separate judge's."""

from inspect_ai.util import SandboxEnvironment, SandboxEnvironmentConfigType, sandboxenv
from inspect_ai.util._sandbox.local import LocalSandboxEnvironment


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
