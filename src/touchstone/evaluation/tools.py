"""The subject's tools: Inspect's, guarded against what no program can be given, and counted.

A NUL, half a surrogate pair (both are U+FFFD by the time they come here, see `door`) or a command
of megabytes is the model's own mistake: it is told so as a tool's error, and goes on. Handed on, it
would break the way into the sandbox, and the sample with it.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import anyio
from inspect_ai.tool import Tool, ToolError, bash, python, tool

from touchstone.evaluation.elicitation import Tool as ToolName
from touchstone.evaluation.sandbox.events import failed_starts

MOST_BYTES = 100_000
"""The longest program text of one call; Linux takes 131,071 bytes in one argument."""
_REPLACED = "\N{REPLACEMENT CHARACTER}"


Before = Callable[[], Awaitable[None]]
"""Awaited before a tool's program runs."""


class Counter(Protocol):
    """Told of each tool call that was to run."""

    def __call__(self, *, timed_out: bool, started: bool) -> None:
        """A call ended, ran out of its time, or its program could not be started."""


def subject_tools(
    names: tuple[ToolName, ...], seconds: int, count: Counter, before: Before | None = None
) -> list[Tool]:
    """The tools of an elicitation.

    Args:
        names: Which.
        seconds: What one call may take.
        count: Told of each call.
        before: Awaited before each program runs.
    """
    made: dict[ToolName, Callable[[int, Counter, Before | None], Tool]]
    made = {"bash": _bash, "python": _python}
    return [made[name](seconds, count, before) for name in names]


@tool(name="bash", parallel=True)
def _bash(seconds: int, count: Counter, before: Before | None) -> Tool:
    inner = bash(timeout=seconds)

    async def execute(command: str) -> str:
        """Use this function to execute bash commands.

        Args:
          command: The bash command to execute.

        Returns:
          The output of the command.
        """
        return await _guarded(inner, count, before, command)

    return execute


@tool(name="python", parallel=True)
def _python(seconds: int, count: Counter, before: Before | None) -> Tool:
    inner = python(timeout=seconds)

    async def execute(code: str) -> str:
        """Use the python function to execute Python code.

        The Python tool executes single-run Python scripts. Important notes:
        1. Each execution is independent - no state is preserved between runs
        2. You must explicitly use print() statements to see any output
        3. Simply writing expressions (like in notebooks) will not display results
        4. The script cannot accept interactive input during execution
        5. Return statements alone won't produce visible output
        6. All variables and imports are cleared between executions
        7. Standard output (via print()) is the only way to see results

        Args:
          code (str): The python code to execute.

        Returns:
          The output of the Python code.
        """
        return await _guarded(inner, count, before, code)

    return execute


async def _guarded(inner: Tool, count: Counter, before: Before | None, program: str) -> str:
    """Run a program text that can be run.

    Raises:
        ToolError: it cannot; the model reads why.
    """
    # The door has put this character in the place of others: the program is not the one that was
    # meant.
    if _REPLACED in program or "\0" in program or not _encodable(program):
        raise ToolError(
            "The text holds a NUL, half a surrogate pair or U+FFFD, so it was not run. "
            "Write such characters as escapes."
        )
    if len(program.encode()) > MOST_BYTES:
        raise ToolError(f"The text is longer than {MOST_BYTES} bytes, so it was not run.")
    if before is not None:
        await before()
    timed_out, started = False, True
    # A program that did not start comes back from Inspect as one that failed.
    with failed_starts() as failed:
        try:
            output: Any = await inner(program)
        except (TimeoutError, anyio.get_cancelled_exc_class()):
            # Cancelled: the sample's own time ran out while this call was still running.
            timed_out = True
            raise
        except OSError:
            # The program's own errors come back as its output.
            started = False
            raise
        finally:
            count(timed_out=timed_out, started=started and not failed)
    return str(output)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
