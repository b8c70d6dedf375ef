"""What tables say of a case: in the units that its framework counts in."""

from typing import Any

import pytest

from touchstone.cli import tables
from touchstone.service.cases.case_admin import CaseShown


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
