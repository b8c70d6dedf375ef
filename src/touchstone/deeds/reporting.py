"""Deeds about editions of the report.

Begin at `case.record([report_issued(case, by, audience, edition, report)])`; see
`touchstone.deeds.drafting`.
"""

from touchstone.deeds.deed import Deed
from touchstone.deeds.drafting import event_of
from touchstone.deeds.known_case import KnownCase
from touchstone.review.events import settling


def report_issued(
    case: KnownCase, by: str, audience: str, edition: int, report: str, at: str
) -> Deed:
    """An edition is given to an audience: its number for it, from 1, and the page's digest.

    `at` is when the edition was made (UTC), which stands in it.
    """
    facts = {"audience": audience, "edition": edition, "report": report, "at": at}
    return Deed(event_of(case, settling.ReportIssued, by, **facts))
