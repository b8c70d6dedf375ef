"""Which items of a task want a sandbox, and whether Touchstone's own can stand in its place.

`local` means no more than a place to run programs, and `docker` without a file of its own a plain
image; those are given. What describes an environment further is given only where the pack's owner
has said that another will do, for what is measured there is measured in that one.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from inspect_ai import Task
from inspect_ai.dataset import Sample
from inspect_ai.util import SandboxEnvironmentSpec

_PLAIN = "local"
_DOCKER = "docker"
_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml", "Dockerfile")
_MOST_COMPOSE = 1024 * 1024
_FIX = 'write `use = "touchstone"` below [sandbox] into pack.toml where its own sandbox will do'


def replaced_environments(
    task: Task, samples: list[Sample], declared: Mapping[str, Any], folder: Path
) -> tuple[set[int], list[str], list[str]]:
    """Which samples want a sandbox, what it stands in the place of, and what it cannot.

    Args:
        task: The task.
        samples: Its samples.
        declared: The manifest's `[sandbox]`.
        folder: Where the pack's files lie.

    Returns:
        The numbers of those samples; each environment that is replaced, in words; and why the task
        cannot be sealed, a line each.
    """
    names = list(declared["names"])
    wanting: dict[int, SandboxEnvironmentSpec] = {}
    for number, sample in enumerate(samples):
        # As Inspect has it: the task's own kind before that of a sample.
        if (found := task.sandbox or sample.sandbox) is not None:
            wanting[number] = found
    replaced, lacking = dict[str, None](), dict[str, None]()
    for number, spec in wanting.items():
        said = _described(spec, samples[number].sandbox, folder)
        replaced[said or spec.type] = None
        if said and declared["use"] != "touchstone":
            lacking[
                f"the task runs in an environment {said}, which a pack's process does not have;"
                f" {_FIX}"
            ] = None
        for name in _named(spec, samples[number], folder):
            if name not in names:
                lacking[
                    f"the task has an environment {name!a}, which pack.toml does not name;"
                    " write it into sandbox.names"
                ] = None
    return set(wanting), list(replaced), list(lacking)


def _described(
    spec: SandboxEnvironmentSpec, own: SandboxEnvironmentSpec | None, folder: Path
) -> str:
    """The environment in words where it is more than a plain one; else an empty text."""
    config = spec.config if own is None or own.config is None else own.config
    if spec.type == _PLAIN:
        return ""
    if config is not None:
        shown = Path(config).name if isinstance(config, str) else type(config).__name__
        return f"{spec.type!r} ({shown})"
    if spec.type != _DOCKER:
        return repr(spec.type)
    # Inspect takes one that lies beside the task without being told.
    implicit = next((name for name in _FILES if (folder / name).exists()), None)
    return "" if implicit is None else f"{spec.type!r} ({implicit})"


def _named(spec: SandboxEnvironmentSpec, sample: Sample, folder: Path) -> Iterator[str]:
    """The environments that files or a compose file name."""
    for file in sample.files or {}:
        name, colon, _ = file.partition(":")
        if colon:
            yield name
    own = sample.sandbox.config if sample.sandbox else None
    for config in (spec.config, own):
        path = folder / config if isinstance(config, str) else None
        if path is None or path.suffix not in {".yaml", ".yml"} or not path.is_file():
            continue
        services = _services(path)
        # One alone is the default, whatever it is called.
        yield from services if len(services) > 1 else ()


def _services(path: Path) -> list[str]:
    text = path.read_bytes()[:_MOST_COMPOSE]
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return []
    services = found.get("services") if isinstance(found, dict) else None
    return [str(name) for name in services] if isinstance(services, dict) else []
