"""What a scripted solver sees and what it may do: one step of one conversation.

A solver is a pure function of the transcript, as a real endpoint is of the messages it is sent.
It reads no file of ours and knows no seed: it works through shell commands alone.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class CommandResult:
    """One shell command of the solver and what came back."""

    command: str
    """Exactly the text that the solver asked to run."""
    output: str
    """What the tool answered: stderr, then stdout, perhaps shortened by the harness."""


@dataclass(frozen=True)
class Transcript:
    """The conversation so far, oldest first."""

    prompt: str
    """All system and user text."""
    exchanges: tuple[CommandResult, ...]
    """Commands already run in this conversation."""


@dataclass(frozen=True)
class RunCommand:
    """Run one shell command. The working folder is the task's."""

    command: str
    """At most 100 kB: it travels as one argument of `bash -c`."""
    thought: str = ""
    """Reported as reasoning content and counted as reasoning tokens."""


@dataclass(frozen=True)
class Say:
    """End the conversation with this text."""

    text: str
    thought: str = ""
    """Reported as reasoning content and counted as reasoning tokens."""


Step = RunCommand | Say


class Strategy(Protocol):
    """One way of working on one family's tasks. At most 8 steps a task."""

    def step(self, transcript: Transcript) -> Step:
        """Say what to do next. The same transcript gives the same step."""
        ...


@dataclass(frozen=True)
class Solvers:
    """What a module of this package offers, as its constant `SOLVERS`."""

    family: str
    """The family's name. Prompts of the family contain this word."""
    quick: Strategy
    """Answers `reasoning_effort` none, minimal, low, or none given."""
    thorough: Strategy
    """Answers `reasoning_effort` medium and above; its steps carry thoughts."""
