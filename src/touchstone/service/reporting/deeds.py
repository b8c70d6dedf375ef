"""Deeds about editions of the report.

Begin at `case.record([report_issued(case, by, audience, edition, report)])`; see
`touchstone.service.drafting`.
"""

from touchstone.review.events import settling
from touchstone.service.case_context import Case
from touchstone.service.commit import Deed
from touchstone.service.drafting import event_of


def report_issued(case: Case, by: str, audience: str, edition: int, report: str, at: str) -> Deed:
    """An edition is given to an audience: its number for it, from 1, and the page's digest.

    `at` is when the edition was made (UTC), which stands in it.
    """
    facts = {"audience": audience, "edition": edition, "report": report, "at": at}
    return Deed(event_of(case, settling.ReportIssued, by, **facts))
