"""What tables say of a case: in the units that its framework counts in."""

import io
from typing import Any

import pytest
from rich.console import Console

from touchstone.cli import question_tables, tables
from touchstone.editions.questions.case import CaseShown
from touchstone.editions.questions.clock import ClockDate, ClockShown


def shown(business_days: bool) -> CaseShown:
    clock: dict[str, Any] = {
        "timezone": "Europe/London",
        "share_by": "2026-12-01T23:59:59+00:00",
        "review_by": "2027-01-05T23:59:59+00:00",
        "shared": "2026-12-02",
        "business_days": business_days,
        "days_left": 1,
        "shortfall_days": 2,
        "late_days": 2,
    }
    return CaseShown(
        case="c" * 64,
        model="Example Model",
        framework="example",
        status="open",
        left="",
        not_known=(),
        agreement={},
        clock=clock,
        verdicts=(),
        designation={"proposed": "nothing so far", "made": "nothing so far", "concurrence": {}},
        timeline=(),
    )


@pytest.mark.parametrize(
    ("business_days", "told"),
    [
        (True, "(1 business day left), 2 business days late, shortfall 2 business days"),
        (False, "(1 day left), 2 days late, shortfall 2 days"),
    ],
)
def test_days_are_told_as_the_framework_counts_them(
    capsys: pytest.CaptureFixture[str], business_days: bool, told: str
):
    tables.case(shown(business_days))
    assert told in capsys.readouterr().out


def test_a_narrow_table_cuts_no_id_off(monkeypatch: pytest.MonkeyPatch):
    told = io.StringIO()
    monkeypatch.setattr(tables, "screen", lambda: Console(file=told, width=20))
    tables.grid(("Criterion", "Says"), [("safeguards-before-release", "undetermined")])
    assert "safeguards-before-release" in "".join(
        line.split(" ")[0] for line in told.getvalue().splitlines()
    )


@pytest.mark.parametrize(
    ("known", "by", "told"),
    [
        (True, (), "nobody"),
        (True, ("lab",), "lab"),
        # Nobody is named, since nobody can be told: that is not to be read as an answer.
        (False, (), "cannot be told here"),
    ],
)
def test_a_clock_that_cannot_say_who_is_to_act_says_so(
    capsys: pytest.CaptureFixture[str], known: bool, by: tuple[str, ...], told: str
):
    end = "2027-01-20T23:59:59+00:00"
    day = ClockDate("postponement", "", end, "UTC", past=False, by=by, about="more")
    question_tables.clock(ClockShown("not-laid", "UTC", None, (day,), acting_told=known))
    shown = capsys.readouterr().out
    assert told in shown
    assert "postponement asked for (more)" in shown
