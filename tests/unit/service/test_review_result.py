from pathlib import Path

import pytest

from touchstone.service.measurement.review_result import ReviewResult
from touchstone.service.reporting.edition_files import Edition


@pytest.mark.parametrize(
    ("designation", "summary", "line"),
    [
        (
            "undetermined",
            "undetermined, because not measured: pay",
            "Proposed by rule: undetermined (not measured: pay)",
        ),
        ("covered", "met: pay", "Proposed by rule: covered frontier model (met: pay)"),
    ],
)
def test_a_designation_is_named_once(designation: str, summary: str, line: str):
    edition = Edition("public", Path("report.html"), Path("bundle.jsonl"))
    result = ReviewResult("case", designation, summary, "", (), (), 0, (edition,), "SHA256:x")
    assert line in result.lines()
