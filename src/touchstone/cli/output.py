"""What every command prints with: text, tables, or JSON where it is asked for.

Nothing else in this package writes to stdout or stderr, so that no command can print a stranger's
text raw: whatever a reader could not see, or a terminal would obey, stands as its code.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Protocol

from cyclopts import Parameter
from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.segment import Segment

from touchstone.handin import is_unseen, shown

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON instead of text.")]
PIPED = 200
"""Columns of a table that no terminal shows: it must not be folded at 80."""


class Told(Protocol):
    """A result that says itself in lines and in JSON."""

    def lines(self) -> Any:
        """For people."""
        ...

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        ...


class Screen(Console):
    """A console on which nothing unseen is printed: styles are ours, the text may be a stranger's.

    It holds for whatever is printed, or redrawn in place, however it came there.
    """

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Every segment of text, with what is unseen in it as its code."""
        for segment in super().render(renderable, options):
            # Rich's own control codes move the cursor of a redrawn table; only what is text may
            # come from strangers.
            yield segment if segment.control else segment._replace(text=shown(segment.text))


def screen(*, errors: bool = False) -> Screen:
    """Where tables and progress go: stdout, or stderr for errors; as wide as the terminal."""
    # In a pipe there is no width to ask for: tables must come out alike on every machine.
    found = Screen(stderr=errors, highlight=False)
    return found if found.is_terminal else Screen(stderr=errors, highlight=False, width=PIPED)


@contextmanager
def waiting(text: str) -> Iterator[Callable[[str], None]]:
    """What is being waited for, and how long so far, where somebody looks on; nothing in a pipe.

    Gives what says how far it has come. The line is gone at the end.
    """
    console = screen(errors=True)
    if not console.is_terminal or console.is_dumb_terminal:
        yield lambda _: None
        return
    # The text is no markup: it may hold a stranger's name.
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(text, total=None)
        yield lambda said: progress.update(task, description=said)


def show(text: str) -> None:
    """Text, as a line of its own."""
    sys.stdout.write(f"{shown(text)}\n")


def warn(text: str) -> None:
    """How far something long has come, or what is suspect, where no result goes."""
    ask(f"{text}\n")


def ask(question: str) -> None:
    """The same without an end of line, for what is answered beside it."""
    sys.stderr.write(shown(question))
    # A question without an end of line would stay in the buffer while somebody waits for it.
    sys.stderr.flush()


def show_json(value: Any) -> None:
    """A value as JSON, for programs: the same value, with what is unseen in it escaped."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    # Escaped in the JSON text and not taken out: a program reads the same value, and a terminal
    # obeys nothing.
    unseen = {ord(c): json.dumps(c)[1:-1] for c in set(text) if c != "\n" and is_unseen(c)}
    sys.stdout.write(f"{text.translate(unseen)}\n")


def tell_facts(line: str, facts: dict[str, Any], *, json: bool) -> None:
    """What was done, as a line or as JSON."""
    if json:
        show_json(facts)
    else:
        show(line)


def tell(result: Told, *, json: bool) -> None:
    """A result, in lines or as JSON."""
    if json:
        show_json(result.as_dict())
    else:
        show("\n".join(result.lines()))
