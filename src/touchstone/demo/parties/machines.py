"""Machines of the demo: a home each, in which commands are typed as a person would type them.

    lab = Workstation("example-lab", out / "lab", tell)
    lab.types("party", "init", "example-lab")

Each command is a process of its own that knows no other home; what it may do, it does by its own
keys and by what the server answers.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from touchstone.demo.errors import DemoError

_MAIN = "import sys; from touchstone.cli import main; sys.exit(main())"
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.1
_LONGEST_SAID = 300
NOTHING: Mapping[str, str] = MappingProxyType({})

Tell = Callable[[str, str], None]
"""Is told who types, and what."""


@dataclass(frozen=True, slots=True)
class Typed:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


Typing = Callable[[Sequence[str], Mapping[str, str], str], Typed]
"""Runs a command with its environment, and what is piped in."""


def typed_apart(words: Sequence[str], environment: Mapping[str, str], stdin: str) -> Typed:
    """Run a command as a process of its own, as a person does."""
    done = subprocess.run(
        _command(*words),
        input=stdin,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return Typed(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Workstation:
    """One: whose it is, its home, and how commands are typed there."""

    party: str
    home: Path
    tell: Tell
    typing: Typing = typed_apart
    settings: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """Variables of its environment beside the home: a database, say."""

    def types(
        self, *words: str | Path, stdin: str = "", secrets: Mapping[str, str] = NOTHING
    ) -> Any:
        """Type a command, which must succeed; gives the JSON that it printed.

        Args:
            words: The command without `touchstone` and without `--json`.
            stdin: What is piped in: a code, which is shown to nobody.
            secrets: Variables of its environment beside home and settings.

        Raises:
            DemoError: it ended otherwise.
        """
        typed = [*map(str, words), "--json"]
        self.tell(self.party, " ".join(typed[:-1]))
        done = self.typing(typed, environment_of(self.home, {**self.settings, **secrets}), stdin)
        if done.code:
            said = (done.err or done.out).strip()[-_LONGEST_SAID:]
            raise DemoError(f"{self.party}: touchstone {' '.join(typed[:2])} failed: {said}")
        return json.loads(done.out)

    @contextmanager
    def runs(
        self,
        *words: str | Path,
        ready: Callable[[], bool],
    ) -> Iterator[None]:
        """Run a command that serves, while the block runs; it begins once `ready` says so.

        Raises DemoError where it does not begin.
        """
        self.tell(self.party, " ".join(map(str, words)))
        log = self.home.with_name(f"{self.home.name}-{words[0]}.log")
        with log.open("wb") as said:
            process = subprocess.Popen(
                _command(*words),
                env=environment_of(self.home, self.settings),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        try:
            _await(ready, process, log)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def environment_of(home: Path, more: Mapping[str, str]) -> dict[str, str]:
    """A process's environment: one home, and no database of the person who runs the demo."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TOUCHSTONE_")}
    return {**kept, "TOUCHSTONE_HOME": str(home), **more}


def unused_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _command(*words: str | Path) -> list[str]:
    return [sys.executable, "-P", "-c", _MAIN, *map(str, words)]


def _await(ready: Callable[[], bool], process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > until:
            raise DemoError(f"it did not begin to serve: see {log}")
        time.sleep(_POLL_SECONDS)
