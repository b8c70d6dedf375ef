"""Which code an agent is: the installed files of its distribution, held against its wheel."""

import base64
import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from touchstone import __version__
from touchstone.evaluation.agents.making import arguments_of
from touchstone.evaluation.digests import digest_bytes, digest_value
from touchstone.evaluation.elicitation import AgentCode, AgentName, Elicitation
from touchstone.evaluation.errors import ElicitationError

OURS = "touchstone"
ENTRIES: dict[AgentName, tuple[str, str]] = {
    "react": ("inspect-ai", "inspect_ai.agent:react"),
    "deepagent": ("inspect-ai", "inspect_ai.agent:deepagent"),
    "lead": ("inspect-ai", "inspect_ai.agent:react"),
    "loop": (OURS, "touchstone.evaluation.agents.loop:loop"),
}
"""Distribution and entry point of each agent that runs in this process."""


def agent_code(elicitation: Elicitation) -> AgentCode:
    """The code of an elicitation's agent as it is installed here.

    Raises:
        ElicitationError: its files are not those of its wheel.
    """
    package, entry = ENTRIES[elicitation.agent]
    ours = _own_digest()
    version, digest = (__version__, ours) if package == OURS else wheel_digest(package)
    return AgentCode(
        package=package,
        version=version,
        digest=digest,
        entry=entry,
        arguments=arguments_of(elicitation),
        harness=ours,
    )


@cache
def wheel_digest(package: str) -> tuple[str, str]:
    """Version of a distribution, and digest of the files that its wheel's RECORD lists.

    The same on every machine that installed the same wheel: what an installer adds (scripts with
    its own first line, its name, compiled files) has no part in it.

    Raises:
        ElicitationError: it is not installed from a wheel, or a file is not as the wheel had it.
    """
    try:
        found = distribution(package)
    except PackageNotFoundError as error:
        raise ElicitationError(f"{package} is not installed; install it") from error
    listed = {}
    for each in found.files or ():
        name = each.as_posix()
        # The installer's: a script outside of the folder, and lines that RECORD leaves bare.
        if each.hash is None or name.startswith("..") or _is_installers(name):
            continue
        listed[name] = f"{each.hash.mode}={each.hash.value}"
        if _hashed(Path(str(each.locate())), each.hash.mode) != each.hash.value:
            raise ElicitationError(
                f"{package} {found.version}: {name} is not as its wheel had it; install it anew"
            )
    if not listed:
        raise ElicitationError(f"{package} {found.version} lists no files; install it from a wheel")
    return found.version, digest_value(listed)


def _is_installers(name: str) -> bool:
    folder, _, last = name.rpartition("/")
    return folder.endswith(".dist-info") and last in {"INSTALLER", "REQUESTED", "direct_url.json"}


def _hashed(path: Path, mode: str) -> str:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, mode).digest()
    except (OSError, ValueError):
        return ""
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@cache
def _own_digest() -> str:
    files = sorted(Path(__file__).parent.glob("*.py"))
    return digest_value({path.name: digest_bytes(path.read_bytes()) for path in files})
