"""Progress on one screen for people, and as plain lines where there is no terminal."""

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from touchstone.service.progress import Observer, RunProgress

SHOWN_STEPS = 12
LINE_EVERY = 5.0


class Screen:
    """Steps above, one bar for each run below, redrawn in place."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._steps: list[str] = []
        self._rows: Sequence[RunProgress] = ()
        self._began = time.monotonic()

    def step(self, text: str) -> None:
        """Add a line; older ones stay above the live part."""
        self._steps.append(text)
        self._live.console.print(Text("  " + text))
        self._draw()

    def progress(self, rows: Sequence[RunProgress]) -> None:
        """Redraw the bars."""
        self._rows = rows
        self._draw()

    def _draw(self) -> None:
        if not self._rows:
            return
        self._live.update(Group(_bars(self._rows), _footer(self._rows, self._began)))


def _bars(rows: Sequence[RunProgress]) -> Table:
    table = Table.grid(padding=(0, 2))
    for row in rows:
        table.add_row(
            Text(f"  {row.criterion}"),
            Text(row.mode),
            ProgressBar(total=max(row.total, 1), completed=row.recorded, width=28),
            Text(f"{row.recorded}/{row.total}", justify="right"),
            Text(f"{row.solved} solved"),
            Text(f"{row.in_flight} running" if row.in_flight else ""),
        )
    return table


def _footer(rows: Sequence[RunProgress], began: float) -> Text:
    done, total = sum(r.recorded for r in rows), sum(r.total for r in rows)
    elapsed = time.monotonic() - began
    return Text(f"  {done} of {total} samples, {elapsed:.0f} s", style="dim")


class Lines:
    """One line a step, and one about progress every few seconds: for logs and pipes."""

    def __init__(self) -> None:
        self._told = time.monotonic()
        self._last = ""

    def step(self, text: str) -> None:
        """Print the step."""
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def progress(self, rows: Sequence[RunProgress]) -> None:
        """Print a summary, if the last one is a while ago and something changed."""
        now = time.monotonic()
        line = (
            f"{sum(r.recorded for r in rows)} of {sum(r.total for r in rows)} samples, "
            f"{sum(r.solved for r in rows)} solved"
        )
        if now - self._told >= LINE_EVERY and line != self._last:
            self._told, self._last = now, line
            self.step(line)


@contextlib.contextmanager
def observer() -> Iterator[Observer]:
    """The observer that fits where stderr goes."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Lines()
        return
    with Live(console=console, refresh_per_second=8, transient=False) as live:
        yield Screen(live)
