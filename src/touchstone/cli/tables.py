"""Tables for people, on stdout, as wide as the terminal."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from touchstone.cli.output import screen
from touchstone.handin import printable
from touchstone.handin.shown_ids import short_cases

if TYPE_CHECKING:
    from rich.console import Console

    from touchstone.bench.table import BenchTable
    from touchstone.editions.questions.case import CaseRow, CaseShown
    from touchstone.service.checks import Check
    from touchstone.verifier import Verdict


def _shown(text: str) -> str:
    """What may be a stranger's text: nothing in it is obeyed, by Rich or by the terminal."""
    # Both: `[red]` in a model's name would colour the table, and a control code move the cursor.
    return escape(printable(text))


def _table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "", whole: int = 0
) -> Table:
    table = Table(
        title=_shown(title) or None,
        title_justify="left",
        box=None,
        pad_edge=False,
        header_style="bold",
    )
    for place, column in enumerate(columns):
        # Folded and never cut off: half an id names nothing.
        table.add_column(column, overflow="fold", no_wrap=place < whole)
    for row in rows:
        table.add_row(*(_shown(cell) for cell in row))
    return table


def grid(
    columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "", *, whole: int = 0
) -> None:
    """Any table; of its columns the first `whole` stay on one line, however narrow it is."""
    screen().print(_table(columns, rows, title, whole))


def cases(rows: Sequence["CaseRow"], begin: str) -> None:
    """The list of cases; of none, the command that begins one."""
    if not rows:
        screen().print(f"No case so far. Begin with: {begin}")
        return
    shown = short_cases(row.case for row in rows)
    screen().print(
        _table(
            ("Case", "Model", "Developer", "Framework", "Status", "Updated"),
            [(shown[r.case], r.model, r.developer, r.framework, r.status, r.updated) for r in rows],
        )
    )


def case(shown: "CaseShown") -> None:
    """One case."""
    console = screen()
    # Nothing is handed in so far, or what is, is not open to the reader.
    model = f"[bold]{_shown(shown.model)}[/], case" if shown.model else "Case"
    console.print(f"{model} {shown.case}", soft_wrap=True)
    console.print(f"Framework {_shown(shown.framework)}; {_shown(shown.status)}")
    if shown.left:
        console.print(_shown(f"{shown.left[0].upper()}{shown.left[1:]}."), soft_wrap=True)
    for each in shown.not_known:
        console.print(_shown(f"Not known to this version: {each}"), soft_wrap=True)
    if agreed := shown.agreement:
        from touchstone.editions.questions.case import LONGEST_DAYS

        days = agreed["retention_days"]
        kept = f"{days} days" if days <= LONGEST_DAYS else "more than 100 years"
        until = f", until {_minute(agreed['keep_until'], agreed)}" if agreed["keep_until"] else ""
        console.print(
            f"Agreement: access by {agreed['access']}, reasoning {agreed['reasoning']}, kept for "
            f"{kept}{until}, publication: {agreed['publication']}"
        )
    if clock := shown.clock:
        share_by, ends = (_minute(clock[name], clock) for name in ("share_by", "review_by"))
        console.print(
            f"Clock: share by {share_by}, shared {clock['shared']}, window ends {ends} "
            f"({_days(clock['days_left'], clock)} left), {_came(clock)}",
            soft_wrap=True,
        )
    if shown.verdicts:
        _verdicts(console, shown.verdicts)
    if shown.attempts:
        _attempts(console, shown.attempts)
    if shown.reported:
        _reported(console, shown.reported)
    console.print()
    console.print(f"Proposed by rule: {_shown(shown.designation['proposed'])}")
    console.print(f"Decided: {_shown(shown.designation['made'])}")
    for agency, word in shown.designation["concurrence"].items():
        console.print(f"  {_shown(agency)}: {word}")
    console.print()
    console.print(
        _table(
            ("Entry", "Time (UTC)", "Party", "What happened"),
            [(str(e["n"]), e["at"], e["actor"], e["text"]) for e in shown.timeline],
        )
    )


def _verdicts(console: "Console", verdicts: Sequence[dict[str, Any]]) -> None:
    # Here, since it loads what calculates, which most commands need not wait for.
    from touchstone.statistics import percent_interval

    console.print()
    console.print(
        _table(
            ("Criterion", "Mode", "Verdict", "Solved", "95% interval"),
            [
                (
                    v["criterion"],
                    v["mode"],
                    _said(v),
                    _counts(v),
                    percent_interval(*map(float, v["interval"])),
                )
                for v in verdicts
            ],
        )
    )


