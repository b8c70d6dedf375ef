"""Submissions and commands for end-to-end tests: the real command line in real processes."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.forked import Command

KEY = "EXAMPLE_LAB_KEY"

HEAD = """\
framework = "{framework}"
reasoning_access = "full"
[developer]
id = "example-lab"
name = "Example Lab"
[model]
id = "example-model-3"
name = "Example Model 3"
release_state = "in-development"
{release}
[[variants]]
id = "final"
"""
MODE = """\
[[modes]]
id = "{id}"
variant = "final"
model = "openai-api/subject/{model}"
base_url = "{url}"
api_key_env = "{key}"
settings = {{ reasoning_effort = "{effort}" }}
"""


def write_submission(
    folder: Path,
    url: str,
    *,
    model: str = "control-solver",
    modes: dict[str, str] | None = None,
    framework: str = "example",
    release: str = "2027-01-05",
    extra: str = "",
) -> Path:
    """A SUBMISSION.toml for a control server; `modes` maps a mode's id to its effort."""
    planned = f"planned_release = {{ date = {release} }}" if release else ""
    text = HEAD.format(framework=framework, release=planned)
    for mode, effort in (modes or {"instant": "none"}).items():
        text += MODE.format(id=mode, model=model, url=url, key=KEY, effort=effort)
    path = folder / "SUBMISSION.toml"
    path.write_text(text + extra, "utf-8")
    return path


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)

    @property
    def refusal(self) -> str:
        """The last line on stderr; there must be no traceback above it."""
        assert "Traceback" not in self.err, self.err
        return self.err.strip().splitlines()[-1]


def environment(home: Path, key: str = "", **more: str) -> dict[str, str]:
    """The environment of a command with its own TOUCHSTONE_HOME."""
    return os.environ | {"TOUCHSTONE_HOME": str(home), KEY: key} | more


def descendants(pid: int) -> list[int]:
    """The processes that it started, and those that they started: its fork server, its workers."""
    told = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    found = [int(word) for word in told.stdout.split()]
    return [*found, *(each for one in found for each in descendants(one))]


def command(*args: str | Path) -> list[str]:
    """The argument vector of the command line in this environment."""
    code = "from touchstone.cli import main; main()"
    return [sys.executable, "-c", code, *map(str, args)]


def touchstone(
    *args: str | Path, home: Path, key: str = "", seconds: int = 200, **more: str
) -> Ran:
    """Run the command line to its end, in a process of its own that need not load it."""
    running = started(*args, home=home, key=key, **more)
    out, err = running.communicate(seconds)
    return Ran(running.wait(), out, err)


def started(*args: str | Path, home: Path, key: str = "", **more: str) -> Command:
    """Such a command, which runs."""
    return Command([str(word) for word in args], environment(home, key, **more))
