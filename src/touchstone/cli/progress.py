"""Progress on one screen for people, and as plain lines where there is no terminal."""

import contextlib
import time
from collections.abc import Iterator, Sequence

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from touchstone.cli.output import screen, warn
from touchstone.verdicts.run_progress import Observer, RunProgress

LINE_EVERY = 5.0
BESIDE_THE_ROWS = 6
"""Lines of the screen kept free: the footer, what is summed up, and some of the steps above."""
BAR = 28
LEAST_BAR = 8
NARROW = 80
"""Columns; below, the bars and what is running give way to the names and the numbers."""
LEAST_FOR_A_GUESS = 10.0
"""Seconds before the time left is guessed: the first samples say little."""


class Pace:
    """How long it has taken, and how long what is left will take at the pace so far."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._at_first: int | None = None

    def text(self, rows: Sequence[RunProgress]) -> str:
        """`12 of 60 samples, 0:42, about 2:48 left`; what is counted never falls.

        Where verdicts may stop runs, it is of the samples sealed, and how many runs have ended.
        """
        done = sum(r.recorded for r in rows)
        # A run whose verdict stands needs only what is under way; the rest of it was never to come.
        total = sum(r.recorded + r.in_flight if r.ended else r.total for r in rows)
        # A verdict may stop a run at any sample, so this is a bound while such a run is open.
        most = "at most " if any(r.may_stop and not r.ended for r in rows) else ""
        if self._at_first is None:
            # What an earlier run recorded cost this one no time.
            self._at_first = done
        elapsed, ours = time.monotonic() - self._began, done - self._at_first
        count = f"{done} of {sum(r.total for r in rows)}"
        if any(r.may_stop for r in rows):
            ended = sum(r.ended for r in rows)
            count += f" sealed samples, {ended} of {len(rows)} runs ended"
        else:
            count += " samples"
        text = f"{count}, {_clock(elapsed)}"
        if ours > 0 and done < total and elapsed >= LEAST_FOR_A_GUESS:
            text += f", {most or 'about '}{_clock(elapsed / ours * (total - done))} left"
        return text


class ProgressScreen:
    """Steps above, one bar for each run below, redrawn in place."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._rows: Sequence[RunProgress] = ()
        self._pace = Pace()

    def step(self, text: str) -> None:
        """Add a line; older ones stay above the live part."""
        self._live.console.print(Text(f"  {text}"))

    def progress(self, rows: Sequence[RunProgress]) -> None:
        """Redraw the bars."""
        width, height = self._live.console.size
        footer = Text(f"  {self._pace.text(rows)}", style="dim", no_wrap=True)
        self._live.update(Group(bars(rows, width, height), footer))


def bars(rows: Sequence[RunProgress], width: int, height: int) -> Group:
    """A line for each run, as many as the screen holds: those at work first, the rest summed up."""
    room = max(height - BESIDE_THE_ROWS, 1)
    shown = list(rows)
    if len(rows) > room:
        busiest = sorted(range(len(rows)), key=lambda place: _rank(rows[place]))[:room]
        shown = [rows[place] for place in sorted(busiest)]
    narrow = width < NARROW
    # A bar gives way before a name is cut off: half a criterion's name is another's.
    wanted = max(len(r.criterion) for r in rows) + max(len(r.mode) for r in rows) if rows else 0
    length = min(max(width - wanted - 35, LEAST_BAR), BAR)
    names = max(width - (22 if narrow else length + 34), 12)
    table = Table.grid(padding=(0, 1))
    shares = (names - names // 3, names // 3)
    if rows and wanted <= names:
        shares = (names, names)
    for share in shares:
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=share)
    for row in shown:
        bar = ProgressBar(total=max(row.total, 1), completed=row.recorded, width=length)
        running = f"{row.in_flight} running" if row.in_flight else row.verdict
        table.add_row(
            Text(f"  {row.criterion}"),
            Text(row.mode),
            *(() if narrow else (bar,)),
            Text(f"{row.recorded}/{row.total}", justify="right"),
            Text(_good(row), justify="right"),
            *(() if narrow else (Text(running),)),
        )
    if len(shown) == len(rows):
        return Group(table)
    ended = sum(row.ended for row in rows)
    more = f"  and {len(rows) - len(shown)} more runs; {ended} of all {len(rows)} have ended"
    return Group(table, Text(more, style="dim", no_wrap=True))


def _good(row: RunProgress) -> str:
    if row.scored is not None:
        return f"{row.scored} scored"
    return f"{row.solved_so_far} solved"


def _rank(row: RunProgress) -> int:
    """At work first, then those still to come, then those that have ended."""
    return 0 if row.in_flight else 2 if row.ended else 1


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Lines:
    """One line a step, and one about progress every few seconds: for logs and pipes."""

    def __init__(self) -> None:
        self._told = time.monotonic()
        self._last = ""
        self._pace = Pace()

    def step(self, text: str) -> None:
        """Print the step."""
        warn(text)

    def progress(self, rows: Sequence[RunProgress]) -> None:
        """Print a summary, if the last one is a while ago and something changed."""
        now = time.monotonic()
        pace = self._pace.text(rows)
        count = f"{sum(r.recorded for r in rows)} and {sum(r.solved_so_far for r in rows)}"
        # Nothing new is no line: a log of a night would else be mostly the same one.
        if now - self._told >= LINE_EVERY and count != self._last:
            self._told, self._last = now, count
            self.step(f"{pace}, {sum(r.solved_so_far for r in rows)} solved")


@contextlib.contextmanager
def observer() -> Iterator[Observer]:
    """The observer that fits where stderr goes."""
    console = screen(errors=True)
    # A redrawn screen in a file is a page of control codes.
    if not console.is_terminal or console.is_dumb_terminal:
        yield Lines()
        return
    with Live(console=console, refresh_per_second=8, transient=False) as live:
        yield ProgressScreen(live)