def _attempts(console: "Console", attempts: Sequence[dict[str, Any]]) -> None:
    """Each attempt by itself, and then one and all of them together."""
    from touchstone.statistics import percent, percent_interval

    def rated(said: dict[str, Any]) -> tuple[str, str]:
        least, most = said["rate"]
        rate = percent(least) if least == most else f"{percent(least)} to {percent(most)}"
        return rate, percent_interval(*said["interval"])

    rows = []
    for run in attempts:
        named = run["criterion"], run["mode"]
        if not run["items"]:
            rows.append((*named, "none so far", f"0 of {run['size']}", "", "", ""))
        for each in run["by_attempt"]:
            counts = f"{each['solved']} of {run['items']}", str(each["lost"])
            rows.append((*named, f"attempt {each['attempt']}", *counts, *rated(each)))
        rows += [(*named, f"pass@{each['k']}", "", "", *rated(each)) for each in run["pass_at"]]
    console.print()
    console.print("Several attempts at each item; the first decides:")
    console.print(
        _table(
            ("Criterion", "Mode", "Of", "Solved", "Not measured", "Rate", "95% for further items"),
            rows,
        )
    )


def _reported(console: "Console", reported: Sequence[dict[str, Any]]) -> None:
    """The mean of each run whose scores decide nothing, and what of it has none."""

    def number(value: float | None) -> str:
        return "" if value is None else f"{value:.3g}"

    rows = []
    for run in reported:
        lost = [f"{count} {kind}" for kind, count in run["unmeasured"].items()]
        lost += [f"{run['items'] - run['ran']} not run"] if run["ran"] < run["items"] else []
        scale, ends = (
            f"{number(low)} to {number(high)}" for low, high in (run["range"], run["interval"])
        )
        scored = f"{run['scored']} of {run['items']}"
        named = run["criterion"], run["mode"]
        rows.append((*named, scored, ", ".join(lost), number(run["mean"]), ends, scale))
    console.print()
    console.print("Scores that are reported only: they decide nothing.")
    columns = ("Criterion", "Mode", "Scored", "Not measured", "Mean", "95% for further items")
    console.print(_table((*columns, "Scale"), rows))


def _days(count: int, clock: dict[str, Any]) -> str:
    """As the framework counts them."""
    unit = "business day" if clock["business_days"] else "day"
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _came(clock: dict[str, Any]) -> str:
    """`728 days late, shortfall 30 days`: later than asked, and what is missing of the window."""
    late, missing = clock["late_days"], clock["shortfall_days"]
    if not late:
        return "in time"
    return f"{_days(late, clock)} late, shortfall {_days(missing, clock)}"


def _minute(instant: str, reckoned: dict[str, Any]) -> str:
    """`2026-10-16 23:59 America/New_York`."""
    return f"{instant[:16].replace('T', ' ')} {reckoned['timezone']}"


def _said(verdict: dict[str, Any]) -> str:
    """`above 0.4`: the word, with the rate that an early verdict claims."""
    claimed = verdict["stop"] and verdict["stop"].get("claimed")
    return f"{verdict['verdict']} {claimed}" if claimed else str(verdict["verdict"])


def _counts(verdict: dict[str, Any]) -> str:
    """`7 of 10, stopped there of 48`."""
    text, stop = f"{verdict['solved']} of {verdict['counted']}", verdict["stop"]
    early = stop and stop["used"] < stop["size"]
    return f"{text}, stopped there of {stop['size']}" if early else text


def verification(verdict: "Verdict") -> None:
    """What a check of a bundle says."""
    console = screen()
    word, *facts = verdict.lines()
    console.print(_shown(word), style="bold", soft_wrap=True)
    for line in facts:
        console.print(_shown(line), soft_wrap=True)


def checks(rows: Sequence["Check"]) -> None:
    """What doctor found."""
    screen().print(
        _table(
            ("", "What", "Found", "Mend"),
            [("ok" if r.ok else "--", r.name, r.found, r.fix) for r in rows],
        )
    )


def bench(table: "BenchTable") -> None:
    """One ratio table."""
    console = screen()
    rows = [
        (
            row.name,
            f"{row.value:,.4g} {row.unit}",
            f"{row.ratio:.2f} x {row.against}" if row.ratio is not None else "",
            row.goal,
            "" if row.met is None else "met" if row.met else "missed",
        )
        for row in table.rows
    ]
    console.print(_table(("Measured", "Value", "Ratio", "Goal", ""), rows, table.title))
    for note in table.notes:
        console.print(_shown(note), soft_wrap=True)
    console.print()
